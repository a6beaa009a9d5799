"""What records point at and no search brought: practitioners, organisations, medications, members of panels, specimens.

A work list in the store, so an interrupted run goes on with it next time. Several are read at once where the server
lets them be. A refusal is remembered for a while and named; it does not stop the rest. What came this way is read again
from time to time, since no search tells of its changes. Contained resources, `urn:uuid`, logical and foreign
references never get onto the list (`store.resources`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby

from phr.errors import FhirError, Refused, Unreachable
from phr.fhir import dates
from phr.model import Page, Problem, Received
from phr.smart import scopes
from phr.store.references import START, Place, Pointed
from phr.store.store import Store
from phr.sync.absence import is_gone
from phr.sync.crew import side_by_side
from phr.sync.ground import Ground
from phr.sync.learn import lesson
from phr.sync.person import Person, known
from phr.sync.tally import LASTING

ROUNDS = 4
"""A PractitionerRole leads to an Organization, that to the one it is part of; four steps is far enough."""
ASK_AGAIN_AFTER_DAYS = 30
AT_ONCE = 30
"""So many ids go into one request."""
PORTION = 600
DOUBTS = 5
"""So many failures in a row end the questions for one type in this run: each waits through all its tries."""
MOST = 20_000
"""So many requests for references in one run; the next run goes on with the rest."""

OTHERS = "another person's, so left out"
FAILS_NOW = "left for the next run, because the server fails for it just now"

List = Callable[[Store, Place], list[Pointed]]


@dataclass(frozen=True, slots=True)
class Question:
    """One request: a few ids of one type."""

    type: str
    ids: tuple[Pointed, ...]
    way: str = "alone"
    """`alone`, `many` (by `_id=a,b`) or `batch`."""


def references(ground: Ground, *, full: bool) -> None:
    """Read what is missing, round by round, and once what was read long ago."""
    _Follow(ground, full=full).run()


@dataclass(slots=True)
class _Follow:
    ground: Ground
    full: bool
    left: int = MOST
    named: Counter[tuple[str, str]] = field(default_factory=Counter)
    not_many: set[str] = field(default_factory=set)
    no_batch: bool = False
    person: Person = field(default_factory=Person)
    """Whose record it is."""
    others: Counter[str] = field(default_factory=Counter)
    """By type: what belonged to somebody else."""
    doubts: Counter[str] = field(default_factory=Counter)
    """By type: how many questions in a row failed in a way that may pass."""
    controls: dict[str, bool] = field(default_factory=dict)
    """By type: whether one that is there is read by its address."""

    def run(self) -> None:
        ground = self.ground
        self.not_many, self.no_batch = set(ground.known.no_many), ground.known.no_batch
        key = ground.connection.key
        self.person = ground.desk.do(lambda store: known(store, key, ground.patient, ground.client.base))
        long_ago = dates.instant(datetime.fromisoformat(ground.now) - timedelta(days=ASK_AGAIN_AFTER_DAYS))
        before = ground.now if self.full else long_ago
        for _ in range(ROUNDS):
            self.named.clear()
            last = ground.desk.do(lambda store: store.references.last())
            missing = partial(_missing, key=key, before=before, last=last)
            if not self._round(missing):
                break
        self._round(lambda store, after: store.references.aged(key, before, after, PORTION))
        self.named.update({(type_, OTHERS): count for type_, count in self.others.items()})
        for (type_, reason), count in sorted(self.named.items()):
            ground.tally.note(Problem(type_, f"{count} referenced, {reason}"))
        if self.left <= 0:
            ground.tally.note(
                Problem("Reference", "there is more to read by reference; the next run goes on with it")
            )

    def _round(self, listed: List) -> int:
        """Work once through a list; answers how many resources came."""
        came, after = 0, START
        while self.left > 0 and not self.ground.tally.server_is_gone:
            portion = self.ground.desk.do(lambda store, after=after: listed(store, after))  # type: ignore[misc]
            if not portion:
                break
            after = portion[-1].place
            came += self._read(self._readable(portion))
        return came

    def _readable(self, portion: Sequence[Pointed]) -> list[Pointed]:
        """Without what there is no point in asking for; that is counted and named."""
        readable = []
        for one in portion:
            reason = _unreadable(self.ground.connection.granted_scopes, one)
            if reason:
                self.named[one.type, reason] += 1
            else:
                readable.append(one)
        return readable

    def _read(self, wanted: Sequence[Pointed]) -> int:
        came, again = 0, wanted
        while again:
            questions = list(self._questions(again))
            again = []
            for question, answer in side_by_side(
                self._ask,
                self._worth_a_try(questions[: max(0, self.left)]),
                self.ground.workers,
                self.ground.stopping,
            ):
                if self.ground.tally.server_is_gone:
                    return came
                self.left -= 1
                self._doubt(question.type, answer)
                if question.way == "alone":
                    came += self._one(question.ids[0], answer)
                else:
                    found, rest = self._several(question, answer)
                    came += found
                    again = [*again, *rest]
            for type_ in {one.type for one in again}:
                self.not_many.add(type_)  # what is left of these is read one by one
        return came

    def _questions(self, wanted: Sequence[Pointed]) -> Iterator[Question]:
        for type_, group in groupby(wanted, key=lambda one: one.type):
            several, way = list(group), self._way(type_)
            size = 1 if way == "alone" else AT_ONCE
            for at in range(0, len(several), size):
                part = tuple(several[at : at + size])
                yield Question(type_, part, way if len(part) > 1 else "alone")

    def _way(self, type_: str) -> str:
        capability, granted = self.ground.capability, self.ground.connection.granted_scopes
        if capability is None or type_ in self.not_many:
            return "alone"
        may_search = "s" in scopes.permissions(granted, type_) or not scopes.names_resources(granted)
        if capability.by_ids(type_) and may_search:
            return "many"
        return "batch" if capability.batch and not self.no_batch else "alone"

    def _ask(self, question: Question) -> Page:
        client = self.ground.client
        if question.way == "alone":
            return client.read(question.type, question.ids[0].id)
        return client.read_many(
            question.type, [one.id for one in question.ids], batch=question.way == "batch"
        )

    def _worth_a_try(self, questions: Iterable[Question]) -> Iterator[Question]:
        """Without the types that only fail in this run; looked at when each one's turn has come."""
        for question in questions:
            if self.doubts[question.type] < DOUBTS:
                yield question
            else:
                self.named[question.type, FAILS_NOW] += len(question.ids)

    def _doubt(self, type_: str, answer: Page | FhirError) -> None:
        """A type that only fails is left for the next run."""
        self.doubts[type_] = self.doubts[type_] + 1 if isinstance(answer, Unreachable) else 0

    # ── answers ─────────────────────────────────────────────────────────────────────────────────────

    def _several(self, question: Question, answer: Page | FhirError) -> tuple[int, list[Pointed]]:
        """What came of several at once, and what has to be asked for one by one."""
        ground = self.ground
        if isinstance(answer, FhirError):
            ground.tally.heard(answer)
            if isinstance(answer, Unreachable):
                if answer.http_status is None:
                    return 0, []  # nobody answers: the next run asks again
                return 0, list(question.ids)
            self._never_again(question)
            return 0, list(question.ids)
        asked = {one.id: one for one in question.ids}
        self._keep(answer, [one for one in answer.received if one.type == question.type and one.id in asked])
        came = {one.id for one in answer.received if one.type == question.type}
        for problem in answer.problems:
            if problem.id in asked and problem.http_status is not None:  # a part of a batch was refused
                error = Refused if problem.http_status in LASTING else Unreachable
                self._one(asked[problem.id], error(problem.reason, http_status=problem.http_status))
                came.add(problem.id)
        rest = [one for one in question.ids if one.id not in came]
        if len(rest) == len(asked):
            self._never_again(question)
        return len(asked) - len(rest), rest

    def _never_again(self, question: Question) -> None:
        """This server cannot do that; it is not tried again."""
        if question.way == "batch":
            self.no_batch = True
            learned = lesson("*", "no-batch", "a batch of reads was refused", self.ground.now)
        else:
            self.not_many.add(question.type)
            learned = lesson(question.type, "no-many", "several ids at once were refused", self.ground.now)
        key = self.ground.connection.key
        self.ground.desk.do(
            lambda store: store.learned.keep(key, [(learned.type, learned.kind, learned.value)])
        )

    def _one(self, one: Pointed, answer: Page | FhirError) -> int:
        if isinstance(answer, Page):
            right = [found for found in answer.received if (found.type, found.id) == (one.type, one.id)]
            self._keep(answer, right)
            if not right:
                words = f"moved to another {one.type}" if answer.moved_to else "answered with something else"
                self._note(one, None, words, for_now=False)
            return len(right)
        self._refused(one, answer)
        return 0

    def _keep(self, page: Page, answered: Sequence[Received]) -> None:
        key = self.ground.connection.key
        # A Patient that something points at (a mother, a twin) is somebody else, and belongs to the story.
        strangers = [
            one for one in self.person.others(page.received) if one.type not in ("Patient", "RelatedPerson")
        ]
        received = [one for one in page.received if one not in strangers]
        for one in strangers:
            self.others[one.type] += 1
            if one in answered:
                self._note(Pointed(one.type, one.id), None, OTHERS, for_now=False)
        answered = [one for one in answered if one not in strangers]

        def work(store: Store) -> None:
            saved = store.save(
                key,
                received,
                within=lambda _: store.references.answered(key, [(one.type, one.id) for one in answered]),
            )
            self.ground.tally.saved(saved)

        self.ground.desk.do(work)
        for problem in page.problems:
            if problem.id is None:
                self.ground.tally.note(problem)

    def _refused(self, one: Pointed, error: FhirError) -> None:
        """Named; and remembered, unless it may pass."""
        ground, status = self.ground, error.http_status
        ground.tally.heard(error)
        lasting = status in LASTING or isinstance(error, Refused)
        # A 500 that comes again in another run is one that stays (Oracle: a required field is missing in the source).
        lasting = lasting or (status == 500 and one.http_status == 500)
        ground.tally.unanswered(Problem(one.type, error.message, one.id, status), lasting=lasting)
        if one.http_status != 200:
            if lasting or status is not None:
                self._note(one, status, error.message, for_now=not lasting)
        elif lasting:
            self._taken_back(one, error)

    def _note(self, one: Pointed, status: int | None, words: str, *, for_now: bool) -> None:
        key = self.ground.connection.key
        self.ground.desk.do(
            lambda store: store.references.unanswered(key, one.type, one.id, status, words, for_now=for_now)
        )

    def _taken_back(self, one: Pointed, error: FhirError) -> None:
        """What is here was refused when it was read again: it stays, as a tombstone where it is said to be gone."""
        key = self.ground.connection.key
        others = partial(self.ground.desk.do, lambda store: store.references.others(key, one.type, one.id))
        deleted = isinstance(error, Refused) and is_gone(self.ground, one.type, error, self.controls, others)

        def work(store: Store) -> None:
            store.references.tried(key, one.type, one.id)
            if deleted and store.gone(key, one.type, one.id, "deleted"):
                self.ground.tally.gone(one.type)

        self.ground.desk.do(work)


def _missing(store: Store, after: Place, *, key: str, before: str, last: int) -> list[Pointed]:
    return store.references.missing(key, before, after, PORTION, last)


def _unreadable(granted: tuple[str, ...], one: Pointed) -> str | None:
    """Why there is no point in asking for a reference; None when there is."""
    if one.id.startswith("?"):
        return "by a search that only the sender can resolve"
    readable = "r" in scopes.permissions(granted, one.type) or not scopes.names_resources(granted)
    return None if readable else scopes.NOT_GRANTED
