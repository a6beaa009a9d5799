"""The papers of the record: a PDF that readers open, a C-CDA document that validates, text and HTML inside."""

from __future__ import annotations

import re
from base64 import b64decode
from typing import Any

import pytest
from lxml import etree

from phr.sandbox.synthetic import family
from phr.sandbox.synthetic.ccda import discharge_summary
from phr.sandbox.synthetic.pdf import page

Json = dict[str, Any]
CDA = {"c": "urn:hl7-org:v3"}


@pytest.fixture(scope="module")
def record() -> list[Json]:
    return list(family())


def test_the_cross_reference_table_of_the_pdf_points_at_its_objects() -> None:
    pdf = page("A title (with brackets)", ["one line", "back\\slash", "ümlaut"])
    start = int(re.findall(rb"startxref\n(\d+)\n%%EOF", pdf)[-1])
    offsets = [int(each) for each in re.findall(rb"(\d{10}) 00000 n ", pdf)]

    assert pdf.startswith(b"%PDF-1.4")
    assert pdf[start:].startswith(b"xref\n0 6\n")
    assert [pdf[offset:].split(b"\n", 1)[0] for offset in offsets] == [b"%d 0 obj" % n for n in range(1, 6)]


def test_the_stream_of_the_pdf_has_the_length_it_says() -> None:
    pdf = page("Title", ["line"])
    said = int(re.findall(rb"/Length (\d+)", pdf)[0])
    stream = pdf.split(b"stream\n", 1)[1].split(b"\nendstream", 1)[0]

    assert len(stream) == said
    assert b"(Title) Tj" in stream and b"(line) Tj" in stream


def test_every_line_of_the_papers_fits_the_page(record: list[Json]) -> None:
    for resource in record:
        if resource["resourceType"] == "Binary" and resource["contentType"] == "application/pdf":
            lines = re.findall(rb"\((.*)\) Tj", b64decode(resource["data"]))
            assert lines and max(map(len, lines)) <= 95


def test_notes_come_as_text_html_pdf_and_ccda(record: list[Json]) -> None:
    attachments = [d["content"][0]["attachment"] for d in record if d["resourceType"] == "DocumentReference"]
    binaries = {f"Binary/{r['id']}": r for r in record if r["resourceType"] == "Binary"}

    assert {a["contentType"].split(";")[0] for a in attachments} == {
        "text/plain",
        "text/html",
        "application/pdf",
        "application/xml",
    }
    for attachment in attachments:
        if "url" in attachment:
            binary = binaries[attachment["url"]]
            assert binary["contentType"] == attachment["contentType"]
            assert len(b64decode(binary["data"])) == attachment["size"]


def test_the_ccd_has_the_six_required_sections_with_entries() -> None:
    document = etree.fromstring(discharge_summary())
    sections = document.findall(".//c:section", CDA)

    assert {s.find("c:code", CDA).get("code") for s in sections} == {
        "48765-2", "10160-0", "11450-4", "30954-2", "29762-2", "8716-3",
    }  # fmt: skip
    assert all(s.findall("c:entry", CDA) for s in sections)


def test_the_numbers_of_the_ccd_are_those_of_the_record(record: list[Json]) -> None:
    document = etree.fromstring(discharge_summary())
    told = {
        o.find("c:code", CDA).get("code"): float(o.find("c:value", CDA).get("value"))
        for o in document.findall(".//c:organizer/c:component/c:observation", CDA)
    }
    known: set[tuple[str, float]] = set()
    for resource in record:
        if resource["resourceType"] == "Observation" and "2020-11-17" in resource["effectiveDateTime"]:
            for part in [resource, *resource.get("component", [])]:
                if "valueQuantity" in part:
                    known |= {(c["code"], part["valueQuantity"]["value"]) for c in part["code"]["coding"]}

    assert told and set(told.items()) <= known
