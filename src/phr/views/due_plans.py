"""The days that a plan says: of an order, a procedure, a care plan, a treatment that is given, a recommended vaccine. Pure.

FHIR R4, Timing: `event` are days; `repeat` with days of the week is every such day. A treatment that is given every so many
weeks from a day on is counted from the last time that it was given, and told as counted: who gives it decides the day.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from phr.fhir import read
from phr.records.elements import words_of
from phr.records.medications import dosage_words, timing_words

_DAYS = {"mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6}
_UNITS = {"d": 1, "wk": 7}
_GIVEN = frozenset(
    "47625008 424494006 34206005 78421000 419601003 404815008 C38276 C38299 C28161 IV SC IM IVINF SQ IVFLUSH".split()
)
"""Routes by which somebody else gives a medicine: into a vein, under the skin, into a muscle (SNOMED CT, NCI, v3)."""
_GIVEN_WORDS = ("infus", "intraven", "inject", "subcutan", "intramusc", "subcut", "sub-q")
_GIVEN_SHORT = frozenset("iv ivpb ivp sc sq subq subcu im".split())
"""As a route is written in short; in a sentence `im` is a word of other languages, so there only `IM` counts."""
_IN_SHORT = re.compile(r"[A-Za-z]+")
_MOST_EVENTS = 60
_RAREST = 3_660
"""Days: whatever is given less often is a slip of its source."""
_OVER = ("completed", "cancelled", "stopped", "entered-in-error", "unknown")
_DUE_CODES = ("30980-7",)
"""LOINC: date vaccine due."""
_EARLIEST = ("30981-5",)
_NOT_DUE = ("immune", "contraindicated", "complete", "completed", "agedout", "nolongerdue", "notdue")
Given = Callable[[str], str | None]
"""The day on which a medicine of this name was given last."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One day of a plan; without a date it says why there is none."""

    kind: str
    date: str | None
    end: str | None = None
    title: str | None = field(default=None, repr=False)
    part: str = ""
    """Tells the days of one plan apart."""
    words: str | None = field(default=None, repr=False)
    counted: bool = False
    reason: str | None = None


def planned(type_: str, body: dict[str, Any], title: str, today: str, given: Given) -> Iterator[Planned]:
    """The days of one resource."""
    if type_ == "ServiceRequest":
        if body.get("doNotPerform") is not True:
            yield from _occurrence(body, "occurrence", today)
    elif type_ == "Procedure":
        yield from _occurrence(body, "performed", today)
    elif type_ == "CarePlan":
        yield from _activities(body, today)
    elif type_ == "MedicationRequest":
        yield from _treatment(body, title, today, given)
    elif type_ == "ImmunizationRecommendation":
        yield from _vaccines(body)


def _occurrence(body: dict[str, Any], name: str, today: str) -> Iterator[Planned]:
    moment = read.text(body.get(f"{name}DateTime"))
    period = body.get(f"{name}Period")
    if moment:
        yield Planned("treatment", moment)
    elif isinstance(period, dict) and read.text(period.get("start")):
        yield from _period("treatment", period, today)
    else:
        yield from _timing("treatment", body.get(f"{name}Timing"), today)


def _period(kind: str, period: dict[str, Any], today: str, **more: Any) -> Iterator[Planned]:
    """A stretch of days: its first day, where that lies ahead; one that began is no day of a calendar."""
    start, end = read.text(period.get("start")) or "", read.text(period.get("end"))
    if start[:10] >= today[: len(start[:10])]:
        short = end if end and _days_between(start, end) <= 14 else None
        words = f"Planned from {start[:10]} to {end[:10]}." if end and short is None else None
        yield Planned(kind, start, short, words=words, **more)


def _days_between(start: str, end: str) -> int:
    try:
        return (date.fromisoformat(end[:10]) - date.fromisoformat(start[:10])).days
    except ValueError:
        return 10_000


def _activities(body: dict[str, Any], today: str) -> Iterator[Planned]:
    """What a care plan schedules. A reference to an order is told by the order itself."""
    for number, activity in enumerate(read.dicts(body.get("activity"))):
        detail = activity.get("detail")
        if not isinstance(detail, dict) or read.text(detail.get("status")) in _OVER:
            continue
        if detail.get("doNotPerform") is True:
            continue
        title = words_of(detail.get("code")) or words_of(detail.get("description")) or "Planned activity"
        part, said = f"activity-{number}", read.text(detail.get("scheduledString"))
        period = detail.get("scheduledPeriod")
        if said:
            yield Planned("treatment", None, title=title, reason=f"planned as “{said[:80]}”, without a day")
        elif isinstance(period, dict):
            yield from _period("treatment", period, today, title=title, part=part)
        else:
            yield from _timing("treatment", detail.get("scheduledTiming"), today, title=title, part=part)


def _timing(
    kind: str,
    timing: object,
    today: str,
    *,
    title: str | None = None,
    part: str = "",
    words: str | None = None,
) -> Iterator[Planned]:
    """The days of a Timing that names days; else that it names none."""
    if not isinstance(timing, dict):
        return
    moments = [text for entry in read.listed(timing.get("event")) if (text := read.text(entry))]
    if moments:
        for moment in moments[:_MOST_EVENTS]:
            if moment[:10] >= today[: len(moment[:10])]:
                yield Planned(kind, moment, title=title, part=f"{part}@{moment}", words=words)
        return
    repeat = timing.get("repeat")
    if isinstance(repeat, dict):
        found = _next_weekday(repeat, today)
        said = timing_words(timing)
        if found:
            told = ". ".join(filter(None, (words, f"Repeats: {said}" if said else None)))
            yield Planned(kind, found, title=title, part=f"{part}next", words=told or None, counted=True)
        elif said:
            yield Planned(kind, None, title=title, reason=f"planned “{said}”, without a day")


def _bounds(repeat: dict[str, Any]) -> tuple[str | None, str | None]:
    period = repeat.get("boundsPeriod")
    if not isinstance(period, dict):
        return None, None
    return read.text(period.get("start")), read.text(period.get("end"))


def _next_weekday(repeat: dict[str, Any], today: str) -> str | None:
    """The next of the days of the week that are said; only where it is every week."""
    wanted = {
        _DAYS[day] for one in read.listed(repeat.get("dayOfWeek")) if (day := str(one).lower()) in _DAYS
    }
    if not wanted or repeat.get("periodUnit") not in (None, "wk", "d") or _number(repeat.get("period")) != 1:
        return None
    start, end = _bounds(repeat)
    first = max(_day(today) or date.min, _day(start) or date.min)
    steps = [step for step in range(7) if (first.weekday() + step) % 7 in wanted]
    if (date.max - first).days < steps[0]:  # a day that stands for "never"
        return None
    found = first + timedelta(days=steps[0])
    last = _day(end)
    if last is not None and found > last:
        return None
    clock = read.text(read.first(repeat.get("timeOfDay")))
    return f"{found.isoformat()}T{clock}" if clock else found.isoformat()


def _treatment(body: dict[str, Any], title: str, today: str, given: Given) -> Iterator[Planned]:
    """A medicine that somebody gives: an infusion, an injection every few weeks. Pills stand in no calendar."""
    if body.get("doNotPerform") is True:
        return
    for number, dosage in enumerate(read.dicts(body.get("dosageInstruction"))):
        if not _is_given(dosage, title) or dosage.get("asNeededBoolean") is True:
            continue
        words, part = dosage_words(dosage), f"dosage-{number}"
        timing = dosage.get("timing")
        repeat = timing.get("repeat") if isinstance(timing, dict) else None
        every = _every(repeat) if isinstance(repeat, dict) else None
        named = isinstance(timing, dict) and (
            timing.get("event") or (isinstance(repeat, dict) and repeat.get("dayOfWeek"))
        )
        if every is None or named:
            yield from _timing("treatment", timing, today, part=part, words=words)
        elif every.days >= 5 and isinstance(repeat, dict):
            yield from _counted(repeat, every, title, today, given, words, part)


def _counted(
    repeat: dict[str, Any],
    every: timedelta,
    title: str,
    today: str,
    given: Given,
    words: str | None,
    part: str,
) -> Iterator[Planned]:
    start, end = _bounds(repeat)
    last = given(title)
    anchor, now, over = _day(last) or _day(start), _day(today), _day(end)
    said = timing_words({"repeat": repeat}) or "regularly"
    if anchor is None or now is None:
        yield Planned("treatment", None, reason=f"planned “{said}”, without a day")
        return
    if (now - anchor).days > (max(4 * every.days, 62) if last else 366):
        ago = f"given last on {last}" if last else f"begun on {start}"
        yield Planned(
            "treatment", None, reason=f"planned “{said}”, {ago}; when the next one is, nothing says"
        )
        return
    due = anchor if last is None else anchor + every
    while due < now:
        due += every
    if over is not None and due > over:
        return
    origin = f"the last time that your record has, {last}" if last else f"its begin, {start}"
    told = f"The day is counted: {said}, from {origin}. Ask whoever gives it."
    yield Planned(
        "treatment",
        due.isoformat(),
        part=f"{part}next",
        words="\n".join(filter(None, (words, told))),
        counted=True,
    )


def _is_given(dosage: dict[str, Any], title: str) -> bool:
    """Whether it goes in by a needle. Where no route is said, the name of the medicine may say so."""
    codes = {one.code for one in read.codings(dosage.get("route")) + read.codings(dosage.get("method"))}
    if not codes.isdisjoint(_GIVEN):
        return True
    way = " ".join(filter(None, (words_of(dosage.get("route")), words_of(dosage.get("method")))))
    text = read.text(dosage.get("text")) or ""
    said = f"{way} {text}" if way else f"{text} {title}"
    if any(word in said.casefold() for word in _GIVEN_WORDS):
        return True
    route, words = ({*_IN_SHORT.findall(one.replace(".", ""))} for one in (way, text))
    return any(one.casefold() in _GIVEN_SHORT for one in route) or any(
        one.casefold() in _GIVEN_SHORT for one in words - {"im", "Im", "Sc", "Iv"}
    )


def _every(repeat: dict[str, Any]) -> timedelta | None:
    """How long from one time to the next; None where it is not once in so many days or weeks."""
    if (_number(repeat.get("frequency")) or 1) != 1 or repeat.get("frequencyMax") or repeat.get("periodMax"):
        return None
    period, unit = _number(repeat.get("period")), str(repeat.get("periodUnit"))
    days = (period or 0) * _UNITS.get(unit, 0)
    return timedelta(days=days) if 0 < days <= _RAREST and days == int(days) else None


def _number(value: object) -> float | None:
    try:
        return float(value) if value is not None else None  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat((text or "")[:10])
    except ValueError:
        return None


# ── vaccines ──────────────────────────────────────────────────────────────────────────────────────────


def _vaccines(body: dict[str, Any]) -> Iterator[Planned]:
    """The day on which a source says that a vaccine is due."""
    for number, one in enumerate(read.dicts(body.get("recommendation"))):
        state = " ".join(
            filter(None, (entry.code for entry in read.codings(one.get("forecastStatus"))))
        ).casefold()
        if state in _NOT_DUE:
            continue
        name = words_of(one.get("vaccineCode")) or words_of(one.get("targetDisease")) or "Vaccine"
        dose = read.text(one.get("doseNumberString")) or one.get("doseNumberPositiveInt")
        title = f"Vaccine due: {name}" + (f", dose {dose}" if dose else "")
        day = _criterion(one, _DUE_CODES) or _criterion(one, _EARLIEST)
        key = "-".join(entry.code or "" for entry in read.codings(one.get("vaccineCode"))) or str(number)
        if day is None:
            yield Planned("vaccine", None, title=title, reason="recommended without a day")
        else:
            yield Planned(
                "vaccine",
                day,
                title=title,
                part=f"vaccine-{key}-{dose or ''}",
                words=words_of(one.get("description")) or "",  # the record tells of other vaccines too
            )


def _criterion(one: dict[str, Any], codes: tuple[str, ...]) -> str | None:
    for entry in read.dicts(one.get("dateCriterion")):
        if any(code.code in codes for code in read.codings(entry.get("code"))):
            return read.text(entry.get("value"))
    return None
