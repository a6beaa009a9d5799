"""How the schedule stands: what is installed, when it runs next, and who is due then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from phr.errors import PhrError
from phr.fhir import dates
from phr.settings import HOUR, Sync
from phr.workspace.schedule.plan import installed
from phr.workspace.schedule.quiet import is_quiet

if TYPE_CHECKING:
    from phr.store.store import Store
    from phr.workspace.schedule.base import Plan
    from phr.workspace.workspace import Workspace


def next_run(plan: Plan, settings: Sync, now: datetime) -> datetime | None:
    """The next start at which somebody may be asked, jitter aside; None when quiet hours leave no such minute."""
    at = now.astimezone(UTC).replace(minute=plan.minute, second=0, microsecond=0)
    at += timedelta(hours=at <= now.astimezone(UTC))
    for hour in range(48):
        if not is_quiet(settings, found := at + timedelta(hours=hour)):
            return found
    return None


def standing(workspace: Workspace, plan: Plan, now: datetime) -> dict[str, Any]:
    """All that `phr schedule show --json` says. A record that does not open is told, and costs only its own part."""
    found = installed(plan)
    settings = workspace.settings.sync
    at = next_run(plan, settings, now) if found else None
    report: dict[str, Any] = {
        "installed": found is not None,
        "by": found[0].name if found else None,
        "where": found[1] if found else None,
        "next_run": dates.instant(at) if at else None,
        "last_run": None,
        "every": f"{settings.interval / HOUR:g}h",
        "quiet_hours": str(settings.quiet_hours) if settings.quiet_hours else None,
        "quiet_now": is_quiet(settings, now),
        "connections": [],
        "locked": None,
    }
    if workspace.paths.records(workspace.user).exists():
        try:
            with workspace.store() as store:
                report |= _inside(store, now)
        except PhrError as error:
            report["locked"] = error.message
    return report


def _inside(store: Store, now: datetime) -> dict[str, Any]:
    from phr.views.status import connections
    from phr.workspace.sync import is_due

    names = ("name", "state", "auto_sync", "every", "last_sync", "next_due")
    due = {one.name for one in store.connections.all() if one.state != "revoked" and is_due(one, now)}
    listed = [one for one in connections(store) if one["state"] != "revoked"]
    return {
        "last_run": store.runs.last_started("schedule"),
        "connections": [{**{key: one[key] for key in names}, "due": one["name"] in due} for one in listed],
    }
