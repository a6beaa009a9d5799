"""A launchd agent of macOS: launchd.plist(5), launchctl(1). A run that was slept through is made up for once."""

from __future__ import annotations

import os
import plistlib
from contextlib import suppress
from pathlib import Path

from phr.errors import PhrError
from phr.paths import make_private
from phr.workspace.schedule.base import MARK, Piece, Plan, find, is_ours, must, put, refuse_others, run


class Launchd:
    """One property list under `~/Library/LaunchAgents`."""

    name = "launchd"
    program = "launchctl"

    def pieces(self, plan: Plan) -> tuple[Piece, ...]:
        agent = {
            "Label": plan.label,
            "ProgramArguments": list(plan.command),
            "EnvironmentVariables": dict(plan.variables),
            "StartCalendarInterval": {"Minute": plan.minute},
            "ProcessType": "Background",
            "Umask": 0o077,
            "StandardErrorPath": str(plan.logs / f"{plan.label}.log"),
        }
        text = plistlib.dumps(agent).decode()
        return (Piece(str(self._file(plan)), text.replace("<plist", f"<!-- {MARK} -->\n<plist", 1)),)

    def install(self, plan: Plan) -> None:
        path = self._file(plan)
        refuse_others([path])
        before = path.read_bytes() if path.exists() else None
        make_private(plan.logs)
        if before is not None:
            self._forget(plan)
        put(self.pieces(plan))
        try:
            must(plan, "launchctl", "bootstrap", _domain(), str(path))
        except PhrError:
            path.unlink() if before is None else path.write_bytes(before)
            raise

    def remove(self, plan: Plan) -> bool:
        path = self._file(plan)
        if not is_ours(path):
            return False
        self._forget(plan)
        path.unlink()
        return True

    def installed(self, plan: Plan) -> str | None:
        path = self._file(plan)
        return str(path) if is_ours(path) else None

    def answers(self, plan: Plan) -> bool:
        return find(plan, "launchctl") is not None

    def _forget(self, plan: Plan) -> None:
        with suppress(PhrError):  # it may not be loaded
            run(plan, "launchctl", "bootout", f"{_domain()}/{plan.label}")

    def _file(self, plan: Plan) -> Path:
        return plan.home / "Library" / "LaunchAgents" / f"{plan.label}.plist"


def _domain() -> str:
    return f"gui/{os.getuid() if hasattr(os, 'getuid') else 0}"
