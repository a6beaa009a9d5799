"""Is a file about the person whose record this is?

People care for several family members and mix their files up. A Patient is taken for somebody else only where both
the name and the day of birth say so: who married keeps the birthday, who was typed wrongly keeps the name. A
Patient that leaves one of the two open is not doubted. Identifiers say nothing here: families share insurance numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

from phr.fhir import read
from phr.importers import patients
from phr.importers.base import Imported
from phr.model import Resource
from phr.records import match_people
from phr.store.store import Store


def of_record(store: Store) -> list[Resource]:
    """The person whose record it is. Whoever else came in with a file some day does not count."""
    return [body for raw in store.imports.own_patients() if (body := _parsed(raw)) is not None]


def of_file(one: Imported, chosen: str | None) -> list[Resource]:
    """The Patients whose data is taken from a file, as far as it describes them; an archive may know one by several ids."""
    wanted = {who.id for who in one.patients if who.label is not None and chosen in (None, who.id)}
    found: list[Resource] = []
    for received, _, _ in one.parts() if wanted else ():
        for each in received:
            if each.type == "Patient" and each.id in wanted:
                wanted.discard(each.id)
                found += [body] if (body := _parsed(each.raw)) is not None else []
        if not wanted:
            break
    return found


def are_strangers(described: Sequence[Resource], known: Sequence[Resource]) -> bool:
    """Whether somebody is known, somebody else is described, and none of these is one of those."""
    pairs = [(match_people.who(one), match_people.who(other)) for one in described for other in known]
    return bool(pairs) and all(match_people.strangers(one, other) for one, other in pairs)


def label(patient: Resource) -> str:
    """Name and birth date, for a person to decide by; never for a log."""
    return patients.label(patient) or "somebody without a name"


def _parsed(raw: bytes) -> Resource | None:
    try:
        body = read.parse_json(raw)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None
