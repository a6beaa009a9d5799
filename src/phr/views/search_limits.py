"""Within which bounds a search looks, and what it has found within them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

WINDOW = 20_000
"""So many records of a time or kind are compared with the full text by their numbers, without being read."""


class Limits(NamedTuple):
    """What every hit has to be: an SQL condition on `record`, and words it must not hold."""

    condition: str = "record.supporting = 0"
    values: tuple[object, ...] = ()
    without: str = ""
    """FTS5 expression."""
    plain: bool = True
    """Whether the condition asks for nothing that the full-text index does not know already."""
    window: tuple[int, ...] | None = None
    """The only records that can fit, newest first, where these are few enough to be listed."""
    exact: bool = False
    """Whether all of the window fits."""


class Found:
    """Row numbers with the concepts that each is known to hold (a bit for each)."""

    __slots__ = ("cut", "held", "least", "total")

    def __init__(self) -> None:
        self.held: dict[int, int] = {}
        self.cut = False
        """Whether a question had more answers than were taken."""
        self.total = 0
        self.least = False

    def note(self, ids: Sequence[int], bits: int) -> None:
        for id_ in ids:
            self.held[id_] = self.held.get(id_, 0) | bits
