"""The words of a document that was fetched anew, then and now.

An attachment knows only the bytes that it has now. What it had before is still kept, by nothing pointed at: it is known
by the hash or the size that the former version of the resource gave, else by its words, where one is clearly the same.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha1
from typing import TYPE_CHECKING, Any, NamedTuple

from phr.fhir import read
from phr.views.diff_changes import addresses, changed_text

if TYPE_CHECKING:
    from phr.views.diff_window import Window

_LEFT = 100
_ALIKE = 0.6
_READ = 2_000
"""So many words of each are held against each other to find the one that is the same."""


class _Former(NamedTuple):
    """Bytes that were attached to something once."""

    size: int
    hash: str
    text: str


def reread(db: Any, resource: int, before: bytes, window: Window) -> Iterator[dict[str, Any]]:
    """What changed in the documents of a resource that were fetched again within the window."""
    rows = db.execute(
        "SELECT a.position, a.document_id, a.fetched, t.text FROM attachment a"
        " JOIN document_text t ON t.document_id = a.document_id WHERE a.resource_id = ? AND a.url IS NOT NULL",
        (resource,),
    ).fetchall()
    rows = [row for row in rows if window.holds(row[2])]
    if not rows:
        return
    named = addresses(before)
    for position, document, _, text in rows:
        former = _former(_left(db, document), named.get(position, {}), text)
        if former is not None and former.text.split() != text.split():
            yield changed_text(former.text, text)


def _left(db: Any, document: int) -> list[_Former]:
    """Documents that came before this one and are attached to nothing any more."""
    rows = db.execute(
        "SELECT d.bytes, d.content, t.text FROM document d JOIN document_text t ON t.document_id = d.id"
        " WHERE d.id < ? AND t.text <> '' AND NOT EXISTS (SELECT 1 FROM attachment a WHERE a.document_id = d.id)"
        " ORDER BY d.id DESC LIMIT ?",
        (document, _LEFT),
    )
    return [
        _Former(row[0], b64encode(sha1(bytes(row[1]), usedforsecurity=False).digest()).decode(), row[2])
        for row in rows
    ]


def _former(left: list[_Former], named: dict[str, Any], text: str) -> _Former | None:
    """The one that this attachment had before; None where that is not certain."""
    for by in ("hash", "size"):
        said = read.text(named.get(by))
        found = [one for one in left if said and str(getattr(one, by)) == said]
        if len(found) == 1:
            return found[0]
    alike = sorted(((_likeness(one.text, text), at) for at, one in enumerate(left)), reverse=True)
    if not alike or alike[0][0] < _ALIKE or (len(alike) > 1 and alike[1][0] > alike[0][0] - 0.1):
        return None
    return left[alike[0][1]]


def _likeness(one: str, other: str) -> float:
    from difflib import SequenceMatcher

    return SequenceMatcher(None, one.split()[:_READ], other.split()[:_READ], autojunk=False).ratio()
