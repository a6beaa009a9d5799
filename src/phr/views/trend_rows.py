"""What the record holds of measurements, read by the index `record_measured`: never more than is asked for.

A key is what that index has: the first code of a record (a standard one where there is any), else its title in small
letters. Distinct keys are found by jumping from one to the next, so their list costs as much as there are different
measurements, however long the life.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from phr.fhir import read
from phr.records.measures import BY_ID
from phr.views.panels import PAIRS, Pair

TOGETHER = r"\s*(\d+(?:\.\d+)?)\s*/\s*(\d+(?:\.\d+)?)\s*(.*)"
"""Two numbers as one text, and what stands behind them."""
KEY = "coalesce(json_extract(record.codes, '$[0][1]'), lower(record.title))"
MEASURED = "record.value IS NOT NULL AND record.supporting = 0"
KEYS = 5_000
"""So many different measurements are looked at; a life has a few hundred."""
_FEW = 100
COUNTED = 1_000
"""Counting goes so far; what is more is told as “1,000+”."""
LOINC = "http://loinc.org"

_OBSERVED = "record.resource LIKE 'Observation/%' AND coalesce(record.status, '') NOT IN ('entered-in-error', 'cancelled')"
_NEXT = f"SELECT min({KEY}) FROM record WHERE {MEASURED}"
_KEYS = (
    f"WITH RECURSIVE each(key) AS ({_NEXT} UNION ALL"
    f" SELECT ({_NEXT} AND {KEY} > each.key) FROM each WHERE each.key IS NOT NULL)"
    f" SELECT key FROM each WHERE key IS NOT NULL LIMIT {KEYS}"
)
_COLUMNS = (
    "record.id, record.date, record.precision, record.date_from, record.date_to, record.title, record.value,"
    " record.value_number, record.unit, record.low, record.high, record.range_text, record.interpretation,"
    " record.abnormal, record.status, record.codes, record.kind, record.resource"
)
_OF_KEY = f"SELECT {_COLUMNS} FROM record WHERE {MEASURED} AND {KEY} = ? AND {_OBSERVED}"
_NEWEST = " ORDER BY record.date_from DESC, record.id DESC LIMIT ?"
_COUNT = f"SELECT count(*) FROM (SELECT 1 FROM record WHERE {MEASURED} AND {KEY} = ? LIMIT {COUNTED + 1})"
_COUNT_FEW = f"SELECT count(*) FROM record WHERE {MEASURED} AND {KEY} = ? AND {_OBSERVED}"
_FIRST = (
    f"SELECT record.date FROM record WHERE {MEASURED} AND {KEY} = ? AND record.date_from IS NOT NULL"
    " ORDER BY record.date_from, record.id LIMIT 1"
)
_FROM = (
    " AND EXISTS (SELECT 1 FROM record_source rs JOIN source s ON s.id = rs.source_id"
    " WHERE rs.record_id = record.id AND s.name IN ({marks}))"
)
_SOURCES = (
    "SELECT DISTINCT rs.record_id, s.name FROM record_source rs JOIN source s ON s.id = rs.source_id"
    " WHERE rs.record_id IN ({marks}) ORDER BY s.name"
)
_CORRECTED = (
    "SELECT DISTINCT rs.record_id, c.field FROM record_source rs JOIN correction c ON c.resource_id = rs.resource_id"
    " WHERE rs.record_id IN ({marks}) ORDER BY c.field"
)
_PARTS = "SELECT id, raw FROM resource WHERE id IN ({marks}) AND instr(raw, CAST('\"component\"' AS BLOB))"
_RAW = "SELECT id, raw FROM resource WHERE id IN ({marks})"
_ELSEWHERE = (
    f"SELECT {KEY} FROM record_search JOIN record ON record.id = record_search.rowid"
    f" WHERE record_search MATCH ? AND {MEASURED}"
    " AND EXISTS (SELECT 1 FROM json_each(record.codes) c WHERE json_extract(c.value, '$[1]') = ?) LIMIT 50"
)
YEAR = 367 * 86_400
_BATCH = 400


class Row(NamedTuple):
    """One record that has a value."""

    id: int
    date: str | None
    precision: str | None
    start: int | None
    end: int | None
    title: str
    value: str
    number: float | None
    unit: str | None
    low: float | None
    high: float | None
    range_text: str | None
    interpretation: str | None
    abnormal: int | None
    status: str | None
    codes: str
    kind: str
    resource: str


class Part(NamedTuple):
    """A component of an Observation: what it is called."""

    title: str
    codes: tuple[str, ...]
    raw: dict[str, Any]


@dataclass(frozen=True)
class Key:
    """One measurement as the index knows it, by its newest record."""

    key: str
    newest: Row = field(repr=False)
    codes: tuple[tuple[str | None, str, str | None], ...] = field(repr=False)
    parts: tuple[Part, ...] = field(default=(), repr=False)

    @property
    def has_number(self) -> bool:
        """Whether it has a value of its own, beside those of its parts."""
        return self.newest.number is not None or not self.parts


def codes_of(codes: str) -> tuple[tuple[str | None, str, str | None], ...]:
    """`(system, code, display)` of a record's codings."""
    return tuple((system, code, display) for system, code, display in orjson.loads(codes) if code)


def keys(db: Any) -> list[Key]:
    """Every measurement of the record, the most recent first."""
    return keys_of(db, [str(key) for (key,) in db.execute(_KEYS)])


def keys_of(db: Any, names: Sequence[str]) -> list[Key]:
    """The measurements of these keys, the most recent first; those that the record has none of are left out."""
    rows_ = {}
    for name in names:
        if (row := db.execute(_OF_KEY + _NEWEST, (name, 1)).fetchone()) is not None:
            rows_[name] = Row(*row)
    parts = parts_of(db, [row.id for row in rows_.values()])
    found = []
    for name, row in rows_.items():
        codes = codes_of(row.codes)
        found.append(Key(name, row, codes, both(pair_of(row, codes), parts.get(row.id, ()))))
    return sorted(found, key=lambda one: (one.newest.start or -(10**12), one.newest.id), reverse=True)


def pair_of(row: Row, codes: Sequence[tuple[str | None, str, str | None]]) -> Pair | None:
    """The pair of numbers that a record is told as, by its code or, without one of LOINC, by its name: `118/76`."""
    loinc = {code for system, code, _ in codes if system == LOINC}
    title = " ".join(row.title.casefold().split())
    for pair in PAIRS:
        if loinc & set(pair.codes):
            return pair
        if not loinc and title in pair.words and (not codes or re.match(TOGETHER, row.value)):
            return pair
    return None


def both(pair: Pair | None, parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """The components that were sent, and those of the pair that another record of this key may have."""
    known = {code for part in parts for code in part.codes}
    wanted = [BY_ID[id_] for id_ in pair.measures] if pair else []
    return (*parts, *(Part(one.name, one.codes[:1], {}) for one in wanted if not known & set(one.codes)))


def key_of(db: Any, key: str) -> Key | None:
    """The measurement of this key; None when the record has none that stands."""
    return next(iter(keys_of(db, [key])), None)


def parts_of(db: Any, ids: Sequence[int]) -> dict[int, tuple[Part, ...]]:
    """The components of the Observations that records were read from; those without any are left out."""
    found: dict[int, tuple[Part, ...]] = {}
    for at in range(0, len(ids), _BATCH):
        part = list(ids[at : at + _BATCH])
        for id_, raw in db.execute(_PARTS.format(marks=",".join("?" * len(part))), part):
            if parts := _read_parts(bytes(raw)):
                found[id_] = parts
    return found


def _read_parts(raw: bytes) -> tuple[Part, ...]:
    try:
        resource = read.parse_as_written(raw)
    except ValueError:
        return ()
    found = []
    for part in read.dicts(resource.get("component") if isinstance(resource, dict) else None):
        concept = part.get("code")
        codings = read.codings(concept)
        words = read.text(concept.get("text")) if isinstance(concept, dict) else None
        title = words or next((one.display for one in codings if one.display), None)
        codes = tuple(one.code for one in codings if one.code)
        if title or codes:  # what has only a name goes by that
            found.append(Part(title or codes[0], codes or (f"title:{str(title).lower()}",), part))
    return tuple(found)


def elsewhere(db: Any, code: str) -> list[str]:
    """Keys of records that carry a code which is not their first: the newest fifty say which."""
    if not any(map(str.isalnum, code)):
        return []
    phrase = '"' + code.replace('"', '""') + '"'
    rows = db.execute(_ELSEWHERE, (f"codes : {phrase} NOT codes : ^ {phrase}", code))
    return list(dict.fromkeys(str(row[0]) for row in rows))


def counted(db: Any, key: str) -> int:
    """How many there are; `COUNTED + 1` when there are more than that.

    Of many the index alone is asked, which does not know what was taken back; of a few each is looked at.
    """
    many = int(db.execute(_COUNT, (key,)).fetchone()[0])
    return int(db.execute(_COUNT_FEW, (key,)).fetchone()[0]) if many <= _FEW else many


def first_date(db: Any, key: str) -> str | None:
    """When it was measured for the first time."""
    row = db.execute(_FIRST, (key,)).fetchone()
    return str(row[0]) if row else None


def rows(
    db: Any,
    key: str,
    *,
    since: int | None = None,
    until: int | None = None,
    sources: Sequence[str] = (),
    limit: int | None = None,
) -> list[Row]:
    """Records of one key, the newest first; `since` and `until` in epoch seconds, a partial date overlaps."""
    query, values = _OF_KEY, [key]
    parameters: list[object] = list(values)
    if since is not None:  # no date means more than a year: the index need not be walked further than that
        query += " AND record.date_from > ? AND record.date_to > ?"
        parameters += [since - YEAR, since]
    if until is not None:
        query += " AND record.date_from < ?"
        parameters.append(until)
    if sources:
        query += _FROM.format(marks=",".join("?" * len(sources)))
        parameters += sources
    found = db.execute(query + _NEWEST, [*parameters, -1 if limit is None else limit])
    return [Row(*row) for row in found]


def sources_of(db: Any, ids: Sequence[int]) -> dict[int, list[str]]:
    """The names of all sources that tell a record."""
    every = [str(row[0]) for row in db.execute("SELECT name FROM source ORDER BY id LIMIT 2")]
    if len(every) == 1:  # then nobody has to look
        return dict.fromkeys(ids, every)
    found: dict[int, list[str]] = {}
    for at in range(0, len(ids), _BATCH):
        part = list(ids[at : at + _BATCH])
        for id_, name in db.execute(_SOURCES.format(marks=",".join("?" * len(part))), part):
            found.setdefault(id_, []).append(name)
    return found


def corrected(db: Any, ids: Sequence[int]) -> dict[int, list[str]]:
    """Which fields of these records a person has corrected."""
    found: dict[int, list[str]] = {}
    if db.execute("SELECT 1 FROM correction LIMIT 1").fetchone() is None:
        return found
    for at in range(0, len(ids), _BATCH):
        part = list(ids[at : at + _BATCH])
        for id_, name in db.execute(_CORRECTED.format(marks=",".join("?" * len(part))), part):
            found.setdefault(id_, []).append(name)
    return found


def written_units(db: Any, ids: Sequence[int]) -> dict[int, str]:
    """The codes of the units that resources give beside their words for them."""
    found: dict[int, str] = {}
    for at in range(0, len(ids), _BATCH):
        part = list(ids[at : at + _BATCH])
        for id_, raw in db.execute(_RAW.format(marks=",".join("?" * len(part))), part):
            try:
                resource = read.parse_json(bytes(raw))
            except ValueError:
                continue
            quantity = resource.get("valueQuantity") if isinstance(resource, dict) else None
            code = read.text(quantity.get("code")) if isinstance(quantity, dict) else None
            if code:
                found[id_] = code
    return found
