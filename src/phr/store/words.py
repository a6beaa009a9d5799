"""The person's own words as the records need them: corrections to lay over, notes and tags for the search.

All of this hangs on resources, and a record has that of every resource that tells it. So that no correction is lost
when another source's resource comes to be shown, all resources of one record carry the same ones (`unite`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from phr.store.db import batches, marks

AGREED = "agreed:"
"""Before the name of a field: the source says the same by now, so the correction rests. It wakes when that changes."""
_WORDS = ("note", "tag", "correction")
_KEPT = "marks_kept"
"""The setting with marks of privacy on what is not there at present."""
_ANY = "SELECT EXISTS (SELECT 1 FROM note) OR EXISTS (SELECT 1 FROM tag)"


def corrections(db: Any, ids: Sequence[int]) -> dict[int, dict[str, str | None]]:
    """By resource and field what the person says, resting ones under their plain names too."""
    found: dict[int, dict[str, str | None]] = {}
    if db.execute("SELECT 1 FROM correction LIMIT 1").fetchone() is None:
        return found
    for part in batches(ids):
        rows = db.execute(
            f"SELECT resource_id, field, value FROM correction WHERE resource_id IN ({marks(part)})", part
        )
        for id_, field, value in rows:
            found.setdefault(id_, {})[field.removeprefix(AGREED)] = value
    return found


def rest(db: Any, id_: int, fields: Iterable[str], *, resting: bool) -> None:
    """Let the corrections of these fields rest, because the source says the same, or stand again."""
    for field in fields:
        names = (AGREED + field, field) if resting else (field, AGREED + field)
        db.execute(
            "UPDATE OR REPLACE correction SET field = ? WHERE resource_id = ? AND field = ?",
            (names[0], id_, names[1]),
        )


def searchable(db: Any, ids: Sequence[int]) -> dict[int, str]:
    """By record the notes and tags of all resources that tell it, for the full text."""
    found: dict[int, str] = {}
    if not ids or not db.execute(_ANY).fetchone()[0]:
        return found
    for part in batches(ids):
        rows = db.execute(
            "SELECT rs.record_id, n.text FROM record_source rs CROSS JOIN note n ON n.resource_id = rs.resource_id"
            f" WHERE rs.record_id IN ({marks(part)})"
            " UNION SELECT rs.record_id, t.tag FROM record_source rs CROSS JOIN tag t ON t.resource_id = rs.resource_id"
            f" WHERE rs.record_id IN ({marks(part)})",
            (*part, *part),
        )
        for id_, text in rows:
            found[id_] = f"{found[id_]}\n{text}" if id_ in found else text
    return found


def worded(db: Any, ids: Sequence[int], *, bookmarks: bool = False) -> list[int]:
    """Those of these resources beside which there is a note, a tag or a correction; or a bookmark, if asked."""
    found: set[int] = set()
    for table in (*_WORDS, *(("bookmark",) if bookmarks else ())):
        if db.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() is None:
            continue
        for part in batches(ids):
            rows = db.execute(
                f"SELECT DISTINCT resource_id FROM {table} WHERE resource_id IN ({marks(part)})", part
            )
            found.update(row[0] for row in rows)
    return sorted(found)


def hosts(db: Any, ids: Sequence[int]) -> list[int]:
    """The records of other resources that these stand behind, with a note or a tag of the person."""
    own = worded(db, ids)
    found: set[int] = set()
    for part in batches(own):
        rows = db.execute(
            "SELECT record_id FROM record_source WHERE record_id <> resource_id"
            f" AND resource_id IN ({marks(part)})",
            part,
        )
        found.update(row[0] for row in rows)
    return sorted(found)


def tellers(db: Any, ids: Sequence[int]) -> list[int]:
    """All resources that tell what these resources tell, themselves among them."""
    found = set(ids)
    for part in batches(ids):
        rows = db.execute(
            "SELECT other.resource_id FROM record_source own"
            " JOIN record_source other ON other.record_id = own.record_id"
            f" WHERE own.resource_id IN ({marks(part)})",
            part,
        )
        found.update(row[0] for row in rows)
    return sorted(found)


def unite(db: Any, ids: Sequence[int]) -> list[int]:
    """Records came together or went apart: let all resources of one record carry its corrections, the newest first.

    `ids` are resources that moved; answers which records have to be written again. Whoever comes to a record takes on
    what the person said of it before: a mark of privacy must not depend on which source is the last to tell it.
    """
    if not any(db.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() for table in _WORDS):
        return []
    own = worded(db, tellers(db, ids))
    if not own:
        return []
    for id_ in own:
        db.execute(
            "INSERT OR IGNORE INTO correction (resource_id, field, value, reason, made)"
            " SELECT m.resource_id, c.field, c.value, c.reason, c.made FROM record_source s"
            " JOIN record_source m ON m.record_id = s.record_id JOIN record_source o ON o.record_id = s.record_id"
            " JOIN correction c ON c.resource_id = o.resource_id"
            " WHERE s.resource_id = ? AND NOT EXISTS (SELECT 1 FROM correction x WHERE x.resource_id = m.resource_id"
            " AND x.field IN (c.field, ? || c.field, replace(c.field, ?, '')))"
            " ORDER BY c.made DESC",
            (id_, AGREED, AGREED),
        )
    return tellers(db, own)


def marked(db: Any, ids: Sequence[int]) -> int:
    """How many of these resources the person marked as private."""
    found = 0
    for part in batches(ids):
        row = db.execute(
            "SELECT count(*) FROM correction WHERE field = 'sensitivity' AND value <> 'normal'"
            f" AND resource_id IN ({marks(part)})",
            part,
        ).fetchone()
        found += row[0]
    return found


def keep_marks(db: Any, ids: Sequence[int]) -> None:
    """These resources go, but may come again under the same address: remember how private the person says they are."""
    kept = _kept(db)
    for part in batches(ids):
        rows = db.execute(
            "SELECT s.name, x.type || '/' || x.fhir_id, c.value, c.reason, c.made FROM correction c"
            " JOIN resource x ON x.id = c.resource_id JOIN source s ON s.id = x.source_id"
            f" WHERE c.field = 'sensitivity' AND c.resource_id IN ({marks(part)})",
            part,
        )
        for name, address, *mark in rows:
            kept.setdefault(name, {})[address] = mark
    _keep(db, kept)


def lay_kept_marks(db: Any) -> list[int]:
    """What came again is as private as before; answers which resources those are."""
    kept = _kept(db)
    back: list[int] = []
    for name, addresses in list(kept.items()):
        for address in list(addresses):
            type_, _, id_ = address.partition("/")
            row = db.execute(
                "SELECT x.id FROM source s JOIN resource x ON x.source_id = s.id"
                " WHERE s.name = ? AND x.type = ? AND x.fhir_id = ?",
                (name, type_, id_),
            ).fetchone()
            if row is not None:
                db.execute(
                    "INSERT OR IGNORE INTO correction VALUES (?, 'sensitivity', ?, ?, ?)",
                    (row[0], *addresses.pop(address)),
                )
                back.append(row[0])
        if not addresses:
            del kept[name]
    if back:
        _keep(db, kept)
    return back


def _kept(db: Any) -> dict[str, dict[str, list[str | None]]]:
    """`value, reason, made` by source and address."""
    row = db.execute("SELECT value FROM setting WHERE name = ?", (_KEPT,)).fetchone()
    found: dict[str, dict[str, list[str | None]]] = json.loads(row[0]) if row else {}
    return found


def _keep(db: Any, kept: dict[str, dict[str, list[str | None]]]) -> None:
    if kept:
        db.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (_KEPT, json.dumps(kept)))
    else:
        db.execute("DELETE FROM setting WHERE name = ?", (_KEPT,))


def heirs(db: Any, ids: Sequence[int]) -> dict[int, int | None]:
    """Of these resources those with own words, and which other one of the same record stays; None where none does."""
    removed, found = set(ids), dict[int, int | None]()
    for part in batches([*worded(db, ids, bookmarks=True)]):
        rows = db.execute(
            "SELECT DISTINCT own.resource_id, o.resource_id FROM record_source own"
            " JOIN record_source o ON o.record_id = own.record_id"
            f" WHERE own.resource_id IN ({marks(part)}) ORDER BY own.resource_id, o.resource_id <> o.record_id,"
            " o.resource_id",
            part,
        )
        found.update((id_, None) for id_ in part)
        for id_, other in rows:
            if found.get(id_) is None:
                found[id_] = other if other is not None and other not in removed else None
    return found


def hand_on(db: Any, heirs: dict[int, int | None]) -> None:
    """What the person put beside a resource that goes, beside the one that goes on telling the same."""
    for id_, heir in heirs.items():
        if heir is None:
            continue
        for table, columns in (
            ("tag", "tag"),
            ("bookmark", "since"),
            ("correction", "field, value, reason, made"),
        ):
            db.execute(
                f"INSERT OR IGNORE INTO {table} (resource_id, {columns}) SELECT ?, {columns} FROM {table}"
                " WHERE resource_id = ?",
                (heir, id_),
            )
        db.execute("UPDATE note SET resource_id = ? WHERE resource_id = ?", (heir, id_))
