"""A line in the person's crontab, between two lines that mark it as ours: crontab(1), crontab(5)."""

from __future__ import annotations

import re
import shlex

from phr.errors import PhrError, UsageError
from phr.workspace.schedule.base import MARK, Piece, Plan, find, must, run


class Cron:
    """All other lines of the crontab stay as they are, byte for byte."""

    name = "cron"
    program = "crontab"

    def pieces(self, plan: Plan) -> tuple[Piece, ...]:
        words = [f"{key}={shlex.quote(value)}" for key, value in plan.variables.items()]
        words += map(shlex.quote, plan.command)
        # crontab(5): an unescaped percent sign ends the command.
        line = f"{plan.minute} * * * * " + " ".join(words).replace("%", r"\%")
        begin, end = _marks(plan)
        return (Piece("crontab", f"{begin}\n{line}\n{end}\n"),)

    def install(self, plan: Plan) -> None:
        before = _read(plan)
        others = _without(before, plan)
        lead = b"" if not others or others.endswith(b"\n") else b"\n"
        after = others + lead + self.pieces(plan)[0].text.encode()
        if after != before:
            must(plan, "crontab", "-", stdin=after)

    def remove(self, plan: Plan) -> bool:
        before = _read(plan)
        after = _without(before, plan)
        if after == before:
            return False
        must(plan, "crontab", "-", stdin=after)
        return True

    def installed(self, plan: Plan) -> str | None:
        try:
            before = _read(plan)
            return "crontab" if _without(before, plan) != before else None
        except PhrError:
            return None

    def answers(self, plan: Plan) -> bool:
        return find(plan, "crontab") is not None


def _marks(plan: Plan) -> tuple[str, str]:
    return f"# >>> {plan.label} >>> {MARK}", f"# <<< {plan.label} <<<"


def _read(plan: Plan) -> bytes:
    """The crontab as it is. Raises PhrError when that is not known: what cannot be read must not be replaced."""
    done = run(plan, "crontab", "-l")
    if done.returncode == 0:
        return done.stdout
    if b"no crontab" in done.stderr.lower():
        return b""
    said = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0][:200]
    raise PhrError(
        f"The crontab cannot be read: {said or f'status {done.returncode}'}",
        hint="Put the line in by hand: phr schedule install --print --by cron",
    )


def _without(crontab: bytes, plan: Plan) -> bytes:
    begin, end = (re.escape(mark.encode()) for mark in _marks(plan))
    found = re.sub(rb"(?m)^" + begin + rb"\n(?:(?!# (?:>>>|<<<)).*\n)*?" + end + rb"(?:\n|\Z)", b"", crontab)
    label = re.escape(plan.label.encode())
    if re.search(rb"(?m)^# (>>> " + label + rb" >>>|<<< " + label + rb" <<<)", found):
        raise UsageError(
            "The crontab holds one of the two lines that mark the part of phr, but not the other.",
            hint=f"Take what is left of it out by hand: crontab -e, and look for {plan.label}",
        )
    return found
