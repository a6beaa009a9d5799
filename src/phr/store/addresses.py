"""Where the resources of each source are: the base of its server, or a name of our own that leads nowhere.

What we hand on is named by these addresses (`Bundle.entry.fullUrl`, FHIR R4 2.36.4; in C-CDA a UUID made of them), so what
comes back can be told from what is new.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any


def bases(db: Any, names: Container[str] | None = None) -> dict[int, tuple[str, str]]:
    """`(base, name)` by source row, or of these names alone. Two sources of one server get different bases."""
    found: dict[int, tuple[str, str]] = {}
    taken: set[str] = set()
    for id_, key, name, base in db.execute("SELECT id, key, name, fhir_base FROM source ORDER BY id"):
        if names is not None and name not in names:
            continue
        known = (base or "").rstrip("/")
        whole = known if known and known not in taken else f"https://phr.invalid/{key}"
        taken.add(whole)
        found[id_] = (whole, name)
    return found
