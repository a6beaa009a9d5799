"""`phr diff` on the command line: what it says, what counts as a look, what it refuses."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from phr.model import Received
from phr.paths import RECORDS_FILE
from phr.store.store import Store
from phr.views.look import note_look

from .conftest import Phr

NOTE = "The lungs are clear on both sides and there is no sign of infection, so nothing has to be done before the next one."
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def resource(type_: str, id_: str, **more: Any) -> Received:
    return Received(type_, id_, orjson.dumps({"resourceType": type_, "id": id_, **more}))


def drug(dose: str, status: str = "active") -> Received:
    return resource("MedicationRequest", "m", status=status, intent="order", authoredOn="2024-05-01",
                    medicationCodeableConcept={"text": "Lisinopril"}, dosageInstruction=[{"text": dose}])  # fmt: skip


def report(conclusion: str) -> Received:
    return resource("DiagnosticReport", "r", status="final", code={"text": "CT Chest"},
                    effectiveDateTime="2026-01-05", conclusion=conclusion)  # fmt: skip


def lab(number: int) -> Received:
    return resource("Observation", f"o{number}", status="final", code={"text": f"Test {number}"},
                    effectiveDateTime=f"2025-01-{number + 1:02}", valueQuantity={"value": 4, "unit": "g"},
                    category=[{"coding": [{"code": "laboratory"}]}])  # fmt: skip


@pytest.fixture
def looked(tmp_path: Path, key_file: Path) -> Path:
    """A record of two days ago, a look at it yesterday, and this morning a sync."""
    path = tmp_path / "home" / "data" / "default" / RECORDS_FILE
    path.parent.mkdir(parents=True, mode=0o700)
    at = [datetime.now(UTC) - timedelta(days=2)]
    with Store(path, key_file.read_bytes(), create=True, clock=lambda: at[0]) as store:
        clinic = store.sources.ensure("clinic").key
        store.save(clinic, [drug("20 mg daily"), report(NOTE), lab(1), lab(2)])
        note_look(store)
        at[0] += timedelta(days=1, hours=20)
        changed = report(NOTE.replace("no sign of infection", "a sign of \x1b[2Jinfection"))
        store.save(clinic, [drug("40 mg daily", "stopped"), changed])
        store.save(store.sources.ensure("hospital").key, [lab(number) for number in range(3, 20)])
        store.gone(clinic, "Observation", "o1")
        store.db.execute(
            "INSERT INTO absence SELECT id, ?, NULL FROM resource WHERE fhir_id = 'o2'", (store.now(),)
        )
    return path


def test_it_says_what_is_new_since_the_last_look(phr: Phr, looked: Path) -> None:
    said = phr("diff")
    assert said.status == 0, said.err
    lines = [" ".join(line.split()) for line in said.out.splitlines()]
    assert any(line.startswith("What is new since your last look, ") for line in lines)
    assert "17 new, 2 changed, 2 no longer there at 2 sources." in lines
    assert "How to take it: 20 mg daily → 40 mg daily" in lines
    assert "Status: active → stopped" in lines
    assert any("[-no-] {+a+} sign of" in line for line in lines)
    assert "and 7 more (--limit N shows more)" in lines
    assert any(line.startswith("taken back by the source on") for line in lines)
    assert any(line.startswith("Not returned does not mean deleted") for line in lines)
    assert all(len(line) <= 80 for line in said.out.splitlines())
    assert "\x1b" not in said.out, "a pipe gets no colours, and what a server wrote never does"


def test_looking_twice_shows_the_same_and_a_script_does_not_look(phr: Phr, looked: Path) -> None:
    first = phr("diff").out
    assert phr("diff").out == first
    found = phr("diff", "--json").json
    assert found["last_look"] and found["total"] == 21


def test_a_part_that_was_looked_at_leaves_the_rest_new(phr: Phr, looked: Path, key_file: Path) -> None:
    def setting() -> str | None:
        with Store(looked, key_file.read_bytes()) as store:
            return store.setting("looked")

    before = setting()
    for words in (("--kind", "meds"), ("--until", "2020"), ("--json",), ("--source", "clinic")):
        assert phr("diff", *words).status in (0, 2)
    assert setting() == before
    phr("diff")
    assert setting() != before


def test_json_has_the_shape_that_scripts_know(phr: Phr, looked: Path) -> None:
    found = phr("diff", "--json", "--since", "last-look").json
    assert [one["source"] for one in found["sources"]] == ["clinic", "hospital"]
    clinic, hospital = found["sources"]
    assert set(clinic) >= {"source", "appeared", "changed", "vanished", "came_back", "counts"}
    assert {one["how"] for one in clinic["vanished"]} == {"taken back", "not returned"}
    changes = {one["field"]: one for event in clinic["changed"] for one in event["changes"]}
    assert changes["Status"] == {"field": "Status", "before": "active", "after": "stopped", "words": None}
    assert ["-", "no"] in changes["Conclusion"]["words"]
    assert hospital["counts"]["appeared_by_kind"] == {"lab_result": 17}
    assert found["since"] < found["until"]
    assert {"added", "notes", "corrections"} <= set(found["own"])


@pytest.mark.parametrize(
    ("words", "appeared"),
    [
        (("--since", "2020"), 20),
        (("--since", "last year"), None),
        (("--kind", "labs"), 17),
        (("--kind", "meds"), 0),
        (("--source", "hospital"), 17),
        (("--limit", "2"), 2),
    ],
)
def test_options_narrow_it(phr: Phr, looked: Path, words: tuple[str, ...], appeared: int | None) -> None:
    said = phr("diff", "--json", *words)
    assert said.status == 0, said.err
    if appeared is not None:
        assert sum(len(one["appeared"]) for one in said.json["sources"]) == appeared


@pytest.mark.parametrize(
    "words", [("--since", "03/04/2024"), ("--since", "soonish"), ("--since", "2999"), ("--source", "nowhere")]
)
def test_what_makes_no_sense_is_refused(phr: Phr, looked: Path, words: tuple[str, ...]) -> None:
    said = phr("diff", *words)
    assert said.status == 2
    assert said.out == "" and said.err.count("\n") >= 2, "a sentence, and what to do next"


def test_nothing_new_is_said(phr: Phr, looked: Path) -> None:
    said = phr("diff", "--kind", "goal")
    assert (said.status, said.out) == (0, "")
    assert said.err.startswith("Nothing that fits has come, changed or gone since your last look")


def test_a_terminal_gets_colours_beside_the_marks(
    looked: Path, on_a_terminal: Callable[..., tuple[int, str]]
) -> None:
    status, seen = on_a_terminal("diff", columns=80)
    assert status == 0
    assert "\x1b[31m[-no-]\x1b[0m" in seen
    assert "\x1b[4;32m{+a+}\x1b[0m" in seen
    assert all(len(ANSI.sub("", line).rstrip("\r")) <= 80 for line in seen.split("\n"))


def test_an_import_that_was_taken_back_is_told_and_brings_nothing_new(
    phr: Phr, looked: Path, tmp_path: Path
) -> None:
    file = tmp_path / "letters.json"
    file.write_bytes(lab(25).raw)
    assert phr("import", str(file)).status == 0
    before = phr("diff", "--json").json
    assert [one["counts"]["appeared"] for one in before["sources"] if one["source"] == "letters"] == [1]
    assert phr("import", "--undo", phr("jobs", "list", "--json").json["jobs"][0]["id"]).status == 0
    (gone,) = [one for one in phr("diff", "--json").json["sources"] if one["source"] == "letters"]
    assert gone["counts"]["appeared"] == 0
    assert [one["resources"] for one in gone["undone"]] == [1]
    assert "You took back an import of" in phr("diff").out


def imported(phr: Phr, tmp_path: Path, *found: Received) -> None:
    """A file of these, brought in as one and the same source."""
    file = tmp_path / "file.json"
    entries = [{"resource": orjson.loads(one.raw)} for one in found]
    file.write_bytes(orjson.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}))
    assert phr("import", str(file), "--as", "lark").status == 0


def test_what_a_newer_file_leaves_out_is_named_and_not_called_deleted(
    phr: Phr, looked: Path, key_file: Path, tmp_path: Path
) -> None:
    imported(phr, tmp_path, *(lab(number) for number in range(30, 36)))
    with Store(looked, key_file.read_bytes()) as store, store.db:  # as if that had been two days ago
        store.db.execute(
            "UPDATE sync_run SET started = ?", ((datetime.now(UTC) - timedelta(days=2)).isoformat(),)
        )
    imported(phr, tmp_path, *(lab(number) for number in range(30, 34)))
    since = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    report = phr("diff", "--since", since, "--json").json
    (lark,) = [one for one in report["sources"] if one["source"] == "lark"]
    assert lark["not_in_newest_file"]["count"] == 2
    assert [one["title"] for one in lark["not_in_newest_file"]["entries"]] == ["Test 35", "Test 34"]
    assert lark["counts"]["vanished"] == 0
    seen = phr("diff", "--since", since).out
    assert "Not in the newest file of lark" in seen
    assert "nothing was deleted for that" in seen
    imported(phr, tmp_path, *(lab(number) for number in range(36, 40)))
    (lark,) = [
        one for one in phr("diff", "--since", since, "--json").json["sources"] if one["source"] == "lark"
    ]
    assert lark["not_in_newest_file"] is None, "a file of other things leaves nothing out"
