"""A client for a connection: its sign-in, the settings of the person, what its vendor needs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from phr.errors import ReconnectNeeded
from phr.fhir.client import FhirClient
from phr.fhir.pace import Pace
from phr.model import Connection, Vendor
from phr.workspace import tokens
from phr.workspace.whose import claim_params

if TYPE_CHECKING:
    from phr.workspace.workspace import Workspace


def client_for(
    workspace: Workspace,
    connection: Connection,
    vendor: Vendor,
    *,
    pace: Pace | None = None,
    stopping: threading.Event | None = None,
    retry_attempts: int | None = None,
    renewing: threading.Lock | None = None,
) -> FhirClient:
    """A client with the sign-in of a connection. Raises ReconnectNeeded without one, and what renewing raises.

    `renewing` is held while a token is being renewed; none is once `stopping` is set.
    """
    chosen, held = workspace.settings.sync, renewing or threading.Lock()

    @contextmanager
    def turn() -> Iterator[None]:
        with held:
            if pace is not None:
                pace.take(stopping)  # eClinicalWorks counts these among its 250 a minute
            yield

    source = None if connection.auth == "none" else tokens.session(workspace, connection, turn)
    if source is None and connection.auth != "none":
        raise ReconnectNeeded(connection.name)
    return FhirClient(
        connection.fhir_base,
        source,
        always=claim_params(vendor, source.token if source else None),
        # What a person has set counts more than what the vendor is known to need.
        timeout=chosen.timeout
        if chosen.timeout != type(chosen).timeout
        else vendor.timeout or chosen.timeout,
        retry_attempts=chosen.retry_attempts if retry_attempts is None else retry_attempts,
        retry_delay=chosen.retry_delay,
        pace=pace,
        stopping=stopping,
    )
