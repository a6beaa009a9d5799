"""Every measurement of some events as a picture, in the units and under the names of `phr trend`.

Made from the events alone, so that whatever was left out of them is in no picture. An event knows the two numbers of a
blood pressure, and no other components. What cannot be turned into the unit of most values gets a picture of its own;
what has no date, or one before the birth, is counted in the words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import orjson

from phr.charts.model import Curve, Picture
from phr.fhir import dates
from phr.records.measures import BY_CODE, Measure
from phr.views import trend_find, trend_packs, trend_rows, trend_words
from phr.views.events import Event
from phr.views.panels import PAIRS
from phr.views.pictures_born import before_birth
from phr.views.pictures_order import Place, places
from phr.views.pictures_units import in_code
from phr.views.trend_chart import DRAWN, curve
from phr.views.trend_find import Found
from phr.views.trend_line import Line, Point, Scale, common_unit
from phr.views.trend_points import Reading, Wanted, belongs, joined, own_reading, together
from phr.views.trend_rows import Key, Row

_TAKEN_BACK = frozenset(("entered-in-error", "cancelled"))
_MOST_UNITS = 6
"""So many pictures one measurement may have, each in a unit of its own."""


class Drawn(NamedTuple):
    """One line in one unit."""

    found: Found
    name: str
    unit: str | None
    points: list[Point]
    words: str
    curve: Curve


def gathered(events: Iterable[Event], born: str | None = None) -> list[Picture]:
    """A picture of each measurement that has a number and a date, the most important first.

    `born`: the birth date, where it is known; a reading from before it is in no picture.
    """
    given = list(events)
    measured = [one for one in given if _is_measured(one)]
    seen = _Seen(measured, before_birth(measured, born))
    # The first pack that names a code decides, as it does for `phr trend`.
    every = trend_find.grouped(seen.keys(), reversed(trend_packs.measures()))
    drawn = {one.id: list(_lines(one, seen)) for one in every}
    pictures: list[tuple[Place, Picture]] = []
    order = places(given)
    for lines in _together_in_one(every, drawn):
        picture = _picture(lines)
        pictures.append(
            (order.of(lines[0].found.codes, [one.points for one in lines], picture.title), picture)
        )
    return [picture for _, picture in sorted(pictures, key=lambda one: one[0])]


def _is_measured(event: Event) -> bool:
    """What `phr trend` looks at: values of Observations that were not taken back."""
    return (
        event["value_text"] is not None
        and str(event["resource"]).startswith("Observation/")
        and event["status"] not in _TAKEN_BACK
    )


class _Seen:
    """The events by what they are kept under, as the index of the record has them."""

    def __init__(self, events: Iterable[Event], early: Iterable[Event]) -> None:
        self.early = {int(one["id"]) for one in early}
        """What is dated before the birth."""
        self._rows: dict[str, list[Row]] = {}
        self._events: dict[int, Event] = {}
        for event in events:
            row = _row(event)
            codes = trend_rows.codes_of(row.codes)
            self._rows.setdefault(codes[0][1] if codes else row.title.lower(), []).append(row)
            self._events[row.id] = event
        for rows in self._rows.values():
            rows.sort(key=_age, reverse=True)

    def keys(self) -> list[Key]:
        """Every measurement, the most recent first."""
        found = []
        for name, rows in self._rows.items():
            codes = trend_rows.codes_of(rows[0].codes)
            found.append(Key(name, rows[0], codes, trend_rows.both(trend_rows.pair_of(rows[0], codes), ())))
        return sorted(found, key=lambda one: _age(one.newest), reverse=True)

    def readings(self, wanted: Wanted) -> list[Reading]:
        """The values of one line, the newest first."""
        told: dict[int, list[Reading]] = {}
        for key in wanted.keys:
            for row in self._rows[key.key]:
                if row.id not in told and belongs(row, wanted):
                    told[row.id] = [own_reading(row, wanted)]
        for key in wanted.part_keys:
            for row in self._rows[key.key]:
                if row.id not in told:
                    told[row.id] = self._halves(row, wanted)
        every = [one for found in told.values() for one in found]
        for one in every:
            event = self._events[one.row.id]
            one.sources, one.ids, one.corrected = event["sources"], [one.row.id], event["corrected"]
        return joined(sorted(every, key=lambda one: _age(one.row), reverse=True))

    def _halves(self, row: Row, wanted: Wanted) -> list[Reading]:
        """One number of a blood pressure. What its source said of the reading it said of both."""
        found = together(row, (), wanted)
        for one in found:
            one.abnormal = None if row.abnormal is None else bool(row.abnormal)
        return found


def _row(event: Event) -> Row:
    when = dates.parse(event["date"])
    value = event["value"]
    codes = [(one["system"], one["code"], one["display"]) for one in event["codes"]]
    return Row(
        int(event["id"]),
        event["date"],
        event["precision"],
        when.start if when else None,
        when.end if when else None,
        str(event["title"]),
        str(event["value_text"]),
        float(value) if isinstance(value, int | float) else None,
        in_code(event["unit"]),
        event["low"],
        event["high"],
        event["range_text"],
        event["interpretation"],
        event["abnormal"],
        event["status"],
        orjson.dumps(codes).decode(),
        str(event["kind"]),
        str(event["resource"]),
    )


def _age(row: Row) -> tuple[bool, int, int]:
    return row.start is not None, row.start or 0, row.id


def _lines(found: Found, seen: _Seen) -> Iterator[Drawn]:
    """One measurement: in the unit of most, then what that leaves over, in its own."""
    measure = found.measure or next((BY_CODE[code] for code in found.codes if code in BY_CODE), None)
    codes = found.codes | set(measure.codes if measure else ())
    every = seen.readings(Wanted(frozenset(codes), tuple(found.keys), tuple(found.part_keys), measure))
    told = [one for one in every if one.row.id not in seen.early]
    early = len(every) - len(told)
    first: Scale | None = None
    for _ in range(_MOST_UNITS):
        scale = common_unit(told, measure)
        line = Line(told, scale, measure)
        told = _left_over(told, line.refused)
        if (drawn := _drawn(found, line, scale, first, of_another=bool(told), early=early)) is not None:
            yield drawn
            early = 0
            first = first or scale
        if not told:
            return


def _left_over(told: Sequence[Reading], refused: Sequence[Point]) -> list[Reading]:
    """What was refused for its unit alone. (What was refused for its date stays refused.)"""
    ids = {one["id"] for one in refused if one["date"]}
    found = [
        one for one in told if str(one.row.id) in ids and one.number is not None and one.row.start is not None
    ]
    return found if len(found) < len(told) else []


def _drawn(
    found: Found, line: Line, scale: Scale, first: Scale | None, *, of_another: bool, early: int
) -> Drawn | None:
    name = _name(found, scale)
    points = line.points
    drawn = curve({"name": name, "unit": scale.unit, "points": points})
    if drawn is None:
        return None
    undated = [one for one in line.refused if one["reason"] == "it has no date"]
    words, _ = trend_words.told([_by_itself(one) for one in points], trend_words.slope(points), scale.unit)
    parts = [words]
    if undated:
        parts.append(f"Not drawn, for want of a date: {len(undated)}.")
    if beyond := sum(not abs(one["value"] or 0) < DRAWN for one in points):
        parts.append(f"Not drawn, because too large for a picture: {beyond:,}.")
    if early:
        parts.append(f"Not drawn, because dated before the birth: {early:,}.")
    if first is not None:
        parts.append("These values cannot be turned into the unit of the others for certain.")
    elif of_another:
        parts.append("Values in another unit have a picture of their own.")
    if first is not None:
        name = f"{name} ({'in ' + drawn.unit if drawn.unit else 'no unit given'})"
    return Drawn(found, name, scale.unit, points, " ".join(one for one in parts if one), drawn)


def _by_itself(point: Point) -> Point:
    """A half of an abnormal reading: nobody says which of the two it is, so words say it of neither."""
    return point | {"abnormal": None} if point["abnormal"] and point["interpretation"] is None else point


def _name(found: Found, scale: Scale) -> str:
    """In plain language; where the values are a mass of something else, that."""
    measure: Measure | None = found.measure
    if measure is not None and measure.other_name and scale.code in dict(measure.other_grams):
        return measure.other_name
    return found.name


def _together_in_one(every: Sequence[Found], drawn: dict[str, list[Drawn]]) -> Iterator[list[Drawn]]:
    """The lines of each picture: the parts of one reading (blood pressure) are in one, where they have one unit."""
    pairs = {f"measure {id_}": pair for pair in PAIRS for id_ in pair.measures}
    done: set[str] = set()
    for one in every:
        pair = pairs.get(one.id)
        if pair is None:
            yield from ([line] for line in drawn[one.id])
        elif pair.id not in done:
            done.add(pair.id)
            halves = [drawn.get(f"measure {id_}", []) for id_ in pair.measures]
            firsts = [half[0] for half in halves if half]
            if len(firsts) > 1 and len({half.curve.unit for half in firsts}) == 1:
                yield firsts
                halves = [half[1:] for half in halves]
            yield from ([line] for half in halves for line in half)


def _picture(lines: Sequence[Drawn]) -> Picture:
    first = lines[0]
    names = dict.fromkeys(name for one in lines for point in one.points for name in point["sources"])
    curves = tuple(one.curve for one in lines)
    if len(lines) == 1:
        return Picture(first.name, first.words, curves, tuple(names), first.found.code)
    pair = next(pair for pair in PAIRS if f"measure {pair.measures[0]}" == first.found.id)
    words = "\n".join(f"{one.name.split()[0]}: {one.words}" for one in lines)
    return Picture(pair.name, words, curves, tuple(names), pair.codes[0])
