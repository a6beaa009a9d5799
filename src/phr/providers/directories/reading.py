"""One directory, read from a stream: which format it is, and its entries one after the other.

The whole is never in memory: ijson hands out one entry at a time, and of each only a few short texts are kept.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable, Iterator
from typing import BinaryIO, TextIO

from phr.errors import UnreadableFile
from phr.providers.directories import lists
from phr.providers.directories.bundle import Bundle
from phr.providers.directories.entries import LONGEST_TEXT, MOST, TOO_MANY, Entry
from phr.providers.directories.guard import Guarded

_LISTS = (
    "entry",
    "endpoints",
    "items",
    "organizations",
    "organisations",
    "practices",
    "data",
    "results",
    "value",
)
_NOT_ORGANISATIONS = frozenset(
    {"link", "identifier", "extension", "contact", "tag", "profile", "note", "issue"}
)
_START, _SAMPLE = 4096, 40
_LONGEST_LINE = 50 * LONGEST_TEXT


class Directory:
    """A directory that somebody published. Iterate over it once; afterwards `format` is known for sure."""

    def __init__(self, handle: BinaryIO) -> None:
        """`handle` can be read from the start. Raises UnreadableFile for what is plainly no directory."""
        self._handle = handle
        self.format = ""
        start = handle.read(_START)
        handle.seek(0)
        self._encoding = _encoding(start)
        plain = start.removeprefix(b"\xef\xbb\xbf").lstrip()
        if not plain:
            raise UnreadableFile("It is empty.", hint=_HINT)
        if plain[:1] == b"<":
            if b"<html" in plain[:2000].lower() or plain.lower().startswith(
                (b"<!doctype html", b"<head", b"<body")
            ):
                raise UnreadableFile(
                    "It is a web page, not a list.",
                    hint="Open it in a browser, fetch the list there, and give the file: phr providers update --from FILE",
                )
            raise UnreadableFile("It is XML; lists are read as JSON, CSV or TSV.", hint=_HINT)
        self._json = plain[:1] in (b"{", b"[")

    def __iter__(self) -> Iterator[Entry]:
        """Organisations, and for each entry that is none, why; the last may say that there were too many.

        Raises UnreadableFile where the stream is damaged.
        """
        listed = self._from_json() if self._json else self._from_text()
        yield from itertools.islice(listed, MOST)
        if next(listed, None) is not None:
            yield TOO_MANY

    def _from_json(self) -> Iterator[Entry]:
        import ijson  # type: ignore[import-untyped]

        try:
            key, is_bundle = self._where()
            self._rewind()
            rows = ijson.items(Guarded(self._handle), f"{key}.item" if key else "item")
            first = list(itertools.islice(rows, 1))
            everything = itertools.chain(first, rows)
            if is_bundle or any(map(_is_resource, first)):
                yield from self._from_bundle(everything)
                return
            self.format = "lantern" if key == "Endpoints" else "json"
            yield from lists.objects(everything)
        except (ijson.JSONError, UnicodeDecodeError, ArithmeticError) as error:
            short = isinstance(error, ijson.IncompleteJSONError)
            raise UnreadableFile(
                "It is damaged: it ends in the middle."
                if short
                else "It is damaged: it is not JSON throughout.",
                hint="Fetch it again.",
            ) from None

    def _from_bundle(self, rows: Iterable[object]) -> Iterator[Entry]:
        bundle = Bundle()
        for row in itertools.islice(rows, 2 * MOST):  # an organisation and its endpoint are one entry
            bundle.add(row)
        yield from bundle.entries()
        self.format = bundle.format

    def _where(self) -> tuple[str, bool]:
        """The key of the list of organisations (empty: the whole document is one), and whether it is a Bundle."""
        import ijson

        self._rewind()
        depth, candidate, is_bundle = 0, None, False
        for prefix, event, value in ijson.parse(Guarded(self._handle)):
            if event in ("start_map", "start_array"):
                if depth == 0 and event == "start_array":
                    return "", False
                if depth == 1 and event == "start_array" and prefix.lower() not in _NOT_ORGANISATIONS:
                    if prefix.lower() in _LISTS:
                        return prefix, is_bundle or prefix == "entry"
                    candidate = candidate or prefix
                depth += 1
            elif event in ("end_map", "end_array"):
                depth -= 1
            elif prefix == "resourceType":
                is_bundle = value == "Bundle"
                if not is_bundle:
                    break
        if candidate is None:
            raise UnreadableFile("It holds no list of organisations.", hint=_HINT)
        return candidate, is_bundle

    def _from_text(self) -> Iterator[Entry]:
        self._handle.seek(0)
        text = io.TextIOWrapper(self._handle, self._encoding, errors="replace", newline="")
        try:
            sample = list(itertools.islice(_lines(text), _SAMPLE))
            if not lists.looks_tabular(sample):
                raise UnreadableFile("It is not a list that phr knows.", hint=_HINT)
            text.seek(0)
            self.format, found = lists.table(_lines(text))
            yield from found
        finally:
            text.detach()  # whoever opened the handle closes it

    def _rewind(self) -> None:
        """To the start, behind a byte order mark."""
        self._handle.seek(0)
        if self._handle.read(3) != b"\xef\xbb\xbf":
            self._handle.seek(0)


_HINT = "These are read: a FHIR Bundle of Endpoints or brands, a JSON list, CSV or TSV with a name and a FHIR base."


def _lines(text: TextIO) -> Iterator[str]:
    """Its lines; one without end is cut in pieces, so that it is never in memory as a whole."""
    return iter(lambda: text.readline(_LONGEST_LINE), "")


def _is_resource(first: object) -> bool:
    return isinstance(first, dict) and ("resourceType" in first or isinstance(first.get("resource"), dict))


def _encoding(start: bytes) -> str:
    """Sheets come in what a spreadsheet program wrote: UTF-8 with a mark, UTF-16, or the letters of old Windows."""
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    try:
        start[:-4].decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"
