"""The page that a doctor reads in four minutes: what stands now, from all sources, each fact once.

Every part says where it comes from and of when it is; what is not on the page is counted. An empty part says that there
is no information, never that there is nothing: "none known" is said only where a source says it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from phr.fhir import dates
from phr.views import summary_people as people
from phr.views.events import Event, events
from phr.views.selection import EVERYTHING, Selection
from phr.views.summary_allergies import allergies
from phr.views.summary_extras import applying, extras
from phr.views.summary_medications import medications
from phr.views.summary_problems import problems
from phr.views.summary_results import Span, abnormal, day_of, open_orders, tasks, upcoming
from phr.views.summary_rows import Desk, Row
from phr.views.summary_vaccines import immunizations

if TYPE_CHECKING:
    from phr.store.store import Store

MOST = 60
"""So many entries of one part are in the document; `more` counts the rest."""
_ASKED = 8
"""Of so many entries that are one the sources are named."""
Said = tuple[Row, dict[str, Any]]


def summary(store: Store, selection: Selection = EVERYTHING, *, desk: Desk | None = None) -> dict[str, Any]:
    """Everything that stands now, as one JSON document. Reads only.

    `selection`: its `since` moves how far back results go (default: twelve months), its `sensitivity` holds back what
    is more private. What stands is shown whatever its date. `desk`: one that looks at a part of the record alone.
    """
    desk = desk or Desk(store, selection)
    since = dates.parse(selection.since)
    page = _Page(desk)
    have = problems(desk)
    taken = medications(desk)
    allergic = allergies(desk)
    given = immunizations(desk)
    span = Span.of(desk, since.start if since else None)
    results, tests = abnormal(desk, span)
    about = applying([row for row, _ in have.active])
    page.put("problems", [(row, said | {"packs": about[row.id]}) for row, said in have.active])
    page.put("resolved", have.resolved)
    page.put("refuted_problems", have.refuted)
    page.put("medications", taken.listed)
    page.put("not_to_be_taken", taken.forbidden)
    page.put("allergies", allergic.listed)
    page.put("refuted_allergies", allergic.refuted)
    page.put("former_allergies", allergic.former)
    for name, rows in (
        ("problems", have.none_known),
        ("medications", taken.none_known),
        ("allergies", allergic.none_known),
    ):
        page.put(f"none_known_{name}", _plainly(rows))
    page.put("immunizations", given.given)
    page.put("not_given", _plainly(given.refused))
    page.put("due_immunizations", _plainly(given.due))
    page.put("abnormal", results, besides=tests)
    page.put("upcoming", upcoming(desk))
    page.put("tasks", tasks(desk))
    page.put("orders", open_orders(desk))
    page.put("directives", people.directives(desk))
    page.put("extras", extras(desk, about))
    parts = page.parts()
    return {
        "schema": 1,
        "patient": people.patient(desk),
        **parts,
        "care_team": people.care_team(desk),
        "more": page.more,
        **_sources(desk, parts),
        "newest": _newest(desk),
        "made": desk.today,
        "results_since": span.has_results,
        "results_newest": day_of(span.newest) if span.newest is not None else None,
        "abnormal_since": selection.since or day_of(span.begin)[:7],
        "abnormal_until": day_of(span.newest)[:7] if span.is_past and span.newest else None,
        "looked_at_newest_only": sorted(set(desk.reached)),
    }


class _Page:
    """Parts of a page; their events are read together."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._parts: dict[str, list[Said]] = {}
        self.more: dict[str, int] = {}

    def put(self, name: str, said: Sequence[Said], *, besides: int = 0) -> None:
        """One part, cut to what a page holds."""
        self._parts[name] = list(said[:MOST])
        if rest := max(0, len(said) - MOST) + besides:
            self.more[name] = rest

    def parts(self) -> dict[str, list[Event]]:
        """Each part as events with what is said beside them."""
        return told(self._desk, self._parts)


def told(desk: Desk, parts: dict[str, list[Said]]) -> dict[str, list[Event]]:
    """Rows as events of the one JSON shape, with further keys; sources of merged records are all named.

    `own`: nobody but the person says so.
    """
    ids = [row.id for said in parts.values() for row, _ in said]
    also = [
        int(id_)
        for said in parts.values()
        for _, more in said
        for id_ in (*more.get("same", ())[:_ASKED], *more.get("over_elsewhere", ())[:2])
    ]
    found = {event["id"]: event for event in events(desk.db, list(dict.fromkeys(ids)))}
    names = _source_names(desk, list(dict.fromkeys(also)))
    answer: dict[str, list[Event]] = {}
    for name, said in parts.items():
        answer[name] = []
        for row, more in said:
            event = dict(found[str(row.id)])
            others = {one for id_ in more.get("same", ())[:_ASKED] for one in names.get(int(id_), ())}
            event["sources"] = sorted({*event["sources"], *others})
            all_told = len(more.get("same", ())) <= _ASKED
            event["own"] = all_told and bool(event["sources"]) and desk.own.issuperset(event["sources"])
            if over := more.get("over_elsewhere"):
                elsewhere = {one for id_ in over[:2] for one in names.get(int(id_), ())} - set(
                    event["sources"]
                )
                more = more | {"over_elsewhere": sorted(elsewhere)}
            answer[name].append(event | more)
    return answer


def _source_names(desk: Desk, ids: Sequence[int]) -> dict[int, list[str]]:
    from phr.views.events import BATCH, marks

    found: dict[int, list[str]] = {}
    for at in range(0, len(ids), BATCH):
        part = ids[at : at + BATCH]
        rows = desk.db.execute(
            "SELECT rs.record_id, s.name FROM record_source rs JOIN source s ON s.id = rs.source_id"
            f" WHERE rs.record_id IN ({marks(part)})",
            part,
        )
        for id_, name in rows:
            found.setdefault(id_, []).append(name)
    return found


def _plainly(rows: Iterable[Row]) -> list[Said]:
    return [(row, {}) for row in rows]


def _sources(desk: Desk, parts: dict[str, list[Event]]) -> dict[str, Any]:
    """Sources that have told something; which of them are the person's own, and which one tells most of this page."""
    rows = desk.db.execute(
        "SELECT s.name FROM source s WHERE EXISTS (SELECT 1 FROM resource r WHERE r.source_id = s.id) ORDER BY s.name"
    )
    names = [row[0] for row in rows]
    others = [name for name in names if name not in desk.own]
    told = Counter(name for part in parts.values() for event in part for name in event["sources"])
    return {
        "sources": names,
        "own_sources": [name for name in names if name in desk.own],
        "main_source": max(others, key=lambda name: told[name], default=None),
    }


def _newest(desk: Desk) -> str | None:
    """The day of the newest record that does not lie ahead."""
    row = desk.db.execute(
        "SELECT date FROM record WHERE supporting = 0 AND date_from <= ? ORDER BY date_from DESC LIMIT 1",
        (desk.now,),
    ).fetchone()
    return row[0] if row else None
