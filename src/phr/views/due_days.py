"""What lies ahead, as values: a thing with its day, what is planned without one, and all of them together."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from phr.fhir import dates
from phr.views.due_clock import moment


@dataclass(frozen=True, slots=True)
class Due:
    """One thing with its day."""

    uid: str
    """The same in every run, and says nothing."""
    kind: str
    """`appointment`, `treatment`, `vaccine`, `task` or `sign_in`."""
    title: str = field(repr=False)
    start: str
    """FHIR date or dateTime, to the day or finer."""
    end: str | None
    status: str
    """`confirmed`, `tentative` or `cancelled`."""
    changed: str
    """When the source said so last: an instant."""
    sequence: int
    """How often that was another one before."""
    facility: str | None = field(default=None, repr=False)
    performer: str | None = field(default=None, repr=False)
    description: str | None = field(default=None, repr=False)
    source: str | None = None
    record: str | None = None
    resource: str | None = None

    @property
    def all_day(self) -> bool:
        """Whether only the day is known; midnight is how systems write that."""
        at = self.moment
        return at is None or (not (at.hour or at.minute or at.second) and self.end is None)

    @property
    def moment(self) -> datetime | None:
        """Its beginning on the clock of its source; None where only the day is known."""
        return moment(self.start)

    @property
    def day(self) -> date:
        """Its day on the clock of its source."""
        at = self.moment
        return at.date() if at is not None else date.fromisoformat(self.start[:10])

    @property
    def when(self) -> dates.PartialDate:
        """Its beginning as an interval."""
        found = dates.parse(self.start)
        assert found is not None  # noqa: S101 - looked at before it was made
        return found

    def document(self) -> dict[str, Any]:
        """As JSON."""
        names = (
            "uid kind title start end status facility performer description source record resource".split()
        )
        return {**{name: getattr(self, name) for name in names}, "all_day": self.all_day}


@dataclass(frozen=True, slots=True)
class Unplaced:
    """What is planned, and on no day of a calendar."""

    kind: str
    title: str = field(repr=False)
    date: str | None
    reason: str
    record: str | None = None

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "kind": self.kind,
            "title": self.title,
            "date": self.date,
            "reason": self.reason,
            "record": self.record,
        }


@dataclass(frozen=True, slots=True)
class Agenda:
    """What lies ahead, the next first; and what cannot be placed."""

    events: list[Due] = field(default_factory=list, repr=False)
    left_out: list[Unplaced] = field(default_factory=list, repr=False)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "events": [one.document() for one in self.events],
            "left_out": [one.document() for one in self.left_out],
        }
