"""Sent to a specialist, and no visit there is in the record.

A visit answers a referral when it says so, when it was at the person or place that was named, or at anybody of that
specialty: told by its type, its place, the roles of those who were there, or a note that they wrote.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

from phr.fhir import read
from phr.records.elements import walk, words_of
from phr.views.missing_ground import REFERRAL_GRACE, Ground, Line, Row, day_words, whom
from phr.views.missing_orders import is_due
from phr.views.missing_specialties import related, specialties
from phr.views.words import fold, tokens

_CODES = frozenset(
    ("3457005", "306206005", "103696004", "306253008", "308447003", "308292007", "183516009", "306227005")
)
_SAYS_REFERRAL = re.compile(
    r"\brefer(?:ral|red)?\b|\bconsult(?:ation)?\b|\bsecond opinion\b|physical therap|physiotherap|occupational therap"
    r"|speech therap|rehabilitation",
    re.IGNORECASE,
)
_FOLLOW_UP = re.compile(
    r"\bfollow[- ]?up (?:visit|appointment|encounter)|\breturn visit|\bfollow[- ]?up$|return to clinic", re.I
)
_ASKS_VISIT = re.compile(
    r"\brefer|\bschedul|\bbook\b|make an appointment|\bconsult|\bappointment (?:with|request)", re.I
)
_ONLY_ASKS = re.compile(
    r"\b(?:referral|refer to|request|requisition|order|authori[sz]ation|appointment)\b", re.I
)
"""Papers that send somebody are none of whoever saw them."""
_TITLES = frozenset(
    "dr doctor md do np pa phd rn mr mrs ms prof mbbs dnp facc dpm od pac aprn fnp the of and".split()
)


class Target(NamedTuple):
    """Where somebody was sent."""

    names: tuple[frozenset[str], ...] = ()
    """Words of each person that is named, and of places that are of the specialty."""
    large: tuple[frozenset[str], ...] = ()
    """Words of places that have many specialties: a visit there may have been to somebody else."""
    specialties: frozenset[str] = frozenset()
    any_visit: bool = False
    """A follow-up: any visit at whoever asked for it."""


def is_referral(row: Row) -> bool:
    """Whether an order sends to somebody, and is no test."""
    if row.type == "ReferralRequest":
        return True
    codes = {code[1] for code in row.codes} | {code.code for code in read.codings(row.raw.get("category"))}
    texts = " ".join(
        [*row.names, row.category or "", *(words_of(one) or "" for one in walk(row.raw, ("category",)))]
    )
    return bool(codes & _CODES or _SAYS_REFERRAL.search(texts) or _FOLLOW_UP.search(row.title))


def referrals(ground: Ground, found: list[Row]) -> tuple[list[Line], list[Line], list[Line]]:
    """Without a visit; explained in another way; unsure."""
    missing: list[Line] = []
    explained: list[Line] = []
    unsure: list[Line] = []
    people = _People(ground) if found else None
    for row in found:
        ground.count("referrals")
        if people is None or not is_due(ground, row, REFERRAL_GRACE):
            continue
        target = _target(row)
        how, detail = people.seen(row, target)
        if how == "yes":
            ground.count("referrals_with_visit")
            continue
        place = ", ".join(
            filter(None, (words_of(one) or read.text(one.get("display")) for one in _performers(row)))
        )
        still = f", or {whom(row)} whether it is still wanted" if place and place != whom(row) else ""
        hint = f"Ask {place or whom(row)} for an appointment{still}; phr show {row.id}"
        line = ground.line("referral_without_visit", row, detail, hint)
        {"no": missing, "other": explained, "perhaps": unsure}[how].append(line)
    return missing, explained, unsure


def requests(ground: Ground, known: set[tuple[int, str]]) -> list[Row]:
    """Tasks and appointments that ask for a visit and stand for no order that is here."""
    found = []
    for row in ground.rows(("Task",), raw=True):
        if row.status not in ("requested", "received", "accepted", "ready", "in-progress"):
            continue
        focus = {
            (row.source_id, target)
            for path in ("focus", "basedOn")
            for one in walk(row.raw, (path,))
            if (target := read.reference(one))
        }
        if _ASKS_VISIT.search(f"{row.title} {row.description or ''}") and not focus & known:
            found.append(row)
    for row in ground.rows(("Appointment",), raw=True):
        based = {
            (row.source_id, target) for one in walk(row.raw, ("basedOn",)) if (target := read.reference(one))
        }
        if (
            row.status in ("proposed", "pending", "waitlist")
            and not row.raw.get("start")
            and not based & known
        ):
            found.append(row)
    return found


def _performers(row: Row) -> list[dict[str, Any]]:
    return [one for name in ("performer", "recipient", "owner") for one in read.dicts(walk(row.raw, (name,)))]


def _target(row: Row) -> Target:
    wanted = _wanted(row)
    names: list[frozenset[str]] = []
    large: list[frozenset[str]] = []
    participants = [one.get("actor") for one in read.dicts(row.raw.get("participant"))]
    for one in (*_performers(row), *participants):
        display = read.text(one.get("display")) or "" if isinstance(one, dict) else ""
        address = (read.reference(one) or "") if isinstance(one, dict) else ""
        if not _name(display) or address.startswith("Patient/"):
            continue
        place = address.startswith(("Organization/", "Location/", "HealthcareService/"))
        (large if place and wanted and not specialties(display) else names).append(_name(display))
    return Target(tuple(names), tuple(large), wanted, bool(_FOLLOW_UP.search(row.title)))


def _wanted(row: Row) -> frozenset[str]:
    said = [*row.names, row.description or "" if row.type in ("Task", "Appointment") else ""]
    said += [
        words_of(one) or ""
        for name in ("performerType", "specialty", "orderDetail", "serviceType", "type")
        for one in walk(row.raw, (name,))
    ]
    return specialties(" | ".join(said))


@lru_cache(maxsize=8192)
def _name(text: str) -> frozenset[str]:
    return frozenset(word for word in tokens(fold(text)) if word not in _TITLES and len(word) > 1)


def _may_be(visit: Row) -> str:
    return f"“{visit.title}” of {day_words(visit.date_from)} may be it (record {visit.id})."


class _People:
    """Who was seen when: visits, appointments, and whatever bears the name of whoever was there."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._roles = self._by_role()
        self._visits = list(ground.rows(("Encounter", "Appointment"), raw=True))

    def _by_role(self) -> dict[tuple[int, str], str]:
        """The specialties of a practitioner, by the address: of the role and of the person."""
        found: dict[tuple[int, str], str] = {}
        query = "SELECT type || '/' || fhir_id, raw FROM resource WHERE source_id = ? AND type = ?"
        for source_id, _ in self._ground.sources:
            for type_ in ("PractitionerRole", "Practitioner"):
                for address, raw in self._ground.db.execute(query, (source_id, type_)):
                    role = read.parse_json(raw)
                    said = " | ".join(
                        words_of(one) or ""
                        for path in (("specialty",), ("code",), ("qualification", "code"))
                        for one in walk(role, path)
                    )
                    keys = [
                        address,
                        *(filter(None, (read.reference(one) for one in walk(role, ("practitioner",))))),
                    ]
                    for key in keys:
                        found[source_id, key] = f"{found.get((source_id, key), '')} | {said}"
        return found

    def seen(self, row: Row, target: Target) -> tuple[str, str]:
        """Whether a visit answers the referral, and what is to be said."""
        start = row.written
        if start is None:
            return "perhaps", "The referral has no date."
        naming = [
            one
            for address in self._ground.addresses(row.id)
            for one in self._ground.pointing.get(address, ())
        ]
        for address, resource in naming:
            if address.startswith(
                ("Encounter/", "Procedure/", "DiagnosticReport/", "DocumentReference/")
            ) and resource.get("status") not in ("cancelled", "entered-in-error", "not-done", "planned"):
                return "yes", ""
        missed = perhaps = ""
        own = row.encounter or read.reference(row.raw.get("encounter") or row.raw.get("context"))
        for visit in self._visits:
            if visit.date_from is None or (visit.date_to or 0) <= start or visit.id == row.id:
                continue
            if visit.source_id == row.source_id and visit.resource == own:
                continue
            by_name = any(address == visit.resource for address, _ in naming)
            if not (by_name or self._fits(visit, target, row)):
                if self._is_close(visit, target):
                    perhaps = perhaps or _may_be(visit)
                continue
            if visit.type == "Appointment":
                if visit.status in ("booked", "pending", "proposed") and visit.date_from > self._ground.now:
                    return "other", f"An appointment is booked for {day_words(visit.date_from)}."
                if visit.status in ("fulfilled", "arrived", "checked-in"):
                    return "yes", ""
                if visit.status in ("cancelled", "noshow"):
                    word = "missed" if visit.status == "noshow" else "cancelled"
                    missed = f" An appointment on {day_words(visit.date_from)} was {word}."
            elif visit.status == "planned" and visit.date_from > self._ground.now:
                return "other", f"A visit is planned for {day_words(visit.date_from)}."
            elif (
                visit.status not in ("cancelled", "planned", "entered-in-error")
                and visit.date_from <= self._ground.now
            ):
                return "yes", ""
        if self._bears_the_name(row, target, start):
            return "yes", ""
        if perhaps:
            return "perhaps", perhaps
        if not target.names and not target.large and not target.specialties and not target.any_visit:
            return "perhaps", "It does not say to whom; no visit names it." + missed
        return "no", "No visit there is in your record." + missed

    def _fits(self, visit: Row, target: Target, row: Row) -> bool:
        participants = read.dicts(visit.raw.get("participant"))
        pointers = [one.get("individual") or one.get("actor") for one in participants]
        names = [_name(visit.performer or ""), _name(visit.facility or "")]
        names += [_name(read.text(one.get("display")) or "") for one in pointers if isinstance(one, dict)]
        names += [
            _name(words)
            for one in walk(visit.raw, ("location", "location", "display"))
            if (words := read.text(one))
        ]
        if any(asked and asked <= there for asked in target.names for there in names):
            return True
        if target.any_visit:
            return (
                bool(row.performer and any(_name(row.performer) <= there for there in names))
                or not row.performer
            )
        return bool(target.specialties & self._specialties(visit))

    def _is_close(self, visit: Row, target: Target) -> bool:
        """Whether a visit was at the large place that was named, or to somebody who does some of the same."""
        if visit.type != "Encounter" or visit.status in ("cancelled", "planned", "entered-in-error"):
            return False
        large = bool(target.large) and _name(visit.facility or "") in target.large
        return large or related(target.specialties, self._specialties(visit))

    def _specialties(self, visit: Row) -> frozenset[str]:
        """What a visit was for, and who was there."""
        participants = read.dicts(visit.raw.get("participant"))
        pointers = [one.get("individual") or one.get("actor") for one in participants]
        said = [visit.title, visit.facility or "", *(name for name in visit.names)]
        said += [
            words_of(one) or ""
            for path in (
                ("serviceType",),
                ("type",),
                ("specialty",),
                ("serviceCategory",),
                ("appointmentType",),
            )
            for one in walk(visit.raw, path)
        ]
        said += [
            words for one in walk(visit.raw, ("location", "location", "display")) if (words := read.text(one))
        ]
        said += [words_of(role) or "" for one in participants for role in read.listed(one.get("type"))]
        said += [read.text(one.get("display")) or "" for one in pointers if isinstance(one, dict)]
        said += [
            self._roles.get((visit.source_id, address), "")
            for one in pointers
            if isinstance(one, dict) and (address := read.reference(one))
        ]
        return specialties(" | ".join(said))

    def _bears_the_name(self, row: Row, target: Target, start: int) -> bool:
        """A note, a report or a treatment by whoever was named, or a consultation note of that specialty."""
        for performer, facility, title, kind, resource in self._written:
            if (
                resource[1] < start
                or resource[0] == row.id
                or kind in ("order", "task", "encounter", "appointment")
            ):
                continue
            names = (_name(performer or ""), _name(facility or ""))
            if any(asked and asked <= there for asked in target.names for there in names):
                return True
            if kind in ("clinical_note", "document") and _ONLY_ASKS.search(title):
                continue
            if kind in ("clinical_note", "document", "procedure") and target.specialties & specialties(
                f"{title} | {facility or ''}" if kind != "document" else title
            ):
                return True
        return False

    @property
    def _written(self) -> list[tuple[str | None, str | None, str, str, tuple[int, int]]]:
        kept = self._ground._cache.get("written")
        if kept is None:
            rows = self._ground.db.execute(
                "SELECT max(performer), max(facility), max(CASE WHEN kind IN ('clinical_note', 'document')"
                " THEN title || ' | ' || coalesce(codes, '') || ' | ' || coalesce(CASE WHEN resource LIKE"
                " 'DocumentReference/%' THEN description END, '') ELSE title END), kind, id, max(date_from)"
                " FROM record WHERE supporting = 0"
                " AND date_from IS NOT NULL AND (performer IS NOT NULL OR facility IS NOT NULL"
                " OR kind IN ('clinical_note', 'document'))"
                " GROUP BY performer, facility, kind,"
                " CASE WHEN kind IN ('clinical_note', 'document', 'procedure') THEN title END"
            )
            kept = [(row[0], row[1], row[2], row[3], (row[4], row[5])) for row in rows]
            self._ground._cache["written"] = kept
        return list(kept)
