"""The page for an appointment in sections and rows, so many as fit on one page: what matters most first, the rest counted.

One form for the screen and for paper. A row is words only: what, when, where; whoever writes it escapes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from phr.views.events import Event
from phr.views.figures import short, unit_words
from phr.views.kind_words import plural
from phr.views.titles import chosen, plain
from phr.views.visit import Visit

ON_PAPER, ON_SCREEN = 30, 34
"""So many rows fit on a page."""
_SECTIONS = (
    ("allergy", "Allergies", 4),
    ("problem", "Problems", 5),
    ("encounter", "Visits and stays", 5),
    ("changed", "Changed, ended", 6),
    ("medication", "Medicines begun", 5),
    ("lab_result", "Results", 7),
    ("imaging", "Imaging", 4),
    ("procedure", "Procedures", 4),
    ("questionnaire", "Questionnaires", 2),
    ("vital_sign", "Measurements", 4),
    ("immunization", "Vaccines", 3),
    ("clinical_note", "Notes", 3),
    ("document", "Documents", 3),
    ("directive", "Directives", 2),
    ("device", "Devices", 2),
    ("order", "Ordered", 3),
)
"""Kind, heading, and how many rows it has at most."""
_THERE, _QUESTIONS = 7, 8
_SHARE = {"allergy": 2, "problem": 2, "medication": 2}
"""Of what they do not have so many of a kind before the next kind has its turn; of the others one."""
_NAMED_SO = {"allergy": "Allergy: ", "immunization": "Vaccine: "}
"""Where kinds stand in one list, what would else read like a medicine."""
_LONGEST = 150
OWN = "own entries"
"""What the person wrote themselves, as a source."""
_OVER = frozenset(("stopped", "completed", "inactive", "cancelled", "ended", "resolved", "remission"))
_ALARMS = {"HH": "▲ ", "H": "▲ ", "HU": "▲ ", "LL": "▼ ", "L": "▼ ", "LU": "▼ ", ">": "▲ ", "<": "▼ "}
_RESERVED = {
    "not-done": "not done: ",
    "aborted": "broken off: ",
    "stopped": "",
    "preliminary": "not final yet: ",
    "partial": "not final yet: ",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the page."""

    what: str = field(repr=False)
    when: str = field(repr=False)
    where: str = field(repr=False)
    id: str
    source: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Section:
    """Rows under a heading."""

    kind: str
    title: str
    rows: tuple[Row, ...] = field(repr=False)
    more: int = 0
    """How many more there are."""


@dataclass(frozen=True, slots=True)
class Page:
    """What fits on it."""

    questions: tuple[str, ...] = field(repr=False)
    more_questions: int
    new: tuple[Section, ...] = field(repr=False)
    there: tuple[Row, ...] = field(repr=False)
    more_there: int = 0
    several_sources: bool = False


def page(visit: Visit, room: int = ON_PAPER) -> Page:
    """So much of it as fits into so many rows."""
    several = bool(visit.not_there.others) or _has_several(visit)
    asked = [one.text for one in visit.questions]
    questions = asked[: min(_QUESTIONS, max(3, room // 4))]
    found = [
        (kind, title, most, rows, len(rows) + _unlisted(visit, kind))
        for kind, title, most in _SECTIONS
        if (rows := _rows(visit, kind))
    ]
    shown = {row.id for _, _, _, rows, _ in found for row in rows}
    missing = [event for event in visit.not_there.events if event["id"] not in shown]
    named = _THERE if room >= 20 else max(2, room // 5)
    left = room - len(questions) - min(len(missing), named)
    caps = _fitted([(most, len(rows)) for _, _, most, rows, _ in found], left)
    there = [_there(event, visit) for event in _in_turn(missing, named + max(0, left - sum(caps)))]
    sections = tuple(
        Section(kind, title, tuple(rows[:cap]), total - cap)
        for (kind, title, _, rows, total), cap in zip(found, caps, strict=True)
    )
    rest = visit.not_there.total - len(there) - _shown_there(visit, sections)
    return Page(
        tuple(questions),
        len(asked) - len(questions),
        sections,
        tuple(there),
        max(0, rest),
        several,
    )


def _fitted(wanted: Sequence[tuple[int, int]], room: int) -> list[int]:
    """How many rows each section gets: fewer where the page is full, from the longest and last; more where it is not."""
    caps = [min(most, there) for most, there in wanted]
    for least in (2, 1, 0):
        while sum(caps) > room and max(caps, default=0) > least:
            longest = max(range(len(caps)), key=lambda at: (caps[at], at))
            caps[longest] -= 1
    for at, (most, there) in enumerate(wanted):
        more = min(room - sum(caps), there - caps[at], most // 2 + 1)
        caps[at] += max(0, more)
    return caps


def _in_turn(events: Sequence[Event], room: int) -> list[Event]:
    """So many of them, so that no kind keeps out those behind it: a few of each, and then more where there is room."""
    chosen_: set[str] = set()
    for share in (_SHARE, {}):
        taken: dict[str, int] = {}
        for event in events:
            kind = str(event["kind"])
            taken[kind] = taken.get(kind, 0) + 1
            if len(chosen_) < room and taken[kind] <= share.get(kind, 1 if share else len(events)):
                chosen_.add(str(event["id"]))
    return [event for event in events if event["id"] in chosen_]


def _unlisted(visit: Visit, kind: str) -> int:
    """How many there are beyond those that were looked at."""
    return max(0, visit.news.counts.get(kind, 0) - len(visit.news.events.get(kind, ())))


def _shown_there(visit: Visit, sections: Iterable[Section]) -> int:
    named = {row.id for section in sections for row in section.rows}
    return len([event for event in visit.not_there.events if event["id"] in named])


def _has_several(visit: Visit) -> bool:
    every = [*(event for events in visit.news.events.values() for event in events), *visit.news.changed]
    return len({source for event in every for source in event["sources"]}) > 1


def _rows(visit: Visit, kind: str) -> list[Row]:
    if kind == "changed":
        told = {event["id"] for events in visit.news.events.values() for event in events}
        # what began and ended since then stands where it began
        return [
            _changed(one, visit)
            for one in visit.news.changed
            if one["change"] != "reaction"
            and (one["id"] not in told or one["change"] not in ("stopped", "over"))
        ]
    events = visit.news.events.get(kind, [])
    found: dict[str, Row] = {}
    if kind == "allergy":  # what it does now is not what they know
        worse = (one for one in visit.news.changed if one["change"] == "reaction")
        found = {str(one["id"]): _changed(one, visit) for one in worse}
    for event in events:
        key = str(event["id"])
        if kind in ("lab_result", "vital_sign", "questionnaire"):  # one row for a measure, its newest
            codes = event["codes"]
            key = str((codes[0]["code"] if codes else None) or event["title"])
        elif kind == "imaging":  # the pictures and the report of one examination
            key = f"{str(event['date'])[:10]} {plain(chosen(event)).casefold()}"
        report = kind == "imaging" and str(event["resource"]).startswith("DiagnosticReport/")
        if key not in found or report:  # a report says what was seen
            found[key] = _row(event, visit)
    return list(found.values())


# ── words ─────────────────────────────────────────────────────────────────────────────────────────────


def _row(event: Event, visit: Visit) -> Row:
    told = in_words(event["sources"], visit)
    return Row(words(event, visit.since), when(event.get("date")), where(event), str(event["id"]), told)


def _there(event: Event, visit: Visit) -> Row:
    """A row in a list of many kinds."""
    row = _row(event, visit)
    return replace(row, what=f"{_NAMED_SO.get(event['kind'], '')}{row.what}")


def in_words(sources: Sequence[str], visit: Visit) -> str:
    """The names of sources; what the person wrote is called so."""
    return ", ".join(OWN if name in visit.own_words else name for name in sources)


def _changed(event: dict[str, Any], visit: Visit) -> Row:
    """`stopped: Prednisone 10 mg`, `dose changed: …; was …`."""
    if event["change"] == "reaction":
        was = reactions(event | {"description": event.get("before")}) or "no reaction was told"
        what = f"! changed: {plain(chosen(event))}: {reactions(event) or 'no reaction is told'} (was: {was})"
        return Row(what, when(event["on"]), where(event), str(event["id"]), in_words(event["sources"], visit))
    said = {"stopped": "stopped", "dose": "changed", "over": "over", "changed": "changed"}[event["change"]]
    title = plain(chosen(event))
    description = str(event.get("description") or "").split(";")[0]
    if event["change"] == "dose" and description:
        title = f"{title}, {description}"
    before = event.get("before") if event["change"] in ("dose", "changed") else None
    what = f"{said}: {title}" + (f" (was: {before})" if before else "")
    on = when(event["on"])
    if not on:
        on = f"by {event['noticed']}" if event.get("noticed") else "day not said"
    return Row(what, on, where(event), str(event["id"]), in_words(event["sources"], visit))


def words(event: Event, known: str | None = None) -> str:
    """The record in one line: an alarm sign, its title, its value, and what it was before; `known`: the last visit."""
    title = _RESERVED.get(str(event.get("status") or ""), "") + plain(chosen(event))
    value = measured(event)
    if not value:
        description = str(event.get("description") or "")
        if event["kind"] == "medication" and description:
            title = f"{title}, {description.split(';')[0]}"
        elif event["kind"] == "allergy" and (reaction := reactions(event)):
            title = f"{title}: {reaction}"
        elif (
            description
            and str(event["resource"]).startswith("DiagnosticReport/")
            and event["kind"] == "imaging"
        ):
            title = f"{title}: {_cut(description)}"
        return _alarm(event) + _standing(event, title)
    return f"{_alarm(event)}{title}: {value}{_was(event, known)}"


def reactions(event: Event) -> str:
    """What an allergy does, how certain and how dangerous it is: the parts that say it, not the remarks behind them."""
    return _cut("; ".join(part.strip() for part in str(event.get("description") or "").split(";")[:4]))


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST].rsplit(' ', 1)[0]} …"


def _standing(event: Event, title: str) -> str:
    """What is over says so, and since when where that is known."""
    kind, single = event["kind"], str(event["resource"]).startswith(("MedicationAdm", "MedicationDis"))
    if single or str(event.get("status") or "") not in _OVER:
        return title
    end = when(event.get("end"))
    if kind == "medication":
        return f"{title} (until {end})" if end else f"{title} (no longer taken)"
    if kind in ("problem", "allergy"):
        return f"{title} (over since {end})" if end else f"{title} (over)"
    return title


def _was(event: Event, known: str | None) -> str:
    """` (was 3.43)`: what they know; the day is said where it was not on the visit itself, the unit where it is another."""
    before = event.get("before")
    if not before:
        return ""
    same = before["unit"] == event.get("unit")
    value = measured(before | {"unit": None} if same else before)
    on = when(before["date"])
    return f" (was {value})" if on == known else f" (was {value} on {on})"


def measured(event: Event) -> str:
    """Value and unit to read."""
    value = event.get("value")
    if value is None or value == "":
        return ""
    text = str(event["value_text"] if event.get("value_text") is not None else value)
    return f"{short(text, event.get('low'), event.get('high'))} {unit_words(str(event.get('unit') or ''))}".strip()


def _alarm(event: Event) -> str:
    if event["kind"] not in ("lab_result", "vital_sign", "questionnaire") or not event.get("abnormal"):
        return ""
    sign = _ALARMS.get(str(event.get("interpretation") or "").upper())
    if sign:
        return sign
    value, low, high = event.get("value"), event.get("low"), event.get("high")
    if isinstance(value, int | float):
        if high is not None and value > high:
            return "▲ "
        if low is not None and value < low:
            return "▼ "
    return "! "


def when(date: str | None) -> str:
    """The day, month or year; no time of day: a page has no room for it."""
    return (date or "")[:10]


def where(event: Event) -> str:
    """The place, else who did it."""
    return str(event.get("facility") or event.get("performer") or "")


def _told_first(one: tuple[int, str]) -> tuple[bool, int]:
    """Allergies before all else, however few they are; then of what there is most."""
    return one[1] != "allergy", -one[0]


def counted(visit: Visit) -> str:
    """`12 results, 3 visits and 1 letter from city-hospital and your own entries`: what their sources do not tell."""
    kinds = sorted(((number, kind) for kind, number in visit.not_there.kinds.items()), key=_told_first)
    named = [f"{number:,} {_one(kind) if number == 1 else _many(kind)}" for number, kind in kinds[:5]]
    rest = sum(number for number, _ in kinds[5:])
    if rest:
        named.append(f"{rest:,} more")
    return in_a_row(named)


def _one(kind: str) -> str:
    return {"encounter": "visit", "imaging": "imaging report"}.get(kind, kind.replace("_", " "))


def _many(kind: str) -> str:
    return "imaging reports" if kind == "imaging" else plural(kind)


def in_a_row(parts: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1]))) if parts else ""
