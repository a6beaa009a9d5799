"""What stands beside one record: its attachments with their words, its versions, its last values, the person's own words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from phr.fhir import read
from phr.views.fields.saying import Find, Saying

if TYPE_CHECKING:
    from phr.store.store import Store
    from phr.views.events import Event
    from phr.views.record import Origin

VERSIONS = 100
TEXT = 4_000
"""Characters of a document that stand beside its record; `--text` shows all of it."""
_ANY_WORDS = (
    "SELECT EXISTS (SELECT 1 FROM record_source rs WHERE rs.record_id = ?"
    " AND (EXISTS (SELECT 1 FROM note n WHERE n.resource_id = rs.resource_id)"
    " OR EXISTS (SELECT 1 FROM correction c WHERE c.resource_id = rs.resource_id)"
    " OR EXISTS (SELECT 1 FROM bookmark b WHERE b.resource_id = rs.resource_id)))"
)
# Expression and conditions of the index `record_measured`.
_MEASURED = (
    "SELECT 1 FROM record WHERE coalesce(json_extract(codes,'$[0][1]'), lower(title)) = ? AND value IS NOT NULL"
    " AND supporting = 0 LIMIT 1"
)
_PLAIN = 500_000
"""Bytes of a text that is read itself; of a longer one the words that the search knows."""
_ORDERING = (
    "requester",
    "orderer",
    "prescriber",
    "referrer",
    "authorizingPrescription",
    "basedOn",
    "request",
)
# What an imported file only names is nowhere to be fetched from (as in `views.documents`, which costs more to load).
STATE = "CASE WHEN s.kind = 'import' AND a.state = 'wanted' THEN 'absent' ELSE a.state END"
_ATTACHMENTS = (
    f"SELECT a.resource_id, a.position, a.title, a.media_type, {STATE}, a.reason, d.bytes, d.sha256,"
    " substr(t.text, 1, ?), length(t.text), CASE WHEN d.bytes < ? AND a.media_type LIKE 'text/%' THEN d.content END"
    " FROM attachment a JOIN resource r ON r.id = a.resource_id JOIN source s ON s.id = r.source_id"
    " LEFT JOIN document d ON d.id = a.document_id LEFT JOIN document_text t ON t.document_id = a.document_id"
)


def attachments(db: Any, resource_ids: Sequence[int], limit: int = TEXT) -> list[dict[str, Any]]:
    """Documents that the resources attach, with the beginning of what can be read in them."""
    marks = ",".join("?" * len(resource_ids))
    rows = db.execute(
        f"{_ATTACHMENTS} WHERE a.resource_id IN ({marks}) ORDER BY a.resource_id, a.position",
        [limit, _PLAIN, *resource_ids],
    )
    return [_attachment(row, limit) for row in rows]


def _attachment(row: tuple[Any, ...], limit: int) -> dict[str, Any]:
    words, length = row[8], row[9] or 0
    # Where the bytes are text, its lines are better to read than the one line that the search was given.
    if row[10] is not None and (lines := _lines(bytes(row[10]), row[3])):
        words, length = lines[:limit], len(lines)
    return {
        "id": f"{row[0]}.{row[1]}",
        "filename": row[2],
        "media_type": row[3],
        "bytes": row[6],
        "sha256": row[7].hex() if row[7] is not None else None,
        "state": row[4],
        "reason": row[5],
        "text": words or None,
        "text_length": length,
    }


def _lines(content: bytes, media_type: str) -> str | None:
    """The lines of a plain text or a page; None for any other."""
    kind = media_type.partition(";")[0].strip().lower()
    if kind not in ("text/plain", "text/html", "text/markdown"):
        return None
    words = content.decode("utf-8-sig", "replace").strip()
    if words.startswith("{\\rtf") or "\0" in words:
        return None
    if words[:1] == "<":  # pages come as text/plain too
        from phr.views.fields.narrative import lines_of

        return lines_of(words)
    return words


def ordered_by(resource: dict[str, Any], find: Find) -> str | None:
    """Who ordered it: named in the resource itself, else in the order that it is based on."""
    say = Saying(resource, find)
    for name in _ORDERING:
        for pointer in read.listed(resource.get(name)):
            if name in ("basedOn", "request", "authorizingPrescription"):
                order = say.body(pointer)
                pointer = read.first(order.get("requester") or order.get("orderer")) if order else None
            elif isinstance(pointer, dict) and "agent" in pointer:  # as DSTU2 and STU3 had it
                pointer = pointer["agent"]
            words = say.named(pointer) if pointer else None
            if words and not words.endswith("(no name given)"):
                return words
    return None


def versions_of(
    db: Any, everywhere: Sequence[Origin], find: Find, compared: int
) -> tuple[int, list[dict[str, Any]]]:
    """How often it was replaced, and the newest of what it was before; of the first `compared` what changed then."""
    ids = [one.resource_id for one in everywhere]
    marks = ",".join("?" * len(ids))
    total = db.execute(f"SELECT count(*) FROM resource_version WHERE resource_id IN ({marks})", ids)
    count = int(total.fetchone()[0])
    if not count:
        return 0, []
    rows = db.execute(
        "SELECT v.id, v.seen, v.replaced, length(v.raw), v.resource_id FROM resource_version v"
        f" WHERE v.resource_id IN ({marks}) ORDER BY v.id DESC LIMIT ?",
        (*ids, VERSIONS),
    ).fetchall()
    source_of = {one.resource_id: one.source for one in everywhere}
    found = []
    for number, (id_, seen, replaced, size, resource) in enumerate(rows):
        one = {"replaced": replaced, "seen": seen, "bytes": size, "source": source_of[resource]}
        one["changes"] = _changed(db, id_, resource, find) if number < compared else None
        found.append(one)
    return count, found


def _changed(db: Any, version: int, resource: int, find: Find) -> list[dict[str, Any]]:
    """What changed when this version was replaced: by the next one, or by what is here now."""
    from phr.views.changes import changes

    before = db.execute("SELECT raw FROM resource_version WHERE id = ?", (version,)).fetchone()
    after = (
        db.execute(
            "SELECT raw FROM resource_version WHERE resource_id = ? AND id > ? ORDER BY id LIMIT 1",
            (resource, version),
        ).fetchone()
        or db.execute("SELECT raw FROM resource WHERE id = ?", (resource,)).fetchone()
    )
    return changes(bytes(before[0]), bytes(after[0]), find)


def last_points(store: Store, event: Event) -> list[dict[str, Any]]:
    """The last five values of the same measurement, oldest first.

    Where all of them have one code and one unit there is nothing to convert; only else the room of trends is loaded,
    which takes as long as the rest of the page.
    """
    from phr.views.related import trend

    found = trend(store.db, event)
    if len({point["unit"] for point in found}) < 2 and not _told_by_other_codes(store.db, event):
        return found
    from phr.views.trends import last

    return last(store, event, points=5)


def _told_by_other_codes(db: Any, event: Event) -> bool:
    """Whether the same measurement stands in the record under another code too."""
    if event["value"] is None:
        return False
    from phr.records.measures import BY_CODE

    codes = [one["code"] for one in event["codes"] if one["code"]]
    measure = next((BY_CODE[code] for code in codes if code in BY_CODE), None)
    others = [code for code in measure.codes if code != codes[0]] if measure else []
    return any(db.execute(_MEASURED, (code,)).fetchone() for code in others)


def words_of(db: Any, record_id: int) -> dict[str, Any]:
    """The person's own words: notes, corrections, bookmark."""
    if not db.execute(_ANY_WORDS, (record_id,)).fetchone()[0]:
        return {"notes": [], "corrections": [], "bookmarked": False}
    from phr.views.own import words_of as found

    words: dict[str, Any] = found(db, record_id)
    return words


def whole_texts(db: Any, found: list[dict[str, Any]]) -> None:
    """Put all the words of each document beside it."""
    for resource in dict.fromkeys(int(one["id"].partition(".")[0]) for one in found):
        whole = {one["id"]: one for one in attachments(db, [resource], _PLAIN)}
        for one in found:
            if one["id"] in whole:
                one["text"] = whole[one["id"]]["text"]
