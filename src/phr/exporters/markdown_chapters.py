"""What a life holds, sorted into the chapters of a text: what stands now first, then the results, then what happened.

Each event comes into exactly one chapter, as a line or as a point of one: equal things that came again are one line with
all their days, and the values of one measurement are one line. So nothing is told twice and nothing is dropped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from phr.exporters import markdown_lines as lines
from phr.exporters.markdown_documents import Texts
from phr.exporters.markdown_lines import Event, Letters
from phr.exporters.markdown_text import inline
from phr.views.kind_words import plural

NOW = ("Allergies and intolerances", "Problems now", "Medications now")
"""Chapters that stand even when nothing is in them: whoever reads looks for them first."""
_COMING = "To come and to do"
_ORDER = (
    *NOW, _COMING, "Lab results", "Vital signs", "Questionnaires and scores", "Social history", "Visits", "Procedures",
    "Imaging", "Lab reports", "Documents and notes", "Immunizations", "Medications before and doses given",
    "Problems before", "Family history",
    "Orders", "Goals", "Care plans", "Care team", "Devices", "Advance directives", "Messages", "Tasks", "Appointments",
    "Insurance", "Bills",
)  # fmt: skip
_OF_KIND = {
    "lab_result": "Lab results", "vital_sign": "Vital signs", "questionnaire": "Questionnaires and scores",
    "social_history": "Social history", "encounter": "Visits", "procedure": "Procedures", "imaging": "Imaging",
    "document": "Documents and notes", "clinical_note": "Documents and notes", "immunization": "Immunizations",
    "family_history": "Family history", "order": "Orders", "goal": "Goals", "care_plan": "Care plans",
    "care_team": "Care team", "device": "Devices", "directive": "Advance directives", "message": "Messages",
    "task": "Tasks", "appointment": "Appointments", "coverage": "Insurance", "claim": "Bills",
    "allergy": NOW[0],
}  # fmt: skip
_OVER = frozenset(
    "inactive resolved remission refuted completed stopped ended cancelled entered-in-error not-done not-taken revoked"
    " rejected failed declined noshow fulfilled on-hold".split()
)
_SAID = frozenset("final current active finished completed available amended corrected booked".split())
"""Statuses that go without saying."""
_WRITTEN = ("clinical_note", "document", "imaging", "directive", "lab_result", "message")


@dataclass(slots=True)
class Line:
    """Something with the days on which it was so."""

    text: str = field(repr=False)
    days: list[str] = field(default_factory=list, repr=False)


@dataclass(slots=True)
class Series:
    """The values of one measurement, newest first."""

    title: str = field(repr=False)
    unit: str
    span: str
    points: list[str] = field(default_factory=list, repr=False)
    notes: list[str] = field(default_factory=list, repr=False)
    """What is said beside each point; once for all where it is always the same."""
    last: str = ""
    newest: str = field(default="", repr=False)
    """The newest value where it lies outside its range."""


class Chapters:
    """Filled by one walk through the events."""

    def __init__(self, today: str, letters: Letters, texts: Texts) -> None:
        self._today = today
        self._letters = letters
        self._texts = texts
        self._parts: dict[str, dict[str, Line | Series]] = {}
        self._standing: dict[str, str] = {}

    def add(self, event: Event) -> None:
        """One event, newest first."""
        if event["kind"] in (
            "lab_result",
            "vital_sign",
            "questionnaire",
            "social_history",
        ) and lines.has_value(event):
            self._measured(event)
            return
        chapter = self._chapter(event)
        text = self._text(event)
        part = self._parts.setdefault(chapter, {})
        line = part.setdefault(text, Line(text))
        if isinstance(line, Line):
            line.days.append(self._day(event))

    def told(self) -> Iterator[tuple[str, list[str]]]:
        """Each chapter with its lines, in their order; the expected ones also when they have none."""
        names = [*_ORDER, *sorted(set(self._parts) - set(_ORDER))]
        for name in names:
            part = self._parts.get(name, {})
            if part or name in NOW:
                yield name, [_series(one) if isinstance(one, Series) else _line(one) for one in part.values()]

    def outside(self) -> list[str]:
        """Measurements whose newest value lies outside its range."""
        return [
            f"{one.title} {one.newest}"
            for part in self._parts.values()
            for one in part.values()
            if isinstance(one, Series) and one.newest
        ]

    # ── one event ─────────────────────────────────────────────────────────────────────────────────

    def _measured(self, event: Event) -> None:
        part = self._parts.setdefault(_OF_KIND[event["kind"]], {})
        title, unit, span = lines.title(event), lines.unit(event), lines.span(event)
        code = next((f"{code['system']}|{code['code']}" for code in event["codes"] if code["code"]), "")
        key = f"{code or title}\n{unit}"
        one = part.get(key)
        if not isinstance(one, Series):
            one = part[key] = Series(title, unit, span)
            if lines.mark(event):
                one.newest = f"{lines.value(event, unit)} ({lines.day(event)})"
        one.points.append(self._point(event, one, span))
        one.notes.append(inline(event.get("description")))

    def _point(self, event: Event, one: Series, span: str) -> str:
        when = lines.day(event) or "no date"
        said = f"{when} {clock}" if when == one.last and (clock := lines.clock(event)) else when
        one.last = when
        more = [f"range {span or 'not given'}"] if span != one.span else []
        status = str(event.get("status") or "")
        more += [inline(status)] if status and status not in _SAID else []
        more += [letters] if (letters := self._letters.of(event)) else []
        more += [beside] if (beside := lines.beside(event)) else []
        return f"{said} {lines.value(event)}" + (f" ({'; '.join(more)})" if more else "")

    def _chapter(self, event: Event) -> str:
        kind, status = str(event["kind"]), str(event.get("status") or "")
        day = lines.day(event)
        end = lines.day(event, "end")
        over = status in _OVER or bool(end and end < self._today[: len(end)])
        if kind == "problem":
            return "Problems before" if over else NOW[1]
        if kind == "medication":
            given = str(event["resource"]).startswith(("MedicationAdministration/", "MedicationDispense/"))
            return "Medications before and doses given" if over or given else NOW[2]
        ahead = day > self._today[: len(day)] if day else False
        if kind == "lab_result":
            return "Lab reports"
        if kind in ("appointment", "order", "task") and not over and (ahead or kind == "task"):
            return _COMING
        name = plural(kind)
        return _OF_KIND.get(kind, name[:1].upper() + name[1:])

    def _text(self, event: Event) -> str:
        status = str(event.get("status") or "")
        said = [f"**{lines.title(event)}**"]
        if lines.has_value(event):
            said.append(f"{lines.value(event)} {lines.unit(event)}".strip())
        if event["kind"] in ("problem", "allergy", "medication", "order", "task", "goal"):
            said += [inline(status)] if status else []
        elif status and status not in _SAID:
            said.append(inline(status))
        words = self._texts.of(event) if event["kind"] in _WRITTEN else ""
        described = str(event.get("description") or "")
        if described := _unsaid(described, words):
            said.append(inline(described))
        if where := lines.where(event):
            said.append(where)
        said += [letters] if (letters := self._letters.of(event)) else []
        said += [beside] if (beside := lines.beside(event)) else []
        text = "; ".join(said)
        return f"{text}\n  > “{inline(words)}”" if words else text

    def _day(self, event: Event) -> str:
        return lines.when(event)


def _unsaid(described: str, words: str) -> str:
    """The description without what the words of the document say as well: a conclusion stands in both."""
    begin, _, rest = described.partition("; ")
    if not words or begin.strip()[:150] not in words:
        return described
    return rest


def _line(one: Line) -> str:
    head, mark, quoted = one.text.partition("\n")
    title, rest, more = head.partition("**; ")
    days = ", ".join(one.days)
    said = f"{title}** ({days}): {more}" if rest else f"{head} ({days})"
    return f"- {said}{mark}{quoted}"


def _series(one: Series) -> str:
    about = ", ".join(part for part in (one.unit, f"range {one.span}" if one.span else "") if part)
    often = [note for note, times in Counter(note for note in one.notes if note).items() if times > 1]
    if len(often) == 1 and set(one.notes) == set(often):
        tail, behind = f" (each: “{often[0]}”)", {often[0]: ""}
    else:
        behind = {note: f" (see {chr(97 + at)})" for at, note in enumerate(often[:26])}
        tail = "".join(f"; {chr(97 + at)}: “{note}”" for at, note in enumerate(often[:26]))
    points = [
        point + (behind.get(note, f" (“{note}”)") if note else "")
        for point, note in zip(one.points, one.notes, strict=True)
    ]
    return f"- **{one.title}**{f' ({about})' if about else ''}: {' · '.join(points)}{tail}"


def person(patient: dict[str, Any]) -> tuple[str, str]:
    """Name, and what else tells a person from another, of the Patient."""
    from phr.fhir import read

    name = read.human_name(patient.get("name")) or "Name not known"
    facts = [
        f"born {born}" if (born := read.text(patient.get("birthDate"))) else "",
        read.text(patient.get("gender")) or "",
        f"died {died}" if (died := read.text(patient.get("deceasedDateTime"))) else "",
    ]
    return inline(name), inline(", ".join(fact for fact in facts if fact))
