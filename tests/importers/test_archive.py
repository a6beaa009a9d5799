"""Archives: what is in them comes in, what cannot be read is named, nothing touches the disk."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from phr.errors import UnreadableFile, UsageError
from phr.importers.base import skipped
from phr.importers.opening import read

Zipped = Callable[..., bytes]
Document = Callable[..., str]

CONDITION = b'{"resourceType":"Condition","id":"c","n":1.50}'
OTHER = b'{"resourceType":"Condition","id":"d"}'
METADATA = '<SubmitObjectsRequest xmlns="urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0"/>'
STYLE = '<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform" version="1.0"/>'


def test_a_portal_s_archive_brings_its_documents_and_names_the_rest(
    zipped: Zipped, document: Document
) -> None:
    body = zipped(
        {
            "INDEX.HTM": "<!DOCTYPE html><html><body>Open me</body></html>",
            "README.TXT": "This archive holds your record.",
            "IHE_XDM/": b"",
            "IHE_XDM/Ada Example/DOC0001.XML": document(),
            "IHE_XDM/Ada Example/METADATA.XML": METADATA,
            "IHE_XDM/Ada Example/STYLE.XSL": STYLE,
            "IHE_XDM/Ada Example/a.pdf": b"%PDF-1.7",
            "IHE_XDM/Ada Example/b.pdf": b"%PDF-1.7",
            "IHE_XDM/Ada Example/logo.png": b"\x89PNG\r\n\x1a\n",
        }
    )
    found = read(io.BytesIO(body), name="record.zip")
    types = {one.type for one in found.resources()}

    assert found.format == "zip"
    assert {"Patient", "MedicationStatement"} <= types
    assert [one.label for one in found.patients] == ["Ada Example, 1990-01-01"]
    told = {one["reason"]: (one["count"], one["first"]) for one in skipped(found.problems)}
    assert told["is a PDF document, which is not read yet"] == (2, "a.pdf")
    assert {reason.split(",")[0] for reason in told} >= {
        "is a web page", "is of a kind that phr cannot read", "lists the documents of an archive", "is a stylesheet",
        "is a picture",
    }  # fmt: skip
    assert all("Ada" not in str(one) for one in skipped(found.problems))  # folders are named after people
    assert found.sections is not None
    assert [(one["document"], one["section"], one["found"]) for one in found.sections()] == [
        ("DOC0001.XML", "10160-0", 1)
    ]


def test_the_newest_document_has_the_last_word_whatever_the_order(zipped: Zipped, document: Document) -> None:
    old, new = document("Aspirin 81", "20200101"), document("Aspirin 100", "20240101")
    for files in ({"a.xml": new, "b.xml": old}, {"a.xml": old, "b.xml": new}):
        found = read(io.BytesIO(zipped(files)))
        medications = [one.raw for one in found.resources() if one.type == "MedicationStatement"]
        assert len(medications) == 1
        assert b"Aspirin 100" in medications[0]


def test_an_archive_read_again_gives_the_same_bytes(zipped: Zipped, document: Document) -> None:
    body = zipped(
        {"a.xml": document(), "b.xml": document("Ibuprofen", "20230101", "1.2.3.5"), "c.json": CONDITION}
    )
    first, second = (
        [(one.type, one.id, one.raw) for one in read(io.BytesIO(body)).resources()] for _ in range(2)
    )
    assert first == second
    assert len({pair[:2] for pair in first}) == len(first)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", CONDITION),
        ("a.ndjson", CONDITION + b"\n" + OTHER + b"\n"),
        ("a.json.gz", gzip.compress(CONDITION, mtime=0)),
        ("../../etc/passwd", CONDITION),
        ("/etc/cron.d/root", CONDITION),
        ("C:\\Windows\\a.json", CONDITION),
    ],
)
def test_fhir_in_an_archive_comes_in_byte_for_byte_wherever_it_says_to_lie(
    zipped: Zipped, tmp_path: Path, name: str, content: bytes
) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(zipped({name: content}))
    assert next(read(path).resources()).raw == CONDITION
    assert [one.name for one in tmp_path.iterdir()] == ["x.zip"]


def test_an_archive_in_an_archive_is_opened_once_and_not_deeper(zipped: Zipped) -> None:
    once = zipped({"c.json": CONDITION})
    found = read(
        io.BytesIO(zipped({"in.zip": once, "deep.zip": zipped({"deeper.zip": zipped({"d.json": OTHER})})}))
    )

    assert [one.id for one in found.resources()] == ["c"]
    assert "archive inside an archive" in found.problems[0].reason
    assert found.problems[0].id == "deeper.zip"


def test_tar_archives_are_read_packed_or_not(document: Document) -> None:
    for mode in ("w", "w:gz"):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode=mode) as tape:  # type: ignore[call-overload]
            for name, content in (("a.json", CONDITION), ("b.xml", document().encode()), ("c.txt", b"hello")):
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tape.addfile(info, io.BytesIO(content))
            link = tarfile.TarInfo("link.json")
            link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
            tape.addfile(link)
        found = read(io.BytesIO(out.getvalue()))
        assert found.format == "tar"
        assert {"Condition", "Patient"} <= {one.type for one in found.resources()}
        assert {one.id: one.known for one in found.problems} == {"c.txt": True, "link.json": True}


def test_one_person_under_several_ids_is_not_asked_about_and_two_people_are(zipped: Zipped) -> None:
    def patient(id_: str, name: str) -> bytes:
        return orjson.dumps({"resourceType": "Patient", "id": id_, "name": [{"text": name}]})

    one = read(
        io.BytesIO(zipped({"a.json": patient("1", "Ada Example"), "b.json": patient("2", "ADA  Example")}))
    )
    two = read(
        io.BytesIO(zipped({"a.json": patient("1", "Ada Example"), "b.json": patient("2", "Bea Example")}))
    )
    assert one.choose(None) is None
    with pytest.raises(UsageError, match="2 patients"):
        two.choose(None)


def test_a_broken_member_does_not_stop_the_rest(zipped: Zipped) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("bad.json", CONDITION)
        packed.writestr("good.json", OTHER)
    body = out.getvalue().replace(CONDITION, CONDITION.replace(b"1.50", b"1.60"), 1)  # the checksum stays
    found = read(io.BytesIO(body))

    assert [one.id for one in found.resources()] == ["d"]
    assert [(one.id, one.known) for one in found.problems] == [("bad.json", False)]


def test_an_archive_without_a_record_says_what_is_in_it(zipped: Zipped) -> None:
    with pytest.raises(UnreadableFile) as caught:
        read(io.BytesIO(zipped({"Ada.pdf": b"%PDF-1.7", "b.png": b"\x89PNG\r\n\x1a\n"})), name="x.zip")
    assert "PDF" in caught.value.message
    assert "Ada" not in caught.value.message


def test_a_patient_of_an_archive_is_named_with_the_file_that_names_them(
    zipped: Zipped, document: Document
) -> None:
    bea = document(root="1.2.9").replace("Ada", "Bea").replace('extension="p1"', 'extension="p2"')
    found = read(
        io.BytesIO(zipped({"in.zip": zipped({"DOC0001.XML": document()}), "IHE/DOC0002.XML": bea})), name="x"
    )

    assert sorted(str(one.where) for one in found.patients) == ["DOC0002.XML", "in.zip/DOC0001.XML"]
    with pytest.raises(UsageError) as caught:
        found.choose(None)
    assert "(in DOC0002.XML)" in (caught.value.hint or "")
    assert "Bea" not in f"{caught.value.message}{caught.value.hint}"


def test_the_sender_is_who_keeps_all_of_the_documents(zipped: Zipped, document: Document) -> None:
    def kept_by(name: str, root: str) -> str:
        organization = (
            f"<representedCustodianOrganization><name>{name}</name></representedCustodianOrganization>"
        )
        custodian = f"<custodian><assignedCustodian>{organization}</assignedCustodian></custodian>"
        return document(root=root).replace("</recordTarget>", f"</recordTarget>{custodian}")

    def sender(*files: str | bytes) -> str | None:
        return read(io.BytesIO(zipped({f"{at}.xml": one for at, one in enumerate(files)}))).sender

    assert read(io.BytesIO(kept_by("Hill Clinic", "1").encode())).sender == "Hill Clinic"
    assert sender(kept_by("Hill Clinic", "1"), kept_by("Hill Clinic", "2"), "<html/>") == "Hill Clinic"
    assert sender(kept_by("Hill Clinic", "1"), kept_by("Dale Hospital", "2")) is None
    assert sender(kept_by("Hill Clinic", "1"), CONDITION) is None
    assert "Hill" not in repr(read(io.BytesIO(kept_by("Hill Clinic", "1").encode())))


def test_sections_without_entries_stand_in_the_report_of_an_archive_too(
    zipped: Zipped, document: Document
) -> None:
    more = (
        '<component><section><code code="29299-5" codeSystem="2.16.840.1.113883.6.1"/><title>Why</title>'
        "<text>Because of a cough</text></section></component></structuredBody>"
    )
    found = read(io.BytesIO(zipped({"a.xml": document().replace("</structuredBody>", more)})))
    list(found.resources())

    assert [(one["document"], one["title"], one["found"]) for one in found.section_reports()] == [
        ("a.xml", "Medications", 1),
        ("a.xml", "Why", 0),
    ]


def test_what_is_said_of_a_document_names_its_file(zipped: Zipped, document: Document) -> None:
    body = zipped({"IHE/DOC0001.XML": document().replace("Summary", "A & B")})
    found = read(io.BytesIO(body))
    list(found.resources())

    assert [(one.type, one.id) for one in found.problems] == [("document", "DOC0001.XML")]


def test_long_names_in_tar_archives_are_understood_in_both_ways_of_writing_them() -> None:
    for layout in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=layout) as tape:
            for name, content in (("d" * 90 + "/" + "ü" * 60 + ".json", CONDITION), ("b.json", OTHER)):
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tape.addfile(info, io.BytesIO(content))
            folder = tarfile.TarInfo("e")
            folder.type = tarfile.DIRTYPE
            tape.addfile(folder)
            broken = tarfile.TarInfo("c" * 120 + ".json")
            broken.size = 1
            tape.addfile(broken, io.BytesIO(b"{"))
        found = read(io.BytesIO(out.getvalue()))
        assert [one.raw for one in found.resources()] == [CONDITION, OTHER]
        assert [one.id for one in found.problems] == ["c" * 100]
