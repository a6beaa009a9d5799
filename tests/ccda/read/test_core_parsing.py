"""Bytes to a tree: what is mended and named, and what is refused in a sentence."""

from __future__ import annotations

import time

import pytest

from phr.ccda.read.document import read
from phr.ccda.read.nodes import child
from phr.ccda.read.parsing import DEEPEST, parse
from phr.ccda.read.people import text
from phr.errors import UnreadableFile

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
BODY = (
    '<ClinicalDocument xmlns="urn:hl7-org:v3"><title>Café {}</title><component><structuredBody/></component>'
    "</ClinicalDocument>"
)
PLAIN = DECLARATION + BODY.format("x")

PREFIXED = (
    PLAIN.replace("xmlns=", "xmlns:n1=").replace("<C", "<n1:C").replace("<t", "<n1:t").replace("</", "</n1:")
)
PREFIXED = PREFIXED.replace("<component", "<n1:component").replace("<structuredBody", "<n1:structuredBody")


def title(content: bytes) -> str | None:
    return text(child(parse(content).root, "title"))


@pytest.mark.parametrize(
    ("content", "remark"),
    [
        (PLAIN.encode(), None),
        (b"\xef\xbb\xbf" + PLAIN.encode(), None),
        (b"\n\n  " + PLAIN.encode(), None),
        (b"\xef\xbb\xbf\n" + PLAIN.encode() + b"\0\0\n", None),
        (PLAIN.replace("UTF-8", "UTF-16").encode("utf-16"), None),
        (PLAIN.encode("utf-16-le"), None),
        (PLAIN.encode("utf-16-be"), None),
        (PLAIN.encode("cp1252"), "windows-1252"),
        (BODY.format("x").encode("cp1252"), "windows-1252"),
        (PLAIN.replace("UTF-8", "ISO-8859-1").encode("latin-1"), None),
        (PLAIN.replace("UTF-8", "ISO-8859-1").encode(), "is in UTF-8"),
        (PLAIN.replace("UTF-8", "utf-16").encode(), "is in UTF-8"),
        (PLAIN.replace("UTF-8", "klingon").encode("cp1252"), "windows-1252"),
        (PLAIN.replace("UTF-8", "base64").encode("cp1252"), "no encoding"),
        (PLAIN.encode() + b"\nEND OF REPORT", "left out"),
        (PREFIXED.encode(), None),
        (PLAIN.replace(' xmlns="urn:hl7-org:v3"', "").encode(), None),
        (("<?xml-stylesheet href='x.xsl'?><!-- <!DOCTYPE a> -->" + BODY.format("x")).encode(), None),
    ],
)  # fmt: skip
def test_a_document_reads_the_same_however_it_is_written(content: bytes, remark: str | None) -> None:
    parsed = parse(content)
    assert text(child(parsed.root, "title")) == "Café x"
    assert parsed.whole
    assert [remark] == [each for each in [remark] if each and any(each in one for one in parsed.remarks)] or (
        remark is None and parsed.remarks == ()
    )


def test_single_wrong_bytes_do_not_spoil_the_rest() -> None:
    mixed = PLAIN.encode().replace(b"x</title>", b"na\xefve</title>")
    assert title(mixed) == "Café naïve"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Smith & Co", "Smith & Co"),
        ("a&nbsp;b &eacute;", "a b é"),
        ("x &amp; y &#233; & z", "x & y é & z"),
        ("a\x0bb\x00c", "abc"),
        ("<![CDATA[R&D]]> & more", "R&D & more"),
    ],
)
def test_slips_of_software_are_mended_and_named(written: str, meant: str) -> None:
    parsed = parse((DECLARATION + BODY.format(written)).encode())
    assert text(child(parsed.root, "title")) == f"Café {meant}".replace("\xa0", " ")
    assert parsed.remarks == () or any("mended" in each for each in parsed.remarks)


LAUGHS = '<!DOCTYPE a [<!ENTITY b "lol"><!ENTITY c "&b;&b;&b;">]><ClinicalDocument>&c;</ClinicalDocument>'


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (LAUGHS.encode(), "document type declaration"),
        ((DECLARATION + "<!-- x -->" + LAUGHS).encode("utf-16"), "document type declaration"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><ClinicalDocument/>', "document type declaration"),
        (b"<ClinicalDocument>" + b"<a>" * 100_000, "deep"),
        (PLAIN.encode()[:120], "ends in the middle"),
        (PLAIN.encode()[:60], "ends in the middle"),
        (PLAIN.encode()[:-3], "ends in the middle"),
        (b"<!--" * 1000, "ends in the middle"),
        (b"<ClinicalDocument>" + b"<![CDATA[" * 50_000, "ends in the middle"),
        (b"<ClinicalDocument><a></b></ClinicalDocument>", "not well-formed"),
        (b'<ClinicalDocument a="1" a="2"/>', "not well-formed"),
        (b"", "empty"),
        (b"\0\0\0 \n", "empty"),
        (b'{"resourceType": "Bundle"}', "not XML"),
        (b"%PDF-1.4", "not XML"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"<html><body/></html>", "web page"),
        (b'<Bundle xmlns="http://hl7.org/fhir"/>', "FHIR Bundle"),
        (b"<entry><x/></entry>", "no clinical document"),
        (b" " * (100 * 1024 * 1024 + 1), "larger than 100 MB"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence_and_soon(content: bytes, words: str) -> None:
    begun = time.monotonic()
    with pytest.raises(UnreadableFile, match=words) as refused:
        parse(content, "summary.xml")
    assert refused.value.message.startswith("summary.xml ")
    assert time.monotonic() - begun < 5


def test_every_cut_of_a_document_ends_in_a_sentence_or_is_read() -> None:
    content = PLAIN.encode()
    for length in range(len(content)):
        try:
            parse(content[:length])
        except UnreadableFile as refused:
            assert refused.message
        else:  # only white space is missing
            assert content[length:].strip() == b""


def test_nesting_is_read_to_the_limit() -> None:
    levels = DEEPEST - 3
    deep = (
        f"<ClinicalDocument><title>{'<content>' * levels}x{'</content>' * levels}</title></ClinicalDocument>"
    )
    assert title(deep.encode()) == "x"


def test_a_large_picture_in_base64_is_read() -> None:
    body = "QUJD" * 2_000_000
    content = (
        '<ClinicalDocument xmlns="urn:hl7-org:v3"><id root="1.2.3.4.5.6"/><component><nonXMLBody>'
        f'<text mediaType="application/pdf" representation="B64">{body}</text></nonXMLBody></component></ClinicalDocument>'
    ).encode()
    held = [each for each in read(content).resources if each["resourceType"] == "DocumentReference"]
    kinds = {each["content"][0]["attachment"]["contentType"]: each for each in held}
    assert kinds["application/pdf"]["content"][0]["attachment"]["data"] == body
    assert set(kinds) == {"application/pdf", "application/xml"}


def test_nothing_is_fetched_or_included() -> None:
    content = (
        b'<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xi="http://www.w3.org/2001/XInclude"><title>'
        b'<xi:include href="file:///etc/hosts" parse="text"/></title></ClinicalDocument>'
    )
    assert title(content) is None


@pytest.mark.parametrize(
    "piece",
    [
        '<section><templateId root="1.2"/><code code="11450-4"/>{}</section>',
        '<component><section><code code="11450-4"/>{}</section></component>',
        "{}",
        "<component>{}</component>",
        '<id root="1.2.3.4.5"/><section>{}</section>',
    ],
)
def test_a_piece_of_a_document_is_read_though_its_prefixes_are_not_declared(piece: str) -> None:
    entry = (
        '<entry><observation classCode="OBS" moodCode="EVN"><code code="8302-2" codeSystem="2.16.840.1.113883.6.1"/>'
        '<statusCode code="completed"/><value xsi:type="PQ" value="170" unit="cm"/></observation></entry>'
    )
    document = read(piece.format(entry).encode(), name="piece.xml")
    patient, *others = document.resources
    assert set(patient) == {"resourceType", "id"}
    assert any(each.get("subject") == {"reference": f"Patient/{patient['id']}"} for each in others)
    assert any("piece of a document" in problem.reason for problem in document.problems)
