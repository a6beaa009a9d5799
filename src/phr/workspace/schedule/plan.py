"""Which scheduler starts the syncs of this person, and what it is told.

Each person and each home has a schedule of its own. The minute is theirs too: if everybody's sync began at the full
hour, it would be the servers' busiest minute.
"""

from __future__ import annotations

import sys
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from phr.errors import PhrError
from phr.workspace.schedule.base import Plan, Scheduler
from phr.workspace.schedule.cron import Cron
from phr.workspace.schedule.launchd import Launchd
from phr.workspace.schedule.schtasks import Schtasks
from phr.workspace.schedule.systemd import Systemd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from phr.workspace.workspace import Workspace

SCHEDULERS: tuple[Scheduler, ...] = (Systemd(), Launchd(), Schtasks(), Cron())
_USUAL = {"darwin": ("launchd", "cron"), "win32": ("schtasks",)}
_PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


def planned(workspace: Workspace, program: Sequence[str]) -> Plan:
    """What would be installed for this person; `program` is what starts phr."""
    from phr.workspace import headless

    night = headless.nightly(workspace, "phr")
    mine = workspace.environ
    # A proxy's address is a secret only where a name and a password stand in it.
    open_ = {name: mine[name] for name in night.named if name in _PROXIES and "@" not in mine[name]}
    open_ = {name: value for name, value in open_.items() if value.isprintable()}
    user = () if workspace.user == "default" else ("--user", workspace.user)
    place = str(workspace.paths.records(workspace.user))
    home = Path(mine.get("HOME") or Path.home())
    config = Path(mine.get("XDG_CONFIG_HOME") or "")
    return Plan(
        label=_label(workspace, place),
        minute=int(sha256(place.encode()).hexdigest(), 16) % 60,
        command=(*program, "sync", "--due", "--quiet", *user),
        variables={**night.shown, **open_},
        home=home,
        config=config if config.is_absolute() else home / ".config",
        logs=workspace.paths.logs,
        environ=mine,
        left_out=(*(name for name in night.named if name not in open_), *night.unsuited),
    )


def _label(workspace: Workspace, place: str) -> str:
    parts = ["phr-sync", *([workspace.user] if workspace.user != "default" else [])]
    if workspace.environ.get("PHR_HOME"):  # a home beside the usual one: its schedule is another
        parts.append(sha256(place.encode()).hexdigest()[:6])
    return "-".join(parts)


def scheduler(plan: Plan, name: str | None = None) -> Scheduler:
    """The one of this name, else the first that can be used here. Raises PhrError when none can."""
    by_name = {one.name: one for one in SCHEDULERS}
    if name is not None:
        return by_name[name]
    for usual in _USUAL.get(sys.platform, ("systemd", "cron")):
        if by_name[usual].answers(plan):
            return by_name[usual]
    raise PhrError(
        "There is nothing on this computer that starts programs by the clock, or it does not answer.",
        hint="See the line for a crontab: phr schedule install --print --by cron",
    )


def install(plan: Plan, chosen: Scheduler) -> None:
    """Put the schedule in place, and take away one that another scheduler has of it: one run an hour, not two."""
    chosen.install(plan)
    for other in SCHEDULERS:
        if other is not chosen and other.installed(plan) is not None:
            other.remove(plan)


def remove(plan: Plan) -> tuple[str, ...]:
    """Take it away wherever it is; answers from where. What we did not make is left alone."""
    found = [(one, where) for one in SCHEDULERS if (where := one.installed(plan)) is not None]
    return tuple(where for one, where in found if one.remove(plan))


def installed(plan: Plan) -> tuple[Scheduler, str] | None:
    """Which scheduler has it, and where."""
    return next(((one, where) for one in SCHEDULERS if (where := one.installed(plan)) is not None), None)
