"""One page for the next appointment: what is new to that office since the last visit there, what it does not have, and
what the person wants to ask.

Made through one closed selection (`discreet.closed`), like every export: what the person marked as private is not on it.
The person's own notes never are; those that hold a question mark are named to the person alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from phr.errors import UsageError
from phr.fhir import dates
from phr.views.discreet import closed
from phr.views.due_clock import day_here
from phr.views.events import Event
from phr.views.selection import Selection, check_sources, withheld
from phr.views.visit_new import News, news
from phr.views.visit_scene import Line, Scene
from phr.views.visit_there import NotThere, not_there
from phr.views.whom import Whom, nobody, whom

if TYPE_CHECKING:
    from phr.store.questions import Question
    from phr.store.store import Store

_NOTES = 20


@dataclass
class Visit:
    """Everything that the page says."""

    whom: Whom
    patient: dict[str, Any] = field(repr=False)
    today: str
    last: Event | None = field(repr=False)
    next: dict[str, Any] | None = field(repr=False)
    since: str | None
    """The day from which on it is new to them; None: they know nothing yet."""
    news: News = field(repr=False)
    not_there: NotThere = field(repr=False)
    questions: list[Question] = field(repr=False)
    own_notes: list[dict[str, Any]] = field(default_factory=list, repr=False)
    """Notes of the person that hold a question: for them alone, on no page and in no file."""
    withheld: int = 0
    """How many records stay out because the person marked them as private; for them alone."""
    own_words: frozenset[str] = frozenset()
    """What the sources are called that the person writes themselves."""
    asked_since: bool = False
    """Whether the person said from when on."""

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "whom": self.whom.document(),
            "patient": {name: self.patient.get(name) for name in ("name", "birth_date")},
            "last_visit": self.last,
            "next": self.next,
            "since": self.since,
            "new": self.news.events,
            "new_counts": self.news.counts,
            "normal_results": self.news.normal,
            "more_of": self.news.reached,
            "changed": self.news.changed,
            "not_there": self.not_there.document(),
            "questions": [one.document() for one in self.questions],
        }


def visit(
    store: Store,
    query: str | None,
    selection: Selection,
    *,
    on: date | None = None,
    notes: bool = False,
    private: bool = False,
) -> Visit:
    """The page for whoever is meant; None: for the next appointment there is.

    `on` is the day of the appointment where the person says it; `notes`: their notes may go along; `private`: the page is
    for the person alone to see, so their notes that ask something are named. Raises UsageError.
    """
    from dataclasses import replace

    from phr.views.summary_people import patient
    from phr.views.summary_rows import Desk

    check_sources(store, selection)
    who = _whom(store, query or _next_query(store), selection)
    shut, discretion = closed(store.db, replace(selection, marked=False))
    scene = Scene(store, shut, who, discretion, notes)
    last = scene.met[0] if scene.met else None
    asked = selection.since is not None
    since = dates.parse(selection.since if asked else (last.date if last else None))
    desk = Desk(store, shut)
    found = news(scene, since, None if asked else last)
    return Visit(
        whom=who,
        patient=patient(desk),
        today=scene.today,
        last=scene.events([last.id])[0] if last else None,
        next=_next(scene, on),
        since=since.text[:10] if since else None,
        news=found,
        not_there=not_there(scene),
        questions=for_whom(store, who),
        own_notes=_asking_notes(scene) if private else [],
        withheld=withheld(store, shut),
        own_words=desk.own,
        asked_since=asked,
    )


def _whom(store: Store, query: str, selection: Selection) -> Whom:
    """Who is meant. Somebody who is not in the record is fine where the person says from when on."""
    try:
        return whom(store, query)
    except UsageError as error:
        unknown = error.message.startswith("Nobody")
        if unknown and selection.since is not None and "Did you mean" not in (error.hint or ""):
            return nobody(query)
        raise


def _next_query(store: Store) -> str:
    """Whoever the next appointment is with."""
    found = next_appointment(store)
    if found is None:
        raise UsageError(
            "Whom is it for? Your record has no appointment that lies ahead.",
            hint='Name a doctor or an office: phr visit "Dr. Martinez" --in 3d',
        )
    return found


def next_appointment(store: Store) -> str | None:
    """The name of whoever the next appointment is with, else of the place; None where there is none."""
    from phr.views.events import events
    from phr.views.selection import EVERYTHING
    from phr.views.summary_results import upcoming
    from phr.views.summary_rows import Desk
    from phr.views.visit_names import people

    for row, _ in upcoming(Desk(store, EVERYTHING)):
        event = next(iter(events(store.db, [row.id])), None)
        if event is not None:
            names = people(str(event["performer"] or ""))
            if names or event["facility"]:
                return names[0] if names else str(event["facility"])
    return None


def _next(scene: Scene, on: date | None) -> dict[str, Any] | None:
    """The next appointment there; of the day that the person says, where they say one."""
    ahead = scene.to_come
    line: Line | None
    if on is not None:
        line = next((one for one in ahead if on.isoformat() in (one.day, day_here(one.date or ""))), None)
        if line is None:
            other = ahead[0].date if ahead else None
            return _told(scene, on.isoformat(), None) | {"from": "you", "appointment_on": other}
    else:
        line = ahead[0] if ahead else None
    if line is None:
        return None
    readable = line.date if dates.parse(line.date) is not None else None
    return _told(scene, readable, scene.events([line.id])[0])


def _told(scene: Scene, day: str | None, event: Event | None) -> dict[str, Any]:
    """`in_days` counts the days of the person's own clock; without a day that can be read it is unknown, like the date."""
    found: dict[str, Any] = {
        name: event[name] if event else None for name in ("end", "title", "facility", "performer")
    }
    days = None
    if day is not None and len(day) >= 10:
        days = (date.fromisoformat(day_here(day)) - date.fromisoformat(scene.today)).days
    return {"date": day, **found, "in_days": days, "from": "appointment", "event": event}


def for_whom(store: Store, who: Whom) -> list[Question]:
    """Open questions for them, and then those for nobody in particular."""
    every = store.questions.open()
    theirs = [one for one in every if one.whom is not None and who.means(one.whom)]
    return [*theirs, *(one for one in every if one.whom is None)]


def _asking_notes(scene: Scene) -> list[dict[str, Any]]:
    """The person's own notes that hold a question mark, the newest first."""
    rows = scene.db.execute(
        "SELECT rs.record_id, n.written, n.text FROM note n JOIN record_source rs ON rs.resource_id = n.resource_id"
        " WHERE instr(n.text, '?') > 0 GROUP BY n.id ORDER BY n.id DESC LIMIT ?",
        (_NOTES,),
    )
    return [{"record": str(row[0]), "written": row[1], "text": row[2]} for row in rows]
