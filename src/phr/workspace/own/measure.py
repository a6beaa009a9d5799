"""Whether a value can be: its unit is known and fits, and it is not ten times what the record knows.

What cannot be is refused with the usual unit; what is merely odd is asked about, and never changed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from phr.errors import UsageError
from phr.workspace.own import units, vitals
from phr.workspace.own.values import Measured, pair_of, value_of
from phr.workspace.own.vitals import Vital

_LAST = (
    "SELECT value_number, unit, date, low, high FROM record"
    " WHERE coalesce(json_extract(codes, '$[0][1]'), lower(title)) = ? AND value IS NOT NULL AND supporting = 0"
    " ORDER BY date_from DESC, id DESC LIMIT 20"
)
"""By the index record_measured, whose expression and conditions it repeats."""
_MANY = 3.5
"""So many times more or less than the last one is odd: a lost decimal point is ten times."""


@dataclass(frozen=True, slots=True)
class Last:
    """The newest value of a measurement that is a number."""

    value: float = field(repr=False)
    unit: str | None
    date: str | None


def last_known(db: Any, keys: tuple[str, ...]) -> Last | None:
    """The newest number under any of these keys: a code, or a title in lower case."""
    for key in keys:
        rows = db.execute(_LAST, (key,)).fetchall()
        found = next((row for row in rows if row[0] is not None), None)
        if found is not None:
            return Last(float(found[0]), found[1], found[2])
    return None


def keys_of(title: str | None, codes: tuple[str, ...], vital: Vital | None) -> tuple[str, ...]:
    """Under which keys a measurement may be known."""
    own = (vital.loinc, *vital.by_unit.values()) if vital else ()
    return tuple(dict.fromkeys((*codes, *own, (title or "").lower())))


def checked(
    title: str | None, value: str, unit: str | None, last: Last | None, vital: Vital | None
) -> Measured | None:
    """The value with its unit, None for a blood pressure. Raises UsageError for a unit that is unknown or cannot fit."""
    if vital is not None and vital is vitals.VITALS[0]:
        if pair_of(value) is None:
            raise UsageError("A blood pressure has two numbers.", hint="Such as 128/82")
        if unit is not None and units.known(unit) != "mm[Hg]":
            raise UsageError("A blood pressure is told in mmHg.", hint="Leave the unit out.")
        return None
    found = value_of(value, unit)
    if found.number is None:
        if vital is not None:
            raise UsageError(f"{vital.title}: this is no number.", hint=f"Such as {vital.example}")
        return found
    usual = vital.units[0] if vital else last.unit if last else None
    if found.unit is None:
        return _without_unit(found, vital, usual)
    code = units.known(found.unit)
    if code is None:
        raise UsageError(
            f"The unit {found.unit[:20]} is not known.",
            hint=f"The usual one is {usual}." if usual else "Such as mg/dL, kg, %",
        )
    known = units.known(last.unit) if last and last.unit else None
    wrong = code not in vital.units if vital else known is not None and not units.same_sort(code, known)
    if wrong:
        raise UsageError(
            f"{vital.title if vital else title} is not measured in {found.unit}.",
            hint=f"The usual unit is {spoken(usual)}.",
        )
    return found


def _without_unit(found: Measured, vital: Vital | None, usual: str | None) -> Measured:
    """A unit goes without saying where there is only one. Else it is asked for."""
    if vital is not None and len(vital.units) == 1:
        return Measured(found.words, found.number, spoken(vital.units[0]), found.comparator)
    if usual:
        several = vital.units[:2] if vital else (usual,)
        raise MissingUnit([spoken(one) for one in several])
    return found


class Odd(NamedTuple):
    """What is odd about a value."""

    words: str
    impossible: bool = False
    """No body has it: there is a typing mistake."""


class MissingUnit(UsageError):
    """A number without its unit, where the measurement is known to have one."""

    def __init__(self, usual: list[str]) -> None:
        super().__init__("The unit is missing.", hint=f"Say it with --unit: {', '.join(usual)}")
        self.usual = usual


def odd(
    title: str | None, value: str, measured: Measured | None, last: Last | None, vital: Vital | None
) -> Odd | None:
    """What is odd about a value; None when nothing is."""
    if measured is None:
        pair = pair_of(value)
        high, low = (int(pair[0]), int(pair[1])) if pair else (0, 0)
        possible = pair is None or (50 <= high <= 280 and 20 <= low <= 180)
        return (
            None
            if possible and high >= low
            else Odd(f"{value} is hardly possible as a blood pressure.", True)
        )
    if measured.number is None:
        return (
            None if last is None else Odd(f"{title}: this is no number, and your record has numbers for it.")
        )
    amount, unit, name = float(measured.number), measured.unit or "", vital.title if vital else title or ""
    told = f"{measured.number} {unit}".strip()
    if vital is not None:
        usual = vitals.in_first_unit(vital, amount, measured.unit_code or vital.units[0])
        if usual is not None and not vital.possible[0] <= usual <= vital.possible[1]:
            return Odd(f"{name}: {told} is hardly possible.", True)
    if last is None or not last.value or not amount:
        return None
    before = _comparable(last, measured, vital)
    if before is None or before == 0 or amount / before <= 0:
        return None
    share = amount / before
    narrow = vital is not None and vital.loinc in ("29463-7", "8302-2")
    if 1 / (1.5 if narrow else _MANY) <= share <= (1.5 if narrow else _MANY):
        return None
    when = f" ({last.date[:10]})" if last.date else ""
    return Odd(f"{name}: {told}; the last one{when} was {last.value:g} {last.unit or ''}".rstrip() + ".")


def _comparable(last: Last, measured: Measured, vital: Vital | None) -> float | None:
    """The last value in the unit of the new one; None where that is not certain."""
    one, other = units.known(last.unit or ""), measured.unit_code
    if one == other:
        return last.value
    if vital is None or one is None or other is None:
        return None
    first, per = vitals.in_first_unit(vital, last.value, one), vitals.in_first_unit(vital, 1.0, other)
    return None if first is None or not per or vital.loinc == "8310-5" else first / per


def spoken(unit: str | None) -> str:
    """A unit of UCUM as people write it."""
    return {
        "[lb_av]": "lb",
        "[in_i]": "in",
        "[ft_i]": "ft",
        "[oz_av]": "oz",
        "Cel": "°C",
        "[degF]": "°F",
        "mm[Hg]": "mmHg",
    }.get(unit or "", unit or "")
