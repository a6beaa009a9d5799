"""The stored FHIR resources as a list: what is kept, from where, since when.

By type, source and id, in the order of the index that every resource has (`source_id, type, fhir_id`): a page is found by
its key and costs the same wherever it is, however much is kept.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from phr.errors import UsageError
from phr.views.events import marks
from phr.views.selection import near

if TYPE_CHECKING:
    from phr.store.store import Store

_COLUMNS = (
    "x.id, x.type, x.fhir_id, s.name, x.state, x.first_seen, x.changed, length(x.raw),"
    " (SELECT count(*) FROM resource_version v WHERE v.resource_id = x.id)"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which of them."""

    types: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    changed_since: str | None = None
    """A day or an instant (ISO 8601, UTC)."""
    gone: bool = False
    """Only those that their source took back."""


def resources(
    store: Store, asked: Asked, *, limit: int | None = None, after: str | None = None
) -> dict[str, Any]:
    """One page. Raises UsageError for a type or a source that is not there, and for a cursor that is none."""
    if limit is not None and limit < 0:
        raise UsageError("--limit has to be a number from 0 on.")
    condition, values = _where(store, asked)
    total = int(store.db.execute(f"SELECT count(*) FROM resource x WHERE {condition}", values).fetchone()[0])
    place = _opened(after) if after else None
    found: list[dict[str, Any]] = []
    for type_, source in _groups(store, asked):
        left = -1 if limit is None else limit + 1 - len(found)
        if left == 0:
            break
        if place is None or (type_, source) >= place[:2]:
            from_ = place[2] if place is not None and (type_, source) == place[:2] else None
            found += _page(store, (type_, source), (condition, values), from_, left)
    cut = limit is not None and len(found) > limit
    page = found[:limit] if cut else found
    return {
        "total": total,
        "resources": [{name: value for name, value in one.items() if name != "at"} for one in page],
        "next": _sealed(page[-1]["at"]) if cut and page else None,
    }


def counts(store: Store, asked: Asked) -> dict[str, Any]:
    """How many of each type each source has told, and how large they are."""
    condition, values = _where(store, asked)
    rows = store.db.execute(
        "SELECT x.type, s.name, count(*), sum(x.state <> 'current'), sum(length(x.raw)), max(x.changed)"
        f" FROM resource x JOIN source s ON s.id = x.source_id WHERE {condition}"
        " GROUP BY x.type, s.name ORDER BY x.type, s.name",
        values,
    ).fetchall()
    names = ("type", "source", "count", "gone", "bytes", "changed")
    found = [dict(zip(names, row, strict=True)) for row in rows]
    return {"total": sum(one["count"] for one in found), "counts": found}


def _groups(store: Store, asked: Asked) -> list[tuple[str, int]]:
    """`(type, row of the source)` of what may be there, found by jumping through the index."""
    given = [_known_type(store, one) for one in asked.types]
    sources = [_known_source(store, one) for one in asked.sources]
    sources = sources or [row[0] for row in store.db.execute("SELECT id FROM source")]
    return sorted(
        (type_, source)
        for source in sources
        for type_ in _types_of(store, source)
        if not given or type_ in given
    )


def _types_of(store: Store, source: int) -> list[str]:
    found: list[str] = []
    query = "SELECT type FROM resource WHERE source_id = ? AND type > ? ORDER BY type LIMIT 1"
    while row := store.db.execute(query, (source, found[-1] if found else "")).fetchone():
        found.append(row[0])
    return found


def _page(
    store: Store, group: tuple[str, int], where: tuple[str, Sequence[object]], after: str | None, limit: int
) -> list[dict[str, Any]]:
    type_, source = group
    condition, values = where
    rows = store.db.execute(
        f"SELECT {_COLUMNS} FROM resource x JOIN source s ON s.id = x.source_id"
        f" WHERE x.source_id = ? AND x.type = ? AND x.fhir_id > ? AND {condition} ORDER BY x.fhir_id LIMIT ?",
        [source, type_, after or "", *values, limit],
    ).fetchall()
    records = _records(store, [row[0] for row in rows])
    return [
        {
            "type": row[1],
            "id": row[2],
            "resource": f"{row[1]}/{row[2]}",
            "source": row[3],
            "state": row[4],
            "first_seen": row[5],
            "changed": row[6],
            "bytes": row[7],
            "versions": row[8] + 1,
            "record": records.get(row[0]),
            "at": (type_, source, row[2]),
        }
        for row in rows
    ]


def _records(store: Store, ids: Sequence[int]) -> dict[int, str]:
    """The number of the record that each of them is shown in; the same for two that say one fact."""
    found: dict[int, str] = {}
    for at in range(0, len(ids), 400):
        part = ids[at : at + 400]
        rows = store.db.execute(
            f"SELECT resource_id, record_id FROM record_source WHERE resource_id IN ({marks(part)})", part
        )
        found.update((resource, str(record)) for resource, record in rows)
    return found


def _where(store: Store, asked: Asked) -> tuple[str, list[object]]:
    parts, values = ["1"], list[object]()
    if asked.types:
        types = [_known_type(store, one) for one in asked.types]
        parts.append(f"x.type IN ({marks(types)})")
        values += types
    if asked.sources:
        ids = [_known_source(store, one) for one in asked.sources]
        parts.append(f"x.source_id IN ({marks(ids)})")
        values += ids
    if asked.changed_since:
        parts.append("x.changed >= ?")
        values.append(asked.changed_since)
    if asked.gone:
        parts.append("x.state <> 'current'")
    return " AND ".join(parts), values


def types(store: Store) -> list[str]:
    """The types that are kept."""
    sources = [row[0] for row in store.db.execute("SELECT id FROM source")]
    return sorted({type_ for source in sources for type_ in _types_of(store, source)})


def _known_type(store: Store, typed: str) -> str:
    """A type that is kept, however its letters are written. Raises UsageError with the nearest."""
    there = types(store)
    wanted = "".join(char for char in typed.casefold() if char.isalnum())
    for one in there:
        if one.casefold() == wanted or f"{one.casefold()}s" == wanted:
            return one
    likely = near(typed, tuple(there)) if there else []
    meant = f"Did you mean {' or '.join(likely)}? " if likely else ""
    kept = (
        f"There is: {', '.join(there)}" if there else "Nothing is kept yet: phr connect, or phr import FILE"
    )
    raise UsageError(f"No resource of the type {typed} is kept.", hint=f"{meant}{kept}")


def _known_source(store: Store, typed: str) -> int:
    there = dict(store.db.execute("SELECT name, id FROM source ORDER BY name").fetchall())
    if typed in there:
        return int(there[typed])
    likely = near(typed, tuple(there)) if there else []
    meant = f"Did you mean {' or '.join(likely)}? " if likely else ""
    raise UsageError(
        f"There is no source named {typed}.",
        hint=f"{meant}There is: {', '.join(there)}" if there else "There is none yet.",
    )


def _sealed(place: tuple[str, int, str]) -> str:
    return base64.urlsafe_b64encode("\n".join(map(str, place)).encode()).decode().rstrip("=")


def _opened(cursor: str) -> tuple[str, int, str]:
    try:
        words = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode()
        type_, source, id_ = words.split("\n", 2)
        number = int(source)
        if not type_ or abs(number) >= 2**63:
            raise ValueError("not a place in a list")
    except (ValueError, binascii.Error):
        raise UsageError(
            "--after is not a place in this list.",
            hint="Copy the line “More: …” below the page before, or leave --after out.",
        ) from None
    return type_, number, id_
