"""What a run makes of refusals without end, and of a day given by hand."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl

import httpx
import pytest

from phr.errors import Stopped
from phr.model import Vendor
from phr.sync.group import ALTERNATIVES
from phr.sync.searches import NOT_TRIED

from .ward import Record, Ward, _json, outcome, refusing

NAMES = "category code class status intent type focus name owner actor".split()
VALUES = ", or ".join(f"{chr(97 + n // 26)}{chr(97 + n % 26)}x for thing" for n in range(60))


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return Record(tmp_path / "records.db")


@pytest.fixture
def ward() -> Ward:
    ward = Ward(last_updated=True, types=("Observation", "Condition"))
    ward.put("Patient", "p")
    for n in range(5):
        ward.put("Observation", f"o{n}")
        ward.put("Condition", f"c{n}")
    return ward


def never_content(works: Callable[[list[str]], bool]) -> Callable[[httpx.Request], httpx.Response | None]:
    """Each refusal names one more parameter, with sixty values to choose from."""

    def answer(request: httpx.Request) -> httpx.Response | None:
        have = [name for name, _ in parse_qsl(request.url.query.decode())]
        left = [name for name in NAMES if name not in have]
        if not left or works(have):
            return None
        body = outcome("required", f"Must have {left[0]} parameter.")
        body["issue"] += outcome("value", f"Use {VALUES}")["issue"]
        return _json(body, 400)

    return answer


def test_refusals_that_name_ever_more_parameters_come_to_an_end(record: Record, ward: Ward) -> None:
    ward.answers["Observation"] = never_content(lambda _: False)
    run = record.pull(ward)
    assert run.types["Condition"].new == 5
    assert len(ward.searches("Observation")) <= ALTERNATIVES + 1
    assert NOT_TRIED in [one.reason for one in run.skipped if one.type == "Observation"]
    most = max(len([n for n, _ in parse_qsl(one) if n in NAMES]) for one in ward.searches("Observation"))
    assert most <= 2, "a search is cut twice at most"


def test_a_cut_that_was_not_tried_to_its_end_is_not_learned(record: Record, ward: Ward) -> None:
    """Else the parts that were not tried would be left out from then on, without a word."""
    ward.answers["Observation"] = never_content(lambda have: "code" in have)
    first = record.pull(ward)
    assert NOT_TRIED in [one.reason for one in first.skipped] and first.status == "partial"
    assert not record.ask("SELECT 1 FROM learned WHERE type = 'Observation'")
    second = record.later(days=1).pull(ward)
    assert NOT_TRIED in [one.reason for one in second.skipped], "named in each run"
    assert second.status == "completed", "and news only once"


def test_a_run_that_is_to_end_does_not_try_on(record: Record, ward: Ward) -> None:
    stopping = threading.Event()
    ward.answers["Observation"] = never_content(lambda _: False)
    ward.before = lambda _, request: stopping.set() if len(ward.searches("Observation")) == 20 else None
    assert record.pull(ward, stopping=stopping).status == "cancelled"
    assert len(ward.searches("Observation")) < 30


def interrupted(record: Record, ward: Ward, **wish: object) -> None:
    """Condition has ended, and the run is stopped at Observation."""
    stopping = threading.Event()

    def stop(request: httpx.Request) -> None:
        if request.url.path.endswith("/Observation"):
            stopping.set()
            raise Stopped

    ward.before = lambda _, request: stop(request)
    record.pull(ward, stopping=stopping, workers=1, **wish)
    ward.before = lambda *_: None
    assert len(record.ask("SELECT 1 FROM search_state WHERE began IS NOT NULL AND mode IS NULL")) == 1
    ward.asked.clear()


@pytest.mark.parametrize(
    ("since", "again"),
    [("2025-01-01T00:00:00Z", True), ("2025-12-31T00:00:00Z", False), ("2026-02-01T00:00:00Z", False)],
    ids=["earlier", "the same", "later"],
)
def test_what_ended_in_an_interrupted_run_is_asked_again_where_an_earlier_day_is_given(
    record: Record, ward: Ward, since: str, again: bool
) -> None:
    record.pull(ward)
    ward.put("Condition", "late", "2025-06-01T00:00:00Z")
    ward.put("Observation", "late", "2025-06-01T00:00:00Z")
    interrupted(record.later(days=1), ward)
    run = record.later(days=1, hours=1).pull(ward, since=since)
    assert run.status == "completed"
    assert bool(ward.searches("Condition")) is again
    assert len(record.ask("SELECT 1 FROM resource WHERE fhir_id = 'late'")) == 2 * again


def test_a_later_day_given_by_hand_does_not_stand_for_what_the_next_run_asks(
    record: Record, ward: Ward
) -> None:
    record.pull(ward)
    ward.put("Condition", "between", "2026-01-20T00:00:00Z")
    interrupted(record.later(days=1), ward, since="2026-02-01T00:00:00Z")
    assert record.later(days=1, hours=1).pull(ward).types["Condition"].new == 1


@pytest.mark.parametrize("in_the_middle", [False, True])
def test_a_day_given_by_hand_never_leaves_a_gap_behind_the_watermark(
    record: Record, ward: Ward, in_the_middle: bool
) -> None:
    record.pull(ward)
    ward.put("Condition", "between", "2026-01-20T00:00:00Z")
    ward.put("Condition", "after", "2026-02-20T00:00:00Z")
    ward.put("Observation", "between", "2026-01-20T00:00:00Z")
    if in_the_middle:
        interrupted(record.later(days=1), ward, since="2026-02-10T00:00:00Z")
    record.later(days=1, hours=1).pull(ward, since="2026-02-10T00:00:00Z")
    assert record.ask("SELECT DISTINCT watermark FROM search_state") == [("2026-01-01T00:00:00Z",)]
    assert record.later(days=2).pull(ward).mode == "incremental"
    assert len(record.ask("SELECT 1 FROM resource WHERE fhir_id = 'between'")) == 2


def test_deletions_are_noticed_though_one_part_of_a_type_failed_on_the_first_day(tmp_path: Path) -> None:
    splits = {"Observation": (("category", "a"), ("category", "b"))}
    record = Record(tmp_path / "records.db", vendor=Vendor("custom", "Custom", splits=splits))
    ward = Ward(last_updated=True, types=("Observation",))
    ward.put("Patient", "p")
    for n in range(3):
        ward.put("Observation", f"a{n}", category=["a"])
        ward.put("Observation", f"b{n}", category=["b"])
    ward.answers["Observation"] = lambda request: (
        refusing(503)(request) if b"category=b" in request.url.query else None
    )
    record.pull(ward)
    ward.answers.clear()
    record.later(days=1).pull(ward)
    ward.delete("Observation", "a1")
    assert record.later(days=20).pull(ward).mode == "incremental"
    assert record.later(days=30).pull(ward).mode == "full"
    assert record.ask("SELECT state FROM resource WHERE fhir_id = 'a1'") == [("gone",)]
