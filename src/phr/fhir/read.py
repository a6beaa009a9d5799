"""Look-ups in FHIR JSON as the world sends it: each answers a value or None, and none of them raises.

FHIR R4, Datatypes, says what a CodeableConcept, a Reference or a HumanName is. Servers send an object where
a list belongs, a text where a concept belongs, references of every spelling, and JSON with NaN, a byte order
mark or half a surrogate pair. Whoever reads through this file need not know.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from functools import lru_cache
from typing import Any

import orjson

from phr.fhir.content import content_hash as content_hash
from phr.model import Code

NO_CODES: tuple[Code, ...] = ()
# An escape that may be half a surrogate pair, or such a half as bytes: slow to look after, and rare.
_HALF_PAIR = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]")
# It begins with the point, which is looked for far faster than any digit.
_ENDS_IN_ZERO = re.compile(rb"\.(?<=[0-9]\.)[0-9]*0[\s,}\]]")


def first(value: object) -> object:
    """The first thing that is there: of a list its first entry that is not null, else the value itself."""
    if isinstance(value, list):
        for entry in value:
            if entry is not None:
                return entry
        return None
    return value


def listed(value: object) -> list[Any]:
    """A list, whether the source sent a list, a single thing or nothing."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def dicts(value: object) -> list[dict[str, Any]]:
    """The objects among what `listed` gives; anything else in a list of elements says nothing."""
    return [entry for entry in listed(value) if isinstance(entry, dict)]


def text(value: object) -> str | None:
    """Words or a number as stripped text; None for blank, true/false, lists and objects."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            return str(value)
        except ValueError:  # thousands of digits
            return None
    return None


def codings(concept: object) -> tuple[Code, ...]:
    """All codings of a CodeableConcept, of a bare Coding, or of a list of either, in the source's order."""
    if isinstance(concept, dict):
        found = concept.get("coding")
        if found is None:
            found = concept if "code" in concept else None
        if isinstance(found, dict):
            code = _coding(found)
            return (code,) if code else NO_CODES
        if isinstance(found, list):
            return tuple([code for entry in found if isinstance(entry, dict) and (code := _coding(entry))])
        return NO_CODES
    if isinstance(concept, list):
        return tuple([code for entry in concept if isinstance(entry, dict) for code in codings(entry)])
    return NO_CODES


def _coding(coding: dict[str, Any]) -> Code | None:
    system, code, display = coding.get("system"), coding.get("code"), coding.get("display")
    system = system if type(system) is str and system else text(system)
    code = code if type(code) is str and code else text(code)
    display = display if type(display) is str and display else text(display)
    return Code(system, code, display) if code or display else None


def concept_text(concept: object) -> str | None:
    """What a CodeableConcept says in words: its text, else a display, else a code."""
    if isinstance(concept, dict):
        words = text(concept.get("text"))
        if words:
            return words
        found = codings(concept)
        for coding in found:
            if coding.display:
                return coding.display
        return found[0].code if found else text(concept.get("display"))
    if isinstance(concept, list):
        flat = (entry for entry in concept if not isinstance(entry, list))
        return next((words for entry in flat if (words := concept_text(entry))), None)
    return text(concept) if isinstance(concept, str) else None


def reference(value: object) -> str | None:
    """`Type/id` of a Reference or its text, whether relative, absolute or versioned.

    None for `urn:…`, `#contained`, conditional (`Type?…`) and logical references.
    """
    if isinstance(value, dict):
        value = value.get("reference")
    return _address(value) if isinstance(value, str) and len(value) < _LONGEST else None


_LONGEST = 2048
"""Characters of an address; whatever is longer is none."""


@lru_cache(maxsize=4096)  # a visit and a practice are pointed at by all that happened there
def _address(spelled: str) -> str | None:
    parts = spelled.strip().split("/")
    if len(parts) > 3 and parts[-2] == "_history":
        del parts[-2:]
    if len(parts) < 2:
        return None
    type_, id_ = parts[-2], parts[-1]
    if not id_ or "?" in id_ or not type_.isascii() or not type_.isalpha() or not type_[0].isupper():
        return None
    return f"{type_}/{id_}"


_NAME_USES = ("official", "usual", None)


def human_name(name: object) -> str | None:
    """A HumanName, or the best of a list of them, as one would write it on a letter."""
    if isinstance(name, list):
        names = [entry for entry in name if isinstance(entry, dict)]
        for use in _NAME_USES:
            for entry in names:
                if entry.get("use") == use and (words := human_name(entry)):
                    return words
        flat = (entry for entry in name if not isinstance(entry, list))
        return next((words for entry in flat if (words := human_name(entry))), None)
    if not isinstance(name, dict):
        return text(name) if isinstance(name, str) else None
    words = text(name.get("text"))
    if words:
        return words
    parts = [
        part
        for key in ("prefix", "given", "family", "suffix")
        for entry in listed(name.get(key))
        if (part := text(entry))
    ]
    return " ".join(parts) or None


def extension(resource: object, url: str) -> dict[str, Any] | None:
    """The first extension with this address, on a resource or on any element."""
    if isinstance(resource, dict):
        for entry in listed(resource.get("extension")):
            if isinstance(entry, dict) and entry.get("url") == url:
                return entry
    return None


def base64_bytes(data: str) -> bytes | None:
    """The bytes of a base64Binary as it is found: with line breaks, in the URL alphabet, without padding.

    None if it is no base64, or ends inside a group.
    """
    compact = "".join(data.split()).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def parse_json(raw: bytes) -> object:
    """JSON as Python values. Raises ValueError if it is none.

    Reads what RFC 8259 forbids and servers send: a byte order mark, NaN (read as null), raw line ends in
    texts, wrong UTF-8 and half surrogate pairs (read as U+FFFD). Of duplicate keys the last one counts.
    """
    try:
        return orjson.loads(raw)
    except ValueError:
        pass
    try:
        if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
            words = raw.decode("utf-16", "replace")
        else:
            words = raw.decode("utf-8-sig", "replace")
        return _paired(
            json.loads(words, strict=False, parse_constant=lambda _: None, object_pairs_hook=paired)
        )
    except RecursionError:
        raise ValueError("JSON nested too deeply") from None


class Written(float):
    """A decimal that still knows its digits: FHIR R4 (datatypes.html#decimal) says that `1.20` is not `1.2`."""

    __slots__ = ("digits",)
    digits: str

    def __new__(cls, digits: str) -> Written:
        value = super().__new__(cls, digits)
        value.digits = digits
        return value


def has_final_zeros(raw: bytes) -> bool:
    """Whether plain parsing would lose a digit that somebody wrote."""
    return _ENDS_IN_ZERO.search(raw) is not None


def parse_as_written(raw: bytes) -> object:
    """As `parse_json`, but decimals that end in a zero keep it (see `Written`). Raises ValueError."""
    if not has_final_zeros(raw):
        return parse_json(raw)
    try:
        return json.loads(
            raw,
            parse_float=Written,
            parse_constant=lambda _: None,
            object_pairs_hook=paired if _HALF_PAIR.search(raw) else None,
        )
    except (ValueError, RecursionError):
        return parse_json(raw)


def paired(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of `json.loads` without half surrogate pairs, which no encoder would take."""
    return {_paired(key): _paired(value) for key, value in pairs}


def _paired(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_paired(entry) for entry in value]
    return value
