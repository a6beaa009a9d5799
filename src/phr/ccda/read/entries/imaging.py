"""The pictures that a report is about: the DICOM Object Catalog as ImagingStudy.

Follows the Study Act (2.16.840.1.113883.10.20.6.2.6), Series Act (10.20.22.4.63) and SOP Instance Observation
(10.20.6.2.8) of the Diagnostic Imaging Report of C-CDA: their ids are the UIDs of DICOM.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from phr.ccda.read.datatypes import concept, text, when
from phr.ccda.read.identifiers import root_name
from phr.ccda.read.nodes import Node, at, attr, child, has_template, statements

if TYPE_CHECKING:
    from phr.ccda.read.reading import Reader, Reading, Resource, Where

_STUDY, _SERIES = "2.16.840.1.113883.10.20.6.2.6", "2.16.840.1.113883.10.20.22.4.63"
_UNKNOWN = {"system": "http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "code": "UNK"}


def study(reading: Reading, where: Where, node: Node) -> list[Resource] | None:
    """One study with its series and pictures."""
    uid = root_name(at(node, "id", "root") or "")
    if node.tag != "act" or uid is None:
        return None
    series = [one for _, act in statements(node) if act.tag == "act" and (one := _series(act))]
    made = reading.resource(
        "ImagingStudy",
        node,
        where,
        {
            "identifier": [{"system": "urn:dicom:uid", "value": uid}],
            "status": "available",
            "subject": reading.patient,
            "started": when(child(node, "effectiveTime")),
            "numberOfSeries": len(series) or None,
            "description": text(child(node, "text")),
            "series": series,
        },
    )
    return [made]


def _series(act: Node) -> dict[str, Any] | None:
    uid = attr(child(act, "id"), "root")
    if uid is None or not (has_template(act, _SERIES) or at(act, "code", "code") == "113015"):
        return None
    said = concept(child(act, "code/qualifier/value"))
    pictures = (_picture(each) for _, each in statements(act) if each.tag == "observation")
    return {
        "uid": uid,
        "modality": (said or {}).get("coding", [_UNKNOWN])[0],
        "description": text(child(act, "text")),
        "started": when(child(act, "effectiveTime")),
        "instance": [each for each in pictures if each],
    }


def _picture(observation: Node) -> dict[str, Any] | None:
    uid, kind = attr(child(observation, "id"), "root"), root_name(at(observation, "code", "code") or "")
    if uid is None:
        return None
    return {"uid": uid, "sopClass": {"system": "urn:ietf:rfc:3986", "code": kind} if kind else _UNKNOWN}


def catalog(reading: Reading, where: Where, node: Node) -> list[Resource] | None:
    """What the catalog holds without a known template."""
    return study(reading, where, node) if at(node, "code", "code") == "113014" else None


BY_TEMPLATE: dict[str, Reader] = {_STUDY: study}
BY_SECTION: dict[str, Reader] = {"121181": catalog}
