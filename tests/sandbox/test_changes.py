"""The hospital changes while it runs: new versions, deletions, what is hidden, who was merged, and `_lastUpdated`."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import orjson
import pytest

from phr.sandbox import dates

from .conftest import ADA, BEN, App, Clock, Start, observation

NOW = 1_800_000_000.0


@pytest.fixture
def still(start: Start, clock: Clock) -> App:
    """A hospital whose clock moves only when told."""
    return start(clock=clock)


def read(app: App, address: str) -> Any:
    return app.fhir(address, app.sandbox.issue_token("system/*.rs"))


def test_what_is_put_gets_a_version_and_a_time(still: App, clock: Clock) -> None:
    first = still.sandbox.put(observation("new"))
    clock.now += 60
    still.sandbox.put({**first.content, "status": "amended"})

    said = read(still, "Observation/new").json()

    assert said["status"] == "amended"
    assert said["meta"] == {"versionId": "2", "lastUpdated": dates.instant(NOW + 60)}
    assert "Observation/new" in [f"Observation/{i}" for i in still.ids("Observation", token(still))]


def token(app: App) -> str:
    return app.sandbox.issue_token()


def test_what_a_resource_says_of_its_time_anew_is_believed(still: App) -> None:
    meta = {"versionId": "9", "lastUpdated": "2001-02-03T04:05:06.000Z"}
    still.sandbox.put(observation("late", meta=meta))

    assert read(still, "Observation/late").json()["meta"] == meta
    assert still.ids("Observation?_lastUpdated=lt2002", token(still)) == ["late"]


def test_bytes_are_kept_as_they_are(still: App) -> None:
    raw = orjson.dumps(observation("raw")) + b" "
    still.sandbox.put(raw)

    assert read(still, "Observation/raw").content == raw


def test_a_deleted_resource_is_gone_for_good(still: App) -> None:
    still.sandbox.delete("Observation/a2")

    answer = still.fhir("Observation/a2", token(still))
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (410, "deleted")
    assert still.ids("Observation", token(still)) == ["a1", "a3"]
    still.sandbox.put(observation("a2"))
    assert still.fhir("Observation/a2", token(still)).status_code == 200


@pytest.mark.parametrize(("readable", "status"), [(False, 404), (True, 200)])
def test_a_hidden_resource_is_in_no_search(still: App, readable: bool, status: int) -> None:
    before = still.fhir("Observation/a2", token(still)).content
    still.sandbox.hide("Observation/a2", readable=readable)

    assert still.fhir("Observation/a2", token(still)).status_code == status
    assert still.ids("Observation", token(still)) == ["a1", "a3"]
    assert still.ids("Patient/ada/$everything?_type=Observation", token(still)) == ["a1", "a3"]
    still.sandbox.show("Observation/a2")
    assert still.fhir("Observation/a2", token(still)).content == before
    assert set(still.ids("Observation", token(still))) == {"a1", "a2", "a3"}


def test_a_merged_person_is_found_under_the_other_id(still: App) -> None:
    access = token(still)
    still.sandbox.merge(f"Patient/{ADA}", into=f"Patient/{BEN}")

    moved = still.fhir(f"Patient/{ADA}", access)

    assert moved.status_code == 302
    assert moved.headers["location"] == f"{still.sandbox.fhir_base}/Patient/{BEN}"
    assert still.fhir(f"Patient/{BEN}", access).status_code == 200
    assert set(still.ids(f"Observation?patient={BEN}", access)) == {"a1", "a2", "a3", "b1"}
    assert set(still.ids(f"Observation?patient={ADA}", access)) == {"a1", "a2", "a3", "b1"}
    moved_one = still.fhir("Observation/a1", access).json()
    assert moved_one["subject"] == {"reference": f"Patient/{BEN}"}


def test_what_is_not_there_cannot_be_changed(still: App) -> None:
    for change in (
        lambda: still.sandbox.delete("Observation/none"),
        lambda: still.sandbox.hide("Observation/none"),
        lambda: still.sandbox.show("Observation/a1"),
        lambda: still.sandbox.merge("Patient/ada", into="Patient/none"),
    ):
        with pytest.raises(KeyError):
            change()
    assert still.fhir("Patient/ada", token(still)).status_code == 200


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("ge2027-01-15T08:00:00Z", ["n0", "n1"]),
        ("gt2027-01-15T08:00:00Z", ["n1"]),
        ("lt2027-01-15T08:00:01Z", ["n0"]),
        ("le2027-01-15T08:00:00Z", ["n0"]),
        ("eq2027-01-15", ["n0", "n1"]),
        ("ne2027-01-15", []),
        ("sa2027-01-15T08:00:00Z", ["n1"]),
        ("eb2027-01-15T08:00:01Z", ["n0"]),
        (quote("ge2027-01-15T09:00:01+01:00"), ["n1"]),
        ("ge2027-01-15T03:00:01-05:00", ["n1"]),
        ("ge2027-01-15T08:00:00Z&_lastUpdated=lt2027-01-15T08:00:01Z", ["n0"]),
    ],
)
def test_last_updated_compares_as_fhir_says(start: Start, clock: Clock, query: str, found: list[str]) -> None:
    app = start(clock=clock, resources=({"resourceType": "Patient", "id": ADA},))
    assert dates.instant(clock.now) == "2027-01-15T08:00:00.000Z"
    app.sandbox.put(observation("n0"))
    clock.now += 1
    app.sandbox.put(observation("n1"))

    assert app.ids(f"Observation?_lastUpdated={query}", token(app)) == found


@pytest.mark.parametrize(
    "query",
    ["ge2027-01-15T09:00:01+01:00", "soon", "ge2020&_lastUpdated=le2030&_lastUpdated=ge2021", "xx2020"],
)
def test_last_updated_refuses_what_it_cannot_read(app: App, query: str) -> None:
    """A plus that is not escaped is a space (HTML forms), and no date has one."""
    assert app.fhir(f"Observation?_lastUpdated={query}", token(app)).status_code == 400


def test_a_change_that_is_not_significant_is_not_noticed(still: App, clock: Clock) -> None:
    since = f"Observation?_lastUpdated=ge{dates.instant(NOW + 60)}"
    still.sandbox.put(observation("s1"))
    clock.now += 60
    still.sandbox.put(observation("s1", status="amended"), noticed=False)

    assert still.ids(since, token(still)) == []
    assert still.fhir("Observation/s1", token(still)).json()["status"] == "amended"
    still.sandbox.put(observation("s1", status="corrected"))
    assert still.ids(since, token(still)) == ["s1"]


def test_everything_goes_back_to_a_time_too(still: App, clock: Clock) -> None:
    clock.now += 100
    still.sandbox.put(observation("fresh"))

    path = f"Patient/{ADA}/$everything?_since={dates.instant(clock.now)}"
    assert still.ids(path, token(still)) == ["fresh"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"last_updated": ()}, 400),
        ({"last_updated": (), "unknown_params": "ignored"}, 3),
        ({"last_updated_lies": {"Observation": "ignored"}}, 3),
        ({"last_updated_lies": {"*": "empty"}}, 0),
        ({"last_updated_lies": {"*": "refused"}}, 400),
        ({"last_updated_lies": {"Observation": "500"}}, 500),
        ({"last_updated_prefixes": ("gt",)}, 400),
        ({"last_updated_not_with": ("date",)}, 1),
        ({"last_updated_name": "_lastupdated"}, 400),
    ],
)
def test_servers_differ_in_what_they_make_of_last_updated(
    start: Start, clock: Clock, change: dict[str, Any], expected: int
) -> None:
    app = start(clock=clock, change=change)
    clock.now += 100
    app.sandbox.put(observation("a2"))

    answer = app.fhir(f"Observation?_lastUpdated=ge{dates.instant(clock.now)}", token(app))

    assert (answer.json()["total"] if answer.status_code == 200 else answer.status_code) == expected


def test_epic_spells_it_in_small_letters_and_remarks_on_what_it_does_not_know(start: Start) -> None:
    app = start(vendor="epic")
    access = token(app)

    known = app.fhir(f"DocumentReference?patient={ADA}&_lastupdated=gt2100", access).json()
    unknown = app.fhir(f"DocumentReference?patient={ADA}&_lastUpdated=gt2100", access).json()

    assert (known["total"], unknown["total"]) == (0, 1)
    issues = unknown["entry"][-1]["resource"]["issue"]
    assert [one["details"]["coding"][0]["code"] for one in issues] == ["4119", "4122"]
    declared = {item["type"]: item for item in app.fhir("metadata").json()["rest"][0]["resource"]}
    names = [param["name"] for param in declared["DocumentReference"]["searchParam"]]
    assert "_lastupdated" in names
    assert "_lastUpdated" not in names


def test_oracle_does_not_combine_it_with_a_date(start: Start) -> None:
    app = start(vendor="oracle")

    both = f"Observation?patient={ADA}&_lastUpdated=ge2020&date=ge2020"
    assert app.fhir(both, token(app)).status_code == 400


@pytest.mark.parametrize(
    ("meta", "said"),
    [
        ("kept", {"versionId": "7", "lastUpdated": "2020-01-01T00:00:00Z"}),
        ("none", None),
        ("no-last-updated", {"versionId": "7"}),
        ("constant-version", {"versionId": "200058", "lastUpdated": "2020-01-01T00:00:00Z"}),
    ],
)
def test_meta_as_servers_fill_it(start: Start, meta: str, said: dict[str, str] | None) -> None:
    whole = observation("m", meta={"versionId": "7", "lastUpdated": "2020-01-01T00:00:00Z"})
    app = start(resources=({"resourceType": "Patient", "id": ADA}, whole), change={"meta": meta})
    found = app.fhir("Observation", token(app)).json()["entry"][0]["resource"]

    assert found.get("meta") == said
    assert app.fhir("Observation/m", token(app)).json() == found


def test_half_of_the_resources_may_have_no_meta(start: Start) -> None:
    many = [observation(f"o{n}", meta={"versionId": "1"}) for n in range(40)]
    app = start(resources=({"resourceType": "Patient", "id": ADA}, *many), change={"meta": "half"})
    entries = app.fhir("Observation", token(app)).json()["entry"]

    assert 5 < sum("meta" in entry["resource"] for entry in entries) < 35


def test_habits_may_change_while_it_runs(app: App) -> None:
    app.sandbox.change(total="none")

    assert "total" not in app.fhir("Observation", token(app)).json()
    with pytest.raises(ValueError, match="pkce"):
        app.sandbox.change(pkce="optional")
