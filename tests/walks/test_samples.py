"""Answers that real servers gave, and HL7's own examples: each is kept and shows up, or is named with a reason."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from phr.fhir import bundle
from phr.fhir.read import parse_json
from phr.store.store import Store

ARCHIVES = (
    "us-core/us-core-current-examples.tar.gz",
    "us-core/us_core_610-examples.tar.gz",
    "fhir-r4-core/fhir-r4-core-examples.tar.gz",
)


def recorded(shared: Path) -> Iterator[tuple[str, bytes, int]]:
    """`(file, body, HTTP status)` of every recorded exchange that had a body, and of the documentation examples."""
    for folder in sorted((shared / "samples" / "vendor-fhir").iterdir()):
        index = folder / "index.json"
        if index.exists():
            for exchange in orjson.loads(index.read_bytes()):
                if exchange.get("file"):
                    yield exchange["file"], (folder / exchange["file"]).read_bytes(), exchange["status"]
        elif folder.is_dir() and "smart" not in folder.name:
            for file in sorted(folder.glob("*.json")):
                yield file.name, file.read_bytes(), 200


def examples(shared: Path, archive: str) -> Iterator[tuple[str, bytes, int]]:
    with tarfile.open(shared / "samples" / archive) as files:
        for member in files.getmembers():
            content = files.extractfile(member)
            if content is not None and member.name.endswith(".json"):
                yield member.name, content.read(), 200


def expected_resources(body: bytes) -> int:
    """How many resources an answer holds, counted apart from the code under test."""
    content = parse_json(body)
    if not isinstance(content, dict) or content.get("resourceType") != "Bundle":
        return int(
            isinstance(content, dict) and content.get("resourceType") not in (None, "OperationOutcome")
        )
    found = [entry.get("resource") for entry in content.get("entry") or [] if isinstance(entry, dict)]
    return sum(
        isinstance(r, dict) and r.get("resourceType") not in (None, "OperationOutcome", "Bundle")
        for r in found
    )


def keep(store: Store, bodies: Iterator[tuple[str, bytes, int]]) -> tuple[int, int]:
    """Store every answer in a source of its own; each resource must be a record, each oddity a problem."""
    kept = named = 0
    for number, (name, body, status) in enumerate(bodies):
        try:
            page = bundle.split(body)
        except ValueError:
            assert status >= 400 or b'"resourceType"' not in body, name
            named += 1
            continue
        source = store.sources.ensure(f"{number}-{name}").key
        saved = store.save(source, page.received)
        rows = store.db.execute(
            "SELECT count(*), count(r.id), sum(length(r.title) > 0) FROM resource x JOIN source s ON s.id = x.source_id"
            " LEFT JOIN record r ON r.id = x.id WHERE s.key = ?",
            (source,),
        ).fetchone()
        assert rows[0] == rows[1] == (rows[2] or 0), name
        assert len(page.received) + len(page.problems) >= expected_resources(body), name
        assert rows[0] + len(saved.problems) >= len({(r.type, r.id) for r in page.received}), name
        kept += rows[0]
        named += len(page.problems) + len(saved.problems)
    return kept, named


def test_every_recorded_answer_is_kept_or_named(store: Store, shared: Path) -> None:
    kept, named = keep(store, recorded(shared))
    assert kept > 1500
    assert named > 50


@pytest.mark.parametrize("archive", ARCHIVES)
def test_every_example_is_kept_or_named(store: Store, shared: Path, archive: str) -> None:
    kept, _ = keep(store, examples(shared, archive))
    assert kept > 150


def test_an_answer_that_is_no_fhir_is_not_taken_for_an_empty_one(received: Any) -> None:
    for body in (b"", b"<html></html>", b"[]", b'{"entry": []}'):
        with pytest.raises(ValueError, match=r".*"):
            bundle.split(body)
