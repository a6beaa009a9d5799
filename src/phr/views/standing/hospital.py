"""The shapes `procedure` and `stay`: operations, and stays in hospital."""

from __future__ import annotations

from collections.abc import Iterator

from phr.fhir import dates
from phr.packs.words import tokens
from phr.store.milestones import Milestone
from phr.views.standing.ground import DAY, NOT_SO, Ground, Row, Rule, day, folded, spoken

_NOT_YET = NOT_SO | {
    "planned",
    "preparation",
    "in-progress",
    "arrived",
    "triaged",
    "on-hold",
    "onleave",
    "stopped",
}


def procedure(ground: Ground, rule: Rule) -> Iterator[Milestone]:
    """An operation that was done. The same one of the same day counts once."""
    seen: set[tuple[str, str]] = set()
    known: dict[tuple[str, str], bool] = {}
    for row in ground.rows("procedure"):
        if row.type != "Procedure" or row.status in _NOT_YET:
            continue
        concept = (row.title, row.codes)
        if concept not in known:
            known[concept] = _is_operation(rule, row)
        told = (day(row.date), folded(row.title))
        if known[concept] and told not in seen:
            seen.add(told)
            when = f", {day(row.date)}" if row.date else ", without a date"
            yield rule.found(
                row, f"{rule.says.title or 'Operation'}: {spoken(row.title)}", f"Told as done{when}."
            )


def _is_operation(rule: Rule, row: Row) -> bool:
    if rule.unless.fit(row.title):
        return False
    endings = rule.says.endings
    return rule.fits(row) or (bool(endings) and any(word.endswith(endings) for word in tokens(row.title)))


def stay(ground: Ground, rule: Rule) -> Iterator[Milestone]:
    """A visit of one of the classes. What happens within another one, such as on another ward, belongs to that."""
    rows = [
        row
        for row in ground.visits(*rule.says.classes)
        if row.type == "Encounter"
        and row.date_from is not None
        and row.status not in _NOT_YET - {"in-progress"}
    ]
    addresses = {row.resource for row in rows}
    until, seen = 0, set[str]()
    for row in rows:
        inside = row.encounter in addresses or (row.ended is not None and row.ended <= until)
        if inside or (row.date or "") in seen:
            continue
        seen.add(row.date or "")
        until = max(until, row.ended or 0)
        reason = _reason(row)
        title = rule.says.title or "Hospital stay"
        yield rule.found(row, f"{title}: {reason}" if reason else title, _lasted(row))


def _reason(row: Row) -> str:
    """Why: what the visit says, else its name where that says more than that there was a visit."""
    for part in (row.description or "").split("; "):
        label, _, words = part.partition(": ")
        if label in ("reason", "diagnosis") and words:
            return spoken(words)
    name = spoken(row.title)
    label, _, words = name.partition(": ")
    return words or ("" if _NO_REASON.issuperset(tokens(name)) else name)


_NO_REASON = frozenset(
    """
    encounter inpatient stay hospital admission emergency room department visit for problem symptom check up procedure
    patient to of and in the outpatient observation short er ed care unit acute general non elective urgent clinic
    """.split()
)


def _lasted(row: Row) -> str:
    if row.end is None:
        return f"From {day(row.date)}; no end is told."
    if day(row.end) == day(row.date):
        return f"On {day(row.date)}."
    begun, ended = dates.parse(day(row.date)), dates.parse(day(row.end))
    known = begun and ended and len(day(row.date)) == len(day(row.end)) == 10
    days = (ended.start - begun.start) // DAY if known and begun and ended else 0
    nights = f", {days} night{'s' if days != 1 else ''}" if days > 0 else ""
    return f"From {day(row.date)} to {day(row.end)}{nights}."
