"""The JSON export: everything that the timeline shows, under a header that says what the file is."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from phr.exporters.base import Options
from phr.exporters.registry import write
from phr.model import Received
from phr.store.store import Store
from phr.views import timeline
from phr.views.selection import Selection


@pytest.fixture
def life(store: Store, source: str, received: Callable[..., Received]) -> Store:
    store.save(
        source,
        [
            received("Patient", "p", name=[{"text": "Ada"}], birthDate="1990"),
            received("Condition", "c", code={"text": "Cough"}, onsetDateTime="2020-01-05"),
            received("Condition", "undated", code={"text": "Cold"}),
            received("Observation", "o", status="final", code={"text": "K"}, effectiveDateTime="2024-01-01",
                     valueQuantity={"value": 4.2, "unit": "mmol/L"}),
        ],
    )  # fmt: skip
    return store


def written(store: Store, selection: Selection | None = None, **options: Any) -> dict[str, Any]:
    out = io.BytesIO()
    write(store, "json", selection or Selection(), out, Options(**options))
    return orjson.loads(out.getvalue())


def test_the_header_says_when_from_where_for_whom_and_what_is_left_out(life: Store) -> None:
    found = written(life, Selection(since="2019", kinds=("problem",)), whom="Dr. Who")
    assert (found["schema"], found["sources"], found["for"], found["software"]) == (
        1,
        ["clinic"],
        "Dr. Who",
        "phr",
    )
    assert found["selection"] == {"since": "2019", "kinds": ["problem"]}
    assert found["made"].startswith("2026-03-01")
    (one,) = found["left_out"]
    assert (one["what"], one["count"]) == ("record", 1)
    assert "without a date" in one["reason"]
    assert "No clinician has signed it" in found["statement"]
    assert found["date_range"] == {"earliest": "2020-01-05", "latest": "2020-01-05"}


def test_each_event_is_that_of_the_timeline(life: Store) -> None:
    found = written(life)
    shown = list(timeline.with_pack_tags(timeline.all_events(life)))
    assert found["total"] == len(found["events"]) == 3
    assert found["events"] == orjson.loads(orjson.dumps(shown))


def test_what_is_asked_by_sensitivity_is_not_told_in_the_file(life: Store) -> None:
    assert "sensitivity" not in written(life, Selection(sensitivity="normal"))["selection"]
