"""Pictures: axes that are honest, marks that do not need colour, and every odd shape of data."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phr.charts import lettering, scale, svg, terminal
from phr.charts.model import HIGH, LOW, NORMAL, PLAIN, Curve, Dot, figures, range_words

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
    for look in ("page", "file", "paper"):
        drawn = svg.draw("x", [svg.Picture("P", "w", (SHAPES[name],))], look=look)
        assert "http" not in drawn.replace("http://www.w3.org/2000/svg", "")
        assert "style=" not in drawn
        assert ("<style>" in drawn) == (look == "file")
        assert ("class=" in drawn) == (look != "paper")


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
    assert "▽ less than this" in terminal.legend([one])
    assert one.exact == (dots[0], dots[2])
    drawn = svg.draw("CRP", [svg.Picture("CRP", "", (one,))])
    assert drawn.count('class="c-open"') == 2  # the dot and its legend
    assert "polyline" not in drawn  # between 5 and 9 lies a value that nobody knows


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
    assert 29 < bottom <= 30


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
    bars = "".join(text for text, _ in terminal.sparkline(curve(1, 3, 5, 7).dots, 8))
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


# ── a small step stays small ──────────────────────────────────────────────────────────────────────────

SMALL_STEPS = {
    "per cent, range far above": Curve("FEV1 % of predicted", "%", curve(63, 63, 62, low=90).dots),
    "a score": Curve("CAT", "", curve(15, 15, 14).dots),
    "a tenth": curve(4.2, 4.1, low=3.5, high=5),
    "a count of cells": curve(251, 250),
    "fever scale": Curve("Body temperature", "°C", curve(36.9, 36.8).dots),
    "a bound": Curve(
        "x", "mg/L", (Dot(BEGIN, 5.0), Dot(BEGIN + YEAR, 5.1), Dot(BEGIN + 2 * YEAR, 5.0, PLAIN, "<"))
    ),
}


@pytest.mark.parametrize("name", SMALL_STEPS)
def test_a_small_step_is_no_cliff(name: str) -> None:
    one = SMALL_STEPS[name]
    values = [dot.value for dot in one.dots]
    axis = scale.values([one])
    assert (max(values) - min(values)) / (axis.end - axis.start) < 0.35
    height = [row for row in text_of(terminal.plot([one], terminal.Size(80))) if set(row) & set("●▲▼◆▽")]
    assert len(height) <= 5  # of eleven rows
    bars = [text for text, _ in terminal.sparkline(one.dots, 8, unit=one.unit)]
    assert abs(terminal.SPARKS.index(bars[0]) - terminal.SPARKS.index(bars[-1])) <= 2


@pytest.mark.parametrize(
    ("one", "least", "most"),
    [
        (Curve("SpO2", "%", curve(98, 97).dots), 80, 100),  # nothing is above all of it
        (Curve("FEV1", "%", curve(112, 97).dots), 80, 125),
        (curve(0, 0), 0, 5),
        (curve(1e-9, 2e-9), 0, 1e-8),
        (
            Curve("pH", "", curve(7.25, 7.40, low=7.35, high=7.45).dots),
            7.2,
            7.5,
        ),  # its range says what counts
    ],
)
def test_no_more_room_than_means_something(one: Curve, least: float, most: float) -> None:
    axis = scale.values([one])
    assert least <= axis.start <= axis.end <= most


@pytest.mark.parametrize(
    ("values", "low", "high", "words", "shaded"),
    [
        ((30.0, 33.0, 31.0), 90.0, 200.0, "usual range 90–200 mmol/L, above this picture", False),
        ((900.0, 950.0), None, 5.0, "usual range ≤ 5 mmol/L, below this picture", False),
        ((4.0, 4.2), 3.5, 5.0, "usual range 3.5–5 mmol/L", True),
        ((63.0, 62.0), 80.0, None, "usual range ≥ 80 mmol/L", True),
    ],
)
@pytest.mark.parametrize("look", ["page", "paper"])
def test_a_range_out_of_sight_has_no_swatch_but_words(
    values: tuple[float, ...], low: float | None, high: float | None, words: str, shaded: bool, look: str
) -> None:
    one = curve(*values, low=low, high=high)
    drawn = svg.draw("K", [svg.Picture("K", "", (one,))], look=look)
    assert f">{words}<" in drawn
    assert drawn.count('fill-opacity=".13"') == (2 if shaded else 0)  # in the plot, and in the legend
    assert (f"░ {words}" if shaded else words) in terminal.legend([one])
    assert any("░" in row for row in text_of(terminal.plot([one], terminal.Size(80)))) == shaded


# ── gaps ──────────────────────────────────────────────────────────────────────────────────────────────

HOUR = YEAR / 8766


@pytest.mark.parametrize(
    ("years", "lengths"),
    [
        ([0, 50, 51, 52], [1, 3]),
        ([0, HOUR / YEAR, 2 * HOUR / YEAR, 50], [3, 1]),  # one day, and half a century later
        ([0, 1, 2, 3, 5, 6], [6]),  # two years where there is a value each year
        ([0, 30], [2]),  # of two nobody knows what is usual
        ([0, 1 / 365, 2], [3]),  # seen again on the next day
        ([0, 0.001, 0.002, 1, 1.001, 1.002, 2, 2.001, 2.002], [9]),  # three values at each yearly visit
    ],
)
def test_no_line_over_a_gap_many_times_as_long_as_usual(years: list[float], lengths: list[int]) -> None:
    one = Curve("Weight", "kg", tuple(Dot(BEGIN + each * YEAR, 70.0 + at) for at, each in enumerate(years)))
    assert [len(stretch) for stretch in one.stretches()] == lengths
    drawn = svg.draw("W", [svg.Picture("W", "", (one,))])
    assert drawn.count("<polyline") == sum(length > 1 for length in lengths)


# ── paper ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("width", "points"), [(400, 240), (800, 480)])
def test_on_paper_no_letter_is_too_small_and_no_room_is_wasted(width: int, points: int) -> None:
    one = svg.Picture(
        "Potassium", "Last: 4.2 mmol/L on 2024-01-01, within its range. " * 4, (told_by("a", "b"),)
    )
    root = ElementTree.fromstring(svg.draw("K", [one], look="paper", width=width))
    texts = [*root.iter("{http://www.w3.org/2000/svg}text")]
    assert min(float(each.get("font-size", "13")) for each in texts) * points / width >= 8
    left = min(float(each.get("x", "0")) for each in texts)
    # Letters of the serif are 0.87 of those counted with: the longest line comes near the edge.
    said = [_box(each) for each in texts if (each.text or "").startswith(("Last", "range", "within"))]
    assert left <= 2 and max(0.87 * (box[1] - box[0]) for box in said) > 0.82 * width
    assert float(root.get("height", "0")) < width * 1.1


def test_a_number_and_its_unit_stay_on_one_line() -> None:
    for room in range(90, 240, 7):
        found = lettering.lines("Down 0.7 since then (−5 %). Falling: about −0.5 mL/min a year", room, 10, 20)
        assert not [line for line in found if line.startswith(("%", "mL/min"))]
        assert " ".join(found) == "Down 0.7 since then (−5 %). Falling: about −0.5 mL/min a year"


# ── sources, words, looks ─────────────────────────────────────────────────────────────────────────────


def told_by(*names: str, values: int = 8) -> Curve:
    dots = tuple(
        Dot(
            BEGIN + n * YEAR,
            4.0 + n,
            NORMAL,
            None,
            3,
            20,
            "2020-09-13",
            f"{4 + n} mmol/L",
            names[n % len(names)],
        )
        for n in range(values)
    )
    return Curve("Potassium", "mmol/L", dots)


def test_sources_are_told_apart_by_shape_and_named() -> None:
    drawn = svg.draw("K", [svg.Picture("K", "", (told_by("clinic", "hospital"),), ("clinic", "hospital"))])
    assert ">from clinic<" in drawn and ">from hospital<" in drawn
    assert drawn.count("c-paper") == 4 + 1  # a spot in each value of the second one, and in the legend
    rows = "".join(text_of(terminal.plot([told_by("clinic", "hospital")], terminal.Size(80))))
    assert rows.count("●a") == rows.count("●b") == 4
    assert terminal.legend([told_by("clinic", "hospital")])[-2:] == ["a from clinic", "b from hospital"]


def test_one_source_needs_no_marks() -> None:
    drawn = svg.draw("K", [svg.Picture("K", "", (told_by("clinic"),), ("clinic",))])
    assert "From: clinic" in drawn and "c-paper" not in drawn
    assert not [part for part in terminal.legend([told_by("clinic")]) if "clinic" in part]


def test_of_many_sources_the_last_mark_is_for_the_rest() -> None:
    drawn = svg.draw("K", [svg.Picture("K", "", (told_by(*"abcdef", values=12),), tuple("abcdef"))])
    assert "from others: d, e and f" in drawn


def test_the_picture_in_words() -> None:
    one = curve(1, 4, 9, low=3, high=5)
    said = svg.described([svg.Picture("Potassium", "Rising.", (one,), ("clinic", "lab"))])
    for words in (
        "Potassium, in mmol/L: 3 values from 2020-09-13 to 2020-09-13.",
        "First 1, last 9, high.",
        "Lowest 1 on 2020-09-13, highest 9 on 2020-09-13.",
        "Marked: 1 high and 1 low.",
        "Usual range 3–5 mmol/L.",
        "Rising.",
        "Sources: clinic and lab.",
    ):
        assert words in said


def test_thousands_of_values_are_few_elements() -> None:
    one = curve(*(4 + (n * 7 % 19) / 10 for n in range(3000)), low=4.2, high=5.5, step=YEAR / 300)
    drawn = svg.draw("K", [svg.Picture("K", "", (one,))])
    assert drawn.count("<path") < 40 and len(drawn) < 120_000


@pytest.mark.parametrize("width", [320, 460, 800])
@pytest.mark.parametrize("words", ["", "Last: 4.2 mmol/L on 2024-01-01, within its range. " * 5])
def test_no_words_lie_on_each_other(width: int, words: str) -> None:
    title = "Potassium in whole blood by some method with a long name of its own, measured at the bedside"
    one = svg.Picture(title, words, (told_by("clinic of the city", "hospital", "a laboratory far away"),))
    root = ElementTree.fromstring(svg.draw("K", [one], width=width))
    boxes = [_box(each) for each in root.iter("{http://www.w3.org/2000/svg}text")]
    for at, (left, right, top, bottom) in enumerate(boxes):
        assert left >= 0 and right <= width + 1
        for other in boxes[:at]:
            apart = right <= other[0] or other[1] <= left or bottom <= other[2] or other[3] <= top
            assert apart, (at, boxes)


def _box(each: ElementTree.Element) -> tuple[float, float, float, float]:
    size = float(each.get("font-size", "13"))
    wide = lettering.width(each.text or "", size)
    x, y = float(each.get("x", "0")), float(each.get("y", "0"))
    left = x - {"end": wide, "middle": wide / 2}.get(each.get("text-anchor", ""), 0.0)
    return left, left + wide, y - 0.75 * size, y + 0.2 * size


def test_the_style_knows_every_class_that_is_used() -> None:
    drawn = svg.draw("K", [svg.Picture("K", "w", (told_by("a", "b"),))])
    used = set(re.findall(r'class="([\w-]+)"', drawn))
    assert used and all(f".{name} " in svg.STYLE for name in used)
    assert "<" not in svg.STYLE and "url" not in svg.STYLE


@pytest.mark.parametrize(
    ("value", "step", "label"),
    [
        (1e12, 5e11, "1×10¹²"),
        (-2.5e-9, 5e-10, "−2.5×10⁻⁹"),
        (0, 1e12, "0"),
        (12_500, 500, "12,500"),
        (0.25, 0.05, "0.25"),
    ],
)
def test_long_numbers_are_powers_of_ten(value: float, step: float, label: str) -> None:
    assert figures(value, step) == label


def test_paper_can_be_set_by_typst() -> None:
    typst = pytest.importorskip("typst")
    drawn = svg.draw("K", [svg.Picture("K", "w", (told_by("a", "b"),), ("a", "b"))], look="paper")
    made = typst.compile(f'#image(bytes({json.dumps(drawn, ensure_ascii=False)}), format: "svg")'.encode())
    assert made.startswith(b"%PDF")
