"""Which medicines somebody takes, as far as the record says; and of which one has to ask.

What gives reason to ask "still taking?" is told in `summary_doubt`. Nothing is left out for being old: what is left out
says of itself that it was stopped or completed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from phr.fhir import dates, read
from phr.views.summary_doubt import DAY, Doubt, Drug, Signs, asked, dosages, doubt, iso
from phr.views.summary_drugs import emergency_class, is_short_course
from phr.views.summary_given import GIVEN, given_before, join_given, was_given
from phr.views.summary_rows import Desk, Row, body, grouped
from phr.views.summary_words import denies, says_nothing

_CHAIN = 400 * DAY
_RECENTLY_DISPENSED = 100 * DAY
_STATED = ("MedicationStatement", "MedicationUsage")
_ORDERED = ("MedicationRequest", *_STATED)
_NOW = ("active", "on-hold", "intended", "unknown", "recording", None)
_PAST = ("completed", "in-progress", "stopped", "ended", "cancelled", "not-taken")
_HISTORY = 600
SAME_DRUG = frozenset(("rxnorm", "ndc", "snomed", "atc"))


class Medications:
    """What a summary says of medicines; each with what is to be said beside its event."""

    def __init__(self) -> None:
        self.listed: list[tuple[Row, dict[str, Any]]] = []
        self.none_known: list[Row] = []
        self.forbidden: list[tuple[Row, dict[str, Any]]] = []
        """What is not to be taken (`doNotPerform`)."""


def medications(desk: Desk) -> Medications:
    """What is taken, those without doubt first."""
    found = Medications()
    current: list[Row] = []
    for row in desk.newest("medication", statuses=_NOW):
        codes = [code[1] for code in row.codes]
        if denies(row.title, codes):
            found.none_known.append(row)
        elif row.type in _ORDERED and not says_nothing(row.title, codes):
            current.append(row)
    lately = desk.now - 3 * 366 * DAY
    past = desk.newest("medication", statuses=(*_PAST, None), since=lately, limit=_HISTORY)
    drugs = _drugs(desk, current, _without(past, current))
    told = desk.told([one.id for drug in drugs for one in (*drug.now[:4], *drug.dispensed[:1])])
    bodies = {id_: [body(one.raw) for one in ones] for id_, ones in told.items()}
    written = desk.written([one.id for drug in drugs for one in drug.now[:4]])
    signs = [_signs(desk, drug, bodies, written) for drug in drugs]
    doubts = [doubt(desk, drug, bodies, one) for drug, one in zip(drugs, signs, strict=True)]
    sources = [told[drug.newest.id][0].source if drug.newest.id in told else "" for drug in drugs]
    ask = asked(desk, list(zip(sources, doubts, strict=True)))
    for number, drug in enumerate(drugs):
        said = _said(desk, drug, bodies, signs[number], doubts[number], ask=ask[number])
        target = found.forbidden if said.pop("forbidden") else found.listed
        target.append((drug.newest, said))
    found.listed.sort(
        key=lambda one: (one[1]["still_taking"], one[1]["unrenewed"] is not None, one[0].title.casefold())
    )
    return found


def _without(rows: Sequence[Row], known: Sequence[Row]) -> list[Row]:
    ids = _ids(known)
    return [row for row in rows if row.id not in ids]


def _ids(rows: Iterable[Row]) -> set[int]:
    return {row.id for row in rows}


def _drugs(desk: Desk, current: Sequence[Row], past: Sequence[Row]) -> list[Drug]:
    """Certain duplicates together. What is only dispensed, or given again and again, is taken as well."""
    drugs, others = [], []
    listed = _ids(current)
    for group in grouped([*current, *past], certain=SAME_DRUG):
        now = [row for row in group if row.id in listed]
        rest = [row for row in group if row.id not in listed]
        if now:
            drugs.append(Drug(now, rest))
        else:
            others.append(rest)
    for rest in join_given(desk, drugs, others):
        if signs := _taken_without_order(desk, rest):
            drugs.append(Drug(signs[:1], [row for row in rest if row is not signs[0]]))
    return drugs


def _taken_without_order(desk: Desk, rows: Sequence[Row]) -> list[Row]:
    """Dispensed in the last weeks, or given on at least three days, weeks apart, and lately."""
    if any(row.status in ("stopped", "not-taken") for row in rows):
        return []
    recent = [
        row for row in rows if row.date_from and desk.now - _RECENTLY_DISPENSED < row.date_from <= desk.now
    ]
    dispensed = [row for row in recent if row.type == "MedicationDispense" and row.status == "completed"]
    if dispensed and not is_short_course(dispensed[0]):
        return dispensed
    given = [
        row
        for row in rows
        if row.type == "MedicationAdministration" and row.status == "completed" and row.date_from
    ]
    days = sorted({(row.date_from or 0) // (14 * DAY) for row in given})
    return given if len(days) >= 3 and any(row in recent for row in given) else []


# ── what is said of one ───────────────────────────────────────────────────────────────────────────────


def _said(
    desk: Desk,
    drug: Drug,
    bodies: dict[int, list[dict[str, Any]]],
    signs: Signs,
    found: Doubt | None,
    *,
    ask: bool,
) -> dict[str, Any]:
    doses = _doses(drug, bodies)
    same = [*drug.now, *(row for row in drug.past if was_given(row))]
    dated = {name: row.date if row else None for name, row in signs.rows.items()}
    noted = signs.rows["noted"]
    if signs.told is not None and signs.told > ((noted.date_from or 0) if noted else 0):
        dated["noted"] = iso(signs.told)
    return {
        "dose": doses[0] if doses else None,
        "other_doses": doses[1:],
        "since": _since(desk, drug),
        "times": len(same),
        "same": [str(row.id) for row in same[1:]],
        **dated,
        "still_taking": ask,
        "doubt": found.reason if found and ask else None,
        "unrenewed": found.reason if found and not ask else None,
        "last_seen": iso(found.seen) if found and found.seen else None,
        "class": emergency_class(drug.newest),
        "forbidden": bodies.get(drug.newest.id, [{}])[0].get("doNotPerform") is True,
    }


def _signs(desk: Desk, drug: Drug, bodies: dict[int, list[dict[str, Any]]], written: dict[int, int]) -> Signs:
    rows = {
        "prescribed": _latest(desk, drug, ("MedicationRequest",)),
        "dispensed": _latest(desk, drug, ("MedicationDispense",)),
        "given": _latest(desk, drug, ("MedicationAdministration",)),
        "noted": _latest(desk, drug, ("MedicationStatement", "MedicationUsage")),
    }
    return Signs(rows, _told(desk, drug, bodies, written))


def _told(
    desk: Desk, drug: Drug, bodies: dict[int, list[dict[str, Any]]], written: dict[int, int]
) -> int | None:
    """When it was last said that it is taken: `dateAsserted`, and when the person wrote an entry of their own."""
    found = []
    for row in drug.now[:4]:
        if row.type in _ORDERED and row.id in written:
            found.append(written[row.id])
        if row.type in _STATED:
            asserted = dates.parse(read.text(bodies.get(row.id, [{}])[0].get("dateAsserted")))
            found += [asserted.start] if asserted else []
    return max((one for one in found if one <= desk.now), default=None)


def _latest(desk: Desk, drug: Drug, types: tuple[str, ...]) -> Row | None:
    """The newest sign of this type that the medicine is taken; what lies ahead is none."""
    rows = [
        row
        for row in (*drug.now, *drug.past)
        if row.type in types
        and row.date_from is not None
        and row.date_from <= desk.now
        and row.status not in ("stopped", "cancelled", "not-taken")
    ]
    return max(rows, key=lambda row: row.date_from or 0, default=None)


def _since(desk: Desk, drug: Drug) -> str | None:
    """When it began: the first active entry, and from there back over yearly renewals and what was given.

    Without an order, over what was given or handed out: the first of that run.
    """
    rows = [*drug.now, *drug.past]
    if drug.newest.type not in _ORDERED:
        first = min(row.date_from for row in rows if row.date_from is not None)
        rows += given_before(desk, drug.newest, first)
    types = (*_ORDERED, GIVEN, drug.newest.type)
    dated = sorted(
        (row for row in rows if row.date_from is not None and row.type in types and _counts(row)),
        key=lambda row: -(row.date_from or 0),
    )
    known = _ids(drug.now)
    at = max((number for number, row in enumerate(dated) if row.id in known), default=None)
    if at is None:
        return drug.newest.date
    while at + 1 < len(dated) and (dated[at].date_from or 0) - (dated[at + 1].date_from or 0) < _CHAIN:
        at += 1
    return dated[at].date


def _counts(row: Row) -> bool:
    """Whether it says that it was taken: an order of any status does, something given has to have been."""
    return row.type in _ORDERED or row.status == "completed" or was_given(row)


def _doses(drug: Drug, bodies: dict[int, list[dict[str, Any]]]) -> list[str]:
    """How it is to be taken, as the newest says it; then what others say instead."""
    found: list[str] = []
    for row in drug.now[:4]:
        resource = bodies.get(row.id, [{}])[0]
        words = [_words(one) for one in dosages(resource)]
        said = ", then ".join(word for word in words if word)
        if said and said.casefold() not in (one.casefold() for one in found):
            found.append(said)
    return found


def _words(dosage: dict[str, Any]) -> str | None:
    """Its sentence, as nearly all have one; else the words that are made of its parts."""
    said = read.text(dosage.get("text"))
    if said and "None" not in said:
        return said
    from phr.records.medications import dosage_words  # costs as much as all the rest of this file

    return dosage_words(dosage)
