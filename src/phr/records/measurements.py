"""What was measured, the range it was held against, and whether it lies outside.

FHIR R4, Observation (`value[x]`, `component`, `referenceRange`, `interpretation`); codes of
v3-ObservationInterpretation. A number keeps the digits it was parsed with; a text stays as written.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from phr.fhir import read
from phr.records.elements import date_text, words_of
from phr.records.narrative import one_line

VALUE_LIMIT = 2_000


class Value(NamedTuple):
    """A value as text, as a number if it is one, its unit, and a comparator that stands before it."""

    text: str | None
    number: float | None = None
    unit: str | None = None
    comparator: str | None = None

    @property
    def words(self) -> str | None:
        """`5 mg`: the text with its unit, if there is one."""
        return f"{self.text} {self.unit}" if self.text and self.unit else self.text


NO_VALUE = Value(None)
_COMPARATORS = ("<=", ">=", "<", ">", "ad")


def number_text(value: object) -> str | None:
    """A JSON number in plain digits, as written where that is known, or a text that stands where one belongs."""
    if type(value) is read.Written and "e" not in value.digits.lower():
        return value.digits
    if isinstance(value, float):
        if value - value != 0:  # NaN and the infinities
            return None
        words = repr(value)
        if "e" in words:
            words = format(value, ".12f").rstrip("0") if abs(value) < 1 else format(value, ".0f")
        return words[:-2] if words.endswith(".0") else words.rstrip(".")
    return read.text(value)


def number_of(value: object) -> float | None:
    """The same as a float; None for NaN, infinities and whatever is not a plain number."""
    if isinstance(value, float) or type(value) is int:
        try:
            number = float(value)
        except OverflowError:
            return None
    elif isinstance(value, str) and value.isascii() and "_" not in value:
        try:
            number = float(value)
        except ValueError:
            return None
    else:
        return None
    return number if number - number == 0 else None


def quantity(value: object) -> Value:
    """A Quantity, SimpleQuantity, Money or Age; the unit in words before its code."""
    if not isinstance(value, dict):
        return NO_VALUE
    amount = value.get("value")
    words = number_text(amount)
    unit = value.get("unit") or value.get("code") or value.get("currency")
    unit = read.text(unit) if unit else None
    if words is None:
        return NO_VALUE
    comparator = value.get("comparator")
    if comparator in _COMPARATORS:
        return Value(comparator + words, number_of(amount), unit, comparator)
    return Value(words, number_of(amount), unit)


def quantity_words(value: object) -> str | None:
    """`5 mg` from a Quantity."""
    return quantity(value).words


def _range_words(value: object) -> str | None:
    if not isinstance(value, dict):
        return None
    low, high = quantity(value.get("low")), quantity(value.get("high"))
    if low.text and high.text:
        return f"{low.text}–{high.text}"
    return f"≥{low.text}" if low.text else f"≤{high.text}" if high.text else None


def _range(value: object) -> Value:
    words = _range_words(value)
    if words is None or not isinstance(value, dict):
        return NO_VALUE
    return Value(words, None, quantity(value.get("low")).unit or quantity(value.get("high")).unit)


def _ratio(value: object) -> Value:
    if not isinstance(value, dict):
        return NO_VALUE
    above, below = quantity(value.get("numerator")), quantity(value.get("denominator"))
    if not above.text:
        return NO_VALUE
    if not above.unit and not below.unit:  # a titre, 1:128
        return Value(f"{above.text}:{below.text or 1}")
    per = below.unit if below.text in (None, "1") else " ".join(filter(None, (below.text, below.unit)))
    unit = f"{above.unit or ''}/{per}" if per else above.unit
    return Value(above.text, above.number, unit, above.comparator)


def _period(value: object) -> Value:
    if not isinstance(value, dict):
        return NO_VALUE
    start, end = date_text(value.get("start")), date_text(value.get("end"))
    return Value(f"{start or ''}–{end or ''}") if start or end else NO_VALUE


def _string(value: object) -> Value:
    words = read.text(value)
    if words is None:
        return NO_VALUE
    return Value(one_line(words)[:VALUE_LIMIT], number_of(words))


def _concept(value: object) -> Value:
    return Value(words_of(value))


def _boolean(value: object) -> Value:
    return Value("yes" if value else "no") if isinstance(value, bool) else NO_VALUE


def _date(value: object) -> Value:
    return Value(read.text(value))


READERS = {
    "valueCodeableConcept": _concept,
    "valueString": _string,
    "valueInteger": _string,
    "valueDecimal": _string,
    "valueBoolean": _boolean,
    "valueCoding": lambda value: _concept({"coding": [value]}),
    "valueRange": _range,
    "valueRatio": _ratio,
    "valuePeriod": _period,
    "valueDateTime": _date,
    "valueDate": _date,
    "valueTime": _date,
    "valueUri": _date,
}


def value_of(element: dict[str, Any]) -> Value:
    """The `value[x]` of an Observation, a component or an answer; NO_VALUE if there is none to show."""
    found = element.get("valueQuantity")
    if found is not None:
        return quantity(found)
    for key, reader in READERS.items():
        if key in element:
            return reader(element[key])
    return NO_VALUE


# ── ranges ────────────────────────────────────────────────────────────────────────────────────────


class Range(NamedTuple):
    """Normal from `low` to `high`, both in the unit of the value, or only in words."""

    low: float | None = None
    high: float | None = None
    text: str | None = None
    plain: bool = False
    """It is the only one that holds for everybody, so a value may be judged by it."""
    strict: bool = False
    """The limit itself is outside: `<200`."""


NO_RANGE = Range()


def range_of(ranges: object, unit: str | None) -> Range:
    """The range to hold a value against: normal, and not for one age, sex or group only."""
    entries = read.dicts(ranges)
    plain = [entry for entry in entries if _is_plain(entry)]
    chosen = plain[0] if plain else entries[0] if len(entries) == 1 and _is_normal(entries[0]) else None
    if chosen is None:
        return NO_RANGE
    only = len(plain) == 1
    words = read.text(chosen.get("text"))
    low, high = quantity(chosen.get("low")), quantity(chosen.get("high"))
    if low.text or high.text:
        range_unit = low.unit or high.unit
        if unit and range_unit and range_unit.lower() != unit.lower():
            return Range(None, None, words or f"{_range_words(chosen)} {range_unit}")
        return Range(low.number, high.number, words, only)
    return _range_in_words(words, only) if words else NO_RANGE


def _is_normal(entry: dict[str, Any]) -> bool:
    kind = entry.get("type")
    return not kind or any(code.code == "normal" for code in read.codings(kind))


def _is_plain(entry: dict[str, Any]) -> bool:
    return not entry.get("appliesTo") and not entry.get("age") and _is_normal(entry)


def _range_in_words(words: str, only: bool) -> Range:
    """`65-99`, `<5.7`, `>= 60`: athena sends all its ranges as text. Anything longer is only quoted."""
    bare = words.replace(" ", "").replace("–", "-").replace("≤", "<=").replace("≥", ">=")
    sign, limit = bare[:1], bare[1:]
    if sign in ("<", ">") and (bound := number_of(limit.removeprefix("="))) is not None:
        strict = not limit.startswith("=")
        low, high = (None, bound) if sign == "<" else (bound, None)
        return Range(low, high, words, only, strict)
    left, dash, right = bare.partition("-")
    low, high = number_of(left), number_of(right)
    if dash and low is not None and high is not None and low <= high:
        return Range(low, high, words, only)
    return Range(None, None, one_line(words)[:VALUE_LIMIT])


# ── interpretation ────────────────────────────────────────────────────────────────────────────────

ABNORMAL: dict[str, bool | None] = {
    "N": False,
    "A": True,
    "AA": True,
    "H": True,
    "HH": True,
    "HU": True,
    "L": True,
    "LL": True,
    "LU": True,
    "<": True,  # off scale low and high
    ">": True,
    # Not a judgement by themselves: a positive titre may be wished for, a rise may be the cure, and
    # "resistant" speaks of a microbe.
    "POS": None,
    "NEG": None,
    "DET": None,
    "ND": None,
    "RR": None,
    "WR": None,
    "NR": None,
    "IND": None,
    "E": None,
    "EXP": None,
    "UNE": None,
    "IE": None,
    "S": None,
    "R": None,
    "I": None,
    "SDD": None,
    "NS": None,
    "SYN-R": None,
    "SYN-S": None,
    "B": None,
    "W": None,
    "U": None,
    "D": None,
    "HX": None,
    "LX": None,
    "HM": None,
    "CAR": None,
    "TOX": None,
    "NCL": None,
    "QCF": None,
}

_IN_WORDS = {
    "normal": "N",
    "abnormal": "A",
    "high": "H",
    "low": "L",
    "above high normal": "H",
    "above normal": "H",
    "below low normal": "L",
    "below normal": "L",
    "critical": "AA",
    "critical abnormal": "AA",
    "critically abnormal": "AA",
    "critical high": "HH",
    "critically high": "HH",
    "above upper panic limits": "HH",
    "critical low": "LL",
    "critically low": "LL",
    "below lower panic limits": "LL",
    "significantly high": "HU",
    "significantly low": "LU",
    "positive": "POS",
    "negative": "NEG",
    "detected": "DET",
    "not detected": "ND",
    "susceptible": "S",
    "resistant": "R",
    "intermediate": "I",
}


def interpretation_of(concepts: object) -> str | None:
    """The v3 code of an interpretation, also where only words were sent; one that judges comes first."""
    found: list[str] = []
    for concept in read.listed(concepts):
        for code in read.codings(concept):
            if code.code in ABNORMAL and code.code:
                found.append(code.code)
            elif code.display and (known := _IN_WORDS.get(code.display.lower())):
                found.append(known)
        words = read.text(concept.get("text")) if isinstance(concept, dict) else read.text(concept)
        if words:
            known = _IN_WORDS.get(words.lower()) or (words if words in ABNORMAL else None)
            if known:
                found.append(known)
    return next((code for code in found if ABNORMAL[code] is not None), found[0] if found else None)


def judged(value: Value, span: Range) -> str | None:
    """`L`, `N` or `H` where number and the one plain range leave no doubt."""
    number = value.number
    if number is None or not span.plain or (span.low is None and span.high is None):
        return None
    if value.comparator:
        return _judged_beyond(value.comparator, number, span)
    if span.low is not None and (number < span.low or (span.strict and number == span.low)):
        return "L"
    if span.high is not None and (number > span.high or (span.strict and number == span.high)):
        return "H"
    return "N"


def _judged_beyond(comparator: str, number: float, span: Range) -> str | None:
    """`<5` is low if the range begins at 5, normal if it only ends at 10, and in doubt if it is 2–10."""
    if comparator in ("<", "<="):
        if span.low is not None:
            return "L" if number < span.low or (number == span.low and comparator == "<") else None
        return "N" if span.high is not None and number < span.high else None
    if comparator in (">", ">="):
        if span.high is not None:
            return "H" if number > span.high or (number == span.high and comparator == ">") else None
        return "N" if span.low is not None and number > span.low else None
    return None
