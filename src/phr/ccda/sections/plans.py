"""What all kinds of plans share: which are open, how much of a plan they are, when they are due.

Only open plans stand in the Plan of Treatment; completed ones appear as what they became.
"""

from __future__ import annotations

from phr.ccda.codes import CPT, HCPCS, LOINC, SNOMED
from phr.ccda.datatypes import interval, maybe_at, period, timestamp
from phr.ccda.xml import Element
from phr.fhir.read import text
from phr.model import Resource

OPEN = frozenset(("active", "draft", "on-hold"))
OVER = "It is not said to be open; what came of it stands in its own section."
_MOODS = {"order": "RQO", "plan": "INT", "proposal": "PRP", "directive": "RQO"}
CODES = [LOINC, SNOMED, CPT, HCPCS]


def due(resource: Resource) -> object:
    """When it is to be, else when it was ordered."""
    for key in ("occurrenceDateTime", "occurrencePeriod", "start", "period", "authoredOn", "created"):
        if timestamp(start := period(resource.get(key))[0]):
            return start
    return None


def mood(resource: Resource) -> str:
    """moodCode of how far the intent goes."""
    return _MOODS.get((text(resource.get("intent")) or "order").removesuffix("-order"), "RQO")


def due_time(start: object, end: object) -> Element | None:
    """`effectiveTime`, if it is known."""
    if timestamp(end) and start != end:
        return interval("effectiveTime", start, end)
    return maybe_at("effectiveTime", start)
