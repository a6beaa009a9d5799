"""Small builders for FHIR R4 (4.0.1) JSON: a resource with its meta, concepts, quantities, references, times.

Everything here is pure and depends on its arguments alone, so that one seed gives the same bytes on every
machine. Absent parts (None) fall away, as FHIR has no null.
"""

from __future__ import annotations

import hashlib
import random
import uuid
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from phr.sandbox.synthetic import codes

Json = dict[str, Any]

TODAY = date(2026, 10, 31)
"""The day on which this record ends. A constant: the record must not change while nobody looks."""

US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"
_URL_SPACE = uuid.UUID("8d4c1f7a-5e0b-5c59-9a53-2f1f6c0e7b11")


def resource(
    type_: str, id_: str, updated: date | datetime, profile: str | None = None, **fields: Any
) -> Json:
    """A resource of `type_` whose meta says version 1, updated that evening, after the US Core `profile`."""
    meta: Json = {
        "versionId": "1",
        "lastUpdated": f"{updated.isoformat()[:10]}T23:{len(id_) % 60:02d}:07.000Z",
    }
    if profile:
        meta["profile"] = [US_CORE + profile]
    built: Json = {"resourceType": type_, "id": id_, "meta": meta}
    for name, value in fields.items():
        if value is not None:
            built[name] = value
    return built


def coding(code: codes.Code) -> Json:
    """One Coding; without display where the table has none."""
    system, value, display = code
    return (
        {"system": system, "code": value, "display": display}
        if display
        else {"system": system, "code": value}
    )


def concept(*coded: codes.Code, text: str | None = None) -> Json:
    """A CodeableConcept of these codings, with `text` if given; only text if there is no code."""
    built: Json = {"coding": [coding(code) for code in coded]} if coded else {}
    if text:
        built["text"] = text
    return built


def quantity(value: float, unit: str, ucum: str | None = None, comparator: str | None = None) -> Json:
    """A Quantity in UCUM; `unit` is what a person reads and `ucum` the code where it differs."""
    built: Json = {"value": value, "unit": unit, "system": codes.UCUM, "code": ucum or unit}
    if comparator:
        built["comparator"] = comparator
    return built


def reference(target: str, display: str | None = None) -> Json:
    """A relative reference `Type/id`. Without a display the reader has to look the name up, as often in life."""
    return {"reference": target, "display": display} if display else {"reference": target}


def to(built: Json, display: str | None = None) -> Json:
    """A reference to a resource just built."""
    return reference(f"{built['resourceType']}/{built['id']}", display)


def stamp(at: datetime) -> str:
    """Wall-clock time of the United States' east coast with its offset, daylight saving by the month and day."""
    summer = (3, 14) <= (at.month, at.day) < (11, 2)
    return f"{at.isoformat(timespec='seconds')}{'-04:00' if summer else '-05:00'}"


def zulu(at: datetime) -> str:
    """The same wall-clock time as an instant in UTC, the way laboratory systems send it."""
    summer = (3, 14) <= (at.month, at.day) < (11, 2)
    return (at + timedelta(hours=4 if summer else 5)).isoformat(timespec="seconds") + "Z"


def period(start: datetime, minutes: int) -> Json:
    """A Period from `start` for so many minutes."""
    return {"start": stamp(start), "end": stamp(start + timedelta(minutes=minutes))}


def draw(seed: int, *subject: str) -> random.Random:
    """Randomness of one subject: a new subject never shifts the values of another."""
    return random.Random(f"{seed}:{':'.join(subject)}")  # noqa: S311  # synthetic data, nothing secret


def number(*parts: str) -> str:
    """A long plain number as some systems use for ids, from the words given."""
    digest = hashlib.blake2b("/".join(parts).encode(), digest_size=6).digest()
    return str(10_000_000 + int.from_bytes(digest, "big") % 10**12)


def guid(*parts: str) -> str:
    """A name-based UUID as other systems use for ids."""
    return str(uuid.uuid5(_URL_SPACE, "/".join(parts)))


def copies(scale: int) -> Iterator[tuple[str, timedelta]]:
    """What `--scale` does to a repeating event: its id's suffix and how much later each copy happens.

    The copies fall in the three weeks after the event and then between each other, so that dates stay true to
    the story and no copy lies after TODAY.
    """
    for copy in range(scale):
        yield (
            f"-{copy}" if copy else "",
            timedelta(days=7 * (copy % 4), minutes=7 * (copy // 4) % (4 * 24 * 60)),
        )
