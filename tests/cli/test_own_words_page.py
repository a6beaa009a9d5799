"""Every command on the page about a person's own words does what the page says, on a small record."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from phr.workspace.own.kinds import BY_NAME, KINDS
from phr.workspace.own.vitals import BY_WORD, VITALS

PAGE = Path(__file__).parents[2].joinpath("docs/own-words.md").read_text(encoding="utf-8")
BLOCKS = [
    line for block in re.findall(r"```\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines() if line
]
INLINE = [
    one for one in re.findall(r"`(phr (?:add|note|tag|bookmark|edit) [^`]+)`", PAGE) if "KIND" not in one
]
SODIUM = "3"


@pytest.fixture(autouse=True)
def _around(record: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record, and the files that the page speaks of."""
    for name in ("scan.pdf", "will.pdf", "page1.jpg", "page2.jpg", "thoughts.txt"):
        (tmp_path / name).write_bytes(b"%PDF-1.4\n" if name.endswith("pdf") else b"\xff\xd8\xffwords")


def words_of(command: str) -> list[str]:
    """What is typed, with the number of a record that is there."""
    return [SODIUM if word == "412" else word for word in shlex.split(command)[1:]]


@pytest.mark.parametrize("command", dict.fromkeys(BLOCKS + INLINE))
def test_a_command_on_the_page_works(
    phr: Callable[..., Any], process: Callable[..., Any], command: str
) -> None:
    words = words_of(command.partition(" < ")[0])
    if "--undo" in words:  # there has to be something of yours to take back
        if words[0] == "edit":
            phr("edit", SODIUM, "--date", "2019-05")
        else:
            words[-1] = phr("add", "weight", "70", "kg", "--json").json["id"]
    if words[:2] == ["note", SODIUM] and {"--edit", "--remove"} & set(words):
        phr("note", SODIUM, "first")
    if words[0] == "tag" and "--remove" in words:
        phr("tag", SODIUM, "insurance")
    done = process(*words, stdin="my thoughts") if " < " in command else phr(*words)
    assert done.status == 0, done.err


def test_every_kind_has_an_example_on_the_page() -> None:
    shown = {BY_NAME[word].name for word in re.findall(r"phr add (\w+)", PAGE) if word in BY_NAME}
    assert shown >= {kind.name for kind in KINDS}
    named = {word for word in re.findall(r"`(\w+)`", PAGE) if word in BY_WORD}
    assert named >= {vital.words[0] for vital in VITALS}
