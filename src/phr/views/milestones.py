"""What stands out in a life: diagnoses, treatments, operations, stays, changes, by the rules of the condition packs.

The rules are data (`packs/*.toml`), their shapes are functions in `views/standing/`. What they find is kept in the
record file, because finding reads whole kinds of records: `refresh` does that after a sync and an import. Whoever looks
and finds it out of date finds it anew, and keeps it if nobody else is writing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from phr.store import milestones as table
from phr.store.milestones import Milestone
from phr.views.events import Event, events
from phr.views.selection import EVERYTHING, Selection

if TYPE_CHECKING:
    from phr.packs.model import Pack
    from phr.store.store import Store

FOUND_BY = 2
"""Raise it when a shape finds something else."""


SMALL = 150_000
"""In a record of up to so many entries they are found in a second; in a larger one only whoever asks for it waits."""


def milestones(
    store: Store, selection: Selection = EVERYTHING, *, limit: int | None = None, wait: bool = False
) -> list[dict[str, Any]]:
    """The milestones of a selection, newest first: events with `milestone` (what to call it), `rule`, `pack`, `detail`.

    `date` and `precision` are those of the milestone: what stopped has the day it stopped. In a very large record those of
    the last `refresh` are shown, unless the caller wants to wait for what has changed since.
    """
    state = _state(store)
    if table.are_of(store.db, state) or not (wait or table.shown(store.db) <= SMALL):
        found = table.kept(store.db)
    else:
        found = _found(store)
        table.keep_if_free(store.db, found, state)
    chosen = _chosen(store, found, selection)[:limit]
    return list(_told(store, chosen))


def refresh(store: Store) -> int:
    """Find them anew where records or rules changed, and keep them; answers how many there are."""
    state = _state(store)
    if table.are_of(store.db, state):
        return int(store.db.execute("SELECT count(*) FROM milestone").fetchone()[0])
    found = _found(store)
    table.keep(store.db, found, state)
    return len(found)


def applying(store: Store, packs: Sequence[Pack] | None = None) -> frozenset[str]:
    """Ids of the packs whose condition the record holds: as a problem that somebody has."""
    from phr.packs import loading
    from phr.views.standing.ground import Ground

    return Ground(store.db, loading.packs() if packs is None else packs).conditions


def _state(store: Store) -> str:
    from phr.packs.places import fingerprint

    return f"{FOUND_BY}:{fingerprint():08x}:{table.changes(store.db)}"


def _chosen(store: Store, found: list[Milestone], selection: Selection) -> list[Milestone]:
    """Those that a selection wants. Its dates mean those of the milestone, everything else its record."""
    if selection.asks_nothing():
        return found
    from dataclasses import replace

    import orjson

    from phr.fhir import dates

    condition, values = replace(selection, since=None, until=None, include_undated=True).where()
    ids = orjson.dumps(sorted({one.record_id for one in found})).decode()
    rows = store.db.execute(
        f"SELECT record.id FROM record WHERE record.id IN (SELECT value FROM json_each(?)) AND {condition}",
        [ids, *values],
    )
    wanted = {row[0] for row in rows}
    selection.where()  # the dates that it names have to be dates
    since = dates.parse(selection.since) if selection.since else None
    until = dates.parse(selection.until) if selection.until else None

    def within(one: Milestone) -> bool:
        when = dates.parse(one.date) if one.date else None
        if when is None:
            return selection.keeps_undated()
        return (since is None or when.end > since.start) and (until is None or when.start < until.end)

    return [one for one in found if one.record_id in wanted and within(one)]


def _told(store: Store, chosen: list[Milestone]) -> Iterator[dict[str, Any]]:
    from phr.fhir import dates

    ids = list(dict.fromkeys(one.record_id for one in chosen))
    by_id: dict[int, Event] = {int(event["id"]): event for event in events(store.db, ids)}
    for one in chosen:
        event = by_id.get(one.record_id)
        if event is not None:
            when = dates.parse(one.date) if one.date else None
            yield event | {
                "date": one.date,
                "precision": when.precision if when else None,
                "milestone": one.title,
                "rule": one.rule,
                "pack": one.pack,
                "detail": one.detail,
            }


# ── finding ─────────────────────────────────────────────────────────────────────────────────────────────


def _found(store: Store) -> list[Milestone]:
    """All milestones of a record, newest first."""
    from phr.packs.loading import packs

    found = list(_all(store.db, packs()))
    found.sort(key=lambda one: (one.date_from is not None, one.date_from or 0, one.record_id), reverse=True)
    seen: set[tuple[int, str]] = set()
    once = []
    for one in found:  # two packs may say the same
        if (one.record_id, one.title) not in seen:
            seen.add((one.record_id, one.title))
            once.append(one)
    return once


def _all(db: Any, packs: Iterable[Pack]) -> Iterator[Milestone]:
    from phr.views.standing import diagnoses, hospital, measures, series, sources, treatments
    from phr.views.standing.ground import Ground, Rule

    ground = Ground(db, tuple(packs))
    rules = [
        Rule(pack, rule)
        for pack in ground.packs
        for rule in pack.milestones
        if pack.general or rule.always or pack.id in ground.conditions
    ]
    shapes = {
        "first_of": diagnoses.first_of,
        "procedure": hospital.procedure,
        "stay": hospital.stay,
        "source": sources.source,
    }
    for rule in rules:
        if rule.says.shape in shapes:
            yield from shapes[rule.says.shape](ground, rule)
    measured = measures.Measured(ground)
    for rule in rules:
        if rule.says.shape == "change":
            yield from measures.change(measured, rule)
    limits: dict[tuple[int, str], Milestone] = {}
    for rule in rules:
        if (
            rule.says.shape == "threshold"
        ):  # a value that crosses two limits of a measurement tells of the further one
            limits.update(
                {(one.record_id, rule.says.title): one for one in measures.threshold(measured, rule)}
            )
    yield from limits.values()
    of_drugs = [rule for rule in rules if rule.says.shape in ("started", "changed", "stopped")]
    if of_drugs:
        drugs = treatments.Treatments(ground, of_drugs)
        for rule in of_drugs:
            yield from getattr(treatments, rule.says.shape)(drugs, rule)
    vaccines = [rule for rule in rules if rule.says.shape == "series"]
    if vaccines:
        given, counted = series.Given(ground), set[int]()
        # What a rule knows by a better name is not told again as the record says it.
        for rule in sorted(vaccines, key=lambda one: not one.says.doses):
            for one in series.series(given, rule):
                if rule.says.doses or one.record_id not in counted:
                    counted.add(one.record_id)
                    yield one
