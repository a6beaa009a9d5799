"""Which supporting resources (Practitioner, Organization, Medication …) a part of the record needs to be readable.

Who is handed a part must not learn from the rest: an infusion centre that no handed-on record names stays at home.
So supporting resources follow the references of what was selected, and theirs in turn, inside their own source.
A conditional reference (FHIR R4 3.1.0.7.1, `Practitioner?identifier=…`) is followed by that identifier.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from phr.fhir import read
from phr.views.discreet import NONE, Discretion
from phr.views.events import marks
from phr.views.redaction import handed

Row = tuple[int, int, str, str]
"""Of a resource: row, row of its source, type, id."""
_BATCH = 200
_URN = "urn:uuid:"


def needed(
    db: Any, chosen: Sequence[int], supporting: Sequence[Row], discretion: Discretion = NONE
) -> set[int]:
    """The rows among `supporting` that the `chosen` rows and the Patients lead to; the Patients themselves too.

    What is handed on without some of its references leads there no more.
    """
    known = {(source, type_, id_): row for row, source, type_, id_ in supporting}
    by_id = {(source, id_): row for row, source, _, id_ in supporting}
    identified = _Identified(db, supporting)
    found = {row for row, _, type_, _ in supporting if type_ == "Patient"}
    open_ = [*chosen, *found]
    while open_:
        reached: set[int] = set()
        for from_, source, raw in _bytes(db, open_):
            if from_ in discretion.touched:
                raw = handed(raw, source, discretion.secrets)
            for target in _targets(raw):
                type_, _, id_ = target.partition("/")
                if target.startswith(_URN):
                    row = by_id.get((source, target[len(_URN) :]))
                elif "?" in target:
                    row = identified.row(source, target)
                else:
                    row = known.get((source, type_, id_))
                if row is not None:
                    reached.add(row)
        open_ = list(reached - found)
        found |= reached
    return found


class _Identified:
    """Supporting resources by type and identifier; they are read when the first conditional reference is met."""

    def __init__(self, db: Any, supporting: Sequence[Row]) -> None:
        self._db, self._supporting = db, supporting
        self._rows: dict[tuple[int, str, str], int] | None = None

    def row(self, source: int, target: str) -> int | None:
        """The row that `Type?identifier=system|value` means in this source."""
        type_, _, asked = target.partition("?")
        if self._rows is None:
            self._rows = dict(self._read())
        return self._rows.get((source, type_, asked.removeprefix("identifier=")))

    def _read(self) -> Iterator[tuple[tuple[int, str, str], int]]:
        for row, source, type_, _ in self._supporting:
            for _, _, raw in _bytes(self._db, [row]):
                resource = _parsed(raw)
                for one in read.listed(resource.get("identifier")) if isinstance(resource, dict) else ():
                    if isinstance(one, dict) and isinstance(one.get("value"), str):
                        yield (source, type_, f"{one.get('system') or ''}|{one['value']}"), row


def _bytes(db: Any, rows: Sequence[int]) -> Iterator[tuple[int, int, bytes]]:
    for at in range(0, len(rows), _BATCH):
        part = list(rows[at : at + _BATCH])
        for row, source, raw in db.execute(
            f"SELECT id, source_id, raw FROM resource WHERE id IN ({marks(part)})", part
        ).fetchall():
            yield row, source, bytes(raw)


def _parsed(raw: bytes) -> object:
    try:
        return read.parse_json(raw)
    except ValueError:
        return None


def _targets(raw: bytes) -> Iterator[str]:
    """`Type/id`, `urn:uuid:…` or `Type?identifier=…` of every reference in a resource."""
    open_: list[object] = [_parsed(raw)]
    while open_:
        node = open_.pop()
        if isinstance(node, dict):
            text = node.get("reference")
            if isinstance(text, str):
                plain = read.reference(node)
                yield plain if plain and "?" not in text else text
            open_.extend(node.values())
        elif isinstance(node, list):
            open_.extend(node)
