"""How a change is called that no page has a plain line for: a path of elements, an extension, an identifier."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_ADDRESS = re.compile(r"(?i)(?:urn:|https?:).+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_ELEMENTS = {
    "asserter": "Who said so",
    "author": "Who wrote it",
    "basedOn": "What asked for it",
    "code": "The code behind the name",
    "context": "Visit",
    "custodian": "Who keeps it",
    "encounter": "Visit",
    "extension": "A detail of the source's own",
    "identifier": "A number of the source's own",
    "performer": "Who did it",
    "recorder": "Who recorded it",
    "requester": "Who asked for it",
    "serviceProvider": "Where",
    "subject": "Whom it is about",
}


def in_plain_words(label: str, old: dict[str, Any], new: dict[str, Any]) -> str:
    """The label of a page, but for those that only a machine reads: an address, a bare “Number”."""
    if _ADDRESS.fullmatch(label):
        last = re.split(r"[:/#]", label.rstrip("/#:"))[-1].replace("-", " ").replace("_", " ")
        return f"A detail of the source's own (“{last}”)"
    if label == "Number" and old.get("identifier") != new.get("identifier"):
        return "A number of the source's own"
    return label


def off_the_page(path: str, old: dict[str, Any], new: dict[str, Any]) -> tuple[str, str | None, str | None]:
    """Of a path at which something differs that no page tells: what to call it, and both sides where they are words."""
    first, *_, last = path.split(".") if "." in path else (path, path)
    if last == "display":
        was, now = _displays(old.get(first)), _displays(new.get(first))
        gone, came = [one for one in was if one not in now], [one for one in now if one not in was]
        return "The name of a code", ", ".join(gone) or None, ", ".join(came) or None
    name = _ELEMENTS.get(first)
    if name is None:
        name = _CAMEL.sub(" ", first).lower()
        name = name[:1].upper() + name[1:]
    return name, None, None


def _displays(value: Any) -> list[str]:
    return list(dict.fromkeys(_found(value)))


def _found(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _found(one)
    elif isinstance(value, dict):
        for key, one in value.items():
            if key == "display" and isinstance(one, str):
                yield one
            else:
                yield from _found(one)
