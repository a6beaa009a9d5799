"""The International Patient Summary: a FHIR document for whoever treats a person far from home.

Follows the IPS guide (HL7 IPS 1.1) on FHIR R4: Problems, Allergies and Medications always stand, with an `emptyReason`
where the record says nothing (as IPS 2.0 has it); "none known" is never made up. Resources of several sources get ids
of their own and refer to each other by them; all else stays as it was. What is not valid FHIR R4 is left out by name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, BinaryIO
from uuid import NAMESPACE_URL, uuid5

from phr.ccda.bundle import Entry
from phr.ccda.desk import Desk, differ
from phr.ccda.header import confidentiality
from phr.ccda.outline import PARTS, chosen_codes
from phr.errors import UsageError
from phr.exporters.base import Exported, Handover
from phr.exporters.chapters import Chapter, Outlined, addressed, loinc, outlined
from phr.exporters.composition import MENDED, Frame, bare, composition, makers, section
from phr.exporters.narratives import UNSAFE, safe
from phr.fhir import read, validity
from phr.fhir.validity import Issue
from phr.model import Problem, Resource

REQUIRED = ("problems", "allergies", "medications")
_PROFILE = "http://hl7.org/fhir/uv/ips/StructureDefinition/"
_ABSENT = {
    "extension": [
        {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}
    ]
}
NO_SECTION = "the International Patient Summary has no section for it"
INVALID = "is not valid FHIR R4, and the International Patient Summary takes only what is"
MERGED = "is the same person from another source; its identifiers stand in the one Patient of the summary"


class IpsExporter:
    """`phr export --format ips`."""

    media_type = "application/fhir+json"
    suffix = ".json"

    def write(self, given: Handover, out: BinaryIO) -> Exported:
        _check_sections(given.options.sections)
        told = outlined(given, "the International Patient Summary")
        summary = _Summary(told, _as_written(given))
        subject = summary.patient()
        sections, counts = [], Counter[str]()
        for chapter in _ordered(told.chapters):
            targets = (
                [name for entry in chapter.entries if (name := summary.take(entry))] if chapter.chosen else []
            )
            if chapter.part.name in REQUIRED or targets:
                blocks = chapter.blocks if targets else []
                sections.append(
                    section(chapter.title, chapter.part.code, blocks, targets, chosen=chapter.chosen)
                )
                counts[chapter.part.code] += len(targets)
        summary.follow()
        made_by = makers(given.header)
        frame = Frame(out, given.header, _PROFILE + "Bundle-uv-ips")
        frame.add_resource(
            composition(
                given.header,
                "International Patient Summary",
                loinc("60591-5", "Patient summary Document"),
                subject,
                sections,
                secrecy=confidentiality(told.desk),
                profile=_PROFILE + "Composition-uv-ips",
            )
        )
        for named in (*summary.resources.items(), made_by.author, made_by.custodian):
            frame.add_resource(named)
        left_out = told.left_out + tuple(summary.left_out(told))
        return Exported(frame.close(), dict(counts), left_out, about=told.desk.about())


def _check_sections(words: Sequence[str]) -> None:
    """Raises UsageError for a section that an IPS does not have."""
    known = [part for part in PARTS if part.summary]
    codes = frozenset().union(*(part.codes for part in known))
    for word in words:
        if not chosen_codes([word]) & codes:
            raise UsageError(
                f"The International Patient Summary has no section {word}.",
                hint=f"There is: {', '.join(part.name for part in known)}",
            )


def _ordered(chapters: list[Chapter]) -> list[Chapter]:
    """Those that an IPS has, the three required first."""
    found = [chapter for chapter in chapters if chapter.part.summary]
    return sorted(found, key=lambda one: REQUIRED.index(one.part.name) if one.part.name in REQUIRED else 9)


def _as_written(given: Handover) -> dict[str, Resource]:
    """The resources whose numbers end in a zero that plain parsing loses, by their address."""
    found: dict[str, Resource] = {}
    for full_url, raw in given.resources():
        if read.has_final_zeros(raw):
            resource = read.parse_as_written(raw)
            if isinstance(resource, dict):
                found[full_url] = resource
    return found


class _Summary:
    """The resources of one summary in the making, each under its new address."""

    def __init__(self, told: Outlined, as_written: dict[str, Resource]) -> None:
        self._desk: Desk = told.desk
        self._as_written = as_written
        self.resources: dict[str, Resource] = {}
        self._names: dict[str, str | None] = {}
        """Address in the record → in the summary; None: it cannot stand there."""
        self._open: list[Entry] = []
        self._problems: list[Problem] = []

    def patient(self) -> str:
        """The one Patient, put in first. A name and a birth date are required: what is unknown says so."""
        entry = self._desk.patient
        resource: Resource = dict(entry.resource) if entry else {"resourceType": "Patient"}
        others = [one for one in self._desk.index.entries if one.type == "Patient" and one is not entry]
        same = [one for one in others if entry and not differ(one.resource, entry.resource)]
        if same:
            own = read.dicts(resource.get("identifier"))
            further = [each for one in same for each in read.dicts(one.resource.get("identifier"))]
            resource["identifier"] = own + [each for each in further if each not in own]
            self._problems += [Problem("Patient", MERGED, id=one.id) for one in same]
        resource.pop("link", None)
        if not read.dicts(resource.get("name")):
            resource["name"] = [{"_text": _ABSENT}]
        if not resource.get("birthDate") and "_birthDate" not in resource:
            resource["_birthDate"] = _ABSENT
        name, made = self._renamed(entry, resource)
        made = self._plain(made, entry)
        if not validity.judge(made).valid:
            made = bare(made)
            self._problems.append(Problem("Patient", MENDED, id=entry.id if entry else None))
        self.resources[name] = made
        self._names = {addressed(one): None for one in others}
        self._names |= {addressed(one): name for one in (entry, *same) if one}
        if entry is not None:
            self._open.append(entry)
        return name

    def take(self, entry: Entry) -> str | None:
        """The address of an entry in the summary; it is put there unless it cannot stand there."""
        address = addressed(entry)
        if address in self._names:
            return self._names[address]
        resource = (
            self._as_written.get(address) or self._as_written.get(f"urn:uuid:{entry.id}") or entry.resource
        )
        name, made = self._renamed(entry, resource)
        self._names[address] = None
        if not self._desk.lives(entry):
            return None
        made = self._plain(made, entry)
        if not self._valid(made):
            self._problems.append(Problem(entry.type, INVALID, id=entry.id))
            return None
        self._names[address] = name
        self.resources[name] = made
        self._open.append(entry)
        return name

    def _plain(self, resource: Resource, entry: Entry | None) -> Resource:
        """The resource without words that could act on the screen of a receiver."""
        made = safe(resource)
        if made is not resource:
            self._problems.append(Problem(resource["resourceType"], UNSAFE, id=entry.id if entry else None))
        return made

    def _valid(self, resource: Resource) -> bool:
        """Whether a resource can stand in the summary. A source that leaves out whose it is means its one patient."""
        verdict = validity.judge(resource)
        for key in ("subject", "patient"):
            if any(one == Issue(f"{resource['resourceType']}.{key}", "is missing") for one in verdict.issues):
                resource[key] = {"reference": next(iter(self.resources))}
                return validity.judge(resource).valid
        return verdict.valid

    def follow(self) -> None:
        """Put in whatever is referred to, and what that refers to; then let all references say where that is."""
        origins = {}
        while self._open:
            entry = self._open.pop()
            name = self._names[addressed(entry)]
            if name is None:
                continue
            origins[name] = entry
            for reference in _references(self.resources[name]):
                target = self._desk.find(entry, reference)
                if target is not None and target.container is None and target.type != "Composition":
                    self.take(target)
        for name, resource in self.resources.items():
            if name in origins:
                self.resources[name] = self._pointed(resource, origins[name])

    def left_out(self, told: Outlined) -> list[Problem]:
        """What is invalid, and what stands in no section of the summary."""
        absent = [
            Problem(entry.type, NO_SECTION, id=entry.id)
            for chapter in told.chapters
            if chapter.chosen and not chapter.part.summary
            for entry in chapter.entries
            if addressed(entry) not in self._names
        ]
        return self._problems + list(dict.fromkeys(absent))

    def _renamed(self, entry: Entry | None, resource: Resource) -> tuple[str, Resource]:
        id_ = str(
            uuid5(NAMESPACE_URL, addressed(entry).encode("utf-8", "replace").decode() if entry else "patient")
        )
        return f"urn:uuid:{id_}", {**resource, "id": id_}

    def _pointed(self, node: Any, entry: Entry) -> Any:
        """The same JSON with references that lead into the summary, or to a server; the others keep their words."""
        if isinstance(node, list):
            return [self._pointed(each, entry) for each in node]
        if not isinstance(node, dict):
            return node
        made = {key: self._pointed(value, entry) for key, value in node.items()}
        target = node.get("reference")
        if isinstance(target, str) and not target.startswith("#"):
            if target in self.resources:
                return made
            found = self._desk.find(entry, node)
            name = (
                self._names.get(addressed(found)) if found is not None and found.container is None else None
            )
            whole = name or _elsewhere(target, entry)
            if whole:
                made["reference"] = whole
            else:
                del made["reference"]
                if not made.get("display") and not made.get("identifier"):
                    made["display"] = target[:200]
        return made


def _elsewhere(target: str, entry: Entry) -> str | None:
    """The whole address of what is not in the summary, if a server has it."""
    if target.startswith(("http://", "https://")):
        return None if target.startswith("https://phr.invalid/") else target
    if ":" in target or not entry.base or entry.base.startswith("https://phr.invalid"):
        return None
    return f"{entry.base}/{target}"


def _references(node: Any) -> list[dict[str, Any]]:
    found, open_ = [], [node]
    while open_:
        one = open_.pop()
        if isinstance(one, dict):
            if isinstance(one.get("reference"), str):
                found.append(one)
            open_ += one.values()
        elif isinstance(one, list):
            open_ += one
    return found
