"""Whether two records of different sources are certainly one fact; in doubt they are two.

A `Fact` is a record and its resource, reduced to what tells: its kind, its codes, when it was, its identifiers, and the
elements that only some types have (values, doses, sites). `Fact.keys` are what equal facts have in common, so that only
records with a key in common are ever compared; `same` compares two of them, `contradict` asks only for what cannot be.

Certain is: the same business identifier and nothing that contradicts; or the same kind, a code in common, the same date
within the precision of both, and the same value with its unit, or dose. What is not coded needs the same words, the same
day and the same value. What is negated (`not-done`, refuted) never equals what is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b, sha1
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL

import msgspec

from phr.fhir import read
from phr.records import match_dates, match_drugs, match_standing, match_types, match_values
from phr.records.match_dates import COARSE, NOT, When
from phr.records.match_people import Who, id_in, who
from phr.records.match_terms import (
    DIFFERENT,
    SAME,
    Codes,
    codes_of_json,
    compare_codes,
    compare_concepts,
    compare_sides,
    fold,
    identifier,
    identifiers_of,
    own_id,
    words_in,
)

IDENTIFIED, COPIED = 4, 5
"""How surely two facts are one, above what their dates say: by an identifier; every byte is the same."""
KEY_BYTES = 10
PLAIN, DATED, COARSELY = b"\x01", b"\x02", b"\x03"
"""The first byte of a key: to be met as it stands; or followed by a day; or by a year or a month, which may hold it."""

# Requests and statements of a drug are one kind of fact, as C-CDA writes both as Medication Activity (R2.1, 3.57).
_DRUGS = frozenset(("MedicationRequest", "MedicationStatement"))
_GIVEN = "MedicationAdministration"
"""In C-CDA a Medication Activity too, and so a statement when it comes back. It is one with that by its identifier only."""
_READ = """
 identifier masterIdentifier status verificationStatus clinicalStatus doNotPerform modifierExtension category
 onsetDateTime onsetPeriod onsetAge onsetString recordedDate authoredOn effectiveDateTime effectivePeriod
 dosageInstruction dosage bodySite site method criticality reaction valueQuantity valueCodeableConcept valueString
 valueInteger valueBoolean valueRange valueRatio valuePeriod valueDateTime valueTime valueSampledData component
 lotNumber conclusion intent udiCarrier relationship severity lifecycleStatus subject patient
 abatementDateTime abatementPeriod abatementAge abatementString
""".split()
_Body: Any = msgspec.defstruct("_Body", [(name, Any, None) for name in _READ], gc=False)
_decode = msgspec.json.Decoder(_Body).decode


class Row(NamedTuple):
    """A record as it is stored, as far as it tells."""

    kind: str
    title: str
    codes: str
    date: str | None
    end: str | None
    description: str | None
    value: str | None
    facility: str | None
    performer: str | None
    sensitivity: str
    resource: str
    """`Type/id`."""

    def __repr__(self) -> str:
        return f"<Row {self.resource}>"


class Fact(msgspec.Struct, gc=False):
    """What tells of one record."""

    row: Row
    type: str
    body: Any
    digest: bytes
    """Of the bytes of its resource."""
    codes: Codes
    words: frozenset[str]
    """The title and the words of the codes."""
    when: When | None
    end: When | None
    negated: bool
    identifiers: frozenset[str]
    documents: frozenset[bytes]
    """Of the bytes of what is attached."""

    def __repr__(self) -> str:
        return f"<Fact {self.type}>"

    @property
    def family(self) -> str:
        """What may be compared with what."""
        return family(self.type)

    def keys(self, besides: frozenset[str] = frozenset()) -> list[bytes]:
        """What equal facts have in common. `besides`: identifiers that name somebody, not this."""
        head = f"{self.family}|{int(self.negated)}|"
        found = {self.identifier_key(one) for one in sorted(self.identifiers - besides)[:_MOST_NAMES]}
        found |= {PLAIN + one[:16] for one in self.documents}
        names = [f"{head}{system}|{code}" for system, code in sorted(self.codes)[:_MOST_NAMES]]
        names.append(f"{head}={fold(self.row.title)}")
        if self.type in _UNDATED or (self.type == "Condition" and self.when is None):
            found |= {_key(PLAIN, name) for name in names}
        moments = self.moments()
        if moments:
            ends = {end for moment in moments for end in moment.found_by()}
            marks = match_values.marks(self.body) if self.type == "Observation" else ("",)
            hashes = [_key(b"", f"{name}|{mark}") for name in names for mark in marks]
            found |= {(DATED if len(end) > 6 else COARSELY) + one + end for one in hashes for end in ends}
        if len(self.identifiers) < 2 or (not moments and self.type not in _UNDATED):
            found.add(PLAIN + self.digest)  # the same bytes, where nothing else is their own
        return sorted(found)

    def identifier_key(self, one: str) -> bytes:
        """The key of those that have this identifier."""
        return _key(PLAIN, f"{self.family}|i|{one}")

    def statement(self) -> tuple[object, ...]:
        """Equal where one statement is made twice: the same words at the same instant."""
        own = self.row
        return own.kind, own.title, own.codes, own.value, own.end, own.description, self.when

    @property
    def patient(self) -> str | None:
        """The id of the Patient that its source says it is about."""
        return id_in(self.body.subject, self.body.patient)

    def moments(self) -> list[When]:
        """The dates under which it may be met."""
        if self.type in _DRUGS:
            return match_drugs.moments(self.body)
        return [self.when] if self.when else []


_UNDATED = frozenset(("AllergyIntolerance",))
_MOST_NAMES = 40
"""So many codes and identifiers lead to a fact; nobody has more by accident."""


def family(type_: str) -> str:
    """Types that are compared with each other have one family."""
    return "drug" if type_ in _DRUGS or type_ == _GIVEN else type_


def fact(
    row: Row, raw: bytes, digest: bytes, documents: Sequence[bytes] = (), base: str | None = None
) -> Fact | None:
    """What tells of a record; None where nothing can: it is unreadable, or said to be an error.

    `base` is where its source has it: documents made of this record name it by a UUID of that address.
    """
    type_, _, id_ = row.resource.partition("/")
    body = _read(raw)
    if body is None or body.status == "entered-in-error":
        return None
    said = match_standing.codes_said(body.verificationStatus)
    if "entered-in-error" in said:
        return None
    codes, displays = codes_of_json(row.codes)
    own = own_id(id_)
    identifiers = identifiers_of(type_, [*read.listed(body.identifier), *read.listed(body.masterIdentifier)])
    return Fact(
        row,
        type_,
        body,
        digest,
        codes,
        displays | {fold(row.title)},
        match_dates.when(_date(type_, row, body)),
        match_dates.when(row.end),
        _is_negated(body, said),
        identifiers | _of_device(type_, body) | ({own} if own else set()) | _handed_on(base, row.resource),
        frozenset(documents),
    )


def of_patient(raw: bytes) -> frozenset[str]:
    """Identifiers of a Patient, whatever they say that they are."""
    body = _read(raw)
    pairs = ((one.get("system"), one.get("value")) for one in read.dicts(body.identifier)) if body else ()
    return frozenset(found for system, value in pairs if (found := identifier(system, value)))


def who_of(raw: bytes) -> Who:
    """Who a Patient is; what cannot be read is nobody in particular."""
    try:
        body = read.parse_json(raw)
    except ValueError:
        body = None
    return who(body if isinstance(body, dict) else {})


def _read(raw: bytes) -> Any:
    try:
        return _decode(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        pass
    try:
        data = read.parse_json(raw)
    except ValueError:
        return None
    if not isinstance(data, dict):
        return None
    return _Body(**{name: data.get(name) for name in _READ})


def _date(type_: str, row: Row, body: Any) -> str | None:
    """A problem is dated by its onset alone: when it was written down differs from place to place."""
    if type_ in ("Condition", "AllergyIntolerance"):
        period = body.onsetPeriod
        return body.onsetDateTime or (period.get("start") if isinstance(period, dict) else None)
    return row.date


def _is_negated(body: Any, said: frozenset[str]) -> bool:
    return body.status in ("not-done", "not-taken") or body.doNotPerform is True or "refuted" in said


def _handed_on(base: str | None, address: str) -> set[str]:
    """What it is called in a C-CDA of ours, if it has no identifier (`phr.ccda.datatypes.ids`)."""
    if not base:
        return set()
    made = sha1(NAMESPACE_URL.bytes + f"{base}/{address}".encode(), usedforsecurity=False).digest()
    # As `uuid5` does it (RFC 9562, 5.5), which takes three times as long.
    made = made[:6] + bytes((made[6] & 15 | 80, made[7], made[8] & 63 | 128)) + made[9:16]
    words = made.hex()
    return {f"urn:uuid:{words[:8]}-{words[8:12]}-{words[12:16]}-{words[16:20]}-{words[20:]}"}


def _of_device(type_: str, body: Any) -> frozenset[str]:
    """The carrier of a UDI names one device, not one model (21 CFR 801.40)."""
    carriers = read.dicts(body.udiCarrier) if type_ == "Device" else ()
    return frozenset(f"udi:{words}" for one in carriers if (words := read.text(one.get("carrierHRF"))))


def _key(kind: bytes, name: str) -> bytes:
    return kind + blake2b(name.encode("utf-8", "replace"), digest_size=KEY_BYTES).digest()


# ── two of them ───────────────────────────────────────────────────────────────────────────────────────


def same(one: Fact, other: Fact, *, shared: frozenset[str] = frozenset()) -> int:
    """How surely two facts of two sources are one; 0: not.

    `shared`: identifiers that several things of one source have, and which therefore say nothing.
    """
    if one.digest == other.digest and one.row.resource == other.row.resource:
        return COPIED
    if contradict(one, other):
        return NOT
    if (one.identifiers & other.identifiers) - shared and _is_identified(one, other):
        return IDENTIFIED
    if not one.documents.isdisjoint(other.documents):
        return max(match_dates.agree(one.when, other.when), COARSE)
    if (one.type == _GIVEN) != (other.type == _GIVEN):
        return NOT
    reader = match_types.BY_TYPE.get(_GIVEN if one.type == _GIVEN else one.family, match_types.plain)
    return reader(one, other)


def contradict(one: Fact, other: Fact) -> bool:
    """Whether two facts cannot be one, whatever else they have in common."""
    return (
        one.family != other.family
        or _kinds_differ(one, other)
        or one.negated != other.negated
        or one.row.sensitivity != other.row.sensitivity
        or one.body.modifierExtension != other.body.modifierExtension
        or compare_codes(one.codes, other.codes) == DIFFERENT
        or _dates_differ(one, other)
        or _sites_differ(one, other)
        or (one.type == "Observation" and match_values.compare(one.body, other.body) == DIFFERENT)
        or (one.type in _DRUGS and other.type in _DRUGS and match_drugs.compare(one, other) == DIFFERENT)
        or (one.type == "Immunization" and match_types.texts_differ(one.body.lotNumber, other.body.lotNumber))
        or match_standing.differ(one, other)
    )


_FILED = frozenset(("questionnaire", "social_history", "other"))
"""Kinds of Observations that one place files under this category and the next one under that (`survey`, `sdoh`, none)."""


def _kinds_differ(one: Fact, other: Fact) -> bool:
    kinds = {one.row.kind, other.row.kind}
    filed = one.type == "Observation" and (kinds <= _FILED or "other" in kinds)
    return len(kinds) > 1 and not filed


def _is_identified(one: Fact, other: Fact) -> bool:
    """An identifier alone does not make one result of two: a panel's may stand on each of its parts.

    Nor does it make one of two substances or medicines: there a mistake would hide what somebody must not be given.
    """
    if one.type != "Observation":
        return (one.type != "AllergyIntolerance" and one.family != "drug") or match_types.named_alike(
            one, other
        )
    return match_types.named_alike(one, other) or (
        match_values.compare(one.body, other.body) == SAME
        and match_dates.agree(one.when, other.when) > COARSE
    )


def _dates_differ(one: Fact, other: Fact) -> bool:
    if one.type in _DRUGS and other.type in _DRUGS:
        return match_drugs.dates_differ(one.body, other.body)
    return match_dates.contradict(one.when, other.when) or (
        one.type in _ENDING and match_dates.contradict(one.end, other.end)
    )


_ENDING = frozenset(("Encounter", "EpisodeOfCare", "Procedure"))


def _sites_differ(one: Fact, other: Fact) -> bool:
    for name in ("bodySite", "site", "method"):
        first, second = getattr(one.body, name), getattr(other.body, name)
        if first is None or second is None:
            continue
        if compare_concepts(first, second) == DIFFERENT:
            return True
        if compare_sides(words_in(first), words_in(second)) == DIFFERENT:
            return True
    return compare_sides(one.words, other.words) == DIFFERENT


# ── which one is shown ────────────────────────────────────────────────────────────────────────────────


def foremost(facts: Sequence[Fact]) -> list[int]:
    """Which of these, that are one, may be shown for all of them: whoever reads it misses no danger and no value."""
    return [
        at
        for at, one in enumerate(facts)
        if all(other is one or match_standing.covers(one, other) for other in facts)
    ]
