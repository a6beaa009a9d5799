"""What a run has done so far, and what that makes of it. Pure book-keeping, shared by the threads of a run.

A run is `completed` when nothing failed that was not known before; `partial` when something did and the
rest is kept; `failed` when nothing came. Absence is never counted as deletion.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field, replace

from phr.errors import FhirError, Unreachable
from phr.fhir.pace import Spent
from phr.model import Change, Problem, Refusal, TypeCounts
from phr.store.resources import Saved

Signature = tuple[str, str | None, str]
SILENCES = 2
MOST = 3000
"""So many things that were skipped are named one by one; of the rest only how many there are."""
# What servers say for good of one resource or type: named, and not an alarm every night.
LASTING = frozenset({400, 401, 403, 404, 405, 406, 410, 501})


def signature(problem: Problem) -> Signature:
    """What makes two problems the same one in two runs. The words of a server may hold a request number."""
    word = str(problem.http_status) if problem.http_status is not None else problem.reason
    return problem.type, problem.id, word


@dataclass(slots=True)
class Tally:
    """Counts per type and everything that was skipped."""

    before: frozenset[Signature] = frozenset()
    changes: Counter[tuple[str, Change]] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    skipped: list[Problem] = field(default_factory=list)
    """The first MOST of them; `told` is all that is to be said."""
    more: Counter[tuple[str, bool]] = field(default_factory=Counter)
    refused: dict[str, Refusal] = field(default_factory=dict)
    came: int = 0
    """Pages and resources that arrived: what tells a bad day from a dead server."""
    alarming: int = 0
    silent: int = 0
    """How many questions in a row met no answer at all, retries included."""
    spent: bool = False
    """What this server allows in a day is used up."""
    _alone: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def saved(self, saved: Saved) -> None:
        """Add what one `store.save` did."""
        with self._alone:
            self.came += 1
            self.silent = 0
            self.changes.update(saved.changes)
        for problem in saved.problems:
            self.broken(problem)

    def gone(self, type_: str) -> None:
        """The source took a resource back."""
        with self._alone:
            self.changes[type_, Change.GONE] += 1

    def note(self, problem: Problem) -> None:
        """Something to name that is no failure: a server's remark, a type that was not granted."""
        self._skip(replace(problem, known=True))

    def broken(self, problem: Problem) -> None:
        """An entry that cannot be kept, or what came before and is refused now: news once."""
        self._add(problem)
        with self._alone:
            self.failed[problem.type] += 1

    def failure(self, type_: str, error: FhirError) -> None:
        """A search that ended early or was refused. What came before its end is kept."""
        problem = Problem(type_, error.message, http_status=error.http_status)
        self.heard(error)
        if isinstance(error, Unreachable):
            self._skip(problem)
        else:
            self._add(problem)
            self.refused[type_] = Refusal(type_, error.message)
        with self._alone:
            self.failed[type_] += 1

    def unanswered(self, problem: Problem, *, lasting: bool) -> None:
        """A reference or an attachment that could not be read. Refusals of these are the rule with some servers."""
        self._skip(replace(problem, known=lasting))

    def heard(self, error: FhirError) -> None:
        """Tell a server that says no from one that says nothing."""
        nothing = isinstance(error, Unreachable) and error.http_status is None
        with self._alone:
            self.silent = self.silent + 1 if nothing else 0
            self.spent = self.spent or isinstance(error, Spent)

    @property
    def server_is_gone(self) -> bool:
        """Whether there is no point in asking on: each further question would wait through all its retries."""
        return self.silent >= SILENCES

    def told(self) -> tuple[Problem, ...]:
        """What was skipped, and how much is not named one by one."""
        with self._alone:
            rest = [
                Problem(
                    type_, f"{count} further things were skipped that are not named one by one", known=known
                )
                for (type_, known), count in sorted(self.more.items())
            ]
            return (*self.skipped, *rest)

    def was_so(self, type_: str, error: FhirError) -> bool:
        """Whether the run before this one met the same."""
        return signature(Problem(type_, error.message, http_status=error.http_status)) in self.before

    def _add(self, problem: Problem) -> None:
        self._skip(replace(problem, known=signature(problem) in self.before))

    def _skip(self, problem: Problem) -> None:
        with self._alone:
            self.alarming += 0 if problem.known else 1
            if len(self.skipped) < MOST:
                self.skipped.append(problem)
            else:
                self.more[problem.type, problem.known] += 1

    def new(self, type_: str) -> int:
        """How many resources of a type are new."""
        return self.changes[type_, Change.NEW]

    def types(self) -> dict[str, TypeCounts]:
        """Counts by resource type, in the order of their names."""
        with self._alone:
            names = sorted({type_ for type_, _ in self.changes} | set(self.failed))
            return {name: self._counts(name) for name in names}

    def _counts(self, name: str) -> TypeCounts:
        by_change = {change.value: self.changes[name, change] for change in Change}
        return TypeCounts(**by_change, failed=self.failed[name])

    @property
    def status(self) -> str:
        """`completed`, `partial` or `failed`."""
        if self.alarming and not self.came:
            return "failed"
        return "partial" if self.alarming else "completed"
