"""Organisations with their FHIR bases: thousands of lines of tab-separated text, read only when one is asked for.

    id  name  vendor  place  fhir_base  [aliases, parted by |]  [shared: yes]  [source]

`source` is the list that a found one came from: the id of the vendor who publishes it, or the name of a file.
The packaged ones are typed by us; those that `phr providers update` found lie in the person's data folder in the
same form and win. Not TOML: reading twenty thousand tables would take seconds, and this is read at every search.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import overload

import phr
from phr.errors import PhrError
from phr.providers import addresses, words

COLUMNS = ("id", "name", "vendor", "place", "fhir_base", "aliases", "shared", "source")
ID, NAME, VENDOR, PLACE, BASE, ALIASES, SHARED, SOURCE = range(8)
FILE_NAME = "organisations.tsv"
Row = list[str]
"""The eight columns; `whole` makes up for those that are missing at the end."""

_ID = re.compile(r"[a-z0-9][a-z0-9-]*")
_NO_TEXT = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+"
)


def packaged(name: str = FILE_NAME) -> Path:
    """A file that came with phr: inside the wheel; in an editable install at the root of the repository."""
    package = Path(phr.__file__).parent
    inside = package / name
    return inside if inside.exists() else package.parents[1] / name


def whole(row: Sequence[str]) -> Row:
    """A new row with all columns: what is missing at the end is empty, what is too much is left out."""
    return [*row, "", "", ""][: len(COLUMNS)]


class Rows(Sequence[Row]):
    """Rows kept as one list of cells: making twenty thousand lists takes longer than searching in them."""

    def __init__(self, cells: list[str]) -> None:
        self._cells = cells

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Rows:
        return cls([cell for row in rows for cell in whole(row)])

    def column(self, at: int) -> list[str]:
        return self._cells[at :: len(COLUMNS)]

    def only(self, ids: Container[str]) -> Rows:
        """Those with one of these ids."""
        return Rows.of(self[at] for at, id_ in enumerate(self.column(ID)) if id_ in ids)

    def without(self, ids: Container[str]) -> Rows:
        """Those with none of these ids."""
        width, cells, start = len(COLUMNS), list[str](), 0
        for at in (at for at, id_ in enumerate(self.column(ID)) if id_ in ids):
            cells += self._cells[start : at * width]
            start = (at + 1) * width
        return Rows(cells + self._cells[start:]) if start else self

    def __len__(self) -> int:
        return len(self._cells) // len(COLUMNS)

    def __iter__(self) -> Iterator[Row]:
        return (self[at] for at in range(len(self)))

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> list[Row]: ...
    def __getitem__(self, at: int | slice) -> Row | list[Row]:
        if isinstance(at, slice):
            return [self[one] for one in range(*at.indices(len(self)))]
        if not -len(self) <= at < len(self):
            raise IndexError(at)
        start = at % len(self) * len(COLUMNS)
        return self._cells[start : start + len(COLUMNS)]


class Organisations:
    """The packaged lines, and those found on top of them: with the same id, the found one wins.

    Nothing is read before it is asked for.
    """

    def __init__(self, packaged_file: Path | None = None, found_file: Path | None = None) -> None:
        self._packaged = packaged_file
        self._found = found_file

    @cached_property
    def _texts(self) -> tuple[str, str]:
        found, typed = self._found, self._packaged
        return _text(found) if found else "", _text(typed) if typed else ""

    @cached_property
    def parted(self) -> tuple[Rows, Rows]:
        """Those that were typed because many people look for them, in their newest form; and all the others."""
        found, typed = (parse(text) for text in self._texts)
        if not typed or not found:
            return typed, found
        ids = frozenset(typed.column(ID))
        newer = {row[ID]: row for row in found.only(ids)}
        return Rows.of(newer.get(row[ID], row) for row in typed), found.without(ids)

    @property
    def rows(self) -> list[Row]:
        """All of them. A line that holds no organisation is passed over."""
        return [*self.parted[0], *self.parted[1]]

    def find(self, id_: str) -> Row | None:
        """The one with this id, without taking the others apart."""
        for text in self._texts:
            at = text.find(f"\n{id_}\t")
            if at >= 0:
                end = text.find("\n", at + 1)
                return next(iter(parse(text[at + 1 : end if end >= 0 else None])), None)
        return None


def read(path: Path) -> Rows:
    """The organisations of one file; none when there is no file. Raises PhrError when it cannot be read."""
    return parse(_text(path))


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise PhrError(
            f"The list of organisations cannot be read: {error.strerror}.", hint=f"Look at the file: {path}"
        ) from None
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n")
    return "\n" + content.decode("utf-8", "replace")


def parse(text: str) -> Rows:
    """The rows of such a text, the line of headings left out, and so is every line that is no row."""
    text = text.strip("\n")
    width = len(COLUMNS)
    with no_collecting():
        # As `dump` writes it, all cells can be cut at once; the bases show whether each is where it should be.
        if text.count("\t") == (width - 1) * (text.count("\n") + 1):
            cells = text.replace("\n", "\t").split("\t")
            if cells[ID] == COLUMNS[ID]:
                del cells[:width]
            if all(base[:4] in ("http", "HTTP") for base in cells[BASE::width]):
                return Rows(cells)
        rows = [line.split("\t") for line in text.split("\n") if "\t" in line and line[0] != "#"]
        return Rows.of(whole(row) for row in rows if len(row) >= 5 and row[BASE] and row[ID] != "id")


@contextmanager
def no_collecting() -> Iterator[None]:
    """Twenty thousand small lists, none of them rubbish: looking for rubbish meanwhile doubles the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def dump(rows: Iterable[Row]) -> bytes:
    """The file, sorted by vendor, then name."""
    ordered = sorted(rows, key=lambda row: (row[VENDOR], row[NAME].casefold(), row[ID]))
    lines = ["\t".join(COLUMNS), *("\t".join(map(tidy, whole(row))) for row in ordered)]
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def tidy(text: str) -> str:
    """One cell: no tab, no line break, no control or reordering character."""
    return " ".join(_NO_TEXT.sub(" ", text).split())


def problems(path: Path, vendors: Mapping[str, object]) -> list[str]:
    """Everything wrong in a file that is typed by hand: for the test of the packaged one."""
    found: list[str] = []
    lines = path.read_text(encoding="utf-8").split("\n")
    body = [(number, line) for number, line in enumerate(lines, 1) if line and not line.startswith("#")]
    if not body or body[0][1].split("\t")[:5] != list(COLUMNS[:5]):
        return ["the first line names the columns: " + " ".join(COLUMNS)]
    seen: set[str] = set()
    before = ("", "")
    for number, line in body[1:]:
        cells = line.split("\t")
        if not 5 <= len(cells) <= 7:
            found.append(f"line {number}: {len(cells)} columns")
            continue
        row = [*cells, "", ""][:7]
        wrong = _wrong(row, seen, vendors)
        if (order := (row[VENDOR], row[NAME].casefold())) < before:
            wrong.append("is not in order of vendor and name")
        before = order
        found += [f"line {number} ({row[ID]}): {what}" for what in wrong]
    return found


def _wrong(row: Row, seen: set[str], vendors: Mapping[str, object]) -> list[str]:
    checks = {
        "an id has only small letters, digits and -": bool(_ID.fullmatch(row[ID])),
        "the id is there twice": row[ID] not in seen,
        "has no name": bool(words.words(row[NAME])),
        "there is no such vendor": row[VENDOR] in vendors,
        f"the base is refused: {addresses.refusal(row[BASE])}": addresses.refusal(row[BASE]) is None,
        "shared is yes or empty": row[SHARED] in ("", "yes"),
        "has blanks at an edge": all(cell == tidy(cell) for cell in row),
    }
    seen.add(row[ID])
    return [what for what, good in checks.items() if not good]
