"""What `--data` takes, and what it makes of it."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path
from typing import Any

import orjson
import pytest

from phr.errors import UsageError
from phr.sandbox.load import Draft, Loader
from phr.sandbox.resources import parse

PATIENT = b'{"resourceType":"Patient","id":"ada","multipleBirthInteger":1}'
RESULT = b'{ "resourceType" : "Observation", "id" : "a1",\n "valueQuantity" : {"value":1.20} }'


def load(tmp_path: Path, *files: bytes) -> Loader:
    loader = Loader()
    for number, content in enumerate(files):
        path = tmp_path / f"data-{number}"
        path.write_bytes(content)
        loader.add_file(path)
    return loader


def bundle(type_: str, *entries: object) -> bytes:
    return orjson.dumps({"resourceType": "Bundle", "type": type_, "entry": list(entries)})


def tar(members: dict[str, bytes], mode: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def addresses(loader: Loader) -> list[str]:
    return [f"{draft.type}/{draft.id}" for draft in loader.drafts]


@pytest.mark.parametrize(
    "content",
    [
        PATIENT,
        b"\xef\xbb\xbf" + PATIENT + b"\n",
        PATIENT + b"\n\n" + RESULT.replace(b"\n", b"") + b"\n",
        gzip.compress(PATIENT, mtime=0),
        tar({"a.json": PATIENT, "sub/b.ndjson": RESULT.replace(b"\n", b"")}, "w"),
        tar({"a.json.gz": gzip.compress(PATIENT, mtime=0)}, "w:gz"),
        bundle("collection", {"resource": orjson.loads(PATIENT)}),
    ],
    ids=["json", "bom", "ndjson", "gzip", "tar", "tar.gz", "bundle"],
)
def test_a_file_is_known_by_what_is_inside(tmp_path: Path, content: bytes) -> None:
    loader = load(tmp_path, content)

    assert addresses(loader)[0] == "Patient/ada"
    assert loader.skipped == 0


@pytest.mark.parametrize("type_", ["transaction", "batch", "collection", "searchset", "document", "history"])
def test_every_kind_of_bundle_is_cut_into_the_exact_bytes_of_its_resources(
    tmp_path: Path, type_: str
) -> None:
    content = b'{"resourceType":"Bundle","type":"%s","entry":[{"resource":%s},\n{"resource": %s}]}' % (
        type_.encode(),
        PATIENT,
        RESULT,
    )

    assert [draft.raw for draft in load(tmp_path, content).drafts] == [PATIENT, RESULT]


def test_entries_without_a_readable_resource_are_counted_and_left_out(tmp_path: Path) -> None:
    odd: list[Any] = [
        {"fullUrl": "urn:uuid:1"},
        {"resource": None},
        {"resource": "text"},
        {"resource": {"id": "no-type"}},
        {"resource": {"resourceType": "Observation", "id": 7}},
        {"resource": {"resourceType": "OperationOutcome"}},
        None,
        5,
    ]
    loader = load(tmp_path, bundle("searchset", *odd, {"resource": orjson.loads(PATIENT)}))

    assert addresses(loader) == ["Patient/ada"]
    assert loader.skipped == len(odd)


def test_an_unreadable_line_of_ndjson_is_counted_and_left_out(tmp_path: Path) -> None:
    loader = load(tmp_path, PATIENT + b'\n{"half":\n{"no":"type"}\n' + PATIENT.replace(b"ada", b"ben"))

    assert addresses(loader) == ["Patient/ada", "Patient/ben"]
    assert loader.skipped == 2


def test_a_missing_id_comes_from_the_full_url_or_from_the_content(tmp_path: Path) -> None:
    nameless = {"resourceType": "Observation", "status": "final"}
    content = bundle(
        "transaction",
        {"fullUrl": "urn:uuid:11111111-2222-3333-4444-555555555555", "resource": nameless},
        {"fullUrl": "https://example.org/fhir/Observation/abc", "resource": nameless},
        {"resource": nameless},
    )
    first, second, third = load(tmp_path, content).drafts

    assert first.id == "11111111-2222-3333-4444-555555555555"
    assert orjson.loads(first.raw) == {**nameless, "id": first.id}
    assert second.id == "abc"
    assert len(third.id) == 32
    assert third.id == load(tmp_path, content).drafts[2].id, "the same at every start"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not json",
        b"{}",
        b"[1,2]",
        b'{"resourceType":"Bundle","type":"collection"}',
        gzip.compress(PATIENT, mtime=0)[:-9],
    ],
)
def test_a_file_without_resources_is_a_clear_error(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UsageError, match=r"data-0 (holds no FHIR resource|is a damaged archive)"):
        load(tmp_path, content)


def test_a_missing_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.json cannot be opened"):
        Loader().add_file(tmp_path / "nowhere.json")


def test_several_files_are_loaded_in_order(tmp_path: Path) -> None:
    assert addresses(load(tmp_path, PATIENT, RESULT)) == ["Patient/ada", "Observation/a1"]


def test_resources_from_memory_keep_their_bytes() -> None:
    loader = Loader()
    loader.add_resources([RESULT, {"resourceType": "Patient", "id": "x"}])

    assert loader.drafts[0] == Draft("Observation", "a1", RESULT, 0)
    assert addresses(loader) == ["Observation/a1", "Patient/x"]


def test_json_nested_without_end_reads_as_nothing() -> None:
    assert parse(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}") == {}
