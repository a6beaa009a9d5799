"""Is a file about the person whose record this is?

People care for several family members and mix their files up. A Patient is taken for somebody else only where both
the name and the day of birth say so: who married keeps the birthday, who was typed wrongly keeps the name. A
Patient that leaves one of the two open is not doubted. Identifiers say nothing here: families share insurance numbers.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from phr.fhir import read
from phr.importers import patients
from phr.importers.base import Imported
from phr.model import Resource
from phr.store.store import Store

_WORD = re.compile(r"[^\W\d_]+")


def of_record(store: Store) -> list[Resource]:
    """The person whose record it is. Whoever else came in with a file some day does not count."""
    return [body for raw in store.imports.own_patients() if (body := _parsed(raw)) is not None]


def of_file(one: Imported, chosen: str | None) -> list[Resource]:
    """The Patients whose data is taken from a file, as far as it describes them; an archive may know one by several ids."""
    wanted = {who.id for who in one.patients if who.label is not None and chosen in (None, who.id)}
    found: list[Resource] = []
    for received, _, _ in one.parts() if wanted else ():
        for each in received:
            if each.type == "Patient" and each.id in wanted:
                wanted.discard(each.id)
                found += [body] if (body := _parsed(each.raw)) is not None else []
        if not wanted:
            break
    return found


def are_strangers(described: Sequence[Resource], known: Sequence[Resource]) -> bool:
    """Whether somebody is known, somebody else is described, and none of these is one of those."""
    return bool(described and known) and all(_differs(one, other) for one in described for other in known)


def label(patient: Resource) -> str:
    """Name and birth date, for a person to decide by; never for a log."""
    return patients.label(patient) or "somebody without a name"


def _differs(one: Resource, other: Resource) -> bool:
    born, born_too = _born(one), _born(other)
    if not born or not born_too or born.startswith(born_too) or born_too.startswith(born):
        return False
    names, names_too = list(_names(one)), list(_names(other))
    if not names or not names_too:
        return False
    return not any(_alike(a, b) for a in names for b in names_too)


def _born(patient: Resource) -> str:
    """FHIR R4 date: a year, a month or a day; it may say less than the other one."""
    return (read.text(patient.get("birthDate")) or "")[:10]


def _names(patient: Resource) -> Iterator[tuple[str, frozenset[str]]]:
    """`(first name, words of the family name)`, without case and accents."""
    for name in read.dicts(patient.get("name")):
        given = [word for one in read.listed(name.get("given")) for word in _words(one)]
        family = _words(name.get("family"))
        if not (given and family):
            before, comma, after = (read.text(name.get("text")) or "").partition(",")
            words = _words(f"{after} {before}" if comma else before)
            if len(words) < 2:
                continue
            given, family = given or words[:1], family or words[-1:]
        yield given[0], frozenset(family)


def _words(value: object) -> list[str]:
    if not isinstance(value, str):
        return []
    plain = unicodedata.normalize("NFKD", value.casefold())
    return _WORD.findall("".join(char for char in plain if not unicodedata.combining(char)))


def _alike(one: tuple[str, frozenset[str]], other: tuple[str, frozenset[str]]) -> bool:
    """The same first name, or its initial, and a word of the family name in common."""
    first, second = sorted((one[0], other[0]), key=len)
    given = first == second or (len(first) == 1 and second.startswith(first))
    return given and not one[1].isdisjoint(other[1])


def _parsed(raw: bytes) -> Resource | None:
    try:
        body = read.parse_json(raw)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None
