"""What references of one source point at, looked up when a page asks for it.

References are answered inside the source they came from: `Encounter/1` of one hospital has nothing to do with
`Encounter/1` of another.
"""

from __future__ import annotations

from typing import Any

from phr.views.fields.saying import Find, Found

_RECORD = "r.title, r.kind, r.date, r.value, r.unit, r.interpretation, r.low, r.high, r.range_text"
_BY_ADDRESS = (
    f"SELECT x.id, x.type, {_RECORD} FROM resource x LEFT JOIN record r ON r.id = x.id"
    " WHERE x.source_id = ? AND x.type = ? AND x.fhir_id = ?"
)
# Bundles name their entries by a urn, whatever their type is: these are what records point at in that way.
_URN_TYPES = (
    "Encounter Practitioner Organization Location Patient Condition Observation MedicationRequest Medication Procedure"
    " Claim CarePlan CareTeam Coverage DiagnosticReport DocumentReference Device ImagingStudy Immunization Goal"
    " PractitionerRole ServiceRequest"
).split()


def finder(db: Any, source_id: int) -> Find:
    """A function that looks `Type/id` up in one source."""

    def find(address: str) -> Found | None:
        type_, _, id_ = address.partition("/")
        for one in _URN_TYPES if type_ == "*" else (type_,):
            row = db.execute(_BY_ADDRESS, (source_id, one, id_)).fetchone()
            if row is not None:
                return _found(db, row)
        return None

    return find


def _found(db: Any, row: tuple[Any, ...]) -> Found:
    id_, type_, title, kind, date, value, unit, interpretation, low, high, text = row

    def body() -> dict[str, Any]:
        from phr.views.details import exact

        raw = db.execute("SELECT raw FROM resource WHERE id = ?", (id_,)).fetchone()
        found = exact(bytes(raw[0]))
        return found if isinstance(found, dict) else {}

    if title and title.endswith(" without a name"):
        title = None
    if type_ == "PractitionerRole":
        title = _holder(db, id_, body()) or title
    measured = None if value is None else f"{value}%" if unit == "%" else f"{value} {unit or ''}".strip()
    return Found(title, kind, date, measured, interpretation, _range(low, high, text), body)


def _holder(db: Any, resource_id: int, role: dict[str, Any]) -> str | None:
    """Who has a role: the person's name, with the role's own words behind it."""
    from phr.views.fields.saying import Saying

    row = db.execute("SELECT source_id FROM resource WHERE id = ?", (resource_id,)).fetchone()
    pointer = role.get("practitioner")
    if not row or not isinstance(pointer, dict):
        return None
    found = Saying(role, finder(db, row[0])).named(pointer)
    return None if found and found.endswith("(no name given)") else found


def _range(low: float | None, high: float | None, text: str | None) -> str | None:
    if text or (low is None and high is None):
        return text
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    return f"at least {low:g}" if low is not None else f"at most {high:g}"
