"""What a page for an appointment is made from: whose it is, when the last visit there was, and the rows since then.

Everything goes through one selection that was closed by `discreet.closed`, so that what the person marked as private, and
what would tell it, is on no such page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from phr.fhir import dates
from phr.views.discreet import NONE, Discretion
from phr.views.discreet_events import told_events
from phr.views.due_clock import day_here
from phr.views.events import BATCH, Event, events, marks
from phr.views.summary_results import KEY

if TYPE_CHECKING:
    from phr.store.store import Store
    from phr.views.selection import Selection
    from phr.views.whom import Whom

DAY = 86_400
_COLUMNS = (
    "record.id, kind, title, date, precision, date_from, date_to, end, recorded, status, abnormal, performer, facility,"
    f" encounter, {KEY}, category, codes, value IS NOT NULL, resource, description"
)
_LOOKED = 5_000
_MET = frozenset(
    ("finished", "completed", "discharged", "unknown", "in-progress", "arrived", "onleave", None)
)
KEPT = frozenset(("fulfilled", "arrived", "checked-in"))
"""An appointment that took place."""
EXPECTED = frozenset(("booked", "pending", "proposed", "arrived", "checked-in", "waitlist", None))
_NO_VISIT = re.compile(
    r"(?i)\b(?:orders? only|refills?|(?:patient|mychart|portal|web|secure) (?:web )?messages?|messaging"
    r"|documentation(?: only)?|scanned|erroneous|billing|abstract(?:ion)?|letter|e-?mail|fax"
    r"|no[- ]?shows?|did not (?:attend|come|show)|not attended|missed (?:appointment|visit)|left without being seen"
    r"|cancell?ed|cancell?ation|chart (?:review|update|prep\w*)|prior auth\w*|prescription renewals?|results? notes?)\b"
)
"""Entries of an office's computer that are kept as encounters, where nobody met anybody."""
_CALLED = re.compile(
    r"(?i)\b(?:tele)?phone(?: (?:calls?|encounters?|notes?|messages?|contacts?|triage|follow.?up))?\s*$"
    r"|\b(?:tele)?phone (?:calls?|notes?|messages?|triage)\b"
)
"""A call is no visit; a visit by telephone, which says so, is one."""


def is_no_visit(title: str) -> bool:
    """Whether an Encounter that is called so is none where the patient was seen."""
    return bool(_NO_VISIT.search(title) or _CALLED.search(title))


class Line(NamedTuple):
    """A record, as far as its newness is weighed."""

    id: int
    kind: str
    title: str
    date: str | None
    precision: str | None
    start: int | None
    stop: int | None
    end: str | None
    recorded: str | None
    status: str | None
    abnormal: int | None
    performer: str | None
    facility: str | None
    encounter: str | None
    key: str
    category: str | None
    codes: str
    measured: int
    resource: str
    description: str | None

    def __repr__(self) -> str:
        return f"<Line {self.id}>"

    @property
    def day(self) -> str:
        """The day on the clock of its source; empty where only a month or a year is known."""
        return (self.date or "")[:10] if self.precision in ("day", "minute", "second") else ""

    @property
    def came(self) -> str:
        """The day on which it was written down."""
        return (self.recorded or "")[:10]


class Scene:
    """The store, the closed selection, and who is meant."""

    def __init__(
        self,
        store: Store,
        selection: Selection,
        who: Whom,
        discretion: Discretion = NONE,
        notes: bool = False,
    ) -> None:
        self.store = store
        self.db = store.db
        self.who = who
        self.selection = selection
        self.discretion = discretion
        self._notes = notes
        # the range is held against `since` here: what came later, dated earlier, belongs too
        self._condition, self._values = replace(selection, since=None).where()
        self.asked = selection.where()
        """The condition of the whole selection, with the time that was asked for."""

    @cached_property
    def moment(self) -> datetime:
        """Now."""
        return datetime.fromisoformat(self.store.now())

    @cached_property
    def now(self) -> int:
        """The same in epoch seconds."""
        return int(self.moment.timestamp())

    @cached_property
    def today(self) -> str:
        """The person's own day."""
        return self.moment.astimezone().date().isoformat()

    # ── the last visit there ──────────────────────────────────────────────────────────────────────

    @cached_property
    def met(self) -> list[Line]:
        """Visits with them, the newest first; where none is told, kept appointments, then calls, and then their notes.

        Not by the selection: whatever is asked for, the last visit was when it was. But nothing that is withheld.
        """
        found = [
            line
            for line in self._theirs("encounter")
            if line.status in _MET
            and line.resource.startswith("Encounter/")
            and not _NO_VISIT.search(line.title)
            and (line.start or 0) <= self.now
        ]
        calls = [line for line in found if is_no_visit(line.title)]
        found = [line for line in found if not is_no_visit(line.title)]
        kept = [
            line
            for line in self._theirs("appointment")
            if line.status in KEPT
            and line.resource.startswith("Appointment/")
            and (line.start or 0) <= self.now
        ]
        days = {line.day for line in found}
        found += [line for line in kept if line.day not in days]
        found = found or calls
        if not found:
            found = [line for line in self._theirs("clinical_note") if (line.start or 0) <= self.now]
        found.sort(key=lambda line: (line.start or 0, line.id), reverse=True)
        return found

    @cached_property
    def to_come(self) -> list[Line]:
        """Appointments there that lie ahead, the next one first."""
        found = [
            line
            for line in self._theirs("appointment")
            if line.status in EXPECTED and line.resource.startswith("Appointment/") and not self._over(line)
        ]
        found += [
            line
            for line in self._theirs("encounter")
            if line.status == "planned" and line.resource.startswith("Encounter/") and not self._over(line)
        ]
        return sorted(found, key=lambda line: (line.start is None, line.start or 0))

    def _over(self, line: Line) -> bool:
        found = dates.parse(line.end) or dates.parse(line.date)
        if found is None or (line.day and day_here(line.date or "") < self.today):
            return True  # what began on an earlier day is not the next one, however long it lasts
        if found.precision in ("minute", "second"):
            return found.end <= self.now
        return found.text[:10] < self.today[: len(found.text[:10])]

    def _theirs(self, kind: str) -> list[Line]:
        rows = self.lines(
            "kind = ?", [kind], f" ORDER BY date_from DESC, record.id DESC LIMIT {_LOOKED}", everything=True
        )
        who = self.who
        if who.by == "source":
            told = self.sources([line.id for line in rows])
            return [line for line in rows if who.is_with(None, None, told.get(line.id, ()))]
        theirs = [
            line for line in rows if line.id in who.located or who.is_with(line.performer, line.facility)
        ]
        return theirs or [line for line in rows if who.at_their_place(line.performer, line.facility)]

    @cached_property
    def visits(self) -> frozenset[str]:
        """`Encounter/id` of the last visits with them."""
        return frozenset(line.resource for line in self.met[:60])

    def is_theirs(self, line: Line) -> bool:
        """Whether they did it themselves, or it happened in a visit with them."""
        return (
            (line.encounter is not None and line.encounter in self.visits)
            or line.id in self.who.located
            or self.who.is_with(line.performer, line.facility)
        )

    # ── rows ──────────────────────────────────────────────────────────────────────────────────────

    def lines(
        self,
        condition: str,
        values: Sequence[object],
        order: str = "",
        *,
        everything: bool = False,
        asked: bool = False,
    ) -> list[Line]:
        """Rows of the selection at any time that fit; `asked`: within its time; `everything`: all but what is withheld."""
        own, given = self.asked if asked else (self._condition, self._values)
        if everything:
            own, given = self._unasked
        rows = self.db.execute(
            f"SELECT {_COLUMNS} FROM record WHERE {condition} AND {own}{order}", [*values, *given]
        )
        return [Line(*row) for row in rows]

    @cached_property
    def _unasked(self) -> tuple[str, list[object]]:
        open_ = replace(
            self.selection, kinds=(), since=None, until=None, sources=(), tags=(), packs=(), search=None
        )
        return open_.where()

    def sources(self, ids: Sequence[int]) -> dict[int, list[str]]:
        """Of each of these records the names of the sources that tell it."""
        found: dict[int, list[str]] = {}
        for at in range(0, len(ids), BATCH):
            part = ids[at : at + BATCH]
            for id_, name in self.db.execute(
                "SELECT DISTINCT rs.record_id, s.name FROM record_source rs JOIN source s ON s.id = rs.source_id"
                f" WHERE rs.record_id IN ({marks(part)})",
                part,
            ):
                found.setdefault(id_, []).append(name)
        return found

    def events(self, ids: Iterable[int]) -> list[Event]:
        """The events of these records, in this order, as they may be handed on."""
        return list(told_events(self.db, events(self.db, list(ids)), self.discretion, notes=self._notes))
