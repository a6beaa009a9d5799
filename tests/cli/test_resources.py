"""`phr resources`: the list on a screen, its pages, and the document."""

from __future__ import annotations

from typing import Any

import pytest

from phr.workspace import Workspace


def test_the_document_has_the_keys_that_scripts_rely_on(phr: Any, record: Workspace) -> None:
    found = phr("resources", "--json").json
    assert (found["schema"], found["total"], found["next"]) == (1, len(found["resources"]), None)
    names = "type id resource source state first_seen changed bytes versions record"
    assert all(set(names.split()) == set(one) for one in found["resources"])


def test_pages_go_on_where_the_last_one_ended(phr: Any, record: Workspace) -> None:
    whole = phr("resources", "--json").json["resources"]
    first = phr("resources", "--json", "--limit", "2").json
    second = phr("resources", "--json", "--limit", "2", "--after", first["next"]).json
    assert first["resources"] + second["resources"] == whole[:4]
    screen = phr("resources", "--limit", "2")
    assert f"More: phr resources --limit 2 --after {first['next']}" in screen.out


def test_a_type_may_be_written_small_and_in_the_plural(phr: Any, record: Workspace) -> None:
    types = {one["type"] for one in phr("resources", "--json").json["resources"]}
    one = sorted(types)[0]
    found = phr("resources", "--json", "--type", f"{one.lower()}s").json
    assert {each["type"] for each in found["resources"]} == {one}


def test_counts_are_drawn(phr: Any, record: Workspace) -> None:
    found = phr("resources", "--counts", "--json").json
    assert found["total"] == sum(one["count"] for one in found["counts"])
    text = phr("resources", "--counts").out
    assert all(one["type"] in text for one in found["counts"])


@pytest.mark.parametrize(
    "wrong", [("--type", "Obzervation"), ("--source", "nowhere"), ("--after", "x"), ("--limit", "-1")]
)
def test_what_makes_no_sense_is_a_usage_error(phr: Any, record: Workspace, wrong: tuple[str, str]) -> None:
    assert phr("resources", *wrong).status == 2


def test_nothing_gone_is_said(phr: Any, record: Workspace) -> None:
    answer = phr("resources", "--gone")
    assert (answer.status, answer.out) == (0, "")
    assert "No resource fits" in answer.err
