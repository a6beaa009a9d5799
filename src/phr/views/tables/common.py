"""The columns that every table of records begins with, read from an event and, for `phr sql`, from its row."""

from __future__ import annotations

from phr.views.tables.moments import PARTS
from phr.views.tables.reading import BETWEEN, Reader
from phr.views.tables.shape import Cell, Column, Fact

LOINC = "http://loinc.org"
SYSTEMS: dict[str, tuple[str, ...]] = {
    "loinc": (LOINC,),
    "snomed": ("http://snomed.info/sct",),
    "rxnorm": ("http://www.nlm.nih.gov/research/umls/rxnorm",),
    "icd10": ("http://hl7.org/fhir/sid/icd-10-cm", "http://hl7.org/fhir/sid/icd-10"),
    "cvx": ("http://hl7.org/fhir/sid/cvx",),
    "ndc": ("http://hl7.org/fhir/sid/ndc",),
    "cpt": ("http://www.ama-assn.org/go/cpt",),
}
"""Standard systems with a column of their own."""
_SAID = {
    "loinc": "LOINC code", "snomed": "SNOMED CT code", "rxnorm": "RxNorm code", "icd10": "ICD-10 code (also ICD-10-CM)",
    "cvx": "CVX code of a vaccine", "ndc": "NDC code of a package", "cpt": "CPT code",
}  # fmt: skip

_PLACE = (
    "(SELECT e.{what} FROM resource own JOIN resource x ON x.source_id = own.source_id AND x.type = 'Encounter'"
    " AND x.fhir_id = substr(record.encounter, 11) JOIN record_source es ON es.resource_id = x.id"
    " JOIN record e ON e.id = es.record_id AND e.supporting <> 2"
    " WHERE own.id = record.id AND record.encounter LIKE 'Encounter/%' LIMIT 1)"
)
_OF_RESOURCES = (
    "(SELECT group_concat(word, '; ') FROM (SELECT DISTINCT {word} AS word FROM record_source rs"
    " {join} WHERE rs.record_id = record.id{more} ORDER BY 1))"
)
_SOURCES = _OF_RESOURCES.format(word="s.name", join="JOIN source s ON s.id = rs.source_id", more="")
_TAGS = _OF_RESOURCES.format(word="t.tag", join="JOIN tag t ON t.resource_id = rs.resource_id", more="")
_CORRECTED = _OF_RESOURCES.format(
    word="c.field",
    join="JOIN correction c ON c.resource_id = rs.resource_id",
    more=" AND c.field NOT LIKE 'agreed:%'",
)
DAY = (
    "CASE WHEN record.precision = 'year' THEN substr(record.date, 1, 4) || '-01-01'"
    " WHEN record.precision = 'month' THEN substr(record.date, 1, 7) || '-01'"
    " WHEN length(record.date) = 8 THEN"
    " substr(record.date, 1, 4) || '-' || substr(record.date, 5, 2) || '-' || substr(record.date, 7, 2)"
    " ELSE substr(record.date, 1, 10) END"
)


def said(name: str) -> Reader:
    """What the event says under a name."""

    def read(fact: Fact) -> Cell:
        value = fact.event.get(name)
        return BETWEEN.join(map(str, value)) or None if isinstance(value, list) else value

    return read


def _part(name: str, part: str) -> Reader:
    return lambda fact: PARTS[part](fact.event.get(name))


def _first_code(name: str) -> Reader:
    def read(fact: Fact) -> Cell:
        codes = fact.event["codes"]
        return codes[0][name] if codes else None

    return read


def code_in(*systems: str) -> Reader:
    """The first code of one of these systems."""

    def read(fact: Fact) -> Cell:
        return next(
            (one["code"] for one in fact.event["codes"] if one["system"] in systems and one["code"]), None
        )

    return read


def code_sql(*systems: str) -> str:
    """The same of a row."""
    listed = ", ".join(f"'{one}'" for one in systems)
    return (
        "(SELECT json_extract(one.value, '$[1]') FROM json_each(record.codes) one"
        f" WHERE json_extract(one.value, '$[0]') IN ({listed}) AND json_extract(one.value, '$[1]') IS NOT NULL"
        " ORDER BY one.key LIMIT 1)"
    )


def _column(name: str, meaning: str, read: Reader, sql: str, type_: str = "text") -> Column:
    return Column(name, type_, meaning, read, sql)


RECORD = _column(
    "record",
    "Number of the record: phr show takes it; the same in every table",
    lambda fact: int(fact.event["id"]),
    "record.id",
    "number",
)
WHEN = (
    _column(
        "date",
        "When it happened: the day on the clock of the place; the first day where date_precision is year or month",
        _part("date", "day"),
        DAY,
        "date",
    ),
    _column(
        "date_precision",
        "How much of the date was said: year, month, day, minute or second",
        said("precision"),
        "record.precision",
    ),
)

COMMON: tuple[Column, ...] = (
    RECORD,
    _column("kind", "Kind of record, such as lab_result", said("kind"), "record.kind"),
    _column("resource", "The FHIR resource it is read from: Type/id", said("resource"), "record.resource"),
    *WHEN,
    _column(
        "time",
        "Time of day, as the source wrote it, where it did",
        _part("date", "time"),
        "phr_date(record.date, 'time')",
        "time",
    ),
    _column(
        "time_zone",
        "Zone of that time: UTC, or how far from it: UTC-05:00",
        _part("date", "zone"),
        "phr_date(record.date, 'zone')",
    ),
    _column(
        "end_date",
        "When it ended, as date",
        _part("end", "day"),
        "phr_date(record.end, 'day')",
        "date",
    ),
    _column(
        "end_precision",
        "How much of the end was said",
        _part("end", "precision"),
        "phr_date(record.end, 'precision')",
    ),
    _column(
        "end_time",
        "Time of day of the end",
        _part("end", "time"),
        "phr_date(record.end, 'time')",
        "time",
    ),
    _column(
        "recorded",
        "When it was written down, which is not when it happened",
        _part("recorded", "day"),
        "phr_date(record.recorded, 'day')",
        "date",
    ),
    _column("title", "What it is, in the words of its source", said("title"), "record.title"),
    _column("description", "More about it, on one line", said("description"), "record.description"),
    _column("status", "FHIR status, such as final, active, completed", said("status"), "record.status"),
    _column("category", "Category, as its source gave it", said("category"), "record.category"),
    _column(
        "code",
        "Its first code, of a standard system where there is one; all of them stand in codes",
        _first_code("code"),
        "json_extract(record.codes, '$[0][1]')",
    ),
    _column(
        "code_system",
        "The system of that code, as FHIR names it",
        _first_code("system"),
        "json_extract(record.codes, '$[0][0]')",
    ),
    _column(
        "code_display",
        "What that code means, in the words of the source",
        _first_code("display"),
        "json_extract(record.codes, '$[0][2]')",
    ),
    *(_column(name, _SAID[name], code_in(*uris), code_sql(*uris)) for name, uris in SYSTEMS.items()),
    _column(
        "facility",
        "Where: a place or an organisation",
        said("facility"),
        f"coalesce(record.facility, {_PLACE.format(what='facility')})",
    ),
    _column(
        "performer",
        "By whom",
        said("performer"),
        f"coalesce(record.performer, {_PLACE.format(what='performer')})",
    ),
    _column(
        "encounter", "The visit in which it happened: Encounter/id", said("encounter"), "record.encounter"
    ),
    _column(
        "origin",
        "Who says so: provider, patient, payer, device, or person (typed in by hand)",
        said("origin"),
        "record.origin",
    ),
    _column("sources", "Every source that says it", said("sources"), _SOURCES),
    _column(
        "sensitivity",
        "How private it is: normal, sensitive or restricted",
        said("sensitivity"),
        "CASE record.sensitivity WHEN 'very_restricted' THEN 'restricted' ELSE record.sensitivity END",
    ),
    _column("tags", "Your own tags; in a file only with --notes", said("tags"), _TAGS),
    _column(
        "corrected",
        "Fields that you corrected: what stands here is yours; see corrections",
        said("corrected"),
        _CORRECTED,
    ),
)
