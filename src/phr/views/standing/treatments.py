"""The shapes `started`, `changed` and `stopped`: what the entries of one drug say together.

A drug is told by orders (MedicationRequest, MedicationStatement), by doses (MedicationAdministration,
MedicationDispense), and where a rule names it by procedures too (an infusion). All entries of one substance are a run; a
refill, a renewed order and the three-hundredth infusion belong to the run that is there. A run ends where nothing is told
for `gap_days`. Of a change see `doses`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from phr.fhir import dates
from phr.packs.words import Words
from phr.store.milestones import Milestone
from phr.views.standing.doses import changes
from phr.views.standing.drugs import named, substance
from phr.views.standing.ground import DAY, NOT_SO, Ground, Row, Rule, day, spoken
from phr.views.standing.orders import Order, order

ORDERS = frozenset(("MedicationRequest", "MedicationStatement", "MedicationOrder"))
_ENDED = frozenset(("stopped", "completed", "ended", "finished", "discontinued"))
_GOES_ON = frozenset(("active", "on-hold", "intended", "in-progress", "recorded", None))
_NOT_TAKEN = ("not to be taken", "not taken", "not given", "not done")
_MONTHLY = 45 * DAY
_NO_DOSE = Words(
    "education|teaching|counsel*|training|planning|consult*|assessment|evaluation|referral*|authorization|measurement"
    "|level|test*|phenotyp*|genotyp*|screening|review|follow up|history of*|declined".split("|")
)
"""A procedure with such a word in its name is about a drug, and gives none."""


@dataclass
class Run:
    """Entries of one treatment, oldest first; all have a date."""

    rows: list[Row]
    told: dict[int, Order] = field(repr=False)
    again: bool = False
    """Whether there was a run before of which somebody says when it ended."""
    before: Row | None = None
    """An order that was too long ago to be of it, and of which nobody says how long it was taken."""

    @cached_property
    def orders(self) -> list[Row]:
        return [row for row in self.rows if row.type in ORDERS]

    @cached_property
    def first(self) -> Row:
        """The first entry; of several of one day the order before the dose."""
        start = dates.parse(self.rows[0].date)
        until = start.start + DAY if start else 0
        best = self.rows[0]
        for row in self.rows:
            if (row.date_from or 0) >= until:
                break
            if row.type in ORDERS and best.type not in ORDERS:
                best = row
        return best

    @cached_property
    def span(self) -> int:
        """Seconds from the first entry to the last sign of it."""
        return max(self.reach(row) for row in self.rows) - (self.rows[0].date_from or 0)

    def reach(self, row: Row, *, short: bool = False) -> int:
        """Up to when an entry tells that it was taken; `short`: for how long it may be filled says nothing."""
        more = self.told.get(row.id)
        return max(row.ended or 0, row.date_from or 0, (more.supply if short else more.meant) if more else 0)

    @cached_property
    def going_on(self) -> bool:
        """Whether an order stands, and says of no end."""
        return any(_stands(row) for row in self.orders)


class Treatments:
    """The runs of all drugs, parted among the rules: a rule that names drugs comes before one for all of them."""

    def __init__(self, ground: Ground, rules: Sequence[Rule]) -> None:
        self.ground = ground
        self._named = [rule for rule in rules if rule.named]
        self._runs: dict[object, list[Run]] = {}
        found: dict[object, list[Row]] = {}
        for row in ground.rows("medication"):
            if _is_told(row):
                found.setdefault(self._whose(row), []).append(row)
        for row in ground.rows("procedure") if self._named else ():
            if row.type == "Procedure" and row.status in ("completed", None) and not _NO_DOSE.fit(row.title):
                key = self._whose(row) if _is_told(row) else None
                if key is not None and not isinstance(key, str):
                    found.setdefault(key, []).append(row)
        self._found = found
        self._told = self._said([row for rows in found.values() for row in rows])

    def _said(self, rows: list[Row]) -> dict[int, Order]:
        """What orders say beside their names."""
        by_id = {row.id: row for row in rows if row.type in ORDERS or row.type == "MedicationDispense"}
        told = {}
        for id_, body in self.ground.bodies(list(by_id)):
            row = by_id[id_]
            more = order(body, row.title, row.date_from or 0)
            if any(more):
                told[id_] = more
        return told

    def _whose(self, row: Row) -> object:
        """The rule that knows the drug, else its substance."""
        for rule in self._named:
            if rule.fits(row):
                return _key(rule)
        return substance(row.title)

    def runs(self, rule: Rule) -> Iterator[Run]:
        """The runs that this rule speaks of."""
        gap = rule.says.gap_days * DAY
        for key, rows in self._found.items():
            if key == _key(rule) if rule.named else isinstance(key, str):
                known = (key, gap)
                if known not in self._runs:
                    self._runs[known] = list(_runs(rows, self._told, gap, named=rule.named))
                yield from self._runs[known]


def started(treatments: Treatments, rule: Rule) -> Iterator[Milestone]:
    """The first entry of each treatment."""
    for run in treatments.runs(rule):
        if lasts(run, rule, treatments.ground):
            row = run.first
            again = " again" if run.again else ""
            yield rule.found(row, f"{rule.says.title or 'Started'}{again}: {name(row)}", _entries(run))


def changed(treatments: Treatments, rule: Rule) -> Iterator[Milestone]:
    """Another strength or dose, or another product of the same treatment, than before."""
    for run in treatments.runs(rule):
        if lasts(run, rule, treatments.ground):
            yield from changes(run, rule, name)


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
            f"{rule.says.title or 'Stopped'}: {name(last)}",
            f"Ordered {day(last.date)}, {last.status} {day(last.end)}.{why}",
            last.end,
            when.start,
        )


def lasts(run: Run, rule: Rule, ground: Ground) -> bool:
    """Whether a run is a treatment and no course of some days, and nothing that was given on the spot."""
    long_enough = run.span >= rule.says.min_days * DAY
    if rule.unless.fit(run.rows[0].title):
        return long_enough and _steady(run, rule)
    if long_enough:
        return bool(run.orders) or len({day(row.date) for row in run.rows}) > 1
    if rule.named and any(_open(row, run.told) for row in run.orders):
        return True  # of a treatment that goes on for years somebody ordered it, and nobody says of an end
    # An order that was stopped was meant to go on; one that is completed was meant to end.
    return run.going_on or any(
        row.status == "stopped" and row.end is None and row.encounter not in ground.hospital
        for row in run.orders
    )


def _steady(run: Run, rule: Rule) -> bool:
    """Whether a drug that is ordinarily taken for some days is taken for good: by one long order, or month by month."""
    least = rule.says.min_days * DAY
    if any(run.reach(row, short=True) - (row.date_from or 0) >= least for row in run.orders):
        return True
    days = len({day(row.date) for row in run.rows})
    return days > 3 and run.span / (days - 1) < _MONTHLY


def _is_told(row: Row) -> bool:
    """Whether it has a day, and was taken as far as it says."""
    return (
        row.date_from is not None
        and row.status not in NOT_SO
        and not (row.description or "").startswith(_NOT_TAKEN)
    )


def _stands(row: Row) -> bool:
    return row.status in _GOES_ON and row.end is None


def _open(row: Row, told: dict[int, Order]) -> bool:
    """Whether nobody says in any way for how long an order was."""
    more = told.get(row.id)
    return row.type in ORDERS and row.end is None and not (more and more.reach)


def _key(rule: Rule) -> object:
    """The rules of a pack that name the same drugs speak of the same runs."""
    return rule.pack.id, rule.says.codes, rule.says.words


def _runs(rows: list[Row], told: dict[int, Order], gap: int, *, named: bool) -> Iterator[Run]:
    """The entries of one drug as runs. Where a rule names it, an order without any end bridges a gap."""
    rows = sorted(rows, key=lambda row: (row.date_from or 0, row.id))
    run = Run([], told)
    until, stands, bridged = 0, False, False
    for row in rows:
        far = bool(gap) and (row.date_from or 0) - until > gap
        if run.rows and far and not stands and not bridged:
            yield run
            alone = run.rows[-1] if _open(run.rows[-1], told) else None
            again = any(one.end or one.type not in ORDERS for one in run.rows)
            run, until, stands = Run([], told, again, alone), 0, False
        more = told.get(row.id)
        until = max(until, row.ended or 0, row.date_from or 0, more.reach if more else 0)
        stands = stands or (row.type in ORDERS and _stands(row))
        bridged = named and (bridged or _open(row, told))
        run.rows.append(row)
    if run.rows:
        yield run


def name(row: Row) -> str:
    """The drug of an entry as a milestone names it."""
    return spoken(named(row.title))


def _entries(run: Run) -> str:
    first, last = day(run.rows[0].date), day(run.rows[-1].date)
    before = ""
    if run.before is not None:
        before = f" It was ordered before, on {day(run.before.date)}; how long it was taken is not told."
    if len(run.rows) == 1:
        return f"One entry, of {first}.{before}"
    return f"First of {len(run.rows)} entries, from {first} to {last}.{before}"
