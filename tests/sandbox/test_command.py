"""`phr sandbox` as a program: the line it prints, and what its options register."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from .keys import ASSERTION_TYPE, EC, JWKS, assertion


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., dict[str, Any]]]:
    """Start `phr sandbox --json` with options; answers its line."""
    data = tmp_path / "ada.ndjson"
    data.write_bytes(orjson.dumps({"resourceType": "Patient", "id": "ada"}))
    with ExitStack() as stack:

        def begin(*options: str) -> dict[str, Any]:
            command = [sys.executable, "-m", "phr", "sandbox", "--json", "--data", str(data), *options]
            process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE))
            stack.callback(process.terminate)
            assert process.stdout is not None
            return dict(orjson.loads(process.stdout.readline()))

        yield begin


def test_a_vendor_is_told_with_what_is_registered_there(run: Callable[..., dict[str, Any]]) -> None:
    said = run("--vendor", "cerner", "--redirect-uri", "https://me.example/cb", "--token-seconds", "5")

    assert said["vendor"] == "oracle"
    assert said["patient"] == "ada"
    assert {"https://me.example/cb", "https://phr.invalid/callback"} <= set(said["redirect_uris"])
    with httpx.Client(trust_env=False) as http:
        where = http.get(said["fhir_base"] + "/.well-known/smart-configuration").json()
        form = {"grant_type": "client_credentials", "scope": "system/*.read"}
        auth = (said["confidential_client_id"], said["client_secret"])
        assert http.post(where["token_endpoint"], data=form, auth=auth).json()["expires_in"] == 5


def test_other_programs_change_it_only_when_that_is_wanted(run: Callable[..., dict[str, Any]]) -> None:
    ruled, closed = run("--control"), run()
    gone = {"address": "Patient/ada"}
    with httpx.Client(trust_env=False) as http:
        assert http.post(ruled["control"] + "/delete", json=gone).status_code == 200
        assert http.post(ruled["control"] + "/delete", json=gone).status_code == 404
        elsewhere = closed["fhir_base"].removesuffix("/fhir") + "/_control/delete"
        assert http.post(elsewhere, json=gone).text == "Nothing here."
    assert set(closed) == {"schema", "fhir_base", "client_id", "pid"}


@pytest.mark.parametrize("wrap", [False, True])
def test_keys_are_registered_from_a_file(
    run: Callable[..., dict[str, Any]], tmp_path: Path, wrap: bool
) -> None:
    path = tmp_path / "jwks.json"
    path.write_bytes(orjson.dumps({"schema": 1, "jwks": JWKS} if wrap else JWKS))
    said = run("--jwks", str(path))
    address = said["fhir_base"].removesuffix("/fhir") + "/oauth/token"
    form = {
        "grant_type": "client_credentials",
        "scope": "system/*.rs",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion(said["key_client_id"], address, time.time()),
    }

    with httpx.Client(trust_env=False) as http:
        token = http.post(address, data=form).json()["access_token"]
        found = http.get(said["fhir_base"] + "/Patient", headers={"Authorization": f"Bearer {token}"})

    assert found.json()["total"] == 1


def test_what_makes_no_sense_is_a_usage_error(tmp_path: Path) -> None:
    private = tmp_path / "private.json"
    private.write_bytes(orjson.dumps({"keys": [EC.export_private(as_dict=True)]}))
    for options, words in (
        (["--vendor", "athenahelth"], "athenahealth"),
        (["--jwks", str(private)], "public keys only"),
        (["--jwks", str(tmp_path / "missing.json")], "phr keys show"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "phr", "sandbox", *options], capture_output=True, text=True, timeout=20
        )
        assert done.returncode == 2, done.stderr
        assert words in done.stderr
        assert EC.export_private(as_dict=True)["d"] not in done.stderr
