"""Which medicine: Medication Information (2.16.840.1.113883.10.20.22.4.23).

The medicine is a concept in the request itself or a Medication resource, contained or in the Bundle.
"""

from __future__ import annotations

from phr.ccda import codes
from phr.ccda.bundle import Entry
from phr.ccda.codes import NCIT, RXNORM, SNOMED
from phr.ccda.datatypes import code, coded, has_code, maybe_coded, part_id, timestamp
from phr.ccda.desk import Desk
from phr.ccda.narrative import day
from phr.ccda.participants import organization_element, party
from phr.ccda.sections.frame import said, said_of, template
from phr.ccda.sections.values import quantity_words
from phr.ccda.xml import Element, el
from phr.fhir.read import codings, concept_text, listed, text
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
        words = _ingredient(each) if isinstance(each, dict) else None
        if words:
            strength = each.get("strength")
            ends = [quantity_words(strength.get(end)) for end in _ENDS] if isinstance(strength, dict) else []
            found.append(" ".join([words, "/".join(filter(None, ends))]).strip())
    return " + ".join(found) or None


def _ingredient(part: Resource) -> str | None:
    reference = part.get("itemReference")
    display = text(reference.get("display")) if isinstance(reference, dict) else None
    return concept_text(part.get("itemCodeableConcept")) or display


def contents(desk: Desk, entry: Entry) -> list[str | None]:
    """What a Medication resource says beyond its name: its form, what it is made of, its package."""
    found = _medication(desk, entry)
    if found is None:
        return []
    medication = found.resource
    batch = medication.get("batch")
    batch = batch if isinstance(batch, dict) else {}
    amount = medication.get("amount")
    ends = [quantity_words(amount.get(end)) for end in _ENDS] if isinstance(amount, dict) else []
    made_of = _ingredients(medication) if concept_text(medication.get("code")) else None
    known = (concept_text(medication.get("code")) or "").casefold()
    return [
        said_of("form", medication.get("form")),
        said("made of", made_of if made_of and made_of.casefold() not in known else None),
        said("amount", "/".join(filter(None, ends))),
        said("lot", text(batch.get("lotNumber"))),
        said("expires", day(batch.get("expirationDate"))),
    ]


def administration_unit(desk: Desk, entry: Entry) -> Element | None:
    """`administrationUnitCode`: the form of the medicine, such as a tablet."""
    found = _medication(desk, entry)
    return (
        maybe_coded("administrationUnitCode", found.resource.get("form"), [NCIT, SNOMED]) if found else None
    )


def drug_words(desk: Desk, entry: Entry) -> str | None:
    """The name of the medicine."""
    return concept_text(drug_concept(desk, entry))


def same_drug(desk: Desk, one: Entry, other: Entry) -> bool:
    """Whether two entries name the same medicine: by a code, else by the very words."""
    concepts = [drug_concept(desk, each) for each in (one, other)]
    coded_ = [{(each.system, each.code) for each in codings(concept) if each.code} for concept in concepts]
    if coded_[0] and coded_[1]:
        return not coded_[0].isdisjoint(coded_[1])
    words = [(concept_text(concept) or "").casefold() for concept in concepts]
    return bool(words[0]) and words[0] == words[1]


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
                *_batch(found),
            ),
            organization_element("manufacturerOrganization", maker.organization)
            if maker and maker.organization
            else None,
            classCode="MANU",
        ),
    )


def _batch(medication: Entry | None) -> list[Element | None]:
    """Lot and expiry of what was handed over."""
    batch = medication.resource.get("batch") if medication else None
    if not isinstance(batch, dict):
        return []
    lot, expires = text(batch.get("lotNumber")), timestamp(batch.get("expirationDate"))
    return [
        el("lotNumberText", lot) if lot else None,
        el("sdtc:expirationTime", value=expires) if expires else None,
    ]


def _no_medicine() -> Element:
    none_known = code("translation", "410942007", codes.SNOMED, "Drug or medicament")
    return el("code", none_known, nullFlavor="OTH", codeSystem=RXNORM)
