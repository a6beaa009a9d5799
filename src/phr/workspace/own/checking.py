"""What was typed, held against what its field takes: dates as people say them, choices, numbers, codes, files.

Every function raises UsageError with the next step, so that a prompt can ask again and a script gets a sentence.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path

from phr.errors import UsageError
from phr.importers.table import notation
from phr.model import Code
from phr.records import media_types
from phr.records.said_dates import before, in_future, said
from phr.workspace.own import fields as f
from phr.workspace.own.fields import Field
from phr.workspace.own.told import OwnFile
from phr.workspace.own.values import number

LARGEST = 50_000_000
"""Bytes of one file: a scanned letter has one or two million."""
_LINE, _TEXT = 500, 50_000
_LONG = frozenset(("note", "text"))
# FHIR R4 datatypes.html#string: no control characters but tab, line feed and carriage return.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_CODE = re.compile(r"[^\s]+( [^\s]+)*")
_UNKNOWN = ("unknown", "not known", "?", "none", "-")


class LocalZone(tzinfo):
    """The time zone of this computer, with its summer times."""

    def utcoffset(self, dt: datetime | None) -> timedelta | None:
        """The offset that clocks here have at that moment."""
        return dt.replace(tzinfo=None).astimezone().utcoffset() if dt else None

    def dst(self, dt: datetime | None) -> timedelta | None:
        """Part of the offset already."""
        return None

    def tzname(self, dt: datetime | None) -> str | None:
        """Not needed."""
        return None


@dataclass(frozen=True, slots=True)
class Setting:
    """When and where it is written down, and what is known of whoever writes."""

    now: datetime
    zone: tzinfo | None = None
    order: str | None = None
    """How dates of numbers alone are meant: one of `said_dates.ORDERS`."""
    born: date | None = field(default=None, repr=False)


def checked(one: Field, typed: str, setting: Setting) -> str:
    """What was typed for a field, as the entry holds it; empty for a date that is not known."""
    if one.type == f.DATE:
        return _date(one, typed, setting)
    if one.type == f.CHOICE:
        return _choice(one, typed)
    if one.type == f.NUMBER:
        return number(typed)
    if one.type == f.COUNT:
        return _count(one, typed)
    if one.type == f.CODE:
        code_of(typed)
        return typed
    return words(typed, _TEXT if one.name in _LONG else _LINE, lines=one.name in _LONG)


def words(typed: str, most: int = _LINE, *, lines: bool = False) -> str:
    """Text without control characters; on one line unless it is a long one."""
    found = _CONTROL.sub(" ", typed.replace("\r\n", "\n").replace("\r", "\n"))
    found = "\n".join(" ".join(line.split()) for line in found.split("\n")).strip()
    found = found if lines else " ".join(found.split())
    if len(found) > most:
        raise UsageError(
            f"This is longer than {most:,} characters.",
            hint="A longer text can be a file: phr add document FILE",
        )
    return found


def tag(typed: str) -> str:
    """A word to put on a record, as `phr tag` takes it."""
    if not typed.strip() or words(typed) != typed or len(typed) > 100:
        raise UsageError("A tag is a short text on one line.", hint="Up to 100 characters.")
    return typed


def before_birth(typed: str, setting: Setting) -> bool:
    """Whether a FHIR date lies before the birth of whose record it is."""
    return setting.born is not None and bool(typed) and before(typed, setting.born)


def _date(one: Field, typed: str, setting: Setting) -> str:
    if typed.strip().lower() in _UNKNOWN:
        return ""
    found = said(
        typed, setting.now, order=setting.order, born=setting.born, zone=setting.zone, ahead=one.ahead
    )
    if not one.ahead and in_future(found, setting.now):
        raise UsageError(
            f"{found} lies in the future.",
            hint="What is to come is an appointment, a task or a goal: phr add appointment --help",
        )
    return found


def _choice(one: Field, typed: str) -> str:
    found = one.choices.get(" ".join(typed.lower().split())) or one.choices.get(typed.strip())
    if found is None:
        raise UsageError(
            f"{one.flag} does not take this.", hint=f"It can be: {', '.join(dict.fromkeys(one.choices))}"
        )
    return found


def _count(one: Field, typed: str) -> str:
    bare = typed.strip()
    if not (bare.isascii() and bare.isdigit() and 0 < int(bare[:6]) <= 10_000):
        raise UsageError(f"{one.flag} is a whole number.", hint=f"Such as {one.example}")
    return str(int(bare))


def code_of(typed: str) -> Code:
    """`loinc|4548-4`: the short name of a code system, or its address."""
    system, bar, code = typed.strip().partition("|")
    if not bar:
        system, bar, code = typed.strip().partition(" ")
    found = notation.system(system) if system else None
    if found is None or not _CODE.fullmatch(code.strip()):
        raise UsageError(
            "A code is written as SYSTEM|CODE.",
            hint="Such as loinc|4548-4, snomed|195967001, rxnorm|861007, icd10|J45.909, cvx|88",
        )
    return Code(found, code.strip())


def birth_date(text: str | None) -> date | None:
    """The day of birth, as far as a record knows it to the day; the middle of the year or month is no day."""
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


def read_file(path: Path) -> OwnFile:
    """Read one file, once. Raises UsageError for what is none, is empty, or is larger than `LARGEST`."""
    name = words(path.name, 255)
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would wait for ever
            raise UsageError(f"{name} is no file.", hint="Name a PDF, a picture or a text.")
        with path.open("rb") as handle:
            if not stat.S_ISREG(os.fstat(handle.fileno()).st_mode):
                raise UsageError(f"{name} is no file.", hint="Name a PDF, a picture or a text.")
            content = handle.read(LARGEST + 1)
    except FileNotFoundError:
        raise UsageError(
            f"There is no file {name}.", hint="See how it is spelled, and in which folder it is."
        ) from None
    except PermissionError:
        raise UsageError(f"{name} may not be read.", hint="See whose it is: ls -l") from None
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}.") from None
    if not content:
        raise UsageError(f"{name} is empty.")
    if len(content) > LARGEST:
        raise UsageError(
            f"{name} is larger than {LARGEST // 1_000_000} MB.", hint="Scan it with less detail, or split it."
        )
    from mimetypes import guess_type

    return OwnFile(name, media_types.settle(guess_type(name)[0], media_types.sniff(content)), content)
