"""Which messages are one conversation: by what they say of each other, else by subject line, people and time. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from phr.fhir import read
from phr.views.events import Event
from phr.views.fields.saying import concept_words

TYPES = ("Communication", "CommunicationRequest")
_TOGETHER = 90 * 86_400
_ANSWERED = 400 * 86_400
_THREAD = re.compile("thread|conversation", re.IGNORECASE)
_POINTING = ("inResponseTo", "partOf", "basedOn", "replaces")
ANSWER = re.compile(r"^\s*(?:(?:re|fwd?|aw|wg|antw|sv|rv)\s*(?:\[\d+\])?\s*:\s*)+", re.IGNORECASE)


class Told(NamedTuple):
    """One message as its resource has it."""

    id: int
    source: int
    address: str
    at: int
    body: dict[str, Any]


@dataclass(slots=True)
class Letter:
    """One message, read."""

    told: Told
    event: Event
    subject: str | None
    answer: bool
    """Whether its subject line begins with “Re:”."""
    people: frozenset[str]
    keys: list[object] = field(default_factory=list)
    """What ties it to others."""


def keys_of(one: Told) -> Iterator[object]:
    """What ties it to others: addresses it points at, and the number of a thread."""
    for name in _POINTING:
        for pointer in read.listed(one.body.get(name)):
            address = read.reference(pointer)
            if address and address.startswith(tuple(f"{type_}/" for type_ in TYPES)):
                yield one.source, address
            elif isinstance(pointer, dict) and str(pointer.get("reference")).startswith("urn:uuid:"):
                for type_ in TYPES:
                    yield one.source, f"{type_}/{pointer['reference'][9:]}"
    group = one.body.get("groupIdentifier")
    if isinstance(group, dict) and group.get("value"):
        yield one.source, "thread", str(group.get("system")), str(group["value"])
    for each in read.dicts(one.body.get("identifier")):
        kind = f"{each.get('system')} {concept_words(each.get('type'))}"
        if each.get("value") and _THREAD.search(kind):
            yield one.source, "thread", str(each.get("system")), str(each["value"])
    for each in read.dicts(one.body.get("extension")):
        if _THREAD.search(str(each.get("url"))) and (said := _extended(each)):
            yield one.source, "thread", str(each.get("url")), said


def _extended(extension: dict[str, Any]) -> str | None:
    """The value of an extension, whatever its type is."""
    for name, value in extension.items():
        if name.startswith("value"):
            if isinstance(value, dict):
                return read.text(value.get("value")) or read.text(value.get("reference"))
            return read.text(value)
    return None


def gathered(letters: list[Letter], numbers: dict[tuple[int, str], int]) -> list[list[Letter]]:
    """The conversations, each oldest first."""
    roots: dict[object, object] = {}

    def root(key: object) -> object:
        while roots.setdefault(key, key) != key:
            roots[key] = roots[roots[key]]
            key = roots[key]
        return key

    def tie(one: object, other: object) -> None:
        roots[root(one)] = root(other)

    for one in letters:
        for key in one.keys:
            number = numbers.get(key) if isinstance(key, tuple) and len(key) == 2 else None
            tie(one.told.id, number if number is not None else key)
    last: dict[tuple[str, frozenset[str]], tuple[int, int]] = {}
    for one in letters:
        if not one.subject:
            continue
        line = ANSWER.sub("", one.subject).casefold(), one.people
        before = last.get(line)
        if before and one.told.at - before[0] <= (_ANSWERED if one.answer else _TOGETHER):
            numbered = any(isinstance(key, tuple) and "thread" in key for key in one.keys)
            if not numbered:  # where the server numbers its threads, that is believed
                tie(one.told.id, before[1])
        last[line] = one.told.at, one.told.id
    groups: dict[object, list[Letter]] = {}
    for one in letters:
        groups.setdefault(root(one.told.id), []).append(one)
    return list(groups.values())
