"""One record in words for the page: what its line says, and what more there is to know when it is opened.

The line is that of the screens: plain titles, no digits that nobody measured, what did not happen says so first. What the
source wrote, to the letter, stands below it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from phr.model.words import KINDS
from phr.records.elements import STANDARD_SYSTEMS
from phr.views.event_words import outside, qualified, usual
from phr.views.figures import short, unit_words
from phr.views.titles import chosen, plain

Event = dict[str, Any]

UNDATED = ""
"""The year of what has no date."""
MONTHS = "January February March April May June July August September October November December".split()
_DATE = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?(?:T(\d\d:\d\d)(?::[\d.]+)?(Z|[+-]\d\d:\d\d)?)?")
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
"""Control characters, and those that make text read other than it is written."""
_SPOKEN = {"encounter": "visit", "coverage": "insurance", "directive": "advance directive"}
_OWN = "self"
OWN = "patient’s own entry"
YOURS = "✎ patient’s correction"
_MARKS = {
    "HH": ("↑↑", "critically high"),
    "H": ("↑", "high"),
    "LL": ("↓↓", "critically low"),
    "L": ("↓", "low"),
    "AA": ("!!", "critically abnormal"),
    "A": ("!", "abnormal"),
}
_SYSTEMS = {
    "http://loinc.org": "LOINC",
    "http://snomed.info/sct": "SNOMED CT",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "RxNorm",
    "http://hl7.org/fhir/sid/icd-10-cm": "ICD-10-CM",
    "http://hl7.org/fhir/sid/icd-10": "ICD-10",
    "http://hl7.org/fhir/sid/cvx": "CVX",
    "http://hl7.org/fhir/sid/ndc": "NDC",
    "http://www.ama-assn.org/go/cpt": "CPT",
}
_PLAIN_CATEGORIES = frozenset(("laboratory", "vital signs", "lab"))
"""What the kind of the record says as well."""
_LINE, _ALL = 300, 20_000
"""Characters of a title on its line, and of what stands below it."""


class Row(NamedTuple):
    """One line of the timeline."""

    year: str
    month: str
    date: str
    kind: str
    title: str
    value: str
    mark: tuple[str, str]
    """A sign and its word; both empty where nothing is outside its range, or nobody says."""
    range: str
    place: str


def clean(text: object) -> str:
    """One line of text without what cannot be seen."""
    return " ".join(_HIDDEN.sub("", str(text)).split()) if text is not None else ""


def kind_word(kind: str) -> str:
    """What one record of a kind is called."""
    return _SPOKEN.get(kind, kind.replace("_", " "))


def source_word(name: str) -> str:
    """A source as the page names it."""
    return OWN if name == _OWN else clean(name)


def by_kind(kind: str) -> int:
    """The place of a kind in the list of all."""
    return KINDS.index(kind) if kind in KINDS else len(KINDS)


def year_of(event: Event) -> str:
    """The year of an event; UNDATED for none."""
    return _dated(event.get("date"))[0]


def month_of(event: Event) -> tuple[str, str]:
    """The year and the month of an event as its line has them."""
    year, month, _, _ = _dated(event.get("date"))
    return year, MONTHS[int(month) - 1] if month else ""


def is_outside(event: Event) -> bool:
    """Whether somebody says that the value is outside its range."""
    return bool(_mark(event)[0])


def row(event: Event) -> Row:
    """The line of an event."""
    year, month, day, _ = _dated(event.get("date"))
    mark = _mark(event)
    where = clean(event.get("facility")) or clean(event.get("performer"))
    return Row(
        year,
        MONTHS[int(month) - 1] if month else "",
        "-".join(part for part in (year, month, day) if part),
        kind_word(event["kind"]),
        _cut(_titled(event), _LINE),
        _measured(event),
        mark,
        _usual(event),
        where,
    )


def more(event: Event, one: Row) -> str:
    """What stands below its line, a sentence a line."""
    return _cut("\n".join(filter(None, _more(event, one))), _ALL) or "No more is said of it."


def _more(event: Event, one: Row) -> Iterator[str]:
    described = _block(event.get("description"))
    yield f"{described}." if described[-1:].isalnum() else described
    yield from _exactly(event, one)
    yield from _when(event)
    yield _said("Status", clean(event.get("status")).replace("-", " "))
    said = clean(event.get("interpretation"))
    yield _said("Interpretation", "" if outside({"interpretation": said}) or said.upper() == "N" else said)
    who = clean(event.get("performer"))
    yield _said("By", "" if who == one.place else who)
    category = clean(event.get("category")).replace("_", " ").replace("-", " ")
    yield _said("Category", "" if category.lower() in _PLAIN_CATEGORIES else category)
    yield _said(
        "Codes", "; ".join(filter(None, (_code(each, one.title) for each in event.get("codes") or ())))
    )
    for each in event.get("corrections") or ():  # in the words of every other format
        value, before = (clean(each.get(name)) or "none" for name in ("value", "source_value"))
        yield f"Patient's correction: {clean(each.get('field'))} {value} instead of {before}."
        yield _said("Reason", clean(each.get("reason")))
    yield _said("Tags", ", ".join(map(clean, event.get("tags") or ())))
    for note in event.get("notes") or ():
        yield f"Patient’s own note, {clean(note.get('written'))[:10]}: {_block(note.get('text'))}"


def _exactly(event: Event, one: Row) -> Iterator[str]:
    """Title and value to the letter, where the line has them in plainer words."""
    title = clean(event.get("title"))
    told = {clean(each.get("display")) for each in event.get("codes") or ()}
    yield _said("In the words of its source", "" if title in one.title or title in told else title)
    exact = clean(f"{event['value_text']} {event.get('unit') or ''}") if event.get("value_text") else ""
    yield _said("Exactly", "" if one.value.startswith(exact) else exact)


def _when(event: Event) -> Iterator[str]:
    year, month, day, time = _dated(event.get("date"))
    date = "-".join(part for part in (year, month, day) if part)
    yield _said("Time", time)
    ended = "-".join(part for part in _dated(event.get("end"))[:3] if part)
    yield _said("Until", ended if ended != date else "")
    recorded = "-".join(part for part in _dated(event.get("recorded"))[:3] if part)
    yield _said("Recorded", recorded if recorded != date else "")


def _said(label: str, words: str) -> str:
    return f"{label}: {words}{'' if words.endswith('.') else '.'}" if words else ""


def _block(text: object) -> str:
    """Several lines, without empty ones."""
    return "\n".join(filter(None, map(clean, str(text).splitlines()))) if text else ""


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 20].rstrip()} … (cut here)"


def _code(one: dict[str, Any], title: str) -> str:
    system, code = str(one.get("system") or ""), clean(one.get("code"))
    if not code:
        return ""
    name = _SYSTEMS.get(system, "" if system in STANDARD_SYSTEMS else "local code")
    shown = clean(one.get("display"))
    return " ".join(part for part in (name, code, f"({shown})" if shown and shown != title else "") if part)


def _dated(date: object) -> tuple[str, str, str, str]:
    """Year, month, day and time as far as the source wrote them."""
    found = _DATE.match(str(date or ""))
    if not found:
        return UNDATED, "", "", ""
    year, month, day, time, zone = (part or "" for part in found.groups())
    if month and not 1 <= int(month) <= 12:
        return year, "", "", ""
    if time == "00:00":  # a day that was kept as an instant
        time = zone = ""
    return year, month, day, f"{time} {'UTC' if zone == 'Z' else zone}".strip()


def _titled(event: Event) -> str:
    title = plain(clean(chosen(event))) or "(no title)"
    said, title = qualified(event, title)
    if set(event.get("corrected") or ()) - {"value", "unit"}:
        title += f" {YOURS}"
    return f"{said}: {title}" if said else title


def _measured(event: Event) -> str:
    text = event["value_text"] if event.get("value_text") is not None else event.get("value")
    if text in (None, ""):
        return ""
    said = clean(
        f"{short(str(text), event.get('low'), event.get('high'))} {unit_words(str(event.get('unit') or ''))}"
    )
    corrected = {"value", "unit"} & set(event.get("corrected") or ())
    return _cut(f"{said} {YOURS}" if corrected else said, _LINE)


def _mark(event: Event) -> tuple[str, str]:
    return _MARKS.get(outside(event), ("", ""))


def _usual(event: Event) -> str:
    return clean(usual(event))
