"""Ask several searches side by side, and hand their pages to one consumer through a bounded queue.

Threads, because `httpx` is faster that way than in its async form. However large the record, no more than
a few pages are in memory: a worker waits while the queue is full.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from phr.errors import PhrError
from phr.fhir.client import FhirClient
from phr.model import Page, Search

PATIENCE = 0.2
"""Seconds a worker waits for room before it looks whether it is still wanted."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """One page of a search, or its end: `page` is None then, and `error` says whether it ended early."""

    search: Search
    page: Page | None = None
    error: PhrError | None = None


def fetch(
    client: FhirClient, searches: Sequence[Search], *, workers: int, page_size: int | None
) -> Generator[Fetched, None, None]:
    """Pages of all searches as they arrive, each search in its own order, and one end for each of them.

    Closing the iterator stops the workers after the request they are in.
    """
    arrived: queue.Queue[Fetched | BaseException] = queue.Queue(maxsize=workers * 2)
    stopped = threading.Event()

    def put(item: Fetched | BaseException) -> None:
        while not stopped.is_set():
            try:
                arrived.put(item, timeout=PATIENCE)
            except queue.Full:
                continue
            return

    def work(search: Search) -> None:
        try:
            for page in client.search(search, page_size):
                put(Fetched(search, page))
                if stopped.is_set():
                    return
            put(Fetched(search))
        except PhrError as error:
            put(Fetched(search, error=error))
        except BaseException as error:  # noqa: BLE001 - crosses to the consumer's thread
            put(error)

    with ThreadPoolExecutor(max_workers=max(1, workers), thread_name_prefix="phr-fetch") as pool:
        try:
            for search in searches:
                pool.submit(work, search)
            ended = 0
            while ended < len(searches):
                item = arrived.get()
                if isinstance(item, BaseException):
                    raise item
                ended += item.page is None
                yield item
        finally:
            stopped.set()
            pool.shutdown(wait=True, cancel_futures=True)
