"""Units of measurement: are two of them the same, and how does a value go from one into the other?

Follows the Unified Code for Units of Measure (sections 2.2 to 2.4): a unit is a product of powers of base units and a
number. Two units of one dimension differ by a factor alone. From mass to amount of substance, from equivalents to
moles, from one scale of HbA1c to another goes only what `records.measures` has a fact for. Everything else is refused:
no number is better than a wrong one. How laboratories spell a unit stands in `unit_words`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from phr.records.unit_words import NUMBERS, WORDS, spelled

if TYPE_CHECKING:
    from phr.records.measures import Measure

Dimensions = tuple[tuple[str, int], ...]

_PREFIXES = {"k": 3, "h": 2, "d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15}
# Each with its dimension and how much of the base unit it is; these take a prefix.
_METRIC: dict[str, tuple[str, int, float]] = {
    "g": ("mass", 1, 1.0),
    "mol": ("amount", 1, 1.0),
    "l": ("length", 3, 1e-3),
    "m": ("length", 1, 1.0),
    "s": ("time", 1, 1.0),
    "eq": ("equivalent", 1, 1.0),
    "osm": ("osmole", 1, 1.0),
    "u": ("enzyme", 1, 1.0),  # one micromole a minute
    "kat": ("enzyme", 1, 6e7),  # one mole a second
    "[iu]": ("iu", 1, 1.0),  # arbitrary: of each substance another
    "pa": ("pressure", 1, 1.0),
    "bar": ("pressure", 1, 1e5),
    "m[hg]": ("pressure", 1, 133322.387),
    "m[h2o]": ("pressure", 1, 9806.65),
    "cal": ("energy", 1, 4.184),
    "j": ("energy", 1, 1.0),
    "hz": ("time", -1, 1.0),
}
_PLAIN: dict[str, tuple[str, int, float]] = {
    "min": ("time", 1, 60.0),
    "h": ("time", 1, 3600.0),
    "d": ("time", 1, 86400.0),
    "wk": ("time", 1, 604800.0),
    "mo": ("time", 1, 2629800.0),
    "a": ("time", 1, 31557600.0),
    "[in_i]": ("length", 1, 0.0254),
    "[ft_i]": ("length", 1, 0.3048),
    "[lb_av]": ("mass", 1, 453.59237),
    "[oz_av]": ("mass", 1, 28.349523125),
    "[stone_av]": ("mass", 1, 6350.29318),
    "cel": ("temperature", 1, 1.0),
    "[degf]": ("fahrenheit", 1, 1.0),
    "k": ("kelvin", 1, 1.0),
    "[bsa]": ("body surface", 1, 1.0),
}


@dataclass(frozen=True, slots=True)
class Unit:
    """So much of a product of base units."""

    factor: float
    dimensions: Dimensions


@dataclass(frozen=True, slots=True)
class Conversion:
    """How a value comes into another unit: times `factor`, plus `offset`."""

    factor: float
    offset: float = 0.0
    why: str | None = None
    """The fact that it rests on, with its source; None for units of one dimension."""

    def of(self, value: float) -> float:
        """The value in the other unit; six digits that count are more than any laboratory measures."""
        found = value * self.factor + self.offset
        return value if self.same else float(f"{found:.6g}")

    @property
    def same(self) -> bool:
        """Whether the number stays as it is."""
        return self.factor == 1.0 and self.offset == 0.0

    @property
    def back(self) -> Conversion:
        """The other way."""
        return Conversion(1 / self.factor, -self.offset / self.factor, self.why)


SAME = Conversion(1.0)


@lru_cache(maxsize=1024)
def parse(unit: str | None) -> Unit | None:
    """What a unit means; None for none, and for one that is not known for certain."""
    text = spelled(unit)
    if not text:
        return None
    above, *below = text.replace(" per ", "/").replace("(", "").replace(")", "").split("/")
    factor, dimensions = 1.0, dict[str, int]()
    parts = [(term, 1) for term in above.split(".") if term]
    parts += [(term, -1) for each in below for term in each.split(".")]
    if not parts or (not below and above.strip() in NUMBERS and above.strip() not in ("m", "k")):
        return None
    for term, sign in parts:
        found = _term(term.strip(), leads=bool(below) and sign > 0 and term == above)
        if found is None:
            return None
        factor *= found.factor**sign
        for name, power in found.dimensions:
            dimensions[name] = dimensions.get(name, 0) + power * sign
    kept = tuple(sorted((name, power) for name, power in dimensions.items() if power))
    return Unit(float(f"{factor:.12g}"), kept)


def _term(term: str, *, leads: bool) -> Unit | None:
    """One term; `leads`: it is all that stands before a solidus, where `K` is a thousand."""
    if leads and term in NUMBERS:
        return Unit(10.0 ** NUMBERS[term], ())
    if term in ("1", ""):
        return Unit(1.0, ()) if term else None
    atom = _atom(WORDS.get(term, term))
    if atom is not None:
        return atom
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s?([a-z\[%].*)", term)  # 100 mL
    if found and not term.startswith("10*") and (atom := _atom(WORDS.get(found[2], found[2]))):
        return Unit(float(found[1]) * atom.factor, atom.dimensions)
    found = re.fullmatch(r"(.*[a-z\]])\^?(-?\d)", term)
    if found and (atom := _atom(WORDS.get(found[1], found[1]))):
        power = int(found[2])
        return Unit(atom.factor**power, tuple((name, much * power) for name, much in atom.dimensions))
    return None


def _atom(atom: str) -> Unit | None:
    if atom == "%":
        return Unit(0.01, ())
    if atom.startswith("10*") and atom[3:].lstrip("-").isdigit():
        return Unit(10.0 ** int(atom[3:]), ())
    for known, prefix, rest in ((_PLAIN, 0, atom), (_METRIC, 0, atom), (_METRIC, 1, atom[1:])):
        if rest in known and (not prefix or atom[0] in _PREFIXES):
            name, power, factor = known[rest]
            return Unit(factor * (10.0 ** _PREFIXES[atom[0]] if prefix else 1.0), ((name, power),))
    return None


def basis(unit: str | None, measure: Measure | None, code: str | None) -> str | None:
    """The code, where it says that a number in this unit is not what it usually is; else None.

    A mass of urea is not one of its nitrogen; a % of HbA1c under the code of the IFCC method is not the usual %.
    """
    if measure is None or code is None or (meant := parse(unit)) is None:
        return None
    if any(code in scale.not_for and meant == parse(scale.into) for scale in measure.scales):
        return code
    return code if code in dict(measure.other_grams) and ("mass", 1) in meant.dimensions else None


def conversion(
    unit: str | None,
    into: str | None,
    measure: Measure | None = None,
    code: str | None = None,
    into_code: str | None = None,
) -> Conversion | None:
    """How a value of `measure` goes from one unit into another; None where that is not certain.

    `code` is the LOINC code the value came with: it can say what a mass is a mass of (urea, or its nitrogen).
    `into_code` is that of the values it is to stand among.
    """
    of, among = basis(unit, measure, code), basis(into, measure, into_code)
    if of == among and (spelled(unit) == spelled(into) or {spelled(unit), spelled(into)} == {"", "1"}):
        return SAME
    one, other = _meant(unit, measure), _meant(into, measure)
    if one is None or other is None:
        return None
    if measure is not None and measure.scales_only and of != among:
        return None
    if measure is not None and (scale := _scale(one, other, measure, {of, among})) is not None:
        return scale
    if measure is not None and measure.scales_only:
        return SAME if one == other else None
    if "mol/mol" in spelled(unit) + spelled(into):  # of HbA1c, whose % is another scale and not a tenth of it
        return SAME if one == other else None
    if (degrees := _degrees(one, other)) is not None:
        return degrees
    if one.dimensions == other.dimensions and of == among:
        return _ratio(one.factor / other.factor)
    return _bridged(one, other, measure, (of, among)) if measure is not None else None


def _meant(unit: str | None, measure: Measure | None) -> Unit | None:
    """As `parse`; of cells, G/L are 10*9 in a litre and no grams."""
    if measure is not None and measure.cells and (unit or "").strip() in ("G/L", "G/l", "T/L", "T/l"):
        return parse("giga/L" if (unit or "").strip()[0] == "G" else "tera/L")
    return parse(unit)


def _ratio(factor: float, why: str | None = None) -> Conversion:
    return Conversion(float(f"{factor:.12g}"), 0.0, why)


def _degrees(one: Unit, other: Unit) -> Conversion | None:
    """Degrees have their zero in different places (UCUM section 2.4.3, special units)."""
    scales: dict[Dimensions, tuple[float, float]] = {
        (("temperature", 1),): (1.0, 0.0),
        (("fahrenheit", 1),): (5 / 9, -160 / 9),
        (("kelvin", 1),): (1.0, -273.15),
    }
    first, second = scales.get(one.dimensions), scales.get(other.dimensions)
    if first is None or second is None or one.factor != 1.0 or other.factor != 1.0:
        return None
    into = Conversion(*first)
    back = Conversion(*second).back
    return Conversion(into.factor * back.factor, into.offset * back.factor + back.offset)


def _scale(one: Unit, other: Unit, measure: Measure, codes: set[str | None]) -> Conversion | None:
    """By an equation between two scales, such as the two of HbA1c."""
    for scale in measure.scales:
        below, above = parse(scale.unit), parse(scale.into)
        if codes & set(scale.not_for) or below is None or above is None:
            continue
        forth = Conversion(scale.factor, scale.offset, scale.why)
        for start, end, way in ((below, above, forth), (above, below, forth.back)):
            if one.dimensions == start.dimensions and other.dimensions == end.dimensions:
                before, after = one.factor / start.factor, end.factor / other.factor
                if measure.scales_only and (before != 1.0 or after != 1.0):
                    continue
                return Conversion(float(f"{before * way.factor * after:.12g}"), way.offset * after, scale.why)
    return None


def _bridged(
    one: Unit, other: Unit, measure: Measure, codes: tuple[str | None, str | None]
) -> Conversion | None:
    """Through what is known of the substance: its molar mass, its charge, that U and IU are one for it."""
    bridges: list[tuple[str, str, float, str | None]] = []
    if measure.valence:
        bridges.append(("equivalent", "amount", 1 / measure.valence, f"{measure.valence} mEq are 1 mmol"))
    if measure.units_are_iu:
        bridges.append(("iu", "enzyme", 1.0, "the international unit of this is U"))
    reasons: list[str] = []

    def plain(unit: Unit, code: str | None) -> Unit:
        factor, dimensions = unit.factor, dict(unit.dimensions)
        grams = measure.grams_of(code)
        of_mass = [("mass", "amount", 1 / grams, measure.why_of(code))] if grams else []
        for name, into, much, why in (*of_mass, *bridges):
            if dimensions.get(name) == 1:
                factor *= much
                del dimensions[name]
                dimensions[into] = dimensions.get(into, 0) + 1
                reasons.extend([why] if why else [])
        return Unit(factor, tuple(sorted(dimensions.items())))

    first, second = (plain(unit, code) for unit, code in zip((one, other), codes, strict=True))
    if first.dimensions != second.dimensions:
        return None
    return _ratio(first.factor / second.factor, "; ".join(dict.fromkeys(reasons)) or None)
