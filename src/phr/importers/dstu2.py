"""Resources in FHIR DSTU2, told in the words of R4.

Phones hold DSTU2 from before 2021, when most providers had nothing newer. Follows the version maps in FHIR R4
(each type's page, "R2 Conversions") for the types that the Health app keeps. What has no place in R4 stays under
its old name only where R4 has that name too; ids and references stay as they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from phr.fhir.read import dicts, listed
from phr.importers.base import TOLD_AS_R4, Batch
from phr.importers.ccda import encoded
from phr.model import Problem, Received

_HL7 = "http://terminology.hl7.org/CodeSystem"
_OLD = ("1.", "0.5", "DSTU2")
_CRITICALITY = {"CRITL": "low", "CRITH": "high", "CRITU": "unable-to-assess"}
Json = dict[str, Any]


def is_old(one: Received, version: str) -> bool:
    """Whether a resource is DSTU2: by the version that is said of it, or a type that only DSTU2 has."""
    return version.upper().startswith(_OLD) or one.type == "MedicationOrder"


def modern(received: Batch) -> tuple[Batch, tuple[Problem, ...]]:
    """The resources as R4. One that cannot be told stays as it is."""
    found, remarks = [], []
    for one in received:
        try:
            resource = json.loads(one.raw, parse_float=Decimal)
            told = _CHANGES[one.type](resource) if one.type in _CHANGES else None
        except (ValueError, RecursionError, TypeError, AttributeError, KeyError):
            told = None
        if told is None:
            found.append(one)
            continue
        found.append(encoded({key: value for key, value in told.items() if value not in (None, [], {})}))
        remarks.append(Problem(one.type, TOLD_AS_R4, id=one.id, known=True))
    return tuple(found), tuple(remarks)


def _renamed(resource: Json, **names: str) -> Json:
    """The same with elements under other names; what is there under the new name already wins."""
    return {
        names[key] if key in names and names[key] not in resource else key: value
        for key, value in resource.items()
    }


def _in_lists(resource: Json, *names: str) -> Json:
    """The same with single elements in lists, as R4 has them."""
    return resource | {name: listed(resource[name]) for name in names if name in resource}


def _annotations(notes: object) -> list[Json]:
    return [{"text": note} if isinstance(note, str) else note for note in listed(notes)]


def _status(system: str, code: object) -> Json | None:
    return {"coding": [{"system": f"{_HL7}/{system}", "code": code}]} if isinstance(code, str) else None


def _without(resource: Json, *names: str) -> Json:
    return {key: value for key, value in resource.items() if key not in names}


def _allergy(old: Json) -> Json:
    said = old.get("status")
    new = _renamed(
        old, substance="code", onset="onsetDateTime", reporter="asserter", lastOccurence="lastOccurrence"
    )
    new = _in_lists(_without(new, "status"), "category")
    return new | {
        "clinicalStatus": _status(
            "allergyintolerance-clinical",
            "active"
            if said in ("active", "unconfirmed", "confirmed")
            else said
            if said in ("inactive", "resolved")
            else None,
        ),
        "verificationStatus": _status(
            "allergyintolerance-verification",
            said if said in ("unconfirmed", "confirmed", "refuted", "entered-in-error") else None,
        ),
        "criticality": _CRITICALITY.get(old.get("criticality", ""), old.get("criticality")),
        "category": [word for word in listed(new.get("category")) if word != "other"],
        "note": _annotations(old.get("note")),
        "reaction": [
            _without(reaction, "certainty")
            | ({"note": _annotations(reaction["note"])} if "note" in reaction else {})
            for reaction in dicts(old.get("reaction"))
        ],
    }


def _condition(old: Json) -> Json:
    new = _renamed(old, patient="subject", dateRecorded="recordedDate", onsetQuantity="onsetAge",
                   abatementQuantity="abatementAge")  # fmt: skip
    over = old.get("abatementBoolean") is True or any(
        key.startswith("abatement") for key in _without(old, "abatementBoolean")
    )
    status = old.get("clinicalStatus")
    new = _in_lists(_without(new, "abatementBoolean", "notes"), "category", "stage")
    return new | {
        "clinicalStatus": _status(
            "condition-clinical", "resolved" if over and status in (None, "active") else status
        ),
        "verificationStatus": _status("condition-ver-status", old.get("verificationStatus")),
        "evidence": [_in_lists(one, "code") for one in dicts(old.get("evidence"))],
        "note": _annotations(old.get("notes")),
    }


def _report(old: Json) -> Json:
    new = _renamed(old, codedDiagnosis="conclusionCode", request="basedOn", image="media")
    return _in_lists(new, "category", "performer", "basedOn")


def _immunization(old: Json) -> Json:
    why = old.get("explanation") or {}
    actors = [{"actor": one} for one in listed(old.get("performer"))] + [
        {"actor": one, "function": {"coding": [{"system": f"{_HL7}/v2-0443", "code": "OP"}]}}
        for one in listed(old.get("requester"))
    ]
    new = _without(old, "wasNotGiven", "reported", "requester", "explanation", "vaccinationProtocol", "date")
    when = {"occurrenceDateTime": old["date"]} if "date" in old else {"occurrenceString": "unknown"}
    return new | when | {
        "status": "not-done" if old.get("wasNotGiven") is True else old.get("status", "completed"),
        "primarySource": not old["reported"] if isinstance(old.get("reported"), bool) else None,
        "performer": actors,
        "note": _annotations(old.get("note")),
        "reasonCode": listed(why.get("reason")),
        "statusReason": (listed(why.get("reasonNotGiven")) or [None])[0],
        "protocolApplied": [
            {
                "series": one.get("series"),
                "authority": one.get("authority"),
                "targetDisease": one.get("targetDisease"),
                "doseNumberPositiveInt": one["doseSequence"],
            }
            for one in dicts(old.get("vaccinationProtocol"))
            if isinstance(one.get("doseSequence"), int)
        ],
    }  # fmt: skip


def _dosage(old: Json) -> Json:
    new = _renamed(old, additionalInstructions="additionalInstruction", siteCodeableConcept="site")
    amount = {
        name: old[key]
        for key, name in (
            ("doseQuantity", "doseQuantity"), ("doseRange", "doseRange"), ("quantityQuantity", "doseQuantity"),
            ("quantityRange", "doseRange"), ("rateRatio", "rateRatio"), ("rateRange", "rateRange"),
        )
        if key in old
    }  # fmt: skip
    new = _without(
        new, "doseQuantity", "doseRange", "quantityQuantity", "quantityRange", "rateRatio", "rateRange"
    )
    timing = new.get("timing")
    if isinstance(timing, dict) and isinstance(timing.get("repeat"), dict):
        repeat = _in_lists(
            _renamed(timing["repeat"], periodUnits="periodUnit", durationUnits="durationUnit"), "when"
        )
        new = new | {"timing": timing | {"repeat": repeat}}
    new = _in_lists(new, "additionalInstruction")
    return new | ({"doseAndRate": [amount]} if amount else {})


def _order(old: Json) -> Json:
    new = _renamed(old, patient="subject", dateWritten="authoredOn", prescriber="requester",
                   reasonCodeableConcept="reasonCode")  # fmt: skip
    substitution = old.get("substitution")
    return _in_lists(_without(new, "dateEnded"), "reasonCode", "reasonReference") | {
        "resourceType": "MedicationRequest",
        "intent": "order",
        "status": old.get("status", "unknown"),
        "note": _annotations(old.get("note"))
        + ([{"text": f"Ended: {old['dateEnded']}"}] if "dateEnded" in old else []),
        "dosageInstruction": [_dosage(one) for one in dicts(old.get("dosageInstruction"))],
        "dispenseRequest": _without(
            old.get("dispenseRequest") or {}, "medicationCodeableConcept", "medicationReference"
        ),
        "substitution": {"allowedCodeableConcept": substitution["type"], "reason": substitution.get("reason")}
        if isinstance(substitution, dict) and "type" in substitution
        else None,
    }


def _statement(old: Json) -> Json:
    new = _renamed(old, patient="subject", reasonForUseCodeableConcept="reasonCode",
                   reasonForUseReference="reasonReference", supportingInformation="derivedFrom")  # fmt: skip
    return _in_lists(_without(new, "wasNotTaken", "reasonNotTaken"), "reasonCode", "reasonReference") | {
        "status": "not-taken" if old.get("wasNotTaken") is True else old.get("status", "unknown"),
        "statusReason": old.get("reasonNotTaken"),
        "note": _annotations(old.get("note")),
        "dosage": [_dosage(one) for one in dicts(old.get("dosage"))],
    }


def _observation(old: Json) -> Json:
    related = dicts(old.get("related"))
    return _in_lists(_without(old, "comments", "related"), "category", "interpretation") | {
        "note": _annotations(old.get("comments")),
        "referenceRange": [_renamed(one, meaning="type") for one in dicts(old.get("referenceRange"))],
        "component": [
            _in_lists(one, "interpretation")
            | {"referenceRange": [_renamed(low, meaning="type") for low in dicts(one.get("referenceRange"))]}
            for one in dicts(old.get("component"))
        ],
        "hasMember": [
            one["target"] for one in related if one.get("type") == "has-member" and "target" in one
        ],
        "derivedFrom": [
            one["target"] for one in related if one.get("type") != "has-member" and "target" in one
        ],
    }


def _procedure(old: Json) -> Json:
    new = _renamed(old, request="basedOn", reasonCodeableConcept="reasonCode", notes="note")
    return _in_lists(
        _without(new, "notPerformed", "reasonNotPerformed"), "basedOn", "reasonCode", "reasonReference"
    ) | {
        "status": "not-done" if old.get("notPerformed") is True else old.get("status", "unknown"),
        "statusReason": (listed(old.get("reasonNotPerformed")) or [None])[0],
        "performer": [_renamed(one, role="function") for one in dicts(old.get("performer"))],
        "note": _annotations(old.get("notes")),
    }


def _patient(old: Json) -> Json:
    return _renamed(old, careProvider="generalPractitioner")


_CHANGES: dict[str, Callable[[Json], Json]] = {
    "AllergyIntolerance": _allergy,
    "Condition": _condition,
    "DiagnosticReport": _report,
    "Immunization": _immunization,
    "MedicationOrder": _order,
    "MedicationStatement": _statement,
    "Observation": _observation,
    "Patient": _patient,
    "Procedure": _procedure,
}
