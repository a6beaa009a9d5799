"""Whether two entries of a drug are one order: when it began, how much, how often, by which way, and how strong.

FHIR R4, Dosage. A document gives the same dose as a period (`PIVL_TS`, every 12 hours) that a server gives as a frequency
(twice a day): both are compared as times a day. A sentence contradicts another where other numbers stand in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from phr.fhir import read
from phr.records import match_dates, match_values
from phr.records.match_dates import DAY, NOT, When
from phr.records.match_standing import forbids
from phr.records.match_terms import DIFFERENT, SAME, UNKNOWN, compare_concepts, fold
from phr.records.match_units import COUNTED, decimal_of, unit_of

if TYPE_CHECKING:
    from phr.records.match import Fact

# ── when ──────────────────────────────────────────────────────────────────────────────────────────────


def moments(body: Any) -> list[When]:
    """When it was written, and when it began."""
    return [moment for moment in (_written(body), _began(body)) if moment is not None]


def dates(one: Any, other: Any) -> int:
    """How surely two entries are of one time. Refills of a drug differ in when they were written."""
    if dates_differ(one, other):
        return NOT
    written = match_dates.agree(_written(one), _written(other))
    if written:
        return written
    crossed = max(
        match_dates.agree(_written(one), _began(other)), match_dates.agree(_began(one), _written(other))
    )
    if _written(one) is not None and _written(other) is not None:
        return min(crossed, DAY)
    return max(crossed, match_dates.agree(_began(one), _began(other)))


def dates_differ(one: Any, other: Any) -> bool:
    """Whether they cannot be of one time."""
    if match_dates.contradict(_began(one), _began(other)):
        return True
    pairs = [(first, second) for first in moments(one) for second in moments(other)]
    return bool(pairs) and all(match_dates.contradict(first, second) for first, second in pairs)


def _written(body: Any) -> When | None:
    return match_dates.when(body.authoredOn)


def _began(body: Any) -> When | None:
    for period in (body.effectivePeriod, *_bounds(body)):
        if isinstance(period, dict) and (found := match_dates.when(period.get("start"))):
            return found
    return match_dates.when(body.effectiveDateTime)


def _bounds(body: Any) -> Iterable[object]:
    for one in _dosages(body):
        repeat = _repeat(one)
        yield repeat.get("boundsPeriod")


# ── how ───────────────────────────────────────────────────────────────────────────────────────────────


def compare(one: Fact, other: Fact) -> int:
    """Strength, dose, timing and route: what is said on both sides has to agree. SAME: a dose is said, and does."""
    if _strengths_differ(one.words, other.words):
        return DIFFERENT
    first, second = _dosages(one.body), _dosages(other.body)
    if not first or not second:
        return UNKNOWN
    if len(first) != len(second):  # one of them gives a part of the other, or they are not the same
        few, many = sorted((first, second), key=len)
        parts = all(any(_dosage(part, known) == SAME for known in many) for part in few)
        return UNKNOWN if parts else DIFFERENT
    found = [_dosage(a, b) for a, b in zip(first, second, strict=True)]
    if DIFFERENT in found:
        return DIFFERENT
    return SAME if all(answer == SAME for answer in found) else UNKNOWN


def _dosages(body: Any) -> list[dict[str, Any]]:
    return read.dicts(body.dosageInstruction) or read.dicts(body.dosage)


def _dosage(one: dict[str, Any], other: dict[str, Any]) -> int:
    found = [_dose(one, other), _timing(one, other), _route(one, other)]
    words, words_too = _sentence(one), _sentence(other)
    if DIFFERENT in found or _needed(one, other) == DIFFERENT:
        return DIFFERENT
    if words and words_too:
        if words == words_too:
            return SAME
        if forbids(words) != forbids(words_too):
            return DIFFERENT
        if found[0] == UNKNOWN and _numbers(words) != _numbers(words_too):
            return DIFFERENT
    return SAME if found[0] == SAME else UNKNOWN


def _dose(one: dict[str, Any], other: dict[str, Any]) -> int:
    first, second = _amount(one), _amount(other)
    if first is None or second is None:
        return UNKNOWN
    if "low" in first or "low" in second or "high" in first or "high" in second:
        sides = [match_values.quantities(first.get(side), second.get(side)) for side in ("low", "high")]
        return DIFFERENT if DIFFERENT in sides else SAME if SAME in sides else UNKNOWN
    found = match_values.quantities(first, second)
    if found == UNKNOWN:
        numbers = decimal_of(first.get("value")), decimal_of(second.get("value"))
        # A document leaves the unit out where things are counted.
        return (
            SAME
            if numbers[0] is not None and numbers[0] == numbers[1] and _counted(first, second)
            else UNKNOWN
        )
    return found


def _counted(*amounts: dict[str, Any]) -> bool:
    return all(
        unit_of(read.text(one.get("unit")) or read.text(one.get("code"))) in COUNTED for one in amounts
    )


def _amount(dosage: dict[str, Any]) -> dict[str, Any] | None:
    rate = read.first(dosage.get("doseAndRate"))
    parts = rate if isinstance(rate, dict) else dosage
    found = parts.get("doseQuantity") or parts.get("doseRange") or parts.get("dose")
    if not isinstance(found, dict):
        return None
    return found if found.get("value") is not None or "low" in found or "high" in found else None


def _timing(one: dict[str, Any], other: dict[str, Any]) -> int:
    first, second = _a_day(_repeat(one)), _a_day(_repeat(other))
    if first is not None and second is not None:
        return SAME if first == second else DIFFERENT
    events = [{str(when) for when in read.listed(_repeat(side).get("when"))} for side in (one, other)]
    if events[0] and events[1]:
        return SAME if events[0] == events[1] else DIFFERENT
    return UNKNOWN


def _repeat(dosage: dict[str, Any]) -> dict[str, Any]:
    timing = dosage.get("timing")
    repeat = timing.get("repeat") if isinstance(timing, dict) else None
    return repeat if isinstance(repeat, dict) else {}


_DAYS = {"s": "86400", "min": "1440", "h": "24", "d": "1"}
_LONGER = {"wk": "7", "mo": "30", "a": "365"}


def _a_day(repeat: dict[str, Any]) -> Decimal | None:
    """How often within a day; None where it is not said."""
    period, unit = decimal_of(repeat.get("period")), repeat.get("periodUnit")
    frequency = decimal_of(repeat.get("frequency", 1))
    if not period or not frequency:
        return None
    if unit in _DAYS:
        return round(frequency * Decimal(_DAYS[unit]) / period, 4)
    return round(frequency / (period * Decimal(_LONGER[unit])), 4) if unit in _LONGER else None


def _needed(one: dict[str, Any], other: dict[str, Any]) -> int:
    """Always, or only as needed: where both say."""
    first, second = one.get("asNeededBoolean"), other.get("asNeededBoolean")
    return DIFFERENT if first is not None and second is not None and first != second else UNKNOWN


def _route(one: dict[str, Any], other: dict[str, Any]) -> int:
    """Routes are coded in many systems; only codes of one system, or plain words, contradict each other."""
    first, second = one.get("route"), other.get("route")
    return UNKNOWN if first is None or second is None else compare_concepts(first, second)


def _sentence(dosage: dict[str, Any]) -> str:
    return fold(read.text(dosage.get("text")) or read.text(dosage.get("patientInstruction")) or "")


_NUMBER = re.compile(r"\d+(?:\.\d+)?|[a-z]+")
_IN_WORDS = {
    "one": "1",
    "once": "1",
    "daily": "1",
    "nightly": "1",
    "qd": "1",
    "two": "2",
    "twice": "2",
    "bid": "2",
    "three": "3",
    "tid": "3",
    "four": "4",
    "qid": "4",
    "six": "6",
    "eight": "8",
    "half": "0.5",
}


def _numbers(words: str) -> frozenset[str]:
    found = (_IN_WORDS.get(part, part) for part in _NUMBER.findall(words))
    return frozenset(f"{Decimal(part).normalize():f}" for part in found if part[0].isdigit())


# ── how strong ────────────────────────────────────────────────────────────────────────────────────────

_STRENGTH = re.compile(r"(\d+(?:[.,]\d+)*)\s*(mg|mcg|ug|µg|g|ml|meq|unt|units?|iu|%)(?![a-z])")


def _strengths_differ(one: Iterable[str], other: Iterable[str]) -> bool:
    """`500 mg` and `1000 mg` of one drug are two drugs, although they share the code of what is in them."""
    first, second = _strengths(one), _strengths(other)
    return bool(first) and bool(second) and first.isdisjoint(second)


def _strengths(words: Iterable[str]) -> frozenset[tuple[str, str]]:
    return frozenset(
        (f"{Decimal(number.replace(',', '')).normalize():f}", unit_of(unit))
        for text in words
        for number, unit in _STRENGTH.findall(text)
    )
