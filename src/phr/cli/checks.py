"""What `phr doctor` looks at, one check after another; none of them changes anything."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from phr.cli.text import count, size
from phr.errors import PhrError
from phr.paths import to_own

if TYPE_CHECKING:
    from phr.store.store import Store
    from phr.workspace import Workspace

ENOUGH_BYTES = 500_000_000
BUILT = 1_767_225_600
"""2026-01-01: no clock that is right shows an earlier time than this program has."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. `mend` says what to do when it is not well."""

    name: str
    ok: bool
    detail: str
    mend: str | None = None
    warning: bool = False
    """It is well as yet; `mend` is told all the same."""


def examine(here: Workspace) -> list[Check]:
    """Every check, in the order in which one builds on the other."""
    found = [
        *_versions(),
        _folders(here),
        _settings(here),
        _clock(here),
        _disk(here),
        *_own_ca(here),
        *_keys(here),
        *hooks(here, network=False),
    ]
    if not here.paths.records(here.user).exists():
        return [*found, Check("record", True, "There is none yet.")]
    try:
        with here.store() as store:
            return [
                *found,
                Check("record", True, "It opens."),
                *(_tried(name, look, store) for name, look in _INSIDE),
            ]
    except PhrError as error:
        return [*found, Check("record", False, error.message, error.hint)]


def _versions() -> Iterator[Check]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Check("python", sys.version_info >= (3, 11), f"Python {version}", "Use Python 3.11 or newer.")
    from sqlcipher3 import dbapi2 as sqlite

    db = sqlite.connect(":memory:")
    try:
        cipher = db.execute("PRAGMA cipher_version").fetchone()
        options = {row[0] for row in db.execute("PRAGMA compile_options")}
    finally:
        db.close()
    words = f"SQLite {sqlite.sqlite_version}, SQLCipher {cipher[0] if cipher else 'missing'}"
    ok = bool(cipher) and "ENABLE_FTS5" in options
    yield Check(
        "database", ok, words + (", full text" if "ENABLE_FTS5" in options else ""), "Reinstall sqlcipher3."
    )


def _folders(here: Workspace) -> Check:
    """Whether only the person can look into what is there, and change it."""
    folders = [here.paths.config, here.paths.data, here.paths.state, here.paths.user_dir(here.user)]
    wide = [path for path in folders if path.exists() and _mode(path) & 0o077]
    folder = here.paths.user_dir(here.user)
    files = sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
    wide += [path for path in files if _mode(path) & 0o077]
    # Whoever can change the folder above can put others in place of these.
    above = [here.paths.config.parent] if here.environ.get("PHR_HOME") else []
    mends = {path: mend for path in (*above, *folders, *files) if (mend := to_own(path))}
    if (wide or mends) and os.name == "posix":
        found = " ".join(dict.fromkeys(shlex.quote(str(path)) for path in wide))
        commands = [*mends.values(), f"chmod -R go= {found}"] if wide else [*mends.values()]
        named = ", ".join(str(path) for path in dict.fromkeys((*wide, *mends)))
        return Check("folders", False, f"Others can look into or change: {named}", "; ".join(commands))
    return Check("folders", True, f"Only you can look into them: {here.paths.data}")


def _settings(here: Workspace) -> Check:
    """Whether the files that say where a sign-in goes are the person's alone to write."""
    from phr.providers.organisations import FILE_NAME

    files = (here.paths.config_file, here.paths.providers_file, here.paths.data / FILE_NAME)
    mends = {path: mend for path in files if (mend := to_own(path))}
    if mends:
        named = ", ".join(map(str, mends))
        return Check("settings", False, f"Others can write: {named}", "; ".join(mends.values()))
    return Check("settings", True, "Nobody else can change what is set and which addresses are known.")


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _clock(here: Workspace) -> Check:
    """A wrong clock breaks sign-ins: tokens and certificates have dates."""
    now = time.time()
    record = here.paths.records(here.user)
    newest = record.stat().st_mtime if record.exists() else 0
    ok = now > BUILT and newest < now + 3600
    return Check(
        "clock",
        ok,
        time.strftime("%Y-%m-%d %H:%M %z", time.localtime(now)),
        "Set the clock of this computer.",
    )


def _disk(here: Workspace) -> Check:
    place = here.paths.data
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    return Check("disk", free >= ENOUGH_BYTES, f"{size(free)} free", "Make room: at least 500 MB.")


def _own_ca(here: Workspace) -> Iterator[Check]:
    from phr.fhir import trust

    ca_file = here.settings.network.ca_file
    if ca_file is not None:
        try:
            held = count(trust.check(ca_file), "certificate")
            yield Check("own CA", True, f"{ca_file} holds {held}, trusted beside the usual ones.")
        except PhrError as error:
            yield Check("own CA", False, error.message, error.hint)


def _keys(here: Workspace) -> Iterator[Check]:
    found = here.vault.status()
    failed = [one.sentence for one in found.candidates if one.state == "failed"]
    there = here.paths.records(here.user).exists()
    if found.source is None:
        mend = "See what can be set: phr vault status"
        yield Check("key", False, "No source gives a key.", mend)
    elif failed and there:
        yield Check("key", False, failed[0], "If the key is lost: phr vault recover")
    else:
        yield Check("key", True, f"From {found.source}; tokens in the {found.tokens}.")
    yield Check(
        "keyring",
        True,
        f"{found.keyring or 'not asked'}" + ("" if found.source == "keyring" else " (not needed)"),
    )


def hooks(here: Workspace, *, network: bool) -> list[Check]:
    """Whether what is to happen after a sync can; with `network`, whether its servers answer."""
    if not here.settings.hooks:
        return []
    from phr.workspace.hooks import look

    return [
        Check(one.name, one.trouble is None, one.detail, one.trouble) for one in look(here, network=network)
    ]


# ── inside the record ─────────────────────────────────────────────────────────────────────────────


def _tried(name: str, look: Callable[[Store], Check], store: Store) -> Check:
    """A file so damaged that looking fails is a finding, too."""
    from sqlcipher3 import dbapi2 as sqlite

    try:
        return look(store)
    except sqlite.DatabaseError as error:
        return Check(name, False, f"Could not be read ({type(error).__name__}).", _RESTORE)


_RESTORE = "Bring back the last backup: phr restore FILE"


def _integrity(store: Store) -> Check:
    wrong = store.integrity()
    return Check(
        "integrity", not wrong, count(len(wrong), "fault") if wrong else "Every page is whole.", _RESTORE
    )


def _schema(store: Store) -> Check:
    """Whether the tables are those that this program knows."""
    from phr.store import tables

    different = []
    for name, table in tables.Setting.metadata.tables.items():
        columns = {row[1] for row in store.db.execute(f'PRAGMA table_info("{name}")')}
        if columns != set(table.columns.keys()):
            different.append(name)
    detail = f"Other than expected: {', '.join(different)}" if different else "Tables are as expected."
    return Check("schema", not different, detail, "Use the newest phr; else phr restore FILE.")


def _audit(store: Store) -> Check:
    intact = store.audit.intact()
    detail = "Every line is as it was written." if intact else "Lines were changed or removed."
    return Check("audit", intact, detail, "Compare with a backup: phr restore FILE --dry-run")


def _records(store: Store) -> Check:
    """Whether every resource has its record and can be found by its words."""
    bare = store.db.execute(
        "SELECT count(*) FROM resource r WHERE NOT EXISTS (SELECT 1 FROM record_source s WHERE s.resource_id = r.id)"
    ).fetchone()[0]
    total = store.db.execute("SELECT count(*) FROM record").fetchone()[0]
    detail = (
        f"{count(bare, 'resource')} without a record"
        if bare
        else f"{count(total, 'resource')}, each read into its record."
    )
    return Check("records", not bare, detail, "phr doctor --repair")


_INSIDE: tuple[tuple[str, Callable[[Store], Check]], ...] = (
    ("integrity", _integrity),
    ("schema", _schema),
    ("records", _records),
    ("audit", _audit),
)
