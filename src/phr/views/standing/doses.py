"""What changed in a treatment: the product, the strength that an order names, or the dose that its words tell.

Doses that were given say nothing of a change, because they vary with the vial. Where the dosage tells an amount of the
drug (20 mg, or two tablets of 10 mg) that counts, else the strength in the name. What is renewed by turns is no change: 5 mg
and 2.5 mg, and 5 mg again and 2.5 mg again, are taken side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from phr.packs.words import Words
from phr.store.milestones import Milestone
from phr.views.standing.drugs import strength, substance
from phr.views.standing.ground import DAY, Row, Rule, day

if TYPE_CHECKING:
    from phr.views.standing.treatments import Run

_LATELY = 2 * 366 * DAY
_NEAR = 12
"""So many entries before and after are looked at, to see what goes by turns."""
_LITTLE = Decimal("0.1")
"""A dose by weight is written anew with every kilogram: what the dosage alone tells has to differ by a tenth."""
_WEIGHTS = ("mg", "unit", "meq")


class _Level(NamedTuple):
    """How much one order is of."""

    row: Row
    amount: Decimal
    unit: str
    words: str
    named: bool
    """Whether its name says so."""
    times: int | None = None
    often: str = ""

    @property
    def key(self) -> object:
        return self.amount, self.unit, self.times


class _Product(NamedTuple):
    row: Row
    key: object


def changes(run: Run, rule: Rule, name: Callable[[Row], str]) -> Iterator[Milestone]:
    """Another product, and another strength or dose of the same one."""
    title, others = rule.says.title or "Changed", set()
    for before, after in _steps(_products(run, rule)) if rule.named else ():
        was, now = name(before.row), name(after.row)
        if was.casefold() != now.casefold():
            others.add(after.row.id)
            verb = "ordered" if before.row.type == after.row.type == "MedicationRequest" else "told"
            said = f"{was} {verb} on {day(before.row.date)}, {now} on {day(after.row.date)}."
            yield rule.found(after.row, f"{title}: {was} to {now}", said)
    for old, new in _steps(_levels(run)):
        if new.row.id in others or not _differ(old, new):
            continue
        often = old.times is not None and new.times is not None and old.times != new.times
        was, now = (f"{one.words} {one.often}" if often else one.words for one in (old, new))
        what = substance(new.row.title).capitalize()
        said = f"{was} ordered on {day(old.row.date)}, {now} on {day(new.row.date)}."
        yield rule.found(new.row, f"{title}: {what}, {was} to {now}", said)


def _differ(old: _Level, new: _Level) -> bool:
    if old.unit != new.unit:
        return False
    if old.amount == new.amount:
        return old.times is not None and new.times is not None and old.times != new.times
    if old.named and new.named:
        return True
    return abs(new.amount - old.amount) / old.amount >= _LITTLE


# ── how much ────────────────────────────────────────────────────────────────────────────────────────────


def _levels(run: Run) -> list[_Level]:
    """The amounts of the orders, one of each day; two that differ on one day are taken together."""
    found = []
    for _, group in groupby(run.orders, key=lambda row: day(row.date)):
        of_day = [level for row in group if (level := _level(run, row))]
        if of_day and len({one.key for one in of_day}) == 1:
            found.append(of_day[0])
    return found


def _level(run: Run, row: Row) -> _Level | None:
    told, of_name = run.told.get(row.id), strength(row.title)
    dose = told.dose if told else None
    if dose is not None and (dose.unit in _WEIGHTS or of_name is None):
        named = of_name is not None and (of_name.amount, of_name.unit) == (dose.amount, dose.unit)
        return _Level(
            row, dose.amount, dose.unit, dose.words, named, dose.times, dose.often if dose.times else ""
        )
    if of_name is not None:
        return _Level(row, of_name.amount, of_name.unit, of_name.words, True)
    return None


# ── which product ───────────────────────────────────────────────────────────────────────────────────────


def _products(run: Run, rule: Rule) -> list[_Product]:
    """The entries that name a product; what goes by the name of all of them names none."""
    found = []
    for _, group in groupby(run.rows, key=lambda row: day(row.date)):
        of_day = [
            _Product(row, key) for row in group if (key := _product(rule.says.words, rule.says.generic, row))
        ]
        if of_day and len({one.key for one in of_day}) == 1:
            found.append(of_day[0])
    return found


def _product(words: tuple[str, ...], generic: tuple[str, ...], row: Row) -> object:
    own = [word for word, phrase in _phrases(words) if word not in generic and phrase.fit(row.title)]
    if own:
        return own[0]
    if generic or row.type == "Procedure":
        return None
    return substance(row.title)


@lru_cache(maxsize=64)
def _phrases(words: tuple[str, ...]) -> tuple[tuple[str, Words], ...]:
    return tuple((word, Words([word])) for word in words)


# ── by turns ────────────────────────────────────────────────────────────────────────────────────────────


_One = TypeVar("_One", _Level, _Product)


def _steps(told: Sequence[_One]) -> Iterator[tuple[_One, _One]]:
    """What follows on something else, without what goes by turns."""
    at: list[tuple[_One, _One]] = []
    for one in told:
        if not at or at[-1][1].key != one.key:
            at.append((one, one))
        else:
            at[-1] = (at[-1][0], one)
    for number in range(1, len(at)):
        old, new = at[number - 1][1], at[number][0]
        if not _by_turns([first for first, _ in at], number):
            yield old, new


def _by_turns(told: Sequence[_One], at: int) -> bool:
    """Whether this step is one of several to and fro within two years: once there and back is two changes."""
    old, new = told[at - 1], told[at]
    start = new.row.date_from or 0
    later, earlier = told[at + 1 : at + _NEAR], told[max(0, at - _NEAR) : at - 1]
    if not any(one.key == old.key for one in later) and not any(one.key == new.key for one in earlier):
        return False
    later = [one for one in later if (one.row.date_from or 0) - start <= _LATELY]
    earlier = [one for one in earlier if start - (one.row.date_from or 0) <= _LATELY]
    comes_back = next((number for number, one in enumerate(later) if one.key == old.key), None)
    was_there = next((number for number, one in enumerate(reversed(earlier)) if one.key == new.key), None)
    if comes_back is not None and was_there is not None:
        return True
    if comes_back is not None:
        return any(one.key == new.key for one in later[comes_back:])
    if was_there is not None:
        return any(one.key == old.key for one in earlier[: len(earlier) - 1 - was_there])
    return False
