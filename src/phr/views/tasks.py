"""What is to be done: by whom, until when; open ones first, by when they are due.

Tasks above all; beside them what is a task by its nature: a form that is half filled in, a vaccine that a source
recommends, a step of a care plan or a goal for which a day was set. What names no day is listed only where it is a task
of its own: plans repeat general advice for years.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from phr.errors import UsageError
from phr.fhir import dates, read
from phr.views.details import exact
from phr.views.due_clock import day_here
from phr.views.events import Event, events
from phr.views.fields.saying import Saying, concept_words, type_words
from phr.views.looking_up import finder
from phr.views.selection import EVERYTHING, Selection, check_sources

if TYPE_CHECKING:
    from phr.store.store import Store

Node = dict[str, Any]
NEWEST = 2_000
"""So many of each kind are looked at, the newest."""
GROUPS = ("overdue", "today", "this week", "later", "no date", "done")
_CLOSED = frozenset(
    "completed cancelled rejected failed stopped revoked achieved not-achieved amended entered-in-error".split()
)
_STATES = {
    "draft": "only a draft", "requested": "asked for", "received": "received", "accepted": "accepted",
    "ready": "ready to begin", "in-progress": "under way", "on-hold": "on hold", "completed": "done",
    "cancelled": "cancelled", "rejected": "refused", "failed": "could not be done", "not-started": "not begun",
    "scheduled": "planned", "stopped": "broken off", "proposed": "proposed", "planned": "planned", "active": "under way",
    "amended": "done", "due": "due", "overdue": "overdue", "entered-in-error": "entered in error",
}  # fmt: skip
_DUE_CODES = frozenset(("30980-7", "30981-5"))
"""LOINC: date vaccine due, earliest date to give."""
_FORECAST_OPEN = frozenset(("due", "overdue", "eligible"))


class Due(NamedTuple):
    """One thing to do, as its resource says it."""

    what: str | None
    """None: as its record is called."""
    due: str | None
    state: str | None
    owner: object = None
    requester: object = None
    why: object = None
    yours: bool | None = None
    said: str | None = None
    """Its state in the source's own words."""
    performed: str | None = None


def tasks(
    store: Store,
    selection: Selection = EVERYTHING,
    *,
    done: bool = False,
    due: str | None = None,
    limit: int | None = None,
    today: date | None = None,
) -> dict[str, Any]:
    """`{"tasks", "total", "by_group", "done"}`: what is open, and with `done` also what was done.

    `due`: only what is due until the end of this date. `today` is the person's own day. Raises UsageError.
    """
    check_sources(store, selection)
    now = datetime.fromisoformat(store.now())
    today = today or now.astimezone().date()
    border = dates.parse(due) if due is not None else None
    if due is not None and border is None:
        raise UsageError(
            f"--due {due} is not a date.", hint="Such as: 2026-12, 2026-12-01, friday, next week"
        )
    found: list[Event] = []
    closed = 0
    for event, one in _all(store, selection):
        over = one.state in _CLOSED
        closed += over
        if over and not done:
            continue
        if border is not None and not _until(one.due, border):
            continue
        found.append(event | _when(one, over, now, today))
    found.sort(key=_order)
    by_group = {name: number for name in GROUPS if (number := sum(one["group"] == name for one in found))}
    return {"tasks": found[:limit], "total": len(found), "by_group": by_group, "done": closed}


def _until(due: str | None, border: dates.PartialDate) -> bool:
    """Whether it is to be done by then. What is due in a month has time until that is over."""
    when = dates.parse(due)
    if when is None:
        return False
    timed = when.precision in ("minute", "second")
    return when.start < border.end if timed else when.end <= border.end


def _order(one: Event) -> tuple[Any, ...]:
    """Open ones by when they are due, what has no day newest first; then what is done, newest first."""
    when = dates.parse(one["due"])
    dated = dates.parse(one["performed"] or one["date"])
    newest = -(dated.start if dated else 0)
    if one["group"] == "done":
        return GROUPS.index("done"), newest, ""
    return GROUPS.index(one["group"]), when.end if when else newest, one["title"]


def _when(one: Due, over: bool, now: datetime, today: date) -> Node:
    """Whether it is overdue, and in which group it stands."""
    when = dates.parse(one.due)
    group = "done" if over else "no date"
    overdue = False
    if when is not None and not over:
        day = _day(when)
        overdue = (
            when.end <= now.timestamp() if when.precision in ("minute", "second") else day < today.isoformat()
        )
        if overdue:
            group = "overdue"
        elif day <= today.isoformat():
            group = "today"
        else:
            group = "this week" if day <= (today + timedelta(days=6)).isoformat() else "later"
    return {"due": one.due, "overdue": overdue, "group": group}


def _day(when: dates.PartialDate) -> str:
    """The last day that this date can mean; of a moment that of the person's clock."""
    if when.precision in ("minute", "second"):
        return day_here(when.text)
    return (date(1970, 1, 1) + timedelta(days=(when.end - 1) // 86_400)).isoformat()


# ── reading them ──────────────────────────────────────────────────────────────────────────────────


def _all(store: Store, selection: Selection) -> Iterator[tuple[Event, Due]]:
    for kind, types in _READERS.items():
        if selection.kinds and kind not in selection.kinds:
            continue
        condition, values = replace(selection, kinds=(kind,)).where()
        rows = store.db.execute(
            "SELECT record.id, x.source_id, x.type, x.raw FROM record JOIN resource x ON x.id = record.id"
            f" WHERE {condition} AND x.type IN ({','.join('?' * len(types))})"
            " ORDER BY record.date_from DESC, record.id DESC LIMIT ?",
            [*values, *types, NEWEST],
        ).fetchall()
        told = {int(one["id"]): one for one in events(store.db, [row[0] for row in rows])}
        for id_, source, type_, raw in rows:
            body = exact(bytes(raw))
            if id_ not in told or not isinstance(body, dict):
                continue
            say = Saying(body, finder(store.db, source))
            for one in types[type_](body):
                one = _corrected(one, told[id_])
                yield told[id_] | _said(one, told[id_], say), one


def _corrected(one: Due, event: Event) -> Due:
    """As the person says it is, where they corrected until when, or how it stands."""
    if event["kind"] not in ("task", "goal"):
        return one
    due = event["end"] if "end" in event["corrected"] else one.due
    return one._replace(due=due, state=event["status"] if "status" in event["corrected"] else one.state)


def _said(one: Due, event: Event, say: Saying) -> Node:
    """Who, what for, how it stands, in words."""
    owner = _who(one.owner, say)
    yours = one.yours if one.yours is not None else bool(one.owner) and say.kind_of(one.owner) == "Patient"
    words = _STATES.get(one.state or "", (one.state or "").replace("-", " ")) or None
    if one.said and words and one.said.casefold() != words.casefold():
        words = f"{words}: {one.said}"
    why = [_why(each, say) for each in read.listed(one.why)]
    return {
        "title": one.what or event["title"],
        "record_title": event["title"],
        "owner": owner,
        "yours": yours,
        "requester": _who(one.requester, say),
        "state": words or one.said,
        "status": one.state,
        "for": "; ".join(dict.fromkeys(each for each in why if each)) or None,
        "performed": one.performed,
    }


def _who(pointer: object, say: Saying) -> str | None:
    """A name; where the source gives none, what it is: an address is no name."""
    name = say.named(pointer) if pointer else None
    if name is None or not name.endswith(" (no name given)"):
        return name
    kind = say.kind_of(pointer)
    return type_words(kind) if kind else None


def _why(value: object, say: Saying) -> str | None:
    """A reason or a focus in words; what nobody named says nothing."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and ("reference" in value or "identifier" in value or "display" in value):
        words = say.named(value)
        return None if words is None or words.endswith("(no name given)") else words
    return concept_words(value)


def _end(period: object) -> str | None:
    return read.text(period.get("end")) if isinstance(period, dict) else None


def _task(body: Node) -> Iterator[Due]:
    state = read.text(body.get("status"))
    limits = body.get("restriction")
    until = _end(limits.get("period")) if isinstance(limits, dict) else None
    execution = _end(body.get("executionPeriod"))
    over = state in _CLOSED
    yield Due(
        None,
        until or (None if over else execution),
        state,
        body.get("owner"),
        body.get("requester"),
        [*read.listed(body.get("reasonCode")), *read.listed(body.get("reasonReference")), *read.listed(body.get("focus"))],
        said=concept_words(body.get("businessStatus")) or concept_words(body.get("statusReason")),
        performed=execution if over else None,
    )  # fmt: skip


def _form(body: Node) -> Iterator[Due]:
    """A form that was begun; who has to finish it is the one who answers."""
    if read.text(body.get("status")) == "in-progress":
        owner = body.get("source") or body.get("author")
        yield Due(None, None, "in-progress", owner, yours=None if owner else True, why="A form to finish")


def _vaccines(body: Node) -> Iterator[Due]:
    """Each vaccine that a source recommends and gives a day for, or calls due."""
    for one in read.dicts(body.get("recommendation")):
        state = next((code.code for code in read.codings(one.get("forecastStatus")) if code.code), None)
        day = _due_day(one)
        if (state or "due") not in _FORECAST_OPEN or (day is None and state not in ("due", "overdue")):
            continue
        vaccine = concept_words(read.first(one.get("vaccineCode"))) or concept_words(one.get("targetDisease"))
        yield Due(
            f"Vaccine: {vaccine}" if vaccine else None,
            day,
            "overdue" if state == "overdue" else "due",
            requester=body.get("authority"),
            why=[*read.listed(one.get("forecastReason"))],
            yours=True,
        )


def _due_day(recommendation: Node) -> str | None:
    """The day it is due, else the first that is allowed."""
    found: dict[str, str] = {}
    for one in read.dicts(recommendation.get("dateCriterion")):
        value = read.text(one.get("value"))
        for code in read.codings(one.get("code")):
            named = code.code in _DUE_CODES or re.search(
                r"\b(due|earliest|recommended)\b", code.display or "", re.IGNORECASE
            )
            if value and named and "overdue" not in (code.display or "").lower():
                found.setdefault(str(code.code), value)
    return found.get("30980-7") or next(iter(found.values()), None)


def _plan(body: Node) -> Iterator[Due]:
    """Steps of a plan under way for which a day was set."""
    if read.text(body.get("status")) in _CLOSED:
        return
    for activity in read.dicts(body.get("activity")):
        step = activity.get("detail")
        if not isinstance(step, dict) or step.get("doNotPerform") is True:
            continue
        timing = step.get("scheduledTiming")
        repeat = timing.get("repeat") if isinstance(timing, dict) else None
        moments = [str(one) for one in read.listed(timing.get("event"))] if isinstance(timing, dict) else []
        due = (
            _end(step.get("scheduledPeriod"))
            or (_end(repeat.get("boundsPeriod")) if isinstance(repeat, dict) else None)
            or max(moments, default=None)
        )
        if due:
            yield Due(
                concept_words(step.get("code")) or read.text(step.get("description")),
                due,
                read.text(step.get("status")),
                read.first(step.get("performer")),
                body.get("author"),
                [
                    *read.listed(step.get("reasonCode")),
                    *read.listed(step.get("reasonReference")),
                    read.text(body.get("title")),
                ],
            )


def _goal(body: Node) -> Iterator[Due]:
    """A goal with a day by which it is to be reached."""
    state = read.text(body.get("lifecycleStatus")) or read.text(body.get("status"))
    reached = next((one.code for one in read.codings(body.get("achievementStatus")) if one.code), None)
    days = [day for one in read.dicts(body.get("target")) if (day := read.text(one.get("dueDate")))]
    if days:
        over = "completed" if reached == "achieved" or state in ("completed", "achieved") else None
        yield Due(
            None, min(days), over or state, body.get("subject"), body.get("expressedBy"), body.get("addresses"),
        )  # fmt: skip


_READERS: dict[str, dict[str, Callable[[Node], Iterator[Due]]]] = {
    "task": {"Task": _task},
    "questionnaire": {"QuestionnaireResponse": _form},
    "immunization": {"ImmunizationRecommendation": _vaccines},
    "care_plan": {"CarePlan": _plan},
    "goal": {"Goal": _goal},
}
