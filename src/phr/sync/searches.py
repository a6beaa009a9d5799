"""Ask every search of a plan, a few side by side, and make the best of each refusal.

What is refused is tried in the way the refusal names (`learn.instead`), and what worked is remembered. A refused
category is no failure while others of its type work. After two failures in a row of one type the rest of it waits for the
next run; a server that does not answer any more is not asked on. A search that was interrupted goes on where it was.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from phr.errors import FhirError, Stopped, Unreachable
from phr.model import Problem, Search
from phr.store.store import Store
from phr.sync import learn
from phr.sync.crew import PATIENCE
from phr.sync.ground import Ground
from phr.sync.group import ALTERNATIVES, CUTS, Group, cuts
from phr.sync.keeping import Task, everything_again, moment
from phr.sync.tally import signature

NO_LONGER_ANSWERS = "not asked, because the server no longer answers"
SPENT = "not asked: what this server allows in a day is used up; the next sync goes on there"
GIVEN_UP = "the rest waits for the next run, because two searches of it failed one after the other"
CIRCUIT = 2
NOT_TRIED = "it was refused in so many ways that the rest was not tried"
STANDS = timedelta(hours=36)
"""What ended longer ago than this is asked again, though the rest of its effort was not finished: more than a night, so
that runs of limited time, or with few requests a day, get round to everything in turn."""
ALL_STANDS = timedelta(hours=12)
"""The same where no search is left, only references or documents."""
GOES_ON = timedelta(days=7)
"""A pass that began longer ago than this begins anew: what is large, or may be asked for little a day, takes some nights."""


class Searches:
    """The searches of one run."""

    def __init__(
        self, ground: Ground, shown: Callable[[str, float], None] = lambda _type, _share: None
    ) -> None:
        self._ground = ground
        self._shown = shown
        self._groups: dict[str, Group] = {}
        self._todo: deque[Task] = deque()
        self._changed = threading.Condition()
        self._over = False
        self._arrived: queue.SimpleQueue[Task | BaseException] = queue.SimpleQueue()
        self._count = self._done = 0
        self._stands = STANDS
        self.whole: dict[str, list[int]] = {}
        """Types of which all that is to be had has come in full passes without a flaw, with their passes."""

    def run(self, searches: Iterable[Search]) -> list[Group]:
        """Ask them all to their end. Raises Stopped, ReconnectNeeded, and what kept a page from being stored."""
        searches = list(searches)
        states = [self._ground.states.get((one.type, Task(one).filter)) for one in searches]
        self._stands = ALL_STANDS if all(one is not None and one.ended for one in states) else STANDS
        # What an effort that was cut short did not reach comes first, then what it reached the longest ago.
        began = {
            id(one): state.began or "" if state else "" for one, state in zip(searches, states, strict=True)
        }
        tasks = [self._task(search) for search in sorted(searches, key=lambda one: began[id(one)])]
        tasks.sort(key=lambda task: task.resume is None)
        for task in tasks:
            self._add(task)
        for group in list(self._groups.values()):
            if not group.open:
                self._close(group)
        threads = min(self._ground.workers, max(1, len(self._todo) * 4)) if self._todo else 0
        for _ in range(threads):
            threading.Thread(target=self._work, name="phr-search", daemon=True).start()
        try:
            while any(group.open for group in self._groups.values()):
                self._hear()
                if self._ground.tally.server_is_gone:
                    self._give_all_up()
                    break
        finally:
            with self._changed:
                self._over = True
                self._todo.clear()
                self._changed.notify_all()
        return list(self._groups.values())

    def brought_by_everything(self, store: Store) -> dict[str, list[int]]:
        """The types that `$everything` brought, where it came to its end without a flaw; with its pass."""
        found: dict[str, list[int]] = {}
        for group in self._groups.values():
            for task in group.tasks:
                if task.everything and task.ended and task.search_id is not None:
                    if not store.passes.get(task.search_id).whole:
                        continue
                    for type_ in store.passes.types(task.search_id):
                        found[type_] = [task.search_id]
        return found

    # ── the threads that ask ────────────────────────────────────────────────────────────────────────

    def _work(self) -> None:
        while (task := self._next()) is not None:
            try:
                task.ended = self._ask(task)
            except FhirError as error:
                task.error = error
            except BaseException as error:  # noqa: BLE001 - crosses to the thread that listens
                self._arrived.put(error)
                return
            self._count_failures(task)
            self._arrived.put(task)

    def _next(self) -> Task | None:
        with self._changed:
            self._changed.wait_for(lambda: bool(self._todo) or self._over)
            return None if self._over else self._todo.popleft()

    def _ask(self, task: Task) -> bool:
        """Whether it came to its end."""
        client, ground = self._ground.client, self._ground
        size = None if task.type in ground.known.no_count or task.everything else ground.page_size
        for page in client.search(task.search, size, start=task.resume, came=task.came):
            ground.keeper.hand_in(task, page, client.server_now)
            if task.trouble is not None or self._over:
                return False
        return True

    # ── the thread that listens ─────────────────────────────────────────────────────────────────────

    def _hear(self) -> None:
        if self._ground.stopping.is_set():
            raise Stopped
        try:
            heard = self._arrived.get(timeout=PATIENCE)
        except queue.Empty:
            return
        if isinstance(heard, BaseException):
            raise heard
        group = self._groups[heard.type]
        group.open -= 1 + heard.dropped
        self._done += 1 + heard.dropped
        if isinstance(heard.error, Unreachable):
            self._ground.tally.failure(heard.type, heard.error)
            if heard.dropped and not group.given_up:
                group.given_up = True
                self._ground.tally.unanswered(Problem(group.type, GIVEN_UP), lasting=False)
        elif heard.error is not None:
            self._ground.tally.heard(heard.error)
            self._try_instead(group, heard)
        if not group.open:
            self._close(group)

    def _try_instead(self, group: Group, task: Task) -> None:
        if task.pages or task.error is None:
            return
        ground = self._ground
        if task.type in ground.known.unsupported and not ground.full:
            return  # asked all the same, since it came before; the other ways were tried not long ago
        for search in learn.instead(
            task.search, task.error, ground.vendor, ground.capability, ground.patient
        ):
            if (search.filter, search.params) in group.tried:
                continue
            if group.alternatives >= ALTERNATIVES or (
                search.filter != task.search.filter and cuts(task) >= CUTS
            ):
                group.cut_short = True
                continue
            group.alternatives += 1
            self._add(replace_task(self._task(search), task))

    def _count_failures(self, task: Task) -> None:
        """In the thread that asked, before it asks on: after some failures in a row the rest of the type waits."""
        with self._changed:
            group = self._groups[task.type]
            group.failures = group.failures + 1 if isinstance(task.error, Unreachable) else 0
            if group.failures >= CIRCUIT:
                left = [one for one in self._todo if one.type == task.type]
                for one in left:
                    self._todo.remove(one)
                task.dropped = len(left)

    def _give_all_up(self) -> None:
        for group in self._groups.values():
            if group.open:
                group.given_up = True
                why = SPENT if self._ground.tally.spent else NO_LONGER_ANSWERS
                self._ground.tally.unanswered(Problem(group.type, why), lasting=False)

    # ── one search ──────────────────────────────────────────────────────────────────────────────────

    def _add(self, task: Task) -> None:
        group = self._groups.setdefault(task.type, Group(task.type))
        group.tasks.append(task)
        group.tried.add((task.filter, task.search.params))
        self._count += 1
        if task.ended:
            self._done += 1
            return
        group.open += 1
        with self._changed:
            self._todo.append(task)
            self._changed.notify()

    def _task(self, search: Search) -> Task:
        """From the beginning, from where it was interrupted, or not at all where it has ended in this effort."""
        task = Task(search)
        state = self._ground.states.get((task.type, task.filter))
        if state is None or state.began is None:
            return task
        age = datetime.fromisoformat(self._ground.now) - datetime.fromisoformat(state.began)
        stands = timedelta(0) <= age < self._stands
        goes_on = stands or (timedelta(0) <= age < GOES_ON and not self._ground.full)
        covers = state.since is None or (search.since is not None and _earlier(state.since, search.since))
        if stands and state.ended and covers:
            task.search_id, task.ended = state.id, True
            self._ground.keeper.belongs(task)
        elif goes_on and state.mode is not None and state.next_url and covers:
            if state.mode == "full":
                task.search = everything_again(search)
            kind = None if task.everything else task.type
            task.came = self._ground.desk.do(lambda store: store.passes.came(state.id, kind))
            task.resume, task.search_id = state.next_url, state.id
            self._ground.keeper.belongs(task)
        return task

    # ── one type ────────────────────────────────────────────────────────────────────────────────────

    def _close(self, group: Group) -> None:
        """All searches of a type have ended: say what was refused, remember what was learned, see what is missing."""
        self._ground.desk.do(lambda store: self._settle(store, group))  # after all its pages
        if not group.tasks[0].everything:
            self._ground.settled.add(group.type)
        self._shown(group.type, self._done / max(1, self._count))

    def _settle(self, store: Store, group: Group) -> None:
        for task in group.tasks:
            if task.trouble is not None:
                raise task.trouble
        self._name_refusals(group)
        if group.cut_short:
            self._ground.tally.broken(Problem(group.type, NOT_TRIED))
        self._remember(store, group)
        replaced = any(task.instead_of for task in group.tasks)
        numbers = [task.search_id for task in group.tasks if task.ended and task.search_id is not None]
        complete = len(numbers) == len(group.tasks) and not replaced and not group.given_up
        if not complete or group.tasks[0].everything:
            return
        if all(store.passes.get(number).whole for number in numbers):
            self.whole[group.type] = numbers
            store.passes.infer(self._ground.connection.key, group.type, numbers)

    def _name_refusals(self, group: Group) -> None:
        """Each once: what was refused in every way it was put, by what was asked first."""
        tally, whole = self._ground.tally, group.tasks[0].everything  # the searches come in its place
        refusals = group.refusals
        if group.type in self._ground.known.refusals:  # that was news the first time, however long ago it was
            met = [Problem(group.type, error.message, http_status=error.http_status) for _, error in refusals]
            tally.before |= {signature(problem) for problem in met}
        final = [one for one in refusals if one[0].instead_of is None and not group.worked_instead(one[0])]
        if not group.worked and not whole:
            if final:
                error = final[0][1]
                if group.type in self._ground.unpromised:
                    tally.note(Problem(group.type, error.message, http_status=error.http_status))
                else:
                    tally.failure(group.type, error)
            return
        named = {id(task) for task, _ in final}
        parts = [one for one in refusals if not group.instead_of(one[0]) and id(one[0].first) not in named]
        for task, error in (*final, *parts):
            words = f"{task.filter}: {error.message}" if task.filter and not whole else error.message
            problem = Problem(group.type, words, http_status=error.http_status)
            if task.filter and not whole and self._ground.came_before(group.type, task.filter):
                tally.broken(problem)
            else:
                tally.note(problem)

    def _remember(self, store: Store, group: Group) -> None:
        ground = self._ground
        found: list[learn.Lesson] = []
        before = ground.came_before(group.type)  # then it is asked all the same, only not in other ways
        times = len(learn.BELIEVED) if before else ground.known.refusals.get(group.type, 0)
        refused = [task for task, _ in group.refusals]
        # A part that brought something before stays in the cut: it is asked, and named, as long as it is refused.
        came = [one for one in refused if one.filter and ground.came_before(group.type, one.filter)]
        planned = [one for one in group.tasks if one.instead_of is None]
        for task, error in group.refusals:
            if task.instead_of is not None:
                continue
            others, stays = group.instead_of(task), list[Task]()
            if len(planned) > 1 and not group.worked_instead(task):
                others, stays = planned, came if group.worked else []  # it was cut into parts from the start
            tried = tuple(one.search for one in others)
            worked = tuple(one.search for one in others if one not in refused or one in stays)
            again = ground.tally.was_so(group.type, error)
            if group.cut_short and worked:
                continue  # what was not tried would be left out from then on
            found += learn.lessons(task.search, error, tried, worked, ground.now, again=again, times=times)
        if group.type in ground.known.unsupported:
            found = [
                one for one in found if one.kind != "unsupported"
            ]  # that is believed already, and not for ever
        if any(task.no_count for task in group.tasks):
            found.append(learn.lesson(group.type, "no-count", "it was refused with _count", ground.now))
        store.learned.keep(ground.connection.key, [(one.type, one.kind, one.value) for one in found])
        if group.worked and not group.tasks[0].everything:
            store.learned.forget(ground.connection.key, group.type, "unsupported")


def _earlier(one: str, other: str) -> bool:
    """Whether what changed since the one holds all that changed since the other."""
    here, there = moment(one), moment(other)
    return here is not None and there is not None and here <= there


def replace_task(task: Task, original: Task) -> Task:
    """The same task, in the place of one that was refused."""
    return replace(task, instead_of=original)
