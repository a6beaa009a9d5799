"""Problems, allergies, immunizations, procedures and findings: FHIR R4, Clinical Summary and Immunization."""

from __future__ import annotations

from typing import Any

from phr.fhir import read
from phr.model import Resource
from phr.records.elements import code_of, joined, labelled, notes, reasons, walk, words_of
from phr.records.measurements import quantity_words, value_of
from phr.records.references import Reading
from phr.records.shapes import Shape, paths

# ── problems and allergies ────────────────────────────────────────────────────────────────────────


def clinical_status(resource: Resource) -> str | None:
    """`clinicalStatus`; a statement that was made in error or ruled out says so whatever else it says."""
    verified = code_of(resource.get("verificationStatus"))
    if verified in ("entered-in-error", "refuted"):
        return verified
    return code_of(resource.get("clinicalStatus")) or words_of(resource.get("clinicalStatus"))


_DOUBTS = frozenset(("refuted", "unconfirmed", "provisional", "differential"))


def _doubt(resource: Resource) -> str | None:
    verified = code_of(resource.get("verificationStatus"))
    return verified if verified in _DOUBTS else None


def began(resource: Resource, prefix: str = "onset") -> str | None:
    """`onset[x]` where it is no date: an age, a range or words."""
    for key in (f"{prefix}Age", f"{prefix}Range", f"{prefix}String"):
        if key in resource:
            found = resource[key]
            words = read.text(found) or quantity_words(found) or value_of({"valueRange": found}).text
            if words:
                return labelled(prefix if prefix == "onset" else "ended", words)
    return None


def _problem(resource: Resource, reading: Reading) -> str | None:
    return joined(
        (
            _doubt(resource),
            words_of(resource.get("severity")),
            words_of(resource.get("bodySite")),
            began(resource),
            began(resource, "abatement"),
            notes(resource),
        )
    )


def _allergy(resource: Resource, reading: Reading) -> str | None:
    """Doubt, reactions with their severity, criticality: `hives (moderate); high criticality`."""
    reactions = []
    for reaction in read.dicts(resource.get("reaction")):
        shown = [
            words for entry in read.listed(reaction.get("manifestation")) if (words := words_of(entry))
        ] or [read.text(reaction.get("description")) or ""]
        severity = read.text(reaction.get("severity"))
        words = ", ".join(filter(None, shown))
        reactions.append(f"{words} ({severity})" if words and severity else words or severity)
    criticality = read.text(resource.get("criticality"))
    return joined(
        (
            _doubt(resource),
            *reactions,
            f"{criticality} criticality" if criticality in ("high", "low") else None,
            began(resource),
            notes(resource),
        )
    )


# ── immunizations and procedures ──────────────────────────────────────────────────────────────────


def not_done(resource: Resource) -> str | None:
    """`not given: reason` of an Immunization or Procedure that did not happen."""
    if resource.get("status") != "not-done" and resource.get("wasNotGiven") is not True:
        return None
    reason = words_of(resource.get("statusReason"))
    deed = "given" if resource.get("resourceType") == "Immunization" else "done"
    return labelled(f"not {deed}", reason) or f"not {deed}"


def _immunization(resource: Resource, reading: Reading) -> str | None:
    protocol = read.first(resource.get("protocolApplied"))
    dose = None
    if isinstance(protocol, dict):
        dose = read.text(protocol.get("doseNumberPositiveInt")) or read.text(protocol.get("doseNumberString"))
    lot = read.text(resource.get("lotNumber"))
    return joined(
        (
            not_done(resource),
            labelled("dose", dose if dose and is_known(dose) else None),
            _amount(resource.get("doseQuantity")),
            words_of(resource.get("route")),
            words_of(resource.get("site")),
            labelled("lot", lot if lot and is_known(lot) else None),
            "reported, not given here" if resource.get("primarySource") is False else None,
            labelled("given", read.text(resource.get("occurrenceString"))),
            notes(resource),
        )
    )


def is_known(words: str) -> bool:
    """Not a null flavor (`NI`, `UNK`) or its words, which Cerner and DrChrono write into plain texts."""
    return words.upper() not in ("NI", "UNK", "NA", "ASKU", "UNKNOWN")


def _amount(quantity: object) -> str | None:
    """A dose; Cerner was seen to write `0 unknown unit` where it knows none."""
    words = quantity_words(quantity)
    return None if words is None or words.startswith("0 ") or words == "0" else words


def _recommendation(resource: Resource, reading: Reading) -> str | None:
    """What is due: vaccine and status of each recommendation."""
    due = []
    for entry in read.dicts(resource.get("recommendation")):
        vaccine = words_of(entry.get("vaccineCode")) or words_of(entry.get("targetDisease"))
        status = words_of(entry.get("forecastStatus"))
        due.append(f"{vaccine} ({status})" if vaccine and status else vaccine or status)
    return joined(due)


def _procedure(resource: Resource, reading: Reading) -> str | None:
    return joined(
        (
            not_done(resource),
            labelled("reason", reasons(resource)),
            words_of(resource.get("bodySite")),
            labelled("outcome", words_of(resource.get("outcome"))),
            labelled("complication", words_of(resource.get("complication"))),
            notes(resource),
        )
    )


# ── findings ────────────────────────────────────────────────────────────────────────────────────


def _finding(resource: Resource, reading: Reading) -> str | None:
    """ClinicalImpression, RiskAssessment, DetectedIssue, AdverseEvent: the words they carry."""
    predictions: list[Any] = walk(resource, ("prediction", "outcome"))
    return joined(
        (
            read.text(resource.get("summary")),
            read.text(resource.get("detail")),
            labelled("possible outcome", words_of(predictions)),
            words_of(resource.get("severity")) or words_of(resource.get("seriousness")),
            read.text(resource.get("mitigation")),
            notes(resource),
        )
    )


SHAPES = {
    "Condition": Shape(
        "problem",
        "Problem",
        # recordedDate says when it was written down: it dates a problem only where no onset is known
        when=paths("onsetDateTime", "onsetPeriod", "recordedDate"),
        ends=paths("abatementDateTime", "abatementPeriod.start", "abatementPeriod.end", "onsetPeriod.end"),
        recorded=paths("recordedDate", "assertedDate"),
        status=clinical_status,
        people=paths("recorder", "asserter"),
        said_by=paths("asserter"),
        describe=_problem,
        words=paths("bodySite", "evidence.code"),
    ),
    "AllergyIntolerance": Shape(
        "allergy",
        "Allergy",
        title=paths("code", "reaction.substance"),
        codes=paths("code", "reaction.substance"),
        when=paths("onsetDateTime", "onsetPeriod", "recordedDate", "assertedDate"),
        recorded=paths("recordedDate", "assertedDate"),
        status=clinical_status,
        people=paths("recorder", "asserter"),
        said_by=paths("asserter"),
        describe=_allergy,
        words=paths("reaction.substance", "reaction.description"),
    ),
    "Immunization": Shape(
        "immunization",
        "Immunization",
        title=paths("vaccineCode"),
        codes=paths("vaccineCode"),
        when=paths("occurrenceDateTime", "date", "recorded"),
        recorded=paths("recorded"),
        category=(),
        people=paths("performer.actor"),
        sites=paths("location"),
        places=paths("performer.actor"),
        describe=_immunization,
        words=paths("reasonCode", "manufacturer.display"),
    ),
    "ImmunizationRecommendation": Shape(
        "immunization",
        "Recommended immunizations",
        title=(),
        name_it=lambda resource, reading: "Recommended immunizations",
        codes=paths("recommendation.vaccineCode"),
        when=paths("date", "recommendation.dateCriterion.value"),
        recorded=paths("date"),
        places=paths("authority"),
        describe=_recommendation,
    ),
    "ImmunizationEvaluation": Shape(
        "immunization",
        "Immunization evaluation",
        title=paths("targetDisease"),
        codes=paths("targetDisease"),
        when=paths("date"),
        places=paths("authority"),
        describe=lambda resource, reading: words_of(resource.get("doseStatus")),
    ),
    "Procedure": Shape(
        "procedure",
        "Procedure",
        when=paths("performedDateTime", "performedPeriod", "occurrenceDateTime", "occurrencePeriod"),
        people=paths("performer.actor", "asserter"),
        sites=paths("location", "performer.onBehalfOf"),
        places=paths("performer.actor"),
        said_by=paths("asserter"),
        describe=_procedure,
        words=paths("reasonCode", "bodySite", "followUp", "usedCode", "performedString"),
    ),
    "Flag": Shape(
        "other",
        "Flag",
        when=paths("period"),
        people=paths("author"),
        places=paths("author"),
    ),
    "ClinicalImpression": Shape(
        "clinical_note",
        "Clinical impression",
        title=paths("code", "description", "problem.display"),
        when=paths("effectiveDateTime", "effectivePeriod", "date"),
        recorded=paths("date"),
        people=paths("assessor"),
        describe=_finding,
        words=paths("description", "summary", "finding.itemCodeableConcept"),
    ),
    "RiskAssessment": Shape(
        "other",
        "Risk assessment",
        title=paths("code", "method", "prediction.outcome"),
        codes=paths("code", "method"),
        when=paths("occurrenceDateTime", "occurrencePeriod"),
        people=paths("performer"),
        describe=_finding,
        words=paths("mitigation", "prediction.outcome", "prediction.rationale"),
    ),
    "DetectedIssue": Shape(
        "other",
        "Detected issue",
        when=paths("identifiedDateTime", "identifiedPeriod"),
        people=paths("author"),
        describe=_finding,
        words=paths("detail"),
    ),
    "AdverseEvent": Shape(
        "other",
        "Adverse event",
        title=paths("event", "category"),
        codes=paths("event"),
        when=paths("date", "detected"),
        recorded=paths("recordedDate"),
        status="actuality",
        people=paths("recorder"),
        places=paths("location"),
        describe=_finding,
    ),
    "BodyStructure": Shape(
        "other",
        "Body structure",
        title=paths("location", "morphology", "description"),
        codes=paths("location", "morphology"),
        describe=lambda resource, reading: read.text(resource.get("description")),
    ),
}
