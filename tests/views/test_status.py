"""Health, what is due, what is stale, and the shapes that `status` and `connections` promise."""

from __future__ import annotations

import pytest

from phr.model import Problem, SyncRun
from phr.store.store import Store
from phr.views.status import check, connections, status


def _runs(store: Store, *states: str, finished: str = "2026-02-28T12:00:00Z") -> None:
    for state in states:
        number = store.runs.start("k2", "manual", "full")
        skipped = (Problem("Observation", "page 2 did not come", http_status=503),) * 2
        store.runs.finish(
            SyncRun(str(number), "hospital", "manual", state, "full", finished, finished, 1.0, 3, 100, {},
                    skipped if state == "partial" else (), {}, error=None)
        )  # fmt: skip


@pytest.mark.parametrize(
    ("states", "health"),
    [
        ([], "healthy"),
        (["completed"] * 20, "healthy"),
        (["failed"] + ["completed"] * 19, "healthy"),
        (["failed"] * 2 + ["completed"] * 18, "degraded"),
        (["failed"] * 4 + ["completed"] * 16, "degraded"),
        (["failed"] * 5 + ["completed"] * 15, "critical"),
        (["failed"] * 30 + ["completed"] * 20, "healthy"),  # only the last twenty count
        (["failed"], "critical"),
        (["completed", "partial"], "degraded"),
        (["partial", "completed"], "healthy"),
        (["completed", "cancelled", "running"], "healthy"),
    ],
)
def test_health_is_the_share_of_good_runs_among_the_last_twenty(
    life: Store, states: list[str], health: str
) -> None:
    _runs(life, *states)

    report = status(life, "default")
    assert report["health"] == health
    assert bool(check(report)) == (health == "critical")


def test_status_says_what_is_kept_and_what_was_skipped(life: Store) -> None:
    _runs(life, "partial")

    report = status(life, "ada")
    assert report["user"] == "ada"
    assert report["resources_by_type"]["Observation"] == 4
    assert report["records_by_kind"] == {"encounter": 2, "lab_result": 4, "problem": 2}
    assert (report["documents"], report["conflicts"]) == (0, 0)
    assert report["storage_bytes"] > life.path.stat().st_size / 2 > 0
    assert report["connections"][0]["skipped"] == [
        {
            "type": "Observation",
            "reason": "page 2 did not come",
            "http_status": 503,
            "known": False,
            "count": 2,
            "single": False,
        }
    ]
    assert [source["name"] for source in report["sources"]] == ["clinic"]


def test_a_connection_is_listed_with_everything_scripts_rely_on(life: Store) -> None:
    one = connections(life)[0]

    assert one["patient_name"] == "Ada Example"
    assert one["next_due"] == "2026-03-01T12:00:00Z"
    assert (one["every"], one["resources"], one["state"]) == ("24h", 4, "active")
    asked = (
        "name provider vendor organisation fhir_base patient_id patient_name state auto_sync every granted_scopes"
        " refused connected last_sync next_due token_expires sign_in_before resources"
    )
    assert set(asked.split()) <= set(one)


def test_no_success_for_twice_the_interval_is_stale_and_fails_the_check(life: Store) -> None:
    life.db.execute("UPDATE connection SET connected = '2026-01-01T00:00:00Z'")
    _runs(life, "completed", finished="2026-02-26T23:59:59Z")  # the clock stands at 1 March, 0:00

    report = status(life, "default")
    assert report["connections"][0]["stale"]
    assert [line.split(":")[0] for line in check(report)] == ["hospital"]


@pytest.mark.parametrize(
    ("connected", "finished", "stale"),
    [
        ("2026-01-01T00:00:00Z", ["2030-01-01T00:00:00Z"], True),
        ("2026-02-28T00:00:00Z", ["2030-01-01T00:00:00Z"], False),
        ("2026-01-01T00:00:00Z", ["2026-02-28T12:00:00Z", "2030-01-01T00:00:00Z"], False),
        ("2030-01-01T00:00:00Z", ["2030-01-01T00:00:00Z"], False),
        ("2030-01-01T00:00:00Z", ["failed 2026-02-20T00:00:00Z", "failed 2026-02-28T00:00:00Z"], True),
    ],
)
def test_a_clock_that_was_ahead_does_not_make_it_look_well(
    life: Store, connected: str, finished: list[str], stale: bool
) -> None:
    ahead = "2030-01-01T00:00:00Z"
    life.db.execute("UPDATE connection SET connected = ?, last_sync = ?", (connected, ahead))
    for one in finished:
        _runs(life, "failed" if "failed" in one else "completed", finished=one.split()[-1])
    (listed,) = connections(life)
    assert (listed["stale"], listed["next_due"]) == (stale, None)


def test_a_new_connection_is_not_stale_before_its_time(life: Store) -> None:
    life.db.execute("UPDATE connection SET connected = '2026-02-28T00:00:00Z', last_sync = NULL")

    one = connections(life)[0]
    assert not one["stale"]
    assert one["next_due"] is None


def test_a_disconnected_source_makes_nobody_worry_and_an_expired_one_does(life: Store) -> None:
    life.db.execute("UPDATE connection SET state = 'revoked'")
    assert check(status(life, "default")) == ()
    assert status(life, "default")["health"] == "healthy"

    life.db.execute("UPDATE connection SET state = 'expired', connected = '2026-02-28T00:00:00Z'")
    report = status(life, "default")
    assert report["health"] == "degraded"
    assert "phr reconnect hospital" in report["attention"][0]["reason"]


@pytest.mark.parametrize(
    ("ends", "soon", "words"),
    [
        (None, False, None),
        ("2026-04-01T00:00:00Z", False, None),
        ("2026-03-07T12:00:00Z", True, "sign in again before 2026-03-0"),
        ("2026-02-28T22:00:00Z", True, "the sign-in ended at"),
    ],
)
def test_a_sign_in_that_ends_within_days_asks_for_attention(
    life: Store, ends: str | None, soon: bool, words: str | None
) -> None:
    life.db.execute("UPDATE connection SET sign_in_before = ?, connected = '2026-02-28T00:00:00Z'", (ends,))

    report = status(life, "default")
    one = report["connections"][0]
    assert (one["sign_in_before"], one["sign_in_soon"]) == (ends, soon)
    told = [line["reason"] for line in report["attention"]]
    assert [words in line and "phr reconnect hospital" in line for line in told] == ([True] if words else [])
    life.db.execute("UPDATE connection SET state = 'revoked'")
    assert not connections(life)[0]["sign_in_soon"]


@pytest.mark.parametrize(
    ("ends", "every", "soon"),
    [
        ("2026-03-02T12:00:00Z", 24, False),  # the next sync comes first
        ("2026-03-02T12:00:00Z", 48, True),
        ("2026-02-28T22:00:00Z", 24, True),
    ],
)
def test_an_end_for_want_of_use_asks_nobody_while_syncs_come_before_it(
    life: Store, ends: str, every: int, soon: bool
) -> None:
    life.db.execute("UPDATE connection SET sign_in_before = ?, every_hours = ?", (ends, every))
    _runs(life, "completed")
    asked: list[str] = []

    def idle(vendor: str) -> int | None:
        asked.append(vendor)
        return 48

    assert connections(life, idle)[0]["sign_in_soon"] is soon
    assert asked == ["epic"]
    assert connections(life)[0]["sign_in_soon"], "nothing known of the vendor: better said than not"


def test_an_empty_record_is_healthy(store: Store) -> None:
    report = status(store, "default")

    assert (report["health"], report["connections"], check(report)) == ("healthy", [], ())


@pytest.mark.parametrize(
    ("ends", "token", "hours", "by_sync"),
    [
        ("2026-04-01T00:00:00Z", "2026-03-01T01:00:00Z", 2160, True),
        ("2026-04-01T00:00:00Z", "2026-03-01T01:00:00Z", None, False),
        ("2026-03-01T01:00:00Z", "2026-03-01T01:00:00Z", 48, False),  # nothing renews it
        (None, "2026-03-01T01:00:00Z", 48, False),
    ],
)
def test_an_end_that_syncing_puts_off_is_told_from_others(
    life: Store, ends: str | None, token: str, hours: int | None, by_sync: bool
) -> None:
    life.db.execute("UPDATE connection SET sign_in_before = ?, token_expires = ?", (ends, token))
    assert connections(life, lambda _: hours)[0]["renewed_by_sync"] is by_sync
