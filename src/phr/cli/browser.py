"""Opening the person's browser, which is told nothing of phr: its variables stay here.

A browser lives for weeks, and hands its environment to whatever it starts; PHR_PASSPHRASE has no business there.
"""

from __future__ import annotations

import os
import subprocess
import sys
from threading import Thread

WAIT = 10.0
"""Seconds after which a browser that has not ended is taken to be open: some stay in front until they are closed."""
_OPEN = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.stdin.readline().strip()))"


def open_in_browser(address: str) -> bool:
    """Show the address in the person's browser. Answers False when there is none, or no desktop to show it on."""
    if not has_desktop():
        return False
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PHR_")}
    try:
        # A process of its own, since webbrowser can only hand on the environment that it has.
        child = subprocess.Popen(  # noqa: S603 - our own interpreter; the address goes through a pipe
            [sys.executable, "-P", "-c", _OPEN],
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
    except OSError:
        return False
    try:
        child.communicate(address + "\n", timeout=WAIT)
    except subprocess.TimeoutExpired:
        Thread(target=child.wait, daemon=True).start()  # so that it leaves nothing behind when it is closed
        return True
    except OSError:
        return False
    return child.returncode == 0


def has_desktop() -> bool:
    """Whether there is somewhere to show a browser: in a terminal it would take the terminal over."""
    if sys.platform in ("darwin", "win32"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
