"""The values of one measurement as their sources told them: numbers only where nothing but a number was said.

An Observation's own value, and its components (FHIR R4 10.1). What is sent both ways is one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from phr.fhir import read
from phr.records.measurements import ABNORMAL, NO_RANGE, interpretation_of, judged, range_of, value_of
from phr.records.measures import Measure
from phr.records.unit_words import spelled
from phr.records.units import parse
from phr.views import trend_rows
from phr.views.trend_rows import LOINC, Key, Row

NUMBER = r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
_BOUND = rf"(<=|>=|<|>|≤|≥)\s*({NUMBER})"
_WITH_UNIT = rf"(<=|>=|<|>|≤|≥)?\s*({NUMBER})\s*([^\d\s].*)"
_FLAGS = frozenset(("H", "L", "HH", "LL", "A", "AA", "(H)", "(L)", "*", "**", "*H", "*L"))
"""What laboratories write behind a number: no unit."""
_SIGNS = {"≤": "<=", "≥": ">="}


@dataclass(frozen=True)
class Wanted:
    """One line: which records are it, and which have it as a part."""

    codes: frozenset[str]
    keys: tuple[Key, ...] = field(repr=False)
    part_keys: tuple[Key, ...] = field(repr=False)
    measure: Measure | None = field(repr=False)


@dataclass
class Reading:
    """One value as its source told it."""

    row: Row = field(repr=False)
    code: str | None
    title: str = field(repr=False)
    text: str = field(repr=False)
    number: float | None = field(repr=False)
    comparator: str | None
    unit: str | None
    low: float | None = field(repr=False)
    high: float | None = field(repr=False)
    range_text: str | None = field(repr=False)
    interpretation: str | None
    abnormal: bool | None
    part: bool = False
    words: str | None = None
    """The unit in the words of its source, where its code had to be taken instead."""
    corrected: list[str] = field(default_factory=list)
    """What the person has corrected; then the words are the person's."""
    sources: list[str] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)

    @property
    def exact(self) -> bool:
        """Whether it is a number and nothing but that."""
        return self.number is not None and self.comparator is None


@dataclass(frozen=True)
class Asked:
    """Which part of a line."""

    since: int | None = None
    until: int | None = None
    sources: tuple[str, ...] = ()
    limit: int | None = None
    memory: Memory = field(default_factory=lambda: Memory(), repr=False)


@dataclass
class Memory:
    """What was read already, since the parts of one reading lie in the same records."""

    rows: dict[str, list[Row]] = field(default_factory=dict, repr=False)
    parts: dict[int, tuple[trend_rows.Part, ...]] = field(default_factory=dict, repr=False)


def readings(db: Any, wanted: Wanted, asked: Asked) -> tuple[list[Reading], bool]:
    """The values of one line, the newest first; and whether there are more than `limit`."""
    most = None if asked.limit is None else asked.limit + 1
    found: dict[int, tuple[Row, bool]] = {}
    cut = False
    for keys, part in ((wanted.keys, False), (wanted.part_keys, True)):
        for key in keys:
            rows = _rows(db, key.key, asked, most)
            cut = cut or (most is not None and len(rows) == most)
            for row in rows:
                if row.id not in found and (part or belongs(row, wanted)):
                    found[row.id] = (row, part)
    rows_ = sorted(
        found.values(), key=lambda one: (one[0].start is not None, one[0].start or 0, one[0].id), reverse=True
    )
    if asked.limit is not None and len(rows_) > asked.limit:
        rows_, cut = rows_[: asked.limit], True
    parts = asked.memory.parts
    parts |= trend_rows.parts_of(db, [row.id for row, part in rows_ if part and row.id not in parts])
    corrected = trend_rows.corrected(db, [row.id for row, _ in rows_])
    told: list[Reading] = []
    for row, part in rows_:
        if not part:
            told.append(own_reading(row, wanted))
        elif "value" in corrected.get(row.id, ()) or row.id not in parts:
            told += together(row, parts.get(row.id, ()), wanted)
        else:
            told += _parts(row, parts.get(row.id, ()), wanted)
    names = trend_rows.sources_of(db, [one.row.id for one in told])
    unknown = []
    for one in told:
        one.sources, one.ids = names.get(one.row.id, []), [one.row.id]
        one.corrected = corrected.get(one.row.id, [])
        if one.unit and not one.part and "unit" not in one.corrected and parse(one.unit) is None:
            unknown += [one] if spelled(one.unit) else []
    units = trend_rows.written_units(db, [one.row.id for one in unknown])
    for one in unknown:  # words that mean nothing here; its code may
        if (code := units.get(one.row.id)) and parse(code) is not None:
            one.words, one.unit = one.unit, code
    return joined(told), cut


def _rows(db: Any, key: str, asked: Asked, most: int | None) -> list[Row]:
    if key not in asked.memory.rows:
        asked.memory.rows[key] = trend_rows.rows(
            db, key, since=asked.since, until=asked.until, sources=asked.sources, limit=most
        )
    return asked.memory.rows[key]


def belongs(row: Row, wanted: Wanted) -> bool:
    """Two records can share their first code and still be different things: a LOINC code has the last word."""
    loinc = {code for system, code, _ in trend_rows.codes_of(row.codes) if system == LOINC}
    return not loinc or not wanted.codes or bool(loinc & wanted.codes) or not _is_loinc(wanted.codes)


def _is_loinc(codes: frozenset[str]) -> bool:
    return any(re.fullmatch(r"\d{1,7}-\d", code) for code in codes)


def own_reading(row: Row, wanted: Wanted) -> Reading:
    codes = [code for _, code, _ in trend_rows.codes_of(row.codes)]
    code = next((code for code in codes if code in wanted.codes), codes[0] if codes else None)
    text = " ".join(row.value.split())
    low, high, unit = row.low, row.high, row.unit
    amount, sign = row.number, None
    if amount is None:
        amount, sign, unit = _in_words(text, unit)
    elif not text.replace(".", "", 1).isdecimal():  # most are nothing but digits
        if bound := re.fullmatch(_BOUND, text):
            sign = _SIGNS.get(bound[1], bound[1])
        elif not re.fullmatch(NUMBER, text):
            amount = None  # a number, but not all that was said
    return Reading(
        row,
        code,
        row.title,
        text,
        amount,
        sign,
        unit,
        low,
        high,
        row.range_text,
        row.interpretation,
        None if row.abnormal is None else bool(row.abnormal),
    )


def _in_words(text: str, unit: str | None) -> tuple[float | None, str | None, str | None]:
    """`<5` and `110 mg/dL`, written as a text: number, comparator, unit; anything else has no number."""
    if bound := re.fullmatch(_BOUND, text):
        return float(bound[2]), _SIGNS.get(bound[1], bound[1]), unit
    found = re.fullmatch(_WITH_UNIT, text)
    if found and found[3] in _FLAGS:
        return float(found[2]), _SIGNS.get(found[1], found[1]), unit
    if found and not unit and parse(found[3]) is not None:
        return float(found[2]), _SIGNS.get(found[1], found[1]), found[3]
    return None, None, unit


def _parts(row: Row, parts: Sequence[trend_rows.Part], wanted: Wanted) -> list[Reading]:
    """The components of one Observation that are the line (FHIR R4 10.1, Observation.component)."""
    found = []
    for part in parts:
        code = next((code for code in part.codes if code in wanted.codes), None)
        if code is None or (value := value_of(part.raw)).text is None:
            continue
        within = (
            range_of(part.raw.get("referenceRange"), value.unit) if "referenceRange" in part.raw else NO_RANGE
        )
        said = interpretation_of(part.raw.get("interpretation")) if "interpretation" in part.raw else None
        said = said or judged(value, within)
        amount, sign, unit, words = value.number, value.comparator, value.unit, None
        quantity = part.raw.get("valueQuantity")
        if (
            unit
            and parse(unit) is None
            and isinstance(quantity, dict)
            and parse(read.text(quantity.get("code")))
        ):
            words, unit = unit, read.text(quantity.get("code"))  # its words mean nothing here, its code does
        if amount is None:
            amount, sign, unit = _in_words(value.text, unit)
        abnormal = ABNORMAL.get(said) if said else None
        one = Reading(
            row, code, part.title, value.text, amount, sign, unit, within.low, within.high, within.text, said, abnormal
        )  # fmt: skip
        one.part, one.words = True, words
        found.append(one)
    return found


_PLACES = {"8480-6": 1, "8462-4": 2}
_LOWEST = 30.0
"""Of a blood pressure in mmHg. Whoever writes 118/76 means these: in kPa it would be 16/10."""


def together(row: Row, parts: Sequence[trend_rows.Part], wanted: Wanted) -> list[Reading]:
    """What a text for the whole (`130/80`) says of a part, its source's or a correction; what cannot be told stays words."""
    known = {code for part in parts for code in part.codes} if parts else set(_PLACES)
    code = next((code for code in sorted(known & wanted.codes)), None)
    if code is None:
        return []
    pair, place = re.fullmatch(trend_rows.TOGETHER, row.value), _PLACES.get(code)
    unit, words = row.unit, None
    if pair and not unit:
        unit = pair[3] if parse(pair[3]) is not None else None
        if not pair[3] and min(float(pair[1]), float(pair[2])) >= _LOWEST:
            unit, words = "mmHg", ""
    told = pair[place] if pair and place and (unit or not pair[3]) else None
    one = Reading(
        row, code, row.title, told or row.value, float(told) if told else None, None, unit,
        None, None, None, None, None, part=True,
    )  # fmt: skip
    one.words = words
    return [one]


def joined(told: Sequence[Reading]) -> list[Reading]:
    """A value that is sent as a part and once more by itself, at the same time, is one."""
    found: dict[object, Reading] = {}
    kept: list[Reading] = []
    for one in told:
        same = (one.row.start, one.row.end, one.text, spelled(one.unit))
        known = found.get(same)
        if known is None or known.part == one.part or one.row.start is None:
            found.setdefault(same, one)
            kept.append(one)
            continue
        known.sources = sorted({*known.sources, *one.sources})
        known.ids += one.ids
        for name in ("low", "high", "range_text", "interpretation", "abnormal"):
            if getattr(known, name) is None:
                setattr(known, name, getattr(one, name))
    return kept
