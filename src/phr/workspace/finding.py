"""What `phr doctor --network` finds, one step at a time, and whom it looks at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from phr.model import Connection, Vendor

if TYPE_CHECKING:
    from phr.workspace.workspace import Workspace

LIMIT = 15.0
"""Seconds that one step may take: a person is waiting."""
LATER = "Try again later. If it stays so: phr providers show ID, for the provider's own status page."
SOON = 14 * 86_400.0
DAY = "%Y-%m-%d"


@dataclass(frozen=True, slots=True)
class Finding:
    """One step. `mend` says what to do; beside `ok` it is a word of warning."""

    name: str
    ok: bool
    detail: str
    mend: str | None = None


@dataclass(frozen=True, slots=True)
class Probed:
    """What was found about one connection, or one provider that nobody is connected to."""

    name: str
    connected: bool
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """Whom to look at: a connection, or a provider as one would connect to it."""

    workspace: Workspace = field(repr=False)
    name: str
    base: str
    vendor: Vendor
    auth: str
    client_id: str | None
    now: Callable[[], float]
    connection: Connection | None = None
