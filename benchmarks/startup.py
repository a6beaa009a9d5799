"""How long a person waits for a quick command, in multiples of an interpreter that does nothing."""

from __future__ import annotations

import os
import subprocess
import sys

from benchmarks.world import KEY, World, say, timed

REPEAT = 15


def run(world: World) -> None:
    """Compare `python -c pass` with quick commands on the large store."""
    key_file = world.folder / "key"
    key_file.write_bytes(KEY)
    key_file.chmod(0o600)
    environ = {**os.environ, "PHR_HOME": str(world.folder / "home"), "PHR_KEY_FILE": str(key_file)}

    def command(*words: str) -> float:
        line = [sys.executable, *words]
        subprocess.run(line, env=environ, check=True, stdout=subprocess.DEVNULL)
        return timed(lambda: subprocess.run(line, env=environ, check=True, stdout=subprocess.DEVNULL), REPEAT)

    bare = command("-c", "pass")
    for title, words in (
        ("phr --version", ("-m", "phr", "--version")),
        ("phr --help", ("-m", "phr", "--help")),
        (f"phr timeline --limit 50 of {world.count:,} records", ("-m", "phr", "timeline", "--limit", "50")),
        ("phr timeline --search glucose --json", ("-m", "phr", "timeline", "--search", "glucose", "--json")),
        ("phr status", ("-m", "phr", "status")),
    ):
        took = command(*words)
        say(title, f"{took / bare:.1f}x", f"bare Python {bare * 1000:.0f} ms, this {took * 1000:.0f} ms")
