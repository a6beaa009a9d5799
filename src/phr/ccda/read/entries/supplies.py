"""What was to be handed over and what was: supply orders (4.17) and dispenses (4.18) of a medicine.

Follows 2.16.840.1.113883.10.20.22.4.17 and 4.18 (before C-CDA 20.1.34, IHE 7.3). An order belongs to the
MedicationRequest it stands in; C-CDA counts fills, FHIR counts refills.
"""

from __future__ import annotations

from typing import Any

from phr.ccda.read.datatypes import number, quantity, span
from phr.ccda.read.entries import panels
from phr.ccda.read.entries.dosage import is_instruction
from phr.ccda.read.entries.drugs import drug, medication, product
from phr.ccda.read.entries.meaning import CCDA, PERSONS, Concept, encounter, notes, of_type, recorded, start
from phr.ccda.read.entries.parts import words
from phr.ccda.read.nodes import Node, at, attr, child, has_template, statements
from phr.ccda.read.reading import Reading, Resource, Where
from phr.ccda.read.times import when
from phr.ccda.read.wholes import MEDICINE
from phr.ccda.reading_codes import DISPENSE_STATUSES, REQUEST_STATUSES

_DISPENSE = f"{CCDA}18"
_ORDER = f"{CCDA}17"


def is_dispense(supply: Node) -> bool:
    """Something that was handed over, as opposed to an order."""
    if has_template(supply, _DISPENSE):
        return True
    return not has_template(supply, _ORDER) and (attr(supply, "moodCode") or "EVN") == "EVN"


def orders(statement: Node) -> list[Node]:
    """The supply orders of an administration."""
    return [each for _, each in statements(statement) if each.tag == "supply" and not is_dispense(each)]


def dispenses(statement: Node) -> list[Node]:
    """What was handed over of an administration."""
    return [each for _, each in statements(statement) if each.tag == "supply" and is_dispense(each)]


def dispense_request(reading: Reading, order: Node | None) -> dict[str, Any]:
    """A supply order as dispenseRequest: how much, how often, until when, where."""
    if order is None:
        return {}
    fills = number(at(order, "repeatNumber", "value") or at(order, "repeatNumber/high", "value"))
    pharmacy = (of_type(each, ("Organization",)) for each in reading.performers(order))
    found = {
        "validityPeriod": span(child(order, "effectiveTime")),
        "numberOfRepeatsAllowed": max(int(fills) - 1, 0) if fills is not None else None,
        "quantity": quantity(child(order, "quantity")),
        "expectedSupplyDuration": quantity(child(order, "expectedUseTime/width")),
        "performer": next((each for each in pharmacy if each), None),
    }
    return {key: value for key, value in found.items() if value is not None}


def instructions(reading: Reading, supply: Node) -> list[Resource]:
    """Instructions that stand in a supply: for the pharmacist, or on the label."""
    said = (words(reading, nested) for _, nested in statements(supply) if is_instruction(nested))
    return [{"text": each} for each in said if each]


def says_more(reading: Reading, order: Node) -> bool:
    """Whether an order says more than that there is one."""
    return bool(dispense_request(reading, order)) or child(order, "author") is not None


def order(
    reading: Reading, where: Where, supply: Node, found: Concept | None, holder: Node | None = None
) -> Resource | None:
    """A supply order of its own, or beside a medicine that is taken, as MedicationRequest."""
    meant = drug(reading, supply) or found
    if meant is None:
        return None
    source = supply if drug(reading, supply) or holder is None else holder
    who, time = recorded(reading, PERSONS, supply)
    elements = {
        "status": REQUEST_STATUSES.get(at(supply, "statusCode", "code") or "", "unknown"),
        "intent": "order",
        **medication(reading, source, meant),
        "subject": reading.patient,
        "encounter": encounter(reading, supply, holder),
        "authoredOn": time,
        "requester": who,
        "note": [*notes(reading, supply), *instructions(reading, supply)],
        "dispenseRequest": dispense_request(reading, supply),
    }
    return reading.resource("MedicationRequest", supply, where, elements)


def dispense(
    reading: Reading,
    where: Where,
    supply: Node,
    found: Concept | None,
    request: Resource | None = None,
    holder: Node | None = None,
) -> Resource | None:
    """Something that was handed over, as MedicationDispense."""
    meant = drug(reading, supply) or found
    if meant is None:
        return None
    source = supply if product(supply) is not None or holder is None else holder
    fill = at(supply, "repeatNumber", "value")
    performers = reading.performers(supply)
    elements = {
        "status": DISPENSE_STATUSES.get(at(supply, "statusCode", "code") or "", "unknown"),
        **medication(reading, source, meant),
        "subject": reading.patient,
        "context": encounter(reading, supply, holder),
        "performer": [{"actor": each} for each in performers],
        "authorizingPrescription": [reading.ref(request)] if request else None,
        "quantity": quantity(child(supply, "quantity")),
        "daysSupply": quantity(child(supply, "expectedUseTime/width")),
        "whenHandedOver": start(child(supply, "effectiveTime")) or when(child(supply, "effectiveTime/high")),
        "note": [
            *notes(reading, supply),
            *(
                notes(reading, holder)
                if holder is not None and panels.frames(reading, holder, MEDICINE)
                else ()
            ),
            *instructions(reading, supply),
            *([{"text": f"Fill number {fill}"}] if fill and fill != "1" else []),
        ],
    }
    return reading.resource("MedicationDispense", supply, where, elements)


def handed_over(
    reading: Reading, where: Where, statement: Node, found: Concept, request: Resource | None
) -> list[Resource]:
    """All dispenses of an administration."""
    made = (dispense(reading, where, each, found, request, statement) for each in dispenses(statement))
    return [each for each in made if each is not None]
