"""The events of an export: without what would tell what is withheld, with what the person says beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from phr.views.discreet import Discretion
from phr.views.discreet_parts import softly
from phr.views.events import Event
from phr.views.own import words_of

_DERIVED = ("title", "description", "facility", "performer", "encounter", "category")
"""What is read from references too."""


def told_events(db: Any, events: Iterable[Event], discretion: Discretion, *, notes: bool) -> Iterator[Event]:
    """These events as they are handed on."""
    for event in events:
        id_ = int(event["id"])
        if id_ in discretion.touched:
            event |= _softened(db, id_, event, discretion)
        if event["corrected"] or notes:
            words = words_of(db, id_)
            if event["corrected"]:
                event["corrections"] = [
                    {name: one[name] for name in ("field", "value", "source_value", "reason", "made")}
                    for one in words["corrections"]
                    if one["in_effect"]
                ]
            if notes:
                event["notes"] = [{"text": one["text"], "written": one["written"]} for one in words["notes"]]
        if not notes:
            event["tags"] = []  # as private as a note
        yield event


def _softened(db: Any, id_: int, event: Event, discretion: Discretion) -> dict[str, Any]:
    """What the event says when its resource is read without what leads to what is withheld."""
    from phr.records.derive import derive

    body, lookup = softly(db, id_, discretion.secrets)
    if not body:
        return {}
    record = derive(body, lookup)
    return {name: getattr(record, name) for name in _DERIVED if name not in event["corrected"]}
