"""Codes carry a check digit: a slip of the pen in a table shows here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from phr.sandbox.synthetic import codes, family
from phr.sandbox.synthetic.organisations import CLINICIANS, PLACES

_D = ((0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 3, 4, 0, 6, 7, 8, 9, 5), (2, 3, 4, 0, 1, 7, 8, 9, 5, 6),
      (3, 4, 0, 1, 2, 8, 9, 5, 6, 7), (4, 0, 1, 2, 3, 9, 5, 6, 7, 8), (5, 9, 8, 7, 6, 0, 4, 3, 2, 1),
      (6, 5, 9, 8, 7, 1, 0, 4, 3, 2), (7, 6, 5, 9, 8, 2, 1, 0, 4, 3), (8, 7, 6, 5, 9, 3, 2, 1, 0, 4),
      (9, 8, 7, 6, 5, 4, 3, 2, 1, 0))  # fmt: skip
_P = [tuple(range(10)), (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)]
for _ in range(6):
    _P.append(tuple(_P[-1][_P[1][n]] for n in range(10)))


def luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        number = int(digit) * (2 if place % 2 else 1)
        total += number // 10 + number % 10
    return total % 10 == 0


def verhoeff(digits: str) -> bool:
    check = 0
    for place, digit in enumerate(reversed(digits)):
        check = _D[check][_P[place % 8][int(digit)]]
    return check == 0


def codings(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "system" in value and "code" in value:
            yield value
        for inner in value.values():
            yield from codings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from codings(inner)


@pytest.fixture(scope="module")
def coded() -> set[tuple[str, str, str | None]]:
    return {(c["system"], c["code"], c.get("display")) for c in codings(list(family()))}


def test_loinc_codes_have_a_right_check_digit(coded: set[tuple[str, str, str | None]]) -> None:
    numbers = {code for system, code, _ in coded if system == codes.LOINC and code[0].isdigit()}

    assert len(numbers) > 50
    assert [code for code in numbers if not luhn(code.replace("-", ""))] == []


def test_snomed_codes_have_a_right_check_digit(coded: set[tuple[str, str, str | None]]) -> None:
    numbers = {code for system, code, _ in coded if system == codes.SNOMED}

    assert len(numbers) > 40
    assert [code for code in numbers if not verhoeff(code)] == []


def test_a_code_is_called_the_same_everywhere(coded: set[tuple[str, str, str | None]]) -> None:
    names: dict[tuple[str, str], set[str]] = {}
    for system, code, display in coded:
        if display:
            names.setdefault((system, code), set()).add(display)

    assert {key: shown for key, shown in names.items() if len(shown) > 1} == {}


def test_provider_numbers_are_well_formed_but_belong_to_nobody() -> None:
    for npi in [each.npi for each in (*PLACES.values(), *CLINICIANS.values())]:
        assert luhn("80840" + npi)
        assert npi[0] not in "12"
