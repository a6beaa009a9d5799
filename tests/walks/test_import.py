"""`phr import` from outside: whose file it is, one command as one job, cut short anywhere, and taken back."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import orjson
import pytest

from phr.store.db import _opened

ADA = {"family": "Quill", "given": ["Ada", "Mary"]}
Begin = Callable[..., subprocess.Popen[str]]


def bundle(
    path: Path, *conditions: str, name: Any = ADA, born: str | None = "1970-12-31", id_: str = "p"
) -> Path:
    patient: dict[str, Any] = {"resourceType": "Patient", "id": id_, "name": [name] if name else []}
    if born:
        patient["birthDate"] = born
    rows = [
        {
            "resourceType": "Condition",
            "id": text,
            "code": {"text": text},
            "subject": {"reference": f"Patient/{id_}"},
        }
        for text in conditions
    ]
    entries = [{"resource": one} for one in (patient, *rows)]
    path.write_bytes(orjson.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}))
    return path


def titles(phr: Any) -> list[str]:
    return sorted(one["title"] for one in phr("timeline", "--json").json["events"])


def rows(person: Any, question: str) -> list[tuple[Any, ...]]:
    with person.workspace.store() as store:
        return list(store.db.execute(question).fetchall())


# ── whose it is ───────────────────────────────────────────────────────────────────────────────────────

PEOPLE: list[tuple[str, Any, str | None, bool]] = [
    ("another child of the family", {"family": "Quill", "given": ["Tim"]}, "2010-01-02", False),
    ("nobody we know", {"family": "Brook", "given": ["Jo"]}, "1955-06-07", False),
    ("a twin", {"family": "Quill", "given": ["Eve"]}, "1970-12-31", True),
    ("who married", {"family": "Brook", "given": ["Ada"]}, "1970-12-31", True),
    ("a birthday typed wrongly", ADA, "1907-12-31", True),
    ("an initial, a double name, accents", {"family": "Quíll-Brook", "given": ["A."]}, "1971-01-01", True),
    ("the name as one text", {"text": "Ms QUILL, Ada"}, "1971-01-01", True),
    ("only the year", {"family": "Brook", "given": ["Jo"]}, "1970", True),
    ("no birthday", {"family": "Brook", "given": ["Jo"]}, None, True),
    ("no name", None, "1955-06-07", True),
]  # fmt: skip


@pytest.mark.parametrize(("who", "name", "born", "ours"), PEOPLE, ids=[one[0] for one in PEOPLE])
def test_a_file_is_doubted_only_where_name_and_birthday_are_anothers(
    person: Any, tmp_path: Path, who: str, name: Any, born: str | None, ours: bool
) -> None:
    from phr.errors import UsageError
    from phr.workspace.files import ImportWish, Stranger

    asked: list[Stranger] = []

    def no(stranger: Stranger) -> bool:
        asked.append(stranger)
        return False

    person.workspace.import_files([bundle(tmp_path / "a.json", "Asthma")], ImportWish())
    other = bundle(tmp_path / "b.json", "Gout", name=name, born=born, id_="q")
    if ours:
        report = person.workspace.import_files([other], ImportWish(agree=no)).files[0]
        assert (report.new, report.another_person, asked) == (2, False, [])
        return
    with pytest.raises(UsageError, match="Nothing was changed"):
        person.workspace.import_files([other], ImportWish(agree=no))
    assert [one.file for one in asked] == ["b.json"]
    assert rows(person, "SELECT count(*) FROM sync_run") == [(1,)], "no job was begun"
    report = person.workspace.import_files([other], ImportWish(patient="q", agree=no)).files[0]
    assert (report.new, report.another_person) == (2, False), "who names the patient has decided"


def test_where_nobody_can_be_asked_a_strangers_file_comes_in_and_the_report_says_so(
    phr: Any, tmp_path: Path
) -> None:
    mine = bundle(tmp_path / "a.json", "Asthma")
    hers = bundle(tmp_path / "b.json", "Gout", name={"text": "Jo Brook"}, born="1955-06-07", id_="q")
    answer = phr("import", str(mine), str(hers))
    assert answer.status == 0
    assert "another person" in answer.err
    assert "phr import --undo 1, then" in answer.err.replace("\n  ", " ")
    assert "Brook" not in answer.err + answer.out
    again = phr("import", str(hers), "--json").json
    assert again["files"][0]["another_person"] is True, "the record is still not theirs"
    quiet = phr("import", str(hers), "--quiet")
    assert (quiet.status, quiet.out, "another person" in quiet.err) == (0, "", True)
    mine_again = phr("import", str(mine), "--json").json["files"][0]
    assert mine_again["another_person"] is False


def test_a_dry_run_says_it_and_asks_nobody(phr: Any, tmp_path: Path) -> None:
    phr("import", str(bundle(tmp_path / "a.json", "Asthma")))
    other = bundle(tmp_path / "b.json", "Gout", name={"text": "Jo Brook"}, born="1955-06-07", id_="q")
    looked = phr("import", str(other), str(tmp_path / "a.json"), "--dry-run", "--json")
    assert looked.status == 0
    first, second = looked.json["files"]
    assert (first["another_person"], first["new"], first["unchanged"]) == (True, 2, 0)
    assert (second["another_person"], second["new"], second["unchanged"]) == (False, 0, 2)
    assert looked.json["job_id"] is None
    assert titles(phr) == ["Asthma"]


# ── one command, one job ──────────────────────────────────────────────────────────────────────────────


def test_several_files_are_one_job_that_is_undone_as_one(phr: Any, tmp_path: Path) -> None:
    first, second = bundle(tmp_path / "a.json", "Asthma"), bundle(tmp_path / "b.json", "Gout", "Flu")
    job = phr("import", str(first), str(second), "--json").json["job_id"]
    listed = phr("jobs", "--json").json
    (one,) = listed["jobs"]
    assert (one["id"], one["type"], one["counts"]["new"]) == (job, "import", 5)
    assert [(file["file"], file["counts"]["new"]) for file in one["files"]] == [("a.json", 2), ("b.json", 3)]
    assert listed["by_status"] == {"completed": 1}
    part = one["files"][1]["job_id"]
    assert phr("jobs", "show", part, "--json").json["part_of"] == job
    assert f"phr import --undo {job}" in phr("jobs", "show", part).out

    looked = phr("import", "--undo", job, "--dry-run", "--json").json
    assert (looked["undone"], looked["removed"]) == (False, {"Condition": 3, "Patient": 2})
    assert titles(phr) == ["Asthma", "Flu", "Gout"]
    done = phr("import", "--undo", part, "--json").json
    assert (done["job_id"], done["undone"], done["removed"]) == (job, True, looked["removed"])
    assert done["sources"] == ["a", "b"]
    assert titles(phr) == []
    assert phr("status", "--json").json["sources"] == []
    shown = phr("jobs", "--json").json["jobs"][0]
    assert (shown["undone"] is not None, shown["status"]) == (True, "completed")
    assert "undone" in phr("jobs").out
    assert phr("audit", "--json").json["events"][0]["action"] == "undo import"
    again = phr("import", "--undo", job)
    assert (again.status, "undone already" in again.err) == (2, True)
    assert phr("import", str(first), str(second), "--json").json["files"][0]["new"] == 2
    assert titles(phr) == ["Asthma", "Flu", "Gout"]


def test_undo_tells_what_carried_the_persons_tags(phr: Any, tmp_path: Path) -> None:
    job = phr("import", str(bundle(tmp_path / "a.json", "Asthma")), "--json").json["job_id"]
    (event,) = phr("timeline", "--json").json["events"]
    phr("tag", str(event["id"]), "mine")
    answer = phr("import", "--undo", job)
    assert (answer.status, "1 of those removed carried words of your own" in answer.out) == (0, True)


def test_what_was_marked_as_private_is_private_again_when_it_comes_again(phr: Any, tmp_path: Path) -> None:
    file = str(bundle(tmp_path / "a.json", "Asthma", "Gout"))
    job = phr("import", file, "--json").json["job_id"]
    number = next(one["id"] for one in phr("timeline", "--json").json["events"] if one["title"] == "Gout")
    phr("edit", number, "--sensitivity", "restricted")

    answer = phr("import", "--undo", job)
    assert "1 of those removed was marked as private by you" in " ".join(answer.out.split())
    assert phr("edit", "--json").json["corrections"] == []

    phr("import", file)
    assert titles(phr) == ["Asthma", "Gout"]
    assert "Gout" not in phr("export", "--format", "json", "-o", "-").out
    (mark,) = phr("edit", "--json").json["corrections"]
    assert (mark["field"], mark["value"]) == ("sensitivity", "restricted")
    phr("edit", str(mark.get("id") or number), "--undo", "sensitivity")
    phr("import", file)
    assert "Gout" in phr("export", "--format", "json", "-o", "-").out, "a mark is laid once"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "No file is named"),
        (("--undo", "99"), "There is no job 99"),
        (("--undo", "banana"), "There is no job banana"),
        (("--undo", "1", "a.json"), "takes neither files"),
        (("--undo", "1", "--from-documents"), "Choose one"),
        (("--from-documents", "a.json"), "takes neither files"),
        (("--from-documents", "--as", "x"), "takes neither files"),
        (("--from-documents", "--source", "absent"), "no connection named absent"),
        (("--source", "clinic", "a.json"), "goes with --from-documents"),
        (("absent.json",), "no file"),
        (("..",), "folder"),
        (("-", "-"), "once only"),
        (("a.json", "--patient", "zz"), "holds no patient"),
        (("a.json", "--format", "banana"), "no format named banana"),
    ],
)
def test_what_makes_no_sense_is_said_in_a_sentence(
    phr: Any, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    phr("import", str(bundle(tmp_path / "a.json", "Asthma")))
    answer = phr("import", *words)
    assert answer.status == 2
    assert said in answer.err
    assert titles(phr) == ["Asthma"]


def test_a_sync_cannot_be_undone(phr: Any, person: Any, hospital: Any) -> None:
    person.connect(hospital(), name="clinic")
    (run,) = person.sync().runs
    answer = phr("import", "--undo", run.job_id)
    assert (answer.status, "is no import" in answer.err) == (2, True)


def test_one_of_several_that_cannot_be_read_is_named_and_the_others_come(phr: Any, tmp_path: Path) -> None:
    good, bad = bundle(tmp_path / "a.json", "Asthma"), tmp_path / "bad.json"
    bad.write_text('{"resourceType": "Bundle", "entry": [')
    answer = phr("import", str(bad), str(good), "--json")
    assert answer.status == 3
    assert [(one["file"], one["new"], bool(one["error"])) for one in answer.json["files"]] == [
        ("a.json", 2, False),
        ("bad.json", 0, True),
    ]
    assert "bad.json: nothing came in." in answer.err
    assert answer.err.count("bad.json") == 1
    quiet = phr("import", str(bad), str(good), "--quiet")
    assert (quiet.status, quiet.out, quiet.err.count("\n")) == (3, "", 1 + quiet.err.count("\n  "))
    assert phr("import", str(good), "--quiet").err == ""
    assert phr("import", str(bad)).status == 1


def test_somebody_else_at_work_is_waited_for_by_nobody(phr: Any, person: Any, tmp_path: Path) -> None:
    file = str(bundle(tmp_path / "a.json", "Asthma"))
    job = phr("import", file, "--json").json["job_id"]
    with person.workspace.lock():
        assert phr("import", file).status == 5
        assert phr("import", "--undo", job).status == 5
        assert phr("import", file, "--dry-run").status == 0
    with person.workspace.lock(), person.workspace.store() as store:
        store.db.execute("UPDATE sync_run SET status = 'running' WHERE id = ?", (job,))
        answer = phr("import", "--undo", job)
        assert (answer.status, "still at work" in answer.err) == (2, True)
    assert phr("import", "--undo", job).status == 0


# ── cut short ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def long_file(tmp_path: Path) -> Path:
    """So long that it can be caught at work."""
    lines = [orjson.dumps({"resourceType": "Patient", "id": "p", "birthDate": "1970-12-31"})]
    subject = {"reference": "Patient/p"}
    lines += [
        orjson.dumps(
            {"resourceType": "Condition", "id": f"c{n}", "code": {"text": f"Kind {n}"}, "subject": subject}
        )
        for n in range(24_000)
    ]
    path = tmp_path / "long.ndjson"
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def caught_at_work(person: Any, child: subprocess.Popen[str], how: signal.Signals) -> None:
    """End it when some of it is committed, but not all: it is held still while that is looked at."""
    os.setpriority(os.PRIO_PROCESS, child.pid, 5)  # we have to see it even where others are at work too
    ends = time.monotonic() + 120
    path, key = person.workspace.paths.records("default"), Path(person.environ["PHR_KEY_FILE"]).read_bytes()

    def kept() -> int:
        # Without the check of the tables that every command makes: it would wait for the one who is making them.
        with suppress(Exception), closing(_opened(path, key)) as db:
            return int(db.execute("SELECT count(*) FROM import_item").fetchone()[0])
        return 0

    while not path.exists() or kept() < 1000:
        assert time.monotonic() < ends and child.poll() is None, "it was never caught at work"
        time.sleep(0.005)
    child.send_signal(signal.SIGSTOP)
    assert kept() < 20_000, "it was never caught at work"
    child.send_signal(how)
    child.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_cut_short_keeps_what_came_and_goes_on_when_done_again(
    phr: Any, begin: Begin, person: Any, tmp_path: Path, long_file: Path, how: signal.Signals
) -> None:
    small = bundle(tmp_path / "a.json", "Asthma")
    child = begin("import", str(small), str(long_file), "--json")
    caught_at_work(person, child, how)
    _, err = child.communicate(timeout=120)
    assert child.returncode == (-signal.SIGKILL if how == signal.SIGKILL else 130), err
    job = phr("jobs", "--json").json["jobs"][0]
    if how != signal.SIGKILL:
        assert re.search(r"^Interrupted\. [\d,]+ entries came in and are kept\.$", err, re.MULTILINE)
        assert f"\n  phr import --undo {job['id']}\n" in err, "on a line of its own, to be pasted"
    assert job["status"] == "cancelled"
    assert job["counts"]["new"] == rows(person, "SELECT count(*) FROM import_item")[0][0], (
        "also when it was killed"
    )
    kept = rows(person, "SELECT count(*) FROM resource")[0][0]
    assert 0 < kept < 24_003
    assert rows(person, "SELECT count(*) FROM import_item")[0][0] == kept, (
        "each is noted with what brought it"
    )
    again = phr("import", str(small), str(long_file), "--json").json
    assert sum(one["new"] for one in again["files"]) == 24_003 - kept
    assert phr("import", "--undo", job["id"], "--json").json["removed"] == {}
    assert sum(phr("import", "--undo", again["job_id"], "--json").json["removed"].values()) == 24_003
    assert rows(person, "SELECT count(*) FROM resource") == [(0,)]
