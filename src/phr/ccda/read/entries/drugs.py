"""Which medicine: Medication Information (2.16.840.1.113883.10.20.22.4.23, 4.54) as concept or contained Medication.

A Medication of its own is needed only where the source says more than the name: the form, the maker, the lot, what it is
mixed of.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from phr.ccda.read.datatypes import concept, identifiers, ratio
from phr.ccda.read.entries.meaning import (
    CCDA,
    Concept,
    codes_of,
    named,
    plain,
    words_of,
)
from phr.ccda.read.nodes import Node, at, attr, child, children, has_template, is_null
from phr.ccda.read.people import text
from phr.ccda.read.reading import Reading, Resource
from phr.ccda.read.times import when

_VEHICLE = f"{CCDA}24"
_PHARM = "{urn:hl7-org:pharm}"


def product(statement: Node) -> Node | None:
    """The manufactured product of an administration or a supply."""
    found = child(statement, "consumable/manufacturedProduct")
    return found if found is not None else child(statement, "product/manufacturedProduct")


def material(made: Node | None) -> Node | None:
    """What was made: with a lot, or as it is labelled."""
    found = child(made, "manufacturedMaterial")
    return found if found is not None else child(made, "manufacturedLabeledDrug")


def drug(reading: Reading, statement: Node) -> Concept | None:
    """The medicine or vaccine: its code, its name, or the words of its code."""
    substance = material(product(statement))
    name = next((words for each in children(substance, "name") if (words := text(each))), None)
    found = next(
        (each for node in children(substance, "code") if (each := plain(concept(node, reading)))), None
    )
    if found is not None and not codes_of(found) and name:
        return {"text": name}
    return named(found, name)


def medication(reading: Reading, statement: Node, found: Concept) -> dict[str, Any]:
    """medication[x]: the concept, or a contained Medication where more is known than the name."""
    more = _more(reading, statement)
    if not more:
        return {"medicationCodeableConcept": found}
    contained = {"resourceType": "Medication", "id": "medication", "code": found} | more
    return {
        "contained": [contained],
        "medicationReference": {"reference": "#medication", "display": words_of(found)},
    }


def _more(reading: Reading, statement: Node) -> dict[str, Any]:
    made = product(statement)
    substance = material(made)
    batch = {
        "lotNumber": text(child(substance, "lotNumberText")),
        "expirationDate": when(child(substance, "sdtc:expirationTime"))
        or when(child(substance, f"{_PHARM}expirationTime")),
    }
    form = plain(concept(child(statement, "administrationUnitCode"), reading)) or plain(
        concept(child(substance, f"{_PHARM}formCode"), reading)
    )
    more = {
        "manufacturer": maker(reading, statement),
        "form": form,
        "ingredient": [*_ingredients(reading, substance), *_vehicles(reading, statement)],
        "batch": {key: value for key, value in batch.items() if value},
    }
    more = {key: value for key, value in more.items() if value}
    own = identifiers(made)
    return {"identifier": own} | more if more and own else more


def maker(reading: Reading, statement: Node) -> Resource | None:
    """Who made it, if that is said by more than an empty element."""
    organization = child(product(statement), "manufacturerOrganization")
    if organization is None or is_null(organization) or text(child(organization, "name")) is None:
        return None
    return reading.organization(organization)


def _ingredients(reading: Reading, substance: Node | None) -> list[dict[str, Any]]:
    """What a mixture is made of (ISO 11616 in the namespace of HL7 pharmacy)."""
    found = []
    for each in children(substance, f"{_PHARM}ingredient"):
        kind = plain(concept(child(each, f"{_PHARM}ingredientSubstance/{_PHARM}code"), reading))
        words = text(child(each, f"{_PHARM}ingredientSubstance/{_PHARM}name"))
        if meant := named(kind, words):
            strength = _strength(child(each, f"{_PHARM}quantity"))
            active = attr(each, "classCode") in ("ACTI", "ACTIB", "ACTIM", "ACTIR")
            found.append({"itemCodeableConcept": meant, "isActive": active, "strength": strength})
    return found


def _strength(amount: Node | None) -> dict[str, Any] | None:
    if amount is None:
        return None
    plain_amount = deepcopy(amount)
    for each in plain_amount:  # the same data type in another namespace
        each.tag = str(each.tag).removeprefix(_PHARM)
    return ratio(plain_amount)


def _vehicles(reading: Reading, statement: Node) -> list[dict[str, Any]]:
    """Drug Vehicle (4.24): what the medicine is given in."""
    found = []
    for each in children(statement, "participant/participantRole"):
        if not (has_template(each, _VEHICLE) or at(each, "code", "code") == "412307009"):
            continue
        entity = child(each, "playingEntity")
        meant = named(plain(concept(child(entity, "code"), reading)), text(child(entity, "name")))
        if meant:
            found.append({"itemCodeableConcept": meant, "isActive": False})
    return found
