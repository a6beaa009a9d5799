"""Attachments: where their bytes may be fetched, and taking them out of a FHIR Binary (R4 binary.html).

Seen: relative (`Binary/…`), absolute on the base, a path outside FHIR on the same host that needs the bearer
(NextGen), an unrelated web site, the string `none` (DrChrono), `data:`; base64 with line breaks or without
padding; a JSON wrapper although raw bytes were asked for.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import unquote_to_bytes, urljoin

from phr.errors import Refused
from phr.fhir import links, outcome, read
from phr.fhir.transport import Answer, host_of, is_safe

LIMIT = 100_000_000
"""Bytes of one document; larger ones are refused by name."""


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
    if not is_safe(absolute, loopback=False):
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
    if not answer.body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return answer.body, media_type
    wrapper = outcome.parse(answer.body)
    if not isinstance(wrapper, dict):
        return answer.body, media_type
    if wrapper.get("resourceType") == "OperationOutcome":
        raise Refused(f"No document: {outcome.reason(answer, secrets)}.", http_status=answer.status)
    if wrapper.get("resourceType") != "Binary":
        return answer.body, media_type
    inner = wrapper.get("contentType")
    data = wrapper.get("data", wrapper.get("content"))  # `content` until DSTU2
    if not isinstance(data, str):
        raise Refused("The document is empty.", http_status=answer.status)
    return decode(data), inner if isinstance(inner, str) else None


def decode(data: str) -> bytes:
    """base64 as `read.base64_bytes` takes it. Raises Refused where that is none."""
    content = read.base64_bytes(data)
    if content is None:
        raise Refused("The document's content is damaged.")
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
