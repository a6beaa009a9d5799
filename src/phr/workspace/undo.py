"""`phr import --undo`: take back what one import command brought, all of its files."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from phr.errors import Busy, UsageError
from phr.store.runs import OPEN
from phr.store.store import Store
from phr.store.undo import Undone
from phr.store.undo import undo as take_back
from phr.views import milestones

if TYPE_CHECKING:
    from phr.workspace.workspace import Workspace

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class UndoReport:
    """The job that was taken back, and what that did."""

    job_id: str
    files: tuple[str, ...]
    """The names of its files."""
    told: Undone
    dry_run: bool


def undo(workspace: Workspace, job_id: str, *, dry_run: bool = False) -> UndoReport:
    """Take an import back. The number may be that of any of its runs.

    Raises UsageError for a job that is none, was no import, was undone before or is at work; Busy, Locked.
    """
    with workspace.store() as store:
        head = _import(store, job_id)
        if dry_run:
            runs = _runs(store, head)
            return UndoReport(str(head), _files(store, runs), take_back(store, runs, dry_run=True), True)
        at_work = store.runs.get(str(head)).status in OPEN
        try:
            with workspace.lock():
                store.runs.abandon()  # whoever worked at it is gone
                _import(store, job_id)  # it may have been undone meanwhile
                store.refresh_records()
                runs = _runs(store, head)
                files = _files(store, runs)
                told = take_back(store, runs)
                milestones.refresh(store)
                store.audit.note("undo import", f"job {head}")
        except Busy:
            if not at_work:
                raise
            raise UsageError(
                f"Job {head} is still at work.",
                hint=f"Stop it first: phr jobs cancel {head}. Or wait: phr jobs watch {head}",
            ) from None
    log.info(
        "job %s undone: %s removed, %s restored, %s kept, %s changed since, %s documents",
        *(head, sum(told.removed.values()), sum(told.restored.values())),
        *(told.kept, told.changed_since, told.documents),
    )
    return UndoReport(str(head), files, told, False)


def _import(store: Store, job_id: str) -> int:
    """The number of the import that is meant. Raises UsageError when it cannot be undone."""
    head = store.imports.head(int(store.runs.get(job_id).job_id))
    found = store.runs.get(str(head))
    if found.mode != "file":
        raise UsageError(
            f"Job {job_id} is no import: what a connection brought is its provider's.",
            hint="See which jobs are imports: phr jobs. A connection with its records: phr disconnect N --purge",
        )
    undone = store.imports.undone([head]).get(head)
    if undone is not None:
        raise UsageError(
            f"Job {head} was undone already, on {undone[:10]}.",
            hint="Import its files again: phr import FILE",
        )
    if "versions" not in store.imports.told(head):
        raise UsageError(
            f"Job {head} cannot be undone: the phr that did it took no note of what it brought.",
            hint="Import its files again with this one, then undo that: what only these bring then goes.",
        )
    return head


def _runs(store: Store, head: int) -> list[int]:
    return [head, *store.imports.parts([head]).get(head, ())]


def _files(store: Store, runs: list[int]) -> tuple[str, ...]:
    return tuple(str(store.imports.told(run).get("file", "")) for run in runs)
