"""A whole sync over loopback, beside its two halves, and how much memory it takes: `python -m benchmarks.sync [N [M]]`.

D is only downloading the pages, at the same concurrency, through the same HTTP library and nothing else; I is only
storing them. The claim: a sync takes at most 1.2 × the larger + 0.3 × the smaller of both. Memory is that of a process of
its own, for a tenth of M and for M resources.
"""

from __future__ import annotations

import pickle
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from itertools import count
from pathlib import Path

from benchmarks.pages import BASE, Served, addresses, of_pattern, of_resources
from benchmarks.world import KEY, World, say, timed
from phr.fhir.client import FhirClient
from phr.model import Connection, Received, Search, SyncRun, Vendor
from phr.store.store import Store

WORKERS = 4
PAGE = 200
MEMORY = 1_000_000
SERIAL = count()


def run(world: World) -> None:
    """Both claims, on the made-up record and on a pattern."""
    speed(world)
    memory(min(MEMORY, world.count * 10))


def speed(world: World) -> None:
    """D, I and the sync, on the same pages."""
    served = of_resources(world.pages, PAGE)
    with _serving(world.folder, served) as base:
        pages = _cut(served, base)
        total = sum(len(page) for page in pages)
        downloading = timed(lambda: _download(served, base), 2)
        cutting = timed(lambda: _search(served, base), 2)
        keeping = timed(lambda: _keep(world.folder, pages))
        import_module("sqlmodel")  # half a second once in each process, whatever is synced
        runs: list[SyncRun] = []
        syncing = timed(lambda: runs.append(_sync(world.folder, base)))
    large, small = max(downloading, keeping), min(downloading, keeping)
    allowed = 1.2 * large + 0.3 * small
    stored = sum(counts.new for counts in runs[0].types.values())
    say(
        f"loopback sync of {total:,} resources",
        f"{syncing / allowed:.2f}",
        "of 1.2 max(D, I) + 0.3 min(D, I)",
    )
    detail = f"D {downloading:.1f} s, I {keeping:.1f} s, sync {syncing:.1f} s; {stored:,} new"
    say("", f"{syncing / large:.2f}", f"of the slower half; {detail}")
    say("", f"{cutting:.1f} s", "downloading and cutting into resources, nothing kept")


def memory(most: int) -> None:
    """The largest resident size of a sync of a tenth, and of all of it."""
    sizes = []
    for number in (most // 10, most):
        line = [sys.executable, "-m", "benchmarks.sync", "--memory", str(number)]
        done = subprocess.run(line, check=True, capture_output=True, text=True)
        stored, kilobytes = (int(word) for word in done.stdout.split())
        sizes.append(kilobytes)
        say(f"peak memory of a sync of {stored:,}", f"{kilobytes / 1024:.0f} MB", "")
    say("", f"{sizes[1] / sizes[0]:.2f}", "of the memory for a tenth of it")


def _one_in_its_own_process(number: int) -> None:
    with tempfile.TemporaryDirectory(prefix="phr-bench-") as name:
        folder = Path(name)
        with _serving(folder, of_pattern(number, PAGE)) as base:
            done = _sync(folder, base)
    print(sum(counts.new for counts in done.types.values()), _peak())


def _peak() -> int:
    """The largest resident size so far in kilobytes. Linux hands `ru_maxrss` on from the process that began this one."""
    status = Path("/proc/self/status")
    if status.exists():
        return next(
            int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM")
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 1024 if sys.platform == "darwin" else peak


@contextmanager
def _serving(folder: Path, served: Served) -> Iterator[str]:
    path = folder / f"pages-{next(SERIAL)}"
    path.write_bytes(pickle.dumps(served))
    line = [sys.executable, "-m", "benchmarks.pages", str(path)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield BASE.format(port=int(server.stdout.readline()))
        finally:
            server.terminate()
            path.unlink()


def _download(served: Served, base: str) -> int:
    """Nothing but the bytes, each search in its own order."""
    import httpx

    with httpx.Client() as client, ThreadPoolExecutor(WORKERS) as pool:
        return sum(
            pool.map(lambda urls: sum(len(client.get(url).content) for url in urls), addresses(served, base))
        )


def _search(served: Served, base: str) -> int:
    """As a sync asks: each page cut into its resources."""
    with FhirClient(base) as client, ThreadPoolExecutor(WORKERS) as pool:
        return sum(
            pool.map(
                lambda type_: sum(len(page.received) for page in client.search(Search(type_))), served.types
            )
        )


def _cut(served: Served, base: str) -> list[tuple[Received, ...]]:
    with FhirClient(base) as client:
        return [page.received for type_ in served.types for page in client.search(Search(type_))]


def _keep(folder: Path, pages: list[tuple[Received, ...]]) -> None:
    with Store(folder / f"keep-{next(SERIAL)}.db", KEY, create=True) as store:
        key = store.sources.ensure("benchmark").key
        for page in pages:
            store.save(key, page)


def _sync(folder: Path, base: str) -> SyncRun:
    """What `phr sync` does with one connection, without a person around it."""
    from phr.sync.pull import Wish, pull
    from phr.workspace.shift import switching

    vendor = Vendor("benchmark", "Benchmark", everything=False)
    connection = Connection("k", "benchmark", "custom", "benchmark", "benchmark", base, "", "p", auth="none")
    wish = Wish(workers=WORKERS, page_size=PAGE, documents=False)
    with Store(folder / f"sync-{next(SERIAL)}.db", KEY, create=True) as store, FhirClient(base) as client:
        store.connections.save(connection)
        with switching():
            return pull(client, store, connection, vendor, wish)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--memory"]:
        _one_in_its_own_process(int(sys.argv[2]))
    else:
        with tempfile.TemporaryDirectory(prefix="phr-bench-") as name:
            speed(World.make(Path(name), int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
        memory(int(sys.argv[2]) if len(sys.argv) > 2 else MEMORY)
