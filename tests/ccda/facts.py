"""What a resource states, as pairs of element and value that two spellings of the same have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

Json = dict[str, Any]
Fact = tuple[str, str]

COMPARED: dict[str, str] = {
    "AllergyIntolerance": "code clinicalStatus verificationStatus type category criticality onsetDateTime recordedDate"
    " recorder note.text reaction.manifestation reaction.severity reaction.onset",
    "Condition": "code category clinicalStatus verificationStatus severity bodySite onsetDateTime recordedDate recorder"
    " note.text",
    "MedicationRequest": "medicationCodeableConcept status intent authoredOn requester note.text reasonCode"
    " dosageInstruction dispenseRequest.quantity dispenseRequest.numberOfRepeatsAllowed dispenseRequest.validityPeriod",
    "MedicationStatement": "medicationCodeableConcept status effectivePeriod note.text reasonCode dosage",
    "MedicationDispense": "medicationCodeableConcept status quantity whenHandedOver daysSupply note.text",
    "Immunization": "vaccineCode status occurrenceDateTime lotNumber site route doseQuantity performer.actor expirationDate"
    " reasonCode note.text protocolApplied.doseNumberPositiveInt",
    "Procedure": "code status performedDateTime performedPeriod bodySite performer.actor reasonCode note.text",
    "Encounter": "status class type period participant.individual reasonCode hospitalization.dischargeDisposition",
    "Observation": "code status category effectiveDateTime effectivePeriod issued value performer interpretation"
    " note.text method bodySite referenceRange dataAbsentReason component",
    "Goal": "description lifecycleStatus startDate target.dueDate note.text",
    "ServiceRequest": "code status intent authoredOn requester reasonCode occurrenceDateTime occurrencePeriod note.text",
    "FamilyMemberHistory": "relationship sex bornDate status condition.code condition.onsetAge",
    "Device": "type udiCarrier.deviceIdentifier udiCarrier.carrierHRF serialNumber expirationDate modelNumber manufacturer",
    "CareTeam": "status name participant.role participant.member period reasonCode",
    "Patient": "name.use name.family name.given name.prefix name.suffix gender birthDate maritalStatus telecom.system"
    " telecom.value telecom.use address.use address.line address.city address.state address.postalCode address.country"
    " communication.language communication.preferred extension",
    "DocumentReference": "type date author content.attachment.data",
}
"""The elements that are compared; an element with parts is compared with all of them."""


def facts(resource: Json, everything: list[Json]) -> Counter[Fact]:
    """All facts of the elements that are compared."""
    found: Counter[Fact] = Counter()
    names = {f"{each['resourceType']}/{each['id']}": each for each in everything}
    for path in COMPARED[resource["resourceType"]].split():
        for key, value in _walk(resource, path.split(".")):
            found.update(_told(key, value, names))
    identifiers = {each.get("value") for each in resource.get("identifier", ())}
    found.update(("identifier", each) for each in identifiers if each)
    return found


def _walk(node: Any, path: list[str]) -> Iterator[tuple[str, Any]]:
    if isinstance(node, list):
        for each in node:
            yield from _walk(each, path)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == path[0] or (path[0] == "value" and key.startswith("value")):
                for name, what in _walk(value, path[1:]) if len(path) > 1 else [("", value)]:
                    yield f"{key}.{name}".rstrip("."), what


def _told(key: str, value: Any, names: dict[str, Json]) -> Iterator[Fact]:
    if isinstance(value, list):
        for each in value:
            yield from _told(key, each, names)
    elif isinstance(value, dict):
        yield from _of_dict(key, value, names)
    elif isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        yield key, _time(str(value)) or " ".join(str(value).split())
    else:
        yield key, _number(value)


def _of_dict(key: str, value: Json, names: dict[str, Json]) -> Iterator[Fact]:
    if "coding" in value or (set(value) <= {"text"} and not key.endswith("note")):
        codings = [
            f"{each.get('system')}|{each['code']}" for each in value.get("coding", ()) if each.get("code")
        ]
        yield from ((key, each) for each in codings)
        if not codings and value.get("text"):
            yield key, " ".join(value["text"].split())
    elif "reference" in value:
        target = names.get(value["reference"], {})
        if target.get("resourceType") == "PractitionerRole":
            target = names.get(target["practitioner"]["reference"], {})
        yield from ((key, each["value"]) for each in target.get("identifier", ())[:1])
    elif "system" in value and "code" in value and "value" not in value:
        yield key, f"{value['system']}|{value['code']}"
    elif "value" in value and set(value) <= {"value", "unit", "system", "code", "comparator"}:
        yield (
            key,
            f"{value.get('comparator', '')}{_number(value['value'])} {value.get('code') or value.get('unit', '')}".strip(),
        )
    else:
        for inner, what in value.items():
            yield from _told(f"{key}.{inner}", what, names)


def _number(value: Any) -> str:
    return f"{Decimal(str(value)).normalize():f}"


def _time(said: str) -> str | None:
    if "T" not in said:
        return None
    try:
        return datetime.fromisoformat(said).astimezone(UTC).isoformat()
    except ValueError:
        return None
