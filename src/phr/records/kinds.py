"""Which kind of Record a resource is: tables, each line a fact about the codes that are in use.

Categories first, as US Core and IPS require them; then well-known codes; then what the resource looks like.
"""

from __future__ import annotations

from phr.fhir import read
from phr.model import Code, Resource

OBSERVATION_CATEGORIES = {
    "laboratory": "lab_result",
    "lab": "lab_result",
    "vital-signs": "vital_sign",
    "vital-sign": "vital_sign",  # seen in Synthea
    "vital signs": "vital_sign",  # as text only
    "imaging": "imaging",
    "survey": "questionnaire",
    "functional-status": "questionnaire",
    "disability-status": "questionnaire",
    "cognitive-status": "questionnaire",
    "social-history": "social_history",
    "social history": "social_history",
    "sdoh": "social_history",
    # What a person wishes for their care (US Core 7)
    "treatment-intervention-preference": "directive",
    "care-experience-preference": "directive",
    "observation-adi-documentation": "directive",
    # v2-0074, which some converters put here
    "LAB": "lab_result",
    "CH": "lab_result",
    "HM": "lab_result",
    "MB": "lab_result",
    "RAD": "imaging",
}
"""`exam`, `therapy`, `activity` and `procedure` are missing on purpose: anything can be behind them."""

_MOST_TELLING = ("social_history", "directive")
"""A screening answer is filed both as `survey` and as `sdoh`: the second says what it is about."""

VITAL_SIGNS = frozenset(
    (
        "85353-1",  # vital signs panel
        "85354-9",  # blood pressure
        "55284-4",
        "8480-6",  # systolic
        "8462-4",  # diastolic
        "8867-4",  # heart rate
        "9279-1",  # respiratory rate
        "8310-5",  # body temperature
        "8331-1",  # oral
        "8302-2",  # height
        "8306-3",
        "29463-7",  # weight
        "3141-9",
        "39156-5",  # body mass index
        "59576-9",
        "2708-6",  # oxygen saturation
        "59408-5",
        "3150-0",  # inhaled oxygen
        "3151-8",
        "9843-4",  # head circumference
        "8287-5",
        "8289-1",
        "77606-2",  # weight for length
        "8280-0",  # waist
    )
)

SOCIAL_HISTORY = frozenset(
    (
        "72166-2",  # smoking status
        "11367-0",  # tobacco use
        "74013-4",  # alcohol
        "11331-6",
        "11295-3",  # employment
        "76689-9",  # sex assigned at birth
        "76690-7",  # sexual orientation
        "76691-5",  # gender identity
        "82810-3",  # pregnancy status
        "11341-5",  # occupation
        "86645-9",  # pregnancy intent
    )
)


def observation_kind(resource: Resource, categories: tuple[Code, ...], codes: tuple[Code, ...]) -> str:
    """Category, then well-known LOINC codes, then whether it was measured."""
    kind = None
    for category in categories:
        found = OBSERVATION_CATEGORIES.get(category.code or category.display or "")
        if found in _MOST_TELLING:
            return found
        kind = kind or found
    if kind is None and not categories:
        kind = _by_words(resource.get("category"))
    if kind == "questionnaire" and any(code.code in SOCIAL_HISTORY for code in codes):
        return "social_history"  # Synthea files the smoking status as a survey
    if kind:
        return kind
    for code in codes:
        if code.code in VITAL_SIGNS:
            return "vital_sign"
        if code.code in SOCIAL_HISTORY:
            return "social_history"
    return "lab_result" if "valueQuantity" in resource or "referenceRange" in resource else "other"


def _by_words(category: object) -> str | None:
    words = read.concept_text(category) if category else None
    return OBSERVATION_CATEGORIES.get(words.lower()) if words else None


REPORT_CATEGORIES = {
    "RAD": "imaging",
    "CT": "imaging",
    "CUS": "imaging",
    "NMR": "imaging",
    "NMS": "imaging",
    "RUS": "imaging",
    "RX": "imaging",
    "VUS": "imaging",
    "XRC": "imaging",
    "OUS": "imaging",
    "LP29684-5": "imaging",  # radiology
    "394914008": "imaging",  # SNOMED CT, radiology
    "imaging": "imaging",
    "LAB": "lab_result",
    "laboratory": "lab_result",
    "LP29693-6": "lab_result",
    "26436-6": "lab_result",
    "PAT": "lab_result",
    "HM": "lab_result",
    "CH": "lab_result",
    "MB": "lab_result",
    "BLB": "lab_result",
    "IMM": "lab_result",
    "SR": "lab_result",
    "TX": "lab_result",
    "GE": "lab_result",
    "LP29708-2": "clinical_note",  # cardiology
    "LP7839-6": "clinical_note",  # pathology
}
"""v2-0074, the LOINC parts of US Core's report profile, and single codes that were seen."""

NOTE_TYPES = {
    "11488-4": "Consultation note",
    "18842-5": "Discharge summary",
    "34117-2": "History and physical note",
    "28570-0": "Procedure note",
    "11506-3": "Progress note",
    "11504-8": "Surgical operation note",
    "34111-5": "Emergency department note",
    "34746-8": "Nurse note",
    "34109-9": "Note",
    "11502-2": "Laboratory report",
    "18748-4": "Diagnostic imaging study",
    "11526-1": "Pathology study",
    "51847-2": "Evaluation and plan note",
    "10164-2": "History of present illness",
    "34131-3": "Outpatient progress note",
    "34112-3": "Hospital note",
    "34133-9": "Summary of episode note",
    "57133-1": "Referral note",
    "18761-7": "Transfer summary",
    "8648-8": "Hospital course",
    "83805-2": "Admission note",
    "67852-4": "Hospital admission evaluation note",
    "47039-3": "Inpatient admission history and physical note",
}
"""LOINC codes of clinical notes, with words for the servers (NextGen) that send a code alone."""

ADVANCE_DIRECTIVES = frozenset(
    (
        "42348-3",  # advance directives
        "acd",  # consentcategorycodes
        "dnr",
        "polst",
        "adr",
        "75320-2",
        "64298-3",
        "81334-5",
        "84095-9",  # do not resuscitate
        "86533-7",
        "93037-0",
    )
)


_REPORT_WORDS = (
    ("imaging", "radiolog imaging x-ray xray ultrasound sonogra tomograph mammogra echocardio".split()),
    (
        "lab_result",
        "lab chemistry hematolog haematolog microbiolog blood bank serolog immunolog urinalysis".split(),
    ),
)
"""How the words of a category begin, where they are all there is."""


def report_kind(
    categories: tuple[Code, ...],
    codes: tuple[Code, ...],
    *,
    has_text: bool,
    has_results: bool,
    category: object = None,
) -> str:
    """Category first, its words where it has no code; then a note's LOINC code; a report in words alone is a note, and
    so is one of another department that lists no result; the rest are results.
    """
    for category in categories:
        if found := REPORT_CATEGORIES.get(category.code or ""):
            return "lab_result" if found == "clinical_note" and not has_text else found
    for code in (*categories, *codes):
        if code.code in NOTE_TYPES:
            return "imaging" if code.code == "18748-4" else "clinical_note"
    words = (read.concept_text(category) or "").casefold() if category and not categories else ""
    for kind, beginnings in _REPORT_WORDS:
        if any(words.startswith(one) or f" {one}" in words for one in beginnings):
            return kind
    return "clinical_note" if (has_text or words) and not has_results else "lab_result"


def note_words(words: str | None) -> str | None:
    """The words, or what they mean where they are nothing but the LOINC code of a note."""
    return NOTE_TYPES.get(words, words) if words else None
