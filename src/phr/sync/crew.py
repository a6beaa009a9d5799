"""A few threads that ask, and one that hears their answers.

They are daemons and nobody joins them: one that sits in a socket of a server that hangs must hold up neither the end
of a run nor that of the program. However much there is to ask, no more answers are in memory than threads.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable
from typing import TypeVar

from phr.errors import FhirError, Stopped

T = TypeVar("T")
R = TypeVar("R")
PATIENCE = 0.2
"""Seconds a thread waits before it looks whether it is still wanted."""
_NEVER = threading.Event()


def aside(ask: Callable[[], R], stopping: threading.Event = _NEVER) -> R:
    """Ask in another thread, so that the end of the run need not wait for the answer. Raises Stopped then."""
    for _, answer in side_by_side(lambda _: ask(), (None,), 1, stopping):
        if isinstance(answer, FhirError):
            raise answer
        return answer
    raise Stopped("The run was stopped.")


def side_by_side(
    ask: Callable[[T], R], things: Iterable[T], workers: int, stopping: threading.Event = _NEVER
) -> Generator[tuple[T, R | FhirError], None, None]:
    """Ask for each thing on a few threads; a FhirError is an answer too. In the order of the answers.

    Raises Stopped once `stopping` is set, and what else a question raises. Closing it lets the threads go.
    """
    answers: queue.Queue[tuple[T, R | FhirError] | BaseException | None] = queue.Queue(
        maxsize=max(1, workers)
    )
    left, alone, done = iter(things), threading.Lock(), threading.Event()

    def put(item: tuple[T, R | FhirError] | BaseException | None) -> None:
        while not (done.is_set() or stopping.is_set()):
            try:
                answers.put(item, timeout=PATIENCE)
            except queue.Full:
                continue
            return

    def work() -> None:
        try:
            while not (done.is_set() or stopping.is_set()):
                with alone:
                    thing = next(left)
                try:
                    put((thing, ask(thing)))
                except FhirError as error:
                    put((thing, error))
        except StopIteration:
            pass
        except BaseException as error:  # noqa: BLE001 - crosses to the thread that listens
            put(error)
        put(None)

    for _ in range(max(1, workers)):
        threading.Thread(target=work, name="phr-ask", daemon=True).start()
    working = max(1, workers)
    try:
        while working:
            if stopping.is_set():
                raise Stopped("The run was stopped.")
            try:
                item = answers.get(timeout=PATIENCE)
            except queue.Empty:
                continue
            if item is None:
                working -= 1
            elif isinstance(item, BaseException):
                raise item
            else:
                yield item
    finally:
        done.set()
