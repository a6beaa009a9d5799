"""`pull_bulk`: a whole record by one Bulk Data export (HL7 Bulk Data Access 2.0), gone on from after any interruption.

Kicked off, waited for, fetched, kept, let go. What is under way stands in the record (`store.bulk`): the status address
as soon as the server has said it, the list of files as soon as it is there, and which files are done. The next run goes
on at the first thing that is not done; when the server has forgotten the export it is asked for anew, once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from phr.errors import Refused, Unreachable
from phr.fhir import bulk, dates
from phr.fhir.bulk import Ask, Server
from phr.fhir.bulk_manifest import Manifest
from phr.model import Connection, Problem, Vendor
from phr.sync import bulk_wait
from phr.sync.bulk_book import Book
from phr.sync.bulk_keep import Keeper
from phr.sync.bulk_wait import PATIENCE, Wait
from phr.sync.bulk_words import EXPORT
from phr.sync.desk import Desk
from phr.sync.tally import Tally
from phr.sync.wish import Progress

if TYPE_CHECKING:
    from phr.store.bulk import Export
    from phr.store.store import Store

WORKERS = 3
_AHEAD = 86_400.0
"""Seconds by which a server's clock may be before ours; what is later has not happened."""


@dataclass(frozen=True, slots=True)
class BulkDone:
    """What one export brought; the counts of resources are in the tally."""

    transaction_time: str | None
    """What the next export asks from; None unless everything came."""
    files: int
    bytes: int
    left_out: int
    """Resources of other people, and those that nothing in this record points at."""
    complete: bool


@dataclass(frozen=True, slots=True)
class _Task:
    """What all steps need."""

    server: Server
    desk: Desk
    connection: Connection
    ask: Ask
    patients: frozenset[str] = field(repr=False)
    tally: Tally
    wait: Wait
    progress: Callable[[Progress], None]
    workers: int


class _Forgotten(Exception):
    """The server knows nothing of this export any more."""


def pull_bulk(
    client: Server,
    desk: Desk,
    connection: Connection,
    vendor: Vendor,
    level: str,
    *,
    since: str | None,
    types: tuple[str, ...],
    patient_ids: frozenset[str],
    tally: Tally,
    progress: Callable[[Progress], None],
    stopping: threading.Event,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
    full: bool = False,
    filters: tuple[str, ...] = (),
    workers: int = WORKERS,
    patience: float = PATIENCE,
) -> BulkDone:
    """Bring what one export holds of these Patients; `level` is `patient`, `group:ID` or `system`.

    Without `since` and `full` it asks for what changed since the last completed export of the same kind. What could not
    be had is named in the tally, and then `complete` is false. Raises Refused, Unreachable, NotAuthorized, UsageError
    (several people and nobody named), Stopped: after all but Refused the next call goes on where this one ended.
    """
    key = connection.key
    if since is None and not full:
        question = Ask(level, None, types, filters).url(client.base)
        latest = clock() + _AHEAD
        since = desk.do(lambda store: store.bulk.last_time(key, question, latest))
    task = _Task(
        server=client,
        desk=desk,
        connection=connection,
        ask=Ask(level, since, types, filters),
        patients=patient_ids or frozenset({connection.patient_id} if connection.patient_id else ()),
        tally=tally,
        wait=Wait(clock, sleep, stopping, patience),
        progress=progress,
        workers=workers,
    )
    return _run(task)


def cancel(client: Server, store: Store | Desk, connection: Connection) -> bool:
    """Give up what is under way for this connection, and tell the server; whether there was anything."""

    desk = store if isinstance(store, Desk) else Desk(store)
    exports = desk.do(lambda store: store.bulk.under_way(connection.key))
    for one in exports:
        _give_up(client, one, desk)
    return bool(exports)


def _give_up(client: Server, export: Export, desk: Desk) -> None:
    if export.status_url:
        bulk.let_go(client, export.status_url)
    desk.do(lambda store: store.bulk.end(export.id, "cancelled"))


def _run(task: _Task) -> BulkDone:
    """Go on with what is under way, else begin."""
    desk, found = task.desk, _under_way(task)
    if found is not None:
        try:
            return _go_on(task, found, resumed=True)
        except _Forgotten:
            desk.do(lambda store: store.bulk.end(found.id, "failed"))
    begun = _kick_off(task)
    try:
        return _go_on(task, begun, resumed=False)
    except _Forgotten:
        desk.do(lambda store: store.bulk.end(begun.id, "failed"))
        raise Refused(
            "The server has forgotten the export that it was preparing.",
            hint="Try again; if it happens again, sync without --bulk.",
        ) from None


def _under_way(task: _Task) -> Export | None:
    """The export to go on with. Others of this connection are in its way and are given up."""
    wanted = task.ask.url(task.server.base)
    found: Export | None = None
    for one in task.desk.do(lambda store: store.bulk.under_way(task.connection.key)):
        if found is None and one.request == wanted and one.status_url:
            found = one
        else:
            _give_up(task.server, one, task.desk)
    return found


def _kick_off(task: _Task) -> Export:
    _show(task, EXPORT)
    begun = bulk_wait.begin(task.server, task.ask, task.wait)
    for name in sorted(begun.dropped):
        task.tally.note(Problem(EXPORT, f"the server does not take {name}; it was asked without"))
    since = None if "_since" in begun.dropped else task.ask.since
    request, key = task.ask.url(task.server.base), task.connection.key

    def work(store: Store) -> Export:
        number = store.bulk.begin(key, task.ask.level, request, begun.status_url, since)
        return next(one for one in store.bulk.under_way(key) if one.id == number)

    return task.desk.do(work)


def _go_on(task: _Task, export: Export, *, resumed: bool) -> BulkDone:
    """From wherever it is to its end. Raises _Forgotten when the server does not know it any more."""
    try:
        transaction_time, book = _files(task, export)
        keeper = _keep(task, export, book, resumed)
    except Refused:
        task.desk.do(lambda store: store.bulk.end(export.id, "failed"))
        raise
    if book.whole:
        task.desk.do(lambda store: store.bulk.end(export.id, "completed"))
        if export.status_url:
            bulk.let_go(task.server, export.status_url)
    elif not book.open:
        task.desk.do(lambda store: store.bulk.end(export.id, "failed"))
    _show(task, EXPORT, share=book.share, done=book.whole)
    return BulkDone(
        transaction_time=transaction_time if book.whole else None,
        files=len(book.entries),
        bytes=sum(entry.bytes for entry in book.entries),
        left_out=sum(keeper.left_out),
        complete=book.whole,
    )


def _files(task: _Task, export: Export) -> tuple[str | None, Book]:
    """The transaction time and the list of files: from the record, else waited for."""
    if export.state == "downloading" and export.manifest is not None:
        return export.transaction_time, Book.loads(export.manifest)
    pages = _wait(task, export)
    times = [page.transaction_time for page in pages if page.transaction_time]
    if any(_is_to_come(task, time) for time in times):
        times = []
    if not times:
        words = "the list does not say of which time it is, or of none that can be"
        task.tally.note(Problem(EXPORT, f"{words}; the next export asks for everything"))
    book = Book.of(pages, task.ask.types)
    task.desk.do(lambda store: store.bulk.ready(export.id, min(times, default=None), book.dumps()))
    return min(times, default=None), book


def _is_to_come(task: _Task, time: str) -> bool:
    """Whether an export says that it is of a time after now: changes until then would never be asked for."""
    read = dates.parse(time)
    return read is None or read.start > task.wait.clock() + _AHEAD


def _wait(task: _Task, export: Export) -> tuple[Manifest, ...]:
    if export.status_url is None:
        raise _Forgotten

    def moved(words: str | None, share: float | None) -> None:
        task.desk.do(lambda store: store.bulk.progress(export.id, words))
        _show(task, f"{EXPORT}: {words}" if words else EXPORT, share=share)

    def still(hours: int) -> None:
        words = f"nothing has moved for {hours} hour" + ("s" if hours > 1 else "")
        task.tally.note(Problem(EXPORT, f"{words} while the server prepared it"))
        _show(task, f"{EXPORT}: {words}")

    pages = bulk_wait.prepared(task.server, export.status_url, task.wait, moved=moved, still=still)
    if pages is None:
        raise _Forgotten
    return pages


def _keep(task: _Task, export: Export, book: Book, resumed: bool) -> Keeper:
    renewed = False

    def renew() -> bool:
        """Addresses expire: the status address knows fresh ones, as long as the server keeps the export."""
        nonlocal renewed
        if renewed:
            return False
        renewed = True
        try:
            book.renew(_wait(task, export))
        except _Forgotten:
            if resumed:
                raise
            return False
        except (Refused, Unreachable) as error:
            task.tally.heard(error)
            return False
        return True

    keeper = Keeper(
        task.server,
        task.desk,
        task.connection.key,
        export.id,
        book,
        task.tally,
        task.wait,
        everything=export.since is None,
        renew=renew,
        show=lambda type_, seen, new, share: _show(task, type_, seen, new, share),
        workers=task.workers,
    )
    keeper.run(task.patients)
    return keeper


def _show(
    task: _Task, type_: str, seen: int = 0, new: int = 0, share: float | None = None, *, done: bool = False
) -> None:
    task.progress(Progress(task.connection.name, type_, seen, new, done, phase="bulk", share=share))
