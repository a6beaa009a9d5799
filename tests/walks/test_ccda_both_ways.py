"""A document comes in, the record goes out as a document, and that one comes in again: nothing is lost on the way."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from phr.exporters import registry
from phr.exporters.base import Options
from phr.fhir.read import parse_json
from phr.views.selection import EVERYTHING
from phr.workspace.files import ImportWish

from . import cda_count
from .conftest import Person
from .test_ccda_samples import DOCUMENTS

Judge = Callable[[bytes, Path], list[str]]


def _as_ccd(person: Person) -> bytes:
    out = io.BytesIO()
    with person.workspace.store() as store:
        registry.write(store, "ccd", EVERYTHING, out, Options(reproducible=True))
    return out.getvalue()


def _without_a_place(person: Person) -> Counter[str]:
    """A planned act is open, and cannot say that it is not to be done; how a device was used has no entry."""
    with person.workspace.store() as store:
        raw = [parse_json(one[0]) for one in store.db.execute("SELECT raw FROM resource").fetchall()]
    orders = [one for one in raw if one["resourceType"] == "ServiceRequest"]
    return Counter(
        order=sum(
            one.get("doNotPerform", False) or one["status"] not in ("active", "draft", "on-hold")
            for one in orders
        ),
        device=sum(one["resourceType"] == "DeviceUseStatement" for one in raw),
    )


def _kinds(person: Person) -> Counter[str]:
    with person.workspace.store() as store:
        return store.counts()[1]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem[:40])
def test_a_document_comes_in_and_goes_out_without_an_error(
    person: Person, judge: Judge, tmp_path: Path, path: Path
) -> None:
    report = person.workspace.import_files([path], ImportWish())

    assert report.exit_status == 0
    assert judge(_as_ccd(person), tmp_path) == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem[:40])
def test_what_a_document_states_stands_in_the_one_made_of_it(person: Person, path: Path) -> None:
    person.workspace.import_files([path], ImportWish())
    before, after = cda_count.stated(path.read_bytes()), cda_count.stated(_as_ccd(person))

    lost = [one for one in before if not any(cda_count.same(one, other) for other in after)]

    assert [f"{one.kind} in line {one.line}: {sorted(one.codes)}" for one in lost] == []


@pytest.mark.parametrize("path", DOCUMENTS[::2], ids=lambda path: path.stem[:40])
def test_the_second_pass_changes_nothing(person: Person, tmp_path: Path, path: Path) -> None:
    person.workspace.import_files([path], ImportWish())
    once, first = tmp_path / "once.xml", _as_ccd(person)
    once.write_bytes(first)
    again = Person({**person.environ, "PHR_HOME": str(tmp_path / "again")})
    again.workspace.import_files([once], ImportWish())

    second = _as_ccd(again)

    stated = [
        Counter((one.kind, one.codes, one.day, one.number, one.value) for one in cda_count.stated(xml))
        for xml in (first, second)
    ]
    assert stated[0] == stated[1]
    before, after = _kinds(person), _kinds(again)
    # Payers has no entries, only words (`phr.ccda.sections.payers`): they come back as one note.
    if before.pop("coverage", 0):
        after["clinical_note"] -= 1
    assert after == before - _without_a_place(person)
