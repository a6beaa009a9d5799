"""Where a summary takes its entries from: the newest records of one kind, read lightly and never all of a long life.

The index `record_by_kind` holds kind, date and status, so what does not stand any more costs no row. How far it is
followed has an end, and whoever asks is told when it was reached: a summary may not be silent about what it left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from phr.fhir import dates, read
from phr.records.match_terms import Codes, codes_from, compare_codes, compare_sides, fold
from phr.views.events import BATCH, marks

if TYPE_CHECKING:
    from phr.store.store import Store
    from phr.views.selection import Selection

SCANNED = 20_000
"""So many entries of the index are looked at for one kind, the newest first."""
TAKEN = 1_500
"""So many rows are read of them."""
_COLUMNS = "id, title, status, date, date_from, end, category, codes, description, resource"
_STANDARD = frozenset("snomed icd10 icd9 rxnorm ndc cvx unii atc loinc cpt hcpcs cdt".split())


class Source(NamedTuple):
    """One resource that tells a record, and whose it is."""

    source: str
    raw: bytes

    def __repr__(self) -> str:
        return f"<Source {self.source}>"


class Row(NamedTuple):
    """A record, as far as a summary weighs it."""

    id: int
    title: str
    status: str | None
    date: str | None
    date_from: int | None
    end: str | None
    category: str | None
    codes: tuple[tuple[str | None, ...], ...]
    description: str | None
    resource: str
    """`Type/id`."""

    def __repr__(self) -> str:
        return f"<Row {self.id}>"

    @property
    def coded(self) -> Codes:
        """Its codes in standard systems, each in one spelling."""
        return _coded(self.codes)

    @property
    def type(self) -> str:
        return self.resource.partition("/")[0]

    @property
    def words(self) -> tuple[str, ...]:
        """The title and what its codes are called."""
        return (self.title, *(code[2] for code in self.codes if code[2]))

    def ended(self, now: int) -> bool:
        """Whether it ended before this moment."""
        found = dates.parse(self.end)
        return found is not None and found.end <= now

    def has_code(self, codes: Iterable[str]) -> bool:
        """Whether any of its codes is one of these."""
        known = set(codes)
        return any(code[1] in known for code in self.codes)


@lru_cache(maxsize=4096)
def _coded(codes: tuple[tuple[str | None, ...], ...]) -> Codes:
    return frozenset(one for one in codes_from((code[0], code[1]) for code in codes) if one[0] in _STANDARD)


_MARKED = (
    "SELECT rs.record_id FROM correction c CROSS JOIN record_source rs ON rs.resource_id = c.resource_id"
    " CROSS JOIN record r ON r.id = rs.record_id WHERE c.field = 'sensitivity' AND c.value <> 'normal' AND r.supporting = 0"
    " UNION SELECT rs.record_id FROM source s CROSS JOIN resource x ON x.source_id = s.id CROSS JOIN record_source rs"
    " ON rs.resource_id = x.id CROSS JOIN record r ON r.id = rs.record_id"
    " WHERE s.kind = 'person' AND r.sensitivity <> 'normal' AND r.supporting = 0"
)
"""As `selection.MARKED`, by what the person wrote alone: nothing walks a whole life."""


class Desk:
    """The store, the moment, and what may be seen: what every part of a summary needs."""

    def __init__(self, store: Store, selection: Selection) -> None:
        self.store = store
        self.db = store.db
        self.selection = selection
        self.reached: list[str] = []
        """Kinds of which there is more than was looked at."""
        levels = selection.sensitivities()
        from phr.views.selection import SENSITIVITIES

        self._private = len(levels) < len(SENSITIVITIES)
        self._levels = levels

    @cached_property
    def today(self) -> str:
        """The present instant as FHIR writes it."""
        return self.store.now()

    @cached_property
    def now(self) -> int:
        """The same in epoch seconds."""
        found = dates.parse(self.today)
        assert found is not None  # noqa: S101 - our own clock
        return found.start

    @cached_property
    def own(self) -> frozenset[str]:
        """What the sources are called that the person writes themselves."""
        return frozenset(row[0] for row in self.db.execute("SELECT name FROM source WHERE kind = 'person'"))

    def written(self, ids: Sequence[int]) -> dict[int, int]:
        """When the person wrote these records last; without those that others tell."""
        found: dict[int, int] = {}
        for at in range(0, len(ids) if self.own else 0, BATCH):
            part = ids[at : at + BATCH]
            rows = self.db.execute(
                "SELECT rs.record_id, max(r.changed) FROM record_source rs CROSS JOIN resource r ON r.id = rs.resource_id"
                f" JOIN source s ON s.id = r.source_id WHERE s.kind = 'person' AND rs.record_id IN ({marks(part)})"
                " GROUP BY rs.record_id",
                part,
            )
            for id_, changed in rows:
                if (when := dates.parse(changed)) is not None:
                    found[id_] = when.start
        return found

    def visible(self) -> tuple[str, list[str]]:
        """The part of an SQL condition on `record` that holds back what is more private than asked for."""
        if self._private:
            return f" AND sensitivity IN ({marks(self._levels)})", list(self._levels)
        if self.selection.marked or self.selection.sensitivity is not None or not self.marked:
            return "", []
        return " AND id NOT IN (SELECT value FROM json_each(?))", [orjson.dumps(self.marked).decode()]

    @cached_property
    def marked(self) -> list[int]:
        """Records that the person marked as private by hand."""
        return [row[0] for row in self.db.execute(_MARKED)]

    def newest(
        self,
        kind: str,
        *,
        statuses: Sequence[str | None] | None = None,
        since: int | None = None,
        limit: int = TAKEN,
    ) -> list[Row]:
        """The newest records of a kind with one of these statuses (None: any), those without a date at the end."""
        inner = "SELECT id, date_from, status FROM record WHERE kind = ? AND supporting = 0"
        values: list[object] = [kind]
        if since is not None:
            inner += " AND date_from >= ?"
            values.append(since)
        condition, wanted = _status(statuses)
        inner += " ORDER BY date_from DESC, id DESC LIMIT ?"
        found = self.db.execute(
            f"SELECT id FROM ({inner}) WHERE {condition} LIMIT ?", [*values, SCANNED, *wanted, limit]
        ).fetchall()
        ids = [row[0] for row in found]
        if since is None and limit == TAKEN and (len(ids) == limit or self._is_long(kind)):
            self.reached.append(kind)
            ids += [id_ for id_ in self._undated(kind, condition, wanted) if id_ not in set(ids)]
        return self.rows(ids)

    def _is_long(self, kind: str) -> bool:
        row = self.db.execute("SELECT shown FROM tally WHERE kind = ?", (kind,)).fetchone()
        return row is not None and int(row[0]) > SCANNED

    def _undated(self, kind: str, condition: str, wanted: list[object]) -> list[int]:
        """Records without a date stand at the end, where a long list is not followed to."""
        rows = self.db.execute(
            "SELECT id FROM (SELECT id, status FROM record WHERE kind = ? AND supporting = 0 AND date_from IS NULL"
            f" ORDER BY id DESC LIMIT ?) WHERE {condition} LIMIT 200",
            [kind, SCANNED // 10, *wanted],
        )
        return [row[0] for row in rows]

    def rows(self, ids: Sequence[int], *, kind: str | None = None) -> list[Row]:
        """These records (of this kind) in this order, without those that may not be seen."""
        hidden, levels = self.visible()
        if kind is not None:
            hidden, levels = f"{hidden} AND kind = ?", [*levels, kind]
        found: dict[int, Row] = {}
        for at in range(0, len(ids), BATCH):
            part = ids[at : at + BATCH]
            sql = f"SELECT {_COLUMNS} FROM record WHERE id IN ({marks(part)}){hidden}"
            for row in self.db.execute(sql, [*part, *levels]):
                codes = tuple(tuple(one) for one in orjson.loads(row[7]))
                found[row[0]] = Row(
                    row[0], row[1], row[2], row[3], row[4], row[5], row[6], codes, row[8], row[9]
                )
        return [found[id_] for id_ in ids if id_ in found]

    def told(self, ids: Sequence[int]) -> dict[int, list[Source]]:
        """What the sources say of each of these records: the resource it was read from first."""
        found: dict[int, list[Source]] = {}
        for at in range(0, len(ids), BATCH):
            part = ids[at : at + BATCH]
            rows = self.db.execute(
                "SELECT rs.record_id, s.name, r.raw FROM record_source rs CROSS JOIN resource r ON r.id = rs.resource_id"
                f" JOIN source s ON s.id = r.source_id WHERE rs.record_id IN ({marks(part)})"
                " ORDER BY rs.record_id, rs.resource_id <> rs.record_id, rs.resource_id",
                part,
            )
            for id_, name, raw in rows:
                found.setdefault(id_, []).append(Source(name, raw))
        return found

    def bodies(self, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        """The resource that each of these records was read from."""
        return {id_: body(told[0].raw) for id_, told in self.told(ids).items()}


def body(raw: bytes) -> dict[str, Any]:
    """A resource as a dict; an empty one where it cannot be read."""
    try:
        found = read.parse_json(raw)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _status(statuses: Sequence[str | None] | None) -> tuple[str, list[object]]:
    if statuses is None:
        return "1", []
    named = [one for one in statuses if one is not None]
    parts = [f"status IN ({marks(named)})"] if named else []
    parts += ["status IS NULL"] if None in statuses else []
    return f"({' OR '.join(parts)})", list(named)


# ── the same thing said more than once ────────────────────────────────────────────────────────────────


def grouped(rows: Sequence[Row], *, certain: frozenset[str] | None = None) -> list[list[Row]]:
    """Rows that certainly say the same together, in the order of the first of each group.

    The same is: a standard code in common (of the systems `certain`, where it is given), or the same words; unless
    the words name another side of the body, or codes of a system in which they have none in common.
    """
    groups: list[list[Row]] = []
    by_code: dict[tuple[str, str], list[int]] = {}
    by_words: dict[str, list[int]] = {}
    for row in rows:
        usable = [code for code in row.coded if certain is None or code[0] in certain]
        likely = dict.fromkeys(
            number
            for names in (*(by_code.get(code, ()) for code in usable), by_words.get(_bare(row.title), ()))
            for number in names
        )
        at = next((number for number in sorted(likely) if _are_one(groups[number][0], row)), None)
        if at is None:
            at = len(groups)
            groups.append([])
        groups[at].append(row)
        for code in usable:
            by_code.setdefault(code, []).append(at) if at not in by_code.get(code, ()) else None
        words = _bare(row.title)
        if at not in by_words.get(words, ()):
            by_words.setdefault(words, []).append(at)
    return groups


def _are_one(one: Row, other: Row) -> bool:
    if compare_sides(map(fold, one.words), map(fold, other.words)) < 0:
        return False
    if _bare(one.title) == _bare(other.title):
        return True
    return compare_codes(one.coded, other.coded) > 0 and not _contradict(one.coded, other.coded)


def _contradict(one: Codes, other: Codes) -> bool:
    """A coarse code in common (ICD-10) does not make one of what a finer system (SNOMED CT) tells apart."""
    first, second = ({code for system, code in side if system == "snomed"} for side in (one, other))
    return bool(first) and bool(second) and first.isdisjoint(second)


def _bare(title: str) -> str:
    """The words without the semantic tag that some add to SNOMED CT terms, and others do not."""
    from phr.views.summary_words import without_tag

    return fold(without_tag(title))
