"""How a medicine is taken: Dosage as effectiveTime, doseQuantity and words.

Follows the Dosage map of C-CDA on FHIR: the first effectiveTime says from when to when, the second (operator
A) how often. Only the first Dosage is coded; all are in the narrative.
"""

from __future__ import annotations

from decimal import Decimal

from phr.ccda.datatypes import at, bounds, maybe_at, number, period, quantity, timestamp, ucum
from phr.ccda.sections.values import limits_words, quantity_words
from phr.ccda.xml import Element, el, null
from phr.fhir.read import concept_text, first, listed, text
from phr.model import Resource

_DOSES = ("doseQuantity", "dose", "quantity", "quantityQuantity")
_WHEN = frozenset("HS WAKE C CM CD CV AC ACM ACD ACV PC PCM PCD PCV".split())


def dosages(resource: Resource) -> list[Resource]:
    """All Dosages, whatever the resource calls them."""
    for key in ("dosageInstruction", "dosage"):
        found = [each for each in listed(resource.get(key)) if isinstance(each, dict)]
        if found:
            return found
    return []


def sig(dosage: Resource) -> str | None:
    """The instructions as words: the source's own, else put together from its parts.

    Servers write the same sentence as `text` and as `patientInstruction`, or the dose in one and "with food"
    in the other: what is said already is not said again.
    """
    said = text(dosage.get("text")) or ""
    further = [text(dosage.get("patientInstruction"))]
    further += [concept_text(each) for each in listed(dosage.get("additionalInstruction"))]
    if not said and further[0] is None:
        said = _composed(dosage)
    for words in further:
        if words and words.casefold() not in said.casefold():
            said = f"{said}; {words}" if said else words
    return said or None


def _composed(dosage: Resource) -> str:
    dose, needed = _dose(dosage), concept_text(dosage.get("asNeededCodeableConcept"))
    parts = [
        quantity_words(_amount(dosage)) or limits_words(dose.get("doseRange")),
        quantity_words(dose.get("rateQuantity")),
        concept_text(dosage.get("route")),
        concept_text(dosage.get("site")),
        _often(dosage),
        "as needed" if dosage.get("asNeededBoolean") is True else None,
        f"as needed for {needed}" if needed else None,
    ]
    return ", ".join(part for part in parts if part)


def _amount(dosage: Resource) -> object:
    """The dose as Quantity, by the names that the versions of FHIR give it."""
    dose = _dose(dosage)
    return next((dose[key] for key in _DOSES if isinstance(dose.get(key), dict)), None)


def _dose(dosage: Resource) -> Resource:
    found = first(dosage.get("doseAndRate"))
    return found if isinstance(found, dict) else dosage


def _repeat(dosage: Resource) -> Resource:
    timing = dosage.get("timing")
    repeat = timing.get("repeat") if isinstance(timing, dict) else None
    return repeat if isinstance(repeat, dict) else {}


def _often(dosage: Resource) -> str | None:
    repeat = _repeat(dosage)
    every, unit = number(repeat.get("period")), text(repeat.get("periodUnit"))
    if every is None or unit is None:
        timing = dosage.get("timing")
        return concept_text(timing.get("code")) if isinstance(timing, dict) else None
    times = number(repeat.get("frequency")) or "1"
    return f"{times} time{'' if times == '1' else 's'} every {every} {unit}"


# ── when ──────────────────────────────────────────────────────────────────────────────────────────


def taking_time(dosage: Resource, start: object, end: object) -> Element:
    """The first effectiveTime: bounds of the dosage, else of the resource; a low is required."""
    own_start, own_end = period(_repeat(dosage).get("boundsPeriod"))
    timing = dosage.get("timing")
    events = listed(timing.get("event")) if isinstance(timing, dict) else []
    if len(events) == 1 and timestamp(events[0]) and not timestamp(own_start):
        return el("effectiveTime", value=timestamp(events[0]))
    low = own_start if timestamp(own_start) else start
    high = own_end if timestamp(own_start) or timestamp(own_end) else end
    return el("effectiveTime", at("low", low), maybe_at("high", high), xsi_type="IVL_TS")


def dosing(dosage: Resource) -> Element | None:
    """The second effectiveTime: how often, or at which event of the day."""
    repeat = _repeat(dosage)
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
    if every is None or unit not in ("s", "min", "h", "d", "wk", "mo", "a"):
        return None
    times = number(repeat.get("frequency"))
    several = times is not None and Decimal(times) > 0
    most = number(repeat.get("periodMax"))
    single = most is None
    return el(
        "effectiveTime",
        el("period", value=_divided(every, times if several else None), unit=unit)
        if single
        else el(
            "period", el("low", value=every, unit=unit), el("high", value=most, unit=unit), xsi_type="IVL_PQ"
        ),
        xsi_type="PIVL_TS",
        operator="A",
        institutionSpecified="true" if several and unit not in ("h", "min", "s") else "false",
    )


def _divided(every: str, times: str | None) -> str:
    if times is None:
        return every
    result = (Decimal(every) / Decimal(times)).quantize(Decimal("0.000001")).normalize()
    return f"{result:f}"


# ── how much ──────────────────────────────────────────────────────────────────────────────────────


def dose_quantity(dosage: Resource, *, denied: bool) -> Element:
    """`doseQuantity` is required; UNK when the source does not say."""
    dose = _dose(dosage)
    if denied:
        return null("doseQuantity", "NA")
    if isinstance(range_ := dose.get("doseRange"), dict):
        return bounds("doseQuantity", range_.get("low"), range_.get("high"), xsi_type=None)
    return quantity("doseQuantity", _amount(dosage), xsi_type=None)


def rate_quantity(dosage: Resource) -> Element | None:
    """`rateQuantity`, which must have a unit."""
    dose = _dose(dosage)
    found = dose.get("rateQuantity")
    amount = number(found.get("value")) if isinstance(found, dict) else None
    unit = ucum(found)
    return el("rateQuantity", value=amount, unit=unit) if amount and unit else None


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
