"""Imports: which resources each brought, which documents were read into resources, and which jobs are one command.

What an import brings is noted in the transaction that keeps it, so that it can be taken back however the run ended
(`store.undo`). All files of one command are one job: the first run, which the others name in `part_of`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from phr.model import Received, Source
from phr.records import media_types
from phr.store.db import batches, marks

if TYPE_CHECKING:
    from phr.store.resources import Saved
    from phr.store.store import Store

EMPTIED = "undone"
"""The kind of a source whose imports were all undone: its row stays for their jobs, and holds nothing."""
READER = "1"
"""Raise it when much more is read out of a C-CDA document: `--from-documents` then reads the known ones again."""
_NEW, _UPDATED, _UNCHANGED = "new", "updated", "unchanged"
_BESIDE = "-documents"
_DOCUMENTS = (
    "SELECT s.key, s.name, s.fhir_base, a.resource_id, a.position, r.type, r.fhir_id, a.document_id"
    " FROM attachment a JOIN resource r ON r.id = a.resource_id JOIN source s ON s.id = r.source_id"
    " LEFT JOIN document_text t ON t.document_id = a.document_id LEFT JOIN record rec ON rec.id = r.id"
    " WHERE a.document_id IS NOT NULL AND r.state = 'current' AND s.kind = 'connection'"
    " AND (t.media_type = ?1 OR t.document_id IS NULL)"
    " AND NOT EXISTS (SELECT 1 FROM document_import i JOIN sync_run u ON u.id = i.run_id"
    " WHERE i.document_id = a.document_id AND u.undone IS NULL AND json_extract(u.wish, '$.reader') IS ?2)"
)


@dataclass(frozen=True, slots=True)
class CdaDocument:
    """A C-CDA document that a sync brought, and which nothing was read from yet."""

    source_key: str
    source: str
    base: str | None
    """The FHIR base of the connection."""
    resource_id: int
    position: int
    type: str
    fhir_id: str
    document_id: int

    @property
    def id(self) -> str:
        """As `phr documents list` calls it."""
        return f"{self.resource_id}.{self.position}"


class Imports:
    """What files brought into one record."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # ── while a file is taken in ──────────────────────────────────────────────────────────────────

    def source(self, name: str) -> Source:
        """The source of this name to save into; made when there is none, taken up again when all of it was undone."""
        found = self._store.sources.ensure(name)
        if found.kind != EMPTIED:
            return found
        self._store.db.execute("UPDATE source SET kind = 'import' WHERE key = ?", (found.key,))
        return Source(found.key, found.name, "import", found.fhir_base)

    def put_away_empty(self, source_key: str) -> None:
        """A source into which nothing came is not shown; its row stays for the jobs that name it."""
        self._store.db.execute(
            "UPDATE source SET kind = ? WHERE key = ? AND kind = 'import'"
            " AND NOT EXISTS (SELECT 1 FROM resource r WHERE r.source_id = source.id)",
            (EMPTIED, source_key),
        )

    def documents_source(self, connection_key: str, connection: str) -> Source:
        """The source for what is read out of a connection's documents: `epic documents`.

        Its key tells whose it is, whatever the connection is called later. It is no connection, so what a sync of
        that one does not bring any more says nothing about it.
        """
        key, name = documents_key(connection_key), self.name_for_documents(connection_key, connection)
        self._store.db.execute(
            "INSERT INTO source (key, name, kind, created) VALUES (?, ?, 'import', ?)"
            " ON CONFLICT (key) DO UPDATE SET kind = 'import'",
            (key, name, self._store.now()),
        )
        return Source(key, name, "import")

    def name_for_documents(self, connection_key: str, connection: str) -> str:
        """What that source is called, or would be."""
        row = self._store.db.execute(
            "SELECT name FROM source WHERE key = ?", (documents_key(connection_key),)
        ).fetchone()
        return str(row[0]) if row else self._store.connections.free_name(f"{connection} documents")

    def start(self, source_key: str, part_of: int | None, told: Mapping[str, object]) -> int:
        """A run that takes in one file, part of the job `part_of` unless it is the first; answers its number.

        `told` is written down beside it: the file's name, its format.
        """
        (floor,) = self._store.db.execute("SELECT coalesce(max(id), 0) FROM resource_version").fetchone()
        wish = {**told, "reader": READER, "versions": floor}
        job = self._store.runs.queue(source_key, "import", "file", wish=wish)
        if part_of is not None:
            self._store.db.execute("UPDATE sync_run SET part_of = ? WHERE id = ?", (part_of, job))
        self._store.runs.begin(job)
        return job

    def save(
        self, source_key: str, received: Iterable[Received], run: int, documents: Sequence[int] = ()
    ) -> Saved:
        """`Store.save`, and in the same transaction: what this run brought, and the documents it was read from."""
        db = self._store.db
        (newest,) = db.execute("SELECT coalesce(max(id), 0) FROM resource").fetchone()
        (version,) = db.execute("SELECT coalesce(max(id), 0) FROM resource_version").fetchone()

        def note(ids: Sequence[int]) -> None:
            changed = {
                row[0]
                for row in db.execute("SELECT resource_id FROM resource_version WHERE id > ?", (version,))
            }
            items = [
                (run, id_, _NEW if id_ > newest else _UPDATED if id_ in changed else _UNCHANGED)
                for id_ in ids
            ]
            db.executemany(
                "INSERT INTO import_item (run_id, resource_id, change) VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET change = excluded.change WHERE change = 'unchanged'",
                items,
            )
            self._note_documents(run, documents)

        return self._store.save(source_key, received, within=note)

    def note_unreadable(self, run: int, documents: Sequence[int]) -> None:
        """Note documents that were looked at and hold nothing that can be read: they are not offered again."""
        self._note_documents(run, documents)

    def note_own_documents(self, run: int) -> None:
        """Note the C-CDA documents that a file itself brought: they came in with it."""
        rows = self._store.db.execute(
            "SELECT DISTINCT a.document_id, substr(d.content, 1, ?2) FROM import_item i"
            " JOIN attachment a ON a.resource_id = i.resource_id JOIN document d ON d.id = a.document_id"
            " WHERE i.run_id = ?1",
            (run, media_types.LOOKED_AT),
        )
        self._note_documents(
            run, [row[0] for row in rows if media_types.sniff(bytes(row[1])) == media_types.CCDA]
        )

    def _note_documents(self, run: int, documents: Sequence[int]) -> None:
        self._store.db.executemany(
            "INSERT OR IGNORE INTO document_import (document_id, run_id) VALUES (?, ?)",
            [(document, run) for document in documents],
        )

    # ── documents that came with a sync ───────────────────────────────────────────────────────────

    def unread_documents(self, sources: Sequence[str] = ()) -> list[CdaDocument]:
        """C-CDA documents of connections that this version of the reader has not read, each of its bytes once.

        The oldest first, so that the newest has the last word. What a source took back is left alone.
        """
        found: dict[int, CdaDocument] = {}
        for row in self._store.db.execute(
            f"{_DOCUMENTS} ORDER BY s.id, rec.date_from, r.id, a.position", (media_types.CCDA, READER)
        ):
            one = CdaDocument(*row)
            if (not sources or one.source in sources) and one.document_id not in found:
                found[one.document_id] = one
        return [one for one in found.values() if self._is_ccda(one.document_id)]

    def _is_ccda(self, document: int) -> bool:
        row = self._store.db.execute(
            "SELECT substr(content, 1, ?) FROM document WHERE id = ?", (media_types.LOOKED_AT, document)
        ).fetchone()
        return row is not None and media_types.sniff(bytes(row[0])) == media_types.CCDA

    # ── what is here already ──────────────────────────────────────────────────────────────────────

    def stored(self, source: str, type_: str, id_: str) -> bytes | None:
        """The bytes that a source, by its name, has under this address; None where it has nothing."""
        row = self._store.db.execute(
            "SELECT r.raw FROM resource r JOIN source s ON s.id = r.source_id"
            " WHERE s.name = ? AND r.type = ? AND r.fhir_id = ?",
            (source, type_, id_),
        ).fetchone()
        return None if row is None else bytes(row[0])

    def own_patients(self) -> list[bytes]:
        """The person whose record this is: whom the connections signed in for, else whom the first file was about."""
        rows = self._store.db.execute(
            "SELECT r.raw FROM connection c JOIN resource r ON r.source_id = c.source_id AND r.type = 'Patient'"
            " AND r.fhir_id = c.patient_id WHERE r.state = 'current' ORDER BY r.id"
        ).fetchall()
        if not rows:  # whom a connection only points at (a mother, a twin) is not the one
            rows = self._store.db.execute(
                "SELECT r.raw FROM source s CROSS JOIN resource r ON r.source_id = s.id"
                " LEFT JOIN connection c ON c.source_id = r.source_id"
                " WHERE r.type = 'Patient' AND r.state = 'current' AND NOT EXISTS"
                " (SELECT 1 FROM wanted_reference w WHERE w.source_id = r.source_id"
                " AND w.type = 'Patient' AND w.fhir_id = r.fhir_id AND w.http_status = 200)"
                " ORDER BY s.kind = 'person', c.source_id IS NULL, r.source_id, r.id LIMIT 1"  # as `views.whose` has it
            ).fetchall()
        return [bytes(row[0]) for row in rows]

    def senders(self, source: str) -> set[str]:
        """Who sent what was taken into the source of this name, as far as its imports took note of that."""
        rows = self._store.db.execute(
            "SELECT DISTINCT json_extract(u.wish, '$.sender') FROM sync_run u JOIN source s ON s.id = u.source_id"
            " WHERE s.name = ? AND u.mode = 'file' AND u.undone IS NULL",
            (source,),
        )
        return {str(row[0]) for row in rows if row[0] is not None}

    def connection_beside(self, source: str) -> str | None:
        """The connection whose documents the source of this name is for."""
        row = self._store.db.execute(
            "SELECT c.name FROM source s JOIN source c ON s.key = c.key || ? WHERE s.name = ?",
            (_BESIDE, source),
        ).fetchone()
        return None if row is None else str(row[0])

    # ── reading back ──────────────────────────────────────────────────────────────────────────────

    def told(self, run: int) -> dict[str, Any]:
        """What was written down beside a run: `file`, `format`, `reader`, `versions`; empty for an unknown one."""
        row = self._store.db.execute("SELECT wish FROM sync_run WHERE id = ?", (run,)).fetchone()
        found = orjson.loads(row[0]) if row else {}
        return found if isinstance(found, dict) else {}

    def counted(self, run: int) -> dict[str, dict[str, int]]:
        """What a run brought until now, by type: how many `new`, `updated`, `unchanged`."""
        found: dict[str, dict[str, int]] = {}
        for type_, change, number in self._store.db.execute(
            "SELECT r.type, i.change, count(*) FROM import_item i JOIN resource r ON r.id = i.resource_id"
            " WHERE i.run_id = ? GROUP BY 1, 2 ORDER BY 1",
            (run,),
        ):
            found.setdefault(type_, {})[change] = number
        return found

    def parts(self, jobs: Sequence[int]) -> dict[int, list[int]]:
        """The further runs of these jobs, by the job."""
        found: dict[int, list[int]] = {}
        for some in batches(jobs):
            rows = self._store.db.execute(
                f"SELECT part_of, id FROM sync_run WHERE part_of IN ({marks(some)}) ORDER BY id", some
            )
            for job, part in rows:
                found.setdefault(job, []).append(part)
        return found

    def head(self, run: int) -> int:
        """The job that a run belongs to: itself, or the one whose part it is."""
        row = self._store.db.execute("SELECT part_of FROM sync_run WHERE id = ?", (run,)).fetchone()
        return int(row[0]) if row and row[0] is not None else run

    def undone(self, jobs: Sequence[int]) -> dict[int, str]:
        """When each of these jobs was taken back; only those that were."""
        found: dict[int, str] = {}
        for some in batches(jobs):
            found.update(
                self._store.db.execute(
                    f"SELECT id, undone FROM sync_run WHERE undone IS NOT NULL AND id IN ({marks(some)})",
                    some,
                ).fetchall()
            )
        return found


def documents_key(connection_key: str) -> str:
    """The key of the source for what is read out of a connection's documents."""
    return connection_key + _BESIDE
