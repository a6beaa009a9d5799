"""`phr` and `python -m phr`: the way in."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def main() -> None:
    """Run the command line."""
    try:
        from phr.cli.app import run

        run()
    except KeyboardInterrupt:  # while the program was still waking up, or already leaving
        _leave(130)
    except SystemExit as end:
        _leave(end.code if isinstance(end.code, int) else 1 if end.code else 0)


def _leave(status: int) -> None:
    """End the process. Threads of a sync that still sit in a socket are not unwound: that aborts some libraries."""
    import threading

    if any(one.daemon and one.name.startswith("phr-") for one in threading.enumerate()):
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(status)
    sys.exit(status)


if __name__ == "__main__":
    main()
