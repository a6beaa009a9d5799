"""One FHIR answer as a file: a Bundle of any type, or a single resource.

Follows FHIR R4 2.36 (Bundle). Resources are cut out with their exact bytes; an entry without an id goes by the
UUID of its `fullUrl`, as the resources beside it call it.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from phr.fhir import bundle
from phr.fhir.read import parse_json
from phr.importers.base import Names, Part
from phr.model import Page

BATCH = 500


class _Head(msgspec.Struct):
    resourceType: str | None = None  # noqa: N815 (FHIR's name)
    id: str | None = None
    resource: _Head | None = None
    """Only in an entry that stands alone."""


class _Entry(msgspec.Struct):
    fullUrl: str | None = None  # noqa: N815 (FHIR's name)
    resource: _Head | None = None


class _Bundle(msgspec.Struct):
    entry: list[_Entry] | None = None


_head = msgspec.json.Decoder(_Head)
_decoder = msgspec.json.Decoder(_Bundle)


def parts(body: bytes) -> Iterator[Part]:
    """The resources of one Bundle or of a bare one. Raises ValueError when the bytes are neither."""
    page, names = cut(body)
    for at in range(0, max(len(page.received), 1), BATCH):
        first = at == 0
        yield page.received[at : at + BATCH], names if first else {}, page.problems if first else ()


def cut(body: bytes) -> tuple[Page, Names]:
    """One answer cut into resources, and what its entries are called by `urn:` addresses."""
    return bundle.split(body), _names(body)


def resource_type(body: bytes) -> str | None:
    """The type of the one resource that these bytes are; None when they are something else.

    One entry without its Bundle (`{"fullUrl", "resource"}`) counts as a Bundle.
    """
    try:
        head = _head.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        pass
    else:
        return head.resourceType or ("Bundle" if head.resource and head.resource.resourceType else None)
    try:
        value = parse_json(body)
    except ValueError:
        return None
    kind = value.get("resourceType") if isinstance(value, dict) else None
    return kind if isinstance(kind, str) else None


def _names(body: bytes) -> Names:
    """`urn:uuid:…` → `Type/id`. Empty where the frame is too odd to be read strictly."""
    try:
        frame = _decoder.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return {}
    found: Names = {}
    for entry in frame.entry or ():
        if (
            entry.fullUrl
            and entry.fullUrl.startswith("urn:")
            and entry.resource
            and entry.resource.resourceType
        ):
            id_ = entry.resource.id or entry.fullUrl.removeprefix("urn:uuid:")
            found[entry.fullUrl] = f"{entry.resource.resourceType}/{id_}"
    return found
