"""What one needs to know about a whole document before its first statement is read.

Which element an `ID` names, which identifiers name one statement only, what a statement says regardless of
how its narrative is numbered, and how confidential a section is.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from itertools import islice
from uuid import UUID

from phr.ccda.read.nodes import (
    STATEMENTS,
    XSI_TYPE,
    Node,
    attr,
    child,
    children,
    has_template,
    null_flavor,
    tag,
)
from phr.ccda.read.privacy import is_security, section_labels, statement_labels
from phr.ccda.read.said import Said
from phr.ccda.read.wholes import Wholes

_ENTRY_REFERENCE = "2.16.840.1.113883.10.20.22.4.122"
_PROBLEM = "2.16.840.1.113883.10.20.22.4.4"
_MOST = 16
"""Encounters of one id that are looked at: a visit is told a few times at most."""
_NAMING = frozenset(("templateId", "id", "code", "statusCode"))
"""Children of a statement that only names another one."""


class Index:
    """Look-ups over one document."""

    def __init__(self, root: Node) -> None:
        self.root = root
        self._targets: dict[str, Node] = {}
        self._users: dict[tuple[str, str], list[Node]] = {}
        self._encounters: dict[str, list[Node]] = {}
        self._sources: set[str] = set()
        self._pointers: set[str] = set()
        self._keys: dict[Node, list[str]] = {}
        self._signatures: dict[Node, str] = {}
        self._problems: dict[str, list[Node]] = {}
        self._labels: dict[Node, list[dict[str, str]]] = {}
        self._annotated = False
        """Whether any statement says how confidential it is."""
        self.said = Said()
        self._ambiguous: dict[tuple[str, str], bool] = {}
        holders: dict[str, list[Node]] = {}
        for node in root.iter():
            if (name := node.get("ID")) is not None:
                self._targets.setdefault(name.strip(), node)
            if node.tag == "reference" and (pointer := attr(node, "value")) is not None:
                self._pointers.add(pointer.removeprefix("#"))
            if node.tag in STATEMENTS and (
                is_security(node) or child(node, "confidentialityCode") is not None
            ):
                self._annotated = True
            if node.tag in STATEMENTS or node.tag == "encompassingEncounter":
                self._note(node)
            if node.tag == "assignedAuthor" and _is_source(node):
                self._sources.update(self.keys(node))
            if node.tag in STATEMENTS or node.tag == "participantRole":
                for key in self.keys(node):
                    holders.setdefault(key, []).append(node)
        self.wholes = Wholes(holders)

    def _note(self, statement: Node) -> None:
        keys = self.keys(statement)
        if not keys or self.names_another(statement):
            return
        for key in keys:
            self._users.setdefault((str(statement.tag), key), []).append(statement)
            if statement.tag in ("encounter", "encompassingEncounter"):
                known = self._encounters.setdefault(key, [])
                if len(known) < _MOST:
                    known.append(statement)

    def target(self, reference: str) -> Node | None:
        """The element that `#id` points at; some leave the number sign out."""
        name = reference.strip()
        return self._targets.get(name.removeprefix("#")) if name else None

    def is_pointed(self, node: Node) -> bool:
        """Whether some statement points at this element."""
        return (node.get("ID") or "").strip() in self._pointers

    # ── identity ──────────────────────────────────────────────────────────────────────────────────

    def keys(self, node: Node | None) -> list[str]:
        """The identifiers that can name something: `root|extension`, or a root that is a UUID or OID alone."""
        if node is None:
            return []
        if node not in self._keys:
            self._keys[node] = [key for each in children(node, "id") if (key := key_of(each))]
        return self._keys[node]

    def own_keys(self, node: Node | None) -> list[str]:
        """The same without those that only say that it is a part of something."""
        found = self.keys(node)
        return [key for key in found if not self.wholes.is_part(key)] or found

    def is_source(self, author: Node) -> bool:
        """Whether an author is no more than the organisation that provided the data."""
        return child(author, "assignedPerson") is None and not self._sources.isdisjoint(self.keys(author))

    def problem(self, indication: Node) -> Node | None:
        """The Problem Observation of this document that an Indication names by its id."""
        for key in self.keys(indication):
            if key not in self._problems:
                users = self._users.get(("observation", key), ())
                self._problems[key] = list(islice((one for one in users if has_template(one, _PROBLEM)), 2))
            for each in self._problems[key]:
                if each is not indication:
                    return each
        return None

    def is_part(self, identifier: Node) -> bool:
        """Whether an `id` only says of what its statement is a part."""
        return self.wholes.is_part(key_of(identifier) or "")

    def encounters(self, node: Node) -> list[Node]:
        """The encounters that share an identifier with this statement; those of the sections first."""
        found = [
            each for key in self.keys(node) for each in self._encounters.get(key, ()) if each is not node
        ]
        return sorted(found, key=lambda each: each.tag != "encounter")

    def name(self, statement: Node) -> str:
        """What names a statement for good: its first identifier that names it alone, else its content."""
        for key in self.own_keys(statement):
            if not self._is_ambiguous(str(statement.tag), key):
                return key
        return f"content:{self.signature(statement)}"

    def _is_ambiguous(self, tag_: str, key: str) -> bool:
        """Whether different statements of this document carry the same identifier."""
        pair = (tag_, key)
        if pair not in self._ambiguous:
            users = self._users.get(pair, ())
            self._ambiguous[pair] = len(users) > 1 and len({self.core(each) for each in users}) > 1
        return self._ambiguous[pair]

    def core(self, statement: Node) -> str:
        """What tells a statement from another under the same identifier. A diagnosis of the problem list stands in its
        encounter too, with another author or status: there code, value and time tell (Problem Observation, 4.4)."""
        if not has_template(statement, _PROBLEM):
            return self.signature(statement)
        told = (child(statement, name) for name in ("value", "effectiveTime"))
        return "|".join(self.signature(each) if each is not None else "" for each in told)

    def signature(self, node: Node) -> str:
        """A digest of what a statement says: its elements and the words it points at, not the numbering of these."""
        if node not in self._signatures:
            digest = sha256()
            for part in self._parts(node):
                digest.update(part.encode("utf-8", "replace"))
                digest.update(b"\0")
            self._signatures[node] = digest.hexdigest()[:32]
        return self._signatures[node]

    def _parts(self, node: Node) -> Iterator[str]:
        yield f"<{tag(node)}"
        pointer = attr(node, "value") if node.tag == "reference" else None
        for name in sorted(str(name) for name in node.attrib):
            value = (node.get(name) or "").strip()
            if name == "ID" or (pointer and name == "value"):
                continue
            yield f"{name}={value.rpartition(':')[2] if name == XSI_TYPE else value}"
        if pointer:
            yield self.said.gist(self.target(pointer)) or ("" if pointer.startswith("#") else pointer)
        yield " ".join((node.text or "").split())
        for each in node:
            if each.tag in STATEMENTS:
                yield self.signature(each)
            else:
                yield from self._parts(each)
            yield " ".join((each.tail or "").split())
        yield ">"

    def names_another(self, statement: Node) -> bool:
        """Whether it stands for a statement elsewhere: an Entry Reference, or nothing beside an identifier."""
        return has_template(statement, _ENTRY_REFERENCE) or all(each.tag in _NAMING for each in statement)

    # ── confidentiality ───────────────────────────────────────────────────────────────────────────

    def labels(self, section: Node | None, statement: Node | None = None) -> list[dict[str, str]]:
        """How confidential a section is, and a statement in it."""
        holder = section if section is not None else self.root
        if holder not in self._labels:
            self._labels[holder] = section_labels(holder)
        found = self._labels[holder]
        own = statement_labels(statement) if statement is not None and self._annotated else []
        return [*found, *(one for one in own if one not in found)]


def _is_source(author: Node) -> bool:
    """An organisation alone, under the id that the organisation has itself: our own documents name sources so."""
    if child(author, "assignedPerson") is not None or child(author, "assignedAuthoringDevice") is not None:
        return False
    own = {key_of(each) for each in children(author, "representedOrganization/id")} - {None}
    return bool(own & {key_of(each) for each in children(author, "id")})


def key_of(node: Node) -> str | None:
    """An II as one text; None if it names nothing."""
    root, extension = attr(node, "root"), attr(node, "extension")
    if null_flavor(node) and not extension:
        return None
    if root and extension:
        return f"{root.lower()}|{extension}"
    if root and (_is_uuid(root) or root.count(".") > 3):
        return root.lower()
    return None


def _is_uuid(root: str) -> bool:
    try:
        UUID(root)
    except ValueError:
        return False
    return True
