"""The shape `source`: the first thing that each source tells."""

from __future__ import annotations

from collections.abc import Iterator

from phr.store.milestones import Milestone
from phr.views.standing.ground import Ground, Rule, day, spoken

_FIRST = (
    "SELECT r.id, r.title, r.date, r.date_from FROM record r INDEXED BY record_by_date"
    " WHERE r.supporting = 0 AND r.date_from IS NOT NULL{kinds}"
    " AND EXISTS (SELECT 1 FROM record_source rs WHERE rs.record_id = r.id AND rs.source_id = ?)"
    " ORDER BY r.date_from, r.id LIMIT 1"
)


def source(ground: Ground, rule: Rule) -> Iterator[Milestone]:
    """The oldest record of each source; of the kinds that happen there, where it has one."""
    kinds = rule.says.kinds
    among = f" AND r.kind IN ({','.join('?' * len(kinds))})" if kinds else ""
    for id_, name in ground.db.execute("SELECT id, name FROM source ORDER BY id").fetchall():
        found = ground.db.execute(_FIRST.format(kinds=among), [*kinds, id_]).fetchone()
        if found is None and kinds:
            found = ground.db.execute(_FIRST.format(kinds=""), [id_]).fetchone()
        if found is not None:
            record, title, date, date_from = found
            yield Milestone(
                record,
                rule.says.id,
                rule.pack.id,
                f"{rule.says.title or 'First record from'} {name}",
                f"The oldest visit, result or note of this source: {spoken(title)}, {day(date)}.",
                date,
                date_from,
            )
