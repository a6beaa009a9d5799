"""The shape `source`: the first thing that each source tells."""

from __future__ import annotations

from collections.abc import Iterator

from phr.store.db import marks
from phr.store.milestones import Milestone
from phr.views.standing.ground import NOT_SO, Ground, Rule, day, spoken

_STATES = sorted(NOT_SO)
_SO = f"coalesce(r.status, '') NOT IN ({marks(_STATES)})"
_THERE = "r.resource NOT LIKE 'MedicationStatement/%'"
"""What somebody told of their medicines began elsewhere."""
_BY_AGE = (  # the index has all that is asked for, so that no row is read in vain
    "SELECT r.id, rs.source_id FROM record r INDEXED BY record_by_date"
    " CROSS JOIN record_source rs ON rs.record_id = r.id"
    " WHERE r.supporting = 0 AND r.date_from IS NOT NULL AND r.kind IN ({kinds}) ORDER BY r.date_from, r.id"
)
_IS_SO = f"SELECT 1 FROM record r WHERE r.id = ? AND {_SO} AND {_THERE}"
_OF_SOURCE = (
    "SELECT r.id FROM resource x CROSS JOIN record_source rs ON rs.resource_id = x.id"
    " CROSS JOIN record r ON r.id = rs.record_id WHERE x.source_id = ? AND r.supporting = 0"
    f" AND r.date_from IS NOT NULL AND {_SO}{{kinds}} ORDER BY r.date_from, r.id LIMIT 1"
)
_FEW = 2_000
_SOME = f"SELECT 1 FROM resource WHERE source_id = ? LIMIT {_FEW + 1}"


def source(ground: Ground, rule: Rule) -> Iterator[Milestone]:
    """The oldest record of each source; of the kinds that happen there, where it has one.

    What a person wrote down has no beginning elsewhere: their own source is left out.
    """
    rows = ground.db.execute("SELECT id, name FROM source WHERE kind <> 'person' ORDER BY id").fetchall()
    kinds = rule.says.kinds
    few = {id_ for id_, _ in rows if len(ground.db.execute(_SOME, (id_,)).fetchall()) <= _FEW}
    found = _oldest(ground, {id_ for id_, _ in rows} - few, kinds)
    for id_, name in rows:
        record = found.get(id_) or (_of_source(ground, id_, kinds) if id_ in few and kinds else None)
        record = record or _of_source(ground, id_, ())
        if record is not None:
            title, date, date_from = ground.db.execute(
                "SELECT title, date, date_from FROM record WHERE id = ?", (record,)
            ).fetchone()
            yield Milestone(
                record,
                rule.says.id,
                rule.pack.id,
                f"{rule.says.title or 'First record from'} {name}",
                f"The oldest entry of this source: {spoken(title)}, {day(date)}.",
                date,
                date_from,
            )


def _of_source(ground: Ground, id_: int, kinds: tuple[str, ...]) -> int | None:
    """The oldest record of one source by itself: where it has few, that is quicker than the walk."""
    among = f" AND {_THERE} AND r.kind IN ({marks(kinds)})" if kinds else ""
    found = ground.db.execute(_OF_SOURCE.format(kinds=among), [id_, *_STATES, *kinds]).fetchone()
    return int(found[0]) if found else None


def _oldest(ground: Ground, wanted: set[int], kinds: tuple[str, ...]) -> dict[int, int]:
    """By source its oldest record. One walk from the oldest on answers for all of them, and ends with the last one."""
    found: dict[int, int] = {}
    if not wanted or not kinds:
        return found
    for record, told_by in ground.db.execute(_BY_AGE.format(kinds=marks(kinds)), kinds):
        if told_by in wanted and told_by not in found:
            if ground.db.execute(_IS_SO, [record, *_STATES]).fetchone() is not None:
                found[told_by] = record
            if len(found) == len(wanted):
                break
    return found
