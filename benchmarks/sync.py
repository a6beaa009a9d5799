"""A whole sync over loopback, beside its two halves: downloading the same pages, and keeping the same pages.

The server runs in a process of its own, so it does not take the interpreter's lock from the client.
"""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import count

from benchmarks.world import KEY, World, say, timed
from phr.fhir.capability import Capability
from phr.fhir.client import FhirClient
from phr.model import Connection, Page, Search, SyncRun
from phr.providers import catalog
from phr.sandbox.config import SandboxConfig
from phr.smart import launch
from phr.smart.address import Redirect
from phr.smart.client import Client
from phr.smart.discovery import discover
from phr.store.store import Store
from phr.sync.plan import plan
from phr.sync.pull import Wish, pull

FAMILY = 380
"""About as many resources as the main person of the family has at scale 1."""
WORKERS = 4
SERIAL = count()


class _Bearer:
    def __init__(self, access_token: str) -> None:
        self._access_token = access_token

    def bearer(self) -> str:
        return self._access_token

    def renew(self, rejected: str) -> str:
        raise AssertionError("the token does not expire in a benchmark")


def run(world: World) -> None:
    """Sync a tenth of the record's size: the sandbox is the slowest part here."""
    scale = max(1, world.count // 10 // FAMILY)
    line = [
        sys.executable,
        "-m",
        "phr",
        "sandbox",
        "--port",
        "0",
        "--auto-approve",
        "--json",
        "--scale",
        str(scale),
    ]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            _measure(world, json.loads(server.stdout.readline())["fhir_base"])
        finally:
            server.terminate()


def _measure(world: World, base: str) -> None:
    bearer, patient = _sign_in(base)
    vendor = catalog.load(None).vendors["sandbox"]
    with FhirClient(base, bearer) as client:
        capability = client.capabilities()
        searches = plan(vendor, capability, ("patient/*.rs",), patient).searches
        pages: list[Page] = []

        def download() -> None:
            pages.clear()
            with ThreadPoolExecutor(WORKERS) as pool:
                for found in pool.map(lambda search: list(client.search(search, 100)), searches):
                    pages.extend(found)

        downloading = timed(download, 2)
        keeping = timed(lambda: _keep(world, pages))
        syncing, run_ = _sync(world, client, base, patient, capability, searches)
    total = sum(len(page.received) for page in pages)
    stored = sum(counts.new for counts in run_.types.values())
    say(
        f"loopback sync of {total:,} resources",
        f"{syncing / downloading:.2f}",
        "of downloading the same pages alone",
    )
    say("", f"{syncing / max(downloading, keeping):.2f}", "of the slower half (download, keep)")
    say("", f"{syncing / (downloading + keeping):.2f}", "of both halves one after the other")
    detail = f"download {downloading:.1f} s, keep {keeping:.1f} s, sync {syncing:.1f} s; {stored:,} new in the sync"
    say("", "", detail)


def _sign_in(base: str) -> tuple[_Bearer, str]:
    import httpx

    def follow(url: str) -> bool:
        return httpx.get(url, follow_redirects=True).status_code == 200

    vendor = catalog.load(None).vendors["sandbox"]
    token = launch.sign_in(
        base,
        discover(base),
        vendor,
        Client(SandboxConfig().client_id),
        scopes=("launch/patient", "patient/*.rs"),
        open_browser=follow,
        announce=lambda _: None,
        redirect_to=Redirect.of(vendor, 0),
    )
    assert token.patient
    return _Bearer(token.access_token), token.patient


def _keep(world: World, pages: list[Page]) -> None:
    with Store(world.folder / f"keep-{next(SERIAL)}.db", KEY, create=True) as store:
        key = store.sources.ensure("benchmark").key
        for page in pages:
            store.save(key, page.received)


def _sync(
    world: World,
    client: FhirClient,
    base: str,
    patient: str,
    capability: Capability | None,
    searches: tuple[Search, ...],
) -> tuple[float, SyncRun]:
    runs: list[SyncRun] = []
    vendor = catalog.load(None).vendors["sandbox"]
    connection = Connection(
        "k",
        "benchmark",
        "sandbox",
        "sandbox",
        "sandbox",
        base,
        "phr-sandbox",
        patient,
        granted_scopes=("patient/*.rs",),
    )
    with Store(world.folder / f"sync-{next(SERIAL)}.db", KEY, create=True) as store:
        store.connections.save(connection)
        wish = Wish(workers=WORKERS, page_size=100, documents=False)
        took = timed(lambda: runs.append(pull(client, store, connection, vendor, wish)))
    return took, runs[0]
