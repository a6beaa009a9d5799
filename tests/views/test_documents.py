"""The list of documents: what each is, where it stands, page by page."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from phr.errors import UsageError
from phr.model import Received
from phr.sandbox.synthetic.pdf import page
from phr.store.store import Store
from phr.sync.attachments import read_stored
from phr.sync.desk import Desk
from phr.views import documents as view
from phr.views.selection import Selection
from phr.views.status import status
from phr.views.timeline import timeline

Make = Callable[..., Received]
PDF = base64.b64encode(page("Letter", ["The ocelot is well"])).decode()


@pytest.fixture
def shelf(store: Store, source: str, received: Make) -> Store:
    """Three letters: one in two formats, one still to fetch, one without anything."""
    loinc = {"system": "http://loinc.org"}
    store.save(
        source,
        [
            received(
                "DocumentReference",
                "a",
                date="2024-05-01T10:00:00Z",
                type={"coding": [{**loinc, "code": "18842-5", "display": "Discharge summary"}]},
                content=[
                    {"attachment": {"data": PDF, "title": "scan"}},
                    {"attachment": {"data": "b2s=", "contentType": "text/plain"}},
                ],
            ),
            received(
                "DiagnosticReport",
                "b",
                effectiveDateTime="2025-01-01",
                category=[{"coding": [{"code": "RAD"}]}],
                code={"text": "CT Chest"},
                presentedForm=[{"url": "Binary/b", "contentType": "application/pdf"}],
            ),
            received("DocumentReference", "c", content=[{"attachment": {"url": "none"}}]),
        ],
    )
    read_stored(Desk(store), source)
    store.db.execute("UPDATE source SET kind = 'connection'")
    return store


def test_what_a_file_names_and_does_not_hold_is_not_to_be_fetched(shelf: Store) -> None:
    shelf.db.execute("UPDATE source SET kind = 'import'")
    (found,) = view.documents(shelf, states=("absent",), types=("radiology",)).documents

    assert found["reason"] == "the file names it but does not hold it"
    assert status(shelf, "ada")["attachments"] == {"absent": 2, "stored": 2}
    assert view.documents(shelf, states=("wanted",)).total == 0
    with pytest.raises(UsageError, match="names it but does not hold it") as refused:
        view.content(shelf, found)
    assert refused.value.hint is None


def test_a_list_says_what_each_document_is(shelf: Store) -> None:
    found = view.documents(shelf)
    assert found.total == 4 and found.next is None
    assert [(one["id"], one["type"], one["state"], one["date"]) for one in found.documents] == [
        ("2.0", "radiology", "wanted", "2025-01-01"),
        ("1.0", "discharge_summary", "stored", "2024-05-01T10:00:00Z"),
        ("1.1", "discharge_summary", "stored", "2024-05-01T10:00:00Z"),
        ("3.0", None, "absent", None),
    ]
    keys = {"id", "title", "type", "date", "media_type", "bytes", "source", "record", "state", "reason"}
    assert keys <= found.documents[0].keys()
    first = found.documents[1]
    assert (first["media_type"], first["bytes"], first["title"]) == (
        "application/pdf",
        len(base64.b64decode(PDF)),
        "Discharge summary",
    )
    assert found.documents[3]["reason"] == "the source gives neither bytes nor an address"


@pytest.mark.parametrize(
    ("choice", "ids"),
    [
        ({"types": ("radiology",)}, ["2.0"]),
        ({"types": ("Discharge summary", "radiology")}, ["2.0", "1.0", "1.1"]),
        ({"states": ("wanted", "absent")}, ["2.0", "3.0"]),
        ({"sources": ("clinic",)}, ["2.0", "1.0", "1.1", "3.0"]),
    ],
)
def test_a_choice_narrows_the_list(shelf: Store, choice: dict[str, tuple[str, ...]], ids: list[str]) -> None:
    assert [one["id"] for one in view.documents(shelf, **choice).documents] == ids


def test_pages_follow_each_other_without_gap_or_repetition(shelf: Store) -> None:
    seen, after = [], None
    while True:
        found = view.documents(shelf, limit=1, after=after)
        assert found.total == 4
        seen += [one["id"] for one in found.documents]
        after = found.next
        if after is None:
            break
    assert seen == ["2.0", "1.0", "1.1", "3.0"]


@pytest.mark.parametrize(
    "choice",
    [
        {"types": ("xyzzy",)},
        {"states": ("gone",)},
        {"sources": ("nobody",)},
        {"after": "xyzzy"},
        {"after": "MQ"},
    ],
)
def test_a_choice_that_makes_no_sense_is_refused(shelf: Store, choice: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        view.documents(shelf, **choice)  # type: ignore[arg-type]


def test_one_document_is_found_by_its_id_its_record_or_its_address(shelf: Store) -> None:
    assert view.one(shelf, "1.1")["id"] == "1.1"
    assert view.one(shelf, "2")["id"] == view.one(shelf, "DiagnosticReport/b")["id"] == "2.0"
    with pytest.raises(UsageError, match="2 documents"):
        view.one(shelf, "1")
    for ref in ("99.0", "99", "DocumentReference/x", "", "1.7", "9" * 30):
        with pytest.raises(UsageError):
            view.one(shelf, ref)


def test_the_content_is_what_came_or_the_reason_why_there_is_none(shelf: Store) -> None:
    assert view.content(shelf, view.one(shelf, "1.0")) == base64.b64decode(PDF)
    with pytest.raises(UsageError, match="not been fetched"):
        view.content(shelf, view.one(shelf, "2.0"))
    with pytest.raises(UsageError, match="neither bytes"):
        view.content(shelf, view.one(shelf, "3.0"))


@pytest.mark.parametrize(
    ("title", "media_type", "name"),
    [
        ("../../etc/passwd", "application/pdf", "2024-05-01-etc-passwd.pdf"),
        ("Größe: 5\x1b[2J|con", "text/plain", "2024-05-01-große-5-2j-con.txt".replace("ß", "")),
        (None, None, "2024-05-01-document.bin"),
        ("x" * 500, "application/hl7-cda+xml", "2024-05-01-" + "x" * 69 + ".xml"),
    ],
)
def test_a_file_name_is_safe_everywhere(title: str | None, media_type: str | None, name: str) -> None:
    assert view.file_name({"title": title, "date": "2024-05-01", "media_type": media_type}) == name


def test_the_timeline_finds_a_word_inside_a_pdf(shelf: Store) -> None:
    found = timeline(shelf, Selection(search="ocelot"))
    assert [event["resource"] for event in found.events] == ["DocumentReference/a"]
    shelf.rebuild()
    assert timeline(shelf, Selection(search="ocelot")).total == 1, "also after the records were read anew"
