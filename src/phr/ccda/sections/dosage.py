"""How a medicine is taken: Dosage as effectiveTime, doseQuantity and the rest of an administration.

Follows the Dosage map of C-CDA on FHIR: the first effectiveTime says from when to when, the second (operator
A) how often. The words are in `dosage_words`.
"""

from __future__ import annotations

from decimal import Decimal

from phr.ccda.datatypes import at, bounds, has_code, maybe_at, number, period, quantity, timestamp, ucum
from phr.ccda.sections.dosage_words import amount_of, dose_of, repeat_of
from phr.ccda.xml import Element, el, null
from phr.fhir.read import first, listed, text
from phr.model import Resource

_WHEN = frozenset("HS WAKE C CM CD CV AC ACM ACD ACV PC PCM PCD PCV".split())
_UNITS = frozenset("s min h d wk mo a".split())
_CODES = {
    "QD": ("1", "d"), "BID": ("12", "h"), "TID": ("8", "h"), "QID": ("6", "h"), "Q1H": ("1", "h"), "Q2H": ("2", "h"),
    "Q3H": ("3", "h"), "Q4H": ("4", "h"), "Q6H": ("6", "h"), "Q8H": ("8", "h"), "QOD": ("2", "d"), "WK": ("1", "wk"),
    "MO": ("1", "mo"),
}  # fmt: skip
"""GTSAbbreviation, as timing.code has it, and how far apart the times are."""
_SIXTH, _DIGITS = Decimal("0.000001"), 20


# ── when ──────────────────────────────────────────────────────────────────────────────────────────


def taking_time(dosage: Resource, start: object, end: object) -> Element:
    """The first effectiveTime: bounds of the dosage, else of the resource; a low is required."""
    own_start, own_end = period(repeat_of(dosage).get("boundsPeriod"))
    timing = dosage.get("timing")
    events = listed(timing.get("event")) if isinstance(timing, dict) else []
    if len(events) == 1 and timestamp(events[0]) and not timestamp(own_start):
        return el("effectiveTime", value=timestamp(events[0]))
    low = own_start if timestamp(own_start) else start
    high = own_end if timestamp(own_start) or timestamp(own_end) else end
    ended = maybe_at("high", high)
    return el(
        "effectiveTime", at("low", low), ended if ended is not None else _lasting(dosage), xsi_type="IVL_TS"
    )


def _lasting(dosage: Resource) -> Element | None:
    """`width`: for how long, where the source says no end."""
    bounds_ = repeat_of(dosage).get("boundsDuration")
    amount = number(bounds_.get("value")) if isinstance(bounds_, dict) else None
    unit = ucum(bounds_)
    return el("width", value=amount, unit=unit) if amount and unit else None


def dosing(dosage: Resource) -> Element | None:
    """The second effectiveTime: how often, or at which event of the day."""
    repeat = repeat_of(dosage)
    event = next((text(when) for when in listed(repeat.get("when")) if text(when) in _WHEN), None)
    if event:
        offset = number(repeat.get("offset"))
        return el(
            "effectiveTime",
            el("event", code=event),
            el("offset", el("low", value=offset, unit="min")) if offset else None,
            xsi_type="EIVL_TS",
            operator="A",
        )
    every, unit = number(repeat.get("period")), text(repeat.get("periodUnit"))
    if every is None or unit not in _UNITS:
        return _abbreviated(dosage)
    times = number(repeat.get("frequency"))
    several = times is not None and Decimal(times) > 0
    often, most = number(repeat.get("frequencyMax")), number(repeat.get("periodMax"))
    shortest = _divided(every, often or times if several else None)
    longest = _divided(most or every, times if several else None)
    return el(
        "effectiveTime",
        el("period", value=longest, unit=unit)
        if shortest == longest
        else el(
            "period",
            el("low", value=shortest, unit=unit),
            el("high", value=longest, unit=unit),
            xsi_type="IVL_PQ",
        ),
        xsi_type="PIVL_TS",
        operator="A",
        institutionSpecified="true" if several and unit not in ("h", "min", "s") else "false",
    )


def _abbreviated(dosage: Resource) -> Element | None:
    """How often, where the source has only a code for it, such as BID."""
    timing = dosage.get("timing")
    said = has_code(timing.get("code"), frozenset(_CODES)) if isinstance(timing, dict) else None
    if said is None:
        return None
    every, unit = _CODES[said]
    return el(
        "effectiveTime",
        el("period", value=every, unit=unit),
        xsi_type="PIVL_TS",
        operator="A",
        institutionSpecified="false" if said.startswith("Q") and said.endswith("H") else "true",
    )


def _divided(every: str, times: str | None) -> str:
    if times is None or not Decimal(times):
        return every
    result = Decimal(every) / Decimal(times)
    if (
        abs(result.adjusted()) <= _DIGITS
    ):  # beyond that no rounding helps: such a number is a slip of its source
        result = result.quantize(_SIXTH) or result
    return f"{result.normalize():f}"


# ── how much ──────────────────────────────────────────────────────────────────────────────────────


def dose_quantity(dosage: Resource, *, denied: bool) -> Element:
    """`doseQuantity` is required; UNK when the source does not say."""
    dose = dose_of(dosage)
    if denied:
        return null("doseQuantity", "NA")
    if isinstance(range_ := dose.get("doseRange"), dict):
        return bounds("doseQuantity", range_.get("low"), range_.get("high"), xsi_type=None)
    return quantity("doseQuantity", amount_of(dosage), xsi_type=None)


def rate_quantity(dosage: Resource) -> Element | None:
    """`rateQuantity`, which must have a unit: a quantity, a range, or a ratio such as 5 mg in 2 h."""
    dose = dose_of(dosage)
    if isinstance(range_ := dose.get("rateRange"), dict):
        ends = [range_.get("low"), range_.get("high")]
        unit = next((own for end in ends if (own := ucum(end))), None)
        if unit is not None:  # the rules look for the unit on the whole
            whole = bounds("rateQuantity", *ends, xsi_type=None)
            whole.attributes["unit"] = unit
            return whole
    found = dose.get("rateQuantity")
    if isinstance(ratio := dose.get("rateRatio"), dict):
        found = _joined(ratio.get("numerator"), ratio.get("denominator"))
    amount = number(found.get("value")) if isinstance(found, dict) else None
    unit = ucum(found)
    return el("rateQuantity", value=amount, unit=unit) if amount and unit else None


def _joined(above: object, below: object) -> Resource | None:
    """A ratio as one quantity: UCUM writes 5 mg in 2 h as `5 mg/(2.h)`."""
    per, unit = ucum(below), ucum(above)
    if not isinstance(above, dict) or not isinstance(below, dict) or per is None or unit is None:
        return None
    times = number(below.get("value")) or "1"
    if not times.isdigit():
        return None
    whole = f"{unit}/{per}" if times == "1" else f"{unit}/({times}.{per})"
    return {"value": above.get("value"), "code": whole, "system": "http://unitsofmeasure.org"}


def max_dose(dosage: Resource) -> Element | None:
    """`maxDoseQuantity` of maxDosePerPeriod."""
    found = first(dosage.get("maxDosePerPeriod"))
    if not isinstance(found, dict) or not isinstance(found.get("numerator"), dict):
        return None
    if number(found["numerator"].get("value")) is None:
        return None
    return el(
        "maxDoseQuantity",
        quantity("numerator", found.get("numerator"), xsi_type=None),
        quantity("denominator", found.get("denominator"), xsi_type=None),
    )
