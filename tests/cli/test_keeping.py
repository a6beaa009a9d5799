"""`phr import`, `export`, `backup`, `restore`, `vault`, `users`: in, out and safe."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import orjson
import pytest

from phr.workspace import Workspace

PATIENT = {"resourceType": "Patient", "id": "p", "name": [{"text": "Ada Example"}]}
PROBLEM = {
    "resourceType": "Condition",
    "id": "a",
    "subject": {"reference": "Patient/p"},
    "code": {"text": "Asthma"},
}
WORDS = "four random words here"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    entries = [{"resource": one} for one in (PATIENT, PROBLEM, {"no": "type"})]
    path = tmp_path / "from-clinic.json"
    path.write_bytes(orjson.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}))
    return path


def test_import_takes_in_a_bundle_names_what_it_skips_and_twice_changes_nothing(
    phr: Any, bundle: Path
) -> None:
    looked = phr("import", str(bundle), "--dry-run", "--json").json
    assert looked["job_id"] is None
    assert looked["files"][0]["found"]["Condition"] == 1
    first = phr("import", str(bundle), "--as", "old clinic", "--json")
    assert first.status == 0
    file = first.json["files"][0]
    assert {"file", "format", "found", "new", "updated", "unchanged", "failed", "skipped"} <= set(file)
    assert file["new"] == 2
    assert file["skipped"][0]["count"] == 1
    again = phr("import", str(bundle), "--as", "old clinic")
    assert "0 new, 0 updated, 2 unchanged" in again.out
    assert "Skipped" in again.out
    assert "more" not in again.out, "one entry is not several"
    assert phr("timeline", "--json").json["events"][0]["sources"] == ["old clinic"]
    assert phr("jobs", "--json").json["jobs"][0]["type"] == "import"


def test_import_reads_stdin_and_asks_which_of_several_patients(process: Any) -> None:
    lines = "\n".join(orjson.dumps({**PATIENT, "id": id_}).decode() for id_ in ("p", "q"))
    answer = process("import", "-", "--json", stdin=lines)
    assert answer.status == answer.json["error"]["status"] == 2
    assert "--patient" in answer.err
    assert process("import", "-", "--patient", "q", stdin=lines).status == 0


def test_import_names_the_first_line_it_cannot_read_and_counts_the_rest(process: Any) -> None:
    patient = orjson.dumps(PATIENT).decode()
    answer = process("import", "-", stdin=f"{patient}\nnonsense\n{{}}\n")
    assert answer.status == 0
    assert "Skipped: line 2 and 1 more:" in answer.out


def test_import_of_something_else_fails_in_one_sentence(phr: Any, tmp_path: Path) -> None:
    path = tmp_path / "holiday.bin"
    path.write_bytes(bytes(range(256)) * 20)
    answer = phr("import", str(path))
    assert answer.status in (1, 2)
    assert "Traceback" not in answer.err
    assert phr("import", str(tmp_path / "absent.json")).status in (1, 2)


@pytest.mark.parametrize("layout", ["ccd", "fhir", "ndjson", "json"])
def test_export_writes_each_format_privately_and_reports_it(
    phr: Any, record: object, layout: str, tmp_path: Path
) -> None:
    target = tmp_path / "out.file"
    report = phr("export", "--format", layout, "-o", str(target), "--json").json
    assert report["path"] == str(target)
    assert report["format"] == layout
    assert report["bytes"] == target.stat().st_size > 0
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert isinstance(report["sections"], dict)


def test_export_to_stdout_is_the_file_and_nothing_else(process: Any, record: object) -> None:
    answer = process("export", "--format", "ndjson", "-o", "-")
    assert all(orjson.loads(line)["resourceType"] for line in answer.out.splitlines())
    assert "Wrote to stdout" in answer.err
    assert process("export", "--format", "fhir", "-o", "-", "--json").status == 2


def test_export_without_a_file_name_makes_one_and_reproducible_gives_the_same_bytes(
    phr: Any, record: object, tmp_path: Path
) -> None:
    report = phr("export", "--format", "fhir", "--reproducible", "--json").json
    assert Path(report["path"]).parent == tmp_path
    first = Path(report["path"]).read_bytes()
    phr("export", "--format", "fhir", "--reproducible")
    assert Path(report["path"]).read_bytes() == first


def test_export_takes_the_selection_and_refuses_what_it_does_not_know(phr: Any, record: object) -> None:
    some = phr("export", "--format", "json", "--kind", "problem", "--json").json
    assert sum(some["sections"].values()) == 1
    assert phr("export", "--format", "docx").status == 2
    assert phr("export").status == 2
    assert phr("export", "--format", "json", "--sensitivity", "secret").status == 2
    assert phr("export", "--format", "json", "-o", "no/such/folder/x").status == 2


def test_backup_and_restore_bring_everything_back(
    phr: Any, record: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "all.phr"
    assert phr("backup", str(file)).status == 2
    assert not file.exists()
    monkeypatch.setenv("PHR_BACKUP_PASSPHRASE", "short")
    assert phr("backup", str(file)).status == 2
    monkeypatch.setenv("PHR_BACKUP_PASSPHRASE", WORDS)
    made = phr("backup", str(file), "--json").json
    assert made["bytes"] == file.stat().st_size
    assert WORDS not in str(made)

    looked = phr("restore", str(file), "--dry-run", "--user", "mum", "--json").json
    assert (looked["dry_run"], looked["resources"]) == (True, made["resources"])
    assert phr("restore", str(file)).status == 2
    assert phr("restore", str(file), "--user", "mum").status == 0
    assert phr("timeline", "--user", "mum", "--json").json["total"] == 6
    aside = phr("restore", str(file), "--yes", "--json").json["put_aside"]
    assert Path(aside).exists()

    monkeypatch.delenv("PHR_BACKUP_PASSPHRASE")
    wrong = tmp_path / "wrong.txt"
    wrong.write_text("not the passphrase\n")
    assert phr("restore", str(file), "--user", "kid", "--passphrase-file", str(wrong)).status == 6
    assert phr("restore", str(tmp_path / "absent")).status == 2


def test_vault_says_where_keys_are_and_shows_none(phr: Any, record: object) -> None:
    found = phr("vault", "status", "--json").json
    assert (found["source"], found["tokens"], found["locked"]) == ("key-file", "sealed-file", False)
    assert bytes(range(32)).hex() not in phr("vault").out


def test_the_recovery_key_opens_the_record_again(
    phr: Any, process: Any, record: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paper = phr("vault", "recovery-key", "--json").json["recovery_key"]
    new = tmp_path / "new.key"
    assert process("vault", "recover", "--stdin", stdin=paper.lower(), PHR_KEY_FILE=str(new)).status == 0
    assert process("timeline", "--json", PHR_KEY_FILE=str(new)).json["total"] == 6
    assert process("vault", "recover", stdin="").status == 2
    assert (
        "Group 1" in process("vault", "recover", "--stdin", stdin="0" + paper[1:].replace("-", " ")).err
        or paper[0] == "0"
    )


def test_vault_status_of_a_locked_record_is_exit_6(
    phr: Any, record: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHR_KEY_FILE", str(tmp_path / "absent"))
    answer = phr("vault", "status", "--json")
    assert answer.status == 6
    assert answer.json["locked"] is True


def test_users_are_added_listed_renamed_and_removed(phr: Any, record: Workspace) -> None:
    assert phr("users", "add", "mum").status == 0
    assert phr("users", "add", "mum").status == 2
    assert phr("users", "--json").json["users"] == [
        {"name": "default", "patient_name": "Ada Example", "records": 6},
        {"name": "mum", "patient_name": None, "records": 0},
    ]
    assert phr("users", "rename", "mum", "mom").status == 2
    assert phr("users", "rename", "mum", "mom", "--yes").status == 0
    assert phr("users", "remove", "default", "--dry-run").status == 0
    assert phr("timeline", "--json").json["total"] == 6
    assert phr("users", "remove", "mom").status == 2
    assert phr("users", "remove", "mom", "--yes").status == 0
    assert [one["name"] for one in phr("users", "list", "--json").json["users"]] == ["default"]
    assert phr("users", "remove", "mom", "--yes").status == 2
    assert phr("users", "add", "../../etc").status == 2


def test_removing_a_user_forgets_their_tokens(phr: Any, record: Workspace) -> None:
    record.vault.secrets.set("token/k1", b"secret")
    assert phr("users", "remove", "default", "--yes").status == 0
    assert not record.paths.user_dir("default").exists()
    assert Workspace(os.environ).vault.secrets.get("token/k1") is None
