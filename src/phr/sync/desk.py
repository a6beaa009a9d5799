"""The one writer: many threads fetch, one keeps.

A Store belongs to the thread that opened it. Whoever else has something to keep or to look up hands the work
in here; the owner does one piece after the other, each in its own transaction. Who needs the answer waits for
it (`do`), who has more to fetch does not (`hand`).
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import Any, TypeVar

from phr.errors import Stopped
from phr.store.store import Store

T = TypeVar("T")


class Desk:
    """A store that several threads may use. Made by the thread that owns the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._owner = threading.get_ident()
        self._waiting: queue.SimpleQueue[tuple[Future[Any], Callable[[Store], Any]] | None] = (
            queue.SimpleQueue()
        )
        self._closed = False

    def do(self, work: Callable[[Store], T]) -> T:
        """Have `work` done with the store; answers what it answers, raises what it raises.

        On the owner's own thread it is done at once. Raises Stopped after `close`.
        """
        if threading.get_ident() == self._owner:
            return work(self._store)
        try:
            return self.hand(work).result()
        except CancelledError:
            raise Stopped from None

    def hand(self, work: Callable[[Store], T]) -> Future[T]:
        """Have `work` done after all that was handed in before, and do not wait for it. Raises Stopped after `close`."""
        result: Future[T] = Future()
        if self._closed:
            raise Stopped
        self._waiting.put((result, work))
        if self._closed:  # closed in between: nobody may come any more
            self._empty()
        return result

    def serve(self, *, until: Callable[[], bool], tick: float = 0.2) -> None:
        """Do what is handed in until `until` says so; it is asked after each piece and every `tick` seconds."""
        while not until():
            try:
                handed = self._waiting.get(timeout=tick)
            except queue.Empty:
                continue
            if handed is not None:
                self._work(*handed)

    def wake(self) -> None:
        """Let `serve` ask at once whether it is done; from any thread."""
        self._waiting.put(None)

    def close(self) -> None:
        """Take nothing more; who still waits is told by Stopped."""
        self._closed = True
        self._empty()

    def _empty(self) -> None:
        while True:
            try:
                handed = self._waiting.get_nowait()
            except queue.Empty:
                return
            if handed is not None:
                handed[0].cancel()

    def _work(self, result: Future[Any], work: Callable[[Store], Any]) -> None:
        if not result.set_running_or_notify_cancel():
            return
        try:
            answer = work(self._store)
        except Exception as error:  # noqa: BLE001 - crosses to the thread that handed it in
            result.set_exception(error)
        except BaseException as error:
            result.set_exception(Stopped())
            raise error
        else:
            result.set_result(answer)
