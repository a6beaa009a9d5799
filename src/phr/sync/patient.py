"""The Patient first: whose record it is, also after the provider has merged it into another one.

FHIR R4 Patient.link (`replaced-by`) says so in the resource, some servers by a redirect to the other address (Epic
4107). The connection remembers the new id; what is left of the old Patient becomes a tombstone.
It is followed only where old and new are one person by what they say of themselves (`person.agree`).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

from phr.errors import FhirError
from phr.fhir import read
from phr.fhir.client import FhirClient
from phr.model import Connection, Page, Problem, Received, Resource
from phr.store.store import Store
from phr.sync import person
from phr.sync.crew import aside
from phr.sync.desk import Desk
from phr.sync.tally import Tally

HOPS = 3
MERGED = "the provider has merged this record into another one, which is asked for from now on"
NOT_FOLLOWED = (
    "the server says that this record has become that of another patient; it was not followed:"
    " phr reconnect {name}"
)
ANOTHER = "the server answered with another patient's record, which was left out"


@dataclass(frozen=True, slots=True)
class Followed:
    """Whose record it is now, and what came."""

    id: str
    came: tuple[Received, ...]


def read_patient(
    client: FhirClient, desk: Desk, connection: Connection, tally: Tally, stopping: threading.Event
) -> Followed:
    """Read the Patient of a connection and keep it. Raises what reading raises."""
    patient = connection.patient_id or ""
    page = aside(lambda: client.read("Patient", patient), stopping)
    before = desk.do(lambda store: person.known(store, connection.key, patient, ""))
    known, unknown = before.body, before.unknown
    merged: list[str] = []
    for _ in range(HOPS):
        next_ = _merged_into(page, patient)
        if next_ is None or next_ in (*merged, patient):
            break
        other = page if page.moved_to and page.received else None
        if other is None:  # the old one came itself, and points at the other
            try:
                other = aside(lambda id_=next_: client.read("Patient", id_), stopping)  # type: ignore[misc]
            except FhirError as error:
                if page.moved_to:
                    raise
                words = f"it is said to be merged into another record, which cannot be read: {error.message}"
                tally.note(Problem("Patient", words, patient, error.http_status))
                break
        next_ = other.moved_to.partition("/")[2] if other.moved_to else next_
        old, new = _body(page, patient) or known, _body(other, next_)
        first = bool(page.moved_to) and unknown  # nobody is known yet who could be mixed up with another
        if new is None or not (first or person.agree(old, new) or person.replaces(new, patient, old)):
            tally.broken(Problem("Patient", NOT_FOLLOWED.format(name=connection.name), patient))
            break
        if not page.moved_to:
            desk.do(lambda store, page=page: _keep(store, connection, tally, page))  # type: ignore[misc]
        merged.append(patient)
        page, patient, known, unknown = other, next_, new, False
    page = _own(page, patient, tally)
    desk.do(lambda store: _settle(store, connection, tally, page, merged, patient))
    return Followed(patient, page.received)


def _body(page: Page, patient: str) -> Resource | None:
    """The Patient of that id in an answer."""
    found = [one for one in page.received if (one.type, one.id) == ("Patient", patient)]
    return person.parsed(found[0].raw) if found else None


def _own(page: Page, patient: str, tally: Tally) -> Page:
    """Nothing of an answer that is another's: a server that mixes up two people once has not merged them."""
    if all(one.id == patient for one in page.received if one.type == "Patient"):
        return page
    if not page.moved_to:
        tally.broken(Problem("Patient", ANOTHER, patient))
    own = tuple(one for one in page.received if (one.type, one.id) == ("Patient", patient))
    return replace(page, received=own)


def _merged_into(page: Page, patient: str) -> str | None:
    """The id of the Patient that this one has become; None for one that stands."""
    if page.moved_to:
        type_, _, id_ = page.moved_to.partition("/")
        return id_ if type_ == "Patient" and id_ != patient else None
    for one in page.received:
        if (one.type, one.id) != ("Patient", patient) or b"replaced-by" not in one.raw:
            continue
        try:
            data = read.parse_json(one.raw)
        except ValueError:
            return None
        for link in read.dicts(data.get("link") if isinstance(data, dict) else None):
            target = read.reference(link.get("other")) if link.get("type") == "replaced-by" else None
            if target is not None and target.startswith("Patient/"):
                return target.partition("/")[2]
    return None


def _keep(store: Store, connection: Connection, tally: Tally, page: Page) -> None:
    tally.saved(store.save(connection.key, page.received))
    for problem in page.problems:
        if problem.known:
            tally.note(problem)
        else:
            tally.broken(problem)


def _settle(
    store: Store, connection: Connection, tally: Tally, page: Page, merged: Sequence[str], patient: str
) -> None:
    _keep(store, connection, tally, page)
    for old in merged:
        if store.gone(connection.key, "Patient", old, "merged", f"Patient/{patient}"):
            tally.gone("Patient")
        tally.note(Problem("Patient", MERGED, old))
    if merged:
        person.became(store, connection.key, patient, merged)
        store.passes.void(connection.key)  # where the searches stood is true of the other id only
        store.connections.save(replace(store.connections.get(connection.name), patient_id=patient))
