"""What a directory gives: organisations, and the reasons why some of its entries are none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from phr.providers import words

NO_NAME = "no name"
NO_ENDPOINT = "no endpoint of its own"
INACTIVE = "not active"
HIDDEN = "hidden brand"
NOT_REST = "not a FHIR REST endpoint"
DUPLICATE = "listed twice"
UNREADABLE = "cannot be read"
ELSEWHERE = "known from another list"
LONG_NAME = "name too long"
TOO_MANY = "too many, the rest was not read"
LONGEST_NAME = 200
TOO_LONG_NAME = 300
"""A name between the two is cut; what is longer is no name."""
LONGEST_TEXT = 2000
MOST = 200_000
"""Entries of one directory. The largest that are published have a tenth of it."""


@dataclass(frozen=True, slots=True)
class Found:
    """One organisation at one address, as the directory says it; nothing is checked yet."""

    name: str
    base: str
    vendor: str = ""
    """As the directory calls it; most say nothing."""
    place: str = ""
    aliases: tuple[str, ...] = ()
    publisher: str = ""
    """Address of who published it, if it says so: a hint at the vendor."""
    brand: bool = False
    """One of the brands of a larger organisation: that many of them share an address says nothing about signing in."""


Entry = Found | str
"""An organisation, or the reason why there is none."""


def place(city: object, state: object) -> str:
    """`Denver, CO`, as far as it is known."""
    parts = [one.strip() for one in (city, state) if isinstance(one, str) and one.strip()]
    if len(parts) == 2 or (parts and parts[0] == state):
        parts[-1] = words.state(parts[-1])
    return ", ".join(parts)[:80]


def aliases(name: str, others: Iterable[object]) -> tuple[str, ...]:
    """Other names, each once; not the name itself, and no more than a person could mean."""
    seen = {words.canonical(name)}
    kept: list[str] = []
    for other in others:
        if not isinstance(other, str) or not other.strip() or len(other) > LONGEST_NAME:
            continue
        plain = words.canonical(other)
        if plain and plain not in seen:
            seen.add(plain)
            kept.append(other.replace("|", " ").strip())
    return tuple(kept[:8])
