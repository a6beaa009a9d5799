"""How fast resources are kept, as a fraction of the raw limit: parse each, INSERT each, nothing else."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import orjson

from benchmarks.world import KEY, World, say, timed
from phr.store.store import Store


def run(world: World) -> None:
    """Time the limit, the same with encryption, our own door, and our own door a second time."""
    folder = world.folder
    limit = timed(lambda: _plain(sqlite3.connect(folder / "plain.db", isolation_level=None), world))
    encrypted = timed(lambda: _plain(_cipher(folder / "cipher.db"), world))
    world.records.parent.mkdir(parents=True, mode=0o700)
    with Store(world.records, KEY, create=True) as store:
        key = store.sources.ensure("benchmark").key

        def keep() -> None:
            for page in world.pages:
                store.save(key, page)

        first = timed(keep)
        again = timed(keep)
    rate = world.count / first
    say("raw limit: orjson + plain INSERT, 16 KB pages", "1.00", f"{world.count / limit:,.0f} resources/s")
    say(
        "the same into an encrypted file",
        f"{limit / encrypted:.2f}",
        f"{world.count / encrypted:,.0f} resources/s",
    )
    say(
        "store.save: raw, records, full text",
        f"{limit / first:.2f}",
        f"{rate:,.0f} resources/s of the raw limit",
    )
    say(
        "store.save again, nothing changed", f"{limit / again:.2f}", f"{world.count / again:,.0f} resources/s"
    )


def _cipher(path: Path) -> Any:
    from sqlcipher3 import dbapi2

    db = dbapi2.connect(str(path), isolation_level=None)
    db.execute(f"PRAGMA key = \"x'{KEY.hex()}'\"")
    db.execute("PRAGMA cipher_page_size = 16384")
    return db


def _plain(db: Any, world: World) -> None:
    """What no store can beat: each resource parsed once and inserted once, a transaction per page."""
    db.execute("PRAGMA page_size = 16384")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("CREATE TABLE resource (id INTEGER PRIMARY KEY, type TEXT, fhir_id TEXT, raw BLOB)")
    for page in world.pages:
        rows = [
            (parsed["resourceType"], parsed["id"], one.raw)
            for one in page
            if (parsed := orjson.loads(one.raw))
        ]
        db.execute("BEGIN")
        db.executemany("INSERT INTO resource (type, fhir_id, raw) VALUES (?, ?, ?)", rows)
        db.execute("COMMIT")
    db.close()
