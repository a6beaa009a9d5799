"""The course of a problem: how it stands, at what age it began, when it was diagnosed.

Problem Status (2.16.840.1.113883.10.20.22.4.6, before C-CDA 20.1.50), Age Observation (4.31) and Date of Diagnosis (4.502).
"""

from __future__ import annotations

from typing import Any

from phr.ccda import codes, measures
from phr.ccda.read.datatypes import quantity
from phr.ccda.read.entries.meaning import CCD1, CCDA, parts, start, status, within, words_of
from phr.ccda.read.nodes import Node, at, child, has_template, null_flavor
from phr.ccda.read.reading import Reading
from phr.ccda.reading_codes import CLINICAL_STATUSES, CONCERN_STATUSES

_AGE = (f"{CCDA}31", f"{CCD1}38")
_DIAGNOSED = f"{CCDA}502"
_DIAGNOSES = tuple(f"{CCDA}{number}" for number in ("80", "33", "34", "51", "65"))
"""Acts whose statusCode speaks of the act, not of the disease."""


def clinical_status(reading: Reading, statement: Node, act: Node | None, ended: str | None) -> str | None:
    """As the status observation says; what has an end is over (FHIR R4 Condition, con-4).

    A high that is null says "over, nobody knows since when", unless the status itself says otherwise: many systems
    write it beside whatever is still active.
    """
    said = status(reading, statement) or status(reading, act)
    code = CLINICAL_STATUSES.get(within(said, CLINICAL_STATUSES) or "")
    words = (words_of(said) or "").casefold()
    code = code or (words if words in codes.CLINICAL_STATUSES else None)
    if ended:
        return code if code in codes.OVER else "resolved"
    if code is None and null_flavor(child(statement, "effectiveTime/high")) == "UNK":
        return "resolved"
    own = statement if statement.tag == "act" else act
    if code is None and own is not None and not has_template(own, *_DIAGNOSES):
        code = CONCERN_STATUSES.get(at(own, "statusCode", "code") or "")
    return code


def is_age(statement: Node) -> bool:
    """An Age Observation."""
    return has_template(statement, *_AGE) or at(statement, "code", "code") in ("445518008", "397659008")


def age(statement: Node) -> dict[str, Any] | None:
    """The age that it says, as Age; None if it is none."""
    found = quantity(child(statement, "value"))
    if found is None:
        return None
    unit = measures.AGES.get(str(found.get("code") or found.get("unit") or "a"))
    if unit is None:
        return None
    return {"value": found["value"], "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}


def is_diagnosed(statement: Node) -> bool:
    """A Date of Diagnosis."""
    return has_template(statement, _DIAGNOSED) or at(statement, "code", "code") == "77975-1"


def diagnosed(statement: Node) -> str | None:
    """When it was diagnosed."""
    return next(
        (found for each in parts(statement, is_diagnosed) if (found := start(child(each, "effectiveTime")))),
        None,
    )
