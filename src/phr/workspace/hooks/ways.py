"""The ways in which a hook tells: a command with the report on its standard input, a notice on the desktop, a mail,
a webhook."""

from __future__ import annotations

import logging
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phr.errors import PhrError
from phr.workspace.hooks import secrets

if TYPE_CHECKING:
    from phr.settings import Hook
    from phr.workspace.hooks.events import Event
    from phr.workspace.workspace import Workspace

log = logging.getLogger("phr.hooks")
COMMAND_SECONDS = 60.0
_NOTICE_SECONDS = 20.0
_SECRETIVE = re.compile(
    r"PHR_(CREDENTIAL_COMMAND|(?!.*_FILE$).*(PASS|SECRET|TOKEN|KEY|CODE).*)", re.IGNORECASE
)
"""Variables of ours that hold a secret; a path to one is none."""
_SHOWN = 4000


@dataclass(frozen=True)
class Errand:
    """One hook to carry out for one event."""

    workspace: Workspace = field(repr=False)
    hook: Hook
    event: Event = field(repr=False)
    told: Mapping[str, Any] = field(repr=False)
    body: bytes = field(repr=False)
    """`told` as JSON."""
    sleep: Callable[[float], None] = field(repr=False)

    def run(self, way: str) -> None:
        """Go this way. Raises PhrError in words that follow a colon."""
        {"command": self._command, "notify": self._notify, "mail": self._mail, "webhook": self._webhook}[
            way
        ]()

    def _command(self) -> None:
        verbose = log.isEnabledFor(logging.INFO)
        environ = scrubbed(self.workspace.environ) | {"PHR_EVENT": self.event.name}
        said = start(split(self.hook.command or ""), environ, self.body, COMMAND_SECONDS, keep=verbose)
        # What a program makes of values is not for a log.
        if said.strip() and not self.hook.include_values:
            log.info("hook %s said: %s", self.event.name, " ".join(said.decode("utf-8", "replace").split()))

    def _notify(self) -> None:
        start(notice(self.event.words), on_desktop(self.workspace.environ), b"", _NOTICE_SECONDS, keep=False)

    def _mail(self) -> None:
        from phr.workspace.hooks import mail

        server = self.workspace.settings.mail
        password = secrets.needed(self.workspace, "mail-password") if server.user else None
        mail.send(server, password, mail.letter(server, self.hook.mail or "", self.told, self.body))

    def _webhook(self) -> None:
        from phr.workspace.hooks import webhook

        secret = secrets.needed(self.workspace, "webhook-secret")
        delivery = self.told.get("delivery")
        webhook.send(
            self.hook.webhook or "", secret, self.event.name, self.body, delivery=delivery, sleep=self.sleep
        )


def split(command: str) -> list[str]:
    """The words of a command, as a shell would split them, without a shell. Raises PhrError."""
    try:
        words = shlex.split(command, posix=os.name != "nt")
        return [str(Path(words[0]).expanduser()), *words[1:]]
    except (ValueError, IndexError, RuntimeError):
        raise PhrError(
            "the command makes no sense.", hint="Give a program and its arguments, without shell syntax."
        ) from None


def scrubbed(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without the secrets of phr."""
    return {name: value for name, value in environ.items() if not _SECRETIVE.fullmatch(name)}


def start(
    words: Sequence[str], environ: Mapping[str, str], stdin: bytes, seconds: float, *, keep: bool
) -> bytes:
    """Run a program in the home folder and wait; answers the beginning of what it said. Raises PhrError when it fails.

    It has a session of its own, so that what it started ends with it when the time is over.
    """
    program = shutil.which(words[0], path=environ.get("PATH"))
    if program is None:
        raise PhrError(f"there is no program {Path(words[0]).name}.", hint="Give its whole path.")
    home = environ.get("HOME", "")
    out = subprocess.PIPE if keep else subprocess.DEVNULL
    try:
        child = subprocess.Popen(  # noqa: S603 - the person's own command, split without a shell
            [program, *words[1:]],
            env=dict(environ),
            cwd=home if home and Path(home).is_dir() else None,
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=subprocess.STDOUT if keep else subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise PhrError(f"{Path(words[0]).name} cannot be started: {error.strerror}.") from None
    try:
        said, _ = child.communicate(stdin, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise PhrError(f"the command was ended after {seconds:.0f} seconds.") from None
    finally:
        if child.returncode is None:
            _end(child)
    if child.returncode:
        raise PhrError(f"the command failed with status {child.returncode}.")
    return (said or b"")[:_SHOWN]


def _end(child: subprocess.Popen[bytes]) -> None:
    with suppress(OSError):
        if os.name == "posix":
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
    child.wait()


# ── a notice on the desktop ───────────────────────────────────────────────────────────────────────


def notice(words: str, platform: str = sys.platform) -> list[str]:
    """The command that shows fixed words and counts; nothing that a server or a person wrote is in them."""
    text = re.sub(r"[^A-Za-z0-9 ,.:]", "", words)
    if platform == "darwin":
        return ["osascript", "-e", f'display notification "{text}" with title "phr"']
    if platform == "win32":
        script = (
            "Add-Type -AssemblyName System.Windows.Forms;"
            "$n = New-Object System.Windows.Forms.NotifyIcon;"
            "$n.Icon = [System.Drawing.SystemIcons]::Information; $n.Visible = $true;"
            f"$n.ShowBalloonTip(10000, 'phr', '{text}', 'Info'); Start-Sleep 10; $n.Dispose()"
        )
        return ["powershell", "-NoProfile", "-NonInteractive", "-Command", script]
    return ["notify-send", "--app-name=phr", "phr", text.removeprefix("phr: ")]


def on_desktop(environ: Mapping[str, str]) -> dict[str, str]:
    """Cron's runs have no address of the desktop's bus; with systemd it is where everybody's is."""
    found = scrubbed(environ)
    bus = Path(f"/run/user/{os.getuid()}/bus") if os.name == "posix" else None
    if bus is not None and "DBUS_SESSION_BUS_ADDRESS" not in found and bus.exists():
        found["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={bus}"
    return found
