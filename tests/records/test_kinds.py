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


def check_digit(number: str) -> str:
    """LOINC Users' Guide, appendix on the check digit (modulus 10)."""
    odd, even = number[::-1][0::2], number[::-1][1::2]
    total = sum(int(digit) for digit in even + str(int(odd) * 2))
    return str(-total % 10)


@pytest.mark.parametrize("table", TABLES)
def test_every_loinc_code_has_its_check_digit(table: str) -> None:
    codes = [code for code in TABLES[table] if LOINC.fullmatch(code)]
    assert codes
    assert [code for code in codes if check_digit(code[:-2]) != code[-1]] == []
