"""`phr` and `python -m phr`: the way in."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line."""
    try:
        from phr.cli.app import run

        run()
    except KeyboardInterrupt:  # while the program was still waking up, or already leaving
        sys.exit(130)


if __name__ == "__main__":
    main()
