"""Twenty-one records that nobody here wrote, served and synced: each resource must arrive byte for byte."""

from __future__ import annotations

import gzip
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from phr.exporters import registry
from phr.exporters.base import Options
from phr.sandbox.server import Sandbox
from phr.views.selection import EVERYTHING

Hospital = Callable[..., Sandbox]
QUICK = ("Almeda560", "Emerson_Feil", "Ramona980")
"""One of each make, small and with references of every spelling; the others run with `make test-full`."""


def members() -> list[Any]:
    """Every patient as a test; an absent folder of samples gives one test that is skipped with the reason."""
    folder = Path(__file__).parents[2] / ".." / "shared" / "samples" / "synthea"
    if not folder.is_dir():
        return [pytest.param(None, marks=pytest.mark.skip("needs the sample data beside the checkout"))]
    with tarfile.open(folder / "synthea-r4-20-patients.tar.gz") as archive:
        names = sorted(m.name for m in archive.getmembers() if m.isfile())
    quick = [name for name in names if Path(name).name.startswith(QUICK)]
    heavy = [name for name in (*names, "large") if name not in quick]
    return [*quick, *(pytest.param(name, marks=pytest.mark.full) for name in heavy)]


def unpacked(shared: Path, name: str, target: Path) -> Path:
    folder = shared / "samples" / "synthea"
    if name == "large":
        content = gzip.decompress((folder / "large-patient-2176-resources.json.gz").read_bytes())
    else:
        with tarfile.open(folder / "synthea-r4-20-patients.tar.gz") as archive:
            member = archive.extractfile(name)
            assert member is not None
            content = member.read()
    path = target / "patient.json"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", members())
def test_every_resource_within_reach_arrives_byte_for_byte(
    person: Any, hospital: Hospital, shared: Path, tmp_path: Path, name: str
) -> None:
    sandbox = hospital(data=(unpacked(shared, name, tmp_path),))
    person.connect(sandbox)
    first, second = person.sync(), person.sync()
    assert (first.status, first.exit_status) == ("completed", 0), first.runs[0].skipped
    served = {
        (one.type, one.id): one.raw for type_ in sandbox.store.types() for one in sandbox.store.of(type_)
    }
    with person.workspace.store() as store:
        kept = {(r[0], r[1]): r[2] for r in store.db.execute("SELECT type, fhir_id, raw FROM resource")}
    assert {key: raw for key, raw in served.items() if kept.get(key) != raw} == {}
    assert set(kept) == set(served)
    counts = second.runs[0].types.values()
    assert sum(c.new + c.updated + c.failed for c in counts) == 0
    assert judged(person, shared, tmp_path) == ""


def judged(person: Any, shared: Path, folder: Path) -> str:
    """What the strict judge of C-CDA documents says about the record's CCD; nothing when it has no error."""
    document = folder / "ccd.xml"
    with person.workspace.store() as store, document.open("wb") as out:
        registry.write(store, "ccd", EVERYTHING, out, Options())
    line = [sys.executable, str(shared / "ccda" / "validate_ccd.py"), "--strict", str(document)]
    result = subprocess.run(line, capture_output=True, text=True, check=False)
    return "" if result.returncode == 0 else result.stdout[-2000:]


def test_the_ccd_of_the_built_in_record_has_no_error(
    person: Any, hospital: Hospital, shared: Path, tmp_path: Path
) -> None:
    person.connect(hospital())
    person.sync()
    assert judged(person, shared, tmp_path) == ""
