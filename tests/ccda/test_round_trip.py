"""What FHIR says stands in the document, and comes back as FHIR: every coded fact, whatever the resource looks like.

What cannot come back as it was is in `differences.DIFFERENCES`, each with its reason; anything else is a fault.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phr.ccda.document import write_ccd
from phr.ccda.read.document import read

from .differences import DIFFERENCES, allowed
from .facts import Fact, facts
from .resources import EVERY, WORLD

Json = dict[str, Any]
BASE = "https://one.example/fhir"
PERSON: Json = {"resourceType": "Patient", "id": "p", "name": [{"family": "Vale", "given": ["Una"]}]}


def _there_and_back(*resources: Json) -> list[Json]:
    entries = [
        {"fullUrl": f"{BASE}/{each['resourceType']}/{each['id']}", "resource": each}
        for each in (*([] if resources[0]["resourceType"] == "Patient" else [PERSON]), *resources, *WORLD)
    ]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    ccd = write_ccd(
        bundle,
        document_id="0f5b8c7e-2f6d-4c55-9a3e-3d1f6a7b8c9d",
        now=datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
    )
    return read(ccd.xml).resources


def _numbered(value: Any) -> Any:
    """Numbers as they stand in JSON that was parsed as written."""
    if isinstance(value, dict):
        inner = {key: _numbered(each) for key, each in value.items()}
        amount = (
            "value" in inner
            and isinstance(inner["value"], str)
            and ("unit" in inner or set(inner) == {"value"})
        )
        return inner | {"value": Decimal(inner["value"])} if amount else inner
    return [_numbered(each) for each in value] if isinstance(value, list) else value


def _same(back: list[Json], resource: Json) -> list[Json]:
    own = [each for each in back if each["resourceType"] == resource["resourceType"]]
    return [each for each in own if "77" in {one.get("value") for one in each.get("identifier", ())}]


@pytest.mark.parametrize("kind", EVERY)
@settings(
    max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
@given(data=st.data())
def test_every_coded_fact_comes_back(kind: str, data: st.DataObject) -> None:
    resource = _numbered(data.draw(EVERY[kind]))

    back = _there_and_back(resource)

    found = _same(back, resource)
    assert len(found) == 1, f"{len(found)} of {json.dumps(resource, default=str)}"
    before, after = set(facts(resource, [resource, *WORLD])), set(facts(found[0], back))
    assert _unexplained(resource, before - after, after - before) == []


def _unexplained(resource: Json, lost: set[Fact], new: set[Fact]) -> list[str]:
    type_ = resource["resourceType"]
    missing = [
        f"lost {key}: {value}" for key, value in sorted(lost) if not allowed(type_, key, value, lost=True)
    ]
    added = [
        f"new {key}: {value}" for key, value in sorted(new) if not allowed(type_, key, value, lost=False)
    ]
    return [*missing, *added]


def test_each_difference_has_a_reason_and_is_told_once() -> None:
    assert all(each.why.endswith(".") for each in DIFFERENCES)
    assert len({(each.type, each.element, each.values) for each in DIFFERENCES}) == len(DIFFERENCES)
