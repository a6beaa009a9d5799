"""What a sync would ask, connection by connection (`phr sync --dry-run`).

Only the CapabilityStatement is fetched: it says nothing of the person. Who cannot be reached is planned for from the
profile, and that is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from phr.errors import FhirError, PhrError, ReconnectNeeded
from phr.fhir.capability import Capability
from phr.model import Connection, Search
from phr.store.store import Store
from phr.sync import learn
from phr.sync.crew import side_by_side
from phr.sync.plan import Ask, Plan, Standing, plan
from phr.workspace.clients import client_for
from phr.workspace.sync import Planned, SyncWish

if TYPE_CHECKING:
    from phr.workspace.workspace import Workspace

_DAY = 86_400
Answer = tuple[Capability | None, str | None]


def plans(
    workspace: Workspace, store: Store, found: Sequence[Connection], wish: SyncWish
) -> tuple[Planned, ...]:
    """Ask the servers side by side what they offer, and plan."""
    if any(one.auth != "none" for one in found):
        _ = workspace.vault.secrets
    _ = [workspace.catalog.vendor_of(one.vendor) for one in found]
    asked = [one for one in found if one.state != "revoked"]
    answers: dict[str, Answer] = {}
    places = max(1, workspace.settings.sync.side_by_side)
    for one, answer in side_by_side(lambda one: _offers(workspace, one), asked, min(places, len(asked) or 1)):
        answers[one.key] = (None, answer.message) if isinstance(answer, FhirError) else answer
    return tuple(_planned(workspace, store, one, wish, answers.get(one.key)) for one in found)


def _offers(workspace: Workspace, connection: Connection) -> Answer:
    """What a server declares; or why that is not known."""
    vendor = workspace.catalog.vendor_of(connection.vendor)
    try:
        with client_for(workspace, connection, vendor, retry_attempts=1) as client:
            return client.capabilities(), None
    except PhrError as error:
        return None, error.message


def _planned(
    workspace: Workspace, store: Store, one: Connection, wish: SyncWish, answer: Answer | None
) -> Planned:
    if answer is None:
        return Planned(one.name, "full", one.last_sync, error=ReconnectNeeded(one.name).message)
    if not one.patient_id and not wish.bulk:
        words = "The sign-in did not say whose record this is."
        return Planned(one.name, "full", one.last_sync, error=words)
    capability, error = answer
    if wish.bulk:
        reason = f"one Bulk Data export instead of searches; {_declared(wish.bulk, capability)}"
        search = Search(_export(wish.bulk), (), reason, since=wish.since)
        return Planned(one.name, "bulk", one.last_sync, (search,), error=error)
    found = _plan(workspace, store, one, wish, capability)
    searches = ((found.everything,) if found.everything is not None else ()) + found.searches
    first = Search(
        f"Patient/{one.patient_id}", (), "the person themselves, first: it shows that the sign-in is good"
    )
    wanted = not wish.types or "Patient" in wish.types
    return Planned(
        one.name, found.mode, one.last_sync, ((first,) if wanted else ()) + searches, found.refused, error
    )


def _declared(level: str, capability: Capability | None) -> str:
    """Whether the server says that it has such an export. Some have one without a word, so it is asked all the same."""
    if capability is None:
        return "whether the server has one is not known"
    if level.partition(":")[0] in capability.exports:
        return "the server declares it"
    others = " and ".join(capability.exports)
    return (
        f"the server declares only that of: {others}"
        if others
        else "the server declares none, so it may refuse"
    )


def _export(level: str) -> str:
    if level == "patient":
        return "Patient/$export"
    return f"Group/{level.partition(':')[2]}/$export" if level.startswith("group:") else "$export"


def _plan(
    workspace: Workspace, store: Store, one: Connection, wish: SyncWish, capability: Capability | None
) -> Plan:
    now = store.now()
    days = workspace.settings.sync.full_every / _DAY
    standing = {
        (state.type, state.filter): Standing(state.watermark, state.full_pass, state.dated)
        for state in store.passes.all(one.key)
    }
    return plan(
        workspace.catalog.vendor_of(one.vendor),
        capability,
        one.granted_scopes,
        one.patient_id or "",
        Ask(wish.full, wish.since, wish.types, now, days),
        one.requested_scopes or None,
        standing=standing,
        known=learn.known((learn.Lesson(*row) for row in store.learned.all(one.key)), now),
    )
