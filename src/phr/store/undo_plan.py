"""What taking an import back means for each resource that it brought. Reads only.

Imports of one resource follow each other like layers. Taking one out must leave the others as they would be without
it, the history too: what an undone import said must not come back when a later one is undone as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from phr.store.db import batches, marks

_NEW, _UPDATED = "new", "updated"
_ITEMS = (
    "SELECT i.resource_id, i.run_id, i.change, coalesce(json_extract(u.wish, '$.versions'), 0)"
    " FROM import_item i JOIN sync_run u ON u.id = i.run_id"
)


class _Item(NamedTuple):
    run: int
    change: str
    floor: int
    """No version of a resource that this run replaced has a number up to this one."""


@dataclass(slots=True)
class Plan:
    """What is to be done, by resource row."""

    remove: list[int] = field(default_factory=list)
    restore: list[tuple[int, int]] = field(default_factory=list)
    """`(resource, version)`: the version becomes current, it and all later ones leave the history."""
    become: list[tuple[str, int, int]] = field(default_factory=list)
    """`(change, run, resource)`: what another import answers for from now on."""
    move: list[tuple[int, int]] = field(default_factory=list)
    """`(from, to)`: the content of one version takes the place of another's."""
    forget: list[int] = field(default_factory=list)
    """Versions that were this import's own."""
    kept: int = 0
    """Resources that stay, because another import brought them too or they were here before."""
    changed_since: int = 0
    """Those that stay as a later import left them."""


def plan_of(db: Any, runs: Sequence[int]) -> Plan:
    """What to do with all that these runs brought, all of one job."""
    own = frozenset(runs)
    brought: dict[int, list[_Item]] = {}
    for part in batches(runs):
        for id_, *item in db.execute(f"{_ITEMS} WHERE i.run_id IN ({marks(part)})", part):
            brought.setdefault(id_, []).append(_Item(*item))
    plan = Plan()
    for ids in batches(sorted(brought)):
        others: dict[int, list[_Item]] = {}
        for id_, *item in db.execute(f"{_ITEMS} WHERE i.resource_id IN ({marks(ids)})", ids):
            if item[0] not in own:
                others.setdefault(id_, []).append(_Item(*item))
        for id_ in ids:
            _decide(db, plan, id_, brought[id_], others.get(id_, []))
    return plan


def _decide(db: Any, plan: Plan, id_: int, mine: list[_Item], others: list[_Item]) -> None:
    """What becomes of one resource. Each case with its reason."""
    changes = {one.change for one in mine}
    later = sorted(one for one in others if one.run > max(item.run for item in mine))
    if _NEW in changes and not others:
        plan.remove.append(id_)  # nobody else says it
    elif _NEW in changes and later:
        _hand_over(db, plan, id_, mine, later)
    elif _UPDATED in changes:
        _back(db, plan, id_, mine, others, later)
    else:
        plan.kept += 1  # it was here before, or an earlier import has it


def _hand_over(db: Any, plan: Plan, id_: int, mine: list[_Item], later: list[_Item]) -> None:
    """It came with this import, and with a later one: that one brought it, as far as anybody can tell from now on."""
    rows = _versions(db, id_)
    first = _first_versions(rows, [*mine, *later])
    heir = later[0]
    plan.become.append((_NEW, heir.run, id_))
    if heir.change == _UPDATED and heir.run in first:
        plan.forget += [row for row in rows if row <= first[heir.run]]
    else:
        bound = min((first[one.run] for one in later if one.run in first), default=None)
        plan.forget += [row for row in rows if bound is None or row < bound]
    plan.kept += 1


def _back(db: Any, plan: Plan, id_: int, mine: list[_Item], others: list[_Item], later: list[_Item]) -> None:
    """It was here before this import, and was changed by it."""
    rows = _versions(db, id_)
    first = _first_versions(rows, [*mine, *others])
    own = [first[one.run] for one in mine if one.run in first]
    if not own:  # its history is gone: it stays as it is
        plan.changed_since += 1
        return
    before = min(own)
    after = next((one for one in later if one.run in first), None)
    heir = later[0] if later else None
    bound = first[after.run] if after is not None else max(rows) + 1
    between = [row for row in rows if before < row < bound]
    if heir is None:
        plan.restore.append((id_, before))
    elif heir is not after:
        # A later import says just the same: what stood here before is from now on what that one replaced.
        plan.become.append((_UPDATED, heir.run, id_))
        plan.forget += between
        plan.kept += 1
    else:
        # A later one changed it again: it replaced, as far as anybody can tell now, what stood here before both.
        plan.move.append((before, bound))
        plan.forget += [before, *between]
        plan.changed_since += 1


def _versions(db: Any, id_: int) -> list[int]:
    rows = db.execute("SELECT id FROM resource_version WHERE resource_id = ? ORDER BY id", (id_,))
    return [row[0] for row in rows]


def _first_versions(rows: Sequence[int], items: Iterable[_Item]) -> dict[int, int]:
    """By run the version that holds what stood there before it: the first above its floor, or, where the run
    took that over from one that was undone, the newest below what later ones replaced."""
    found: dict[int, int] = {}
    bound = max(rows, default=0) + 1
    for one in sorted((item for item in items if item.change == _UPDATED), reverse=True):
        below = [row for row in rows if row < bound]
        if below:
            bound = found[one.run] = next((row for row in below if row > one.floor), below[-1])
    return found
