"""Medications, ordered, taken, dispensed or given: FHIR R4, Medications module and Dosage.

The drug is a concept, a contained Medication or one of its own; whoever prescribes writes the dosage as a
sentence, as a table of parts, or as both.
"""

from __future__ import annotations

from typing import Any

from phr.fhir import read
from phr.model import Code, Resource
from phr.records.clinical import not_done
from phr.records.elements import codes_of, joined, labelled, notes, reasons, walk, words_of
from phr.records.measurements import number_text, quantity_words, value_of
from phr.records.references import Reading
from phr.records.shapes import Shape, paths


def _medication(resource: Resource, reading: Reading) -> Resource | None:
    """The Medication a `medicationReference` points at."""
    pointer = resource.get("medicationReference")
    return reading.resolve(pointer, "Medication") if pointer is not None else None


def _concept(resource: Resource) -> object:
    """`medicationCodeableConcept`; `medication` as R5 has it."""
    concept = resource.get("medicationCodeableConcept")
    if concept is not None:
        return concept
    newer = resource.get("medication")
    return newer.get("concept") if isinstance(newer, dict) else newer


def title(resource: Resource, reading: Reading) -> str | None:
    """The drug's name: from the concept, the reference's display, or the Medication itself."""
    if words := words_of(_concept(resource)):
        return words
    pointer = resource.get("medicationReference")
    display = read.text(pointer.get("display")) if isinstance(pointer, dict) else None
    if display:
        return words_of(display)
    found = _medication(resource, reading)
    if found is None:
        return None
    ingredients = [words_of(entry) for entry in walk(found, ("ingredient", "itemCodeableConcept"))]
    return words_of(found.get("code")) or joined(ingredients, " / ")


def codes(resource: Resource, reading: Reading) -> tuple[Code, ...]:
    """The drug's codes, standard systems first."""
    found = codes_of(_concept(resource))
    if found:
        return found
    medication = _medication(resource, reading)
    return codes_of(medication.get("code")) if medication else ()


# ── dosage ────────────────────────────────────────────────────────────────────────────────────────

_ROUTES = {
    "26643006": "by mouth",
    "PO": "by mouth",
    "20053000": "by mouth",  # EDQM
    "C38288": "by mouth",  # NCI
    "47625008": "into a vein",
    "78421000": "into a muscle",
    "34206005": "under the skin",
    "46713006": "into the nose",
    "37161004": "rectally",
    "54485002": "into the eye",
    "6064005": "on the skin",
}
_UNITS = {"s": "second", "min": "minute", "h": "hour", "d": "day", "wk": "week", "mo": "month", "a": "year"}
_TIMES = {"1": "once", "2": "twice", "3": "three times", "4": "four times"}
_EVENTS = {
    "MORN": "in the morning",
    "AFT": "in the afternoon",
    "EVE": "in the evening",
    "NIGHT": "at night",
    "HS": "at bedtime",
    "AC": "before meals",
    "PC": "after meals",
    "C": "with meals",
    "CM": "with breakfast",
    "CD": "with lunch",
    "CV": "with dinner",
    "WAKE": "on waking",
}


def dosage_words(dosage: object) -> str | None:
    """The sentence of a Dosage, or one made of its parts: `1 tablet by mouth twice a day`."""
    if not isinstance(dosage, dict):
        return None
    written = read.text(dosage.get("text")) or read.text(dosage.get("patientInstruction"))
    # DrChrono was seen to write ":None:None" where it knows nothing
    if written and written.replace("None", "").strip(": "):
        return written
    rate = read.first(dosage.get("doseAndRate"))
    parts = rate if isinstance(rate, dict) else dosage
    dose = (
        quantity_words(parts.get("doseQuantity") or parts.get("dose"))
        or value_of({"valueRange": parts.get("doseRange")}).text
    )
    return joined(
        (
            dose,
            _route(dosage.get("route")),
            timing_words(dosage.get("timing")),
            _as_needed(dosage),
            words_of(dosage.get("additionalInstruction")),
        ),
        " ",
    )


def _route(route: object) -> str | None:
    for code in read.codings(route):
        if code.code in _ROUTES:
            return _ROUTES[code.code]
    words = words_of(route)
    if words is None:
        return None
    return "by mouth" if words.lower() in ("oral", "orally", "oral route", "oral use") else words.lower()


def _as_needed(dosage: dict[str, Any]) -> str | None:
    if dosage.get("asNeededBoolean") is True:
        return "as needed"
    reason = words_of(dosage.get("asNeededCodeableConcept"))
    return f"as needed for {reason}" if reason else None


def timing_words(timing: object) -> str | None:
    """How often: `twice a day`, `every 8 hours`, or what the timing's code says."""
    if not isinstance(timing, dict):
        return None
    repeat = timing.get("repeat")
    words = _repeat_words(repeat) if isinstance(repeat, dict) else None
    return words or words_of(timing.get("code"))


def _repeat_words(repeat: dict[str, Any]) -> str | None:
    events = [_EVENTS.get(str(event), "") for event in read.listed(repeat.get("when"))]
    moments = " and ".join(filter(None, events))
    unit = _UNITS.get(str(repeat.get("periodUnit")))
    period, frequency = number_text(repeat.get("period")), number_text(repeat.get("frequency")) or "1"
    if unit is None or period is None:
        return moments or None
    times = _TIMES.get(frequency, f"{frequency} times")
    if period == "1":
        words = f"{times} a{'n' if unit == 'hour' else ''} {unit}"
    elif frequency == "1":
        words = f"every {period} {unit}s"
    else:
        words = f"{times} every {period} {unit}s"
    return f"{words} {moments}".strip()


# ── what is said of each ──────────────────────────────────────────────────────────────────────────


def _dosages(resource: Resource) -> str | None:
    found = resource.get("dosageInstruction") or resource.get("dosage")
    words = [dosage_words(entry) for entry in read.listed(found)]
    return joined(words, ", then ")


def _describe(resource: Resource, reading: Reading) -> str | None:
    return joined(
        (
            not_done(resource),
            "not to be taken" if resource.get("doNotPerform") is True else None,
            "not taken" if resource.get("status") == "not-taken" else None,
            _dosages(resource),
            labelled("for", reasons(resource)),
            labelled("stopped", words_of(resource.get("statusReason"))),
            labelled("quantity", quantity_words(resource.get("quantity"))),
            notes(resource),
        )
    )


_MORE_WORDS = paths(
    "reasonCode", "dosageInstruction.text", "dosageInstruction.patientInstruction", "dosage.text"
)

SHAPES = {
    "MedicationRequest": Shape(
        "medication",
        "Medication",
        name_it=title,
        title=(),
        find_codes=codes,
        when=paths(
            "authoredOn", "dosageInstruction.timing.repeat.boundsPeriod", "dispenseRequest.validityPeriod"
        ),
        ends=paths("dosageInstruction.timing.repeat.boundsPeriod.end"),
        recorded=paths("authoredOn"),
        people=paths("requester", "recorder"),
        places=paths("requester", "dispenseRequest.performer"),
        said_by=paths("reportedReference"),
        describe=_describe,
        words=_MORE_WORDS,
    ),
    "MedicationStatement": Shape(
        "medication",
        "Medication",
        name_it=title,
        title=(),
        find_codes=codes,
        when=paths("effectiveDateTime", "effectivePeriod", "dateAsserted"),
        recorded=paths("dateAsserted"),
        people=paths("informationSource"),
        places=paths("informationSource"),
        encounter=paths("context"),
        said_by=paths("informationSource"),
        describe=_describe,
        words=_MORE_WORDS,
    ),
    "MedicationDispense": Shape(
        "medication",
        "Medication",
        name_it=title,
        title=(),
        find_codes=codes,
        when=paths("whenHandedOver", "whenPrepared"),
        people=paths("performer.actor"),
        places=paths("location", "performer.actor"),
        encounter=paths("context"),
        describe=_describe,
        words=_MORE_WORDS,
    ),
    "MedicationAdministration": Shape(
        "medication",
        "Medication",
        name_it=title,
        title=(),
        find_codes=codes,
        when=paths("effectiveDateTime", "effectivePeriod"),
        people=paths("performer.actor"),
        places=paths("performer.actor"),
        encounter=paths("context"),
        said_by=paths("performer.actor"),
        describe=_describe,
        words=_MORE_WORDS,
    ),
}
