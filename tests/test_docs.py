"""Pages that cannot rot: the commands on them exist, and their help is the program's own."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from phr.cli import commands

ROOT = Path(__file__).parents[1]
PAGES = (
    "README.md",
    "CHANGELOG.md",
    ".github/CONTRIBUTING.md",
    "docs/syncing.md",
    "docs/importing.md",
    "docs/exporting.md",
    "docs/calendar.md",
    "docs/changes.md",
    "docs/next-appointment.md",
    "docs/own-words.md",
    "docs/packs.md",
    "docs/quality.md",
    "docs/searching.md",
    "docs/summary.md",
    "docs/tables.md",
    "docs/trends.md",
    "docs/visit.md",
    "examples/crontab",
    "examples/phr-sync.service",
)


def test_the_command_page_is_what_the_program_says() -> None:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None and spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    assert generate.PAGE.read_text(encoding="utf-8") == generate.page(), "write it anew: make docs"


def test_pages_name_only_commands_and_options_that_exist() -> None:
    reference = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    known = {command.name for command in commands.COMMANDS} | {"COMMAND", "--version", "--help"}
    for page in PAGES:
        for line in re.findall(
            r"(?:^|[`$ /])phr ([a-zA-Z-]+[^`\n#·]*)", (ROOT / page).read_text(encoding="utf-8")
        ):
            words = line.split()
            if words[0][0].islower() and words[0] in known:
                for option in re.findall(r"(?<!\S)--[a-z][a-z-]+", line):
                    assert option in reference, f"{page}: phr {line}"
            elif page != "CHANGELOG.md" and words[0].islower():
                assert words[0] in known | {"is", "can", "cannot", "knows"}, f"{page}: phr {line}"


def test_every_exit_status_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for status in (0, 1, 2, 3, 4, 5, 6, 130):
        assert f"| {status} |" in readme
