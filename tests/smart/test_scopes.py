from __future__ import annotations

import pytest

from phr.model import SmartConfiguration, Vendor
from phr.smart.scopes import allows, dialect, requested, why_not


def configuration(*capabilities: str, scopes: tuple[str, ...] = ()) -> SmartConfiguration:
    return SmartConfiguration("a", "t", capabilities=capabilities, scopes_supported=scopes)


@pytest.mark.parametrize(
    ("granted", "allowed"),
    [
        ("patient/*.read", True),
        ("patient/*.*", True),
        ("patient/*.rs", True),
        ("patient/*.cruds", True),
        ("patient/Observation.read", True),
        ("user/Observation.rs", True),
        ("patient/Observation.rs?category=laboratory", True),
        ("openid patient/Goal.read patient/Observation.read", True),
        ("patient/Observation.r patient/Observation.s", True),
        ("patient/Observation.r", False),
        ("patient/Observation.s", False),
        ("patient/Observation.write", False),
        ("patient/Observation.cud", False),
        ("patient/Goal.read", False),
        ("patient/observation.read", False),
        ("Observation.read", False),
        ("openid fhirUser offline_access", False),
        ("", False),
        (None, False),
    ],
)
def test_reading_and_searching_is_allowed_by(granted: str | None, allowed: bool) -> None:
    assert allows(granted, "Observation") is allowed
    assert allows((granted or "").split(), "Observation") is allowed


@pytest.mark.parametrize(
    ("found", "spoken"),
    [
        (configuration("permission-v1", "permission-v2"), "v2"),
        (configuration("permission-v1"), "v1"),
        (configuration(scopes=("openid", "patient/*.rs")), "v2"),
        (configuration(scopes=("patient/*.rs", "patient/*.read")), "v1"),
        (configuration(), "v1"),
    ],
)
def test_the_dialect_is_the_one_the_server_says(found: SmartConfiguration, spoken: str) -> None:
    assert dialect(Vendor("x", "X"), found) == spoken


def test_the_vendors_profile_decides_the_dialect_before_the_server() -> None:
    assert dialect(Vendor("x", "X", scope_dialect="v1"), configuration("permission-v2")) == "v1"


def test_requested_scopes_speak_one_dialect_and_keep_what_is_complete() -> None:
    vendor = Vendor(
        "x", "X", scopes=("openid",), resource_scopes=("patient/*", "patient/Patient.read", "patient/*")
    )
    assert requested(vendor, configuration("permission-v2")) == (
        "openid",
        "patient/*.rs",
        "patient/Patient.read",
    )


def test_a_registration_that_decides_itself_asks_for_no_resources() -> None:
    assert requested(Vendor("x", "X", scopes=("openid",), resource_scopes=()), configuration()) == ("openid",)


def test_a_type_that_will_not_come_says_why() -> None:
    assert why_not("patient/Goal.r", "Goal") == "the sign-in allows reading single ones, not searching"
    assert why_not("patient/Goal.rs", "Device") == "not granted at sign-in"
    assert why_not(None, "Device") == "not granted at sign-in"
