"""What is related to one record, as a timeline: its visit, what it was ordered by, what came of it, the same test.

Two steps from the record and no further: the order behind a result, the result's report, its note; the medicine given
for the same problem. Each step is bounded, so that a hub (a visit of three hundred results, a problem named in every
visit) does not bring the whole life.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from phr.errors import UsageError
from phr.views.events import Event, events
from phr.views.pointing import Web, addresses
from phr.views.selection import EVERYTHING, Selection

if TYPE_CHECKING:
    from phr.store.store import Store

MOST = 200
"""So many records at most."""
_EACH = 40
"""So many of one way in one step."""
_FURTHER = 25
"""So many records of the first step are followed further."""

# The first condition is that of the index; `+` keeps the planner from walking the whole timeline for its order.
_IN_VISIT = (
    "SELECT r.id FROM record own JOIN resource x ON x.id = own.id JOIN record_source rs ON rs.resource_id = own.id"
    " JOIN record r ON r.id = rs.record_id WHERE substr(own.encounter, -6) = substr(?1, -6) AND own.encounter = ?1"
    " AND x.source_id = ?2 AND r.supporting = 0 ORDER BY +r.date_from DESC, r.id DESC LIMIT ?3"
)
# Expression and conditions of the index `record_measured`.
_MEASURED = (
    "SELECT id FROM record WHERE coalesce(json_extract(codes,'$[0][1]'), lower(title)) = ? AND value IS NOT NULL"
    " AND supporting = 0 ORDER BY date_from DESC, id DESC LIMIT ?"
)
# The full-text index knows which records carry a code; the codes themselves then say whether it is the same one.
_SAME_CODE = (
    "SELECT r.id FROM (SELECT rowid AS id FROM record_search WHERE record_search MATCH ? LIMIT 2000) f"
    " JOIN record r ON r.id = f.id, json_each(r.codes) c"
    " WHERE r.kind = ? AND json_extract(c.value, '$[0]') IS ? AND json_extract(c.value, '$[1]') = ?"
    " GROUP BY r.id ORDER BY +r.date_from DESC, r.id DESC LIMIT ?"
)

# How a reference reads: what is named, as seen from the record that names it, and the other way round.
_WORDS = {
    "basedOn": ("the order for it", "came of this order"),
    "result": ("a result in it", "the report with it"),
    "hasMember": ("a part of it", "the panel with it"),
    "derivedFrom": ("what it was made from", "made from it"),
    "encounter": ("its visit", ""),
    "context": ("its visit", ""),
    "reasonReference": ("the reason for it", "because of it"),
    "indication": ("the reason for it", "because of it"),
    "diagnosis": ("its diagnosis", "because of it"),
    "condition": ("its diagnosis", "because of it"),
    "evidence": ("what shows it", "shown by it"),
    "addresses": ("what it is about", "the plan for it"),
    "goal": ("its goal", "the plan with it"),
    "outcomeReference": ("its outcome", "aims at it"),
    "partOf": ("what it is part of", "a part of it"),
    "replaces": ("what it replaced", "replaced it"),
    "priorPrescription": ("the prescription before", "the prescription after"),
    "authorizingPrescription": ("its prescription", "supplied on it"),
    "request": ("the order for it", "came of this order"),
    "reaction": ("a reaction to it", "a reaction in"),
    "imagingStudy": ("its pictures", "the report on it"),
    "report": ("its report", "what was reported"),
    "focus": ("what it is about", "is about it"),
    "item": ("what was billed", "billed for it"),
    "prescription": ("its prescription", "billed for it"),
    "claim": ("its claim", "the answer to it"),
    "created": ("made in it", "where it was made"),
    "agent": ("cause of it", "caused by it"),
}


_VISITED = ("encounter", "context")
"""What happened in a visit is found by its index."""


class Followed(NamedTuple):
    """One record on the way: how it is related to the one before it, and how many steps away it is."""

    how: str
    via: int | None
    steps: int
    referred: bool
    """By a reference; what only shares a visit or a test is not followed further."""


def follow(store: Store, record: str, selection: Selection = EVERYTHING, *, limit: int = MOST) -> list[Event]:
    """The record and what is related to it, newest first; each event with `relation`, `steps` and `via`.

    `record` is a number or `Type/id`. Raises UsageError when there is no such record.
    """
    from phr.views.gather import flat
    from phr.views.timeline import belonging

    start = _record(store.db, record)
    found = _found(store.db, start, limit)
    keep = belonging(store, selection, found) | {start}
    told = events(store.db, [id_ for id_ in found if id_ in keep])
    return [one.event for one in flat([_said(event, found[int(event["id"])]) for event in told])]


def _said(event: Event, one: Followed) -> Event:
    how = one.how if one.via is None else f"{one.how} ({one.via})"
    return {**event, "relation": how, "steps": one.steps, "via": str(one.via) if one.via else None}


def _record(db: Any, text: str) -> int:
    """The number of a record. Raises UsageError when there is none."""
    if text.isascii() and text.isdecimal() and len(text) < 19:
        row = db.execute("SELECT id FROM record WHERE id = ? AND supporting = 0", (int(text),)).fetchone()
    else:
        type_, _, id_ = text.partition("/")
        row = db.execute(
            "SELECT rs.record_id FROM resource x JOIN record_source rs ON rs.resource_id = x.id"
            " JOIN record r ON r.id = rs.record_id WHERE x.type = ? AND x.fhir_id = ? AND r.supporting = 0 LIMIT 1",
            (type_, id_),
        ).fetchone()
    if row is None:
        raise UsageError(
            f"There is no record {text} in the timeline.",
            hint="Take the number at the end of a line of phr timeline, or Type/id.",
        )
    return int(row[0])


def _found(db: Any, start: int, limit: int) -> dict[int, Followed]:
    """Records by the shortest way to them; the record itself first."""
    found = {start: Followed("this one", None, 0, referred=True)}
    webs = {source: Web(db, source, start) for source, _ in addresses(db, start)}

    def note(record: int, how: str, via: int | None, steps: int, *, referred: bool) -> None:
        if record not in found and len(found) < limit:
            found[record] = Followed(how, via, steps, referred)

    for record, how in _referred(db, webs, start):
        note(record, how, None, 1, referred=True)
    for record, how in (*_same_visit(db, start), *_same_test(db, start)):
        note(record, how, None, 1, referred=False)
    near = [record for record, one in found.items() if one.steps == 1 and one.referred][:_FURTHER]
    for via in near:
        for record, how in _referred(db, webs, via, further=True):
            note(record, how, via, 2, referred=True)
    return found


def _referred(
    db: Any, webs: dict[int, Web], record: int, *, further: bool = False
) -> Iterator[tuple[int, str]]:
    """What the record names, and what names it; through a specimen to what else was found in it."""
    for source, address in addresses(db, record):
        web = webs.get(source)
        if web is None or (further and address.startswith(("Encounter/", "CareTeam/", "Coverage/"))):
            continue
        samples = []
        for element, other in web.names(address):
            if other.startswith("Specimen/"):
                samples.append(other)
            else:
                yield from ((one, _how(element, 0)) for one in web.records(other))
        naming = [one for one in web.named_by(address) if one[0] not in _VISITED]
        for element, other in naming[:_EACH]:
            if other.startswith("Specimen/"):
                samples.append(other)
            else:
                yield from ((one, _how(element, 1)) for one in web.records(other))
        for sample in samples:
            yield from _of_sample(web, sample, address)


def _of_sample(web: Web, specimen: str, start: str) -> Iterator[tuple[int, str]]:
    """A specimen is shown nowhere by itself; its order and what was found in it are."""
    for element, other in (*web.names(specimen), *web.named_by(specimen)):
        if other != start:
            how = "the order for its sample" if element == "request" else "from the same sample"
            yield from ((one, how) for one in web.records(other))


def _how(element: str, way: int) -> str:
    return _WORDS.get(element, ("it refers to this", "refers to it"))[way]


def _same_visit(db: Any, record: int) -> Iterator[tuple[int, str]]:
    visit = db.execute("SELECT encounter FROM record WHERE id = ?", (record,)).fetchone()[0]
    for source, address in addresses(db, record):
        seen = address if address.startswith("Encounter/") else visit
        for (other,) in db.execute(_IN_VISIT, (seen, source, _EACH)) if seen else ():
            yield other, "in this visit" if seen == address else "same visit"


def _same_test(db: Any, record: int) -> Iterator[tuple[int, str]]:
    """The same code in the same kind of record, over time."""
    kind, title, value, written = db.execute(
        "SELECT kind, lower(title), value, codes FROM record WHERE id = ?", (record,)
    ).fetchone()
    codes = orjson.loads(written)
    code = next((one for one in codes if one[1]), None)
    if kind in ("encounter", "claim", "coverage", "other"):  # the same kind of visit is no story of its own
        return
    if value is not None:
        first = codes[0][1] if codes and codes[0][1] else title
        measured = db.execute(_MEASURED, (first, _EACH)).fetchall()
        yield from ((other, "over time") for (other,) in measured)
        if len(measured) > 1:
            return
    if code is not None and any(map(str.isalnum, code[1])):
        query = 'codes : "' + code[1].replace('"', '""') + '"'
        for (other,) in db.execute(_SAME_CODE, (query, kind, code[0], code[1], _EACH)):
            yield other, "over time"
