"""Which medicine: Medication Information (2.16.840.1.113883.10.20.22.4.23).

The medicine is a concept in the request itself or a Medication resource, contained or in the Bundle.
"""

from __future__ import annotations

from phr.ccda import codes
from phr.ccda.bundle import Entry
from phr.ccda.codes import RXNORM
from phr.ccda.datatypes import code, coded, has_code, part_id
from phr.ccda.desk import Desk
from phr.ccda.participants import organization_element, party
from phr.ccda.sections.frame import template
from phr.ccda.sections.values import quantity_words
from phr.ccda.xml import Element, el
from phr.fhir.read import concept_text, listed, text
from phr.model import Resource

_ENDS = ("numerator", "denominator")


def _medication(desk: Desk, entry: Entry) -> Entry | None:
    return desk.find(entry, entry.resource.get("medicationReference"))


def drug_concept(desk: Desk, entry: Entry) -> object:
    """The CodeableConcept of the medicine, else the display of a reference that leads nowhere."""
    own = entry.resource.get("medicationCodeableConcept") or entry.resource.get("medication")
    if concept_text(own):
        return own
    found = _medication(desk, entry)
    if found is not None and concept_text(found.resource.get("code")):
        return found.resource.get("code")
    if found is not None and (words := _ingredients(found.resource)):
        return {"text": words}
    reference = entry.resource.get("medicationReference")
    display = text(reference.get("display")) if isinstance(reference, dict) else None
    return {"text": display} if display else own


def _ingredients(medication: Resource) -> str | None:
    """What a Medication without a code is made of."""
    found = []
    for each in listed(medication.get("ingredient")):
        words = concept_text(each.get("itemCodeableConcept")) if isinstance(each, dict) else None
        if words:
            strength = each.get("strength")
            ends = [quantity_words(strength.get(end)) for end in _ENDS] if isinstance(strength, dict) else []
            found.append(" ".join([words, "/".join(filter(None, ends))]).strip())
    return " + ".join(found) or None


def drug_words(desk: Desk, entry: Entry) -> str | None:
    """The name of the medicine."""
    return concept_text(drug_concept(desk, entry))


def is_denial(concept: object) -> bool:
    """Whether the concept says "no known medications"."""
    return has_code(concept, codes.NO_KNOWN_MEDICATION) is not None


def product(desk: Desk, entry: Entry, *, denied: bool, tag: str = "consumable") -> Element:
    """`consumable` (or `product` of a supply) with the medicine and its maker."""
    found = _medication(desk, entry)
    maker = party(desk, found, found.resource.get("manufacturer")) if found else None
    return el(
        tag,
        el(
            "manufacturedProduct",
            template("4.23", None, "2014-06-09"),
            part_id(entry, "product"),
            el(
                "manufacturedMaterial",
                _no_medicine() if denied else coded("code", drug_concept(desk, entry), [RXNORM]),
            ),
            organization_element("manufacturerOrganization", maker.organization)
            if maker and maker.organization
            else None,
            classCode="MANU",
        ),
    )


def _no_medicine() -> Element:
    none_known = code("translation", "410942007", codes.SNOMED, "Drug or medicament")
    return el("code", none_known, nullFlavor="OTH", codeSystem=RXNORM)
