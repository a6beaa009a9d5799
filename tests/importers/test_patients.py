"""Whose data is in a file, and that nothing of anybody else comes along."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from phr.errors import UsageError
from phr.importers.base import Imported, skipped
from phr.importers.opening import read


def _resource(type_: str, id_: str, **elements: Any) -> dict[str, Any]:
    return {"resourceType": type_, "id": id_, **elements}


def _to(reference: str) -> dict[str, str]:
    return {"reference": reference}


FAMILY = [
    _resource("Provenance", "pa", target=[_to("Observation/oa")]),
    _resource("Provenance", "pb", target=[_to("Observation/ob")]),
    _resource("Patient", "a", name=[{"text": "Ada Example"}], birthDate="1990-01-01"),
    _resource("Patient", "b", name=[{"text": "Bea Example"}]),
    _resource("Practitioner", "d"),
    _resource("Observation", "oa", subject=_to("Patient/a"), performer=[_to("Practitioner/d")]),
    _resource("Observation", "ob", subject=_to("https://x.example/fhir/Patient/b/_history/2")),
    _resource("Coverage", "ca", beneficiary=_to("Patient/a"), subscriber=_to("Patient/b")),
    _resource("Task", "tb", **{"for": _to("Patient/b")}),
    _resource("Appointment", "ab", participant=[{"actor": _to("Practitioner/d")}, {"actor": _to("Patient/b")}]),
    _resource("DocumentReference", "da", subject=_to("Patient/a"),
              content=[{"attachment": {"url": "Binary/ba"}}]),
    _resource("Binary", "ba"),
    _resource("Binary", "bb"),
    _resource("RelatedPerson", "rb", patient=_to("Patient/b")),
]  # fmt: skip


def _imported(tmp_path: Path, resources: list[dict[str, Any]]) -> Imported:
    path = tmp_path / "family.ndjson"
    path.write_bytes(b"\n".join(map(orjson.dumps, resources)))
    return read(path)


def test_patients_are_found_with_what_is_needed_to_choose(tmp_path: Path) -> None:
    found = _imported(tmp_path, FAMILY)

    assert [(one.id, one.label, one.resources) for one in found.patients] == [
        ("a", "Ada Example, 1990-01-01", 3),
        ("b", "Bea Example", 4),
    ]
    assert "Ada" not in repr(found)


def test_one_patient_gets_what_is_theirs_and_what_supports_it(tmp_path: Path) -> None:
    found = _imported(tmp_path, FAMILY)

    assert [one.id for one in found.resources("a")] == ["pa", "a", "d", "oa", "ca", "da", "ba"]
    reasons = {(one["what"], one["reason"].split()[0]): one["count"] for one in skipped(found.problems)}
    assert reasons[("Observation", "belongs")] == 1
    assert reasons[("Binary", "names")] == 1
    assert len(found.problems) == len(FAMILY) - 7


def test_several_patients_have_to_be_chosen_from_by_id(tmp_path: Path) -> None:
    found = _imported(tmp_path, FAMILY)

    with pytest.raises(UsageError) as caught:
        found.choose(None)
    assert "a, b" in (caught.value.hint or "")
    assert "Ada" not in caught.value.message + (caught.value.hint or "")
    with pytest.raises(UsageError):
        found.choose("c")
    assert found.choose("Patient/b") == "b"


def test_a_file_of_one_patient_leaves_no_choice_and_loses_nothing(tmp_path: Path) -> None:
    own = [one for one in FAMILY if one["id"] in ("a", "d", "oa", "bb")]
    found = _imported(tmp_path, own)

    assert found.choose(None) is None
    assert found.choose("a") == "a"
    assert len(list(found.resources("a"))) == 4


def test_patients_count_also_when_only_their_results_are_in_the_file(tmp_path: Path) -> None:
    found = _imported(tmp_path, [one for one in FAMILY if one["resourceType"] == "Observation"])

    assert [one.id for one in found.patients] == ["a", "b"]
    assert [one.id for one in found.resources("b")] == ["ob"]


def test_urn_references_are_followed_to_the_patient_they_mean(tmp_path: Path) -> None:
    def entry(uuid: str, resource: dict[str, Any]) -> dict[str, Any]:
        return {"fullUrl": f"urn:uuid:{uuid}", "resource": resource}

    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            entry("1", {"resourceType": "Patient", "id": "one"}),
            entry("2", {"resourceType": "Patient"}),
            entry("3", {"resourceType": "Condition", "subject": _to("urn:uuid:1")}),
            entry("4", {"resourceType": "Condition", "subject": _to("urn:uuid:2")}),
            entry("5", {"resourceType": "Provenance", "target": [_to("urn:uuid:4")]}),
        ],
    }
    path = tmp_path / "bundle.json"
    path.write_bytes(orjson.dumps(bundle))
    found = read(path)

    assert [(one.id, one.resources) for one in found.patients] == [("one", 1), ("2", 1)]
    assert [one.id for one in found.resources("2")] == ["2", "4", "5"]


def test_one_patient_under_two_ids_is_not_asked_about(tmp_path: Path) -> None:
    found = _imported(
        tmp_path, [_resource("Patient", "A1"), _resource("Condition", "c", subject=_to("Patient/ifp-A1"))]
    )

    assert [(one.id, one.resources) for one in found.patients] == [("A1", 1)]
    assert len(list(found.resources("A1"))) == 2


def test_all_takes_everybody(tmp_path: Path) -> None:
    found = _imported(tmp_path, FAMILY)

    assert len(list(found.resources(found.choose("all")))) == len(FAMILY)


def test_shared_synthetic_patients_are_one_each(shared: Path, tmp_path: Path) -> None:
    import tarfile

    with tarfile.open(shared / "samples" / "synthea" / "phr-ndjson.tar.gz") as archive:
        member = next(one for one in archive if one.name.endswith(".phr"))
        packed = archive.extractfile(member)
        assert packed is not None
        path = tmp_path / "one.phr"
        path.write_bytes(packed.read())
    found = read(path)

    assert (found.format, len(found.patients), found.choose(None)) == ("ndjson", 1, None)
    assert len(list(found.resources())) > 100
    assert found.problems == []
