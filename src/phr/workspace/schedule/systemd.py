"""A systemd user timer: systemd.timer(5), systemd.service(5), and the quoting of systemd.syntax(7)."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from phr.errors import PhrError
from phr.workspace.schedule.base import MARK, Piece, Plan, is_ours, must, put, refuse_others, run


class Systemd:
    """Two units under `~/.config/systemd/user`."""

    name = "systemd"
    program = "systemctl"

    def pieces(self, plan: Plan) -> tuple[Piece, ...]:
        service, timer = self._files(plan)
        variables = "".join(
            f"Environment={_quoted(f'{key}={value}')}\n" for key, value in plan.variables.items()
        )
        command = " ".join(_quoted(word, command=True) for word in plan.command)
        return (
            Piece(
                str(service),
                f"# {MARK}\n[Unit]\nDescription=Bring health records up to date\n\n"
                f"[Service]\nType=oneshot\nUMask=0077\nNice=10\n{variables}ExecStart={command}\n"
                "# 3 is partly done, 5 is another run at work: nothing has failed for good.\n"
                "SuccessExitStatus=3 5\n",
            ),
            Piece(
                str(timer),
                f"# {MARK}\n[Unit]\nDescription=Bring health records up to date every hour\n\n"
                f"[Timer]\nOnCalendar=*-*-* *:{plan.minute:02}:00\nRandomizedDelaySec=5min\nPersistent=true\n\n"
                "[Install]\nWantedBy=timers.target\n",
            ),
        )

    def install(self, plan: Plan) -> None:
        files = self._files(plan)
        refuse_others(files)
        before = [path.read_bytes() if path.exists() else None for path in files]
        put(self.pieces(plan))
        try:
            must(plan, "systemctl", "--user", "daemon-reload")
            must(plan, "systemctl", "--user", "enable", "--now", files[1].name)
        except PhrError:
            for path, content in zip(files, before, strict=True):
                path.unlink() if content is None else path.write_bytes(content)
            raise

    def remove(self, plan: Plan) -> bool:
        files = [path for path in self._files(plan) if is_ours(path)]
        if not files:
            return False
        with suppress(PhrError):  # without a session there is nobody to tell; the files go all the same
            run(plan, "systemctl", "--user", "disable", "--now", self._files(plan)[1].name)
        for path in files:
            path.unlink()
        with suppress(PhrError):
            run(plan, "systemctl", "--user", "daemon-reload")
        return True

    def installed(self, plan: Plan) -> str | None:
        timer = self._files(plan)[1]
        return str(timer) if is_ours(timer) else None

    def answers(self, plan: Plan) -> bool:
        try:
            return run(plan, "systemctl", "--user", "show-environment").returncode == 0
        except PhrError:
            return False

    def _files(self, plan: Plan) -> tuple[Path, Path]:
        folder = plan.config / "systemd" / "user"
        return folder / f"{plan.label}.service", folder / f"{plan.label}.timer"


def _quoted(text: str, *, command: bool = False) -> str:
    text = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{text.replace("$", "$$") if command else text}"'
