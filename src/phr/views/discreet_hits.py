"""Hits of a search that only what is withheld explains: a letter that is handed on without the word is told by being there.

What is handed on is read anew, as the full text reads a record, and asked the same.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from phr.store import words
from phr.views.discreet_parts import softly
from phr.views.query import full_text_query
from phr.views.redaction import Secrets

if TYPE_CHECKING:
    from phr.views.selection import Selection

_INDEX = (
    "CREATE VIRTUAL TABLE handed USING fts5(title, detail, codes, body, content='',"
    " tokenize='unicode61 remove_diacritics 2')"
)
"""As `record_search` is made."""


def misleading(db: Any, selection: Selection, touched: Collection[int], secrets: Secrets) -> set[int]:
    """Records that a search finds, and would not find in what is handed on of them."""
    query = full_text_query(selection.search) if selection.search else None
    if query is None or not touched:
        return set()
    condition, values = selection.where()
    hits = {
        row[0]
        for row in db.execute(
            f"SELECT record.id FROM record WHERE {condition} AND record.id IN (SELECT value FROM json_each(?))",
            (*values, json.dumps(sorted(touched))),
        )
    }
    return hits - _still_found(db, sorted(hits), query, secrets) if hits else hits


def _still_found(db: Any, hits: list[int], query: str, secrets: Secrets) -> set[int]:
    from sqlcipher3 import dbapi2 as sqlite

    own = words.searchable(db, hits)
    index = sqlite.connect(":memory:")  # nothing of it comes to a disk
    try:
        index.execute(_INDEX)
        for id_ in hits:
            index.execute(
                "INSERT INTO handed (rowid, title, detail, codes, body) VALUES (?, ?, ?, ?, ?)",
                (id_, *_read(db, id_, secrets, own.get(id_, ""))),
            )
        rows = index.execute("SELECT rowid FROM handed WHERE handed MATCH ?", (query,))
        return {row[0] for row in rows}
    finally:
        index.close()


def _read(db: Any, id_: int, secrets: Secrets, own: str) -> tuple[str, str, str, str]:
    from phr.records.derive import derive_line
    from phr.records.overlay import lay_over

    body, lookup = softly(db, id_, secrets)
    resting = {
        name
        for (name,) in db.execute(
            "SELECT field FROM correction WHERE resource_id = ? AND field LIKE ?", (id_, f"{words.AGREED}%")
        )
    }
    said = {
        name: value
        for name, value in words.corrections(db, [id_]).get(id_, {}).items()
        if words.AGREED + name not in resting
    }
    line = lay_over(derive_line(body, lookup), body, said)
    texts = db.execute(
        "SELECT d.sha256, t.text FROM attachment a JOIN document d ON d.id = a.document_id"
        " JOIN document_text t ON t.document_id = d.id WHERE a.resource_id = ?",
        (id_,),
    )
    attached = [text for digest, text in texts if bytes(digest) not in secrets.documents]
    return str(line.columns[1]), line.detail, line.codes, "\n".join([line.text, *attached, own])
