"""Records that an entry is about: found by number or address, and pointed at where their own source has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from phr.errors import UsageError
from phr.store import addresses
from phr.workspace.own.fields import ABOUT_TARGETS
from phr.workspace.own.told import Link

_COLUMNS = "x.id, x.source_id, x.type, x.fhir_id, x.state, s.kind, coalesce(r.title, x.type), rs.record_id"
_FROM = (
    " FROM resource x JOIN source s ON s.id = x.source_id LEFT JOIN record_source rs ON rs.resource_id = x.id"
    " LEFT JOIN record r ON r.id = rs.record_id"
)
_BY_NUMBER = (
    f"SELECT {_COLUMNS}{_FROM} WHERE x.id IN (SELECT resource_id FROM record_source WHERE record_id ="  # noqa: S608
    " (SELECT record_id FROM record_source WHERE resource_id = ?1)) ORDER BY x.id <> ?1, x.id"
)
_BY_ADDRESS = (
    f"SELECT {_COLUMNS} FROM source s CROSS JOIN resource x ON x.source_id = s.id"  # noqa: S608
    " LEFT JOIN record_source rs ON rs.resource_id = x.id LEFT JOIN record r ON r.id = rs.record_id"
    " WHERE x.type = ? AND x.fhir_id = ? ORDER BY x.id"
)


def resources(db: Any, ref: str) -> list[tuple[Any, ...]]:
    """All resources of a record: `(id, source, type, fhir id, state, kind of source, title, record)`, its own first.

    `ref` is a record's number, or `Type/id`. Raises UsageError when there is none.
    """
    number = ref.strip().lstrip("#")
    if number.isascii() and number.isdigit() and len(number) < 18:
        rows = db.execute(_BY_NUMBER, (int(number),)).fetchall()
    else:
        type_, _, id_ = ref.strip().partition("/")
        rows = db.execute(_BY_ADDRESS, (type_, id_)).fetchall()
    if not rows:
        raise UsageError(
            "There is no such record.", hint="Its number stands at the end of its line: phr timeline"
        )
    return list(rows)


def about(db: Any, kind: str, refs: Sequence[str]) -> tuple[Link, ...]:
    """What an entry of this kind is about. Raises UsageError for what FHIR has no place for."""
    allowed = ABOUT_TARGETS.get(kind)
    found = []
    for ref in refs:
        one = _link(db, ref)
        if allowed is None or (allowed and one.type not in allowed):
            raise UsageError(
                "This entry cannot point at that record.",
                hint=f"Write it beside the record: phr note {ref} TEXT. Or put the same tag on both: phr tag",
            )
        found.append(one)
    return tuple(found)


def visit(db: Any, ref: str) -> Link:
    """The visit. Raises UsageError for a record that is none."""
    one = _link(db, ref)
    if one.type != "Encounter":
        raise UsageError(
            "That record is no visit.", hint="The numbers of visits: phr timeline --kind encounter"
        )
    return one


def _link(db: Any, ref: str) -> Link:
    _, source, type_, id_, _, kind, title, _ = resources(db, ref)[0]
    local = f"{type_}/{id_}"
    # within the own source as its neighbours do, else by the address that every export uses
    return Link(local if kind == "person" else f"{addresses.bases(db)[source][0]}/{local}", type_, title)
