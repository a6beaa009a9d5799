"""Words out of documents, and which copies say the same; hostile files end in no words."""

from __future__ import annotations

import base64
import time
import zlib
from pathlib import Path

import pytest

from phr.records import document_text, media_types, pdf_text, rtf_text
from phr.records.document_text import text_of
from phr.records.patience import within
from phr.records.same_document import says_the_same
from phr.sandbox.synthetic.pdf import page

PDF = page("Letter", ["The ocelot is well"])
CDA = '<ClinicalDocument xmlns="urn:hl7-org:v3">{}<component>{}</component></ClinicalDocument>'
SECTION = "<structuredBody><component><section><title>Plan</title><text>{}</text></section></component></structuredBody>"


def pdf(*objects: bytes) -> bytes:
    """A file of these objects (ISO 32000-1, section 7.5)."""
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, one in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    start, size = len(out), len(objects) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n" % size + b"".join(
        b"%010d 00000 n \n" % one for one in offsets
    )
    out += b"trailer\n<< /Root 1 0 R /Size %d >>\nstartxref\n%d\n%%%%EOF\n" % (size, start)
    return bytes(out)


def with_stream(
    stream: bytes, extra: bytes = b"", resources: bytes = b"<< /Font << /F1 5 0 R >> >>"
) -> bytes:
    return pdf(
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Resources %s >>" % resources,
        b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(stream), extra, stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (PDF, "application/pdf"),
        (b"\r\n\r\n" + PDF, "application/pdf"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n\x00", "image/png"),
        (b"II*\x00\x08", "image/tiff"),
        (b"MM\x00*\x00", "image/tiff"),
        (b"\x00" * 128 + b"DICM\x02", "application/dicom"),
        (b"{\\rtf1\\ansi hello}", "application/rtf"),
        (b"<!DOCTYPE html><p>x", "text/html"),
        (b"  <div class='x'>x</div>", "text/html"),
        (CDA.format("", "").encode(), "application/hl7-cda+xml"),
        (b'\xef\xbb\xbf<?xml version="1.0"?><ClinicalDocument/>', "application/hl7-cda+xml"),
        (b"<?xml version='1.0'?><x/>", "application/xml"),
        ("<?xml version='1.0'?><x/>".encode("utf-16"), "application/xml"),
        (b'{"resourceType": "Bundle"}', "application/json"),
        (b"PK\x03\x04\x14\x00", "application/zip"),
        (b"PK\x03\x04......word/document.xml", media_types._OFFICE[0][1]),
        (b"Dear Ada, the result is <5.", "text/plain"),
        ("Käse".encode("cp1252"), "text/plain"),
        (b"\x00\x01\x02", None),
        (b"", None),
    ],
)
def test_the_first_bytes_say_what_a_document_is(content: bytes, media_type: str | None) -> None:
    assert media_types.sniff(content) == media_type


@pytest.mark.parametrize(
    ("declared", "sniffed", "called"),
    [
        (None, "application/pdf", "application/pdf"),
        ("application/octet-stream", "text/html", "text/html"),
        ("application/pdf", "application/hl7-cda+xml", "application/hl7-cda+xml"),
        ("text/xml; charset=utf-8", "application/hl7-cda+xml", "application/hl7-cda+xml"),
        ("Text/XML", "application/xml", "text/xml"),
        ("text/markdown", "text/plain", "text/markdown"),
        ("application/fhir+json", "application/json", "application/fhir+json"),
        ("image/x-own", None, "image/x-own"),
        ("nonsense", None, "application/octet-stream"),
    ],
)
def test_the_bytes_overrule_a_label_that_is_missing_or_wrong(
    declared: str | None, sniffed: str | None, called: str
) -> None:
    assert media_types.settle(declared, sniffed) == called


@pytest.mark.parametrize(
    ("content", "declared", "words"),
    [
        (PDF, None, "Letter The ocelot is well"),
        (
            b"<html><head><title>t</title><style>b{}</style></head><script>a<b</script>TSH &lt;5",
            None,
            "TSH <5",
        ),
        (
            rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}Caf\'e9 \u8364?5\par {\*\x no}yes}",
            None,
            "Café €5 yes",
        ),
        (
            CDA.format("<title>CCD</title>", SECTION.format("<list><item>Rest</item></list>")).encode(),
            None,
            "CCD Plan Rest",
        ),
        ("Größe 5".encode("cp1252"), "text/plain", "Größe 5"),
        ("Größe 5".encode("utf-16"), "text/plain", "Größe 5"),
        ("Γιατρός".encode("iso-8859-7"), "text/plain; charset=iso-8859-7", "Γιατρός"),
        (b'{"note": [{"text": "tired"}], "data": "QUJD"}', None, "tired"),
        (b"\x89PNG\r\n\x1a\n", "image/png", ""),
    ],
)
def test_the_words_of_a_document(content: bytes, declared: str | None, words: str) -> None:
    assert text_of(content, declared).words == words


def test_a_pdf_inside_a_clinical_document_is_read() -> None:
    inside = base64.b64encode(PDF).decode()
    body = f'<nonXMLBody><text mediaType="application/pdf" representation="B64">{inside}</text></nonXMLBody>'
    assert "ocelot" in text_of(CDA.format("<title>Scan</title>", body).encode()).words


def test_every_clinical_document_among_the_samples_has_words(shared: Path) -> None:
    files = sorted((shared / "samples" / "ccda").glob("*.xml"))
    read = {file.name: text_of(file.read_bytes()) for file in files}
    assert files and all(one.media_type == "application/hl7-cda+xml" for one in read.values())
    assert sum(len(one.words) > 900 for one in read.values()) >= len(files) - 1


# ── hostile ───────────────────────────────────────────────────────────────────────────────────────

LOOP = pdf(
    b"<< /Type /Catalog /Pages 2 0 R >>",
    b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 /Parent 2 0 R >>",
)
SELF = with_stream(
    b"/X Do " * 100,
    resources=b"<< /XObject << /X 4 0 R >> >>",
    extra=b"/Type /XObject /Subtype /Form /Resources << /XObject << /X 4 0 R >> >>",
)
BOMB = with_stream(zlib.compress(b"(x) Tj " * 4_000_000), extra=b"/Filter /FlateDecode")
ENTITIES = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaa">]><ClinicalDocument>&a;&a;</ClinicalDocument>'
)


HOSTILE = [
    LOOP,
    SELF,
    BOMB,
    ENTITIES,
    PDF[:300],
    b"%PDF-1.7" + b"\xff" * 5000,
    b"<a>" * 100_000,
    b"{" * 200_000,
    b"{\\rtf1" + b"{" * 300_000,
    b"<!DOCTYPE html>" + b"<script>" * 100_000,
]


@pytest.mark.parametrize(
    "content",
    HOSTILE,
    ids="loop self bomb entities cut noise deep-xml deep-json deep-rtf scripts".split(),
)
def test_a_hostile_file_ends_in_no_words_and_soon(content: bytes) -> None:
    began = time.monotonic()
    text_of(content)
    assert time.monotonic() - began < document_text.SECONDS + 5


def test_entities_are_never_expanded() -> None:
    assert "aaaaaaaa" not in text_of(ENTITIES).words


def test_work_that_never_ends_is_given_up() -> None:
    def forever() -> str:
        while True:
            try:
                time.sleep(0.001)
            except Exception:  # noqa: BLE001 - as libraries do
                continue

    began = time.monotonic()
    assert within(0.1, forever, "given up") == "given up"
    assert time.monotonic() - began < 3
    assert within(1, lambda: 1 // 0, -1) == -1


def test_a_document_has_a_bounded_number_of_words() -> None:
    assert len(text_of(b"word " * 1_000_000, "text/plain").words) <= document_text.LIMIT
    assert len(rtf_text.words("{\\rtf1 " + "word " * 100_000 + "}", 1000)) < 600_000
    assert pdf_text.words(PDF, 3) == "Let"


# ── the same, made anew ───────────────────────────────────────────────────────────────────────────


def dated(content: bytes, day: int) -> bytes:
    info = b"6 0 obj\n<< /CreationDate (D:202603%02d) /ModDate (D:202603%02d) >>\nendobj\n" % (day, day)
    return content.replace(b"xref\n", info + b"xref\n", 1).replace(
        b"/Root 1 0 R", b"/Root 1 0 R /Info 6 0 R /ID [<%032d> <%032d>]" % (day, day)
    )


def packed(level: int) -> bytes:
    return with_stream(
        zlib.compress(b"BT /F1 9 Tf (ocelot) Tj ET" * 20, level), extra=b"/Filter /FlateDecode"
    )


def ccd(copy: int, words: str) -> bytes:
    header = f'<id extension="{copy}"/><effectiveTime value="{copy}"/><author><time value="{copy}"/></author>'
    return CDA.format(header, SECTION.format(words)).encode()


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        (dated(PDF, 1), dated(PDF, 2), True),
        (dated(PDF, 1), dated(page("Letter", ["The ocelot is ill"]), 1), False),
        (packed(1), packed(9), True),
        (ccd(1, "rest"), ccd(2, "rest"), True),
        (ccd(1, "rest"), ccd(1, "run"), False),
        (b"Generated on 2026-03-01 10:00\nRest", b"Generated on 2026-03-02 11:30\nRest", True),
        (b"Seen on 2026-03-01\nRest", b"Seen on 2026-03-02\nRest", False),
        (b"\xff\xd8\xff\x01", b"\xff\xd8\xff\x02", False),
        (PDF, b"Rest", False),
    ],
    ids="pdf-dates pdf-words pdf-packing cda-header cda-words text-line text-date picture kind".split(),
)
def test_copies_that_differ_only_in_when_they_were_made_are_the_same(
    old: bytes, new: bytes, same: bool
) -> None:
    assert says_the_same(old, new) is same
    assert says_the_same(new, old) is same


def test_when_something_happened_is_never_taken_for_when_a_copy_was_made() -> None:
    entry = '<component><section><entry><act><effectiveTime value="{}"/><id root="{}"/></act></entry></section></component>'
    old, new = (CDA.format("", f"<structuredBody>{entry.format(day, 1)}</structuredBody>") for day in (1, 2))
    assert not says_the_same(old.encode(), new.encode())


@pytest.mark.parametrize(
    "content", [b"<" + b"a" * 4000, b"<" + b"xmln." * 800, b"<a " + b"xmlns" * 800 + b"<"]
)
def test_a_kind_is_told_in_no_time_whatever_the_bytes(content: bytes) -> None:
    began = time.perf_counter()
    media_types.sniff(content)
    assert time.perf_counter() - began < 0.5


def test_xml_without_a_declaration_is_told_by_its_namespace() -> None:
    assert media_types.sniff(b'<hl7:Thing id="1" xmlns:hl7="urn:x">') == "application/xml"
