from __future__ import annotations

import pytest

from phr.fhir.capability import parse


def test_a_capability_statement_is_read() -> None:
    found = parse(
        {
            "resourceType": "CapabilityStatement",
            "fhirVersion": "4.0.1",
            "software": {"name": "Some EHR"},
            "rest": [
                {
                    "mode": "server",
                    "resource": [
                        {
                            "type": "Patient",
                            "interaction": [{"code": "read"}],
                            "operation": [{"name": "everything"}],
                        },
                        {
                            "type": "Observation",
                            "interaction": [{"code": "read"}, {"code": "search-type"}],
                            "searchParam": [{"name": "patient"}, {"name": "_lastUpdated"}],
                        },
                    ],
                }
            ],
        }
    )
    assert found is not None
    assert (found.fhir_version, found.software, found.everything) == ("4.0.1", "Some EHR", True)
    assert found.types["Observation"].interactions == {"read", "search-type"}
    assert found.types["Observation"].search_params == {"patient", "_lastUpdated"}


@pytest.mark.parametrize("odd", [None, [], "x", {}, {"resourceType": "Patient"}])
def test_what_is_no_capability_statement_says_nothing(odd: object) -> None:
    assert parse(odd) is None


def test_odd_parts_are_skipped() -> None:
    found = parse(
        {
            "resourceType": "Conformance",
            "fhirVersion": 4,
            "software": "x",
            "rest": {
                "resource": [
                    None,
                    {"type": 5},
                    {"type": "Goal", "interaction": "read", "searchParam": [1, {}]},
                ]
            },
        }
    )
    assert found is not None and not found.everything and found.fhir_version is None
    assert found.types["Goal"].interactions == frozenset()


def test_bulk_export_is_seen_where_it_is_declared() -> None:
    export = [{"name": "export", "definition": "x"}]
    group = {"type": "Group", "operation": export}
    statement = {"resourceType": "CapabilityStatement", "rest": [{"resource": [group], "operation": export}]}
    found = parse(statement)
    assert found is not None
    assert found.exports == ("group", "system")
