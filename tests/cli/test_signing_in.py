"""What a person types to sign in in other ways, to see the keys, and to look at what came of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from phr.cli.granted import WORDS, granted_lines, lasting_line
from phr.cli.sign_in_options import speaker
from phr.cli.status import attention_lines, connection_table
from phr.cli.text import Screen, width
from phr.model import Connection, Refusal
from phr.sandbox.config import SandboxConfig
from phr.sandbox.server import Sandbox
from phr.smart import scopes
from phr.sync.types import COMPARTMENT
from phr.workspace import Workspace


@pytest.fixture(scope="module")
def hospital() -> Iterator[Sandbox]:
    with Sandbox(SandboxConfig(auto_approve=True)) as opened:
        yield opened


def started(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "phr", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ.copy(),
    )


def test_the_answer_can_be_pasted_without_any_terminal(phr: Any, hospital: Sandbox) -> None:
    where = ("custom", "--url", hospital.fhir_base, "--client-id", hospital.client_id, "--name", "clinic")
    child = started("connect", *where, "--redirect", "paste", "--no-browser", "--no-sync")
    with child:
        assert child.stdout is not None
        address = child.stdout.readline().strip()
        with httpx.Client(trust_env=False) as browser:
            answer = browser.get(address)
            while not answer.headers["location"].startswith("http://127.0.0.1:8765/"):
                answer = browser.get(str(answer.url.join(answer.headers["location"])))
        out, err = child.communicate(answer.headers["location"] + "\n", timeout=30)
    assert (child.returncode, out) == (0, ""), err
    assert "Paste its whole address" in err
    one = phr("connections", "show", "clinic", "--json").json
    assert (one["redirect"], one["redirect_uri"]) == ("paste", "http://127.0.0.1:8765/callback")
    nobody = started("reconnect", "clinic", "--no-browser", "--no-sync")
    _, err = nobody.communicate("", timeout=30)
    assert nobody.returncode == 1
    assert "No address was pasted" in err


def test_an_interrupted_sign_in_says_that_nothing_was_changed(hospital: Sandbox) -> None:
    where = ("custom", "--url", hospital.fhir_base, "--client-id", hospital.client_id)
    child = started("connect", *where, "--no-browser", "--port", "0")
    with child:
        assert child.stdout is not None
        assert child.stdout.readline().startswith("http")
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=30)
    assert child.returncode == 130
    assert "nothing was changed" in err
    assert f"phr connect custom --url {hospital.fhir_base} --client-id {hospital.client_id}\n" in err
    assert "Traceback" not in err


def test_a_token_comes_from_stdin_and_is_shown_nowhere(process: Any, hospital: Sandbox) -> None:
    token = hospital.issue_token()
    where = ("custom", "--url", hospital.fhir_base, "--name", "clinic")
    answer = process(
        "connect", *where, "--token-stdin", "--patient", hospital.patient, "--json", stdin=token + "\n"
    )
    assert answer.status == 0, answer.err
    assert answer.json["connection"]["auth"] == "bearer"
    assert answer.json["sync"]["status"] == "completed"
    assert token not in answer.out + answer.err
    none = process("reconnect", "clinic")
    assert none.status == 2
    assert "phr reconnect clinic --token-stdin" in none.err
    both = process("connect", *where, "--token-stdin", "--client-secret-stdin", stdin="x\n")
    assert both.status == 2
    wrong = process("connect", *where, "--token-stdin", "--patient", "x", stdin="wrong\n")
    assert wrong.status == 1
    assert "does not accept this token" in wrong.err


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("connect", "epci"), "epic"),
        (("connect", "custom", "--url", "https://x.example/r4", "--auth", "privat-key"), "private_key"),
        (("connect", "custom", "--url", "https://x.example/r4", "--redirect", "pasted"), "paste"),
        (
            ("connect", "epic-sandbox", "--client-id", "x", "--auth", "private-key-jwt"),
            "phr keys show epic",
        ),
        (("connect", "custom", "--url", "https://x.example/r4", "--auth", "backend"), "--client-id"),
        (("connect", "meditech", "--url", "https://x.example/r4"), "PHR_MEDITECH_CLIENT_ID"),
        (("connect", "custom", "--url", "https://x.example/r4", "--auth", "bearer"), "--token-stdin"),
        (("keys", "rotate", "nobody"), "phr keys show nobody"),
        (("connections", "capabilities", "nobody"), "phr connect"),
    ],
)
def test_slips_are_told_with_the_way_out(phr: Any, record: Any, words: tuple[str, ...], hint: str) -> None:
    answer = phr(*words)
    assert answer.status == 2
    assert hint in answer.err or words[0] == "connections"
    assert answer.out == ""


def test_keys_are_a_jwk_set_in_both_forms_and_stay_until_rotated(phr: Any, record: Workspace) -> None:
    import orjson

    first = phr("keys", "show", "epic")
    assert first.status == 0
    assert "phr connect epic --auth private_key_jwt" in first.err
    jwks = orjson.loads(first.out)
    assert set(jwks) == {"keys"}
    again = phr("keys", "show", "epic", "--json")
    assert again.json == {"schema": 1, **jwks}
    assert again.err == ""
    rotated = phr("keys", "rotate", "epic", "--json")
    assert rotated.json["keys"][0]["kid"] != jwks["keys"][0]["kid"]
    assert "Register these keys" in rotated.err
    assert "phr reconnect clinic" in phr("keys", "show", "clinic").err
    assert "--name lakeside" in phr("keys", "show", "lakeside").err
    assert phr("keys", "show", "a/b").status == 2
    for slip, meant in (("epci", "epic"), ("Denver-Helth", "denver-health"), ("cliniv", "clinic")):
        answer = phr("keys", "show", slip)
        assert (answer.status, answer.out) == (2, "")
        assert f"Did you mean {meant}?" in answer.err
    for name in ("zebra", "clinic-2"):
        assert phr("keys", "show", name).status == 0


def test_capabilities_as_a_table_and_as_json(phr: Any, process: Any, hospital: Sandbox) -> None:
    where = ("custom", "--url", hospital.fhir_base, "--name", "clinic")
    token = hospital.issue_token()
    made = process(
        "connect", *where, "--token-stdin", "--patient", hospital.patient, "--no-sync", stdin=token
    )
    assert made.status == 0, made.err
    found = phr("connections", "capabilities", "clinic", "--json").json
    assert {"types", "bulk", "everything", "write", "rate_limit"} <= set(found)
    one = next(one for one in found["types"] if one["type"] == "Observation")
    assert set(one) == {"type", "searchable", "granted", "last_updated", "required"}
    assert one["searchable"] is True
    shown = phr("connections", "capabilities", "clinic")
    assert shown.out.splitlines()[0].split() == ["TYPE", "SEARCH", "GRANTED", "SINCE", "NEEDS"]
    assert "Rate limit:" in shown.out


def test_who_needs_a_sign_in_soon_is_marked_in_every_listing(phr: Any, record: Workspace) -> None:
    with record.store() as store:
        one = store.connections.get("clinic")
        store.connections.save(replace(one, sign_in_before="2030-01-01T00:00:00Z"))
    listed = phr("connections").out
    assert "clinic sign in again before 20" in listed
    assert "active !" not in listed
    with record.store() as store:
        store.connections.save(replace(one, sign_in_before="2026-01-01T00:00:00Z"))
    for command in ("connections", "status"):
        out = phr(command).out
        assert "active !" in out
        assert "the sign-in ended at" in out
        assert "phr reconnect clinic" in out
    assert phr("connections", "--json").json["connections"][0]["sign_in_before"] == "2026-01-01T00:00:00Z"


MADE = Connection(
    key="k",
    name="clinic",
    provider="epic",
    vendor="epic",
    organisation="Clinic",
    fhir_base="https://x.example/r4",
    client_id="c",
    granted_scopes=("patient/Observation.rs", "patient/MedicationRequest.read", "patient/Goal.cud"),
    refused=(Refusal("Immunization", "not granted at sign-in"), Refusal("Zebra", "not granted at sign-in")),
)


def test_a_patient_reads_kinds_of_record_and_not_scopes() -> None:
    lines = granted_lines(MADE)
    assert lines[1] == "  Granted: medications, results and vital signs"
    assert lines[2] == "  Not to be had: vaccines (Immunization), Zebra (not granted at sign-in)"
    more = (*MADE.refused, Refusal("CarePlan", scopes.why_not("", "CarePlan", ("patient/Goal.rs",))))
    lines = granted_lines(replace(MADE, refused=more))
    assert lines[2] == "  Not to be had: vaccines (Immunization), Zebra (not granted at sign-in)"
    assert lines[3] == "  Not asked for: care plans (CarePlan)"


def test_there_is_a_word_for_every_type_that_is_asked_for() -> None:
    assert {*COMPARTMENT, "Patient"} - {*WORDS} == set()


def test_what_a_provider_says_is_one_line_on_the_screen(capsys: pytest.CaptureFixture[str]) -> None:
    speaker(no_browser=True, to_stderr=True, timeout=1).say("It is Ada\n\x1b[2JError: none\u202e.")
    assert capsys.readouterr().err == "It is Ada [2JError: none .\n"


LISTED = {
    "name": "clinic", "state": "active", "health": "healthy", "resources": 1234, "last_sync": None, "every": "24h",
    "auto_sync": True, "organisation": "Harrow Clinic and Hospital of the Northern Valley", "patient_id": "p1",
    "patient_name": "Ada Maria Example-Longname", "fhir_user": "Patient/p1", "sign_in_before": None,
}  # fmt: skip


@pytest.mark.parametrize("columns", [60, 80, 120, None])
def test_several_connections_say_whose_they_are_and_where(columns: int | None) -> None:
    bo = {"patient_name": "Bo", "fhir_user": "https://x.example/r4/RelatedPerson/9", "state": "revoked"}
    lines = connection_table([LISTED, {**LISTED, **bo, "name": "bo"}], Screen(columns, colour=False))
    assert all(width(line) <= (columns or 999) for line in lines)
    assert "Bo (for a relative)" in "\n".join(lines)
    assert "Ada Maria Example-" in "\n".join(lines)
    assert "Harrow Clinic" in "\n".join(lines)
    assert next(line for line in lines if line.startswith("bo ")).count("–") == 1, "nothing is asked of it"
    assert not any("healthy" in line for line in lines if line.startswith("bo "))
    assert len(connection_table([LISTED], Screen(columns, colour=False))) == 2
    assert "Ada" not in "".join(connection_table([LISTED], Screen(columns, colour=False)))


def test_an_end_for_want_of_use_is_put_off_by_syncing() -> None:
    one = {**LISTED, "attention": [], "sign_in_before": "2030-01-01T12:00:00Z", "sign_in_soon": False}
    for by_sync in (True, False):
        [line] = attention_lines([{**one, "renewed_by_sync": by_sync}], Screen(None, colour=False))
        assert line.endswith("unless it is synced before then") is by_sync
    narrow = [*attention_lines([{**one, "renewed_by_sync": True}], Screen(60, colour=False))]
    assert len(narrow) == 2 and max(map(len, narrow)) <= 60, "nothing is cut off"


def test_a_sign_in_that_ends_for_want_of_use_is_said_so() -> None:
    made = replace(MADE, connected="2030-01-01T12:00:00Z", sign_in_before="2030-01-03T12:00:00Z")
    assert "not used for 48 hours" in lasting_line(made, 48)
    assert "not used for 90 days" in lasting_line(replace(made, sign_in_before="2030-04-01T12:00:00Z"), 2160)
    assert "Sign in again before" in lasting_line(made, 2160), "another end comes first"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, "phr sync renews it by itself"),
        ({"auth": "none"}, "open"),
        ({"auth": "bearer"}, "bring a new one"),
        ({"sign_in_before": "2030-01-01T12:00:00Z"}, "until then phr sync renews it"),
        (
            {"sign_in_before": "2030-01-01T12:00:00Z", "token_expires": "2030-01-01T12:00:00Z"},
            "cron cannot do that",
        ),
    ],
)
def test_how_long_it_lasts_is_said_in_words(changed: dict[str, str], words: str) -> None:
    line = lasting_line(replace(MADE, **changed))
    assert words in line
    assert ("before 2030-01-0" in line) is ("sign_in_before" in changed)
