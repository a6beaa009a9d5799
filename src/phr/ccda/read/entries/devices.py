"""Devices: a Product Instance as Device, with what its Unique Device Identifier says.

The other direction of `phr.ccda.sections.devices`. Follows 2.16.840.1.113883.10.20.22.4.37 and 4.50, the
UDI Organizer (4.311) of the Companion Guide, CCD 1.x (10.20.1.52, 10.20.1.34), and the FDA's list of UDI
formats for what a UDI is made of.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from phr.ccda import reading_measures as tables
from phr.ccda.read.datatypes import identifier, moment_or_period, text, when
from phr.ccda.read.entries.parts import (
    CCD,
    HITSP,
    ROOT,
    label,
    meant,
    named,
    read_within,
    remarks,
    roles,
    roots,
    status,
    words,
)
from phr.ccda.read.nodes import Node, at, attr, child, children, has_template, negated

if TYPE_CHECKING:
    from phr.ccda.read.reading import Reader, Reading, Resource, Where

_UDI_ORGANIZER = f"{ROOT}311"
_GS1 = re.compile(r"\((01|11|17|10|21)\)([^(]+)")
_PARTS = {"10": "lotNumber", "21": "serialNumber", "11": "manufactureDate", "17": "expirationDate"}
"""GS1 application identifiers to elements of Device."""
_COMPONENTS = {
    "C101722": "deviceIdentifier",
    "C101671": "serialNumber",
    "C101672": "lotNumber",
    "C101669": "manufactureDate",
    "C101670": "expirationDate",
    "C99285": "modelNumber",
    "C99286": "modelNumber",
    "C54131": "manufacturer",
    "C71898": "brand",
    "C113843": "distinctIdentifier",
}
"""Codes of NCI Thesaurus in a UDI Organizer to elements of Device."""
_BY_TEMPLATE = {
    "304": "deviceIdentifier",
    "319": "serialNumber",
    "315": "lotNumber",
    "316": "manufactureDate",
    "309": "expirationDate",
    "317": "modelNumber",
    "301": "brand",
    "302": "brand",
    "308": "distinctIdentifier",
}


def device(
    reading: Reading, where: Where, role: Node, statement: Node, *, owned: bool = True
) -> Resource | None:
    """The device of a participantRole; None if it says nothing of any."""
    kind = meant(reading, child(role, "playingDevice/code")) or meant(
        reading, child(role, "playingEntity/code")
    )
    carrier = next((attr(each, "extension") for each in children(role, "id") if _is_udi(each)), None)
    told = _told(statement, carrier)
    model = text(child(role, "playingDevice/manufacturerModelName"))
    maker = text(child(role, "scopingEntity/desc"))
    if (
        kind is None
        and carrier is None
        and model is None
        and not told
        and identifier(child(role, "id")) is None
    ):
        return None
    udi = _udi(carrier)
    elements: dict[str, Any] = {**udi, **told}
    number, brand, state = (elements.pop(key, None) for key in ("deviceIdentifier", "brand", "status"))
    elements.pop("carrierHRF", None)
    return reading.resource(
        "Device",
        role,
        where,
        {
            "udiCarrier": [{"deviceIdentifier": number, "carrierHRF": carrier}],
            "status": state,
            "manufacturer": maker,
            **elements,
            "deviceName": [{"name": brand, "type": "user-friendly-name"}] if brand else None,
            "modelNumber": elements.get("modelNumber") or model,
            "type": kind,
            "patient": reading.patient if owned else None,
            "note": remarks(reading, role),
        },
    )


def _is_udi(node: Node) -> bool:
    return attr(node, "root") == tables.DEVICE_UDI and attr(node, "extension") is not None


def _udi(carrier: str | None) -> dict[str, Any]:
    """What a UDI in the form of GS1 says in its human-readable text; the two other forms are kept as they are."""
    found: dict[str, Any] = {}
    for number, said in _GS1.findall(carrier or ""):
        value = said.strip()
        if number == "01":
            found["deviceIdentifier"] = value
        elif number in ("11", "17"):
            found[_PARTS[number]] = _gs1_date(value)
        else:
            found[_PARTS[number]] = value
    return {key: value for key, value in found.items() if value}


def _gs1_date(digits: str) -> str | None:
    """YYMMDD; day 00 means the month (GS1 General Specifications 3.4.2)."""
    found = re.fullmatch(r"(\d\d)(\d\d)(\d\d)", digits)
    if found is None or not 1 <= int(found[2]) <= 12 or int(found[3]) > 31:
        return None
    month = f"20{found[1]}-{found[2]}"
    return month if found[3] == "00" else f"{month}-{found[3]}"


def _told(statement: Node, carrier: str | None) -> dict[str, Any]:
    """The components of the UDI Organizer for this device."""
    found: dict[str, Any] = {}
    for organizer in udi_organizers(statement):
        if carrier != at(organizer, "id", "extension") and len(device_roles(statement)) > 1:
            continue
        for each in children(organizer, "component/observation"):
            answer = child(each, "value")
            key = _component(each)
            if key is None or answer is None:
                continue
            said = when(answer) if key.endswith("Date") else attr(answer, "extension") or text(answer)
            if key == "status":
                said = tables.DEVICE_STATUSES.get(attr(answer, "code") or "")
            if said or attr(answer, "displayName"):
                found[key] = said or attr(answer, "displayName")
    return found


def _component(node: Node) -> str | None:
    if has_template(node, f"{ROOT}305"):
        return "status"
    own = next((key for number, key in _BY_TEMPLATE.items() if has_template(node, ROOT + number)), None)
    return _COMPONENTS.get(at(node, "code", "code") or "") or own


def device_roles(node: Node) -> list[Node]:
    """The participants of a statement that are devices."""
    found = roles(node, "DEV", "PRD", "RDV", "CSM")
    return [
        each
        for each in found
        if child(each, "playingDevice") is not None or has_template(each, f"{ROOT}37", f"{CCD}52")
    ]


def udi_organizers(node: Node) -> list[Node]:
    """The nested statements that are part of a Device."""
    found = node.iter("organizer")
    return [
        each for each in found if has_template(each, _UDI_ORGANIZER) or at(each, "code", "code") == "74711-3"
    ]


# ── supplies ──────────────────────────────────────────────────────────────────────────────────────


def supply(reading: Reading, where: Where, node: Node) -> list[Resource] | None:
    """Non-Medicinal Supply Activity (4.50): the device, and since when the person has it."""
    if node.tag != "supply" or (attr(node, "moodCode") or "EVN").upper() != "EVN":
        return None
    if negated(node):
        reading.skip(node, where, "It says that the equipment was not supplied.")
        return []
    made = [found for role in device_roles(node) if (found := device(reading, where, role, node))]
    if not made and (product := _product(reading, node)) is not None:
        made = [reading.resource("Device", node, where, {"type": product, "patient": reading.patient})]
    for _, nested in read_within(reading, where, node, *udi_organizers(node)):
        made += nested
    devices = [each for each in made if each["resourceType"] == "Device"]
    if not devices:
        reading.skip(node, where, "It names no device.")
        return made
    return [*made, *_uses(reading, where, node, devices)]


def _product(reading: Reading, node: Node) -> dict[str, Any] | None:
    path = "product/manufacturedProduct/manufacturedMaterial/code"
    return meant(reading, child(node, path)) or named(reading, node)


def _uses(reading: Reading, where: Where, node: Node, devices: list[Resource]) -> list[Resource]:
    """When and how many, as DeviceUseStatement; a Device knows neither."""
    timing = moment_or_period(child(node, "effectiveTime"), "timing")
    amount = attr(child(node, "quantity"), "value")
    said = f"Quantity: {amount}" if amount and amount != "1" else None
    notes = remarks(reading, node, said, words(reading, node))
    if not timing and not notes:
        return []
    return [
        reading.resource(
            "DeviceUseStatement",
            node,
            where,
            {
                "status": status(node, tables.SUPPLY_STATUSES, "active"),
                "subject": reading.patient,
                **timing,
                "device": reading.ref(each) | {"display": label(each.get("type"))},
                "note": notes,
            },
            part=str(index or ""),
        )
        for index, each in enumerate(devices)
    ]


BY_TEMPLATE: dict[str, Reader] = dict.fromkeys(
    (*roots(ROOT, "50"), *roots(CCD, "34"), *roots(HITSP, "20")), supply
)
BY_SECTION: dict[str, Reader] = {}
