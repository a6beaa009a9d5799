"""Keep safe: a sealed copy of the whole record, and back again.

A backup is opened by its own passphrase, on any computer. It holds the records file and the key of that file, no tokens:
after a restore every provider asks for a new sign-in.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from dataclasses import replace as with_changes
from pathlib import Path
from typing import TYPE_CHECKING

from phr.errors import Locked, StoreError, UnreadableFile, UsageError
from phr.paths import RECORDS_FILE, make_private
from phr.store.store import Store
from phr.vault import backup as sealed
from phr.vault.unpack import RECORD_KEY

if TYPE_CHECKING:
    from phr.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was written and read back."""

    path: Path
    bytes: int
    resources: int


@dataclass(frozen=True, slots=True)
class Restored:
    """What a backup holds, and where what was there before it has gone."""

    created: str
    resources: int
    connections: int
    put_aside: Path | None
    dry_run: bool


def backup(workspace: Workspace, target: Path, passphrase: str) -> Backup:
    """Write a sealed copy to `target` (0600), read it back whole, then give it its name. A sync may go on meanwhile.

    Raises UsageError for an empty passphrase, Locked, StoreError when the record itself is damaged.
    """
    with workspace.store() as store, _scratch(workspace) as folder:
        copy = Path(folder) / RECORDS_FILE
        store.copy(copy)
        key = workspace.vault.record_key()
        with Store(copy, key) as copied:
            _check(copied)
            resources = sum(copied.counts()[0].values())
        info = sealed.seal(target, {RECORDS_FILE: copy, RECORD_KEY: key}, passphrase)
        store.audit.note("backup", f"{resources} resources")
    return Backup(info.path, info.bytes, resources)


def restore(
    workspace: Workspace, file: Path, passphrase: str, *, dry_run: bool = False, replace: bool = False
) -> Restored:
    """Put a sealed copy in place of the record. What is there now is put aside beside it, never overwritten.

    Raises UsageError when there is a record already and `replace` is not set; Locked for a wrong passphrase;
    UnreadableFile for a damaged backup. Until the very end nothing of the present record is touched.
    """
    place = workspace.paths.records(workspace.user)
    if place.exists() and not (replace or dry_run):
        raise UsageError(
            "There is a record here already.",
            hint="Replace it (the present one is put aside, not deleted): phr restore FILE --replace; "
            "or restore beside it: --user NAME",
        )
    make_private(place.parent)
    with workspace.lock(), _scratch(workspace) as folder:
        opened = sealed.open_sealed(file, passphrase, Path(folder) / "opened")
        if opened.record_key is None:
            raise UnreadableFile("This backup holds no record key, so it cannot be opened.")
        found = Path(folder) / "opened" / RECORDS_FILE
        with Store(found, opened.record_key) as store:
            _check(store)
            resources, connections = sum(store.counts()[0].values()), len(store.connections.all())
            if not dry_run:
                for one in store.connections.all():
                    if one.state == "active":  # tokens are not in a backup
                        store.connections.save(with_changes(one, state="expired"))
                store.audit.note("restore", f"{resources} resources")
                store.rekey(_key_for(workspace, opened.record_key))
        aside = None if dry_run else _put_aside(place)
        if not dry_run:
            found.replace(place)
    return Restored(opened.info.created, resources, connections, aside, dry_run)


def _key_for(workspace: Workspace, kept: bytes) -> bytes:
    """The key this computer has for the record, so that a file that is put aside stays readable with it.

    Where the record is here and its key is lost, the key out of the backup takes its place.
    """
    try:
        return workspace.vault.record_key(create=True)
    except Locked:
        if not workspace.paths.records(workspace.user).exists():
            raise
        workspace.vault.restore_key(kept)
        return kept


def _scratch(workspace: Workspace) -> tempfile.TemporaryDirectory[str]:
    """A folder of our own on the same disk, 0700, gone afterwards."""
    folder = make_private(workspace.paths.user_dir(workspace.user))
    return tempfile.TemporaryDirectory(prefix=".work-", dir=folder)


def _put_aside(place: Path) -> Path | None:
    """Give the present record another name, with what its last writes left beside it."""
    if not place.exists():
        return None
    number = 1
    while (aside := place.with_name(f"records-before-restore-{number}.db")).exists():
        number += 1
    for ending in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            shutil.move(f"{place}{ending}", f"{aside}{ending}")
    return place.replace(aside)


def _check(store: Store) -> None:
    wrong = store.integrity()
    if wrong:
        raise StoreError(f"The records file is damaged: {len(wrong)} faults were found.")
