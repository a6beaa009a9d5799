"""What a person says beside a resource that is handed on: corrections and, when asked for, notes, as FHIR has them.

The elements of the source stay byte for byte. A correction is an Annotation in `note` where the type has that element (FHIR
R4), and always a Provenance that points at the resource; a mark of privacy is a label in `meta.security`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as part
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec
import orjson

from phr.model import Problem, Resource
from phr.store.db import batches, marks
from phr.views.whose import names

if TYPE_CHECKING:
    from phr.store.store import Store

NOTED = frozenset(
    """AllergyIntolerance CarePlan CareTeam ChargeItem ClinicalImpression Communication CommunicationRequest Condition
    Device DeviceRequest DeviceUseStatement FamilyMemberHistory Goal GuidanceResponse ImagingStudy Immunization Invoice
    List Media MedicationAdministration MedicationDispense MedicationRequest MedicationStatement NutritionOrder Observation
    Procedure RequestGroup ResearchStudy RiskAssessment ServiceRequest Specimen Task""".split()
)
"""Types that have `note` (FHIR R4)."""
_LABELS = {
    "restricted": {
        "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
        "code": "R",
        "display": "restricted",
    },
    # what a patient asks to be kept from others (ActInformationSensitivityPolicy)
    "sensitive": {
        "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
        "code": "PRS",
        "display": "patient requested information sensitivity",
    },
}
_UPDATE = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-DataOperation",
    "code": "UPDATE",
    "display": "revise",
}
_INFORMANT = {
    "system": "http://terminology.hl7.org/CodeSystem/provenance-participant-type",
    "code": "informant",
    "display": "Informant",
}
_NO_PLACE = "of yours has no place in this format"


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside one resource."""

    type: str
    label: str | None = None
    """How private the person marked it; it goes along all the same, because they said so."""
    corrections: tuple[tuple[str, str, str | None], ...] = part(default=(), repr=False)
    """`(words, when, reason)`."""
    notes: tuple[tuple[str, str], ...] = part(default=(), repr=False)
    """`(words, when)`."""


class Words:
    """The person's words beside the resources of one export."""

    def __init__(
        self, store: Store, ids: Sequence[int], *, notes: bool, patient: tuple[int, str] | None = None
    ) -> None:
        self.beside = _beside(store, ids, notes=notes)
        """By resource row."""
        self._who = _name(store, patient) if self.beside else ""

    def with_words(self, id_: int, raw: bytes) -> bytes:
        """The resource with what stands beside it; the very same bytes where nothing does."""
        found = self.beside.get(id_)
        if found is None:
            return raw
        annotations = []
        if found.type in NOTED:
            said = [(text, when) for text, when, _ in found.corrections]
            annotations = [
                {"authorString": self._who, "time": when, "text": text}
                for text, when in [*said, *found.notes]
            ]
        return _spliced(raw, annotations, label=found.label) if annotations or found.label else raw

    def provenances(self, addresses: Mapping[int, str]) -> list[tuple[str, Resource]]:
        """`(fullUrl, Provenance)` of each corrected resource; `addresses` are the fullUrls by row."""
        found = []
        for id_, beside in self.beside.items():
            if not beside.corrections or id_ not in addresses:
                continue
            reasons = dict.fromkeys(reason for _, _, reason in beside.corrections if reason)
            name = f"correction-{sha256(addresses[id_].encode()).hexdigest()[:32]}"
            provenance: Resource = {
                "resourceType": "Provenance",
                "id": name,
                "target": [{"reference": addresses[id_]}],
                "recorded": max(when for _, when, _ in beside.corrections),
                "activity": {
                    "coding": [_UPDATE],
                    "text": "Correction by the patient, laid over what the source says",
                },
                "agent": [{"type": {"coding": [_INFORMANT]}, "who": {"display": self._who}}],
            }
            if reasons:
                provenance["reason"] = [{"text": reason} for reason in reasons]
            found.append((f"https://phr.invalid/self/Provenance/{name}", provenance))
        return found

    def unsaid(self) -> tuple[Problem, ...]:
        """What has no place, by type."""
        counted: Counter[tuple[str, str]] = Counter()
        for beside in self.beside.values():
            if beside.type not in NOTED:
                counted[beside.type, "correction"] += len(beside.corrections)
                counted[beside.type, "note"] += len(beside.notes)
        return tuple(
            Problem(
                type_,
                f"{number} {what}{'' if number == 1 else 's'} {_NO_PLACE}".replace(
                    "s of yours has", "s of yours have"
                ),
            )
            for (type_, what), number in sorted(counted.items())
            if number
        )

    def digest(self) -> bytes:
        """All of it in one hash: the same words answer the same."""
        said = [(id_, one.label, one.corrections, one.notes) for id_, one in sorted(self.beside.items())]
        return sha256(orjson.dumps(said)).digest() if said else b""

    def latest(self) -> str:
        """When the newest of it was said."""
        times = [
            when
            for one in self.beside.values()
            for when in (*(when for _, when, _ in one.corrections), *(when for _, when in one.notes))
        ]
        return max(times, default="")


def _name(store: Store, patient: tuple[int, str] | None) -> str:
    """Who says it: as the Patient `(source, id)` that goes along is called."""
    row = None
    if patient is not None:
        row = store.db.execute(
            "SELECT r.title FROM resource x JOIN record r ON r.id = x.id"
            " WHERE x.source_id = ? AND x.type = 'Patient' AND x.fhir_id = ?",
            patient,
        ).fetchone()
    return (row[0] if row else None) or next(iter(names(store)), None) or "the patient"


def _beside(store: Store, ids: Sequence[int], *, notes: bool) -> dict[int, Beside]:
    from phr.records.overlay import IN_ERROR, same
    from phr.records.overlay import said as says
    from phr.store.rows import said

    db = store.db
    corrected: dict[int, list[tuple[str, str | None, str | None, str]]] = {}
    written: dict[int, list[tuple[str, str]]] = {}
    wanted = set(ids)
    # Few are corrected and many are handed on, so the other way round.
    for id_, *row in db.execute(
        "SELECT resource_id, field, value, reason, made FROM correction ORDER BY field"
    ):
        if id_ in wanted:
            corrected.setdefault(id_, []).append((row[0], row[1], row[2], row[3]))
    if notes:
        for id_, *row in db.execute("SELECT resource_id, text, written FROM note ORDER BY id"):
            if id_ in wanted:
                written.setdefault(id_, []).append((row[0], row[1]))
    types = _types(db, [*corrected, *written])
    lines = said(db, sorted(corrected))
    found: dict[int, Beside] = {}
    for id_ in ids:
        if id_ not in types:
            continue
        words: list[tuple[str, str, str | None]] = []
        label: str | None = None
        for name, value, reason, made in corrected.get(id_, ()):
            if name == "sensitivity":
                label = value if value in _LABELS else None
            elif ":" not in name and id_ in lines and (name, value) != ("status", IN_ERROR):
                before = says(lines[id_], name)
                if not same(name, before, value):
                    because = f" Reason: {reason}" if reason else ""
                    text = f"Patient's correction: {name} {value or 'none'} instead of {before or 'none'}.{because}"
                    words.append((text, made, reason))
        if words or label or id_ in written:
            found[id_] = Beside(types[id_], label, tuple(words), tuple(written.get(id_, ())))
    return found


def _types(db: Any, ids: Sequence[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    for portion in batches(sorted(set(ids))):
        rows = db.execute(f"SELECT id, type FROM resource WHERE id IN ({marks(portion)})", portion)
        found.update(rows.fetchall())
    return found


def _spliced(raw: bytes, annotations: list[dict[str, str]], *, label: str | None) -> bytes:
    """The same members with the same bytes, and these beside them. What is no JSON for a strict reader stays as it is."""
    try:
        members = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        if annotations:
            members["note"] = _longer(members.get("note"), annotations)
        if label:
            meta = members.get("meta")
            inner = msgspec.json.decode(meta, type=dict[str, msgspec.Raw]) if meta else {}
            inner["security"] = _longer(inner.get("security"), [_LABELS[label]])
            members["meta"] = msgspec.Raw(msgspec.json.encode(inner))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return raw
    return msgspec.json.encode(members)


def _longer(before: msgspec.Raw | None, more: list[dict[str, str]]) -> msgspec.Raw:
    """A list with these at its end; what stood where a list belongs becomes its first."""
    there = bytes(before or b"").strip()
    added = b",".join(orjson.dumps(one) for one in more)
    if there.startswith(b"["):
        inside = there[1:-1].strip()
        return msgspec.Raw(b"[" + (inside + b"," if inside else b"") + added + b"]")
    if there.startswith(b"{"):
        return msgspec.Raw(b"[" + there + b"," + added + b"]")
    return msgspec.Raw(b"[" + added + b"]")
