"""The problem list and allergies: Condition (problem-list-item, health-concern) and AllergyIntolerance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from phr.sandbox.synthetic import codes
from phr.sandbox.synthetic.build import Json, concept, resource
from phr.sandbox.synthetic.organisations import practitioner
from phr.sandbox.synthetic.people import BARNABY, JUNIPER, ORLO, TAMSIN, Person

_CONDITION = "http://terminology.hl7.org/CodeSystem/condition-"
_ALLERGY = "http://terminology.hl7.org/CodeSystem/allergyintolerance-"


@dataclass(frozen=True, slots=True)
class Problem:
    """One line of a problem list."""

    id: str
    person: Person
    code: str
    onset: str | None
    recorded: str
    abated: str | None = None
    verification: str = "confirmed"
    category: str = "problem-list-item"
    note: str | None = None


_P = Problem
PROBLEMS = (
    _P("prob-alpha1", TAMSIN, "alpha1", "2015-03-24", "2015-03-31",
        note="Phenotype ZZ. Siblings and children advised to be tested."),
    _P("prob-emphysema", TAMSIN, "emphysema", "2014", "2015-04-14"),
    _P("prob-hypertension", TAMSIN, "hypertension", "2016-09", "2017-10-03"),
    _P("prob-hyperlipidemia", TAMSIN, "hyperlipidemia", "2019-09-24", "2019-10-01"),
    _P("prob-anemia", TAMSIN, "anemia", "2011", "2015-02-10", "2012-05", note="Iron deficiency after pregnancy."),
    _P("prob-asthma", TAMSIN, "asthma", None, "2015-02-10", None, "refuted",
       note="Suspected in 2014; spirometry showed no reversibility."),
    _P("concern-isolation", TAMSIN, "isolation", "2021-01", "2021-03-16", "2022-06", "confirmed", "health-concern",
       "Stayed at home for most of the winter."),
    _P("concern-breathless", TAMSIN, "dyspnea", "2014-02", "2015-02-10", None, "confirmed", "health-concern",
       "Wants to climb the stairs to the attic studio without a rest."),
    _P("orlo-apnea", ORLO, "sleep apnea", "2023-02-07", "2023-03-14"),
    _P("orlo-hyperlipidemia", ORLO, "hyperlipidemia", "2022-10-11", "2022-10-25"),
    _P("juniper-asthma", JUNIPER, "childhood asthma", "2018-05-08", "2018-05-08"),
    _P("juniper-otitis", JUNIPER, "otitis", "2014-02", "2014-02-18", "2014-03"),
    _P("barnaby-diabetes", BARNABY, "diabetes", "2009", "2009-05-12"),
    _P("barnaby-hypertension", BARNABY, "hypertension", "1998", "2012-03-06"),
    _P("barnaby-fibrillation", BARNABY, "atrial fibrillation", "2021-08-03", "2021-08-03"),
    _P("barnaby-emphysema", BARNABY, "emphysema", "2005", "2012-03-06"),
)  # fmt: skip


def problems(person: Person) -> Iterator[Json]:
    """The person's problem list and health concerns."""
    for problem in PROBLEMS:
        if problem.person is person:
            yield _condition(problem)


def _condition(problem: Problem) -> Json:
    status = "resolved" if problem.abated else "active"
    refuted = problem.verification == "refuted"
    concern = problem.category == "health-concern"
    system = (
        "http://hl7.org/fhir/us/core/CodeSystem/condition-category" if concern else _CONDITION + "category"
    )
    category = (system, problem.category, "Health Concern" if concern else "Problem List Item")
    return resource(
        "Condition", problem.id, date.fromisoformat(problem.recorded), "us-core-condition-problems-health-concerns",
        clinicalStatus=concept((_CONDITION + "clinical", "inactive" if refuted else status, None)),
        verificationStatus=concept((_CONDITION + "ver-status", problem.verification,
            problem.verification.capitalize())),
        category=[concept(category)],
        code=concept(*codes.PROBLEMS[problem.code]),
        subject=problem.person.subject,
        onsetDateTime=problem.onset,
        abatementDateTime=problem.abated,
        recordedDate=problem.recorded,
        recorder=practitioner(problem.person.doctor),
        note=[{"text": problem.note}] if problem.note else None,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Allergy:
    """One allergy with the reaction that showed it: (finding, severity)."""

    id: str
    person: Person
    substance: str
    category: str
    criticality: str
    recorded: str
    onset: str | None
    reaction: tuple[str, str] | None
    status: str = "active"
    type: str = "allergy"


_ALLERGIES = (
    Allergy(
        "all-penicillin",
        TAMSIN,
        "penicillin",
        "medication",
        "high",
        "2015-02-10",
        "1989",
        ("hives", "moderate"),
    ),
    Allergy("all-latex", TAMSIN, "latex", "environment", "low", "2015-02-10", "2011-06", ("rash", "mild")),
    Allergy(
        "all-peanut", TAMSIN, "peanut", "food", "low", "2015-02-10", "1976", ("rash", "mild"), "inactive"
    ),
    Allergy(
        "juniper-peanut",
        JUNIPER,
        "peanut",
        "food",
        "high",
        "2013-11-05",
        "2013-11-03",
        ("anaphylaxis", "severe"),
    ),
    Allergy("juniper-pollen", JUNIPER, "tree pollen", "environment", "low", "2022-04-19", "2021-04", None),
    Allergy(
        "barnaby-penicillin",
        BARNABY,
        "penicillin",
        "medication",
        "unable-to-assess",
        "2012-03-06",
        None,
        None,
    ),
)


def allergies(person: Person) -> Iterator[Json]:
    """What the person must not be given. Orlo's says, by a clinician's word, that none is known."""
    for allergy in _ALLERGIES:
        if allergy.person is person:
            yield _allergy(allergy)
    if person is ORLO:
        none = Allergy("orlo-none", ORLO, "none", "", "", "2017-10-10", None, None)
        yield _allergy(none)


def _allergy(allergy: Allergy) -> Json:
    if allergy.substance == "none":
        code = concept(codes.snomed("716186003", "No known allergy"))
    else:
        code = concept(codes.SUBSTANCES[allergy.substance])
    known = allergy.substance != "none"
    return resource(
        "AllergyIntolerance", allergy.id, date.fromisoformat(allergy.recorded), "us-core-allergyintolerance",
        clinicalStatus=concept((_ALLERGY + "clinical", allergy.status, allergy.status.capitalize())),
        verificationStatus=concept((_ALLERGY + "verification", "confirmed", "Confirmed")),
        type=allergy.type if known else None,
        category=[allergy.category] if known else None,
        criticality=allergy.criticality if known else None,
        code=code,
        patient=allergy.person.subject,
        onsetDateTime=allergy.onset,
        recordedDate=allergy.recorded,
        recorder=practitioner(allergy.person.doctor),
        reaction=[_reaction(*allergy.reaction)] if allergy.reaction else None,
    )  # fmt: skip


def _reaction(finding: str, severity: str) -> Json:
    return {"manifestation": [concept(codes.FINDINGS[finding])], "severity": severity}
