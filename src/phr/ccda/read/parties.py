"""Who is who in a document: one person is one Practitioner, one organisation one Organization.

Follows the participations page of C-CDA on FHIR: a person alone is a Practitioner, with an organisation or a
speciality also a PractitionerRole; an organisation alone an Organization, software a Device, a relative a
RelatedPerson. An author is often given in full once and by id afterwards, so all are gathered first.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from phr.ccda import codes
from phr.ccda.read.datatypes import address, concept, identifiers, name, telecom, text
from phr.ccda.read.index import key_of
from phr.ccda.read.nodes import Node, attr, child, children, is_null
from phr.ccda.read.once import Once, distinct
from phr.ccda.read.people import all_of, letters
from phr.ccda.read.persons import NPI, Person, agreeing, join

if TYPE_CHECKING:
    from phr.ccda.read.reading import Reading

Resource = dict[str, Any]

ROLES = (
    "assignedAuthor", "assignedEntity", "associatedEntity", "relatedEntity", "participantRole", "intendedRecipient",
)  # fmt: skip
_PERSONS = ("assignedPerson", "associatedPerson", "relatedPerson", "informationRecipient")
_ORGANIZATIONS = ("representedOrganization", "scopingOrganization", "receivedOrganization", "scopingEntity")
_KEEPERS = ("representedCustodianOrganization", "serviceProviderOrganization", "wholeOrganization")


class Parties:
    """The people, organisations, devices and places of one document."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._persons: dict[Node, Person] = {}
        self._organizations: dict[str, Resource] = {}
        self._named: dict[str, str] = {}
        self._nodes: dict[str, Node] = {}
        self._references: dict[Node, Resource | None] = {}
        self._described: set[Node] = set()
        self._mentioned: dict[tuple[str, str], Once] = {}
        self._persons_of: dict[str, Resource] = {}
        patient = child(reading.root, "recordTarget/patientRole")
        self._patient_keys = set(reading.index.keys(patient))
        self._gather()

    # ── who is the same person ────────────────────────────────────────────────────────────────────

    def _gather(self) -> None:
        """By name within a document, unless the national provider numbers differ; the nameless by identifier."""
        named: dict[str, dict[str | None, Person]] = {}
        by_key: dict[str, dict[Person, None]] = {}
        nameless: list[tuple[Node, list[str]]] = []
        for node in self._reading.root.iter(*ROLES):
            keys = _keys(node)
            human = name(_name_of(node))
            words = letters(human)
            if not words:
                nameless.append((node, keys))
                continue
            npi = next((key for key in keys if key.startswith(NPI)), None)
            person = agreeing(named.setdefault(words, {}), npi)
            join(person, node, keys, human)
            for key in keys:
                by_key.setdefault(key, {})[person] = None
            self._persons[node] = person
        for person in dict.fromkeys(self._persons.values()):
            person.names = sorted(
                distinct(person.names), key=lambda each: -len(str(each))
            )  # stable among equals
        for node in self._reading.root.iter(*_ORGANIZATIONS, "providerOrganization", *_KEEPERS):
            for key in self._reading.index.keys(node):
                if mark := _mark(node):
                    self._named.setdefault(key, mark)
                    self._nodes.setdefault(mark, node)
        for node, keys in nameless:
            known = next((next(iter(by_key[key])) for key in keys if len(by_key.get(key, ())) == 1), None)
            if known is not None:
                join(known, node, keys, None)
                self._persons[node] = known

    # ── references ────────────────────────────────────────────────────────────────────────────────

    def reference(self, role: Node) -> Resource | None:
        """Whoever a role is; None for one that names nobody."""
        if role not in self._references:
            self._references[role] = self._reference(role)
        found = self._references[role]
        return dict(found) if found is not None else None

    def _reference(self, role: Node) -> Resource | None:
        if self._patient_keys & set(_keys(role)) or _is_self(role):
            return dict(self._reading.patient)
        device = child(role, "assignedAuthoringDevice")
        organization = next((one for tag in _ORGANIZATIONS if (one := child(role, tag)) is not None), None)
        if device is not None and not is_null(device):
            return self._device(role, device)
        person = self._persons.get(role)
        if role.tag == "relatedEntity":
            return self._related(role, person)
        acting = self.organization(organization) if organization is not None else None
        if person is None:
            return acting or self._unnamed(role)
        return self._role(role, person, acting)

    def _role(self, role: Node, person: Person, acting: Resource | None) -> Resource:
        practitioner = self._practitioner(person)
        who = self._reading.ref(practitioner)
        display = {"display": person.words} if person.words else {}
        speciality = concept(child(role, "code")) if role.tag != "participantRole" else None
        speciality = speciality or person.speciality
        if acting is None and speciality is None:
            return who | display
        made = self._reading.add(
            "PractitionerRole",
            f"{practitioner['id']}~{(acting or {}).get('reference', '')}~{_code_key(speciality)}",
            None,
            None,
            {
                "practitioner": who | display,
                "organization": acting,
                "specialty": [speciality] if speciality else None,
            },
        )
        reference = self._reading.ref(made)
        self._persons_of[str(reference["reference"])] = who | display
        return reference | display

    def person(self, reference: Resource | None) -> Resource | None:
        """The Practitioner behind a PractitionerRole; any other reference as it is, but no Device."""
        target = str((reference or {}).get("reference", ""))
        return None if target.startswith("Device/") else self._persons_of.get(target, reference)

    def _practitioner(self, person: Person) -> Resource:
        if person.made is None:
            own = (
                person.npi
                or f"{next(iter(person.keys), '')}~{letters(person.names[0] if person.names else None)}"
            )
            person.made = self._reading.add(
                "Practitioner",
                own,
                None,
                None,
                {
                    "identifier": _union(identifiers(node) for node in person.nodes),
                    "name": person.names[:1],
                    "telecom": _union(all_of(node, "telecom", telecom) for node in person.nodes),
                    "address": _union(all_of(node, "addr", address) for node in person.nodes),
                },
            )
        return person.made

    def _unnamed(self, role: Node) -> Resource | None:
        """Somebody of whom only an identifier is known."""
        keys = _keys(role)
        if not keys or role.tag == "participantRole":
            return None
        company = next((self._nodes[self._named[key]] for key in keys if key in self._named), None)
        if company is not None:
            return self.organization(company)
        made = self._reading.add("Practitioner", keys[0], None, None, {"identifier": identifiers(role)})
        return self._reading.ref(made)

    def _related(self, role: Node, person: Person | None) -> Resource | None:
        relationship = concept(child(role, "code"))
        if person is None and relationship is None:
            return None
        words = person.words if person else None
        made = self._reading.add(
            "RelatedPerson",
            f"{self._reading.patient['reference']}~{_code_key(relationship)}~{letters(person.names[0]) if person else ''}",
            None,
            None,
            {
                "identifier": identifiers(role),
                "patient": self._reading.patient,
                "relationship": [relationship] if relationship else None,
                "name": person.names[:1] if person else None,
                "telecom": all_of(role, "telecom", telecom),
                "address": all_of(role, "addr", address),
            },
        )
        return self._reading.ref(made) | ({"display": words} if words else {})

    def _device(self, role: Node, device: Node) -> Resource | None:
        model = text(child(device, "manufacturerModelName"))
        software = text(child(device, "softwareName"))
        names = [(model, "model-name"), (software if software != model else None, "other")]
        if model is None and software is None:
            return None
        owner = child(role, "representedOrganization")
        made = self._reading.add(
            "Device",
            f"author~{model}~{software}~{text(child(owner, 'name')) or ''}",
            None,
            None,
            {
                "identifier": identifiers(role),
                "deviceName": [{"name": words, "type": kind} for words, kind in names if words],
                "type": concept(child(device, "code")),
                "owner": self.organization(owner) if owner is not None else None,
            },
        )
        return self._reading.ref(made) | {"display": str(model or software)}

    # ── organisations and places ──────────────────────────────────────────────────────────────────

    def organization(self, node: Node) -> Resource | None:
        """By name within a document; without a name by identifier."""
        words = text(child(node, "name")) or text(child(node, "desc"))
        keys = self._reading.index.keys(node)
        mark = _mark(node) or (self._named.get(keys[0], f"key:{keys[0]}") if keys else None)
        if mark is None:
            whole = child(node, "asOrganizationPartOf/wholeOrganization")
            return self.organization(whole) if whole is not None else None
        made = self._organizations.get(mark)
        if made is None:
            npi = next((key for key in keys if key.startswith(NPI)), None)
            made = self._reading.add("Organization", f"{npi or next(iter(keys), '')}~{mark}", None, None, {})
            self._organizations[mark] = made
        for key in keys:
            self._named.setdefault(key, mark)
        if node not in self._described:
            self._described.add(node)
            self._describe(made, node, words)
        return self._reading.ref(made) | ({"display": made["name"]} if made.get("name") else {})

    def _describe(self, made: Resource, node: Node, words: str | None) -> None:
        """Every mention may know more: a number to call, an address, a further identifier."""
        whole = child(node, "asOrganizationPartOf/wholeOrganization")
        further = {
            "identifier": identifiers(node),
            "telecom": all_of(node, "telecom", telecom),
            "address": all_of(node, "addr", address),
        }
        if words:
            made.setdefault("name", words)
        for key, values in further.items():
            mentioned = self._mentioned.setdefault((made["id"], key), Once(made.get(key, ())))
            if new := mentioned.new(values):
                made.setdefault(key, []).extend(new)
        parent = self.organization(whole) if whole is not None else None
        if parent is not None and parent["reference"] != self._reading.ref(made)["reference"]:
            made.setdefault("partOf", parent)

    def location(self, role: Node) -> Resource | None:
        """A place by its name, else by its address (Service Delivery Location, 4.32)."""
        place = child(role, "playingEntity") if role.tag == "participantRole" else child(role, "location")
        words = text(child(place, "name"))
        kind = concept(child(role, "code"))
        where = all_of(role, "addr", address) or all_of(place, "addr", address)
        keys = self._reading.index.keys(role)
        if not (words or where or kind or keys):
            return None
        owner = child(role, "serviceProviderOrganization")
        made = self._reading.add(
            "Location",
            f"{next(iter(keys), '')}~{words}~{_code_key(kind)}~{where[:1]}",
            None,
            None,
            {
                "identifier": identifiers(role),
                "name": words,
                "type": [kind] if kind else None,
                "telecom": all_of(role, "telecom", telecom),
                "address": where[0] if where else None,
                "managingOrganization": self.organization(owner) if owner is not None else None,
            },
        )
        shown = words or (kind or {}).get("text")
        return self._reading.ref(made) | ({"display": shown} if shown else {})


# ── pieces ────────────────────────────────────────────────────────────────────────────────────────


def _keys(node: Node) -> list[str]:
    return [key for each in children(node, "id") if (key := key_of(each))]


def _name_of(role: Node) -> Node | None:
    for tag in _PERSONS:
        names = children(role, f"{tag}/name")
        found = next((one for one in names if not is_null(one)), None)
        if found is not None:
            return found
    entity = child(role, "playingEntity")
    device = child(role, "playingDevice")
    place = (attr(role, "classCode") or "").upper() in ("SDLOC", "MANU", "TERR") or device is not None
    kind = (attr(entity, "classCode") or "PSN").upper()
    return child(entity, "name") if entity is not None and not place and kind == "PSN" else None


def _is_self(role: Node) -> bool:
    """The patient as author or informant: `ONESELF` or `SELF` of RoleCode."""
    code = child(role, "code")
    return attr(code, "code") in ("ONESELF", "SELF") and attr(code, "codeSystem") in (codes.ROLE_CODE, None)


def _mark(organization: Node) -> str | None:
    """An organisation by its name, in letters only."""
    words = text(child(organization, "name")) or text(child(organization, "desc"))
    plain = re.sub(r"\W+", "", (words or "").casefold())
    return f"name:{plain}" if plain else None


def _union(lists: Any) -> list[Resource]:
    return distinct(value for values in lists for value in values)


def _code_key(found: Resource | None) -> str:
    first = ((found or {}).get("coding") or [{}])[0]
    return str(first.get("code") or (found or {}).get("text") or "")
