"""The shapes `started`, `changed` and `stopped`: what the entries of one drug say together.

A drug is told by orders (MedicationRequest, MedicationStatement) and by doses (MedicationAdministration,
MedicationDispense). All entries of one substance are a run; a refill, a renewed order and the three-hundredth infusion
belong to the run that is there. A run ends where nothing is told for `gap_days`. Of a change speaks only a strength that
an order names, because doses vary with the vial.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from phr.fhir import dates
from phr.store.milestones import Milestone
from phr.views.standing.drugs import named, strength, substance
from phr.views.standing.ground import DAY, NOT_SO, Ground, Row, Rule, day, spoken

_ORDERS = frozenset(("MedicationRequest", "MedicationStatement", "MedicationOrder"))
_ENDED = frozenset(("stopped", "completed", "ended", "finished", "discontinued"))
_GOES_ON = frozenset(("active", "on-hold", "intended", "in-progress", "recorded", None))
_NOT_TAKEN = ("not to be taken", "not taken", "not given", "not done")
_LATELY, _MONTHLY = 366 * DAY, 45 * DAY
_NAMELESS = re.compile(r"(Medication)?[\W\d]*")
"""A drug that has a number only: nobody would know what began."""


class Run(NamedTuple):
    """Entries of one treatment, oldest first; all have a date."""

    rows: list[Row]
    again: bool
    """Whether there was a run before of which somebody says when it ended."""

    @property
    def orders(self) -> list[Row]:
        return [row for row in self.rows if row.type in _ORDERS]

    @property
    def first(self) -> Row:
        """The first entry; of several of one day the order before the dose."""
        start = dates.parse(self.rows[0].date)
        day_long = [row for row in self.rows if start and (row.date_from or 0) < start.start + DAY]
        return min(
            day_long or self.rows[:1], key=lambda row: (row.type not in _ORDERS, row.date_from, row.id)
        )

    @property
    def span(self) -> int:
        """Seconds from the first entry to the last sign of it."""
        return max(_until(row) for row in self.rows) - (self.rows[0].date_from or 0)

    @property
    def going_on(self) -> bool:
        """Whether an order stands, and says of no end."""
        return any(row.status in _GOES_ON and row.end is None for row in self.orders)


class Treatments:
    """The runs of all drugs, parted among the rules: a rule that names drugs comes before one for all of them."""

    def __init__(self, ground: Ground, rules: Sequence[Rule]) -> None:
        self.ground = ground
        self._named = [rule for rule in rules if rule.named]
        told: dict[object, list[Row]] = {}
        for row in ground.rows("medication"):
            if (
                row.date_from is None
                or row.status in NOT_SO
                or (row.description or "").startswith(_NOT_TAKEN)
            ):
                continue
            told.setdefault(self._whose(row), []).append(row)
        self._told = told

    def _whose(self, row: Row) -> object:
        """The rule that knows the drug, else its substance."""
        for rule in self._named:
            if rule.fits(row):
                return _key(rule)
        return substance(row.title)

    def runs(self, rule: Rule) -> Iterator[Run]:
        """The runs that this rule speaks of."""
        for key, rows in self._told.items():
            if key == _key(rule) if rule.named else isinstance(key, str):
                yield from _runs(rows, rule.says.gap_days * DAY)


def started(treatments: Treatments, rule: Rule) -> Iterator[Milestone]:
    """The first entry of each treatment."""
    for run in treatments.runs(rule):
        if lasts(run, rule, treatments.ground):
            row = run.first
            again = " again" if run.again else ""
            yield rule.found(row, f"{rule.says.title or 'Started'}{again}: {_name(row)}", _entries(run))


def changed(treatments: Treatments, rule: Rule) -> Iterator[Milestone]:
    """An order of another strength, or of another product of the same treatment, than the one before."""
    for run in treatments.runs(rule):
        if not lasts(run, rule, treatments.ground):
            continue
        lately: dict[object, int] = {}
        for before, row in pairwise(_one_a_day(run.orders)):
            old, new = strength(before.title), strength(row.title)
            lately[old and old.amount] = before.date_from or 0
            known = lately.get(new and new.amount)
            if known is not None and (row.date_from or 0) - known < _LATELY and old != new:
                continue  # two strengths side by side, renewed by turns
            product = rule.named and substance(before.title) != substance(row.title)
            if product and _name(before).casefold() != _name(row).casefold():
                was, now, what = _name(before), _name(row), ""
            elif old and new and old.unit == new.unit and old.amount != new.amount:
                was, now, what = old.words, new.words, f"{substance(row.title).capitalize()}, "
            else:
                continue
            title = f"{rule.says.title or 'Changed'}: {what}{was} to {now}"
            yield rule.found(row, title, f"{was} ordered on {day(before.date)}, {now} on {day(row.date)}.")


def stopped(treatments: Treatments, rule: Rule) -> Iterator[Milestone]:
    """The end of a treatment, where an order says when it ended and nothing of it comes after."""
    for run in treatments.runs(rule):
        if run.going_on or not lasts(run, rule, treatments.ground):
            continue
        ended = [row for row in run.orders if row.status in _ENDED and row.end and row.ended]
        last = max(ended, key=lambda row: row.ended or 0, default=None)
        when = dates.parse(last.end) if last and last.end else None
        if last is None or when is None or any((row.date_from or 0) >= when.end for row in run.rows):
            continue
        reason = next(
            (part for part in (last.description or "").split("; ") if part.startswith("stopped: ")), ""
        )
        why = f" Reason given: {reason.removeprefix('stopped: ')}." if reason else ""
        yield rule.found(
            last,
            f"{rule.says.title or 'Stopped'}: {_name(last)}",
            f"Ordered {day(last.date)}, {last.status} {day(last.end)}.{why}",
            last.end,
            when.start,
        )


def lasts(run: Run, rule: Rule, ground: Ground) -> bool:
    """Whether a run is a treatment and no course of some days, and nothing that was given on the spot."""
    long_enough = run.span >= rule.says.min_days * DAY
    if any(rule.unless.fit(row.title) for row in run.rows[:1]):
        return long_enough and _steady(run, rule)
    if long_enough:
        return bool(run.orders) or len({day(row.date) for row in run.rows}) > 1
    # An order that was stopped was meant to go on; one that is completed was meant to end.
    return run.going_on or any(
        row.status == "stopped" and row.end is None and row.encounter not in ground.hospital
        for row in run.orders
    )


def _steady(run: Run, rule: Rule) -> bool:
    """Whether a drug that is ordinarily taken for some days is taken for good: by one long order, or month by month."""
    if any(_until(row) - (row.date_from or 0) >= rule.says.min_days * DAY for row in run.orders):
        return True
    days = len({day(row.date) for row in run.rows})
    return days > 3 and run.span / (days - 1) < _MONTHLY


def _key(rule: Rule) -> object:
    """The rules of a pack that name the same drugs speak of the same runs."""
    return rule.pack.id, rule.says.codes, rule.says.words


def _runs(rows: list[Row], gap: int) -> Iterator[Run]:
    run: list[Row] = []
    until, again = 0, False
    for row in rows:
        if run and gap and (row.date_from or 0) - until > gap and not Run(run, again).going_on:
            yield Run(run, again)
            run, again = [], any(one.end or one.type not in _ORDERS for one in run)
        until = max(until if run else 0, _until(row))
        run.append(row)
    if run:
        yield Run(run, again)


def _until(row: Row) -> int:
    return max(row.ended or 0, row.date_from or 0)


def _one_a_day(rows: Iterable[Row]) -> list[Row]:
    """The orders of days that have one; two of a day are taken together."""
    by_day: dict[str, list[Row]] = {}
    for row in rows:
        by_day.setdefault(day(row.date), []).append(row)
    return [found[0] for found in by_day.values() if len({strength(row.title) for row in found}) == 1]


def _name(row: Row) -> str:
    return spoken(named(row.title))


def _entries(run: Run) -> str:
    first, last = day(run.rows[0].date), day(run.rows[-1].date)
    if len(run.rows) == 1:
        return f"One entry, of {first}."
    return f"First of {len(run.rows)} entries, from {first} to {last}."
