"""What a complete pass did not bring any more: kept as it is, named, and asked for by its address.

A search that leaves something out proves nothing (FHIR R4 leaves open why): a portal's policy, a lost right and a
deletion look the same. Only a server that says of the address itself that it is gone (410, `deleted`, Epic 4103),
or does not know it (404) while it knows others of the type, makes a tombstone; bytes and history stay then too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from phr.errors import FhirError, Refused
from phr.fhir import dates
from phr.model import Page, Problem
from phr.store.passes import Absent
from phr.store.store import Store
from phr.sync.crew import aside, side_by_side
from phr.sync.ground import Ground

AT_ONCE = 100
"""So many absent ones are read by their address in one run."""
ASK_AGAIN = timedelta(days=30)
_DELETED = frozenset({"deleted"})
_DELETED_AT = frozenset({"4103"})
"""Epic's code for a resource that was deleted."""


def ask(ground: Ground, whole: Mapping[str, Sequence[int]], *, full: bool) -> None:
    """Read absent resources of types that have just come completely by their address."""
    if not whole or not ground.desk.do(lambda store: _anything_came(store, ground, whole)):
        return  # a server that shows nothing at all today says nothing about any one thing
    now = datetime.fromisoformat(ground.now)
    before = ground.now if full else dates.instant(now - ASK_AGAIN)
    doubtful = ground.desk.do(
        lambda store: store.passes.doubtful(ground.connection.key, sorted(whole), before, AT_ONCE)
    )
    known: dict[str, bool] = {}
    answers = side_by_side(
        lambda one: ground.client.read(one.type, one.id), doubtful, ground.workers, ground.stopping
    )
    for one, answer in answers:
        if ground.tally.server_is_gone:
            break
        gone = isinstance(answer, Refused) and is_gone(
            ground, one.type, answer, known, partial(_present, ground, whole, one.type)
        )
        ground.desk.do(partial(_settle, ground=ground, one=one, answer=answer, gone=gone))


def name(ground: Ground) -> None:
    """Name what no longer comes, by type and day."""
    found: dict[tuple[str, str], int] = {}
    for type_, since, number in ground.desk.do(lambda store: store.passes.absences(ground.connection.key)):
        found[type_, since[:10]] = found.get((type_, since[:10]), 0) + number
    for (type_, day), number in found.items():
        verb, pronoun = ("is", "it was") if number == 1 else ("are", "they were")
        words = (
            f"{number} not returned since {day}; {'it' if number == 1 else 'they'} {verb} kept as {pronoun}"
        )
        ground.tally.note(Problem(type_, words))


def _anything_came(store: Store, ground: Ground, whole: Mapping[str, Sequence[int]]) -> bool:
    return any(
        store.passes.present(ground.connection.key, type_, numbers) is not None
        for type_, numbers in whole.items()
    )


def says_deleted(error: FhirError) -> bool:
    """Whether the server says of this very address that what was there is gone."""
    said = error.said
    return error.http_status == 410 or bool(said.codes & _DELETED) or bool(said.vendor_codes & _DELETED_AT)


def is_gone(
    ground: Ground, type_: str, error: Refused, known: dict[str, bool], others: Callable[[], Sequence[str]]
) -> bool:
    """Whether a refused read means a deletion. `others`: ids of the type that should be there; `known`: what they said.

    A 404 says so only where one that is there is read: a server that knows no reads knows none of them.
    """
    if says_deleted(error):
        return True
    if error.http_status != 404:
        return False
    if type_ not in known:
        ids = others()
        if ids:
            known[type_] = any(_reads(ground, type_, id_) for id_ in ids)
    if type_ in known:
        return known[type_]
    if "not-found" not in error.said.codes:
        return False
    if "Patient" not in known:  # it was the last of its type: then the patient has to be readable
        known["Patient"] = _reads(ground, "Patient", ground.patient)
    return known["Patient"]


def _present(ground: Ground, whole: Mapping[str, Sequence[int]], type_: str) -> list[str]:
    one = ground.desk.do(lambda store: store.passes.present(ground.connection.key, type_, whole[type_]))
    return [] if one is None else [one]


def _reads(ground: Ground, type_: str, present: str) -> bool:
    """Whether one that is there can be read by its address."""
    try:
        page = aside(lambda: ground.client.read(type_, present), ground.stopping)
    except FhirError:
        return False
    return any(one.id == present for one in page.received)


def _settle(store: Store, ground: Ground, one: Absent, answer: Page | FhirError, gone: bool) -> None:
    key = ground.connection.key
    if gone:
        if store.gone(key, one.type, one.id, "deleted"):
            ground.tally.gone(one.type)
        store.passes.settled(one.resource_id)
    elif isinstance(answer, Page) and any((r.type, r.id) == (one.type, one.id) for r in answer.received):

        def within(_: Sequence[int]) -> None:
            # It is there, only no search brings it: from now on it is read like what is pointed at.
            store.references.answered(key, [(one.type, one.id)])
            store.passes.settled(one.resource_id)

        ground.tally.saved(store.save(key, answer.received, within=within))
    else:
        if isinstance(answer, FhirError):
            ground.tally.heard(answer)
        store.passes.asked(one.resource_id)
