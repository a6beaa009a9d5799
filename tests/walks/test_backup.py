"""Backups and restores, and the way back when a keyring is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from phr.errors import Locked, StoreError, UnreadableFile, UsageError
from phr.model import Received
from phr.store.store import Store
from phr.vault import recovery, rotation
from phr.workspace import Workspace
from phr.workspace.files import ImportWish

Make = Callable[..., Received]


@pytest.fixture
def filled(person: Any, tmp_path: Path) -> Any:
    """A person with one imported record."""
    file = tmp_path / "clinic.ndjson"
    file.write_text(
        '{"resourceType":"Condition","id":"1","code":{"text":"Asthma"}}\n{"resourceType":"Patient","id":"p"}\n'
    )
    report = person.workspace.import_files([file], ImportWish())
    assert report.files[0].new == 2
    return person


def titles(workspace: Workspace) -> list[str]:
    with workspace.store() as store:
        return [row[0] for row in store.db.execute("SELECT title FROM record WHERE supporting = 0")]


def test_a_backup_opens_on_another_computer(filled: Any, tmp_path: Path) -> None:
    backup = filled.workspace.backup(tmp_path / "backup.phr", "correct horse")
    assert (backup.resources, backup.path.stat().st_mode & 0o777) == (2, 0o600)
    assert b"Asthma" not in backup.path.read_bytes()
    other = dict(filled.environ, PHR_HOME=str(tmp_path / "elsewhere"), PHR_PASSPHRASE="another one")
    del other["PHR_KEY_FILE"]
    restored = Workspace(other).restore(backup.path, "correct horse")
    assert (restored.resources, restored.put_aside) == (2, None)
    assert titles(Workspace(other)) == ["Asthma"]


def test_a_dry_run_says_what_is_inside_and_changes_nothing(filled: Any, tmp_path: Path) -> None:
    backup = filled.workspace.backup(tmp_path / "backup.phr", "correct horse")
    before = filled.workspace.paths.records("default").read_bytes()
    found = filled.workspace.restore(backup.path, "correct horse", dry_run=True)
    assert (found.resources, found.dry_run) == (2, True)
    assert filled.workspace.paths.records("default").read_bytes() == before


def test_a_restore_puts_the_present_record_aside_and_both_open(filled: Any, tmp_path: Path) -> None:
    backup = filled.workspace.backup(tmp_path / "backup.phr", "correct horse")
    with filled.workspace.store() as store:
        store.sources.purge(store.sources.all()[0].key)
    with pytest.raises(UsageError) as caught:
        filled.workspace.restore(backup.path, "correct horse")
    assert "--replace" in (caught.value.hint or "")
    restored = filled.workspace.restore(backup.path, "correct horse", replace=True)
    assert titles(filled.workspace) == ["Asthma"]
    aside = restored.put_aside
    aside.replace(filled.workspace.paths.records("default"))
    for ending in ("-wal", "-shm"):
        Path(f"{filled.workspace.paths.records('default')}{ending}").unlink(missing_ok=True)
    assert titles(filled.workspace) == []


def test_a_wrong_passphrase_or_a_damaged_backup_touches_nothing(filled: Any, tmp_path: Path) -> None:
    path = filled.workspace.backup(tmp_path / "backup.phr", "correct horse").path
    with pytest.raises(Locked):
        filled.workspace.restore(path, "wrong", replace=True)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(UnreadableFile):
        filled.workspace.restore(path, "correct horse", replace=True)
    assert titles(filled.workspace) == ["Asthma"]


def test_a_recovery_key_brings_back_a_record_whose_keyring_is_lost(filled: Any, tmp_path: Path) -> None:
    written_down = recovery.recovery_key(filled.workspace.vault.record_key())
    Path(filled.environ["PHR_KEY_FILE"]).unlink()
    del filled.environ["PHR_KEY_FILE"]
    with pytest.raises(Locked):
        filled.workspace.store()
    filled.environ["PHR_PASSPHRASE"] = "a new one"
    with pytest.raises(Locked):
        filled.workspace.store()
    filled.workspace.vault.restore_key(recovery.parse(written_down.lower()))
    assert titles(filled.workspace) == ["Asthma"]


def test_importing_twice_changes_nothing_and_a_dry_run_makes_no_file(person: Any, tmp_path: Path) -> None:
    file = tmp_path / "clinic.json"
    file.write_text('{"resourceType":"Condition","id":"1","code":{"text":"Asthma"}}')
    looked = person.workspace.import_files([file], ImportWish(dry_run=True))
    assert looked.files[0].found == {"Condition": 1}
    assert not person.workspace.paths.records("default").exists()
    person.workspace.import_files([file], ImportWish())
    again = person.workspace.import_files([file], ImportWish()).files[0]
    assert (again.new, again.updated, again.unchanged, again.source) == (0, 0, 1, "clinic")


@pytest.mark.parametrize("source", ["PHR_KEY_FILE", "PHR_PASSPHRASE"])
def test_a_new_key_makes_the_old_one_useless(person: Any, tmp_path: Path, source: str) -> None:
    if source == "PHR_PASSPHRASE":
        del person.environ["PHR_KEY_FILE"]
        person.environ["PHR_PASSPHRASE"] = "four random words"
    file = tmp_path / "clinic.json"
    file.write_text('{"resourceType":"Condition","id":"1","code":{"text":"Asthma"}}')
    person.workspace.import_files([file], ImportWish())
    old = person.workspace.vault.record_key()
    person.workspace.rotate_key()
    assert person.workspace.vault.record_key() != old
    assert titles(person.workspace) == ["Asthma"]
    with pytest.raises(Locked):
        Store(person.workspace.paths.records("default"), old)


def test_a_rotation_that_was_broken_off_is_brought_to_its_end(filled: Any) -> None:
    class PowerCutError(Exception):
        pass

    def fail(old: bytes, new: bytes) -> None:
        with Store(filled.workspace.paths.records("default"), old) as store:
            store.rekey(new)
        raise PowerCutError

    with pytest.raises(PowerCutError):
        rotation.rotate(filled.workspace.vault, fail)
    assert titles(filled.workspace) == ["Asthma"]
    assert rotation.pending_key(filled.workspace.vault) is None
    assert titles(filled.workspace) == ["Asthma"]


def test_a_user_that_is_none_is_told_who_there_is(filled: Any) -> None:
    with pytest.raises(StoreError) as caught:
        Workspace(filled.environ, "mumm").store()
    assert "default" in (caught.value.hint or "")


def test_one_unreadable_file_does_not_stop_the_others(person: Any, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text('{"resourceType":"Condition","id":"1","code":{"text":"Asthma"}}')
    bad.write_text("<html>sign in</html>")
    report = person.workspace.import_files([bad, good], ImportWish())
    assert (report.exit_status, [one.error is None for one in report.files]) == (3, [True, False])
    assert titles(person.workspace) == ["Asthma"]
    with pytest.raises(UnreadableFile):
        person.workspace.import_files([bad], ImportWish())
