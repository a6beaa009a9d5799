"""Whose record a connection holds, and what of an answer is another person's.

One wrong answer of a server (a mixed-up cache, a stub of the family, a merge gone astray) must not bring somebody else's
data in here: another id is the same person only where birth date and name or an identifier say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from phr.fhir import read
from phr.model import Page, Problem, Received, Resource
from phr.store.passes import source_id
from phr.store.store import Store

ANOTHER_ID = "the server calls this patient by another id than it is asked with"
SAME = "same-patient"
"""The kind of lesson that names earlier ids."""
DISOWNED = "something came as another patient's"


class _Whose(msgspec.Struct):
    """The elements by which a resource says whose it is."""

    subject: object = None
    patient: object = None
    beneficiary: object = None


_whose = msgspec.json.Decoder(_Whose)


@dataclass(slots=True)
class Person:
    """The ids by which a source calls its patient, and what is known of them."""

    ids: frozenset[str] = field(default=frozenset(), repr=False)
    body: Resource | None = field(default=None, repr=False)
    unknown: bool = False
    """No Patient of this source was ever kept."""
    base: str = ""

    def is_also(self, id_: str) -> None:
        """The server calls them so too."""
        self.ids |= {id_}

    def others(self, received: Iterable[Received]) -> list[Received]:
        """What of a search is another patient's. What names no patient is nobody's, and stays."""
        marks = [b'Patient/%b"' % id_.encode() for id_ in self.ids]
        return [
            one
            for one in received
            if not any(mark in one.raw for mark in marks) and b"Patient" in one.raw and self._of_other(one)
        ]

    def _of_other(self, one: Received) -> bool:
        named = patients(one, self.base)
        return bool(named) and named.isdisjoint(self.ids)


def known(store: Store, source_key: str, patient: str, base: str) -> Person:
    """The patient of a source as far as it is kept here.

    A Patient that was only read because something points at it (a mother, a twin) is somebody else.
    """
    rows = store.db.execute(
        "SELECT r.fhir_id, r.raw FROM resource r WHERE r.source_id = ?1 AND r.type = 'Patient' AND (r.fhir_id = ?2"
        " OR NOT EXISTS (SELECT 1 FROM wanted_reference w WHERE w.source_id = ?1 AND w.type = 'Patient'"
        " AND w.fhir_id = r.fhir_id AND w.http_status = 200)) ORDER BY r.id LIMIT 100",
        (source_id(store, source_key), patient),
    ).fetchall()
    bodies = {str(row[0]): parsed(bytes(row[1])) for row in rows}
    own = bodies.get(patient)
    same = {id_ for id_, body in bodies.items() if own is None or agree(own, body)}
    ids = frozenset({patient, *same, *_earlier(store, source_key, patient)})
    return Person(ids, own or next(iter(bodies.values()), None), not bodies, base)


def became(store: Store, source_key: str, patient: str, before: Sequence[str]) -> None:
    """Remember the ids that this patient had before a merge: what is older may go on naming them."""
    ids = sorted({*before, *(id_ for old in before for id_ in _earlier(store, source_key, old))})
    store.learned.keep(source_key, [(f"Patient/{patient}", SAME, {"ids": ids})])


def _earlier(store: Store, source_key: str, patient: str) -> list[str]:
    rows = store.learned.all(source_key)
    found = [value for type_, kind, value in rows if (type_, kind) == (f"Patient/{patient}", SAME)]
    return [str(id_) for value in found if isinstance(value, dict) for id_ in read.listed(value.get("ids"))]


def parsed(raw: bytes) -> Resource | None:
    """A resource's bytes as JSON; None for what is none."""
    try:
        data = read.parse_json(raw)
    except ValueError:
        return None
    return data if isinstance(data, dict) else None


def agree(one: Resource | None, other: Resource | None) -> bool:
    """Whether two Patients are one person: the same day of birth, and a family name or an identifier in common."""
    return _born_alike(one, other) and any(
        not names(one).isdisjoint(names(other)) for names in (_families, _identifiers)
    )


def replaces(new: Resource | None, old_id: str, old: Resource | None) -> bool:
    """Whether a Patient says that it took the place of another, born on the same day."""
    links_ = read.dicts(new.get("link")) if new is not None else ()
    says = any(
        link.get("type") == "replaces" and read.reference(link.get("other")) == f"Patient/{old_id}"
        for link in links_
    )
    return says and _born_alike(new, old)


def _born_alike(one: Resource | None, other: Resource | None) -> bool:
    if one is None or other is None:
        return False
    born = one.get("birthDate")
    return isinstance(born, str) and bool(born) and born == other.get("birthDate")


def _families(patient: Resource | None) -> set[str]:
    found: set[str] = set()
    for name in read.dicts((patient or {}).get("name")):
        text = name.get("family") or name.get("text")
        if isinstance(text, str) and text.strip():
            found.add(" ".join(text.casefold().split()))
    return found


def _identifiers(patient: Resource | None) -> set[tuple[str, str]]:
    pairs: list[tuple[Any, Any]] = [
        (one.get("system"), one.get("value")) for one in read.dicts((patient or {}).get("identifier"))
    ]
    return {(a, b) for a, b in pairs if isinstance(a, str) and isinstance(b, str) and a and b}


def patients(one: Received, base: str | None = None) -> frozenset[str]:
    """Whose a resource says it is; empty where it does not say. With a `base`, addresses elsewhere say nothing."""
    if one.type == "Patient":
        return frozenset({one.id})
    try:
        named = _whose.decode(one.raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return frozenset()
    values = [v for e in (named.subject, named.patient, named.beneficiary) for v in read.listed(e)]
    targets = [read.reference(value) for value in values if base is None or _is_here(value, base)]
    return frozenset(text.partition("/")[2] for text in targets if text and text.startswith("Patient/"))


def _is_here(value: object, base: str) -> bool:
    text = value.get("reference") if isinstance(value, dict) else None
    return isinstance(text, str) and ("://" not in text or text.startswith(base.rstrip("/") + "/"))


def of_everything(person: Person, page: Page, *, met: bool) -> tuple[Page, list[Received], bool]:
    """Without what `$everything` brought of other patients (stubs of a family were seen); that; and whether hers came.

    Humana calls the patient by another id than it was asked with, in all that it sends: that one is meant where the
    Patient under it agrees with the one that is known, or none was ever known. `met`: hers came on an earlier page.
    """
    whose = [(one, patients(one)) for one in page.received]
    named = {id_ for _, ids in whose for id_ in ids}
    notes: list[Problem] = []
    if named and named.isdisjoint(person.ids) and not met and _is_meant(person, named, page.received):
        person.is_also(next(iter(named)))
        notes.append(Problem("Patient", ANOTHER_ID, known=True))
    own = tuple(one for one, ids in whose if not ids or not ids.isdisjoint(person.ids))
    strangers = [one for one, ids in whose if ids and ids.isdisjoint(person.ids)]
    met = met or not named.isdisjoint(person.ids)
    flawed = page.flawed
    if strangers:
        words = f"{len(strangers)} entries of other patients were left out"
        notes.append(Problem("Patient", words, known=met))
        flawed = flawed if met else flawed or DISOWNED
    if notes:
        page = replace(page, received=own, problems=(*page.problems, *notes), flawed=flawed)
    return page, strangers, met


def _is_meant(person: Person, named: set[str], received: Sequence[Received]) -> bool:
    found = [one for one in received if one.type == "Patient"]
    if len(named) != 1 or len(found) != 1:
        return False
    return person.unknown or agree(person.body, parsed(found[0].raw))
