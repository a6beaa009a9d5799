"""The pretend hospital: everything that a request may need, opened once when the sandbox starts."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from phr.errors import UsageError
from phr.sandbox.authorize import Transactions
from phr.sandbox.config import CONFIDENTIAL_ID, CONFIDENTIAL_SECRET, SandboxConfig
from phr.sandbox.faults import Faults
from phr.sandbox.identity import Signer
from phr.sandbox.load import Loader
from phr.sandbox.oauth import AuthorizationServer
from phr.sandbox.pagination import Cursors
from phr.sandbox.references import resolve
from phr.sandbox.resources import ResourceStore, Stored
from phr.sandbox.vendors import VendorHabits

if TYPE_CHECKING:
    from starlette.requests import Request

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Hospital:
    """The parts of one sandbox."""

    config: SandboxConfig
    base: str
    """FHIR base URL without a trailing slash; also the issuer of id_tokens and what `aud` must be."""
    habits: VendorHabits
    clock: Callable[[], float]
    store: ResourceStore
    authorization: AuthorizationServer
    transactions: Transactions
    faults: Faults
    cursors: Cursors
    signer: Signer

    @property
    def origin(self) -> str:
        return self.base.removesuffix("/fhir")

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


def open_hospital(config: SandboxConfig, base: str, clock: Callable[[], float] = time.time) -> Hospital:
    """Load the data and set up sign-in. Raises UsageError for settings or files that make no sense."""
    config.check()
    habits = config.habits
    store = _filled(config, clock)
    _check_patient(config, store)
    clients = {config.client_id: None, CONFIDENTIAL_ID: CONFIDENTIAL_SECRET, **config.clients}
    return Hospital(
        config=config,
        base=base,
        habits=habits,
        clock=clock,
        store=store,
        authorization=AuthorizationServer(
            clients,
            clock,
            token_seconds=config.token_seconds or habits.token_seconds,
            rotates=habits.rotates_refresh,
            refresh_for_public=habits.refresh_for_public,
        ),
        transactions=Transactions(clock),
        faults=Faults(config.faults),
        cursors=Cursors(),
        signer=Signer(),
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
