"""Swim lanes: one bar for one problem, one lane for one drug, and no date that nobody told."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import pytest

from phr.charts import lanes_svg
from phr.charts.lanes import Lane, Lanes, Point, heaps
from phr.charts.scale import moment
from phr.views.lanes import lanes

DAY = 86_400.0
_number = iter(range(1, 1_000_000))


def event(kind: str, title: str, date: str | None, end: str | None = None, **more: Any) -> dict[str, Any]:
    id_ = next(_number)
    type_ = {"problem": "Condition", "medication": "MedicationRequest", "encounter": "Encounter"}.get(
        kind, "Observation"
    )
    found = {
        "id": str(id_), "kind": kind, "title": title, "date": date, "end": end, "recorded": None, "status": "active",
        "category": None, "description": None, "abnormal": None, "codes": [], "sources": ["clinic"],
        "resource": f"{type_}/{id_}",
    }  # fmt: skip
    return found | more


VISITS = [
    event("encounter", "Visit", f"20{year}-06-01", status="finished", category="AMB")
    for year in range(10, 25)
]


def named(found: Lanes, name: str) -> Lane:
    (one,) = [lane for lane in found.lanes if lane.name == name]
    return one


def snomed(code: str) -> list[dict[str, Any]]:
    return [{"system": "http://snomed.info/sct", "code": code, "display": None}]


def test_the_same_problem_from_two_sources_is_one_bar() -> None:
    events = [
        event("problem", "Asthma", "2012-03", codes=snomed("195967001")),
        event("problem", "Asthma (disorder)", "2015-01-01", codes=snomed("195967001"), sources=["hospital"]),
    ]
    (bar,) = named(lanes([*VISITS, *events]), "Asthma").bars
    assert bar.goes_on and bar.label == "since 2012-03 (clinic); since 2015-01-01 (hospital)"


def test_a_problem_that_came_back_has_two_bars() -> None:
    events = [
        event("problem", "Sinusitis", "2012-03-01", "2012-04-01", status="resolved"),
        event("problem", "Sinusitis", "2018-03-01", "2018-04-01", status="resolved"),
    ]
    assert len(named(lanes([*VISITS, *events]), "Sinusitis").bars) == 2


def test_prescriptions_of_one_drug_are_one_lane_with_several_bars() -> None:
    events = [
        event("medication", "lisinopril 10 mg tablet", "2012-01-01", "2014-01-01", status="stopped"),
        event("medication", "Lisinopril 20 MG Oral Tablet", "2014-01-01"),
        event(
            "medication",
            "lisinopril 20 mg",
            "2015-05-01",
            resource="MedicationAdministration/1",
            status="completed",
        ),
        event("medication", "amlodipine 5 mg tablet", "2015-01-01"),
    ]
    one = named(lanes([*VISITS, *events]), "lisinopril")
    assert [bar.goes_on for bar in one.bars] == [False, True]
    assert len(one.points) == 1


@pytest.mark.parametrize(
    ("more", "begin_known", "end_known", "goes_on"),
    [
        ({"date": "2015"}, True, True, True),
        ({"date": "2015-01-01", "recorded": "2015-01-01"}, False, True, True),
        ({"date": None, "recorded": "2015-01-01"}, False, True, True),
        ({"date": "2015", "status": "resolved"}, True, False, False),
        ({"date": "2015", "end": "2016-02", "status": "resolved"}, True, True, False),
        ({"date": "2015", "end": "2099", "status": "active"}, True, True, True),
        ({"date": None, "end": "2016", "status": "resolved"}, False, True, False),
    ],
)
def test_what_nobody_told_is_not_known(
    more: dict[str, Any], begin_known: bool, end_known: bool, goes_on: bool
) -> None:
    (bar,) = named(lanes([*VISITS, event("problem", "Gout", more.pop("date")) | more]), "Gout").bars
    assert (bar.begin_known, bar.end_known, bar.goes_on) == (begin_known, end_known, goes_on)


def test_a_partial_date_is_as_broad_as_it_is() -> None:
    (bar,) = named(
        lanes([*VISITS, event("problem", "Gout", "2015", "2017-02", status="resolved")]), "Gout"
    ).bars
    assert (bar.begin[1] - bar.begin[0]) / DAY == 365 and (bar.end[1] - bar.end[0]) / DAY == 28


def test_without_any_date_there_is_a_lane_that_says_so() -> None:
    one = named(lanes([*VISITS, event("problem", "Gout", None)]), "Gout")
    assert not one.bars and one.note == "no date known"


def test_what_never_was_has_no_lane() -> None:
    events = [
        event("problem", "Asthma", "2015", status="refuted"),
        event("problem", "No known problems", "2015"),
        event("medication", "aspirin", "2015", status="cancelled"),
    ]
    assert {lane.name for lane in lanes([*VISITS, *events]).lanes} == {"Visits"}


def test_the_rest_is_counted_and_named() -> None:
    events = [
        event("problem", f"Problem {letter}", f"2015-01-{n + 1:02}")
        for n, letter in enumerate("ABCDEFGHIJKLMNOPQR")
    ]
    found = lanes([*VISITS, *events])
    assert found.more == (("problem", 4),)
    assert "and 4 more problems" in lanes_svg.draw(found) and "and 4 more problems" in lanes_svg.described(
        found
    )


def test_how_somebody_lives_comes_after_what_ails_them() -> None:
    events = [event("problem", f"Illness {n}", "2015") for n in range(9)]
    found = lanes([*VISITS, *events, event("problem", "Full-time employment (finding)", "1990")])
    assert found.more == (("problem", 1),)


def test_a_bygone_entry_does_not_squeeze_the_rest() -> None:
    found = lanes(
        [*VISITS, *VISITS, *VISITS, *VISITS, event("problem", "Anemia", "1951", "1952", status="resolved")]
    )
    assert found.begin > 1_200_000_000
    assert "‹ 1951–1952" in lanes_svg.draw(found)


def test_abnormal_results_are_marked_by_their_shape() -> None:
    events = [
        event("lab_result", "K", f"20{n}-03-01", abnormal=n == 15, status="final") for n in range(11, 20)
    ]
    drawn = lanes_svg.draw(lanes([*VISITS, *events]))
    assert drawn.count('class="c-alarm"') == 1 and "Diamond" in drawn


def test_points_that_would_lie_on_each_other_are_counted() -> None:
    points = [Point((n * DAY, n * DAY + 1), n % 10 == 0, "one") for n in range(365)]
    found, months = heaps(points, 0.0, 365 * DAY, 20 * DAY)
    assert months == 1 and sum(one.many for one in found) == 365 and sum(one.abnormal for one in found) == 37
    alone, none = heaps(points[::60], 0.0, 365 * DAY, 20 * DAY)
    assert none == 0 and len(alone) == 7


@pytest.mark.parametrize("look", ["page", "file", "paper"])
@pytest.mark.parametrize("width", [360, 760])
def test_markup_stays_text_and_long_names_are_whole_in_their_title(look: str, width: int) -> None:
    name = "<script>alert(1)</script> & a name that is so long that there is no room for all of it anywhere"
    drawn = lanes_svg.draw(lanes([*VISITS, event("problem", name, "2015")]), look=look, width=width)
    root = ElementTree.fromstring(drawn)
    assert "<script" not in drawn and "style=" not in drawn
    texts = [each for each in root.iter() if each.tag.endswith("}text")]
    assert any((each.text or "").endswith("…") for each in texts)
    if look != "paper":
        assert any(child.text == name for each in texts for child in each)
        used = set(re.findall(r'class="([\w-]+)"', drawn))
        assert all(f".{each} " in lanes_svg_style() for each in used)


def lanes_svg_style() -> str:
    from phr.charts.look import STYLE

    return STYLE


def test_in_words() -> None:
    events = [
        event("problem", "Asthma", "2012-03"),
        event("lab_result", "K", "2015-03-01", abnormal=True, status="final"),
    ]
    said = lanes_svg.described(lanes([*VISITS, *events]))
    assert said.startswith("Timeline from 2010-06 to 2024-06.")
    assert "Asthma: since 2012-03" in said and "Visits: 15 times, 2010-06 to 2024-06" in said
    assert "Laboratory results: 2015-03, 1 of them outside the range" in said


@pytest.mark.parametrize(
    "events", [[], [event("problem", "Gout", None)], [event("encounter", "Visit", "2020")]]
)
def test_a_record_with_next_to_nothing_is_drawn(events: list[dict[str, Any]]) -> None:
    found = lanes(events)
    ElementTree.fromstring(lanes_svg.draw(found))
    assert lanes_svg.described(found)


def medicine(name: str, date: str, **more: Any) -> dict[str, Any]:
    return event("medication", name, date, **more)


def asked(found: Lanes) -> dict[str, str]:
    """The medicines that are drawn dashed, and from when on."""
    return {
        lane.name: moment(bar.seen).strftime("%Y-%m-%d")
        for lane in found.lanes
        for bar in lane.bars
        if bar.seen is not None
    }


def test_a_medicine_without_a_sign_for_long_is_dashed_from_the_last_one_on() -> None:
    events = [
        medicine("tiotropium 18 mcg", "2011-03-24"),
        medicine("tiotropium 18 mcg", "2012-01-05", resource="MedicationDispense/1", status="completed"),
        medicine("ramipril 5 mg", "2012-02-01"),
        medicine("ramipril 5 mg", "2024-03-01", resource="MedicationAdministration/2", status="completed"),
        medicine("metformin 500 mg", "2012-02-01", end="2015-01-01", status="stopped"),
    ]
    found = lanes([*VISITS, *events])
    assert asked(found) == {"tiotropium 18 mcg": "2012-01-05"}
    (bar,) = named(found, "tiotropium 18 mcg").bars
    assert bar.goes_on and "last sign of it 2012-01-05, still taken?" in bar.label
    assert "still taken?" in lanes_svg.described(found)
    drawn = lanes_svg.draw(found)
    assert "Dashed arrow" in drawn and drawn.count('class="c-broken"') == 1
    solid = lanes_svg.draw(lanes([*VISITS, *events], doubted={}))
    assert "Dashed arrow" not in solid and 'class="c-broken"' not in solid


def test_what_the_summary_asks_about_is_dashed_and_nothing_else() -> None:
    events = [medicine("tiotropium 18 mcg", "2011-03-24"), medicine("ramipril 5 mg", "2024-02-01")]
    found = lanes([*VISITS, *events], doubted={str(events[1]["id"]): "2024-03-30"})
    assert asked(found) == {"ramipril 5 mg": "2024-03-30"}
    assert asked(lanes([*VISITS, *events], doubted={str(events[1]["id"]): None})) == {
        "ramipril 5 mg": "2024-02-01"
    }


def test_where_no_renewal_is_ever_noted_only_the_oldest_are_dashed() -> None:
    events = [
        medicine(f"{name} 5 mg", f"{2018 + at}-02-01") for at, name in enumerate(("alfa", "beta", "gamma"))
    ]
    assert asked(lanes([*VISITS, *events])) == {}
    assert asked(lanes([*VISITS, *events, medicine("delta 5 mg", "2011-02-01")])) == {
        "delta 5 mg": "2011-02-01"
    }


@pytest.mark.parametrize(
    ("more", "dashed"),
    [
        ({"title": "amoxicillin 500 mg"}, True),
        ({"title": "ibuprofen 400 mg", "description": "1 tablet for 5 days"}, True),
        ({"title": "ibuprofen 400 mg", "description": "1 tablet at night"}, False),
        ({"title": "ibuprofen 400 mg", "status": "on-hold"}, True),
    ],
)
def test_a_course_that_is_over_is_dashed_at_once(more: dict[str, Any], dashed: bool) -> None:
    assert bool(asked(lanes([*VISITS, medicine("x", "2024-02-01") | more]))) == dashed


def test_nothing_from_before_the_birth_is_drawn_but_counted() -> None:
    events = [
        event("vital_sign", "Pulse", "1970-01-01", status="final"),
        event("problem", "Asthma", "1970-01-01"),
        event("vital_sign", "Pulse", "2012-01-01", status="final"),
    ]
    found = lanes([*VISITS, *events], born="2009-05-01")
    assert found.unborn == 2 and {lane.name for lane in found.lanes} == {"Visits", "Measurements"}
    assert len(named(found, "Measurements").points) == 1
    words = "2 are dated before the birth and not drawn."
    assert words in lanes_svg.described(found) and words in lanes_svg.draw(found, width=1200)
    assert lanes([*VISITS, *events]).unborn == 0


def test_on_paper_numbers_in_marks_are_black_on_white_and_large() -> None:
    visits = [
        event("lab_result", "K", f"2015-{n % 12 + 1:02}-03", abnormal=n % 40 == 0, status="final")
        for n in range(150)
    ]
    root = ElementTree.fromstring(lanes_svg.draw(lanes([*VISITS, *visits]), look="paper", width=660))
    numbers = [each for each in root.iter("{http://www.w3.org/2000/svg}text") if each.get("pointer-events")]
    assert numbers and all(each.get("fill") == "#000000" for each in numbers)
    assert min(float(each.get("font-size", "0")) for each in numbers) * 493 / 660 > 6.5


def test_a_slip_of_the_pen_does_not_stretch_the_picture() -> None:
    slip = event("encounter", "Visit", "2204-06-01", status="finished", category="AMB")
    found = lanes([*VISITS, *VISITS, slip])
    assert found.end < 1_800_000_000
    assert "1›" in lanes_svg.draw(found)
