"""Attachments and their bytes: what is still wanted, what came, what was refused, and what can be read in it.

An attachment is its parent resource, its place in it and its address; never a Binary's id alone, which a vendor was
seen to use for several documents. The bytes are kept once, whatever points at them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from phr.store.db import batches, marks, transaction

if TYPE_CHECKING:
    from phr.records.document_text import DocumentText
    from phr.store.store import Store

ANEW_AFTER = timedelta(days=1)
"""A document whose parent changed is read again, but no more than so often: some are generated at each read."""
_PAUSES = (
    *(timedelta(0),) * 4,  # a few runs one after the other are somebody who wants it now
    timedelta(hours=6),
    timedelta(days=1),
    timedelta(days=3),
    timedelta(days=7),
)
_LONGEST = timedelta(days=30)
_TIRED = 10
"""After so many tries that failed, once in a while is often enough."""

_WANTED = (
    "SELECT a.resource_id, a.position, r.type, r.fhir_id, a.media_type, a.url, a.tries, a.tried,"
    " CASE a.state WHEN 'stored' THEN a.document_id END, a.state"
    " FROM attachment a JOIN resource r ON r.id = a.resource_id JOIN source s ON s.id = r.source_id"
    " WHERE s.key = :source AND a.url IS NOT NULL AND r.state = 'current'"
)
# What is dated in the future was written by a clock that was ahead: whether the parent changed since is not known,
# unless both were written by it.
_DUE = (
    " AND (a.state IN ('wanted', 'failed')"
    " OR (a.state = 'refused' AND a.tried IS NOT NULL AND (r.changed > a.tried OR r.changed <= :now AND a.tried > :now))"
    " OR (a.state = 'stored' AND (coalesce(a.fetched, r.first_seen) < min(r.changed, :day_ago)"
    " OR coalesce(a.fetched, r.first_seen) > :now AND (r.changed <= :now OR r.changed > a.fetched))))"
)
_FAILED = " AND a.state IN ('failed', 'refused')"


@dataclass(frozen=True, slots=True)
class Wanted:
    """An attachment whose bytes are still at the source, or may have changed there."""

    resource_id: int
    position: int
    type: str
    fhir_id: str
    media_type: str | None
    url: str = field(repr=False)
    tries: int = 0
    """How many in a row have failed."""
    tried: str | None = None
    document_id: int | None = None
    """What is stored of it already."""
    state: str = "wanted"


class Documents:
    """The documents of one record."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def wanted(self, source_key: str, *, only_failed: bool = False) -> list[Wanted]:
        """Attachments of a source to fetch: never tried, or failed in a way that may pass and not just now, or stored
        before their parent changed. `only_failed`: those that failed, however and whenever."""
        now = datetime.fromisoformat(self._store.now())
        due = {"now": _text(now), "day_ago": _text(now - ANEW_AFTER)}
        rows = self._store.db.execute(
            f"{_WANTED}{_FAILED if only_failed else _DUE} ORDER BY a.resource_id, a.position",
            {"source": source_key} | ({} if only_failed else due),
        )
        found = [Wanted(*row) for row in rows]
        return [one for one in found if only_failed or _is_time(one, now)]

    def keep(
        self, one: Wanted, content: bytes, media_type: str | None, text: DocumentText | None = None
    ) -> bool:
        """Store fetched bytes, with what can be read in them; answers whether they are new to this file."""
        from phr.records import media_types

        db, now = self._store.db, self._store.now()
        sniffed = text.media_type if text else media_types.sniff(content)
        called = media_types.settle(one.media_type or media_type, sniffed)
        with transaction(db):
            before = db.execute("SELECT count(*) FROM document").fetchone()[0]
            document = keep_document(db, content)
            after = db.execute("SELECT count(*) FROM document").fetchone()[0]
            db.execute(
                "UPDATE attachment SET state = 'stored', reason = NULL, http_status = NULL, document_id = ?, media_type = ?,"
                " format = coalesce(?, format, ?), tries = 0, tried = ?, fetched = ? WHERE resource_id = ? AND position = ?",
                (document, called, self._format(one), called, now, now, one.resource_id, one.position),
            )
            if text is not None:
                self._write_text(document, text)
                index_again(db, [one.resource_id])
        return bool(after > before)

    def same(self, one: Wanted) -> None:
        """Note that it was read again and says what is stored already."""
        now = self._store.now()
        self._store.db.execute(
            "UPDATE attachment SET tried = ?, fetched = ?, tries = 0 WHERE resource_id = ? AND position = ?",
            (now, now, one.resource_id, one.position),
        )

    def not_kept(self, one: Wanted, reason: str, *, again: bool, http_status: int | None = None) -> None:
        """Note why the bytes did not come, and whether a later run should try again. What is stored stays stored."""
        now = self._store.now()
        state = "stored" if one.document_id is not None else "failed" if again else "refused"
        self._store.db.execute(
            "UPDATE attachment SET state = ?, reason = ?, http_status = ?, tries = tries + 1, tried = ?,"
            " fetched = CASE WHEN document_id IS NULL OR ? THEN fetched ELSE ? END WHERE resource_id = ? AND position = ?",
            (state, reason, http_status, now, again, now, one.resource_id, one.position),
        )

    def take_own(self, source_key: str) -> int:
        """Attachments whose Binary is itself a stored resource of the same source (a file, `$everything`, an export):
        its bytes are taken from there. Answers how many."""
        from phr.fhir import read

        taken = 0
        for one in self.wanted(source_key):
            head, found, id_ = one.url.rpartition("Binary/")
            if not found or one.document_id is not None or (head and not head.endswith("/")):
                continue
            row = self._store.db.execute(
                "SELECT b.raw FROM resource p JOIN resource b ON b.source_id = p.source_id AND b.type = 'Binary'"
                " AND b.fhir_id = ? WHERE p.id = ?",
                (id_.partition("/")[0].partition("?")[0], one.resource_id),
            ).fetchone()
            body = read.parse_json(row[0]) if row else None
            data = body.get("data") if isinstance(body, dict) else None
            content = read.base64_bytes(data) if isinstance(data, str) else None
            if content and isinstance(body, dict):
                self.keep(one, content, read.text(body.get("contentType")))
                taken += 1
        return taken

    def without_text(self, source_key: str, made_by: str) -> list[tuple[int, str | None, bool]]:
        """Stored documents of a source that this reader has not read: `(document, media type, never read before)`."""
        rows = self._store.db.execute(
            "SELECT a.document_id, max(a.media_type), t.document_id IS NULL FROM attachment a"
            " JOIN resource r ON r.id = a.resource_id JOIN source s ON s.id = r.source_id"
            " LEFT JOIN document_text t ON t.document_id = a.document_id"
            " WHERE s.key = ? AND a.document_id IS NOT NULL AND t.made_by IS NOT ? GROUP BY a.document_id",
            (source_key, made_by),
        )
        return [(row[0], row[1], bool(row[2])) for row in rows]

    def keep_texts(self, texts: Iterable[tuple[int, DocumentText]]) -> None:
        """Write down what can be read in stored documents, and let the search find it; one transaction."""
        from phr.records import media_types

        db = self._store.db
        with transaction(db):
            parents: set[int] = set()
            for document, text in texts:
                self._write_text(document, text)
                rows = db.execute(
                    "SELECT a.resource_id, a.position, r.type, r.fhir_id, a.media_type, '', a.format FROM attachment a"
                    " JOIN resource r ON r.id = a.resource_id WHERE a.document_id = ?",
                    (document,),
                ).fetchall()
                parents |= {row[0] for row in rows}
                for row in rows:
                    called = self._format(Wanted(*row[:6])) or media_types.settle(row[4], text.media_type)
                    db.execute(
                        "UPDATE attachment SET format = ? WHERE resource_id = ? AND position = ? AND format IS NULL",
                        (called, row[0], row[1]),
                    )
            index_again(db, sorted(parents))

    def bytes_of(self, document: int) -> bytes:
        """The content of a stored document."""
        row = self._store.db.execute("SELECT content FROM document WHERE id = ?", (document,)).fetchone()
        return bytes(row[0]) if row else b""

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

    def _write_text(self, document: int, text: DocumentText) -> None:
        self._store.db.execute(
            "INSERT OR REPLACE INTO document_text (document_id, media_type, text, made_by) VALUES (?, ?, ?, ?)",
            (document, text.media_type, text.words, text.made_by),
        )

    def _format(self, one: Wanted) -> str | None:
        """`content.format` of a DocumentReference: which of several shapes of a document this is."""
        if one.type != "DocumentReference":
            return None
        from phr.fhir import read

        row = self._store.db.execute("SELECT raw FROM resource WHERE id = ?", (one.resource_id,)).fetchone()
        body = read.parse_json(row[0]) if row else None
        content = read.dicts(body.get("content")) if isinstance(body, dict) else []
        held = [entry for entry in content if isinstance(entry.get("attachment"), dict)]
        format_ = held[one.position].get("format") if one.position < len(held) else None
        coding = read.first(format_)
        return (
            read.text(coding.get("code")) or read.text(coding.get("display"))
            if isinstance(coding, dict)
            else None
        )


def _text(moment: datetime) -> str:
    from phr.fhir import dates

    return dates.instant(moment)


def _is_time(one: Wanted, now: datetime) -> bool:
    """Whether enough time has passed since the last try."""
    if one.tried is None or not one.tries:
        return True
    tried = datetime.fromisoformat(one.tried)
    pause = _LONGEST if one.tries >= _TIRED else _PAUSES[min(one.tries, len(_PAUSES)) - 1]
    return tried > now or now >= tried + pause  # the clock was ahead: not known when


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


def texts_of(db: Any, resource_ids: Sequence[int]) -> dict[int, str]:
    """What can be read in the documents of these resources, by resource, for the full-text index."""
    found: dict[int, str] = {}
    for part in batches(resource_ids):
        rows = db.execute(
            "SELECT a.resource_id, t.text FROM attachment a JOIN document_text t ON t.document_id = a.document_id"
            f" WHERE a.resource_id IN ({marks(part)}) AND t.text <> '' ORDER BY a.resource_id, a.position",
            part,
        )
        for resource, text in rows:
            # Several formats of one document say the same.
            if text not in found.get(resource, ""):
                found[resource] = f"{found[resource]}\n{text}" if resource in found else text
    return found


def index_again(db: Any, resource_ids: Sequence[int]) -> None:
    """Write the records of these resources again, so that the search finds what their documents say."""
    from phr.store.rows import RecordWriter

    for part in batches(resource_ids):
        rows = db.execute(
            f"SELECT source_id, id FROM resource WHERE state = 'current' AND id IN ({marks(part)})", part
        ).fetchall()
        for source in sorted({row[0] for row in rows}):
            RecordWriter(db, source).refresh([row[1] for row in rows if row[0] == source])
