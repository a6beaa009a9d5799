"""`phr messages` on the command line."""

from __future__ import annotations

import os
from typing import Any

import orjson
import pytest

from phr.model import Received
from phr.workspace import Workspace

from .conftest import Phr

ME, DOCTOR = {"reference": "Patient/p"}, {"display": "Dr. Okafor"}


def message(id_: str, sent: str, words: str, mine: bool, **more: Any) -> Received:
    body = {
        "resourceType": "Communication", "id": id_, "status": "completed", "topic": {"text": "Cough"}, "sent": sent,
        "sender": ME if mine else DOCTOR, "recipient": [DOCTOR if mine else ME],
        "payload": [{"contentString": words}], **more,
    }  # fmt: skip
    return Received("Communication", id_, orjson.dumps(body))


@pytest.fixture
def written() -> None:
    long = "I cough all night. " * 20
    with Workspace(os.environ).store(create=True) as store:
        store.save(
            store.sources.ensure("clinic").key,
            [
                Received(
                    "Patient", "p", b'{"resourceType":"Patient","id":"p","name":[{"text":"Ada Example"}]}'
                ),
                message("a", "2026-01-05T09:00:00Z", long, True),
                message(
                    "b", "2026-01-06T09:00:00Z", "Come on\x1b[2J Tuesday.\n\nDr. O.", False, priority="urgent"
                ),
            ],
        )


def test_conversations_are_a_list_and_one_is_shown_whole(phr: Phr, written: None) -> None:
    said = phr("messages")
    assert said.status == 0, said.err
    assert "2026-01-06  Dr. Okafor  Cough" in said.out
    assert "2 messages" in said.out and "1 conversation." in said.out
    assert "\x1b" not in said.out and all(len(line) <= 80 for line in said.out.splitlines())
    number = phr("messages", "--json").json["threads"][0]["id"]
    whole = phr("messages", "--thread", number).out
    assert whole.count("I cough all night.") >= 15
    assert "you to Dr. Okafor" in whole and "Dr. Okafor to you" in whole and "urgent" in whole
    assert all(len(line) <= 80 for line in whole.splitlines())


def test_json_has_the_messages_and_their_threads(phr: Phr, written: None) -> None:
    found = phr("messages", "--json", "--with", "okafor").json
    first, second = found["messages"]
    assert set(first) >= {
        "from",
        "to",
        "sent",
        "received",
        "medium",
        "priority",
        "text",
        "thread",
        "attachments",
    }
    assert first["thread"] == second["thread"] == found["threads"][0]["id"]
    assert (second["from"], second["to"]) == ("Dr. Okafor", ["Ada Example"])


@pytest.mark.parametrize(
    ("words", "status"), [(("--with", "nobody"), 0), (("--thread", "9999"), 2), (("--source", "x"), 2)]
)
def test_what_is_not_there_is_said(phr: Phr, written: None, words: tuple[str, ...], status: int) -> None:
    said = phr("messages", *words)
    assert (said.status, said.out) == (status, "")
    assert said.err
