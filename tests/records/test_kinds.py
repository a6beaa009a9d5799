"""The tables of well-known codes: a mistyped code files a record wrongly, and nobody notices."""

from __future__ import annotations

import re

import pytest

from phr.records import kinds
from phr.records.derive import derive

LOINC = re.compile(r"\d{1,6}-\d")
TABLES = {
    "vital signs": kinds.VITAL_SIGNS,
    "social history": kinds.SOCIAL_HISTORY,
    "notes": kinds.NOTE_TYPES,
    "directives": kinds.ADVANCE_DIRECTIVES,
    "reports": kinds.REPORT_CATEGORIES,
}


def is_sound(code: str) -> bool:
    """LOINC's check digit is that of Luhn."""
    digits = [int(digit) for digit in reversed(code.replace("-", ""))]
    return sum(digits[0::2] + [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]) % 10 == 0


@pytest.mark.parametrize("table", TABLES)
def test_every_loinc_code_has_its_check_digit(table: str) -> None:
    codes = [code for code in TABLES[table] if LOINC.fullmatch(code)]
    assert codes
    assert [code for code in codes if not is_sound(code)] == []


@pytest.mark.parametrize(
    ("words", "results", "kind"),
    [
        ("Radiology", 0, "imaging"),
        ("Diagnostic imaging", 0, "imaging"),
        ("Laboratory", 0, "lab_result"),
        ("Clinical chemistry", 0, "lab_result"),
        ("Ophthalmology", 0, "clinical_note"),
        ("Pulmonary function", 2, "lab_result"),
        ("Collaborative care", 1, "lab_result"),
    ],
)
def test_a_report_whose_category_has_words_alone(words: str, results: int, kind: str) -> None:
    report = {
        "resourceType": "DiagnosticReport",
        "id": "1",
        "category": [{"text": words}],
        "code": {"text": "Report"},
        "result": [{"reference": f"Observation/{n}"} for n in range(results)],
    }
    assert derive(report, {}.get).kind == kind
