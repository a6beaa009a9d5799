"""Items 50 to 54 of what a tolerant client must cope with: documents, wherever and however they are given out."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from phr.sync import attachments
from phr.sync.wish import Wish
from phr.views.documents import documents

from .conftest import Stay, quiet, rows

Begin = Callable[..., Stay]
NOTE = b"%PDF-1.4\nThe ocelot is well; the numbat too.\n" * 20
CCDA = (
    b'<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"><typeId root="2.16" extension="P"/>'
    b'<id root="1.2.3" extension="4"/><effectiveTime value="20200101"/><title>Summary</title>'
    b"<component><structuredBody><component><section><text>The ocelot is well</text></section></component>"
    b"</structuredBody></component></ClinicalDocument>"
)


def binary(id_: str = "b", content: bytes = NOTE, type_: str = "application/pdf") -> dict[str, Any]:
    data = base64.b64encode(content).decode()
    return {"resourceType": "Binary", "id": id_, "contentType": type_, "data": data}


def letters(*urls: str, **more: Any) -> list[dict[str, Any]]:
    found = rows("DocumentReference", len(urls), status="current", **more)
    for one, url in zip(found, urls, strict=True):
        one["content"] = [{"attachment": {"contentType": "application/pdf", "url": url}}]
    return found


def files(here: Stay) -> list[bytes]:
    return [bytes(raw) for (raw,) in here.sql("SELECT content FROM document ORDER BY id")]


def states(here: Stay) -> list[tuple[str, str | None, str | None]]:
    with here.person.workspace.store() as store:
        found = sorted(documents(store).documents, key=lambda one: one["resource"])
    return [(one["state"], one["format"], one["reason"] and one["reason"].partition(":")[0]) for one in found]


def reads(here: Stay) -> list[str]:
    """The documents that were asked for tonight."""
    ways = ("/fhir/Binary/", "/fhir/document/", "/files/")
    return [one.path for one in here.desk.seen if one.path.startswith(ways)]


@pytest.mark.parametrize("called", ["kept", "missing", "octet-stream"])
@pytest.mark.parametrize("way", ["relative", "absolute", "document", "data", "inline", "broken-inline"])
def test_50_a_document_comes_from_wherever_it_is_said_to_be(way: str, called: str, stay: Begin) -> None:
    here = stay([binary(), *letters("Binary/b")], attachments=(way,), attachment_type=called)
    first = here.sync()
    assert (first.status, first.documents["failed"]) == ("completed", 0), first.skipped
    assert files(here) == [NOTE]
    assert states(here) == [("stored", "application/pdf", None)], "sniffed where nobody says"
    assert here.sandbox.ledger.strayed == []
    assert quiet(here.sync()) and reads(here) == [], "once"


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({"attachments": ("elsewhere",)}, "stored"),
        ({"binary_by": "redirect"}, "stored"),
        ({"attachments": ("none",)}, "absent"),
        ({"attachments": ("neither",)}, "absent"),
    ],
    ids=str,
)
def test_50_where_the_sign_in_does_not_belong_it_is_never_sent(
    change: dict[str, Any], state: str, stay: Begin
) -> None:
    here = stay([binary(), *letters("Binary/b", "Binary/b")], **change)
    first = here.sync()
    assert first.exit_status == 0 and len(files(here)) == (state == "stored")
    assert here.sandbox.ledger.strayed == [], "another server is asked without the bearer"
    named = sorted(one.id for one in first.skipped if one.type == "DocumentReference")
    assert named == (["doc-01", "doc-02"] if state == "refused" else []), first.skipped
    assert [one[0] for one in states(here)] == [state, state]
    assert all(bool(why) is (state != "stored") for _, _, why in states(here))
    assert quiet(here.sync()) and reads(here) == [], "what came, and a refusal, is remembered"


def test_50_no_address_of_a_stranger_gets_the_bearer(stay: Begin) -> None:
    here = stay(
        letters(
            "http://files.invalid/a.pdf",
            "file:///etc/hostname",
            "ftp://files.invalid/a.pdf",
            "javascript:alert(1)",
            "",
            "   ",
            "Binary/none",
        )
    )
    first = here.sync()
    assert first.exit_status == 0 and files(here) == []
    assert reads(here) == ["/fhir/Binary/none"]
    named = {one.id: one.reason for one in first.skipped if one.type == "DocumentReference"}
    assert len(named) >= 5 and all(words.startswith("attachment ") for words in named.values()), named
    assert quiet(here.sync()) and reads(here) == []


def test_51_the_documents_own_type_is_asked_for_first(stay: Begin) -> None:
    here = stay([binary(), *letters("Binary/b")])
    here.sync()
    (asked,) = [one for one in here.desk.seen if one.path == "/fhir/Binary/b"]
    assert asked.headers["accept"].startswith("application/pdf")
    assert not asked.answered.startswith(b"{") and files(here) == [NOTE]


def test_51_a_json_wrapper_is_opened(stay: Begin) -> None:
    here = stay([binary(), *letters("Binary/b")], attachment_type="missing", content_type="application/json")
    assert here.sync().documents["new"] == 1
    assert files(here) == [NOTE]


@pytest.mark.parametrize("status", [403, 404, 410, 406])
def test_51_some_documents_are_refused_and_the_others_come(status: int, stay: Begin) -> None:
    here = stay(
        [binary("b1"), binary("b2", NOTE + b"2"), *letters("Binary/b1", "Binary/b2")],
        fails={"Binary/b1": status},
    )
    first = here.sync()
    assert (first.status, first.exit_status) == ("completed", 0), first.skipped
    assert files(here) == [NOTE + b"2"] and first.documents["failed"] == 1
    assert [(one.id, one.http_status) for one in first.skipped] == [("doc-01", status)]
    assert quiet(here.sync()) and reads(here) == []


def test_51_a_document_may_need_a_right_that_is_missing(stay: Begin) -> None:
    here = stay([binary(), *letters("Binary/b")], binary_needs_parent=True)
    assert here.sync(documents=False).exit_status == 0
    for grant in here.sandbox.authorization.living():
        grant.scopes = ("patient/Patient.rs", "patient/Binary.rs", "offline_access")
    here.sandbox.authorization.expire_all()
    run = here.sync()
    assert run.exit_status in (0, 3) and files(here) == []
    assert states(here) == [("refused", None, "forbidden")]


def test_52_what_is_made_anew_at_each_read_is_one_document(stay: Begin) -> None:
    made = binary("b", CCDA, "application/xml")
    here = stay([made, *letters("Binary/b")], generated_documents=True)
    assert here.sync().documents["new"] == 1
    for night in range(1, 4):
        here.sandbox.put({**letters("Binary/b")[0], "description": f"night {night}"})
        here.later(hours=1)
        here.sync()
        assert reads(here) == [], "at most once a day"
    here.later(days=1)
    run = here.sync()
    assert set(reads(here)) == {"/fhir/Binary/b"} and run.documents["new"] == 0
    assert len(files(here)) == 1
    here.later(days=1)
    assert quiet(here.sync()) and reads(here) == [], "and only where the parent changed"


def test_52_no_more_today_stops_documents_alone(stay: Begin) -> None:
    resources = [binary("b", NOTE), binary("b2", NOTE + b"2"), *letters("Binary/b", "Binary/b2")]
    here = stay([*resources, *rows("Observation", 3)], documents_a_day=0)
    run = here.sync()
    assert run.types["Observation"].new == 3 and run.documents["failed"] == 0
    assert "no more today" in " ".join(one.reason for one in run.skipped), run.skipped
    assert here.kept() == {
        **here.held("DocumentReference"),
        **here.held("Observation"),
        **here.held("Patient"),
    }
    assert len(reads(here)) <= 2
    here.later(days=1)
    here.sandbox.change(documents_a_day=80)
    assert here.sync().documents["new"] == 2 and sorted(files(here)) == sorted([NOTE, NOTE + b"2"])


def test_53_one_binary_id_may_stand_for_several_documents(stay: Begin) -> None:
    here = stay([binary("b"), *letters("Binary/b", "Binary/b")])
    here.sync()
    assert [state for state, _, _ in states(here)] == ["stored", "stored"] and files(here) == [NOTE]
    here.later(days=2)
    here.sandbox.put(binary("b", NOTE + b"another one"))
    third = {**letters("Binary/b")[0], "id": "doc-03"}
    here.sandbox.put(third)
    here.sync()
    found = here.sql(
        "SELECT r.fhir_id, d.content FROM attachment a JOIN resource r ON r.id = a.resource_id"
        " JOIN document d ON d.id = a.document_id ORDER BY r.fhir_id"
    )
    assert [(id_, bytes(raw)) for id_, raw in found] == [
        ("doc-01", NOTE),
        ("doc-02", NOTE),
        ("doc-03", NOTE + b"another one"),
    ]


def test_54_a_large_document_comes_and_one_beyond_the_limit_is_named(
    stay: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attachments, "SMALL", 5_000)
    monkeypatch.setattr("phr.workspace.sync.Wish", partial(Wish, document_limit=500_000))
    large, huge = NOTE * 200, NOTE * 1000
    here = stay(
        [
            binary("b1"),
            binary("b2", large),
            binary("b3", huge),
            *letters("Binary/b1", "Binary/b2", "Binary/b3"),
        ]
    )
    run = here.sync()
    assert sorted(map(len, files(here))) == [len(NOTE), len(large)]
    assert run.exit_status == 0
    assert [(one.id, one.reason.partition(":")[0]) for one in run.skipped] == [
        ("doc-03", "attachment too large")
    ]
    assert quiet(here.sync()) and reads(here) == [], "it is not streamed every night"


def test_54_a_slow_document_is_tried_again_by_the_next_run(stay: Begin) -> None:
    here = stay([binary("b1"), binary("b2", NOTE + b"2"), *letters("Binary/b1", "Binary/b2")])
    here.sandbox.change(fails={"Binary/b1": 504})
    first = here.sync()
    assert (first.exit_status, first.documents["new"], first.documents["failed"]) == (3, 1, 1), first.skipped
    assert len(reads(here)) <= 6
    here.sandbox.change(fails={})
    here.later(days=1)
    second = here.sync()
    assert (second.exit_status, second.documents["new"]) == (0, 1)
    assert reads(here) == ["/fhir/Binary/b1"], "what came is not fetched again"
