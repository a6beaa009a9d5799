"""Observations read from their bytes, with what was read before remembered: most of any record, and many times as fast.

A laboratory sends the same `code`, `category`, `performer` and range thousands of times. Each element is cut out
of the bytes unread, and these bytes are the key to what was made of it the last time; only values and dates are
read anew. Whatever there is no answer for here (a look-up in the store, components, JSON that only the lenient
reader takes) goes the long way through `derive`. A test holds both ways against each other.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import Raw

from phr.fhir import dates, read
from phr.model import Resource
from phr.records import kinds, results
from phr.records.elements import (
    codes_of,
    date_text,
    joined,
    notes,
    searchable,
    sensitivity_of,
    speaking,
    words_of,
)
from phr.records.lines import EVENT, Column, Line, code_words, codes_json, dated, detail
from phr.records.measurements import (
    ABNORMAL,
    NO_RANGE,
    NO_VALUE,
    READERS,
    Range,
    Value,
    interpretation_of,
    judged,
    range_of,
    value_of,
)
from phr.records.references import Reading, encounter_of, origin_of, people, place

KEPT = 4096
"""So many answers of each sort are remembered; then it begins anew, so that memory stays flat."""
VALUES = tuple(READERS)  # after `valueQuantity`, the first of these counts
LONGEST = 2048
"""Bytes of an element that is worth remembering."""

K = TypeVar("K")
V = TypeVar("V")


# Every element that an Observation's Record is read from; as bytes where they are the key to a memory, or rare.
_AS_BYTES = (
    "meta category code performer encounter interpretation referenceRange valueQuantity dataAbsentReason hasMember"
    " valueSampledData"
).split() + list(VALUES)
_AS_VALUES = (
    "resourceType status effectiveDateTime effectivePeriod effectiveInstant effectiveTiming issued note text"
    " component valueAttachment verificationStatus lifecycleStatus docStatus clinicalStatus"
).split()
_Observation: Any = msgspec.defstruct(
    "_Observation",
    [(name, Raw, None) for name in _AS_BYTES] + [(name, Any, None) for name in _AS_VALUES],
    gc=False,
)


class _Told(NamedTuple):
    """What category, code, performer and interpretation say: all that one laboratory sends again and again."""

    kind: str
    title: str
    category: str | None
    codes: str
    code_words: str
    facility: str | None
    performer: str | None
    origin: str
    words: str
    """Facility, performer and category for the full-text index."""
    interpretation: str | None


_Key = tuple[bytes | None, bytes | None, bytes | None, bytes | None, bool]
_EFFECTIVE = ("effectiveDateTime", "effectivePeriod", "effectiveInstant", "effectiveTiming", "issued")
_WHY = ("dataAbsentReason", "hasMember", "valueSampledData")
# Statuses that need no second look: those of R4 (observation-status) that take nothing back.
_PLAIN_STATUS = frozenset(
    (None, "registered", "preliminary", "final", "amended", "corrected", "cancelled", "unknown")
)
_decode = msgspec.json.Decoder(_Observation).decode


class Observations:
    """Reads Observations of one source. Not thread-safe: the store has one writer."""

    def __init__(self) -> None:
        self._told: dict[_Key, _Told | None] = {}
        self._encounters: dict[bytes, str | None] = {}
        self._ranges: dict[tuple[bytes, str | None], Range] = {}
        self._quantities: dict[bytes, Value] = {}

    def line(self, raw: bytes) -> Line | None:
        """The line of an Observation; None when it has to be read the long way."""
        try:
            one = _decode(raw)
            return None if _is_rare(one) else self._line(one)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return None

    def _line(self, one: Any) -> Line | None:
        told = self._tell(one)
        if told is None:
            return None
        value = self._value(one)
        text, number, unit, _ = value
        interpretation, within, seen = told.interpretation, NO_RANGE, one.encounter
        if one.referenceRange is not None:
            within = self._range(bytes(one.referenceRange), unit)
            if interpretation is None:
                interpretation = judged(value, within)
        description, further = None, ""
        if text is None:
            description = joined((None, results.why_no_value(_parsed(one, _WHY))))
        if one.note is not None or one.text is not None:
            noted = {"note": one.note, "text": one.text}
            description, further = joined((description, notes(noted))), searchable(noted)
        date, precision, start, until, end = _when(one)
        abnormal = ABNORMAL.get(interpretation) if interpretation else None
        columns: tuple[Column, ...] = (
            told.kind,
            told.title,
            description,
            date,
            precision,
            start,
            until,
            end,
            date_text(one.issued) if one.issued else None,
            text,
            number,
            unit,
            within.low,
            within.high,
            within.text,
            interpretation,
            None if abnormal is None else int(abnormal),
            one.status,
            told.category,
            told.codes,
            told.facility,
            told.performer,
            None if seen is None else self._encounter(bytes(seen)),
            told.origin,
            "normal" if one.meta is None else _sensitivity(bytes(one.meta)),
            EVENT,
        )
        return Line(
            columns, f"{text or ''} {unit or ''} {description or ''} {told.words}", told.code_words, further
        )

    # ── what is remembered ──────────────────────────────────────────────────────────────────────────

    def _tell(self, one: Any) -> _Told | None:
        """None when a name has to be looked up: what is found there can change."""
        category, code, performer, said = one.category, one.code, one.performer, one.interpretation
        key = (
            category if category is None else bytes(category),
            code if code is None else bytes(code),
            performer if performer is None else bytes(performer),
            said if said is None else bytes(said),
            one.valueQuantity is not None or one.referenceRange is not None,
        )
        try:
            return self._told[key]
        except KeyError:
            return _keep(self._told, key, _told(*key))

    def _encounter(self, raw: bytes) -> str | None:
        try:
            return self._encounters[raw]
        except KeyError:
            found = _read(raw)
            return _keep(self._encounters, raw, encounter_of(found) if found else None)

    def _value(self, one: Any) -> Value:
        if one.valueQuantity is not None:
            raw = bytes(one.valueQuantity)
            found = self._quantities.get(raw)
            if found is not None:
                return found
            quantity = _read(raw)
            if quantity is not None:
                return _keep(self._quantities, raw, value_of({"valueQuantity": quantity}))
        resource = _parsed(one, VALUES)
        return value_of(resource) if resource else NO_VALUE

    def _range(self, raw: bytes, unit: str | None) -> Range:
        key = raw, unit
        found = self._ranges.get(key)
        return _keep(self._ranges, key, range_of(_read(raw), unit)) if found is None else found


def _is_rare(one: Any) -> bool:
    """Whether there is something about it that is only read the long way."""
    return (
        one.resourceType != "Observation"
        or one.component is not None
        or one.valueAttachment is not None
        or one.clinicalStatus is not None
        or one.verificationStatus is not None
        or one.lifecycleStatus is not None
        or one.docStatus is not None
        or (one.status.__class__ is not str and one.status is not None)
        or one.status not in _PLAIN_STATUS
    )


def _when(one: Any) -> tuple[Column, ...]:
    """`(date, precision, first second, first second after, end)`."""
    when = dates.parse(one.effectiveDateTime)
    if when is not None:
        return when.text, when.precision, when.start, when.end, None
    start, end = results.effective({name: getattr(one, name) for name in _EFFECTIVE})
    return *dated(start), end


class _Unanswering(Reading):
    """A reading of one element alone, which notes that more would be needed."""

    __slots__ = ("asked",)

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.asked = False

    def resolve(self, pointer: object, expected: str | None = None) -> Resource | None:
        self.asked = True
        return None


def _nothing(address: str) -> None:
    return None


def _keep(memory: dict[K, V], key: K, value: V) -> V:
    if len(memory) >= KEPT:
        memory.clear()
    parts = key if isinstance(key, tuple) else (key,)
    if all(not isinstance(part, bytes) or len(part) <= LONGEST for part in parts):
        memory[key] = value
    return value


def _read(raw: bytes) -> object:
    """One element, its decimals with the digits they were written with."""
    return read.parse_as_written(raw)


def _parsed(one: Any, names: tuple[str, ...]) -> dict[str, object]:
    """Those of these elements that are there."""
    found = ((name, getattr(one, name)) for name in names)
    return {name: _read(bytes(raw)) for name, raw in found if raw is not None}


def _told(
    category_raw: bytes | None,
    code_raw: bytes | None,
    by_raw: bytes | None,
    said_raw: bytes | None,
    measured: bool,
) -> _Told | None:
    category, concept, by, said = (
        None if raw is None else _read(raw) for raw in (category_raw, code_raw, by_raw, said_raw)
    )
    pointers = read.listed(by) if by else ()
    reading = _Unanswering({}, _nothing)
    facility = place(reading, pointers) if pointers else None
    performer = people(reading, pointers) if pointers else None
    if reading.asked:
        return None
    categories, codes = read.codings(category) if category else (), codes_of(concept)
    resource = {"category": category, "referenceRange": None} if measured else {"category": category}
    kind = kinds.observation_kind(resource, categories, codes)
    word = categories[0].code or categories[0].display if categories else words_of(category)
    return _Told(
        kind,
        speaking(words_of(concept), results.NAMES.get(kind, "Observation")),
        word,
        codes_json(codes),
        code_words(codes),
        facility,
        performer,
        origin_of(pointers) if pointers else "provider",
        detail(facility, performer, word),
        interpretation_of(said) if said else None,
    )


def _sensitivity(raw: bytes) -> str:
    if b"security" not in raw and b"\\" not in raw:
        return "normal"
    return sensitivity_of({"meta": _read(raw)})
