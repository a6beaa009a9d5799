"""How well each source keeps the record, and what in it cannot be: named, with the reason, and never changed.

One pass over the records, a few hundred in memory at a time; of numbers only what comparing them needs is kept. A record
that several sources tell counts for each of them, and is asked about once. What was decided stands in docs/quality.md.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from phr.fhir import read
from phr.views import quality_others as others
from phr.views import quality_ph as ph
from phr.views import quality_values as known
from phr.views import trend_rows
from phr.views.events import marks
from phr.views.quality_codes import wrong_codes
from phr.views.quality_dates import wrong_dates
from phr.views.quality_limits import LIMITS
from phr.views.quality_people import differing, life, lives
from phr.views.quality_points import DIASTOLIC, SYSTOLIC, Found, has_parts, parts, points, written
from phr.views.quality_rows import COLUMNS, Finding, Point, Row, Verdict, beside
from phr.views.quality_share import Shares
from phr.views.selection import EVERYTHING, Selection, check_sources

if TYPE_CHECKING:
    from phr.store.store import Store

Tell = Callable[[str, int, int | None], None]
_STRIDE = 2_000
_BATCH = 400
ORDER = (
    "birth_date", "before_birth", "after_death", "future", "end_before_start", "impossible", "factor_of_ten", "unit",
    "range", "duplicate", "code",
)  # fmt: skip
"""What comes first in the answer."""


def quality(store: Store, selection: Selection = EVERYTHING, tell: Tell | None = None) -> dict[str, Any]:
    """Shares per source and what is worth asking about, as one JSON document. Reads only.

    Values are compared with all of the person's own, also where a selection tells only some of them.
    """
    check_sources(store, selection)
    return _Check(store, selection, tell).document()


class _Check:
    """One pass."""

    def __init__(self, store: Store, selection: Selection, tell: Tell | None) -> None:
        self._db = store.db
        self._tell = tell or (lambda *_: None)
        self._names: dict[int, str] = dict(self._db.execute("SELECT id, name FROM source").fetchall())
        condition, self._values = replace(selection, sources=()).where()
        self._condition = condition.replace("record.supporting = 0", "record.supporting IN (0, 3)", 1)
        self._sources = {
            id_ for id_, name in self._names.items() if not selection.sources or name in selection.sources
        }
        self._only = self._told_by(selection) if selection.sources else None
        self._everything = replace(selection, sources=()) == EVERYTHING
        patients = lives(store)
        self._life = life(patients, store.now())
        self._findings: list[Finding] = differing(patients) if self._everything else []
        self._series: defaultdict[str, list[Point]] = defaultdict(list)
        self._titles: dict[str, str] = {}
        self._twice: dict[tuple[object, ...], int] = {}
        self._doubles: list[tuple[int, int]] = []
        self._ranges: list[tuple[Row, str]] = []
        self._waiting: list[Row] = []
        self._checked = Counter[str]()
        self._shares = Shares(self._placed())

    def document(self) -> dict[str, Any]:
        """Everything, the gravest first."""
        self._pass()
        self._tell("Comparing values", 0, None)
        self._findings += [*self._contradictions(), *self._told_twice(), *self._judged()]
        places = {reason: at for at, reason in enumerate(ORDER)}
        self._findings.sort(
            key=lambda one: (places[one.reason], one.row.start is None, -(one.row.start or 0), one.row.id)
        )
        shown = [id_ for id_ in self._shares.sources if id_ in self._sources]
        sources = [self._shares.document(id_, self._names[id_]) for id_ in shown]
        return {
            "sources": sources,
            "implausible": [one.document(self._names.get(one.row.source, "")) for one in self._findings],
            "by_reason": dict(Counter(one.reason for one in self._findings)),
            "checked": self._checked["records"],
            "values": self._checked["values"],
            "made": self._life.today,
        }

    # ── the pass ──────────────────────────────────────────────────────────────────────────────────

    def _pass(self) -> None:
        of = int(self._db.execute("SELECT coalesce(sum(shown), 0) FROM tally").fetchone()[0])
        rows = self._db.execute(
            f"SELECT {COLUMNS}, ({self._condition}) AS wanted FROM record JOIN resource x ON x.id = record.id"
            " WHERE record.supporting IN (0, 3)",
            self._values,
        )
        for at, columns in enumerate(map(Row._make, rows)):
            if not at % _STRIDE:
                self._tell("Checking records", at, of)
            self._one(columns)
        self._parts()

    def _one(self, row: Row) -> None:
        if row.wanted and row.source in self._sources:
            self._shares.add(row)
        if row.supporting:
            return
        wanted = bool(row.wanted) and (self._only is None or row.id in self._only)
        if wanted:
            self._checked["records"] += 1
            self._findings += wrong_dates(row, self._life)
            self._findings += [
                Finding(row, "code", f"{one.code}: {one.why}.", value=one.code, limits=None)
                for one in wrong_codes(row.codes)
            ]
            if why := others.contradicts(row):
                self._ranges.append((row, why))
            if (key := others.double_key(row)) is not None:
                first = self._twice.setdefault(key, row.id)
                if first != row.id:
                    self._doubles.append((first, row.id))
        if row.value is not None and row.resource.startswith("Observation/"):
            self._add(row, points(row, wanted))
            if has_parts(row):
                self._waiting.append(row)
                if len(self._waiting) >= _BATCH:
                    self._parts()

    def _parts(self) -> None:
        waiting, self._waiting = self._waiting, []
        found = trend_rows.parts_of(self._db, [row.id for row in waiting])
        for row in waiting:
            wanted = bool(row.wanted) and (self._only is None or row.id in self._only)
            self._add(row, parts(row, wanted, found.get(row.id, ())))

    def _add(self, row: Row, found: Iterator[Found]) -> None:
        for key, point, misfit in found:
            self._checked["values"] += point.wanted
            if misfit:
                if point.wanted:
                    self._findings.append(_misfit(row, point, misfit))
                continue
            self._series[key].append(point)
            self._titles.setdefault(key, point.part or row.title)

    # ── afterwards ────────────────────────────────────────────────────────────────────────────────

    def _judged(self) -> Iterator[Finding]:
        found: list[Verdict] = []
        for key, series in self._series.items():
            title = self._titles[key]
            if key in LIMITS:
                verdicts = list(known.judged(key, series, self._life.youngest))
            else:
                verdicts = list(ph.judged(key, title, series)) if ph.is_ph(key, title) else []
                told = {(one.point.id, one.point.part) for one in verdicts}
                left = [one for one in series if (one.id, one.part) not in told]
                verdicts += others.judged(left, title)
            found += [one for one in verdicts if one.point.wanted]
        found += _crossed(self._series[SYSTOLIC], self._series[DIASTOLIC])
        rows = self._rows([one.point.id for one in found])
        for one in found:
            point = one.point
            compared = tuple(each.beside() for each in one.compared)
            finding = Finding(
                rows[point.id], one.reason, one.detail, None, point.unit, compared, one.limits, one.also
            )
            if point.part:
                finding.title, finding.value = point.part, point.beside()["value"]
            yield finding

    def _contradictions(self) -> Iterator[Finding]:
        raws = self._raws([row.id for row, _ in self._ranges])
        for row, why in self._ranges:
            if others.one_range(raws.get(row.id, {})):
                span = {"low": row.low, "high": row.high, "unit": row.unit}
                yield Finding(row, "range", why, limits=span)

    def _told_twice(self) -> Iterator[Finding]:
        ids = sorted({id_ for pair in self._doubles for id_ in pair})
        raws, rows = self._raws(ids), self._rows(ids)
        for first, second in self._doubles:
            if others.same_twice(raws.get(first, {}), raws.get(second, {})):
                said = f"The same is told once more, as record {first}: same time, same value, another id."
                yield Finding(rows[second], "duplicate", said, compared=(beside(rows[first]),))

    def _rows(self, ids: Sequence[int]) -> dict[int, Row]:
        found: dict[int, Row] = {}
        for at in range(0, len(ids), _BATCH):
            part = ids[at : at + _BATCH]
            query = f"SELECT {COLUMNS}, 1 FROM record JOIN resource x ON x.id = record.id WHERE record.id IN ({marks(part)})"
            found.update((row[0], Row._make(row)) for row in self._db.execute(query, part))
        return found

    def _raws(self, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        found: dict[int, dict[str, Any]] = {}
        for at in range(0, len(ids), _BATCH):
            part = ids[at : at + _BATCH]
            for id_, raw in self._db.execute(
                f"SELECT id, raw FROM resource WHERE id IN ({marks(part)})", part
            ):
                try:
                    resource = read.parse_json(bytes(raw))
                except ValueError:
                    continue
                found[id_] = resource if isinstance(resource, dict) else {}
        return found

    def _placed(self) -> set[tuple[int, str]]:
        """Visits that say who or where: what happened at one of them is attributed."""
        rows = self._db.execute(
            "SELECT x.source_id, record.resource FROM record JOIN resource x ON x.id = record.id"
            " WHERE record.kind = 'encounter' AND record.supporting IN (0, 3)"
            " AND (record.facility IS NOT NULL OR record.performer IS NOT NULL)"
        )
        return {(source, address) for source, address in rows}

    def _told_by(self, selection: Selection) -> set[int]:
        rows = self._db.execute(
            "SELECT rs.record_id FROM record_source rs JOIN source s ON s.id = rs.source_id"
            f" WHERE s.name IN ({marks(selection.sources)})",
            selection.sources,
        )
        return {row[0] for row in rows}


def _misfit(row: Row, point: Point, misfit: str) -> Finding:
    name = (point.part or row.title).strip()
    said = f"{written(point.said)} {point.unit} is {misfit}, which {name} is not."
    return Finding(row, "unit", said, unit=point.unit, title=point.part)


def _crossed(above: Sequence[Point], below: Sequence[Point]) -> Iterator[Verdict]:
    """A systolic pressure that is below the diastolic one: of one record, or of two at one instant."""
    of_record = {one.id: one for one in below}
    at_instant: defaultdict[str, list[Point]] = defaultdict(list)
    for one in below:
        if one.date and len(one.date) > 10:
            at_instant[one.date].append(one)
    for one in above:
        other = of_record.get(one.id)
        if other is None and one.date and len(found := at_instant.get(one.date, [])) == 1:
            other = found[0]
        if other is not None and one.amount < other.amount and one.wanted:
            said = f"The upper pressure ({written(one.said)}) is below the lower one ({written(other.said)})."
            yield Verdict(one, "impossible", said, (other,) if other.id != one.id else ())
