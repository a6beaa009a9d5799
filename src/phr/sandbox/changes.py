"""What may happen in the hospital while it runs, for tests in this process and for the control interface."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from phr.sandbox.hospital import Hospital
from phr.sandbox.record_habits import RecordHabits, wrong
from phr.sandbox.resources import Stored

_CHANGEABLE = {one.name for one in fields(RecordHabits)}


def put(hospital: Hospital, resource: Mapping[str, Any] | bytes, *, noticed: bool = True) -> Stored:
    """Create or change a resource; a dict gets a new version and time unless its `meta` brings new ones."""
    return hospital.store.put(resource, stamp=True, noticed=noticed)


def delete(hospital: Hospital, address: str) -> None:
    """Delete `Type/id`: gone from searches, 410 when it is read."""
    hospital.store.delete(*_parts(address))


def hide(hospital: Hospital, address: str, *, readable: bool) -> None:
    """Leave `Type/id` out of searches; reads are answered as before or with 404."""
    hospital.store.hide(*_parts(address), readable=readable)


def show(hospital: Hospital, address: str) -> None:
    """Take back `hide`."""
    hospital.store.show(*_parts(address))


def merge(hospital: Hospital, address: str, into: str) -> None:
    """Let `into` take the place of `address`: reads are redirected, references and sign-ins follow."""
    type_, id_ = _parts(address)
    if hospital.store.get(*_parts(into)) is None:
        raise KeyError(into)
    hospital.store.merge(type_, id_, into)
    if type_ == "Patient":
        for grant in hospital.authorization.living():
            if grant.patient == id_:
                grant.patient = _parts(into)[1]


def change(hospital: Hospital, habits: Mapping[str, Any]) -> None:
    """Let the hospital have other habits from now on; those of signing in stay."""
    unknown = set(habits) - _CHANGEABLE
    if unknown:
        raise ValueError("no habits of records: " + ", ".join(sorted(unknown)))
    changed = replace(hospital.habits, **habits)
    if slips := wrong(changed):
        raise ValueError("no such value of " + ", ".join(slips))
    hospital.habits = changed


def _parts(address: str) -> tuple[str, str]:
    type_, _, id_ = address.partition("/")
    return type_, id_
