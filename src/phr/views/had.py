"""`phr had TEXT`: have I had this, when, where, and where is the report? Stops a repeated test.

The question is understood (`had_query`), the record asked for everything that bears on it (`had_told`), what was done is
parted from what was only ordered, planned or cancelled (`had_role`), and what tells one examination becomes one time
(`had_times`). Never a guess: what may be it is said to be perhaps, what is near is named as near.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from phr.errors import UsageError
from phr.fhir import dates
from phr.views import had_tell
from phr.views.events import Event
from phr.views.had_exam import NEAR, PERHAPS, YES
from phr.views.had_measured import LEAST, measures_of
from phr.views.had_query import Asked, understood
from phr.views.had_record import Told
from phr.views.had_role import CANCELLED, DONE, ORDERED, PLANNED, UNSURE
from phr.views.had_times import Time, link, open_orders, sources_of, times
from phr.views.had_told import ILLNESS, VACCINATED, told
from phr.views.words import tokens

if TYPE_CHECKING:
    from phr.store.store import Store


@dataclass
class Had:
    """The answer."""

    asked: Asked = field(repr=False)
    times: list[Event] = field(default_factory=list, repr=False)
    count: int = 0
    unsure: list[Event] = field(default_factory=list, repr=False)
    ordered: list[Event] = field(default_factory=list, repr=False)
    planned: list[Event] = field(default_factory=list, repr=False)
    cancelled: list[Event] = field(default_factory=list, repr=False)
    near: list[Event] = field(default_factory=list, repr=False)
    earlier: list[Event] = field(default_factory=list, repr=False)
    """Before the day from which on was asked."""
    sources: list[dict[str, Any]] = field(default_factory=list)
    since: str | None = None
    today: str = ""

    @property
    def had(self) -> bool:
        return self.count > 0

    @property
    def perhaps(self) -> bool:
        """Nothing is sure, but something may be it."""
        return not self.had and bool(self.unsure)

    def document(self) -> dict[str, Any]:
        """As `phr had --json` prints it."""
        return {
            "query": self.asked.text,
            "had": self.had,
            "perhaps": self.perhaps,
            "count": self.count,
            "last": self.times[0]["date"] if self.times else None,
            "times": self.times,
            "unsure": self.unsure,
            "ordered": self.ordered,
            "planned": self.planned,
            "cancelled": self.cancelled,
            "near": self.near,
            "corrected": dict(self.asked.corrected),
            "since": self.since,
            "earlier": self.earlier,
            "sources": self.sources,
        }


def had(store: Store, text: str, *, since: str | None = None) -> Had:
    """The answer to “have I had this?”. Raises UsageError when nothing is asked."""
    from datetime import date

    if not tokens(text):
        raise UsageError("What is it that you may have had?", hint='For example: phr had "chest ct"')
    db, now = store.db, store.now()
    asked = understood(text, _exists(db), date.fromisoformat(now[:10]))
    since = since or asked.since
    found = told(db, asked)
    sources = sources_of(db, [one.id for one in found])
    _not_yet(found, _seconds(now))
    done = [one for one in found if one.role == DONE]
    sure = [one for one in done if one.level == YES]
    if asked.kind == "panel":
        sure, partly = _panels(asked, sure)
        done += partly
    if asked.bare:
        sure = _ill(done)
    elif asked.guessed:
        sure = _only_perhaps(asked, sure)
    made = times(sure, sources, by_part=asked.kind == "exam")
    orders = [one for one in found if one.role in (ORDERED, PLANNED) and one.level in (YES, PERHAPS)]
    orders = open_orders(orders, made, sources)
    unsure = [one for one in done if one.level == PERHAPS] + [
        one for one in found if one.role == UNSURE and one.level in (YES, PERHAPS)
    ]
    unsure = [
        time.first
        for time in times(unsure, sources, by_part=asked.kind == "exam")
        if not _covered(time, made)
    ]
    unsure += [
        one for one in orders if one.role == ORDERED and one.status == "completed" and one.level == YES
    ]
    off = [one for one in found if one.role == CANCELLED and one.level in (YES, PERHAPS)]
    near = [one for one in done if one.level == NEAR] + _resembling(db, asked)
    every, made = made, _within(made, since, asked.until)
    link(db, made, sources)
    answer = Had(asked, count=len(made), since=since, today=now[:10])
    answer.times = had_tell.times(db, asked, made)
    if since:
        begin = dates.parse(since)
        answer.earlier = had_tell.times(
            db, asked, [one for one in every if begin and (_last(one) or -(10**12)) <= begin.start]
        )
    answer.unsure = had_tell.said(db, unsure)
    answer.ordered = had_tell.said(db, [one for one in orders if one.role == ORDERED])
    answer.planned = had_tell.said(db, [one for one in orders if one.role == PLANNED])
    answer.cancelled = had_tell.said(db, off)
    answer.near = had_tell.near(db, near, sources, by_part=asked.kind == "exam")
    answer.sources = had_tell.asked_sources(db)
    return answer


def _ill(done: list[Told]) -> list[Told]:
    """Of `covid`, the illness: a vaccine against it is no yes, but worth saying."""
    sure = [one for one in done if one.kind == "problem" and one.level == NEAR and one.why == ILLNESS]
    for one in done:
        if one.kind == "immunization" and one.level == YES:
            one.level, one.why = (NEAR if sure else PERHAPS), VACCINATED
    for one in sure:
        one.level, one.why = YES, "the illness"
    return sure


def _only_perhaps(asked: Asked, sure: list[Told]) -> list[Told]:
    """What answers a guess at what was meant is never sure."""
    typed = ", ".join(f"“{one}”" for one, _ in asked.corrected)
    for one in sure:
        one.level, one.why = PERHAPS, f"if you meant this: no record says {typed}"
    return []


def _resembling(db: Any, asked: Asked) -> list[Told]:
    """What has a name that only looks like what was asked for."""
    if asked.alike is None:
        return []
    found = [one for one in told(db, asked.alike) if one.level == YES and one.role == DONE]
    for one in found:
        one.level, one.why = NEAR, "only its name is alike"
    return found


def _exists(db: Any) -> Any:
    from phr.views.retrieval import Retrieval
    from phr.views.search_limits import Limits

    return lambda word: Retrieval(db, Limits()).word(word, "{title codes} : ")


def _not_yet(found: Iterable[Told], now: int) -> None:
    """What lies ahead is planned, whatever its status says."""
    for one in found:
        if one.role == DONE and one.date_from is not None and one.date_from > now + 86_400:
            one.role, one.said = PLANNED, "its date lies ahead"


def _seconds(now: str) -> int:
    found = dates.parse(now)
    return found.start if found else 0


def _within(made: list[Time], since: str | None, until: str | None) -> list[Time]:
    begin, end = dates.parse(since) if since else None, dates.parse(until) if until else None
    if begin:
        made = [time for time in made if (_last(time) or -(10**12)) > begin.start]
    if end:
        made = [time for time in made if time.date_from is not None and time.date_from < end.end]
    return made


def _last(time: Time) -> int | None:
    return max((one.date_to or 0 for one in time.members if one.date_from is not None), default=None)


def _covered(time: Time, made: Sequence[Time]) -> bool:
    """Whether what is unsure happened on the day of something sure, and so is about it."""
    when = time.date_from
    return when is not None and any(
        one.date_from is not None and abs(one.date_from - when) < 2 * 86_400 for one in made
    )


# ── panels ────────────────────────────────────────────────────────────────────────────────────────


def _panels(asked: Asked, found: list[Told]) -> tuple[list[Told], list[Told]]:
    """Panels by their name, or by having most of their members on one day; and days that have only some."""
    days: dict[str, list[Told]] = {}
    for one in found:
        if one.group == "member":
            days.setdefault((one.date or "")[:10], []).append(one)
    least = LEAST.get(asked.panel.id if asked.panel else "", 3)
    sure, partly = [one for one in found if one.group == "panel"], []
    named = {(one.date or "")[:10] for one in sure}
    for day, members in days.items():
        names = {name for one in members for name in measures_of(one)}
        if day in named or len(names) >= least:
            sure += members
        else:
            members[0].level, members[0].why = (
                NEAR,
                f"only {', '.join(sorted({one.title for one in members}))}",
            )
            partly.append(members[0])
    for one in sure:
        one.group = "panel"
    return sure, partly
