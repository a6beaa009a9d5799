"""`after`: what a sync did is held against the hooks, and each that applies is carried out.

A hook that fails never fails the sync: what went wrong comes back as sentences, for stderr. The lock of the record is
free by then, so that a hook may itself run `phr`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import orjson

from phr.errors import PhrError
from phr.fhir import dates
from phr.settings.hooks import WAYS
from phr.store.store import utc_now
from phr.workspace.hooks import events
from phr.workspace.hooks.events import Event
from phr.workspace.hooks.memory import Memory
from phr.workspace.hooks.payload import payload
from phr.workspace.hooks.ways import Errand

if TYPE_CHECKING:
    from phr.settings import Hook
    from phr.workspace.sync import SyncReport
    from phr.workspace.workspace import Workspace

log = logging.getLogger("phr.hooks")
Clock = Callable[[], datetime]
Sleep = Callable[[float], None]


def after(
    workspace: Workspace,
    report: SyncReport,
    document: Mapping[str, Any],
    *,
    clock: Clock = utc_now,
    sleep: Sleep = time.sleep,
) -> tuple[str, ...]:
    """Carry out the hooks for what `report` tells; answers a sentence for each that failed. Raises nothing of its own.

    `document` is the report as `phr sync --json` prints it.
    """
    hooks = workspace.settings.hooks
    if not hooks or not (report.runs or report.sign_in_soon):
        return ()
    now = clock()
    try:
        with workspace.store() as store:
            memory = Memory(store)
            happened = events.happened(store, report, memory, now, {hook.event for hook in hooks})
    except Exception as error:  # noqa: BLE001 - the sync is done, whatever happens here
        return (f"The hooks were not carried out: {_words(error)}",)
    failed: list[str] = []
    for event in happened:
        tried = [_carry_out(workspace, hook, event, document, now, sleep) for hook in _of(hooks, event)]
        failed += [sentence for ways in tried for sentence in ways if sentence]
        if any(sentence is None for ways in tried for sentence in ways):
            failed += _remember(workspace, event, now)
    return tuple(failed)


def rehearse(workspace: Workspace, name: str, *, sleep: Sleep = time.sleep) -> list[tuple[str, str | None]]:
    """Carry out the hooks of one event as if it had happened: `(way, sentence or None when it went well)` for each."""
    event = Event(name, "phr: this is a test of a hook", (), test=True)
    document = {"status": "completed", "runs": []}
    return [
        (way, sentence)
        for hook in _of(workspace.settings.hooks, event)
        for way, sentence in zip(
            _ways(hook), _carry_out(workspace, hook, event, document, utc_now(), sleep), strict=True
        )
    ]


def _of(hooks: tuple[Hook, ...], event: Event) -> Iterator[Hook]:
    return (hook for hook in hooks if hook.event == event.name)


def _ways(hook: Hook) -> list[str]:
    return [way for way in WAYS if getattr(hook, way)]


def _carry_out(
    workspace: Workspace,
    hook: Hook,
    event: Event,
    document: Mapping[str, Any],
    now: datetime,
    sleep: Sleep,
) -> list[str | None]:
    """One sentence for each way of a hook that failed, None for each that went well."""
    told = payload(document, event, user=workspace.user, time=dates.instant(now), whole=hook.include_values)
    told["delivery"] = str(uuid4())  # in the body, because only that is signed
    errand = Errand(workspace, hook, event, told, orjson.dumps(told), sleep)
    outcome: list[str | None] = []
    for way in _ways(hook):
        try:
            errand.run(way)
        except Exception as error:  # noqa: BLE001 - see the module
            log.debug("hook %s %s failed: %s", event.name, way, type(error).__name__)
            outcome.append(f"The hook {event.name} ({way}): {_words(error)}")
        else:
            log.info("hook %s %s done", event.name, way)
            outcome.append(None)
    return outcome


def _remember(workspace: Workspace, event: Event, now: datetime) -> list[str]:
    if not event.news:
        return []
    try:
        with workspace.store() as store:
            Memory(store).note(event.name, event.news, now)
    except Exception as error:  # noqa: BLE001 - see the module
        return [f"It was not written down that the hook {event.name} was carried out: {_words(error)}"]
    return []


def _words(error: Exception) -> str:
    if isinstance(error, PhrError):
        return " ".join(filter(None, (error.message, error.hint)))
    if isinstance(error, OSError):
        return f"{error.strerror or type(error).__name__}."
    return f"something unexpected happened ({type(error).__name__})."
