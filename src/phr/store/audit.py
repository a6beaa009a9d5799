"""What was done with the data: append-only, each line bound to the one before by a hash.

Names of commands, connections and counts only: never a clinical word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from phr.model import AuditEvent

if TYPE_CHECKING:
    from phr.store.store import Store


class Audit:
    """The log of one record."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def note(self, action: str, objects: str = "", outcome: str = "done", actor: str = "owner") -> None:
        """Append one event."""
        db = self._store.db
        event = AuditEvent(self._store.now(), actor, action, objects, outcome)
        row = db.execute("SELECT hash FROM audit_event ORDER BY id DESC LIMIT 1").fetchone()
        db.execute(
            "INSERT INTO audit_event (time, actor, action, objects, outcome, hash) VALUES (?, ?, ?, ?, ?, ?)",
            (
                event.time,
                event.actor,
                event.action,
                event.objects,
                event.outcome,
                _chain(row[0] if row else b"", event),
            ),
        )

    def events(self, limit: int = 100) -> list[AuditEvent]:
        """The newest events first."""
        rows = self._store.db.execute(
            "SELECT time, actor, action, objects, outcome FROM audit_event ORDER BY id DESC LIMIT ?", (limit,)
        )
        return [AuditEvent(*row) for row in rows]

    def intact(self) -> bool:
        """Whether every line still carries the hash of its own words and of the line before."""
        before = b""
        for *words, found in self._store.db.execute(
            "SELECT time, actor, action, objects, outcome, hash FROM audit_event ORDER BY id"
        ):
            if _chain(before, AuditEvent(*words)) != found:
                return False
            before = found
        return True


def _chain(before: bytes, event: AuditEvent) -> bytes:
    from hashlib import sha256  # only needed by those who write

    words = (event.time, event.actor, event.action, event.objects, event.outcome)
    return sha256(before + orjson.dumps(words)).digest()
