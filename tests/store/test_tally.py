"""The tally says what counting would say, whatever happened to the records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from phr.model import Received
from phr.store import migrate
from phr.store.store import Store

Make = Callable[..., Received]


def counted(store: Store) -> dict[str, int]:
    """What is there, counted record by record."""
    return dict(
        store.db.execute("SELECT kind, count(*) FROM record WHERE supporting = 0 GROUP BY kind").fetchall()
    )


def told(store: Store) -> dict[str, int]:
    return dict(store.db.execute("SELECT kind, shown FROM tally WHERE shown <> 0").fetchall())


def condition(make: Make, id_: str, **more: Any) -> Received:
    code = {"coding": [{"system": "http://snomed.info/sct", "code": "44054006"}], "text": "Diabetes"}
    return make("Condition", id_, code=code, onsetDateTime="2020-03-04", **more)


def fill(store: Store, source: str, received: Make) -> None:
    store.save(
        source,
        [
            condition(received, "1"),
            received("Practitioner", "p", name=[{"family": "Nobody"}]),
            *(received("Observation", str(n), code={"text": "Test"}, valueString="x") for n in range(5)),
        ],
    )


def test_it_follows_what_comes_changes_and_goes(store: Store, source: str, received: Make) -> None:
    fill(store, source, received)
    assert told(store) == counted(store) != {}
    store.save(
        source, [condition(received, "1", verificationStatus={"coding": [{"code": "entered-in-error"}]})]
    )
    assert "problem" not in told(store)
    store.save(
        source, [received("Observation", "1", category=[{"text": "vital-signs"}], code={"text": "Pulse"})]
    )
    store.gone(source, "Observation", "2")
    assert told(store) == counted(store)


def test_it_follows_what_two_sources_say_alike(store: Store, source: str, received: Make) -> None:
    other = store.sources.ensure("other").key
    fill(store, source, received)
    store.save(other, [condition(received, "elsewhere")])
    assert store.matches.settle() == 1
    assert told(store) == counted(store)
    assert told(store)["problem"] == 1
    store.sources.purge(source)
    store.matches.settle()
    assert told(store) == counted(store) == {"problem": 1}


def test_it_follows_a_rebuild_and_a_purge(store: Store, source: str, received: Make) -> None:
    fill(store, source, received)
    store.rebuild()
    assert told(store) == counted(store) != {}
    store.sources.purge(source)
    assert told(store) == counted(store) == {}


def test_every_change_is_told_even_where_the_number_stays(store: Store, source: str, received: Make) -> None:
    fill(store, source, received)
    before = store.db.execute("SELECT sum(changes) FROM tally").fetchone()[0]
    store.save(source, [condition(received, "1", recordedDate="2021")])
    assert store.db.execute("SELECT sum(changes) FROM tally").fetchone()[0] > before


def test_a_file_of_an_older_phr_is_counted_when_it_is_opened(
    store: Store, source: str, received: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, source, received)
    found = counted(store)
    newest = dict(migrate.migrations())[5]
    for kind, name in store.db.execute(
        "SELECT type, name FROM sqlite_master WHERE name LIKE 'tally%' OR name IN"
        " ('question', 'note', 'bookmark', 'correction', 'recent_search', 'milestone', 'record_abnormal', 'record_measured')"
        " ORDER BY type DESC"
    ).fetchall():
        if not name.startswith("sqlite_"):
            store.db.execute(f"DROP {kind} IF EXISTS {name}")
    assert "tally" in newest
    store.db.execute("PRAGMA user_version = 4")
    migrate.migrate(store.db)
    assert told(store) == found
