"""What came of a document: its resources, and for each section what was found, made and skipped."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from phr.ccda.read.nodes import Node, children
from phr.ccda.read.reading import Reading, Where
from phr.model import Problem


@dataclass(slots=True)
class SectionReport:
    """One section: how many entries it has, what was made of them, what was skipped and why."""

    code: str | None
    title: str | None = field(repr=False)
    found: int = 0
    made: dict[str, int] = field(default_factory=dict)
    skipped: list[tuple[str, int]] = field(default_factory=list)


@dataclass(slots=True)
class ReadDocument:
    """A document that was read. The Patient is the first resource."""

    resources: list[dict[str, Any]] = field(repr=False)
    sections: list[SectionReport]
    title: str | None = field(repr=False)
    document_id: str | None
    custodian: str | None = field(repr=False)
    made: str | None
    problems: tuple[Problem, ...] = ()


def section_reports(
    reading: Reading, sections: Sequence[Where], kept: Collection[Node]
) -> list[SectionReport]:
    """What each section gave; what stands in a section inside it is counted there. `kept` are those of which words
    were kept, so that a section that says the same as another one does not seem lost."""
    made: dict[Node, Counter[str]] = defaultdict(Counter)
    for resource in reading.resources:
        if (home := reading.homes.get(id(resource))) is not None:
            made[home][str(resource["resourceType"])] += 1
    skipped: dict[Node, Counter[str]] = defaultdict(Counter)
    for section, reason in reading.skipped:
        skipped[section][reason] += 1
    found = []
    for where in sections:
        counted = dict(made[where.section])
        if where.section in kept:
            counted.setdefault("DocumentReference", 1)
        entries = len(children(where.section, "entry"))
        reasons = list(skipped[where.section].items())
        found.append(SectionReport(where.code, where.title, entries, counted, reasons))
    return found


def problems(remarks: Sequence[str]) -> tuple[Problem, ...]:
    """What is odd about the document as a whole: a remark is no failure. What was skipped stands with its section."""
    return tuple(Problem("document", remark, known=True) for remark in dict.fromkeys(remarks))
