"""The mapping of a table: a small TOML file that says what its rows and columns are.

It is checked whole before a row is read; each fault is told with its table and key. docs/importing.md is its
reference.
"""

from __future__ import annotations

import codecs
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from phr.errors import UsageError
from phr.importers.table import kinds, notation

_FILE_KEYS = ("delimiter", "encoding", "decimal", "dates", "timezone", "skip_rows", "columns")
_PATIENT_KEYS = ("id", "name", "birth_date", "gender")
_ROW_KEYS = ("kind", "when", "columns", "fixed", "words")
_GENDERS = ("male", "female", "other", "unknown")
_LARGEST = 64_000
"""Bytes of a mapping; one for a hundred columns has five thousand."""
_DEEP_KEY = re.compile(rb"(?:[\w\"'-]{1,100}+\s*+\.\s*+){40}")
"""Tables in tables in tables: the standard library's reader takes time with the square of them."""
_NONE = "larger than any mapping, or nested deeper"
_HINT = "What a mapping can say stands in docs/importing.md"


@dataclass(frozen=True, slots=True)
class Rows:
    """What one `[[rows]]` table makes of a row."""

    kind: str
    when: Mapping[str, frozenset[str]]
    """Which rows it is for: column to what has to stand there, in lower case."""
    columns: Mapping[str, str]
    fixed: Mapping[str, str] = field(repr=False)
    words: Mapping[str, Mapping[str, str]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class TableMapping:
    """A mapping that was checked."""

    name: str
    rows: tuple[Rows, ...]
    patient: Mapping[str, str] = field(repr=False)
    delimiter: str | None = None
    encoding: str | None = None
    decimal: str = "."
    dates: tuple[str, ...] = ()
    timezone: ZoneInfo | None = None
    skip_rows: int = 0
    header: tuple[str, ...] = ()
    """The names of the columns, where the file has no line that says them."""

    def columns(self) -> Iterator[tuple[str, str]]:
        """Each column that is named, and where."""
        for number, rows in enumerate(self.rows, 1):
            for element, column in rows.columns.items():
                yield column, f"{_table(number, 'columns')} {element}"
            for column in rows.when:
                yield column, _table(number, "when")


def load(path: Path) -> TableMapping:
    """Read and check a mapping. Raises UsageError that names each fault by its table and key."""
    try:
        with path.open("rb") as stream:
            content = stream.read(_LARGEST + 1)
        if len(content) > _LARGEST or _DEEP_KEY.search(content):
            raise UsageError(f"The mapping {path.name} is {_NONE}.", hint=_HINT)
        told = tomllib.loads(content.decode("utf-8-sig"))
    except OSError as error:
        raise UsageError(f"The mapping {path} cannot be read: {error.strerror or 'no such file'}.") from None
    except (ValueError, RecursionError) as error:
        where = str(error).rpartition("(")[2].rstrip(")") if "(at" in str(error) else "somewhere"
        raise UsageError(f"The mapping {path.name} is no TOML: it breaks {where}.", hint=_HINT) from None
    faults: list[str] = []
    mapping = _mapping(path.name, told, faults)
    if faults:
        more = f" (and {len(faults) - 5} more)" if len(faults) > 5 else ""
        raise UsageError(
            f"The mapping {path.name} cannot be used: {'; '.join(faults[:5])}{more}.", hint=_HINT
        )
    return mapping


def _table(number: int, part: str = "") -> str:
    return f"[[rows]] {number}{' ' + part if part else ''}"


def _mapping(name: str, told: dict[str, Any], faults: list[str]) -> TableMapping:
    _unknown(told, ("file", "patient", "rows"), "the mapping", faults)
    file = _dict(told.get("file", {}), "[file]", faults)
    _unknown(file, _FILE_KEYS, "[file]", faults)
    rows = told.get("rows")
    if not isinstance(rows, list) or not rows:
        faults.append("it has no [[rows]] table that says what a row is")
        rows = []
    dates = file.get("dates", [])
    return TableMapping(
        name=name,
        rows=tuple(_rows(one, number, faults) for number, one in enumerate(rows, 1)),
        patient=_patient(told.get("patient", {}), faults),
        delimiter=_one_of(file, "delimiter", _is_delimiter,
                          'one character, as in delimiter = ";"', faults),
        encoding=_one_of(file, "encoding", _is_encoding, "an encoding such as utf-8 or windows-1252", faults),
        decimal=_one_of(file, "decimal", lambda v: v in (".", ","), '"." or ","', faults) or ".",
        dates=tuple(_texts([dates] if isinstance(dates, str) else dates, "[file] dates", faults)),
        timezone=_zone(file, faults),
        skip_rows=_one_of(file, "skip_rows", lambda v: type(v) is int and 0 <= v < 10_000, "a number of lines", faults) or 0,
        header=tuple(_texts(file.get("columns", []), "[file] columns", faults)),
    )  # fmt: skip


def _rows(told: Any, number: int, faults: list[str]) -> Rows:
    table = _dict(told, _table(number), faults)
    _unknown(table, _ROW_KEYS, _table(number), faults)
    kind = kinds.ALIASES.get(str(table.get("kind")), str(table.get("kind")))
    known = kinds.ELEMENTS.get(kind)
    if known is None:
        faults.append(f"{_table(number)} kind has to be one of {', '.join(kinds.ELEMENTS)}")
    columns = _words(table.get("columns", {}), _table(number, "columns"), faults)
    fixed = _words(table.get("fixed", {}), _table(number, "fixed"), faults)
    words = {
        element: _words(value, f"{_table(number, 'words')} {element}", faults)
        for element, value in _dict(table.get("words", {}), _table(number, "words"), faults).items()
    }
    for part, said in (("columns", columns), ("fixed", fixed), ("words", words)):
        for element in said:
            if known is not None and element not in known:
                faults.append(
                    f"{_table(number, part)} {element} is nothing that a {kind} has ({', '.join(sorted(known))})"
                )
    both = sorted(set(columns) & set(fixed))
    faults += [f"{_table(number)} says {element} twice, in columns and in fixed" for element in both]
    if known is not None and not kinds.names_something(kind, {*columns, *fixed}):
        faults.append(f"{_table(number)} needs text or a code: what the row is about")
    if "code_system" in fixed and notation.system(fixed["code_system"]) is None:
        faults.append(f"{_table(number, 'fixed')} code_system is no code system that is known here")
    when = {
        column: frozenset(one.strip().casefold() for one in _texts(value if isinstance(value, list) else [value],
                                                                   f"{_table(number, 'when')} {column}", faults))
        for column, value in _dict(table.get("when", {}), _table(number, "when"), faults).items()
    }  # fmt: skip
    return Rows(kind, when, columns, fixed, {
        element: {key.strip().casefold(): value for key, value in said.items()} for element, said in words.items()
    })  # fmt: skip


def _patient(told: Any, faults: list[str]) -> dict[str, str]:
    table = _words(told, "[patient]", faults)
    _unknown(table, _PATIENT_KEYS, "[patient]", faults)
    if "gender" in table and table["gender"] not in _GENDERS:
        faults.append(f"[patient] gender has to be one of {', '.join(_GENDERS)}")
    if "birth_date" in table and (
        (day := notation.when(table["birth_date"], (), None)) is None or "T" in day[0]
    ):
        faults.append("[patient] birth_date has to be written as YYYY-MM-DD")
    return table


def _unknown(table: dict[str, Any], known: tuple[str, ...], where: str, faults: list[str]) -> None:
    faults += [f"{where} knows no {key} (it knows {', '.join(known)})" for key in table if key not in known]


def _dict(value: Any, where: str, faults: list[str]) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    faults.append(f"{where} has to be a table")
    return {}


def _words(value: Any, where: str, faults: list[str]) -> dict[str, str]:
    """A table of texts; numbers and dates count as what they look like."""
    found = {}
    for key, said in _dict(value, where, faults).items():
        if isinstance(said, (dict, list, bool)) or not str(said).strip():
            faults.append(f"{where} {key} has to be a text")
        else:
            found[key] = str(said).strip()
    return found


def _texts(value: Any, where: str, faults: list[str]) -> list[str]:
    if isinstance(value, list) and all(
        isinstance(one, (str, int)) and not isinstance(one, bool) for one in value
    ):
        return [str(one) for one in value]
    faults.append(f"{where} has to be a list of texts")
    return []


def _one_of(table: dict[str, Any], key: str, right: Any, what: str, faults: list[str]) -> Any:
    value = table.get(key)
    if value is not None and not right(value):
        faults.append(f"[file] {key} has to be {what}")
        return None
    return value


def _is_delimiter(value: object) -> bool:
    return isinstance(value, str) and len(value) == 1 and value.isascii() and value not in '"\r\n'


def _is_encoding(value: object) -> bool:
    try:
        return isinstance(value, str) and codecs.lookup(value)._is_text_encoding
    except (LookupError, ValueError):
        return False


def _zone(file: dict[str, Any], faults: list[str]) -> ZoneInfo | None:
    value = file.get("timezone")
    if value is None:
        return None
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        faults.append("[file] timezone has to be a name such as Europe/Berlin or America/Denver")
        return None
