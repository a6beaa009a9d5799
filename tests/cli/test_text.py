"""Words on a screen."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phr.cli import text
from phr.cli.text import Screen

# Line ends, marks that reorder, and what takes no room; U+E0000 and on are tags, once for languages.
STEERING = (
    *(0x061C, 0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x2060, 0xFEFF, 0x0A, 0x0B, 0x0C, 0x0D, 0x85),
    *range(0x2028, 0x202F),
    *range(0x2066, 0x206A),
    *range(0xE0000, 0xE0080),
)
HOSTILE = st.text(
    alphabet=st.one_of(
        st.characters(), st.sampled_from("\x1b\x07\x9b日é́"), st.sampled_from([*map(chr, STEERING)])
    ),
    max_size=60,
)


@given(HOSTILE)
def test_nothing_that_steers_a_terminal_survives_cleaning(given_text: str) -> None:
    cleaned = text.clean(given_text)
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in cleaned)
    assert not set(cleaned) & {*map(chr, STEERING)}


@pytest.mark.parametrize("code", STEERING)
def test_a_name_stays_on_its_line_and_looks_like_what_it_is(code: int) -> None:
    cleaned = text.clean(f"Ada.{chr(code)}Error: pay")
    assert cleaned in ("Ada. Error: pay", "Ada.Error: pay")
    assert text.clean(f"{chr(code)}\n Ada") == "Ada"


def test_an_invisible_joiner_leaves_no_gap_in_a_word() -> None:
    assert text.clean("می\u200cخواهم") == "میخواهم"


@given(HOSTILE, st.integers(0, 40))
def test_a_cut_text_never_takes_more_cells_than_it_may(given_text: str, cells: int) -> None:
    assert text.width(text.elide(text.clean(given_text), cells)) <= cells


def test_wide_characters_take_two_cells_and_accents_none() -> None:
    assert text.width("日本") == 4
    assert text.width("e\u0301") == 1
    assert text.pad("日本", 6) == "日本  "
    assert text.elide("日本語", 5) == "日本…"


def test_a_table_gives_way_in_its_wide_column_only() -> None:
    rows = [("1", "a very long name that does not fit at all", "x\x1b[31my")]
    lines = text.table(rows, ("ID", "NAME", "LAST"), Screen(30, colour=False), wide=1)
    assert all(text.width(line) <= 30 for line in lines)
    assert lines[1].startswith("1   a very")
    assert "\x1b" not in lines[1]
    assert lines[1].endswith("x [31my")


def test_without_an_edge_nothing_is_cut() -> None:
    long = "x" * 300
    assert long in text.table([(long,)], ("NAME",), Screen(None, colour=False))[1]


def test_marks_have_a_spelling_where_there_is_no_unicode() -> None:
    assert Screen(80, colour=False, unicode=False).spell("7 ↑ … ✓") == "7 ^ ~ ok"


@pytest.mark.parametrize(
    ("date", "words"),
    [
        ("2024-03-12T08:30:05.123-05:00", "2024-03-12 08:30 -05:00"),
        ("2024-03-12T08:30:00Z", "2024-03-12 08:30 UTC"),
        ("2024-03", "2024-03"),
        ("last spring\x1b[2J", "last spring [2J"),
        (None, ""),
    ],
)
def test_a_date_is_shown_with_the_clock_of_its_source(date: str | None, words: str) -> None:
    assert text.day(date) == words


def test_sizes_and_counts_are_said_as_people_say_them() -> None:
    assert [text.size(n) for n in (0, 999, 1500, 2_500_000)] == ["0 B", "999 B", "1.5 kB", "2.5 MB"]
    assert text.count(1, "entry", "entries") == "1 entry"
    assert text.count(1234, "record") == "1,234 records"
    assert text.when(None) == "never"
    assert text.when("nonsense\x07") == "nonsense"


class Terminal(io.StringIO):
    encoding = "utf-8"  # type: ignore[assignment]

    def isatty(self) -> bool:
        return True


def test_colour_only_on_a_terminal_that_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert text.screen(Terminal()).colour
    assert not text.screen(io.StringIO()).colour
    monkeypatch.setenv("NO_COLOR", "1")
    assert not text.screen(Terminal()).colour
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not text.screen(Terminal()).colour


def test_the_width_is_that_of_the_terminal_unless_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERMINAL_WIDTH", "97")
    assert text.screen(io.StringIO()).columns == 97
    monkeypatch.delenv("TERMINAL_WIDTH")
    monkeypatch.delenv("COLUMNS", raising=False)
    assert text.screen(io.StringIO()).columns is None
    monkeypatch.setenv("COLUMNS", "66")
    assert text.screen(Terminal()).columns == 66
