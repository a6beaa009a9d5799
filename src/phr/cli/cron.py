"""`phr doctor --as-cron`: what tonight's sync would find, by starting a process as cron does and letting it look."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phr.cli.checks import Check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from phr.workspace import Workspace
    from phr.workspace.headless import Nightly

WAIT = 150.0
"""Seconds: longer than a keyring is waited for that shows its dialog to nobody."""


def as_cron(here: Workspace) -> list[Check]:
    """Whether a run without terminal, desktop and this shell's variables opens the record and finds every sign-in."""
    from phr.workspace import headless

    plan = headless.nightly(here, shlex.join(program()))
    found = _tonight(plan, here.user)
    if found is None:
        wrong = Check("cron", False, "A process like cron's gave no answer.", "See why: phr vault status")
        return [wrong]
    return [*_record(here, found, plan), *_variables(plan), *_connections(found)]


def _tonight(plan: Nightly, user: str) -> dict[str, Any] | None:
    """What the process said. It gets no terminal, a session of its own, and only what a crontab can give."""
    home = plan.environ.get("HOME", "")
    try:
        done = subprocess.run(  # noqa: S603 - this very program
            [sys.executable, "-P", "-m", "phr.cli.tonight", user],
            env=dict(plan.environ),
            cwd=home if home and Path(home).is_dir() else None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            timeout=WAIT,
            check=False,
        )
        said = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return said if isinstance(said, dict) else None


def program() -> tuple[str, ...]:
    """What starts this phr where PATH is short: the script beside its interpreter."""
    for name in ("phr", "phr.exe"):
        script = Path(sys.executable).parent / name
        if script.is_file():
            return (str(script),)
    return (sys.executable, "-P", "-m", "phr")


def _record(here: Workspace, found: dict[str, Any], plan: Nightly) -> Iterator[Check]:
    from phr.workspace import headless

    if found["record"]:
        yield Check("cron record", True, f"It opens; the key comes from: {found['source']}.")
        yield Check("crontab", True, plan.line)
    elif found["record"] is False:
        yield Check("cron record", False, str(found["detail"]), headless.warning(here) or found["mend"])
    elif here.paths.records(here.user).exists():
        detail = f"The record is not found: a run of cron looks in {found['place']}."
        yield Check("cron record", False, detail, "Set PHR_HOME, here and in the crontab.")
    else:
        trouble = headless.warning(here)
        rest = "" if trouble is None else " A run of cron would find no key for it."
        yield Check("cron record", trouble is None, f"There is none yet.{rest}", trouble)


def _variables(plan: Nightly) -> Iterator[Check]:
    if plan.unsuited:
        detail = f"{', '.join(plan.unsuited)} is set in this shell, and does not belong into a crontab."
        mend = "Put the passphrase into a file of mode 600, and name that: PHR_PASSPHRASE_FILE"
        yield Check("cron variables", False, detail, mend)
    elif plan.named:
        detail = f"Where the line has …, put your own value: {', '.join(plan.named)}."
        yield Check("cron variables", True, detail)


def _connections(found: dict[str, Any]) -> Iterator[Check]:
    for one in found["connections"]:
        yield Check(f"{one['name']}: secrets", bool(one["ok"]), str(one["detail"]), one["mend"])
    if found["record"] and not found["connections"]:
        yield Check("connections", True, "Nothing is connected yet.", None)
