"""Value and unit of an entry: asked for where they are missing, held against what the record knows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from phr.errors import UsageError
from phr.model import Code
from phr.workspace.own import measure, vitals
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
    """The question for a value or a unit, with the example that this measurement mostly has."""
    if one.name not in ("value", "unit") or kind.makes not in _MEASURED:
        return one
    vital, last = _known(kind, said, codes, store)
    if one.name == "value":
        return replace(one, example=vital.example) if vital is not None else one
    usual = measure.spoken(vital.units[0]) if vital is not None else last.unit if last is not None else None
    return replace(one, example=usual, required=True) if usual else one


def checked(
    kind: Kind, said: dict[str, Any], codes: tuple[Code, ...], store: Store | None, *, asking: bool
) -> str | None:
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

        unit = Field("unit", f"Which unit, {' or '.join(error.usual)}", required=True)
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
