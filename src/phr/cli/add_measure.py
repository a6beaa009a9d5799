"""Value and unit of an entry: asked for where they are missing, held against what the record knows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from phr.errors import UsageError
from phr.model import Code
from phr.workspace.own import measure, units, vitals
from phr.workspace.own.fields import Field
from phr.workspace.own.kinds import Kind
from phr.workspace.own.values import value_of

if TYPE_CHECKING:
    from phr.store.store import Store

_MEASURED = ("lab_result", "vital_sign")


def needs_unit(kind: Kind, said: dict[str, Any]) -> bool:
    """Whether a number stands without a unit, and more than one is possible."""
    vital = vitals.meant(kind.makes, said.get("title"))
    if vital is not None and len(vital.units) == 1:
        return False
    try:
        found = value_of(said.get("value") or "")
    except UsageError:
        return False
    return found.number is not None and found.unit is None


def with_usual(
    one: Field, kind: Kind, said: dict[str, Any], codes: tuple[Code, ...], store: Store | None
) -> Field:
    """The question for a value or a unit, with what this measurement mostly has; Enter is the unit the record has."""
    if one.name not in ("value", "unit") or kind.makes not in _MEASURED:
        return one
    vital, last = _known(kind, said, codes, store)
    if one.name == "value":
        if vital is None:
            return one
        about = "Upper and lower number" if vital is vitals.VITALS[0] else one.about
        return replace(one, about=about, example=vital.example)
    usual = _usual(vital, last)
    return replace(one, default=usual, example="") if usual else one


def _usual(vital: vitals.Vital | None, last: measure.Last | None) -> str:
    """The unit that the record has it in, else the one that it mostly has."""
    known = units.known(last.unit) if last is not None and last.unit else None
    if vital is not None:
        return measure.spoken(known if known in vital.units else vital.units[0])
    return last.unit or "" if last is not None else ""


def fits(
    name: str, typed: str, kind: Kind, said: dict[str, Any], codes: tuple[Code, ...], store: Store | None
) -> None:
    """Whether an answer can be, as soon as it is given. Raises UsageError."""
    if name not in ("value", "unit") or kind.makes not in _MEASURED:
        return
    vital, last = _known(kind, said, codes, store)
    value = typed if name == "value" else str(said.get("value") or "")
    unit = typed if name == "unit" else said.get("unit")
    try:
        measure.checked(said.get("title"), value, unit, last, vital)
    except measure.MissingUnit:
        return  # that is asked next


def odd(kind: Kind, said: dict[str, Any], codes: tuple[Code, ...], store: Store | None) -> measure.Odd | None:
    """What is odd about the value, once it and its unit are there."""
    value = said.get("value")
    if not value or kind.makes not in _MEASURED:
        return None
    vital, last = _known(kind, said, codes, store)
    try:
        found = measure.checked(said.get("title"), value, said.get("unit"), last, vital)
    except UsageError:
        return None
    return measure.odd(said.get("title"), value, found, last, vital)


def checked(
    kind: Kind, said: dict[str, Any], codes: tuple[Code, ...], store: Store | None, *, asking: bool
) -> measure.Odd | None:
    """Is the unit known, and does it fit? Answers what is odd about the value. Raises UsageError."""
    value = said.get("value")
    if not value or kind.makes not in _MEASURED:
        return None
    title = said.get("title")
    vital, last = _known(kind, said, codes, store)
    try:
        found = measure.checked(title, value, said.get("unit"), last, vital)
    except measure.MissingUnit as error:
        if not asking:
            raise
        from phr.cli import add_prompts

        about = f"Which unit, {' or '.join(error.usual)}"
        unit = Field("unit", about, required=True, default=_usual(vital, last))
        said["unit"] = add_prompts.ask(unit, lambda _, typed: typed)
        found = measure.checked(title, value, said["unit"], last, vital)
    if found is not None and found.number is not None and found.unit is not None:
        said["unit"] = found.unit
    return measure.odd(title, value, found, last, vital)


def _known(
    kind: Kind, said: dict[str, Any], codes: tuple[Code, ...], store: Store | None
) -> tuple[vitals.Vital | None, measure.Last | None]:
    """What is known of this measurement."""
    title = said.get("title")
    vital = vitals.meant(kind.makes, title)
    keys = measure.keys_of(title, tuple(one.code or "" for one in codes), vital)
    return vital, measure.last_known(store.db, keys) if store is not None else None
