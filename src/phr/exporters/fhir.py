"""One FHIR R4 Bundle, every resource as its source sent it, byte for byte.

Follows FHIR R4 2.36 (Bundle). The frame is written around the resources without reading them into a model, so
`1.20` stays `1.20` and nothing is lost that this program does not understand. A `collection` takes all resources as they
are; a `document` (3.3) has a Composition whose sections lead to each of them, and takes only valid ones.
"""

from __future__ import annotations

from collections import Counter
from typing import BinaryIO

import msgspec
import orjson

from phr.exporters.base import Exported, Handover
from phr.exporters.files import Counted
from phr.fhir import read


class _Head(msgspec.Struct):
    """What has to be known of a resource to count it."""

    resourceType: str = "unknown"  # noqa: N815 (FHIR's name)


_head = msgspec.json.Decoder(_Head)


def type_of(raw: bytes) -> str:
    """What a resource is, for the count of what a file holds; also of JSON that msgspec does not take."""
    try:
        return _head.decode(raw).resourceType
    except msgspec.MsgspecError:
        resource = read.parse_json(raw)
        found = resource.get("resourceType") if isinstance(resource, dict) else None
        return found if isinstance(found, str) else _Head().resourceType


class FhirExporter:
    """`phr export --format fhir`."""

    media_type = "application/fhir+json"
    suffix = ".json"

    def write(self, given: Handover, out: BinaryIO) -> Exported:
        if given.options.bundle == "document":
            from phr.exporters.fhir_document import write_document

            return write_document(given, out)
        to, types = Counted(out), Counter[str]()
        frame = orjson.dumps(
            {
                "resourceType": "Bundle",
                "id": given.header.id,
                "type": "collection",
                "timestamp": given.header.made,
            }
        )
        to.write(frame[:-1])
        between = b',"entry":[\n'
        for full_url, raw in given.resources():
            to.write(between + b'{"fullUrl":' + orjson.dumps(full_url) + b',"resource":' + raw + b"}")
            types[type_of(raw)] += 1
            between = b",\n"
        to.write(b"\n]}\n" if types else b"}\n")  # FHIR knows no empty lists
        return Exported(to.bytes, dict(sorted(types.items())), given.missing())
