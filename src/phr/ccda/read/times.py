"""HL7 v3 times as FHIR dates: the same precision, the same offset, nothing made up.

Follows the data type page of C-CDA on FHIR (TS, IVL_TS) and FHIR R4 dateTime. FHIR wants an offset beside each
time of day. A time without one takes that of its document if all of its times share one; else only
its day is certain.
"""

from __future__ import annotations

import re
from datetime import date

from phr.ccda.read.nodes import Node, attr, child

OFFSET = "offset"
"""Attribute that the parser puts on the root of a document: the one offset that all its times have."""

_TS = re.compile(
    r"(?P<year>\d{4})(?:-?(?P<month>\d\d)(?:-?(?P<day>\d\d)"
    r"(?:[T ]?(?P<hour>\d\d)(?::?(?P<minute>\d\d)(?::?(?P<second>\d\d)(?P<fraction>\.\d+)?)?)?)?)?)?"
    r"\s*(?P<zone>Z|[+-]\d\d?(?::?\d\d)?)?",
    re.IGNORECASE,
)
_SLASHED = re.compile(r"(\d\d?)[/.-](\d\d?)[/.-](\d{4})(?:\s.*)?")
_LONGEST = 100
_NEVER = ("0000", "9999")
"""Years that mean "none" and "for ever"."""


def when(node: Node | None) -> str | None:
    """A TS (or the point that an IVL_TS is) as FHIR date or dateTime; None where there is none."""
    if node is None:
        return None
    written = attr(node, "value") or attr(child(node, "center"), "value")
    if written is None and not len(node) and node.text:
        written = node.text.strip()
    return moment(written, _own_offset(node)) if written else None


def _own_offset(node: Node) -> str | None:
    return attr(node.getroottree().getroot(), OFFSET)


def offset_of(written: str) -> str | None:
    """The offset of a TS that has a time of day, as `+HH:MM`; None if it has none."""
    found = _TS.fullmatch(written.strip())
    return _zone(found["zone"]) if found and found["hour"] and found["zone"] else None


def moment(written: str, offset: str | None = None) -> str | None:
    """The text of a TS as FHIR date: as much of it as makes a date."""
    written = written.strip()
    if len(written) > _LONGEST:
        return None
    if slashed := _SLASHED.fullmatch(written):
        written = _in_order(slashed)
    found = _TS.fullmatch(written) or _TS.match(written)
    if found is None or found["year"] in _NEVER:
        return None
    year, month, day = found["year"], found["month"], found["day"]
    if month is None or not 1 <= int(month) <= 12:
        return year
    if day is None or not _is_day(year, month, day):
        return f"{year}-{month}"
    hour, minute, second = found["hour"], found["minute"] or "00", found["second"] or "00"
    zone = _zone(found["zone"]) or offset
    if hour is None or zone is None or int(hour) > 23 or int(minute) > 59 or int(second) > 59:
        return f"{year}-{month}-{day}"
    return f"{year}-{month}-{day}T{hour}:{minute}:{second}{(found['fraction'] or '')[:10]}{zone}"


def _in_order(slashed: re.Match[str]) -> str:
    """A date that is written against the standard: of 03/04/2023 only the year is certain, of 13/04/2023 all."""
    first, second = int(slashed[1]), int(slashed[2])
    if first > 12 >= second:
        first, second = second, first
    elif first <= 12 and second <= 12 and first != second:
        return slashed[3]
    return f"{slashed[3]}{first:02}{second:02}"


def is_ambiguous(written: str) -> bool:
    """Whether nobody can say which number is the day and which the month."""
    slashed = _SLASHED.fullmatch(written.strip()) if len(written) <= _LONGEST else None
    return slashed is not None and len(_in_order(slashed)) == 4


def _is_day(year: str, month: str, day: str) -> bool:
    try:
        date(int(year), int(month), int(day))
    except ValueError:
        return False
    return True


def _zone(written: str | None) -> str | None:
    if not written:
        return None
    if written in "Zz":
        return "Z"
    digits = re.sub(r"\D", "", written)
    hours, minutes = (digits[:-2], digits[-2:]) if len(digits) > 2 else (digits, "00")
    return f"{written[0]}{hours:0>2}:{minutes}" if int(hours) <= 14 and int(minutes) < 60 else None


def day(node: Node | None) -> str | None:
    """A TS cut to its day: for elements of type `date`."""
    found = when(node)
    return found[:10] if found else None


def span(node: Node | None) -> dict[str, str] | None:
    """An IVL_TS as Period; a single point is its start."""
    if node is None:
        return None
    start = when(child(node, "low")) or when(node)
    end = when(child(node, "high"))
    found = {key: value for key, value in (("start", start), ("end", end)) if value}
    return found or None


def moment_or_period(node: Node | None, name: str) -> dict[str, object]:
    """`{name}DateTime` or `{name}Period`; an interval whose ends are one moment is that moment."""
    if node is None:
        return {}
    low, high, point = when(child(node, "low")), when(child(node, "high")), when(node)
    if low is None and high is None:
        return {f"{name}DateTime": point} if point else {}
    if low == high:
        return {f"{name}DateTime": low}
    return {f"{name}Period": span(node)}
