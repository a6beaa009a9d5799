"""How fast resources are kept, as a fraction of the raw limit: parse each, INSERT each, nothing else."""

from __future__ import annotations

import sqlite3
from collections import deque
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from benchmarks.world import KEY, World, say, timed
from phr.store.store import Store

ROUNDS = 3
WANTED = 0.25
"""The share of the raw limit that is asked for, with history, records, full text and encryption."""


def run(world: World) -> None:
    """The limit, the same with encryption, our own door, and our own door again: the best of some rounds of each."""
    limit = encrypted = first = again = float("inf")
    for turn in range(ROUNDS if world.count <= 50_000 else 1):
        plain, secret = world.folder / f"plain{turn}.db", world.folder / f"secret{turn}.db"
        limit = min(limit, timed(partial(_plain, _open(plain), world)))
        encrypted = min(encrypted, timed(partial(_plain, _cipher(secret), world)))
        one, two = _kept(world)
        first, again = min(first, one), min(again, two)
    say("raw limit: orjson + plain INSERT, 16 KB pages", "1.00", _rate(world, limit))
    say("the same into an encrypted file", f"{limit / encrypted:.2f}", _rate(world, encrypted))
    say(f"store.save: raw, records, full text ({WANTED} asked)", f"{limit / first:.2f}", _rate(world, first))
    say("store.save again, nothing changed", f"{limit / again:.2f}", _rate(world, again))
    say("again, of the first time (0.5 allowed)", f"{again / first:.2f}", "")


def _rate(world: World, seconds: float) -> str:
    return f"{world.count / seconds:,.0f} resources/s"


def _kept(world: World) -> tuple[float, float]:
    """Seconds to save every page, and to save it again. The last store stays for the other benchmarks."""
    for old in world.records.parent.glob("records.db*"):
        old.unlink()
    world.records.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    with Store(world.records, KEY, create=True) as store:
        key = store.sources.ensure("benchmark").key
        seen: deque[object] = deque(maxlen=1)

        def keep() -> None:
            for page in world.pages:
                store.save(key, page, within=seen.append)

        return timed(keep), timed(keep)


def _open(path: Path) -> Any:
    return sqlite3.connect(path, isolation_level=None)


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
