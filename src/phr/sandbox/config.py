"""What a sandbox is started with, checked before anything listens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from phr.errors import UsageError
from phr.sandbox.clients import RegisteredClient, registered
from phr.sandbox.habits import VendorHabits
from phr.sandbox.record_habits import wrong
from phr.sandbox.vendors import REGISTERED_REDIRECTS, VENDORS, canonical

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

TOKEN_FAULTS = (
    "empty-400",
    "null-grant",
    "429",
    "500",
    "503",
    "html",
    "reset",
    "lost",
    "invalid_grant",
    "invalid_client",
    "unauthorized_client",
    "invalid_scope",
)
"""Troubles of the token endpoint, each once. `lost`: everything is done, but the answer never arrives."""

LIES = ("state", "iss", "nonce", "audience", "signature", "scope", "no-patient", "token-type")
"""Ways to be a wrong authorization server, for the tests of a client that must notice."""

CONFIDENTIAL_ID = "phr-sandbox-confidential"
CONFIDENTIAL_SECRET = "phr-sandbox-secret"  # noqa: S105 - printed in the manual; guards synthetic people
KEY_ID = "phr-sandbox-key"
"""The client that `jwks` registers, for private_key_jwt and for backend services."""


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
    fhir_user: str | None = None
    """`Type/id` of who signs in, if not the patient: `RelatedPerson/…` or another Patient (proxy access)."""
    scale: int = 1
    seed: int = 1
    faults: tuple[str, ...] = ()
    token_faults: tuple[str, ...] = ()
    """What the token endpoint does wrong, one after the other, see `TOKEN_FAULTS`."""
    lies: tuple[str, ...] = ()
    """What the sign-in says wrongly, see `LIES`; unlike faults these stay."""
    authorize_error: str | None = None
    """Every authorization request goes back with this error."""
    auto_approve: bool = False
    vendor: str | None = None
    token_seconds: int | None = None
    """Life of an access token; None: an hour, or what the vendor is known to give."""
    client_id: str = "phr-sandbox"
    page_size: int | None = None
    """Entries on a page when the client does not say `_count`; None: 50, or the vendor's habit."""
    clients: Mapping[str, RegisteredClient | str | None] = field(default_factory=dict, repr=False)
    """More registered clients: id to a RegisteredClient, to a secret, or to None for a public one."""
    jwks: Mapping[str, Any] | None = None
    """Public keys of the client `KEY_ID`."""
    redirect_uris: tuple[str, ...] = ()
    """Redirect addresses registered beside the usual ones."""
    control: bool = False
    """Other processes may change the hospital by POST to `/_control/…` (see `control.py`)."""

    # One habit of the vendor changed; None leaves it. `VendorHabits` says what each means.
    answer_by: str | None = None
    aud_exact: bool | None = None
    discovery: str | None = None
    drop_scopes: tuple[str, ...] | None = None
    dynamic_registration: bool | None = None
    """False: the organisation does not offer registration (404); True: it does, openly where nothing else is known."""
    expires_in_as: str | None = None
    pkce: str | None = None
    refresh_ends_seconds: int | None = None
    refresh_end_as: str | None = None
    scope_answer: str | None = None
    scope_version: str | None = None
    token_in_query: str | None = None
    change: Mapping[str, Any] = field(default_factory=dict)
    """Any other habit by its name in VendorHabits: `{"rotation": "never"}`."""

    @property
    def vendor_id(self) -> str | None:
        """The vendor that is imitated, by its usual id. Raises UsageError for an unknown one."""
        return None if self.vendor is None else canonical(self.vendor)

    @property
    def habits(self) -> VendorHabits:
        """The habits of the vendor that is imitated, changed as told. Raises UsageError for an unknown one."""
        habits = VENDORS[self.vendor_id or "sandbox"]
        changed = {name: getattr(self, name) for name in _CHANGEABLE if getattr(self, name) is not None}
        if self.dynamic_registration is not None:
            offered = habits.registration if habits.registration != "none" else "open"
            changed["registration"] = offered if self.dynamic_registration else "none"
        return replace(habits, **changed, **self.change)

    @property
    def all_redirect_uris(self) -> tuple[str, ...]:
        """The registered redirect addresses. A rule that looks at no list knows only those given here."""
        listed = self.habits.redirects in ("registered", "registered-https")
        return (*(REGISTERED_REDIRECTS if listed else ()), *self.redirect_uris)

    @property
    def known_clients(self) -> dict[str, RegisteredClient]:
        """The registered apps, as far as the configuration knows."""
        own = (
            RegisteredClient() if self.habits.public_client else RegisteredClient(secret=CONFIDENTIAL_SECRET)
        )
        known = {self.client_id: own, CONFIDENTIAL_ID: RegisteredClient(secret=CONFIDENTIAL_SECRET)}
        if self.jwks is not None:
            known[KEY_ID] = RegisteredClient(jwks=self.jwks)
        return known | {name: registered(value) for name, value in self.clients.items()}

    def check(self) -> None:
        """Raise UsageError for a fault, vendor, port or number that makes no sense."""
        _check_names("fault", self.faults, FAULTS)
        _check_names("token fault", self.token_faults, TOKEN_FAULTS)
        if not set(self.lies) <= set(LIES):
            raise UsageError("The sandbox does not know this lie.", hint="Lies are: " + ", ".join(LIES))
        if not 0 <= self.port <= 65535:
            raise UsageError("A port is a number from 0 to 65535.", hint="Leave --port out for a free one.")
        if self.scale < 1:
            raise UsageError("The scale is a whole number from 1.", hint="Try --scale 1.")
        if self.token_seconds is not None and self.token_seconds < 1:
            raise UsageError("A token lives for a second or longer.", hint="Try --token-seconds 300.")
        if self.jwks is not None:
            _check_keys(self.jwks)
        if slips := wrong(self.habits):
            raise UsageError(
                "These habits have no such value: " + ", ".join(slips) + ".",
                hint="Look into record_habits.py for the words that they know.",
            )


_CHANGEABLE = {f.name for f in fields(VendorHabits)} & {f.name for f in fields(SandboxConfig)} - {"page_size"}


def _check_keys(jwks: Mapping[str, Any]) -> None:
    from phr.sandbox.assertions import public_keys  # heavy, and not needed to complete a word

    wrong = public_keys(jwks)
    if wrong:
        raise UsageError(f"These public keys cannot be used: {wrong}.", hint="See phr keys show --json.")


def _check_names(kind: str, given: tuple[str, ...], known: tuple[str, ...]) -> None:
    unknown = [name for name in given if name not in known]
    if unknown:
        raise UsageError(
            f"The sandbox does not know the {kind} " + ", ".join(unknown) + ".",
            hint=f"{kind.capitalize()}s are: " + ", ".join(known),
        )
