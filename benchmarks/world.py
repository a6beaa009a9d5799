"""The made-up record that every benchmark reads, and how figures are printed."""

from __future__ import annotations

import gc
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from phr.model import Received
from phr.sandbox.synthetic import family

PAGE = 1000
KEY = bytes(range(32))


@dataclass
class World:
    """A folder to work in, and the bytes of every resource in pages of PAGE."""

    folder: Path
    pages: list[list[Received]]

    @classmethod
    def make(cls, folder: Path, count: int) -> World:
        resources = itertools.islice(_without_end(), count)
        received = (Received(r["resourceType"], r["id"], orjson.dumps(r)) for r in resources)
        pages = list(_pages(received))
        gc.freeze()  # the pages are the benchmark's own burden: collecting garbage must not walk them each time
        return cls(folder, pages)

    @property
    def count(self) -> int:
        return sum(len(page) for page in self.pages)

    @property
    def records(self) -> Path:
        """The store that the ingest benchmark leaves behind, where `phr` looks for it."""
        return self.folder / "home" / "data" / "default" / "records.db"


def _without_end() -> Iterator[dict[str, object]]:
    """The family's record, large enough for any count; patients and practices come first."""
    return iter(family(scale=2000))


def _pages(received: Iterator[Received]) -> Iterator[list[Received]]:
    while page := list(itertools.islice(received, PAGE)):
        yield page


def timed(work: Callable[[], object], repeat: int = 1) -> float:
    """The best of some runs, in seconds."""
    best = float("inf")
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def say(claim: str, ratio: str, detail: str) -> None:
    """One line: the claim, the ratio that counts, and the figures behind it."""
    print(f"{claim:<46} {ratio:>9}   {detail}", flush=True)
