"""Types of documents, by code, category and words."""

from __future__ import annotations

import pytest

from phr.records import document_types, kinds
from phr.records.derive import derive

LOINC = "http://loinc.org"


@pytest.mark.parametrize(
    ("codes", "categories", "words", "type_"),
    [
        (["18842-5"], [], [], "discharge_summary"),
        (["34109-9"], ["clinical-note"], ["Progress Note"], "progress_note"),
        (["34109-9"], ["clinical-note"], ["Misc Notes"], "note"),
        ([], ["RAD"], ["Something"], "radiology"),
        ([], ["LP7839-6"], [], "pathology"),
        ([], [], ["XR CHEST 2 VIEWS - X-Ray report"], "radiology"),
        ([], [], ["Operative Report"], "operative_note"),
        ([], [], ["Discharge Instructions"], "patient_instructions"),
        ([], [], ["Discharge Summary"], "discharge_summary"),
        ([], [], ["History & Physical"], "history_and_physical"),
        ([], [], ["CCD"], "ccd"),
        ([], [], ["Continuity of Care Document"], "ccd"),
        ([], [], ["Letter to the patient"], "letter"),
        ([], [], ["Referral Letter"], "referral"),
        ([], [], ["ED Provider Notes"], "emergency_note"),
        ([], [], ["Surgical Pathology"], "pathology"),
        ([], [], ["Comprehensive metabolic panel"], "lab"),
        ([], [], ["Telephone Encounter"], "telephone_note"),
        ([None], [None], [None, ""], None),
        ([], [], ["Untitled"], None),
    ],
)
def test_a_type_is_recognised(
    codes: list[str | None], categories: list[str | None], words: list[str | None], type_: str | None
) -> None:
    assert document_types.recognise(codes, categories, words) == type_


def test_every_type_that_is_found_has_a_name_and_every_note_code_a_type() -> None:
    found = {*document_types._CODES.values(), *document_types._CATEGORIES.values()}
    found |= {name for name, _ in document_types._WORDS}
    assert found <= document_types.NAMES.keys()
    assert kinds.NOTE_TYPES.keys() <= document_types._CODES.keys()


def test_every_loinc_code_has_its_check_digit() -> None:
    for code in document_types._CODES:
        number, _, check = code.partition("-")
        doubled = "".join(str(int(d) * (2 if n % 2 == 0 else 1)) for n, d in enumerate(reversed(number)))
        assert (10 - sum(map(int, doubled)) % 10) % 10 == int(check), code


@pytest.mark.parametrize(
    ("word", "type_"), [("lab", "lab"), ("Discharge summary", "discharge_summary"), ("x", None)]
)
def test_a_person_may_say_a_type_in_words(word: str, type_: str | None) -> None:
    assert document_types.chosen(word) == type_


@pytest.mark.parametrize(
    ("elements", "title", "description"),
    [
        ({"type": {"coding": [{"system": LOINC, "code": "51852-2"}]}}, "Letter", None),
        ({"category": [{"coding": [{"code": "RAD"}]}]}, "RAD", "Imaging report"),
        (
            {"type": {"text": "Scan 7", "coding": [{"system": LOINC, "code": "11526-1"}]}},
            "Scan 7",
            "Pathology report",
        ),
        ({"type": {"text": "Discharge Summary"}}, "Discharge Summary", None),
        ({"type": {"text": "Unknown"}, "category": [{"text": "Clinical Note"}]}, "Clinical Note", None),
    ],
)
def test_a_source_that_is_silent_or_only_coded_gets_words(
    elements: dict[str, object], title: str, description: str | None
) -> None:
    record = derive({"resourceType": "DocumentReference", "id": "1", **elements}, lambda _: None)
    assert (record.title, record.description) == (title, description)
