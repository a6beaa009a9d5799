"""One measurement over time, across sources and units: what `phr trend` shows and `phr show` has a corner of.

The shape of the JSON is told in docs/trends.md. Tables and pictures read the newest few hundred values, and say so where
there are more; JSON and CSV read all, unless a limit is given.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from phr.errors import UsageError
from phr.records.measures import BY_CODE, BY_ID
from phr.records.units import conversion
from phr.views import trend_find, trend_rows, trend_words
from phr.views.events import Event
from phr.views.panels import PAIRS, PANELS, Pair, Panel
from phr.views.trend_find import Found
from phr.views.trend_line import Line, Scale, common_unit
from phr.views.trend_points import Asked, Wanted, readings

if TYPE_CHECKING:
    from phr.store.store import Store

MOST, MOST_OF_PARTS, MOST_OF_PANEL = 300, 200, 60
"""So many values a screen reads of one measurement, of one that is a part of another, of each in a panel: enough to see
five years of one a week, and the same time however long the life."""
_MEASURED = ("lab_result", "vital_sign", "questionnaire", "imaging")
Report = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measurement that the record holds."""

    key: str
    """What to ask for to have just this one: a code, or `title:` and its title."""
    code: str | None
    title: str = field(repr=False)
    name: str = field(repr=False)
    """The title in plain language."""
    unit: str | None
    count: int
    """Not more than 1,001: then there are more than a thousand."""
    latest: str = field(repr=False)
    date: str | None
    since: str | None
    kind: str = "lab_result"
    words: tuple[str, ...] = field(default=(), repr=False)
    """What people call it."""


def measured(store: Store, limit: int | None = None, *, counts: bool = True) -> list[Measurement]:
    """Every measurement of the record, the most recent first. Without `counts` it is quicker, and `count` is 0."""
    found = [one for one in trend_find.everything(store.db) if _is_measured(one)]
    return [_measurement(store.db, one, counts=counts) for one in found[:limit]]


def _is_measured(one: Found) -> bool:
    """Whether it is a number, or the result of a test: not what somebody answered about their life."""
    return one.newest.number is not None or bool(one.part_keys) or one.newest.kind in _MEASURED


def _measurement(db: Any, one: Found, *, counts: bool) -> Measurement:
    newest = one.newest
    keys = (*one.keys, *one.part_keys)
    value, unit = newest.value, newest.unit
    if not any(key.newest.id == newest.id for key in one.keys):  # a part of something
        told, _ = readings(db, _wanted(one), Asked(limit=1))
        value, unit = (told[0].text, told[0].unit) if told else (value, unit)
    first = [date for key in keys if (date := trend_rows.first_date(db, key.key))] if counts else []
    return Measurement(
        one.ask,
        one.code,
        one.title,
        one.name,
        unit,
        min(trend_find.total(db, one), trend_rows.COUNTED + 1) if counts else 0,
        value,
        newest.date,
        min(first, default=None),
        newest.kind,
        one.measure.words if one.measure else (),
    )


def trend(
    store: Store,
    name: str,
    *,
    since: str | None = None,
    until: str | None = None,
    sources: Sequence[str] = (),
    limit: int | None = None,
    unit: str | None = None,
    brief: bool = False,
) -> Report:
    """What a code, a name or a panel means, over time; `brief`: without a limit no more than a screen has use for.

    Raises UsageError when nothing or too much is called so.
    """
    if sources:
        from phr.views.selection import Selection, check_sources

        check_sources(store, Selection(sources=tuple(sources)))
    asked = Asked(_second(since, end=False), _second(until, end=True), tuple(sources), limit)
    found, every = trend_find.find(store.db, name)
    if limit is not None or brief:
        return _told(store.db, found, every, asked, unit, brief=brief)
    running = gc.isenabled()
    gc.disable()  # all of a life are many small objects, none of them in a circle: the search takes half of the time
    try:
        return _told(store.db, found, every, asked, unit, brief=False)
    finally:
        if running:
            gc.enable()


def _told(
    db: Any, found: Found | Pair | Panel, every: list[Found], asked: Asked, unit: str | None, *, brief: bool
) -> Report:
    """What was found, read and put into words."""
    if asked.limit is None and brief:
        parts = isinstance(found, Pair) or bool(found.part_keys if isinstance(found, Found) else ())
        most = MOST_OF_PANEL if isinstance(found, Panel) else MOST_OF_PARTS if parts else MOST
        asked = replace(asked, limit=most)
    if isinstance(found, Panel):
        return _panel(db, found, every, asked)
    if isinstance(found, Pair):
        lines = [_of_measure(db, every, id_, asked, unit) for id_ in found.measures]
        return _several(found.id, found.name, found.codes[0], [one for one in lines if one])
    if found.is_panel:
        return _composite(db, found, every, asked, unit)
    return {"schema": 1, **line(db, found, asked, unit)}


def _second(date: str | None, *, end: bool) -> int | None:
    if date is None:
        return None
    from phr.fhir import dates

    when = dates.parse(date)
    if when is None:
        raise UsageError(f"{date} is not a date.", hint="Write 2024, 2024-03 or 2024-03-15.")
    return when.end if end else when.start


def _wanted(found: Found) -> Wanted:
    codes = found.codes | set(found.measure.codes if found.measure else ())
    return Wanted(frozenset(codes), tuple(found.keys), tuple(found.part_keys), found.measure or _known(codes))


def _known(codes: set[str]) -> Any:
    return next((BY_CODE[code] for code in codes if code in BY_CODE), None)


def line(db: Any, found: Found, asked: Asked, unit: str | None = None) -> Report:
    """One measurement as one line."""
    wanted = _wanted(found)
    told, more = readings(db, wanted, asked)
    scale = common_unit(told, wanted.measure)
    own = scale.unit
    if unit is not None:
        code = scale.code or _code_of(told, own)
        if told and conversion(own, unit, wanted.measure, code, scale.code) is None:
            raise UsageError(
                f"{found.name} cannot be shown in {unit}.",
                hint=f"Its values are in {own}." if own else "Its values have no unit.",
            )
        scale, own = scale._replace(unit=unit), unit
    drawn = Line(told, scale, wanted.measure)
    moving = trend_words.slope(drawn.points)
    words, change = trend_words.told(drawn.points, moving, own, drawn.refused)
    return {
        "code": found.code,
        "title": found.title,
        "name": _name(found, scale),
        "unit": own,
        "points": drawn.points,
        "latest": drawn.points[-1] if drawn.points else None,
        **change,
        "slope": moving.per_year,
        "slope_unit": f"{own or ''} per year".strip() if moving.per_year is not None else None,
        "direction": moving.direction,
        "slope_from": moving.start,
        "slope_to": moving.end,
        "words": words,
        "refused": drawn.refused,
        "conversions": list(drawn.conversions.values()),
        "codes": sorted(wanted.codes & _there(found)) or sorted(found.codes),
        "more": more,
    }


def _name(found: Found, scale: Scale) -> str:
    """In plain language; where the values are a mass of something else, that."""
    measure = found.measure
    if measure is not None and measure.other_name and scale.code in dict(measure.other_grams):
        return measure.other_name
    return found.name


def _there(found: Found) -> set[str]:
    return {code for key in found.keys for _, code, _ in key.codes} | {
        code for key in found.part_keys for part in key.parts for code in part.codes
    }


def _code_of(told: Sequence[Any], unit: str | None) -> str | None:
    return next((one.code for one in told if one.unit == unit), None)


def _of_measure(
    db: Any, every: list[Found], id_: str, asked: Asked, unit: str | None = None
) -> Report | None:
    found = trend_find.of_measure(every, id_)
    return line(db, found, asked, unit) if found else None


def _several(id_: str, name: str, code: str | None, lines: list[Report]) -> Report:
    """Lines of one picture: the keys of the first one stand at the top too."""
    if not lines:
        raise UsageError(f"The record has no {name.lower()} in numbers.", hint="See what there is: phr trend")
    words = " ".join(f"{one['name']}: {one['words']}" for one in lines if one["words"])
    return {
        "schema": 1,
        **lines[0],
        "pair": id_,
        "pair_name": name,
        "pair_code": code,
        "words": words,
        "series": lines,
    }


def _composite(db: Any, found: Found, every: list[Found], asked: Asked, unit: str | None) -> Report:
    """A panel that sends its values as components, whatever it is: each of them is a line."""
    lines, seen = [], set[str]()
    for key in found.keys:
        for part in key.parts:
            ids = [one for one in every if set(part.codes) & one.codes and key in one.part_keys]
            one = ids[0] if ids else Found(part.title, None, [], [key], set(part.codes), [part.title])
            if one.id not in seen and part.codes:
                seen.add(one.id)
                lines.append(line(db, one, asked, unit))
    return _several(
        found.id, found.name, found.code, [one for one in lines if one["points"] or one["refused"]]
    )


def _panel(db: Any, panel: Panel, every: list[Found], asked: Asked) -> Report:
    lines, missing = [], []
    for id_ in panel.measures:
        one = _of_measure(db, every, id_, asked)
        if one and (one["points"] or one["refused"]):
            lines.append(one)
        elif one is None:
            missing.append(id_)
    missing = _without(panel, missing)
    if not lines:
        narrowed = asked.since is not None or asked.until is not None or asked.sources
        raise UsageError(
            f"The record has nothing of “{panel.name}”{' in this time' if narrowed else ''}.",
            hint=f"That would be: {', '.join(missing)}\nWhat there is: phr trend"
            if missing
            else "What there is: phr trend",
        )
    return {"schema": 1, "panel": panel.id, "title": panel.name, "series": lines, "missing": missing}


def _without(panel: Panel, ids: list[str]) -> list[str]:
    """Names of what a panel would have; of those that go by one name (eGFR by different formulas) none, if one is there."""
    known = {one.id: one for one in (*panel.extra, *(BY_ID[id_] for id_ in panel.measures if id_ in BY_ID))}
    said = {known[id_].words[0] for id_ in panel.measures if id_ not in ids and known[id_].words}
    found = []
    for id_ in ids:
        word = known[id_].words[0] if known[id_].words else id_
        if word not in said:
            said.add(word)
            found.append(known[id_].name)
    return found


def panels(store: Store) -> list[dict[str, str]]:
    """Panels that the record has something of: `{"id", "title"}`."""
    there = {one.measure.id for one in trend_find.everything(store.db) if one.measure}
    found = [{"id": one.id, "title": one.name} for one in PANELS if there & set(one.measures)]
    return found + [{"id": one.words[0], "title": one.name} for one in PAIRS if there & set(one.measures)]


def last(store: Store, event: Event, points: int = 5) -> list[dict[str, Any]]:
    """The last points of the measurement that an event is one of, oldest first; empty for what is not measured.

    Up to the newest one there is, in one unit where that is certain; what cannot be converted stays as it was written.
    """
    if event.get("value") is None or not str(event.get("resource", "")).startswith("Observation/"):
        return []
    codes = [one["code"] for one in event["codes"] if one["code"]]
    measure = next((BY_CODE[code] for code in codes if code in BY_CODE), None)
    names = dict.fromkeys(
        [codes[0] if codes else str(event["title"]).lower(), *(measure.codes if measure else ())]
    )
    keys = trend_rows.keys_of(store.db, list(names))
    wanted = Wanted(frozenset(measure.codes if measure else codes), tuple(keys), (), measure)
    told, _ = readings(store.db, wanted, Asked(limit=points))
    drawn = Line(told, common_unit(told, measure), measure)
    both = [*drawn.points, *({**one, "value": None, "low": None, "high": None} for one in drawn.refused)]
    return sorted(both, key=lambda one: str(one["date"] or ""))
