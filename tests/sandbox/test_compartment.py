"""Who a resource belongs to."""

from __future__ import annotations

import pytest

from phr.sandbox import compartment


@pytest.mark.parametrize(
    ("type_", "resource", "patients"),
    [
        ("Patient", {"id": "x"}, {"x"}),
        ("Observation", {"subject": {"reference": "Patient/x"}}, {"x"}),
        (
            "Observation",
            {"subject": {"reference": "Group/1"}, "performer": [{"reference": "Patient/x"}]},
            {"x"},
        ),
        ("Condition", {"subject": {"reference": "https://h.example/fhir/Patient/x"}}, {"x"}),
        ("Claim", {"patient": {"reference": "Patient/x/_history/3"}}, {"x"}),
        ("Appointment", {"participant": [{"actor": {"reference": "Patient/x"}}, {"actor": 3}, None]}, {"x"}),
        (
            "Coverage",
            {"beneficiary": {"reference": "Patient/x"}, "payor": [{"reference": "Patient/y"}]},
            {"x", "y"},
        ),
        ("Task", {"for": {"reference": "Patient/x"}}, {"x"}),
        ("Group", {"member": [{"entity": {"reference": "Patient/x"}}]}, set()),
        ("Practitioner", {"subject": {"reference": "Patient/x"}}, set()),
        ("Observation", {"subject": "Patient/x"}, set()),
        ("Observation", {"subject": [[{"reference": 5}]]}, set()),
        ("Observation", {}, set()),
    ],
)
def test_membership_follows_the_elements_of_the_compartment(
    type_: str, resource: dict[str, object], patients: set[str]
) -> None:
    assert compartment.members(type_, resource) == patients


def test_binaries_are_found_in_attachments_however_they_are_addressed() -> None:
    raw = b'{"a":{"url":"Binary/one"},"b":{"url":"http://h/fhir/Binary/two"},"c":"see Binary/three there"}'

    assert compartment.binaries(raw) == {"one", "two"}
