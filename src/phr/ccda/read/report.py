"""What came of a document: its resources, and for each section what was found, made and skipped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
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


def section_report(reading: Reading, where: Where) -> SectionReport:
    """One section's own entries; what stands in a section inside it is counted there."""
    homes: dict[int, Node] = reading.homes
    made = Counter(
        str(resource["resourceType"])
        for resource in reading.resources
        if homes.get(id(resource)) is where.section
    )
    skipped = Counter(reason for section, reason in reading.skipped if section is where.section)
    return SectionReport(
        where.code, where.title, len(children(where.section, "entry")), dict(made), list(skipped.items())
    )


def problems(remarks: Sequence[str], sections: Sequence[SectionReport]) -> tuple[Problem, ...]:
    """Everything that is not as it should be, each reason once."""
    reasons = Counter(
        reason for section in sections for reason, count in section.skipped for _ in range(count)
    )
    counted = [
        f"{reason.rstrip('.')} ({count} times)." if count > 1 else reason for reason, count in reasons.items()
    ]
    return tuple(Problem("document", remark) for remark in [*remarks, *counted])
