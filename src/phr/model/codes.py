"""Code, the noun that every room reads. Apart from the others, because a quick command needs no more than this."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """One coding: FHIR system URI, code, display. Any of them may be missing in the world."""

    system: str | None
    code: str | None
    display: str | None = None
