"""An own CA is a setting that the whole program obeys, and never one that somebody else has written."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from phr.errors import UsageError
from phr.fhir import trust
from phr.workspace import Workspace

from .pki import Quiet, issue, serving

CA = issue("Test CA", ca=True)


class Clinic(Quiet):
    """An open FHIR server with one patient."""

    def do_GET(self) -> None:  # noqa: N802 - as http.server calls it
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        found: dict[str, Any] | None = None
        if self.path.endswith("/metadata"):
            found = {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "rest": []}
        elif "/Patient" in self.path:
            found = {"resourceType": "Patient", "id": "p1", "name": [{"family": "Test"}]}
        body = orjson.dumps(found or {"resourceType": "OperationOutcome", "issue": []})
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "application/fhir+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def own_ca(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "ca.pem"
    path.write_bytes(CA.pem)
    path.chmod(0o644)
    yield path
    trust.configure(None)


def phr(folder: Path, *words: str, **environ: str) -> tuple[int, str]:
    """The real program, in a process of its own: exit status and what it said on stderr."""
    key = folder / "test.key"
    key.write_bytes(bytes(32))
    key.chmod(0o600)
    environ = {**os.environ, "PHR_KEY_FILE": str(key), **environ}
    done = subprocess.run(
        [sys.executable, "-m", "phr", *words], env=environ, capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stderr


def test_the_program_signs_in_at_a_server_of_an_own_ca_only_when_that_is_set(
    tmp_path: Path, own_ca: Path
) -> None:
    with serving(tmp_path, issue("server", CA, hosts=("127.0.0.1",)), handler=Clinic) as server:
        base = f"https://127.0.0.1:{server.server_address[1]}/r4"
        words = ("connect", "custom", "--url", base, "--auth", "none", "--patient", "p1", "--no-sync")

        status, said = phr(tmp_path, *words)
        assert status != 0 and "a certificate from somebody this computer does not know" in said
        assert server.asked == []  # type: ignore[attr-defined]

        status, said = phr(tmp_path, *words, PHR_NETWORK_CA_FILE=str(own_ca))
        assert status == 0, said
        assert any("Patient" in path for path in server.asked)  # type: ignore[attr-defined]

        config = tmp_path / "home" / "config"
        config.mkdir(mode=0o700, exist_ok=True)
        (config / "config.toml").write_text(f'[network]\nca_file = "{own_ca}"\n')
        status, said = phr(tmp_path, *words, "--name", "again")
        assert status == 0, said


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
def test_an_own_ca_that_others_can_write_is_not_trusted(own_ca: Path, tmp_path: Path) -> None:
    Workspace({"PHR_HOME": str(tmp_path), "PHR_NETWORK_CA_FILE": str(own_ca)})
    trust.context()
    assert trust.check(own_ca) == 1

    own_ca.chmod(0o666)
    with pytest.raises(UsageError, match="others can write it"):
        trust.check(own_ca)


def test_another_workspace_without_an_own_ca_trusts_the_usual_ones_alone(
    own_ca: Path, tmp_path: Path
) -> None:
    usual = trust.context().cert_store_stats()["x509_ca"]
    Workspace({"PHR_HOME": str(tmp_path), "PHR_NETWORK_CA_FILE": str(own_ca)})
    assert trust.context().cert_store_stats()["x509_ca"] == usual + 1
    Workspace({"PHR_HOME": str(tmp_path)})
    assert trust.context().cert_store_stats()["x509_ca"] == usual


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
@pytest.mark.parametrize("name", ["providers_file", "organisations"])
def test_addresses_from_a_file_that_others_can_write_are_not_used(tmp_path: Path, name: str) -> None:
    here = Workspace({"PHR_HOME": str(tmp_path)})
    moved = here.paths.providers_file if name == "providers_file" else here.paths.data / "organisations.tsv"
    moved.parent.mkdir(parents=True)
    moved.write_text(
        '[providers.cleveland-clinic]\nfhir_base = "https://evil.example/r4"\n'
        if name != "organisations"
        else ""
    )
    moved.chmod(0o666)
    with pytest.raises(UsageError, match="others can write it") as caught:
        _ = here.catalog
    assert f"chmod go-w {moved}" in str(caught.value.hint)
    moved.chmod(0o644)
    assert here.catalog.find("cleveland-clinic")
