"""What was ordered: tests, referrals, devices, diets, supplies, glasses (FHIR R4, the Request pattern)."""

from __future__ import annotations

from phr.fhir import read
from phr.model import Resource
from phr.records.elements import joined, labelled, notes, reasons, walk, words_of
from phr.records.measurements import number_text, quantity_words
from phr.records.medications import timing_words
from phr.records.references import Reading
from phr.records.shapes import Shape, paths


def _order(resource: Resource, reading: Reading) -> str | None:
    """Why, where on the body, how much and how often."""
    return joined(
        (
            "not to be done" if resource.get("doNotPerform") is True else None,
            labelled("reason", reasons(resource)),
            words_of(resource.get("bodySite")),
            quantity_words(resource.get("quantityQuantity") or resource.get("quantity")),
            timing_words(resource.get("occurrenceTiming")),
            read.text(resource.get("patientInstruction")),
            notes(resource),
        )
    )


def _diet(resource: Resource, reading: Reading) -> str | None:
    """What the diet is, what to leave out, what to add."""

    def words(*path: str) -> list[str | None]:
        return [words_of(entry) for entry in walk(resource, path)]

    return joined(
        (
            read.text(read.first(walk(resource, ("oralDiet", "instruction")))),
            labelled("without", joined(words("excludeFoodModifier"), ", ")),
            labelled("prefers", joined(words("foodPreferenceModifier"), ", ")),
            *words("enteralFormula", "administrationInstruction"),
            notes(resource),
        )
    )


def _glasses(resource: Resource, reading: Reading) -> str | None:
    """Eye, sphere and cylinder of each lens."""
    lenses = []
    for lens in read.dicts(resource.get("lensSpecification")):
        parts = ((name, number_text(lens.get(name))) for name in ("sphere", "cylinder", "axis", "add"))
        shown = [f"{name} {words}" for name, words in parts if words]
        lenses.append(joined((read.text(lens.get("eye")), *shown), " "))
    return joined(lenses)


_ORDERED = paths("occurrenceDateTime", "occurrencePeriod", "occurrenceTiming", "authoredOn", "dateTime")

SHAPES = {
    "ServiceRequest": Shape(
        "order",
        "Order",
        title=paths("code", "orderDetail", "category"),
        when=_ORDERED,
        recorded=paths("authoredOn"),
        people=paths("requester"),
        places=paths("requester", "performer", "locationReference"),
        describe=_order,
        words=paths("reasonCode", "orderDetail", "bodySite"),
    ),
    "DeviceRequest": Shape(
        "device",
        "Ordered device",
        title=paths("codeCodeableConcept", "codeReference.display"),
        codes=paths("codeCodeableConcept"),
        when=_ORDERED,
        recorded=paths("authoredOn"),
        category=(),
        people=paths("requester"),
        places=paths("requester", "performer"),
        describe=_order,
    ),
    "NutritionOrder": Shape(
        "order",
        "Diet",
        title=paths(
            "oralDiet.type", "supplement.type", "supplement.productName", "enteralFormula.baseFormulaType"
        ),
        codes=paths("oralDiet.type", "supplement.type", "enteralFormula.baseFormulaType"),
        when=paths("dateTime"),
        recorded=paths("dateTime"),
        category=(),
        people=paths("orderer"),
        describe=_diet,
        words=paths("oralDiet.instruction", "oralDiet.nutrient.modifier", "allergyIntolerance.display"),
    ),
    "SupplyRequest": Shape(
        "order",
        "Ordered supply",
        title=paths("itemCodeableConcept", "itemReference.display", "category"),
        codes=paths("itemCodeableConcept"),
        when=_ORDERED,
        recorded=paths("authoredOn"),
        people=paths("requester"),
        places=paths("requester", "supplier"),
        describe=_order,
    ),
    "VisionPrescription": Shape(
        "order",
        "Glasses prescription",
        title=paths("lensSpecification.product"),
        codes=paths("lensSpecification.product"),
        when=paths("dateWritten", "created"),
        recorded=paths("created"),
        category=(),
        people=paths("prescriber"),
        describe=_glasses,
    ),
    "RequestGroup": Shape(
        "order",
        "Group of orders",
        title=paths("code", "action.title", "reasonCode"),
        when=paths("authoredOn"),
        recorded=paths("authoredOn"),
        category=(),
        people=paths("author"),
        describe=_order,
        words=paths("action.title", "action.description"),
    ),
}
