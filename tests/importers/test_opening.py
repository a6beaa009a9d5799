"""What a file is, decided by looking inside, and what is said when it is something else."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import orjson
import pytest

from phr.errors import PhrError, UnreadableFile, UsageError
from phr.importers.base import NOTED, skipped
from phr.importers.opening import read

CONDITION = b'{"resourceType":"Condition","id":"c","code":{"text":"x"},"n":1.50}'
OTHER = b'{"resourceType":"Condition","id":"d"}'
BUNDLE = (
    b'{"resourceType":"Bundle","type":"searchset","entry":[\n{"resource":'
    + CONDITION
    + b'},{"resource":'
    + OTHER
    + b"}]}"
)
PRETTY = b'{\n "resourceType": "Condition",\n "id": "c"\n}\n'


def _file(tmp_path: Path, body: bytes, name: str = "a.txt") -> Path:
    path = tmp_path / name
    path.write_bytes(body)
    return path


@pytest.mark.parametrize(
    ("body", "format_", "raws"),
    [
        (CONDITION, "fhir-resource", [CONDITION]),
        (PRETTY, "fhir-resource", [PRETTY.strip()]),
        (BUNDLE, "fhir-bundle", [CONDITION, OTHER]),
        (b"\xef\xbb\xbf" + BUNDLE, "fhir-bundle", [CONDITION, OTHER]),
        (CONDITION + b"\n" + OTHER, "ndjson", [CONDITION, OTHER]),
        (b"\xef\xbb\xbf\r\n" + CONDITION + b"\r\n\r\n" + OTHER + b"\r\n", "ndjson", [CONDITION, OTHER]),
        (gzip.compress(CONDITION + b"\n" + OTHER + b"\n", mtime=0), "ndjson", [CONDITION, OTHER]),
        (BUNDLE.replace(b"\n", b"") + b"\n" + PRETTY.replace(b"\n", b"").replace(b'"c"', b'"e"'), "ndjson",
         [CONDITION, OTHER, PRETTY.replace(b"\n", b"").replace(b'"c"', b'"e"')]),
    ],
)  # fmt: skip
def test_a_file_is_what_it_holds_and_its_bytes_stay(
    tmp_path: Path, body: bytes, format_: str, raws: list[bytes]
) -> None:
    for given in (_file(tmp_path, body), io.BytesIO(body)):
        found = read(given)
        assert (found.format, [one.raw for one in found.resources()]) == (format_, raws)
        assert [one.raw for one in found.resources()] == raws  # and again
        assert found.problems == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "web page"),
        (b'\xef\xbb\xbf<?xml version="1.0"?><x xmlns="urn:other"/>', "neither a C-CDA"),
        (b"<Bundle xmlns='http://hl7.org/fhir'/>", "XML"),
        (b"%PDF-1.7", "PDF"),
        (b"PK\x03\x04rest", "ZIP"),
        (b"MSH|^~\\&|", "HL7 v2"),
        (BUNDLE.decode().encode("utf-16"), "UTF-16"),
        (BUNDLE[:-20], "cut off"),
        (BUNDLE[:-2] + b"}}", "broken JSON"),
        (b"hello there", "is of a kind that phr cannot read"),
        (
            b"MYMEDICARE.GOV PERSONAL HEALTH INFORMATION\n\n*****\n\nProduced by the Blue Button (v2.0)\n",
            "Blue Button",
        ),
        ("My HealtheVet Personal Information Report\r\n".encode("utf-16"), "Blue Button"),
        (b"VA Blue Button\xae Report, page 1\nName: x\n", "Blue Button"),
        (b'{"name":"x"}', "no resourceType"),
        (b"[1,2]", "no resourceType"),
        (b'{"a":1}\n{"b":2}\n', "lines of JSON"),
        (gzip.compress(BUNDLE, mtime=0)[:-30], "damaged gzip"),
    ],
)
def test_what_is_not_fhir_is_refused_in_a_sentence(tmp_path: Path, body: bytes, words: str) -> None:
    for given in (_file(tmp_path, body), io.BytesIO(body)):
        with pytest.raises(UnreadableFile) as caught:
            read(given)
        assert words in caught.value.message
        assert caught.value.hint


def test_unreadable_lines_are_named_and_do_not_stop_the_rest(tmp_path: Path) -> None:
    body = b"\n".join([b'{"resourceType":"Con', CONDITION, b"<html>", b'{"id":"x"}', OTHER, CONDITION[:-9]])
    found = read(_file(tmp_path, body))

    assert [one.id for one in found.resources()] == ["c", "d"]
    assert skipped(found.problems)[0] == {
        "what": "line", "reason": "is not a readable resource", "count": 3, "first": "line 1",
    }  # fmt: skip
    assert sum(one["count"] for one in skipped(found.problems)) == 4
    assert [problem.id for problem in found.problems if "cut off" in problem.reason] == ["line 6"]


def test_odd_entries_of_a_bundle_are_named_and_do_not_stop_the_rest(tmp_path: Path) -> None:
    body = b'{"resourceType":"Bundle","entry":[{"resource":5},{},{"resource":%s}]}' % CONDITION
    found = read(_file(tmp_path, body))

    assert [one.id for one in found.resources()] == ["c"]
    assert len(found.problems) == 2


def test_a_resource_without_an_id_goes_by_the_uuid_of_its_entry(tmp_path: Path) -> None:
    uuid = "0f4c2b1e-1111-4222-8333-444455556666"
    body = orjson.dumps(
        {
            "resourceType": "Bundle",
            "entry": [{"fullUrl": f"urn:uuid:{uuid}", "resource": {"resourceType": "Condition"}}],
        }
    )
    assert [(one.type, one.id) for one in read(_file(tmp_path, body)).resources()] == [("Condition", uuid)]


def test_of_one_address_with_two_contents_the_last_one_counts_and_the_other_is_named(tmp_path: Path) -> None:
    changed = CONDITION.replace(b"1.50", b"1.60")
    found = read(_file(tmp_path, b"\n".join([CONDITION, OTHER, CONDITION, changed])))

    for _ in range(2):  # taking it in again brings the same, so that nothing changes then
        assert [one.raw for one in found.resources()] == [OTHER, changed]
        assert [problem.id for problem in found.problems] == ["c"]


def test_many_lines_come_in_batches(tmp_path: Path) -> None:
    lines = b"\n".join(b'{"resourceType":"Condition","id":"%d"}' % n for n in range(1201))

    assert [len(batch) for batch in read(_file(tmp_path, lines)).batches()] == [500, 500, 201]


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_a_missing_file_or_a_folder_is_a_usage_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        read(tmp_path / name)


def test_an_unknown_format_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="docx"):
        read(_file(tmp_path, CONDITION), format="docx")


@pytest.mark.parametrize(
    ("body", "said", "words"),
    [
        (CONDITION, "ccda", "is fhir-resource, not ccda"),
        (CONDITION, "fhir-bundle", "is fhir-resource, not fhir-bundle"),
        (BUNDLE, "zip", "is fhir-bundle, not zip"),
        (b"<ClinicalDocument xmlns='urn:hl7-org:v3'/>", "ndjson", "is ccda, not ndjson"),
    ],
)
def test_a_format_that_was_said_and_does_not_fit_is_told(
    tmp_path: Path, body: bytes, said: str, words: str
) -> None:
    with pytest.raises(UnreadableFile, match=words) as caught:
        read(_file(tmp_path, body), format=said)
    assert "--format" in (caught.value.hint or "")


def test_a_table_without_a_mapping_is_refused_with_the_way_to_bring_it_in(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="table") as caught:
        read(_file(tmp_path, b"Date,Test,Result\n2024-01-01,Glucose,5.1\n"))
    assert "--mapping" in (caught.value.hint or "")
    with pytest.raises(UsageError, match="table"):
        read(_file(tmp_path, b"Date,Test,Result\n"), format="csv")


def test_no_message_holds_content(tmp_path: Path) -> None:
    with pytest.raises(PhrError) as caught:
        read(_file(tmp_path, b'{"name":"Ada Example"'))
    assert "Ada" not in caught.value.message + (caught.value.hint or "")


def test_nothing_from_a_pipe_is_no_download(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="the standard input is empty") as caught:
        read(io.BytesIO(b""))
    assert "Download" not in (caught.value.hint or "")


def test_a_folder_without_a_name_is_named_as_it_was_said() -> None:
    with pytest.raises(UsageError, match=r"^\. is a folder"):
        read(Path())


def test_what_is_cut_off_is_told_the_same_way_in_json_and_xml() -> None:
    told = []
    for body in (BUNDLE[:-20], b"<ClinicalDocument xmlns='urn:hl7-org:v3'><title>x</title>"):
        with pytest.raises(UnreadableFile) as caught:
            read(io.BytesIO(body), name="x")
        told.append((caught.value.message, caught.value.hint))
    assert told[0] == told[1]


def test_a_mapping_that_no_table_needed_is_named(tmp_path: Path) -> None:
    mapping = _file(tmp_path, b'[[rows]]\nkind = "problem"\n[rows.columns]\ntext = "What"\n', "m.toml")
    found = read(_file(tmp_path, CONDITION), mapping=mapping)
    for _ in range(2):
        list(found.resources())
        assert [(one.type, one.id, one.reason in NOTED) for one in found.problems] == [
            ("mapping", "m.toml", True)
        ]
    found = read(_file(tmp_path, b"What\nCough\n"), mapping=mapping)
    list(found.resources())
    assert found.problems == []
