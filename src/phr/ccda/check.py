"""Our own check of a finished C-CDA document: is it built as it should be, and what would a receiver miss in it?

No substitute for HL7's Schematron: it knows the rules that receivers stumble over most, needs no files of others, and
is quick enough to look at every document that leaves the house. A fault in a document of ours is ours; what is missing
for want of data is no fault, but a person can ask for it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from lxml import etree

from phr.ccda.check_document import document_faults
from phr.ccda.check_entries import entry_faults
from phr.ccda.check_missing import Missing, missing
from phr.ccda.check_sheet import Fault, Node, Sheet

_MOST = 100
"""Kinds of fault that are told."""


@dataclass(frozen=True, slots=True)
class Error:
    """One kind of fault, and how often it was found."""

    where: str
    what: str
    count: int


@dataclass(frozen=True, slots=True)
class Report:
    """What the check found."""

    kind: str
    """What the document says it is: `ccd`, `referral-note`, `c-cda` (another type), or `cda` (no C-CDA R2.1)."""
    errors: tuple[Error, ...]
    missing: tuple[Missing, ...]

    @property
    def sound(self) -> bool:
        return not self.errors


def examine(xml: bytes) -> Report:
    """Check the bytes of a document that we wrote."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True, remove_blank_text=True
    )
    return examine_tree(etree.fromstring(xml, parser))


def examine_tree(root: Node) -> Report:
    """The same for a document that is open already, with the namespaces of CDA."""
    sheet = Sheet(root)
    faults = [*document_faults(sheet), *entry_faults(sheet)]
    return Report(sheet.kind, _counted(faults), tuple(missing(sheet)) if sheet.modern else ())


def _counted(faults: list[Fault]) -> tuple[Error, ...]:
    counts = Counter(faults)
    return tuple(Error(where, what, number) for (where, what), number in list(counts.items())[:_MOST])
