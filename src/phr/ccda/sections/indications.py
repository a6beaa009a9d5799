"""Why: reasonCode and reasonReference as Indication (2.16.840.1.113883.10.20.22.4.19)."""

from __future__ import annotations

from phr.ccda.bundle import Entry
from phr.ccda.codes import LOINC, SNOMED
from phr.ccda.datatypes import code, coded, ids, maybe_at, part_id
from phr.ccda.desk import Desk
from phr.ccda.sections.frame import template
from phr.ccda.xml import Element, el
from phr.fhir.read import concept_text, listed, text

_CODE_KEYS = ("reasonCode", "reason")
_REFERENCE_KEYS = ("reasonReference", "indication")


def _reasons(desk: Desk, entry: Entry) -> list[tuple[object, Entry | None]]:
    """Concepts, each with the Condition or Observation it stands in, if it does."""
    found: list[tuple[object, Entry | None]] = []
    for key in _CODE_KEYS:
        for concept in listed(entry.resource.get(key)):
            if concept_text(concept):
                found.append((concept, None))
    for key in _REFERENCE_KEYS:
        for reference in listed(entry.resource.get(key)):
            target = desk.find(entry, reference)
            if target is not None and desk.lives(target) and concept_text(target.resource.get("code")):
                found.append((target.resource.get("code"), target))
            elif target is None and isinstance(reference, dict) and text(reference.get("display")):
                found.append(({"text": text(reference.get("display"))}, None))
    return found


def indications(desk: Desk, entry: Entry) -> list[Element]:
    """One Indication for each reason; one that is a resource keeps its id."""
    return [
        el(
            "observation",
            template("4.19", None, "2014-06-09", "2023-05-01"),
            ids(target) if target is not None else part_id(entry, f"reason{number}"),
            code(
                "code",
                "404684003",
                SNOMED,
                "Finding",
                code("translation", "75321-0", LOINC, "Clinical finding"),
            ),
            el("statusCode", code="completed"),
            el("effectiveTime", maybe_at("low", target.resource.get("onsetDateTime")))
            if target is not None and maybe_at("low", target.resource.get("onsetDateTime")) is not None
            else None,
            coded("value", concept, [SNOMED], xsi_type="CD"),
            classCode="OBS",
            moodCode="EVN",
        )
        for number, (concept, target) in enumerate(_reasons(desk, entry))
    ]


def reason_words(desk: Desk, entry: Entry) -> str | None:
    """The reasons as words."""
    return (
        "; ".join(words for concept, _ in _reasons(desk, entry) if (words := concept_text(concept))) or None
    )
