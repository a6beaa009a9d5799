"""How a medicine is taken, in words: the source's own, else what the parts of its Dosage say.

FHIR R4 Dosage and Timing. Older versions and resources call the dose by other names.
"""

from __future__ import annotations

from phr.ccda.datatypes import number, period
from phr.ccda.narrative import moment, remarked, span
from phr.ccda.sections.values import limits_words, quantity_words
from phr.fhir.read import concept_text, dicts, first, listed, text
from phr.model import Resource

_DOSES = ("doseQuantity", "dose", "quantity", "quantityQuantity")


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
    said = text(dosage.get("text")) or _composed(dosage)
    further = [text(dosage.get("patientInstruction"))]
    further += [concept_text(each) for each in listed(dosage.get("additionalInstruction"))]
    for words in further:
        if words and words.casefold() not in said.casefold():
            said = f"{said}; {words}" if said else words
    return said or None


def sigs(resource: Resource) -> str | None:
    """All instructions of a resource, one after the other; those in steps in their order."""
    found = dosages(resource)
    order = [number(each.get("sequence")) for each in found]
    if all(order):
        found = [
            each for _, each in sorted(zip(order, found, strict=True), key=lambda pair: float(pair[0] or 0))
        ]
    steps = len({each for each in order if each}) > 1
    said = [
        remarked(words, f"step {number(each.get('sequence'))}" if steps else None)
        for each in found
        if (words := sig(each))
    ]
    return "; ".join(words for words in said if words) or None


def further_doses(resource: Resource) -> list[str]:
    """Every other way to say the dose: what was ordered, what it comes to, how many tablets that is."""
    found = []
    for dosage in dosages(resource):
        for dose in dicts(dosage.get("doseAndRate"))[1:]:
            amount = quantity_words(amount_of({"doseAndRate": [dose]})) or limits_words(dose.get("doseRange"))
            words = remarked(amount or _rate(dose), concept_text(dose.get("type")))
            found.extend([words] if words else [])
    return found


def _composed(dosage: Resource) -> str:
    dose, needed = dose_of(dosage), concept_text(dosage.get("asNeededCodeableConcept"))
    parts = [
        concept_text(dosage.get("method")),
        quantity_words(amount_of(dosage)) or limits_words(dose.get("doseRange")),
        _rate(dose),
        concept_text(dose.get("type")) if dosage.get("doseAndRate") else None,
        concept_text(dosage.get("route")),
        concept_text(dosage.get("site")),
        timing_words(dosage.get("timing")),
        "as needed" if dosage.get("asNeededBoolean") is True else None,
        f"as needed for {needed}" if needed else None,
        *(_most(ratio_words(each), None) for each in listed(dosage.get("maxDosePerPeriod"))),
        _most(quantity_words(dosage.get("maxDosePerAdministration")), "at once"),
        _most(quantity_words(dosage.get("maxDosePerLifetime")), "in a lifetime"),
    ]
    return ", ".join(part for part in parts if part)


def _rate(dose: Resource) -> str | None:
    return (
        quantity_words(dose.get("rateQuantity"))
        or limits_words(dose.get("rateRange"))
        or ratio_words(dose.get("rateRatio"))
    )


def _most(amount: str | None, when: str | None) -> str | None:
    return " ".join(filter(None, ("at most", amount, when))) if amount else None


def ratio_words(found: object) -> str | None:
    """A Ratio as words: `5 mg in 2 h`."""
    if not isinstance(found, dict):
        return None
    above, below = quantity_words(found.get("numerator")), quantity_words(found.get("denominator"))
    return f"{above} in {below}" if above and below else above


def amount_of(dosage: Resource) -> object:
    """The dose as Quantity, by the names that the versions of FHIR give it."""
    dose = dose_of(dosage)
    return next((dose[key] for key in _DOSES if isinstance(dose.get(key), dict)), None)


def dose_of(dosage: Resource) -> Resource:
    """Where the dose and the rate stand: `doseAndRate` in R4, the Dosage itself before."""
    found = first(dosage.get("doseAndRate"))
    return found if isinstance(found, dict) else dosage


def repeat_of(dosage: Resource) -> Resource:
    """`timing.repeat`, or nothing."""
    return _repeat(dosage.get("timing"))


def _repeat(timing: object) -> Resource:
    repeat = timing.get("repeat") if isinstance(timing, dict) else None
    return repeat if isinstance(repeat, dict) else {}


# ── when ──────────────────────────────────────────────────────────────────────────────────────────

_EVENTS = {
    "MORN": "in the morning", "MORN.early": "early in the morning", "MORN.late": "late in the morning", "NOON": "at noon",
    "AFT": "in the afternoon", "AFT.early": "early in the afternoon", "AFT.late": "late in the afternoon",
    "EVE": "in the evening", "EVE.early": "early in the evening", "EVE.late": "late in the evening", "NIGHT": "at night",
    "PHS": "after sleep", "IMD": "at once", "HS": "before sleep", "WAKE": "on waking", "C": "with a meal",
    "CM": "with breakfast", "CD": "with lunch", "CV": "with dinner", "AC": "before a meal", "ACM": "before breakfast",
    "ACD": "before lunch", "ACV": "before dinner", "PC": "after a meal", "PCM": "after breakfast", "PCD": "after lunch",
    "PCV": "after dinner",
}  # fmt: skip
"""EventTiming in words."""


def timing_words(timing: object) -> str | None:
    """A Timing as words: how often, on which days, at what time, for how long."""
    if not isinstance(timing, dict):
        return None
    repeat = _repeat(timing)
    offset = number(repeat.get("offset"))
    events = [_EVENTS.get(each, each) for when in listed(repeat.get("when")) if (each := text(when))]
    bounds = repeat.get("boundsPeriod")
    lasting = quantity_words(repeat.get("boundsDuration")) or limits_words(repeat.get("boundsRange"))
    unit = text(repeat.get("durationUnit"))
    parts = [
        _often(timing),
        " and ".join(events),
        f"{offset} minutes apart" if offset else None,
        _these("on", *(text(each) for each in listed(repeat.get("dayOfWeek")))),
        _these("at", *(text(each) for each in listed(repeat.get("timeOfDay")))),
        _these("on", *map(moment, listed(timing.get("event")))),
        _between("for", repeat, "duration", unit),
        _between("", repeat, "count", "times in all"),
        f"for {lasting}" if lasting else None,
        span(*period(bounds)) if isinstance(bounds, dict) else None,
    ]
    return ", ".join(part for part in parts if part) or None


def _these(preposition: str, *words: str | None) -> str | None:
    kept = [each for each in words if each]
    return f"{preposition} {', '.join(kept)}" if kept else None


def _between(preposition: str, repeat: Resource, key: str, unit: str | None) -> str | None:
    least, most = number(repeat.get(key)), number(repeat.get(f"{key}Max"))
    if least is None and most is None:
        return None
    amount = f"{least} to {most}" if least and most else least or f"at most {most}"
    return " ".join(filter(None, (preposition, amount, unit)))


def _often(timing: Resource) -> str | None:
    repeat = _repeat(timing)
    every, unit = number(repeat.get("period")), text(repeat.get("periodUnit"))
    if every is None or unit is None:
        said = concept_text(timing.get("code"))
        times = _between("", repeat, "frequency", "times")
        return ", ".join(filter(None, (said, times))) or None
    least, most = number(repeat.get("frequency")) or "1", number(repeat.get("frequencyMax"))
    times = f"{least} to {most}" if most else least
    longest = number(repeat.get("periodMax"))
    every = f"{every} to {longest}" if longest else every
    return f"{times} time{'' if times == '1' else 's'} every {every} {unit}"
