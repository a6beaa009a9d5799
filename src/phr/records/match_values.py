"""Whether two Observations measured the same: the value with its unit, or all parts of it (FHIR R4 10.1, `value[x]`)."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from phr.fhir import read
from phr.records.match_terms import (
    DIFFERENT,
    SAME,
    UNKNOWN,
    codes_in,
    compare_codes,
    compare_concepts,
    fold,
    words_in,
)
from phr.records.match_units import decimal_of, unit_of

_PLAIN = ("valueString", "valueInteger", "valueBoolean", "valueDateTime", "valueTime")
_ELEMENTS = ("valueRange", "valueRatio", "valuePeriod", "valueSampledData")
_VALUES = ("valueQuantity", "valueCodeableConcept", *_PLAIN, *_ELEMENTS)


def compare(one: Any, other: Any) -> int:
    """Two bodies of resources: their values and components. Without a value on both sides they say the same of it."""
    first, second = _given(one), _given(other)
    found = _values(first, second)
    if found == DIFFERENT:
        return DIFFERENT
    parts = _components(one.component, other.component)
    if parts == DIFFERENT:
        return DIFFERENT
    return UNKNOWN if UNKNOWN in (found, parts) else SAME


def is_told(body: Any) -> bool:
    """Whether there is a value at all."""
    return bool(_given(body) or body.component)


_DIGITS = re.compile(r"-?\d+(?:\.\d+)?")
_ANY_VALUE = "~"


def marks(body: Any) -> tuple[str, ...]:
    """What equal values have in common: a number; where it is said in words, the numbers in these too."""
    value = _given(body)
    quantity = value.get("valueQuantity")
    if isinstance(quantity, dict):
        number = decimal_of(quantity.get("value"))
        return (_ANY_VALUE if number is None else f"{number.normalize():f}",)
    numbers = (found for words in _said(value) or () for found in _DIGITS.findall(words)[:1])
    return (_ANY_VALUE, *sorted({f"{Decimal(one).normalize():f}" for one in numbers}))


def _given(element: Any) -> dict[str, Any]:
    """The `value[x]` of a resource or a component."""
    if isinstance(element, dict):
        return {name: element[name] for name in _VALUES if element.get(name) is not None}
    if element.valueQuantity is not None:  # a resource has one `value[x]`
        return {"valueQuantity": element.valueQuantity}
    return {name: value for name in _VALUES if (value := getattr(element, name)) is not None}


def _values(one: dict[str, Any], other: dict[str, Any]) -> int:
    if not one or not other:
        return SAME if not one and not other else UNKNOWN
    if "valueQuantity" in one and "valueQuantity" in other:
        return quantities(one["valueQuantity"], other["valueQuantity"])
    if "valueCodeableConcept" in one and "valueCodeableConcept" in other:
        return _concepts(one["valueCodeableConcept"], other["valueCodeableConcept"])
    for name in _ELEMENTS:
        if name in one and name in other:
            return SAME if _leaves(one[name]) == _leaves(other[name]) else DIFFERENT
    return _mixed(one, other)


def quantities(one: object, other: object) -> int:
    """Number, comparator and unit; `5.0` is `5`. A unit on one side only leaves it open."""
    if not isinstance(one, dict) or not isinstance(other, dict):
        return UNKNOWN
    first, second = decimal_of(one.get("value")), decimal_of(other.get("value"))
    if first is None or second is None:
        return SAME if first == second else UNKNOWN
    if first != second or one.get("comparator") != other.get("comparator"):
        return DIFFERENT
    units, units_too = _units(one), _units(other)
    if not units.isdisjoint(units_too):
        return SAME
    return UNKNOWN if units <= {""} or units_too <= {""} else DIFFERENT


def _units(quantity: dict[str, Any]) -> set[str]:
    """The unit as text and as code: one in common is enough."""
    said = [words for name in ("unit", "code") if (words := read.text(quantity.get(name)))]
    found = {unit_of(words) for words in said}
    return (found - {""} if len(found) > 1 else found) or {""}


def _concepts(one: object, other: object) -> int:
    found = compare_concepts(one, other)
    if found == UNKNOWN and not codes_in(one) and not codes_in(other):
        return DIFFERENT  # words alone, and others
    return found


def _mixed(one: dict[str, Any], other: dict[str, Any]) -> int:
    """A text on one side may be the number, the unit and the code of the other."""
    first, second = _said(one), _said(other)
    if first is None or second is None:
        return UNKNOWN
    if not first.isdisjoint(second):
        return SAME
    plain = all(set(value) <= set(_PLAIN) for value in (one, other))
    return DIFFERENT if plain else UNKNOWN


def _said(value: dict[str, Any]) -> frozenset[str] | None:
    """A value in words; numbers without their final zeros."""
    found = set()
    for name, content in value.items():
        if name == "valueQuantity" and isinstance(content, dict):
            number = decimal_of(content.get("value"))
            unit = read.text(content.get("unit")) or read.text(content.get("code")) or ""
            if number is None:
                return None
            words = f"{content.get('comparator') or ''}{number.normalize():f}"
            found |= {fold(f"{words} {unit}"), words} if not unit_of(unit) else {fold(f"{words} {unit}")}
        elif name == "valueCodeableConcept":
            found |= words_in(content)
        elif name in _PLAIN:
            found.add(_plain(content))
    return frozenset(found - {""}) or None


def _plain(content: object) -> str:
    if isinstance(content, bool):
        return "yes" if content else "no"
    number = decimal_of(content)
    return f"{number.normalize():f}" if number is not None else fold(read.text(content) or "")


def _leaves(value: object) -> list[str]:
    """What stands in an element, without regard to how its numbers and units are written."""
    found: list[str] = []
    open_: list[tuple[str, object]] = [("", value)]
    while open_:
        name, node = open_.pop()
        if isinstance(node, dict):
            open_ += [
                (f"{name}.{key}", part) for key, part in node.items() if key not in ("system", "code", "id")
            ]
        elif isinstance(node, list):
            open_ += [(name, part) for part in node]
        else:
            found.append(f"{name}={unit_of(str(node)) if name.endswith('unit') else _plain(node)}")
    return sorted(found)


def _components(one: object, other: object) -> int:
    """Each part of the shorter list has to be in the longer one, with the same value."""
    few, many = sorted((read.dicts(one), read.dicts(other)), key=len)
    if not few:
        return SAME if not many else UNKNOWN
    unsure = len(few) == 1 and len(many) > 1
    for part in few:
        partner = next((known for known in many if _same_code(part, known)), None)
        if partner is None:
            return DIFFERENT if len(few) == len(many) else UNKNOWN
        found = _values(_given(part), _given(partner))
        if found == DIFFERENT:
            return DIFFERENT
        unsure = unsure or found == UNKNOWN
    return UNKNOWN if unsure else SAME


def _same_code(one: dict[str, Any], other: dict[str, Any]) -> bool:
    first, second = one.get("code"), other.get("code")
    found = compare_codes(codes_in(first), codes_in(second))
    return found == SAME or (found == UNKNOWN and not words_in(first).isdisjoint(words_in(second)))
