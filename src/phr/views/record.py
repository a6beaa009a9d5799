"""One record whole: what it says, where it came from, what it belongs to, and how it changed.

`phr show` and `phr show --raw`. Nothing is hidden because another source says it better: every source of the
record is listed with the resource it sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from phr.errors import UsageError
from phr.fhir import read
from phr.views.beside import attachments, last_points, ordered_by, versions_of, words_of
from phr.views.details import exact, of_resource
from phr.views.events import events
from phr.views.looking_up import finder
from phr.views.provenance import Stated, runs, stated_by
from phr.views.related import related

if TYPE_CHECKING:
    from phr.store.store import Store

_ASKED_FOR_PROVENANCE = 6
"""A record that more sources tell than this is not looked up among their Provenances."""


class Origin(NamedTuple):
    """One stored resource behind a record."""

    resource_id: int
    source_id: int
    source: str
    address: str
    state: str
    first_seen: str
    changed: str
    record_id: int
    reason: str | None
    """Why it is gone: `entered-in-error`, `deleted`, `merged`."""
    gone_since: str | None
    merged_into: str | None
    absent_since: str | None
    """The source has not returned it since; nobody knows why."""


_COLUMNS = (
    "r.id, s.id, s.name, r.type || '/' || r.fhir_id, r.state, r.first_seen, r.changed, rs.record_id,"
    " t.reason, t.since, t.detail, a.since"
)
_TAKEN_BACK = " LEFT JOIN tombstone t ON t.resource_id = r.id LEFT JOIN absence a ON a.resource_id = r.id"
_BY_RECORD = (
    f"SELECT {_COLUMNS} FROM record_source rs JOIN resource r ON r.id = rs.resource_id"
    f" JOIN source s ON s.id = r.source_id{_TAKEN_BACK} WHERE rs.record_id = ? ORDER BY r.id <> rs.record_id, +r.id"
)
# The number of a record that another one stands for leads to that one.
_SHOWN = "SELECT record_id FROM record_source WHERE resource_id = ?"
# CROSS JOIN fixes the order: the address is looked up once for each source, by index.
_BY_ADDRESS = (
    f"SELECT {_COLUMNS} FROM source s CROSS JOIN resource r ON r.source_id = s.id"
    f" CROSS JOIN record_source rs ON rs.resource_id = r.id{_TAKEN_BACK}"
    " WHERE r.type = ? AND r.fhir_id = ? ORDER BY +r.id"
)


def show(store: Store, ref: str, source: str | None = None, *, versions: int = 1) -> dict[str, Any]:
    """A record as `phr show --json` prints it. `ref` is a record's number or `Type/id`.

    `versions`: of so many former versions it is worked out what changed. Raises UsageError when there is no such
    record, or several sources have one at that address.
    """
    origins = _origins(store, ref, source)
    record_ids = list(dict.fromkeys(origin.record_id for origin in origins))
    if len(record_ids) > 1:
        raise _several(ref, origins)
    everywhere = [Origin._make(row) for row in store.db.execute(_BY_RECORD, (record_ids[0],))]
    main = next((one for one in everywhere if one.resource_id == _asked(origins).resource_id), everywhere[0])
    told = [(one.resource_id, one.source_id, one.address, _body(store, one)) for one in everywhere]
    event = next(events(store.db, record_ids))
    if main.resource_id != main.record_id:  # asked for by its own address: in its own words
        said = next(events(store.db, [main.resource_id]))
        event = said | {name: event[name] for name in ("id", "sources", "tags")}
    find = finder(store.db, main.source_id)
    resource = exact(next(raw for id_, _, _, raw in told if id_ == main.resource_id))
    resource = resource if isinstance(resource, dict) else {}
    stated = [
        stated_by(store.db, one.resource_id, one.source_id, one.address)
        if len(everywhere) <= _ASKED_FOR_PROVENANCE
        else Stated()
        for one in everywhere
    ]
    documents = [
        (one.source_id, address)
        for one, found in zip(everywhere, stated, strict=True)
        for address in found.documents
    ]
    words = words_of(store.db, main.record_id)
    count, history = versions_of(store.db, everywhere, find, versions)
    return {
        "schema": 1,
        **event,
        "ordered_by": ordered_by(resource, find),
        "conclusion": read.text(resource.get("conclusion")),
        "details": of_resource(resource, find),
        "related": related(store.db, main.record_id, told, documents),
        "trend": _marked(store, last_points(store, event)),
        "history": history,
        "history_count": count,
        "notes": words["notes"],
        "corrections": words["corrections"],
        "bookmarked": words["bookmarked"],
        "attachments": attachments(store.db, [one.resource_id for one in everywhere]),
        "shared_with": [],
        "conflicts": [],
        "provenance": [
            {
                "source": one.source,
                "resource": one.address,
                "first_seen": one.first_seen,
                "changed": one.changed,
                "state": one.state,
                "runs": runs(store.db, one.resource_id, one.source_id, one.first_seen, one.changed),
                "stated_by": found.agents,
                **_standing(one),
            }
            for one, found in zip(everywhere, stated, strict=True)
        ],
    }


_CORRECTED = (
    "SELECT rs.record_id FROM correction c CROSS JOIN record_source rs ON rs.resource_id = c.resource_id"
    " WHERE c.field IN ('value', 'unit')"
)


def _marked(store: Store, points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The points with `corrected` where the value is the person's own; corrections are few."""
    own = {str(row[0]) for row in store.db.execute(_CORRECTED)} if points else set()
    return [{**point, "corrected": ["value"]} if point.get("id") in own else point for point in points]


def _asked(origins: list[Origin]) -> Origin:
    """Which resource is meant: the one that is shown, if it is among them."""
    return next((one for one in origins if one.resource_id == one.record_id), origins[0])


def _body(store: Store, one: Origin) -> bytes:
    row = store.db.execute("SELECT raw FROM resource WHERE id = ?", (one.resource_id,)).fetchone()
    return bytes(row[0])


def _standing(one: Origin) -> dict[str, str]:
    """Since when and why a source does not stand by it any more; nothing where it does."""
    found = {
        "gone_since": one.gone_since,
        "reason": one.reason,
        "merged_into": one.merged_into,
        "not_returned_since": None if one.gone_since else one.absent_since,
    }
    return {name: words for name, words in found.items() if words}


def raw(store: Store, ref: str, source: str | None = None) -> bytes:
    """The resource exactly as its source sent it, byte for byte.

    Of a record that several resources tell, the one its number was taken from. Raises UsageError when there
    is none, or several sources have one at that address that do not tell one record.
    """
    if ref.startswith("Binary/") and (documents := store.documents.content(ref, source)):
        if len(documents) > 1:
            raise UsageError(
                f"{ref} came from several sources.", hint=f"Add --source {documents[0][0]}, for example"
            )
        return documents[0][1]  # fetched as the bytes themselves, so there is no resource around them
    origins = _origins(store, ref, source)
    if ref.isdecimal():
        origins = [one for one in origins if one.resource_id == int(ref)] or origins[:1]
    if len({one.record_id for one in origins}) > 1:
        raise _several(ref, origins)
    return _body(store, _asked(origins))


def _origins(store: Store, ref: str, source: str | None) -> list[Origin]:
    """The stored resources that `ref` can mean; at least one, or UsageError."""
    ref = ref.strip()
    if ref.isdecimal() and len(ref) < 19:
        shown = store.db.execute(_SHOWN, (int(ref),)).fetchone()
        rows = store.db.execute(_BY_RECORD, (shown[0] if shown else int(ref),))
    elif "/" in ref:
        type_, _, id_ = ref.partition("/")
        rows = store.db.execute(_BY_ADDRESS, (type_, id_))
    else:
        raise UsageError(
            f"{ref} is not the number of a record.",
            hint="Take a number from phr timeline, or a resource such as Observation/abc",
        )
    found = [Origin._make(row) for row in rows]
    kept = [one for one in found if source is None or one.source == source]
    if not kept:
        where = f" from {source}" if source else ""
        raise UsageError(
            f"There is no record {ref}{where}.",
            hint=f"It came from: {_names(found)}" if found else "See which there are: phr timeline",
        )
    return kept


def _several(ref: str, origins: list[Origin]) -> UsageError:
    return UsageError(
        f"{len(origins)} sources have a resource {ref}.", hint=f"Choose one with --source: {_names(origins)}"
    )


def _names(origins: list[Origin]) -> str:
    return ", ".join(dict.fromkeys(one.source for one in origins))
