"""Whose record it is, who cares for them, whom to call, and what they laid down for the time they cannot speak.

FHIR R4: Patient (contact, generalPractitioner), CareTeam, RelatedPerson, Coverage, Consent. What the person noted with
`phr summary --set-contact` comes before what a hospital once wrote down.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

import orjson

from phr.fhir import dates, read
from phr.records.elements import words_of
from phr.views import whose
from phr.views.summary_rows import Desk, Row, body
from phr.views.summary_words import without_tag

CONTACTS = "emergency_contacts"
"""The setting of the record file that holds what the person noted."""
# CROSS JOIN: source by source, the index of resources finds the few Patients without reading a whole life.
_PATIENTS = (
    "SELECT s.name, x.raw, x.fhir_id, c.patient_id FROM source s CROSS JOIN resource x ON x.source_id = s.id"
    " AND x.type = 'Patient' LEFT JOIN connection c ON c.source_id = x.source_id WHERE x.state = 'current'"
)
_TEAMS = 12
_MEMBERS = 40
Who = dict[str, Any]


# ── whose record ──────────────────────────────────────────────────────────────────────────────────────


def patient(desk: Desk) -> Who:
    """Name, birth date, age and sex as the Patient resources say; where sources differ, what each says."""
    found = _patients(desk)
    own = found[0][1] if found else {}
    born = next((text for _, one in found if (text := read.text(one.get("birthDate")))), None)
    names = list(dict.fromkeys(name for _, one in found if (name := read.human_name(one.get("name")))))
    return {
        "name": names[0] if names else None,
        "other_names": names[1:],
        "birth_date": born,
        "age": age(born, read.text(own.get("deceasedDateTime")) or desk.today),
        "sex": next(
            (sex for _, one in found if (sex := read.text(one.get("gender"))) not in (None, "unknown")), None
        ),
        "deceased": read.text(own.get("deceasedDateTime")) or own.get("deceasedBoolean") is True or None,
        "sources": list(dict.fromkeys(source for source, _ in found)),
        "differs": [
            name
            for name in ("birthDate", "gender")
            if len({one[name] for _, one in found if one.get(name) not in (None, "unknown")}) > 1
        ],
    }


def _patients(desk: Desk) -> list[tuple[str, dict[str, Any]]]:
    """`(source, Patient)`, the one whose record it is first, and then one of each other source."""
    rows = desk.db.execute(_PATIENTS + whose._FIRST + " LIMIT 50").fetchall()
    found: dict[str, dict[str, Any]] = {}
    for number, row in enumerate(rows):
        if not number or row[3] is None or row[2] == row[3]:  # not a relative that was pointed at
            found.setdefault(row[0], body(row[1]))
    return list(found.items())


def age(born: str | None, today: str) -> int | None:
    """Full years at this day; None where the birth date is not known to the day, or makes no sense."""
    try:
        begin, now = date.fromisoformat((born or "")[:10]), date.fromisoformat(today[:10])
    except ValueError:
        return None
    years = now.year - begin.year - ((now.month, now.day) < (begin.month, begin.day))
    return years if 0 <= years < 150 else None


# ── who cares for them ────────────────────────────────────────────────────────────────────────────────


def care_team(desk: Desk) -> list[Who]:
    """Name, role and telephone of everybody on a care team that stands, the family doctor first; each person once."""
    found: dict[str, Who] = {}
    for source, one in _patients(desk):
        for pointer in read.listed(one.get("generalPractitioner")):
            _join(found, desk, source, pointer, "primary care", None)
    teams = desk.newest("care_team", statuses=("active", "proposed", None), limit=_TEAMS)
    for row in teams:
        for told in () if row.ended(desk.now) else desk.told([row.id]).get(row.id, ())[:1]:
            for member in read.dicts(body(told.raw).get("participant")):
                period = member.get("period")
                end = dates.parse(period.get("end")) if isinstance(period, dict) else None
                roles = read.codings(member.get("role"))
                # Synthea lists the person themselves (SNOMED CT 116153009).
                if (end is None or end.end > desk.now) and "116153009" not in {code.code for code in roles}:
                    _join(
                        found,
                        desk,
                        told.source,
                        member.get("member"),
                        without_tag(words_of(member.get("role")) or ""),
                        row,
                    )
    own = {(read.human_name(one.get("name")) or "").casefold() for _, one in _patients(desk)}
    return [who for name, who in found.items() if name not in own][:_MEMBERS]  # some list the patient too


def _join(
    found: dict[str, Who], desk: Desk, source: str, pointer: object, role: str | None, team: Row | None
) -> None:
    address = read.reference(pointer) or ""
    if address.startswith("Patient/"):
        return
    resource = _at(desk, source, address)
    shown = read.text(pointer.get("display")) if isinstance(pointer, dict) else None
    work = resource.get("practitioner")
    names = (
        shown,
        read.human_name(resource.get("name")),
        read.text(resource.get("name")),
        read.text(work.get("display")) if isinstance(work, dict) else None,
    )
    name = next((one for one in names if one and not is_role(one)), None) or shown
    if not name:
        return
    known = found.setdefault(
        name.casefold(),
        {"name": name, "role": role or None, "phone": None, "sources": [], "record": None, "since": None},
    )
    known["role"] = known["role"] or role
    if role and role.casefold() not in (known["role"] or "").casefold() and known["role"] != role:
        known["role"] = f"{known['role']}, {role}"
    known["phone"] = known["phone"] or phone(resource)
    known["sources"] = sorted({*known["sources"], source})
    if team is not None:
        known["record"], known["since"] = known["record"] or str(team.id), known["since"] or team.date


_ROLES = frozenset(
    """
    primary general family attending treating referring ordering care health healthcare medical registered staff team
    physician doctor provider practitioner clinician nurse pcp gp dr md rn user person member unknown default generic
    external historical the a an of for
    """.split()
)


def is_role(name: str) -> bool:
    """Whether a name is none: `Physician`, `Primary care provider`."""
    return _ROLES.issuperset(re.findall(r"\w+", name.casefold()))


def doctor(team: Sequence[Who]) -> Who | None:
    """Whom a rescuer asks: the family doctor, else the first with a number; nobody without a name."""
    named = [one for one in team if not is_role(one["name"])]
    primary = [one for one in named if "primary" in (one["role"] or "").casefold()]
    reached = [one for one in named if one["phone"]]
    return next((one for one in primary if one["phone"]), None) or next(
        iter((*primary, *reached, *named)), None
    )


def _at(desk: Desk, source: str, address: str) -> dict[str, Any]:
    """What a reference of this source points at; empty where it is not here."""
    type_, _, id_ = address.partition("/")
    if not id_:
        return {}
    row = desk.db.execute(
        "SELECT x.raw FROM resource x JOIN source s ON s.id = x.source_id WHERE s.name = ? AND x.type = ? AND x.fhir_id = ?",
        (source, type_, id_),
    ).fetchone()
    return body(row[0]) if row else {}


def phone(resource: dict[str, Any]) -> str | None:
    """The telephone number to call: a mobile, then any that is not old."""
    numbers = [
        (one.get("use"), read.text(one.get("value")))
        for one in read.dicts(resource.get("telecom"))
        if one.get("system") in ("phone", "sms", None) and one.get("use") != "old"
    ]
    numbers.sort(key=lambda one: one[0] != "mobile")
    return next((value for _, value in numbers if value), None)


# ── whom to call ──────────────────────────────────────────────────────────────────────────────────────


def contacts(desk: Desk) -> list[Who]:
    """Whom to call: what the person noted, then Patient.contact, then RelatedPerson; each once.

    Somebody without a number is left out where others have one; else the first is told, and that no number is known.
    """
    found: list[Who] = [{"text": text, "origin": "self", "phone": None} for text in noted_contacts(desk)]
    for source, one in _patients(desk):
        for contact in read.dicts(one.get("contact")):
            period = contact.get("period")
            end = dates.parse(period.get("end")) if isinstance(period, dict) else None
            if end is None or end.end > desk.now:
                _call(found, contact, contact.get("relationship"), source)
    rows = desk.db.execute(
        "SELECT s.name, x.raw FROM source s CROSS JOIN resource x ON x.source_id = s.id AND x.type = 'RelatedPerson'"
        " AND x.state = 'current' LIMIT 20"
    )
    for source, raw in rows.fetchall():
        one = body(raw)
        if one.get("active") is not False:
            _call(found, one, one.get("relationship"), source)
    usable = [one for one in found if one["phone"] or one["origin"] == "self"]
    return usable or [one | {"text": f"{one['text']}, no number known"} for one in found[:1]]


def _call(found: list[Who], one: dict[str, Any], relationship: object, source: str) -> None:
    name, number = read.human_name(one.get("name")), phone(one)
    if not name and not number:
        return
    relation = words_of(relationship)
    text = ", ".join(part for part in (name, relation, number) if part)
    same = next((each for each in found if name and name.casefold() in each["text"].casefold()), None)
    if same is None:
        found.append({"text": text, "origin": source, "phone": number})
    elif number and number not in same["text"]:
        same["text"] += f", {number}"
        same["phone"] = same["phone"] or number


def noted_contacts(desk: Desk) -> list[str]:
    """What the person noted with `phr summary --set-contact`."""
    try:
        found = orjson.loads(desk.store.setting(CONTACTS) or "[]")
    except ValueError:
        return []
    return [text for text in found if isinstance(text, str)]


# ── insurance, directives ─────────────────────────────────────────────────────────────────────────────


def coverage(desk: Desk) -> list[tuple[Row, dict[str, Any]]]:
    """Insurance that stands, with the number of the member."""
    rows = [
        row for row in desk.newest("coverage", statuses=("active", None), limit=60) if row.type == "Coverage"
    ]
    rows = [row for row in rows if not row.ended(desk.now)][:4]
    bodies = desk.bodies([row.id for row in rows])
    return [(row, {"member": _member(bodies.get(row.id, {}))}) for row in rows]


def _member(resource: dict[str, Any]) -> str | None:
    numbers = [read.text(one.get("value")) for one in read.dicts(resource.get("identifier"))]
    return read.text(resource.get("subscriberId")) or next(filter(None, numbers), None)


_READ = 30
_NOT_ANY_MORE = ("inactive", "rejected", "superseded", "cancelled", "final-superseded")


def directives(desk: Desk) -> list[tuple[Row, dict[str, Any]]]:
    """What the person laid down, the newest first, with the signed papers that belong to it.

    A Consent names its paper (`sourceReference`): the two are one, and shown once.
    """
    rows = [row for row in desk.newest("directive", limit=100) if row.status not in _NOT_ANY_MORE]
    rows = [row for row in rows if not row.ended(desk.now)]
    bodies = desk.bodies([row.id for row in rows[:_READ]])
    by_address = {row.resource: row for row in rows if row.type == "DocumentReference"}
    papers: dict[int, list[Row]] = {}
    for row in rows:
        for pointer in read.listed(bodies.get(row.id, {}).get("sourceReference")):
            paper = by_address.get(read.reference(pointer) or "")
            if row.type == "Consent" and paper is not None:
                papers.setdefault(row.id, []).append(paper)
    shown_elsewhere = {paper.id for found in papers.values() for paper in found}
    answer = []
    for row in rows:
        if row.id in shown_elsewhere:
            continue
        told = [row, *papers.get(row.id, ())]
        documents = [one for each in told for one in _documents(each, bodies.get(each.id, {}))]
        said = {
            "no_resuscitation": any(_forbids_resuscitation(each) for each in told),
            "documents": documents,
            "same": [str(each.id) for each in told[1:]],
        }
        answer.append((row, said))
    return answer


def _documents(row: Row, resource: dict[str, Any]) -> list[Who]:
    """What is attached: its title, its media type, and the record that opens it."""
    attached = [one.get("attachment") for one in read.dicts(resource.get("content"))]
    attached += read.listed(resource.get("sourceAttachment"))
    return [
        {
            "title": read.text(one.get("title")),
            "type": read.text(one.get("contentType")),
            "record": str(row.id),
        }
        for one in attached
        if isinstance(one, dict) and (one.get("data") or one.get("url") or one.get("title"))
    ]


_PAPERS = {"application/pdf": "PDF", "text/plain": "text", "text/html": "page"}


def document_words(paper: Who) -> str:
    """`“Advance directive, signed” (PDF)`."""
    type_ = (paper["type"] or "").partition(";")[0].strip().lower()
    kind = _PAPERS.get(type_) or ("scan" if type_.startswith("image/") else None)
    return (
        f"“{paper['title']}”{f' ({kind})' if kind else ''}"
        if paper["title"]
        else f"document{f' ({kind})' if kind else ''}"
    )


_DNR = frozenset(("304253006", "Z66", "dnr", "143021000119109", "84095-9"))


def _forbids_resuscitation(row: Row) -> bool:
    words = " ".join((*row.words, row.description or "")).casefold()
    return row.has_code(_DNR) or any(
        said in words
        for said in ("do not resuscitate", "not for resuscitation", "do not attempt resuscitation", "dnr")
    )
