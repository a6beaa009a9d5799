"""The words of documents that go along, shortened: a letter of ten pages would push out everything else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from phr.exporters.base import Handover
from phr.exporters.markdown_text import one_line
from phr.fhir import read
from phr.records.document_text import text_of

LONGEST = 1_500
"""Characters told of one document."""
_HOLDING = ("DocumentReference", "DiagnosticReport", "Media", "Composition", "Communication", "Consent")


class Texts:
    """The words of each document by the address of its resource; only what will be told is kept."""

    def __init__(self, given: Handover) -> None:
        self._given = given
        self._found: dict[str, str] = {}
        self._waiting: dict[str, str] = {}
        self.unread = 0
        """Files whose words cannot be read: pictures, scans."""
        self.shortened = 0
        self.patient: dict[str, Any] = {}

    def gather(self) -> None:
        """Walk through everything that is handed on, once."""
        own = (
            self._own()
        )  # of a file whose entries name each other by UUID, such as a C-CDA document, by that
        for at, (full_url, raw) in enumerate(self._given.resources()):
            if not at % 200:
                self._given.doing("Reading documents", at, len(self._given.contents.ids))
            if full_url in own:
                self.patient = _resource(raw)
            if full_url in self._waiting:
                data = read.text(_resource(raw).get("data"))
                self._file(self._waiting.pop(full_url), read.base64_bytes(data) if data else None, None)
            elif any(f'"{name}"'.encode() in raw[:4000] for name in _HOLDING) or b'"attachment"' in raw:
                self._resource(full_url, _resource(raw))
        self.unread += len(set(self._waiting.values()))

    def of(self, event: dict[str, Any]) -> str:
        """The words that belong to an event, escaped by whoever writes them."""
        contents = self._given.contents
        bases = [
            base for source, base in contents.bases.items() if contents.names.get(source) in event["sources"]
        ]
        name = str(event["resource"])
        addresses = [f"{base}/{name}" for base in bases] + [f"urn:uuid:{name.partition('/')[2]}"]
        return next((found for address in addresses if (found := self._found.get(address))), "")

    def _own(self) -> tuple[str, ...]:
        contents = self._given.contents
        if contents.patient is None:
            return ()
        source, id_ = contents.patient
        return f"{contents.bases.get(source)}/Patient/{id_}", f"urn:uuid:{id_}"

    def _resource(self, full_url: str, resource: dict[str, Any]) -> None:
        conclusion = read.text(resource.get("conclusion"))
        if conclusion:
            self._add(full_url, conclusion)
        base = full_url.rpartition("/")[0].rpartition("/")[0]
        for attachment in _attachments(resource):
            data, url = attachment.get("data"), read.text(attachment.get("url"))
            if isinstance(data, str):
                self._file(full_url, read.base64_bytes(data), read.text(attachment.get("contentType")))
            elif url:
                self._waiting[url if "://" in url else f"{base}/{url.lstrip('/')}"] = full_url

    def _file(self, full_url: str, content: bytes | None, declared: str | None) -> None:
        words = one_line(text_of(content, declared).words) if content else ""
        if words:
            self._add(full_url, words)
        else:
            self.unread += 1

    def _add(self, full_url: str, text: str) -> None:
        words, known = one_line(text), self._found.get(full_url, "")
        if words[:200] in known:
            return
        if len(words) > LONGEST:
            cut = words[:LONGEST].rpartition(" ")[0] or words[:LONGEST]
            words = f"{cut} … (shortened: {len(cut):,} of {len(words):,} characters)"
            self.shortened += 1
        self._found[full_url] = f"{known} {words}".strip()


def _attachments(resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for content in read.dicts(resource.get("content")):
        attachment = content.get("attachment")
        if isinstance(attachment, dict):
            yield attachment
    for name in ("presentedForm", "contentAttachment", "sourceAttachment"):
        yield from read.dicts(resource.get(name))
    for payload in read.dicts(resource.get("payload")):
        attachment = payload.get("contentAttachment")
        if isinstance(attachment, dict):
            yield attachment


def _resource(raw: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(raw)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
