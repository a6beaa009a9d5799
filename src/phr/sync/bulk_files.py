"""Fetching the files of an export, a few side by side, line by line; what they hold comes out in small portions.

A file is read as it arrives: no file is held in memory or written to a disk, however large. A download that breaks is
begun again as a whole, since keeping the same line twice changes nothing.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from phr.errors import FhirError, NotAuthorized, PhrError, Refused, Unreachable
from phr.fhir import bulk, bundle, outcome, read
from phr.fhir.bulk import Server
from phr.fhir.bulk_lines import Lines
from phr.fhir.bulk_manifest import File, file_address
from phr.fhir.transport import Answer, host_of
from phr.model import Problem, Received
from phr.sync.bulk_wait import Wait
from phr.sync.bulk_whose import Loose, Whose

BATCH = 500
BATCH_BYTES = 2_000_000
TRIES = 3
LIMIT = 1 << 40
"""Bytes of one file: it is never held, so no size is too large."""
IDLE_SECONDS = 3600.0
IDLE_BYTES = 1 << 36
"""So long, and so many bytes, a file may go on without a single line to keep before it is left: it may have no end."""
EXPIRED = frozenset({400, 403, 404, 410})
"""How file stores speak of an address whose time is over; S3 says 403, or 400 for a token that ended."""
ACCEPT = f"{bulk.NDJSON}, application/ndjson;q=0.9, */*;q=0.5"
_PATIENCE = 0.2
UNREADABLE = "is not a readable resource"
TOO_LONG = "is too long for one resource"


@dataclass(slots=True)
class Portion:
    """Some lines of one file. `others` counts the resources of other people, of which nothing else is noted."""

    file: int
    own: list[Received] = field(default_factory=list)
    loose: list[Loose] = field(default_factory=list)
    gone: list[tuple[str, str]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    others: int = 0
    lines: int = 0
    size: int = 0

    @property
    def full(self) -> bool:
        held = len(self.own) + len(self.loose) + len(self.gone) + len(self.problems)
        return held >= BATCH or self.size >= BATCH_BYTES


@dataclass(frozen=True, slots=True)
class Ended:
    """A file came to its end, or could not be had: `error` says why, `expired` that a fresh address may help."""

    file: int
    lines: int = 0
    bytes: int = 0
    error: FhirError | None = None
    expired: bool = False


@dataclass(frozen=True, slots=True)
class Began:
    """A file is asked for (again): what was counted of it so far does not count."""

    file: int


Event = Portion | Began | Ended


@dataclass(frozen=True, slots=True)
class Order:
    """One file to fetch: its place in the list of all, and whether the list says that files need the sign-in."""

    index: int
    file: File
    needs_token: bool | None


def fetch(
    server: Server, orders: Sequence[Order], whose: Whose | None, wait: Wait, *, workers: int
) -> Generator[Event, None, None]:
    """What these files hold, as it arrives. With `whose` None every resource comes as undecided.

    Raises NotAuthorized and Stopped; what else goes wrong with a file is said by its `Ended`. Closing the iterator
    ends the downloads.
    """
    arrived: queue.Queue[Event | BaseException] = queue.Queue(maxsize=workers * 2)
    ending = threading.Event()

    def put(item: Event | BaseException) -> None:
        while True:
            if ending.is_set():
                raise _Ending
            try:
                return arrived.put(item, timeout=_PATIENCE)
            except queue.Full:
                continue

    def work(order: Order) -> None:
        try:
            put(_Download(server, order, whose, wait, put).run())
        except _Ending:
            pass
        except BaseException as error:  # noqa: BLE001 - crosses to the consumer's thread
            with suppress(_Ending):
                put(error)

    left, alone = iter(orders), threading.Lock()

    def take() -> None:
        while not ending.is_set():
            with alone:
                order = next(left, None)
            if order is None:
                return
            work(order)

    # Daemons, and nobody joins them: a download that hangs must not hold up the end of a run (see `sync.crew`).
    for _ in range(min(max(1, workers), len(orders))):
        threading.Thread(target=take, name="phr-bulk", daemon=True).start()
    try:
        ended = 0
        while ended < len(orders):
            try:
                item = arrived.get(timeout=_PATIENCE)
            except queue.Empty:
                wait.stop()
                continue
            if isinstance(item, BaseException):
                raise item
            ended += isinstance(item, Ended)
            yield item
    finally:
        ending.set()


class _Ending(PhrError):
    """Nobody reads any more. A PhrError, so that it passes through the layers below as it is."""

    def __init__(self) -> None:
        super().__init__("The download is no longer needed.")


class _Watch:
    """Takes what arrives, and leaves a file that brings nothing to keep: blank lines, or other people's, without end."""

    def __init__(self, lines: Lines, wait: Wait, url: str) -> None:
        self._lines, self._wait, self._url = lines, wait, url
        self.kept()

    def kept(self) -> None:
        """Something was kept: the count begins anew."""
        self._since, self._from = self._wait.clock(), self._lines.unpacked

    def write(self, content: bytes, /) -> int:
        """Raises Refused when it was enough."""
        self._wait.stop()
        self._lines.write(content)
        idle = self._lines.unpacked - self._from
        if idle > IDLE_BYTES or self._wait.clock() - self._since > IDLE_SECONDS:
            raise Refused(
                f"{host_of(self._url)} goes on sending what does not belong to this record; it was left."
            )
        return len(content)


class _Download:
    """One file."""

    def __init__(
        self, server: Server, order: Order, whose: Whose | None, wait: Wait, put: Callable[[Event], None]
    ) -> None:
        self.server, self.order, self.file, self.whose = server, order, order.file, whose
        self._put = put
        self._portion = Portion(order.index)
        # Pauses of its own: other files may be doing well.
        self._wait = replace(wait, pause=1.0)

    def run(self) -> Ended:
        """The whole file, in as many tries as it takes."""
        index = self.order.index
        try:
            address, bearer = file_address(self.server.base, self.file.url, self.order.needs_token)
        except Refused as refusal:
            return Ended(index, error=refusal)
        trouble: FhirError = Unreachable("A file of the export did not come.")
        for attempt in range(TRIES):
            self._portion = Portion(index)
            self._put(Began(index))
            lines = Lines(self._line)
            watch = _Watch(lines, self._wait, self.file.url)
            self._watch = watch
            asked: float | None = None
            try:
                # A redirect to a file store (Oracle) is followed there, without the bearer.
                answer = self.server.request(
                    "GET", address, {"Accept": ACCEPT}, bearer=bearer, into=watch, limit=LIMIT
                )
                if answer.status in (200, 204) and not answer.looks_like_html:
                    lines.close()
                    self._put(self._portion)
                    return Ended(index, lines.number, lines.bytes)
                trouble = self._refusal(answer)
                asked = bulk.retry_after(answer.headers, self._wait.clock())
            except Unreachable as error:
                trouble = error
            except Refused as refusal:
                return Ended(index, error=refusal)
            if not isinstance(trouble, Unreachable):
                break
            if attempt + 1 < TRIES:
                self._wait.seconds(self._wait.next(asked))
        return Ended(index, error=trouble, expired=trouble.http_status in EXPIRED)

    def _refusal(self, answer: Answer) -> FhirError:
        if answer.status < 300:
            return Unreachable(
                f"{host_of(self.file.url)} sent a web page instead of resources.", http_status=answer.status
            )
        words = f"{host_of(self.file.url)}: {outcome.reason(answer, self.server.bearers)}."
        if answer.status == 401:
            raise NotAuthorized(words, http_status=401)
        passing = answer.status in (408, 425, 429) or answer.status >= 500
        return (Unreachable if passing else Refused)(words, http_status=answer.status)

    # ── one line ────────────────────────────────────────────────────────────────────────────────────

    def _line(self, number: int, line: bytes | None) -> None:
        self._wait.stop()
        portion = self._portion
        portion.lines += 1
        if line is None:
            self._broken(number, TOO_LONG)
        elif self.file.kind == "deleted":
            portion.gone += self._deleted(number, line)
        else:
            self._read(number, line)
            portion.size += len(line)
        if portion.own or portion.gone:
            self._watch.kept()
        if portion.full:
            self._portion = Portion(self.order.index)
            self._put(portion)

    def _read(self, number: int, line: bytes) -> None:
        portion = self._portion
        try:
            page = bundle.split(line, source_type=self.file.type or None)
        except ValueError:
            self._broken(number, UNREADABLE)
            return
        if self.file.kind == "error":
            portion.problems += page.problems
            return
        portion.problems += (replace(one, known=True) for one in page.problems)
        for one in page.received:
            if one.type == "Parameters":
                continue  # the head of a block in files organised by patient (version 3)
            found = self.whose.look(one) if self.whose is not None else Loose(one, frozenset())
            if found is True:
                portion.own.append(one)
            elif found is False:
                portion.others += 1
            elif found is None:
                self._broken(number, UNREADABLE)
            else:
                portion.loose.append(found)

    def _deleted(self, number: int, line: bytes) -> list[tuple[str, str]]:
        """What a transaction Bundle of DELETE requests names (Bulk Data 2.0, "deleted")."""
        try:
            wrapper = read.parse_json(line)
        except ValueError:
            wrapper = None
        if not isinstance(wrapper, dict) or wrapper.get("resourceType") != "Bundle":
            self._broken(number, "is not a readable list of what was deleted")
            return []
        found: list[tuple[str, str]] = []
        for entry in read.dicts(wrapper.get("entry")):
            request = entry.get("request")
            if not isinstance(request, dict) or request.get("method") != "DELETE":
                continue
            target = read.reference(request.get("url"))
            if target is not None:
                type_, _, id_ = target.partition("/")
                found.append((type_, id_))
        return found

    def _broken(self, number: int, words: str) -> None:
        # Whose it is cannot be known, so its bytes are not kept.
        self._portion.problems.append(Problem(self.file.type or "line", words, id=f"line {number}"))
