"""`phr` and `python -m phr`: the way in."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    from phr.cli.app import run

    run()


if __name__ == "__main__":
    main()
