"""Cutting a server's answer into its resources, byte for byte (FHIR R4 bundle.html).

The received bytes are the record of truth: re-serialising would turn `1.20` into `1.2`. So msgspec cuts the
page into raw slices and only `resourceType` and `id` of each are read here (this is the hot path of a sync).
What the strict way refuses is cut again by `lenient`; what even that cannot read is a page that never fully
arrived, and the only thing here that raises.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from phr.fhir import dates, lenient, outcome
from phr.fhir.read import content_hash, parse_json
from phr.model import Page, Problem, Received

_DEPTH = 3
"""Bundles inside Bundles (the answer to a batch) are opened this deep."""
_MOST_PROBLEMS = 5000
"""Remarks of one answer that are kept; a broken server can send one for every byte."""
_SPECIAL = frozenset({"OperationOutcome", "Bundle"})
_QUIET_CODES = frozenset({"4101"})
"""Epic's "no results" (2025 recordings): true of every empty page and worth no remark."""


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
    resourceType: str  # noqa: N815 (FHIR's name)
    type: str | None = None
    total: int | None = None
    link: list[_Link] | None = None
    entry: list[_Entry] | None = None


class _Meta(msgspec.Struct, gc=False):
    lastUpdated: str | None = None  # noqa: N815 (FHIR's name)


class _Head(msgspec.Struct, gc=False):
    resourceType: str  # noqa: N815 (FHIR's name)
    id: str | None = None
    meta: _Meta | None = None


_bundle = msgspec.json.Decoder(_Bundle)
_head = msgspec.json.Decoder(_Head)


def split(body: bytes, *, source_type: str | None = None, secrets: tuple[str, ...] = ()) -> Page:
    """Cut one answer: a Bundle of any type, a bare resource, or a bare OperationOutcome.

    `source_type` is the type that was asked for; remarks of the server are filed under it, without the
    `secrets` that it may repeat. `next_url` is the link as the server wrote it. Raises ValueError when the
    bytes are not a whole FHIR answer.
    """
    page = _Cut(source_type, secrets)
    text = body[3:] if body.startswith(b"\xef\xbb\xbf") else body
    bundle = _open(text)
    if bundle is None:
        page.bare(text)
    else:
        page.entries(bundle, _DEPTH)
    received, left_out = once(page.received)
    return Page(
        received=received,
        problems=(*page.told(), *left_out),
        next_url=_next(bundle),
        total=bundle.total if bundle is not None else None,
        bytes=len(body),
        flawed=page.flawed,
    )


def once(received: Sequence[Received]) -> tuple[tuple[Received, ...], tuple[Problem, ...]]:
    """Each resource once: of several versions the one changed last, as far as both say so, else the last.

    A version that is left out is named with its bytes.
    """
    if len({(one.type, one.id) for one in received}) == len(received):
        return tuple(received), ()
    kept: dict[tuple[str, str], Received] = {}
    left_out: list[Problem] = []
    for one in received:
        before = kept.get((one.type, one.id), one)
        both = before.last_updated and one.last_updated
        newer, older = (before, one) if both and _changed(before) > _changed(one) else (one, before)
        kept[one.type, one.id] = newer
        if older.raw != newer.raw:
            words = "It came twice at once; the newer is kept."
            left_out.append(Problem(older.type, words, id=older.id, known=True, raw=older.raw))
    return tuple(kept.values()), tuple(left_out)


def _changed(one: Received) -> tuple[int, str]:
    when = dates.parse(one.last_updated)
    return (when.start, when.text) if when is not None else (0, "")


def _open(body: bytes) -> _Bundle | None:
    """The Bundle's frame; None if this is another resource. ValueError if it is no resource at all."""
    try:
        bundle = _bundle.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return _open_leniently(body)
    return bundle if bundle.resourceType == "Bundle" else None


def _open_leniently(body: bytes) -> _Bundle | None:
    text = lenient.decode(body)
    frame = lenient.members(text)
    kind = lenient.value(frame.get("resourceType"))
    if kind is None and lenient.value(frame.get("resource")):
        # One entry without its Bundle, as some documentation and some tools hand it out.
        return _Bundle(resourceType="Bundle", entry=[_entry(text)])
    if not isinstance(kind, str) or not kind:
        raise ValueError("not a FHIR resource")
    if kind != "Bundle":
        return None
    total = lenient.value(frame.get("total"))
    return _Bundle(
        resourceType=kind,
        type=_text(lenient.value(frame.get("type"))),
        total=total if isinstance(total, int) and not isinstance(total, bool) else None,
        link=[_link(link) for link in _list(lenient.value(frame.get("link"))) if isinstance(link, dict)],
        entry=[_entry(slice_) for slice_ in _slices(frame.get("entry"))],
    )


def _slices(entry: str | None) -> list[str]:
    """Entries as text. Some servers send one entry as an object instead of a list of one."""
    if entry is None or lenient.value(entry) is None:
        return []
    return lenient.items(entry) if entry.lstrip().startswith("[") else [entry]


def _link(link: dict[str, Any]) -> _Link:
    return _Link(relation=_text(link.get("relation")), url=_text(link.get("url")))


def _entry(text: str) -> _Entry:
    try:
        parts = lenient.members(text)
    except ValueError:
        return _Entry(resource=msgspec.Raw(lenient.encode(text)))
    response = lenient.value(parts.get("response"))
    return _Entry(
        resource=msgspec.Raw(lenient.encode(parts.get("resource", ""))),
        fullUrl=_text(lenient.value(parts.get("fullUrl"))),
        response=_Response(status=_text(response.get("status"))) if isinstance(response, dict) else None,
    )


def _next(bundle: _Bundle | None) -> str | None:
    links = bundle.link if bundle is not None and bundle.link else []
    return next((link.url for link in links if link.relation == "next" and link.url), None)


def _inner(raw: bytes) -> _Bundle | None:
    try:
        return _open(raw)
    except ValueError:
        return None


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _text(value: object) -> str | None:
    """Text that can be kept and sent: half surrogate pairs and bytes that are not UTF-8 become U+FFFD."""
    if not isinstance(value, str):
        return None
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class _Cut:
    """What one answer was cut into so far."""

    def __init__(self, source_type: str | None, secrets: tuple[str, ...]) -> None:
        self.source_type = source_type
        self._secrets = secrets
        self.received: list[Received] = []
        self.problems: list[Problem] = []
        self._remarked: set[Problem] = set()
        self._untold = 0
        self.flawed: str | None = None
        """Why what this answer does not hold says nothing."""

    def entries(self, bundle: _Bundle, depth: int) -> None:
        keep, decode = self.received.append, _head.decode
        for entry in bundle.entry or ():
            raw = bytes(entry.resource)
            try:
                head = decode(raw)
            except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
                self._odd(entry, raw, depth)
                continue
            meta = head.meta
            changed = None if meta is None else meta.lastUpdated
            kind = head.resourceType
            if head.id and kind not in _SPECIAL and kind.isalpha() and kind.isascii() and len(kind) <= 64:
                keep(Received(kind, head.id, raw, changed))
            else:
                self._special(head.resourceType, head.id, changed, entry, raw, depth)

    def bare(self, raw: bytes) -> None:
        """One resource without a Bundle around it. An OperationOutcome alone means that nothing came."""
        try:
            head = _head.decode(raw)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            self._odd(_Entry(), raw, _DEPTH)
            return
        if head.resourceType == "OperationOutcome":
            self._remarks(raw, alone=True)
        else:
            changed = head.meta.lastUpdated if head.meta else None
            self._keep(head.resourceType, head.id, changed, None, raw)

    def _special(
        self, kind: str, id_: str | None, changed: str | None, entry: _Entry, raw: bytes, depth: int
    ) -> None:
        if kind == "OperationOutcome":
            self._remarks(raw, alone=False)
            return
        if kind == "Bundle" and depth > 1:
            inner = _inner(raw)
            # A document is one thing with one author: it stays whole. Anything else is only a wrapping.
            if inner is not None and inner.type != "document":
                self.entries(inner, depth - 1)
                return
        self._keep(kind, id_, changed, entry.fullUrl, raw)

    def _odd(self, entry: _Entry, raw: bytes, depth: int) -> None:
        """A resource whose first look failed: absent, not an object, or with an odd type or id."""
        if not raw or raw == b"null":
            self._absent(entry)
            return
        try:
            parts = lenient.members(lenient.decode(raw))
        except ValueError:
            self._problem("An entry that is not a resource cannot be read.", raw)
            return
        kind, id_ = _text(lenient.value(parts.get("resourceType"))), lenient.value(parts.get("id"))
        if not kind:
            self._problem("A resource without a type cannot be read.", raw)
            return
        if isinstance(id_, int) and not isinstance(id_, bool):
            id_ = str(id_)
        name = _text(id_)
        meta = lenient.value(parts.get("meta"))
        changed = _text(meta.get("lastUpdated")) if isinstance(meta, dict) else None
        self._special(kind, name, changed, entry, raw, depth)

    def _absent(self, entry: _Entry) -> None:
        """An entry that holds no resource: a deletion in a history, a part of a batch that failed, a gap."""
        status = entry.response.status if entry.response is not None else None
        number = int(status[:3]) if status and status[:3].isdigit() else None
        if number is not None and number < 400:
            return
        words = f"The server left out an entry ({number})." if number else "An entry held no resource."
        self._note(Problem(self.source_type or "unknown", words, http_status=number))

    def _keep(
        self, kind: str, id_: str | None, changed: str | None, full_url: str | None, raw: bytes
    ) -> None:
        if not (kind.isalpha() and kind.isascii() and len(kind) <= 64):
            words = (
                "A resource whose type is no name cannot be read."
                if kind
                else "A resource without a type cannot be read."
            )
            self._problem(words, raw)
            return
        self.received.append(Received(kind, id_ or _id_of(kind, full_url, raw), raw, changed))

    def _problem(self, reason: str, raw: bytes) -> None:
        self._note(Problem(self.source_type or "unknown", reason, raw=raw))

    def _note(self, problem: Problem) -> None:
        if not problem.known:
            self.flawed = self.flawed or "an entry could not be read"
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(problem)
        else:
            self._untold += 1

    def told(self) -> tuple[Problem, ...]:
        """What is to be said of this answer, and how much is left unsaid."""
        if self._untold:
            words = f"{self._untold} further remarks and broken entries of one answer are not named."
            return (*self.problems, Problem(self.source_type or "unknown", words))
        return tuple(self.problems)

    def _remarks(self, raw: bytes, *, alone: bool) -> None:
        if len(self.problems) >= _MOST_PROBLEMS:
            self._untold += 1
            self.flawed = self.flawed or "more was remarked than could be read"
            return
        found = outcome.remarks(outcome.parse(raw), self._secrets)
        for remark in found:
            if remark.severity in ("information", "success") or remark.vendor_code in _QUIET_CODES:
                continue
            grave = remark.severity in ("fatal", "error")
            self.flawed = self.flawed or ("the server met an error of its own" if grave else None)
            failed = alone and grave
            note = Problem(self.source_type or "OperationOutcome", remark.text, known=not failed)
            if note not in self._remarked:
                self._remarked.add(note)
                self._note(note)


def _id_of(kind: str, full_url: str | None, raw: bytes) -> str:
    """An address for a resource that came without one: from its fullUrl, else from its content.

    The same content gets the same id again, so that a second pull does not keep it twice.
    """
    if full_url:
        if full_url.lower().startswith("urn:uuid:") and len(full_url) > 9:
            return full_url[9:]
        head, _, last = full_url.partition("?")[0].rstrip("/").rpartition("/")
        if last and head.rpartition("/")[2] == kind:
            return last
    return "sha256-" + _digest(raw).hex()[:24]


def _digest(raw: bytes) -> bytes:
    try:
        resource = parse_json(raw)
    except ValueError:
        resource = None
    return content_hash(resource) if isinstance(resource, dict) else hashlib.sha256(raw).digest()
