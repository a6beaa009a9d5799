"""Bulk Data exports: where each stands, so that any interruption can be gone on from, and what of one belongs here."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from phr.fhir import dates
from phr.store.db import batches, marks

if TYPE_CHECKING:
    from phr.store.store import Store

OPEN = ("preparing", "downloading")
_FIELDS = "id level request status_url state since began moved progress transaction_time manifest".split()
"""Of Export, each a column of the same name."""


@dataclass(frozen=True, slots=True)
class Export:
    """One export. `request` is the kick-off address as it was wished for; `manifest` the files and how far each is."""

    id: int
    level: str
    request: str = field(repr=False)
    status_url: str | None = field(repr=False)
    state: str
    since: str | None
    began: str
    moved: str
    progress: str | None
    transaction_time: str | None
    manifest: Mapping[str, Any] | None = field(repr=False)


class Exports:
    """The exports of one record."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(self, source_key: str, level: str, request: str, status_url: str, since: str | None) -> int:
        """Write down an export that the server prepares; answers its number."""
        now = self._store.now()
        cursor = self._store.db.execute(
            "INSERT INTO bulk_export (source_id, level, request, status_url, state, since, began, moved)"
            " SELECT id, ?, ?, ?, 'preparing', ?, ?, ? FROM source WHERE key = ?",
            (level, request, status_url, since, now, now, source_key),
        )
        return int(cursor.lastrowid)

    def under_way(self, source_key: str) -> list[Export]:
        """Exports of a source that have not ended, the newest first."""
        return self._of(source_key, f"state IN ({marks(OPEN)})", OPEN)

    def last_time(self, source_key: str, request: str, latest: float = math.inf) -> str | None:
        """Until when everything is here that completed exports of the same question (`_since` apart) had to bring.

        An export from a later instant than that, as a person may ask for, leaves a gap and moves nothing. One that says
        it is of a time after `latest` (seconds since 1970) says nothing.
        """
        wanted, reached = without_since(request), None
        for one in reversed(self._of(source_key, "state = 'completed' AND transaction_time IS NOT NULL", ())):
            if without_since(one.request) != wanted or _moment(one.transaction_time) > latest:
                continue
            if one.since is None or (reached is not None and _moment(one.since) <= _moment(reached)):
                reached = one.transaction_time
        return reached

    def progress(self, export: int, words: str | None) -> None:
        """The server says something else than before about how far it is."""
        self._set(export, progress=words, moved=self._store.now())

    def ready(self, export: int, transaction_time: str | None, manifest: Mapping[str, Any]) -> None:
        """The files are there."""
        now, kept = self._store.now(), orjson.dumps(manifest).decode()
        self._set(export, state="downloading", transaction_time=transaction_time, manifest=kept, moved=now)

    def keep(self, export: int, manifest: Mapping[str, Any]) -> None:
        """Remember which files are done."""
        self._set(export, manifest=orjson.dumps(manifest).decode(), moved=self._store.now())

    def end(self, export: int, state: str) -> None:
        """`completed`, `failed` or `cancelled`; addresses, which may open by themselves, are forgotten."""
        self._set(export, state=state, status_url=None, manifest=None)

    def patients(self, source_key: str) -> frozenset[str]:
        """Ids of the Patients that are kept of this source: they are the person's own."""
        rows = self._store.db.execute(
            "SELECT r.fhir_id FROM resource r JOIN source s ON s.id = r.source_id"
            " WHERE s.key = ? AND r.type = 'Patient'",
            (source_key,),
        )
        return frozenset(row[0] for row in rows)

    def stored(self, source_key: str, addresses: Collection[str]) -> set[str]:
        """Which of these `Type/id` are kept of this source."""
        return self._among(source_key, addresses, "resource")

    def wanted(self, source_key: str, addresses: Collection[str]) -> set[str]:
        """Which of these `Type/id` something kept of this source points at."""
        found = self._among(source_key, addresses, "wanted_reference")
        files = {one: one for one in addresses if one.startswith("Binary/")}
        if files:
            base = self._store.db.execute(
                "SELECT fhir_base FROM source WHERE key = ?", (source_key,)
            ).fetchone()[0]
            if base:
                files |= {f"{base.rstrip('/')}/{one}": one for one in list(files.values())}
            for part in batches(sorted(files)):
                rows = self._store.db.execute(
                    "SELECT DISTINCT a.url FROM attachment a JOIN resource r ON r.id = a.resource_id"
                    f" JOIN source s ON s.id = r.source_id WHERE s.key = ? AND a.url IN ({marks(part)})",
                    (source_key, *part),
                )
                found.update(files[row[0]] for row in rows)
        return found

    def missing(self, source_key: str) -> frozenset[str]:
        """Every `Type/id` that something kept of this source points at and that is not kept."""
        rows = self._store.db.execute(
            "SELECT w.type, w.fhir_id FROM wanted_reference w JOIN source s ON s.id = w.source_id WHERE s.key = ?"
            " AND NOT EXISTS (SELECT 1 FROM resource r WHERE r.source_id = w.source_id AND r.type = w.type"
            " AND r.fhir_id = w.fhir_id)",
            (source_key,),
        )
        return frozenset(f"{row[0]}/{row[1]}" for row in rows)

    def _among(self, source_key: str, addresses: Collection[str], table: str) -> set[str]:
        by_type: dict[str, list[str]] = {}
        for address in addresses:
            type_, _, id_ = address.partition("/")
            by_type.setdefault(type_, []).append(id_)
        found: set[str] = set()
        for type_, ids in by_type.items():
            for part in batches(ids):
                rows = self._store.db.execute(
                    f"SELECT t.fhir_id FROM {table} t JOIN source s ON s.id = t.source_id"
                    f" WHERE s.key = ? AND t.type = ? AND t.fhir_id IN ({marks(part)})",
                    (source_key, type_, *part),
                )
                found.update(f"{type_}/{row[0]}" for row in rows)
        return found

    def _of(self, source_key: str, where: str, values: tuple[str, ...]) -> list[Export]:
        rows = self._store.db.execute(
            f"SELECT {', '.join(_FIELDS)} FROM bulk_export"
            f" WHERE source_id = (SELECT id FROM source WHERE key = ?) AND {where} ORDER BY id DESC",
            (source_key, *values),
        )
        found = [dict(zip(_FIELDS, row, strict=True)) for row in rows]
        return [
            Export(**{**one, "manifest": orjson.loads(one["manifest"]) if one["manifest"] else None})
            for one in found
        ]

    def _set(self, export: int, **values: str | None) -> None:
        columns = ", ".join(f"{name} = ?" for name in values)
        self._store.db.execute(f"UPDATE bulk_export SET {columns} WHERE id = ?", (*values.values(), export))


def _moment(text: str | None) -> int:
    """An instant as a number that sorts, whatever its time zone."""
    read = dates.parse(text)
    return read.start if read is not None else 0


def without_since(request: str) -> str:
    """A kick-off address without its `_since`: what makes two exports the same question."""
    head, _, query = request.partition("?")
    return f"{head}?{'&'.join(part for part in query.split('&') if not part.startswith('_since='))}"
