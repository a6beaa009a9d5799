"""Lists in plain JSON and tables in text: no standard, so headings and keys are recognised by what they usually say."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from phr.providers.directories import entries
from phr.providers.directories.entries import Entry, Found

_SQUEEZE = re.compile(r"[^a-z0-9]+")
# Exact headings first, in the order of preference; then patterns for the long ones people type into a sheet.
_KEYS: dict[str, tuple[str, str]] = {
    "base": (
        "fhirbaseurl fhirbase baseurl fhirurl fhirendpoint endpointurl serviceurl servicebaseurl fhirserverurl"
        " fhirr4url r4url r4endpoint r4 url address endpoint base link uri",
        "prod.*url fhir.*url fhir.*base fhir.*endpoint fhir.*address url.*fhir endpoint.*fhir baseurl endpointurl",
    ),
    "name": (
        "organisation organization organisationname organizationname orgname displayname brandname practicename"
        " facilityname hospitalname customername clientname name brand brands practice facility hospital customer"
        " client healthsystem account accountname title state",
        "brandname organi[sz]ation practice facility hospital customer accountname",
    ),
    "vendor": ("vendor ehr developer developername platform vendorid ehrvendor product", "vendor developer"),
    "place": ("place location citystate", ""),
    "city": ("city town municipality organizationcity", ""),
    "state": ("state province region organizationstate", ""),
    "alias": (
        "alias aliases alternatename othernames dba knownas parentorganizationname brandname",
        "parentorg",
    ),
    "release": ("fhirversion version release fhirrelease", ""),
    "status": ("status state_of_endpoint endpointstatus", ""),
}
_SAMPLE = 40
_WIDEST, _LONGEST_HEADING, _MOST_SHAPES = 200, 80, 500
_OFF = frozenset(
    {"off", "error", "inactive", "offline", "retired", "suspended", "in development", "not yet started"}
)


def _columns(heads: Sequence[str]) -> dict[str, int]:
    """Which heading says what; none is taken for two things but a state, which may be all there is of a name."""
    plain = [_SQUEEZE.sub("", head[:_LONGEST_HEADING].lower()) for head in heads[:_WIDEST]]
    found: dict[str, int] = {}
    for field, (exact, patterns) in _KEYS.items():
        taken = {at for other, at in found.items() if (other, field) != ("name", "state")}
        free = [at for at in range(len(plain)) if plain[at] and at not in taken]
        at = next((at for word in exact.split() for at in free if plain[at] == word), None)
        if at is None:
            at = next((at for word in patterns.split() for at in free if re.search(word, plain[at])), None)
        if at is not None:
            found[field] = at
    return found


def _entry(cells: Mapping[str, str]) -> Entry:
    """One row, by what its columns say."""
    if cells.get("status", "").strip().lower() in _OFF:
        return entries.INACTIVE
    release = cells.get("release", "").strip().upper().removeprefix("FHIR").strip()
    if re.match(r"DSTU|STU3|R[235]|[12]\.|3\.|5\.", release):
        from phr.providers.addresses import OTHER_RELEASE

        return OTHER_RELEASE
    name = cells.get("name", "").strip()
    where = cells.get("place", "").strip() or entries.place(cells.get("city"), cells.get("state"))
    return Found(
        name,
        cells.get("base", "").strip(),
        vendor=cells.get("vendor", "").strip(),
        place="" if where == name else where,
        aliases=entries.aliases(name, cells.get("alias", "").split("|")),
    )


def objects(rows: Iterable[object]) -> Iterator[Entry]:
    """JSON objects with a name and an address each, in keys of their own; endpoints may be listed inside."""
    shapes: dict[tuple[str, ...], dict[str, int]] = {}
    for row in rows:
        if not isinstance(row, dict) or not row:
            yield entries.UNREADABLE
            continue
        inner = next(
            (v for k, v in row.items() if k.lower() in ("endpoints", "endpoint") and isinstance(v, list)),
            None,
        )
        ways: list[dict[str, Any]] = [row]
        if inner is not None:
            outer = {key: value for key, value in row.items() if not isinstance(value, list)}
            ways = [{**one, **outer} for one in inner if isinstance(one, dict)]
            if not ways:
                yield entries.NO_ENDPOINT
        for way in ways:
            heads = tuple(key[:_LONGEST_HEADING] for key in itertools.islice(way, _WIDEST))
            columns = shapes.get(heads)
            if columns is None:
                # Entries of one list look alike; to guess anew for each would take hours where none does.
                if len(shapes) >= _MOST_SHAPES:
                    yield entries.UNREADABLE
                    continue
                columns = shapes[heads] = _columns(heads)
            values = list(itertools.islice(way.values(), _WIDEST))
            yield _entry({field: _cell(values[at]) for field, at in columns.items()})


def _cell(value: object) -> str:
    if isinstance(value, list):
        return "|".join(one[: entries.LONGEST_TEXT] for one in value[:_SAMPLE] if isinstance(one, str))
    if isinstance(value, str):
        return value[: entries.LONGEST_TEXT]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def looks_tabular(lines: Sequence[str]) -> bool:
    return any(len(_split(line, _delimiter(lines))) > 1 for line in lines)


def _delimiter(lines: Sequence[str]) -> str:
    counts = {mark: sum(line.count(mark) for line in lines) for mark in "\t;,"}
    return max(counts, key=lambda mark: (counts[mark] > 0 and mark == "\t", counts[mark]))


def _split(line: str, mark: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=mark), [])
    except csv.Error:  # longer than csv takes
        return []


def table(lines: Iterable[str]) -> tuple[str, Iterator[Entry]]:
    """Comma, semicolon or tab-separated text, with headings in one of its first lines, or none at all."""
    rest = iter(lines)
    first = list(itertools.islice(rest, _SAMPLE))
    mark = _delimiter(first)
    rows = csv.reader((line.replace("\0", "") for line in itertools.chain(first, rest)), delimiter=mark)
    return ("tsv" if mark == "\t" else "csv"), _table(rows)


def _table(rows: Iterator[list[str]]) -> Iterator[Entry]:
    columns: dict[str, int] | None = None
    waiting = 0
    for row in _tolerant(rows):
        if row is None:
            yield entries.UNREADABLE
            continue
        if not any(cell.strip() for cell in row) or row[0].lstrip().startswith("#"):
            continue
        if columns is None:
            waiting += 1
            columns = _headless(row) or (_headed(row) if waiting <= _SAMPLE else None)
            if columns is None or not _is_data(row):
                continue
        cells = {field: row[at][: entries.LONGEST_TEXT] for field, at in columns.items() if at < len(row)}
        if len(row) < 2:
            yield entries.UNREADABLE
        else:
            yield _entry(cells)


def _headed(row: list[str]) -> dict[str, int] | None:
    found = _columns(row)
    return found if "base" in found and "name" in found else None


def _headless(row: list[str]) -> dict[str, int] | None:
    """A row of data where headings were expected: the address is plain to see, the name is the first other text."""
    base = next((at for at, cell in enumerate(row) if _is_address(cell)), None)
    if base is None:
        return None
    name = next((at for at, cell in enumerate(row) if at != base and re.search(r"[A-Za-z]{2}", cell)), None)
    return {"base": base, "name": name} if name is not None else None


def _is_data(row: list[str]) -> bool:
    return any(map(_is_address, row))


def _is_address(cell: str) -> bool:
    return bool(re.match(r"\s*https?://\S+\s*$", cell, re.IGNORECASE))


def _tolerant(rows: Iterator[list[str]]) -> Iterator[list[str] | None]:
    """Rows; None for one that csv cannot read."""
    while True:
        try:
            yield next(rows)
        except StopIteration:
            return
        except csv.Error:
            yield None
