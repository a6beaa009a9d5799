"""The shapes `change` and `threshold`: what measurements say over time.

Which records are a measurement, their numbers and their units are found as `phr trend` finds them. Compared are plain
numbers; a value such as `<5`, one without a unit or in one that does not convert for certain is passed over, and so is a
result that its laboratory took back. Of several values of one day the best one counts for a fall, the lowest one for a
rise: a test before and after a drug is one test.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from phr.packs.codes import system_of
from phr.records.measures import BY_CODE, Measure
from phr.records.units import SAME, Conversion, conversion
from phr.store.milestones import Milestone
from phr.views.standing.ground import DAY, NOT_SO, Ground, Rule, day

if TYPE_CHECKING:
    from phr.views import trend_points
    from phr.views.trend_rows import Key

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_MONTH = 30.44 * DAY
_PRELIMINARY = NOT_SO | {"preliminary", "registered"}


class Reading(NamedTuple):
    """One number in the unit of its line, and what its source wrote."""

    value: float
    text: str
    unit: str
    id: int
    date: str | None
    start: int
    code: str | None


class Measured:
    """The readings of the rules; several of them ask for the same measurement."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self._known: dict[object, list[Reading]] = {}

    def of(self, rule: Rule) -> list[Reading]:
        """Every number that is what a rule speaks of, as it was written, oldest first."""
        says = rule.says
        key = (says.codes, says.words, says.unless, says.part)
        if key not in self._known:
            found = (_reading(one, rule) for one in _told(self.ground, rule))
            self._known[key] = sorted(filter(None, found), key=lambda one: (one.start, one.id))
        return self._known[key]


# ── which records ───────────────────────────────────────────────────────────────────────────────────────


def _told(ground: Ground, rule: Rule) -> Iterator[trend_points.Reading]:
    """What the record holds of it: as records of its own, and as parts of others."""
    from phr.views.trend_points import Asked, Wanted, readings

    codes = {code for _, listed in rule.says.codes for code in listed}
    keys = [key for key in ground.measured if _is_it(rule, key)]
    part_keys = []
    for key in ground.measured if not rule.says.part else ():
        inside = {part.codes for part in key.parts if _part_is_it(rule, codes, part.title, part.codes)}
        if inside:
            part_keys.append(key)
            codes.update(code for of_part in inside for code in of_part if code.startswith("title:"))
    wanted = Wanted(frozenset(codes), tuple(keys), tuple(part_keys), _measure(rule))
    told, _ = readings(ground.db, wanted, Asked())
    known: dict[tuple[str, str], bool] = {}
    for one in told:
        concept = (one.row.title, one.row.codes)
        if not one.part and concept not in known:
            known[concept] = _is_named(rule, *concept)
        if one.part or known[concept]:
            yield one


def _is_it(rule: Rule, key: Key) -> bool:
    """Whether one of its codes is the rule's, or its name says so."""
    if rule.codes.fits((system, code) for system, code, _ in key.codes):
        return True
    return _may_be_named(rule, key.codes) and _named(
        rule, (key.newest.title, *(display for _, _, display in key.codes if display))
    )


def _is_named(rule: Rule, title: str, codes: str) -> bool:
    """The same for a single record: those under one key of a clinic need not be one thing."""
    from phr.views.trend_rows import codes_of

    known = codes_of(codes)
    if rule.codes.fits((system, code) for system, code, _ in known):
        return True
    return _may_be_named(rule, known) and _named(rule, (title, *(told for _, _, told in known if told)))


def _may_be_named(rule: Rule, codes: Iterable[tuple[str | None, str, str | None]]) -> bool:
    """A LOINC code has the last word: FEV1/FVC is not FEV1. Where a rule knows no code, names alone decide."""
    return not rule.codes or not any(system_of(system) == "loinc" for system, _, _ in codes)


def _named(rule: Rule, names: Iterable[str]) -> bool:
    names = list(names)
    return any(map(rule.words.fit, names)) and not any(map(rule.unless.fit, names))


def _part_is_it(rule: Rule, codes: set[str], title: str, own: tuple[str, ...]) -> bool:
    if codes & set(own):
        return True
    return own[0].startswith("title:") and _named(rule, (title,))


def _measure(rule: Rule) -> Measure | None:
    """What is known of it: what its units convert by."""
    known = (BY_CODE[code] for _, listed in rule.says.codes for code in listed if code in BY_CODE)
    return next(known, None)


def _reading(one: trend_points.Reading, rule: Rule) -> Reading | None:
    """The number of a record; of `120/80` the one that is meant."""
    row, text, number = one.row, one.text, one.number if one.exact else None
    if row.status in _PRELIMINARY or row.start is None or not one.unit:
        return None
    if rule.says.part:
        parts = [part.strip() for part in text.split("/")]
        text = parts[rule.says.part - 1] if len(parts) == 2 else text if rule.says.part == 1 else ""
        number = float(text) if _NUMBER.fullmatch(text) else None
    if number is None or number < 0:
        return None
    return Reading(number, text, one.unit, row.id, row.date, row.start, one.code)


# ── units and days ──────────────────────────────────────────────────────────────────────────────────────


def _lines(found: list[Reading], rule: Rule, *, lowest: bool) -> Iterator[list[Reading]]:
    """The readings as lines of one unit each, one reading of each day, oldest first.

    Where a rule names units, there is one line in the first of them, else one for all that convert into each other.
    """
    measure = _measure(rule)
    named = {_unit(unit) for unit in rule.says.units}
    units = list(rule.says.units[:1])
    lines: list[list[Reading]] = [[] for _ in units]
    ways: dict[tuple[str, str | None], tuple[int, Conversion] | None] = {}
    for one in found:
        key = (one.unit, one.code)
        if key not in ways:
            ways[key] = _way(one, units, named, measure)
            if ways[key] is None and not named:
                units.append(one.unit)
                lines.append([])
                ways[key] = (len(units) - 1, SAME)
        if (way := ways[key]) is not None:
            at, convert = way
            lines[at].append(one if convert.same else one._replace(value=convert.of(one.value)))
    choose = min if lowest else max
    for line in lines:
        yield [
            choose(same, key=lambda one: one.value)
            for _, group in groupby(line, key=lambda one: day(one.date))
            if (same := list(group))
        ]


def _way(
    one: Reading, units: list[str], named: set[str], measure: Measure | None
) -> tuple[int, Conversion] | None:
    """Which line a reading belongs to, and how it comes into its unit."""
    code = one.code
    for scale in measure.scales if measure else ():
        if code in scale.not_for:
            if named and _unit(scale.into) == _unit(one.unit):
                return None  # a per cent that is not the rule's per cent
            code = None  # in its own unit nothing is doubtful
    if _unit(one.unit) in named:
        return 0, SAME
    for at, unit in enumerate(units):
        if _unit(unit) == _unit(one.unit):
            return at, SAME
        if (way := conversion(one.unit, unit, measure, code)) is not None:
            return at, way
    return None


def _unit(unit: str | None) -> str:
    """A unit as it is compared: `mL/min/{1.73_m2}` and `ml/min/1.73m2` are one."""
    return "".join((unit or "").lower().translate({ord(char): None for char in " {}[]_*."}).split())


# ── a change ────────────────────────────────────────────────────────────────────────────────────────────


def change(measured: Measured, rule: Rule) -> Iterator[Milestone]:
    """A fall (or rise) by more than so many per cent.

    A value is held against the best one of the `within_months` before it; where there is none, with `or_before`, against the
    one before. Without `within_months` against the best one of all. After a milestone, counting begins anew with the
    value that it names, and the next one has to go beyond that: values that swing make one milestone, not twenty.
    With `apart_days` values of fewer days are not held against each other.
    """
    falls = rule.says.fall is not None
    limit = (rule.says.fall if falls else rule.says.rise) or 0.0
    for readings in _lines(measured.of(rule), rule, lowest=not falls):
        since = _Since(rule, highest=falls)
        told: Reading | None = None
        for one in readings:
            best = since.best(one)
            if best is not None and best.value > 0:
                percent = 100 * (best.value - one.value if falls else one.value - best.value) / best.value
                further = told is None or (one.value < told.value if falls else one.value > told.value)
                if percent > limit + 1e-9 and further:
                    yield _changed(rule, best, one, percent, falls=falls)
                    since, told = _Since(rule, highest=falls), one
            since.add(one)


class _Since:
    """The readings that the next one is held against: the best of a window that moves, each looked at twice at most."""

    def __init__(self, rule: Rule, *, highest: bool) -> None:
        months = rule.says.within_months
        self._span = None if months is None else months * _MONTH
        self._apart = rule.says.apart_days * DAY
        self._or_before = rule.says.or_before
        self._sign = 1 if highest else -1
        self._waiting: deque[Reading] = deque()
        self._best: deque[Reading] = deque()
        self._last: Reading | None = None

    def add(self, one: Reading) -> None:
        self._waiting.append(one)

    def best(self, one: Reading) -> Reading | None:
        """The best reading before this one; of equal ones the last."""
        while self._waiting and self._waiting[0].start <= one.start - self._apart:
            self._last = self._waiting.popleft()
            while self._best and self._sign * self._best[-1].value <= self._sign * self._last.value:
                self._best.pop()
            self._best.append(self._last)
        while self._span is not None and self._best and self._best[0].start < one.start - self._span:
            self._best.popleft()
        if self._best:
            return self._best[0]
        return self._last if self._or_before else None


def _changed(rule: Rule, best: Reading, one: Reading, percent: float, *, falls: bool) -> Milestone:
    verb = "fell" if falls else "rose"
    limit = rule.says.fall if falls else rule.says.rise
    much = f"{percent:.0f}" if round(percent) > (limit or 0) else f"{percent:.1f}"
    span = apart(one.start - best.start)
    return Milestone(
        one.id,
        rule.says.id,
        rule.pack.id,
        f"{rule.says.title} {verb} by {much} %{span and f' in {span}'}",
        f"From {best.text} {best.unit} on {day(best.date)} to {one.text} {one.unit} on {day(one.date)}.",
        one.date,
        one.start,
    )


# ── a threshold ─────────────────────────────────────────────────────────────────────────────────────────


def threshold(measured: Measured, rule: Rule) -> Iterator[Milestone]:
    """The first value that reaches a limit; with `apart_days` the first one that confirms it.

    Confirmed: so many days after a value beyond the limit stands another one, and none between them was within it.
    """
    limit = rule.says.at_least if rule.says.at_least is not None else rule.says.below
    if limit is None:
        return
    reaches = rule.says.at_least is not None
    first: Reading | None = None
    before: Reading | None = None
    for one in next(_lines(measured.of(rule), rule, lowest=not reaches), ()):
        beyond = one.value >= limit if reaches else one.value < limit
        if not beyond:
            first, before = None, one
            continue
        first = first or one
        if one.start - first.start >= rule.says.apart_days * DAY:
            yield _crossed(rule, first, one, before, limit, reaches=reaches)
            return


def _crossed(
    rule: Rule, first: Reading, one: Reading, before: Reading | None, limit: float, *, reaches: bool
) -> Milestone:
    same = _unit(one.unit) in {_unit(unit) for unit in rule.says.units}
    bound = f"{limit:g} {one.unit if same else rule.says.units[0]}".strip()
    value = one.text if same else f"{one.text} {one.unit}"
    converted = "" if same else f", which is {one.value:.3g} {rule.says.units[0]},"
    words = f"{rule.says.title} {'reached' if reaches else 'under'} {bound}: {value}"
    told = [f"{one.text} {one.unit}{converted} on {day(one.date)}"]
    if first is not one:
        told.append(f"as before {_said(first, one)} on {day(first.date)}, and nothing better between them")
    last = f" The value before: {_said(before, one)} on {day(before.date)}." if before else ""
    none = "" if before else " There is no earlier value on the other side."
    return Milestone(
        one.id, rule.says.id, rule.pack.id, words, f"{'; '.join(told)}.{last}{none}", one.date, one.start
    )


def _said(other: Reading, one: Reading) -> str:
    """Another value beside this one: with its unit where that differs."""
    return other.text if _unit(other.unit) == _unit(one.unit) else f"{other.text} {other.unit}"


def apart(seconds: float) -> str:
    """A span in words: 11 months, 3 years."""
    months = round(seconds / _MONTH)
    days = round(seconds / DAY)
    if days < 1:
        return ""
    if months < 2:
        return f"{days} day{'s' if days != 1 else ''}"
    if months < 24:
        return f"{months} months"
    return f"{round(months / 12)} years"
