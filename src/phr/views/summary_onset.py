"""Since when a problem is there, as its source says it: a day, words (`as a teenager`), an age, or no more than when
it was noted.

FHIR R4, Condition.recordedDate: when it was written down first. That is no beginning: a record that dates a problem by it
because nothing better is there (records.clinical) does not say since when.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from phr.fhir import dates, read
from phr.views.summary_rows import Desk, Row, Source, body

_READ = 6
"""So many entries of one problem are read, the first ones."""
_AT_ALL = 900


def beginnings(desk: Desk, groups: Sequence[Sequence[Row]]) -> list[dict[str, Any]]:
    """Of each group of entries that are one problem: `since`, else `onset` (words) and `noted` (a day)."""
    firsts = [_first(rows) for rows in groups]
    told = desk.told([row.id for rows in firsts for row in rows][:_AT_ALL])
    return [_beginning(rows, told) for rows in firsts]


def _first(rows: Sequence[Row]) -> list[Row]:
    """The first ones; those without a date at the end."""
    return sorted(rows, key=lambda row: (row.date_from is None, row.date_from or 0))[:_READ]


def _beginning(rows: Sequence[Row], told: dict[int, list[Source]]) -> dict[str, Any]:
    since = noted = onset = None
    for row in rows:
        resources = [body(one.raw) for one in told.get(row.id, ())]
        onset = onset or next((said for one in resources if (said := _words(one))), None)
        if row.date_from is None:
            continue
        if not any(_is_noted(row, one) for one in resources):
            since = since or row.date
        elif days := [day for one in resources if (day := _day(one))]:
            since = since or min(days)
        else:
            noted = noted or row.date
    return {"since": since, "onset": None if since else onset, "noted": None if since else noted}


def _day(resource: dict[str, Any]) -> str | None:
    period = resource.get("onsetPeriod")
    start = period.get("start") if isinstance(period, dict) else None
    said = read.text(resource.get("onsetDateTime") or start)
    return said if dates.parse(said) else None


def _is_noted(row: Row, resource: dict[str, Any]) -> bool:
    """Whether its date is that of its writing down (up to FHIR STU3 `assertedDate`), and not one that somebody corrected."""
    found = [dates.parse(read.text(resource.get(name))) for name in ("recordedDate", "assertedDate")]
    return any(one is not None and one.start == row.date_from for one in found)


def _words(resource: dict[str, Any]) -> str | None:
    """`as a teenager`, `age 40`."""
    if said := read.text(resource.get("onsetString")):
        return said
    age = resource.get("onsetAge")
    number = age.get("value") if isinstance(age, dict) else None
    if not isinstance(age, dict) or not isinstance(number, int | float) or isinstance(number, bool):
        return None
    unit = str(age.get("unit") or age.get("code") or "a").casefold()
    years = unit in ("a", "year", "years", "yr", "yrs", "y", "{years}")
    return f"age {number:g}" if years else f"age {number:g} {age.get('unit') or age.get('code')}"


def since_words(entry: dict[str, Any]) -> str:
    """`since 2012`, `since age 40`, `noted 2012-12-12`, or the words of its source; empty where nothing is known."""
    if entry.get("since"):
        return f"since {entry['since'][:10]}"
    if said := entry.get("onset"):
        return f"since {said}" if said.startswith("age ") else str(said)
    return f"noted {entry['noted'][:10]}" if entry.get("noted") else ""
