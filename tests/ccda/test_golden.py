"""Entries against the truth beside them: `data/<name>.json` is the resource, `data/<name>.xml` its entry.

New expectations are written by `python tests/ccda/test_golden.py` and read by a person before commit.
"""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from phr.ccda.document import write_ccd

DATA = Path(__file__).parent / "data"
NAMES = sorted(path.stem for path in DATA.glob("*.json"))


def _entries(name: str) -> str:
    """All entries of the document made from the resources, as they stand in it."""
    resources = json.loads((DATA / f"{name}.json").read_text())
    entries = [
        {"fullUrl": f"https://ehr.example/fhir/{r['resourceType']}/{r['id']}", "resource": r}
        for r in resources
    ]
    ccd = write_ccd(
        {"resourceType": "Bundle", "type": "collection", "entry": entries},
        sources={"https://ehr.example/fhir": "Example Clinic"},
        document_id="0f5b8c7e-2f6d-4c55-9a3e-3d1f6a7b8c9d",
        now=datetime(2026, 3, 1, tzinfo=UTC),
    )
    found = re.findall(r"^ {5}<entry .*?^ {5}</entry>$", ccd.xml.decode(), re.MULTILINE | re.DOTALL)
    return "\n".join(re.sub(r"^ {5}", "", entry, flags=re.MULTILINE) for entry in found) + "\n"


@pytest.mark.parametrize("name", NAMES)
def test_the_entry_is_as_it_was_read_and_approved(name: str) -> None:
    assert _entries(name) == (DATA / f"{name}.xml").read_text()


if __name__ == "__main__":
    for each in NAMES:
        (DATA / f"{each}.xml").write_text(_entries(each))
        sys.stdout.write(f"{each}.xml\n")
