"""The person's own words in the store: they survive, they are found, and they never touch what a source said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from phr.errors import Busy
from phr.model import Received
from phr.store.db import connect, transaction
from phr.store.rows import write_again
from phr.store.store import Store
from phr.views.events import events
from phr.views.own import words_of
from phr.views.selection import Selection
from phr.views.timeline import timeline

KEY = bytes(range(32))
Make = Callable[..., Received]


def _condition(make: Make, id_: str = "c", when: str = "2018-05", **more: object) -> Received:
    return make("Condition", id_, code={"text": "Asthma"}, onsetDateTime=when, **more)


@pytest.fixture
def life(store: Store, source: str, received: Make) -> Store:
    store.save(source, [_condition(received)])
    return store


def _event(store: Store, id_: int = 1) -> dict:
    return next(events(store.db, [id_]))


def _found(store: Store, words: str) -> list[str]:
    return [event["id"] for event in timeline(store, Selection(search=words)).events]


def test_a_note_is_found_changed_and_taken_away(life: Store) -> None:
    life.own.note(1, "Worse at the seaside")
    assert _found(life, "seaside") == ["1"]

    life.own.change_note(1, 1, "Worse in the mountains")
    assert (_found(life, "seaside"), _found(life, "mountains")) == ([], ["1"])
    assert life.own.notes(1)[0].changed is not None

    life.own.remove_note(1, 1)
    assert _found(life, "mountains") == []


def test_tags_are_found_and_put_once(life: Store) -> None:
    life.own.tag(1, ["insurance", "insurance"])
    life.own.tag(1, ["insurance", "breath"], off=["insurance"])

    assert (life.own.tags(1), _found(life, "breath"), _found(life, "insurance")) == (["breath"], ["1"], [])


def test_bookmarks_come_newest_first(life: Store, source: str, received: Make) -> None:
    life.save(source, [_condition(received, "d", "2019")])
    assert (life.own.bookmark(1), life.own.bookmark(1), life.own.bookmark(2)) == (True, False, True)
    assert [id_ for id_, _ in life.own.bookmarks()] == [2, 1]
    assert (life.own.bookmark(2, remove=True), _event(life, 2)["bookmarked"]) == (True, False)


def test_a_correction_shows_everywhere_and_leaves_the_bytes_alone(life: Store, source: str) -> None:
    before = life.raw("Condition", "c")
    life.own.correct(1, {"date": "2019-05", "title": "Bronchial asthma"}, "I was there")

    assert (_event(life)["date"], _event(life)["title"]) == ("2019-05", "Bronchial asthma")
    assert _event(life)["corrected"] == ["date", "title"]
    assert _found(life, "bronchial") == ["1"]
    assert life.raw("Condition", "c") == before
    assert words_of(life.db, 1)["corrections"][0]["source_value"] in ("2018-05", "Asthma")

    assert life.own.undo(1, ["title"]) == ["title"]
    assert (_event(life)["title"], _event(life)["date"]) == ("Asthma", "2019-05")
    assert life.own.undo(1) == ["date"]
    assert _event(life)["date"] == "2018-05"


def test_all_of_it_survives_a_rebuild_and_a_new_version(life: Store, source: str, received: Make) -> None:
    life.own.note(1, "seaside")
    life.own.tag(1, ["breath"])
    life.own.bookmark(1)
    life.own.correct(1, {"date": "2019-05"})

    life.rebuild()
    life.save(source, [_condition(received, note=[{"text": "seen again"}])])

    assert (_event(life)["date"], _event(life)["bookmarked"]) == ("2019-05", True)
    assert (_found(life, "seaside"), _found(life, "breath"), _found(life, "again")) == (["1"], ["1"], ["1"])
    assert words_of(life.db, 1)["notes"][0]["text"] == "seaside"


def test_a_correction_rests_when_the_source_agrees_and_wakes_when_it_does_not(
    life: Store, source: str, received: Make
) -> None:
    life.own.correct(1, {"date": "2019-05"})
    life.save(source, [_condition(received, when="2019-05")])
    [resting] = words_of(life.db, 1)["corrections"]
    assert (resting["in_effect"], resting["source_changed"]) == (False, True)
    assert [one.resting for one in life.own.corrections()] == [True]

    life.save(source, [_condition(received, when="2017")])
    [standing] = words_of(life.db, 1)["corrections"]
    assert (standing["in_effect"], _event(life)["date"]) == (True, "2019-05")
    assert (standing["source_before"], standing["source_value"]) == ("2018-05", "2017")


def test_a_source_that_has_not_changed_this_field_has_not_changed(
    life: Store, source: str, received: Make
) -> None:
    life.own.correct(1, {"date": "2019-05"})
    life.save(source, [_condition(received, note=[{"text": "news"}])])

    assert words_of(life.db, 1)["corrections"][0]["source_changed"] is False


def test_what_the_person_calls_an_error_leaves_the_timeline_and_comes_back(life: Store) -> None:
    life.own.correct(1, {"status": "entered-in-error"})
    assert (timeline(life, Selection()).total, _found(life, "asthma")) == (0, [])
    life.rebuild()
    assert timeline(life, Selection()).total == 0
    assert life.own.withdrawn(1)

    life.own.undo(1)
    assert (timeline(life, Selection()).total, _found(life, "asthma")) == (1, ["1"])


@pytest.fixture
def told_twice(store: Store, received: Make) -> Store:
    """One fact of two sources: record 1 is shown, 2 stands behind it, or the other way round."""
    for name in ("north", "south"):
        key = store.sources.ensure(name).key
        code = {"coding": [{"system": "http://snomed.info/sct", "code": "195967001"}], "text": "Asthma"}
        body = {"code": code, "onsetDateTime": "2018-05-03", "recordedDate": "2018-05-03"}
        store.save(key, [received("Condition", f"c-{name}", **body)])
    store.matches.settle()
    assert timeline(store, Selection()).total == 1
    return store


def _shown(store: Store) -> int:
    return int(timeline(store, Selection()).events[0]["id"])


def test_a_corrected_record_keeps_its_copy(told_twice: Store) -> None:
    shown = _shown(told_twice)
    told_twice.own.correct(shown, {"date": "2019-05"})
    told_twice.matches.settle()
    assert timeline(told_twice, Selection()).total == 1

    told_twice.rebuild()
    [event] = timeline(told_twice, Selection()).events
    assert (event["date"], event["sources"]) == ("2019-05", ["north", "south"])


def test_no_correction_and_no_note_is_lost_when_the_other_source_comes_to_be_shown(
    told_twice: Store,
) -> None:
    shown = _shown(told_twice)
    told_twice.own.correct(shown, {"date": "2019-05"})
    told_twice.own.note(shown, "seaside")
    type_, _, id_ = _event(told_twice, shown)["resource"].partition("/")
    key = next(row[0] for row in told_twice.db.execute(
        "SELECT s.key FROM source s JOIN resource r ON r.source_id = s.id WHERE r.id = ?", (shown,)
    ))  # fmt: skip
    told_twice.gone(key, type_, id_)
    told_twice.matches.settle()

    assert _shown(told_twice) != shown
    assert _event(told_twice, _shown(told_twice))["date"] == "2019-05"


def test_a_later_copy_comes_under_the_correction(store: Store, received: Make) -> None:
    code = {"coding": [{"system": "http://snomed.info/sct", "code": "195967001"}], "text": "Asthma"}
    body = {"code": code, "onsetDateTime": "2018-05-03"}
    store.save(store.sources.ensure("north").key, [received("Condition", "a", **body)])
    store.own.correct(1, {"date": "2019-05"})
    store.own.note(1, "seaside")
    fuller = body | {"clinicalStatus": {"text": "active"}, "note": [{"text": "seen"}], "recordedDate": "2018"}
    store.save(store.sources.ensure("south").key, [received("Condition", "b", **fuller)])
    store.matches.settle()

    [event] = timeline(store, Selection()).events
    assert (event["date"], event["sources"]) == ("2019-05", ["north", "south"])
    assert _found(store, "seaside") == [event["id"]]
    assert words_of(store.db, int(event["id"]))["notes"]


def test_a_busy_file_is_said_to_be_busy(life: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phr.store.own.PATIENCE_MS", 50)
    other = connect(life.path, KEY)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(Busy):
            life.own.note(1, "x")
    finally:
        other.execute("ROLLBACK")
        other.close()
    assert life.own.notes(1) == []


def test_the_log_names_the_record_and_never_the_words(life: Store) -> None:
    life.own.note(1, "seaside")
    life.own.tag(1, ["breath"])
    life.own.correct(1, {"title": "Hush"}, "because")
    life.own.undo(1)
    life.own.bookmark(1)
    said = orjson.dumps([[e.action, e.objects] for e in life.audit.events()]).decode()

    assert [e.action for e in life.audit.events()] == [
        "bookmark", "undo correction", "correct", "tag", "note",
    ]  # fmt: skip
    assert not any(word in said for word in ("seaside", "breath", "Hush", "because"))
    assert life.audit.intact()


def test_words_stay_with_a_fact_when_one_of_its_sources_is_purged(told_twice: Store) -> None:
    shown = _shown(told_twice)
    told_twice.own.note(shown, "seaside")
    told_twice.own.bookmark(shown)
    told_twice.own.correct(shown, {"date": "2019-05"})
    key = told_twice.db.execute(
        "SELECT s.key FROM source s JOIN resource r ON r.source_id = s.id WHERE r.id = ?", (shown,)
    ).fetchone()[0]
    told_twice.sources.purge(key)

    [event] = timeline(told_twice, Selection()).events
    assert (event["date"], event["bookmarked"]) == ("2019-05", True)
    assert _found(told_twice, "seaside") == [event["id"]]


def test_nothing_is_asked_of_notes_and_tags_where_there_are_none(
    store: Store, source: str, received: Make
) -> None:
    asked: list[str] = []
    store.db.set_trace_callback(asked.append)
    store.save(source, [_condition(received, str(number)) for number in range(50)])
    store.db.set_trace_callback(None)

    assert not [words for words in asked if "FROM note" in words or "FROM correction" in words]


def test_an_old_file_is_read_again(life: Store, tmp_path: Path) -> None:
    life.db.execute("UPDATE record SET sensitivity = 'very_restricted'")
    life.note_setting("derived_by", "3")

    assert life.refresh_records() == 1
    assert _event(life)["sensitivity"] == "normal"


def test_what_was_typed_in_stays_the_persons_own_through_notes_and_rebuilds(
    store: Store, received: Callable[..., Received]
) -> None:
    key = store.sources.ensure("self", kind="person").key
    store.save(key, [received("Observation", "1", code={"text": "Weight"}, valueString="heavy")])

    def origin() -> str:
        return str(store.db.execute("SELECT origin FROM record").fetchone()[0])

    assert origin() == "person"
    store.rebuild()
    assert origin() == "person"
    with transaction(store.db):
        write_again(store.db, [1])
    assert origin() == "person"
