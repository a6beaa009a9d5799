"""Quiet hours: the part of the day in which syncs that run by themselves ask nobody.

They are of the clock on the wall, here: the servers' busy time is that of the people around them.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from phr.errors import PhrError
from phr.fhir import dates

if TYPE_CHECKING:
    from phr.settings import Sync
    from phr.workspace.sync import SyncReport, SyncWish
    from phr.workspace.workspace import Workspace

log = logging.getLogger("phr.sync")


def is_quiet(settings: Sync, now: datetime) -> bool:
    """Whether `phr sync --due` is to ask nobody at this instant."""
    if settings.quiet_hours is None:
        return False
    here = now.astimezone()
    return settings.quiet_hours.cover(here.hour * 60 + here.minute)


def until(settings: Sync, now: datetime) -> datetime | None:
    """When the quiet hours of this instant are over; None when these are none."""
    if settings.quiet_hours is None or not is_quiet(settings, now):
        return None
    here, end = now.astimezone(), settings.quiet_hours.end
    # Without its offset: the clock may be put forward or back in between.
    found = here.replace(hour=end // 60, minute=end % 60, second=0, microsecond=0, tzinfo=None)
    found += timedelta(days=found <= here.replace(tzinfo=None))
    return found.astimezone()


def due_then(workspace: Workspace, names: Sequence[str], at: str) -> int | None:
    """How many connections, of these if any are named, are due at this instant. None: the record does not open."""
    from phr.workspace.sync import is_due

    moment = datetime.fromisoformat(at)
    try:
        with workspace.store() as store:
            found = [one for one in store.connections.all() if not names or one.name in names]
    except PhrError:
        return None
    return sum(one.state != "revoked" and is_due(one, moment) for one in found)


def kept_away(workspace: Workspace, wish: SyncWish) -> SyncReport | None:
    """The report of a sync that asks nobody, when it is to run by itself and these are quiet hours; else None.

    Neither the lock nor the record is touched.
    """
    from phr.workspace.sync import SyncReport

    settings = workspace.settings.sync
    end = until(settings, datetime.now(UTC)) if wish.due else None
    if end is None:
        return None
    log.info("these are quiet hours (%s): nobody is asked", settings.quiet_hours)
    return SyncReport("completed", (), 0, quiet_until=dates.instant(end))
