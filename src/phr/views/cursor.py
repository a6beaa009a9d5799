"""Where a page of the timeline ended, as a word that a person can hand back."""

from __future__ import annotations

import base64
import binascii

from phr.errors import UsageError

Place = tuple[int | None, int]
"""Where an event stands: epoch seconds (None: undated) and record id."""


def sealed(place: Place) -> str:
    when, id_ = place
    words = f"{'' if when is None else when}:{id_}"
    return base64.urlsafe_b64encode(words.encode()).decode().rstrip("=")


def opened(cursor: str) -> Place:
    try:
        words = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode("ascii")
        when, _, id_ = words.partition(":")
        place = int(when) if when else None, int(id_)
        if any(abs(number) >= 2**63 for number in place if number is not None):
            raise ValueError("not a place in a database")
    except (ValueError, binascii.Error):
        raise UsageError(
            "--after is not a place in this timeline.",
            hint="Copy the line “Older: …” below the page before, or leave --after out.",
        ) from None
    return place
