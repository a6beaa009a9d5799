"""Documents that were fetched from an address, as the Binary resources that their records point at.

A server hands out such bytes as they are (FHIR R4 2.44 Binary), so there is no resource of theirs to pass on;
whoever gets the record in one piece needs them inside it. Documents that stand in a resource already are left alone.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from phr.model import Resource
from phr.views.events import marks

_BATCH = 200


def binaries(
    db: Any, ids: Sequence[int], bases: Mapping[int, str], *, limit: int | None = None
) -> Iterator[tuple[str, Resource]]:
    """`(fullUrl, Binary)` for every fetched document of these resource rows, each once, one in memory at a time.

    `bases` is the FHIR base by source row; documents of more than `limit` bytes are left out.
    """
    given: set[str] = set()
    for at in range(0, len(ids), _BATCH):
        part = ids[at : at + _BATCH]
        rows = db.execute(
            "SELECT x.source_id, a.url, a.media_type, a.document_id, d.bytes FROM attachment a"
            " JOIN document d ON d.id = a.document_id JOIN resource x ON x.id = a.resource_id"
            f" WHERE a.url IS NOT NULL AND a.resource_id IN ({marks(part)}) ORDER BY a.resource_id, a.position",
            part,
        ).fetchall()
        for source, url, media_type, document, size in rows:
            full_url = url if "://" in url else f"{bases[source]}/{url.lstrip('/')}"
            if full_url in given or (limit is not None and size > limit):
                continue
            given.add(full_url)
            yield full_url, _binary(db, full_url, media_type, document)


def _binary(db: Any, full_url: str, media_type: str | None, document: int) -> Resource:
    content = db.execute("SELECT content FROM document WHERE id = ?", (document,)).fetchone()[0]
    return {
        "resourceType": "Binary",
        "id": full_url.partition("?")[0].rstrip("/").rpartition("/")[2],
        "contentType": media_type or "application/octet-stream",
        "data": b64encode(content).decode("ascii"),
    }
