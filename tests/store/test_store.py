"""The file itself: encrypted, private, migrated, and honest about what is wrong."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from phr.errors import Locked, StoreError, UsageError
from phr.model import Connection, Problem, Received, Refusal, SyncRun, TypeCounts
from phr.store import migrate, tables
from phr.store.store import Store

KEY = bytes(range(32))
Make = Callable[..., Received]


def connection(key: str = "k1", name: str = "lakeside") -> Connection:
    return Connection(
        key=key,
        name=name,
        provider="lakeside",
        vendor="epic",
        organisation="Lakeside",
        fhir_base="https://ehr.example/fhir",
        client_id="abc",
        patient_id="p",
        granted_scopes=("patient/*.read",),
        refused=(Refusal("Claim", "not granted at sign-in"),),
        auth="private_key_jwt",
        redirect="relay",
        redirect_uri="https://me.example/back",
        fhir_user="RelatedPerson/mum",
    )


def test_the_file_shows_nothing_clinical_and_only_its_owner_may_read_it(
    tmp_path: Path, received: Make
) -> None:
    path = tmp_path / "records.db"
    with Store(path, KEY, create=True) as store:
        key = store.sources.ensure("clinic").key
        store.save(key, [received("Condition", "1", code={"text": "Xylophonitis" * 40})])
        store.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        files = list(tmp_path.iterdir())
        assert {f.name for f in files} >= {"records.db", "records.db-wal"}
        assert all(f.stat().st_mode & 0o777 == 0o600 for f in files)
    content = path.read_bytes()
    assert b"Xylophonitis" not in content
    assert not content.startswith(b"SQLite format 3")
    assert len(content) % 16384 == 0


def test_another_key_does_not_open_it_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    Store(path, KEY, create=True).close()
    before = path.read_bytes()
    with pytest.raises(Locked) as caught:
        Store(path, bytes(32))
    assert caught.value.exit_status == 6
    assert path.read_bytes() == before
    Store(path, KEY).close()


def test_no_file_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no record yet"):
        Store(tmp_path / "records.db", KEY)
    assert not (tmp_path / "records.db").exists()


def test_a_newer_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    with Store(path, KEY, create=True) as store:
        store.db.execute(f"PRAGMA user_version = {migrate.CURRENT + 1}")
    with pytest.raises(StoreError, match="newer phr"):
        Store(path, KEY)


def test_models_and_migrations_declare_the_same_tables(store: Store) -> None:
    declared = tables.SQLModel.metadata.tables
    found = {
        row[0]
        for row in store.db.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'record_search%'"
            " AND name NOT LIKE 'sqlite_%'"
        )
    }
    assert found == set(declared)
    for name, table in declared.items():
        rows = store.db.execute(f"PRAGMA table_info({name})").fetchall()
        columns = {row[1]: (bool(row[3] or row[5]), bool(row[5])) for row in rows}
        assert {c.name: (not c.nullable, c.primary_key) for c in table.columns} == columns, name


def test_the_newest_migration_is_the_current_version() -> None:
    numbers = [number for number, _ in migrate.migrations()]
    assert numbers == list(range(1, migrate.CURRENT + 1))


def test_a_file_of_the_first_version_gains_the_columns_and_keeps_its_rows(tmp_path: Path) -> None:
    from sqlcipher3 import dbapi2 as sqlite

    path = tmp_path / "records.db"
    db = sqlite.connect(str(path), isolation_level=None)
    db.execute(f"PRAGMA key = \"x'{KEY.hex()}'\"")
    db.execute("PRAGMA cipher_page_size = 16384")
    db.executescript(migrate.migrations()[0][1])
    db.execute("PRAGMA user_version = 1")
    db.execute("INSERT INTO source VALUES (7, 'k1', 'lakeside', 'connection', NULL, '2026-01-01T00:00:00Z')")
    old = (
        "provider vendor organisation fhir_base client_id auth state requested_scopes granted_scopes refused"
    )
    values = ("lakeside", "epic", "Lakeside", "https://ehr.example/fhir", "abc", "public", "active")
    columns = ", ".join(f"{name}" for name in old.split())
    db.execute(
        f"INSERT INTO connection (source_id, {columns}, auto_sync, every_hours)"
        " VALUES (7, ?, ?, ?, ?, ?, ?, ?, '[]', '[\"patient/*.read\"]', '[]', 1, 6)",
        values,
    )
    db.execute(
        "INSERT INTO resource VALUES (1, 7, 'Condition', '1', x'00', x'00', 'current', 'a', 'b', x'7b7d')"
    )
    db.close()

    with Store(path, KEY) as store:
        assert store.db.execute("PRAGMA user_version").fetchone() == (migrate.CURRENT,)
        found = store.connections.get("lakeside")
        assert (found.redirect, found.redirect_uri, found.fhir_user) == ("loopback", None, None)
        assert (found.granted_scopes, found.every_hours) == (("patient/*.read",), 6)
        assert store.raw("Condition", "1") == [("lakeside", b"{}")]
        store.connections.save(replace(found, redirect="paste", fhir_user="RelatedPerson/1"))
        assert store.connections.get("lakeside").fhir_user == "RelatedPerson/1"


def test_a_connection_comes_back_as_it_was_saved(store: Store) -> None:
    one = connection()
    store.connections.save(one)
    assert store.connections.get("lakeside") == one
    changed = replace(one, name="mum", state="expired", last_sync="2026-03-01T00:00:00Z")
    store.connections.save(changed)
    assert store.connections.all() == [changed]
    assert store.connections.free_name("mum") == "mum-2"
    with pytest.raises(UsageError) as caught:
        store.connections.get("lakeside")
    assert "mum" in (caught.value.hint or "")


def test_saving_a_connection_keeps_its_records(store: Store, received: Make) -> None:
    store.connections.save(connection())
    store.save("k1", [received("Condition", "1")])
    store.connections.save(replace(connection(), state="revoked"))
    assert store.raw("Condition", "1")


def test_purging_a_source_removes_all_of_it_and_nothing_else(store: Store, received: Make) -> None:
    inline = [{"attachment": {"data": "SGVsbG8="}}]
    for key, name in (("k1", "one"), ("k2", "two")):
        store.connections.save(connection(key, name))
        store.save(key, [received("DocumentReference", "1", content=inline, description=f"Letter {name}")])
    store.save("k1", [received("DocumentReference", "2", content=[{"attachment": {"data": "QnllIQ=="}}])])
    assert store.sources.purge("k1") == 2
    assert [c.name for c in store.connections.all()] == ["two"]
    assert [name for name, _ in store.raw("DocumentReference", "1")] == ["two"]
    assert store.db.execute("SELECT content FROM document").fetchall() == [(b"Hello",)]
    assert store.db.execute(
        "SELECT count(*) FROM record_search WHERE record_search MATCH 'one'"
    ).fetchone() == (0,)


def test_a_run_comes_back_with_what_it_skipped(store: Store) -> None:
    store.connections.save(connection())
    number = store.runs.start("k1", "manual", "full")
    problem = Problem("Claim", "not granted", http_status=403, raw=b"{}")
    run = SyncRun(
        str(number), "lakeside", "manual", "partial", "full", store.now(), store.now(), 1.5, 7, 900,
        {"Observation": TypeCounts(new=3)}, (problem,), {"new": 1}, None, 3,
    )  # fmt: skip
    store.runs.finish(run)
    (found,) = store.runs.recent("lakeside")
    assert (found.status, found.types, found.documents) == (
        "partial",
        {"Observation": TypeCounts(new=3)},
        {"new": 1},
    )
    assert [(p.type, p.http_status) for p in found.skipped] == [("Claim", 403)]
    assert store.runs.skipped_before("k1") == {("Claim", None, "403")}


def test_the_audit_log_shows_when_a_line_was_changed(store: Store) -> None:
    for action in ("connect", "sync", "export"):
        store.audit.note(action, "lakeside")
    assert [e.action for e in store.audit.events()] == ["export", "sync", "connect"]
    assert store.audit.intact()
    store.db.execute("UPDATE audit_event SET outcome = 'denied' WHERE action = 'sync'")
    assert not store.audit.intact()


def test_a_copy_opens_with_the_same_key(store: Store, source: str, received: Make, tmp_path: Path) -> None:
    store.save(source, [received("Condition", "1")])
    target = tmp_path / "copy.db"
    store.copy(target)
    assert target.stat().st_mode & 0o777 == 0o600
    with Store(target, KEY) as copy:
        assert copy.raw("Condition", "1") == store.raw("Condition", "1")
        assert copy.integrity() == []


def test_a_damaged_page_is_found(tmp_path: Path, received: Make) -> None:
    path = tmp_path / "records.db"
    with Store(path, KEY, create=True) as store:
        key = store.sources.ensure("clinic").key
        store.save(key, [received("Condition", str(n), note=[{"text": "x" * 500}]) for n in range(200)])
    content = bytearray(path.read_bytes())
    content[len(content) - 20_000] ^= 0xFF
    path.write_bytes(content)
    with Store(path, KEY) as store:
        assert store.integrity()


def test_reading_does_not_import_sqlmodel(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    Store(path, KEY, create=True).close()
    code = (
        "import sys; from pathlib import Path; from phr.store.store import Store;"
        f"s = Store(Path({str(path)!r}), bytes(range(32))); s.connections.all(); s.counts(); s.close();"
        "print([m for m in ('sqlmodel', 'httpx', 'keyring', 'rich') if m in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "[]\n"
    )
