"""Words of a section that no entry of it tells: a finding in a paragraph beside one coded observation.

In a list of problems or medicines the narrative repeats the entries, often without a reference; in a report or a plan
it is what the doctor wrote, and the entries are a part of it. Tables are left out: they show the entries.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from copy import deepcopy
from typing import Any

from lxml import etree

from phr.ccda.read.narratives import html, is_information
from phr.ccda.read.nodes import Node, attr, child
from phr.ccda.read.people import text
from phr.ccda.read.reading import Reading, Resource, Where

_LISTS = frozenset(
    """48765-2 10160-0 10183-2 29549-3 42346-7 75311-1 11450-4 11348-0 11369-6 30954-2 8716-3 47519-4 46240-8 29762-2
    10157-6 46264-8 48768-6 42348-3 85847-2 47420-5 10190-7""".split()
)
"""LOINC codes of sections that are lists of entries: there only whole sentences count."""
_LEAST, _HEADING, _SENTENCE = 3, 6, 12
"""Words that say something; words up to which it may be a heading; words that are a sentence for sure."""
_WORD = re.compile(r"\w{3,}")
_PROSE = frozenset("paragraph p div list ul ol".split())
_ASIDE = frozenset(("caption", "footnote", "footnoteRef"))
_TABLES = frozenset("table list ul ol".split())


def untold(reading: Reading, where: Where, made: Iterable[Resource]) -> str:
    """What the narrative says of its own, as HTML; "" if the entries tell it all."""
    block = child(where.section, "text")
    if block is None or reading.index.is_pointed(block):
        return ""
    candidates = [
        (each, after)
        for each, after in _blocks(block)
        if not any(reading.index.is_pointed(inner) for inner in each.iter())
    ]
    if not candidates:
        return ""
    strings = (said for resource in made for said in _strings(resource))
    known = {word for said in (where.title or "", *strings) for word in _WORD.findall(said.casefold())}
    new = (each for each, after in candidates if _is_new(reading, where, each, known, after))
    return "\n".join(html(each) for each in new)


def _blocks(block: Node) -> Iterator[tuple[Node, str]]:
    """Paragraphs, lists, and runs of words between them, each with what kind of block comes next."""
    found: list[Node] = []
    run = _run(block.text)
    for each in block:
        if each.tag in _PROSE or each.tag in _TABLES:
            found += [run, each]
            run = _run(each.tail)
        elif each.tag == "br":
            found.append(run)
            run = _run(each.tail)
        else:
            copied = deepcopy(each)  # with its tail, and without leaving its place
            if each.tag in _ASIDE:
                copied.clear(keep_tail=True)
            run.append(copied)
    found.append(run)
    said = [each for each in found if text(each) or each.tag in _TABLES]
    kinds = [str(each.tag) for each in said[1:]]
    for each, after in zip(said, [*kinds, ""], strict=False):
        if each.tag in _PROSE:
            yield each, after


def _run(words: str | None) -> Node:
    run = etree.Element("paragraph")
    run.text = words
    return run


def _is_new(reading: Reading, where: Where, block: Node, known: set[str], after: str) -> bool:
    said = reading.index.said.gist(block)
    words, length = set(_WORD.findall(said.casefold())), len(said.split())
    if length < _LEAST or not is_information(said) or len(words - known) * 2 <= len(words):
        return False
    if where.code in _LISTS:
        return block.tag in ("paragraph", "p") and length >= _SENTENCE
    short = length <= _HEADING and not said.endswith((".", "!", "?"))
    return not (short and (after in _TABLES or _is_styled(block))) and not said.endswith(":")


def _is_styled(block: Node) -> bool:
    """Whether all of it is set off from the text around: a heading."""
    loose = [block.text, *(each.tail for each in block)]
    return not any((each or "").strip() for each in loose) and all(attr(each, "styleCode") for each in block)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if len(value) < 100_000:
            yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)
