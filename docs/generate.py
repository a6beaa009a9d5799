"""Write docs/commands.md from the program's own help, docs/ccda-coverage.md, docs/fields.md and the tables of docs/tables.md
from the code: `make docs`.

Tests compare both pages with what they were made from.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).with_name("commands.md")


def page() -> str:
    """Every command's help on one Markdown page, as it is printed at 80 columns."""
    from phr.cli import commands

    parts = ["# Every command\n", "Made by `make docs` from the program's own help.\n", _block(_help())]
    for command in commands.COMMANDS:
        text = _help(command.name)
        parts += [f"\n## phr {command.name}\n", _block(text)]
        for name in _under(text):
            parts += [f"\n### phr {command.name} {name}\n", _block(_help(command.name, name))]
    return "\n".join(parts) + "\n"


def _under(text: str) -> list[str]:
    """Names of the commands that a group's help lists."""
    listed = text.partition("\nCommands:\n")[2].splitlines()
    return [line.split()[0] for line in listed if line.startswith("  ") and line[2:3].isalpha()]


def _help(*words: str) -> str:
    environ = {**os.environ, "COLUMNS": "80", "TERMINAL_WIDTH": "80", "NO_COLOR": "1", "PHR_HOME": os.devnull}
    line = [sys.executable, "-m", "phr", *words, "--help"]
    result = subprocess.run(line, capture_output=True, text=True, check=True, env=environ)  # noqa: S603
    return result.stdout.rstrip()


def _block(text: str) -> str:
    return f"```\n{text}\n```"


if __name__ == "__main__":
    import ccda_coverage

    PAGE.write_text(page(), encoding="utf-8")
    ccda_coverage.PAGE.write_text(ccda_coverage.page(), encoding="utf-8")
    from phr.views.fields.page import page as fields

    PAGE.with_name("fields.md").write_text(fields(), encoding="utf-8")
    from phr.views.tables.page import with_tables

    tables = PAGE.with_name("tables.md")
    tables.write_text(with_tables(tables.read_text(encoding="utf-8")), encoding="utf-8")
