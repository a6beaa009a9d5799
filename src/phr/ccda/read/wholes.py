"""Which statements are parts of one resource, as their ids tell.

C-CDA counts some things separately that FHIR does not: the components of an Observation, the group that each result has to
stand in, the words of a report. `phr.ccda.datatypes.part_id` makes the id of such a part of the id of the whole, and so
the whole is found again here. Documents of others hold no such ids; nothing changes for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from phr.ccda.bundle import part_uuid
from phr.ccda.read.nodes import Node

GROUP, VISIT, PANEL, CONCLUSION = "organizer", "group", "panel", "conclusion"
MEDICINE, PROCEDURE = "medicine", "procedure"
_COUNTED = ("component", "member", "result")
_GAP = 8
"""Parts without a valid entry are left out of the count."""


def _is_named(key: str) -> bool:
    """Whether an id may be one that `part_id` makes: a UUID of version 5."""
    return len(key) == 36 and key[14] == "5"


class Wholes:
    """Look-ups by the ids of all statements: `root|extension`, or a root alone, to who carries it."""

    def __init__(self, holders: Mapping[str, Sequence[Node]]) -> None:
        self._holders = holders
        self._parts: dict[str, tuple[str, str]] = {}
        """Id of a part → id of its whole, name of the part."""
        self._of: dict[tuple[str, str], list[Node]] = {}
        for whole in holders if any(map(_is_named, holders)) else ():
            for name in (GROUP, VISIT, PANEL, CONCLUSION, MEDICINE, PROCEDURE):
                self._note(whole, name)
            for kind in _COUNTED:
                self._count(whole, kind)
            self._count(whole, CONCLUSION) if (whole, CONCLUSION) in self._of else None

    def _note(self, whole: str, name: str, kind: str = "") -> bool:
        part = part_uuid(whole, name).lower()
        if part not in self._holders:
            return False
        self._parts[part] = (whole, kind or name)
        self._of.setdefault((whole, kind or name), []).extend(self._holders[part])
        return True

    def _count(self, whole: str, kind: str) -> None:
        number = missed = 0
        while missed < (_GAP if number > missed else 2):
            missed = 0 if self._note(whole, f"{kind}{number}", kind) else missed + 1
            number += 1

    def __bool__(self) -> bool:
        return bool(self._parts)

    def is_part(self, key: str) -> bool:
        """Whether an id only says that its statement is a part."""
        return key in self._parts

    def parts(self, keys: Iterable[str], name: str) -> list[Node]:
        """The statements that are parts of this name of what has these ids, in their order."""
        found: dict[Node, None] = {}
        for key in keys:
            found |= dict.fromkeys(self._of.get((key, name), ()))
        return list(found)

    def wholes(self, keys: Iterable[str], name: str) -> list[str]:
        """The ids of what a statement with these ids is a part of, by this name."""
        return [whole for key in keys for whole, own in (self._parts.get(key, ("", "")),) if own == name]

    def holders(self, whole: str) -> Sequence[Node]:
        """The statements that carry an id."""
        return self._holders.get(whole, ())

    def panels(self, keys: Sequence[str]) -> Iterator[list[str]]:
        """The ids of each panel that an organizer stands for: those before its mark."""
        block: list[str] = []
        for key in keys:
            if self._parts.get(key, ("", ""))[1] == PANEL:
                yield block
                block = []
            elif not self.is_part(key):
                block.append(key)
