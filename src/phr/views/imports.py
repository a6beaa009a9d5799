"""One import command as one job: its runs, one for each file, are told together. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from phr.model import TypeCounts

if TYPE_CHECKING:
    from phr.model import Problem, SyncRun
    from phr.store.store import Store

_PAGE = 100
Job = dict[str, Any]


def heads(
    store: Store, connection: str | None, status: str | None, limit: int, after: str | None
) -> list[SyncRun]:
    """Up to `limit` jobs, the newest first, from the one after `after` on.

    Further files of an import are told in its first run, unless only their source is asked for.
    """
    found: list[SyncRun] = []
    while len(found) < limit:
        page = store.runs.recent(connection, max(_PAGE, limit), after, status=status)
        if not page:
            break
        head = {run.job_id: str(store.imports.head(int(run.job_id))) for run in page if run.mode == "file"}
        found += [
            run for run in page if connection is not None or head.get(run.job_id, run.job_id) == run.job_id
        ]
        after = page[-1].job_id
    return found[:limit]


def by_status(store: Store, connection: str | None) -> dict[str, int]:
    """How many jobs there are of each status."""
    counts = store.runs.by_status(connection)
    if connection is None:
        parts = dict(
            store.db.execute("SELECT status, count(*) FROM sync_run WHERE part_of IS NOT NULL GROUP BY 1")
        )
        counts = {name: left for name, number in counts.items() if (left := number - parts.get(name, 0))}
    return counts


def whole_commands(store: Store, runs: Sequence[SyncRun], job: Callable[[SyncRun], Job]) -> list[Job]:
    """Jobs as documents; an import with all its files, and whether it was undone."""
    numbers = [int(run.job_id) for run in runs if run.mode == "file"]
    parts, undone = store.imports.parts(numbers), store.imports.undone(numbers)
    return [
        job(run) if run.mode != "file" else _import(store, run, job, parts.get(int(run.job_id), []), undone)
        for run in runs
    ]


def types(store: Store, run: SyncRun) -> dict[str, TypeCounts]:
    """What a job did to each type, over all its files."""
    found: dict[str, dict[str, int]] = {}
    for one in (run, *_parts(store, run)):
        for type_, counts in counted(store, one).types.items():
            into = found.setdefault(type_, {})
            for name, number in asdict(counts).items():
                into[name] = into.get(name, 0) + number
    return {type_: TypeCounts(**counts) for type_, counts in found.items()}


def counted(store: Store, run: SyncRun) -> SyncRun:
    """A run with its numbers, also where it did not come to write them down: it was killed, or is at work."""
    if run.mode != "file" or run.types:
        return run
    found = store.imports.counted(int(run.job_id))
    return replace(run, types={type_: TypeCounts(**counts) for type_, counts in found.items()})


def skipped(store: Store, run: SyncRun) -> tuple[Problem, ...]:
    """What a job skipped, over all its files."""
    return tuple(problem for one in (run, *_parts(store, run)) for problem in one.skipped)


def _parts(store: Store, run: SyncRun) -> list[SyncRun]:
    if run.mode != "file":
        return []
    found = store.imports.parts([int(run.job_id)]).get(int(run.job_id), [])
    return [store.runs.get(str(one)) for one in found]


def _import(
    store: Store,
    run: SyncRun,
    job: Callable[[SyncRun], Job],
    parts: Sequence[int],
    undone: dict[int, str],
) -> Job:
    number = int(run.job_id)
    runs = [counted(store, one) for one in (run, *(store.runs.get(str(one)) for one in parts))]
    told = [job(one) for one in runs]
    head, of = told[0], store.imports.head(number)
    return {
        **head,
        "counts": {name: sum(one["counts"][name] for one in told) for name in head["counts"]},
        "bytes": sum(one["bytes"] for one in told),
        "errors": [error for one in told for error in one["errors"]],
        "part_of": str(of) if of != number else None,
        "undone": undone.get(number),
        "files": [
            {
                "job_id": one["id"],
                "file": store.imports.told(int(one["id"])).get("file"),
                "source": one["connection"],
                "status": one["status"],
                "counts": one["counts"],
            }
            for one in told
        ],
    }
