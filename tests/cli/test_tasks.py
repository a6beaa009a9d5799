"""`phr tasks` on the command line."""

from __future__ import annotations

import os
from typing import Any

import orjson
import pytest

from phr.model import Received
from phr.workspace import Workspace

from .conftest import Phr


def task(id_: str, **more: Any) -> Received:
    body = {
        "resourceType": "Task", "id": id_, "status": "requested", "intent": "order", "authoredOn": "2020-01-01",
        "description": f"Do {id_}", "owner": {"reference": "Patient/p"}, "requester": {"display": "Dr. Okafor"}, **more,
    }  # fmt: skip
    return Received("Task", id_, orjson.dumps(body))


@pytest.fixture
def given() -> None:
    def until(day: str) -> dict[str, Any]:
        return {"restriction": {"period": {"end": day}}}

    with Workspace(os.environ).store(create=True) as store:
        store.save(
            store.sources.ensure("clinic").key,
            [
                task("old", **until("2020-02-01")),
                task("far", **until("2999-01-01"), owner={"display": "Nurse Bell"}),
                task("some day"),
                task("finished", status="completed", executionPeriod={"end": "2020-03-01"}),
            ],
        )


def test_open_ones_stand_under_when_they_are_due(phr: Phr, given: None) -> None:
    said = phr("tasks")
    assert said.status == 0, said.err
    heads = [line for line in said.out.splitlines() if line and not line.startswith(" ")]
    assert heads == [
        "Overdue (1)",
        "Later (1)",
        "Without a date (1)",
        "1 thing done or called off: phr tasks --all",
    ]
    assert "yours; asked by Dr. Okafor" in said.out and "to be done by Nurse Bell" in said.out
    assert "finished" not in said.out and "Do finished" in phr("tasks", "--all").out
    assert all(len(line) <= 80 for line in said.out.splitlines())


def test_json_tells_due_owner_and_state(phr: Phr, given: None) -> None:
    first, *_ = found = phr("tasks", "--json").json["tasks"]
    assert len(found) == 3
    assert (first["due"], first["overdue"], first["yours"], first["state"]) == (
        "2020-02-01",
        True,
        True,
        "asked for",
    )
    assert {"owner", "for", "requester", "group"} <= set(first)


@pytest.mark.parametrize(("due", "number"), [("2020-12", 1), ("2999", 2), ("friday", 1)])
def test_only_what_is_due_until_then(phr: Phr, given: None, due: str, number: int) -> None:
    assert len(phr("tasks", "--due", due, "--json").json["tasks"]) == number


def test_nothing_to_do_is_said(phr: Phr, given: None) -> None:
    said = phr("tasks", "--kind", "goal")
    assert (said.status, said.out) == (0, "")
    assert said.err.startswith("Nothing that fits is to be done")
    assert phr("tasks", "--due", "soonish").status == 2


@pytest.mark.parametrize(
    ("due", "said"),
    [
        ("2032-05-01", "2032-05-01"),
        ("2032-05", "2032-05"),
        ("2032-05-01T14:00:00", "2032-05-01 14:00"),
        ("2032-05-01T00:00:00Z", "2032-05-01"),
        ("2032-05-01T10:00:00Zrubbish", "2032-05-01"),
        ("0001-01-01T00:00:00-14:00", "0001-01-01"),
        ("some day\x1b[2J", "some day [2J"),
        (None, ""),
    ],
)
def test_until_when_is_told_to_the_minute_at_most(due: str | None, said: str) -> None:
    from phr.cli.tasks import _on

    assert _on(due) == said
