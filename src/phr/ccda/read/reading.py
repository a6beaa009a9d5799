"""One document being read: its words, its people, and the resources that have been made of it.

Ids are name-based (RFC 9562 version 5) on the instance identifiers of CDA, so that the same statement is the
same resource in every document of its author. Identifiers that a document gives to different statements
name none of them: there the content does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeAlias, TypeVar
from uuid import NAMESPACE_OID, uuid5

from phr.ccda.read import nodes
from phr.ccda.read.datatypes import identifiers
from phr.ccda.read.elements import kept as kept
from phr.ccda.read.elements import unite
from phr.ccda.read.index import Index
from phr.ccda.read.nodes import Node, attr, child, children, statements
from phr.ccda.read.once import distinct
from phr.ccda.read.parties import Parties
from phr.ccda.read.people import text
from phr.ccda.read.times import when

Resource: TypeAlias = dict[str, Any]
Found = TypeVar("Found")

_MOST = 64
"""Encounters that one statement may name before it is clear that it names none."""
_NO_IDENTIFIER = frozenset(("Provenance", "Binary", "OperationOutcome"))
_PARTIES = frozenset(("Practitioner", "PractitionerRole", "Organization", "Location", "RelatedPerson"))
_COMMENT, _COMMENT_CODE = "2.16.840.1.113883.10.20.22.4.64", "48767-8"
_COMMENTS = (_COMMENT, "2.16.840.1.113883.10.20.1.40", "1.3.6.1.4.1.19376.1.5.3.1.4.2")


@dataclass(frozen=True)
class Where:
    """The section that a statement stands in."""

    code: str | None
    title: str | None = field(repr=False)
    templates: tuple[str, ...]
    section: Node = field(repr=False)


Reader: TypeAlias = "Callable[[Reading, Where, Node], Sequence[Resource] | None]"
"""Statement in, registered resources out. Empty: understood, nothing to make (and `skip` called); None: not mine."""


class Reading:
    """The state of one document being read."""

    def __init__(self, root: Node, dispatch: Reader | None = None) -> None:
        self.root = root
        self.index = Index(root)
        self.resources: list[Resource] = []
        self.skipped: list[tuple[Node, str]] = []
        """Section and reason, once for each statement that was skipped."""
        self.remarks: list[str] = []
        """What is odd about the document as a whole."""
        self.homes: dict[int, Node] = {}
        """id() of a resource to the section it was made in."""
        self.authored: list[tuple[Resource, Resource, str | None]] = []
        """Resource, reference of its author, time: for Provenance."""
        self.parties = Parties(self)
        self._dispatch = dispatch
        self._made: dict[tuple[str, Node, str], Resource] = {}
        self._taken: dict[tuple[str, str, str], Node] = {}
        self._by_id: dict[tuple[str, str], Resource] = {}
        self._read: dict[Node, list[Resource]] = {}
        self._open: set[Node] = set()
        self._known: dict[tuple[str, Node], Any] = {}
        self._journal: list[tuple[dict[Any, Any], Any, list[Resource]]] = []
        self._wheres: dict[Node, Where] = {}
        self._skips: set[tuple[Node, str]] = set()
        role = child(root, "recordTarget/patientRole")
        self.patient: Resource = {"reference": f"Patient/{self._patient_id(role)}"}

    def _patient_id(self, role: Node | None) -> str:
        """Of the first usable identifier; else of the whole person; a snippet has a patient of its own."""
        own = self.index.keys(role)
        name = own[0] if own else self.index.signature(role if role is not None else self.root)
        return str(uuid5(NAMESPACE_OID, f"Patient~{name}"))

    # ── resources ─────────────────────────────────────────────────────────────────────────────────

    def resource(
        self, type_: str, statement: Node, where: Where, elements: Mapping[str, Any], *, part: str = ""
    ) -> Resource:
        """Finish and register a resource; the same statement always gives the same one."""
        made = self._made.get((type_, statement, part))
        if made is None:
            name = self._name(type_, statement, part)
            made = self.add(type_, name, statement, where, elements, part=part)
            self._made[(type_, statement, part)] = made
            self._journal.append((self._made, (type_, statement, part), [made]))
        return made

    def _name(self, type_: str, statement: Node, part: str) -> str:
        """A name that no other statement has taken: some give an act and what it holds one identifier."""
        name, content = self.index.name(statement), self.index.core(statement)
        before = self._taken.setdefault((type_, name, part), statement)
        differs = before is not statement and self.index.core(before) != content
        if differs and not any(map(self.index.names_another, (before, statement))):
            name = f"{name}~{self.index.signature(statement)}"
        return f"{name}~{part}" if part else name

    def add(
        self,
        type_: str,
        name: str,
        statement: Node | None,
        where: Where | None,
        elements: Mapping[str, Any],
        *,
        part: str = "",
    ) -> Resource:
        """Register a resource under a name that is the same in every reading of the document."""
        id_ = str(uuid5(NAMESPACE_OID, f"{type_}~{name}"))
        named = type_ not in _NO_IDENTIFIER and not part
        own = identifiers(statement, self.index.is_part) if named else []
        labels = [] if type_ in _PARTIES else self.index.labels(where.section if where else None, statement)
        resource: Resource = {
            "resourceType": type_,
            "id": id_,
            **kept({"meta": {"security": labels}, "identifier": own} | dict(elements)),
        }
        before = self._by_id.get((type_, id_))
        if before is not None:  # said twice, word for word: one resource of both sections
            unite(before, resource)
            return before
        self._by_id[(type_, id_)] = resource
        self.resources.append(resource)
        if where is not None:
            self.homes[id(resource)] = where.section
        if statement is not None and where is not None:
            self._note_author(resource, statement)
        return resource

    def _note_author(self, resource: Resource, statement: Node) -> None:
        who, time = self.author(statement, sources=True)
        if who is not None:
            self.authored.append((resource, who, time))

    def place(self, resource: Resource) -> None:
        """Register a resource that was finished elsewhere: the Patient."""
        self._by_id[(str(resource["resourceType"]), str(resource["id"]))] = resource
        self.resources.append(resource)

    def mark(self) -> tuple[int, int, int]:
        """Where to come back to when a reader fails half way."""
        return len(self.resources), len(self.authored), len(self._journal)

    def roll_back(self, mark: tuple[int, int, int]) -> None:
        """Forget the statements registered since; people and places stay, they are true all the same."""
        made, authored, journal = mark
        gone = {id(each): each for each in self.resources[made:] if id(each) in self.homes}
        self.resources[made:] = [each for each in self.resources[made:] if id(each) not in gone]
        self.authored[authored:] = [one for one in self.authored[authored:] if id(one[0]) not in gone]
        for table, key, found in self._journal[journal:]:
            if any(id(each) in gone for each in found):
                table.pop(key, None)
        for number, each in gone.items():
            self._by_id.pop((str(each["resourceType"]), str(each["id"])), None)
            self.homes.pop(number)

    def find(self, type_: str, id_: str) -> Resource | None:
        """A registered resource."""
        return self._by_id.get((type_, id_))

    def ref(self, resource: Resource) -> Resource:
        """A Reference to a registered resource."""
        return {"reference": f"{resource['resourceType']}/{resource['id']}"}

    def read(self, statement: Node, where: Where) -> list[Resource]:
        """Read a statement, once, through the same dispatch as an entry."""
        if statement in self._read:
            return self._read[statement]
        if statement in self._open or self._dispatch is None:
            return []
        self._open.add(statement)
        try:
            made = list(self._dispatch(self, where, statement) or ())
        finally:
            self._open.discard(statement)
        self._read[statement] = made
        self._journal.append((self._read, statement, made))
        return made

    def skip(self, statement: Node, where: Where, reason: str) -> None:
        """Name what cannot be structured, once for each statement and reason; its words stay in the document."""
        if (statement, reason) not in self._skips:
            self._skips.add((statement, reason))
            said = f"An entry {reason[3:]}" if reason.startswith("It ") else reason
            self.skipped.append((where.section, f"{said.rstrip('.')}."))

    def where(self, statement: Node) -> Where | None:
        """The section that a statement stands in; None in the header."""
        section = next(statement.iterancestors("section"), None)
        return None if section is None else self.section(section)

    def section(self, section: Node) -> Where:
        """A section as Where."""
        if section not in self._wheres:
            code = attr(child(section, "code"), "code")
            title = text(child(section, "title")) or attr(child(section, "code"), "displayName")
            self._wheres[section] = Where(code, title, nodes.templates(section), section)
        return self._wheres[section]

    def once(self, what: str, node: Node, read: Callable[[], Found]) -> Found:
        """What is asked of one node over and over, as of an organizer for each of its results."""
        if (what, node) not in self._known:
            self._known[(what, node)] = read()
        found: Found = self._known[(what, node)]
        return found

    # ── words ─────────────────────────────────────────────────────────────────────────────────────

    def resolve(self, reference: str) -> str | None:
        """`#id` → the words of that element of the narrative."""
        return self.index.said.words(self.index.target(reference))

    def words(self, statement: Node) -> str | None:
        """The words of a statement: what its text or originalText says or points at."""
        for path in ("text", "code/originalText", "value/originalText"):
            for said in children(statement, path):
                pointer = attr(child(said, "reference"), "value")
                found = (self.resolve(pointer) if pointer else None) or text(said)
                if found:
                    return found
        return None

    def notes(self, statement: Node) -> list[Resource]:
        """Comment Activities of a statement as Annotations."""
        found = []
        for _, act in statements(statement):
            if nodes.has_template(act, *_COMMENTS) or nodes.at(act, "code", "code") == _COMMENT_CODE:
                said = self.words(act)
                who, time = self._own_author(act)
                if said:
                    person = self.parties.person(who)
                    found.append(kept({"authorReference": person, "time": time, "text": said}))
        return found

    # ── people and places ─────────────────────────────────────────────────────────────────────────

    def author(self, statement: Node, *, sources: bool = False) -> tuple[Resource | None, str | None]:
        """Who recorded a statement (the last author, else that of what it stands in) and when (the earliest).

        The author of a section or document holds for what is in it (CDA R2, context conduction), but
        the time is when that was written: no fact of the statement.
        """
        who: Resource | None = None
        time: str | None = None
        for holder in (statement, *statement.iterancestors()):
            own, written = self._own_author(holder, people=holder.tag == "ClinicalDocument", sources=sources)
            who = who or own
            if holder.tag in nodes.STATEMENTS:
                time = time or written
            if who is not None and (time or holder.tag not in nodes.STATEMENTS):
                break
        return who, time

    def _own_author(
        self, holder: Node, *, people: bool = False, sources: bool = False
    ) -> tuple[Resource | None, str | None]:
        who, time = self.once(
            f"author {sources}", holder, lambda: self._read_author(holder, people=people, sources=sources)
        )
        return (dict(who) if who else None), time

    def _read_author(
        self, holder: Node, *, people: bool, sources: bool
    ) -> tuple[Resource | None, str | None]:
        authors = children(holder, "author")
        times = sorted(time for each in authors if (time := when(child(each, "time"))))
        found: Resource | None = None
        for each in reversed(authors):
            assigned = child(each, "assignedAuthor")
            if assigned is None or (people and child(assigned, "assignedPerson") is None):
                continue
            if not sources and self.index.is_source(assigned):
                continue  # who handed the data on has not observed or ordered anything
            found = self.practitioner(assigned)
            if found is not None:
                break
        return found, times[0] if times else None

    def recorder(self, statement: Node) -> Resource | None:
        """The author where only a person may stand: not a device or an organisation."""
        who, _ = self.author(statement)
        persons = ("Practitioner/", "PractitionerRole/", "Patient/", "RelatedPerson/")
        return who if who is not None and str(who["reference"]).startswith(persons) else None

    def performers(self, statement: Node) -> list[Resource]:
        """Who did it, each once."""
        return [dict(who) for who in self.once("performers", statement, lambda: self._performers(statement))]

    def _performers(self, statement: Node) -> list[Resource]:
        found = map(self.practitioner, children(statement, "performer/assignedEntity"))
        return distinct(who for who in found if who is not None)

    def practitioner(self, assigned: Node) -> Resource | None:
        """Whoever an assignedEntity, assignedAuthor, participantRole … is, as Reference with display."""
        return self.parties.reference(assigned)

    def organization(self, node: Node) -> Resource | None:
        """An organisation, as Reference with display."""
        return self.parties.organization(node)

    def location(self, participant_role: Node) -> Resource | None:
        """A Service Delivery Location, as Reference with display."""
        return self.parties.location(participant_role)

    def encounter(self, statement: Node) -> Resource | None:
        """The encounter of this document that a statement names by its id."""
        for target in self.once("visits", statement, lambda: self._visits(statement)):
            if target is statement or target in self._open:
                continue
            where = self.where(target)
            for made in self.read(target, where) if where else ():
                if made["resourceType"] == "Encounter":
                    return self.ref(made)
            if where is None:
                return {"reference": f"Encounter/{self.encounter_id(target)}"}
        return None

    def _visits(self, statement: Node) -> list[Node]:
        nested = (each for _, each in statements(statement) if each.tag in ("encounter", "act"))
        named = (target for each in nested for target in self.index.encounters(each))
        return list(dict.fromkeys(islice(named, _MOST)))

    def encounter_id(self, encompassing: Node) -> str:
        """The id that the encounter of the header has."""
        return str(uuid5(NAMESPACE_OID, f"Encounter~{self.index.name(encompassing)}"))
