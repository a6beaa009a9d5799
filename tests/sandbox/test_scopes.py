"""Scopes taken apart, granted, narrowed."""

from __future__ import annotations

import pytest

from phr.sandbox import scopes


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
        "system/*.rs",
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
