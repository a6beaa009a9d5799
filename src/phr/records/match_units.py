"""Numbers and units in one spelling: UCUM codes and the words that laboratories write for them."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from phr.fhir import read

_UNITS = {
    "degf": "[degf]",
    "°f": "[degf]",
    "deg f": "[degf]",
    "f": "[degf]",
    "fahrenheit": "[degf]",
    "degree fahrenheit": "[degf]",
    "degc": "cel",
    "°c": "cel",
    "deg c": "cel",
    "c": "cel",
    "celsius": "cel",
    "mmhg": "mm[hg]",
    "mm hg": "mm[hg]",
    "lb": "[lb_av]",
    "lbs": "[lb_av]",
    "pound": "[lb_av]",
    "pounds": "[lb_av]",
    "in": "[in_i]",
    "in_us": "[in_i]",
    "[in_us]": "[in_i]",
    "inch": "[in_i]",
    "inches": "[in_i]",
    "oz": "[oz_av]",
    "gm": "g",
    "gram": "g",
    "grams": "g",
    "gm/dl": "g/dl",
    "gms/dl": "g/dl",
    "milligram": "mg",
    "milligrams": "mg",
    "mcg": "ug",
    "µg": "ug",
    "μg": "ug",
    "mcg/ml": "ug/ml",
    "mcg/dl": "ug/dl",
    "mcg/l": "ug/l",
    "µg/dl": "ug/dl",
    "cc": "ml",
    "milliliter": "ml",
    "milliliters": "ml",
    "percent": "%",
    "bpm": "/min",
    "beats/min": "/min",
    "beats per minute": "/min",
    "breaths/min": "/min",
    "breaths per minute": "/min",
    "per minute": "/min",
    "1/min": "/min",
    "kg/m2": "kg/m2",
    "kg/m^2": "kg/m2",
    "kg/m²": "kg/m2",
    "kg/sq m": "kg/m2",
    "10*3/ul": "k/ul",
    "10*9/l": "k/ul",
    "10^3/ul": "k/ul",
    "10^9/l": "k/ul",
    "10e3/ul": "k/ul",
    "x10e3/ul": "k/ul",
    "x10^3/ul": "k/ul",
    "x10(3)/mcl": "k/ul",
    "thou/ul": "k/ul",
    "thousand/ul": "k/ul",
    "thous/mcl": "k/ul",
    "k/mcl": "k/ul",
    "10*6/ul": "m/ul",
    "10*12/l": "m/ul",
    "10^6/ul": "m/ul",
    "10e6/ul": "m/ul",
    "x10e6/ul": "m/ul",
    "x10^6/ul": "m/ul",
    "million/ul": "m/ul",
    "mil/mcl": "m/ul",
    "m/mcl": "m/ul",
    "iu/l": "[iu]/l",
    "iu/ml": "[iu]/ml",
    "miu/l": "m[iu]/l",
    "miu/ml": "m[iu]/ml",
    "uiu/ml": "u[iu]/ml",
    "µiu/ml": "u[iu]/ml",
    "units": "u",
    "unit": "u",
    "unt": "u",
    "[iu]": "iu",
    "tab": "tablet",
    "tabs": "tablet",
    "tablets": "tablet",
    "tablet(s)": "tablet",
    "tbl": "tablet",
    "cap": "capsule",
    "caps": "capsule",
    "capsules": "capsule",
    "capsule(s)": "capsule",
    "puffs": "puff",
    "drops": "drop",
    "hr": "h",
    "hour": "h",
    "hours": "h",
    "hrs": "h",
    "day": "d",
    "days": "d",
    "week": "wk",
    "weeks": "wk",
    "month": "mo",
    "months": "mo",
    "year": "a",
    "years": "a",
    "yr": "a",
    "1": "",
    "unity": "",
    "ratio": "",
}
COUNTED = frozenset(("", "tablet", "capsule", "puff", "drop", "dose", "each", "ea", "spray", "patch"))
"""Units that a document leaves out where the drug itself says them (C-CDA, Medication Activity)."""
_ANNOTATION = re.compile(r"\{([^}]*)\}")


@lru_cache(maxsize=1024)
def unit_of(unit: str | None) -> str:
    """A unit in one spelling: UCUM or the words for it, without annotations (`{score}`), without regard to case."""
    bare = " ".join((unit or "").casefold().split())
    plain = _ANNOTATION.sub("", bare).strip()
    if not plain and bare:
        inner = _ANNOTATION.sub(r"\1", bare)
        plain = _UNITS.get(inner, inner)
        return plain if plain in COUNTED else ""
    return _UNITS.get(plain, plain)


def decimal_of(value: object) -> Decimal | None:
    """A number, however many zeros it ends in."""
    if isinstance(value, bool) or value is None:
        return None
    return _decimal(value.digits if type(value) is read.Written else str(value))


@lru_cache(maxsize=8192)
def _decimal(text: str) -> Decimal | None:
    try:
        found = Decimal(text.strip())
    except (InvalidOperation, ValueError):
        return None
    return found if found.is_finite() else None
