"""What a table is: columns with a type and a meaning, each read from a fact of the record.

A number keeps the digits of its source: it is given as text where these are known (`1.20`), and whoever wants a number
makes one of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from phr.fhir import read
from phr.views.events import Event

Cell = str | int | float | bool | None
TYPES = ("text", "number", "date", "time", "boolean")
"""`date` is a whole day, `time` a time of the day on the clock of the place."""


@dataclass(frozen=True, slots=True)
class Said:
    """One resource that says a record, as it may be handed on."""

    source: str
    address: str
    """`Type/id`."""
    raw: bytes = field(repr=False)


@dataclass
class Fact:
    """One record, and what says it: its own resource first, then those of other sources."""

    event: Event = field(repr=False)
    said: tuple[Said, ...] = field(default=(), repr=False)

    @cached_property
    def resource(self) -> dict[str, Any]:
        """The resource that the record is read from; empty where it is not at hand, or is no JSON."""
        return parsed(self.said[0].raw) if self.said else {}


def parsed(raw: bytes) -> dict[str, Any]:
    """A resource with the digits of its numbers; empty for what is none."""
    try:
        found = read.parse_as_written(raw)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


@dataclass(frozen=True, slots=True)
class Column:
    """One column. Without `sql` it is read from the resource (and the value and unit of the record) alone."""

    name: str
    type: str
    meaning: str
    read: Callable[[Fact], Cell] = field(repr=False)
    sql: str | None = field(default=None, repr=False)
    """The same of a row of the table `record`."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table. `kind` where its rows are the records of one kind."""

    name: str
    meaning: str
    columns: tuple[Column, ...] = field(repr=False)
    kind: str | None = None
    keys: tuple[str, ...] = ()
    """Columns that people look things up by."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its columns."""
        return tuple(one.name for one in self.columns)

    def row(self, fact: Fact) -> list[Cell]:
        """A record as one row."""
        return [one.read(fact) for one in self.columns]
