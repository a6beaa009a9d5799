"""How a stored resource reads on its way out, where a vendor's habit changes it: meta, references, attachments.

Without such a habit the stored bytes go out as they are, at no cost. An entry of a Bundle and a read always say the
same; only C-CDA documents that are made anew for each read do not.
"""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from zlib import crc32

import orjson

from phr.sandbox import dates
from phr.sandbox.record_habits import RecordHabits
from phr.sandbox.resources import ResourceStore, Stored

FILES = "/files"
"""Where documents are that lie outside the FHIR server: on another host name, and no bearer is wanted."""
DOCUMENTS = "/document"
"""Below the FHIR base, yet no FHIR (NextGen): the bearer is needed, the bytes come raw."""

_REFERENCE = re.compile(rb'("reference"\s*:\s*")([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})"')
_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_DOCUMENT_ID = re.compile(r"(<ClinicalDocument\b.*?<id\b)[^>]*?(/?>)", re.DOTALL)
_DOCUMENT_TIME = re.compile(r'(<effectiveTime\b[^>]*\bvalue=")[^"]*')


def elsewhere(origin: str) -> str:
    """The same server under its other name, which to a client is another origin."""
    return origin.replace("//127.0.0.1", "//localhost")


class Serving:
    """Rewrites resources as the habits say."""

    def __init__(
        self, base: str, store: ResourceStore, clock: Callable[[], float], sign: Callable[[str], str]
    ) -> None:
        self._base = base
        self._sign = sign
        self._store = store
        self._clock = clock
        self._known: dict[tuple[str, str, str], bytes] = {}
        self._habits: RecordHabits | None = None
        self._plain = True

    def raw(self, stored: Stored, habits: RecordHabits) -> bytes:
        """The bytes that go out."""
        if habits is not self._habits:
            self._known, self._habits = {}, habits
            self._plain = (habits.meta, habits.references, habits.attachments) == ("kept", "kept", ())
        if self._plain:
            return stored.raw
        key = (stored.type, stored.id, stored.version)
        if key not in self._known or habits.signed_anew:
            self._known[key] = self._rewritten(stored, habits)
        return self._known[key]

    def document(self, stored: Stored, habits: RecordHabits) -> tuple[bytes, str]:
        """What a Binary holds, and of which media type. Raises ValueError when that cannot be read."""
        content = stored.content
        said = content.get("contentType")
        data = base64.b64decode(content.get("data") or "")
        if habits.generated_documents:
            data = _anew(data, self._clock())
        return data, said if isinstance(said, str) else "application/octet-stream"

    def binary(self, stored: Stored, habits: RecordHabits) -> bytes:
        """A Binary as FHIR JSON."""
        raw = self.raw(stored, habits)
        if not habits.generated_documents:
            return raw
        data, _ = self.document(stored, habits)
        return orjson.dumps({**orjson.loads(raw), "data": base64.b64encode(data).decode()})

    def elsewhere(self, id_: str, habits: RecordHabits) -> str:
        """The signed address of a Binary's bytes on another host name, as object stores give them out."""
        path = f"{FILES}/{id_}"
        fresh = f"&at={self._clock():.3f}" if habits.signed_anew else ""
        return f"{elsewhere(self._base.removesuffix('/fhir'))}{path}?key={self._sign(path)}{fresh}"

    def _rewritten(self, stored: Stored, habits: RecordHabits) -> bytes:
        raw = stored.raw
        if habits.references != "kept":
            raw = self._pointed(raw, habits.references)
        meta = habits.meta
        if meta == "half":
            meta = "none" if crc32(stored.address.encode()) % 2 else "kept"
        attached = bool(habits.attachments) and b"Binary/" in raw
        if meta == "kept" and not attached:
            return raw
        content = orjson.loads(raw)
        _set_meta(content, meta)
        if attached:
            for index, attachment in enumerate(_attachments(content)):
                way = habits.attachments[(crc32(stored.id.encode()) + index) % len(habits.attachments)]
                self._place(attachment, way, habits)
        return orjson.dumps(content)

    def _pointed(self, raw: bytes, how: str) -> bytes:
        def swap(match: re.Match[bytes]) -> bytes:
            type_, id_ = match[2].decode(), match[3].decode()
            if how == "absolute":
                return match[1] + f'{self._base}/{type_}/{id_}"'.encode()
            target = self._store.get(type_, id_)
            return match[1] + f'{type_}/{id_}/_history/{target.version if target else 1}"'.encode()

        return _REFERENCE.sub(swap, raw)

    def _place(self, attachment: dict[str, Any], way: str, habits: RecordHabits) -> None:
        """Let an attachment that points at a Binary say where it is in this way."""
        id_ = str(attachment.pop("url")).rpartition("Binary/")[2].partition("/")[0]
        stored = self._store.get("Binary", id_)
        data, media_type = self.document(stored, habits) if stored is not None else (b"", "text/plain")
        urls = {
            "relative": f"Binary/{id_}",
            "absolute": f"{self._base}/Binary/{id_}",
            "document": f"{self._base}{DOCUMENTS}/{id_}",
            "elsewhere": self.elsewhere(id_, habits),
            "none": "none",
            "data": f"data:{media_type};base64,{base64.b64encode(data).decode()}",
        }
        if way in urls:
            attachment["url"] = urls[way]
        elif way == "inline":
            attachment["data"] = base64.b64encode(data).decode()
        elif way == "broken-inline":
            attachment["data"] = base64.encodebytes(data).decode().rstrip("=\n")
        else:
            attachment["_data"] = {"extension": [{"url": _ABSENT, "valueCode": "unknown"}]}
        if habits.attachment_type == "missing":
            attachment.pop("contentType", None)
        elif habits.attachment_type == "octet-stream":
            attachment["contentType"] = "application/octet-stream"


def _set_meta(content: dict[str, Any], meta: str) -> None:
    if meta == "none":
        content.pop("meta", None)
    elif isinstance(content.get("meta"), dict):
        if meta == "no-last-updated":
            content["meta"].pop("lastUpdated", None)
        elif meta == "constant-version":
            content["meta"]["versionId"] = "200058"


def _attachments(value: object) -> Iterator[dict[str, Any]]:
    """The Attachments at any depth that point at a Binary."""
    if isinstance(value, list):
        for item in value:
            yield from _attachments(item)
    elif isinstance(value, dict):
        if isinstance(value.get("url"), str) and "Binary/" in value["url"]:
            yield value
        for item in list(value.values()):
            yield from _attachments(item)


def _anew(data: bytes, now: float) -> bytes:
    """A C-CDA document with an id and a time of its own, as a server makes it that keeps none."""
    if b"<ClinicalDocument" not in data:
        return data
    text = data.decode(errors="replace")
    text = _DOCUMENT_ID.sub(rf'\g<1> root="{uuid.uuid4()}"\g<2>', text, count=1)
    stamp = re.sub(r"[-:T]", "", dates.instant(now)).replace("Z", "+0000")
    return _DOCUMENT_TIME.sub(rf"\g<1>{stamp}", text, count=1).encode()
