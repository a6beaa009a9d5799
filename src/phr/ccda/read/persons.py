"""One person of a document, and every role in it that is this person: by name, told apart by provider numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from phr.ccda import codes
from phr.ccda.read.datatypes import concept
from phr.ccda.read.nodes import Node, child
from phr.ccda.read.people import name_words

Resource = dict[str, Any]

NPI = f"{codes.NPI}|"


@dataclass(eq=False)
class Person:
    """One person, and every role of the document that is this person."""

    names: list[Resource] = field(default_factory=list)
    """The fullest first."""
    keys: dict[str, None] = field(default_factory=dict)
    """In their order."""
    nodes: list[Node] = field(default_factory=list)
    made: Resource | None = None

    @property
    def words(self) -> str | None:
        return name_words(self.names[0]) if self.names else None

    @cached_property
    def npi(self) -> str | None:
        """The national provider number, once all nodes are known."""
        return next((key for key in self.keys if key.startswith(NPI)), None)

    @cached_property
    def speciality(self) -> Resource | None:
        """Of the first role that tells it."""
        return next((found for one in self.nodes if (found := concept(child(one, "code")))), None)


def agreeing(known: dict[str | None, Person], npi: str | None) -> Person:
    """Among those of one name who has this provider number; the first one has none or any until it is told."""
    if not known:
        known[None] = known[npi] = Person()
    elif npi is None:
        return known[None]
    elif len(known) == 1:  # the only one so far has told no number
        known[npi] = known[None]
    return known.setdefault(npi, Person()) if npi else known[None]


def join(person: Person, node: Node, keys: list[str], human: Resource | None) -> None:
    person.nodes.append(node)
    person.keys |= dict.fromkeys(keys)
    if human is not None:
        person.names.append(human)
