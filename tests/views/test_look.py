"""What is new since the last look; an hour is one look."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from phr.model import Received
from phr.store.store import Store
from phr.views.look import abnormal_since, looked, note_look

START = datetime(2026, 3, 1, 8, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def life(tmp_path: Path, clock: Clock) -> Any:
    with Store(tmp_path / "life.db", bytes(32), create=True, clock=clock) as opened:
        yield opened


def result(make: Callable[..., Received], id_: str, value: float, date: str = "2026-02-01") -> Received:
    return make("Observation", id_, status="final", code={"text": f"Test {id_}"}, effectiveDateTime=date,
                category=[{"coding": [{"code": "laboratory"}]}], valueQuantity={"value": value},
                referenceRange=[{"high": {"value": 5}}])  # fmt: skip


def news(store: Store) -> list[str]:
    return [one["title"] for one in abnormal_since(store, looked(store))]


def test_only_what_came_after_the_last_look_is_news(
    life: Store, clock: Clock, received: Callable[..., Received]
) -> None:
    key = life.sources.ensure("clinic").key
    life.save(key, [result(received, "old", 9), result(received, "fine", 3)])
    assert looked(life) is None
    assert news(life) == ["Test old"]
    assert note_look(life)

    clock.at += timedelta(hours=5)
    life.save(key, [result(received, "new", 9, "1999"), result(received, "well", 2)])
    clock.at += timedelta(hours=1)
    assert news(life) == ["Test new"], "also when it is dated long ago"
    note_look(life)
    clock.at += timedelta(minutes=30)
    assert news(life) == ["Test new"], "looking twice within an hour is one look"
    clock.at += timedelta(hours=2)
    assert news(life) == []


def test_a_result_that_changed_is_news(life: Store, clock: Clock, received: Callable[..., Received]) -> None:
    key = life.sources.ensure("clinic").key
    life.save(key, [result(received, "one", 3)])
    note_look(life)
    clock.at += timedelta(days=1)
    life.save(key, [result(received, "one", 9)])
    clock.at += timedelta(days=1)
    assert news(life) == ["Test one"]


def test_what_another_source_told_before_is_no_news(
    life: Store, clock: Clock, received: Callable[..., Received]
) -> None:
    one = received("Observation", "x", status="final", effectiveDateTime="2026-02-01T08:00:00Z",
                   code={"coding": [{"system": "http://loinc.org", "code": "718-7"}]},
                   category=[{"coding": [{"code": "laboratory"}]}], valueQuantity={"value": 9, "unit": "g/dL"},
                   referenceRange=[{"high": {"value": 5}}])  # fmt: skip
    life.save(life.sources.ensure("clinic").key, [one])
    note_look(life)
    clock.at += timedelta(days=1)
    life.save(life.sources.ensure("hospital").key, [one])
    life.matches.settle()
    clock.at += timedelta(days=1)
    assert news(life) == []


def test_a_clock_that_was_ahead_does_not_silence_anything_for_years(life: Store, clock: Clock) -> None:
    clock.at = START + timedelta(days=900)
    note_look(life)
    clock.at = START
    assert note_look(life)
    clock.at = START + timedelta(days=1)
    found = looked(life)
    assert found is not None
    assert found <= "2026-03-01T08:00:00Z"


def test_a_file_that_somebody_else_writes_keeps_nobody_waiting(life: Store, tmp_path: Path) -> None:
    with Store(tmp_path / "life.db", bytes(32)) as other:
        other.db.execute("BEGIN IMMEDIATE")
        assert note_look(life) is False
        other.db.execute("ROLLBACK")
    assert note_look(life) is True


def test_a_setting_that_makes_no_sense_is_as_good_as_none(life: Store) -> None:
    for value in ("nonsense", "[]", '{"begin": 3}'):
        life.note_setting("looked", value)
        assert looked(life) is None
