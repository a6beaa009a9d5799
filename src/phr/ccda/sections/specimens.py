"""Of what a test was made: Specimen as `specimen` of an observation, and as words."""

from __future__ import annotations

from phr.ccda.bundle import Entry
from phr.ccda.codes import SNOMED
from phr.ccda.datatypes import coded, identifier, ids
from phr.ccda.desk import Desk
from phr.ccda.narrative import moment, remarked
from phr.ccda.xml import Element, el
from phr.fhir.read import concept_text, first, text


def specimen(desk: Desk, entry: Entry, reference: object) -> Element | None:
    """The specimen: its identifiers and what kind of material it is; of one that leads nowhere its display."""
    found = desk.find(entry, reference)
    reference = first(reference)
    words = text(reference.get("display")) if isinstance(reference, dict) else None
    if found is None and words is None:
        return None
    own = identifier(reference.get("identifier"), entry.base) if isinstance(reference, dict) else None
    kind = found.resource.get("type") if found else {"text": words}
    return el(
        "specimen",
        el(
            "specimenRole",
            ids(found) if found else own,
            el("specimenPlayingEntity", coded("code", kind, [SNOMED])),
        ),
    )


def specimen_words(desk: Desk, entry: Entry, reference: object) -> str | None:
    """`blood (from left arm, 2024-05-03)`: what it is, whence and when it was taken."""
    found = desk.find(entry, reference)
    reference = first(reference)
    display = text(reference.get("display")) if isinstance(reference, dict) else None
    if found is None:
        return display
    taken = first(found.resource.get("collection"))
    taken = taken if isinstance(taken, dict) else {}
    site = concept_text(taken.get("bodySite"))
    return remarked(
        concept_text(found.resource.get("type")) or display,
        f"from {site}" if site else None,
        concept_text(taken.get("method")),
        moment(taken.get("collectedDateTime")),
        *(concept_text(each) for each in [found.resource.get("condition")] if each),
    )
