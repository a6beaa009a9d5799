"""Records that another record stands for (`supporting` 3), and the notes about them in `record_key`.

Such a copy has no row of its own in `record_source`: its resource is one of those of the record that is shown. Whoever
drops or rewrites a record says so here first, so that copies come back and their like are compared again
(`store.matches` does that at the end of an import or a sync).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from phr.records.match import DATED, KEY_BYTES
from phr.store.db import batches, marks

NOTHING, COPY, AGAIN = b"\x10", b"\x11", b"\x12"
"""Keys that are notes: nothing tells of this record; another one stands for it; compare it again."""
CROWD = b"\x13"
"""Before a key, with any one record: too many have it (`store.near`)."""
KEYS = "key < x'10'"
"""What is no note."""
_HEAD, _DIGITS = 1 + KEY_BYTES, (4, 6, 8)
"""Where a date begins in a key, and how long a year, a month and a day are."""


def leaving(db: Any, ids: Sequence[int]) -> dict[int, list[int]]:
    """These records go, or will be read anew: their like are to be compared again.

    Answers, by source, the copies that they stand for and that have to be shown again.
    """
    copies: dict[int, list[int]] = {}
    going = set(ids)
    crowds = noted_crowds(db)
    done: set[bytes] = set()
    for part in batches(ids):
        rows = db.execute(
            f"SELECT DISTINCT key FROM record_key WHERE {KEYS} AND record_id IN ({marks(part)})", part
        )
        keys = {row[0] for row in rows} - done
        done |= keys & crowds  # so many have these that asking once is enough
        _compare_again(db, keys)
        rows = db.execute(
            "SELECT source_id, resource_id FROM record_source WHERE resource_id <> record_id"
            f" AND record_id IN ({marks(part)})",
            part,
        ).fetchall()
        for source, resource in rows:
            if resource not in going:
                copies.setdefault(source, []).append(resource)
    return copies


def noted_crowds(db: Any) -> set[bytes]:
    """Keys that too many have."""
    rows = db.execute("SELECT key FROM record_key WHERE key > ? AND key < x'14'", (CROWD,))
    return {row[0][len(CROWD) :] for row in rows}


def _compare_again(db: Any, keys: set[bytes]) -> None:
    """Whoever has one of these keys, or is dated within such a date, or less precisely."""
    again = "INSERT OR IGNORE INTO record_key (key, record_id)"
    for part in batches(sorted(keys | less_precise(keys))):
        db.execute(
            f"{again} SELECT DISTINCT ?, record_id FROM record_key WHERE key IN ({marks(part)})",
            (AGAIN, *part),
        )
    db.executemany(f"{again} VALUES (?, ?)", [(AGAIN, id_) for _, id_ in dated_within(db, keys)])


def less_precise(keys: Iterable[bytes]) -> set[bytes]:
    """The keys of the days, months and years that hold these."""
    return {
        key[: _HEAD + digits]
        for key in keys
        if key.startswith(DATED)
        for digits in _DIGITS
        if len(key) > _HEAD + digits
    }


def dated_within(db: Any, keys: Iterable[bytes]) -> Iterator[tuple[bytes, int]]:
    """`(key, record)`, key by key: who is dated within the day, the month or the year of one of these keys."""
    short = sorted(key for key in keys if key.startswith(DATED) and len(key) <= _HEAD + _DIGITS[-1])
    for part in batches(short):
        wanted = ",".join(["(?, ?)"] * len(part))
        yield from db.execute(
            f"WITH wanted (low, high) AS (VALUES {wanted}) SELECT DISTINCT low, record_id FROM wanted"
            " CROSS JOIN record_key ON key > low AND key < high ORDER BY low, record_id",
            [end for key in part for end in (key, key + b"\xff")],
        ).fetchall()


def own_again(db: Any, ids: Sequence[int]) -> None:
    """These resources tell records of their own again."""
    for part in batches(ids):
        db.execute(f"DELETE FROM record_source WHERE resource_id IN ({marks(part)})", part)
        db.execute(
            "INSERT INTO record_source (record_id, source_id, resource_id)"
            f" SELECT id, source_id, id FROM resource WHERE id IN ({marks(part)})",
            part,
        )
        db.execute(f"DELETE FROM record_key WHERE key = ? AND record_id IN ({marks(part)})", (COPY, *part))
