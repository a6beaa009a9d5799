"""One FHIR answer as a file: a Bundle of any type, or a single resource.

Follows FHIR R4 2.36 (Bundle). Resources are cut out with their exact bytes; an entry without an id goes by the
UUID of its `fullUrl`, as the resources beside it call it.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from phr.errors import UnreadableFile
from phr.fhir import bundle
from phr.fhir.read import parse_json
from phr.importers.base import Names, Part, portions
from phr.model import Page, Problem, Received

LARGEST = 250_000_000
"""Bytes in one piece: a JSON document, or a line of NDJSON."""
MOST_ENTRIES = 500_000
"""Of one Bundle; so many of the smallest resources fill the bytes in one piece."""
_MOST_OBJECTS = 5_000_000
"""JSON objects in one piece: each takes many times its bytes in memory. Records have one for some 100 bytes."""
_MOST_VALUES = 12_000_000
_MOST_ODD_VALUES = 1_000_000
"""JSON values in what is no strict JSON, or in one resource: these are built one by one."""
_FEW = 100_000
_SHORTEST = 10
"""Bytes for each of more than a few values; records have some 80."""
TOO_RICH = "holds more in one piece than a record does"
IN_LINES = "Ask for the same record as NDJSON (one resource a line), which may be of any size"


class TooMuchError(ValueError):
    """More in one piece than can be held; its words end a sentence that begins with the name."""


class _Head(msgspec.Struct, gc=False):
    resourceType: str | None = None  # noqa: N815 (FHIR's name)
    id: str | None = None
    resource: _Head | None = None
    """Only in an entry that stands alone."""


class _Link(msgspec.Struct, gc=False):
    relation: str | None = None
    url: str | None = None


class _Response(msgspec.Struct, gc=False):
    status: str | None = None


class _Entry(msgspec.Struct, gc=False):
    resource: msgspec.Raw = msgspec.Raw()
    fullUrl: str | None = None  # noqa: N815 (FHIR's name)
    response: _Response | None = None


class _Bundle(msgspec.Struct):
    """As strict as the cutting in `phr.fhir.bundle`: what fails here is cut there in the way that takes memory."""

    resourceType: str  # noqa: N815 (FHIR's name)
    type: str | None = None
    total: int | None = None
    link: list[_Link] | None = None
    entry: list[_Entry] | None = None


_head = msgspec.json.Decoder(_Head)
_decoder = msgspec.json.Decoder(_Bundle)


def parts(body: bytes, name: str) -> Iterator[Part]:
    """The resources of one Bundle or of a bare one. Raises ValueError when the bytes are neither, UnreadableFile
    when they are more than can be held."""
    try:
        received, names, problems = cut(body)
    except TooMuchError as error:
        raise UnreadableFile(f"{name} {error}.", hint=IN_LINES) from None
    yield from portions(received, names, problems)


def cut(body: bytes) -> tuple[tuple[Received, ...], Names, tuple[Problem, ...]]:
    """One answer cut into resources, and what its entries are called by `urn:` addresses. Raises ValueError."""
    frame = _frame(body)
    names = _names(frame)
    del frame  # with a large Bundle this and what follows would be too much together
    received, problems = _bearable(bundle.split(body))
    return received, names, problems


def _frame(body: bytes) -> _Bundle | None:
    """The entries by name only; None where they are too odd to be read strictly. Raises TooMuchError."""
    if len(body) > _FEW:  # fewer bytes cannot hold so many
        values = body.count(b",")
        dense = values > _FEW and values * _SHORTEST > len(body)
        if dense or values > _MOST_VALUES or body.count(b"{") > _MOST_OBJECTS:
            raise TooMuchError(TOO_RICH)
    try:
        frame = _decoder.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        if is_rich(body):
            raise TooMuchError(TOO_RICH) from None
        return None
    if len(frame.entry or ()) > MOST_ENTRIES:
        raise TooMuchError(f"is a Bundle of more than {MOST_ENTRIES:,} entries")
    return frame


def is_rich(body: bytes) -> bool:
    """Whether these bytes hold so many values that they would fill the memory, each as an object of Python."""
    return len(body) > _MOST_ODD_VALUES and body.count(b",") > _MOST_ODD_VALUES


def _bearable(page: Page) -> tuple[tuple[Received, ...], tuple[Problem, ...]]:
    """Without resources that nothing could read as one piece."""
    odd = [one for one in page.received if is_rich(one.raw)]
    if not odd:
        return page.received, page.problems
    told = tuple(Problem(one.type, TOO_RICH, id=one.id) for one in odd)
    return tuple(one for one in page.received if not is_rich(one.raw)), (*page.problems, *told)


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
    if is_rich(body):
        return None
    try:
        value = parse_json(body)
    except ValueError:
        return None
    kind = value.get("resourceType") if isinstance(value, dict) else None
    return kind if isinstance(kind, str) else None


def _names(frame: _Bundle | None) -> Names:
    """`urn:uuid:…` → `Type/id`."""
    found: Names = {}
    for entry in (frame.entry if frame is not None else None) or ():
        if entry.fullUrl and entry.fullUrl.startswith("urn:"):
            try:
                head = _head.decode(entry.resource)
            except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
                continue  # without a resource, or an odd one: what it is called matters to nobody
            if head.resourceType:
                id_ = head.id or entry.fullUrl.removeprefix("urn:uuid:")
                found[entry.fullUrl] = f"{head.resourceType}/{id_}"
    return found
