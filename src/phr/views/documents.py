"""The documents of a record as a list: what each is, of when, where from, and whether its bytes are here.

One line for each attachment of each resource, so a letter in two formats is two lines of one record.
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from phr.errors import UsageError
from phr.records import document_types, media_types

if TYPE_CHECKING:
    from phr.store.store import Store

STATES = ("stored", "wanted", "failed", "refused", "absent")
NOT_IN_THE_FILE = "the file names it but does not hold it"
STATE = "CASE WHEN s.kind = 'import' AND a.state = 'wanted' THEN 'absent' ELSE a.state END"
"""Of an attachment of a source `s`: what an imported file only names is nowhere to be fetched from."""
_COLUMNS = (
    f"a.resource_id, a.position, a.title, a.media_type, {STATE}, a.reason, a.http_status, a.format, a.tries, a.tried,"
    " d.bytes, d.sha256, t.media_type, rs.record_id, rec.title, rec.date, rec.codes, rec.category, rec.description,"
    " s.name, r.type || '/' || r.fhir_id, a.document_id, rec.date_from"
)
_FROM = (
    " FROM attachment a JOIN resource r ON r.id = a.resource_id JOIN source s ON s.id = r.source_id"
    " LEFT JOIN record_source rs ON rs.resource_id = r.id LEFT JOIN record rec ON rec.id = rs.record_id"
    " LEFT JOIN document d ON d.id = a.document_id LEFT JOIN document_text t ON t.document_id = a.document_id"
)
_ORDER = " ORDER BY coalesce(rec.date_from, -9e15) DESC, a.resource_id DESC, a.position"
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of the list, and how many fit the choice in all."""

    total: int
    documents: list[Document] = field(repr=False)
    next: str | None = None
    """The cursor of the next page; None when this was the last."""

    def document(self) -> dict[str, Any]:
        """As `phr documents list --json` prints it."""
        return {"documents": self.documents, "total": self.total, "next": self.next}


def documents(
    store: Store,
    *,
    sources: tuple[str, ...] = (),
    types: tuple[str, ...] = (),
    states: tuple[str, ...] = (),
    limit: int | None = None,
    after: str | None = None,
) -> Listing:
    """The documents that fit, newest first. Raises UsageError for a source, type, state or cursor that is none."""
    for name in sources:
        _check_source(store, name)
    wanted = frozenset(_type(one) for one in types)
    _check_states(states)
    seek = _opened(after) if after else None
    total, page, place, more = 0, list[Document](), "", False
    for row, found in _rows(store):
        if (sources and found["source"] not in sources) or (states and found["state"] not in states):
            continue
        if wanted and found["type"] not in wanted:
            continue
        total += 1
        if seek is not None and not _is_behind(row, seek):
            continue
        if limit is not None and len(page) >= limit:
            more = True
            continue
        page.append(found)
        place = _sealed(row)
    return Listing(total, page, place if more else None)


def one(store: Store, ref: str) -> Document:
    """The document that a person means: `12.0`, a record's number, or `Type/id` where that has only one.

    Raises UsageError when there is none, or several.
    """
    ref = ref.strip()
    if re.fullmatch(r"\d{1,18}\.\d{1,9}", ref):
        head, _, tail = ref.partition(".")
        condition, values = " WHERE a.resource_id = ? AND a.position = ?", [int(head), int(tail)]
    elif re.fullmatch(r"\d{1,18}", ref):
        # the number of a record, or of one of the resources that tell it
        condition = (
            " WHERE rs.record_id IN (SELECT record_id FROM record_source WHERE ? IN (record_id, resource_id))"
        )
        values = [int(ref)]
    else:
        type_, _, id_ = ref.partition("/")
        condition, values = " WHERE r.type = ? AND r.fhir_id = ?", [type_, id_]  # type: ignore[list-item]
    found = [
        _document(row) for row in store.db.execute(f"SELECT {_COLUMNS}{_FROM}{condition}{_ORDER}", values)
    ]
    if not found:
        raise UsageError(f"There is no document {ref}.", hint="See which there are: phr documents list")
    # two sources may hold the very same bytes
    here = list({one["sha256"]: one for one in reversed(found) if one["state"] == "stored"}.values())
    kept = found if len(found) == 1 else here
    if len(kept) != 1:
        named = ", ".join(one["id"] for one in found[:8])
        raise UsageError(f"{ref} has {len(found)} documents.", hint=f"Choose one of them: {named}")
    return kept[0]


def content(store: Store, found: Document) -> bytes:
    """The bytes of a document. Raises UsageError when they are not here."""
    if found["state"] != "stored" or found["sha256"] is None:
        why = found["reason"] or "its bytes have not been fetched yet"
        again = "phr documents fetch --failed" if found["state"] in ("failed", "refused") else "phr sync"
        hint = None if found["state"] == "absent" else f"Ask the server again: {again}"
        raise UsageError(f"Document {found['id']} is not here: {why}.", hint=hint)
    row = store.db.execute(
        "SELECT content FROM document WHERE sha256 = ?", (bytes.fromhex(found["sha256"]),)
    ).fetchone()
    return bytes(row[0])


def file_name(found: Document) -> str:
    """A name for a file that every system takes: letters, digits, dots and dashes, with the ending of its type."""
    title = unicodedata.normalize("NFKD", f"{(found['date'] or '')[:10]} {found['title'] or 'document'}")
    ending = media_types.suffix(found["media_type"])
    stem = re.sub(r"[^A-Za-z0-9]+", "-", title.encode("ascii", "ignore").decode()).strip("-")[:80].strip("-")
    words = stem.lower().removesuffix(ending.replace(".", "-"))
    return f"{words or 'document'}{ending}"


def _rows(store: Store) -> Iterator[tuple[tuple[Any, ...], Document]]:
    for row in store.db.execute(f"SELECT {_COLUMNS}{_FROM}{_ORDER}"):
        yield row, _document(row)


def _document(row: tuple[Any, ...]) -> Document:
    (resource, position, title, declared, state, reason, status, format_, tries, tried) = row[:10]
    (size, sha256, sniffed, record, record_title, date, codes, category, description, source, address) = row[
        10:21
    ]
    if state == "absent":
        reason = reason or NOT_IN_THE_FILE
    portrait = "photo" if address.startswith(("Patient/", "Person/", "RelatedPerson/")) else None
    coded = [(code, display) for _, code, display in orjson.loads(codes or "[]")]
    type_ = document_types.recognise(
        [code for code, _ in coded],
        [category],
        (portrait, record_title, *(words for _, words in coded), title, description, category),
    )
    known = declared is not None or sniffed is not None
    return {
        "id": f"{resource}.{position}",
        "title": _title(title, record_title),
        "type": type_,
        "date": date,
        "media_type": media_types.settle(declared, sniffed) if known else None,
        "bytes": size,
        "source": source,
        "record": record,
        "state": state,
        "reason": reason,
        "http_status": status,
        "filename": title,
        "format": format_,
        "sha256": sha256.hex() if sha256 is not None else None,
        "resource": address,
        "tries": tries,
        "tried": tried,
    }


def _title(own: str | None, record: str | None) -> str | None:
    """The record says what it is; the attachment's own title only where the record has none."""
    return record or own


def _type(text: str) -> str:
    found = document_types.chosen(text)
    if found is None:
        raise UsageError(
            f"There is no type of document named {text}.",
            hint=f"Types are: {', '.join(document_types.NAMES)}",
        )
    return found


def _check_states(states: tuple[str, ...]) -> None:
    for one in states:
        if one not in STATES:
            raise UsageError(f"There is no state named {one}.", hint=f"States are: {', '.join(STATES)}")


def _check_source(store: Store, name: str) -> None:
    if store.db.execute("SELECT 1 FROM source WHERE name = ?", (name,)).fetchone() is None:
        there = ", ".join(row[0] for row in store.db.execute("SELECT name FROM source ORDER BY name"))
        raise UsageError(f"There is no source named {name}.", hint=f"There is: {there}" if there else None)


Place = tuple[float, int, int]


def _place(row: tuple[Any, ...]) -> Place:
    """Where a line stands: smaller is earlier in the list."""
    return (9e15 if row[22] is None else -float(row[22])), -int(row[0]), int(row[1])


def _is_behind(row: tuple[Any, ...], seek: Place) -> bool:
    return _place(row) > seek


def _sealed(row: tuple[Any, ...]) -> str:
    words = f"{'' if row[22] is None else row[22]}:{row[0]}:{row[1]}"
    return base64.urlsafe_b64encode(words.encode()).decode().rstrip("=")


def _opened(cursor: str) -> Place:
    try:
        words = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode("ascii")
        when, resource, position = words.split(":")
        return (-float(int(when)) if when else 9e15), -int(resource), int(position)
    except (ValueError, binascii.Error):
        raise UsageError(
            "--after does not hold a cursor of this list.",
            hint="Take the word that the page before gave as `next`, or leave --after out.",
        ) from None
