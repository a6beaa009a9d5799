"""From when to when: the last look, a date as people say it, or an instant; as bounds of what the store notes.

What counts is when we learned of something, so the bounds are instants. A date is the person's own day, from its first
second on the clock of this computer to its last.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import orjson

from phr.errors import UsageError
from phr.fhir import dates
from phr.views.look import LOOKED, looked

if TYPE_CHECKING:
    from phr.store.store import Store

LAST_LOOK = "last-look"
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Window:
    """What was learned after `after` and up to `upto`; None leaves that side open."""

    after: str | None
    """Exclusive."""
    upto: str | None
    """Inclusive."""
    since: str | None
    """As it is told: the first instant that belongs, or that of the last look."""
    until: str
    look: bool = False
    """Whether it begins at the last look."""

    def holds(self, instant: str | None) -> bool:
        """Whether this moment lies within."""
        return (
            instant is not None
            and (self.after is None or instant > self.after)
            and (self.upto is None or instant <= self.upto)
        )

    def covers_all_since_look(self, store: Store) -> bool:
        """Whether all that the person has not seen yet lies within: then showing it is a look."""
        if self.upto is not None:
            return False
        seen = last_look(store)
        return self.after is None or (seen is not None and self.after <= seen)

    def before(self, instant: str | None) -> bool:
        """Whether this moment lies before it all."""
        return instant is not None and self.after is not None and instant <= self.after


def window(store: Store, since: str | None = None, until: str | None = None) -> Window:
    """The window of these two FHIR dates or instants; without `since` from the last look on.

    Raises UsageError for what is no date, and for a beginning that is not before the end.
    """
    now = store.now()
    upto = None if until is None else _last(until)
    begin = last_look(store) if since is None else _before(since)
    end = min(upto, now) if upto is not None else now
    if begin is not None and begin >= end and since is not None:
        raise UsageError(
            "The time that was asked for has not begun, or ends before it begins.",
            hint="Such as: phr diff --since 2024-03, phr diff --since 2024 --until 2024-06",
        )
    told = begin if since is None else dates.instant(_instant(begin) + _SECOND) if begin else None
    return Window(begin, upto, told, end, since is None)


def last_look(store: Store) -> str | None:
    """Up to when the person has seen what there was; None when they never looked.

    Looking twice within an hour is one look (`views.look`). In the very first one nothing had been seen before; but
    what came after it began is news of its own, and all the rest was there to be seen.
    """
    found = looked(store)
    if found is not None:
        return found
    try:
        told = orjson.loads(store.setting(LOOKED) or "null")
    except ValueError:
        return None
    begin = told.get("begin") if isinstance(told, dict) else None
    return begin if isinstance(begin, str) and begin <= store.now() and _came_since(store, begin) else None


_LATEST = (
    "SELECT (SELECT first_seen FROM resource ORDER BY id DESC LIMIT 1)",
    "SELECT (SELECT replaced FROM resource_version ORDER BY id DESC LIMIT 1)",
    "SELECT max(since) FROM tombstone",
    "SELECT max(since) FROM absence",
)


def _came_since(store: Store, begin: str) -> bool:
    return any((store.db.execute(query).fetchone()[0] or "") > begin for query in _LATEST)


def _before(text: str) -> str:
    """The last second before this date begins."""
    return dates.instant(_edge(text, "--since")[0] - _SECOND)


def _last(text: str) -> str:
    """The last second of this date."""
    return dates.instant(_edge(text, "--until")[1] - _SECOND)


def _edge(text: str, option: str) -> tuple[datetime, datetime]:
    """The first moment of a date, and the first one after it."""
    when = dates.parse(text)
    if when is None:
        raise UsageError(
            f"{option} {text} is not a date.", hint="Such as: last-look, 2024, 2024-03-15, “last march”"
        )
    begin, end = (datetime.fromtimestamp(at, UTC) for at in (when.start, when.end))
    if when.precision in ("minute", "second"):
        return begin, end
    return _here(begin), _here(end)


def _here(midnight: datetime) -> datetime:
    """The same day and hour on the clock of this computer."""
    return midnight.replace(tzinfo=None).astimezone().astimezone(UTC)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
