"""Documents of twenty senders come in whole: nothing is refused, and nothing that they state is missing.

What they state is counted by `cda_count`, which knows nothing of the reader.
"""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

from phr.fhir.read import parse_as_written, parse_json
from phr.importers import opening

from . import cda_count

SAMPLES = Path(__file__).parents[2] / ".." / "shared" / "samples"
DOCUMENTS = sorted([*(SAMPLES / "ccda").glob("*.xml"), *(SAMPLES / "ccda-eicr").glob("*.xml")])


def _read(content: bytes, name: str) -> list[dict[str, Any]]:
    opened = opening.read(io.BytesIO(content), name=name)
    resources = [parse_as_written(one.raw) for one in opened.resources("all")]
    assert all(isinstance(parse_json(one.raw), dict) for one in opened.resources("all"))
    return resources


def _described(lost: list[cda_count.Statement]) -> list[str]:
    return [f"{one.kind} in line {one.line}: {sorted(one.codes)}" for one in lost]


def test_the_samples_are_there(shared: Path) -> None:
    assert len(DOCUMENTS) == 24


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem[:40])
def test_all_that_a_document_states_comes_in(path: Path) -> None:
    content = path.read_bytes()
    statements = cda_count.stated(content)

    resources = _read(content, path.name)

    assert _described(cda_count.missing(statements, resources)) == []
    assert {one["resourceType"] for one in resources} >= {"Patient", "DocumentReference"}


def test_no_snippet_is_refused_and_all_it_states_comes_in(shared: Path) -> None:
    lost: dict[str, list[str]] = {}
    count = 0
    with tarfile.open(shared / "samples" / "ccda" / "hl7-c-cda-examples-snippets.tar.gz") as archive:
        for member in archive.getmembers():
            file = archive.extractfile(member) if member.name.endswith(".xml") else None
            if file is None:
                continue
            count += 1
            content = file.read()
            missing = cda_count.missing(cda_count.stated(content), _read(content, member.name))
            if missing:
                lost[member.name] = _described(missing)

    assert count == 68
    assert lost == {}


def test_the_count_itself_finds_what_is_left_out(shared: Path) -> None:
    path = next(path for path in DOCUMENTS if path.name.startswith("cerner"))
    statements = cda_count.stated(path.read_bytes())
    resources = [one for one in _read(path.read_bytes(), path.name) if one["resourceType"] != "Condition"]

    lost = cda_count.missing(statements, resources)

    assert len(lost) == sum(one.kind == "problem" for one in statements) > 0
