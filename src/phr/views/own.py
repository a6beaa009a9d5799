"""The person's own words beside a record, as they are shown; and what they may say in a correction.

A correction is laid over what the source says, so both are shown: what the source says now, what it said when the
correction was made, and whether it has changed its mind since.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from phr.errors import UsageError

if TYPE_CHECKING:
    from phr.store.store import Store

_BY_ADDRESS = (
    "SELECT DISTINCT rs.record_id, s.name FROM source s CROSS JOIN resource r ON r.source_id = s.id"
    " CROSS JOIN record_source rs ON rs.resource_id = r.id WHERE r.type = ? AND r.fhir_id = ?"
)
_BY_NUMBER = (
    "SELECT DISTINCT shown.record_id, s.name FROM record_source own"
    " JOIN record_source shown ON shown.record_id = own.record_id JOIN resource r ON r.id = shown.resource_id"
    " JOIN source s ON s.id = r.source_id WHERE own.resource_id = ?"
)


def record_of(store: Store, ref: str, source: str | None = None) -> int:
    """The number of the record that is shown for `ref`, a number or `Type/id`.

    The number of a record that another one stands for leads to that one. Raises UsageError when there is none, or when
    several sources have one at that address that do not tell one record.
    """
    ref = ref.strip()
    if ref.isdecimal() and len(ref) < 19:
        rows = store.db.execute(_BY_NUMBER, (int(ref),)).fetchall()
    elif "/" in ref:
        type_, _, id_ = ref.partition("/")
        rows = store.db.execute(_BY_ADDRESS, (type_, id_)).fetchall()
    else:
        raise UsageError(
            f"{ref} is not the number of a record.",
            hint="Take a number from phr timeline, or a resource such as Observation/abc",
        )
    found = {row[0]: row[1] for row in rows if source is None or row[1] == source}
    names = ", ".join(dict.fromkeys(row[1] for row in rows))
    if not found:
        where = f" from {source}" if source else ""
        hint = f"It came from: {names}" if names else "See which there are: phr timeline"
        raise UsageError(f"There is no record {ref}{where}.", hint=hint)
    if len(found) > 1:
        raise UsageError(
            f"{len(found)} sources have a resource {ref}.", hint=f"Choose one with --source: {names}"
        )
    return int(next(iter(found)))


def words_of(db: Any, record_id: int) -> dict[str, Any]:
    """Notes, corrections and bookmark of a record, for one record whole.

    Of a correction: `value` the person's, `source_value` what the source of the record says now, `source_before` what it
    said when the correction was made, `source_changed` whether these differ, `in_effect` whether it is laid over it (not
    where the source says the same by now).
    """
    telling = "SELECT resource_id FROM record_source WHERE record_id = ?"
    notes = db.execute(
        f"SELECT id, text, written, changed FROM note WHERE resource_id IN ({telling}) ORDER BY id",
        (record_id,),
    )
    marked = db.execute(f"SELECT 1 FROM bookmark WHERE resource_id IN ({telling}) LIMIT 1", (record_id,))
    return {
        "notes": [dict(zip(("id", "text", "written", "changed"), row, strict=True)) for row in notes],
        "corrections": _corrections(db, record_id),
        "bookmarked": marked.fetchone() is not None,
    }


def _corrections(db: Any, record_id: int) -> list[dict[str, Any]]:
    rows = db.execute(
        "SELECT c.field, c.value, c.reason, c.made FROM record_source rs CROSS JOIN correction c"
        " ON c.resource_id = rs.resource_id WHERE rs.record_id = ? ORDER BY c.resource_id <> rs.record_id, c.made",
        (record_id,),
    ).fetchall()
    if not rows:
        return []
    from phr.records.overlay import said as says
    from phr.records.overlay import same
    from phr.store.rows import said
    from phr.store.words import AGREED

    line = said(db, [record_id]).get(record_id)
    found: dict[str, dict[str, Any]] = {}
    for name, value, reason, made in rows:
        plain = name.removeprefix(AGREED)
        if line is None or plain in found:
            continue
        now, before = says(line, plain), _before(db, record_id, plain, made)
        found[plain] = {
            "field": plain,
            "value": value,
            "source_value": now,
            "source_before": before,
            "source_changed": not same(plain, now, before),
            "in_effect": plain == name,
            "reason": reason,
            "made": made,
        }
    return list(found.values())


def _before(db: Any, record_id: int, name: str, made: str) -> str | None:
    """What the source said when the correction was made."""
    from phr.fhir import read
    from phr.records.derive import derive_line
    from phr.records.overlay import said as says

    row = (
        db.execute(
            "SELECT raw FROM resource_version WHERE resource_id = ? AND replaced >= ? ORDER BY id LIMIT 1",
            (record_id, made),
        ).fetchone()
        or db.execute("SELECT raw FROM resource WHERE id = ?", (record_id,)).fetchone()
    )
    data = read.parse_as_written(bytes(row[0]))
    source = db.execute("SELECT source_id FROM resource WHERE id = ?", (record_id,)).fetchone()[0]

    def lookup(reference: str) -> dict[str, Any] | None:
        type_, _, id_ = reference.partition("/")
        found = db.execute(
            "SELECT raw FROM resource WHERE source_id = ? AND type = ? AND fhir_id = ?", (source, type_, id_)
        ).fetchone()
        body = read.parse_as_written(bytes(found[0])) if found else None
        return body if isinstance(body, dict) else None

    return says(derive_line(data, lookup), name) if isinstance(data, dict) else None


def correctable(store: Store, record_id: int) -> dict[str, str | None]:
    """What a record says now, field by field, as far as it may be corrected: `value` and `unit` only where there are
    any. Raises UsageError for what is no record of a life."""
    from phr.records.overlay import FIELDS

    names = list(FIELDS)
    row = store.db.execute(
        f"SELECT supporting, resource, {', '.join(names)} FROM record WHERE id = ?", (record_id,)
    ).fetchone()
    found = dict(zip(names, row[2:], strict=True))
    if row[0] == 1:
        return {"sensitivity": found["sensitivity"]}
    if found["value"] is None and not str(row[1]).startswith("Observation/"):
        found.pop("value")
        found.pop("unit")
    return found


def checked(store: Store, record_id: int, asked: Mapping[str, str], *, today: Any) -> dict[str, str | None]:
    """What the person typed, checked and in the form in which it is kept.

    Raises UsageError for what makes no sense in a field, and for what the source says already. No message repeats a value.
    """
    from phr.records.overlay import said as says
    from phr.records.overlay import same
    from phr.store.rows import said
    from phr.views.own_checks import check

    there = correctable(store, record_id)
    line = said(store.db, [record_id])[record_id]
    (resource,) = store.db.execute("SELECT resource FROM record WHERE id = ?", (record_id,)).fetchone()
    type_ = str(resource).partition("/")[0]
    found: dict[str, str | None] = {}
    for name, text in asked.items():
        if name not in there:
            raise UsageError(
                f"Record {record_id} has no {name} to correct.",
                hint=f"It has: {', '.join(there)}",
            )
        found[name] = check(name, text, number=_is_number(line, name), today=today, type_=type_)
    told = [
        name for name, value in found.items() if name != "sensitivity" and same(name, says(line, name), value)
    ]
    if len(told) < len(found):  # the unit beside a value, as it was: said, and nothing to correct
        found = {name: value for name, value in found.items() if name not in told or there[name] != value}
    for name, value in found.items():
        if name in told:
            hint = (
                f"Take your correction back: phr edit {record_id} --undo {name}"
                if there[name] != value
                else "There is nothing to correct."
            )
            raise UsageError(f"That is what the source says already: {name}.", hint=hint)
    start, end = found.get("date", there.get("date")), found.get("end", there.get("end"))
    if ("date" in found or "end" in found) and start and end and _after(start, end):
        raise UsageError("The end would be before the beginning.", hint="Correct both: --date D --end D")
    return found


def _is_number(line: Any, name: str) -> bool:
    from phr.records.overlay import as_value
    from phr.records.overlay import said as says

    text = says(line, "value") if name == "value" else None
    return text is not None and as_value(text) is not None


def _after(start: str, end: str) -> bool:
    from phr.fhir import dates

    first, last = dates.parse(start), dates.parse(end)
    return first is not None and last is not None and first.start >= last.end
