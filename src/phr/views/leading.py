"""Where the references of what is handed on lead: inside the Bundle, to what says the same, or by the names of a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from phr.fhir import read
from phr.model import Resource
from phr.views.events import marks

if TYPE_CHECKING:
    from phr.views.bundle import Contents

_BATCH = 200
URN = "urn:uuid:"


def lead(
    resource: Resource,
    source: int,
    base: str,
    types: Mapping[tuple[int, str], str],
    moved_to: Mapping[tuple[int, str], str],
) -> None:
    """Let the references of a resource lead somewhere inside the Bundle.

    `urn:uuid:…` becomes `Type/id`, which the base of the source makes whole again; what is not in the Bundle is led
    to what says the same.
    """
    for node in _references(resource):
        target = node["reference"]
        if target.startswith(URN):
            id_ = target[len(URN) :]
            type_ = types.get((source, id_))
            if type_ is None:
                continue
            target = node["reference"] = f"{type_}/{id_}"
        if moved_to and ("://" not in target or target.startswith(f"{base}/")):
            full_url = moved_to.get((source, read.reference(node) or ""))
            if full_url is not None:
                node["reference"] = full_url


def _references(resource: Resource) -> Iterator[dict[str, Any]]:
    """Each Reference of a resource that says where to (FHIR R4 2.3.0)."""
    open_: list[object] = [resource]
    while open_:
        node = open_.pop()
        if isinstance(node, dict):
            if isinstance(node.get("reference"), str):
                yield node
            open_.extend(node.values())
        elif isinstance(node, list):
            open_.extend(node)


def moved(db: Any, what: Contents) -> tuple[dict[tuple[int, str], str], dict[str, tuple[str, ...]]]:
    """`(source, Type/id)` of what is not in a document to the fullUrl that stands for it; who else says each."""
    rows = sorted({*what.copies, *what.copies.values()})
    urls: dict[int, tuple[int, str]] = {}
    for at in range(0, len(rows), _BATCH):
        part = rows[at : at + _BATCH]
        found = db.execute(
            f"SELECT id, source_id, type || '/' || fhir_id FROM resource WHERE id IN ({marks(part)})", part
        )
        urls.update((row[0], (row[1], row[2])) for row in found)
    moved: dict[tuple[int, str], str] = {}
    also: dict[str, tuple[str, ...]] = {}
    for copy, main in what.copies.items():
        source, address = urls[main]
        full_url = f"{what.bases[source]}/{address}"
        moved[urls[copy]] = full_url
        names = (*also.get(full_url, ()), what.names[urls[copy][0]])
        also[full_url] = tuple(dict.fromkeys(name for name in names if name != what.names[source]))
    return moved, {url: names for url, names in also.items() if names}


def opened(db: Any, what: Contents) -> Iterator[str]:
    """fullUrls of the resources with a document that an import has read, and that was not undone."""
    for at in range(0, len(what.ids), _BATCH):
        part = what.ids[at : at + _BATCH]
        rows = db.execute(
            "SELECT DISTINCT x.source_id, x.type || '/' || x.fhir_id FROM attachment a"
            " JOIN resource x ON x.id = a.resource_id JOIN document_import i ON i.document_id = a.document_id"
            f" JOIN sync_run u ON u.id = i.run_id WHERE u.undone IS NULL AND a.resource_id IN ({marks(part)})",
            part,
        )
        yield from (f"{what.bases[source]}/{address}" for source, address in rows)


def linked_by_urn(db: Any, what: Contents) -> frozenset[int]:
    """Sources without a server whose resources refer to each other by `urn:uuid:`, as Synthea's files do."""
    found = set()
    for source, base in what.bases.items():
        if (
            base.startswith("https://phr.invalid/")
            and db.execute(
                "SELECT 1 FROM resource WHERE source_id = ? AND instr(raw, CAST('\"urn:uuid:' AS BLOB)) LIMIT 1",
                (source,),
            ).fetchone()
        ):
            found.add(source)
    return frozenset(found)
