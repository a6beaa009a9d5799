"""`phr documents fetch` against the sandbox over loopback: what failed comes later, and the search finds it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from phr.sandbox.server import Sandbox
from phr.sandbox.synthetic.pdf import page
from phr.views.documents import documents
from phr.views.selection import Selection
from phr.views.timeline import timeline
from phr.workspace.documents import FetchWish, fetch
from phr.workspace.files import ImportWish

PDF = page("Letter", ["The ocelot is well"])


def ward() -> tuple[dict[str, Any], ...]:
    subject = {"reference": "Patient/p"}
    return (
        {"resourceType": "Patient", "id": "p", "name": [{"family": "Quill"}]},
        {
            "resourceType": "DocumentReference",
            "id": "d",
            "status": "current",
            "subject": subject,
            "type": {"text": "Discharge summary"},
            "content": [
                {"attachment": {"contentType": "application/octet-stream", "url": "Binary/b"}},
                {"attachment": {"url": "Binary/missing"}},
            ],
        },
        {
            "resourceType": "Binary",
            "id": "b",
            "contentType": "application/pdf",
            "data": base64.b64encode(PDF).decode(),
        },
    )


def test_documents_come_without_a_sync_and_what_is_missing_says_why(
    person: Any, hospital: Callable[..., Sandbox]
) -> None:
    person.connect(hospital(resources=ward()))
    person.sync(documents=False)
    report = fetch(person.workspace, FetchWish())
    (run,) = report.runs
    assert (report.exit_status, run.mode, run.status) == (0, "documents", "completed")
    assert run.documents == {"new": 1, "unchanged": 0, "failed": 1, "bytes": len(PDF)}
    with person.workspace.store() as store:
        here, missing = documents(store).documents
        assert (here["type"], here["media_type"]) == ("discharge_summary", "application/pdf")
        assert missing["state"] == "refused" and missing["reason"].startswith("gone:")
        assert timeline(store, Selection(search="ocelot")).total == 1
        assert store.runs.recent(limit=1)[0].mode == "documents"
    again = person.sync()
    assert again.status == "completed" and again.runs[0].documents["failed"] == 0
    assert fetch(person.workspace, FetchWish(failed=True)).runs[0].documents["failed"] == 1


def test_a_server_that_stumbles_is_asked_again_by_the_person(
    person: Any, hospital: Callable[..., Sandbox]
) -> None:
    person.environ["PHR_SYNC_RETRY_ATTEMPTS"] = "0"
    person.connect(hospital(resources=ward(), faults=("503",)))
    for _ in range(4):  # every type fails once
        person.sync(documents=False)
    first = fetch(person.workspace, FetchWish())
    assert first.exit_status == 3
    assert [one.reason.partition(":")[0] for one in first.runs[0].skipped if not one.known] == [
        "attachment unavailable"
    ]
    assert fetch(person.workspace, FetchWish(failed=True)).exit_status == 0
    with person.workspace.store() as store:
        assert documents(store, states=("stored",)).total == 1


def test_a_sync_brings_documents_and_reads_them(person: Any, hospital: Callable[..., Sandbox]) -> None:
    person.connect(hospital(resources=ward()))
    report = person.sync()
    assert report.runs[0].documents["new"] == 1
    with person.workspace.store() as store:
        assert timeline(store, Selection(search="ocelot")).total == 1
    assert person.sync().runs[0].documents["unchanged"] == 1


def test_documents_inside_an_imported_file_are_found_by_their_words(person: Any, tmp_path: Path) -> None:
    file = tmp_path / "record.json"
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in ward()]}
    file.write_bytes(orjson.dumps(bundle))
    person.workspace.import_files([file], ImportWish())
    with person.workspace.store() as store:
        assert timeline(store, Selection(search="ocelot")).total == 1
        assert documents(store, states=("stored",)).total == 1
