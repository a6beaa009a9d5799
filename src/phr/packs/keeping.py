"""Packs as they were read, kept as JSON in the state folder: reading TOML and checking it takes five times as long.

A cache and no more: valid for the very bytes that were read (`places.fingerprint`), left out of account when anything about
it is odd, and only written where the folder is there already. It holds what the packs hold and nothing of a record.
"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import orjson

from phr.packs.model import (
    Loaded,
    Measure,
    MilestoneRule,
    Pack,
    ReferenceNote,
    SummaryExtra,
    TagRule,
    TrendGroup,
)

FORMAT = 2
"""Raise it when a field comes, goes or changes its meaning, or when checking changes."""
_MOST_BYTES = 4 * 1024 * 1024


def kept(file: Path, fingerprint: int) -> Loaded | None:
    """What was kept of these very packs; None when there is nothing of use."""
    try:
        there = file.stat()
        if not stat.S_ISREG(there.st_mode) or there.st_size > _MOST_BYTES:
            return None
        found = orjson.loads(file.read_bytes())
        if found["of"] != [FORMAT, fingerprint]:
            return None
        return Loaded(tuple(map(_pack, found["packs"])), tuple(map(str, found["broken"])))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def keep(file: Path, fingerprint: int, loaded: Loaded) -> None:
    """Keep them for the next command, if that can be done in passing."""
    from phr import paths
    from phr.errors import PhrError

    if not file.parent.is_dir():
        return
    found = {"of": [FORMAT, fingerprint], "packs": loaded.packs, "broken": loaded.broken}
    try:
        paths.write_private(file, orjson.dumps(found))
    except (PhrError, OSError, TypeError):
        return


def _pack(found: dict[str, Any]) -> Pack:
    trends = tuple(
        TrendGroup(one["id"], one["name"], tuple(Measure(**_flat(measure)) for measure in one["measures"]))
        for one in found.pop("trends")
    )
    tags = tuple(TagRule(**_flat(one)) for one in found.pop("tags"))
    milestones = tuple(MilestoneRule(**_flat(one)) for one in found.pop("milestones"))
    summary = tuple(SummaryExtra(**_flat(one)) for one in found.pop("summary"))
    notes = tuple(ReferenceNote(**one) for one in found.pop("notes"))
    return Pack(**_flat(found), tags=tags, milestones=milestones, trends=trends, summary=summary, notes=notes)


def _flat(found: dict[str, Any]) -> dict[str, Any]:
    return {key: _tuples(value) if type(value) is list else value for key, value in found.items()}


def _tuples(value: list[Any]) -> tuple[Any, ...]:
    return tuple([_tuples(one) if type(one) is list else one for one in value])
