"""What is new to an office since the last visit there, by kind: dated since then, or come since then from elsewhere.

What a day or a month leaves open (the day of the visit itself, `2026-03`) counts as new where it did not come from that
office. Of results only those that matter: outside their range, or of what they measure there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from phr.fhir import dates
from phr.records.match_terms import codes_of_json
from phr.views.events import Event
from phr.views.titles import plain
from phr.views.visit_drugs import Drugs, changed_since
from phr.views.visit_scene import DAY, Line, Scene, is_no_visit

MOST = 50
"""So many of each kind are told; how many there are is counted."""
ORDER = (
    "allergy problem encounter medication lab_result imaging procedure questionnaire vital_sign immunization clinical_note"
    " document directive device order"
).split()
"""Kinds that are news to a doctor, what matters most first."""
_RESULTS = frozenset(("lab_result", "vital_sign", "questionnaire"))
_STANDING = frozenset(("problem", "allergy"))
_LATE = tuple(kind for kind in ORDER if kind not in ("encounter", "vital_sign", "order", "questionnaire"))
_SAYS_NO = frozenset(
    """
    entered-in-error cancelled refuted not-done not-taken noshow draft proposed preparation planned revoked rejected aborted
    registered superseded
    """.split()
)
_FORMER = ("id", "date", "value", "value_text", "unit", "low", "high", "abnormal")
_YEAR = 366 * DAY
_ROWS = 6_000
_LATE_ROWS = 8_000


@dataclass
class News:
    """What is new, by kind, with how many of each there are; and what changed or ended."""

    events: dict[str, list[Event]] = field(default_factory=dict, repr=False)
    counts: dict[str, int] = field(default_factory=dict)
    changed: list[dict[str, Any]] = field(default_factory=list, repr=False)
    normal: int = 0
    """Results that nobody marks as outside their range, and of nothing that is followed there."""
    reached: list[str] = field(default_factory=list)
    """Kinds of which there is more than was looked at; the newest were."""


def news(scene: Scene, since: dates.PartialDate | None, last: Line | None) -> News:
    """Everything new. `since` is where it begins; None: they know nothing yet."""
    found = _Found(scene, since, last)
    rows = found.rows()
    told = News()
    by_kind: dict[str, list[Line]] = {}
    for line in rows:
        by_kind.setdefault(line.kind, []).append(line)
    drugs = Drugs(scene, since)
    for kind in ORDER:
        lines = by_kind.get(kind, [])
        if kind == "medication":
            lines = drugs.new(lines)
        elif kind in _STANDING:
            lines = found.first_told(kind, lines)
        elif kind in _RESULTS:
            every = [line for line in lines if line.measured or line.abnormal]
            lines = found.that_matter(every)
            told.normal += len(every) - len(lines)
        if not lines:
            continue
        lines.sort(key=lambda line: (_weight(line), line.start or 0, line.id), reverse=True)
        told.counts[kind] = len(lines)
        shown = scene.events(line.id for line in lines[:MOST])
        for event in shown:
            event["new_because"] = found.why.get(int(event["id"]), "since")
        if kind in _RESULTS:
            found.add_former(shown)
        told.events[kind] = shown
    told.reached = found.reached
    told.changed = [] if since is None else changed_since(scene, since, drugs)
    return told


def _weight(line: Line) -> int:
    """Of one kind, what to name first: stays before visits, what is outside its range before what is only followed."""
    if line.kind == "encounter":
        words = f"{line.category or ''} {line.title}".casefold()
        return int(
            any(
                one in words
                for one in ("imp", "emer", "acute", "obsenc", "inpatient", "hospital", "admission")
            )
        )
    return int(line.abnormal or 0)


class _Found:
    """Which rows are new, and why."""

    def __init__(self, scene: Scene, since: dates.PartialDate | None, last: Line | None) -> None:
        self.scene = scene
        self.since = since
        self.last = last
        self.why: dict[int, str] = {}
        self.reached: list[str] = []

    def rows(self) -> list[Line]:
        """All that is new, of every kind that is news."""
        since = self.since
        if since is None:
            return [
                line
                for kind in ORDER
                for line in self._of(kind, "coalesce(date_from, 0) <= ?", [self.scene.now])
                if not self._is_no_news(line)
            ]
        # a date that is a month or a year begins before the day that it may mean
        rows = [
            line
            for kind in ORDER
            for line in self._of(
                kind,
                "date_from >= ? AND date_from <= ? AND (date_from >= ? OR precision IN ('year', 'month'))",
                [since.start - _YEAR, self.scene.now, since.start - DAY],
            )
        ]
        later, doubtful = [], []
        for line in rows:
            if self._is_no_news(line):
                continue
            verdict = self._compared(line)
            if verdict > 0:
                later.append(line)
            elif verdict == 0:
                doubtful.append(line)
        known = {line.id for line in later}
        later += [line for line in self._unknown_there(doubtful) if line.id not in known]
        known.update(line.id for line in later)
        later += [line for line in self._late() if line.id not in known]
        return later

    def _of(self, kind: str, condition: str, values: list[object]) -> list[Line]:
        """Those of a kind that fit, the newest first; a kind of which there are more is noted."""
        order = f" ORDER BY record.date_from DESC, record.id DESC LIMIT {_ROWS}"
        found = self.scene.lines(f"kind = ? AND {condition}", [kind, *values], order)
        if len(found) == _ROWS:
            self.reached.append(kind)
        return found

    def _is_no_news(self, line: Line) -> bool:
        if (line.status or "") in _SAYS_NO or (self.last is not None and line.id == self.last.id):
            return True
        if line.kind == "immunization":  # a recommendation is no vaccine
            return not line.resource.startswith("Immunization/")
        if line.kind == "encounter":
            no_visit = not line.resource.startswith("Encounter/") or is_no_visit(line.title)
            return no_visit or self.scene.is_theirs(line)
        return line.kind == "clinical_note" and self.scene.is_theirs(line) and self.since is not None

    def _compared(self, line: Line) -> int:
        """1: certainly after the visit (or in the time that was asked for); 0: nobody can say; -1: before."""
        assert self.since is not None  # noqa: S101 - asked for only then
        begin = self.since.text[:10]
        day = line.day
        if self.last is None:  # the person said from when on
            if day:
                return 1 if day[: len(begin)] >= begin else -1
            return 1 if (line.stop or 0) > self.since.start else -1
        if day:
            return (day > begin) - (day < begin)
        if line.start is None or line.stop is None or line.stop <= self.since.start:
            return -1
        return 1 if (line.date or "")[:7] > begin[: len((line.date or "")[:7])] else 0

    def _unknown_there(self, lines: list[Line]) -> list[Line]:
        """Those that did not come from that office."""
        told = self.scene.sources([line.id for line in lines])
        kept = [line for line in lines if not self._they_know(line, told.get(line.id, []))]
        self.why.update((line.id, "elsewhere") for line in kept)
        return kept

    def _they_know(self, line: Line, sources: list[str]) -> bool:
        own = self.scene.who.sources
        return not set(own).isdisjoint(sources) or self.scene.is_theirs(line)

    def _late(self) -> list[Line]:
        """Dated before the visit, and written down or released after it, somewhere else."""
        if self.last is None:
            return []
        assert self.since is not None  # noqa: S101
        begin = self.since.text[:10]
        found: dict[int, Line] = {}
        for kind in _LATE:
            horizon = " AND date_from >= ?" if kind in _RESULTS else ""
            values: list[object] = [kind, self.since.start + DAY, begin]
            values += [self.since.start - 2 * _YEAR] if horizon else []
            for line in self.scene.lines(
                f"kind = ? AND (date_from < ? OR date_from IS NULL) AND substr(recorded, 1, 10) > ?{horizon}",
                values,
                f" ORDER BY record.date_from DESC LIMIT {_LATE_ROWS}",
            ):
                if line.came <= self.scene.today and not self._is_no_news(line) and self._compared(line) <= 0:
                    found[line.id] = line
                    self.why[line.id] = "recorded"
        for line in self._released(begin):
            if line.id not in found:
                found[line.id] = line
                self.why[line.id] = "arrived"
        told = self.scene.sources(list(found))
        return [
            line
            for line in found.values()
            if (line.kind in _STANDING and self.why[line.id] == "recorded")
            or not self._they_know(line, told.get(line.id, []))
        ]

    def _released(self, begin: str) -> list[Line]:
        """What came after the visit from a source that was in the record before it: released later, or sent later.

        What a source brings when it is first connected says nothing about when it was released.
        """
        after = f"{begin}T23:59:59Z"
        db = self.scene.db
        sources = [
            row[0]
            for row in db.execute("SELECT id FROM source WHERE kind <> 'person' AND created < ?", (begin,))
        ]
        if not sources:
            return []
        first = _first_after(db, after)
        if first is None:
            return []
        marks = ",".join("?" * len(sources))
        kinds = ",".join("?" * len(_LATE))
        rows = self.scene.lines(
            f"record.id >= ? AND kind IN ({kinds}) AND date_from < ? AND EXISTS (SELECT 1 FROM record_source rs"
            f" WHERE rs.record_id = record.id AND rs.source_id IN ({marks}))"
            " AND NOT EXISTS (SELECT 1 FROM record_source rs JOIN resource x ON x.id = rs.resource_id"
            " WHERE rs.record_id = record.id AND x.first_seen <= ?)",
            [first, *_LATE, self.since.start if self.since else 0, *sources, after],
            f" ORDER BY record.id DESC LIMIT {_LATE_ROWS}",
        )
        return [line for line in rows if not self._is_no_news(line) and self._compared(line) < 0]

    # ── what of it matters ────────────────────────────────────────────────────────────────────────

    def first_told(self, kind: str, lines: list[Line]) -> list[Line]:
        """Problems and allergies that stood nowhere before: who writes an old one down again tells no news."""
        before: list[Line] = []
        if self.since is None:
            lines = [line for line in lines if (line.status or "") not in ("resolved", "inactive")]
        else:
            ids = {line.id for line in lines}
            rows = self.scene.lines("kind = ?", [kind], f" ORDER BY date_from DESC LIMIT {_LATE_ROWS}")
            before = [
                line
                for line in rows
                if line.id not in ids and (line.status or "") not in _SAYS_NO and not self._ended_before(line)
            ]
        names = {plain(line.title).casefold() for line in before}
        codes = {code for line in before for code in codes_of_json(line.codes)[0]}
        kept: list[Line] = []
        for line in sorted(lines, key=lambda line: (line.start or 0, line.id)):
            name, own = plain(line.title).casefold(), codes_of_json(line.codes)[0]
            if name in names or not codes.isdisjoint(own):
                continue
            names.add(name)
            codes |= own
            kept.append(line)
        return kept

    def _ended_before(self, line: Line) -> bool:
        found = dates.parse(line.end)
        return found is not None and self.since is not None and found.end <= self.since.start

    def that_matter(self, lines: list[Line]) -> list[Line]:
        """Outside their range, or of a measure that is followed there."""
        if not lines:
            return []
        followed = self._followed()
        return [line for line in lines if line.abnormal or (line.measured and line.key in followed)]

    def _followed(self) -> frozenset[str]:
        """What was measured with them, or for them, in the last three years before."""
        if self.since is None or self.scene.who.by == "nobody":
            return frozenset()
        found: set[str] = set()
        until = self.since.start + DAY if self.last else self.scene.now
        for kind in _RESULTS:
            rows = self.scene.lines(
                "kind = ? AND date_from >= ? AND date_from < ? AND value IS NOT NULL",
                [kind, self.since.start - 3 * _YEAR, until],
                " ORDER BY date_from DESC LIMIT 6000",
            )
            found.update(line.key for line in rows if self.scene.is_theirs(line))
        return frozenset(found)

    def add_former(self, shown: list[Event]) -> None:
        """Beside each result the one before it, of the time that they know."""
        if self.since is None:
            return
        for event in shown:
            codes = event["codes"]
            key = (codes[0]["code"] if codes else None) or str(event["title"]).lower()
            rows = self.scene.lines(
                "coalesce(json_extract(codes, '$[0][1]'), lower(title)) = ? AND value IS NOT NULL AND date_from < ?"
                " AND record.id <> ?",
                [key, self.since.start + (DAY if self.last else 0), int(event["id"])],
                " ORDER BY date_from DESC, record.id DESC LIMIT 1",
            )
            if rows:
                former = self.scene.events([rows[0].id])[0]
                event["before"] = {name: former[name] for name in _FORMER}


def _first_after(db: Any, instant: str) -> int | None:
    """The number of the first resource that came after this moment: numbers grow as things come."""
    low, high = 1, int(db.execute("SELECT coalesce(max(id), 0) FROM resource").fetchone()[0]) + 1
    last = high
    while low < high:
        middle = (low + high) // 2
        row = db.execute(
            "SELECT id, first_seen FROM resource WHERE id >= ? ORDER BY id LIMIT 1", (middle,)
        ).fetchone()
        if row is None or row[1] > instant:
            high = middle
        else:
            low = row[0] + 1
    return low if low < last else None
