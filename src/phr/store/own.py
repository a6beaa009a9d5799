"""The person's own words beside records: notes, tags, bookmarks, and corrections laid over what a source says.

They hang on resources and are never touched by a sync or a rebuild. A record that several resources tell has those of
all of them. Each change is one transaction with the records that it changes, so the search and every view know at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field as part
from typing import TYPE_CHECKING, Any

from phr.errors import Busy, StoreError, UsageError
from phr.records.overlay import IN_ERROR
from phr.store.db import marks, transaction
from phr.store.rows import write_again
from phr.store.words import AGREED

if TYPE_CHECKING:
    from phr.store.store import Store

PATIENCE_MS = 5_000
"""So long somebody waits for another run that is writing."""
MOST_NOTES = 500
_TELLING = "SELECT resource_id FROM record_source WHERE record_id = ?"


@dataclass(frozen=True, slots=True)
class Note:
    """What the person wrote beside a record."""

    id: int
    written: str
    changed: str | None
    text: str = part(repr=False)


@dataclass(frozen=True, slots=True)
class Correction:
    """One field as the person says it is."""

    record: int
    field: str
    made: str
    resting: bool
    """The source says the same by now."""
    value: str | None = part(repr=False)
    reason: str | None = part(repr=False)


class Own:
    """The person's words beside one life's records. Records are meant by their numbers."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._db = store.db

    # ── notes ─────────────────────────────────────────────────────────────────────────────────────

    def notes(self, record: int) -> list[Note]:
        """The notes of a record, the oldest first."""
        rows = self._db.execute(
            f"SELECT id, written, changed, text FROM note WHERE resource_id IN ({_TELLING}) ORDER BY id",
            (record,),
        )
        return [Note(*row) for row in rows]

    def note(self, record: int, text: str) -> Note:
        """Write a note beside a record. Raises UsageError when there are very many already, Busy, StoreError."""
        now = self._store.now()
        with self._writing(record):
            if len(self.notes(record)) >= MOST_NOTES:
                raise UsageError(f"There are {MOST_NOTES} notes beside this record already.")
            self._db.execute(
                "INSERT INTO note (resource_id, text, written) VALUES (?, ?, ?)", (record, text, now)
            )
            id_ = int(self._db.execute("SELECT last_insert_rowid()").fetchone()[0])
            self._store.audit.note("note", f"record {record}")
        return Note(id_, now, None, text)

    def change_note(self, record: int, number: int, text: str) -> None:
        """Write another text instead. `number` counts the notes of the record from 1."""
        with self._writing(record):
            id_ = self._numbered(record, number)
            self._db.execute(
                "UPDATE note SET text = ?, changed = ? WHERE id = ?", (text, self._store.now(), id_)
            )
            self._store.audit.note("change note", f"record {record}")

    def remove_note(self, record: int, number: int) -> None:
        """Take a note away for good."""
        with self._writing(record):
            self._db.execute("DELETE FROM note WHERE id = ?", (self._numbered(record, number),))
            self._store.audit.note("remove note", f"record {record}")

    def _numbered(self, record: int, number: int) -> int:
        found = self.notes(record)
        if not 1 <= number <= len(found):
            there = f"It has {len(found)}" if found else "It has none"
            raise UsageError(
                f"Record {record} has no note {number}.", hint=f"{there}: phr note {record} --list"
            )
        return found[number - 1].id

    # ── tags ──────────────────────────────────────────────────────────────────────────────────────

    def tags(self, record: int) -> list[str]:
        """The tags of a record, of all resources that tell it."""
        rows = self._db.execute(
            f"SELECT DISTINCT tag FROM tag WHERE resource_id IN ({_TELLING}) ORDER BY tag", (record,)
        )
        return [str(row[0]) for row in rows]

    def tag(self, record: int, put: Sequence[str] = (), off: Sequence[str] = ()) -> None:
        """Put these tags on a record, and take those off."""
        with self._writing(record):
            there = self.tags(record)
            self._db.executemany(
                "INSERT OR IGNORE INTO tag (resource_id, tag) VALUES (?, ?)",
                [(record, word) for word in put if word not in there],
            )
            self._db.executemany(
                f"DELETE FROM tag WHERE resource_id IN ({_TELLING}) AND tag = ?",
                [(record, word) for word in off],
            )
            self._store.audit.note("tag", f"record {record}")

    # ── bookmarks ─────────────────────────────────────────────────────────────────────────────────

    def bookmarked(self, record: int) -> bool:
        """Whether the person wants to find it again."""
        row = self._db.execute(f"SELECT 1 FROM bookmark WHERE resource_id IN ({_TELLING})", (record,))
        return row.fetchone() is not None

    def bookmark(self, record: int, *, remove: bool = False) -> bool:
        """Keep a record at hand, or no longer; whether that changed anything."""
        with self._writing(record, rewrite=False):
            if self.bookmarked(record) is not remove:
                return False
            if remove:
                self._db.execute(f"DELETE FROM bookmark WHERE resource_id IN ({_TELLING})", (record,))
            else:
                self._db.execute("INSERT INTO bookmark VALUES (?, ?)", (record, self._store.now()))
            self._store.audit.note("remove bookmark" if remove else "bookmark", f"record {record}")
            return True

    def bookmarks(self) -> list[tuple[int, str]]:
        """`(record, since)`, the newest first."""
        rows = self._db.execute(
            "SELECT rs.record_id, max(b.since) FROM bookmark b JOIN record_source rs ON rs.resource_id = b.resource_id"
            " GROUP BY rs.record_id ORDER BY 2 DESC, 1 DESC"
        )
        return [(int(row[0]), str(row[1])) for row in rows]

    # ── corrections ───────────────────────────────────────────────────────────────────────────────

    def corrections(self, record: int | None = None) -> list[Correction]:
        """Those of one record, or all, the newest first; where several resources carry one, that of the one shown."""
        within, values = (" WHERE rs.record_id = ?", [record]) if record is not None else ("", [])
        rows = self._db.execute(
            "SELECT rs.record_id, c.field, c.value, c.reason, c.made FROM correction c"
            f" JOIN record_source rs ON rs.resource_id = c.resource_id{within}"
            " ORDER BY c.made DESC, rs.record_id, c.resource_id <> rs.record_id, c.field",
            values,
        )
        found: dict[tuple[int, str], Correction] = {}
        for id_, name, value, reason, made in rows:
            plain = name.removeprefix(AGREED)
            found.setdefault((id_, plain), Correction(id_, plain, made, plain != name, value, reason))
        return list(found.values())

    def correct(self, record: int, fields: Mapping[str, str | None], reason: str | None = None) -> None:
        """Lay these values over what the sources of a record say. They have been checked by `views.own.checked`."""
        now = self._store.now()
        with self._writing(record):
            for id_ in self._telling(record):
                for name, value in fields.items():
                    self._db.execute(
                        "DELETE FROM correction WHERE resource_id = ? AND field = ?", (id_, AGREED + name)
                    )
                    self._db.execute(
                        "INSERT OR REPLACE INTO correction VALUES (?, ?, ?, ?, ?)",
                        (id_, name, value, reason, now),
                    )
            self._store.audit.note("correct", f"record {record}: {', '.join(fields)}")

    def undo(self, record: int, fields: Sequence[str] = ()) -> list[str]:
        """Take corrections of these fields back, or all of the record; answers which there were."""
        with self._writing(record):
            there = [one.field for one in self.corrections(record)]
            gone = [name for name in there if not fields or name in fields]
            for name in gone:
                self._db.execute(
                    f"DELETE FROM correction WHERE resource_id IN ({_TELLING}) AND field IN (?, ?)",
                    (record, name, AGREED + name),
                )
            if gone:
                self._store.audit.note("undo correction", f"record {record}: {', '.join(gone)}")
        return gone

    def withdrawn(self, record: int) -> bool:
        """Whether the person says that it is an error as a whole."""
        return any(one.field == "status" and one.value == IN_ERROR for one in self.corrections(record))

    # ── writing ───────────────────────────────────────────────────────────────────────────────────

    def _telling(self, record: int) -> list[int]:
        return [int(row[0]) for row in self._db.execute(_TELLING, (record,))]

    @contextmanager
    def _writing(self, record: int, *, rewrite: bool = True) -> Iterator[None]:
        """One transaction, with the record written anew at its end. Raises Busy, StoreError."""
        db = self._db
        db.execute(f"PRAGMA busy_timeout = {PATIENCE_MS}")
        try:
            with transaction(db):
                yield
                if rewrite:
                    telling = self._telling(record)
                    found = db.execute(f"SELECT id FROM record WHERE id IN ({marks(telling)})", telling)
                    write_again(db, [row[0] for row in found])
        except Exception as error:
            raise in_words(error) from error
        finally:
            db.execute("PRAGMA busy_timeout = 30000")


def in_words(error: Exception) -> Exception:
    """What SQLite says of a file that takes nothing, in words; any other error as it is."""
    if type(error).__name__ != "OperationalError":
        return error
    words = str(error)
    if "locked" in words or "busy" in words:
        return Busy(
            "Another phr is writing to the record at this moment, so nothing was changed.",
            hint="Try again in a minute. What runs: phr jobs",
        )
    if "readonly" in words or "read-only" in words:
        return StoreError(
            "The record can only be read here, so nothing was changed.",
            hint="See who may write there: phr paths, phr doctor",
        )
    return error


def all_tags(db: Any) -> list[str]:
    """Every tag that is on any record, for whoever begins to type one."""
    return [str(row[0]) for row in db.execute("SELECT DISTINCT tag FROM tag ORDER BY tag")]
