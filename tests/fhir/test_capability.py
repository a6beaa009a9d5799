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


def statement(**rest: object) -> dict[str, object]:
    return {"resourceType": "CapabilityStatement", "rest": [{"mode": "server", **rest}]}


def test_what_the_base_takes_and_what_several_can_be_read_by() -> None:
    search = [{"code": "read"}, {"code": "search-type"}]
    found = parse(
        statement(
            interaction=[{"code": "batch"}, {"code": "search-system"}],
            resource=[
                {"type": "Location", "interaction": search, "searchParam": [{"name": "_id"}]},
                {"type": "Organization", "interaction": search, "searchParam": [{"name": "name"}]},
                {"type": "Practitioner", "interaction": [{"code": "read"}], "searchParam": [{"name": "_id"}]},
            ],
        )
    )
    assert found is not None and found.batch
    named = ("Location", "Organization", "Practitioner", "Zebra")
    assert [type_ for type_ in named if found.by_ids(type_)] == ["Location"]
    plain = parse(statement(resource=[]))
    assert plain is not None and not plain.batch


def test_parameters_of_all_types_belong_to_each() -> None:
    common = [{"name": "_lastUpdated"}, {"name": "_id"}]
    found = parse(
        statement(searchParam=common, resource=[{"type": "Goal", "searchParam": [{"name": "patient"}]}])
    )
    assert found is not None
    assert found.types["Goal"].search_params == {"_lastUpdated", "_id", "patient"}


@pytest.mark.parametrize(
    ("declared", "spelled"),
    [("_lastUpdated", "_lastUpdated"), ("_lastupdated", "_lastupdated"), ("date", None)],
)
def test_a_parameter_is_written_as_the_server_writes_it(declared: str, spelled: str | None) -> None:
    found = parse(statement(resource=[{"type": "Goal", "searchParam": [{"name": declared}]}]))
    assert found is not None and found.types["Goal"].spelling("_lastUpdated") == spelled


@pytest.mark.parametrize(
    ("listed", "brings"),
    [
        (["Provenance:target"], True),
        (["provenance:Target", 5], True),
        (["*"], True),
        ("Provenance:target", True),
        (["List:item"], False),
        (None, False),
        ({}, False),
    ],
)
def test_what_comes_along_is_read_from_search_rev_include(listed: object, brings: bool) -> None:
    found = parse(statement(resource=[{"type": "Goal", "searchRevInclude": listed}]))
    assert found is not None and found.types["Goal"].brings("Provenance:target") is brings


def test_a_type_that_stands_twice_has_what_both_say() -> None:
    found = parse(
        statement(
            resource=[
                {
                    "type": "Goal",
                    "interaction": [{"code": "read"}],
                    "searchRevInclude": ["Provenance:target"],
                },
                {"type": "Goal", "interaction": [{"code": "search-type"}]},
            ]
        )
    )
    assert found is not None and found.types["Goal"].searchable
    assert found.types["Goal"].brings("Provenance:target")


def test_a_type_is_searchable_unless_it_says_what_else_it_takes() -> None:
    found = parse(statement(resource=[{"type": "Goal"}, {"type": "Flag", "interaction": [{"code": "read"}]}]))
    assert found is not None
    assert (found.types["Goal"].searchable, found.types["Flag"].searchable) == (True, False)
