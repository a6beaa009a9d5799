"""The bytes of a C-CDA document in, FHIR R4 resources out.

Reads C-CDA R2.1 and R1.1, C32 and eICR, any document type, and pieces of a document. Each entry goes to the
reader of its template, else of its section, else to the generic one; what none of them can structure stays as
words in a DocumentReference, and the document is kept whole in another. Pure: the same bytes give the same resources.
"""

from __future__ import annotations

from collections.abc import Iterator

from phr.ccda.read import generic, header, originals, patient
from phr.ccda.read.entries import readers
from phr.ccda.read.narratives import says_something
from phr.ccda.read.nodes import STATEMENTS, Node, children, templates
from phr.ccda.read.parsing import parse
from phr.ccda.read.reading import Reader, Reading, Resource, Where
from phr.ccda.read.report import ReadDocument, problems, section_reports

_CCDA = ("2.16.840.1.113883.10.20.22.", "2.16.840.1.113883.10.20.15.", "2.16.840.1.113883.10.20.34.")
_GENERAL = frozenset(
    f"2.16.840.1.113883.10.20.22.4.{number}" for number in "2 13 38 44 64 67 69 74 86 119 122 130 19".split()
)
"""Templates that others refine: smoking status is also a social history observation."""


def read(content: bytes, *, name: str = "") -> ReadDocument:
    """Everything a document says. Raises UnreadableFile only for what is no readable document, or an attack."""
    parsed = parse(content, name)
    reading = Reading(parsed.root, dispatch)
    person = patient.patient(reading)
    sections = [reading.section(section) for section in parsed.root.iter("section")]
    structured = {where.section for where in sections if _read_section(reading, where)}
    head = header.read(reading)
    original = originals.original(reading, content, head, whole=parsed.whole)
    kept = _keep_words(reading, sections, structured, original)
    originals.provenance(reading, head, original)
    return ReadDocument(
        resources=[person, *(each for each in reading.resources if each is not person)],
        sections=section_reports(reading, sections, kept),
        title=head.title,
        document_id=head.document_id,
        custodian=head.custodian_name,
        made=head.made,
        problems=problems([*parsed.remarks, *_remarks(reading, whole=parsed.whole)]),
    )


def _keep_words(
    reading: Reading, sections: list[Where], structured: set[Node], original: Resource
) -> set[Node]:
    """The sections whose words were kept: all of them where nothing was made of it, else what no entry tells."""
    made: dict[Node, list[Resource]] = {}
    for resource in reading.resources:
        if (home := reading.homes.get(id(resource))) is not None:
            made.setdefault(home, []).append(resource)
    kept = set()
    for where in sections:
        if where.section in structured:
            entries = (each for entry in children(where.section, "entry") for each in entry)
            told = [one for each in entries if each.tag in STATEMENTS for one in reading.read(each, where)]
            words = originals.prose(reading, where, original, [*made.get(where.section, []), *told])
        else:
            words = originals.narrative(reading, where, original) if says_something(where.section) else None
        if words is not None:
            kept.add(where.section)
    return kept


def _remarks(reading: Reading, *, whole: bool) -> Iterator[str]:
    """What is odd about the document, beside how it is written."""
    if not whole:
        yield "It is a piece of a document, which does not say whose it is."
    people = len(children(reading.root, "recordTarget"))
    if people > 1:
        yield f"It names {people} patients: it is read as the record of the first one."
    yield from reading.remarks
    if reading.index.said.cut:
        yield (
            "Some entries point at very long texts: only the beginning stands with them."
            " The whole stays in the original document."
        )


def _read_section(reading: Reading, where: Where) -> bool:
    """Whether any entry of a section could be structured. One of which nothing was made is named, unless it only
    points at another; the words of a section without any are kept as words."""
    structured = False
    for entry in children(where.section, "entry"):
        held = [statement for statement in entry if statement.tag in STATEMENTS]
        if not held and len(entry):
            reading.skip(entry, where, "An entry is of a class that clinical statements do not have")
        for statement in held:
            before = len(reading.skipped)
            try:
                made = reading.read(statement, where)
            except RecursionError:
                reading.skip(statement, where, "An entry is nested too deeply to be read")
                continue
            structured = structured or bool(made)
            if not made and len(reading.skipped) == before and not reading.index.names_another(statement):
                reading.skip(statement, where, "An entry says nothing that could be taken over")
    return structured


# ── which reader ──────────────────────────────────────────────────────────────────────────────────


def dispatch(reading: Reading, where: Where, statement: Node) -> list[Resource]:
    """What a statement says, by the first reader that knows it. A reader that fails is named; the next one tries."""
    for reader in _candidates(where, statement):
        mark = reading.mark()
        try:
            made = reader(reading, where, statement)
        except RecursionError:
            raise
        except Exception as error:  # noqa: BLE001 - one odd statement must not end the import
            reading.roll_back(mark)
            reading.skip(statement, where, f"An entry is built in an unexpected way ({type(error).__name__})")
            continue
        if made is not None:
            return list(made)
    return []


def _candidates(where: Where, statement: Node) -> Iterator[Reader]:
    by_template, by_section = readers()
    tried: list[Reader] = []
    roots = sorted(templates(statement), key=_rank)
    known = [by_template[root] for root in roots if root in by_template]
    if where.code in by_section:
        known.append(by_section[where.code])
    for reader in [*known, generic.read]:
        if reader not in tried:
            tried.append(reader)
            yield reader


def _rank(root: str) -> tuple[bool, bool]:
    """C-CDA's own templates before those of its ancestors, refined ones before general ones; else as written."""
    return root in _GENERAL, not root.startswith(_CCDA)
