"""What to ask, decided without asking."""

from __future__ import annotations

from phr.fhir.capability import Capability, TypeCapability
from phr.model import Vendor
from phr.sync.plan import USCDI, Plan, plan

ALL = ("patient/*.rs",)
VENDOR = Vendor("any", "Any")


def capability(**types: str) -> Capability:
    declared = {
        name: TypeCapability(frozenset({"read", "search-type"}), frozenset(params.split()))
        for name, params in types.items()
    }
    return Capability("4.0.1", declared, everything=False, software=None)


def types(found: Plan) -> list[str]:
    return [search.type for search in found.searches]


def test_types_are_what_the_server_declares_and_the_sign_in_granted() -> None:
    declared = capability(Observation="patient code", Condition="patient", Practitioner="name _id")
    found = plan(VENDOR, declared, ("patient/Observation.read", "patient/Practitioner.read"), "p")
    assert types(found) == ["Observation"]
    assert [(r.type, r.reason) for r in found.refused] == [("Condition", "not granted at sign-in")]


def test_a_vendor_profile_narrows_what_is_asked() -> None:
    declared = capability(Observation="patient", Condition="patient")
    found = plan(Vendor("v", "V", types=("Condition", "Goal")), declared, ALL, "p")
    assert types(found) == ["Condition"]


def test_a_server_that_declares_nothing_is_asked_for_the_profile() -> None:
    found = plan(Vendor("v", "V", types=("Condition", "Goal", "Practitioner")), None, ALL, "p")
    assert types(found) == ["Condition", "Goal"]
    assert types(plan(VENDOR, None, ALL, "p")) == USCDI


def test_types_are_searched_by_the_name_they_have_for_a_patient() -> None:
    declared = capability(
        Coverage="beneficiary", Observation="subject patient", AdverseEvent="", Medication="code"
    )
    found = {search.type: search.params for search in plan(VENDOR, declared, ALL, "p").searches}
    assert found == {
        "Coverage": (("beneficiary", "p"),),
        "Observation": (("patient", "p"),),
        "AdverseEvent": (("subject", "p"),),
    }


def test_a_type_that_must_be_split_is_asked_once_for_each_part() -> None:
    vendor = Vendor(
        "v", "V", splits={"Observation": (("category", "laboratory"), ("category", "vital-signs"))}
    )
    found = plan(vendor, capability(Observation="patient category"), ALL, "p")
    assert [search.params[1] for search in found.searches] == [
        ("category", "laboratory"),
        ("category", "vital-signs"),
    ]


def test_a_grant_that_names_no_resource_leaves_the_question_to_the_server() -> None:
    found = plan(VENDOR, capability(Observation="patient"), ("openid", "fhirUser"), "p")
    assert types(found) == ["Observation"]
    assert not found.refused


def test_a_type_without_search_is_not_searched() -> None:
    only_read = Capability("4.0.1", {"Goal": TypeCapability(frozenset({"read"}), frozenset())}, False, None)
    assert not plan(VENDOR, only_read, ALL, "p").searches


def test_a_wish_for_some_types_leaves_the_others_out() -> None:
    found = plan(VENDOR, capability(Observation="patient", Goal="patient"), ALL, "p", only=("Goal",))
    assert types(found) == ["Goal"]


def test_encounters_come_before_what_happened_in_them() -> None:
    found = types(
        plan(VENDOR, capability(Observation="patient", Zebra="patient", Encounter="patient"), ALL, "p")
    )
    assert found == ["Encounter", "Observation", "Zebra"]


def test_parameters_that_a_type_always_needs_go_with_each_of_its_searches() -> None:
    vendor = Vendor(
        "v",
        "V",
        splits={"Observation": (("category", "laboratory"), ("category", "exam"))},
        search_params={"Observation": (("date", "ge1900"),), "Appointment": (("date", "ge1900"),)},
    )
    found = plan(vendor, capability(Observation="patient", Appointment="patient", Goal="patient"), ALL, "p")
    needed = {
        (one.type, dict(one.params).get("category")): dict(one.params).get("date") for one in found.searches
    }
    assert needed == {
        ("Observation", "laboratory"): "ge1900",
        ("Observation", "exam"): "ge1900",
        ("Appointment", None): "ge1900",
        ("Goal", None): None,
    }


def test_a_type_that_was_not_asked_for_is_refused_with_that_reason() -> None:
    granted = ("patient/Goal.rs",)
    (refusal,) = plan(
        VENDOR, capability(Observation="patient", Goal="patient"), granted, "p", asked=granted
    ).refused
    assert (refusal.type, "not asked for" in refusal.reason) == ("Observation", True)
