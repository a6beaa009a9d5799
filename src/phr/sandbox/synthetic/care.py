"""Care plan, care team, goals, and what the person said: social history, questionnaires, advance directive."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from phr.sandbox.synthetic import codes
from phr.sandbox.synthetic.build import Json, concept, draw, quantity, reference, resource, stamp
from phr.sandbox.synthetic.organisations import (
    CLINICIANS,
    NURSE,
    PULMONOLOGIST,
    organization,
    practitioner,
)
from phr.sandbox.synthetic.people import BARNABY, ORLO, TAMSIN, Person

_SOCIAL = codes.hl7("observation-category", "social-history", "Social History")
_SURVEY = codes.hl7("observation-category", "survey", "Survey")
_SDOH = ("http://hl7.org/fhir/us/core/CodeSystem/us-core-category", "sdoh", "SDOH")
_FUNCTION = (
    "http://hl7.org/fhir/us/core/CodeSystem/us-core-category",
    "functional-status",
    "Functional Status",
)
_TOBACCO = codes.loinc("72166-2", "Tobacco smoking status")
_OCCUPATION = codes.loinc("11341-5", "History of Occupation")
_PHQ9 = codes.loinc("44261-6", "Patient Health Questionnaire 9 item (PHQ-9) total score [Reported]")
_FOOD = codes.loinc(
    "88122-7",
    "Within the past 12 months we worried whether our food would run out before we got money to buy more",
)
_NEVER_TRUE = codes.loinc("LA28398-8", "Never true")
_PLAN = (
    "http://hl7.org/fhir/us/core/CodeSystem/careplan-category",
    "assess-plan",
    "Assessment and Plan of Treatment",
)
_TEAM = codes.loinc("LA28865-6", "Longitudinal care-coordination focused care team")


def social(person: Person) -> Iterator[Json]:
    """Smoking status for all but the child's early years; for Tamsin also her work and a question about food."""
    smoked = {TAMSIN.id: ("2015-02-10", "2026-09-22"), BARNABY.id: ("2026-04-14",), ORLO.id: ("2025-10-14",)}
    for day in smoked.get(person.id, ()):
        built = _said(
            person, f"smoking-{person.id}-{day[:4]}", "us-core-smokingstatus", _SOCIAL, _TOBACCO, day
        )
        built["valueCodeableConcept"] = concept(codes.SMOKING[person.smoking])
        if person is TAMSIN:
            built["note"] = [{"text": "12 pack-years, stopped in 2009."}]
        yield built
    if person is TAMSIN:
        work = _said(person, "occupation-tamsin", "us-core-simple-observation", _SOCIAL, _OCCUPATION, "2015")
        work["valueString"] = "Stained glass restorer (dust and lead exposure until 2016)"
        yield work
        food = _said(
            person, "food-2026", "us-core-observation-screening-assessment", _SURVEY, _FOOD, "2026-09-22"
        )
        food["category"].append(concept(_SDOH))
        food["valueCodeableConcept"] = concept(_NEVER_TRUE)
        yield food


def scores(person: Person, seed: int) -> Iterator[Json]:
    """PHQ-9 and the COPD Assessment Test over the years. The latter has no code here that we are sure of."""
    if person is not TAMSIN:
        return
    rng = draw(seed, "scores")
    for year, mood, lungs in ((2019, 4, 11), (2021, 11, 22), (2022, 7, 16), (2024, 4, 15), (2026, 3, 14)):
        day = f"{year}-03-{16 + rng.randrange(6)}"
        phq9 = _said(person, f"phq9-{year}", "us-core-observation-screening-assessment", _SURVEY, _PHQ9, day)
        phq9["valueQuantity"] = quantity(mood, "score", "{score}")
        phq9["interpretation"] = [concept(codes.interpretation("A" if mood >= 10 else "N"))]
        yield phq9
        cat = _said(person, f"cat-{year}", "us-core-observation-screening-assessment", _SURVEY, None, day)
        cat["category"].append(concept(_FUNCTION))
        cat["valueInteger"] = lungs
        yield cat


def _said(
    person: Person, id_: str, profile: str, category: codes.Code, code: codes.Code | None, day: str
) -> Json:
    built = resource(
        "Observation", id_, date.fromisoformat(day if len(day) == 10 else f"{day}-02-10"), profile,
        status="final",
        category=[concept(category)],
        code=concept(code) if code else {"text": "COPD Assessment Test (CAT) total score"},
        subject=person.subject,
        effectiveDateTime=day,
        performer=[practitioner(person.doctor)],
    )  # fmt: skip
    if profile.endswith("simple-observation"):
        built["performer"] = [person.subject]
    return built


def care(person: Person) -> Iterator[Json]:
    """CareTeam, CarePlan and Goal."""
    yield _team(person)
    if person is TAMSIN:
        yield from _goals()
        yield _plan(person, "Live well with alpha-1: weekly infusions, inhalers daily, walk 30 minutes, flu and COVID-19 "
                    "vaccine each autumn, call at the first change of sputum.", "2021-06-07",
                     "prob-alpha1")  # fmt: skip
    if person is BARNABY:
        yield _plan(person, "Diabetes and anticoagulation: INR monthly, A1c twice a year, eye and foot examination yearly.",
                    "2021-08-10", "barnaby-diabetes")  # fmt: skip


def _team(person: Person) -> Json:
    members = [(person.doctor, CLINICIANS[person.doctor].role)]
    if person is TAMSIN:
        members += [(each, CLINICIANS[each].role) for each in (PULMONOLOGIST, NURSE)]
    participants: list[Json] = [
        {"role": [concept(role)], "member": practitioner(who)} for who, role in members
    ]
    if person is TAMSIN:
        spouse = reference("RelatedPerson/orlo-for-tamsin", "Orlo Quillfeather")
        caregiver = concept(codes.snomed("133932002", "Caregiver"))
        participants.append({"role": [caregiver], "member": spouse})
    return resource(
        "CareTeam", f"team-{person.id}", date(2021, 6, 7), "us-core-careteam",
        status="active",
        category=[concept(_TEAM)],
        name=f"Care team of {person.name}",
        subject=person.subject,
        period={"start": "2021-06"},
        participant=participants,
        managingOrganization=[organization("harrow-valley")],
    )  # fmt: skip


def _plan(person: Person, words: str, since: str, problem: str) -> Json:
    html = f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{words}</p></div>'
    activities: list[Json] = []
    goals = None
    if person is TAMSIN:
        activities = [
            {"reference": reference(f"ServiceRequest/{each}")} for each in ("sr-infusions", "sr-ct-2027")
        ]
        walking = {
            "kind": "Task",
            "code": {"text": "Walk 30 minutes"},
            "status": "in-progress",
            "scheduledString": "daily",
        }
        activities.append({"detail": walking})
        goals = [reference(f"Goal/{each}") for each, *_ in _GOALS]
    return resource(
        "CarePlan", f"plan-{person.id}", date.fromisoformat(since), "us-core-careplan",
        text={"status": "additional", "div": html},
        status="active",
        intent="plan",
        category=[concept(_PLAN)],
        title=words.split(":")[0],
        description=words,
        subject=person.subject,
        period={"start": since},
        careTeam=[reference(f"CareTeam/team-{person.id}")],
        addresses=[reference(f"Condition/{problem}")],
        goal=goals,
        activity=activities or None,
    )  # fmt: skip


# id, status, achievement, words, since, due, (measure, value, unit).
_GOALS = (
    ("goal-fev1", "active", "sustaining", "Keep the yearly loss of FEV1 under 50 mL", "2021-06-07", "2027-03", None),
    ("goal-level", "completed", "achieved", "Alpha-1 antitrypsin trough level above 57 mg/dL", "2021-06-07",
     "2022-03",
     (codes.loinc("1825-9", "Alpha 1 antitrypsin [Mass/volume] in Serum or Plasma"), 57, "mg/dL")),
    ("goal-walk", "active", "improving", "Walk to the attic studio without a rest", "2021-03-16", None, None),
    ("goal-smoke", "active", "sustaining", "Stay free of tobacco", "2015-02-10", None, None),
)  # fmt: skip


def _goals() -> Iterator[Json]:
    for id_, status, achieved, words, since, due, measure in _GOALS:
        target: Json = {"dueDate": due} if due else {}
        if measure:
            target |= {
                "measure": concept(measure[0]),
                "detailQuantity": quantity(measure[1], measure[2], comparator=">"),
            }
        yield resource(
            "Goal", id_, date.fromisoformat(since), "us-core-goal",
            lifecycleStatus=status,
            achievementStatus=concept(codes.hl7("goal-achievement", achieved, achieved.capitalize())),
            description={"text": words},
            subject=TAMSIN.subject,
            startDate=since,
            target=[target] if target else None,
            expressedBy=practitioner(PULMONOLOGIST) if measure else TAMSIN.subject,
        )  # fmt: skip


def wishes(person: Person) -> Iterator[Json]:
    """The advance directive of the two who wrote one, and a questionnaire that Tamsin filled in at home."""
    if person in (TAMSIN, BARNABY):
        yield resource(
            "Consent", f"directive-{person.id}", date(2022, 6, 14),
            status="active",
            scope=concept(codes.hl7("consentscope", "adr", "Advanced Care Directive")),
            category=[concept(codes.hl7("consentcategorycodes", "hcd", "Health Care Directive"))],
            patient=person.subject,
            dateTime="2022-06-14",
            performer=[person.subject],
            organization=[organization("harrow-valley")],
            sourceReference=reference(f"DocumentReference/doc-directive-{person.id}") if person is TAMSIN else None,
            policyRule=concept(codes.hl7("v3-ActCode", "OPTIN", "opt-in")),
            provision={"type": "permit", "period": {"start": "2022-06-14"}},
        )  # fmt: skip
    if person is TAMSIN:
        yield _questionnaire(person)


def _questionnaire(person: Person) -> Json:
    at = datetime(2026, 9, 20, 20, 15)  # noqa: DTZ001
    questions = (
        ("sputum", "Has your sputum changed color this week?", {"valueBoolean": False}),
        ("rescue", "How often did you use the rescue inhaler this week?", {"valueInteger": 2}),
        ("stairs", "How many flights of stairs without a rest?", {"valueDecimal": 1.5}),
        ("words", "Anything you want to tell us?", {"valueString": "The new mask fits well."}),
    )
    return resource(
        "QuestionnaireResponse", "qr-weekly-lungs-2026-09", at, "us-core-questionnaireresponse",
        questionnaire="http://harrow-valley.example/Questionnaire/weekly-lungs",
        status="completed",
        subject=person.subject,
        authored=stamp(at),
        author=person.subject,
        item=[{"linkId": link, "text": words, "answer": [answer]} for link, words, answer in questions],
    )  # fmt: skip
