"""What is different in what a source says of one thing, net: from how it was before to how it is now.

Fields come from `views.changes`. Here is added what an eye does not take for news (white space, `1.20` for `1.2`, other
ids of what is contained), and what stands in no field: the words of an attached document, a narrative of its own beside
fields that changed too, who may see it.
"""

from __future__ import annotations

from collections.abc import Iterator
from json import dumps
from typing import Any

from phr.fhir import read
from phr.views.changes import changes, word_by_word
from phr.views.details import OWN_WORDS, exact, of_resource
from phr.views.diff_calm import calm, same_words, spelled_as
from phr.views.diff_words import in_plain_words, off_the_page
from phr.views.fields.narrative import lines_of
from phr.views.fields.saying import Find, nothing_found

Change = dict[str, Any]
"""`field`, `before`, `after`, and `words` where the texts are long enough to be read word by word."""
DOCUMENT = "Text of the document"
OTHER = "The document"
_SHORT = 60
_HOLDERS = {
    "DocumentReference": ("content", "attachment"),
    "DiagnosticReport": ("presentedForm", None),
    "Communication": ("payload", "contentAttachment"),
    "CommunicationRequest": ("payload", "contentAttachment"),
    "Media": ("content", None),
    "Consent": ("sourceAttachment", None),
    "Patient": ("photo", None),
}
_BYTES = ("data", "hash", "size", "creation", "url", "reference")
"""What changes with the bytes of an attachment, or points at the same thing in another spelling."""
Texts = dict[int, str]


def differs(before: bytes, after: bytes) -> bool:
    """Whether there may be a difference to tell; quick, and right but for what is only pointed at in another way."""
    old, new = exact(before), exact(after)
    if not isinstance(old, dict) or not isinstance(new, dict):
        return bool(old != new)
    return bool(calm(old) != calm(new) or _labels(old) != _labels(new))


def net(before: bytes, after: bytes, find: Find = nothing_found) -> list[Change]:
    """What is different; empty where only form or bookkeeping is."""
    old, new = exact(before), exact(after)
    if not isinstance(old, dict) or not isinstance(new, dict):
        return [] if old == new else [_change("The whole record", None, None)]
    found = list(_documents(old, new))
    plain_old, plain_new = calm(old), calm(new)
    if plain_old != plain_new:
        found = [*_fields(old, spelled_as(old, new), plain_old, plain_new, find), *found]
    found += _secrecy(old, new)
    return found


def _fields(
    before: dict[str, Any], after: dict[str, Any], old: dict[str, Any], new: dict[str, Any], find: Find
) -> Iterator[Change]:
    told = 0
    for one in changes(dumps(before).encode(), dumps(after).encode(), find):
        label, was, now = str(one["label"]), one["before"], one["after"]
        if was is None and now is None:
            if label.rpartition(".")[2] in _BYTES:
                continue  # no field of its own says anything else
            label, was, now = off_the_page(label, before, after)
        if same_words(was, now):
            continue
        told += 1
        yield _change(in_plain_words(label, before, after), was, now, one.get("words"))
    bare_old, bare_new = (
        {key: value for key, value in one.items() if key != "contained"} for one in (old, new)
    )
    if not told and bare_old == bare_new:
        yield from _contained(old, new, find)
    elif told:
        yield from _own_narrative(old, new)


# ── what stands in no field ───────────────────────────────────────────────────────────────────────


def _contained(old: dict[str, Any], new: dict[str, Any], find: Find) -> Iterator[Change]:
    """Where only something inside of it changed: the lines of its page that are different now."""
    was = {one["label"]: one["value"] for one in of_resource(old, find) if one["label"] != OWN_WORDS}
    now = {one["label"]: one["value"] for one in of_resource(new, find) if one["label"] != OWN_WORDS}
    for label in dict.fromkeys((*was, *now)):
        if was.get(label) != now.get(label) and not same_words(was.get(label), now.get(label)):
            yield _change(label, was.get(label), now.get(label))


def _own_narrative(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    """A narrative that its writer calls additional, beside fields that changed too."""
    one, other = (
        lines_of(str(text["div"]))
        if isinstance(text := each.get("text"), dict) and text.get("status") == "additional" and "div" in text
        else None
        for each in (old, new)
    )
    if one and other and not same_words(one, other):
        yield _change(OWN_WORDS, one, other)


def _secrecy(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    """Who may see it, as the source labels it."""
    was, now = _labels(old), _labels(new)
    return [] if was == now else [_change("Confidentiality", ", ".join(was) or None, ", ".join(now) or None)]


def _labels(resource: dict[str, Any]) -> list[str]:
    meta = resource.get("meta")
    codes = read.codings({"coding": meta.get("security")}) if isinstance(meta, dict) else ()
    return sorted({words for one in codes if (words := one.display or one.code)})


def _documents(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    """The words of what is attached by its bytes."""
    was, now = _attached(old), _attached(new)
    for at in sorted(was.keys() & now.keys()):
        one, other = was[at].get("data"), now[at].get("data")
        if not isinstance(one, str) or not isinstance(other, str) or one == other:
            continue
        before, after = words_in(was[at]), words_in(now[at])
        if before is None or after is None or before == after == "":
            yield _change(OTHER, None, None)  # a picture, or what cannot be read: it is another one
        elif not same_words(before, after):
            yield changed_text(before, after)


def changed_text(before: str, after: str) -> Change:
    """The words of a document then and now."""
    return _change(DOCUMENT, before, after, word_by_word(before, after))


def _attached(resource: dict[str, Any]) -> dict[int, dict[str, Any]]:
    name, inner = _HOLDERS.get(str(resource.get("resourceType")), ("", None))
    found = read.dicts(resource.get(name)) if name else []
    held = [one.get(inner) if inner else one for one in found]
    return {at: one for at, one in enumerate(held) if isinstance(one, dict)}


def words_in(attachment: dict[str, Any]) -> str | None:
    """What can be read in bytes that stand in the resource itself; None where they are no bytes."""
    from phr.records.document_text import text_of

    content = read.base64_bytes(str(attachment.get("data") or ""))
    if content is None:
        return None
    return text_of(content, read.text(attachment.get("contentType"))).words


def addresses(resource: bytes) -> dict[int, dict[str, Any]]:
    """The attachments of a resource that are somewhere else, by their place."""
    body = exact(resource)
    found = _attached(body) if isinstance(body, dict) else {}
    return {at: one for at, one in found.items() if one.get("url") and not one.get("data")}


def _change(
    field: str, before: str | None, after: str | None, words: list[list[str]] | None = None
) -> Change:
    if words is None and before and after and max(len(before), len(after)) > _SHORT:
        words = word_by_word(before, after)
    return {"field": field, "before": before, "after": after, "words": words}
