"""Pictures made from events alone: what `phr trend` says, and nothing that the events do not say."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from phr.charts import svg
from phr.charts.model import ABNORMAL, NORMAL, Picture
from phr.model import Received
from phr.sandbox.synthetic import family
from phr.store.store import Store
from phr.views import timeline, trends
from phr.views.pictures import gathered
from phr.views.selection import Selection
from phr.views.trend_chart import curve

LOINC = "http://loinc.org"
_number = iter(range(1, 1_000_000))


def event(
    code: str | None, date: str | None, value: float | str, unit: str | None = None, **more: Any
) -> dict[str, Any]:
    """A result as the timeline tells it."""
    id_ = next(_number)
    title = more.pop("title", "Result")
    found = {
        "id": str(id_), "kind": "lab_result", "date": date, "precision": "day", "end": None, "recorded": None,
        "title": title, "description": None, "value": value, "value_text": str(value), "unit": unit, "low": None,
        "high": None, "range_text": None, "interpretation": None, "abnormal": None, "status": "final",
        "category": "laboratory", "sources": ["clinic"], "corrected": [], "resource": f"Observation/{id_}",
        "codes": [{"system": LOINC, "code": code, "display": title}] if code else [],
    }  # fmt: skip
    return found | more


def problem(title: str, code: str, status: str = "active") -> dict[str, Any]:
    codes = [{"system": "http://snomed.info/sct", "code": code, "display": title}]
    return event(None, "2015", "", title=title, kind="problem", status=status, codes=codes, value_text=None)


def drawn(one: Picture) -> list[list[tuple[str, float]]]:
    return [[(dot.label, dot.value) for dot in each.dots] for each in one.curves]


def test_every_measurement_of_the_sandbox_is_drawn_as_its_trend(store: Store) -> None:
    found = [Received(one["resourceType"], one["id"], orjson.dumps(one)) for one in family()]
    store.save(store.sources.ensure("hospital").key, found)
    pictures = {one.code or one.title: one for one in gathered(timeline.all_events(store, Selection()))}
    compared = 0
    for measurement in trends.measured(store):
        report = trends.trend(store, measurement.key)
        series = report.get("series") or [report]
        curves = [each for one in series if (each := curve(one)) is not None]
        if not curves:
            continue
        if report.get("code") in ("8480-6", "8462-4") and "series" not in report:
            parts = pictures["85354-9"].curves
            mine = [next(each for each in parts if each.name == report["name"])]
        else:
            mine = list(pictures[report.get("pair_code") or report["code"] or report["name"]].curves)
        assert [(one.name, one.unit) for one in mine] == [(one.name, one.unit) for one in curves]
        for one, other in zip(mine, curves, strict=True):
            told = [(dot.when, dot.value, dot.bound, dot.low, dot.high) for dot in one.dots]
            assert told == [(dot.when, dot.value, dot.bound, dot.low, dot.high) for dot in other.dots]
        compared += 1
    assert compared > 30


def test_units_are_reconciled() -> None:
    events = [event("2345-7", "2020-01-01", 90, "mg/dL"), event("2345-7", "2021-01-01", 95, "mg/dL"),
              event("14749-6", "2022-01-01", 5.5, "mmol/L", sources=["hospital"])]  # fmt: skip
    (one,) = gathered(events)
    assert one.title == "Glucose" and one.curves[0].unit == "mg/dL" and one.sources == ("clinic", "hospital")
    assert [round(dot.value) for dot in one.curves[0].dots] == [90, 95, 99]
    assert [dot.source for dot in one.curves[0].dots] == ["clinic", "clinic", "hospital"]


def test_units_that_cannot_be_reconciled_are_two_pictures() -> None:
    events = [event("2345-7", f"202{n}-01-01", 90 + n, "mg/dL") for n in range(3)]
    events += [event("2345-7", "2023-01-01", 5, "[IU]/L"), event("2345-7", "2024-01-01", 6)]
    found = gathered(events)
    assert [(one.title, len(one.curves[0].dots)) for one in found] == [
        ("Glucose", 3), ("Glucose (in IU/L)", 1), ("Glucose (no unit given)", 1),
    ]  # fmt: skip
    assert "cannot be turned into" in found[1].words and "picture of their own" in found[0].words


def test_blood_pressure_is_one_picture_with_two_lines() -> None:
    codes = [{"system": LOINC, "code": "85354-9", "display": "Blood pressure"}]
    events = [
        event(None, "2020-01-01", "120/80", "mmHg", codes=codes, kind="vital_sign", abnormal=False),
        event(None, "2021-01-01", "150/95", "mmHg", codes=codes, kind="vital_sign", abnormal=True),
        event("8480-6", "2022-01-01", 130, "mm[Hg]", kind="vital_sign"),
    ]
    (one,) = gathered(events)
    assert one.title == "Blood pressure"
    assert drawn(one) == [
        [("2020-01-01", 120.0), ("2021-01-01", 150.0), ("2022-01-01", 130.0)],
        [("2020-01-01", 80.0), ("2021-01-01", 95.0)],
    ]
    assert [dot.mark for dot in one.curves[1].dots] == [NORMAL, ABNORMAL]
    assert "abnormal" not in one.words  # nobody says which of the two numbers it was
    assert "reading marked abnormal" in svg.draw("x", [one])
    assert "1 in a reading that is abnormal" in svg.described([one])


def test_bounds_are_kept_open_and_words_are_not_drawn() -> None:
    events = [event("1988-5", "2020-01-01", "<5", "mg/L"), event("1988-5", "2021-01-01", "negative"),
              event("1988-5", "2022-01-01", 9, "mg/L")]  # fmt: skip
    (one,) = gathered(events)
    assert [(dot.value, dot.bound) for dot in one.curves[0].dots] == [(5.0, "<"), (9.0, None)]


def test_what_was_taken_back_is_in_no_picture_and_what_has_no_date_is_told() -> None:
    events = [event("718-7", "2020-01-01", 13, "g/dL"), event("718-7", "2021-01-01", 99, "g/dL", status="entered-in-error"),
              event("718-7", None, 12, "g/dL")]  # fmt: skip
    (one,) = gathered(events)
    assert drawn(one) == [[("2020-01-01", 13.0)]]
    assert "for want of a date: 1" in one.words


def test_a_reading_from_before_the_birth_is_in_no_picture_but_counted() -> None:
    events = [event("8867-4", f"1970-01-01T0{n}:00:00Z", 80, "/min", precision="second") for n in range(3)]
    events += [event("8867-4", f"202{n}-01-01", 70, "/min") for n in range(2)]
    events += [event("29463-7", "1970-01-01", 80, "kg")]
    (one,) = gathered(events, born="2014-05-01")
    assert drawn(one) == [[("2020-01-01", 70.0), ("2021-01-01", 70.0)]]
    assert "because dated before the birth: 3." in one.words and "1970" not in svg.described([one])
    for unknown in (None, "", "1969"):
        assert sum(len(each.curves[0].dots) for each in gathered(events, born=unknown)) == 6


@pytest.mark.parametrize(
    ("date", "more"),
    [
        ("2014-05-01T01:00:00+14:00", {}),  # the day of the birth, in a place where it begins earlier
        ("2014", {}),  # the year of the birth
        ("2014-02-01", {"title": "Fetal heart rate"}),
    ],
)
def test_what_can_be_of_this_life_is_drawn(date: str, more: dict[str, Any]) -> None:
    assert gathered([event("8867-4", date, 140, "/min", **more)], born="2014-05-01")


@pytest.mark.parametrize(
    ("code", "words", "unit", "value", "shown"),
    [
        ("8480-6", "millimeter of mercury", "mmHg", 120, "mmHg"),
        ("2345-7", "milligrams per deciliter", "mg/dL", 90, "mg/dL"),
        ("2708-6", "percent", "%", 97, "%"),
        ("2708-6", "Per cent", "%", 97, "%"),
        ("29463-7", "Kilograms", "kg", 70, "kg"),
        ("39156-5", "kilogram per square meter", "kg/m2", 22, "kg/m2"),
    ],
)
def test_a_unit_in_words_is_the_same_unit(code: str, words: str, unit: str, value: float, shown: str) -> None:
    for most in (words, unit):
        events = [event(code, "2020-01-01", value, words), event(code, "2021-01-01", value, unit),
                  event(code, "2022-01-01", value, most)]  # fmt: skip
        (one,) = gathered(events)
        assert [dot.value for dot in one.curves[0].dots] == [value] * 3 and one.curves[0].unit == shown


def test_two_halves_of_a_reading_in_words_and_signs_are_one_picture() -> None:
    events = [
        event("8480-6", "2020-01-01", 120, "millimeter of mercury"),
        event("8462-4", "2020-01-01", 80, "mm[Hg]"),
    ]
    (one,) = gathered(events)
    assert one.title == "Blood pressure" and {each.unit for each in one.curves} == {"mmHg"}


@pytest.mark.parametrize(
    "unit", ["millimeter", "bananas per liter", "mercury", "grams of fat", "unit of length"]
)
def test_words_that_are_not_all_known_join_nothing(unit: str) -> None:
    found = gathered([event("8480-6", "2020-01-01", 120, "mmHg"), event("8480-6", "2021-01-01", 120, unit)])
    assert len(found) == 2


def test_measures_of_a_condition_that_the_person_has_come_first() -> None:
    events = [
        event("718-7", f"202{n}-01-01", 9, "g/dL", low=12, abnormal=True, interpretation="L")
        for n in range(5)
    ]
    events += [event("1825-9", "2020-01-01", 60, "mg/dL"), event("2951-2", "2020-01-01", 140, "mmol/L")]
    assert next(one.title for one in gathered(events)) == "Hemoglobin"
    alpha = problem("Alpha-1-antitrypsin deficiency", "30188007")
    assert [one.title for one in gathered([*events, alpha])] == [
        "Alpha-1 antitrypsin",
        "Hemoglobin",
        "Sodium",
    ]
    over = problem("Alpha-1-antitrypsin deficiency", "30188007", "refuted")
    assert next(one.title for one in gathered([*events, over])) == "Hemoglobin"


@pytest.mark.parametrize(
    "events", [[], [event("718-7", "2020", "not done")], [event("718-7", None, 3, "g/dL")]]
)
def test_nothing_to_draw_is_no_picture(events: list[dict[str, Any]]) -> None:
    assert gathered(events) == []
