"""Small readers, put together in the tables of columns: what stands at these elements of a resource, as one cell.

Paths are FHIR R4 element names with dots; the first path that has something counts, and several values are joined.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from phr.fhir import read
from phr.records.elements import walk, words_of
from phr.records.measurements import number_text, quantity, quantity_words
from phr.views.tables import moments
from phr.views.tables.shape import Cell, Column, Fact

Reader = Callable[[Fact], Cell]
BETWEEN = "; "


def found(resource: dict[str, Any], paths: Iterable[str]) -> list[Any]:
    """Everything at the first path that has something."""
    for path in paths:
        parts = _PARTS.get(path)
        if parts is None:
            parts = _PARTS[path] = tuple(path.split("."))
        if parts[0] in resource and (there := walk(resource, parts)):
            return there
    return []


_PARTS: dict[str, tuple[str, ...]] = {}
"""Paths, cut at their dots; there are as many as the tables have."""


def joined(words: Iterable[str | None]) -> str | None:
    """The words that are there, each once."""
    return BETWEEN.join(dict.fromkeys(word for word in words if word)) or None


def words(*paths: str) -> Reader:
    """Concepts, codings and strings in words."""
    return lambda fact: joined(_words(one) for one in found(fact.resource, paths))


def _words(value: object) -> str | None:
    return words_of({"coding": [value]} if isinstance(value, dict) and "code" in value else value) or (
        read.text(value.get("text")) if isinstance(value, dict) else read.text(value)
    )


def text(*paths: str) -> Reader:
    """Strings, codes, numbers as they stand."""
    return lambda fact: joined(number_text(one) for one in found(fact.resource, paths))


class Day:
    """A reader: the first date as a whole day; and how much of it was said."""

    def __init__(self, *paths: str) -> None:
        self._paths = paths

    def __call__(self, fact: Fact) -> Cell:
        return moments.day(self._said(fact))

    def precision(self, fact: Fact) -> Cell:
        """`year`, `month`, `day`, `minute` or `second`."""
        return moments.precision(self._said(fact))

    def _said(self, fact: Fact) -> object:
        return next((one for one in found(fact.resource, self._paths) if moments.day(one)), None)


day = Day  # beside `text` and `words` it reads as they do


def moment(*paths: str) -> Reader:
    """A date, an age, a period or words, as they were said."""
    return lambda fact: joined(_moment(one) for one in found(fact.resource, paths))


def _moment(value: object) -> str | None:
    if not isinstance(value, dict):
        return read.text(value)
    if "start" in value or "end" in value:
        return f"{read.text(value.get('start')) or ''}–{read.text(value.get('end')) or ''}"
    if "low" in value or "high" in value:
        return "–".join(quantity_words(value.get(end)) or "" for end in ("low", "high"))
    return quantity_words(value)


def amount(*paths: str) -> Reader:
    """A Quantity in words: `5 mg`."""
    return lambda fact: joined(quantity_words(one) for one in found(fact.resource, paths))


def number(*paths: str) -> Reader:
    """The number of the first Quantity, Money or bare number, in its digits."""
    return lambda fact: next(map(_number, found(fact.resource, paths)), None)


def _number(value: object) -> str | None:
    text_ = number_text(value.get("value")) if isinstance(value, dict) else number_text(value)
    try:
        return text_ if text_ is not None and float(text_) - float(text_) == 0 else None
    except ValueError:
        return None


def unit(*paths: str) -> Reader:
    """The unit of the first Quantity, or the currency of Money."""
    return lambda fact: next((quantity(one).unit for one in found(fact.resource, paths)), None)


def yes(*paths: str) -> Reader:
    """The first that is true or false."""
    return lambda fact: next((one for one in found(fact.resource, paths) if isinstance(one, bool)), None)


def names(*paths: str) -> Reader:
    """References by what they display, else by their address."""
    return lambda fact: joined(_named(one) for one in found(fact.resource, paths))


def _named(value: object) -> str | None:
    if not isinstance(value, dict):
        return read.text(value)
    return read.text(value.get("display")) or read.reference(value) or read.text(value.get("reference"))


def count(*paths: str) -> Reader:
    """How many there are."""
    return lambda fact: len(found(fact.resource, paths)) or None


def column(name: str, read_: Reader, meaning: str, type_: str = "text") -> Column:
    """A column that is read from the resource alone."""
    return Column(name, type_, meaning, read_)


def with_precisions(columns: Iterable[Column]) -> Iterator[Column]:
    """The columns, each date followed by how much of it was said: nobody may take a year for its first of January."""
    for one in columns:
        yield one
        if isinstance(one.read, Day):
            meaning = f"How much of {one.name} was said: year, month, day …"
            yield Column(f"{one.name}_precision", "text", meaning, one.read.precision)
