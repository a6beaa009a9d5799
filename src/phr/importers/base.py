"""The seam for files: what comes out of reading one, and which of its patients it is about.

A file is looked into twice. The first look (`phr.importers.opening.read`) says what it is and whose data is in
it, so that a person can be asked; the second (`Imported.resources`) gives the resources of the chosen one with
their exact bytes. What cannot be read is named in `problems` and never stops the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from phr.errors import UsageError
from phr.importers.patients import FoundPatient, Reach, Survey
from phr.model import Problem, Received

REPEATED = "stands in the file more than once with different content: the last one is kept"
TOLD_AS_R4 = "was written in FHIR DSTU2 and is kept in the words of FHIR R4"
TIME_LEFT_OUT = "has a time of day without a time zone, so only the day is kept: set [file] timezone"
STATUS_UNKNOWN = (
    "has a status that is not known here; it is kept as a note: translate it in [rows.words.status]"
)
NOT_NEEDED = "was not used: nothing in the file is a table"
NOTED = frozenset({REPEATED, TOLD_AS_R4, TIME_LEFT_OUT, STATUS_UNKNOWN, NOT_NEEDED})
"""Reasons that name how something was kept. All others name what was skipped."""
UNTOLD = "is all that is named: the file has too many remarks to name each"
_MOST_REMARKS = 500_000
FORMATS = (
    "fhir-bundle",
    "fhir-resource",
    "ndjson",
    "ccda",
    "zip",
    "tar",
    "apple-health",
    "csv",
)
ARCHIVES = frozenset({"zip", "tar", "apple-health"})
BATCH = 500
"""Resources that are in hand together."""
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
    """One of `FORMATS`."""
    patients: tuple[FoundPatient, ...]
    """Whose data is in the file; empty when it names nobody."""
    parts: Callable[[], Iterator[Part]] = field(repr=False)
    survey: Survey = field(repr=False)
    problems: list[Problem] = field(default_factory=list, repr=False)
    """What was skipped and why; complete once `resources` or `batches` came to its end."""
    sections: Callable[[], list[dict[str, Any]]] | None = field(default=None, repr=False)
    """What each section of the documents inside gave: `document`, `section`, `title`, `found`, `made`, `skipped`."""
    final: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """Of addresses that stand in the file with several contents: which one counts, by its digest."""
    sender: str | None = field(default=None, repr=False)
    """Who sent the file, as it says itself: a document's custodian, the Health app. None where nobody is named,
    or the documents of an archive are from several."""
    remarks: tuple[Problem, ...] = ()
    """What is to be said of the file as a whole."""

    def choose(self, patient: str | None) -> str | None:
        """The id of the one patient to take; None when there is no choice to make.

        `all` takes everybody: some providers give one person several ids. Raises UsageError when the file
        has several patients and none was chosen, or it does not have the chosen one.
        """
        ids = [one.id for one in self.patients]
        named = [f"{one.id} (in {one.where})" if one.where else one.id for one in self.patients[:20]]
        there = f"In the file: {', '.join(named)}{' …' if len(ids) > 20 else ''}"
        if patient == "all":
            return None
        if patient is not None:
            wanted = patient.removeprefix("Patient/")
            if wanted not in ids:
                raise UsageError(f"{self.name} holds no patient {wanted}.", hint=there if ids else None)
            return wanted
        if len(ids) > 1 and not self._one_person():
            raise UsageError(
                f"{self.name} holds {len(ids)} patients.",
                hint=f"Choose one: --patient ID (or all, if all are you). {there}",
            )
        return None

    def _one_person(self) -> bool:
        """Whether several patients are one by name and birth date: in an archive each provider has ids of its own.

        What a phone keeps is its owner's, however each provider spells the name.
        """
        if self.format == "apple-health":
            return True
        labels = {" ".join(one.label.casefold().split()) for one in self.patients if one.label}
        return self.format in ARCHIVES and len(labels) <= 1

    def batches(self, patient: str | None = None) -> Iterator[Batch]:
        """The resources in the order of the file, some hundreds at a time; of one patient if one is named."""
        self.problems[:] = self.remarks
        reach = self.survey.reach(patient) if patient is not None and len(self.patients) > 1 else None
        seen: dict[str, bytes] = {}
        for received, _, problems in self.parts():
            for one in problems:
                self._note(one)
            if reach is not None:
                received = tuple(self._within(reach, received))
            yield from self._distinct(received, seen)

    def _note(self, problem: Problem) -> None:
        """Remember what is to be said, as far as that is bounded."""
        if len(self.problems) < _MOST_REMARKS:
            self.problems.append(problem)
        elif self.problems[-1].reason != UNTOLD:
            self.problems.append(Problem("file", UNTOLD, id=self.name))

    def _distinct(self, received: Batch, seen: dict[str, bytes]) -> Iterator[Batch]:
        """Each address once, with the content that counts, so that taking the file in again changes nothing."""
        batch: list[Received] = []
        for one in received:
            address, digest = address_of(one), digest_of(one)
            if seen.get(address) == digest:
                continue
            seen[address] = digest
            if self.final.get(address, digest) != digest:
                self._note(Problem(one.type, REPEATED, id=one.id, known=True))
            else:
                batch.append(one)
        if batch:
            yield tuple(batch)

    def resources(self, patient: str | None = None) -> Iterator[Received]:
        """The resources of `batches`, one by one."""
        for batch in self.batches(patient):
            yield from batch

    def section_reports(self) -> list[dict[str, Any]]:
        """`sections`, or nothing where no document is inside; to be asked when `batches` came to its end."""
        return self.sections() if self.sections is not None else []

    def _within(self, reach: Reach, received: Batch) -> Iterator[Received]:
        for one in received:
            why = reach.left_out(f"{one.type}/{one.id}")
            if why is None:
                yield one
            else:
                self._note(Problem(one.type, why, id=one.id, known=True))


def portions(received: Batch, names: Names, problems: tuple[Problem, ...]) -> Iterator[Part]:
    """Resources that are all known, a batch at a time; the names and the problems come with the first one."""
    yield received[:BATCH], names, problems
    for at in range(BATCH, len(received), BATCH):
        yield received[at : at + BATCH], {}, ()


def address_of(one: Received) -> str:
    """`Type/id`, by which references call it (FHIR R4 2.3.0.1)."""
    return f"{one.type}/{one.id}"


def digest_of(one: Received) -> bytes:
    """What tells two contents apart."""
    return blake2b(one.raw, digest_size=8).digest()


class Versions:
    """Which content of an address counts, where a file has several: the last one."""

    def __init__(self) -> None:
        self._last: dict[str, bytes] = {}
        self.final: dict[str, bytes] = {}

    def note(self, one: Received) -> None:
        """Look at one resource of the first look."""
        address, digest = address_of(one), digest_of(one)
        before = self._last.setdefault(address, digest)
        if before != digest:
            self._last[address] = self.final[address] = digest


def skipped(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    """Problems as `phr import --json` names them: each kind once with its count and the first place."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for one in problems:
        entry = found.setdefault(
            (one.type, one.reason), {"what": one.type, "reason": one.reason, "count": 0, "first": one.id}
        )
        entry["count"] += 1
    return list(found.values())
