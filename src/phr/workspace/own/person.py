"""Whose entries these are: a small Patient of the source `self`, and the Provenance that says who wrote each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from phr.fhir import read
from phr.views import whose
from phr.workspace.own.told import HL7, filled

if TYPE_CHECKING:
    from phr.store.store import Store

Json = dict[str, Any]
KEY = NAME = "self"
KIND = "person"
_TAKEN = ("name", "gender", "birthDate")
"""What tells two people apart; addresses and numbers stay with the providers that know them."""


def known(store: Store) -> Json:
    """The Patient whose record this is, as the providers and files tell; empty when nobody does."""
    names = [one.name for one in store.sources.all() if one.kind != KIND]
    found = whose.patient(store.db, names) if names else None
    if found is None:
        return {}
    row = store.db.execute(
        "SELECT raw FROM resource WHERE source_id = ? AND type = 'Patient' AND fhir_id = ?", found
    ).fetchone()
    body = read.parse_json(row[0]) if row else None
    return body if isinstance(body, dict) else {}


def patient(store: Store, id_: str) -> Json:
    """The Patient that own entries are about: as known elsewhere, with the id it has here, or this one."""
    row = store.db.execute(
        "SELECT x.fhir_id, x.raw FROM resource x JOIN source s ON s.id = x.source_id"
        " WHERE s.key = ? AND x.type = 'Patient' ORDER BY x.id LIMIT 1",
        (KEY,),
    ).fetchone()
    before = read.parse_json(row[1]) if row else {}
    told = known(store) or (before if isinstance(before, dict) else {})
    kept = {name: told[name] for name in _TAKEN if name in told}
    return {"resourceType": "Patient", "id": row[0] if row else id_, **kept}


def provenance(id_: str, target: str, who: str, now: str, activity: str = "CREATE") -> Json:
    """Who wrote it, and when (FHIR R4 6.3); `activity` is of v3-DataOperation."""
    author = {"system": f"{HL7}/provenance-participant-type", "code": "author", "display": "Author"}
    return filled(
        {
            "resourceType": "Provenance",
            "id": id_,
            "target": [{"reference": target}],
            "recorded": now,
            "activity": {"coding": [{"system": f"{HL7}/v3-DataOperation", "code": activity}]},
            "agent": [{"type": {"coding": [author]}, "who": {"reference": who}}],
        }
    )
