"""Trends: one measurement across sources, codes and units; nothing drawn that the source did not say."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phr.errors import UsageError
from phr.model import Received
from phr.store.store import Store
from phr.views import trends
from phr.views.events import events
from phr.views.trend_line import range_in_words
from phr.views.trend_words import slope

LOINC = "http://loinc.org"
_count = iter(range(1_000_000))


def seen(
    code: str | None,
    date: str | None,
    value: object,
    unit: str | None = None,
    *,
    text: str = "Result",
    system: str = LOINC,
    **more: Any,
) -> Received:
    """An Observation; `value` is a number, a text, or elements of its own."""
    concept: dict[str, Any] = {"text": text}
    if code:
        concept["coding"] = [{"system": system, "code": code, "display": text}]
    body: dict[str, Any] = {
        "resourceType": "Observation",
        "id": f"o{next(_count)}",
        "status": "final",
        "category": [{"coding": [{"code": "laboratory"}]}],
        "code": concept,
    }
    if date:
        body["effectiveDateTime"] = date
    if isinstance(value, dict):
        body |= value
    elif isinstance(value, str):
        body["valueString"] = value
    elif value is not None:
        body["valueQuantity"] = {"value": value} | ({"unit": unit} if unit else {})
    body |= more
    return Received("Observation", body["id"], orjson.dumps(body))


def keep(store: Store, *found: Received, source: str = "clinic") -> None:
    store.save(store.sources.ensure(source).key, list(found))


def span(low: float | None = None, high: float | None = None, unit: str = "mg/dL") -> dict[str, Any]:
    limits = {
        name: {"value": each, "unit": unit}
        for name, each in (("low", low), ("high", high))
        if each is not None
    }
    return {"referenceRange": [limits]}


def pressure(date: str, systolic: float, diastolic: float, **more: Any) -> Received:
    def part(code: str, value: float) -> dict[str, Any]:
        return {
            "code": {"coding": [{"system": LOINC, "code": code}]},
            "valueQuantity": {"value": value, "unit": "mmHg", "code": "mm[Hg]"},
        }

    return seen(
        "85354-9", date, {"component": [part("8480-6", systolic), part("8462-4", diastolic)]}, text="Blood pressure", **more
    )  # fmt: skip


# ── one measurement ───────────────────────────────────────────────────────────────────────────────────


def test_codes_that_mean_the_same_and_units_that_convert_are_one_line(store: Store) -> None:
    keep(
        store,
        seen("1825-9", "2020-01-01", 100, "mg/dL", text="A1AT"),
        seen("1825-9", "2021-01-01", 90, "mg/dL", text="A1AT"),
    )
    keep(store, seen("6771-0", "2022-01-01", 0.8, "g/L", text="Alpha-1-AT"), source="hospital")
    for asked in ("aat", "AAT level", "1825-9", "6771-0", "48805-0", "alpha-1 antitrypsin"):
        found = trends.trend(store, asked)
        assert [one["value"] for one in found["points"]] == [100, 90, 80], asked
        assert found["unit"] == "mg/dL"
        assert [one["original"] for one in found["points"]] == ["100 mg/dL", "90 mg/dL", "0.8 g/L"]
        assert [one["source"] for one in found["points"]] == ["clinic", "clinic", "hospital"]
        assert found["conversions"] == [
            {"from": "g/L", "to": "mg/dL", "factor": 100.0, "offset": 0.0, "why": None}
        ]


def test_a_range_is_converted_with_its_value(store: Store) -> None:
    keep(store, seen("2345-7", "2020", 100, "mg/dL"), seen("2345-7", "2021", 90, "mg/dL"))
    keep(store, seen("14749-6", "2022", 6.0, "mmol/L", **span(3.9, 5.6, "mmol/L")))
    last = trends.trend(store, "2345-7")["points"][-1]
    assert last["value"] == pytest.approx(108.09, abs=0.01)
    assert last["low"] == pytest.approx(70.26, abs=0.01)
    assert last["high"] == pytest.approx(100.9, abs=0.1)
    assert (last["abnormal"], last["direction"]) == (True, "high")


def test_a_range_in_words_with_its_unit_counts() -> None:
    assert range_in_words(">=70 %") == (70, None, "%")
    assert range_in_words("3.5–5.0 g/dL") == (3.5, 5.0, "g/dL")
    assert range_in_words("< 200 mg/dL") == (None, 200, "mg/dL")
    assert range_in_words("see note") == (None, None, None)


def test_a_unit_that_does_not_convert_is_told_and_not_drawn(store: Store) -> None:
    keep(store, seen("30522-7", "2020", 1.0, "mg/L"), seen("30522-7", "2021", 2.0, "mg/L"))
    keep(
        store,
        seen("30522-7", "2022", 9.5, "nmol/L"),
        seen("30522-7", "2023", 3.0),
        seen("30522-7", None, 4.0, "mg/L"),
    )
    found = trends.trend(store, "30522-7")
    assert [one["value"] for one in found["points"]] == [1, 2]
    assert {(one["original"], one["reason"]) for one in found["refused"]} == {
        ("9.5 nmol/L", "nmol/L cannot be turned into mg/L for certain"),
        ("3.0", "its source gives no unit, and the others are in mg/L"),
        ("4.0 mg/L", "it has no date"),
    }


def test_what_is_not_exact_is_never_a_value(store: Store) -> None:
    keep(
        store,
        seen("1988-5", "2020-01-01", {"valueQuantity": {"value": 5, "comparator": "<", "unit": "mg/L"}}),
        seen("1988-5", "2020-01-02", "<3"),
        seen("1988-5", "2020-01-03", "negative"),
        seen("1988-5", "2020-01-04", {"valueRange": {"low": {"value": 1}, "high": {"value": 3}}}),
        seen(
            "1988-5", "2020-01-05", {"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 128}}}
        ),
        seen("1988-5", "2020-01-06", 7.5, "mg/L"),
        seen("1988-5", "2020-01-07", "8.25 mg/L"),
    )
    found = trends.trend(store, "crp")
    assert [(one["value"], one["bound"], one["comparator"], one["exact"]) for one in found["points"]] == [
        (None, 5, "<", False),
        (None, None, None, False),
        (None, None, None, False),
        (None, None, None, False),
        (7.5, None, None, True),
        (8.25, None, None, True),
    ]
    assert [one["original"] for one in found["refused"]] == ["<3"]  # of what unit?
    assert [one["original"] for one in found["points"]][1:4] == ["negative", "1–3", "1:128"]


def test_taken_back_and_cancelled_results_are_not_there(store: Store) -> None:
    keep(
        store,
        seen("2823-3", "2020", 4.0, "mmol/L"),
        seen("2823-3", "2021", 9.0, "mmol/L", status="entered-in-error"),
    )
    keep(store, seen("2823-3", "2022", 8.0, "mmol/L", status="cancelled"))
    keep(store, seen("2823-3", "2023", 4.1, "mmol/L", status="preliminary"))
    found = trends.trend(store, "potassium")
    assert [one["value"] for one in found["points"]] == [4, 4.1]
    assert "preliminary" in found["words"]


def test_one_result_of_two_sources_is_one_point_that_names_both(store: Store) -> None:
    for source in ("clinic", "hospital"):
        keep(store, seen("718-7", "2024-01-05T08:30:00Z", 13.5, "g/dL", text="Hemoglobin"), source=source)
    store.matches.settle()
    points = trends.trend(store, "hemoglobin")["points"]
    assert len(points) == 1
    assert points[0]["source"] == "clinic, hospital" and points[0]["sources"] == ["clinic", "hospital"]


def test_glucose_fasting_and_not_are_two_and_the_person_chooses(store: Store) -> None:
    keep(
        store,
        seen("2345-7", "2020", 100, "mg/dL", text="Glucose"),
        seen("2339-0", "2021", 90, "mg/dL", text="Glucose"),
    )
    keep(store, seen("1558-6", "2022", 80, "mg/dL", text="Fasting glucose"))
    assert len(trends.trend(store, "2345-7")["points"]) == 1
    assert len(trends.trend(store, "fasting glucose")["points"]) == 1
    with pytest.raises(UsageError, match="fits 2 measurements") as failed:
        trends.trend(store, "glucose")
    assert "phr trend 2345-7" in str(failed.value.hint) and "1 value, last 2021" in str(failed.value.hint)


def test_a_code_that_is_not_the_first_is_found(store: Store) -> None:
    both = [
        {"system": "http://snomed.info/sct", "code": "364075005"},
        {"system": LOINC, "code": "8867-4"},
    ]
    keep(
        store,
        seen(None, "2020", {"valueQuantity": {"value": 70, "unit": "/min"}, "code": {"coding": both}}),
        seen("8867-4", "2021", 72, "beats/min", text="Pulse"),
    )
    assert [one["value"] for one in trends.trend(store, "8867-4")["points"]] == [70, 72]
    # the newest of its key does not carry it any more
    keep(store, seen("364075005", "2022", 74, "/min", system="http://snomed.info/sct"))
    assert 70 in [one["value"] for one in trends.trend(store, "364075005")["points"]]


def test_two_things_that_share_a_code_stay_two(store: Store) -> None:
    both = [{"system": LOINC, "code": "2708-6"}, {"system": LOINC, "code": "59408-5"}]
    keep(
        store,
        seen(None, "2021", {"valueQuantity": {"value": 97, "unit": "%"}, "code": {"coding": both}}),
        seen("2708-6", "2020", 80, "%", text="Arterial"),
    )
    assert [one["value"] for one in trends.trend(store, "59408-5")["points"]] == [97]


def test_a_measurement_without_a_code_is_found_by_its_name(store: Store) -> None:
    keep(
        store,
        seen(None, "2019", 410, "L/min", text="Morning peak flow"),
        seen(None, "2020", 400, "L/min", text="Morning peak flow"),
        seen(None, "2021", 6.8, "L/s", text="morning peak flow"),
    )
    found = trends.trend(store, "morning peak")
    assert found["code"] is None
    assert [one["value"] for one in found["points"]] == [410, 400, 408]
    assert trends.trend(store, "title:morning peak flow")["points"] == found["points"]


def test_an_uncoded_name_joins_only_where_nothing_else_is_called_so(store: Store) -> None:
    keep(
        store,
        seen("4548-4", "2020", 6.0, "%"),
        seen(None, "2021", 6.2, "%", text="HbA1c"),
        seen(None, "2022", 50, "mmol/mol", text="HbA1c"),
    )
    assert [one["value"] for one in trends.trend(store, "a1c")["points"]] == [6, 6.2, pytest.approx(6.726)]
    keep(
        store,
        seen("2345-7", "2020", 100, "mg/dL", text="Glucose, serum"),
        seen(None, "2021", 15, "mg/dL", text="Glucose"),
    )
    assert len(trends.trend(store, "2345-7")["points"]) == 1


@pytest.mark.parametrize(
    ("asked", "meant"), [("wieght", "29463-7"), ("hemoglobn", "718-7"), ("lipdis", "lipids")]
)
def test_a_slip_names_the_nearest(store: Store, asked: str, meant: str) -> None:
    keep(
        store,
        seen("29463-7", "2020", 70, "kg", text="Body weight"),
        seen("718-7", "2020", 13, "g/dL", text="Hemoglobin"),
    )
    with pytest.raises(UsageError) as failed:
        trends.trend(store, asked)
    assert f"phr trend {meant}" in str(failed.value.hint)


def test_nothing_fits_says_what_there_is(store: Store) -> None:
    with pytest.raises(UsageError, match="no measurement in the record yet"):
        trends.trend(store, "weight")
    keep(store, seen("29463-7", "2020", 70, "kg"))
    with pytest.raises(UsageError) as failed:
        trends.trend(store, "zonulin")
    assert "Weight" in str(failed.value.hint)


def test_another_unit_is_shown_when_it_converts(store: Store) -> None:
    keep(store, seen("2093-3", "2020", 200, "mg/dL"))
    found = trends.trend(store, "cholesterol", unit="mmol/L")
    assert found["unit"] == "mmol/L" and found["points"][0]["value"] == pytest.approx(5.172, abs=0.001)
    assert found["points"][0]["original"] == "200 mg/dL"
    with pytest.raises(UsageError, match="cannot be shown in kg"):
        trends.trend(store, "cholesterol", unit="kg")


def test_since_until_source_and_limit_narrow(store: Store) -> None:
    keep(store, *(seen("29463-7", f"{year}-06-01", year - 1950, "kg") for year in range(2015, 2024)))
    keep(store, seen("29463-7", "2020", 99, "kg"), source="hospital")
    years = lambda **how: [one["date"][:4] for one in trends.trend(store, "weight", **how)["points"]]  # noqa: E731
    assert years(since="2021") == ["2021", "2022", "2023"]
    assert years(until="2016-06") == ["2015", "2016"]
    assert years(since="2020-09", until="2020-12") == ["2020"]  # the year may mean any day of it
    assert years(sources=("hospital",)) == ["2020"]
    assert years(limit=2) == ["2022", "2023"]
    assert trends.trend(store, "weight", limit=2)["more"] and not trends.trend(store, "weight")["more"]


# ── parts, panels ─────────────────────────────────────────────────────────────────────────────────────


def test_blood_pressure_is_two_lines_however_it_is_asked_for(store: Store) -> None:
    keep(store, pressure("2020-01-01T08:00:00Z", 120, 80), pressure("2021-01-01T08:00:00Z", 130, 85))
    keep(store, seen("8480-6", "2022-01-01", 140, "mm[Hg]", text="Systolic"))
    for asked in ("blood pressure", "bp", "85354-9", "55284-4"):
        found = trends.trend(store, asked)
        assert [[one["value"] for one in line["points"]] for line in found["series"]] == [
            [120, 130, 140],
            [80, 85],
        ]
        assert found["points"] == found["series"][0]["points"] and found["code"] == "8480-6"
    for asked in ("systolic", "8480-6"):
        assert [one["value"] for one in trends.trend(store, asked)["points"]] == [120, 130, 140]


def test_a_part_that_is_sent_by_itself_too_is_one_point(store: Store) -> None:
    keep(store, pressure("2020-01-01T08:00:00Z", 120, 80))
    keep(store, seen("8480-6", "2020-01-01T08:00:00Z", 120, "mmHg", text="Systolic"), source="hospital")
    points = trends.trend(store, "systolic")["points"]
    assert len(points) == 1 and points[0]["sources"] == ["clinic", "hospital"] and len(points[0]["ids"]) == 2


def test_any_panel_of_components_is_its_parts(store: Store) -> None:
    parts = [
        {"code": {"text": "Reaction time"}, "valueQuantity": {"value": 300, "unit": "ms"}},
        {
            "code": {"coding": [{"system": "urn:x", "code": "grip", "display": "Grip"}]},
            "valueQuantity": {"value": 30, "unit": "kg"},
        },
    ]
    keep(store, seen("x-1", "2020", {"component": parts}, text="Fitness check", system="urn:x"))
    assert [one["points"][0]["value"] for one in trends.trend(store, "fitness check")["series"]] == [300, 30]
    assert trends.trend(store, "reaction time")["points"][0]["original"] == "300 ms"
    assert trends.trend(store, "title:reaction time")["points"][0]["original"] == "300 ms"
    assert trends.trend(store, "grip")["points"][0]["value"] == 30


def test_a_panel_has_what_the_record_has_and_names_what_it_has_not(store: Store) -> None:
    keep(store, seen("2093-3", "2020", 200, "mg/dL"), seen("2085-9", "2020", 50, "mg/dL"))
    found = trends.trend(store, "lipids")
    assert (found["panel"], [one["code"] for one in found["series"]]) == ("lipids", ["2093-3", "2085-9"])
    assert "Triglycerides" in found["missing"]
    with pytest.raises(UsageError, match="nothing of “Thyroid”"):
        trends.trend(store, "thyroid")


def test_a_pack_adds_its_groups(store: Store) -> None:
    keep(store, seen("1825-9", "2020", 100, "mg/dL"), seen("20150-9", "2020", 2.5, "L"))
    found = trends.trend(store, "alpha-1")
    assert {"1825-9", "20150-9"} <= {one["code"] for one in found["series"]}


# ── words ─────────────────────────────────────────────────────────────────────────────────────────────


def series(
    store: Store, values: Iterable[float], unit: str = "mg/dL", code: str = "1825-9", **more: Any
) -> dict[str, Any]:
    keep(store, *(seen(code, f"{2018 + n}-03-01", value, unit, **more) for n, value in enumerate(values)))
    return trends.trend(store, code)


def test_the_words_say_last_change_and_trend(store: Store) -> None:
    found = series(store, [60, 55, 50, 44, 40, 36], **span(low=90))
    assert found["words"] == (
        "Last: 36 mg/dL on 2023-03-01, low. Down 4 since 2022-03-01 (−10 %). Falling over 5 years: about −5 mg/dL a year."
    )
    assert (found["change"], found["change_percent"], found["change_since"]) == (-4, -10.0, "2022-03-01")
    assert found["direction"] == "falling" and found["slope"] == pytest.approx(-4.9, abs=0.2)


@pytest.mark.parametrize(
    ("values", "direction"),
    [
        ([50], "too few values"),
        ([50, 40, 30], "too few values"),
        ([40, 38, 36, 30], "falling"),
        ([30, 36, 38, 41], "rising"),
        ([40, 50, 38, 47, 41, 45], "no clear trend"),
        ([40, 40, 40, 40, 40], "steady"),
        ([40, 41, 42, 43, 44, 45, 200], "rising"),  # one odd value turns nothing
    ],
)
def test_a_trend_is_only_named_where_there_is_one(store: Store, values: list[float], direction: str) -> None:
    found = series(store, values)
    assert found["direction"] == direction
    if direction in ("no clear trend", "too few values"):
        assert "rising" not in found["words"].lower() and "falling" not in found["words"].lower()


def test_a_bound_is_no_number_to_subtract(store: Store) -> None:
    keep(
        store,
        seen("1988-5", "2020", 9, "mg/L"),
        seen("1988-5", "2021", {"valueQuantity": {"value": 5, "comparator": "<", "unit": "mg/L"}}),
    )
    found = trends.trend(store, "crp")
    assert found["words"].startswith("Last: <5 mg/L on 2021") and found["change"] is None


def test_no_percent_of_percents_and_of_degrees(store: Store) -> None:
    assert series(store, [6.0, 6.5], unit="%", code="4548-4")["change_percent"] is None
    assert series(store, [36.5, 38.5], unit="Cel", code="8310-5")["change_percent"] is None


def test_a_thousand_points_are_thinned_and_their_slope_stays() -> None:
    points = [
        {"exact": True, "value": float(n), "date": f"{2000 + n // 12}-{n % 12 + 1:02}-01", "precision": "day"}
        for n in range(48)
    ] * 1
    assert slope(points).per_year == pytest.approx(12, rel=0.02)
    many = [
        {
            "exact": True,
            "value": n / 100,
            "date": f"2023-{n // 84 + 1:02}-{n % 28 + 1:02}T{n % 84 // 28 * 8:02}:00:00Z",
        }
        for n in range(1000)
    ]
    assert slope(sorted(many, key=lambda one: one["date"])).direction == "rising"


# ── what other views take ─────────────────────────────────────────────────────────────────────────────


def test_measured_lists_each_measurement_once_the_newest_first(store: Store) -> None:
    keep(
        store,
        seen("2345-7", "2020", 100, "mg/dL", text="Glucose"),
        seen("14749-6", "2022", 5.5, "mmol/L", text="Glucose"),
    )
    keep(store, seen("29463-7", "2021", 70, "kg", text="Body weight"), pressure("2019-01-01", 120, 80))
    found = {one.key: one for one in trends.measured(store)}
    assert list(found) == ["14749-6", "29463-7", "85354-9", "8480-6", "8462-4"]
    assert (found["14749-6"].count, found["14749-6"].since, found["14749-6"].latest) == (2, "2020", "5.5")
    assert len(trends.measured(store, 2)) == 2
    assert found["8480-6"].latest == "120" and "systolic" in found["8480-6"].words


def test_last_gives_show_its_points(store: Store) -> None:
    keep(store, *(seen("2345-7", f"20{10 + n}-01-01", 90 + n, "mg/dL", text="Glucose") for n in range(8)))
    keep(store, seen("14749-6", "2020-01-01", 6.0, "mmol/L", text="Glucose"))
    id_ = store.db.execute("SELECT id FROM record ORDER BY date_from DESC LIMIT 1").fetchone()[0]
    event = next(events(store.db, [id_]))
    found = trends.last(store, event)
    assert [one["original"] for one in found] == [
        "94 mg/dL",
        "95 mg/dL",
        "96 mg/dL",
        "97 mg/dL",
        "6.0 mmol/L",
    ]
    assert found[-1]["value"] == pytest.approx(108.09, abs=0.01)
    assert trends.last(store, event | {"value": None}) == []


def test_the_index_answers(store: Store) -> None:
    from phr.views import trend_rows as rows

    for query, values in (
        (rows._OF_KEY + rows._NEWEST, ("x", 10)),
        (rows._COUNT, ("x",)),
        (rows._FIRST, ("x",)),
        (rows._KEYS, ()),
    ):
        plan = " ".join(str(row[3]) for row in store.db.execute(f"EXPLAIN QUERY PLAN {query}", values))
        assert "record_measured" in plan and "TEMP B-TREE" not in plan and "SCAN record" not in plan


# ── nothing is made up ────────────────────────────────────────────────────────────────────────────────

_UNITS = ("mg/dL", "mmol/L", "MG/DL", "mg/100mL", "g/L", "umol/L", "kg", "", "foo", "%")
_one = st.tuples(
    st.decimals(min_value=0, max_value=5000, places=2).map(float),
    st.sampled_from(_UNITS),
    st.sampled_from(("2020", "2020-03", "2020-03-04", "2021-05-06T07:08:09Z", "2019-12-31T23:59:59-05:00")),
    st.sampled_from((None, "<", ">", "<=")),
)


@pytest.fixture(scope="module")
def emptied(tmp_path_factory: pytest.TempPathFactory) -> Iterable[Callable[[], Store]]:
    path = tmp_path_factory.mktemp("trend")
    opened: list[Store] = []

    def make() -> Store:
        opened.append(Store(path / f"{len(opened)}.db", bytes(32), create=True))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


@given(st.lists(_one, min_size=1, max_size=8))
def test_no_point_says_what_its_source_did_not(
    emptied: Callable[[], Store], told: list[tuple[float, str, str, str | None]]
) -> None:
    store = emptied()
    found = []
    for value, unit, date, sign in told:
        quantity = (
            {"value": value} | ({"unit": unit} if unit else {}) | ({"comparator": sign} if sign else {})
        )
        found.append(seen("2345-7", date, {"valueQuantity": quantity}, text="Glucose"))
    keep(store, *found)
    report = trends.trend(store, "2345-7")
    raw = {f"Observation/{one.id}": orjson.loads(one.raw) for one in found}
    assert len(report["points"]) + len(report["refused"]) == len(told)
    facts = {(one["from"], one["to"]): one for one in report["conversions"]}
    for point in (*report["points"], *report["refused"]):
        said = raw[point["resource"]]
        quantity = said["valueQuantity"]
        assert point["date"] == said["effectiveDateTime"]
        digits, _, unit = point["original"].partition(" ")
        assert float(digits.lstrip("<>=")) == quantity["value"] and unit == quantity.get("unit", "")
        if "exact" not in point:
            continue
        number = point["value"] if point["exact"] else point["bound"]
        assert point["exact"] == ("comparator" not in quantity)
        if point["converted"]:
            fact = facts[quantity["unit"], report["unit"]]
            assert number == pytest.approx(quantity["value"] * fact["factor"] + fact["offset"], rel=1e-5)
        else:
            assert number == quantity["value"]


def test_a_correction_is_said_to_be_one(store: Store) -> None:
    keep(store, seen("29463-7", "2020-01-01", 700, "kg"), pressure("2020-01-02", 320, 80))
    ids = [row[0] for row in store.db.execute("SELECT id FROM record ORDER BY id")]
    store.own.correct(ids[0], {"value": "70"})
    store.own.correct(ids[1], {"value": "120/80"})
    point = trends.trend(store, "weight")["points"][0]
    assert (point["value"], point["corrected"]) == (70, ["value"])
    lines = trends.trend(store, "bp")["series"]
    assert [line["points"][0]["value"] for line in lines] == [120, 80]


def test_the_words_of_a_unit_stay_where_its_code_is_understood(store: Store) -> None:
    keep(
        store,
        seen(
            "8867-4",
            "2020",
            {"valueQuantity": {"value": 70, "unit": "heart beats each minute", "code": "/min"}},
        ),
    )
    keep(store, seen("8867-4", "2021", 72, "/min"), seen("8867-4", "2022", 74, "/min"))
    assert [one["value"] for one in trends.trend(store, "pulse")["points"]] == [70, 72, 74]
    assert trends.trend(store, "pulse")["points"][0]["original"] == "70 heart beats each minute"


# ── what other systems send ───────────────────────────────────────────────────────────────────────────


def test_a_blood_pressure_in_one_text_is_two_numbers_and_hides_no_other(store: Store) -> None:
    """The newest record of a code has no components: those before it have, and their values stay."""
    keep(
        store, pressure("2020-01-01", 120, 80), seen("85354-9", "2021-01-01", "118/76", text="Blood pressure")
    )
    keep(
        store,
        seen(None, "2022-01-01", "122/79 mmHg", text="BP"),
        seen(None, "2022-02-01", "see note", text="BP"),
        seen(None, "2022-03-01", "16/10", text="BP"),
        source="hospital",
    )
    above, below = trends.trend(store, "bp")["series"]
    assert [(one["value"], one["original"]) for one in above["points"]] == [
        (120, "120 mmHg"),
        (118, "118"),
        (122, "122 mmHg"),
        (None, "see note"),
    ]
    assert [one["value"] for one in below["points"]] == [80, 76, 79, None]
    assert [one["original"] for one in above["refused"]] == ["16"], "kPa, perhaps; its source does not say"
    assert [one.name for one in trends.measured(store)].count("Blood pressure") == 1
    assert trends.trend(store, "title:bp")["series"][0]["points"] == above["points"]


def test_a_component_with_a_name_alone_joins_where_nothing_else_is_called_so(store: Store) -> None:
    keep(store, pressure("2020-01-01", 120, 80))
    part = {"code": {"text": "Systolic blood pressure"}, "valueQuantity": {"value": 124, "unit": "mmHg"}}
    keep(store, seen("55284-4", "2021-01-01", {"component": [part]}, text="BP"), source="hospital")
    assert [one["value"] for one in trends.trend(store, "systolic")["points"]] == [120, 124]


def test_a_code_of_a_clinic_is_what_it_stands_beside(store: Store) -> None:
    own = {"system": "https://clinic.example/codes", "code": "7035", "display": "Na"}

    def na(date: str, value: float, text: str, *codes: str) -> Received:
        codings = [*({"system": LOINC, "code": code} for code in codes), own]
        quantity = {"value": value, "unit": "mmol/L"}
        return seen(None, date, {"code": {"coding": codings, "text": text}, "valueQuantity": quantity})

    keep(store, na("2020-01-01", 140, "Sodium", "2951-2"), na("2021-01-01", 141, "Sodium Lvl"))
    for asked in ("sodium", "2951-2", "7035"):
        found = trends.trend(store, asked)
        assert [one["value"] for one in found["points"]] == [140, 141], asked
        assert (found["code"], found["name"]) == ("2951-2", "Sodium")
    keep(store, na("2022-01-01", 60, "Sodium, urine", "2955-3"))
    assert [one["value"] for one in trends.trend(store, "2951-2")["points"]] == [140], "it may be either"


def test_a_mass_of_urea_is_turned_into_that_of_its_nitrogen(store: Store) -> None:
    keep(store, seen("3094-0", "2020", 15, "mg/dL"), seen("3094-0", "2021", 16, "mg/dL"))
    keep(store, seen("3091-6", "2022", 36, "mg/dL"), source="hospital")
    found = trends.trend(store, "bun")
    assert [one["value"] for one in found["points"]] == [15, 16, pytest.approx(16.793, abs=0.001)]
    assert found["points"][-1]["converted"] is True
    alone = trends.trend(store, "urea", sources=("hospital",))
    assert (alone["name"], alone["points"][0]["value"]) == ("Urea", 36), "as it was written where it is alone"


def test_a1c_of_the_ifcc_joins_by_its_unit_and_not_by_a_percentage(store: Store) -> None:
    keep(store, seen("4548-4", "2020", 7.0, "%"), seen("4548-4", "2021", 7.1, "%"))
    keep(store, seen("59261-8", "2022", 53, "mmol/mol"), seen("59261-8", "2023", 5.3, "%"), source="hospital")
    found = trends.trend(store, "a1c")
    assert [one["value"] for one in found["points"]] == [7.0, 7.1, pytest.approx(7.0, abs=0.01)]
    assert [one["original"] for one in found["refused"]] == ["5.3 %"]
    assert "Newer, but not to be compared: 5.3 % on 2023" in found["words"]


def test_the_unit_is_one_that_most_values_go_into(store: Store) -> None:
    keep(
        store,
        seen("4544-3", "2020", 42, "%"),
        seen("4544-3", "2021", 0.43, "L/L"),
        seen("4544-3", "2022", 0.44),
    )
    found = trends.trend(store, "hematocrit")
    assert (len(found["points"]), len(found["refused"])) == (2, 1)


def test_a_flag_behind_a_number_is_no_unit(store: Store) -> None:
    keep(store, seen("1988-5", "2020", 5, "mg/L"), seen("1988-5", "2021", "7.5 H"))
    assert "gives no unit" in trends.trend(store, "1988-5")["refused"][0]["reason"]


def test_d3_is_not_all_of_vitamin_d(store: Store) -> None:
    keep(store, seen("62292-8", "2020-01-01", 32, "ng/mL"), seen("1989-3", "2020-01-01", 28, "ng/mL"))
    with pytest.raises(UsageError, match="fits 2"):
        trends.trend(store, "vitamin d")
    assert [one["value"] for one in trends.trend(store, "62292-8")["points"]] == [32]


def test_the_list_counts_what_stands(store: Store) -> None:
    keep(store, seen("1988-5", "2020", 5, "mg/L"), seen("1988-5", "2021", 6, "mg/L", status="cancelled"))
    assert [one.count for one in trends.measured(store)] == [1]


def test_a_screen_reads_as_people_write(store: Store) -> None:
    keep(store, seen("29463-7", "2020-01-01", 70.123456789, "kg"), seen("29463-7", "2021-01-01", 73.5, "kg"))
    found = trends.trend(store, "weight")
    assert found["points"][0]["value"] == 70.123456789
    assert found["words"].startswith("Last: 73.5 kg on 2021-01-01. Up 3.4 since 2020-01-01")
