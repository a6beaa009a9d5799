"""Messages by conversation: what belongs together, and what only looks so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from phr.errors import UsageError
from phr.model import Received
from phr.store.store import Store
from phr.views.messages import messages
from phr.views.selection import Selection

Json = dict[str, Any]
ME = {"reference": "Patient/p"}
DOCTOR = {"reference": "Practitioner/d", "display": "Dr. Ána Okafor"}
NURSE = {"display": "Nurse Bell"}


def message(
    id_: str, sent: str, subject: str | None = "Cough", words: str = "Hello", mine: bool = True, **more: Any
) -> Json:
    sender, to = (ME, DOCTOR) if mine else (DOCTOR, ME)
    topic = {"topic": {"text": subject}} if subject else {}
    return {
        "resourceType": "Communication", "id": id_, "status": "completed", "subject": ME, "sent": sent, **topic,
        "sender": sender, "recipient": [to], "payload": [{"contentString": words}], **more,
    }  # fmt: skip


def send(store: Store, *resources: Json, source: str = "clinic") -> None:
    patient = {"resourceType": "Patient", "id": "p", "name": [{"text": "Ada Example"}]}
    all_ = (patient, *resources)
    store.save(
        store.sources.ensure(source).key,
        [Received(one["resourceType"], one["id"], orjson.dumps(one)) for one in all_],
    )


def answers(id_: str) -> Json:
    return {"inResponseTo": [{"reference": f"Communication/{id_}"}]}


def numbered(value: str) -> Json:
    return {"extension": [{"url": "https://ehr.example/conversation-id", "valueString": value}]}


FIRST, SECOND = "2026-01-05T09:00:00Z", "2026-01-06T09:00:00Z"
LATE = "2027-06-01T09:00:00Z"
TOGETHER: dict[str, tuple[Json, Json]] = {
    "an answer": (message("a", FIRST), message("b", SECOND, "Something else", mine=False, **answers("a"))),
    "an answer years later": (message("a", FIRST), message("b", LATE, "Other", mine=False, **answers("a"))),
    "a part of it": (message("a", FIRST), message("b", SECOND, None, partOf=[{"reference": "Communication/a"}])),
    "one thread of the server": (
        message("a", FIRST, "One", **numbered("t1")), message("b", LATE, "Two", **numbered("t1")),
    ),
    "a thread told as an identifier": tuple(
        message(id_, sent, name, identifier=[{"system": "urn:thread", "value": "7"}])
        for id_, sent, name in (("a", FIRST, "One"), ("b", SECOND, "Two"))
    ),
    "one subject, the same people": (message("a", FIRST), message("b", SECOND, mine=False)),
    "Re: within a year": (message("a", FIRST), message("b", "2026-09-01T09:00:00Z", "RE: cough", mine=False)),
    "answers to one that never came": (message("a", FIRST, "A", **answers("x")), message("b", SECOND, "B", **answers("x"))),
    "the wish that something be written": (
        {"resourceType": "CommunicationRequest", "id": "a", "status": "active", "subject": ME, "authoredOn": FIRST,
         "requester": DOCTOR, "recipient": [ME], "payload": [{"contentString": "Please tell us"}]},
        message("b", SECOND, basedOn=[{"reference": "CommunicationRequest/a"}]),
    ),
}  # fmt: skip
APART: dict[str, tuple[Json, Json]] = {
    "one subject, another season": (message("a", FIRST), message("b", LATE)),
    "one subject, other people": (message("a", FIRST), message("b", SECOND, sender=NURSE, recipient=[ME])),
    "the same people, another subject": (message("a", FIRST), message("b", SECOND, "Knee")),
    "no subject at all": (message("a", FIRST, None), message("b", SECOND, None)),
    "only a category": tuple(
        message(id_, sent, None, category=[{"text": "notification"}]) for id_, sent in (("a", FIRST), ("b", SECOND))
    ),
    "other threads of the server": (
        message("a", FIRST, **numbered("t1")), message("b", SECOND, **numbered("t2")),
    ),
    "an order that both are based on": tuple(
        message(id_, sent, name, basedOn=[{"reference": "ServiceRequest/1"}])
        for id_, sent, name in (("a", FIRST, "One"), ("b", SECOND, "Two"))
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TOGETHER)
def test_what_belongs_together_is_one_conversation(store: Store, case: str) -> None:
    send(store, *TOGETHER[case])
    found = messages(store)
    assert [one["messages"] for one in found["threads"]] == [2]
    assert [one["resource"].rpartition("/")[2] for one in found["messages"]] == ["a", "b"], "the oldest first"
    assert {one["thread"] for one in found["messages"]} == {found["threads"][0]["id"]}


@pytest.mark.parametrize("case", APART)
def test_what_only_looks_alike_stays_apart(store: Store, case: str) -> None:
    send(store, *APART[case])
    assert [one["messages"] for one in messages(store)["threads"]] == [1, 1]


def test_ids_of_two_sources_have_nothing_to_do_with_each_other(store: Store) -> None:
    send(store, message("a", FIRST, "One"))
    send(store, message("b", SECOND, "Two", **answers("a")), source="hospital")
    assert len(messages(store)["threads"]) == 2


def test_who_wrote_to_whom_is_told(store: Store) -> None:
    send(
        store,
        message("a", FIRST, received=SECOND, priority="urgent", medium=[{"text": "phone"}]),
        message("b", SECOND, "Re: Cough", "<p>Come <b>today</b></p><p>Dr. O.</p>", mine=False),
    )
    mine, theirs = messages(store)["messages"]
    assert (mine["from"], mine["from_you"], mine["to"]) == ("Ada Example", True, ["Dr. Ána Okafor"])
    assert (mine["sent"], mine["received"], mine["priority"], mine["medium"]) == (
        FIRST,
        SECOND,
        "urgent",
        "phone",
    )
    assert (theirs["from"], theirs["from_you"], theirs["to_you"]) == ("Dr. Ána Okafor", False, True)
    assert theirs["text"] == "Come today\nDr. O."
    (thread,) = messages(store)["threads"]
    assert (thread["subject"], thread["with"], thread["last_from_you"]) == (
        "Cough",
        ["Dr. Ána Okafor"],
        False,
    )


def test_all_parts_of_a_message_are_its_text_and_files_are_named(store: Store) -> None:
    parts = [
        {"contentString": "TSH <5 is fine"},
        {"contentString": "Second part"},
        {"contentAttachment": {"contentType": "text/plain", "title": "plan.txt", "data": "aGk="}},
    ]
    send(store, message("a", FIRST, payload=parts))
    (one,) = messages(store)["messages"]
    assert one["text"] == "TSH <5 is fine\n\nSecond part"
    assert [each["filename"] for each in one["attachments"]] == ["plan.txt"]


@pytest.mark.parametrize(
    ("with_", "found"), [("okafor", 1), ("Dr. Ana Okafor", 1), ("bell", 1), ("okafor bell", 0), ("nobody", 0)]
)
def test_conversations_with_somebody(store: Store, with_: str, found: int) -> None:
    send(store, message("a", FIRST), message("b", SECOND, "Shot", sender=NURSE, recipient=[ME]))
    assert len(messages(store, with_=with_)["threads"]) == found


def test_a_conversation_is_found_by_any_of_its_messages_and_comes_whole(store: Store) -> None:
    send(
        store,
        message("a", FIRST),
        message("b", SECOND, mine=False, **answers("a")),
        message("c", LATE, "Knee"),
    )
    by_number = messages(store, thread=messages(store)["messages"][-1]["id"])
    assert by_number == messages(store, thread="Communication/a")
    assert [one["resource"] for one in by_number["messages"]] == ["Communication/a", "Communication/b"]
    with pytest.raises(UsageError):
        messages(store, thread="Patient/p")
    with pytest.raises(UsageError):
        messages(store, thread="99999")


def test_a_selection_finds_conversations_with_one_of_its_messages(store: Store) -> None:
    send(
        store, message("a", FIRST), message("b", "2026-01-20", mine=False), message("c", "2025-06-01", "Knee")
    )
    found = messages(store, Selection(since="2026-01-10"))
    assert [(one["subject"], one["messages"]) for one in found["threads"]] == [("Cough", 2)]
    assert [one["subject"] for one in messages(store, limit=1)["threads"]] == ["Cough"]
    assert messages(store, limit=1)["total"] == 2


def test_what_was_taken_back_and_what_is_told_twice_does_not_appear_twice(store: Store) -> None:
    same = {"identifier": [{"system": "urn:x", "value": "m-1"}]}
    send(store, message("a", FIRST, **same), message("z", SECOND, "Error", status="entered-in-error"))
    send(
        store,
        message("a2", FIRST, **same),
        message("b2", SECOND, mine=False, **answers("a2")),
        source="hospital",
    )
    store.matches.settle()
    found = messages(store)
    copies = store.db.execute("SELECT count(*) FROM record WHERE supporting = 3").fetchone()[0]
    assert len(found["messages"]) == 3 - copies
    assert all(one["subject"] != "Error" for one in found["messages"])


def test_no_messages_are_no_conversations(store: Store, received: Callable[..., Received]) -> None:
    assert messages(store) == {"messages": [], "threads": [], "total": 0, "older": 0}


def test_who_has_no_name_is_called_what_they_are(store: Store) -> None:
    send(store, message("a", FIRST, sender={"reference": "Practitioner/unknown"}, recipient=[ME]))
    (one,) = messages(store)["messages"]
    assert one["from"] == "practitioner"
