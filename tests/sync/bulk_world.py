"""What tests of exports stand on: a server, a store, and time that passes only when somebody waits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from phr.errors import NotAuthorized
from phr.fhir.client import FhirClient
from phr.model import Connection, Vendor
from phr.store.store import Store
from phr.sync.bulk import BulkDone, pull_bulk
from phr.sync.desk import Desk
from phr.sync.tally import Tally
from phr.sync.wish import Progress

from .bulk_server import BulkServer, of, resource, running

VENDOR = Vendor(id="custom", name="Custom")
TOKEN = "the-secret-bearer-0123456789"


class Tokens:
    def bearer(self) -> str:
        return TOKEN

    def renew(self, rejected: str) -> str:
        raise NotAuthorized("no other token", http_status=401)


@dataclass
class World:
    """A server, a store, a client, and time that passes only when somebody waits."""

    server: BulkServer
    store: Store
    client: FhirClient
    source: str
    now: float = 1_790_000_000.0
    waited: list[float] = field(default_factory=list)
    seen: list[Progress] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)
    desk: Desk | None = None
    tally: Tally = field(default_factory=Tally)
    on_sleep: Callable[[], None] = lambda: None

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.waited.append(seconds)
        self.on_sleep()

    @property
    def connection(self) -> Connection:
        return Connection(self.source, "clinic", "custom", "custom", "Clinic", self.server.base, "client")

    def pull(self, level: str = "patient", patients: tuple[str, ...] = ("me",), **more: Any) -> BulkDone:
        self.tally = Tally()
        wish: dict[str, Any] = {"since": None, "types": (), "workers": 2, **more}
        return pull_bulk(
            self.client,
            self.desk or Desk(self.store),
            self.connection,
            VENDOR,
            level,
            patient_ids=frozenset(patients),
            tally=self.tally,
            progress=self.seen.append,
            stopping=self.stopping,
            clock=lambda: self.now,
            sleep=self.sleep,
            **wish,
        )

    @property
    def kept(self) -> set[str]:
        rows = self.store.db.execute("SELECT type || '/' || fhir_id FROM resource WHERE state = 'current'")
        return {row[0] for row in rows}

    @property
    def words(self) -> list[str]:
        return [one.reason for one in self.tally.skipped]

    @property
    def state(self) -> list[str]:
        return [row[0] for row in self.store.db.execute("SELECT state FROM bulk_export ORDER BY id")]


@contextmanager
def a_world(store: Store, source: str) -> Iterator[World]:
    with running(BulkServer()) as server:
        store.db.execute("UPDATE source SET fhir_base = ? WHERE key = ?", (server.base, source))
        with FhirClient(server.base, Tokens(), retry_attempts=0, timeout=10) as client:
            yield World(server, store, client, source)


def small(server: BulkServer) -> None:
    server.add("Patient", resource("Patient", "me"))
    server.add("Observation", *(resource("Observation", f"o{n}", **of("me")) for n in range(5)))
