"""`phr validate`: files, records, everything; what is wrong in words and JSON, never a value."""

from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

GOOD = {
    "resourceType": "Condition",
    "id": "a",
    "subject": {"reference": "Patient/p"},
    "code": {"text": "Asthma"},
}
BAD = {"resourceType": "Condition", "id": "b", "code": {"text": "Quinceberry"}, "onset": "Quinceberry"}
PATIENT = {"resourceType": "Patient", "id": "p"}


def _bundle(*resources: dict[str, Any]) -> bytes:
    return orjson.dumps(
        {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources]}
    )


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "good.json").write_bytes(_bundle(PATIENT, GOOD))
    (tmp_path / "bad.json").write_bytes(_bundle(PATIENT, GOOD, BAD))
    (tmp_path / "bad.ndjson").write_bytes(orjson.dumps(GOOD) + b"\n" + orjson.dumps(BAD) + b"\n")
    (tmp_path / "packed.json.gz").write_bytes(gzip.compress(_bundle(PATIENT, BAD)))
    (tmp_path / "one.json").write_bytes(orjson.dumps(GOOD))
    (tmp_path / "not.json").write_bytes(b"hello")
    return tmp_path


def test_a_valid_file_needs_no_record_and_ends_with_0(
    phr: Any, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PHR_KEY_FILE")
    answer = phr("validate", "good.json", "one.json")

    assert answer.status == 0
    assert answer.out == "4 resources checked: 4 valid\n"


@pytest.mark.parametrize("name", ["bad.json", "bad.ndjson", "packed.json.gz"])
def test_what_is_wrong_is_named_by_place_and_ends_with_1(phr: Any, files: Path, name: str) -> None:
    words, told = phr("validate", name), phr("validate", name, "--json")
    wrong = next(one for one in told.json["results"] if one["resource"] == "Condition/b")

    assert words.status == told.status == 1
    assert {"path": "Condition.subject", "message": "is missing"} in wrong["issues"]
    assert {"path": "Condition.onset", "message": "is no element that FHIR R4 has here"} in wrong["issues"]
    assert wrong["valid"] is False
    assert told.json["summary"]["invalid"] == 1
    assert "Condition.subject is missing" in words.out
    assert "Quince" not in words.out + words.err + told.out


def test_standard_input_is_a_file_too(phr: Any, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = SimpleNamespace(buffer=io.BytesIO((files / "bad.json").read_bytes()), isatty=lambda: False)
    monkeypatch.setattr(sys, "stdin", stream)

    assert phr("validate", "-").status == 1


def test_a_document_is_judged_by_the_rules_of_documents(phr: Any, tmp_path: Path) -> None:
    (tmp_path / "d.json").write_bytes(_bundle(PATIENT).replace(b"collection", b"document"))
    told = phr("validate", "d.json", "--json").json

    assert told["results"][0]["resource"].startswith("Bundle")
    assert any("bdl-9" in one["message"] for one in told["results"][0]["issues"])
    assert told["results"][1] == {"resource": "Patient/p", "valid": True, "issues": [], "source": "d.json"}


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("not.json",), 1, "of a kind that phr cannot read"),
        (("none.json",), 2, "There is no file none.json"),
        (("99999",), 2, "no record"),
        (("Condition/none",), 2, "There is no record Condition/none"),
    ],
)
def test_what_cannot_be_looked_at(
    phr: Any, record: Any, files: Path, words: tuple[str, ...], status: int, said: str
) -> None:
    answer = phr("validate", *words)

    assert answer.status == status
    assert said in answer.err


def test_records_by_number_and_address_and_everything_that_is_stored(phr: Any, record: Any) -> None:
    one = phr("validate", "Condition/c1", "--json")
    everything = phr("validate", "--json")
    events = phr("timeline", "--kind", "problem", "--json").json["events"]
    number = phr("validate", str(events[0]["id"]), "--json")

    assert one.status == everything.status == 1
    assert [issue["path"] for issue in one.json["results"][0]["issues"]] == [
        "Condition.subject",
        "Condition.x",
    ]
    assert number.json["results"] == one.json["results"]
    assert "Condition/c1" in [found["resource"] for found in everything.json["results"]]
    assert all(found["valid"] is False for found in everything.json["results"])
    assert everything.json["summary"]["checked"] > len(everything.json["results"])


def test_our_own_exports_are_valid(phr: Any, record: Any) -> None:
    phr("export", "--format", "ips", "-o", "ips.json")
    phr("export", "--format", "fhir", "--bundle", "document", "-o", "document.json")
    phr("export", "--format", "ccd", "-o", "ccd.xml")

    for name in ("ips.json", "document.json", "ccd.xml"):
        answer = phr("validate", name)
        assert (answer.status, answer.out.count("\n")) == (0, 1), answer.out


def test_a_c_cda_document_is_looked_at_as_it_is_built(phr: Any, record: Any) -> None:
    phr("export", "--format", "ccd", "-o", "ccd.xml")
    broken = Path("ccd.xml").read_bytes().replace(b'ID="prb1"', b'ID="other"')
    Path("broken.xml").write_bytes(broken)
    told = phr("validate", "broken.xml", "--json")

    assert told.status == 1
    assert told.json["results"][0]["resource"] == "ClinicalDocument"
    assert told.json["results"][0]["issues"] == [
        {"path": "Problems", "message": "a reference leads to no words of the narrative"}
    ]
