"""What all shapes of a milestone rule need: the rows, the rules ready to be asked, and how a milestone is written down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from phr.fhir import dates, read
from phr.packs.codes import CodeSet
from phr.packs.words import Words, matching, tokens
from phr.store.db import batches, marks
from phr.store.milestones import Milestone

if TYPE_CHECKING:
    from phr.packs.model import MilestoneRule, Pack
    from phr.views.trend_rows import Key

DAY = 86_400
_COLUMNS = (
    "id, title, description, date, date_from, end, value, unit, status, category, codes, encounter, resource"
)
NOT_SO = frozenset(("refuted", "entered-in-error", "cancelled", "draft", "not-done", "not-taken", "unknown"))
"""States in which nothing has happened, or in which nobody says so."""
DOUBTED = ("refuted", "unconfirmed", "provisional", "differential")
Coding = tuple[str | None, str | None]


class Row(NamedTuple):
    """A shown record, as far as rules look at it."""

    id: int
    title: str
    description: str | None
    date: str | None
    date_from: int | None
    end: str | None
    value: str | None
    unit: str | None
    status: str | None
    category: str | None
    codes: str
    encounter: str | None
    resource: str

    @property
    def type(self) -> str:
        return self.resource.partition("/")[0]

    @property
    def ended(self) -> int | None:
        """The first second after it ended."""
        when = dates.parse(self.end) if self.end else None
        return when.end if when else None


@lru_cache(maxsize=8192)
def codings(codes: str) -> tuple[tuple[str | None, str | None, str | None], ...]:
    """`(system, code, display)` of a record."""
    return tuple((row[0], row[1], row[2]) for row in orjson.loads(codes))


@lru_cache(maxsize=8192)
def coded(codes: str) -> tuple[Coding, ...]:
    """`(system, code)` of a record."""
    return tuple((system, code) for system, code, _ in codings(codes))


class Rule:
    """A milestone rule with its codes and words ready, and the pack it is from."""

    def __init__(self, pack: Pack, rule: MilestoneRule) -> None:
        self.pack = pack
        self.says = rule
        self.codes = CodeSet(rule.codes)
        self.words = Words(rule.words)
        self.unless = Words(rule.unless)
        self.unless_codes = CodeSet(rule.unless_codes)
        self.named = bool(self.codes or self.words)
        self._known: dict[tuple[str, str], bool] = {}

    def fits(self, row: Row) -> bool:
        """Whether the row has one of the codes, or one of the words in its title."""
        key = (row.title, row.codes)
        found = self._known.get(key)
        if found is None:
            found = self.codes.fits(coded(row.codes)) or self.words.fit(row.title)
            self._known[key] = found
        return found

    def found(
        self, row: Row, title: str, detail: str, date: str | None = None, date_from: int | None = None
    ) -> Milestone:
        """A milestone of this rule, dated as the row is or as said."""
        if date is None:
            date, date_from = row.date, row.date_from
        return Milestone(row.id, self.says.id, self.pack.id, title, detail, date, date_from)


class Ground:
    """The record that is looked at."""

    def __init__(self, db: Any, packs: Sequence[Pack]) -> None:
        self.db = db
        self.packs = packs

    def rows(self, kind: str, more: str = "", values: Sequence[object] = ()) -> Iterator[Row]:
        """The shown records of a kind, oldest first, those without a date before them."""
        cursor = self.db.execute(
            f"SELECT {_COLUMNS} FROM record WHERE kind = ? AND supporting = 0{more} ORDER BY date_from, id",
            (kind, *values),
        )
        return (Row(*row) for row in cursor)

    @cached_property
    def measured(self) -> list[Key]:
        """Every measurement there is, as `phr trend` knows them."""
        from phr.views import trend_rows

        return trend_rows.keys(self.db)

    def bodies(self, ids: Sequence[int], having: bytes = b"") -> Iterator[tuple[int, dict[str, Any]]]:
        """The resources that records were read from; with `having` those only in which it is written."""
        among = " AND instr(raw, ?)" if having else ""
        for part in batches(ids):
            asked = [*part, having] if having else part
            rows = self.db.execute(f"SELECT id, raw FROM resource WHERE id IN ({marks(part)}){among}", asked)
            for id_, raw in rows.fetchall():
                try:
                    body = read.parse_json(bytes(raw))
                except ValueError:
                    continue
                if isinstance(body, dict):
                    yield id_, body

    @cached_property
    def born(self) -> str | None:
        """The day of birth; None where the Patient resources name none, or several."""
        rows = self.db.execute(
            "SELECT raw FROM resource WHERE type = 'Patient' AND state = 'current' LIMIT 50"
        )
        found = set()
        for (raw,) in rows.fetchall():
            try:
                body = read.parse_json(bytes(raw))
            except ValueError:
                continue
            found.add(read.text(body.get("birthDate")) if isinstance(body, dict) else None)
        found.discard(None)
        return found.pop() if len(found) == 1 else None

    @cached_property
    def problems(self) -> list[Row]:
        """The problems that somebody has: none that is refuted, made in error or only thought of."""
        return [row for row in self.rows("problem") if row.status not in NOT_SO and not doubted(row)]

    @cached_property
    def stays(self) -> frozenset[str]:
        """Resources of the visits that were stays in hospital."""
        return frozenset(row.resource for row in self.visits("IMP", "ACUTE", "NONAC", "inpatient"))

    @cached_property
    def hospital(self) -> frozenset[str]:
        """Those, and visits of emergency and observation."""
        told = self.visits("EMER", "OBSENC", "emergency")
        return self.stays.union(row.resource for row in told)

    def visits(self, *classes: str) -> list[Row]:
        """The visits of these classes, oldest first. The full text finds them: it has the class among the details, while
        each row of a life full of ordinary visits would have to be read."""
        words = matching(classes)
        columns = ", ".join(f"r.{name}" for name in _COLUMNS.split(", "))
        cursor = self.db.execute(
            f"SELECT {columns} FROM record_search s CROSS JOIN record r ON r.id = s.rowid"
            " WHERE s.record_search MATCH ? AND r.kind = 'encounter' AND r.supporting = 0"
            f" AND lower(r.category) IN ({','.join('?' * len(classes))}) ORDER BY r.date_from, r.id",
            (f"{{detail}} : ({words})", *(one.lower() for one in classes)),
        )
        return [Row(*row) for row in cursor]

    @cached_property
    def sources(self) -> dict[int, frozenset[int]]:
        """By problem the sources that tell it."""
        found: dict[int, set[int]] = {}
        for record, source in self.db.execute(
            "SELECT rs.record_id, rs.source_id FROM record r CROSS JOIN record_source rs ON rs.record_id = r.id"
            " WHERE r.kind = 'problem' AND r.supporting = 0"
        ):
            found.setdefault(record, set()).add(source)
        return {record: frozenset(told) for record, told in found.items()}

    @cached_property
    def conditions(self) -> frozenset[str]:
        """Ids of the packs whose condition somebody has."""
        return frozenset(pack.id for pack in self.packs if not pack.general and self.has(pack))

    def has(self, pack: Pack) -> bool:
        """Whether one of the problems is the condition of this pack."""
        codes, words = CodeSet(pack.codes), Words(pack.words)
        return any(codes.fits(coded(told)) for told in {row.codes for row in self.problems}) or any(
            words.fit(title) and not _SOMETHING_ELSE.fit(title)
            for title in {row.title for row in self.problems}
        )


_SOMETHING_ELSE = Words(
    "history of*|family history|at risk|risk of|risk for|suspected|possible|screening|rule out|exposure|no|without|carrier"
    "|education|concern about|fear of|portal hypertension|pulmonary hypertension|ocular hypertension|diabetes insipidus"
    "|prediabetes|gestational|subcutaneous emphysema|mediastinal emphysema".split("|")
)
"""Words that make a title with the name of a condition tell of something else."""


def doubted(row: Row) -> bool:
    """Whether the record says of itself that it is not certain; see `records.clinical`."""
    return (row.description or "").startswith(DOUBTED)


@lru_cache(maxsize=8192)
def spoken(title: str) -> str:
    """A title as it is said: without the grammar of the terminologies."""
    from phr.views.titles import plain

    return plain(title)


def day(date: str | None) -> str:
    """A date as far as a milestone tells it: no time of day."""
    return (date or "")[:10]


@lru_cache(maxsize=8192)
def folded(text: str) -> str:
    """A text as it is compared."""
    return " ".join(tokens(text))
