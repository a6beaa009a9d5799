"""What a connection can do, from three answers that are already there."""

from __future__ import annotations

from phr.fhir.capability import Capability, TypeCapability
from phr.model import Connection, Vendor
from phr.providers.catalog import load
from phr.workspace.capabilities import abilities

HERE = Connection("k", "clinic", "p", "v", "o", "https://ehr.example.org", "c", patient_id="p1")


def test_the_limits_that_are_kept_to_are_shown() -> None:
    found = abilities(load(None).vendors["eclinicalworks"], None, HERE)
    assert found.rate_limit == {
        "requests_per_second": 7,
        "burst": 14,
        "requests_per_minute": 250,
        "requests_per_day": 100_000,
    }
    assert abilities(Vendor("v", "V"), None, HERE).rate_limit is None


def test_lower_case_last_updated_counts_and_types_beyond_the_profile_can_be_searched() -> None:
    one = TypeCapability(frozenset({"search-type"}), frozenset({"patient", "_lastupdated"}))
    declared = Capability("4.0.1", {"Goal": one, "Flag": one}, everything=False, software=None)
    found = {t.type: t for t in abilities(Vendor("v", "V", types=("Goal",)), declared, HERE).types}
    assert found["Goal"].last_updated and found["Goal"].searchable and found["Flag"].searchable
