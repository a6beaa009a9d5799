"""An event as what problems and medications are sorted by."""

from __future__ import annotations

from phr.fhir import dates
from phr.views.events import Event
from phr.views.summary_rows import Row

ONCE = ("MedicationAdministration/", "MedicationDispense/", "Immunization/")
"""Given or handed out: it did not last."""


def row_of(event: Event) -> Row:
    """As a summary weighs it."""
    when = dates.parse(event["date"])
    codes = tuple((one["system"], one["code"], one["display"]) for one in event["codes"])
    return Row(
        int(event["id"]),
        str(event["title"]),
        event["status"],
        event["date"],
        when.start if when else None,
        event["end"],
        event["category"],
        codes,
        event["description"],
        str(event["resource"]),
    )
