"""Why something was done, where an Indication (2.16.840.1.113883.10.20.22.4.19) names a problem of the same document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phr.ccda.read.nodes import Node

if TYPE_CHECKING:
    from phr.ccda.read.reading import Reading, Resource


def indicated(reading: Reading, indication: Node) -> Resource | None:
    """A reference to the Condition that an Indication names by its id."""
    problem = reading.index.problem(indication)
    where = reading.where(problem) if problem is not None else None
    made = reading.read(problem, where) if problem is not None and where is not None else []
    return next((reading.ref(each) for each in made if each["resourceType"] == "Condition"), None)
