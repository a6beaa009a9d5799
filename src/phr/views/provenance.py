"""Where a record came from: which source sent which resource, when, in which run, and who is said to stand for it.

A run is the one that was under way when the bytes came; for what a file brought the import says it. `Provenance`
resources (FHIR R4) that name the record as their target are read for who, when and in which role.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from phr.fhir import read
from phr.views.details import exact
from phr.views.fields.dates import date_words
from phr.views.fields.saying import Saying, concept_words
from phr.views.looking_up import finder

MOST = 8
_LOOKED_THROUGH = 1500
"""So many Provenances of a source are read for who names a record; behind that only those that came beside it."""
_NEAR = 1500
# Instants of one file are all written in UTC, and so sort as text.
_RUN = (
    "SELECT id, trigger, mode, status, started, finished, wish, part_of FROM sync_run"
    " WHERE source_id = ?1 AND started <= ?2 AND (finished IS NULL OR finished >= ?2) ORDER BY id DESC LIMIT 1"
)
_IMPORT = (
    "SELECT u.id, u.trigger, u.mode, u.status, u.started, u.finished, u.wish, u.part_of FROM import_item i"
    " JOIN sync_run u ON u.id = i.run_id WHERE i.resource_id = ? AND i.change <> 'unchanged' ORDER BY u.id"
)
_ALL_OF_A_SOURCE = (
    "SELECT raw FROM (SELECT raw FROM resource WHERE source_id = ?1 AND type = 'Provenance' LIMIT ?3)"
    " WHERE instr(raw, ?2) LIMIT ?4"
)
_NEARBY = (
    "SELECT raw FROM resource WHERE id BETWEEN ?1 - ?5 AND ?1 + ?5 AND +source_id = ?2 AND +type = 'Provenance'"
    " AND state = 'current' AND instr(raw, ?3) LIMIT ?4"
)


def runs(db: Any, resource_id: int, source_id: int, first_seen: str, changed: str) -> list[dict[str, Any]]:
    """`[{job_id, did, trigger, mode, started, file}]`: the run that brought it first, and the last that changed it."""
    imported = db.execute(_IMPORT, (resource_id,)).fetchall()
    if imported:
        rows = [imported[0], *([imported[-1]] if len(imported) > 1 else [])]
    else:
        moments = [first_seen, *([changed] if changed != first_seen else [])]
        rows = [row for at in moments if (row := db.execute(_RUN, (source_id, at)).fetchone())]
    found = [_run(row, "fetched" if number == 0 else "changed") for number, row in enumerate(rows)]
    return found[:1] if len(found) > 1 and found[0]["job_id"] == found[1]["job_id"] else found


def _run(row: tuple[Any, ...], did: str) -> dict[str, Any]:
    id_, trigger, mode, status, started, finished, wish, part_of = row
    told = read.parse_json(wish.encode()) if wish else {}
    told = told if isinstance(told, dict) else {}
    return {
        "job_id": str(part_of or id_),
        "did": did,
        "trigger": trigger,
        "mode": mode,
        "status": status,
        "started": started,
        "finished": finished,
        "file": read.text(told.get("file")),
    }


class Stated(NamedTuple):
    """What the Provenances of a source say about one resource."""

    agents: tuple[dict[str, Any], ...] = ()
    """`[{who, role, on_behalf_of, when, activity}]`"""
    documents: tuple[str, ...] = ()
    """`Type/id` of what it was taken from."""


def stated_by(db: Any, resource_id: int, source_id: int, address: str) -> Stated:
    """Who stands for a resource, by the Provenances of the same source that name it as their target."""
    some = db.execute(
        "SELECT count(*) FROM (SELECT 1 FROM resource WHERE source_id = ? AND type = 'Provenance' LIMIT ?)",
        (source_id, _LOOKED_THROUGH + 1),
    ).fetchone()[0]
    if not some:
        return Stated()
    needle = address.encode()
    if some <= _LOOKED_THROUGH:
        rows = db.execute(_ALL_OF_A_SOURCE, (source_id, needle, _LOOKED_THROUGH, 40))
    else:
        rows = db.execute(_NEARBY, (resource_id, source_id, needle, 40, _NEAR))
    agents: list[dict[str, Any]] = []
    documents: dict[str, None] = {}
    for (raw,) in rows.fetchall():
        body = exact(bytes(raw))
        if not isinstance(body, dict):
            continue
        if not any(read.reference(one) == address for one in read.listed(body.get("target"))):
            continue
        say = Saying(body, finder(db, source_id))
        agents += [one for one in _agents(body, say) if one not in agents]
        for entity in read.dicts(body.get("entity")):
            if what := read.reference(entity.get("what")):
                documents[what] = None
    return Stated(tuple(agents[:MOST]), tuple(documents)[:MOST])


def _agents(body: dict[str, Any], say: Saying) -> list[dict[str, Any]]:
    when = read.text(body.get("recorded"))
    activity = concept_words(read.first(body.get("activity")))
    found = []
    for agent in read.dicts(body.get("agent")):
        role = concept_words(read.first(agent.get("type"))) or concept_words(read.first(agent.get("role")))
        who = say.words(agent.get("who") or agent.get("whoReference"))
        behalf = say.words(agent.get("onBehalfOf") or agent.get("onBehalfOfReference"))
        who = None if who and who.casefold() == "unknown" else who
        if who or behalf:
            one = {
                "who": who,
                "role": role,
                "on_behalf_of": behalf,
                "when": date_words(when),
                "activity": activity,
            }
            found.append(one)
    return found
