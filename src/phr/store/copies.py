"""Records that another record stands for (`supporting` 3), and the notes about them in `record_key`.

Such a copy has no row of its own in `record_source`: its resource is one of those of the record that is shown. Whoever
drops or rewrites a record says so here first, so that copies come back and their like are compared again
(`store.matches` does that at the end of an import or a sync).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from typing import Any

from phr.records.match import COARSELY, DATED, KEY_BYTES
from phr.store.db import batches, marks

NOTHING, COPY, AGAIN = b"\x10", b"\x11", b"\x12"
"""Keys that are notes: nothing tells of this record; another one stands for it; compare it again."""
CROWD = b"\x13"
"""Before a key, with any one record: too many have it (`store.near`)."""
KEYS = "key < x'10'"
"""What is no note."""
_HEAD = 1 + KEY_BYTES
_DAY = _HEAD + 8
"""Where a date begins in a key, and where a day ends."""


def leaving(db: Any, ids: Sequence[int]) -> dict[int, list[int]]:
    """These records go, or will be read anew: their like are to be compared again.

    Answers, by source, the copies that they stand for and that have to be shown again.
    """
    copies: dict[int, list[int]] = {}
    going = set(ids)
    crowds, coarse = noted_crowds(db), noted_coarse(db)
    done: set[bytes] = set()
    for part in batches(ids):
        rows = db.execute(
            f"SELECT DISTINCT key FROM record_key WHERE {KEYS} AND record_id IN ({marks(part)})", part
        )
        keys = {row[0] for row in rows} - done
        done |= keys & crowds  # so many have these that asking once is enough
        _compare_again(db, keys, coarse)
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


def _compare_again(db: Any, keys: set[bytes], coarse: Set[bytes]) -> None:
    """Whoever has one of these keys, or is dated within such a date, or less precisely."""
    again = "INSERT OR IGNORE INTO record_key (key, record_id)"
    for part in batches(sorted(keys | less_precise(keys, coarse))):
        db.execute(
            f"{again} SELECT DISTINCT ?, record_id FROM record_key WHERE key IN ({marks(part)})",
            (AGAIN, *part),
        )
    db.executemany(f"{again} VALUES (?, ?)", [(AGAIN, id_) for _, id_ in dated_within(db, keys)])


def noted_coarse(db: Any) -> set[bytes]:
    """The keys of years and months that are there: few of all."""
    rows = db.execute(
        "SELECT DISTINCT key FROM record_key WHERE key > ? AND key < ?", (COARSELY, COARSELY + b"\xff")
    )
    return {row[0] for row in rows}


def less_precise(keys: Iterable[bytes], coarse: Set[bytes]) -> set[bytes]:
    """The keys of the days, and of those `coarse` months and years, that hold these."""
    dated = [key for key in keys if key.startswith((DATED, COARSELY))]
    found = {key[:_DAY] for key in dated if len(key) > _DAY}
    if coarse:
        found |= {
            held
            for key in dated
            for digits in (4, 6)
            if len(key) > _HEAD + digits and (held := COARSELY + key[1 : _HEAD + digits]) in coarse
        }
    return found


def dated_within(db: Any, keys: Iterable[bytes]) -> list[tuple[bytes, int]]:
    """`(key, record)`, key by key: who is dated within the day, the month or the year of one of these keys."""
    days = [key for key in keys if key.startswith(DATED) and len(key) == _DAY]
    longer = [key for key in keys if key.startswith(COARSELY)]
    wanted = sorted(
        (key, low, low + b"\xff")
        for key, low in (
            *((key, key) for key in days + longer),
            *((key, DATED + key[1:]) for key in longer),
        )
    )
    found: set[tuple[bytes, int]] = set()
    for part in batches(wanted):
        values = ",".join(["(?, ?, ?)"] * len(part))
        found.update(
            db.execute(
                f"WITH wanted (own, low, high) AS (VALUES {values}) SELECT own, record_id FROM wanted"
                " CROSS JOIN record_key ON key > low AND key < high",
                [each for row in part for each in row],
            ).fetchall()
        )
    return sorted(found)


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
