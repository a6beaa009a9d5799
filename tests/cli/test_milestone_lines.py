"""Milestones as lines: details whole or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from phr.cli.text import Screen, width
from phr.cli.timeline_milestones import drawn

DETAIL = "From 2020-11-17 to 2020-11-22, 5 nights, and home again with oxygen."


def milestone(title: str, **more: Any) -> dict[str, Any]:
    return {
        "id": "256",
        "date": "2020-11-17",
        "milestone": title,
        "detail": DETAIL,
        "sources": ["clinic"],
        **more,
    }


@pytest.mark.parametrize("columns", [60, 80, 100, 110, 120, 200])
@pytest.mark.parametrize("length", [10, 30, 70, 120])
def test_a_detail_is_whole_or_left_out(columns: int, length: int) -> None:
    shown = list(drawn([milestone("Stay: " + "x" * length)], Screen(columns, colour=False)))
    assert all(width(line) <= columns for line in shown)
    text = "\n".join(shown)
    assert DETAIL in text or ("oxygen" not in text and "From" not in text)
    assert DETAIL in text or columns < 110


def test_piped_lines_have_everything_and_say_what_is_ones_own() -> None:
    shown = list(drawn([milestone("Started: Metformin", sources=["self"])], Screen(None, colour=False)))
    assert shown[1].split() == ["2020-11-17", "Started:", "Metformin", "you", "·", *DETAIL.split(), "256"]
