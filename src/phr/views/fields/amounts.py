"""Numbers with their units in plain words: quantities, ranges, ratios, money, durations.

FHIR R4, Datatypes. Digits stay as the source wrote them; a unit is said in the source's words before its UCUM code,
and only units of time, which UCUM writes as single letters, are spelled out.
"""

from __future__ import annotations

from typing import Any

from phr.fhir import read
from phr.records.measurements import number_text

_TIME = {
    "s": "second",
    "min": "minute",
    "h": "hour",
    "d": "day",
    "wk": "week",
    "mo": "month",
    "a": "year",
    "hr": "hour",
}
_BARE = {"1": "", "{score}": "", "{count}": "", "{#}": ""}
_CURRENCIES = {"USD": "$", "EUR": "€", "GBP": "£"}


def quantity_words(value: object) -> str | None:
    """`<1.20 mg/dL`; `3 days` of a Duration; `$25.00` of Money."""
    if not isinstance(value, dict):
        return None
    amount = number_text(value.get("value"))
    if amount is None or (value.get("system") in _SYSTEMS and "code" not in value):
        return None
    if "currency" in value:
        return money_words(value)
    comparator = read.text(value.get("comparator")) or ""
    unit = unit_words(value, amount)
    joint = "" if unit == "%" else " "
    return f"{comparator}{amount}{joint}{unit}" if unit else f"{comparator}{amount}"


_SYSTEMS = ("phone", "fax", "email", "pager", "url", "sms", "other")


def unit_words(value: dict[str, Any], amount: str | None = None) -> str | None:
    """The unit as people say it."""
    said, code = read.text(value.get("unit")), read.text(value.get("code"))
    if code in _TIME and (said is None or said == code or said in _TIME):
        return _TIME[code] if amount in ("1", "1.0") else f"{_TIME[code]}s"
    unit = said or code
    return _BARE.get(unit, unit) if unit else None


def money_words(value: dict[str, Any]) -> str | None:
    """`$25.00`; an amount in DSTU2 has its currency as the unit's code."""
    amount = number_text(value.get("value"))
    if amount is None:
        return None
    currency = read.text(value.get("currency")) or read.text(value.get("code")) or ""
    sign = _CURRENCIES.get(currency)
    if sign:
        amount += "0" if amount[-2:-1] == "." else ""
        return f"-{sign}{amount[1:]}" if amount.startswith("-") else f"{sign}{amount}"
    return f"{amount} {currency}".strip()


def range_words(value: object) -> str | None:
    """`4.0 to 5.6 mg`, `at most 5`, `at least 3`."""
    if not isinstance(value, dict):
        return None
    low, high = value.get("low"), value.get("high")
    lowest, highest = quantity_words(low), quantity_words(high)
    if lowest and highest and isinstance(low, dict) and isinstance(high, dict):
        same = unit_words(low) == unit_words(high)
        return f"{number_text(low.get('value'))} to {highest}" if same else f"{lowest} to {highest}"
    return f"at least {lowest}" if lowest else f"at most {highest}" if highest else None


def ratio_words(value: dict[str, Any]) -> str | None:
    """`5 mg per 1 mL`; a titre as `1:128`."""
    above, below = value.get("numerator"), value.get("denominator")
    over, under = quantity_words(above), quantity_words(below)
    if over is None:
        return f"… per {under}" if under else None
    if under is None:
        return over
    if (
        isinstance(above, dict)
        and isinstance(below, dict)
        and not unit_words(above)
        and not unit_words(below)
    ):
        return f"{over}:{under}"
    if isinstance(below, dict) and number_text(below.get("value")) in ("1", "1.0") and unit_words(below):
        return f"{over} per {unit_words(below, '1')}"
    return f"{over} per {under}"


def reference_range(value: dict[str, Any]) -> str | None:
    """One Observation.referenceRange: bounds, what kind of range, for whom; the source's text where it has no bounds."""
    from phr.records.elements import words_of

    bounds, text = range_words(value), read.text(value.get("text"))
    # a text beside the bounds says them again, as a rule; where it does not, both count
    if bounds and text and not _repeats(value, text):
        bounds = f"{bounds} ({text})"
    words = bounds or text
    if words is None:
        return None
    kind = words_of(value.get("type"))
    whom = [one for entry in read.listed(value.get("appliesTo")) if (one := words_of(entry))]
    if age := range_words(value.get("age")):
        whom.append(f"age {age}")
    told = f" ({', '.join(whom)})" if whom else ""
    head = f"{kind}: " if kind and "normal" not in kind.lower() else ""
    return f"{head}{words}{told}"


def _repeats(value: dict[str, Any], text: str) -> bool:
    bounds = (value.get(name) for name in ("low", "high"))
    numbers = [number_text(one.get("value")) for one in bounds if isinstance(one, dict)]
    return all(one is None or one.removesuffix(".0") in text for one in numbers)
