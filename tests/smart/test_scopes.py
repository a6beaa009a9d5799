from __future__ import annotations

import pytest

from phr.model import SmartConfiguration, Vendor
from phr.smart.scopes import (
    NOT_GRANTED,
    OTHER_VERSION,
    allows,
    dialect,
    names_resources,
    narrowed,
    other_version,
    requested,
    system_scopes,
    why_not,
    words,
)


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


ASKED_V1 = ("openid", "offline_access", "patient/Observation.read", "patient/Goal.read")
ASKED_V2 = ("openid", "patient/*.rs")


@pytest.mark.parametrize(
    ("granted", "asked", "reason"),
    [
        ("openid fhirUser online_access", ASKED_V1, OTHER_VERSION),
        ("openid patient/Goal.write", ASKED_V2, OTHER_VERSION),
        ("openid patient/Goal.cud", ASKED_V1, OTHER_VERSION),
        ("patient/Observation.read", ASKED_V1, NOT_GRANTED),
        ("patient/Observation.rs", ASKED_V1, NOT_GRANTED),
        ("patient/Observation.read", ("patient/Observation.read",), "not asked for at sign-in"),
        ("openid", ("openid", "fhirUser"), NOT_GRANTED),
        ("", ASKED_V1, NOT_GRANTED),
        (None, ASKED_V1, NOT_GRANTED),
        ("openid", None, NOT_GRANTED),
        ("patient/Goal.s", ASKED_V2, "the sign-in allows searching, not reading"),
        ("patient/Goal.r", ASKED_V2, "the sign-in allows reading single ones, not searching"),
    ],
)
def test_the_reason_is_named_if_it_is_known(
    granted: str | None, asked: tuple[str, ...] | None, reason: str
) -> None:
    assert why_not(granted, "Goal", asked) == reason
    assert other_version(granted, asked) is (reason == OTHER_VERSION)


@pytest.mark.parametrize(
    ("granted", "named", "observation"),
    [
        ("patient/Observation.rs openid", True, True),
        ("openid,patient/Observation.rs,patient/Goal.rs", True, True),
        ("openid, patient/Observation.read", True, True),
        ("patient/*.read", True, True),
        ("patient/*.*", True, True),
        ("patient/Observation.rs?category=laboratory", True, True),
        ("patient/Goal.read", True, False),
        ("openid", False, False),
        ("", False, False),
        ("   ", False, False),
        (None, False, False),
    ],
)
def test_what_was_granted_is_read_by_meaning_in_any_order_and_spelling(
    granted: str | None, named: bool, observation: bool
) -> None:
    assert names_resources(granted) is named
    assert allows(granted, "Observation") is observation
    assert allows(tuple(reversed(words(granted))), "Observation") is observation


@pytest.mark.parametrize(
    ("granted", "conditions"),
    [
        ("patient/Observation.rs?category=laboratory", ("category=laboratory",)),
        ("patient/Observation.rs?category=a patient/Observation.rs?category=b", ("category=a", "category=b")),
        ("patient/Observation.rs?category=a patient/*.rs", ()),
        ("patient/Goal.rs?x=y", ()),
        ("patient/Observation.rs", ()),
        (None, ()),
    ],
)
def test_a_type_that_may_be_searched_in_part_says_which(
    granted: str | None, conditions: tuple[str, ...]
) -> None:
    assert narrowed(granted, "Observation") == conditions


@pytest.mark.parametrize(
    ("resource_scopes", "dialect_", "asked"),
    [
        (("patient/*",), "v2", ("system/*.rs",)),
        (("patient/*",), "v1", ("system/*.read",)),
        (("patient/Goal", "patient/Device", "patient/Goal"), "v2", ("system/Goal.rs", "system/Device.rs")),
        (("patient/Goal.read",), "v2", ("system/Goal.read",)),
        ((), "v1", ("system/*.read",)),
    ],
)
def test_a_backend_asks_for_the_same_types_for_the_system(
    resource_scopes: tuple[str, ...], dialect_: str, asked: tuple[str, ...]
) -> None:
    vendor = Vendor("x", "X", resource_scopes=resource_scopes, scope_dialect=dialect_)
    assert system_scopes(vendor, configuration()) == asked
