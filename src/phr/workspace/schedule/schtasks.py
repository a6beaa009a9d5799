"""A task of the Windows Task Scheduler, as its XML schema has it (schtasks /Create /XML).

A task cannot bring variables along; it gets those that are set for the person for good, with `setx`.
"""

from __future__ import annotations

import subprocess
from xml.sax.saxutils import escape

from phr.errors import PhrError
from phr.paths import private_file_beside
from phr.workspace.schedule.base import MARK, Piece, Plan, find, must, run

_TASK = """\
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo><Description>{mark}</Description></RegistrationInfo>
  <Triggers>
    <TimeTrigger>
      <Repetition><Interval>PT1H</Interval><StopAtDurationEnd>false</StopAtDurationEnd></Repetition>
      <StartBoundary>2026-01-01T00:{minute:02}:00</StartBoundary>
      <RandomDelay>PT5M</RandomDelay>
      <Enabled>true</Enabled>
    </TimeTrigger>
  </Triggers>
  <Principals><Principal id="Author"><LogonType>InteractiveToken</LogonType></Principal></Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <RunOnlyIfNetworkAvailable>true</RunOnlyIfNetworkAvailable>
    <Hidden>true</Hidden>
    <Priority>7</Priority>
  </Settings>
  <Actions Context="Author">
    <Exec><Command>{program}</Command><Arguments>{arguments}</Arguments></Exec>
  </Actions>
</Task>
"""


class Schtasks:
    """One task in the person's own name."""

    name = "schtasks"
    program = "schtasks"

    def pieces(self, plan: Plan) -> tuple[Piece, ...]:
        text = _TASK.format(
            mark=escape(MARK),
            minute=plan.minute,
            program=escape(plan.command[0]),
            arguments=escape(subprocess.list2cmdline(plan.command[1:])),
        )
        return (Piece(plan.label, text),)

    def install(self, plan: Plan) -> None:
        from phr.paths import make_private

        target = make_private(plan.logs) / f"{plan.label}.xml"
        with private_file_beside(target) as (handle, temporary):
            handle.write(self.pieces(plan)[0].text.encode("utf-16"))
            handle.close()
            must(plan, "schtasks", "/Create", "/TN", plan.label, "/XML", str(temporary), "/F")

    def remove(self, plan: Plan) -> bool:
        if self.installed(plan) is None:
            return False
        must(plan, "schtasks", "/Delete", "/TN", plan.label, "/F")
        return True

    def installed(self, plan: Plan) -> str | None:
        try:
            done = run(plan, "schtasks", "/Query", "/TN", plan.label, "/XML")
        except PhrError:
            return None
        # Some Windows answer in UTF-16, some in the code page of the console.
        ours = done.returncode == 0 and MARK.encode() in done.stdout.replace(b"\0", b"")
        return plan.label if ours else None

    def answers(self, plan: Plan) -> bool:
        return find(plan, "schtasks") is not None
