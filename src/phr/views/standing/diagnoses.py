"""The shape `first_of`: a problem when it is first told.

A problem may be told again and again: on a list, at each visit, by each source, more exactly coded each time. What shares
a code, a name or the code by which a pack knows a condition is one. The list of problems speaks first; where a source
keeps one, its diagnoses of visits count only when they were made in hospital.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from phr.packs.codes import CodeSet
from phr.store.milestones import Milestone
from phr.views.standing.ground import DAY, Ground, Row, Rule, coded, codings, day, folded, spoken

_LISTED = "problem-list-item"
_AT_A_VISIT = "encounter-diagnosis"


def first_of(ground: Ground, rule: Rule) -> Iterator[Milestone]:
    """The first entry of each problem that is a diagnosis."""
    listing = {
        source
        for row in ground.problems
        if row.category == _LISTED
        for source in ground.sources.get(row.id, ())
    }
    conditions = [CodeSet(pack.codes) for pack in ground.packs if pack.codes]
    found = [row for row in ground.problems if _counts(ground, rule, row, listing, conditions)]
    for group in _grouped(found, conditions):
        listed = [row for row in group if row.category != _AT_A_VISIT]
        row = min(listed or group, key=lambda one: (one.date_from is None, one.date_from or 0, one.id))
        yield rule.found(row, f"{rule.says.title or 'Diagnosis'}: {spoken(row.title)}", _detail(row, group))


def _counts(ground: Ground, rule: Rule, row: Row, listing: set[int], conditions: list[CodeSet]) -> bool:
    if rule.named and not rule.fits(row):
        return False
    if row.category != _LISTED and row.encounter not in ground.stays:
        on_a_list = row.category == _AT_A_VISIT and listing & ground.sources.get(row.id, frozenset())
        if on_a_list or _short(rule, row):
            return False
    if any(one.fits(coded(row.codes)) for one in conditions):
        return True
    return not _no_diagnosis(rule, row)


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


def _grouped(rows: Iterable[Row], conditions: list[CodeSet]) -> list[list[Row]]:
    """Those that tell the same problem."""
    group_of: dict[object, int] = {}
    groups: list[list[Row]] = []
    for row in rows:
        keys: list[object] = [folded(spoken(row.title))]
        for system, code in coded(row.codes):
            if system and code:
                keys.append((system, code))
                keys += [(at, root) for at, one in enumerate(conditions) if (root := one.root(system, code))]
        at = next((group_of[key] for key in keys if key in group_of), len(groups))
        if at == len(groups):
            groups.append([])
        groups[at].append(row)
        for key in keys:
            group_of.setdefault(key, at)
    return groups


def _detail(row: Row, group: list[Row]) -> str:
    where = {
        _LISTED: "On the list of problems",
        _AT_A_VISIT: "Diagnosis of a visit",
    }.get(row.category or "", "Told as a problem")
    when = f", from {day(row.date)}" if row.date else ", without a date"
    more = f"; told {len(group)} times" if len(group) > 1 else ""
    return f"{where}{when}{more}."
