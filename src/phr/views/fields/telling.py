"""One resource read by the table of its type: pairs of label and words, then what no row of the table names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from phr.views.fields.rest import former, leftovers, pairs
from phr.views.fields.saying import Node, Saying
from phr.views.fields.table import Field, is_told, said, values_at


class Told(NamedTuple):
    """One line of a page."""

    label: str
    value: str
    element: str | None
    """Its path in the resource; None for what no row names."""


def tell(resource: Node, say: Saying, rows: tuple[Field, ...]) -> tuple[list[Told], list[Told]]:
    """What the rows say, and the rest."""
    lines, covered = [], ["subject", "patient", "beneficiary"] if _is_about_a_person(resource, say) else []
    for row in rows:
        for path in row.paths:
            found = list(_lines(resource, row, path, say))
            if found or (row.own is None and is_told(resource, path, row.form, say)):
                lines += found
                covered.append(path)
                break
    rest = [Told(label, words, None) for label, words in pairs(leftovers(resource, covered), say)]
    return lines, list(dict.fromkeys(rest))


def _lines(resource: Node, row: Field, path: str, say: Saying) -> Iterator[Told]:
    if row.own is not None:
        for value in values_at(resource, path):
            for label, words in row.own(value, say):
                yield Told(label or row.label, words, path)
        return
    uses = {former(value) for value in values_at(resource, path)}
    if uses - {""}:
        for value in values_at(resource, path):
            if one := row.form.say(value, say):
                yield Told(row.label + former(value), one, path)
    elif all_of_it := said(resource, path, row.form, say):
        yield Told(row.label, all_of_it, path)


def _is_about_a_person(resource: Node, say: Saying) -> bool:
    """Whose record it is need not be said on each page of it; anything else that it is about does."""
    for name in ("subject", "patient", "beneficiary"):
        pointer = resource.get(name)
        spelled = pointer.get("reference") if isinstance(pointer, dict) else None
        if not isinstance(spelled, str) or spelled.startswith(("urn:", "Patient?")):
            continue
        if say.kind_of(pointer) != "Patient":
            return False
    return True
