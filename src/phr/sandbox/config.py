"""What a sandbox is started with, checked before anything listens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from phr.errors import UsageError
from phr.sandbox.vendors import VENDORS, VendorHabits

FAULTS = (
    "429",
    "500-once",
    "503",
    "expired-token",
    "page-2",
    "slow",
    "truncated",
    "broken-resource",
    "html-error",
    "reset",
)
"""The names that `--fault` takes."""

LIES = ("state", "iss", "nonce", "audience", "signature", "scope", "no-patient", "token-type")
"""Ways to be a wrong authorization server, for the tests of a client that must notice."""

CONFIDENTIAL_ID = "phr-sandbox-confidential"
CONFIDENTIAL_SECRET = "phr-sandbox-secret"  # noqa: S105 - printed in the manual; guards synthetic people


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    """Everything that `phr sandbox` can be told. `port` 0 takes a free one."""

    port: int = 0
    data: tuple[Path, ...] = ()
    """Files with FHIR Bundles or NDJSON; without any, a synthetic family is served."""
    resources: tuple[Mapping[str, Any] | bytes, ...] | None = None
    """Resources given in memory, for tests; comes before `data`."""
    patient: str | None = None
    """Who signs in under `auto_approve` and is preselected on the page; None: the first Patient."""
    scale: int = 1
    seed: int = 1
    faults: tuple[str, ...] = ()
    lies: tuple[str, ...] = ()
    """What the sign-in says wrongly, see `LIES`; unlike faults these stay."""
    auto_approve: bool = False
    vendor: str | None = None
    token_seconds: int | None = None
    """Life of an access token; None: an hour, or what the vendor is known to give."""
    client_id: str = "phr-sandbox"
    page_size: int | None = None
    """Entries on a page when the client does not say `_count`; None: 50, or the vendor's habit."""
    clients: Mapping[str, str | None] = field(default_factory=dict)
    """More registered clients: id to secret, or to None for a public one."""

    @property
    def habits(self) -> VendorHabits:
        """The habits of the vendor that is imitated. Raises UsageError for an unknown one."""
        if self.vendor is None:
            return VendorHabits()
        if self.vendor not in VENDORS:
            raise UsageError(
                "The sandbox does not know this vendor.", hint="It can imitate: " + ", ".join(sorted(VENDORS))
            )
        return VENDORS[self.vendor]

    def check(self) -> None:
        """Raise UsageError for a fault, vendor, port or number that makes no sense."""
        unknown = [name for name in self.faults if name not in FAULTS]
        if unknown:
            raise UsageError(
                "The sandbox does not know the fault " + ", ".join(unknown) + ".",
                hint="Faults are: " + ", ".join(FAULTS),
            )
        if not set(self.lies) <= set(LIES):
            raise UsageError("The sandbox does not know this lie.", hint="Lies are: " + ", ".join(LIES))
        if not 0 <= self.port <= 65535:
            raise UsageError("A port is a number from 0 to 65535.", hint="Leave --port out for a free one.")
        if self.scale < 1:
            raise UsageError("The scale is a whole number from 1.", hint="Try --scale 1.")
        _ = self.habits
