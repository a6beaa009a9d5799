"""What a search found, and the names by which its further pages are asked for (FHIR R4 http.html#paging)."""

from __future__ import annotations

import secrets
from collections import Counter, OrderedDict
from dataclasses import dataclass, replace

from phr.sandbox.grants import Grant
from phr.sandbox.problems import OutcomeError
from phr.sandbox.record_habits import RecordHabits

NUMBERED = ("page", "startIndex")
"""Parameters of further pages that are numbers, which a client can count on by itself."""

_KEPT = 10_000
"""Links that are remembered; older ones answer 410, as at servers whose sessions end."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a search found, as it was at that moment."""

    type: str
    found: tuple[tuple[str, str], ...]
    """(type, id) of every match, in order."""
    path: str
    params: tuple[tuple[str, str], ...]
    page_size: int
    grant: Grant
    provenance: bool = False
    """`_revinclude=Provenance:target`."""
    slow: bool = False
    ignored: tuple[str, ...] = ()
    """Parameters that were passed over, which a remark says."""
    self_path: str = ""
    """What the self link says, if not `path`."""
    strangers: int = 0
    """Stubs of so many other patients on the first page."""


@dataclass(frozen=True, slots=True)
class Position:
    """A page of a Result: where it begins."""

    result: Result
    offset: int
    name: str = ""
    """Its opaque name, if it has one."""
    made: float = 0.0
    """When the link to it was given out."""

    @property
    def page(self) -> int:
        """Its number, from 1."""
        return self.offset // max(self.result.page_size, 1) + 1


class Cursors:
    """The opaque names of further pages, and which of them are dead."""

    def __init__(self) -> None:
        self._positions: OrderedDict[str, Position] = OrderedDict()
        self._died: Counter[str] = Counter()

    def name(self, position: Position) -> str:
        name = position.name or secrets.token_urlsafe(18)
        self._positions[name] = replace(position, name=name)
        if len(self._positions) > _KEPT:
            self._positions.popitem(last=False)
        return name

    def find(self, name: str, type_: str, grant: Grant, habits: RecordHabits) -> Position:
        """The page behind a link. Raises OutcomeError for one that is unknown or another sign-in's."""
        position = self._positions.get(name)
        if position is None or position.result.grant is not grant or position.result.type != type_:
            raise _dead(habits.dead_as)
        return position

    def check(self, position: Position, habits: RecordHabits, now: float) -> None:
        """Raise OutcomeError where the vendor's links do not live so long."""
        if habits.next_seconds is not None and position.made and now - position.made > habits.next_seconds:
            raise _dead(habits.dead_as)
        if habits.next_dies and position.page == 2:
            self._died[position.result.type] += 1
            if habits.next_dies < 0 or self._died[position.result.type] <= habits.next_dies:
                raise _dead(habits.dead_as)


def _dead(way: str) -> OutcomeError:
    text = "This link to a further page is not known any more; search again."
    if way == "404":
        return OutcomeError(404, "not-found", text)
    if way == "4113":
        return OutcomeError(400, "expired", text, own="4113")
    return OutcomeError(410, "expired", text)
