"""What `phr had` says of each time, order and near miss: events with their report, documents, result and reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from phr.fhir import read
from phr.views.events import Event, events
from phr.views.had_measured import measures_of
from phr.views.had_query import Asked
from phr.views.had_record import Told
from phr.views.had_times import Time, documents

MOST_TIMES = 1_000
MOST_NEAR = 12
_SHORT = 240


def times(db: Any, asked: Asked, made: Sequence[Time]) -> list[Event]:
    """Each time as an event, with its report, its documents and why it counts."""
    shown = list(made[:MOST_TIMES])
    ids = [one.id for time in shown for one in time.members if one.type != "Observation"] + [
        id_ for time in shown for id_, _ in time.linked
    ]
    attached = documents(db, ids)
    leads = [_lead(time).id for time in shown]
    linked = {int(one["id"]): one for one in events(db, [id_ for time in shown for id_, _ in time.linked])}
    found = {int(one["id"]): one for one in events(db, leads)}
    reports = [one.id for time in shown for one in time.members if one.type == "DiagnosticReport"]
    told_reports = {int(one["id"]): one for one in events(db, reports)} if reports else {}
    return [
        _time(asked, time, found[id_], {**told_reports, **linked}, attached)
        for time, id_ in zip(shown, leads, strict=True)
        if id_ in found
    ]


def _lead(time: Time) -> Told:
    """What a time is called after: the measurement itself, else the first that tells it."""
    if time.first.type == "DiagnosticReport" and time.first.group == "measure":
        return next((one for one in time.members if one.type == "Observation"), time.first)
    return time.first


def _time(
    asked: Asked,
    time: Time,
    event: Event,
    reports: dict[int, Event],
    attached: dict[int, list[dict[str, Any]]],
) -> Event:
    members = [one.id for one in time.members] + [id_ for id_, _ in time.linked]
    kept = {one["id"]: one for id_ in members for one in attached.get(id_, ())}
    report = next((reports[id_] for id_ in members if id_ in reports), None)
    why = next((one.why for one in time.members if one.why), "")
    bills = all(one.kind == "claim" for one in time.members)
    said = next((one.said for one in time.members if one.said and (bills or one.kind != "claim")), "")
    contrast = next((one.exam.contrast for one in time.members if one.exam.contrast), None)
    places = [
        event["facility"],
        report["facility"] if report else None,
        *(one.facility for one in time.members),
    ]
    facility = next((place for place in places if place), None)
    conclusion = _conclusion(time, report)
    return event | {
        "facility": facility,
        "date": time.date or event["date"],
        "report": None if report is None else _report(report, conclusion),
        "result": _result(asked, event, conclusion, time),
        "documents": list(kept.values()),
        "contrast": contrast,
        "dose": _dose(time),
        "told_by": [{"id": str(one.id), "resource": one.resource} for one in time.members],
        "why": "; ".join(filter(None, (why, said))) or _called(time),
    }


def _called(time: Time) -> str:
    return f"{time.first.type} “{time.first.title}”"


def _report(event: Event, conclusion: str | None) -> dict[str, Any]:
    kept = {
        name: event[name] for name in ("id", "resource", "title", "date", "status", "performer", "facility")
    }
    return kept | {"conclusion": conclusion}


def _conclusion(time: Time, report: Event | None) -> str | None:
    """In the report's own words, cut short."""
    for one in time.members:
        for name in (
            "conclusion",
            *(("outcome",) if one.type == "Procedure" else ()),
        ):  # of a bill: was it read
            value = one.raw.get(name)
            words = read.text(value) or read.concept_text(value)
            if words:
                return _cut(words)
    if report is not None and report["description"] and report["resource"].startswith("DiagnosticReport/"):
        return _cut(str(report["description"]))
    return None


def _cut(words: str) -> str:
    words = " ".join(words.split())
    return words if len(words) <= _SHORT else words[: _SHORT - 1].rsplit(" ", 1)[0] + "…"


def _result(asked: Asked, event: Event, conclusion: str | None, time: Time) -> str | None:
    if asked.kind == "panel":
        return _panel_result(time) or conclusion
    if event["value_text"] is not None:
        return f"{event['value_text']} {event['unit'] or ''}".strip()
    return conclusion


def _panel_result(time: Time) -> str | None:
    """The measurements of a panel, each with its value."""
    from phr.records.measures import BY_ID

    found: dict[str, str] = {}
    for one in time.members:
        if one.type == "Observation" and one.value is not None:
            name = next((BY_ID[id_].name for id_ in measures_of(one) if id_ in BY_ID), one.title)
            found.setdefault(name, f"{name} {one.value} {one.unit or ''}".strip())
    return _cut("; ".join(found.values())) if found else None


def _dose(time: Time) -> str | None:
    """The number that a source gives a dose."""
    for one in time.members:
        for entry in read.dicts(one.raw.get("protocolApplied")) + read.dicts(
            one.raw.get("vaccinationProtocol")
        ):
            for name in ("doseNumberPositiveInt", "doseNumberString", "doseSequence"):
                if found := read.text(entry.get(name)):
                    return found
    return None


def said(db: Any, found: Sequence[Told]) -> list[Event]:
    """Events of what was not done, the newest first, with what is to be said of each."""
    ordered = sorted(found, key=lambda one: (one.date_from is None, -(one.date_from or 0), -one.id))
    why = {one.id: "; ".join(filter(None, (one.said, one.why))) for one in ordered}
    return [event | {"why": why[int(event["id"])]} for event in events(db, [one.id for one in ordered])]


def near(db: Any, found: Sequence[Told], sources: dict[int, frozenset[int]], *, by_part: bool) -> list[Event]:
    """The newest of each title."""
    newest: dict[str, Told] = {}
    for one in sorted(found, key=lambda one: (one.date_from is None, -(one.date_from or 0), one.id)):
        if one.kind != "claim":
            key = (
                f"{sorted(one.exam.acts)}{sorted(one.exam.parts)}{one.exam.side}"
                if one.exam.acts
                else one.title.casefold()
            )
            newest.setdefault(key, one)
    chosen = sorted(newest.values(), key=lambda one: (one.kind in ("goal", "care_plan", "family_history"),))[
        :MOST_NEAR
    ]
    difference = {one.id: one.why or "not the same" for one in chosen}
    return [
        event | {"difference": difference[int(event["id"])]}
        for event in events(db, [one.id for one in chosen])
    ]


def asked_sources(db: Any) -> list[dict[str, Any]]:
    """Each source that could have told it, with the day from which on it has something."""
    rows = db.execute(
        "SELECT s.id, s.name, s.kind, c.last_sync FROM source s LEFT JOIN connection c ON c.source_id = s.id ORDER BY s.name"
    ).fetchall()
    found = []
    for id_, name, kind, asked in rows:
        since = db.execute(
            "SELECT r.date FROM resource x JOIN record r ON r.id = x.id WHERE x.source_id = ? AND x.type = 'Encounter'"
            " AND r.date_from IS NOT NULL ORDER BY r.date_from LIMIT 1",
            (id_,),
        ).fetchone()
        if kind != "person":
            found.append({"name": name, "from": since[0][:10] if since else None, "asked": asked})
    return found
