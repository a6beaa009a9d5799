"""`phr connect`, `sync`, `reconnect`, `disconnect` against the sandbox, over real HTTP on loopback."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from phr.sandbox.config import SandboxConfig
from phr.sandbox.server import Sandbox
from phr.workspace import Workspace


@pytest.fixture(scope="module")
def hospital() -> Iterator[Sandbox]:
    with Sandbox(SandboxConfig(auto_approve=True)) as opened:
        yield opened


def sign_in(*words: str, follow: bool = True) -> tuple[int, list[str], str]:
    """Run a command with --no-browser and play the browser: status, lines of stdout, stderr."""
    child = subprocess.Popen(
        [sys.executable, "-m", "phr", *words, "--no-browser", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ.copy(),
    )
    with child:
        assert child.stdout is not None
        assert child.stderr is not None
        first = child.stdout.readline()
        if first.startswith("http") and follow:
            with httpx.Client(follow_redirects=True, trust_env=False) as browser:
                browser.get(first.strip())
        rest, err = child.communicate(timeout=30)
        return child.returncode, [first, *rest.splitlines(keepends=True)], err


def connect(hospital: Sandbox, *more: str) -> tuple[int, list[str], str]:
    return sign_in("connect", "custom", "--url", hospital.fhir_base, "--client-id", hospital.client_id, *more)


def test_no_browser_prints_the_address_alone_then_names_the_grant_and_syncs(
    phr: Any, hospital: Sandbox
) -> None:
    status, out, err = connect(hospital, "--name", "clinic")
    assert status == 0, err
    assert len(out) == 1, "stdout holds the address and nothing else"
    assert out[0].startswith("http://127.0.0.1:")
    assert " " not in out[0].strip()
    assert "Granted: everything" in err
    assert "clinic:" in err
    assert "new" in err
    assert phr("timeline", "--json").json["total"] > 100
    found = phr("connections", "--json").json["connections"][0]
    assert (found["name"], found["state"]) == ("clinic", "active")

    again = phr("sync", "--json")
    run = again.json["runs"][0]
    assert (again.status, again.json["status"]) == (0, "completed")
    assert sum(one["new"] + one["updated"] for one in run["types"].values()) == 0
    assert {"job_id", "connection", "trigger", "mode", "started", "finished", "seconds", "requests"} <= set(
        run
    )
    assert {"bytes", "skipped", "documents", "error"} <= set(run)
    assert "raw" not in str(run["skipped"])

    quiet = phr("sync", "--quiet")
    assert (quiet.status, quiet.out, quiet.err) == (0, "", "")
    due = phr("sync", "--due")
    assert (due.status, due.out) == (0, "Nothing is due.\n")
    assert phr("sync", "--dry-run", "--json").json["runs"][0]["connection"] == "clinic"
    assert "✓ clinic: 0 new, " in phr("sync", "clinic", "--type", "Condition", "--no-documents").out
    assert phr("sync", "clinc").status == 2

    ended = phr("disconnect", "clinic", "--json")
    expected = {"name": "clinic", "revoked": True, "unregistered": None, "records_removed": 0}
    assert ended.json["disconnected"][0] == {**expected, "already": False, "forgotten": True}
    assert phr("disconnect", "clinic").err == "clinic was already disconnected. Its records stay.\n"
    gone = phr("sync", "clinic")
    assert gone.status == 4
    assert "phr reconnect clinic" in gone.out
    assert phr("timeline", "--json").json["total"] > 100

    status, _, err = sign_in("reconnect", "clinic", "--no-sync")
    assert status == 0, err
    assert phr("sync", "--quiet").status == 0
    purged = phr("disconnect", "clinic", "--purge", "--yes", "--json")
    assert purged.json["disconnected"][0]["records_removed"] > 100
    assert phr("timeline", "--json").json["total"] == 0


def test_with_json_the_address_goes_to_stderr_and_stdout_is_one_document(
    hospital: Sandbox, process: Any
) -> None:
    answer = process(
        *("connect", "custom", "--url", hospital.fhir_base, "--client-id", hospital.client_id),
        *("--json", "--port", "0", "--timeout", "1"),
        DISPLAY="",
        WAYLAND_DISPLAY="",
        BROWSER="",
    )
    assert answer.status == 1
    assert answer.json["error"]["status"] == 1
    assert "http://127.0.0.1" in answer.err


def test_a_vendor_without_client_id_is_explained_with_the_recipe(phr: Any) -> None:
    answer = phr("connect", "epic-sandbox", "--no-browser")
    assert answer.status == 2
    assert "client id" in answer.err
    assert "PHR_EPIC_CLIENT_ID" in answer.err
    assert "config.toml" in answer.err
    assert "phr connect epic-sandbox --client-id" in answer.err
    assert "How to get one: phr providers show epic\n" in answer.err
    assert len(answer.err.splitlines()) == 3, "the recipe itself is a command away"


def test_a_vendor_without_an_address_is_explained_too_and_names_the_way_to_the_hospital(phr: Any) -> None:
    answer = phr("connect", "epic")
    assert answer.status == 2
    assert "client id" in answer.err.splitlines()[0]
    assert "PHR_EPIC_CLIENT_ID" in answer.err
    assert "phr providers search" in answer.err
    assert "phr connect ITS-ID --client-id" in answer.err
    assert "address of its own" in phr("connect", "epic", "--client-id", "x").err


def test_sync_refuses_a_mistyped_type_and_forgives_its_case(phr: Any, record: object) -> None:
    answer = phr("sync", "--type", "Observatoin")
    assert answer.status == 2
    assert "Observation" in answer.err
    assert phr("sync", "--type", "labs").status == 2
    assert phr("sync", "--type", "observation", "--dry-run", "--json").json["runs"][0]["types"] == [
        "Observation"
    ]


def test_a_mistyped_provider_names_the_nearest(phr: Any) -> None:
    answer = phr("connect", "epik", "--json")
    assert answer.status == 2
    assert "epic" in answer.json["error"]["hint"]


def test_org_chooses_at_that_vendor_or_lists_the_candidates(phr: Any) -> None:
    answer = phr("connect", "epic", "--org", "childrens")
    assert answer.status == 2
    assert "childrens" in answer.err
    assert "Choose one" in answer.err
    assert "client id" in phr("connect", "epic", "--org", "denver health").err
    assert "No organisation" in phr("connect", "oracle", "--org", "zzzqqq").err


def test_a_client_secret_that_is_not_there_is_a_usage_error(process: Any) -> None:
    answer = process("connect", "epic", "--client-secret-stdin", stdin="")
    assert answer.status == 2
    assert "stdin" in answer.err


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://fhir.example.org/r4", "must begin with https"),
        ("ftp://fhir.example.org/r4", "must begin with https"),
        ("https://ada:s3cret@fhir.example.org/r4", "may hold no name or password"),
        ("fhir.example.org/r4", "no address"),
        ("https://", "no address"),
    ],
)
def test_an_address_that_cannot_be_is_refused_before_anything(
    phr: Any, tmp_path: Path, url: str, words: str
) -> None:
    answer = phr("connect", "custom", "--url", url, "--client-id", "x", "--no-browser")
    assert (answer.status, answer.out) == (2, "")
    assert words in answer.err
    assert "s3cret" not in answer.err
    assert not [*tmp_path.rglob("records.db")]


@pytest.mark.parametrize(
    ("words", "said", "unsaid"),
    [
        (("nextgen",), "phr connect nextgen --client-id ID --client-secret-stdin", "usually hands out"),
        (
            ("nextgen", "--auth", "client_secret_basic"),
            "phr providers show nextgen",
            "needs the client secret",
        ),
        (("drchrono",), "phr connect drchrono --url FHIR_BASE --client-id", "Your hospital"),
        (("drchrono", "--client-id", "x"), "phr connect drchrono --url FHIR_BASE", "phr providers search"),
        (("sandbox",), "--url http://127.0.0.1:PORT/fhir, as phr sandbox prints it", "--client-id"),
    ],
)
def test_what_is_missing_is_said_with_the_next_thing_to_type(
    phr: Any, words: tuple[str, ...], said: str, unsaid: str
) -> None:
    answer = phr("connect", *words)
    assert answer.status == 2
    assert said in answer.err
    assert unsaid not in answer.err


def test_an_emptied_record_is_said_to_be_so_before_anybody_signs_in(
    phr: Any, record: Workspace, hospital: Sandbox
) -> None:
    record.paths.records(record.user).write_bytes(b"")
    answer = connect(hospital, "--timeout", "5")
    assert (answer[0], answer[1]) == (1, [""])
    assert answer[2] == phr("status").err
    assert "empty" in answer[2]
    assert record.paths.records(record.user).stat().st_size == 0


def test_a_damaged_store_of_secrets_keeps_nobody_from_leaving(phr: Any, record: Workspace) -> None:
    record.vault.secrets.set("token/k1", b"{}")
    record.vault.sealed_file.write_bytes(b"PHRSEAL1 damaged")
    answer = phr("disconnect", "clinic", "--json")
    assert answer.status == 0, answer.err
    one = answer.json["disconnected"][0]
    assert (one["revoked"], one["forgotten"], one["records_removed"]) == (None, False, 0)
    assert "nothing could be revoked" in answer.err
    assert phr("connections", "--json").json["connections"][0]["state"] == "revoked"
    purged = phr("disconnect", "clinic", "--purge", "--yes", "--json")
    assert (purged.status, purged.json["disconnected"][0]["records_removed"]) == (0, 6)


def test_one_name_or_all_but_not_both(phr: Any, record: Workspace) -> None:
    answer = phr("disconnect", "clinic", "--all", "--yes")
    assert answer.status == 2
    assert "Give a name or --all, not both." in answer.err


def test_an_unreachable_server_fails_one_run_and_quiet_says_it_on_stderr(phr: Any, record: object) -> None:
    answer = phr("sync", "--quiet")
    assert answer.status in (1, 4)
    assert answer.out == ""
    assert "clinic" in answer.err
    assert "phr " in answer.err, "what to do next"


def test_sync_without_connections_says_what_to_do(phr: Any, record: Any) -> None:
    assert phr("disconnect", "clinic").status == 0
    assert "phr reconnect" in phr("sync").err
    assert phr("disconnect", "--all", "--yes").status == 0
    assert phr("disconnect").status == 2


def test_another_run_holds_the_lock_is_exit_5(phr: Any, record: Any) -> None:
    with record.lock():
        answer = phr("sync", "--json")
    assert answer.status == answer.json["error"]["status"] == 5


def test_providers_are_listed_searched_and_shown(phr: Any) -> None:
    found = phr("providers", "search", "denver", "health", "--json").json["results"]
    assert found[0]["id"] == "denver-health"
    assert {"id", "name", "vendor", "place", "fhir_base"} <= set(found[0])
    assert len(phr("providers", "list", "--json").json["results"]) > 20
    assert len(phr("providers", "list", "--limit", "3", "--json").json["results"]) == 3
    assert "How to get a client id" in phr("providers", "show", "epic").out
    assert phr("providers", "show", "epic", "--json").json["recipe"]
    assert phr("providers", "search", "zzzqqq").status == 0


def test_sandbox_prints_one_line_of_json_and_ends_at_once_on_sigterm(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "phr", "sandbox", "--port", "0", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with child:
        assert child.stdout is not None
        line = child.stdout.readline()
        import orjson

        told = orjson.loads(line)
        assert set(told) == {"schema", "fhir_base", "client_id", "pid"}
        assert told["pid"] == child.pid
        assert httpx.get(told["fhir_base"] + "/metadata", trust_env=False).status_code == 200
        child.terminate()
        rest, err = child.communicate(timeout=5)
    assert (child.returncode, rest, err) == (0, b"", b"")


def test_an_unknown_fault_is_a_usage_error(phr: Any) -> None:
    answer = phr("sandbox", "--fault", "earthquake", "--json")
    assert answer.status == answer.json["error"]["status"] == 2
