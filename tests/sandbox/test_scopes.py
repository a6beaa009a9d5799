"""Scopes taken apart, granted, narrowed."""

from __future__ import annotations

from typing import Any

import pytest

from phr.sandbox import scopes
from phr.sandbox.habits import VendorHabits


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("patient/*.read", "rs"),
        ("patient/*.rs", "rs"),
        ("patient/Observation.r", "r"),
        ("patient/Observation.s", "s"),
        ("patient/Observation.*", "cruds"),
        ("patient/Observation.write", "cud"),
        ("patient/Observation.cruds", "cruds"),
        ("patient/Observation.rs?category=laboratory", "rs"),
    ],
)
def test_both_versions_are_understood(text: str, letters: str) -> None:
    scope = scopes.parse(text)

    assert scope is not None
    assert scope.letters == set(letters)


@pytest.mark.parametrize(
    "text",
    [
        "user/*.rs",
        "patient/*.",
        "patient/Observation.sr",
        "patient/Nonsense.rs",
        "patient/observation.rs",
        "patient/Observation",
        "patient/Observation.rs?",
        "patient/Observation.rs?nonsense=1",
        "patient/*.rs?category=laboratory",
        "patient/Observation.read?category=laboratory",
    ],
)
def test_what_is_not_understood_in_full_is_not_granted(text: str) -> None:
    assert scopes.parse(text) is None
    assert scopes.grantable(f"openid {text} openid") == ("openid",)


def test_read_permits_reading_and_searching_but_not_other_types() -> None:
    assert scopes.permits(["patient/Observation.read"], "Observation", "s") == ((),)
    assert scopes.permits(["patient/Observation.read"], "Condition", "r") == ()
    assert scopes.permits(["patient/*.cud", "openid"], "Observation", "r") == ()


def test_narrowing_spells_a_wildcard_out() -> None:
    held = ["Condition", "Observation", "Patient"]
    asked = ("openid", "patient/*.read", "patient/Observation.rs")

    assert scopes.types_covered(asked, held) == held
    assert scopes.narrowed(asked, set(held), held) == asked
    assert scopes.narrowed(asked, {"Condition"}, held) == ("openid", "patient/Condition.read")


def test_a_person_is_never_granted_a_machines_scope_nor_the_other_way_round() -> None:
    assert scopes.grantable("openid system/*.rs") == ("openid",)
    assert scopes.grantable_to_system("openid patient/*.rs system/*.rs user/*.rs") == ("system/*.rs",)


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ({"wildcards": False}, "openid patient/Patient.read patient/Goal.rs"),
        ({"scope_version": "v1"}, "openid patient/*.read patient/Patient.read"),
        ({"scope_version": "v2"}, "openid patient/Goal.rs"),
        ({"drop_scopes": ("openid",)}, "patient/*.read patient/Patient.read patient/Goal.rs"),
    ],
)
def test_a_vendor_drops_what_it_does_not_grant(change: dict[str, Any], left: str) -> None:
    asked = "openid patient/*.read patient/Patient.read patient/Goal.rs"

    assert scopes.grantable(asked, VendorHabits(**change)) == tuple(left.split())


def test_an_app_gets_no_more_than_it_was_registered_for() -> None:
    asked = "openid offline_access patient/Goal.r patient/Goal.rs patient/Goal.cruds patient/Patient.r"

    granted = scopes.grantable(asked, registered=("openid", "patient/Goal.rs"))

    assert granted == ("openid", "patient/Goal.r", "patient/Goal.rs")


@pytest.mark.parametrize(
    ("word", "twin"),
    [
        ("patient/*.read", "patient/*.rs"),
        ("patient/Goal.rs", "patient/Goal.read"),
        ("patient/Goal.*", "patient/Goal.cruds"),
        ("patient/Goal.r", "patient/Goal.r"),
        ("openid", "openid"),
    ],
)
def test_the_other_dialect_says_the_same(word: str, twin: str) -> None:
    assert scopes.other_dialect(word) == twin
