"""A resource's own words: its narrative, where that says more than its elements do.

FHIR R4, Narrative. Most narratives are made from the elements and repeat them; some systems file a whole assessment
there and nowhere else. What decides is not `text.status`, which is set at random, but whether the words are new.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import unescape

from phr.fhir import read
from phr.views.fields.saying import Node

LONGEST = 60_000
_BLOCK = r"</?(?:p|div|br|tr|li|ul|ol|h[1-6]|table|thead|tbody|caption|hr)\b[^>]*>"
_CELL = r"</t[dh]>"
_SILENT = r"<(style|script|head)\b.*?</\1>|<!--.*?-->"
_TAG = r"</?[a-zA-Z!?][^>]*>"
_WORD = r"[^\W_]{3,}"
_CAPITAL = "(?<=[a-z])(?=[A-Z])"
_FEW = 6
_NEW = 0.4


def lines_of(markup: str) -> str:
    """HTML as lines of plain words: a block, a row, a list entry each on its own."""
    text = re.sub(_SILENT, " ", markup[:LONGEST], flags=re.IGNORECASE | re.DOTALL)
    text = re.sub(_CELL, "  ", re.sub(_BLOCK, "\n", text, flags=re.IGNORECASE), flags=re.IGNORECASE)
    text = unescape(re.sub(_TAG, "", text))
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if any(map(str.isalnum, line)))


def untold(resource: Node, told: Iterable[str]) -> str | None:
    """The narrative, if a good part of its words stands neither in what was told nor in any element."""
    element = resource.get("text")
    div = read.text(element.get("div")) if isinstance(element, dict) else None
    if not div:
        return None
    words = lines_of(div)
    known = set(re.findall(_WORD, " ".join((*told, *_strings(resource))).casefold()))
    found = set(re.findall(_WORD, words.casefold()))
    new = {word for word in found - known if not word.isdecimal()}
    return words if len(new) >= _FEW and len(new) > _NEW * len(found) else None


def _strings(node: object) -> Iterator[str]:
    """Every text and every element name of a resource, without its narrative and what is as long as a file."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key not in ("text", "data") or isinstance(value, str):
                yield re.sub(_CAPITAL, " ", key)
                yield from _strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from _strings(value)
    elif isinstance(node, str) and len(node) < LONGEST:
        yield node
