"""What a run has done so far, and what that makes of it. Pure book-keeping.

A run is `completed` when nothing failed that was not known before; `partial` when something did and the
rest is kept; `failed` when nothing came. Absence is never counted as deletion.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from phr.errors import FhirError, Unreachable
from phr.model import Change, Problem, Refusal, TypeCounts
from phr.store.resources import Saved

Signature = tuple[str, str | None, str]
SILENCES = 2
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
    refused: dict[str, Refusal] = field(default_factory=dict)
    came: int = 0
    """Pages and resources that arrived: what tells a bad day from a dead server."""
    alarming: int = 0
    silent: int = 0
    """How many questions in a row met no answer at all, retries included."""

    def saved(self, saved: Saved) -> None:
        """Add what one `store.save` did."""
        self.came += 1
        self.silent = 0
        self.changes.update(saved.changes)
        for problem in saved.problems:
            self.broken(problem)

    def note(self, problem: Problem) -> None:
        """Something to name that is no failure: a server's remark, a type that was not granted."""
        self.skipped.append(replace(problem, known=True))

    def broken(self, problem: Problem) -> None:
        """An entry that cannot be kept."""
        self._add(problem)
        self.failed[problem.type] += 1

    def failure(self, type_: str, error: FhirError) -> None:
        """A search that ended early or was refused. What came before its end is kept."""
        problem = Problem(type_, error.message, http_status=error.http_status)
        self.heard(error)
        if isinstance(error, Unreachable):
            self.skipped.append(problem)
            self.alarming += 1
        else:
            self._add(problem)
            self.refused[type_] = Refusal(type_, error.message)
        self.failed[type_] += 1

    def unanswered(self, problem: Problem, *, lasting: bool) -> None:
        """A reference or an attachment that could not be read. Refusals of these are the rule with some servers."""
        self.skipped.append(replace(problem, known=lasting))
        self.alarming += 0 if lasting else 1

    def heard(self, error: FhirError) -> None:
        """Tell a server that says no from one that says nothing."""
        nothing = isinstance(error, Unreachable) and error.http_status is None
        self.silent = self.silent + 1 if nothing else 0

    @property
    def server_is_gone(self) -> bool:
        """Whether there is no point in asking on: each further question would wait through all its retries."""
        return self.silent >= SILENCES

    def _add(self, problem: Problem) -> None:
        known = signature(problem) in self.before
        self.skipped.append(replace(problem, known=known))
        self.alarming += 0 if known else 1

    def types(self) -> dict[str, TypeCounts]:
        """Counts by resource type, in the order of their names."""
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
