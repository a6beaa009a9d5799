"""Pictures: axes that are honest, marks that do not need colour, and every odd shape of data."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phr.charts import scale, svg, terminal
from phr.charts.model import HIGH, LOW, NORMAL, PLAIN, Curve, Dot, range_words

YEAR = 365.25 * 86_400
BEGIN = 1_600_000_000.0


def curve(
    *values: float, low: float | None = None, high: float | None = None, step: float = YEAR / 2
) -> Curve:
    dots = tuple(
        Dot(BEGIN + number * step, value, _mark(value, low, high), None, low, high, "2020-09-13", str(value))
        for number, value in enumerate(values)
    )
    return Curve("Potassium", "mmol/L", dots)


def _mark(value: float, low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return PLAIN
    return LOW if low is not None and value < low else HIGH if high is not None and value > high else NORMAL


def text_of(rows: list[terminal.Row]) -> list[str]:
    return ["".join(text for text, _ in row) for row in rows]


SHAPES = {
    "no range": curve(1, 2, 3),
    "one point": curve(4.2, low=3.5, high=5),
    "one sided": curve(50, 60, 55, low=90),
    "all on one day": curve(1, 2, 3, step=600),
    "at one instant": curve(1, 2, step=0),
    "a thousand in a year": curve(
        *(4 + (n % 7) / 10 for n in range(1000)), low=3.5, high=5, step=YEAR / 1000
    ),
    "negative": curve(-3, -2, 1),
    "zero": curve(0, 0, 0),
    "huge": curve(1e12, 3e12),
    "tiny": curve(1e-9, 2e-9),
    "flat": curve(7, 7, 7, low=5, high=9),
    "a century": curve(*range(1, 40), step=3 * YEAR),
}


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("columns", [40, 80, 120])
@pytest.mark.parametrize("unicode", [True, False])
def test_every_shape_is_drawn_within_the_screen(name: str, columns: int, unicode: bool) -> None:
    found = text_of(terminal.plot([SHAPES[name]], terminal.Size(columns, unicode=unicode)))
    assert all(len(line.rstrip()) <= columns for line in found)
    assert any(mark in "".join(found) for mark in ("●▲▼◆" if unicode else "o^v!")) or name.startswith(
        "a thousand"
    )
    if not unicode:
        assert "".join(found).isascii()


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_is_a_whole_svg(name: str) -> None:
    root = ElementTree.fromstring(
        svg.draw("x <&> y", [svg.Picture("P <b>", "said & done", (SHAPES[name],), ("a & b",))])
    )
    space = "{http://www.w3.org/2000/svg}"
    assert root.find(f"{space}title").text == "x <&> y over time"  # type: ignore[union-attr]
    assert "said & done" in root.find(f"{space}desc").text  # type: ignore[union-attr, operator]
    assert not [one for one in root.iter() if one.tag in (f"{space}script", f"{space}image")]
    assert "http" not in svg.draw("x", [svg.Picture("P", "w", (SHAPES[name],))]).replace(
        "http://www.w3.org/2000/svg", ""
    )


def test_labels_stand_where_their_value_is() -> None:
    one = curve(20, 40, 60, 80, 100)
    rows = text_of(terminal.plot([one], terminal.Size(80)))
    for row in rows:
        label, _, field = row.partition("┤")
        if field and "●" in field:
            assert float(label) in (20, 40, 60, 80, 100)
    assert sum("●" in row for row in rows) == 5


def test_low_and_high_have_shapes_of_their_own() -> None:
    rows = "".join(text_of(terminal.plot([curve(1, 4, 9, low=3, high=5)], terminal.Size(80))))
    assert rows.count("▼") == rows.count("▲") == rows.count("●") == 1
    plain = "".join(text_of(terminal.plot([curve(1, 4, 9, low=3, high=5)], terminal.Size(80, unicode=False))))
    assert plain.count("v") == plain.count("^") == plain.count("o") == 1


def test_a_bound_is_drawn_open_and_no_line_goes_through_it() -> None:
    dots = (Dot(BEGIN, 5.0), Dot(BEGIN + YEAR, 5.0, PLAIN, "<"), Dot(BEGIN + 2 * YEAR, 9.0))
    one = Curve("CRP", "mg/L", dots)
    assert "▽" in "".join(text_of(terminal.plot([one], terminal.Size(80))))
    assert "▽ less than" in terminal.legend([one])
    assert one.exact == (dots[0], dots[2])
    assert (
        svg.draw("CRP", [svg.Picture("CRP", "", (one,))]).count('class="dot open"') == 2
    )  # the dot and its legend


def test_the_range_is_shaded_where_it_holds_and_changes_with_time() -> None:
    dots = (
        Dot(BEGIN, 4.0, NORMAL, None, 3.0, 5.0),
        Dot(BEGIN + YEAR, 4.0, NORMAL, None, 3.0, 5.0),
        Dot(BEGIN + 2 * YEAR, 4.0),
        Dot(BEGIN + 3 * YEAR, 4.0),
    )
    rows = text_of(terminal.plot([Curve("K", "", dots)], terminal.Size(80)))
    shaded = [row.index("░") for row in rows if "░" in row]
    assert shaded
    last = max(row.rindex("░") for row in rows if "░" in row)
    assert last < 60  # the values without a range have none


def test_a_range_far_away_does_not_squeeze_the_values() -> None:
    bottom, top = scale.extent([curve(30, 33, 31, low=90, high=200)])
    assert top < 60
    assert "usual range 90–200 mmol/L" in " ".join(terminal.legend([curve(30, 33, 31, low=90, high=200)]))
    assert bottom == 30


@given(
    st.lists(
        st.floats(-1e9, 1e9, allow_nan=False).filter(lambda x: x == 0 or abs(x) > 1e-9),
        min_size=1,
        max_size=30,
    ),
    st.integers(20, 140),
)
def test_any_numbers_can_be_drawn(values: list[float], columns: int) -> None:
    one = curve(*values)
    axis = scale.values([one])
    assert (
        axis.start <= min(values) + abs(axis.step) * 1e-6 and axis.end >= max(values) - abs(axis.step) * 1e-6
    )
    assert 2 <= len(axis.marks) <= 12
    assert all(
        len(line.rstrip()) <= max(columns, 40)
        for line in text_of(terminal.plot([one], terminal.Size(columns)))
    )
    ElementTree.fromstring(svg.draw("t", [svg.Picture("p", "w", (one,))]))


def test_a_sparkline_follows_the_values() -> None:
    bars = "".join(text for text, _ in terminal.sparkline(curve(1, 2, 3, 4).dots, 8))
    assert bars == "▁▃▆█"
    assert "".join(text for text, _ in terminal.sparkline(curve(1, 2, 3, 4).dots, 8, unicode=False)).isascii()


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (90, 200, "90–200"),
        (70.2608, 99.0858, "70.3–99.1"),
        (0.005, None, "≥ 0.005"),
        (None, 1_000_000, "≤ 1000000"),
        (108.696, 288.043, "109–288"),
        (None, 135.25, "≤ 135.25"),
        (-2, 2, "−2–2"),
    ],
)
def test_limits_are_told_without_the_tail_of_a_conversion(
    low: float | None, high: float | None, words: str
) -> None:
    assert range_words(low, high) == words
