"""Searches as patients speak, with the answers that have to be among the first three."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from phr.model import Received
from phr.sandbox.synthetic import family
from phr.store.store import Store
from phr.views.search import search

KEY = bytes(range(32))
DATA = Path(__file__).parent / "data"
Line = tuple[str, str, str]


def lines(name: str) -> list[Line]:
    """`(part or patient, query, right answers)` of a set."""
    rows = [row.split("\t") for row in (DATA / name).read_text("utf-8").splitlines() if row and row[0] != "#"]
    return [(part, query, answers) for part, query, answers in rows]


def right(event: dict[str, Any], answers: str) -> bool:
    """Whether this is one of the right answers: `kind: [words of the title] [@beginning of the date]`."""
    for answer in answers.split(" | "):
        kind, _, rest = answer.partition(":")
        words, _, date = rest.strip().partition("@")
        if (
            event["kind"] == kind
            and words.strip() in event["title"].lower()
            and (event["date"] or "").startswith(date)
        ):
            return True
    return False


def missed(store: Store, asked: list[Line]) -> list[str]:
    """The queries without a right record in the first three."""
    return [
        query
        for _, query, answers in asked
        if not any(right(hit, answers) for hit in search(store, query, limit=3).hits)
    ]


@pytest.fixture(scope="module")
def sandbox_record(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store(tmp_path_factory.mktemp("search") / "records.db", KEY, create=True) as store:
        key = store.sources.ensure("demo-hospital").key
        store.save(key, of_the_first_patient())
        yield store


def of_the_first_patient() -> list[Received]:
    """What the sandbox's first patient gets from its hospital, with the people and places around."""
    resources = list(family())
    first = next(one for one in resources if one["resourceType"] == "Patient")
    mine = f"Patient/{first['id']}"
    shared = ("Practitioner", "Organization", "Location", "PractitionerRole", "Medication")
    kept = [
        one
        for one in resources
        if one["resourceType"] in shared or one is first or mine in orjson.dumps(one).decode()
    ]
    return [Received(one["resourceType"], one["id"], orjson.dumps(one)) for one in kept]


@pytest.mark.parametrize(("part", "least"), [("before", 80), ("after", 20), ("spoken", 200)])
def test_patients_find_the_right_record_among_the_first_three(
    sandbox_record: Store, part: str, least: int
) -> None:
    asked = [line for line in lines("search_sandbox.tsv") if line[0] == part]
    wrong = missed(sandbox_record, asked)
    assert len(asked) >= least
    assert len(wrong) <= 0.08 * len(asked), wrong


@pytest.mark.parametrize(
    "patient",
    ["Almeda560", "Murray_Hane", "Lurlene215", "Nia310", "Keira_Huel", "Arnette_Bednar", "Larraine124"],
)
def test_searches_in_records_that_nobody_here_wrote(shared: Path, tmp_path: Path, patient: str) -> None:
    archive = shared / "samples" / "synthea" / "synthea-r4-20-patients.tar.gz"
    if not archive.is_file():
        pytest.skip("needs the sample data beside the checkout")
    with tarfile.open(archive) as opened:
        member = next(one for one in opened.getmembers() if one.isfile() and patient in one.name)
        content = opened.extractfile(member)
        assert content is not None
        bundle = orjson.loads(content.read())
    received = [
        Received(one["resourceType"], one["id"], orjson.dumps(one))
        for one in (entry["resource"] for entry in bundle["entry"])
    ]
    with Store(tmp_path / "records.db", KEY, create=True) as store:
        store.save(store.sources.ensure("synthea").key, received)
        asked = [line for line in lines("search_synthea.tsv") if line[0] == patient]
        wrong = missed(store, asked)
    assert len(asked) >= 12
    assert len(wrong) <= 0.08 * len(asked), wrong
