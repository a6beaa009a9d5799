"""The pretend hospital: everything that a request may need, opened once when the sandbox starts."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from phr.errors import UsageError
from phr.sandbox.assertions import Assertions
from phr.sandbox.authorize import Transactions
from phr.sandbox.client_auth import ClientAuthentication
from phr.sandbox.clients import Clients
from phr.sandbox.config import SandboxConfig
from phr.sandbox.cursors import Cursors
from phr.sandbox.exports import Exports
from phr.sandbox.faults import Faults
from phr.sandbox.grants import Access, Grant
from phr.sandbox.habits import VendorHabits
from phr.sandbox.identity import Signer
from phr.sandbox.ledger import Ledger
from phr.sandbox.load import Loader
from phr.sandbox.minting import Mint
from phr.sandbox.oauth import AuthorizationServer
from phr.sandbox.references import resolve
from phr.sandbox.registration import DynamicClients
from phr.sandbox.resources import ResourceStore, Stored
from phr.sandbox.serving import Serving, elsewhere
from phr.sandbox.token_faults import TokenFaults

if TYPE_CHECKING:
    from starlette.requests import Request

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Hospital:
    """The parts of one sandbox."""

    config: SandboxConfig
    base: str
    """FHIR base URL without a trailing slash; also what `aud` must be."""
    habits: VendorHabits
    clock: Callable[[], float]
    store: ResourceStore
    clients: Clients
    authorization: AuthorizationServer
    assertions: Assertions
    authentication: ClientAuthentication
    dynamic: DynamicClients
    transactions: Transactions
    faults: Faults
    token_faults: TokenFaults
    cursors: Cursors
    signer: Signer
    ledger: Ledger = field(default_factory=Ledger)
    exports: Exports = field(default_factory=Exports)
    met: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often something happened that a habit counts: (what, whose)."""
    serving: Serving = field(init=False)
    page_key: str = field(repr=False, default_factory=lambda: secrets.token_urlsafe(24))
    """Shows that a form was on a page of ours."""
    anyone: Access = field(
        default_factory=lambda: Access(Grant("", None, ("system/*.rs",)), ("system/*.rs",), float("inf"))
    )
    """What a request without a token may see at an open server."""

    def __post_init__(self) -> None:
        self.serving = Serving(self.base, self.store, self.clock, self.signature)

    def raw(self, stored: Stored) -> bytes:
        """A resource's bytes as they go out."""
        return self.serving.raw(stored, self.habits)

    def signature(self, path: str) -> str:
        """What makes an address good without a bearer."""
        return hmac.new(self.page_key.encode(), path.encode(), hashlib.sha256).hexdigest()[:32]

    def nth(self, what: str, whose: str) -> int:
        """Count one more of something; answers how many there were."""
        self.met[(what, whose)] += 1
        return self.met[(what, whose)]

    @property
    def elsewhere(self) -> str:
        """This server under its other name."""
        return elsewhere(self.origin)

    @property
    def origin(self) -> str:
        return self.base.removesuffix("/fhir")

    @property
    def issuer(self) -> str:
        return self._written(self.habits.issuer)

    @property
    def id_token_issuer(self) -> str:
        return self._written(self.habits.id_token_issuer or self.habits.issuer)

    @property
    def types(self) -> list[str]:
        """The types that this server serves and has something of."""
        return [name for name in self.store.types() if not self.habits.types or name in self.habits.types]

    def endpoint(self, name: str) -> str:
        """The address of an endpoint."""
        query = self._written(self.habits.authorize_query) if name == "authorize" else ""
        return self.origin + self.habits.path(name) + (f"?{query}" if query else "")

    def error_page(self, error: str) -> str:
        """Where to read about an error."""
        return f"{self.origin}/errors/{error}"

    def _written(self, text: str) -> str:
        return text.replace("{base}", self.base).replace("{origin}", self.origin)

    @property
    def patients(self) -> list[Stored]:
        return self.store.of("Patient")

    @property
    def main_patient(self) -> str:
        """Who signs in when nobody chooses."""
        return self.config.patient or self.patients[0].id


def hospital_of(request: Request) -> Hospital:
    """The hospital that a request has come to."""
    return cast(Hospital, request.app.state.hospital)


def bearer(request: Request) -> str | None:
    """The access token of a request (RFC 6750, section 2.1)."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def open_hospital(config: SandboxConfig, base: str, clock: Callable[[], float] = time.time) -> Hospital:
    """Load the data and set up sign-in. Raises UsageError for settings or files that make no sense."""
    config.check()
    habits = config.habits
    store = _filled(config, clock)
    _check_patient(config, store)
    clients = Clients(config.known_clients, any_client=habits.any_client)
    signer, origin = Signer(), base.removesuffix("/fhir")
    issuer = habits.issuer.replace("{base}", base).replace("{origin}", origin)
    authorization = AuthorizationServer(clients, clock, habits, Mint(signer, habits, issuer, base))
    assertions = Assertions((origin + habits.path("token"), issuer), habits.signing_algorithms, clock)
    return Hospital(
        config=config,
        base=base,
        habits=habits,
        clock=clock,
        store=store,
        clients=clients,
        authorization=authorization,
        assertions=assertions,
        authentication=ClientAuthentication(clients, habits, assertions),
        dynamic=DynamicClients(clients, authorization, habits, config.all_redirect_uris),
        transactions=Transactions(clock),
        faults=Faults(config.faults),
        token_faults=TokenFaults(config.token_faults),
        cursors=Cursors(),
        signer=signer,
    )


def _filled(config: SandboxConfig, clock: Callable[[], float]) -> ResourceStore:
    loader = Loader()
    if config.resources is not None:
        loader.add_resources(config.resources)
    elif config.data:
        for path in config.data:
            loader.add_file(path)
    else:
        from phr.sandbox.synthetic import family

        loader.add_resources(family(seed=config.seed, scale=config.scale))
    resolved = resolve(loader.drafts)
    store = ResourceStore(clock)
    store.load(resolved.drafts)
    log.info("%d resources, %d entries skipped", store.count(), loader.skipped)
    return store


def _check_patient(config: SandboxConfig, store: ResourceStore) -> None:
    if not store.of("Patient"):
        raise UsageError("There is no Patient in the data.", hint="Give a file with a Patient resource too.")
    if config.patient is not None and store.get("Patient", config.patient) is None:
        raise UsageError(
            f"There is no Patient with the id {config.patient} in the data.",
            hint="Leave --patient out to take the first one.",
        )
