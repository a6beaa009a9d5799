"""The whole synthetic record as a stream of FHIR R4 resources: who cares first, then the people, then their lives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from phr.sandbox.synthetic import (
    alpha1,
    care,
    coverage,
    documents,
    encounters,
    imaging,
    immunizations,
    labs,
    medications,
    messages,
    organisations,
    people,
    problems,
    procedures,
    visits,
    vitals,
)


def family(*, seed: int = 1, scale: int = 1) -> Iterator[dict[str, Any]]:
    """Four people of one family, Tamsin first, whose record is the long one.

    The same seed gives the same resources in the same order, byte for byte. `scale` repeats what repeats in
    her life (visits with their vital signs and tests, lung function, infusions) so many times, each with an id
    of its own; nothing is held in memory. Every reference is relative and resolves inside the stream.
    """
    yield from organisations.everyone()
    yield from medications.products()
    for person in people.FAMILY:
        yield people.patient(person)
    for person in people.FAMILY:
        yield from _life(person, seed, scale if person is people.TAMSIN else 1)


def _life(person: people.Person, seed: int, scale: int) -> Iterator[dict[str, Any]]:
    yield from people.related(person)
    yield from people.history(person)
    yield from coverage.coverage(person)
    yield from problems.problems(person)
    yield from problems.allergies(person)
    yield from care.care(person)
    for visit in visits.visits(person, scale):
        yield from encounters.encounter(visit)
        yield from vitals.vitals(visit, seed)
        yield from labs.labs(visit, seed)
        yield from alpha1.lungs(visit, seed)
        yield from documents.note(visit)
    yield from medications.orders(person)
    yield from medications.statements(person)
    if person is people.TAMSIN:
        yield from alpha1.infusions(seed, scale)
        yield from imaging.imaging()
    yield from immunizations.immunizations(person)
    yield from procedures.procedures(person)
    yield from procedures.devices(person)
    yield from procedures.requests(person)
    yield from care.social(person)
    yield from care.scores(person, seed)
    yield from care.wishes(person)
    yield from documents.documents(person)
    yield from documents.provenance(person)
    yield from messages.appointments(person)
    yield from messages.messages(person)
    yield from messages.tasks(person)
    yield from coverage.claims(person)
