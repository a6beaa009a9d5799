"""Documents made from small Bundles, and the judge that lies beside a checkout."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from phr.ccda.document import Ccd, write_ccd

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
DOCUMENT_ID = "0f5b8c7e-2f6d-4c55-9a3e-3d1f6a7b8c9d"
NAMESPACES = {
    "c": "urn:hl7-org:v3",
    "sdtc": "urn:hl7-org:sdtc",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
}
BASE = "https://one.example/fhir"

Resource = dict[str, Any]


class Document:
    """A finished document, opened for questions."""

    def __init__(self, ccd: Ccd) -> None:
        self.ccd = ccd
        self.root = etree.fromstring(ccd.xml)

    def find(self, path: str) -> list[Any]:
        """XPath with the prefixes `c`, `sdtc` and `xsi`."""
        found = self.root.xpath(path, namespaces=NAMESPACES)
        assert isinstance(found, list)
        return found

    def one(self, path: str) -> Any:
        """The one thing at this path."""
        found = self.find(path)
        assert len(found) == 1, f"{len(found)} at {path}"
        return found[0]

    def section(self, loinc: str) -> Any:
        """The one section with this code."""
        return self.one(f"//c:section[c:code/@code='{loinc}']")

    def rows(self, loinc: str) -> list[list[str]]:
        """The cells of a section's table, row by row."""
        rows = self.find(f"//c:section[c:code/@code='{loinc}']/c:text/c:table/c:tbody/c:tr")
        return [["".join(cell.itertext()) for cell in row] for row in rows]

    def columns(self, loinc: str) -> list[str]:
        """The headings of a section's table."""
        return [str(t) for t in self.find(f"//c:section[c:code/@code='{loinc}']/c:text//c:th/text()")]


def collection(*resources: Resource, base: str = BASE) -> Resource:
    """A collection Bundle; resources without an id get one by their place."""
    entries = []
    for number, resource in enumerate(resources, 1):
        whole = {"id": str(number)} | resource
        entries.append({"fullUrl": f"{base}/{whole['resourceType']}/{whole['id']}", "resource": whole})
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


@pytest.fixture
def bundle() -> Callable[..., Resource]:
    """`bundle(resource, …, base=…)`: a collection Bundle."""
    return collection


@pytest.fixture
def write() -> Callable[..., Document]:
    """`write(resource, …)` or `write(bundle)`: the finished document."""

    def make(*resources: Resource, **options: Any) -> Document:
        whole = resources and resources[0].get("resourceType") == "Bundle"
        content = resources[0] if whole else collection(*resources)
        return Document(write_ccd(content, document_id=DOCUMENT_ID, now=NOW, **options))

    return make


@pytest.fixture
def errors(judge: Callable[[bytes, Path], list[str]], tmp_path: Path) -> Callable[[Resource], list[str]]:
    """`errors(bundle)`: what the judge finds wrong in the document made from it."""

    def judged(content: Resource, **options: Any) -> list[str]:
        ccd = write_ccd(content, document_id=DOCUMENT_ID, now=NOW, **options)
        return judge(ccd.xml, tmp_path)

    return judged
