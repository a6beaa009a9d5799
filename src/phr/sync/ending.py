"""The end of a run: what it leaves for the next one, named type by type, and what the connection remembers of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from phr.model import Problem, SyncRun
from phr.store.store import Store
from phr.sync.plan import Plan
from phr.sync.tally import Tally

NOT_FINISHED = "not finished in this run; the next sync goes on there"
_AFTERWARDS = {
    "references": (("Reference", "references"), ("DocumentReference", "documents")),
    "documents": (("DocumentReference", "documents"),),
}
_STATES = {0: "active", 3: "active", 4: "expired", 1: "error"}
"""What a connection is after a run with this exit status; a cancelled run changes nothing."""


def name_what_is_left(
    store: Store,
    source_key: str,
    tally: Tally,
    plan: Plan | None,
    settled: Collection[str],
    phase: str,
    *,
    documents: bool,
) -> None:
    """Note each type that is not complete. `settled`: those of which all has been asked and said; `phase`: where it stopped.

    Without a plan nothing was asked for yet, and the run says so by itself.
    """
    if plan is None:
        return
    ended = {(one.type, one.filter) for one in store.passes.all(source_key) if one.ended}
    left = {one.type for one in plan.searches if (one.type, one.filter) not in ended} - set(settled)
    for type_ in dict.fromkeys(one.type for one in plan.searches):
        if type_ in left:
            tally.note(Problem(type_, NOT_FINISHED))
    for type_, what in () if left else _AFTERWARDS.get(phase, ()):
        if what != "documents" or documents:
            tally.note(Problem(type_, f"{what}: {NOT_FINISHED}"))


def remember(
    store: Store, run: SyncRun, plan: Plan | None, tally: Tally, *, stopped: bool, types: Collection[str] = ()
) -> None:
    """What the connection itself should know after this run. One that was stopped is still due, and so is one that asked
    for some `types` only; what such a run, or a bulk export, did not ask for is refused as before."""
    fine = run.status in ("completed", "partial") and not stopped
    before = store.connections.get(run.connection)
    asked_all = plan is not None and not types
    kept = () if asked_all else (one for one in before.refused if plan is None or one.type not in types)
    refused = {one.type: one for one in (*kept, *(plan.refused if plan else ()))} | tally.refused
    store.connections.save(
        replace(
            before,
            state=before.state if stopped else _STATES.get(run.exit_status, before.state),
            last_sync=run.finished if fine and not types else before.last_sync,
            refused=tuple(refused[type_] for type_ in sorted(refused)) if fine else before.refused,
        )
    )
    store.audit.note("sync", run.connection, run.status)
