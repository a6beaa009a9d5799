"""Cutting JSON that strict parsers refuse, without changing a byte of its parts.

Seen in the world: `NaN`, raw control characters inside strings, single bytes that are not UTF-8, duplicate
keys. The standard library's scanner bears all of these; it is slow, so `bundle.split` comes here only after
the fast way has failed. Works on text with surrogate escapes, so every slice encodes back to the same bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

_SCAN = json.JSONDecoder(strict=False).raw_decode
_SPACE = re.compile(r"[ \t\r\n]*")


def decode(body: bytes) -> str:
    return body.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def members(text: str) -> dict[str, str]:
    """The members of one JSON object as exact slices; of duplicate keys the last. ValueError if it is none."""
    return {key: text[start:end] for key, start, end in _members(text)}


def _members(text: str) -> Iterator[tuple[str, int, int]]:
    at = _skip(text, 0)
    if text[at : at + 1] != "{":
        raise ValueError("not a JSON object")
    at = _skip(text, at + 1)
    while text[at : at + 1] != "}":
        key, at = _value(text, at)
        if not isinstance(key, str):
            raise ValueError("a key is not a string")
        at = _skip(text, at)
        if text[at : at + 1] != ":":
            raise ValueError("a colon is missing")
        start = _skip(text, at + 1)
        _, at = _value(text, start)
        yield key, start, at
        at = _separator(text, at, "}")


def items(text: str) -> list[str]:
    """The items of one JSON array as exact slices. ValueError if it is none."""
    at = _skip(text, 0)
    if text[at : at + 1] != "[":
        raise ValueError("not a JSON array")
    at = _skip(text, at + 1)
    found = []
    while text[at : at + 1] != "]":
        start = at
        _, at = _value(text, at)
        found.append(text[start:at])
        at = _separator(text, at, "]")
    return found


def value(text: str | None) -> object:
    """What a slice means; None if absent or unreadable."""
    if text is None:
        return None
    try:
        return _value(text, _skip(text, 0))[0]
    except ValueError:
        return None


def _value(text: str, at: int) -> tuple[object, int]:
    try:
        return _SCAN(text, at)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _separator(text: str, at: int, closing: str) -> int:
    at = _skip(text, at)
    if text[at : at + 1] == ",":
        return _skip(text, at + 1)
    if text[at : at + 1] != closing:
        raise ValueError("a comma is missing")
    return at
