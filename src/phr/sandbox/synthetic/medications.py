"""Medication, MedicationRequest and MedicationStatement (US Core 6.1): what is taken, was taken, and why it ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from phr.sandbox.synthetic import codes
from phr.sandbox.synthetic.alpha1 import PROLASTIN, PROLASTIN_REQUEST
from phr.sandbox.synthetic.build import Json, concept, quantity, reference, resource
from phr.sandbox.synthetic.organisations import (
    CLINICIANS,
    FAMILY_DOCTOR,
    HOSPITALIST,
    PEDIATRICIAN,
    PULMONOLOGIST,
    practitioner,
)
from phr.sandbox.synthetic.people import BARNABY, JUNIPER, ORLO, TAMSIN, Person


@dataclass(frozen=True, slots=True)
class Drug:
    """A product: its RxNorm code where we are sure of one, the words on the label, and how one dose is counted."""

    code: codes.Code | None
    text: str
    unit: tuple[str, str]
    route: str = "oral"


_TABLET, _PUFF, _MG = ("tablet", "{tbl}"), ("puff", "{puff}"), ("mg", "mg")
DRUGS = {
    "albuterol": Drug(codes.rxnorm("745679", "200 ACTUAT albuterol 0.09 MG/ACTUAT Metered Dose Inhaler"),
                      "albuterol 90 mcg inhaler", _PUFF, "inhaled"),
    "nebules": Drug(codes.rxnorm("630208", "albuterol 0.83 MG/ML Inhalation Solution"),
                    "albuterol 2.5 mg/3 mL nebulizer solution", ("mL", "mL"), "inhaled"),
    "tiotropium": Drug(codes.rxnorm("485032", "tiotropium 0.018 MG Inhalation Powder"),
                       "tiotropium 18 mcg inhalation capsule", ("capsule", "{capsule}"), "inhaled"),
    "budesonide": Drug(None, "budesonide-formoterol 160-4.5 mcg inhaler", _PUFF, "inhaled"),
    "lisinopril": Drug(codes.rxnorm("314076", "lisinopril 10 MG Oral Tablet"), "lisinopril 10 mg tablet", _TABLET),
    "amlodipine": Drug(codes.rxnorm("197361", "amlodipine 5 MG Oral Tablet"), "amlodipine 5 mg tablet", _TABLET),
    "atorvastatin": Drug(codes.rxnorm("83367", "atorvastatin"), "atorvastatin 20 mg tablet", _TABLET),
    "prednisone": Drug(codes.rxnorm("312615", "prednisone 20 MG Oral Tablet"), "prednisone 20 mg tablet", _TABLET),
    "azithromycin": Drug(codes.rxnorm("308460", "azithromycin 250 MG Oral Tablet"),
     "azithromycin 250 mg tablet", _TABLET),
    "acetaminophen": Drug(codes.rxnorm("198440", "acetaminophen 500 MG Oral Tablet"),
     "acetaminophen 500 mg tablet", _TABLET),
    "fluticasone": Drug(codes.rxnorm("895994",
     "120 ACTUAT fluticasone propionate 0.044 MG/ACTUAT Metered Dose Inhaler"),
                        "fluticasone 44 mcg inhaler", _PUFF, "inhaled"),
    "metformin": Drug(codes.rxnorm("860975", "24 HR metformin hydrochloride 500 MG Extended Release Oral Tablet"),
                      "metformin ER 500 mg tablet", _TABLET),
    "warfarin": Drug(codes.rxnorm("855332", "warfarin sodium 5 MG Oral Tablet"), "warfarin 5 mg tablet", _TABLET),
    "simvastatin": Drug(codes.rxnorm("312961", "simvastatin 20 MG Oral Tablet"), "simvastatin 20 mg tablet", _TABLET),
    "cetirizine": Drug(codes.rxnorm("1014676", "cetirizine hydrochloride 5 MG Oral Tablet"),
     "cetirizine 5 mg tablet", _TABLET),
    "prolastin": Drug(codes.rxnorm("535", "alpha 1-antitrypsin"), "Prolastin-C 60 mg/kg IV weekly", _MG,
     "intravenous"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Order:
    """One prescription."""

    id: str
    person: Person
    drug: str
    since: str
    who: str
    sig: str
    dose: float
    often: tuple[int, int, str]
    """How many times in how many of which unit of time: (1, 1, "d") is once a day."""
    problem: str | None = None
    """The id of the Condition it is for."""
    until: str | None = None
    status: str = "active"
    ended: str | None = None
    """Why it was stopped."""
    needed: bool = False
    """Taken only as needed."""


_O = Order
ORDERS = (
    _O("mr-albuterol-2015", TAMSIN, "albuterol", "2015-02-10", FAMILY_DOCTOR,
        "Inhale 2 puffs every 4 hours as needed for wheezing",
       2, (1, 4, "h"), "prob-emphysema", needed=True),
    _O("mr-tiotropium", TAMSIN, "tiotropium", "2015-03-24", PULMONOLOGIST,
        "Inhale the contents of 1 capsule once daily",
       1, (1, 1, "d"), "prob-emphysema"),
    _O("mr-lisinopril", TAMSIN, "lisinopril", "2017-10-03", FAMILY_DOCTOR, "Take 1 tablet by mouth once daily",
       1, (1, 1, "d"), "prob-hypertension", "2018-02-13", "stopped", "Persistent dry cough"),
    _O("mr-amlodipine", TAMSIN, "amlodipine", "2018-02-13", FAMILY_DOCTOR, "Take 1 tablet by mouth once daily",
       1, (1, 1, "d"), "prob-hypertension"),
    _O("mr-atorvastatin", TAMSIN, "atorvastatin", "2019-10-01", FAMILY_DOCTOR, "Take 1 tablet by mouth at bedtime",
       1, (1, 1, "d"), "prob-hyperlipidemia"),
    _O("mr-prednisone-2020", TAMSIN, "prednisone", "2020-11-22", HOSPITALIST,
        "Take 2 tablets by mouth once daily for 5 days",
       2, (1, 1, "d"), None, "2020-11-27", "completed"),
    _O("mr-azithromycin-2020", TAMSIN, "azithromycin", "2020-11-22", HOSPITALIST,
       "Take 2 tablets on the first day, then 1 tablet daily for 4 days", 1, (1, 1, "d"), None, "2020-11-27",
        "completed"),
    _O("mr-budesonide", TAMSIN, "budesonide", "2020-12-01", FAMILY_DOCTOR,
        "Inhale 2 puffs twice daily, rinse mouth after use",
       2, (2, 1, "d"), "prob-emphysema"),
    _O("mr-nebules", TAMSIN, "nebules", "2020-12-01", FAMILY_DOCTOR, "Use 3 mL in nebulizer every 6 hours as needed",
       3, (1, 6, "h"), "prob-emphysema", needed=True),
    _O(PROLASTIN_REQUEST, TAMSIN, "prolastin", "2021-06-07", PULMONOLOGIST,
        "Infuse 60 mg/kg (4,000 mg) intravenously once a week",
       4000, (1, 1, "wk"), "prob-alpha1"),
    _O("mr-prednisone-2024", TAMSIN, "prednisone", "2024-02-06", PULMONOLOGIST,
        "Take 2 tablets by mouth once daily for 5 days",
       2, (1, 1, "d"), "prob-emphysema", "2024-02-11", "completed"),
    _O("orlo-acetaminophen", ORLO, "acetaminophen", "2022-10-11", FAMILY_DOCTOR,
        "Take 2 tablets every 6 hours as needed for pain",
       2, (1, 6, "h"), None, needed=True),
    _O("orlo-simvastatin", ORLO, "simvastatin", "2022-10-25", FAMILY_DOCTOR, "Take 1 tablet by mouth at bedtime",
       1, (1, 1, "d"), "orlo-hyperlipidemia"),
    _O("juniper-albuterol", JUNIPER, "albuterol", "2018-05-08", PEDIATRICIAN,
        "Inhale 2 puffs 15 minutes before exercise as needed",
       2, (1, 4, "h"), "juniper-asthma", needed=True),
    _O("juniper-fluticasone", JUNIPER, "fluticasone", "2018-09-04", PEDIATRICIAN,
        "Inhale 2 puffs twice daily with spacer",
       2, (2, 1, "d"), "juniper-asthma", "2021-06-01", "stopped", "No symptoms for a year"),
    _O("juniper-cetirizine", JUNIPER, "cetirizine", "2022-04-19", PEDIATRICIAN,
        "Take 1 tablet once daily in the pollen season",
       1, (1, 1, "d"), None),
    _O("barnaby-metformin", BARNABY, "metformin", "2009-05-12", FAMILY_DOCTOR,
        "Take 2 tablets by mouth with the evening meal",
       2, (1, 1, "d"), "barnaby-diabetes"),
    _O("barnaby-warfarin", BARNABY, "warfarin", "2021-08-04", HOSPITALIST,
        "Take as directed by the anticoagulation clinic",
       1, (1, 1, "d"), "barnaby-fibrillation"),
    _O("barnaby-amlodipine", BARNABY, "amlodipine", "2012-03-06", FAMILY_DOCTOR, "Take 1 tablet by mouth once daily",
       1, (1, 1, "d"), "barnaby-hypertension"),
    _O("barnaby-simvastatin", BARNABY, "simvastatin", "2012-03-06", FAMILY_DOCTOR,
        "Take 1 tablet by mouth at bedtime",
       1, (1, 1, "d"), None),
)  # fmt: skip


def products() -> Iterator[Json]:
    """Medication resources for what is ordered by reference: the infusion and the nebulizer solution."""
    prolastin = (codes.NDC, "13533-705-01", "Prolastin-C")
    yield resource(
        "Medication", PROLASTIN, date(2021, 6, 1), "us-core-medication",
        code=concept(codes.rxnorm("535", "alpha 1-antitrypsin"), prolastin,
            text="Prolastin-C (alpha-1-proteinase inhibitor, human)"),
        status="active",
    )  # fmt: skip
    yield resource(
        "Medication", "med-nebules", date(2020, 12, 1), "us-core-medication", code=_product(DRUGS["nebules"])
    )


def orders(person: Person) -> Iterator[Json]:
    """The person's prescriptions, oldest first."""
    for order in ORDERS:
        if order.person is person:
            yield _request(order)


def statements(person: Person) -> Iterator[Json]:
    """What the person takes without a prescription, in the person's own words."""
    if person is TAMSIN:
        yield resource(
            "MedicationStatement", "ms-vitamin-d", date(2023, 9, 19),
            status="active",
            medicationCodeableConcept={"text": "Vitamin D3 1,000 units"},
            subject=person.subject,
            effectivePeriod={"start": "2021"},
            dateAsserted="2023-09-19",
            informationSource=person.subject,
            dosage=[{"text": "One tablet each morning"}],
        )  # fmt: skip


def _product(drug: Drug) -> Json:
    return concept(drug.code, text=drug.text) if drug.code else {"text": drug.text}


def _request(order: Order) -> Json:
    drug = DRUGS[order.drug]
    by_reference = {"prolastin": PROLASTIN, "nebules": "med-nebules"}.get(order.drug)
    # One prescriber without a display, as the reader of real data has to look such names up.
    requester = practitioner(order.who)
    if order.drug == "tiotropium":
        requester = reference(f"Practitioner/{order.who}")
    return resource(
        "MedicationRequest", order.id, date.fromisoformat(order.until or order.since), "us-core-medicationrequest",
        status=order.status,
        statusReason={"text": order.ended} if order.ended else None,
        intent="order",
        category=[_category(order)],
        reportedBoolean=False,
        medicationCodeableConcept=None if by_reference else _product(drug),
        medicationReference=reference(f"Medication/{by_reference}") if by_reference else None,
        subject=order.person.subject,
        authoredOn=order.since,
        requester=requester,
        reasonReference=[reference(f"Condition/{order.problem}")] if order.problem else None,
        dosageInstruction=[_dosage(order, drug)],
        dispenseRequest=_dispense(order),
    )  # fmt: skip


def _category(order: Order) -> Json:
    if order.who == HOSPITALIST:
        return concept(codes.hl7("medicationrequest-category", "discharge", "Discharge"))
    if CLINICIANS[order.who].place == "larkfield" and order.drug == "prolastin":
        return concept(codes.hl7("medicationrequest-category", "outpatient", "Outpatient"))
    return concept(codes.hl7("medicationrequest-category", "community", "Community"))


def _dosage(order: Order, drug: Drug) -> Json:
    frequency, length, unit = order.often
    bounds = {"start": order.since}
    if order.until:
        bounds["end"] = order.until
    dosage: Json = {
        "text": order.sig,
        "timing": {
            "repeat": {"boundsPeriod": bounds, "frequency": frequency, "period": length, "periodUnit": unit}
        },
        "route": concept(codes.ROUTES[drug.route]),
        "doseAndRate": [{"doseQuantity": quantity(order.dose, *drug.unit)}],
    }
    if order.needed:
        dosage["asNeededBoolean"] = True
    return dosage


def _dispense(order: Order) -> Json:
    refills = 0 if order.until else 11 if order.often[2] == "wk" else 3
    days = 5 if refills == 0 else 30
    supply = {"value": days, "unit": "days", "system": codes.UCUM, "code": "d"}
    return {"numberOfRepeatsAllowed": refills, "expectedSupplyDuration": supply}
