"""The timeline as lines on a screen."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phr.cli import lines
from phr.cli.text import Screen, width

PLAIN = Screen(None, colour=False)


def event(id_: int = 1, **more: Any) -> dict[str, Any]:
    empty = dict.fromkeys(
        "date precision title value value_text unit low high range_text interpretation abnormal facility performer".split()
    )
    return {
        **empty,
        "id": str(id_),
        "kind": "lab_result",
        "sources": ["clinic"],
        "title": f"Test {id_}",
        **more,
    }


def page(*events: dict[str, Any], view: Screen = PLAIN) -> list[str]:
    return list(lines.timeline_lines(events, view))


TEXTS = st.text(max_size=80)
DATES = st.sampled_from(
    ["2024-03-12T08:30:00Z", "2024-03-12", "2024-03", "2023", "garbage", "9999-99-99", None]
)
EVENTS = st.lists(
    st.builds(
        event,
        st.integers(1, 10**9),
        title=TEXTS,
        value_text=st.none() | TEXTS,
        unit=st.none() | TEXTS,
        facility=st.none() | TEXTS,
        date=DATES,
        high=st.none() | st.integers(0, 10**6) | st.floats(allow_nan=False),
        interpretation=st.sampled_from(["H", "LL", "A", "N", None]),
        kind=st.sampled_from(["lab_result", "appointment", "vital_sign", "something_new"]),
        sources=st.lists(TEXTS, max_size=3),
    ),
    max_size=8,
)


@given(EVENTS, st.sampled_from([60, 72, 80, 109, 110, 120, 200]))
def test_no_line_wraps_whatever_a_record_says(events: list[dict[str, Any]], columns: int) -> None:
    for line in page(*events, view=Screen(columns, colour=False)):
        assert width(line) <= columns
        assert not any(unicodedata.category(char) == "Cc" for char in line)


@given(EVENTS)
def test_every_event_is_one_line_with_its_number_whole(events: list[dict[str, Any]]) -> None:
    shown = [line for line in page(*events, view=Screen(80, colour=False)) if line.startswith("  ")]
    assert [line.split()[-1] for line in shown] == [one["id"] for one in events]


def test_years_and_months_head_their_events_and_a_day_is_said_once() -> None:
    shown = page(
        event(6, date="2024-03-12T10:00:00Z"),
        event(5, date="2024-03-12T10:00:00Z"),
        event(4, date="2024-03"),
        event(3, date="2024-02"),
        event(2, date="2024"),
        event(1),
        view=Screen(80, colour=False),
    )
    assert [" ".join(line.split(" ─")[0].split()) for line in shown] == [
        "2024",
        "March",
        "12 lab Test 6 6",
        "lab Test 5 5",
        "– lab Test 4 4",
        "February",
        "– lab Test 3 3",
        "Month not known",
        "lab Test 2 2",
        "",
        "Without a date",
        "lab Test 1 1",
    ]


def test_a_piped_line_has_its_date_as_far_as_it_is_known_and_nothing_is_cut() -> None:
    long = "A title " * 30
    shown = page(
        event(3, date="2024-03-12T23:30:00-05:00", title=long),
        event(2, date="2024-03"),
        event(1, date="2024"),
    )
    lines_of_events = [line.split() for line in shown if line.startswith("  ")]
    assert [words[0] for words in lines_of_events] == ["2024-03-12", "2024-03", "2024"]
    assert lines_of_events[0][1] == "23:30"
    assert long.strip() in "\n".join(shown)


def test_the_title_is_plain_and_a_local_code_gives_way_to_a_standard_name() -> None:
    loinc = {
        "system": "http://loinc.org",
        "code": "1751-7",
        "display": "Albumin [Mass/volume] in Serum or Plasma",
    }
    local = {"system": "urn:lab", "code": "LAB123", "display": None}
    assert lines.titled(event(title="LAB123", codes=[loinc, local])) == "Albumin"
    assert lines.titled(event(title="Albumin, serum", codes=[loinc, local])) == "Albumin, serum"


def test_where_and_by_whom_are_said_once() -> None:
    assert lines.places(event(facility="Clinic", performer="Dr. Who")) == ("Clinic", "Dr. Who")
    assert lines.places(event(facility="Clinic", performer="clinic")) == ("Clinic", "")
    assert lines.places(event(performer="Dr. Who")) == ("Dr. Who", "")


@pytest.mark.parametrize(
    ("unit", "said"),
    [
        ("{score}", "3"), ("mL/min/{1.73_m2}", "3 mL/min/1.73 m2"), ("mm[Hg]", "3 mmHg"), ("Cel", "3 °C"),
        ("[degF]", "3 °F"), ("{beats}/min", "3 beats/min"), ("{pack_years}", "3 pack years"), ("1", "3"),
        ("10*3/uL", "3 10^3/uL"), ("[lb_av]", "3 lb"), ("m[IU]/L", "3 mIU/L"), ("mg/g{creat}", "3 mg/g creat"),
        ("kg/m2", "3 kg/m2"), ("gram", "3 gram"),
    ],
)  # fmt: skip
def test_a_unit_is_written_as_people_do(unit: str, said: str) -> None:
    assert lines.measured(event(value_text="3", unit=unit)) == said


def test_a_unit_without_a_value_is_nothing() -> None:
    assert lines.measured(event(unit="mg/dL")) == ""


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("129.12055328738617/84.33473840001", "129.1/84.3"), ("6.123456", "6.12"), ("84821.77", "84821.77"),
        ("0.000123456", "0.000123"), ("0.00012", "0.00012"), ("<0.1234567", "<0.123"), ("1.9400", "1.9400"),
        ("84.30000000000001", "84.3"), ("-1.2345678", "-1.23"), ("20 mg of 1.2345678", "20 mg of 1.2345678"),
        ("1.2.840.10008", "1.2.840.10008"),
    ],
)  # fmt: skip
def test_digits_that_nobody_measured_are_left_out_and_others_stay(written: str, shown: str) -> None:
    assert lines.measured(event(value_text=written)) == shown
    assert lines.measured(event(value_text=written), exact=True) == written


@given(
    st.from_regex(r"[<>-]?[0-9]{1,40}\.[0-9]{1,60}(/[0-9]{1,3}\.[0-9]{1,20})?", fullmatch=True),
    st.floats() | st.none(),
)
def test_any_number_is_shown_close_to_what_it_is(written: str, high: float | None) -> None:
    shown = lines.measured(event(value_text=written, high=high))
    assert len(shown) <= len(written)
    numbers = [[float(part.lstrip("<>")) for part in text.split("/")] for text in (written, shown)]
    for one, other in zip(*numbers, strict=True):
        assert other == pytest.approx(one, rel=0.006)


def test_a_number_is_not_rounded_onto_its_limit() -> None:
    assert lines.measured(event(value_text="5.600400001", high=5.6)) == "5.6004"
    assert lines.measured(event(value_text="5.600400001", high=7)) == "5.60"


@pytest.mark.parametrize(
    ("range_", "said"),
    [
        ({"low": 4, "high": 5.6}, "4–5.6"), ({"range_text": ">=70 %", "low": 70}, "≥ 70 %"),
        ({"range_text": ">70"}, "> 70"), ({"range_text": "<= 5"}, "≤ 5"), ({"low": 39}, "≥ 39"),
        ({"low": 1_234_567, "high": 2_345_678.25}, "1234567–2345678.25"), ({"range_text": "negative"}, "negative"),
    ],
)  # fmt: skip
def test_a_range_is_written_in_one_way(range_: dict[str, Any], said: str) -> None:
    assert lines.reference_range(event(**range_)) == said


def test_a_corrected_value_says_whose_it_is_on_every_width() -> None:
    yours = event(value_text="50", unit="U/L", interpretation="H", date="2024-03-12", corrected=["value"])
    assert lines.measured(yours) == "50 U/L ✎ yours"
    for columns in (60, 80, 120, None):
        assert "50 U/L ✎ yours" in "\n".join(page(yours, view=Screen(columns, colour=False)))
    ascii_only = "\n".join(page(yours, view=Screen(80, colour=False, unicode=False)))
    assert ascii_only.isascii() and "50 U/L * yours" in ascii_only
    assert lines.measured(event(value_text="50", corrected=["date"])) == "50"


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ({"corrected": ["date"]}, "✎ your date: Peanut"),
        ({"corrected": ["date", "title"]}, "✎ your correction: Peanut"),
        ({"corrected": ["value"]}, "✎ your value: Peanut"),  # there is none by now
        ({"corrected": ["value"], "value_text": "5"}, "Peanut"),
        ({"corrected": ["sensitivity"]}, "Peanut"),
        ({"kind": "allergy", "status": "inactive"}, "no longer: Peanut"),
        (
            {"kind": "allergy", "status": "resolved", "corrected": ["status"]},
            "no longer, ✎ your status: Peanut",
        ),
        ({"kind": "allergy", "status": "active"}, "Peanut"),
        ({"kind": "problem", "status": "resolved"}, "Peanut (over)"),
        ({"kind": "medication", "status": "inactive"}, "Peanut"),
    ],
)
def test_what_is_over_and_what_is_corrected_is_said_with_the_title(said: dict[str, Any], title: str) -> None:
    assert lines.titled(event(title="Peanut", **said)) == title


def test_own_entries_are_marked_and_the_only_other_source_is_not() -> None:
    there = event(3, date="2024-03-12", sources=["hospital"], facility="Clinic")
    both = event(2, date="2024-03-12", sources=["hospital", "self"])
    own = event(1, date="2024-03-12", sources=["self"], value_text="70", unit="kg")
    for columns in (60, 80, 120, None):
        shown = [
            line for line in page(there, both, own, view=Screen(columns, colour=False)) if "Test" in line
        ]
        assert "hospital" not in "".join(shown) and "self" not in "".join(shown)
        assert [" you " in line for line in shown] == [False, False, True]
    other = event(4, date="2024-03-12", sources=["clinic"])
    shown = page(there, own, other, view=Screen(120, colour=False))
    assert all(any(name in line for line in shown) for name in ("hospital", "you", "clinic"))


def test_a_blood_pressure_is_never_cut_in_its_middle() -> None:
    pressure = event(1, date="2024-03-12", value_text="129.12055328738617/84.33473840001", unit="mm[Hg]")
    others = [
        event(
            id_, title="A long title that wants all of the room there is on a line", value_text="a word " * 9
        )
        for id_ in (2, 3)
    ]
    for columns in (60, 72, 80, 120):
        assert "129.1/84.3" in "\n".join(page(pressure, *others, view=Screen(columns, colour=False)))


def test_titles_use_the_room_beside_empty_columns() -> None:
    title = "CT Chest, nodule follow-up in 12 months with a low dose"
    shown = page(
        event(2, date="2024-03-12", title=title, facility="Saint Wendeline Hospital"),
        event(
            1,
            date="2024-03-12",
            value_text="35",
            unit="U/L",
            low=0,
            high=32,
            facility="A Clinic of Some Name",
        ),
        view=Screen(120, colour=False),
    )
    assert any(title in line and "Saint Wendeline Hospital" in line for line in shown)
    narrow = page(
        event(2, date="2024-03-12", title=title),
        event(1, date="2024-03-12", value_text="35", unit="U/L", sources=["self"]),
        view=Screen(80, colour=False),
    )
    assert any(title in line for line in narrow)


def test_a_piped_line_does_not_run_on() -> None:
    shown = page(
        event(2, date="2024-03-12T10:00:00Z", title="T" * 56, facility="F" * 30, performer="P" * 20),
        event(1, date="2024-03-12T10:00:00Z", title="U" * 40, value_text="35", unit="U/L", low=0, high=32),
    )
    assert max(map(width, shown)) < 170
    assert any("F" * 30 + ", " + "P" * 20 in line for line in shown)


def test_midnight_is_a_day_and_no_time() -> None:
    shown = page(event(1, date="2024-03-12T00:00:00-05:00"), event(2, date="2024-03-11T10:30:00Z"))
    assert "00:00" not in "".join(shown) and "10:30" in "".join(shown)


@pytest.mark.parametrize(
    ("said", "mark"),
    [
        ({"interpretation": "H"}, "↑"),
        ({"interpretation": "LL"}, "↓↓"),
        ({"interpretation": "A"}, "!"),
        ({"interpretation": "N", "abnormal": False}, ""),
        ({"abnormal": True, "value": 9.1, "high": 5.6}, "↑"),
        ({"abnormal": True, "value": 1, "low": 5}, "↓"),
        ({"abnormal": True, "value": "positive"}, "!"),
        ({"value": 9.1, "high": 5.6}, ""),
    ],
)
def test_abnormal_values_carry_a_mark_and_not_only_a_colour(said: dict[str, Any], mark: str) -> None:
    assert lines.mark(event(**said)) == mark


def test_a_value_keeps_the_digits_of_its_source() -> None:
    assert lines.measured(event(value=1.2, value_text="1.20", unit="mg/dL")) == "1.20 mg/dL"
    assert lines.measured(event(value=140, unit="mmol/L")) == "140 mmol/L"
    assert lines.measured(event()) == ""


def test_ranges_are_said_short() -> None:
    assert lines.reference_range(event(low=3.5, high=5)) == "3.5–5"
    assert lines.reference_range(event(high=5.6)) == "≤ 5.6"
    assert lines.reference_range(event(low=70)) == "≥ 70"
    assert lines.reference_range(event(range_text="negative")) == "negative"


def test_sources_are_named_when_there_are_several() -> None:
    one = page(event(1), event(2), view=Screen(120, colour=False))
    assert not any("clinic" in line for line in one)
    two = page(event(1), event(2, sources=["lab", "clinic"]), view=Screen(80, colour=False))
    assert any("lab, clinic" in line for line in two)


def test_colour_paints_the_marks_and_leaves_the_words() -> None:
    shown = "\n".join(page(event(interpretation="HH", value="9"), view=Screen(80, colour=True)))
    assert "\x1b[1;31m" in shown
    assert "↑↑" in shown


@pytest.mark.parametrize(
    ("event", "shown"),
    [
        ({"title": "Latex", "status": "refuted", "kind": "allergy"}, "does not apply: Latex"),
        ({"title": "Flu vaccine", "status": "not-done", "kind": "immunization"}, "not given: Flu vaccine"),
        ({"title": "Biopsy", "status": "not-done", "kind": "procedure"}, "not done: Biopsy"),
        ({"title": "Digoxin", "status": "not-taken", "kind": "medication"}, "not taken: Digoxin"),
        ({"title": "Aspirin", "description": "not to be taken; for: fever"}, "not to be taken: Aspirin"),
        ({"title": "Lupus", "status": "active", "description": "differential"}, "differential: Lupus"),
        ({"title": "Gout", "status": "active", "description": "foot"}, "Gout"),
    ],
)
def test_what_is_no_plain_fact_says_so_before_its_name(event: dict[str, Any], shown: str) -> None:
    assert lines.titled(event) == shown


def test_a_range_that_excludes_its_end_is_shown_as_the_source_wrote_it() -> None:
    assert lines.reference_range({"high": 5.0, "range_text": "< 5"}) == "< 5"
    assert lines.reference_range({"high": 5.0, "range_text": "up to 5"}) == "≤ 5"


@pytest.mark.parametrize(("unicode", "star"), [(True, "★ Test 1"), (False, "* Test 1")])
def test_a_milestone_has_a_star_that_every_screen_can_show(unicode: bool, star: str) -> None:
    from phr.cli.timeline_lines import drawn
    from phr.views.gather import Shown

    view = Screen(80, colour=False, unicode=unicode)
    shown = "\n".join(drawn([Shown(event(1)), Shown(event(2))], view, starred={"1"}))
    assert star in shown
    assert "* Test 2" not in shown
    assert "★ Test 2" not in shown


@given(EVENTS, st.lists(st.integers(0, 5), min_size=8, max_size=8), st.sampled_from([60, 72, 80, 120]))
def test_no_indented_line_wraps_either(events: list[dict[str, Any]], depths: list[int], columns: int) -> None:
    from phr.cli.timeline_lines import drawn
    from phr.views.gather import Shown

    shown = [
        Shown(one, depth if at else 0) for at, (one, depth) in enumerate(zip(events, depths, strict=False))
    ]
    for relations in (None, {one["id"]: "what it was made from (123456)" for one in events}):
        for line in drawn(shown, Screen(columns, colour=False), relations=relations):
            assert width(line) <= columns


@pytest.mark.parametrize(
    ("kind", "status", "line"),
    [
        ("appointment", "cancelled", "cancelled: It"),
        ("appointment", "noshow", "missed: It"),
        ("lab_result", "cancelled", "cancelled: It"),
        ("lab_result", "preliminary", "It (not final yet)"),
        ("medication", "draft", "only a draft: It"),
        ("procedure", "preparation", "not done yet: It"),
        ("order", "revoked", "cancelled: It"),
        ("lab_result", "final", "It"),
        ("medication", "stopped", "It"),
    ],
)
def test_what_is_cancelled_or_only_planned_says_so_before_its_name(kind: str, status: str, line: str) -> None:
    assert lines.titled({"kind": kind, "status": status, "title": "It", "codes": []}) == line
