"""Each once, in their order: of values by what they say, of resources by which they are.

A document can hold thousands of ids, performers or results: comparing each with all before it would take hours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


def distinct(found: Iterable[T]) -> list[T]:
    """Values without those that are equal to one before."""
    once: dict[Any, T] = {}
    for each in found:
        once.setdefault(_key(each), each)
    return list(once.values())


def same(found: Iterable[T]) -> list[T]:
    """Without those that are the very same object as one before: registered resources."""
    return list({id(each): each for each in found}.values())


class Once:
    """What was there before, for lists that grow."""

    def __init__(self, known: Iterable[Any] = ()) -> None:
        self._known = set(map(_key, known))

    def new(self, found: Iterable[T]) -> list[T]:
        """Those that are seen for the first time."""
        fresh = []
        for each in found:
            if (key := _key(each)) not in self._known:
                self._known.add(key)
                fresh.append(each)
        return fresh


def _key(value: Any) -> Any:
    if isinstance(value, Mapping):
        return frozenset((key, _key(each)) for key, each in value.items())
    if isinstance(value, (list, tuple)):
        return tuple(map(_key, value))
    return value
