"""Keeping what an export brought: what the server took back, the Patients, what names them, and then what supports it.

Memory stays flat: undecided resources are not collected but read again when there is something new to decide them by.
Supporting types come last, because only what the person's own resources point at is kept of them. An export that holds
this person alone is kept whole.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from phr.errors import FhirError, Refused, Unreachable, UsageError
from phr.fhir.bulk import Server
from phr.model import Change, Problem, Received
from phr.store.resources import Saved
from phr.sync.bulk_book import DONE, FAILED, NEW, READ, Book, Entry
from phr.sync.bulk_files import Began, Ended, Order, Portion, fetch
from phr.sync.bulk_wait import Wait
from phr.sync.bulk_whose import Loose, Whose, order
from phr.sync.bulk_words import EXPORT, Remarks, Words
from phr.sync.tally import Tally

if TYPE_CHECKING:
    from phr.store.store import Store
    from phr.sync.desk import Desk

T = TypeVar("T")
ROUNDS = 3
"""So often files with undecided resources are read, at most."""
_WRITES = 200
"""How many times, about, the list of files is written down while it is worked through."""
_SECONDS, _TIMES = 1.0, 20
"""A long list is written down no more often than that, and takes at most one part in so many of the time."""


class Keeper:
    """One export on its way into the store.

    `everything`: nothing was asked for by date, so what is in it is all there is. `renew` brings fresh addresses for the
    files once, and says whether it did.
    """

    def __init__(
        self,
        server: Server,
        desk: Desk,
        source_key: str,
        export: int,
        book: Book,
        tally: Tally,
        wait: Wait,
        *,
        everything: bool,
        renew: Callable[[], bool],
        show: Callable[[str, int, int, float | None], None],
        workers: int,
    ) -> None:
        self._server, self._desk, self._key, self._export = server, desk, source_key, export
        self.book, self._tally, self._wait = book, tally, wait
        self._renew, self._show, self._workers = renew, show, workers
        self._everything = everything
        self._seen: Counter[str] = Counter()
        self._new: Counter[str] = Counter()
        self._kept_loose = self._alone = self._over = False
        self._words: dict[int, Words] = {}
        self._remarks = Remarks()
        self._ended = 0
        self._share = book.share
        """As it was computed last: a list may be long."""
        self._next_write = 0.0

    def run(self, patients: frozenset[str]) -> None:
        """Keep what belongs to these Patients. What cannot be had is named in the tally; see `Book.open`.

        Raises UsageError when the export holds several people and nobody said who is meant; NotAuthorized, Stopped.
        """
        book = self.book
        try:
            self._pass(self._those("deleted"), Whose(frozenset()), self._take_back)
            whose = Whose(patients or self._patients())
            outputs = list(self._those("output"))
            self._pass((n for n in outputs if order(book.entries[n].type) == 0), whose, self._early)
            self._pass((n for n in outputs if order(book.entries[n].type) == 1), whose, self._early)
            self._undecided(whose)
            self._pass(self._those("error"), whose, self._remark)
            self._summary()
        finally:
            self._remarks.tell(self._tally)
            self._write_down()

    # ── whose ───────────────────────────────────────────────────────────────────────────────────────

    def _patients(self) -> frozenset[str]:
        """Who is meant when nobody said: who is kept already, else the only Patient of the export."""
        kept = self._do(lambda store: store.bulk.patients(self._key))
        outputs = list(self._those("output"))
        if kept or not outputs:
            return kept
        found: dict[str, Received] = {}

        def note(portion: Portion) -> None:
            for one in portion.loose:
                if one.received.type == "Patient":
                    found.setdefault(one.received.id, one.received)
            if len(found) > 1:
                raise UsageError(
                    "The export holds several people, and this connection does not say which of them is meant.",
                    hint="Name the patient when connecting: phr connect PROVIDER --patient ID",
                )

        first = [n for n in outputs if order(self.book.entries[n].type) == 0]
        self._pass(first, None, note)
        if any(self.book.entries[n].state == NEW for n in first):
            raise Unreachable(
                "The export does not show yet whose record it is: its Patients did not come.",
                hint="The next run asks for them again.",
            )
        if not found:
            raise Refused(
                "The export does not say whose record it is: it holds no Patient.",
                hint="Name the patient when connecting: phr connect PROVIDER --patient ID",
            )
        for entry in (self.book.entries[n] for n in first):
            entry.state, entry.loose, entry.own, entry.patients = DONE, 0, 1, 1
        self._save(list(found.values()))
        return frozenset(found)

    def _holds_nobody_else(self) -> bool:
        outputs = [entry for entry in self.book.entries if entry.kind == "output"]
        return any(entry.patients for entry in outputs) and not any(entry.others for entry in outputs)

    # ── what is done with a portion ─────────────────────────────────────────────────────────────────

    def _early(self, portion: Portion) -> None:
        self._save(portion.own)

    def _take_back(self, portion: Portion) -> None:
        def work(store: Store) -> Counter[tuple[str, Change]]:
            gone: Counter[tuple[str, Change]] = Counter()
            for type_, id_ in portion.gone:
                gone[type_, Change.GONE] += bool(store.gone(self._key, type_, id_, "deleted"))
            return +gone

        if portion.gone:
            self._tally.saved(Saved(changes=self._do(work)))

    def _remark(self, portion: Portion) -> None:
        """Only counted here: see `_pass`."""

    def _undecided(self, whose: Whose) -> None:
        """Keep what names no patient, as far as something of the person's is tied to it."""
        late = [n for n in self.book.of_kind("output") if self._is_late(self.book.entries[n])]
        again = set(late)
        self._alone = self._everything and self._holds_nobody_else()
        for _ in range(ROUNDS):
            self._kept_loose = False
            missing: dict[int, frozenset[str]] = {}
            for place in sorted({self._place(n) for n in again}):
                numbers = [n for n in sorted(again) if self._place(n) == place]
                before = self._do(lambda store: store.bulk.missing(self._key))
                missing |= dict.fromkeys(numbers, before)
                self._pass(numbers, whose, self._late)
                self._alone = self._alone and self._holds_nobody_else()
            now = self._do(lambda store: store.bulk.missing(self._key))
            again = {n for n in again if self._worth_again(self.book.entries[n], now - missing[n])}
            if not again:
                break
        for entry in (self.book.entries[n] for n in late):
            if entry.state == READ and entry.decided and not self._over:
                entry.state = DONE

    def _is_late(self, entry: Entry) -> bool:
        return entry.state in (NEW, READ) and (entry.state == READ or order(entry.type) > 1)

    def _place(self, number: int) -> int:
        return order(self.book.entries[number].type)

    def _worth_again(self, entry: Entry, wanted: frozenset[str]) -> bool:
        """Whether something was kept since that can decide what is undecided in this file."""
        if entry.state != READ or not entry.loose:
            return False
        by_type = any(address.startswith(f"{entry.type}/") or not entry.type for address in wanted)
        return by_type or (order(entry.type) <= 2 and self._kept_loose)

    def _late(self, portion: Portion) -> None:
        entry = self.book.entries[portion.file]
        if entry.state == NEW:
            self._save(portion.own)  # of a file that was read early, this is kept already
        if not portion.loose:
            return
        kept, news = portion.loose, portion.loose
        if not self._alone:
            kept, news = self._do(lambda store: self._tied(store, portion.loose, first=not entry.decided))
        entry.loose -= len(kept)
        self._kept_loose = self._kept_loose or any(order(one.received.type) <= 2 for one in news)
        self._save([one.received for one in news])

    def _tied(self, store: Store, loose: list[Loose], *, first: bool) -> tuple[list[Loose], list[Loose]]:
        """What is the person's of these, and what of it has to be saved: all of it the first time, then what is new."""
        addresses = {one.address for one in loose}
        stored = store.bulk.stored(self._key, addresses)
        ties = store.bulk.stored(self._key, frozenset[str]().union(*(one.ties for one in loose)))
        mine = stored | store.bulk.wanted(self._key, addresses)
        kept = [one for one in loose if one.address in mine or one.ties & ties]
        return kept, kept if first else [one for one in kept if one.address not in stored]

    # ── one pass over some files ────────────────────────────────────────────────────────────────────

    def _those(self, kind: str) -> Iterable[int]:
        return [n for n in self.book.of_kind(kind) if self.book.entries[n].state == NEW]

    def _pass(self, numbers: Iterable[int], whose: Whose | None, decide: Callable[[Portion], None]) -> None:
        """Read these files; those whose address has expired once more at a fresh one."""
        numbers = [n for n in numbers if self.book.entries[n].state in (NEW, READ)]
        if not numbers or self._over:
            return
        expired = self._read(numbers, whose, decide)
        if expired and self._renew():
            expired = self._read(list(expired), whose, decide)
        for number, error in expired.items():
            self._lost(number, error)

    def _read(
        self, numbers: list[int], whose: Whose | None, decide: Callable[[Portion], None]
    ) -> dict[int, FhirError]:
        orders = [Order(n, self.book.entries[n].file, self.book.needs_token) for n in numbers]
        expired: dict[int, FhirError] = {}
        events = fetch(self._server, orders, whose, self._wait, workers=self._workers)
        try:
            for event in events:
                entry = self.book.entries[event.file]
                if isinstance(event, Began):
                    entry.restart()
                    self._words[event.file] = Words()
                elif isinstance(event, Portion):
                    self._note(entry, event)
                    decide(event)
                elif event.error is None:
                    self._finished(entry, event)
                elif event.expired:
                    expired[event.file] = event.error
                else:
                    self._lost(event.file, event.error)
                if self._over:
                    break
        finally:
            events.close()
        return expired

    def _note(self, entry: Entry, portion: Portion) -> None:
        entry.own += len(portion.own)
        entry.others += portion.others
        entry.loose += len(portion.loose)
        entry.lines += portion.lines
        entry.patients += sum(one.type == "Patient" for one in portion.own)
        self._words[portion.file].add(portion.problems)

    def _finished(self, entry: Entry, ended: Ended) -> None:
        first = entry.state == NEW
        entry.bytes = ended.bytes
        early = order(entry.type) <= 1
        entry.decided = entry.decided or not early or not first
        entry.state = READ if entry.kind == "output" and entry.loose else DONE
        if first and entry.count is not None and entry.lines < entry.count:
            words = f"the export says {entry.count} resources for one file, and {entry.lines} came"
            self._tally.broken(Problem(entry.type or EXPORT, words))
            entry.short = True
        if first:
            self._words[ended.file].tell(entry.type or EXPORT, self._tally, self._remarks)
        self._ended += 1
        if self._ended % max(1, len(self.book.entries) // _WRITES) == 0:
            self._share = self.book.share
            if len(self.book.entries) <= _WRITES or time.monotonic() >= self._next_write:
                self._write_down()
        self._show(entry.type or EXPORT, self._seen[entry.type], self._new[entry.type], self._share)

    def _lost(self, number: int, error: FhirError) -> None:
        entry = self.book.entries[number]
        problem = Problem(
            entry.type or EXPORT, f"a file of the export: {error.message}", http_status=error.http_status
        )
        self._tally.heard(error)
        if isinstance(error, Unreachable):
            self._tally.unanswered(problem, lasting=False)
            self._over = self._tally.server_is_gone
        else:
            self._tally.broken(problem)
            entry.state = FAILED

    # ── odds and ends ───────────────────────────────────────────────────────────────────────────────

    def _save(self, received: list[Received]) -> None:
        if not received:
            return
        saved = self._do(lambda store: store.save(self._key, received))
        self._tally.saved(saved)
        for (type_, change), count in saved.changes.items():
            self._seen[type_] += count
            self._new[type_] += count if change is Change.NEW else 0
            self._show(type_, self._seen[type_], self._new[type_], self._share)

    def _summary(self) -> None:
        others, loose = self.left_out
        if others and self._everything and not any(entry.own for entry in self.book.entries):
            words = "the export holds other people only, and nothing of this patient"
            self._tally.unanswered(Problem("Patient", words), lasting=False)
        if others:
            self._tally.note(Problem(EXPORT, f"{_resources(others)} of other people were left out"))
        if loose:
            words = f"{_resources(loose)} that nothing in this record points at were left out"
            self._tally.note(Problem(EXPORT, words))

    @property
    def left_out(self) -> tuple[int, int]:
        """How many resources belong to other people, and how many to nobody in this record."""
        entries = self.book.entries
        return sum(entry.others for entry in entries), sum(entry.loose for entry in entries)

    def _write_down(self) -> None:
        began = time.monotonic()
        kept: Mapping[str, Any] = self.book.dumps()
        self._do(lambda store: store.bulk.keep(self._export, kept))
        ended = time.monotonic()
        self._next_write = ended + max(_SECONDS, _TIMES * (ended - began))

    def _do(self, work: Callable[[Store], T]) -> T:
        return self._desk.do(work)


def _resources(count: int) -> str:
    return f"{count} resource" if count == 1 else f"{count} resources"
