"""What people measure at home: names, LOINC codes, units in UCUM, and what a body can have.

Codes of the FHIR vital signs profile (R4, observation-vitalsigns.html) and US Core; those of the glucometer and the peak
flow meter as LOINC names them. The bounds are no reference ranges: outside of them a decimal point was probably lost.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Vital:
    """One thing that is measured."""

    title: str
    loinc: str
    units: tuple[str, ...]
    """UCUM, the usual one first."""
    possible: tuple[float, float]
    """In the first unit."""
    example: str
    words: tuple[str, ...] = ()
    makes: str = "vital_sign"
    factors: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Other units: value times the first plus the second is in the first unit."""
    by_unit: dict[str, str] = field(default_factory=dict)
    """Units by which another code is meant."""
    category: str = "vital-signs"


SYSTOLIC, DIASTOLIC = "8480-6", "8462-4"
_POUND, _OUNCE = 0.45359237, 0.028349523125

VITALS = (
    Vital(
        "Blood pressure", "85354-9", ("mm[Hg]",), (20, 300), "128/82",
        ("bp", "blood_pressure", "pressure"),
    ),
    Vital(
        "Body weight", "29463-7", ("kg", "[lb_av]", "g", "[oz_av]"), (0.3, 400), "68.5 kg", ("weight", "body_weight"),
        factors={"[lb_av]": (_POUND, 0), "g": (0.001, 0), "[oz_av]": (_OUNCE, 0)},
    ),
    Vital(
        "Body height", "8302-2", ("cm", "m", "[in_i]", "[ft_i]"), (25, 260), "172 cm", ("height", "body_height", "length"),
        factors={"m": (100, 0), "[in_i]": (2.54, 0), "[ft_i]": (30.48, 0)},
    ),
    Vital(
        "Body temperature", "8310-5", ("Cel", "[degF]"), (25, 44), "37.2 C",
        ("temperature", "temp", "fever", "body_temperature"), factors={"[degF]": (5 / 9, -160 / 9)},
    ),
    Vital(
        "Heart rate", "8867-4", ("/min",), (15, 320), "64", ("pulse", "heart_rate", "heartrate", "hr"),
    ),
    Vital(
        "Oxygen saturation", "59408-5", ("%",), (30, 100), "96",
        ("oxygen", "spo2", "o2", "saturation", "oxygen_saturation", "sats"),
    ),
    Vital(
        "Respiratory rate", "9279-1", ("/min",), (3, 120), "16", ("breathing", "respiratory_rate", "breaths"),
    ),
    Vital(
        "Glucose, fingerstick", "41653-7", ("mg/dL", "mmol/L"), (10, 1500), "104 mg/dL",
        ("glucose", "sugar", "blood_sugar", "blood_glucose"), makes="lab_result", category="laboratory",
        factors={"mmol/L": (18.0156, 0)}, by_unit={"mmol/L": "14743-9"},
    ),
    Vital(
        "Peak flow", "19935-6", ("L/min",), (30, 1000), "410", ("peak_flow", "peakflow", "pef"),
    ),
    Vital(
        "Waist", "8280-0", ("cm", "[in_i]"), (20, 300), "84 cm", ("waist",), factors={"[in_i]": (2.54, 0)},
    ),
    Vital(
        "Body mass index", "39156-5", ("kg/m2",), (5, 120), "23.4", ("bmi",),
    ),
)  # fmt: skip

BY_WORD = {word: vital for vital in VITALS for word in vital.words}
_BY_TITLE = {" ".join(word.replace("_", " ").split()): vital for word, vital in BY_WORD.items()}
_BY_TITLE |= {vital.title.lower(): vital for vital in VITALS}
_BY_CODE = {code: vital for vital in VITALS for code in (vital.loinc, *vital.by_unit.values())}


def named(title: str | None) -> Vital | None:
    """The measurement that a title names as a whole: `Weight`, `blood pressure`."""
    return _BY_TITLE.get(" ".join((title or "").replace("_", " ").lower().split()))


def meant(kind: str, title: str | None) -> Vital | None:
    """The measurement that an entry of this kind means. A laboratory's glucose is another one than a fingerstick's."""
    found = named(title)
    if found is None or kind == "vital_sign":
        return found
    return found if kind == found.makes and found.title.lower() == (title or "").lower() else None


def coded(code: str | None) -> Vital | None:
    """The measurement of a LOINC code."""
    return _BY_CODE.get(code or "")


def in_first_unit(vital: Vital, value: float, unit: str) -> float | None:
    """The value in the usual unit; None for a unit that this is not measured in."""
    if unit == vital.units[0]:
        return value
    factor = vital.factors.get(unit)
    return value * factor[0] + factor[1] if factor else None
