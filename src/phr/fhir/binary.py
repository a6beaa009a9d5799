"""Attachments: where their bytes may be fetched, and taking them out of a FHIR Binary (R4 binary.html).

Seen: relative (`Binary/…`), absolute on the base, a path outside FHIR on the same host that needs the bearer
(NextGen), an unrelated web site, the string `none` (DrChrono), `data:`; base64 with line breaks or without
padding; a JSON wrapper although raw bytes were asked for.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import unquote_to_bytes, urljoin

import msgspec

from phr.errors import FhirError, Refused
from phr.fhir import links, outcome, read
from phr.fhir.transport import Answer, host_of, is_loopback, is_safe

LIMIT = 100_000_000
"""Bytes of one document; larger ones are refused by name."""


_LARGE, _MOST_PARTS = 1_000_000, 500_000
"""JSON of more bytes and more parts is not read as a whole: it is no Binary, and takes fifty times its size of memory."""


class _Wrapper(msgspec.Struct):
    """What counts of a Binary; everything else is passed over without becoming anything."""

    resourceType: msgspec.Raw = msgspec.Raw()  # noqa: N815 (FHIR's name)
    contentType: msgspec.Raw = msgspec.Raw()  # noqa: N815 (FHIR's name)
    data: msgspec.Raw = msgspec.Raw()
    content: msgspec.Raw = msgspec.Raw()  # `data` until DSTU2


class TooLarge(Refused):
    """More bytes than are taken in."""


class Damaged(Refused):
    """A document came, but its bytes cannot be read or are none."""


def is_too_large(error: object) -> bool:
    """Whether what came was cut off at a limit of ours: an answer that was good until then."""
    if isinstance(error, TooLarge):
        return True
    good = isinstance(error, FhirError) and error.http_status is not None and error.http_status < 300
    return good and isinstance(error, Refused) and "MB at once" in error.message


def address(base: str, url: str) -> tuple[str, bool]:
    """The absolute address, and whether it is on the base's own origin. Raises Refused for other schemes."""
    url = url.strip()
    if not url or url.lower() == "none":
        raise Refused("The document has no address.")
    try:
        absolute = urljoin(base.rstrip("/") + "/", url)
        if links.same_origin(absolute, base):
            return links.redirect_address(base, absolute), True
        host = (links.origin(absolute)[1], links.origin(base)[:2])
        if absolute.lower().startswith("http:") and host == (host[1][1], ("https", host[0])):
            return links.redirect_address(base, absolute), True
    except ValueError:
        raise Refused("The document's address cannot be read.") from None
    if not is_safe(absolute, loopback=is_loopback(base)):
        raise Refused("The document is on another server that does not use https.")
    if is_inside(host_of(absolute)) and not is_inside(host_of(base)):
        raise Refused("The document's address is one inside a private network.")
    return absolute, False


def is_inside(host: str) -> bool:
    """Whether a host is named as only this computer or its own network knows it: a record has no business there.

    Names are not looked up; a public name that points inside meets a certificate that does not fit it.
    """
    host = host.rstrip(".").lower()
    if "." not in host and ":" not in host:
        return True
    if host.endswith((".localhost", ".local", ".internal", ".lan", ".home.arpa")):
        return True
    try:
        return not ipaddress.ip_address(host.partition("%")[0]).is_global
    except ValueError:
        # Old spellings of IPv4 (0x7f.1) are no host names: those never end in a number (RFC 1123, section 2.1).
        return host.rpartition(".")[2][:1].isdigit()


def unwrap(answer: Answer, secrets: tuple[str, ...] = ()) -> tuple[bytes, str | None]:
    """The document itself, whether it came raw or inside a Binary resource. Refused for an OperationOutcome."""
    media_type = answer.media_type or None
    if not answer.body[:_LARGE].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return answer.body, media_type
    wrapper = _wrapper(answer.body)
    kind = wrapper.get("resourceType")
    if kind == "OperationOutcome":
        raise Refused(f"No document: {outcome.reason(answer, secrets)}.", http_status=answer.status)
    if kind != "Binary":
        return answer.body, media_type
    inner = wrapper.get("contentType")
    data = wrapper.get("data", wrapper.get("content"))
    if not isinstance(data, str):
        raise Damaged("The document is empty.", http_status=answer.status)
    return decode(data), inner if isinstance(inner, str) else None


def _wrapper(body: bytes) -> dict[str, object]:
    """The elements of a wrapper that count; empty for what is none, or cannot be read within bounds."""
    try:
        found = msgspec.json.decode(body.removeprefix(b"\xef\xbb\xbf"), type=_Wrapper)
        raw = {name: getattr(found, name) for name in _Wrapper.__struct_fields__}
        return {name: _text(one) for name, one in raw.items() if memoryview(one).nbytes}
    except (ValueError, RecursionError):  # what strict readers refuse and servers send, such as NaN
        pass
    if len(body) > _LARGE and sum(map(body.count, (b"{", b"[", b","))) > _MOST_PARTS:
        return {}
    wrapper = outcome.parse(body)
    return wrapper if isinstance(wrapper, dict) else {}


def _text(raw: msgspec.Raw) -> str | None:
    """A JSON string; None for any other value, however large."""
    try:
        return msgspec.json.decode(raw, type=str)
    except (ValueError, RecursionError):
        return None


def decode(data: str) -> bytes:
    """base64 as `read.base64_bytes` takes it. Raises Damaged where that is none."""
    content = read.base64_bytes(data)
    if content is None:
        raise Damaged("The document's content is damaged.")
    return content


def from_data_url(url: str) -> tuple[bytes, str | None]:
    """RFC 2397. The bytes and the media type."""
    head, comma, data = url[5:].partition(",")
    if not comma:
        raise Refused("The document's address cannot be read.")
    media_type = head.partition(";")[0].strip().lower() or None
    if head.lower().endswith(";base64"):
        return decode(unquote_to_bytes(data).decode("ascii", "replace")), media_type
    return unquote_to_bytes(data), media_type
