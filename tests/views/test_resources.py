"""The stored resources as a list: which, from where, how often they changed, page by page."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from phr.errors import UsageError
from phr.model import Received
from phr.store.store import Store
from phr.views.resources import Asked, counts, resources


@pytest.fixture
def kept(life: Store, received: Callable[..., Received]) -> Store:
    """The small life of two sources; one problem was sent once more, another was taken back."""
    clinic = life.db.execute("SELECT key FROM source WHERE name = 'clinic'").fetchone()[0]
    life.save(
        clinic, [received("Condition", "c1", code={"text": "Arthritis, left knee"}, onsetDateTime="2019")]
    )
    life.save(
        clinic,
        [
            received(
                "Condition",
                "wrong",
                code={"text": "Gout"},
                verificationStatus={"coding": [{"code": "entered-in-error"}]},
            )
        ],
    )
    return life


def test_each_is_there_with_what_is_known_of_it(kept: Store) -> None:
    report = resources(kept, Asked(types=("Condition",)))
    by_id = {one["id"]: one for one in report["resources"]}

    assert (report["total"], report["next"], set(by_id)) == (3, None, {"c1", "secret", "wrong"})
    one = by_id["c1"]
    assert (one["type"], one["resource"], one["source"], one["versions"]) == (
        "Condition",
        "Condition/c1",
        "clinic",
        2,
    )
    assert (one["state"], by_id["wrong"]["state"]) == ("current", "gone")
    row = kept.db.execute(
        "SELECT id, length(raw) FROM resource WHERE type = 'Condition' AND fhir_id = 'c1'"
    ).fetchone()
    assert (one["record"], one["bytes"]) == (str(row[0]), row[1])
    assert one["first_seen"] == "2026-03-01T00:00:00Z"


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_pages_follow_each_other_without_a_gap(kept: Store, limit: int) -> None:
    whole = resources(kept, Asked())["resources"]
    found, after = [], None
    while True:
        page = resources(kept, Asked(), limit=limit, after=after)
        assert page["total"] == len(whole)
        found += page["resources"]
        if (after := page["next"]) is None:
            break
    assert found == whole
    assert [one["type"] for one in found] == sorted(one["type"] for one in found)


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        (Asked(types=("encounters",)), ["e", "e"]),
        (Asked(types=("encounter",), sources=("hospital",)), ["e"]),
        (Asked(gone=True), ["wrong"]),
        (Asked(types=("Patient",), changed_since="2026-03-01T00:00:00Z"), ["p", "p"]),
        (Asked(changed_since="2026-03-02"), []),
    ],
)
def test_they_are_narrowed_by_what_was_asked(kept: Store, asked: Asked, ids: list[str]) -> None:
    report = resources(kept, asked)
    assert [one["id"] for one in report["resources"]] == ids
    assert report["total"] == len(ids)


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        (Asked(types=("Encountre",)), "Did you mean Encounter?"),
        (Asked(sources=("clinc",)), "Did you mean clinic?"),
    ],
)
def test_a_slip_of_the_pen_is_answered_with_what_was_meant(kept: Store, asked: Asked, hint: str) -> None:
    with pytest.raises(UsageError) as error:
        resources(kept, asked)
    assert hint in str(error.value.hint)


@pytest.mark.parametrize("cursor", ["nonsense", "eA", "Og", "é"])
def test_a_cursor_that_is_none_is_said(kept: Store, cursor: str) -> None:
    with pytest.raises(UsageError, match="not a place"):
        resources(kept, Asked(), after=cursor)


def test_counts_add_up(kept: Store) -> None:
    report = counts(kept, Asked())
    assert (
        report["total"]
        == len(resources(kept, Asked())["resources"])
        == sum(one["count"] for one in report["counts"])
    )
    problems = {
        one["source"]: (one["count"], one["gone"]) for one in report["counts"] if one["type"] == "Condition"
    }
    assert problems == {"clinic": (2, 1), "hospital": (1, 0)}
