"""A folder of files, whole or not at all."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from phr.errors import PhrError, UsageError
from phr.exporters.base import Handover, Options
from phr.exporters.csv import CsvExporter
from phr.exporters.files import to_file, to_folder
from phr.exporters.ndjson import NdjsonExporter, write_folder
from phr.model import Received
from phr.store.store import Store
from phr.views.selection import Selection


def _fill(folder: Path) -> int:
    return (folder / "Condition.ndjson").write_bytes(b"{}\n")


def test_each_type_has_a_file_that_only_its_owner_reads(
    store: Store, source: str, received: Callable[..., Received], tmp_path: Path
) -> None:
    store.save(source, [received("Patient", "p"), received("Condition", "a"), received("Condition", "b")])
    given = Handover(store, Selection(), Options())
    done = to_folder(tmp_path / "out", lambda folder: write_folder(given, folder), ours=NdjsonExporter().made)
    files = sorted((tmp_path / "out").iterdir())

    assert [one.name for one in files] == ["Condition.ndjson", "Patient.ndjson"]
    assert {orjson.loads(line)["id"] for line in files[0].read_bytes().splitlines()} == {"a", "b"}
    assert {one.stat().st_mode & 0o777 for one in files} == {0o600}
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700
    assert done.bytes == sum(one.stat().st_size for one in files)
    assert done.sections == {"Condition": 2, "Patient": 1}


def test_a_later_export_takes_the_place_of_the_earlier_one(tmp_path: Path) -> None:
    old = tmp_path / "out"
    old.mkdir()
    (old / "Goal.ndjson").write_bytes(b"old")
    to_folder(old, _fill, ours=NdjsonExporter().made)

    assert [one.name for one in old.iterdir()] == ["Condition.ndjson"]
    assert [one.name for one in tmp_path.iterdir() if one.name != "home"] == ["out"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, OSError])
def test_when_writing_fails_the_earlier_folder_stays(tmp_path: Path, error: type[BaseException]) -> None:
    old = tmp_path / "out"
    old.mkdir()
    (old / "Goal.ndjson").write_bytes(b"old")

    def fail(folder: Path) -> None:
        _fill(folder)
        raise error

    with pytest.raises((error, PhrError)):
        to_folder(old, fail, ours=NdjsonExporter().made)
    assert [one.name for one in old.iterdir()] == ["Goal.ndjson"]
    assert [one.name for one in tmp_path.iterdir() if one.name != "home"] == ["out"]


def test_a_folder_with_other_things_in_it_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"x")
    file = tmp_path / "file"
    file.write_bytes(b"x")

    for path in (tmp_path, file, tmp_path / "none" / "out"):
        with pytest.raises(UsageError):
            to_folder(path, _fill, ours=NdjsonExporter().made)
    assert (tmp_path / "photo.jpg").exists()


def test_types_that_somebody_made_up_are_each_a_file_however_many_there_are(
    store: Store, source: str, received: Callable[..., Received], tmp_path: Path
) -> None:
    """More than a process may have open, named by any letters, and twice in another case."""
    made_up = [f"T{chr(97 + number // 26)}{chr(97 + number % 26)}" for number in range(200)]
    types = ["Condition", "condition", "../Sneaky", *made_up, "Condition", "Taa"]
    store.save(source, [received(type_, str(number)) for number, type_ in enumerate(types)])
    given = Handover(store, Selection(), Options())
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (150, limits[1]))
    try:
        done = to_folder(
            tmp_path / "out", lambda folder: write_folder(given, folder), ours=NdjsonExporter().made
        )
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    names = {one.name for one in (tmp_path / "out").iterdir()}

    assert len(names) == len({name.casefold() for name in names}) == len(made_up) + 3
    assert {"unknown.ndjson", "Taa.ndjson"} <= names
    assert len([name for name in names if name.casefold().startswith("condition")]) == 2
    assert sum(len(one.read_bytes().splitlines()) for one in (tmp_path / "out").iterdir()) == len(types)
    assert sum(done.sections.values()) == len(types)


def test_the_persons_own_tables_are_never_taken_for_an_export(
    store: Store, source: str, received: Callable[..., Received], tmp_path: Path
) -> None:
    store.save(source, [received("Patient", "p"), received("Condition", "a", code={"text": "Asthma"})])
    given = Handover(store, Selection(), Options())

    def write(name: str) -> None:
        to_folder(
            tmp_path / name, lambda made: CsvExporter().write_folder(given, made), ours=CsvExporter().made
        )

    write("mine")
    assert (tmp_path / "mine" / "problems.csv").exists()
    write("mine")  # an earlier export is replaced
    (tmp_path / "mine" / "budget.csv").write_bytes(b"a,b")
    with pytest.raises(UsageError):
        write("mine")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "budget.csv").write_bytes(b"a,b")
    with pytest.raises(UsageError):
        write("other")

    assert (tmp_path / "mine" / "budget.csv").read_bytes() == b"a,b"
    assert [one.name for one in (tmp_path / "other").iterdir()] == ["budget.csv"]


def test_what_a_power_cut_left_is_taken_away_by_the_next_export_to_the_same_place(tmp_path: Path) -> None:
    old, young, others = (tmp_path / f".out.json.{word}.part" for word in ("aa", "bb", "cc"))
    others = tmp_path / ".else.json.cc.part"
    for one in (old, young, others):
        one.write_bytes(b"half")
    for one in (old, others):
        os.utime(one, (1, 1))
    to_file(tmp_path / "out.json", lambda out: out.write(b"{}"))

    assert (old.exists(), young.exists(), others.exists()) == (False, True, True)
