"""`phr validate`: is it valid FHIR R4? Of a file, of single records, or of everything that is stored."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.options import Json, Quiet
from phr.cli.text import clean, count
from phr.errors import UsageError

if TYPE_CHECKING:
    from phr.views.validity import Result

What = Annotated[
    list[str] | None,
    typer.Argument(
        help="Files (- reads stdin), numbers of records, or Type/id; none means everything stored.",
        metavar="[FILE|RECORD]...",
    ),
]
_MOST = 200
"""Invalid resources that are told in words."""


def validate(ctx: typer.Context, what: What = None, quiet: Quiet = False, json: Json = False) -> None:
    """Say whether files or records are valid FHIR R4; of a C-CDA document also how it is built.

    Nothing is changed, and nothing is refused for it elsewhere: servers send what they send. Values are never shown.

    \b
    phr validate Downloads/bundle.json
    phr validate 412 Observation/abc
    phr validate                 (everything that is stored; the invalid ones are listed)

    Exit statuses: 0 all valid, 1 some are not (or the file cannot be read), 2 usage, 6 locked.
    """
    output.hush(quiet)
    tally = _Tally(keep_valid=bool(what))
    for result in _results(ctx, what or [], quiet=quiet or json):
        tally.note(result)
    if json:
        output.emit_json(tally.document())
    elif tally.invalid or not quiet:
        output.emit(tally.lines())
    if tally.invalid:
        raise typer.Exit(1)


class _Tally:
    """What was found so far."""

    def __init__(self, *, keep_valid: bool) -> None:
        self._keep_valid = keep_valid
        self.kept: list[Result] = []
        self.checked = self.invalid = self.unjudged = 0

    def note(self, result: Result) -> None:
        """Count one; what is valid among everything stored need not be listed."""
        self.checked += 1
        self.invalid += result.valid is False
        self.unjudged += result.valid is None
        if self._keep_valid or not result.valid:
            self.kept.append(result)

    def document(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {
            "results": [
                {
                    "resource": one.resource,
                    "valid": one.valid,
                    "issues": [{"path": issue.path, "message": issue.message} for issue in one.issues],
                    "source": one.source,
                }
                for one in self.kept
            ],
            "summary": {
                "checked": self.checked,
                "valid": self.checked - self.invalid - self.unjudged,
                "invalid": self.invalid,
                "not_judged": self.unjudged,
            },
        }

    def lines(self) -> Iterator[str]:
        """The invalid ones with what is wrong, then the sum."""
        wrong = [one for one in self.kept if one.valid is False]
        for one in wrong[:_MOST]:
            yield f"{clean(one.resource)} ({clean(one.source)})" if one.source else clean(one.resource)
            yield from (f"  {clean(issue.path)} {clean(issue.message)}".rstrip() for issue in one.issues)
        if len(wrong) > _MOST:
            yield f"… and {len(wrong) - _MOST} more: see --json"
        if self.checked == 0:
            yield "Nothing to check."
            return
        valid = self.checked - self.invalid - self.unjudged
        summary = f"{count(self.checked, 'resource')} checked: {valid} valid"
        yield summary + "".join(
            f", {number} {word}"
            for number, word in (
                (self.invalid, "not valid"),
                (self.unjudged, "of a type that cannot be judged"),
            )
            if number
        )


def _results(ctx: typer.Context, what: list[str], *, quiet: bool) -> Iterator[Result]:
    from phr.views import validity

    files = [word for word in what if _is_file(word)]
    for word in files:
        source = sys.stdin.buffer if word == "-" else Path(word)
        yield from validity.of_file(source, "the standard input" if word == "-" else Path(word).name)
    refs = [word for word in what if word not in files]
    if what and not refs:
        return
    with workspace(ctx).store() as store:
        if refs:
            for ref in refs:
                yield from validity.of_record(store, ref)
        else:
            yield from _moving(validity.of_store(store), quiet=quiet, total=validity.total(store))


def _is_file(word: str) -> bool:
    """Whether a word names a file. Raises UsageError when it can be neither a file nor a record."""
    if word == "-" or Path(word).exists():
        return True
    if word.isdigit() or _is_address(word):
        return False
    raise UsageError(
        f"There is no file {word}.", hint="Name a file, a record's number (phr timeline), or Type/id"
    )


def _is_address(word: str) -> bool:
    type_, slash, id_ = word.partition("/")
    return bool(slash) and type_.isalpha() and type_[:1].isupper() and bool(id_) and "/" not in id_


def _moving(results: Iterable[Result], *, quiet: bool, total: int) -> Iterator[Result]:
    """The same, with a line that moves where somebody looks at a terminal."""
    shown = not quiet and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    for number, result in enumerate(results, 1):
        if shown and (number % 500 == 0 or number == total):
            sys.stderr.write(f"\r{number:,} of {total:,} checked" + ("\n" if number == total else ""))
            sys.stderr.flush()
        yield result
