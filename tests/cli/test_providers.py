"""`phr providers`: list, search, show, update."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from phr import paths
from phr.cli.text import width
from phr.providers.catalog import load
from phr.workspace import Workspace

VENDORS = sorted(load(None).vendors)
LIST = [
    {"name": f"Quill {name} Clinic", "url": f"https://{name}.example.org/R4"} for name in ("north", "south")
]


def test_search_has_the_shape_of_the_contract(phr: Any) -> None:
    found = phr("providers", "search", "denver", "health", "--json").json
    assert found["schema"] == 1
    first = found["results"][0]
    assert {"id", "name", "vendor", "place", "fhir_base"} <= set(first)
    assert (first["id"], first["vendor"]) == ("denver-health", "epic") and first["fhir_base"].startswith(
        "https://"
    )
    assert phr("providers", "search", "zzyzx", "qqq", "--json").json["results"] == []


@pytest.mark.parametrize("columns", ["60", "80", "120", "250"])
def test_results_fit_the_screen_and_show_id_vendor_and_base(
    phr: Any, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("TERMINAL_WIDTH", columns)
    answer = phr("providers", "search", "children hospital")
    lines = answer.out.splitlines()
    assert max(map(width, lines)) <= int(columns)
    for one in phr("providers", "search", "children hospital", "--json").json["results"]:
        at = next(at for at, line in enumerate(lines) if line.startswith(one["id"]))
        assert one["vendor"] in lines[at]
        assert one["fhir_base"][: int(columns) - 4] in lines[at] + "\n" + [*lines, ""][at + 1]


def test_nothing_found_is_fine_and_says_what_to_do(phr: Any) -> None:
    answer = phr("providers", "search", "zzyzx qqq")
    assert (answer.status, answer.out) == (0, "") and "phr providers update" in answer.err


def test_search_and_list_keep_to_a_vendor_by_any_of_its_names(phr: Any) -> None:
    found = phr("providers", "search", "health", "--vendor", "cerner", "--json").json["results"]
    assert found and {one["vendor"] for one in found} == {"oracle"}
    listed = phr("providers", "list", "--vendor", "cerner", "--json").json
    assert {one["vendor"] for one in listed["results"]} == {"oracle"} and listed["total"] == len(
        listed["results"]
    )
    answer = phr("providers", "list", "--vendor", "nobody")
    assert answer.status == 2 and "epic" in answer.err


def test_a_list_can_be_leafed_through_to_its_end(phr: Any) -> None:
    whole = [one["id"] for one in phr("providers", "list", "--json").json["results"]]
    assert len(whole) >= 250 and len(set(whole)) == len(whole)
    seen: list[str] = []
    after: list[str] = []
    while True:
        page = phr("providers", "list", "--limit", "200", *after, "--json").json
        seen += [one["id"] for one in page["results"]]
        if page["next"] is None:
            break
        after = ["--after", page["next"]]
    assert seen == whole
    assert phr("providers", "list", "--after", "no-such-id").status == 2
    assert "--after" in phr("providers", "list", "--limit", "2").err


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_vendor_has_a_recipe_that_says_what_to_type(phr: Any, vendor: str) -> None:
    found = phr("providers", "show", vendor, "--json").json
    answer = phr("providers", "show", vendor)
    assert answer.status == 0 and "{redirect_uri}" not in answer.out + json.dumps(found)
    assert found["next"][-1].startswith("phr connect") and found["next"][-1] in answer.out
    assert max(map(width, answer.out.splitlines())) <= 140
    for key in (
        "auth",
        "registration",
        "redirect_uri",
        "recipe",
        "refresh",
        "staying_signed_in",
        "sure",
        "portal",
    ):
        assert key in found
    if found["auth"][0] not in ("none", "bearer"):
        assert found["redirect_uri"] in answer.out
        assert "Staying signed in" in answer.out


def test_the_redirect_address_is_the_one_that_connect_will_use(
    phr: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert phr("providers", "show", "epic", "--json").json["redirect_uri"] == "http://127.0.0.1:8765/callback"
    monkeypatch.setenv("PHR_EPIC_REDIRECT_URI", "https://me.example.org/relay")
    shown = phr("providers", "show", "denver-health", "--json").json
    assert shown["redirect_uri"] == "https://me.example.org/relay"
    assert "https://me.example.org/relay" in shown["recipe"]
    assert shown["fhir_base"] in phr("providers", "show", "denver-health").out


def test_a_way_back_that_is_set_for_all_counts(phr: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHR_CONNECT_REDIRECT", "paste")
    found = phr("providers", "show", "epic", "--json").json
    assert found["redirect"] == "paste" and found["redirect_uri"] in found["recipe"]
    monkeypatch.setenv("PHR_CONNECT_REDIRECT", "relay")
    assert "PHR_CONNECT_RELAY" in phr("providers", "show", "epic").out
    monkeypatch.setenv("PHR_CONNECT_RELAY", "https://me.example.org/back")
    assert phr("providers", "show", "epic", "--json").json["redirect_uri"] == "https://me.example.org/back"


def test_a_client_id_that_is_set_is_not_asked_for_again(phr: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "--client-id" in phr("providers", "show", "denver-health", "--json").json["next"][0]
    monkeypatch.setenv("PHR_EPIC_CLIENT_ID", "abc")
    assert phr("providers", "show", "denver-health", "--json").json["next"] == ["phr connect denver-health"]


@pytest.mark.parametrize(
    ("id_", "said", "unsaid"),
    [
        ("custom", "phr registers itself where the server allows it; if not:", "How to get a client id"),
        ("smart-health-it-open", "Now:  phr connect smart-health-it-open --patient ID", "register"),
        ("hapi", "Good to know:", "client id:"),
        ("drchrono", "Now:  phr connect drchrono --url FHIR_BASE --client-id", "phr providers search"),
        (
            "followmyhealth",
            "Now:  phr connect followmyhealth --url FHIR_BASE --client-id",
            "phr providers search",
        ),
        (
            "eclinicalworks",
            "Or:   phr connect ITS-ID --client-id YOUR-CLIENT-ID --client-secret-stdin",
            "None",
        ),
        ("sandbox", "phr connect sandbox --url http://127.0.0.1:PORT/fhir", "if not:"),
        ("epic", "Then: phr connect ITS-ID", "Or: "),
    ],
)
def test_the_next_command_fits_the_vendor(phr: Any, id_: str, said: str, unsaid: str) -> None:
    out = phr("providers", "show", id_).out
    assert said in out
    assert unsaid not in out


def test_another_update_is_named_for_what_it_is(phr: Any, tmp_path: Path) -> None:
    here = Workspace(os.environ)
    (path := tmp_path / "list.json").write_text(json.dumps(LIST))
    with paths.exclusive_lock(here.paths.state / "locks" / "organisations.lock"):
        answer = phr("providers", "update", "--from", str(path))
    assert answer.status == 5
    assert "Another phr is updating the list of organisations." in answer.err


def test_a_slip_names_the_near_ids(phr: Any) -> None:
    answer = phr("providers", "show", "denver-helth")
    assert answer.status == 2 and "denver-health" in answer.err
    assert phr("providers", "show", "Cerner", "--json").json["id"] == "oracle"


def test_update_from_a_file_has_the_shape_of_the_contract(phr: Any, tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    path.write_text(json.dumps([*LIST, {"name": "Old", "url": "https://old.example.org/dstu2"}]))
    found = phr("providers", "update", "--from", str(path), "--vendor", "Cerner", "--json").json
    [source] = found["sources"]
    assert {key: source[key] for key in ("source", "format", "vendor", "read", "added", "updated", "unchanged")} == {
        "source": str(path), "format": "json", "vendor": "oracle", "read": 3, "added": 2, "updated": 0, "unchanged": 0,
    }  # fmt: skip
    assert source["skipped"] == [{"reason": "not FHIR R4", "count": 1}] and source["error"] is None
    assert found["organisations"] == phr("providers", "list", "--json").json["total"] - len(
        load(None).providers
    )
    [north, south] = phr("providers", "search", "quill clinic", "--json").json["results"]
    assert {north["id"], south["id"]} == {"quill-north-clinic", "quill-south-clinic"}
    assert phr("providers", "show", "quill-north-clinic", "--json").json["vendor"] == "oracle"
    said = phr("providers", "update", "--from", str(path), "--vendor", "oracle")
    assert "3 entries read; 0 new, 0 changed, 2 as before." in said.out and "1 not FHIR R4" in said.out


def test_update_says_what_failed_and_exits_accordingly(phr: Any, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "page.html"
    good.write_text(json.dumps(LIST))
    bad.write_text("<html><body>Sign in</body></html>")
    answer = phr("providers", "update", "--from", str(bad))
    assert answer.status == 1 and "web page" in answer.err and "phr providers update --from" in answer.err
    answer = phr("providers", "update", "--from", str(bad), "--from", str(good), "--json")
    assert answer.status == 3 and [bool(one["error"]) for one in answer.json["sources"]] == [True, False]
    assert "web page" in answer.err and "good.json" not in answer.err
    empty = phr("providers", "update", "--from", "", "--json")
    assert empty.status == empty.json["error"]["status"] == 2
    assert phr("providers", "update", "--vendor", "nobody").status == 2
    assert phr("providers", "update", "--vendor", "custom").status == 2


def test_a_name_from_a_directory_cannot_steer_the_terminal(phr: Any, tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    path.write_text(
        json.dumps([{"name": "Quill \x1b]0;x\x07 Clinic\u202e\tX", "url": "https://q.example.org/R4"}])
    )
    assert phr("providers", "update", "--from", str(path)).status == 0
    out = phr("providers", "search", "quill clinic").out
    assert "Quill" in out and not set("\x1b\x07\u202e\t") & set(out)
