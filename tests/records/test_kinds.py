"""The tables of well-known codes: a mistyped code files a record wrongly, and nobody notices."""

from __future__ import annotations

import re

import pytest

from phr.records import kinds

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
