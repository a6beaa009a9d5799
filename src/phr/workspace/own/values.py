"""A value as it is typed: a number with its digits, a comparator, a unit behind it, or words."""

from __future__ import annotations

import re
from dataclasses import dataclass

from phr.errors import UsageError
from phr.workspace.own import units

_NUMBER = re.compile(
    r"(?P<sign><=|>=|<|>|≤|≥)?\s*(?P<digits>[+-]?\d+(?:[.,]\d+)*)\s*(?P<unit>\D.*)?", re.ASCII
)
_PAIR = re.compile(r"(\d{2,3})\s*(?:/|over)\s*(\d{2,3})(?:\s*mm\s*\[?hg\]?)?", re.ASCII | re.IGNORECASE)
_FEET = re.compile(
    r"(\d)\s*(?:'|ft|feet|foot)\s*(\d{1,2}(?:\.\d+)?)\s*(?:\"|''|in|inch|inches)?", re.ASCII | re.IGNORECASE
)
_SIGNS = {"≤": "<=", "≥": ">="}


@dataclass(frozen=True, slots=True)
class Measured:
    """A value: `number` is None where it is words."""

    words: str
    number: str | None = None
    unit: str | None = None
    comparator: str | None = None

    @property
    def unit_code(self) -> str | None:
        """The unit in UCUM."""
        return units.known(self.unit) if self.unit else None


def pair_of(value: str) -> tuple[str, str] | None:
    """`128/82`, `128 over 82`: what a blood pressure has two of."""
    found = _PAIR.fullmatch(value.strip())
    return (found[1], found[2]) if found else None


def value_of(value: str, unit: str | None = None) -> Measured:
    """What was typed. Raises UsageError for a number that can be read in two ways, or has two units."""
    value = value.strip()
    if (
        feet := _FEET.fullmatch(value)
    ) and unit is None:  # a foot has twelve inches: the same height in one number
        inches = int(feet[1]) * 12 + float(feet[2])
        return Measured(value, f"{inches:g}", "in")
    found = _NUMBER.fullmatch(value)
    if found is None:
        return Measured(" ".join(filter(None, (value, unit))))
    behind = (found["unit"] or "").strip() or None
    if behind is not None and units.known(behind) is None:
        return Measured(" ".join(filter(None, (value, unit))))
    if behind is not None and unit is not None and units.known(behind) != units.known(unit):
        raise UsageError("The value has a unit already, and --unit is another one.")
    sign = found["sign"]
    return Measured(value, number(found["digits"]), unit or behind, _SIGNS.get(sign, sign))


def number(digits: str) -> str:
    """A number with a decimal point. Raises UsageError where a comma can mean two things, or it is none."""
    digits = digits.strip().removeprefix("+")
    if re.fullmatch(r"-?\d+(\.\d+)?", digits, re.ASCII):
        return re.sub(r"^(-?)0+(?=\d)", r"\1", digits)
    if re.fullmatch(r"-?\d{1,3}(,\d{3})+\.\d+", digits, re.ASCII):
        return digits.replace(",", "")
    if re.fullmatch(r"-?\d+,\d+", digits, re.ASCII) and not re.fullmatch(
        r"-?[1-9]\d{0,2},\d{3}", digits, re.ASCII
    ):
        return number(digits.replace(",", "."))
    raise UsageError(
        "This number can be read in two ways, or is none.",
        hint="Write it with a point and without separators: 1234.5",
    )
