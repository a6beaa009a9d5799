"""Encounter and the encounter-diagnosis Condition that goes with it (US Core 6.1)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from phr.sandbox.synthetic import codes
from phr.sandbox.synthetic.build import Json, concept, number, period, reference, resource, stamp
from phr.sandbox.synthetic.organisations import location, organization, practitioner
from phr.sandbox.synthetic.visits import STAY, Visit

_PRIMARY = codes.hl7("v3-ParticipationType", "PPRF", "primary performer")
_SHORT = {"bronchitis", "sinusitis", "otitis", "strep throat", "exacerbation"}
_CONDITION = "http://terminology.hl7.org/CodeSystem/condition-"


def encounter(visit: Visit) -> Iterator[Json]:
    """The Encounter of a visit, after its diagnosis if it has one."""
    diagnosis = None
    if visit.diagnosis:
        yield _condition(visit, visit.diagnosis)
        diagnosis = [
            {"condition": reference(f"Condition/{_diagnosis_id(visit)}"), "use": _use(visit), "rank": 1}
        ]
    code = visit.setting
    yield resource(
        "Encounter", visit.id, visit.at + timedelta(minutes=visit.minutes), "us-core-encounter",
        identifier=[{"system": "urn:oid:2.999.1.72", "value": visit.id}],
        status="finished",
        **{"class": {"system": code[0], "code": code[1], "display": code[2]}},
        type=[concept(codes.VISITS[visit.type])],
        subject=visit.person.subject,
        participant=[{
            "type": [concept(_PRIMARY)],
            "period": period(visit.at, visit.minutes),
            "individual": practitioner(visit.who),
        }],
        period=period(visit.at, visit.minutes),
        reasonCode=[{"text": visit.reason}],
        diagnosis=diagnosis,
        hospitalization=_hospitalization() if visit is STAY else None,
        location=None if code is codes.VIRTUAL else [{"location": location(visit.place)}],
        serviceProvider=organization(visit.place),
    )  # fmt: skip


def _use(visit: Visit) -> Json:
    if visit is STAY:
        return concept(codes.hl7("diagnosis-role", "DD", "Discharge diagnosis"))
    return concept(codes.hl7("diagnosis-role", "CC", "Chief complaint"))


def _hospitalization() -> Json:
    return {
        "admitSource": concept(codes.hl7("admit-source", "emd", "From accident/emergency department")),
        "dischargeDisposition": concept(codes.hl7("discharge-disposition", "home", "Home")),
    }


def _diagnosis_id(visit: Visit) -> str:
    return f"dx-{number('diagnosis', visit.key)}"


def _condition(visit: Visit, diagnosis: str) -> Json:
    """What was found at the visit; a short illness is over by now, the rest goes on."""
    over = diagnosis in _SHORT
    status = ("resolved", "Resolved") if over else ("active", "Active")
    return resource(
        "Condition", _diagnosis_id(visit), visit.at, "us-core-condition-encounter-diagnosis",
        clinicalStatus=concept((_CONDITION + "clinical", *status)),
        verificationStatus=concept((_CONDITION + "ver-status", "confirmed", "Confirmed")),
        category=[concept((_CONDITION + "category", "encounter-diagnosis", "Encounter Diagnosis"))],
        code=concept(*codes.PROBLEMS[diagnosis]),
        subject=visit.person.subject,
        encounter=visit.reference,
        onsetDateTime=visit.at.isoformat()[:10],
        abatementDateTime=visit.at.isoformat()[:7] if over else None,
        recordedDate=stamp(visit.at),
        recorder=practitioner(visit.who),
    )  # fmt: skip
