"""What the last runs skipped, as far as it says what the next one will skip: that is no news."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

_PASSING = "p.known = 0 AND (p.http_status IS NULL OR p.http_status IN (408, 429) OR p.http_status >= 500)"
"""A trouble that says nothing about what the server gives: the question was not answered."""


def skipped_before(db: Any, source_key: str) -> set[tuple[str, str | None, str]]:
    """What of a source was skipped when it was last asked for. See `Runs.skipped_before`."""
    known: set[tuple[str, str | None, str]] = set()
    refusals, entries = _Unanswered(), _Unanswered()
    for run in _comparable(db, source_key):
        rows = db.execute(
            f"SELECT p.type, p.fhir_id, coalesce(p.http_status, p.reason), {_PASSING} FROM problem p"
            " WHERE p.run_id = ?",
            (run.job,),
        ).fetchall()
        for type_, id_, word, _ in rows:
            if (refusals if id_ is None else entries).has(type_):
                known.add((type_, id_, str(word)))
        if run.whole_answer:
            troubled = {row[0] for row in rows if row[3]}
            refusals.answered(run.types, troubled)
            if run.mode == "full" and run.documents:
                entries.answered(run.types, troubled)
        if refusals.nothing and entries.nothing:
            break
    return known


def _comparable(db: Any, source_key: str) -> Iterable[_Compared]:
    """The runs of a source that ended with an answer, the newest first."""
    rows = db.execute(
        "SELECT r.id, r.status, r.mode, r.error, r.wish FROM sync_run r JOIN source s ON s.id = r.source_id"
        " WHERE s.key = ? AND r.status NOT IN ('queued', 'running') ORDER BY r.id DESC LIMIT 2000",
        (source_key,),
    ).fetchall()
    for at, (job, status, mode, error, wish) in enumerate(rows):
        if status in ("completed", "partial"):
            older = rows[at + 1] if at + 1 < len(rows) else None
            # The one before was cut short, so this one may have gone on from there.
            went_on = older is not None and (older[1] == "cancelled" or bool(older[3]))
            yield _Compared(job, mode, bool(error) or went_on, orjson.loads(wish))


class _Compared:
    """A finished run as far as the next one may be compared with it."""

    def __init__(self, job: int, mode: str, in_part: bool, wish: Mapping[str, Any]) -> None:
        self.job, self.mode = job, mode
        self.types = frozenset(wish.get("types") or ())
        """What it asked for; empty: everything."""
        self.documents = bool(wish.get("documents", True))
        self.whole_answer = not in_part and mode in ("full", "incremental")


class _Unanswered:
    """The types that no run looked at so far has settled, going back in time."""

    def __init__(self) -> None:
        self._left: set[str] | None = None  # None: all that are not among the done
        self._done: set[str] = set()

    def has(self, type_: str) -> bool:
        return type_ not in self._done and (self._left is None or type_ in self._left)

    def answered(self, types: frozenset[str], troubled: set[str]) -> None:
        """A run asked for `types` (empty: all) and met an answer for each that is not `troubled`."""
        if types:
            self._done |= types - troubled
        else:
            self._left = troubled if self._left is None else self._left & troubled

    @property
    def nothing(self) -> bool:
        return self._left is not None and not self._left - self._done
