"""Whose record this is: one rule for every screen and every document.

The Patient that a connection was signed in for comes first, then a Patient of a connection that its server did not
merely point at (a mother, a twin), then the Patient of the first import, last the one that stands beside the person's
own words. How many records each one has says nothing: the file of a child may be larger than one's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from phr.store.store import Store

_PATIENTS = (
    " FROM source s CROSS JOIN resource x ON x.source_id = s.id LEFT JOIN connection c ON c.source_id = x.source_id"
    " LEFT JOIN record_source rs ON rs.resource_id = x.id LEFT JOIN record r ON r.id = rs.record_id"
    " WHERE x.type = 'Patient'"
)
_FIRST = (
    " ORDER BY x.state <> 'current', s.kind = 'person', x.fhir_id IS NOT c.patient_id,"
    " EXISTS (SELECT 1 FROM wanted_reference w WHERE w.source_id = x.source_id AND w.type = 'Patient'"
    " AND w.fhir_id = x.fhir_id AND w.http_status = 200), c.source_id IS NULL, x.source_id, x.id"
)


def patient(db: Any, sources: Sequence[str] = ()) -> tuple[int, str] | None:
    """`(row of the source, id)` of the Patient whose record it is; of these sources alone if any is named."""
    within = f" AND s.name IN ({','.join('?' * len(sources))})" if sources else ""
    found: tuple[int, str] | None = db.execute(
        f"SELECT x.source_id, x.fhir_id{_PATIENTS} AND x.state = 'current'{within}{_FIRST} LIMIT 1", sources
    ).fetchone()
    return found


def names(store: Store) -> tuple[str, ...]:
    """Whose record this is, by the Patient resources of all sources, the own one first."""
    rows = store.db.execute(f"SELECT r.title{_PATIENTS} AND r.title IS NOT NULL{_FIRST}").fetchall()
    return tuple(dict.fromkeys(row[0] for row in rows))
