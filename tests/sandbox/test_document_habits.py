"""Where attachments are, who may read them, and what a server makes anew each time."""

from __future__ import annotations

import base64
import re
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from .conftest import ADA, App, Clock, Start

CCDA = (
    b'<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"><typeId root="2.16" extension="P"/>'
    b'<id root="1.2.3" extension="4"/><effectiveTime value="20200101"/><title>Summary</title></ClinicalDocument>'
)
WORLD: tuple[dict[str, Any], ...] = (
    {"resourceType": "Patient", "id": ADA},
    {
        "resourceType": "DocumentReference",
        "id": "d1",
        "status": "current",
        "subject": {"reference": f"Patient/{ADA}"},
        "content": [{"attachment": {"contentType": "text/plain", "url": "Binary/note"}}],
    },
    {"resourceType": "Binary", "id": "note", "contentType": "text/plain", "data": "aGVsbG8="},
    {
        "resourceType": "DocumentReference",
        "id": "d2",
        "status": "current",
        "subject": {"reference": f"Patient/{ADA}"},
        "content": [{"attachment": {"contentType": "application/xml", "url": "Binary/ccd"}}],
    },
    {
        "resourceType": "Binary",
        "id": "ccd",
        "contentType": "application/xml",
        "data": base64.b64encode(CCDA).decode(),
    },
)


def attachment(app: App, id_: str = "d1") -> dict[str, Any]:
    said = app.fhir(f"DocumentReference/{id_}", app.sandbox.issue_token()).json()
    return dict(said["content"][0]["attachment"])


def begin(start: Start, **change: Any) -> App:
    return start(resources=WORLD, change=change)


@pytest.mark.parametrize("way", ["relative", "absolute"])
def test_a_binary_is_named_by_its_address(start: Start, way: str) -> None:
    app = begin(start, attachments=(way,))
    url = attachment(app)["url"]

    assert url == ("" if way == "relative" else app.sandbox.fhir_base + "/") + "Binary/note"


def test_a_document_lies_outside_fhir_and_needs_the_bearer(start: Start) -> None:
    app = begin(start, attachments=("document",))
    url = attachment(app)["url"]

    assert url == f"{app.sandbox.fhir_base}/document/note"
    assert app.http.get(url).status_code == 401
    bearer = {"Authorization": f"Bearer {app.sandbox.issue_token()}"}
    answer = app.http.get(url, headers=bearer)
    assert (answer.content, answer.headers["content-type"]) == (b"hello", "text/plain")
    other = {"Authorization": f"Bearer {app.sandbox.issue_token('patient/Patient.rs')}"}
    assert app.http.get(url, headers=other).status_code == 403


def test_a_document_elsewhere_wants_no_bearer_and_tells_when_one_comes(start: Start) -> None:
    app = begin(start, attachments=("elsewhere",))
    url = attachment(app)["url"]

    assert urlsplit(url).hostname == "localhost"
    assert app.http.get(url).content == b"hello"
    assert app.http.get(url.partition("?")[0]).status_code == 403
    assert app.sandbox.ledger.strayed == []
    assert app.http.get(url, headers={"Authorization": "Bearer x"}).status_code == 403
    assert app.sandbox.ledger.strayed == ["/files/note"]


def test_an_address_elsewhere_may_be_signed_afresh(start: Start, clock: Clock) -> None:
    app = start(resources=WORLD, clock=clock, change={"attachments": ("elsewhere",), "signed_anew": True})
    first = attachment(app)["url"]
    clock.now += 5

    second = attachment(app)["url"]
    assert first != second
    assert [app.http.get(url).content for url in (first, second)] == [b"hello", b"hello"]


def test_a_binary_may_send_elsewhere(start: Start) -> None:
    app = begin(start, binary_by="redirect")
    answer = app.fhir("Binary/note", app.sandbox.issue_token())

    assert answer.status_code == 302
    assert urlsplit(answer.headers["location"]).hostname == "localhost"
    assert app.http.get(answer.headers["location"]).content == b"hello"


def test_an_attachment_may_say_nothing_or_the_wrong_thing(start: Start) -> None:
    assert attachment(begin(start, attachments=("none",)))["url"] == "none"
    neither = attachment(begin(start, attachments=("neither",)))
    assert not {"url", "data"} & set(neither)
    assert neither["_data"]["extension"][0]["valueCode"] == "unknown"
    unnamed = attachment(begin(start, attachments=("relative",), attachment_type="missing"))
    assert "contentType" not in unnamed
    stream = attachment(begin(start, attachments=("relative",), attachment_type="octet-stream"))
    assert stream["contentType"] == "application/octet-stream"


def test_an_attachment_may_hold_its_bytes(start: Start) -> None:
    inline = attachment(begin(start, attachments=("inline",)))
    assert base64.b64decode(inline["data"]) == b"hello"
    assert attachment(begin(start, attachments=("data",)))["url"] == "data:text/plain;base64,aGVsbG8="
    broken = attachment(begin(start, attachments=("broken-inline",)), "d2")["data"]
    assert "\n" in broken
    whole = broken.replace("\n", "")
    assert base64.b64decode(whole + "=" * (-len(whole) % 4)) == CCDA


def test_attachments_take_turns(start: Start) -> None:
    app = begin(start, attachments=("none", "relative", "inline"))
    again = begin(start, attachments=("none", "relative", "inline"))

    assert [attachment(app, one) for one in ("d1", "d2")] == [attachment(again, one) for one in ("d1", "d2")]
    page = app.fhir("DocumentReference", app.sandbox.issue_token()).json()
    assert page["entry"][0]["resource"]["content"][0]["attachment"] == attachment(app)


def test_a_generated_document_is_never_the_same_twice(start: Start, clock: Clock) -> None:
    app = start(resources=WORLD, clock=clock, change={"generated_documents": True})
    token = app.sandbox.issue_token()
    first = app.fhir("Binary/ccd", token, Accept="application/xml").content
    clock.now += 1
    second = app.fhir("Binary/ccd", token, Accept="application/xml").content
    wrapped = app.fhir("Binary/ccd", token, Accept="application/fhir+json").json()["data"]

    def plain(document: bytes) -> bytes:
        return re.sub(rb'<id [^>]*>|value="[^"]*"', b"", document)

    assert len({first, second, base64.b64decode(wrapped)}) == 3
    assert plain(first) == plain(second) == plain(CCDA)
    assert b'typeId root="2.16"' in first
    assert app.fhir("Binary/note", token).content == b"hello"


def test_a_document_can_be_made_so_often_in_a_day(start: Start, clock: Clock) -> None:
    app = start(vendor="epic", resources=WORLD, clock=clock, change={"documents_a_day": 2})
    read = [app.fhir("Binary/ccd", app.sandbox.issue_token()) for _ in range(3)]

    assert [answer.status_code for answer in read] == [200, 200, 403]
    assert read[2].json()["issue"][0]["details"]["coding"][0]["code"] == "4135"
    assert app.fhir("Binary/note", app.sandbox.issue_token()).status_code == 200
    clock.now += 86_400
    assert app.fhir("Binary/ccd", app.sandbox.issue_token()).status_code == 200


def test_oracle_wants_the_scope_of_the_parent_too(start: Start) -> None:
    app = start(vendor="oracle", resources=WORLD)
    alone, both = "patient/Binary.rs", "patient/Binary.rs patient/DocumentReference.rs"

    assert app.fhir("Binary/note", app.sandbox.issue_token(alone)).status_code == 403
    assert app.fhir("Binary/note", app.sandbox.issue_token(both)).status_code == 200


def test_some_binaries_may_be_refused(start: Start) -> None:
    app = begin(start, fails={"Binary/note": 403})
    token = app.sandbox.issue_token()

    assert app.fhir("Binary/note", token).status_code == 403
    assert app.fhir("Binary/ccd", token).status_code == 200


def test_a_token_is_not_sent_after_a_redirect_without_anybody_knowing(start: Start) -> None:
    app = begin(start, refuses={"Goal": "redirect"})
    answer = app.fhir("Goal", app.sandbox.issue_token())
    app.http.get(answer.headers["location"], headers={"Authorization": "Bearer x"})

    assert app.sandbox.ledger.strayed == ["/login"]


# ── batch ─────────────────────────────────────────────────────────────────────────────────────────


def post(app: App, entries: list[dict[str, Any]], kind: str = "batch") -> Any:
    body = {"resourceType": "Bundle", "type": kind, "entry": [{"request": one} for one in entries]}
    headers = {
        "Authorization": f"Bearer {app.sandbox.issue_token()}",
        "Content-Type": "application/fhir+json",
    }
    return app.http.post(app.sandbox.fhir_base, content=orjson.dumps(body), headers=headers)


def test_a_batch_reads_several_at_once(app: App) -> None:
    urls = [
        "Observation/a1",
        "Observation/none",
        "Observation?_id=a2",
        "Patient/ben",
        "Observation/a1/_history/1",
    ]
    answer = post(app, [{"method": "GET", "url": url} for url in urls])
    entries = answer.json()["entry"]

    assert answer.json()["type"] == "batch-response"
    assert [entry["response"]["status"] for entry in entries] == ["200", "404", "200", "404", "200"]
    assert b'"value": 1.20' in answer.content
    assert entries[1]["response"]["outcome"]["resourceType"] == "OperationOutcome"
    assert entries[2]["resource"]["entry"][0]["resource"]["id"] == "a2"


def test_a_batch_writes_nothing(app: App) -> None:
    entries = post(app, [{"method": "DELETE", "url": "Observation/a1"}, {"method": "POST", "url": "Patient"}])

    assert [entry["response"]["status"] for entry in entries.json()["entry"]] == ["400", "400"]
    assert post(app, [], "transaction").status_code == 400
    assert app.fhir("Observation/a1", app.sandbox.issue_token()).status_code == 200


def test_a_batch_is_declared_where_it_is_taken(start: Start) -> None:
    for batch, status in ((True, 200), (False, 405)):
        app = start(change={"batch": batch})
        said = app.fhir("metadata").json()["rest"][0].get("interaction", [])
        assert ({"code": "batch"} in said) is batch
        assert post(app, []).status_code == status
