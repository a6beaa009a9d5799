"""What comes in: Search, Received, Problem, Page, Change. `Resource` and `Bundle` stay plain JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Resource = dict[str, Any]
Bundle = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Search:
    """One search to ask: a type, its parameters, and why we ask."""

    type: str
    """A resource type, or a path such as `Patient/1/$everything`."""
    params: tuple[tuple[str, str], ...] = ()
    reason: str = ""
    filter: str = ""
    """What tells it apart from other searches of its type, `category=laboratory`: the key of its watermark."""
    since: str | None = None
    """An instant: only what changed since then is asked for (`params` say so to the server). None: everything."""


@dataclass(frozen=True, slots=True)
class Received:
    """One resource as it came: its exact bytes, and the two words that address it."""

    type: str
    id: str
    raw: bytes = field(repr=False)
    last_updated: str | None = field(default=None, repr=False)
    """`meta.lastUpdated` as the server wrote it: when it changed there, if that is to be believed."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that was skipped: what, why, and its bytes if there were any. Never a clinical word."""

    type: str
    reason: str
    id: str | None = None
    http_status: int | None = None
    known: bool = False
    """Named, but no reason for a run to be `partial`: a server is known to refuse this, or it is a remark."""
    raw: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a searchset: what came, what could not be read, what the server remarked, what is next."""

    received: tuple[Received, ...]
    problems: tuple[Problem, ...] = ()
    next_url: str | None = None
    total: int | None = None
    bytes: int = 0
    restarted: bool = False
    """The search begins anew with this page: the server had forgotten where we were."""
    flawed: str | None = None
    """Why what this search did not bring says nothing: a shortfall, a loop, a broken entry. None: no reason."""
    no_count: bool = False
    """The server does not take `_count` for this search; it was asked without."""
    moved_to: str | None = None
    """`Type/id`: a read of one resource was answered with another, as after a merge of two patients."""


class Change(StrEnum):
    """What saving one resource did."""

    NEW = "new"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    GONE = "gone"
