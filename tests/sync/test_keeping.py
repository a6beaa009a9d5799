"""Pages that wait for the writer: not too many, not too large, and none once the run is written down."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from phr.errors import Stopped
from phr.model import Page, Received, Search
from phr.store.store import Store
from phr.sync import keeping
from phr.sync.desk import Desk
from phr.sync.keeping import Keeper, Task
from phr.sync.tally import Tally

from .ward import Record


def keeper(store: Store, desk: Desk, stopping: threading.Event) -> Keeper:
    return Keeper(desk, store.connections.get("clinic"), Tally(), stopping, lambda _type, _came: None)


def page(size: int = 0) -> Page:
    return Page((Received("Goal", "g", b'{"resourceType":"Goal","id":"g"}'),), bytes=size)


def test_large_pages_wait_one_by_one(tmp_path: Path) -> None:
    with Record(tmp_path / "records.db").open() as store:
        stopping = threading.Event()
        stopping.set()
        one, handed, refused = keeper(store, Desk(store), stopping), [], []

        def fetch() -> None:
            try:
                for n in range(3):
                    one.hand_in(Task(Search("Goal")), page(keeping.BACKLOG_BYTES), 0.0)
                    handed.append(n)
            except Stopped:
                refused.append(True)

        thread = threading.Thread(target=fetch)
        thread.start()
        thread.join(10)
        assert (handed, refused) == ([0], [True])


def test_a_page_that_comes_after_the_run_was_written_down_is_refused(tmp_path: Path) -> None:
    with Record(tmp_path / "records.db").open() as store:
        desk = Desk(store)
        one, task = keeper(store, desk, threading.Event()), Task(Search("Goal"))
        one.closed = True
        thread = threading.Thread(target=lambda: one.hand_in(task, page(), 0.0))
        thread.start()
        thread.join(10)
        done: list[bool] = []
        desk.hand(lambda _: done.append(True))
        desk.serve(until=lambda: bool(done))
        assert isinstance(task.trouble, Stopped)
        assert not store.db.execute("SELECT 1 FROM resource").fetchall()


@pytest.mark.parametrize("size", [1, keeping.BACKLOG_BYTES * 2])
def test_a_page_that_waits_alone_is_taken_however_large(tmp_path: Path, size: int) -> None:
    with Record(tmp_path / "records.db").open() as store:
        desk, done = Desk(store), list[bool]()
        keeper(store, desk, threading.Event()).hand_in(Task(Search("Goal")), page(size), 0.0)
        desk.hand(lambda _: done.append(True))
        desk.serve(until=lambda: bool(done))
        assert store.db.execute("SELECT fhir_id FROM resource").fetchall() == [("g",)]
