"""The seam for files: what comes out of reading one, and which of its patients it is about.

A file is looked into twice. The first look (`phr.importers.opening.read`) says what it is and whose data is in
it, so that a person can be asked; the second (`Imported.resources`) gives the resources of the chosen one with
their exact bytes. What cannot be read is named in `problems` and never stops the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from phr.errors import UsageError
from phr.importers.patients import FoundPatient, Reach, Survey
from phr.model import Problem, Received

REPEATED = "stands in the file more than once with different content: the last one counts"
Batch = tuple[Received, ...]
Names = dict[str, str]
"""`urn:uuid:…` or other full address of an entry → `Type/id`."""
Part = tuple[Batch, Names, tuple[Problem, ...]]
"""Some resources of a file, what their entries are called inside it, and what could not be read."""


@dataclass(slots=True)
class Imported:
    """A file that was looked into."""

    name: str
    format: str
    """`fhir-bundle`, `fhir-resource` or `ndjson`."""
    patients: tuple[FoundPatient, ...]
    """Whose data is in the file; empty when it names nobody."""
    parts: Callable[[], Iterator[Part]] = field(repr=False)
    survey: Survey = field(repr=False)
    problems: list[Problem] = field(default_factory=list, repr=False)
    """What was skipped and why; complete once `resources` or `batches` came to its end."""

    def choose(self, patient: str | None) -> str | None:
        """The id of the one patient to take; None when there is no choice to make.

        `all` takes everybody: some providers give one person several ids. Raises UsageError when the file
        has several patients and none was chosen, or it does not have the chosen one.
        """
        ids = [one.id for one in self.patients]
        there = f"In the file: {', '.join(ids[:20])}{' …' if len(ids) > 20 else ''}"
        if patient == "all":
            return None
        if patient is not None:
            wanted = patient.removeprefix("Patient/")
            if wanted not in ids:
                raise UsageError(f"{self.name} holds no patient {wanted}.", hint=there if ids else None)
            return wanted
        if len(ids) > 1:
            raise UsageError(
                f"{self.name} holds {len(ids)} patients.",
                hint=f"Choose one: --patient ID (or all, if all are you). {there}",
            )
        return None

    def batches(self, patient: str | None = None) -> Iterator[Batch]:
        """The resources in the order of the file, some hundreds at a time; of one patient if one is named."""
        self.problems.clear()
        reach = self.survey.reach(patient) if patient is not None and len(self.patients) > 1 else None
        seen: dict[str, bytes] = {}
        for received, _, problems in self.parts():
            self.problems += problems
            if reach is not None:
                received = tuple(self._within(reach, received))
            yield from self._distinct(received, seen)

    def _distinct(self, received: Batch, seen: dict[str, bytes]) -> Iterator[Batch]:
        """Cut so that no batch holds one address twice: then the store keeps the earlier one as history."""
        batch: dict[str, Received] = {}
        for one in received:
            address, digest = f"{one.type}/{one.id}", blake2b(one.raw, digest_size=8).digest()
            before = seen.get(address)
            if before == digest:
                continue
            if before is not None:
                self.problems.append(Problem(one.type, REPEATED, id=one.id, known=True))
                if address in batch:
                    yield tuple(batch.values())
                    batch = {}
            seen[address] = digest
            batch[address] = one
        if batch:
            yield tuple(batch.values())

    def resources(self, patient: str | None = None) -> Iterator[Received]:
        """The same one by one."""
        for batch in self.batches(patient):
            yield from batch

    def _within(self, reach: Reach, received: Batch) -> Iterator[Received]:
        for one in received:
            why = reach.left_out(f"{one.type}/{one.id}")
            if why is None:
                yield one
            else:
                self.problems.append(Problem(one.type, why, id=one.id, known=True))


def skipped(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    """Problems as `phr import --json` names them: each kind once with its count and the first place."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for one in problems:
        entry = found.setdefault(
            (one.type, one.reason), {"what": one.type, "reason": one.reason, "count": 0, "first": one.id}
        )
        entry["count"] += 1
    return list(found.values())
