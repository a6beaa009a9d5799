"""A Record as the store keeps it: the values of one row, and the words of one entry of the full-text index."""

from __future__ import annotations

import msgspec
import orjson

from phr.fhir import dates
from phr.model import Attachment, Code, Record
from phr.records.draft import Draft

COLUMNS = (
    "kind, title, description, date, precision, date_from, date_to, end, recorded, value, value_number, unit,"
    " low, high, range_text, interpretation, abnormal, status, category, codes, facility, performer, encounter,"
    " origin, sensitivity, supporting"
)
"""What `Line.columns` holds, in this order."""
Column = str | int | float | None
EVENT, SUPPORTING, WITHDRAWN = range(3)
"""What `supporting` can be: something of a life, something around it, something its source took back."""
NO_DATE: tuple[Column, ...] = (None, None, None, None)


class Line(msgspec.Struct, frozen=True, gc=False):
    """One record, ready to be written."""

    columns: tuple[Column, ...]
    detail: str
    """Words for the full-text index beside the title: value, unit, description, places, people."""
    codes: str
    """Codes and displays for the full-text index."""
    text: str = ""
    """Further words for it: notes, conclusions, narrative."""
    attachments: tuple[Attachment, ...] = ()
    wanted: tuple[str, ...] = ()


def line_of(record: Record | Draft) -> Line:
    """The line of a Record."""
    abnormal = record.abnormal
    codes, words = _written(record.codes)
    return Line(
        (
            record.kind,
            record.title,
            record.description,
            *dated(record.date),
            record.end,
            record.recorded,
            record.value,
            record.value_number,
            record.unit,
            record.low,
            record.high,
            record.range_text,
            record.interpretation,
            None if abnormal is None else int(abnormal),
            record.status,
            record.category,
            codes,
            record.facility,
            record.performer,
            record.encounter,
            record.origin,
            record.sensitivity,
            SUPPORTING if record.supporting else EVENT,
        ),
        detail(
            record.value, record.unit, record.description, record.facility, record.performer, record.category
        ),
        words,
        record.text,
        record.attachments,
        record.wanted,
    )


_ORIGIN = COLUMNS.replace(" ", "").split(",").index("origin")


def by_hand(line: Line) -> Line:
    """The same, typed in by the person. A resource says who is named in it; this only its source tells."""
    if line.columns[-1] == SUPPORTING:
        return line
    columns = (*line.columns[:_ORIGIN], "person", *line.columns[_ORIGIN + 1 :])
    return msgspec.structs.replace(line, columns=columns)


_WRITTEN: dict[int, tuple[tuple[Code, ...], str, str]] = {}
_REMEMBERED = 4096


def _written(codes: tuple[Code, ...]) -> tuple[str, str]:
    """`codes_json` and `code_words`; the codes of a concept that is remembered are one object, and so known by it."""
    found = _WRITTEN.get(id(codes))
    if found is None or found[0] is not codes:
        if len(_WRITTEN) >= _REMEMBERED:
            _WRITTEN.clear()
        found = _WRITTEN[id(codes)] = codes, codes_json(codes), code_words(codes)
    return found[1], found[2]


def dated(date: str | None) -> tuple[Column, ...]:
    """`(date, precision, first second, first second after)`."""
    when = dates.parse(date) if date else None
    return (when.text, when.precision, when.start, when.end) if when else NO_DATE


def detail(*words: str | None) -> str:
    """Words for the index; what is not there takes its place as nothing."""
    return " ".join([word or "" for word in words])


def codes_json(codes: tuple[Code, ...]) -> str:
    """Codings as they stand in the table."""
    return orjson.dumps([(c.system, c.code, c.display) for c in codes]).decode()


def code_words(codes: tuple[Code, ...]) -> str:
    """Codings for the full-text index."""
    return " ".join([f"{c.code or ''} {c.display or ''}" for c in codes])
