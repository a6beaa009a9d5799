"""Which visits were in which department: a hospital tells itself as the provider of a visit, and the emergency department
only as its location.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from phr.fhir import read
from phr.views.visit_names import people

if TYPE_CHECKING:
    from phr.views.visit_people import Place

_NEWEST = 2_000
_NOT_MET = ("cancelled", "noshow", "entered-in-error", "planned")


def locate(db: Any, places: Iterable[Place]) -> None:
    """Note at each place the visits that were there, where their record names another one. The newest visits only."""
    by_name = {place.name: place for place in places}
    names = {
        (row[0], f"Location/{row[1]}"): row[2]
        for row in db.execute(
            "SELECT x.source_id, x.fhir_id, r.title FROM source s CROSS JOIN resource x ON x.source_id = s.id"
            " AND x.type = 'Location' JOIN record r ON r.id = x.id WHERE r.supporting = 1 LIMIT ?",
            (_NEWEST,),
        )
    }
    rows = db.execute(
        "SELECT record.id, x.source_id, x.raw, record.facility, record.performer, record.status FROM record"
        " JOIN record_source rs ON rs.record_id = record.id JOIN resource x ON x.id = rs.resource_id"
        " WHERE record.kind = 'encounter' AND record.supporting = 0 AND x.type = 'Encounter' AND x.state = 'current'"
        " AND instr(x.raw, '\"location\"') ORDER BY record.date_from DESC LIMIT ?",
        (_NEWEST,),
    )
    for id_, source, raw, facility, performer, status in rows.fetchall():
        for name in _locations(raw, source, names):
            place = by_name.get(name)
            if place is None or name == facility:
                continue
            place.located.add(id_)
            if status not in _NOT_MET:
                place.visits += 1
                place.people.update(people(performer or ""))


def _locations(raw: bytes, source: int, names: dict[tuple[int, str], str]) -> set[str]:
    try:
        body = read.parse_json(raw)
    except ValueError:
        return set()
    found = set()
    for one in read.dicts(body.get("location") if isinstance(body, dict) else None):
        pointer = one.get("location")
        if isinstance(pointer, dict):
            name = names.get((source, read.reference(pointer) or "")) or read.text(pointer.get("display"))
            if name:
                found.add(name)
    return found
