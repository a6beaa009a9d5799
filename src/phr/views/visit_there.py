"""What an office does not have: records that none of its own sources tells.

What their sources tell under another entry (the same problem by another name: codes decide) they have. Counted by kind
and source; the most important ones are named. Where nobody can say which source is theirs, nothing is
counted: that the page would name as missing what lies on their desk is worse than saying so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from phr.records.match_terms import codes_of_json
from phr.views.events import Event, marks
from phr.views.summary_words import threatens_life
from phr.views.titles import plain
from phr.views.visit_drugs import OVER, name_of
from phr.views.visit_scene import KEPT, Line, Scene, is_no_visit

MOST = 60
_NAMED = (
    "allergy problem medication imaging procedure lab_result directive device immunization encounter clinical_note document"
).split()
"""Kinds that are named, what a doctor has to know first."""
_EACH = 12
_STANDING = ("problem", "allergy", "medication")
"""Told by their source once, they have it, whatever it is dated."""
_DATED = ("procedure", "immunization")
"""Told by their source of the same day, they have it."""
_ONCE = ("lab_result", "imaging")
"""Named once: the newest value, the report of an examination and not its pictures too."""
_LOOKED_AT = (*_STANDING, *_DATED, "encounter")
_ROWS = 2_000
_MET = tuple(sorted(KEPT))
_SAYS_NO = ("entered-in-error", "cancelled", "refuted", "not-done", "not-taken", "noshow", "planned")


@dataclass
class NotThere:
    """What their own sources do not tell."""

    known: bool = False
    """Whether it is known which sources are theirs."""
    sources: tuple[str, ...] = ()
    """Those that are theirs."""
    others: tuple[str, ...] = ()
    """Those that are not, and tell something of the selection."""
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    """By kind, by source: what two of them tell is counted for both."""
    kinds: dict[str, int] = field(default_factory=dict)
    """By kind, each once."""
    total: int = 0
    events: list[Event] = field(default_factory=list, repr=False)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "known": self.known,
            "sources": list(self.sources),
            "other_sources": list(self.others),
            "total": self.total,
            "counts": self.counts,
            "kinds": self.kinds,
            "events": self.events,
        }


def not_there(scene: Scene) -> NotThere:
    """What they do not have, as far as the record can tell."""
    own = scene.who.sources
    if not own:
        return NotThere()
    rows = scene.db.execute(f"SELECT id, name FROM source WHERE name IN ({marks(own)})", own).fetchall()
    theirs = [row[0] for row in rows]
    elsewhere = (
        "NOT EXISTS (SELECT 1 FROM record_source o WHERE o.record_id = record.id"
        f" AND o.source_id IN ({marks(theirs)}))"
    )
    found = NotThere(known=True, sources=own)
    if scene.db.execute(f"SELECT 1 FROM source WHERE id NOT IN ({marks(theirs)}) LIMIT 1", theirs).fetchone():
        elsewhere += (
            f" AND (record.status IS NULL OR record.status NOT IN ({marks(_SAYS_NO)}))"
            " AND coalesce(record.date_from, 0) <= ?"
            f" AND (record.kind <> 'appointment' OR record.status IN ({marks(_MET)}))"
        )
        lack = _Lack(scene, elsewhere, [*theirs, *_SAYS_NO, scene.now, *_MET], _known_there(scene, theirs))
        _count(scene, found, theirs, lack)
        found.events = scene.events(line.id for line in _named(lack))
    return found


class _Lack:
    """What none of their sources tells: what took place, and not what was cancelled or lies ahead."""

    def __init__(
        self, scene: Scene, condition: str, values: list[object], known: dict[str, set[object]]
    ) -> None:
        self.scene = scene
        self.condition = condition
        self.values = values
        self._known = known

    def has(self, line: Line) -> bool:
        """Whether they have it all the same, by another entry; or it is nothing that anybody has."""
        if line.kind == "encounter":
            was_none = not line.resource.startswith("Encounter/") or is_no_visit(line.title)
            return was_none or self.scene.is_theirs(line)
        return not self._known.get(line.kind, set()).isdisjoint(_called(line))

    def of(self, kind: str, more: str = "", order: str = "") -> list[Line]:
        """Of one kind what they do not have."""
        rows = self.scene.lines(
            f"kind = ?{more} AND {self.condition}", [kind, *self.values], order, asked=True
        )
        return [line for line in rows if not self.has(line)]

    def had(self) -> set[int]:
        """The numbers of those that they have by another entry."""
        return {
            line.id
            for kind in _LOOKED_AT
            for line in self.scene.lines(f"kind = ? AND {self.condition}", [kind, *self.values], asked=True)
            if self.has(line)
        }


def _count(scene: Scene, found: NotThere, theirs: list[int], lack: _Lack) -> None:
    condition, values = scene.asked
    known = orjson.dumps(sorted(lack.had())).decode()
    which = (
        " FROM source s CROSS JOIN record_source rs ON rs.source_id = s.id"
        " CROSS JOIN record ON record.id = rs.record_id"
        f" WHERE s.id NOT IN ({marks(theirs)}) AND {condition} AND {lack.condition}"
        " AND record.id NOT IN (SELECT value FROM json_each(?))"
    )
    given = [*theirs, *values, *lack.values, known]
    rows = scene.db.execute(
        f"SELECT record.kind, s.name, count(DISTINCT record.id){which} GROUP BY 1, 2", given
    ).fetchall()
    sources: dict[str, int] = {}
    for kind, name, number in sorted(rows, key=lambda row: (-row[2], row[0])):
        found.counts.setdefault(kind, {})[name] = number
        sources[name] = sources.get(name, 0) + number
    found.others = tuple(sorted(sources, key=lambda name: (-sources[name], name)))
    once: list[tuple[str, int]] = [(kind, number) for kind, _, number in rows]
    if len(sources) > 1:  # what two of them tell is one record
        once = scene.db.execute(
            f"SELECT record.kind, count(DISTINCT record.id){which} GROUP BY 1", given
        ).fetchall()
    found.kinds = dict(sorted(once, key=lambda one: (-one[1], one[0])))
    found.total = sum(found.kinds.values())


def _named(lack: _Lack) -> list[Line]:
    """The most important ones: a few of each kind, what stands before what is over, the newest first."""
    found: list[Line] = []
    for kind in _NAMED:
        more = " AND abnormal = 1" if kind == "lab_result" else ""
        lines = [
            line
            for line in lack.of(kind, more, f" ORDER BY date_from DESC, record.id DESC LIMIT {_ROWS}")
            if not line.resource.startswith(("ImmunizationRecommendation/", "ImmunizationEvaluation/"))
        ]
        if kind in _STANDING:
            lines.sort(key=_is_over)
        elif kind == "imaging":  # the report of an examination before its pictures
            lines.sort(
                key=lambda line: (line.day, line.resource.startswith("DiagnosticReport/")), reverse=True
            )
        seen: set[object] = set()
        number = 0
        for line in lines:
            names = _called(line) if kind in (*_STANDING, *_ONCE) else set()
            if seen.isdisjoint(names):
                found.append(line)
                number += 1
            seen |= names
            if number >= _EACH:
                break
    return found[:MOST]


def _is_over(line: Line) -> bool:
    return (line.status or "") in OVER or bool(line.end and line.kind != "encounter")


def _called(line: Line) -> set[object]:
    """What two entries of one thing have in common: a code, or the name; of what happens again also the day."""
    name = name_of(line.title) if line.kind == "medication" else plain(line.title).casefold()
    found: set[object] = {name, *codes_of_json(line.codes)[0]}
    if line.kind == "allergy" and _is_grave(line):
        return {("grave", one) for one in found}
    if line.kind == "imaging":
        return {(line.day, name)}
    return {(line.day, one) for one in found if line.day} if line.kind in _DATED else found


def _known_there(scene: Scene, theirs: list[int]) -> dict[str, set[object]]:
    """What their own sources tell under another entry: the same problem twice is none that they do not have."""
    return {
        kind: _all_of(
            scene.lines(
                "kind = ? AND EXISTS (SELECT 1 FROM record_source o WHERE o.record_id = record.id"
                f" AND o.source_id IN ({marks(theirs)}))"
                f" AND (status IS NULL OR status NOT IN ({marks(_SAYS_NO)}))",
                [kind, *theirs, *_SAYS_NO],
                f" ORDER BY date_from DESC LIMIT {_ROWS}",
                everything=True,
            )
        )
        for kind in (*_STANDING, *_DATED)
    }


def _all_of(lines: Iterable[Line]) -> set[object]:
    return {one for line in lines for one in (*_called(line), *_mild(line))}


def _mild(line: Line) -> set[object]:
    """Who has a grave allergy has the mild one; not the other way round."""
    return _called(line._replace(description=None)) if line.kind == "allergy" else set()


def _is_grave(line: Line) -> bool:
    text = (line.description or "").casefold()
    return "(severe)" in text or "high criticality" in text or threatens_life([text])
