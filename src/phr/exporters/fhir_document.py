"""A FHIR R4 document: a Composition first, then every resource once, with the bytes of its source.

Follows FHIR R4 3.3 (Documents). The sections are those of the Continuity of Care Document; what no section says stands in a
last one, so that each entry is led to. A document is for programs that check before they read: a resource that is not valid
FHIR R4 is left out by name (a Bundle of type `collection` has it).
"""

from __future__ import annotations

from collections import Counter
from typing import BinaryIO

import orjson

from phr.ccda.desk import ANOTHER
from phr.ccda.header import confidentiality
from phr.ccda.narrative import table
from phr.ccda.xml import Element, el
from phr.exporters.base import Exported, Handover
from phr.exporters.chapters import Outlined, addressed, loinc, outlined
from phr.exporters.composition import MENDED, Frame, bare, composition, makers, section
from phr.exporters.fhir import type_of
from phr.exporters.narratives import UNSAFE, safe_bytes
from phr.exporters.others import Others
from phr.fhir import read, validity
from phr.model import Problem, Resource

INVALID = "is not valid FHIR R4, and a document takes only what is; a Bundle of type collection has it"
_TITLE = "Health record"
_FURTHER = "Further records"
_URN = "urn:uuid:"


def write_document(given: Handover, out: BinaryIO) -> Exported:
    """`phr export --format fhir --bundle document`."""
    told = outlined(given, "the document")
    judged = _Judged(given, told)
    names = _names(told, judged.kept)
    subject = names.get(addressed(told.desk.patient)) if told.desk.patient else None
    made_by = makers(given.header)
    frame = Frame(out, given.header)
    frame.add_resource(
        composition(
            given.header,
            _TITLE,
            loinc("34133-9", "Summary of episode note"),
            subject,
            _sections(told, list(judged.kept), names, subject),
            secrecy=confidentiality(told.desk),
        )
    )
    frame.add_resource(made_by.author)
    frame.add_resource(made_by.custodian)
    open_ = set(judged.kept)
    for full_url, raw in given.resources():
        if full_url in open_:
            open_.discard(full_url)  # each once
            frame.add(full_url, judged.mended.get(full_url, raw))
    missing = tuple(dict.fromkeys((*given.missing(), *judged.problems)))  # the resources were read twice
    return Exported(frame.close(), dict(sorted(judged.types.items())), missing, about=told.desk.about())


class _Judged:
    """Which resources a document can take, and what had to be mended: the Patient, without whom it is nobody's."""

    def __init__(self, given: Handover, told: Outlined) -> None:
        self.kept: dict[str, None] = {}
        self.types: Counter[str] = Counter()
        self.problems: list[Problem] = []
        self.mended: dict[str, bytes] = {}
        patient = told.desk.patient
        whose = {addressed(patient), f"{_URN}{patient.id}"} if patient else set()
        others = Others(told.desk)
        for full_url, sent in given.resources():
            id_ = (read.reference(full_url) or full_url).rpartition("/")[2]
            if others.have(full_url, sent):
                self.problems.append(Problem(type_of(sent), ANOTHER, id=id_))
                continue
            raw = safe_bytes(sent)
            if raw is not sent:
                self.mended[full_url] = raw
                self.problems.append(Problem(type_of(sent), UNSAFE, id=id_))
            if not validity.judge_bytes(raw).valid:
                resource = read.parse_json(raw) if full_url in whose else None
                if not isinstance(resource, dict):
                    self.problems.append(Problem(type_of(raw), INVALID, id=id_))
                    continue
                self.mended[full_url] = orjson.dumps(bare(resource))
                self.problems.append(Problem("Patient", MENDED, id=id_))
            if full_url not in self.kept:
                self.kept[full_url] = None
                self.types[type_of(raw)] += 1


def _names(told: Outlined, kept: dict[str, None]) -> dict[str, str]:
    """What an entry of the outline is called in the file: files of urn:uuid references keep those names."""
    found = {}
    for entry in told.desk.index.entries:
        name, urn = addressed(entry), f"{_URN}{entry.id}"
        if name in kept:
            found[name] = name
        elif urn in kept:
            found[name] = urn
    return found


def _sections(
    told: Outlined, addresses: list[str], names: dict[str, str], subject: str | None
) -> list[Resource]:
    made, reached = [], {subject}
    for chapter in told.chapters:
        targets = [names[name] for entry in chapter.entries if (name := addressed(entry)) in names]
        if chapter.blocks:
            made.append(section(chapter.title, chapter.part.code, chapter.blocks, targets))
            reached.update(targets)
    rest = [address for address in addresses if address not in reached]
    if rest:
        made.append(section(_FURTHER, None, _counted(rest), rest))
    return made


def _counted(addresses: list[str]) -> list[Element]:
    """How many of each type there are, as words."""
    types = Counter((read.reference(address) or "Resource/").partition("/")[0] for address in addresses)
    rows = [el("tr", el("td", type_), el("td", str(number))) for type_, number in sorted(types.items())]
    return [table(("Type", "Number"), rows)]
