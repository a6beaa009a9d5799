"""One FHIR resource in plain words: what the table of its type names, then every further element that says something.

Numbers keep the digits of the source (see `views.fields`).
"""

from __future__ import annotations

import json
from typing import Any

from phr.fhir import read
from phr.views.fields import rows
from phr.views.fields.narrative import untold
from phr.views.fields.saying import Find, Saying, nothing_found
from phr.views.fields.telling import Told, tell

Pair = dict[str, Any]
"""`label`, `value`, `element` (its path; None where no table names it), `more` (whether it is one of those)."""
MOST = 400
OWN_WORDS = "In its own words"


def details(raw: bytes, find: Find = nothing_found) -> list[Pair]:
    """`[{label, value, element, more}]` of a resource; empty when the bytes are not readable."""
    resource = exact(raw)
    return of_resource(resource, find) if isinstance(resource, dict) else []


def of_resource(resource: dict[str, Any], find: Find = nothing_found) -> list[Pair]:
    """The same of a resource whose numbers are texts."""
    say = Saying(resource, find)
    told, rest = tell(resource, say, rows(resource.get("resourceType")))
    own = untold(resource, (one.value for one in (*told, *rest)))
    if own:
        told.append(Told(OWN_WORDS, own, "text"))
    found = [_pair(one, more=False) for one in dict.fromkeys(told)]
    values = {(one["label"], one["value"]) for one in found}
    found += [_pair(one, more=True) for one in rest if (one.label, one.value) not in values]
    if len(found) > MOST:
        left = len(found) - MOST
        found = [*found[:MOST], _pair(Told("And so on", f"{left} more (--raw has them)", None), more=True)]
    return found


def exact(raw: bytes) -> Any:
    """JSON with every number as the text it was; falls back to the lenient reader."""
    try:
        return json.loads(raw, parse_float=str, parse_int=str, object_pairs_hook=read.paired)
    except (ValueError, RecursionError):
        pass
    try:
        return read.parse_json(raw)
    except ValueError:
        return None


def _pair(one: Told, *, more: bool) -> Pair:
    return {"label": one.label, "value": one.value, "element": one.element, "more": more}
