"""One row of a table as one FHIR R4 resource.

Each kind is one expression in the shape of its resource; what the row does not say is left out. Where R4 demands a
status and the row has none, it is `unknown` if there is such a code.
"""

from __future__ import annotations

from collections.abc import Callable

from phr.importers.table import kinds, notation
from phr.importers.table.cells import HL7, Cells, Json, Unreadable, coded, filled, named, people, span, text
from phr.importers.table.observations import observation

_SNOMED = notation.SYSTEMS["snomed"]


def resource(cells: Cells, subject: str) -> Json | None:
    """The resource of one row, without an id; None when the row says nothing about this. Raises Unreadable."""
    type_, make = _MAKERS[cells.rows.kind]
    made = make(cells, {"reference": subject})
    if made is None:
        return None
    identifier = filled({"system": cells.get("id_system"), "value": cells.get("id")})
    return {
        "resourceType": type_,
        **({"identifier": [identifier]} if "value" in identifier else {}),
        **filled(made),
    }


def _condition(cells: Cells, subject: Json) -> Json:
    status, end = cells.status(), cells.when("end")
    if end is not None and status in ("active", "recurrence", "relapse"):
        raise Unreadable("has an end, and a status that says it goes on")
    severity = cells.get("severity")
    code, words = kinds.SEVERITIES.get((severity or "").lower(), (None, None))
    coding = [{"system": _SNOMED, "code": code, "display": words}] if code else None
    return {
        "clinicalStatus": coded("condition-clinical", status or ("resolved" if end else None)),
        "category": [coded("condition-category", "problem-list-item")],
        "severity": filled({"coding": coding, "text": severity}),
        "code": named(cells),
        "bodySite": [text(site)] if (site := cells.get("body_site")) else None,
        "subject": subject,
        "onsetDateTime": cells.when("date"),
        "abatementDateTime": end,
        "recordedDate": cells.when("recorded"),
        "asserter": next(iter(people(cells.get("performer"))), None),
        "note": cells.annotations(),
    }


def _medication(cells: Cells, subject: Json) -> Json:
    dose, frequency = cells.get("dose"), cells.get("frequency")
    start, end = cells.when("date"), cells.when("end")
    status = cells.status() or "unknown"
    return {
        "status": status,
        "medicationCodeableConcept": named(cells),
        "subject": subject,
        # One date is when it began, and whether it ended is not known: that is what a period without end says.
        "effectivePeriod": filled({"start": start, "end": end}),
        "dateAsserted": cells.when("recorded"),
        "informationSource": next(iter(people(cells.get("performer"))), None),
        "reasonCode": [text(reason)] if (reason := cells.get("reason")) else None,
        "note": cells.annotations(),
        "dosage": [
            filled({"text": " ".join(filter(None, (dose, frequency))), "route": text(cells.get("route"))})
        ]
        if dose or frequency or cells.get("route")
        else None,
    }


def _allergy(cells: Cells, subject: Json) -> Json:
    status = cells.status()
    category, criticality = cells.get("category"), cells.get("criticality")
    severity, reaction = cells.get("severity"), cells.get("reaction")
    known = (severity or "").lower() in kinds.SEVERITIES
    for label, said, fits in (
        ("Category", category, (category or "").lower() in kinds.ALLERGY_CATEGORIES),
        ("Criticality", criticality, (criticality or "").lower() in kinds.CRITICALITIES),
        ("Severity", severity, known and reaction),
    ):
        if said and not fits:
            cells.notes.append(f"{label}: {said}")
    group = kinds.ALLERGY_CATEGORIES.get((category or "").lower())
    return {
        "clinicalStatus": coded("allergyintolerance-clinical", status),
        "category": [group] if group else None,
        "criticality": kinds.CRITICALITIES.get((criticality or "").lower()),
        "code": named(cells),
        "patient": subject,
        "onsetDateTime": cells.when("date"),
        "recordedDate": cells.when("recorded"),
        "asserter": next(iter(people(cells.get("performer"))), None),
        "note": cells.annotations(),
        "reaction": [
            filled(
                {
                    "manifestation": [{"text": one.strip()} for one in reaction.split(";") if one.strip()],
                    "severity": severity.lower() if severity and known else None,
                }
            )
        ]
        if reaction and reaction.strip(" ;")
        else None,
    }


def _immunization(cells: Cells, subject: Json) -> Json:
    when, number = cells.when("date"), cells.get("dose_number")
    return {
        # A row of a list of vaccinations says that it was given, unless it says otherwise.
        "status": cells.status() or "completed",
        "vaccineCode": named(cells),
        "patient": subject,
        # R4 demands one of the two with a value; the readers of C-CDA write the same where nobody says when.
        **({"occurrenceDateTime": when} if when else {"occurrenceString": "unknown"}),
        "location": next(iter(people(cells.get("facility"))), None),
        "manufacturer": next(iter(people(cells.get("manufacturer"))), None),
        "lotNumber": cells.get("lot"),
        "expirationDate": (cells.when("expires") or "")[:10] or None,
        "site": text(cells.get("site")),
        "route": text(cells.get("route")),
        "doseQuantity": _dose(cells),
        "performer": [{"actor": one} for one in people(cells.get("performer"))],
        "note": cells.annotations(),
        "protocolApplied": [
            {"doseNumberPositiveInt": int(number)}
            if number.isdigit() and int(number)
            else {"doseNumberString": number}
        ]
        if number
        else None,
    }


def _dose(cells: Cells) -> Json | None:
    dose = cells.get("dose")
    if dose is None:
        return None
    found = notation.value(dose, None, cells.mapping.decimal)
    if "valueQuantity" not in found:
        cells.notes.append(f"Dose: {dose}")
        return None
    amount: Json = found["valueQuantity"]
    return amount


def _procedure(cells: Cells, subject: Json) -> Json:
    status = cells.status() or "unknown"
    return {
        "status": status,
        "code": named(cells),
        "subject": subject,
        **span(cells, "performed"),
        "performer": [{"actor": one} for one in people(cells.get("performer"))],
        "location": next(iter(people(cells.get("facility"))), None),
        "reasonCode": [text(reason)] if (reason := cells.get("reason")) else None,
        "bodySite": [text(site)] if (site := cells.get("body_site")) else None,
        "outcome": text(cells.get("outcome")),
        "note": cells.annotations(),
    }


def _encounter(cells: Cells, subject: Json) -> Json:
    said = cells.get("class")
    code = kinds.ENCOUNTER_CLASSES.get((said or "").lower())
    unknown = {"display": said} if said else {"system": f"{HL7}/v3-NullFlavor", "code": "UNK"}
    start, end = cells.when("date"), cells.when("end")
    concept = cells.concept()
    if start is None and concept is None:
        raise Unreadable("says neither when nor what it was")
    status = cells.status() or "unknown"
    return {
        "status": status,
        "class": filled({"system": f"{HL7}/v3-ActCode", "code": code, "display": said}) if code else unknown,
        "type": [concept] if concept else None,
        "subject": subject,
        "participant": [{"individual": one} for one in people(cells.get("performer"))],
        "period": filled({"start": start, "end": end}),
        "reasonCode": [text(reason)] if (reason := cells.get("reason")) else None,
        "serviceProvider": next(iter(people(cells.get("facility"))), None),
    }


def _appointment(cells: Cells, subject: Json) -> Json:
    start, end = cells.when("date"), cells.when("end")
    if start is None:
        raise Unreadable("does not say when the appointment is")
    exact = "T" in start and (end is None or "T" in end)  # FHIR wants instants, or none
    times = (
        {"start": start, "end": end} if exact else {"requestedPeriod": [filled({"start": start, "end": end})]}
    )
    concept = cells.concept()
    status = cells.status() or "booked"
    return {
        "status": status,
        "serviceType": [concept] if concept else None,
        "reasonCode": [text(reason)] if (reason := cells.get("reason")) else None,
        "description": cells.get("text"),
        **times,
        "comment": " ".join(one["text"] for one in cells.annotations()),
        "participant": [{"actor": subject, "status": "accepted"}]
        + [
            {"actor": one, "status": "accepted"}
            for one in people(cells.get("performer"), cells.get("facility"))
        ],
    }


_MAKERS: dict[str, tuple[str, Callable[[Cells, Json], Json | None]]] = {
    "lab_result": ("Observation", observation("laboratory")),
    "vital_sign": ("Observation", observation("vital-signs")),
    "social_history": ("Observation", observation("social-history")),
    "problem": ("Condition", _condition),
    "medication": ("MedicationStatement", _medication),
    "allergy": ("AllergyIntolerance", _allergy),
    "immunization": ("Immunization", _immunization),
    "procedure": ("Procedure", _procedure),
    "encounter": ("Encounter", _encounter),
    "appointment": ("Appointment", _appointment),
}
