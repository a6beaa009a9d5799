"""What lies ahead, with its day: appointments, planned treatments, vaccines that a source recommends, tasks, sign-ins.

Only what a source says with a day is placed on one. A month is no day: what is planned for a month is named beside, and so
is what a source plans without a date. No date of a vaccine series is computed here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from phr.errors import typed
from phr.fhir import dates
from phr.views.due_clock import moment
from phr.views.due_days import Agenda, Due, Unplaced
from phr.views.due_plans import Planned, planned
from phr.views.events import Event, events
from phr.views.titles import chosen, plain

if TYPE_CHECKING:
    from phr.store.store import Store
    from phr.views.discreet import Discretion
    from phr.views.selection import Selection

_NAMESPACE = UUID("1b0c7f2e-5d3a-5c55-9c39-6a4f1f3a7b11")
_ROWS = 2_000
_LONGEST = 14 * 1440
"""Minutes: an appointment that takes longer is a slip of its source."""
_BOOKED = ("booked", "pending", "proposed", "arrived", "checked-in", "waitlist", "planned", None)
_OFF = ("cancelled", "noshow", "entered-in-error", "revoked", "rejected", "failed")
_OPEN = ("requested", "received", "accepted", "in-progress", "ready", "on-hold", None)
_TENTATIVE = frozenset(("pending", "proposed", "waitlist", "planned"))
Idle = Callable[[str], int | None]
"""A vendor's id in; out, after how many hours without a renewal a sign-in there ends, if it does."""


def agenda(
    store: Store, selection: Selection, discretion: Discretion | None = None, *, idle: Idle = lambda _: None
) -> Agenda:
    """Everything of the selection that is due from now on, or from its `since` on."""
    return _Gathering(store, selection, discretion, idle).done()


class _Gathering:
    """One look through the record."""

    def __init__(self, store: Store, selection: Selection, discretion: Discretion | None, idle: Idle) -> None:
        from dataclasses import replace

        self.store, self.db = store, store.db
        self.moment = datetime.fromisoformat(store.now())
        self.today = self.moment.astimezone().date().isoformat()
        self.since = dates.parse(selection.since)
        self.until = dates.parse(selection.until)
        self.discretion = discretion
        self.idle = idle
        self.plain = not (selection.kinds or selection.sources or selection.tags or selection.packs)
        # a task or a plan is dated when it was made: its day is looked at here
        self._condition, self._values = replace(selection, since=None, until=None).where()
        self.events: dict[str, Due] = {}
        self.left_out: list[Unplaced] = []

    def done(self) -> Agenda:
        """All of it."""
        self._meetings()
        self._tasks()
        for kind, type_, status in (
            ("order", "ServiceRequest", ("active", "draft", "on-hold", None)),
            ("procedure", "Procedure", ("preparation", "not-started", "active", None)),
            ("care_plan", "CarePlan", ("active", "draft", "on-hold", None)),
            ("medication", "MedicationRequest", ("active", "draft", None)),
            ("immunization", "ImmunizationRecommendation", (None, "completed", "active")),
        ):
            self._plans(kind, type_, status)
        if self.plain:
            self._sign_ins()
        self._drop_counted()
        found = sorted(self.events.values(), key=lambda one: (one.when.start, one.kind, one.uid))
        return Agenda(found, self.left_out)

    # ── what a record says by itself ──────────────────────────────────────────────────────────────

    def _meetings(self) -> None:
        for kind, types in (("appointment", "Appointment/"), ("encounter", "Encounter/")):
            for event in self._events(kind, None):
                status = event["status"]
                if not str(event["resource"]).startswith(types):
                    continue
                if kind == "encounter" and status != "planned":
                    continue
                off = status in _OFF
                past = status in ("fulfilled", "arrived", "checked-in") and self.since is not None
                if not off and not past and status not in _BOOKED:
                    continue
                self._place(
                    event,
                    "appointment",
                    event["date"],
                    event["end"] or self._by_length(event),
                    "cancelled" if off else "tentative" if status in _TENTATIVE else "confirmed",
                )

    def _tasks(self) -> None:
        for event in self._events("task", _OPEN):
            if str(event["resource"]).startswith("Task/"):
                self._place(event, "task", event["end"], None, "confirmed", undated="no day is said for it")

    def _plans(self, kind: str, type_: str, statuses: tuple[str | None, ...]) -> None:
        found = [one for one in self._events(kind, statuses) if str(one["resource"]).startswith(f"{type_}/")]
        bodies = self._bodies([int(one["id"]) for one in found])
        for event in found:
            body = bodies.get(int(event["id"]))
            if body is not None:
                for plan in planned(type_, body, plain(chosen(event)), self.today, self._given):
                    self._place_plan(event, plan)

    def _given(self, title: str) -> str | None:
        """The day on which a medicine was given last."""
        from phr.views.visit_drugs import name_of

        wanted = name_of(title)
        for row in self.db.execute(
            "SELECT title, date FROM record WHERE kind = 'medication' AND supporting = 0 AND resource LIKE"
            " 'MedicationAdministration/%' AND date_from <= ? AND status IN ('completed', 'in-progress')"
            " ORDER BY date_from DESC, id DESC LIMIT 400",
            (int(self.moment.timestamp()),),
        ):
            if name_of(row[0]) == wanted and len(row[1] or "") >= 10:
                return str(row[1])[:10]
        return None

    # ── placing ───────────────────────────────────────────────────────────────────────────────────

    def _place_plan(self, event: Event, plan: Planned) -> None:
        title = plan.title or plain(chosen(event))
        if plan.date is None:
            self.left_out.append(Unplaced(plan.kind, title, None, plan.reason or "no day", str(event["id"])))
            return
        status = "tentative" if plan.counted else "confirmed"
        self._place(
            event,
            plan.kind,
            plan.date,
            plan.end,
            status,
            title=title,
            part=plan.part,
            words=plan.words,
            moves=plan.counted,
        )

    def _place(
        self,
        event: Event,
        kind: str,
        start: str | None,
        end: str | None,
        status: str,
        *,
        title: str | None = None,
        part: str = "",
        words: str | None = None,
        undated: str | None = None,
        moves: bool = False,
    ) -> None:
        called = title or plain(chosen(event))
        when = dates.parse(start)
        if when is None:
            if kind == "appointment" and status == "cancelled":
                return
            reason = undated or "no day is fixed yet"
            if self._has_unreadable_day(event):
                reason = "its date cannot be read"
            self.left_out.append(Unplaced(kind, called, start, reason, str(event["id"])))
            return
        if not self._wanted(when):
            return
        if when.precision in ("year", "month"):
            only = f"only the {when.precision} is known"
            self.left_out.append(Unplaced(kind, called, start, only, str(event["id"])))
            return
        row = self.db.execute(
            "SELECT x.changed, coalesce(s.fhir_base, s.key), (SELECT count(*) FROM resource_version v"
            " WHERE v.resource_id = x.id) FROM resource x JOIN source s ON s.id = x.source_id WHERE x.id = ?",
            (int(event["id"]),),
        ).fetchone()
        changed, base, versions = row or (self.store.now(), "", 0)
        sequence = int(versions) + (when.start // 86_400 if moves else 0)
        self.events[self._uid(base, str(event["resource"]), part)] = Due(
            uid=self._uid(base, str(event["resource"]), part),
            kind=kind,
            title=called,
            start=_exact(when),
            end=end if (found := dates.parse(end)) is not None and found.end > when.start else None,
            status=status,
            changed=changed,
            sequence=sequence,
            facility=event["facility"],
            performer=event["performer"],
            description=(words or None) if words is not None else _said(event),
            source=", ".join(event["sources"]) or None,
            record=str(event["id"]),
            resource=str(event["resource"]),
        )

    def _by_length(self, event: Event) -> str | None:
        """The end of an appointment of which only is said how many minutes it takes."""
        at = moment(event["date"])
        minutes = self._bodies([int(event["id"])]).get(int(event["id"]), {}).get("minutesDuration")
        if at is None or not str(minutes).isdecimal() or not 0 < int(str(minutes)) <= _LONGEST:
            return None
        try:
            return (at + timedelta(minutes=int(str(minutes)))).isoformat()
        except OverflowError:
            return None

    def _has_unreadable_day(self, event: Event) -> bool:
        """Whether the source says a day that is none, such as 30 February: that is not the same as no day."""
        body = self._bodies([int(event["id"])]).get(int(event["id"]), {})
        limits = body.get("restriction")
        periods = (body.get("period"), limits.get("period") if isinstance(limits, dict) else None)
        said = [body.get("start"), body.get("occurrenceDateTime"), body.get("performedDateTime")]
        said += [one.get(end) for one in periods if isinstance(one, dict) for end in ("start", "end")]
        return any(isinstance(one, str) and one.strip() and dates.parse(one) is None for one in said)

    def _wanted(self, when: dates.PartialDate) -> bool:
        """From now on (what is over today stays until the day is), or within the time that was asked for."""
        text = when.text[:10]
        if (
            self.until is not None
            and text > self.until.text[:10][: len(text)]
            and when.start >= self.until.end
        ):
            return False
        if self.since is not None:
            return when.end > self.since.start
        ahead = when.precision in ("minute", "second") and when.end > self.moment.timestamp()
        return ahead or text >= self.today[: len(text)]

    def _drop_counted(self) -> None:
        """A day that was only counted gives way to an appointment for the same."""
        meetings = [
            one for one in self.events.values() if one.kind == "appointment" and one.status != "cancelled"
        ]
        for uid, one in list(self.events.items()):
            if one.kind == "treatment" and one.status == "tentative":
                near = [
                    other
                    for other in meetings
                    if abs(other.when.start - one.when.start) < timedelta(days=4).total_seconds()
                    and ("infusion" in other.title.casefold() or _shares(one.title, other.title))
                ]
                if near:
                    del self.events[uid]

    @staticmethod
    def _uid(base: str, address: str, part: str) -> str:
        return str(uuid5(_NAMESPACE, f"{base}\n{address}\n{part}"))

    # ── reading ───────────────────────────────────────────────────────────────────────────────────

    def _events(self, kind: str, statuses: tuple[str | None, ...] | None) -> Iterator[Event]:
        """The newest records of a kind with one of these statuses, as they may be told."""
        more, values = "", [kind, *self._values]
        if statuses is not None:
            named = [one for one in statuses if one is not None]
            null = " OR status IS NULL" if None in statuses else ""
            more = f" AND (status IN ({','.join('?' * len(named))}){null})"
            values += named
        rows = self.db.execute(
            f"SELECT record.id FROM record WHERE kind = ? AND {self._condition}{more}"
            f" ORDER BY date_from DESC, record.id DESC LIMIT {_ROWS}",
            values,
        ).fetchall()
        found = events(self.db, [row[0] for row in rows])
        if self.discretion is None:
            return found
        from phr.views.discreet_events import told_events

        return told_events(self.db, found, self.discretion, notes=False)

    def _bodies(self, ids: list[int]) -> dict[int, dict[str, Any]]:
        from phr.views.discreet_parts import softly
        from phr.views.summary_rows import body

        found: dict[int, dict[str, Any]] = {}
        for id_ in ids:
            if self.discretion is not None and id_ in self.discretion.touched:
                found[id_] = dict(softly(self.db, id_, self.discretion.secrets)[0])
                continue
            row = self.db.execute("SELECT raw FROM resource WHERE id = ?", (id_,)).fetchone()
            if row is not None:
                found[id_] = body(row[0])
        return found

    # ── signing in ────────────────────────────────────────────────────────────────────────────────

    def _sign_ins(self) -> None:
        """When a person has to sign in again; not where each sync puts that off by itself."""
        for one in self.store.connections.all():
            if one.state == "revoked" or not one.sign_in_before:
                continue
            when = dates.parse(one.sign_in_before)
            renewed = one.sign_in_before != one.token_expires and self.idle(one.vendor) is not None
            if when is None or not self._wanted(when):
                continue
            title = f"Sign in again: {one.organisation or one.name}"
            if renewed and one.auto_sync:
                self.left_out.append(
                    Unplaced("sign_in", title, one.sign_in_before, "each sync puts it off by itself")
                )
                continue
            uid = self._uid(one.key, "sign_in", "")
            self.events[uid] = Due(
                uid=uid,
                kind="sign_in",
                title=title,
                start=one.sign_in_before,
                end=None,
                status="confirmed",
                changed=one.connected or self.store.now(),
                sequence=when.start // 86_400,
                description=f"phr reconnect {typed(one.name)}",
                source=one.name,
            )


def _exact(when: dates.PartialDate) -> str:
    """Its text; the day alone where no time can be read behind it."""
    if when.precision != "day":
        return when.text
    return (date(1970, 1, 1) + timedelta(seconds=when.start)).isoformat()


def _said(event: Event) -> str | None:
    return str(event["description"]) if event["description"] else None


def _shares(one: str, other: str) -> bool:
    """Whether two titles name the same thing."""
    words = [{word for word in text.casefold().split() if len(word) > 4} for text in (one, other)]
    return not words[0].isdisjoint(words[1])


__all__ = ["Agenda", "Due", "Unplaced", "agenda"]
