"""The one writer: what is handed in is done in its order, and who waits gets an answer or an end."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from phr.errors import Stopped
from phr.store.store import Store
from phr.sync.desk import Desk


def elsewhere(work: Any) -> list[Any]:
    """Run `work` in another thread; its answer or what it raised ends up in the list."""
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(work())
        except BaseException as error:  # noqa: BLE001
            found.append(error)

    threading.Thread(target=run, daemon=True).start()
    return found


def test_work_from_elsewhere_is_done_in_order_by_the_owner(store: Store) -> None:
    desk, order = Desk(store), []
    owner = threading.get_ident()

    def note(word: str) -> str:
        assert threading.get_ident() == owner
        order.append(word)
        return word

    def run() -> str:
        desk.hand(lambda _: note("first"))
        desk.hand(lambda _: note("second"))
        return desk.do(lambda _: note("third"))

    found = elsewhere(run)
    desk.serve(until=lambda: bool(found), tick=0.01)
    assert order == ["first", "second", "third"] and found == ["third"]


def test_what_goes_wrong_is_raised_where_it_was_handed_in(store: Store) -> None:
    desk = Desk(store)
    found = elsewhere(lambda: desk.do(lambda _: 1 // 0))
    desk.serve(until=lambda: bool(found), tick=0.01)
    assert isinstance(found[0], ZeroDivisionError)


def test_an_interruption_of_the_owner_goes_on_there_and_stops_the_other(store: Store) -> None:
    desk = Desk(store)

    def interrupted(_: Store) -> None:
        raise KeyboardInterrupt

    found = elsewhere(lambda: desk.do(interrupted))
    with pytest.raises(KeyboardInterrupt):
        desk.serve(until=lambda: False)
    desk.close()
    while not found:
        pass
    assert isinstance(found[0], Stopped)


def test_after_closing_nobody_waits(store: Store) -> None:
    desk = Desk(store)
    waiting = elsewhere(lambda: desk.do(lambda _: 1))
    while not desk._waiting.qsize():
        pass
    desk.close()
    while not waiting:
        pass
    assert isinstance(waiting[0], Stopped)
    late = elsewhere(lambda: desk.do(lambda _: 1))
    while not late:
        pass
    assert isinstance(late[0], Stopped)
    assert desk.do(lambda here: here is store), "the owner may still write"
