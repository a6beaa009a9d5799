"""The shape `first_of`: a problem when it is first told.

A problem may be told again and again: on a list, at each visit, by each source, more exactly coded each time, in one code
system here and in another one there. What shares a code, a name or the code by which a pack knows a condition is one.
The list of problems speaks first; where a source keeps one, its diagnoses of visits count only when they were made in
hospital. The day of a diagnosis is that of its onset, else the one it was written down (FHIR R4, Condition.onset[x]).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from phr.fhir import dates, read
from phr.packs.codes import CodeSet, system_of
from phr.packs.words import tokens
from phr.store.milestones import Milestone
from phr.views.standing.ground import DAY, Ground, Row, Rule, coded, codings, day, folded, spoken

if TYPE_CHECKING:
    from phr.packs.model import Pack

_LISTED = "problem-list-item"
_AT_A_VISIT = "encounter-diagnosis"
_NAMES = 3


class _Condition:
    """What a pack knows of its condition, ready to be asked."""

    def __init__(self, pack: Pack) -> None:
        self.codes = CodeSet(pack.codes)
        same = pack.same or (
            (pack.codes,) if len(pack.codes) > 1 and all(len(listed) == 1 for _, listed in pack.codes) else ()
        )
        self.same = [CodeSet(codes) for codes in same]


def first_of(ground: Ground, rule: Rule) -> Iterator[Milestone]:
    """The first entry of each problem that is a diagnosis."""
    listing = {
        source
        for row in ground.problems
        if row.category == _LISTED
        for source in ground.sources.get(row.id, ())
    }
    conditions = [_Condition(pack) for pack in ground.packs if pack.codes]
    known = [one.codes for one in conditions]
    has = {
        codes
        for codes in {row.codes for row in ground.problems}
        if any(one.fits(coded(codes)) for one in known)
    }
    found = [row for row in ground.problems if _counts(ground, rule, row, listing, has)]
    told = [(_first(group), group) for group in _joined(_grouped(found, conditions), known)]
    bodies = dict(ground.bodies([row.id for row, _ in told]))
    for row, group in told:
        when, at, began = _began(ground, row, bodies.get(row.id, {}))
        title = f"{rule.says.title or 'Diagnosis'}: {spoken(row.title)}"
        yield rule.found(row, title, f"{_where(row)}{began}{_more(row, group)}.", when, at)


def _first(group: list[Row]) -> Row:
    """The oldest entry, of the list of problems where it is on one."""
    listed = [row for row in group if row.category != _AT_A_VISIT]
    return min(listed or group, key=lambda one: (one.date_from is None, one.date_from or 0, one.id))


def _counts(ground: Ground, rule: Rule, row: Row, listing: set[int], has: set[str]) -> bool:
    if rule.named and not rule.fits(row):
        return False
    if row.category != _LISTED and row.encounter not in ground.stays:
        on_a_list = row.category == _AT_A_VISIT and listing & ground.sources.get(row.id, frozenset())
        if on_a_list or _short(rule, row):
            return False
    return row.codes in has or not _no_diagnosis(rule, row)


def _no_diagnosis(rule: Rule, row: Row) -> bool:
    """A sign, a circumstance, a reason for a visit, or somebody else's illness."""
    if row.category in rule.says.unless_categories or rule.unless.fit(row.title):
        return True
    classified = [(system, code) for system, code in coded(row.codes) if rule.unless_codes.knows(system)]
    if classified:  # the classification says what it is, whatever a name sounds like
        return all(rule.unless_codes.has(system, code) for system, code in classified)
    endings = rule.says.unless_endings
    return bool(endings) and (
        row.title.endswith(endings)
        or any(display and display.endswith(endings) for _, _, display in codings(row.codes))
    )


def _short(rule: Rule, row: Row) -> bool:
    """An illness that was over after a few days."""
    return bool(
        rule.says.short_days
        and row.ended is not None
        and row.date_from is not None
        and row.ended - row.date_from < rule.says.short_days * DAY
    )


def _grouped(rows: Iterable[Row], conditions: list[_Condition]) -> list[list[Row]]:
    """Those that tell the same problem."""
    group_of: dict[object, int] = {}
    groups: list[list[Row]] = []
    keys_of: dict[tuple[str, str], list[object]] = {}
    for row in rows:
        concept = (row.title, row.codes)
        if concept not in keys_of:
            keys_of[concept] = _keys(row, conditions)
        keys = keys_of[concept]
        at = next((group_of[key] for key in keys if key in group_of), len(groups))
        if at == len(groups):
            groups.append([])
        groups[at].append(row)
        for key in keys:
            group_of.setdefault(key, at)
    return groups


def _keys(row: Row, conditions: list[_Condition]) -> list[object]:
    keys: list[object] = [folded(spoken(row.title))]
    for system, code in coded(row.codes):
        if system and code:
            keys.append((system, code))
            for at, one in enumerate(conditions):
                if root := one.codes.root(system, code):
                    keys.append((at, root))
                keys += [
                    (at, "same", number) for number, same in enumerate(one.same) if same.has(system, code)
                ]
    return keys


def _joined(groups: list[list[Row]], conditions: list[CodeSet]) -> list[list[Row]]:
    """Groups that different code systems tell of one condition, and one of which is called what the other is called."""
    for codes in conditions:
        of_it = [group for group in groups if any(codes.fits(coded(row.codes)) for row in group)]
        for at, one in enumerate(of_it):
            for other in of_it[at + 1 :]:
                if one and other and _alike(one, other):
                    one += other
                    other.clear()
        groups = [group for group in groups if group]
    return groups


def _alike(one: list[Row], other: list[Row]) -> bool:
    first, second = (
        {system_of(system) for row in group for system, code in coded(row.codes) if code} - {None}
        for group in (one, other)
    )
    if not first or not second or first & second:
        return False
    return any(
        words <= others or others <= words
        for words in (_said(row) for row in one)
        for others in (_said(row) for row in other)
        if words and others
    )


def _said(row: Row) -> frozenset[str]:
    return frozenset(tokens(spoken(row.title))) - _EMPTY


_EMPTY = frozenset(
    "without with of the and or due to unspecified complication complications disorder disease nos".split()
)


# ── when, and how it is told ────────────────────────────────────────────────────────────────────────────


def _where(row: Row) -> str:
    return {
        _LISTED: "On the list of problems",
        _AT_A_VISIT: "Diagnosis of a visit",
    }.get(row.category or "", "Told as a problem")


def _began(ground: Ground, row: Row, body: dict[str, Any]) -> tuple[str | None, int | None, str]:
    """Its date, and what that is the date of."""
    period = body.get("onsetPeriod")
    onset = read.text(body.get("onsetDateTime")) or (
        isinstance(period, dict) and read.text(period.get("start"))
    )
    noted = read.text(body.get("recordedDate"))
    if row.date and (onset or not noted or day(noted) != day(row.date)):
        return row.date, row.date_from, f", from {day(row.date)}"
    written = f", noted {day(row.date)}" if row.date else ""
    if (years := _age(body.get("onsetAge"))) is not None:
        year = _year(ground.born, years)
        when = dates.parse(year) if year else None
        words = f"; it began at the age of {years}"
        if when is not None:
            return year, when.start, f"{written}{words}, about {year}"
        return row.date, row.date_from, f"{written or ', without a date'}{words}"
    said = read.text(body.get("onsetString"))
    if said and re.search(r"[^\W_]", said):
        return (
            row.date,
            row.date_from,
            f"{written or ', without a date'}; it began “{' '.join(said.split())[:80]}”",
        )
    return row.date, row.date_from, written or ", without a date"


def _age(age: object) -> int | None:
    """Full years of an Age; less exact ones tell nothing."""
    if not isinstance(age, dict) or read.text(age.get("comparator")):
        return None
    value = age.get("value")
    unit = (read.text(age.get("code")) or read.text(age.get("unit")) or "").lower()
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 130:
        return None
    return int(value) if unit in ("a", "year", "years", "yr", "yrs") else None


def _year(born: str | None, years: int) -> str | None:
    """The year in which somebody reached an age, where it is not still to come."""
    year = (born or "")[:4]
    if not (year.isascii() and year.isdigit() and len(year) == 4):
        return None
    found = int(year) + years
    return f"{found:04}" if found <= date.max.year else None


def _more(row: Row, group: Sequence[Row]) -> str:
    """How often it is told, and what else it is called."""
    told = f"; told {len(group)} times" if len(group) > 1 else ""
    names: dict[str, str] = {}
    for one in group:
        names.setdefault(folded(spoken(one.title)), spoken(one.title))
    names.pop(folded(spoken(row.title)), None)
    others = list(names.values())
    if not others:
        return told
    rest = f" and {len(others) - _NAMES} more names" if len(others) > _NAMES else ""
    return f"{told}, also as {'; '.join(others[:_NAMES])}{rest}"
