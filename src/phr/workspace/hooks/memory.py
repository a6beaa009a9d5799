"""What was told already, so that a failure of every night is not told every night. It lies in the record file."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import orjson

from phr.fhir import dates

if TYPE_CHECKING:
    from phr.store.store import Store

News = tuple[str, str]
"""A connection, and what is the matter with it."""
_NAME = "hooks"
_FORGET = timedelta(days=60)


class Memory:
    """When each thing was last told, by event, connection and matter."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._told: dict[str, dict[str, str]] = orjson.loads(store.setting(_NAME) or "{}")

    def days_since(self, event: str, news: News, now: datetime) -> float:
        """Calendar days, here, since it was told; infinite when it was not. Dates, since runs have jitter."""
        told = self._told.get(event, {}).get(_key(news))
        if told is None:
            return float("inf")
        return (now.astimezone().date() - datetime.fromisoformat(told).astimezone().date()).days

    def note(self, event: str, news: Iterable[News], now: datetime) -> None:
        """It was told now."""
        self._told.setdefault(event, {}).update(dict.fromkeys(map(_key, news), dates.instant(now)))
        oldest = dates.instant(now - _FORGET)
        kept: dict[str, Any] = {
            name: {key: told for key, told in found.items() if told >= oldest}
            for name, found in self._told.items()
        }
        self._write(kept)

    def mended(self, event: str, connection: str) -> None:
        """What was the matter with a connection is over: when it happens again, it is news."""
        found = self._told.get(event, {})
        over = [key for key in found if key.startswith(_of(connection))]
        if over:
            for key in over:
                del found[key]
            self._write(self._told)

    def _write(self, told: dict[str, Any]) -> None:
        self._told = told
        self._store.note_setting(_NAME, orjson.dumps(told).decode())


def _of(connection: str) -> str:
    return sha256(connection.encode()).hexdigest()[:12] + "/"


def _key(news: News) -> str:
    return _of(news[0]) + sha256(news[1].encode()).hexdigest()[:16]
