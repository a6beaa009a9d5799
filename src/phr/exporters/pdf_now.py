"""What stands now, of what is handed on: the summary of the record (`views.summary`), cut to the records that go along.

The view weighs which medicine is still taken, and which problem is the same as another. Here it is shown the records and
resources of this export alone, so that no dose, date or reaction comes from beyond it; and every event is told as the
export tells it, so that what is withheld is told by no summary either. Results are weighed here, in the time of the
selection.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import orjson

from phr.exporters.base import Handover
from phr.fhir import dates
from phr.views.events import Event
from phr.views.selection import Selection
from phr.views.summary import summary
from phr.views.summary_rows import Desk, Row, Source

_PARTS = (
    "problems", "resolved", "refuted_problems", "none_known_problems", "medications", "not_to_be_taken",
    "none_known_medications", "allergies", "refuted_allergies", "former_allergies", "none_known_allergies",
    "immunizations", "not_given", "due_immunizations", "upcoming", "tasks", "orders", "directives", "extras",
)  # fmt: skip
_FROM_SOURCE = ("dose", "other_doses", "reactions", "doubt", "onset", "documents")
"""What the view read from a resource; of one that goes along softened only the event speaks."""
DAY = 86_400
YEAR = 366 * DAY
_MEASURED = ("lab_result", "vital_sign")
_CRITICAL = ("HH", "LL", "AA")


@dataclass(slots=True)
class Now:
    """The parts of a summary, each a list of events with what is said beside them."""

    parts: dict[str, list[Event]] = field(repr=False)
    team: list[dict[str, Any]] = field(repr=False)
    abnormal: list[Event] = field(repr=False)
    abnormal_since: str
    """From when on results were looked at."""
    judged: list[bool] = field(repr=False)
    """Of each result of that time, whether anybody says how it stands to its usual range."""
    reached: tuple[str, ...] = ()
    """Kinds of which only the newest were looked at."""

    def __getitem__(self, name: str) -> list[Event]:
        return self.parts[name]


class _Then:
    """The store at the moment that stands on the paper, so that the same moment gives the same page."""

    def __init__(self, store: Any, made: datetime) -> None:
        self._store, self._made = store, made

    def now(self) -> str:
        return self._made.isoformat(timespec="seconds")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


_TOLD = (
    "SELECT rs.record_id, rs.resource_id, s.name, r.raw FROM record_source rs CROSS JOIN resource r ON r.id = rs.resource_id"
    " JOIN source s ON s.id = r.source_id WHERE rs.record_id IN (SELECT value FROM json_each(?))"
    " ORDER BY rs.record_id, rs.resource_id <> rs.record_id, rs.resource_id"
)
"""What the sources say of records: the resource that each was read from first."""


class _Handed(Desk):
    """What is looked at for a summary: the records that go along, and of these the resources that go along."""

    def __init__(
        self, store: Any, selection: Selection, records: frozenset[int], resources: frozenset[int]
    ) -> None:
        super().__init__(store, selection)
        self._records, self._resources = records, resources

    def rows(self, ids: Sequence[int], *, kind: str | None = None) -> list[Row]:
        return super().rows([id_ for id_ in ids if id_ in self._records], kind=kind)

    def told(self, ids: Sequence[int]) -> dict[int, list[Source]]:
        found: dict[int, list[Source]] = {}
        for id_, resource, name, raw in self.db.execute(_TOLD, (orjson.dumps(list(ids)).decode(),)):
            if resource in self._resources:
                found.setdefault(id_, []).append(Source(name, raw))
        return found


def now(given: Handover, events: Sequence[Event], team_words: str, results_since: str | None = None) -> Now:
    """The summary of what goes along. `team_words`: what the export says of who cares for the person."""
    selection = given.selection
    store = _Then(given.store, given.header.made)
    by_id = {event["id"]: event for event in events}
    records = frozenset(int(id_) for id_ in by_id)
    desk = _Handed(store, selection, records, frozenset(given.contents.ids))
    page = summary(cast(Any, store), selection, desk=desk)
    touched = {str(id_) for id_ in given.contents.discretion.touched}
    parts = {name: _kept(page[name], by_id, touched) for name in _PARTS}
    packs = {pack for one in parts["problems"] for pack in one["packs"]}
    parts["extras"] = [one for one in parts["extras"] if one["pack"] in packs]
    for one in parts["immunizations"]:
        given_days = {
            day for id_ in (one["id"], *one["same"]) if id_ in by_id and (day := by_id[id_]["date"])
        }
        one["doses"] = max(1, min(one["doses"], len({day[:10] for day in given_days})))
        one["last"] = max(given_days, default=None)
    team = [
        one
        for one in page["care_team"]
        if _letters(one["name"]) in _letters(team_words) and (one["record"] is None or one["record"] in by_id)
    ]
    made = int(given.header.made.timestamp())
    since, begin = _span(events, results_since or selection.since, made)
    return Now(
        parts,
        team,
        abnormal(events, begin, made),
        since,
        [
            one["abnormal"] is not None
            for one in events
            if _is_result(one) and begin <= start(one) <= made + DAY
        ],
        tuple(page["looked_at_newest_only"]),
    )


def _kept(entries: Iterable[Event], by_id: dict[str, Event], touched: set[str]) -> list[Event]:
    """Those that go along, as they are handed on; where the same is told several times, by one that goes along."""
    found = []
    for one in entries:
        ids = [one["id"], *one.get("same", ())]
        here = [id_ for id_ in ids if id_ in by_id]
        if not here:
            continue
        event = one | by_id[here[0]]
        if "same" in one:
            event["same"] = here[1:]
        if "over_elsewhere" in one and len(here) < len(ids):
            event["over_elsewhere"] = []
        if not touched.isdisjoint(ids):
            event |= {
                name: [] if isinstance(one[name], list) else None for name in _FROM_SOURCE if name in one
            }
        found.append(event)
    return found


def _letters(said: str) -> str:
    """A name as it is compared: `Jo Example, MD` is `JO EXAMPLE MD`."""
    return "".join(filter(str.isalnum, said.casefold()))


# ── results ───────────────────────────────────────────────────────────────────────────────────────────


def start(event: Event) -> int:
    """When it happened, in epoch seconds; 0 where nobody knows."""
    found = dates.parse(event["date"])
    return found.start if found else 0


def _span(events: Sequence[Event], since: str | None, made: int) -> tuple[str, int]:
    """From when on results are told: as it was asked, else the last twelve months that have any."""
    asked = dates.parse(since)
    if asked is not None:
        return asked.text, asked.start
    newest = max(
        (when for one in events if one["kind"] in _MEASURED and (when := start(one)) <= made), default=made
    )
    begin = datetime.fromtimestamp(newest - YEAR, UTC).replace(day=1, hour=0, minute=0, second=0)
    return f"{begin:%Y-%m}", int(begin.timestamp())


def _is_result(event: Event) -> bool:
    return event["value_text"] is not None and event["kind"] in _MEASURED


def key(event: Event) -> str:
    """The test that a result is of: one sent as mass and as amount of substance is one test (records.measures)."""
    from phr.records.measures import BY_CODE

    code = next((one["code"] for one in event["codes"] if one["code"]), None) or str(event["title"]).lower()
    measure = BY_CODE.get(code)
    return f"measure:{measure.id}" if measure else code


def abnormal(events: Iterable[Event], begin: int, made: int) -> list[Event]:
    """The newest abnormal result of each test of that time; critical ones first, those back in their range last."""
    latest: dict[str, tuple[int, bool]] = {}
    found: dict[str, Event] = {}
    for event in events:
        if not _is_result(event):
            continue
        when = start(event)
        if not begin <= when <= made + DAY:
            continue
        test = key(event)
        off = event["abnormal"] is True
        if test not in latest or when > latest[test][0]:
            latest[test] = (when, off)
        if off and (test not in found or when > start(found[test])):
            found[test] = event
    told = [
        one
        | {
            "critical": str(one["interpretation"] or "").upper() in _CRITICAL,
            "back": not latest[test][1] and latest[test][0] > start(one),
        }
        for test, one in found.items()
    ]
    return sorted(told, key=lambda one: (not one["critical"], one["back"], -start(one)))
