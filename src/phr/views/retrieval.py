"""Finding candidates: bounded questions to the full-text index, so that a long life takes no longer than a short one.

Only row numbers come out of the index. Where a question has more answers than are taken, the newest of each title are
looked up in the indexes that are ordered by date, because row numbers only say in which order things arrived.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

from phr.views.concepts import Concept
from phr.views.events import marks
from phr.views.search_limits import WINDOW, Found, Limits
from phr.views.search_score import COLUMNS, Candidate

MOST = 30_000
"""Hits are counted up to here."""
CLOSELY = 2_000
"""Hits that have to be looked at one by one, because of a filter, are counted up to here."""
ROOM = 80
"""So many rows are taken for each question."""
_EACH = 10
_NUMBERS = 6_000
"""So many row numbers are compared with the newest of a kind."""
_WINDOWS = 5
_MATCH = "SELECT rowid FROM record_search WHERE record_search MATCH ? {more}ORDER BY rowid DESC LIMIT ?"
_MATCH_WHERE = (
    "SELECT s.rowid FROM record_search s CROSS JOIN record ON record.id = s.rowid"
    " WHERE s.record_search MATCH ? AND {condition} {more}ORDER BY s.rowid DESC LIMIT ?"
)
_NEWEST_MEASURED = (
    "SELECT record.id FROM record WHERE coalesce(json_extract(codes, '$[0][1]'), lower(title)) ="
    " (SELECT coalesce(json_extract(codes, '$[0][1]'), lower(title)) FROM record WHERE id = ?)"
    " AND value IS NOT NULL AND supporting = 0 ORDER BY date_from DESC, id DESC LIMIT 4"
)
_NEWEST_KIND = (
    "SELECT id FROM record WHERE kind = ? AND supporting = 0 ORDER BY date_from DESC, id DESC LIMIT 400"
)
_OF_KIND = "SELECT id FROM record WHERE kind = ? AND supporting = 0 ORDER BY date_from DESC, id DESC LIMIT ?"
_LIKE = "SELECT count(*) FROM (SELECT 1 FROM record WHERE {same} LIMIT 10001)"


class Retrieval:
    """Questions to one records file, all within the same limits."""

    def __init__(self, db: Any, limits: Limits, room: int = ROOM) -> None:
        self._db = db
        self._limits = limits
        self._room = max(ROOM, room)
        self._numbers: dict[str, frozenset[int]] = {}
        self._kept: dict[tuple[object, ...], list[int]] = {}
        self._of: dict[str, frozenset[int]] = {}
        self._nothing: set[str] = set()
        """Questions that have no answer at all; they come again while the query is loosened."""
        self._most = MOST if limits.plain or (limits.exact and limits.window is not None) else CLOSELY

    def exists(self, concept: Concept) -> bool:
        """Whether any record at all holds it."""
        expression = concept.expression()
        if (
            expression not in self._nothing
            and self._db.execute(_MATCH.format(more=""), (expression, 1)).fetchone()
        ):
            return True
        return bool(concept.kinds) and bool(
            self._db.execute(
                f"SELECT 1 FROM tally WHERE shown > 0 AND kind IN ({marks(concept.kinds)}) LIMIT 1",
                concept.kinds,
            ).fetchone()
        )

    def word(self, word: str, columns: str = "") -> bool:
        """Whether any record holds this very word."""
        return bool(self._db.execute(_MATCH.format(more=""), (f'{columns}"{word}"', 1)).fetchone())

    def all_of(self, concepts: Sequence[Concept], chosen: Sequence[int] | None = None) -> Found:
        """Records that hold every one of these concepts (of those at the places `chosen`)."""
        places = list(range(len(concepts)) if chosen is None else chosen)
        bits = sum(1 << at for at in places)
        found = Found()
        counted: set[int] = set()
        ways = list(_combined([concepts[at] for at in places]))
        for texts, kinds in ways:
            self._gather(found, texts, kinds, bits)
            if (kinds or len(ways) > 1) and len(counted) < self._most:
                counted.update(self._ids(_anywhere(texts), kinds, self._most))
        found.total = len(counted) if len(ways) > 1 or ways[0][1] else self._count(_anywhere(ways[0][0]))
        found.least = found.total >= self._most
        return found

    def most_of(self, concepts: Sequence[Concept]) -> Found:
        """Records that hold as many of the concepts as any does, but not all."""
        for size in range(len(concepts) - 1, 0, -1):
            together = Found()
            for chosen in list(combinations(range(len(concepts)), size))[:12]:
                found = self.all_of(concepts, chosen)
                for id_, bits in found.held.items():
                    together.held[id_] = together.held.get(id_, 0) | bits
                together.cut |= found.cut
                together.total = max(together.total, found.total)
                together.least |= found.least or (
                    together.total > 0 and found.total not in (0, together.total)
                )
            if together.held:
                for at, concept in enumerate(
                    concepts
                ):  # what has one of them in its title may still be the better answer
                    together.note(
                        self._ids("{title} : " + concept.expression(literal=True), (), 2 * _EACH), 1 << at
                    )
                together.total = max(together.total, len(together.held))
                return together
        return Found()

    def _gather(self, found: Found, texts: list[Concept], kinds: list[tuple[str, ...]], bits: int) -> None:
        """The candidates of one combination, from the nearest columns to the farthest."""
        if not texts:
            ids = self._ids("", kinds, self._room)
            found.note(ids, bits)
            found.cut |= len(ids) >= self._room
            return
        parts = [one.expression() for one in texts]
        if not all(parts):
            return
        widest = " AND ".join(parts)
        ids = self._ids(widest, kinds, self._room)
        found.note(ids, bits)
        if len(ids) < self._room:  # whatever stands nearer is among them
            return
        found.cut = True
        each = len(texts) == 1 and len(texts[0].ways) > 3
        asked = {widest}
        full = False
        for columns, literal in (("{title} : ", True), ("{title codes} : ", False), ("", True)):
            parts = [one.expression(literal=literal) for one in texts]
            expression = " AND ".join(columns + part for part in parts if part)
            if not all(parts) or expression in asked or (each and not literal and (columns or full)):
                continue
            asked.add(expression)
            ids = self._ids(expression, kinds, self._room)
            found.note(ids, bits)
            if len(ids) >= self._room and not full:
                full = True
                self._windows(found, expression, kinds, bits, ids)
        if not full:
            self._windows(found, widest, kinds, bits, self._ids(widest, kinds, self._room))
        if each:
            # Each meaning gets its turn, so that the most frequent one does not fill the room.
            for way in [way for way in texts[0].ways if not way.literal][:40]:
                ids = self._ids("{title codes} : " + way.expression(), kinds, _EACH)
                found.note(ids, bits)
                found.cut |= len(ids) >= _EACH

    def _windows(
        self, found: Found, expression: str, kinds: list[tuple[str, ...]], bits: int, ids: Sequence[int]
    ) -> None:
        """A few from each part of the file: what arrived together is often of one title."""
        last = ids[-1]
        for part in range(_WINDOWS, 0, -1):
            found.note(self._ids(expression, kinds, _EACH, below=last * part // _WINDOWS), bits)

    def _ids(
        self, expression: str, kinds: Sequence[tuple[str, ...]], limit: int, below: int | None = None
    ) -> list[int]:
        limits = self._limits
        condition, values = limits.condition, list(limits.values)
        for named in kinds:
            condition += f" AND record.kind IN ({marks(named)})"
            values += named
        more, seek = ("", []) if below is None else ("AND {rowid} < ? ", [below])
        if limits.window is not None and not limits.window:
            return []
        if not expression and (limits.window is None or limits.without):
            return self._listed(condition, values, kinds, limit)
        expression = f"({expression}) NOT ({limits.without})" if limits.without else expression
        if limits.window is not None:
            return (
                [] if below is not None else self._within(expression, condition, values, limit, bool(kinds))
            )
        if expression in self._nothing:
            return []
        if limits.plain and not kinds:
            rows = self._db.execute(
                _MATCH.format(more=more.format(rowid="rowid")), (expression, *seek, limit)
            )
        elif limits.plain:
            return [] if below is not None else self._of_kind(expression, kinds, limit)
        else:
            statement = _MATCH_WHERE.format(condition=condition, more=more.format(rowid="s.rowid"))
            rows = self._db.execute(statement, (expression, *values, *seek, limit))
        found = [row[0] for row in rows]
        if not found and limits.plain and not kinds and below is None:
            self._nothing.add(expression)
        return found

    def _of_kind(self, expression: str, kinds: Sequence[tuple[str, ...]], limit: int) -> list[int]:
        """Those that match among the newest records of a kind, which an index alone lists."""
        key = (expression, *kinds)
        if key not in self._kept:
            fits = [self._newest_of(named) for named in kinds]
            rows = self._db.execute(_MATCH.format(more=""), (expression, MOST)) if all(fits) else ()
            self._kept[key] = [row[0] for row in rows if all(row[0] in some for some in fits)]
        return self._kept[key][:limit]

    def _newest_of(self, kinds: tuple[str, ...]) -> frozenset[int]:
        found: set[int] = set()
        for kind in kinds:
            if kind not in self._of:
                rows = self._db.execute(_OF_KIND, (kind, WINDOW))
                self._of[kind] = frozenset(row[0] for row in rows)
            found |= self._of[kind]
        return frozenset(found)

    def _within(
        self, expression: str, condition: str, values: list[object], limit: int, kinds: bool
    ) -> list[int]:
        """The newest of the window that match."""
        window = self._limits.window or ()
        if expression and expression not in self._numbers:
            rows = self._db.execute(_MATCH.format(more=""), (expression, MOST))
            self._numbers[expression] = frozenset(row[0] for row in rows)
        near = [id_ for id_ in window if id_ in self._numbers[expression]] if expression else list(window)
        if self._limits.exact and not kinds:
            return near[:limit]
        found: list[int] = []
        for at in range(0, len(near), 400):
            part = near[at : at + 400]
            check = f"SELECT record.id FROM record WHERE record.id IN ({marks(part)}) AND {condition}"
            fits = {row[0] for row in self._db.execute(check, (*part, *values))}
            found += [id_ for id_ in part if id_ in fits]
            if len(found) >= limit:
                break
        return found[:limit]

    def _listed(
        self, condition: str, values: list[object], kinds: Sequence[tuple[str, ...]], limit: int
    ) -> list[int]:
        """The newest of these kinds, or of all."""
        if self._limits.without:
            condition += " AND record.id NOT IN (SELECT rowid FROM record_search WHERE record_search MATCH ?)"
            values = [*values, self._limits.without]
        order = "ORDER BY record.date_from DESC, record.id DESC LIMIT ?"
        if not kinds:
            rows = self._db.execute(
                f"SELECT record.id FROM record WHERE {condition} {order}", (*values, limit)
            )
            return [row[0] for row in rows]
        found: list[int] = []
        for kind in kinds[0]:  # one kind at a time goes through the index of that kind, in its order
            rows = self._db.execute(
                f"SELECT record.id FROM record WHERE record.kind = ? AND {condition} {order}",
                (kind, *values, limit),
            )
            found += [row[0] for row in rows]
        return found

    def _count(self, expression: str) -> int:
        limits = self._limits
        if not expression or not limits.plain:
            return len(self._ids(expression, (), self._most))
        if limits.without:
            expression = f"({expression}) NOT ({limits.without})"
        if expression in self._nothing:
            return 0
        row = self._db.execute(
            "SELECT count(*) FROM (SELECT 1 FROM record_search WHERE record_search MATCH ? LIMIT ?)",
            (expression, MOST),
        ).fetchone()
        return int(row[0])

    def rows(self, ids: Sequence[int]) -> list[Candidate]:
        """The candidates themselves."""
        found: list[Candidate] = []
        for at in range(0, len(ids), 400):
            part = ids[at : at + 400]
            rows = self._db.execute(f"SELECT {COLUMNS} FROM record WHERE id IN ({marks(part)})", part)
            found += [Candidate(row) for row in rows]
        return found

    def newest_like(self, candidates: Sequence[Candidate], expression: str) -> list[int]:
        """The newest with the titles of these, in case that others were taken."""
        found: list[int] = []
        others = {one.kind for one in candidates if not one.measured}
        for one in candidates:
            if one.measured:
                found += [row[0] for row in self._db.execute(_NEWEST_MEASURED, (one.id,))]
        if others and expression:
            rows = self._db.execute(_MATCH.format(more=""), (expression, _NUMBERS))
            matching = frozenset(row[0] for row in rows)
            for kind in others:
                newest = [row[0] for row in self._db.execute(_NEWEST_KIND, (kind,)) if row[0] in matching]
                found += newest[:30]
        if self._limits.plain or not found:
            return found
        condition = (
            f"SELECT record.id FROM record WHERE record.id IN ({marks(found)}) AND {self._limits.condition}"
        )
        return [row[0] for row in self._db.execute(condition, (*found, *self._limits.values))]

    def like(self, one: Candidate) -> int:
        """How many results of the same test there are; 0 where that would have to be counted one by one."""
        if not one.measured or not self._limits.plain:
            return 0
        same = (
            "coalesce(json_extract(codes, '$[0][1]'), lower(title)) ="
            " (SELECT coalesce(json_extract(codes, '$[0][1]'), lower(title)) FROM record WHERE id = ?)"
            f" AND value IS NOT NULL AND {self._limits.condition}"
        )
        return int(self._db.execute(_LIKE.format(same=same), (one.id, *self._limits.values)).fetchone()[0])


def _anywhere(texts: Sequence[Concept]) -> str:
    return " AND ".join(one.expression() for one in texts)


def _combined(concepts: Sequence[Concept]) -> Iterator[tuple[list[Concept], list[tuple[str, ...]]]]:
    """Each concept by its words or by its kinds: `(words, kinds)`; two concepts at most by their kinds."""
    only_kinds = [at for at, one in enumerate(concepts) if not one.ways]
    with_kinds = [at for at, one in enumerate(concepts) if one.kinds and one.ways][
        : max(0, 2 - len(only_kinds))
    ]
    for size in range(len(with_kinds) + 1):
        for either in combinations(with_kinds, size):
            chosen = (*only_kinds, *either)
            yield (
                [one for at, one in enumerate(concepts) if at not in chosen],
                [concepts[at].kinds for at in chosen],
            )
