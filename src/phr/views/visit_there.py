"""What an office does not have: records that none of its own sources tells.

Counted by kind and source; the most important ones are named. Where nobody can say which source is theirs, nothing is
counted: that the page would name as missing what lies on their desk is worse than saying so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from phr.views.events import Event, marks
from phr.views.titles import plain
from phr.views.visit_drugs import name_of
from phr.views.visit_scene import Line, Scene

MOST = 60
_NAMED = (
    "allergy problem imaging procedure encounter lab_result medication clinical_note document immunization directive device"
).split()
"""Kinds that are named, what is most often asked for first."""
_EACH = 12
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
    """By kind, by source."""
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
            "events": self.events,
        }


def not_there(scene: Scene) -> NotThere:
    """What they do not have, as far as the record can tell."""
    own = scene.who.sources
    if not own:
        return NotThere()
    rows = scene.db.execute(f"SELECT id, name FROM source WHERE name IN ({marks(own)})", own).fetchall()
    theirs = [row[0] for row in rows]
    condition, values = scene.asked
    elsewhere = (
        "NOT EXISTS (SELECT 1 FROM record_source o WHERE o.record_id = record.id"
        f" AND o.source_id IN ({marks(theirs)}))"
    )
    found = NotThere(known=True, sources=own)
    if scene.db.execute(f"SELECT 1 FROM source WHERE id NOT IN ({marks(theirs)}) LIMIT 1", theirs).fetchone():
        _count(scene, found, theirs, condition, values, elsewhere)
        found.events = scene.events(line.id for line in _named(scene, elsewhere, theirs))
    return found


def _count(
    scene: Scene, found: NotThere, theirs: list[int], condition: str, values: list[object], elsewhere: str
) -> None:
    rows = scene.db.execute(
        "SELECT record.kind, s.name, count(DISTINCT record.id) FROM source s CROSS JOIN record_source rs"
        " ON rs.source_id = s.id CROSS JOIN record ON record.id = rs.record_id"
        f" WHERE s.id NOT IN ({marks(theirs)}) AND {condition} AND {elsewhere} GROUP BY 1, 2",
        [*theirs, *values, *theirs],
    ).fetchall()
    sources: dict[str, int] = {}
    for kind, name, number in sorted(rows, key=lambda row: (-row[2], row[0])):
        found.counts.setdefault(kind, {})[name] = number
        sources[name] = sources.get(name, 0) + number
    found.others = tuple(sorted(sources, key=lambda name: (-sources[name], name)))
    if len(found.others) == 1:
        found.total = sum(sources.values())
    elif rows:  # what two of them tell is one record
        found.total = scene.db.execute(
            "SELECT count(DISTINCT record.id) FROM source s CROSS JOIN record_source rs ON rs.source_id = s.id"
            " CROSS JOIN record ON record.id = rs.record_id"
            f" WHERE s.id NOT IN ({marks(theirs)}) AND {condition} AND {elsewhere}",
            [*theirs, *values, *theirs],
        ).fetchone()[0]


def _named(scene: Scene, elsewhere: str, theirs: list[int]) -> list[Line]:
    """The most important ones: a few of each kind, the newest first; of results those outside their range."""
    found: list[Line] = []
    known = _known_there(scene, theirs)
    for kind in _NAMED:
        more = " AND abnormal = 1" if kind == "lab_result" else ""
        lines = scene.lines(
            f"kind = ?{more} AND (status IS NULL OR status NOT IN ({marks(_SAYS_NO)})) AND {elsewhere}"
            " AND coalesce(date_from, 0) <= ?",
            [kind, *_SAYS_NO, *theirs, scene.now],
            f" ORDER BY date_from DESC, record.id DESC LIMIT {4 * _EACH}",
            asked=True,
        )
        seen: set[str] = set()
        for line in lines:
            name = _called(line)
            if name in known.get(kind, ()) or line.resource.startswith("ImmunizationRecommendation/"):
                continue
            if name not in seen or kind not in ("medication", "problem", "allergy", "lab_result"):
                seen.add(name)
                found.append(line)
            if len([one for one in found if one.kind == kind]) >= _EACH:
                break
    return found[:MOST]


def _called(line: Line) -> str:
    return name_of(line.title) if line.kind == "medication" else plain(line.title).casefold()


def _known_there(scene: Scene, theirs: list[int]) -> dict[str, set[str]]:
    """What their own sources tell under another entry: the same problem twice is none that they do not have."""
    return {
        kind: {
            _called(line)
            for line in scene.lines(
                "kind = ? AND EXISTS (SELECT 1 FROM record_source o WHERE o.record_id = record.id"
                f" AND o.source_id IN ({marks(theirs)}))",
                [kind, *theirs],
                " ORDER BY date_from DESC LIMIT 2000",
                everything=True,
            )
        }
        for kind in ("problem", "allergy", "medication")
    }
