"""Who points at whom, within what one source told: references read from the resources as they were sent.

The store keeps no list of all references, so those that lie near are read: the same visit, the weeks around, and of the
types that name others all of them, as long as they are few. References of different sources have nothing to do with
each other. FHIR R4, References; Bundles as Synthea writes them name an entry by a urn that repeats its id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from phr.fhir import read
from phr.views.events import marks

FEW = 1500
"""So many resources of types that name others are read whole."""
_NEAR = 200
_LARGEST = 1_000_000
_NAMING = """
DiagnosticReport ServiceRequest ProcedureRequest MedicationRequest MedicationOrder MedicationAdministration
MedicationDispense MedicationStatement Procedure CarePlan CareTeam Goal DocumentReference Composition Task Immunization
ImagingStudy Condition Communication CommunicationRequest Appointment QuestionnaireResponse AllergyIntolerance
ClinicalImpression Claim ExplanationOfBenefit Encounter FamilyMemberHistory Media NutritionOrder DeviceUseStatement
DeviceRequest RiskAssessment Flag AdverseEvent DetectedIssue Specimen EpisodeOfCare
""".split()
_TYPES = [*_NAMING, "Observation", "Device", "Consent", "Coverage", "Medication"]
_REFERENCE = re.compile(rb'"reference"\s*:\s*"([^"#]+)"')
_NOBODY = frozenset("Patient Practitioner PractitionerRole Organization Location RelatedPerson Group".split())
_OWN = "SELECT x.source_id, x.type || '/' || x.fhir_id FROM record_source rs JOIN resource x ON x.id = rs.resource_id"
_FEW = f"SELECT count(*) FROM (SELECT 1 FROM resource WHERE source_id = ? AND type IN ({{marks}}) LIMIT {FEW + 1})"
_THEIR = f"SELECT id FROM resource WHERE source_id = ? AND type IN ({{marks}}) AND length(raw) < {_LARGEST}"
_VISIT = (
    "SELECT v.id FROM record own JOIN record v ON substr(v.encounter, -6) = substr(own.encounter, -6)"
    f" AND v.encounter = own.encounter AND v.supporting = 0 WHERE own.id = ? LIMIT {_NEAR}"
)
_SINCE = (
    "SELECT id FROM record WHERE supporting = 0 AND date_from >= ?1 AND date_from < ?1 + 5184000"
    f" ORDER BY date_from, id LIMIT {_NEAR}"
)
_BEFORE = (
    "SELECT id FROM record WHERE supporting = 0 AND date_from < ?1 AND date_from > ?1 - 5184000"
    f" ORDER BY date_from DESC, id DESC LIMIT {_NEAR}"
)
_RAW = (
    "SELECT x.id, x.type, x.fhir_id, x.raw FROM resource x WHERE +x.source_id = ? AND x.id IN ({marks})"
    f" AND x.state = 'current' AND length(x.raw) < {_LARGEST}"
)
_RECORDS = (
    "SELECT rs.record_id, r.supporting FROM resource x JOIN record_source rs ON rs.resource_id = x.id"
    " JOIN record r ON r.id = rs.record_id WHERE x.source_id = ? AND x.type = ? AND x.fhir_id = ?"
)


class Web:
    """The references around one record, in one source."""

    def __init__(self, db: Any, source: int, record: int) -> None:
        self._db = db
        self.source = source
        self._raw: dict[str, bytes] = {}
        self._named_by: dict[str, list[str]] = {}
        for part in _parts(sorted(_around(db, source, record))):
            for _, type_, id_, raw in db.execute(_RAW.format(marks=marks(part)), [source, *part]):
                self._note(f"{type_}/{id_}", raw)

    def _note(self, address: str, raw: bytes) -> None:
        self._raw[address] = raw
        for spelled in set(_REFERENCE.findall(raw)):
            self._named_by.setdefault(_key(spelled.decode("utf-8", "replace")), []).append(address)

    def named_by(self, address: str) -> Iterator[tuple[str, str]]:
        """`(element, Type/id)` of the resources that name this one."""
        bare = address.partition("/")[2]
        for other in dict.fromkeys(
            self._named_by.get(address, []) + self._named_by.get(f"urn:uuid:{bare}", [])
        ):
            found = (
                element for element, key in targets(self._raw[other]) if key in (address, f"urn:uuid:{bare}")
            )
            element = next(found, None)
            if element is not None and other != address:
                yield element, other

    def names(self, address: str) -> Iterator[tuple[str, str]]:
        """`(element, Type/id)` of the resources that this one names; whether they are here is not asked."""
        raw = self._raw.get(address)
        if raw is None:
            type_, _, id_ = address.partition("/")
            row = self._db.execute(
                f"SELECT raw FROM resource WHERE source_id = ? AND type = ? AND fhir_id = ? AND length(raw) < {_LARGEST}",
                (self.source, type_, id_),
            ).fetchone()
            raw = row[0] if row else b"{}"
        for element, key in targets(raw):
            found = self._resolved(key)
            if found is not None:
                yield element, found

    def records(self, address: str) -> list[int]:
        """The records of a life that a resource tells."""
        type_, _, id_ = address.partition("/")
        rows = self._db.execute(_RECORDS, (self.source, type_, id_)).fetchall()
        return [row[0] for row in rows if row[1] == 0]

    def _resolved(self, key: str) -> str | None:
        if not key.startswith("urn:uuid:"):
            return key
        row = self._db.execute(
            f"SELECT type || '/' || fhir_id FROM resource WHERE source_id = ? AND type IN ({marks(_TYPES)})"
            " AND fhir_id = ?",
            [self.source, *_TYPES, key.removeprefix("urn:uuid:")],
        ).fetchone()
        return row[0] if row else None


def addresses(db: Any, record: int) -> list[tuple[int, str]]:
    """`(source, Type/id)` of the resources that tell a record; eight at most."""
    query = f"{_OWN} WHERE rs.record_id = ? AND x.state = 'current' ORDER BY x.id LIMIT 8"
    return [(row[0], row[1]) for row in db.execute(query, (record,))]


def targets(raw: bytes) -> Iterator[tuple[str, str]]:
    """`(element, Type/id or urn)` of every reference to something that can be of a life."""
    try:
        resource = read.parse_json(raw)
    except ValueError:
        return
    open_: list[tuple[str, object]] = [("", resource)]
    while open_:
        element, node = open_.pop()
        if isinstance(node, dict):
            key = _key(node["reference"]) if isinstance(node.get("reference"), str) else ""
            if key and key.partition("/")[0] not in _NOBODY:
                yield element, key
            # `detail.valueReference` and `item.actor` say less than the element they stand in.
            inner = reversed([(name, part) for name, part in node.items() if name != "contained"])
            open_.extend([(element if name in _LESS and element else name, part) for name, part in inner])
        elif isinstance(node, list):
            open_.extend([(element, part) for part in reversed(node)])


_LESS = frozenset(("valueReference", "actor", "individual", "reference", "itemReference", "detail"))


def _key(spelled: str) -> str:
    return spelled if spelled.startswith("urn:uuid:") else read.reference(spelled) or ""


def _around(db: Any, source: int, record: int) -> set[int]:
    """Resources that may name the record or what it names."""
    found = {row[0] for row in db.execute(_VISIT, (record,))}
    row = db.execute("SELECT date_from FROM record WHERE id = ?", (record,)).fetchone()
    for query in (_SINCE, _BEFORE) if row and row[0] is not None else ():
        found.update(one[0] for one in db.execute(query, (row[0],)))
    if db.execute(_FEW.format(marks=marks(_NAMING)), [source, *_NAMING]).fetchone()[0] <= FEW:
        found.update(one[0] for one in db.execute(_THEIR.format(marks=marks(_NAMING)), [source, *_NAMING]))
    linked = "SELECT l.record_id FROM record_link l WHERE l.source_id = ? AND l.target = ? LIMIT 100"
    for where, address in addresses(db, record):
        found.update(one[0] for one in db.execute(linked, (where, address)) if where == source)
    return found


def _parts(values: Sequence[int]) -> Iterator[Sequence[int]]:
    for at in range(0, len(values), 400):
        yield values[at : at + 400]
