"""Waiting for a server that prepares an export: patiently, within bounds, and never deaf to Ctrl-C.

The server's word (`Retry-After`) counts before ours; without it the pauses grow from a second to a minute. When nothing
has moved for an hour that is said, once an hour, and the waiting goes on until `patience` is over; the next run then
asks at the same status address.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from phr.errors import FhirError, Refused, Stopped, Unreachable
from phr.fhir import bulk
from phr.fhir.bulk import Ask, Begun, Later, Lost, Preparing, Server
from phr.fhir.bulk_manifest import MOST_FILES, Manifest, too_many_files

SHORTEST, LONGEST = 1.0, 60.0
HOUR = 3600.0
PATIENCE = 24 * HOUR
KICK_OFF_PATIENCE = HOUR
PAGES = 1000
"""Pages of one list of files that are asked for, each some time after the one before."""
BETWEEN_PAGES = 0.5
TROUBLES = 8
"""So many unanswered or broken answers in a row are waited through while an export is prepared."""
FAILURES = 3
"""So many times in a row a server may say that the export failed before it is believed."""
_SLICE = 1.0


@dataclass(slots=True)
class Wait:
    """How time passes: a clock and a sleep that tests can turn, and who may end the wait."""

    clock: Callable[[], float]
    sleep: Callable[[float], None]
    stopping: threading.Event
    patience: float = PATIENCE
    pause: float = field(default=SHORTEST)

    def stop(self) -> None:
        """Raise Stopped if the run is to end; what was reached is kept."""
        if self.stopping.is_set():
            raise Stopped("The export was left where it is.", hint="The next run goes on there.")

    def seconds(self, seconds: float) -> None:
        """Wait, in short pieces. Raises Stopped."""
        left = seconds
        while left > 0:
            self.stop()
            self.sleep(min(left, _SLICE))
            left -= _SLICE
        self.stop()

    def next(self, asked: float | None) -> float:
        """How long to wait now: as asked, at most an hour at a time, else a little longer than before."""
        if asked is not None:
            return min(max(asked, SHORTEST), HOUR)
        pause, self.pause = self.pause, min(self.pause * 2, LONGEST)
        return pause

    def reset(self) -> None:
        """Begin with short pauses again."""
        self.pause = SHORTEST


def begin(server: Server, ask: Ask, wait: Wait) -> Begun:
    """Kick an export off, waiting while the server says "later". Raises Refused, Unreachable, Stopped."""
    wait.reset()
    deadline = wait.clock() + min(KICK_OFF_PATIENCE, wait.patience)
    troubles = 0
    while True:
        wait.stop()
        answer = bulk.kick_off(server, ask, wait.clock())
        if isinstance(answer, Begun):
            return answer
        troubles += answer.seconds is None
        pause = wait.next(answer.seconds)
        if troubles >= TROUBLES or wait.clock() + pause > deadline:
            if answer.busy:
                raise bulk.one_at_a_time(server.base, answer.http_status)
            raise Unreachable(answer.words, http_status=answer.http_status, hint="Try again later.")
        wait.seconds(pause)


def prepared(
    server: Server,
    status_url: str,
    wait: Wait,
    *,
    moved: Callable[[str | None, float | None], None],
    still: Callable[[int], None],
) -> tuple[Manifest, ...] | None:
    """Wait until the list of files is there; all its pages. None when the server knows nothing of the export.

    `moved(words, share)` is told when the server says something new, `still(hours)` once an hour when it does not.
    Raises Refused when the export failed; Unreachable when patience ends, and Stopped: both can be gone on from.
    """
    wait.reset()
    pages: list[Manifest] = []
    asked: set[str] = set()
    files = 0
    url: str | None = status_url
    while url is not None:
        if url in asked:
            raise Refused("The export's list of files goes round in circles.")
        if len(asked) >= PAGES or files > MOST_FILES:
            raise too_many_files(server.base)
        if pages:
            wait.seconds(BETWEEN_PAGES)
        asked.add(url)
        page = _page(server, url, wait, moved, still)
        if page is None:
            return None
        pages.append(page)
        files += len(page.files)
        url = page.next_url
    if files > MOST_FILES:
        raise too_many_files(server.base)
    return tuple(pages)


def _page(
    server: Server,
    url: str,
    wait: Wait,
    moved: Callable[[str | None, float | None], None],
    still: Callable[[int], None],
) -> Manifest | None:
    began = quiet_since = wait.clock()
    words, hours, troubles = "", 0, _Troubles()
    while True:
        wait.stop()
        answer = _ask(server, url, wait.clock())
        if isinstance(answer, Manifest):
            return answer
        if isinstance(answer, Lost):
            return None
        if isinstance(answer, Later):
            troubles.met(answer)
        elif isinstance(answer, Preparing):
            troubles.over()
            if (answer.progress or "") != words:
                words, quiet_since, hours = answer.progress or "", wait.clock(), 0
                moved(answer.progress, answer.share)
        if wait.clock() - began >= wait.patience:
            raise Unreachable(
                f"The export is not ready after {int(wait.patience // HOUR) or 1} hours.",
                hint="The next run asks for the same export again.",
            )
        if (now := int((wait.clock() - quiet_since) // HOUR)) > hours:
            hours = now
            still(hours)
        wait.seconds(wait.next(answer.seconds))


def _ask(server: Server, url: str, now: float) -> Preparing | Manifest | Lost | Later:
    """A connection that broke is waited through as a server that stumbled."""
    try:
        return bulk.status(server, url, now)
    except Unreachable as error:
        return Later(error.message, http_status=error.http_status)


class _Troubles:
    """Answers in a row that say nothing of the export."""

    def __init__(self) -> None:
        self._count = self._failures = 0

    def over(self) -> None:
        self._count = self._failures = 0

    def met(self, answer: Later) -> None:
        """Raise when there have been enough."""
        self._count += answer.http_status != 429
        self._failures += answer.told
        error: type[FhirError] | None = None
        if self._failures >= FAILURES:
            error = Refused
        elif self._count >= TROUBLES:
            error = Unreachable
        if error is not None:
            raise error(answer.words, http_status=answer.http_status, hint="Try again later.")
