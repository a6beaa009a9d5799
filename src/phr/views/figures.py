"""Numbers and units in plain writing, for screens; JSON, CSV, exports and `phr show` keep every digit.

A computer that writes 129.12055328738617 for a blood pressure claims what no cuff can measure, and the digits push out
what is read. UCUM (section 2.1) is written for programs: `mm[Hg]`, `Cel`, and remarks in braces, which mean nothing to
a unit (§12).
"""

from __future__ import annotations

import re

_HUGE = 1e12
_NUMBER = r"[+-]?\d+(?:\.\d+)?"
_NUMBERS = re.compile(rf"(?:[<>]=?|[≤≥≈~])?\s*{_NUMBER}(?:\s*[/–:-]\s*{_NUMBER})*")
_LONG = re.compile(r"(?<![\d.])(?:0+\.0*[1-9]\d{4,}|0*[1-9]\d*\.\d{5,})(?![\d.])")
"""Four decimals are left as they are; zeros before the first figure (0.00012) do not count."""
Bound = int | float | None

_SILENT = frozenset(
    """
    score|ratio|#|number|count|index|index_val|titer|inr|calc|calculated|nominal|ordinal|not_applicable|unitless|units
    no_units|rating|grade|s_co_ratio
    """.replace("\n", "|")
    .replace(" ", "")
    .split("|")
)
"""Remarks that the name of the measurement says as well."""
_BRACKETS = {"degF": "°F", "degRe": "°Ré", "arb'U": "arb. units", "pH": "", "iU": "IU", "drp": "drops"}
_WHOLE = {"1": "", "Cel": "°C", "degF": "°F"}


def short(text: str, *bounds: Bound) -> str:
    """Numbers with more than four decimals rounded as people write them: 129.1/84.3, 6.12, 0.0123.

    Only where the whole text is a number, or several (`120/80`); words keep theirs. A number never comes to stand on
    one of `bounds` by being rounded: 5.6004 is above 5.6.
    """
    if "." not in text or not _NUMBERS.fullmatch(text):
        return text
    return _LONG.sub(lambda found: _rounded(found[0], bounds), text)


def _rounded(digits: str, bounds: tuple[Bound, ...]) -> str:
    from decimal import ROUND_HALF_UP, Context, Decimal  # few pages need it

    exact, every = Decimal(digits), Context(prec=2 * len(digits), rounding=ROUND_HALF_UP)
    places = 1 if exact >= 10 else 2 if exact >= 1 else 2 - exact.adjusted()
    limits = [Decimal(str(bound)) for bound in bounds if bound is not None]
    while places < len(digits):
        near = exact.quantize(Decimal(1).scaleb(-places), context=every)
        if near not in limits or near == exact:
            return f"{near:f}"
        places += 1
    return digits


def amount(value: float) -> str:
    """A limit of a range with the digits it has, and never as 1.2e+06."""
    digits = repr(value)
    if "e" in digits and abs(value) < _HUGE:
        from decimal import Decimal

        digits = f"{Decimal(digits):f}"
    return short(digits).removesuffix(".0")


def unit_words(unit: str) -> str:
    """A unit as people write it: mmHg, °C, 10^3/uL; one that only remarks what is counted in words, or not at all."""
    if unit in _WHOLE:
        return _WHOLE[unit]
    if not set(unit) & set("{[*"):
        return unit
    said = re.sub(r"(?P<before>[\w%\])]?)\{(?P<remark>[^{}]*)\}", _remark, unit)
    said = re.sub(r"\[([^\[\]]+)\]", _bracket, said)
    return " ".join(re.sub(r"\b10\*(?=-?\d)", "10^", said).split())


def _remark(found: re.Match[str]) -> str:
    before, remark = found["before"], found["remark"]
    if remark.casefold() in _SILENT:
        return before
    words = remark.replace("_", " ").strip()
    return f"{before} {words}" if before else words


def _bracket(found: re.Match[str]) -> str:
    inner = found[1]
    if inner in _BRACKETS:
        return _BRACKETS[inner]
    return re.sub(r"_(?:i|av|us|br|ap|tr)$", "", inner)
