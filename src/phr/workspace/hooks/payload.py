"""What a hook is given: the report of the sync, and of results only how many, unless `include_values` asks for more.

A server's own words may hold anything, a name or a diagnosis too. Without `include_values` they stay here: of them goes
out what the status means, and sentences that are known to be ours. Names of resource types are a server's words as well:
what cannot be one is only counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from phr.fhir.outcome import STATUS_WORDS
from phr.workspace.hooks.events import MOST, Event, by_kind

SCHEMA = 1
OTHER = "other"
_TYPE = re.compile(r"[A-Za-z]{1,64}")
_STATUS = re.compile(r"\((\d{3})\)\.?$")
_HOST = r"[A-Za-z0-9.:\[\]-]{1,253}"
_OURS = re.compile(
    rf"{_HOST} (did not answer in time|cannot be reached|cannot be found: no address is known for it)\."
    rf"|{_HOST} (shows a certificate [a-z ,]+|does not speak https at this address|sent an answer that cannot be unpacked)\."
    rf"|The connection to {_HOST} broke off\."
    r"|.{1,64} asks for a new sign-in\."
    r"|(it was stopped after the time it was given|there was no time left for it|it was (interrupted|cancelled));[a-z ]+"
)


def payload(
    document: Mapping[str, Any], event: Event, *, user: str, time: str, whole: bool
) -> dict[str, Any]:
    """The JSON document of one event."""
    told: dict[str, Any] = {
        "schema": SCHEMA,
        "event": event.name,
        "time": time,
        "user": user,
        "summary": event.words,
        "status": document["status"],
        "runs": [_named(run) if whole else _run(run) for run in document["runs"]],
    }
    if event.test:
        told["test"] = True
    if event.sign_in:
        told["sign_in"] = [{"connection": name, "before": before} for name, before in event.sign_in]
    if event.abnormal:
        told["new_abnormal"] = {"total": len(event.abnormal), "by_kind": by_kind(event.abnormal)}
        if whole:
            told["new_abnormal"]["results"] = list(event.abnormal[:MOST])
    return told


def plain(words: str | None, http_status: int | None = None) -> str | None:
    """What can be said of a failure without a word of the server; None: nothing but that it failed."""
    found = _STATUS.search(words or "")
    status = http_status or (int(found[1]) if found else None)
    if status is not None:
        return f"{STATUS_WORDS.get(status, 'the server said no')} ({status})"
    return words if words and _OURS.fullmatch(words) else None


def _run(run: Mapping[str, Any]) -> dict[str, Any]:
    """One run without the ids and the words of its server."""
    error = run["error"] and (plain(run["error"]) or f"see phr jobs show {run['job_id']}")
    run = _named(run)
    return {**run, "error": error, "skipped": _skipped(run["skipped"])}


def _named(run: Mapping[str, Any]) -> dict[str, Any]:
    """One run with names of types that can be some."""
    types: dict[str, dict[str, Any]] = {}
    for type_, counts in run["types"].items():
        before = types.get(_type(type_), {})
        types[_type(type_)] = {name: number + before.get(name, 0) for name, number in counts.items()}
    skipped = [{**one, "type": _type(one["type"])} for one in run["skipped"]]
    return {**run, "types": types, "skipped": skipped}


def _type(name: str) -> str:
    return name if _TYPE.fullmatch(name) else OTHER


def _skipped(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What was skipped, counted by type and reason."""
    counted = Counter(
        (one["type"], plain(one["reason"], one["http_status"]), one["http_status"], one["known"])
        for one in found
    )
    return [
        {"type": type_, "reason": reason, "http_status": status, "known": known, "count": number}
        for (type_, reason, status, known), number in counted.items()
    ]
