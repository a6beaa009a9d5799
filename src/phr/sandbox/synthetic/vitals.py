"""Vital signs: Observations of the US Core 6.1 vital signs profiles, measured at a visit.

The numbers follow the person: Tamsin's blood pressure falls once it is treated, her oxygen saturation sinks
over the years, an acute visit shows a fast pulse and a low saturation, and Juniper grows.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date
from itertools import pairwise

from phr.sandbox.synthetic import codes
from phr.sandbox.synthetic.build import Json, concept, draw, number, quantity, resource, stamp
from phr.sandbox.synthetic.organisations import practitioner
from phr.sandbox.synthetic.people import BARNABY, JUNIPER, TAMSIN, Person
from phr.sandbox.synthetic.visits import STAY, Visit

CATEGORY = codes.hl7("observation-category", "vital-signs", "Vital Signs")

# key: (profile, codes, unit, UCUM, decimals)
_SIGNS: dict[str, tuple[str, tuple[codes.Code, ...], str, str, int]] = {
    "pulse": ("us-core-heart-rate", (codes.loinc("8867-4", "Heart rate"),), "/min", "/min", 0),
    "breathing": ("us-core-respiratory-rate", (codes.loinc("9279-1", "Respiratory rate"),), "/min", "/min", 0),
    "saturation": (
        "us-core-pulse-oximetry",
        (
            codes.loinc("59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry"),
            codes.loinc("2708-6", "Oxygen saturation in Arterial blood"),
        ),
        "%", "%", 0,
    ),
    "temperature": ("us-core-body-temperature", (codes.loinc("8310-5", "Body temperature"),), "°C", "Cel", 1),
    "weight": ("us-core-body-weight", (codes.loinc("29463-7", "Body weight"),), "kg", "kg", 1),
    "height": ("us-core-body-height", (codes.loinc("8302-2", "Body height"),), "cm", "cm", 1),
    "bmi": ("us-core-bmi", (codes.loinc("39156-5", "Body mass index (BMI) [Ratio]"),), "kg/m2", "kg/m2", 1),
}  # fmt: skip
_PRESSURE = codes.loinc("85354-9", "Blood pressure panel with all children optional")
_SYSTOLIC = codes.loinc("8480-6", "Systolic blood pressure")
_DIASTOLIC = codes.loinc("8462-4", "Diastolic blood pressure")

_UNTREATED = {TAMSIN.id: (date(2017, 10, 3), (148, 92))}
"""Until that day the blood pressure lay here."""

# Age in years, height in cm, weight in kg.
_GROWTH = ((0.5, 66, 7.4), (2, 86, 12.1), (5, 109, 18.2), (7, 122, 23.0), (11, 144, 36.5), (15, 163, 54.0))

# What the notes and the discharge papers tell of, by visit and sign.
_TOLD: dict[tuple[str, str], float] = {
    ("emergency-2020", "saturation"): 88,
    ("emergency-2020", "pulse"): 102,
    ("emergency-2020", "systolic"): 142,
    ("emergency-2020", "diastolic"): 80,
    ("discharge-2020", "saturation"): 92,
}

_NORMAL = {"pulse": (50, 100), "saturation": (94, 100), "temperature": (36.1, 37.8), "breathing": (12, 20)}


def vitals(visit: Visit, seed: int) -> Iterator[Json]:
    """One Observation for each sign that the visit's row names."""
    rng = draw(seed, "vitals", visit.key)
    drift = rng.gauss(1, 0.012)
    for name in visit.vitals:
        yield (
            _pressure(visit, rng)
            if name == "pressure"
            else _sign(visit, name, _TOLD.get((visit.key, name)) or _value(visit, name, rng, drift))
        )


def _value(visit: Visit, name: str, rng: random.Random, drift: float) -> float:
    person, day = visit.person, visit.at.date()
    if name in {"weight", "height", "bmi"}:
        height, weight = _size(person, day)
        weight *= drift
        return {"height": height, "weight": weight, "bmi": weight / (height / 100) ** 2}[name]
    if name == "saturation":
        sinking = 0.27 * (day.year - 2015) if person is TAMSIN else 0.0
        acute = 6.0 if visit.acute else 0.0
        return min(100.0, person.saturation - sinking - acute + rng.gauss(0, 0.5))
    if name == "pulse":
        fast = max(0.0, 9 - person.age(day)) * 5 if person is JUNIPER else 0
        flutter = 58 if visit.key == "barnaby-flutter-2021" else 0
        return person.pulse + fast + flutter + (26 if visit.acute else 0) + rng.gauss(0, 3)
    if name == "breathing":
        return (25 if visit.acute else 17) + rng.gauss(0, 1)
    return (38.4 if visit.diagnosis else 36.8) + rng.gauss(0, 0.2)


def _size(person: Person, day: date) -> tuple[float, float]:
    """Height in cm and weight in kg: of adults from the table of people, of the child by its age."""
    if person is not JUNIPER:
        slow = 0.35 * (2026 - day.year) if person is BARNABY else -0.2 * (2026 - day.year)
        return person.height, person.weight + slow
    age = person.age(day)
    for (young, low, light), (old, high, heavy) in pairwise(_GROWTH):
        if age <= old:
            part = max(0.0, (age - young) / (old - young))
            return low + part * (high - low), light + part * (heavy - light)
    return person.height, person.weight


def _shared(visit: Visit, name: str, profile: str) -> Json:
    return resource(
        "Observation", f"vs-{name}-{number(visit.key, name)}", visit.at, profile,
        status="final",
        category=[concept(CATEGORY)],
        subject=visit.person.subject,
        encounter=visit.reference,
        effectiveDateTime=stamp(visit.at),
        performer=[practitioner(visit.who)],
    )  # fmt: skip


def _sign(visit: Visit, name: str, value: float) -> Json:
    profile, coded, unit, ucum, decimals = _SIGNS[name]
    rounded = round(value, decimals) if decimals else round(value)
    built = _shared(visit, name, profile)
    built["code"] = concept(*coded)
    built["valueQuantity"] = quantity(rounded, unit, ucum)
    if name in _NORMAL and visit.person is not JUNIPER:
        low, high = _NORMAL[name]
        flag = "L" if rounded < low else "H" if rounded > high else "N"
        built["interpretation"] = [concept(codes.interpretation(flag))]
    return built


def _pressure(visit: Visit, rng: random.Random) -> Json:
    systolic, diastolic = visit.person.pressure
    until, untreated = _UNTREATED.get(visit.person.id, (None, None))
    if until and untreated and visit.at.date() < until:
        systolic, diastolic = untreated
    elif untreated:
        systolic, diastolic = systolic - 8, diastolic - 5
    if visit is STAY:
        systolic += 12
    upper, lower = round(systolic + rng.gauss(0, 4)), round(diastolic + rng.gauss(0, 3))
    upper = round(_TOLD.get((visit.key, "systolic"), upper))
    lower = round(_TOLD.get((visit.key, "diastolic"), lower))
    built = _shared(visit, "bp", "us-core-blood-pressure")
    built["code"] = concept(_PRESSURE, text="Blood pressure")
    built["component"] = [
        {"code": concept(_SYSTOLIC), "valueQuantity": quantity(upper, "mmHg", "mm[Hg]")},
        {"code": concept(_DIASTOLIC), "valueQuantity": quantity(lower, "mmHg", "mm[Hg]")},
    ]
    if visit.person is not JUNIPER:
        flag = "H" if upper >= 140 or lower >= 90 else "N"
        built["interpretation"] = [concept(codes.interpretation(flag))]
    return built
