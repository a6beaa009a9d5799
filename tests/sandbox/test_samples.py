"""Every shared Synthea file loads and is served whole; skipped where the samples are not at hand."""

from __future__ import annotations

import tarfile
import time
from pathlib import Path

import httpx
import orjson
import pytest

from phr.sandbox.config import SandboxConfig
from phr.sandbox.load import Loader
from phr.sandbox.references import resolve
from phr.sandbox.server import Sandbox

from .conftest import App

SYNTHEA = Path(__file__).parents[2] / ".." / "shared" / "samples" / "synthea"
pytestmark = pytest.mark.skipif(not SYNTHEA.is_dir(), reason="the shared Synthea samples are not here")

PATIENTS = SYNTHEA / "synthea-r4-20-patients.tar.gz"
LARGE = SYNTHEA / "large-patient-2176-resources.json.gz"
SUPPORT = SYNTHEA / "support-organisations-practitioners.tar.gz"


def resolved(*paths: Path) -> tuple[Loader, bytes, int]:
    loader = Loader()
    for path in paths:
        loader.add_file(path)
    found = resolve(loader.drafts)
    return loader, b"\n".join(draft.raw for draft in found.drafts), found.unresolved


def test_the_large_patient_is_served_whole_and_soon() -> None:
    began = time.monotonic()
    with Sandbox(SandboxConfig(data=(LARGE,))) as sandbox, httpx.Client(trust_env=False) as http:
        assert time.monotonic() - began < 10
        app, token = App(sandbox, http), sandbox.issue_token()

        assert sandbox.store.count() == 2176
        assert len(set(app.ids(f"Observation?patient={sandbox.patient}&_count=200", token))) == 1379
        bundle = app.fhir(f"Patient/{sandbox.patient}/$everything?_count=1", token).json()
        assert bundle["total"] == 2176
    assert b"urn:uuid:" not in resolved(LARGE)[1].replace(b'"value":"urn:uuid:', b"")


@pytest.mark.full
def test_all_twenty_patients_load_with_every_urn_resolved() -> None:
    loader, text, _ = resolved(PATIENTS)

    assert len(loader.drafts) == 8222
    assert loader.skipped == 0
    for line in text.split(b'"reference"')[1:]:
        assert not line.lstrip(b' :"').startswith(b"urn:")


@pytest.mark.full
def test_each_of_the_twenty_is_served_alone(tmp_path: Path) -> None:
    with tarfile.open(PATIENTS) as archive:
        archive.extractall(tmp_path, filter="data")
    files = sorted(tmp_path.rglob("*.json"))
    assert len(files) == 20
    for path in files:
        entries = orjson.loads(path.read_bytes())["entry"]
        with Sandbox(SandboxConfig(data=(path,))) as sandbox, httpx.Client(trust_env=False) as http:
            app, token = App(sandbox, http), sandbox.issue_token()
            assert sandbox.store.count() == len(
                {(e["resource"]["resourceType"], e["resource"]["id"]) for e in entries}
            )
            for type_ in sandbox.store.types():
                if type_ != "Binary":
                    assert len(app.ids(f"{type_}?_count=200", token)) == sandbox.store.count(type_), (
                        path,
                        type_,
                    )


@pytest.mark.full
def test_conditional_references_find_the_support_files() -> None:
    _, _, alone = resolved(PATIENTS)
    _, _, together = resolved(PATIENTS, SUPPORT)

    assert together < alone


@pytest.mark.full
@pytest.mark.parametrize(
    ("name", "at_least"),
    [("phr-ndjson.tar.gz", 1600), ("bulk-export-10-patients-partial.ndjson.tar.gz", 7000)],
)
def test_ndjson_loads(name: str, at_least: int) -> None:
    with Sandbox(SandboxConfig(data=(SYNTHEA / name,))) as sandbox:
        assert sandbox.store.count() >= at_least
        assert sandbox.store.count(patient=sandbox.patient) > 50
