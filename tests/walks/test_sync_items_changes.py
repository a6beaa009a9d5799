"""Items 38 to 40 of what a tolerant client must cope with: what changed since, an unsteady order, all at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Stay, news, quiet, rows

Begin = Callable[..., Stay]


def dated(resources: list[dict[str, Any]], day: str) -> list[dict[str, Any]]:
    return [{**one, "meta": {"versionId": "1", "lastUpdated": f"{day}T08:00:00Z"}} for one in resources]


@pytest.mark.parametrize("name", ["_lastUpdated", "_lastupdated"])
def test_38_only_what_changed_is_asked_for_with_an_overlap(name: str, stay: Begin) -> None:
    here = stay(dated(rows("Observation", 45), "2025-05-05"), last_updated_name=name)
    assert here.sync().mode == "full"
    here.later(days=1)
    here.sandbox.put({**rows("Observation", 1)[0], "status": "amended"})
    here.sandbox.put(dated([{**rows("Observation", 1)[0], "id": "late"}], "2025-05-04")[0])
    run = here.sync()
    assert (run.mode, news(run)) == ("incremental", {"Observation": (1, 1, 0, 0)})
    asked = [one[name] for one in here.asked("Observation") if name in one]
    assert asked == ["ge2025-05-04T08:00:00Z"], "a day of overlap"
    assert here.kept("Observation") == here.held("Observation")


def test_38_a_change_that_the_server_finds_insignificant_comes_with_the_next_full_pass(stay: Begin) -> None:
    newest = dated([{**rows("Observation", 1)[0], "id": "newest"}], "2025-05-05")
    here = stay([*dated(rows("Observation", 5), "2025-02-02"), *newest])
    here.sync()
    here.later(days=1)
    change = {**rows("Observation", 1)[0], "note": [{"text": "typing mistake"}]}
    here.sandbox.put(change, noticed=False)
    here.sandbox.put({**rows("Observation", 2)[1], "status": "final"})
    assert news(here.sync()) == {"Observation": (0, 1, 0, 0)}
    assert here.kept("Observation") != here.held("Observation")
    here.later(days=31)
    run = here.sync()
    assert run.mode == "full" and here.kept("Observation") == here.held("Observation")


@pytest.mark.parametrize("lie", ["refused", "500"])
def test_38_a_last_updated_that_is_declared_and_refused_is_not_sent_again(lie: str, stay: Begin) -> None:
    here = stay(dated(rows("Observation", 25), "2025-05-05"), last_updated_lies={"*": lie})
    here.sync()
    here.sandbox.put({**rows("Observation", 1)[0], "status": "amended"})
    second = here.sync()
    assert here.kept("Observation") == here.held("Observation"), second.skipped
    assert second.exit_status == 0 or lie == "500"
    third = here.sync()
    assert quiet(third), third.skipped
    assert all("_lastUpdated" not in one for one in here.asked("Observation"))


@pytest.mark.parametrize("lie", ["ignored", "empty"])
def test_38_a_last_updated_that_lies_loses_nothing_for_longer_than_a_month(lie: str, stay: Begin) -> None:
    here = stay(dated(rows("Observation", 25), "2025-05-05"), last_updated_lies={"*": lie})
    here.sync()
    here.sandbox.put({**rows("Observation", 1)[0], "status": "amended"})
    assert here.sync().exit_status == 0
    assert len(here.kept("Observation")) == 25 and here.sql("SELECT count(*) FROM absence") == [(0,)]
    here.later(days=31)
    here.sync()
    assert here.kept("Observation") == here.held("Observation")


def test_38_it_is_not_combined_with_a_date(stay: Begin) -> None:
    actor = [{"actor": {"reference": "Patient/p"}}]
    visits = dated(rows("Appointment", 3, start="2024-01-01T10:00:00Z", participant=actor), "2025-05-05")
    here = stay(
        [*visits, *dated(rows("Goal", 1), "2025-05-05")],
        needs={"Appointment": ("date",)},
        last_updated_not_with=("date", "period"),
    )
    assert here.sync().exit_status == 0
    run = here.sync()
    assert quiet(run) and run.mode == "incremental"
    assert here.asked("Appointment") and all("_lastUpdated" not in one for one in here.asked("Appointment"))
    assert here.kept() == here.held()


def test_39_an_order_that_changes_between_pages_comes_right(stay: Begin) -> None:
    here = stay(rows("Observation", 45), shuffled=True, next_by="page", last_updated=())
    for _ in range(12):
        assert here.sync().exit_status == 0
        if len(here.kept("Observation")) == 45:
            break
    assert here.kept() == here.held()
    assert here.sql("SELECT count(*) FROM tombstone") == [(0,)]
    for _ in range(3):
        run = here.sync()
        assert (run.exit_status, news(run)) == (0, {}), "what one pass misses is no deletion"
    assert here.sql("SELECT count(*) FROM tombstone") == [(0,)]


def trusts_everything(person: Any) -> None:
    file = person.workspace.paths.providers_file
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.write_text("[vendors.custom]\neverything = true\n")


@pytest.mark.parametrize(
    ("habits", "trusted"),
    [
        ({"everything": False}, True),
        ({"everything_paged": False, "total": "none"}, True),
        ({"everything_self": False, "total": "none"}, True),
        ({"everything_strangers": 3, "total": "none"}, True),
        ({"everything_strangers": 3}, True),
        ({"metadata": False, "everything_strangers": 2}, False),
        ({"metadata": False, "everything": False}, False),
        ({"total": "none", "everything_paged": False, "next_as": "localhost"}, True),
    ],
    ids=str,
)
def test_40_everything_at_once_in_its_odd_forms(habits: dict[str, Any], trusted: bool, stay: Begin) -> None:
    resources = [
        *rows("Observation", 30, performer=[{"reference": "Practitioner/doc"}]),
        *rows("Goal", 2),
        {"resourceType": "Practitioner", "id": "doc", "name": [{"text": "Dr. Ines Falk"}]},
        {"resourceType": "Patient", "id": "mum", "name": [{"text": "Bea Quill"}]},
    ]
    here = stay(resources, **habits)
    if trusted:
        trusts_everything(here.person)
    first = here.sync()
    assert first.exit_status == 0, first.skipped
    held = {address: raw for address, raw in here.held().items() if address != "Patient/mum"}
    assert here.kept() == held, "and none of the other patients"
    assert here.sandbox.ledger.strayed == []
    assert quiet(second := here.sync()), (second.skipped, news(second))
    if habits.get("total") == "none":
        assert here.asked("Observation") == [], "one question brought it all"


def test_40_everything_with_a_right_total_is_no_shortfall(stay: Begin, person: Any) -> None:
    here = stay([*rows("Observation", 30), *rows("Goal", 2)])
    trusts_everything(person)
    first = here.sync()
    assert first.skipped == () and here.kept() == here.held()
    assert here.asked("Observation") == [] and here.asked("Goal") == []
