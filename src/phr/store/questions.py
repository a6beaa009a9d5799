"""What the person wants to ask at an appointment, in their own words: noted, shown, and closed when it was answered.

A question stands beside no record, so neither a sync nor a rebuild touches it. It never leaves by an export of records:
only the page of `phr visit` carries it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from phr.errors import UsageError
from phr.store.db import transaction
from phr.store.own import PATIENCE_MS, in_words

if TYPE_CHECKING:
    from phr.store.store import Store

MOST = 500
"""So many may be open at a time."""
LONGEST = 1_000
_COLUMNS = "id, whom, text, asked, answered, answer"


@dataclass(frozen=True, slots=True)
class Question:
    """One question, and what came of it."""

    id: int
    whom: str | None = field(repr=False)
    """A name as the person said it; None: nobody in particular."""
    text: str = field(repr=False)
    asked: str
    answered: str | None = None
    answer: str | None = field(default=None, repr=False)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "id": self.id,
            "text": self.text,
            "whom": self.whom,
            "asked": self.asked,
            "answered": self.answered,
            "answer": self.answer,
        }


class Questions:
    """The questions of one record."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._db = store.db

    def all(self) -> list[Question]:
        """Every question: open ones first, each in the order in which they were asked."""
        rows = self._db.execute(
            f"SELECT {_COLUMNS} FROM question ORDER BY answered IS NOT NULL, answered DESC, id"
        )
        return [Question(*row) for row in rows]

    def open(self) -> list[Question]:
        """Those that wait for an answer, the oldest first."""
        rows = self._db.execute(f"SELECT {_COLUMNS} FROM question WHERE answered IS NULL ORDER BY id")
        return [Question(*row) for row in rows]

    def find(self, number: int) -> Question:
        """One question. Raises UsageError where there is none of this number."""
        row = self._db.execute(f"SELECT {_COLUMNS} FROM question WHERE id = ?", (number,)).fetchone()
        if row is None:
            raise UsageError(f"There is no question {number}.", hint="See them all: phr visit --questions")
        return Question(*row)

    def ask(self, text: str, whom: str | None = None) -> Question:
        """Note a question; one that waits in the same words is not noted twice. Raises UsageError, Busy, StoreError."""
        words, name = _words(text, "question"), " ".join((whom or "").split()) or None
        waiting = self.open()
        for one in waiting:
            same_whom = (one.whom or "").casefold() == (name or "").casefold()
            if same_whom and one.text.casefold() == words.casefold():
                return one
        if len(waiting) >= MOST:
            raise UsageError(
                f"There are {MOST} open questions already.", hint="Close one: phr visit --answered N"
            )
        with self._writing():
            self._db.execute(
                "INSERT INTO question (whom, text, asked) VALUES (?, ?, ?)", (name, words, self._store.now())
            )
            id_ = int(self._db.execute("SELECT last_insert_rowid()").fetchone()[0])
            self._store.audit.note("ask", f"question {id_}")
        return self.find(id_)

    def answer(self, number: int, words: str | None = None) -> Question:
        """Close a question, with what was said where somebody wrote it down; said again, the new words stand."""
        self.find(number)
        said = _words(words, "answer") if words is not None and words.strip() else None
        with self._writing():
            self._db.execute(
                "UPDATE question SET answered = coalesce(answered, ?), answer = coalesce(?, answer) WHERE id = ?",
                (self._store.now(), said, number),
            )
            self._store.audit.note("answer", f"question {number}")
        return self.find(number)

    def remove(self, number: int) -> None:
        """Take a question away for good."""
        self.find(number)
        with self._writing():
            self._db.execute("DELETE FROM question WHERE id = ?", (number,))
            self._store.audit.note("remove question", f"question {number}")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._db.execute(f"PRAGMA busy_timeout = {PATIENCE_MS}")
        try:
            with transaction(self._db):
                yield
        except Exception as error:
            raise in_words(error) from error
        finally:
            self._db.execute("PRAGMA busy_timeout = 30000")


def _words(text: str, noun: str) -> str:
    words = " ".join(text.split())
    if not words:
        raise UsageError(
            f"The {noun} is empty.", hint='phr visit "Dr. Martinez" --ask "Can the dose be halved?"'
        )
    if len(words) > LONGEST:
        raise UsageError(f"A {noun} has {LONGEST:,} characters at most; this one has {len(words):,}.")
    return words
