"""What a resource attaches, in rows: inline bytes are stored with it, addresses are fetched later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from phr.fhir import read
from phr.fhir.content import lasting
from phr.model import Attachment
from phr.store.db import marks
from phr.store.documents import keep_document


def sign(db: Any, identity: int, attachments: Sequence[Attachment]) -> None:
    """Take over addresses that differ from the known ones in nothing but their signature.

    What was fetched stays; what was refused may have been so because a signature had ended.
    """
    rows = db.execute("SELECT position, url FROM attachment WHERE resource_id = ?", (identity,))
    before = dict(rows.fetchall())
    for one in attachments:
        url = before.get(one.index)
        if url and one.url and url != one.url and lasting(url) == lasting(one.url):
            db.execute(
                "UPDATE attachment SET url = ?, state = iif(state = 'refused', 'failed', state)"
                " WHERE resource_id = ? AND position = ?",
                (one.url, identity, one.index),
            )


def attach(db: Any, identity: int, attachments: Sequence[Attachment], *, known: bool) -> None:
    """Note what is attached. Inline bytes are stored now; addresses are fetched at the end of a sync."""
    if known:
        sign(db, identity, attachments)
    for one in attachments:
        document: int | None = None
        state, reason = "absent", "the source gives neither bytes nor an address"
        if one.data:
            content = read.base64_bytes(one.data)
            if content is None:
                state, reason = "refused", "the attached bytes are not base64"
            else:
                document, state, reason = keep_document(db, content), "stored", ""
        elif one.url:
            state, reason = "wanted", ""
        db.execute(
            "INSERT INTO attachment (resource_id, position, title, media_type, url, state, reason, document_id)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET title = excluded.title,"
            " media_type = excluded.media_type, url = excluded.url, state = excluded.state,"
            " reason = excluded.reason, document_id = excluded.document_id, http_status = NULL, tries = 0,"
            " tried = NULL, fetched = NULL"
            # the same address keeps what was fetched from it
            " WHERE excluded.url IS NULL OR url IS NOT excluded.url",
            (identity, one.index, one.title, one.media_type, one.url, state, reason or None, document),
        )
    positions = [one.index for one in attachments]
    db.execute(
        f"DELETE FROM attachment WHERE resource_id = ? AND position NOT IN ({marks(positions)})",
        (identity, *positions),
    )
