"""What an order says beside its name: how long it reaches, and how much is taken (FHIR R4, MedicationRequest and Dosage).

How long a prescription may be filled, and for how long what it supplies lasts, says that the drug was taken about then,
and of no end: nobody stops because a prescription ran out. The amount is the one number of the dosage; where it holds
several ("5 mg on Mondays, else 2.5 mg") nothing is known.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, NamedTuple

from phr.fhir import dates, read
from phr.views.standing.drugs import strength, strengths
from phr.views.standing.ground import DAY

_DAYS = {"d": 1, "day": 1, "wk": 7, "week": 7, "mo": 30, "month": 30, "a": 365, "year": 365}
_PIECES = re.compile(
    r"tab(let)?|cap(sule|let)?|pill|tbl|film|patch|puff|spray|drop|act(uation)?|suppositor(y|ies)|\{\w+\}"
)
_COUNT = re.compile(
    r"(?<![\w.])(\d+(?:\.\d+)?|one|two|three|four|half an?|one half)\s+(tab|cap|pill)[a-z]*(?![a-z])"
)
_WORDS = {"one": 1, "two": 2, "three": 3, "four": 4, "half a": 0.5, "half an": 0.5, "one half": 0.5}
_A_DAY = r"( times?)?( a| per)? ?(daily|day)"
_OFTEN = (
    (rf"(once|one|1){_A_DAY}|every (day|24 hours|morning|evening|night)|nightly|q ?d(aily)?|at bedtime", 1),
    (rf"(twice|two|2){_A_DAY}|every 12 hours|b\.?i\.?d|morning and (evening|night)", 2),
    (rf"(three|3){_A_DAY}|every 8 hours|t\.?i\.?d", 3),
    (rf"(four|4){_A_DAY}|every 6 hours|q\.?i\.?d", 4),
)
_TIMES = {1: "once a day", 2: "twice a day"}


class Dose(NamedTuple):
    """How much is taken at a time, and how often a day where that is told."""

    amount: Decimal
    unit: str
    words: str
    times: int | None

    @property
    def often(self) -> str:
        return _TIMES.get(self.times or 0, f"{self.times} times a day")


class Order(NamedTuple):
    """What is known of an order."""

    supply: int = 0
    """Up to when what it supplies lasts; 0: it does not say."""
    valid: int = 0
    """Up to when it may be filled."""
    dose: Dose | None = None

    @property
    def reach(self) -> int:
        """Up to when the drug was taken, as far as this tells."""
        return max(self.supply, self.valid)

    @property
    def meant(self) -> int:
        """For how long it was meant: a week's supply may be fetched within a year."""
        return self.supply or self.valid


def order(body: dict[str, Any], title: str, start: int) -> Order:
    """What a resource says of it."""
    request = body.get("dispenseRequest")
    request = request if isinstance(request, dict) else {}
    days = _days(request.get("expectedSupplyDuration"))
    repeats = request.get("numberOfRepeatsAllowed")
    fills = 1 + (repeats if type(repeats) is int and 0 <= repeats < 100 else 0)
    valid = request.get("validityPeriod")
    end = dates.parse(valid.get("end")) if isinstance(valid, dict) and read.text(valid.get("end")) else None
    own = _days(body.get("daysSupply"))  # of what was dispensed
    supply = start + (days * fills or own) * DAY if days or own else 0
    return Order(supply, end.end if end else 0, _dose(body, title))


def _days(quantity: object) -> int:
    if not isinstance(quantity, dict):
        return 0
    number = quantity.get("value")
    unit = (read.text(quantity.get("code")) or read.text(quantity.get("unit")) or "d").lower().rstrip("s")
    if not isinstance(number, int | float) or isinstance(number, bool) or not 0 < number < 10_000:
        return 0
    return int(number * _DAYS.get(unit, 0))


# ── how much ────────────────────────────────────────────────────────────────────────────────────────────


def _dose(body: dict[str, Any], title: str) -> Dose | None:
    told = read.dicts(body.get("dosageInstruction") or body.get("dosage"))
    if len(told) != 1:
        return None
    dosage = told[0]
    text = read.text(dosage.get("text")) or read.text(dosage.get("patientInstruction")) or ""
    rates = read.dicts(dosage.get("doseAndRate")) or [dosage]
    quantity = rates[0].get("doseQuantity") or rates[0].get("dose")
    found = _quantity(quantity, title) if len(rates) == 1 and isinstance(quantity, dict) else None
    found = found or _said(text, title)
    return found and found._replace(times=_timing(dosage.get("timing")) or _often(text))


def _quantity(quantity: dict[str, Any], title: str) -> Dose | None:
    unit = read.text(quantity.get("unit")) or read.text(quantity.get("code"))
    try:
        number = Decimal(str(quantity.get("value")))
    except InvalidOperation:
        return None
    return _in(number, unit, title) if unit and number.is_finite() and number > 0 else None


@lru_cache(maxsize=8192)
def _said(text: str, title: str) -> Dose | None:
    """The one amount in a sentence; several that differ are none."""
    found = {(one.amount, one.unit): one for one in strengths(text)}
    if len(found) == 1:
        one = found.popitem()[1]
        return Dose(one.amount, one.unit, one.words, None)
    counts = set(_COUNT.findall(text.lower()))
    if found or len(counts) != 1:
        return None
    number, piece = counts.pop()
    return _in(Decimal(str(_WORDS.get(number, number))), piece, title)


def _in(number: Decimal, unit: str, title: str) -> Dose | None:
    """A quantity as a dose: pieces of a known strength are so much of the drug."""
    words = f"{number.normalize():f} {unit}"
    if weight := strengths(words):
        return Dose(weight[0].amount, weight[0].unit, weight[0].words, None)
    piece = _PIECES.match(unit.lower())
    if piece is None:
        return Dose(number, unit.lower().rstrip("s"), words, None)
    one = strength(title)
    if one is not None and "/" not in one.unit:
        much = one.amount * number
        return Dose(much, one.unit, _scaled(one.words, number), None)
    return Dose(number, piece[0].strip("{}"), words, None)


def _scaled(words: str, number: Decimal) -> str:
    amount, _, unit = words.partition(" ")
    return f"{(Decimal(amount.replace(',', '')) * number).normalize():f} {unit}"


def _timing(timing: object) -> int | None:
    """How often a day, by the parts of a Timing."""
    repeat = timing.get("repeat") if isinstance(timing, dict) else None
    if not isinstance(repeat, dict) or repeat.get("period") != 1 or repeat.get("periodUnit") != "d":
        return None
    times = repeat.get("frequency")
    return times if type(times) is int and 0 < times < 13 and "frequencyMax" not in repeat else None


@lru_cache(maxsize=8192)
def _often(text: str) -> int | None:
    text = text.lower()
    found = {times for words, times in _OFTEN if re.search(rf"(?<![a-z])({words})(?![a-z])", text)}
    if not found and re.search(r"(?<![a-z])daily(?![a-z])", text):
        return 1
    return found.pop() if len(found) == 1 else None
