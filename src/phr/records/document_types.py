"""Which type of document something is: by LOINC type code, by category, by words of its title. Tables, as data.

Codes are those of US Core's clinical notes, the C-CDA document types, the LOINC document ontology that portals were
seen to send, and v2-0074 categories. The first answer counts: a code says more than a category, that more than a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

NAMES = {
    "discharge_summary": "Discharge summary",
    "lab": "Laboratory report",
    "radiology": "Imaging report",
    "pathology": "Pathology report",
    "cardiology": "Cardiology report",
    "progress_note": "Progress note",
    "consult_note": "Consultation note",
    "history_and_physical": "History and physical note",
    "operative_note": "Operative note",
    "procedure_note": "Procedure note",
    "emergency_note": "Emergency department note",
    "nurse_note": "Nursing note",
    "telephone_note": "Telephone encounter note",
    "evaluation_and_plan": "Evaluation and plan note",
    "referral": "Referral note",
    "transfer_summary": "Transfer summary",
    "letter": "Letter",
    "ccd": "Summary of care",
    "care_plan": "Care plan",
    "patient_instructions": "Patient instructions",
    "visit_summary": "Visit summary",
    "immunization_record": "Immunization record",
    "medication_list": "Medication list",
    "consent": "Consent",
    "advance_directive": "Advance directive",
    "questionnaire": "Questionnaire",
    "insurance": "Insurance document",
    "identification": "Identification",
    "photo": "Photo",
    "note": "Clinical note",
}
"""Every type, with the words a person reads."""

_LOINC = {
    "discharge_summary": "18842-5 28655-9 34105-7 34106-5 11490-0 59258-4 29761-4 34745-0 8648-8",
    "lab": "11502-2 26436-6 18723-7 18725-2 18719-5",
    "radiology": "18748-4 18726-0 18747-6 18755-9 18760-9 18782-3 24627-2 30746-2 36643-5 24604-1 68604-8",
    "pathology": "11526-1 27898-6 60567-5 60568-3 22637-3 11529-5 33717-0",
    "cardiology": "11524-6 18752-6 18745-0 42148-7 34552-0",
    "progress_note": "11506-3 34131-3 28569-2 18733-6 34130-5 34904-3 28575-9 11507-1 11508-9 11509-7 11510-5 11512-1",
    "consult_note": "11488-4 34099-2 34100-8 34101-6 34102-4 34103-2 34104-0 34749-2 34756-7 34758-3 34760-9 34761-7"
    " 34764-1 34776-5 34777-3 34779-9 34781-5 34783-1 34785-6 34788-0 34791-4 34795-5 34797-1 34798-9 34800-3 34803-7"
    " 34805-2 34807-8 34810-2 34812-8 34814-4 34816-9 34820-1 34822-7 34824-3 34826-8 34828-4 34831-8 34833-4 34835-9"
    " 34837-5 34839-1 34841-7 34845-8 34847-4 34849-0 34851-6 34853-2 34855-7 34879-7 51845-6",
    "history_and_physical": "34117-2 11492-6 28626-0 34774-0 34115-6 34116-4 34095-0 34096-8 51849-8 34094-3 34138-8"
    " 47039-3 28636-9 67852-4 83805-2",
    "operative_note": "11504-8 34137-0 28583-3 28624-5 28573-4 34877-1 34874-8 34870-6 34868-0 34818-5",
    "procedure_note": "28570-0 11505-5 18744-3 18746-8 18751-8 18753-4 18836-7 28577-5 28625-2 29757-2 33721-2 34121-4"
    " 34896-1 34899-5 48807-2",
    "emergency_note": "34111-5 34878-9 51846-4 28568-4 54094-8",
    "nurse_note": "34746-8 28651-8",
    "telephone_note": "34748-4",
    "evaluation_and_plan": "51847-2 51848-0",
    "referral": "57133-1 57134-9 57170-3",
    "transfer_summary": "18761-7 28616-1 34755-9 34770-8",
    "letter": "51852-2",
    "ccd": "34133-9 60591-5",
    "care_plan": "18776-5 52521-2 80791-7",
    "patient_instructions": "69730-0 74213-0 8653-8",
    "immunization_record": "11369-6 82593-5",
    "medication_list": "10160-0 56445-0",
    "consent": "59284-0 57016-8 57017-6 64293-4 64292-6",
    "advance_directive": "42348-3 75320-2 81334-5 64298-3 84095-9 86533-7 93037-0",
    "questionnaire": "74465-6",
    "insurance": "64290-0 64291-8 48768-6",
    "identification": "53245-7",
    "photo": "72170-4",
    "note": "34109-9 34112-3 10164-2",
}
_CODES = {code: name for name, codes in _LOINC.items() for code in codes.split()}

_CATEGORIES = {
    # v2-0074 and the LOINC parts of US Core's report profile
    "LAB": "lab",
    "laboratory": "lab",
    "LP29693-6": "lab",
    "HM": "lab",
    "CH": "lab",
    "MB": "lab",
    "RAD": "radiology",
    "imaging": "radiology",
    "LP29684-5": "radiology",
    "PAT": "pathology",
    "PATH": "pathology",
    "SP": "pathology",
    "LP7839-6": "pathology",
    "LP29708-2": "cardiology",
    "CUS": "cardiology",
    # v2-0270, which older systems put into `type`
    "DS": "discharge_summary",
    "HP": "history_and_physical",
    "OP": "operative_note",
    "PR": "progress_note",
    "CN": "consult_note",
    "PC": "procedure_note",
    "ED": "emergency_note",
    "TS": "transfer_summary",
    "clinical-note": "note",
}

# In their order: "operative report" before "report", "discharge instructions" before "discharge".
_WORDS = (
    (
        "advance_directive",
        r"advance directive|living will|power of attorney|polst|molst|do not resuscitate|health ?care proxy",
    ),
    (
        "patient_instructions",
        r"(patient|discharge|aftercare|after care|care) (instructions?|education)|education material",
    ),
    (
        "discharge_summary",
        r"discharge (summar|note|report)|summary of hospitali[sz]ation|hospital course|\bdischarge$",
    ),
    ("transfer_summary", r"transfer (summar|note)"),
    ("visit_summary", r"(after|clinical) visit summar|\bavs\b|visit summar|encounter summar"),
    (
        "operative_note",
        r"operat(ive|ion) (note|report)|\bop note\b|surgical (operation )?(note|report)|\bsurgery (note|report)",
    ),
    ("pathology", r"patholog|cytolog|histolog|biopsy (report|result)|\bpap\b"),
    (
        "radiology",
        r"radiolog|imaging|x-?ray|\bct\b|\bmri\b|\bmra\b|ultraso|mammogra|sonogra|\bpet\b|\bdexa\b|fluoroscop",
    ),
    (
        "cardiology",
        r"cardiolog(y|ic) (report|study|result)|electrocardiogra|\be[ck]g\b|echocardiogra|holter|stress test",
    ),
    (
        "lab",
        r"laborator|\blabs?\b|blood (test|work|count)|metabolic panel|culture (report|result)|urinalysis|test results?",
    ),
    ("procedure_note", r"procedure (note|report)|colonoscop|endoscop|bronchoscop"),
    (
        "history_and_physical",
        r"history (and|&) physical|\bh ?(&|and) ?p\b|admission (note|history)|admission evaluation",
    ),
    ("emergency_note", r"emergency|\bed (provider |physician |triage )?notes?\b|\ber notes?\b"),
    ("telephone_note", r"(tele)?phone (encounter|call|note)"),
    ("nurse_note", r"nurs(e|ing) (note|assessment)|nurse'?s note|triage note"),
    ("referral", r"referral|referred to"),
    ("consult_note", r"consult"),
    (
        "progress_note",
        r"progress (note|report)|office (visit )?note|outpatient note|visit note|follow-?up note|\bsoap\b",
    ),
    ("evaluation_and_plan", r"(evaluation|assessment) (and|&) plan"),
    (
        "ccd",
        r"continuity of care|\bccd\b|\bccda\b|\bc-cda\b|summary of care|summarization of episode|summary of episode"
        r"|care summary|patient health summary|health summary|\bips\b",
    ),
    ("care_plan", r"care plan|plan of (care|treatment)|treatment plan"),
    ("immunization_record", r"immuni[sz]ation|vaccin"),
    ("medication_list", r"(medication|drug) (list|summary|history)|prescription"),
    (
        "consent",
        r"consent|release of information|authori[sz]ation (form|to release)|hipaa|privacy (notice|practices)",
    ),
    ("insurance", r"insurance|explanation of benefits|\beob\b|\bclaim\b|prior auth"),
    ("identification", r"driver'?s licen|\bid card\b|passport|identification"),
    ("questionnaire", r"questionnaire|intake form|screening form|survey"),
    ("photo", r"\bphoto|\bpicture\b|clinical image"),
    ("letter", r"\bletter|correspondence|\bmemo\b"),
    ("note", r"\bnotes?\b"),
)
_PATTERNS = tuple((name, re.compile(words, re.IGNORECASE)) for name, words in _WORDS)


def recognise(
    codes: Iterable[str | None] = (),
    categories: Iterable[str | None] = (),
    words: Iterable[str | None] = (),
) -> str | None:
    """The type of a document, or None. `codes`: LOINC or v2-0270; `words`: titles, displays, a description.

    A category or code that says no more than "clinical note" gives way to words that say more.
    """
    said = [*codes, *categories]
    found = [name for code in said if code and (name := _CODES.get(code) or _CATEGORIES.get(code))]
    telling = next((name for name in found if name != "note"), None)
    if telling:
        return telling
    for text in words:
        named = by_words(text)
        if named and named != "note":
            return named
        found += [named] if named else []
    return found[0] if found else None


def by_words(text: str | None) -> str | None:
    """The type that a title names."""
    short = text[:300] if text else ""
    return next((name for name, pattern in _PATTERNS if short and pattern.search(short)), None)


def name_of(type_: str | None) -> str | None:
    """The words for a type; None for none."""
    return NAMES.get(type_) if type_ else None


def in_words(text: str | None) -> str | None:
    """The same words, or the name of the type where they are nothing but its LOINC code."""
    return name_of(_CODES.get(text)) or text if text else None


def chosen(text: str) -> str | None:
    """The type that a person means by a word: `radiology`, `Discharge summary`, `h&p`."""
    key = re.sub(r"[^a-z0-9]+", "_", text.strip().lower()).strip("_")
    if key in NAMES:
        return key
    spoken = {re.sub(r"[^a-z0-9]+", "_", words.lower()): name for name, words in NAMES.items()}
    return spoken.get(key) or by_words(text)
