"""Keep one page of one search, with the state of its pass, in one transaction.

Whoever fetched the page goes on fetching meanwhile: a small number of pages may wait, so memory stays flat and
the writer never idles. Pages of one search are kept in their order, and once one of them could not be kept, none after it
is: the next run goes on exactly there.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import msgspec

from phr.errors import FhirError, Stopped
from phr.fhir import dates
from phr.model import Connection, Page, Problem, Received, Search
from phr.store.store import Store
from phr.sync import person as whose
from phr.sync.desk import Desk
from phr.sync.tally import Tally

BACKLOG = 6
"""Pages of one connection that may wait for the writer."""
BACKLOG_BYTES = 16 << 20
"""So large may they be together; one that is larger waits alone."""
AHEAD = 86_400
"""Seconds that a server's clock may be ahead of ours and still be believed."""
_PATIENCE = 0.2
_FIELD = 1 << 20
EVERYTHING = "$everything"


@dataclass(slots=True, eq=False)
class Task:
    """One search to ask to its end, and how far it is."""

    search: Search
    resume: str | None = field(default=None, repr=False)
    """The next link of a pass that was interrupted."""
    came: int = 0
    """How many it had brought until then."""
    search_id: int | None = None
    pages: int = 0
    no_count: bool = False
    trouble: BaseException | None = field(default=None, repr=False)
    """Why its pages could not be kept any more."""
    error: FhirError | None = None
    dropped: int = 0
    """How many others of its type were given up with it."""
    ended: bool = False
    """All its pages were fetched; or it ended in an earlier run of the same effort."""
    instead_of: Task | None = None
    met: bool = False
    """This `$everything` has brought something of the patient who was asked for."""

    @property
    def type(self) -> str:
        return self.search.type.partition("/")[0]

    @property
    def first(self) -> Task:
        """What it is asked in the place of, in the end."""
        return self if self.instead_of is None else self.instead_of.first

    @property
    def filter(self) -> str:
        return self.search.filter or (EVERYTHING if self.everything else "")

    @property
    def everything(self) -> bool:
        return self.search.type.endswith(EVERYTHING)


class Keeper:
    """Where the pages of one connection are handed in."""

    def __init__(
        self,
        desk: Desk,
        connection: Connection,
        tally: Tally,
        stopping: threading.Event,
        shown: Callable[[str, int], None],
        *,
        person: whose.Person | None = None,
        now: str | None = None,
    ) -> None:
        """`person`: whose record it is; `now`: our clock."""
        self._desk, self._key, self._tally = desk, connection.key, tally
        self._stopping, self._shown = stopping, shown
        self._person = person
        self._latest = began.timestamp() + AHEAD if (began := moment(now)) else None
        self._room = _Room()
        self._others: Counter[str] = Counter()
        self.closed = False
        """The run is written down: what still arrives is for the next one."""
        self._passes: dict[str, list[int]] = {}
        """The searches of each type whose pass belongs to this effort."""
        self._met = bytearray(_FIELD)
        """A bit for each resource that came in this run, by a hash: who is not in here did not come before."""
        self._resumed = False

    def belongs(self, task: Task) -> None:
        """A pass that was begun in an earlier run belongs to this effort."""
        numbers = self._passes.setdefault(task.type, [])
        if task.search_id is not None and task.search_id not in numbers:
            numbers.append(task.search_id)
        if task.resume or task.ended:
            self._resumed = True

    def hand_in(self, task: Task, page: Page, now: float) -> None:
        """Have a page kept; waits only while too many are waiting. `now`: the server's clock. Raises Stopped."""
        task.pages += 1
        strangers: Sequence[Received] = ()
        if self._person is not None and task.everything:
            page, strangers, task.met = whose.of_everything(self._person, page, met=task.met)
        elif self._person is not None:
            page = self._without_others(task, self._person, page)
        task.no_count |= page.no_count
        newest, undated = _ages(task, page.received, min(now, self._latest or now))
        while not self._room.acquire(page.bytes):
            if self._stopping.is_set():
                raise Stopped
        try:
            self._desk.hand(lambda store: self._keep(store, task, page, strangers, newest, undated))
        except BaseException:
            self._room.release(page.bytes)
            raise

    def _without_others(self, task: Task, person: whose.Person, page: Page) -> Page:
        """A search for one patient that brings another's has gone astray: these are left out, and it proves nothing."""
        others = person.others(page.received)
        if not others:
            return page
        with self._room.changed:
            self._others[task.type] += len(others)
        left_out = {id(one) for one in others}
        own = tuple(one for one in page.received if id(one) not in left_out)
        return replace(page, received=own, flawed=page.flawed or whose.DISOWNED)

    def tell(self) -> None:
        """Say how much of other people was left out."""
        with self._room.changed:
            left_out, self._others = self._others, Counter()
        for type_, number in sorted(left_out.items()):
            self._tally.broken(Problem(type_, f"{number} of other people were left out"))

    def _keep(
        self,
        store: Store,
        task: Task,
        page: Page,
        strangers: Sequence[Received],
        newest: str | None,
        undated: int,
    ) -> None:
        try:
            if self.closed:
                raise Stopped
            if task.trouble is None:
                self._write(store, task, page, strangers, newest, undated)
        except BaseException as error:
            task.trouble = error
            raise
        finally:
            self._room.release(page.bytes)

    def _write(
        self,
        store: Store,
        task: Task,
        page: Page,
        strangers: Sequence[Received],
        newest: str | None,
        undated: int,
    ) -> None:
        """Keep what is worth it, and note as seen all that came: each pass knows by itself what it has brought."""
        passes = store.passes
        if page.restarted:
            task.search_id = None  # begun anew in the table too, with nothing seen
        received, here = self._worth_keeping(store, task, page.received)
        disowned = passes.any_here(self._key, [(one.type, one.id) for one in strangers])
        number = task.search_id

        def within(rows: Sequence[int]) -> None:
            nonlocal number
            if number is None:
                number = passes.begin(self._key, task.type, task.filter, task.search.since)
            seen, flawed = {*rows, *here}, page.flawed
            if flawed is None and len(seen) < len({(one.type, one.id) for one in page.received}):
                flawed = "a resource could not be kept"
            if disowned:
                flawed = flawed or "something that is kept came as another patient's"
            own = sum(one.type == task.type or task.everything for one in page.received)
            passes.page(
                number,
                list(seen),
                came=own,
                next_url=page.next_url,
                newest=newest,
                undated=undated,
                flawed=flawed,
            )
            if page.next_url is None:
                passes.end(number)

        saved = store.save(self._key, received, within=within)
        task.search_id = number
        self.belongs(task)
        self._tally.saved(saved)
        for problem in page.problems:
            if problem.known:
                self._tally.note(problem)
            else:
                self._tally.broken(problem)
        self._shown(task.type, len(page.received))

    def _worth_keeping(
        self, store: Store, task: Task, received: Sequence[Received]
    ) -> tuple[list[Received], list[int]]:
        """Without what this effort has brought already in the same or a later version (the order of pages is not
        that of versions); and the rows of that."""
        latest: dict[tuple[str, str], Received] = {}
        for one in received:
            before = latest.get((one.type, one.id))
            if before is None or not _older(one.last_updated, before.last_updated):
                latest[one.type, one.id] = one
        numbers = self._passes.get(task.type, ())
        ids = [one.id for one in latest.values() if one.type == task.type and self._may_have_come(one)]
        here: list[int] = []
        for id_, (row, raw) in store.passes.brought(self._key, task.type, numbers, ids).items():
            one = latest[task.type, id_]
            if one.raw == raw or (one.last_updated and _older(one.last_updated, last_updated(raw))):
                del latest[task.type, id_]
                here.append(row)
        return list(latest.values()), here

    def _may_have_come(self, one: Received) -> bool:
        """Whether it is worth looking up. A set of a million ids would not stay flat; this errs for few of them."""
        place = hash((one.type, one.id)) % (8 * _FIELD)
        at, bit = place >> 3, 1 << (place & 7)
        met = bool(self._met[at] & bit)
        self._met[at] |= bit
        return met or self._resumed


class _Room:
    """What may wait for the writer: a few pages, and not too many bytes."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self._pages = self._bytes = 0

    def acquire(self, size: int) -> bool:
        """Take a place; False when there was none for a moment."""
        with self.changed:
            if not self.changed.wait_for(lambda: self._fits(size), _PATIENCE):
                return False
            self._pages, self._bytes = self._pages + 1, self._bytes + size
            return True

    def release(self, size: int) -> None:
        with self.changed:
            self._pages, self._bytes = self._pages - 1, self._bytes - size
            self.changed.notify_all()

    def _fits(self, size: int) -> bool:
        return not self._pages or (self._pages < BACKLOG and self._bytes + size <= BACKLOG_BYTES)


class _Meta(msgspec.Struct):
    lastUpdated: str | None = None  # noqa: N815 (FHIR's name)


class _Head(msgspec.Struct):
    meta: _Meta | None = None


_head = msgspec.json.Decoder(_Head)


def last_updated(raw: bytes) -> str | None:
    """`meta.lastUpdated` of stored bytes."""
    try:
        meta = _head.decode(raw).meta
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None
    return meta.lastUpdated if meta else None


def moment(text: str | None) -> datetime | None:
    """A FHIR instant as a moment; without a time zone it is read as UTC."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _older(one: str | None, other: str | None) -> bool:
    here, there = moment(one), moment(other)
    return here is not None and there is not None and here < there


def _ages(task: Task, received: Iterable[Received], now: float) -> tuple[str | None, int]:
    """The newest date of change that can be believed, and how many of the type have none."""
    newest, undated = 0.0, 0
    for one in received:
        if one.type != task.type and not task.everything:
            continue
        found = moment(one.last_updated)
        if found is None:
            undated += 1
        elif newest < (seconds := found.timestamp()) <= now:
            newest = seconds
    return (dates.instant(datetime.fromtimestamp(newest, UTC)) if newest else None), undated


def everything_again(search: Search) -> Search:
    """The same search, asking for everything instead of what changed."""
    params = tuple(pair for pair in search.params if pair[0].lower() not in ("_lastupdated", "_since"))
    return replace(search, params=params, since=None)
