"""Attachments and their bytes: what is still wanted, what came, what was refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from phr.store.db import transaction

if TYPE_CHECKING:
    from phr.store.store import Store


@dataclass(frozen=True, slots=True)
class Wanted:
    """An attachment whose bytes are still at the source."""

    resource_id: int
    position: int
    type: str
    fhir_id: str
    media_type: str | None
    url: str = field(repr=False)


class Documents:
    """The documents of one record."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def wanted(self, source_key: str) -> list[Wanted]:
        """Attachments of a source to fetch: never tried, or failed in a way that may pass."""
        rows = self._store.db.execute(
            "SELECT a.resource_id, a.position, r.type, r.fhir_id, a.media_type, a.url FROM attachment a"
            " JOIN resource r ON r.id = a.resource_id JOIN source s ON s.id = r.source_id"
            " WHERE s.key = ? AND a.state IN ('wanted', 'failed') ORDER BY a.resource_id, a.position",
            (source_key,),
        )
        return [Wanted(*row) for row in rows]

    def keep(self, one: Wanted, content: bytes, media_type: str | None) -> bool:
        """Store fetched bytes; answers whether they are new to this file."""
        db = self._store.db
        with transaction(db):
            before = db.execute("SELECT count(*) FROM document").fetchone()[0]
            document = keep_document(db, content)
            after = db.execute("SELECT count(*) FROM document").fetchone()[0]
            db.execute(
                "UPDATE attachment SET state = 'stored', reason = NULL, document_id = ?,"
                " media_type = coalesce(media_type, ?) WHERE resource_id = ? AND position = ?",
                (document, media_type, one.resource_id, one.position),
            )
        return bool(after > before)

    def not_kept(self, one: Wanted, reason: str, *, again: bool) -> None:
        """Note why the bytes did not come, and whether a later run should try again."""
        self._store.db.execute(
            "UPDATE attachment SET state = ?, reason = ? WHERE resource_id = ? AND position = ?",
            ("failed" if again else "refused", reason, one.resource_id, one.position),
        )

    def content(self, url: str, source: str | None = None) -> list[tuple[str, bytes]]:
        """`(source name, bytes)` fetched from this address: as it stands in the attachment, or the end of it."""
        rows = self._store.db.execute(
            "SELECT DISTINCT s.name, d.content FROM attachment a JOIN document d ON d.id = a.document_id"
            " JOIN resource r ON r.id = a.resource_id JOIN source s ON s.id = r.source_id"
            " WHERE (a.url = ?1 OR substr(a.url, -length(?1) - 1) = '/' || ?1) AND (?2 IS NULL OR s.name = ?2)",
            (url, source),
        )
        return [(row[0], bytes(row[1])) for row in rows]

    def stored(self, source_key: str) -> int:
        """How many attachments of a source have their bytes here."""
        row = self._store.db.execute(
            "SELECT count(*) FROM attachment a JOIN resource r ON r.id = a.resource_id"
            " JOIN source s ON s.id = r.source_id WHERE s.key = ? AND a.state = 'stored'",
            (source_key,),
        ).fetchone()
        return int(row[0])

    def totals(self) -> tuple[int, int]:
        """`(number, bytes)` of stored documents."""
        row = self._store.db.execute("SELECT count(*), coalesce(sum(bytes), 0) FROM document").fetchone()
        return int(row[0]), int(row[1])


def keep_document(db: Any, content: bytes) -> int:
    """Store bytes once; answers the document's id."""
    from hashlib import sha256  # only needed by those who write

    fingerprint = sha256(content).digest()
    row = db.execute("SELECT id FROM document WHERE sha256 = ?", (fingerprint,)).fetchone()
    if row:
        return int(row[0])
    cursor = db.execute(
        "INSERT INTO document (sha256, bytes, content) VALUES (?, ?, ?)", (fingerprint, len(content), content)
    )
    return int(cursor.lastrowid)
