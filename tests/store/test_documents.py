"""What the store knows of attachments: their formats, their words, and which of them are due."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from phr.model import Received
from phr.records.document_text import MADE_BY, DocumentText, text_of
from phr.store.documents import Wanted, _is_time
from phr.store.store import Store

Make = Callable[..., Received]
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def letter(make: Make, id_: str, **attachment: object) -> Received:
    return make("DocumentReference", id_, content=[{"attachment": attachment}])


def found(store: Store, word: str) -> list[int]:
    return [row[0] for row in store.db.execute("SELECT rowid FROM record_search(?)", (word,))]


def test_words_of_a_shared_document_find_every_record_that_has_it(
    store: Store, source: str, received: Make
) -> None:
    store.save(source, [letter(received, "1", url="Binary/1"), letter(received, "2", url="Binary/2")])
    for one in store.documents.wanted(source):
        store.documents.keep(one, b"ocelot", None, text_of(b"ocelot"))
    assert store.documents.totals() == (1, 6)
    assert found(store, "ocelot") == [1, 2]
    assert store.documents.without_text(source, MADE_BY) == []


def test_another_reader_reads_everything_again(store: Store, source: str, received: Make) -> None:
    store.save(source, [letter(received, "1", data="b2NlbG90")])
    assert store.documents.without_text(source, "1") == [(1, None, True)]
    store.documents.keep_texts([(1, DocumentText("text/plain", "ocelot", "1"))])
    assert store.documents.without_text(source, "1") == []
    assert store.documents.without_text(source, "2") == [(1, None, False)]
    store.documents.keep_texts([(1, DocumentText("text/plain", "okapi", "2"))])
    assert found(store, "okapi") == [1] and found(store, "ocelot") == []


def test_the_words_of_a_document_survive_a_new_version_of_its_parent(
    store: Store, source: str, received: Make
) -> None:
    store.save(source, [letter(received, "1", url="Binary/1", title="a")])
    (one,) = store.documents.wanted(source)
    store.documents.keep(one, b"ocelot", None, text_of(b"ocelot"))
    store.save(source, [letter(received, "1", url="Binary/1", title="b")])
    assert found(store, "ocelot") == [1]
    store.rebuild()
    assert found(store, "ocelot") == [1]


def test_another_address_begins_anew(store: Store, source: str, received: Make) -> None:
    store.save(source, [letter(received, "1", url="Binary/1")])
    (one,) = store.documents.wanted(source)
    store.documents.not_kept(one, "forbidden: x", again=False, http_status=403)
    assert store.documents.wanted(source) == []
    assert [each.state for each in store.documents.wanted(source, only_failed=True)] == ["refused"]
    store.save(source, [letter(received, "1", url="Binary/2")])
    (one,) = store.documents.wanted(source)
    assert (one.url, one.tries, one.tried, one.state) == ("Binary/2", 0, None, "wanted")


def test_what_its_source_took_back_is_not_asked_for(store: Store, source: str, received: Make) -> None:
    store.save(source, [letter(received, "1", url="Binary/1")])
    store.gone(source, "DocumentReference", "1")
    assert store.documents.wanted(source) == []


@pytest.mark.parametrize(
    ("tries", "hours", "due"),
    [
        (0, 0, True),
        (1, 0, True),
        (4, 0, True),
        (5, 5, False),
        (5, 6, True),
        (6, 23, False),
        (6, 24, True),
        (8, 160, False),
        (8, 168, True),
        (9, 168, True),
        (10, 168, False),
        (10, 720, True),
    ],
)
def test_pauses_grow_with_every_failure(tries: int, hours: int, due: bool) -> None:
    one = Wanted(1, 0, "DocumentReference", "1", None, "Binary/1", tries, "2026-03-01T00:00:00Z")
    assert _is_time(one, NOW + timedelta(hours=hours)) is due


AHEAD = "2030-01-01T00:00:00Z"
BEFORE = "2026-02-01T00:00:00Z"


@pytest.mark.parametrize(
    ("state", "tries", "written", "changed", "due"),
    [
        ("failed", 3, AHEAD, AHEAD, True),
        ("failed", 6, "2026-02-28T23:00:00Z", BEFORE, False),
        ("refused", 1, AHEAD, AHEAD, False),  # both by the wrong clock: nothing has changed since
        ("refused", 1, AHEAD, BEFORE, True),
        ("refused", 1, "2026-02-02T00:00:00Z", BEFORE, False),
        ("stored", 0, AHEAD, AHEAD, False),
        ("stored", 0, AHEAD, "2031-01-01T00:00:00Z", True),
        ("stored", 0, AHEAD, BEFORE, True),
        ("stored", 0, "2026-02-02T00:00:00Z", BEFORE, False),
    ],
)
def test_a_clock_that_was_ahead_silences_no_document(
    store: Store, source: str, received: Make, state: str, tries: int, written: str, changed: str, due: bool
) -> None:
    store.save(source, [letter(received, "1", url="Binary/1")])
    store.db.execute(
        "UPDATE attachment SET state = ?, tries = ?, tried = ?, fetched = ?", (state, tries, written, written)
    )
    store.db.execute("UPDATE resource SET changed = ?", (changed,))
    assert bool(store.documents.wanted(source)) is due


SIGNED = "https://files.example/doc/5?v=2&X-Amz-Date={0}&X-Amz-Signature={0}"


@pytest.mark.parametrize("title", ["a", "b"])  # the parent says the same, or something else
def test_an_address_that_is_signed_anew_is_the_same_address(
    store: Store, source: str, received: Make, title: str
) -> None:
    store.save(source, [letter(received, "1", url=SIGNED.format("one"), title="a")])
    (one,) = store.documents.wanted(source)
    store.documents.keep(one, b"ocelot", "text/plain")
    store.save(source, [letter(received, "1", url=SIGNED.format("two"), title=title)])
    assert store.documents.wanted(source) == []
    assert store.db.execute("SELECT state, url FROM attachment").fetchall() == [
        ("stored", SIGNED.format("two"))
    ]
    store.rebuild()
    assert store.documents.stored(source) == 1


def test_what_was_refused_is_tried_again_with_a_new_signature_and_with_pauses(
    store: Store, source: str, received: Make
) -> None:
    store.save(source, [letter(received, "1", url=SIGNED.format("one"))])
    (one,) = store.documents.wanted(source)
    for _ in range(5):
        store.documents.not_kept(one, "forbidden: x", again=False, http_status=403)
    store.save(source, [letter(received, "1", url=SIGNED.format("two"))])
    assert store.documents.wanted(source) == []  # after some tries it rests for some hours
    (one,) = store.documents.wanted(source, only_failed=True)
    assert (one.url, one.tries, one.state) == (SIGNED.format("two"), 5, "failed")
