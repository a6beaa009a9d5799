"""What all questions of one run share: whom to ask, who keeps, and what is known beforehand."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from phr.fhir.capability import Capability
from phr.fhir.client import FhirClient
from phr.model import Connection, Vendor
from phr.store.passes import SearchState, in_future
from phr.sync.desk import Desk
from phr.sync.keeping import Keeper
from phr.sync.plan import Knowledge, Standing
from phr.sync.tally import Tally


@dataclass(slots=True)
class Ground:
    """What all questions of one run share."""

    client: FhirClient
    desk: Desk
    connection: Connection
    vendor: Vendor
    patient: str
    tally: Tally
    keeper: Keeper
    stopping: threading.Event
    workers: int = 4
    page_size: int | None = None
    capability: Capability | None = None
    known: Knowledge = field(default_factory=Knowledge)
    states: Mapping[tuple[str, str], SearchState] = field(default_factory=dict)
    unpromised: frozenset[str] = frozenset()
    now: str = ""
    full: bool = False
    """All of it was wished for, as it is now."""
    settled: set[str] = field(default_factory=set)
    """Types of which all has been asked, kept, and said."""

    def standing(self) -> dict[tuple[str, str], Standing]:
        """How far the knowledge of each search reaches; a mark in the future is none."""
        return {
            place: Standing(
                None if in_future(one.watermark, self.now) else one.watermark, one.full_pass, one.dated
            )
            for place, one in self.states.items()
        }

    def came_before(self, type_: str, filter_: str | None = None) -> bool:
        """Whether a search of a type, or this one of it, has once brought something and come to its end."""
        return any(
            one.full_pass and (one.came or one.watermark)
            for place, one in self.states.items()
            if place[0] == type_ and filter_ in (None, place[1])
        )
