"""All tables there are, and how the rows of each are made of a fact."""

from __future__ import annotations

from collections.abc import Iterator

from phr.model import KINDS
from phr.views.tables import kinds, observations
from phr.views.tables.codes import codings
from phr.views.tables.common import COMMON
from phr.views.tables.reading import Reader, with_precisions
from phr.views.tables.shape import Cell, Column, Fact, Said, Table, parsed

BY_COLUMN = {one.name: one for one in COMMON}

_NAMES = {
    "lab_result": ("lab_results", "Results of tests, one a row"),
    "vital_sign": ("vital_signs", "Blood pressure, weight, pulse …"),
    "problem": ("problems", "Problems and diagnoses"),
    "medication": ("medications", "Medications: ordered, taken, dispensed, given"),
    "allergy": ("allergies", "Allergies and intolerances, and what happened"),
    "immunization": ("immunizations", "Vaccines given, or not given"),
    "procedure": ("procedures", "Operations, treatments, examinations"),
    "encounter": ("encounters", "Visits and stays"),
    "imaging": ("imaging", "Pictures, their reports, and what was seen"),
    "clinical_note": ("clinical_notes", "Notes and letters of clinicians"),
    "document": ("documents", "Other documents"),
    "care_plan": ("care_plans", "Care plans"),
    "goal": ("goals", "Goals of care"),
    "care_team": ("care_teams", "Who looks after you"),
    "social_history": ("social_history", "Smoking, work, how you live"),
    "family_history": ("family_history", "What relatives had"),
    "device": ("devices", "Implants and devices"),
    "message": ("messages", "Messages with care teams"),
    "task": ("tasks", "What is to be done"),
    "appointment": ("appointments", "Appointments"),
    "order": ("orders", "What was ordered: tests, referrals"),
    "coverage": ("coverage", "Insurance"),
    "claim": ("claims", "Claims, and what the insurer answered"),
    "questionnaire": ("questionnaires", "Questionnaires and scores"),
    "directive": ("directives", "Advance directives and consents"),
    "other": ("other", "Everything else"),
}


def _never(fact: Fact) -> Cell:
    raise AssertionError(fact)


def _plain(*specs: str) -> tuple[Column, ...]:
    """`name type meaning` each; their rows are made elsewhere."""
    parts = (spec.split(" ", 2) for spec in specs)
    return tuple(Column(name, type_, meaning, _never) for name, type_, meaning in parts)


RECORDS = Table(
    "records", "Every record, with what all kinds have in common", COMMON, keys=("record", "date", "code")
)
OBSERVATIONS = observations.table(BY_COLUMN)
CODES = Table(
    "codes",
    "Every coding, wherever it stands in a resource, also of parts and reactions; so none is lost",
    _plain(
        "record number Number of the record; empty for what is no record of its own, such as a Medication",
        "resource text The resource it stands in: Type/id",
        "source text The source of that resource",
        "element text Where in the resource: code, component.code, reaction.manifestation …",
        "system text The code system, as FHIR names it",
        "code text The code",
        "display text What it means, in the words of the source",
    ),
    keys=("record", "code"),
)
SOURCES = Table(
    "sources",
    "Where the records came from",
    _plain(
        "source text Name of the source",
        "records number How many of the records it says",
        "earliest date The first day of these",
        "latest date The last day of these",
    ),
)
CORRECTIONS = Table(
    "corrections",
    "What you corrected, and what the source says",
    _plain(
        "record number Number of the record",
        "field text What was corrected",
        "value text What you say; empty: there is nothing",
        "source_value text What the source says",
        "reason text Why, in your words",
        "made text When you said so",
    ),
    keys=("record",),
)
NOTES = Table(
    "notes",
    "Your own notes beside records; in a file only with --notes",
    _plain("record number Number of the record", "text text The note", "written text When it was written"),
    keys=("record",),
)
RESOURCES = Table(
    "resources",
    "The FHIR resources as their sources sent them",
    _plain(
        "record number Number of the record it says; empty for what stands around records",
        "resource text Type/id",
        "type text FHIR type",
        "source text Which source sent it; several where they sent the same",
        "json text The resource: FHIR JSON, as it was sent",
    ),
    keys=("record", "resource"),
)
ABOUT = Table(
    "about",
    "When this was made, from which sources, with which selection, and what was left out",
    _plain("name text What", "value text Which"),
)
OF_KIND: dict[str, Table] = {
    kind: Table(
        _NAMES[kind][0],
        _NAMES[kind][1],
        (*COMMON, *with_precisions(kinds.KINDS[kind])),
        kind,
        ("record", "date", "code"),
    )
    for kind in KINDS
}
TABLES: tuple[Table, ...] = (
    RECORDS,
    OBSERVATIONS,
    *OF_KIND.values(),
    CODES,
    SOURCES,
    CORRECTIONS,
    NOTES,
    RESOURCES,
    ABOUT,
)
BY_NAME = {table.name: table for table in TABLES}


def reader(table: str, column: str) -> Reader:
    """How a column is read."""
    return next(one.read for one in BY_NAME[table].columns if one.name == column)


def rows(fact: Fact) -> Iterator[tuple[Table, list[Cell]]]:
    """What a record is in each table that has it, `records` apart."""
    own = OF_KIND[fact.event["kind"]]
    yield own, own.row(fact)
    for cells in observations.rows(fact, BY_COLUMN, OBSERVATIONS.columns):
        yield OBSERVATIONS, cells
    number = int(fact.event["id"])
    for said in fact.said:
        yield from code_rows(said, number)
    for one in fact.event.get("corrections", ()):
        yield CORRECTIONS, [number, *(one[name] for name in CORRECTIONS.names[1:])]
    for one in fact.event.get("notes", ()):
        yield NOTES, [number, one["text"], one["written"]]


def code_rows(said: Said, record: int | None) -> Iterator[tuple[Table, list[Cell]]]:
    """The codings of one resource."""
    for one in codings(parsed(said.raw)):
        yield CODES, [record, said.address, said.source, *one]
