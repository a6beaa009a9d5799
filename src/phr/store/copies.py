"""Records that another record stands for (`supporting` 3), and the notes about them in `record_key`.

Such a copy has no row of its own in `record_source`: its resource is one of those of the record that is shown. Whoever
drops or rewrites a record says so here first, so that copies come back and their like are compared again
(`store.matches` does that at the end of an import or a sync).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from phr.store.db import batches, marks

NOTHING, COPY, AGAIN = b"\x10", b"\x11", b"\x12"
"""Keys that are notes: nothing tells of this record; another one stands for it; compare it again."""


def leaving(db: Any, ids: Sequence[int]) -> dict[int, list[int]]:
    """These records go, or will be read anew: their like are to be compared again.

    Answers, by source, the copies that they stand for and that have to be shown again.
    """
    copies: dict[int, list[int]] = {}
    going = set(ids)
    for part in batches(ids):
        db.execute(
            "INSERT OR IGNORE INTO record_key (key, record_id) SELECT DISTINCT ?, other.record_id FROM record_key own"
            " JOIN record_key other ON other.key = own.key AND other.record_id <> own.record_id"
            f" WHERE own.record_id IN ({marks(part)}) AND length(own.key) > 1",
            (AGAIN, *part),
        )
        rows = db.execute(
            "SELECT source_id, resource_id FROM record_source WHERE resource_id <> record_id"
            f" AND record_id IN ({marks(part)})",
            part,
        ).fetchall()
        for source, resource in rows:
            if resource not in going:
                copies.setdefault(source, []).append(resource)
    return copies


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
