"""The shapes `change` and `threshold`: what measurements say over time.

Compared are plain numbers of one unit only; a value such as `<5`, one without a unit or in another one is passed over,
and so is a result that its laboratory took back. Of several values of one day the best one counts for a fall, the lowest
one for a rise: a test before and after a drug is one test.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from phr.store.milestones import Milestone
from phr.views.standing.ground import DAY, NOT_SO, Ground, Row, Rule, day

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_MONTH = 30.44 * DAY
_PRELIMINARY = NOT_SO | {"preliminary", "registered"}


class Reading(NamedTuple):
    """One number, and the record it stands in."""

    value: float
    text: str
    row: Row


def change(ground: Ground, rule: Rule) -> Iterator[Milestone]:
    """A fall (or rise) by more than so many per cent.

    A value is held against the best one of the `within_months` before it; where there is none, with `or_before`, against the
    one before. Without `within_months` against the best one of all. After a milestone, counting begins anew with the
    value that it names, and the next one has to go beyond that: values that swing make one milestone, not twenty.
    With `apart_days` values of fewer days are not held against each other.
    """
    falls = rule.says.fall is not None
    limit = (rule.says.fall if falls else rule.says.rise) or 0.0
    for _, readings in _by_unit(ground, rule, lowest=not falls):
        since: list[Reading] = []
        told: Reading | None = None
        for one in readings:
            best = _best(_before(since, one, rule), highest=falls)
            if best is not None and best.value > 0:
                percent = 100 * (best.value - one.value if falls else one.value - best.value) / best.value
                further = told is None or (one.value < told.value if falls else one.value > told.value)
                if percent > limit + 1e-9 and further:
                    yield _told(rule, best, one, percent, falls=falls)
                    since, told = [], one
            since.append(one)


def threshold(ground: Ground, rule: Rule) -> Iterator[Milestone]:
    """The first value that reaches a limit; with `apart_days` the first one that confirms it.

    Confirmed: so many days after a value beyond the limit stands another one, and none between them was within it.
    """
    limit = rule.says.at_least if rule.says.at_least is not None else rule.says.below
    if limit is None:
        return
    reaches = rule.says.at_least is not None
    units = {_unit(unit) for unit in rule.says.units}
    readings = sorted(
        (one for unit, found in _by_unit(ground, rule, lowest=not reaches) if unit in units for one in found),
        key=lambda one: one.row.date_from or 0,
    )
    first: Reading | None = None
    before: Reading | None = None
    for one in readings:
        beyond = one.value >= limit if reaches else one.value < limit
        if not beyond:
            first, before = None, one
            continue
        first = first or one
        if (one.row.date_from or 0) - (first.row.date_from or 0) >= rule.says.apart_days * DAY:
            yield _crossed(rule, first, one, before, limit, reaches=reaches)
            return


def _by_unit(ground: Ground, rule: Rule, *, lowest: bool) -> Iterator[tuple[str, list[Reading]]]:
    """The readings of a rule by unit, one of each day, oldest first."""
    codes = [code for _, listed in rule.says.codes for code in listed]
    names = [" ".join(one.rstrip("*").split()).lower() for one in rule.says.words]
    found = [
        reading
        for row in ground.measured([*codes, *names])
        if row.status not in _PRELIMINARY and (reading := _reading(row, rule.says.part))
    ]
    for unit in sorted({_unit(one.row.unit) for one in found} - {""}):
        of_unit = [one for one in found if _unit(one.row.unit) == unit]
        choose = min if lowest else max
        yield (
            unit,
            [
                choose(same, key=lambda one: one.value)
                for _, group in groupby(of_unit, key=lambda one: day(one.row.date))
                if (same := list(group))
            ],
        )


def _reading(row: Row, part: int) -> Reading | None:
    """The number of a row; of `120/80` the one that is meant."""
    text = (row.value or "").strip()
    if part:
        parts = [one.strip() for one in text.split("/")]
        text = parts[part - 1] if len(parts) == 2 else text if part == 1 else ""
    return Reading(float(text), text, row) if _NUMBER.fullmatch(text) else None


def _unit(unit: str | None) -> str:
    """A unit as it is compared: `mL/min/{1.73_m2}` and `ml/min/1.73m2` are one."""
    return "".join((unit or "").lower().translate({ord(char): None for char in " {}[]_*."}).split())


def _before(since: list[Reading], one: Reading, rule: Rule) -> list[Reading]:
    """The readings that this one is held against."""
    latest = (one.row.date_from or 0) - rule.says.apart_days * DAY
    since = [other for other in since if (other.row.date_from or 0) <= latest]
    months = rule.says.within_months
    if months is None:
        return since
    earliest = (one.row.date_from or 0) - months * _MONTH
    lately = [other for other in since if (other.row.date_from or 0) >= earliest]
    return lately or (since[-1:] if rule.says.or_before else [])


def _best(readings: list[Reading], *, highest: bool) -> Reading | None:
    """The best reading; of equal ones the last."""
    sign = 1 if highest else -1
    return max(readings, key=lambda one: (sign * one.value, one.row.date_from or 0), default=None)


def _told(rule: Rule, best: Reading, one: Reading, percent: float, *, falls: bool) -> Milestone:
    verb = "fell" if falls else "rose"
    unit = one.row.unit or ""
    limit = rule.says.fall if falls else rule.says.rise
    much = f"{percent:.0f}" if round(percent) > (limit or 0) else f"{percent:.1f}"
    span = apart((one.row.date_from or 0) - (best.row.date_from or 0))
    return rule.found(
        one.row,
        f"{rule.says.title} {verb} by {much} %{span and f' in {span}'}",
        f"From {best.text} {unit} on {day(best.row.date)} to {one.text} {unit} on {day(one.row.date)}.",
    )


def _crossed(
    rule: Rule, first: Reading, one: Reading, before: Reading | None, limit: float, *, reaches: bool
) -> Milestone:
    unit = one.row.unit or ""
    bound = f"{limit:g} {unit}".strip()
    words = f"{rule.says.title} {'reached' if reaches else 'under'} {bound}: {one.text}"
    told = [f"{one.text} {unit} on {day(one.row.date)}"]
    if first is not one:
        told.append(f"as before {first.text} on {day(first.row.date)}, and nothing better between them")
    last = f" The value before: {before.text} on {day(before.row.date)}." if before else ""
    none = "" if before else " There is no earlier value on the other side."
    return rule.found(one.row, words, f"{'; '.join(told)}.{last}{none}")


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
