"""Units as people write them: known to UCUM or not, and what sort of quantity each measures.

The Unified Code for Units of Measure (ucum.org): units are products of atoms with metric prefixes,
so a unit is checked by
taking it apart. Two units fit the same measurement when they measure the same sort of quantity.
"""

from __future__ import annotations

import re
from functools import lru_cache

from phr.importers.table import notation

_MASS, _LENGTH, _TIME, _AMOUNT, _HEAT, _ACTIVITY, _PRESSURE, _ENERGY, _VOLT = range(8 + 1)
_Dimension = tuple[tuple[int, int], ...]
_METRIC: dict[str, dict[int, int]] = {
    "g": {_MASS: 1}, "L": {_LENGTH: 3}, "l": {_LENGTH: 3}, "m": {_LENGTH: 1}, "mol": {_AMOUNT: 1}, "eq": {_AMOUNT: 1},
    "osm": {_AMOUNT: 1}, "U": {_ACTIVITY: 1}, "[IU]": {_ACTIVITY: 1}, "[iU]": {_ACTIVITY: 1}, "kat": {_ACTIVITY: 1},
    "s": {_TIME: 1}, "Cel": {_HEAT: 1}, "K": {_HEAT: 1}, "m[Hg]": {_PRESSURE: 1}, "Pa": {_PRESSURE: 1},
    "bar": {_PRESSURE: 1},
    "m[H2O]": {_PRESSURE: 1}, "cal": {_ENERGY: 1}, "J": {_ENERGY: 1}, "V": {_VOLT: 1}, "Hz": {_TIME: -1},
    "Bq": {_TIME: -1},
}  # fmt: skip
_PLAIN: dict[str, dict[int, int]] = {
    "%": {}, "[pH]": {}, "[ppm]": {}, "[ppb]": {}, "1": {}, "10*": {}, "deg": {}, "[diop]": {_LENGTH: -1},
    "min": {_TIME: 1}, "h": {_TIME: 1}, "d": {_TIME: 1}, "wk": {_TIME: 1}, "mo": {_TIME: 1}, "a": {_TIME: 1},
    "[degF]": {_HEAT: 1}, "[lb_av]": {_MASS: 1}, "[oz_av]": {_MASS: 1}, "[stone_av]": {_MASS: 1},
    "[in_i]": {_LENGTH: 1},
    "[ft_i]": {_LENGTH: 1}, "[mi_i]": {_LENGTH: 1}, "[foz_us]": {_LENGTH: 3}, "[cup_us]": {_LENGTH: 3},
    "[tsp_us]": {_LENGTH: 3}, "[drp]": {_LENGTH: 3}, "[arb'U]": {_ACTIVITY: 1}, "[CFU]": {}, "[PFU]": {},
    "[APL'U]": {}, "[GPL'U]": {},
    "[MPL'U]": {}, "[titer]": {}, "[HPF]": {}, "[LPF]": {},
}  # fmt: skip
_PREFIXES = frozenset("k h da d c m u n p f G M".split())
_SPOKEN = {
    "kilo": "kg", "kilos": "kg", "kgs": "kg", "kilogram": "kg", "kilograms": "kg", "gram": "g", "grams": "g",
    "pound": "[lb_av]",
    "ounce": "[oz_av]", "ounces": "[oz_av]", "c": "Cel", "°c": "Cel", "celsius": "Cel", "f": "[degF]", "°f": "[degF]",
    "fahrenheit": "[degF]", "centimeter": "cm", "centimeters": "cm", "centimetre": "cm", "centimetres": "cm",
    "meter": "m", "meters": "m", "metre": "m", "metres": "m", "ft": "[ft_i]", "foot": "[ft_i]", "feet": "[ft_i]",
    '"': "[in_i]",
    "percent": "%", "per cent": "%", "mm hg": "mm[Hg]", "bpm": "/min", "per minute": "/min",
    "beats per minute": "/min",
    "breaths per minute": "/min", "iu": "[IU]", "units": "U", "unit": "U", "milligram": "mg", "milligrams": "mg",
    "mcg": "ug",
    "microgram": "ug", "micrograms": "ug", "liter": "L", "liters": "L", "litre": "L", "litres": "L", "ph": "[pH]",
    "hours": "h", "hour": "h", "minutes": "min", "days": "d", "weeks": "wk", "months": "mo", "seconds": "s",
    "hrs": "h",
    "k/ul": "10*3/uL", "m/ul": "10*6/uL", "10^3/ul": "10*3/uL", "10^6/ul": "10*6/uL", "10^9/l": "10*9/L",
    "10^12/l": "10*12/L",
    "x10^3/ul": "10*3/uL", "x10^9/l": "10*9/L", "x10e3/ul": "10*3/uL", "10e3/ul": "10*3/uL", "thousand/ul": "10*3/uL",
    "million/ul": "10*6/uL", "cells/ul": "{cells}/uL", "cells/mcl": "{cells}/uL", "/hpf": "/[HPF]", "/lpf": "/[LPF]",
    "copies/ml": "{copies}/mL", "ml/min/1.73m2": "mL/min/{1.73_m2}", "ml/min/1.73 m2": "mL/min/{1.73_m2}",
    "ml/min/1.73m^2": "mL/min/{1.73_m2}", "ml/min/1.73m²": "mL/min/{1.73_m2}", "mm/hr": "mm/h", "kg/m²": "kg/m2",
}  # fmt: skip
_BRACES = re.compile(r"\{[^{}]*\}")
_LOWER = (("dl", "dL"), ("ml", "mL"), ("ul", "uL"), ("fl", "fL"), ("nl", "nL"), ("iu", "[IU]"))


@lru_cache(maxsize=512)
def known(unit: str) -> str | None:
    """The UCUM code of a unit as people write it; None for what is no unit that is known here."""
    words = " ".join(unit.split())
    if not words or len(words) > 40:
        return None
    low = words.lower()
    spoken = _SPOKEN.get(low) or notation.unit_code(words)
    if spoken is not None:
        return spoken
    bare = words.replace(" ", "").replace("µ", "u").replace("μ", "u").replace("^", "*").replace("²", "2")
    for spelled in (bare, _respelled(bare)):
        if _dimension(spelled) is not None:
            return re.sub(
                r"(?<=/)([dcmunpf]?)l$", r"\1L", spelled
            )  # both are UCUM, and the large letter can be read
    return None


def _respelled(unit: str) -> str:
    """Letters as UCUM has them: `mg/dl` as `mg/dL`, `mcg/l` as `ug/L`, `miu/l` as `m[IU]/L`."""
    parts = []
    for part in unit.lower().split("/"):
        word = part.replace("mcg", "ug").replace("mcl", "uL")
        for plain, ucum in _LOWER:
            word = re.sub(rf"(?<![a-z]){plain}$|(?<=^[munk]){plain}$", ucum, word)
        parts.append({"l": "L", "u": "U", "meq": "meq", "hr": "h", "day": "d"}.get(word, word))
    return "/".join(parts)


def same_sort(one: str, other: str) -> bool:
    """Whether two units (UCUM) can be told of one measurement.

    What is dissolved is told by mass, by amount of substance,
    by activity or by count in a volume; a share in percent or
    as a ratio. A unit that is not understood fits everything.
    """
    first, second = _sort(one), _sort(other)
    return first is None or second is None or first == second


_DISSOLVED = {
    ((_MASS, 1), (_LENGTH, -3)),
    ((_LENGTH, -3), (_AMOUNT, 1)),
    ((_LENGTH, -3), (_ACTIVITY, 1)),
    ((_LENGTH, -3),),
}


def _sort(unit: str) -> object:
    found = _dimension(unit)
    if found is None:
        return None
    return "in a volume" if tuple(sorted(found)) in {tuple(sorted(each)) for each in _DISSOLVED} else found


@lru_cache(maxsize=512)
def _dimension(unit: str) -> _Dimension | None:
    """The powers of the base quantities; None where a part is no atom of UCUM that is known here."""
    powers: dict[int, int] = {}
    if not unit.isascii() or "//" in unit or unit in ("", "/"):
        return None
    sign = 1
    for at, part in enumerate(unit.split("/")):
        sign = -1 if at else 1
        if not part and at:
            return None
        for term in part.split("."):
            found = _term(term)
            if found is None:
                return None
            for base, power in found.items():
                powers[base] = powers.get(base, 0) + sign * power
    return tuple(sorted((base, power) for base, power in powers.items() if power))


def _term(term: str) -> dict[int, int] | None:
    bare = _BRACES.sub("", term)
    if not bare:
        return {}  # an annotation alone, or nothing before a slash
    if re.fullmatch(r"10[*^]\d{1,2}|1", bare):
        return {}
    found = re.fullmatch(r"(.*?)([+-]?\d)?", bare)
    if found is None:
        return None
    base = _atom(found[1])
    times = int(found[2] or 1)
    return None if base is None else {name: power * times for name, power in base.items()}


def _atom(atom: str) -> dict[int, int] | None:
    if atom in _PLAIN:
        return _PLAIN[atom]
    if atom in _METRIC:
        return _METRIC[atom]
    for prefix in _PREFIXES:
        if atom.startswith(prefix) and atom[len(prefix) :] in _METRIC:
            return _METRIC[atom[len(prefix) :]]
    return None
