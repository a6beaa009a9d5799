"""Notes: which section, which of several formats, what is enclosed and what is left out."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

Write = Callable[..., Any]
SCT, LNC = "http://snomed.info/sct", "http://loinc.org"


def concept(system: str, code: str, display: str | None = None) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": display}]}


def resource(type_: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": type_, **more}


# ── notes ─────────────────────────────────────────────────────────────────────────────────────────


def note(content: bytes, media_type: str = "text/plain", **more: Any) -> dict[str, Any]:
    attachment = {"contentType": media_type, "data": base64.b64encode(content).decode()}
    return resource(
        "DocumentReference",
        status="current",
        type=concept(LNC, "11506-3", "Progress note"),
        date="2024-01-10T09:30:00Z",
        content=[{"attachment": attachment}],
        **more,
    )


def test_each_type_of_note_is_a_section_of_its_own(write: Write) -> None:
    discharge = note(b"Go home.", id="d") | {"type": concept(LNC, "18842-5")}
    summary = note(b"All.", id="s") | {"type": {"text": "Radiology report"}}

    document = write(note(b"Doing well.\n\nContinue.", id="p"), discharge, summary)

    assert [document.ccd.sections[code] for code in ("11506-3", "18842-5", "18748-4")] == [1, 1, 1]
    paragraphs = document.section("11506-3").findall(".//{*}paragraph")
    assert [paragraph.text for paragraph in paragraphs] == ["Doing well.", "Continue."]


def test_html_is_preferred_to_a_file_and_read(write: Write) -> None:
    both = note(b"%PDF-1.4 ...", "application/pdf")
    both["content"] += note(b"<p>Read <b>me</b></p>", "text/html; charset=utf-8")["content"]

    document = write(both)

    assert "Read me" in "".join(document.section("11506-3").itertext())
    assert document.find("//c:text/@mediaType") == []


def test_a_file_is_enclosed_unless_it_is_too_large(write: Write) -> None:
    document = write(
        note(b"%PDF-1.4 ...", "application/pdf", id="a"), note(b"x" * 2_000_001, "image/png", id="b")
    )

    enclosed = document.one("//c:act/c:text[@mediaType]")
    assert dict(enclosed.attrib) == {"mediaType": "application/pdf", "representation": "B64"}
    assert base64.b64decode(enclosed.text) == b"%PDF-1.4 ..."
    assert [problem.id for problem in document.ccd.left_out] == ["b"]


def test_the_text_may_be_in_a_binary_or_missing(write: Write) -> None:
    binary = resource(
        "Binary", id="b", contentType="text/plain", data=base64.b64encode(b"From Binary").decode()
    )
    pointing = note(b"x", id="p") | {
        "content": [{"attachment": {"contentType": "text/plain", "url": "Binary/b"}}]
    }
    missing = note(b"x", id="m") | {
        "content": [{"attachment": {"contentType": "text/plain", "url": "Binary/none"}}]
    }

    document = write(pointing, missing, binary)

    assert "From Binary" in "".join(document.section("11506-3").itertext())
    assert [problem.id for problem in document.ccd.left_out] == ["m"]


def test_the_same_text_of_the_same_day_is_written_once(write: Write) -> None:
    document = write(
        note(b"Same", id="a"), note(b"Same", id="b"), note(b"Same", id="c") | {"date": "2024-02-02"}
    )

    assert document.ccd.sections["11506-3"] == 2
    assert [problem.id for problem in document.ccd.left_out] == ["b"]


def test_a_note_points_at_its_encounter(write: Write) -> None:
    visit = resource(
        "Encounter", id="v", status="finished", identifier=[{"system": "urn:oid:1.2", "value": "9"}]
    )
    document = write(visit, note(b"Seen.", context={"encounter": [{"reference": "Encounter/v"}]}))

    found = document.one("//c:act/c:entryRelationship[@typeCode='COMP']/c:encounter/c:id")
    assert dict(found.attrib) == {"root": "1.2", "extension": "9"}
    assert len(document.find("//c:act[c:code/@code='34109-9']/c:author")) == 1
