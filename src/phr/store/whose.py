"""Whose the records are: the identifiers of their Patients, which name nothing else, and whether these are two people."""

from __future__ import annotations

from typing import Any

from phr.records.match import Fact, of_patient, who_of
from phr.records.match_people import Who, strangers

_PEOPLE = 200
"""So many Patients are compared with each other; each connection and each file brings one or two."""


class Whose:
    """The Patients of all sources, as they are now."""

    def __init__(self, db: Any) -> None:
        rows = db.execute(
            "SELECT source_id, fhir_id, raw FROM resource WHERE type = 'Patient' ORDER BY id"
        ).fetchall()
        self.identifiers = frozenset(found for *_, raw in rows for found in of_patient(raw))
        people = {(source, id_): who_of(raw) for source, id_, raw in rows}
        several = list(dict.fromkeys(people.values()))[:_PEOPLE]
        differ = any(strangers(one, other) for at, one in enumerate(several) for other in several[at + 1 :])
        self._people: dict[tuple[int, str], Who] = people if differ else {}
        """Empty where they may all be one person, as they mostly are: then nothing has to be asked."""

    def differ(self, one: Fact, source: int, other: Fact, its: int) -> bool:
        """Whether the two facts are said of two people."""
        if not self._people:
            return False
        first, second = self._who(one, source), self._who(other, its)
        return first is not None and second is not None and strangers(first, second)

    def _who(self, one: Fact, source: int) -> Who | None:
        return self._people.get((source, one.patient)) if one.patient else None
