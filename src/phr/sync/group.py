"""All searches of one type in one run, and what was tried in the place of those that were refused."""

from __future__ import annotations

from dataclasses import dataclass, field

from phr.errors import FhirError, Unreachable
from phr.sync.keeping import Task

CUTS = 2
"""So often a search is cut into parts, each part of it again."""
ALTERNATIVES = 200
"""So many searches of a type are tried in the place of refused ones, in one run."""


@dataclass(slots=True)
class Group:
    """All searches of one type."""

    type: str
    tasks: list[Task] = field(default_factory=list)
    open: int = 0
    failures: int = 0
    """In a row."""
    given_up: bool = False
    tried: set[tuple[str, tuple[tuple[str, str], ...]]] = field(default_factory=set)
    alternatives: int = 0
    cut_short: bool = False
    """There were more ways to ask for it than are tried."""

    @property
    def worked(self) -> list[Task]:
        return [task for task in self.tasks if task.ended]

    @property
    def refusals(self) -> list[tuple[Task, FhirError]]:
        return [
            (task, task.error)
            for task in self.tasks
            if task.error and not isinstance(task.error, Unreachable)
        ]

    def instead_of(self, task: Task) -> list[Task]:
        """What was tried in its place, and in the place of those."""
        direct = [one for one in self.tasks if one.instead_of is task]
        return direct + [more for one in direct for more in self.instead_of(one)]

    def worked_instead(self, task: Task) -> bool:
        return any(one.ended for one in self.instead_of(task))


def cuts(task: Task) -> int:
    """How often the search was cut that this one is a part of."""
    above = task.instead_of
    return cuts(above) + (above.search.filter != task.search.filter) if above is not None else 0
