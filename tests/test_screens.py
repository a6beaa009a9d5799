"""What a person sees is what docs/screens/ keeps: `make screens` writes it anew, and somebody looks at it."""

from __future__ import annotations

import importlib.util
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
COMMANDS = ("Older: phr ", "More: phr ")
"""A command is pasted as it stands, so it is never broken."""


@pytest.fixture(scope="module")
def screens() -> Any:
    spec = importlib.util.spec_from_file_location("screens", ROOT / "docs" / "screens.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["screens"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def texts(screens: Any) -> dict[str, str]:
    with screens.home():
        return dict(screens.texts())


def test_each_screen_is_as_it_is_kept(screens: Any, texts: dict[str, str]) -> None:
    kept = {file.name: file.read_text(encoding="utf-8") for file in screens.FOLDER.glob("*.txt")}
    assert sorted(texts) == sorted(kept), "write them anew: make screens"
    other = [name for name, text in texts.items() if kept[name] != text]
    assert not other, "write them anew and look at them: make screens"


@pytest.mark.parametrize("columns", [80, 120])
def test_no_line_is_wider_than_its_screen(texts: dict[str, str], columns: int) -> None:
    for name, text in texts.items():
        if name.endswith(f"-{columns}.txt"):
            lines = [line for line in text.splitlines()[1:] if not line.startswith(COMMANDS)]
            assert not [line for line in lines if cells(line) > columns], name


def cells(line: str) -> int:
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in line)
    return len(line) + wide - sum(bool(unicodedata.combining(char)) for char in line)


def test_a_pipe_gets_no_colour_and_loses_no_word(texts: dict[str, str]) -> None:
    for name, text in texts.items():
        assert "\x1b" not in text, name
        if name.endswith("-piped.txt") and not name.startswith("search"):  # a snippet is a part by nature
            assert "…" not in text, name


def test_every_screen_of_the_readme_is_kept_in_colour_on_dark_and_on_light(screens: Any) -> None:
    for shot in screens.SHOTS:
        if shot.picture:
            for theme in ("dark", "light"):
                assert (screens.FOLDER / f"{shot.name}-{theme}.svg").stat().st_size > 1000
