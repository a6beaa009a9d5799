"""What resource types have in common: words, codes, dates, labels, attachments.

Element names are FHIR R4's. Everything reads plain dicts and answers a value or None, whatever the shape.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson

from phr.fhir import dates, read
from phr.model import Attachment, Code, Resource
from phr.records.narrative import ATTACHMENT_LIMIT, inline_words, narrative, one_line, plain

Path = tuple[str, ...]

TITLE_LIMIT = 300
DESCRIPTION_LIMIT = 400
CODES_LIMIT = 20

STANDARD_SYSTEMS = frozenset(
    (
        "http://loinc.org",
        "http://snomed.info/sct",
        "http://www.nlm.nih.gov/research/umls/rxnorm",
        "http://hl7.org/fhir/sid/icd-10-cm",
        "http://hl7.org/fhir/sid/icd-10",
        "http://hl7.org/fhir/sid/icd-9-cm",
        "http://hl7.org/fhir/sid/cvx",
        "http://hl7.org/fhir/sid/ndc",
        "http://www.ama-assn.org/go/cpt",
        "http://www.cms.gov/Medicare/Coding/ICD10",
        "urn:oid:2.16.840.1.113883.6.285",  # HCPCS
        "http://unitsofmeasure.org",
        "http://fdasis.nlm.nih.gov",  # UNII
        "http://www.whocc.no/atc",
    )
)

_ABSENT_SYSTEMS = frozenset(
    (
        "http://terminology.hl7.org/CodeSystem/data-absent-reason",
        "http://terminology.hl7.org/CodeSystem/v3-NullFlavor",
        "http://hl7.org/fhir/v3/NullFlavor",
    )
)
_NOTHING = frozenset(("null", "none", "n/a", "undefined", "nil", "unk"))


# ── words ─────────────────────────────────────────────────────────────────────────────────────────


def speaking(title: str | None, name: str) -> str:
    """The title; a bare number with the kind of thing it is: `Immunization 212`."""
    if not title:
        return f"{name} without a name"
    return title if any(map(str.isalpha, title)) else f"{name} {title}"


class Concept(NamedTuple):
    """What a CodeableConcept or a Coding says."""

    words: str | None
    codes: tuple[Code, ...]
    """Standard systems first, at most twenty."""
    code: str | None
    """The first one, in the order of the source."""


_CONCEPTS: dict[bytes, Concept] = {}
REMEMBERED = 4096
"""So many concepts are remembered, because a record has few that come again and again; then it begins anew."""
_LONGEST = 1024


def concept_of(value: dict[str, Any]) -> Concept:
    """What it says. To write it down and look that up takes a fifth of the time of reading it."""
    try:
        key = orjson.dumps(value)
    except TypeError:
        return _concept(value)
    found = _CONCEPTS.get(key)
    if found is None:
        found = _concept(value)
        # `null` could be an infinite number, which is written like that.
        if len(key) <= _LONGEST and b"null" not in key:
            if len(_CONCEPTS) >= REMEMBERED:
                _CONCEPTS.clear()
            _CONCEPTS[key] = found
    return found


def _concept(value: dict[str, Any]) -> Concept:
    codes = read.codings(value)
    first = next((code.code for code in codes if code.code), None)
    codes = _standard_first(codes)
    words = read.text(value.get("text"))
    return Concept(one_line_title(words) if words and is_something(words) else _spoken(codes), codes, first)


def _standard_first(codes: tuple[Code, ...]) -> tuple[Code, ...]:
    return tuple(sorted(codes, key=_is_local)[:CODES_LIMIT]) if len(codes) > 1 else codes


def words_of(concept: object) -> str | None:
    """A CodeableConcept in words on one line: its text, a standard system's display, any display, a code.

    "Null" (seen at Cigna) and codes that only say "unknown" count as nothing.
    """
    if isinstance(concept, dict):
        return concept_of(concept).words
    if isinstance(concept, list):
        flat = (entry for entry in concept if not isinstance(entry, list))
        return next((words for entry in flat if (words := words_of(entry))), None)
    return one_line_title(concept) or None if isinstance(concept, str) else None


def is_something(words: str) -> bool:
    """Not one of the words that programs write for nothing, and not a lone dot (DrChrono's nameless)."""
    return len(words) > 9 or (words.lower() not in _NOTHING and any(map(str.isalnum, words)))


def one_line_title(words: str) -> str:
    """Single spaces, bounded. Cerner was seen to send a goal's description as an HTML list."""
    if "<" in words and ">" in words:
        return plain(words, TITLE_LIMIT)
    return " ".join(words.split())[:TITLE_LIMIT]


def _spoken(codes: tuple[Code, ...]) -> str | None:
    spoken = None
    for code in codes:
        if code.system in _ABSENT_SYSTEMS:
            continue
        if code.display and is_something(code.display):
            return one_line_title(code.display)
        spoken = spoken or code.code
    return spoken


def codes_of(concept: object) -> tuple[Code, ...]:
    """The codings, standard systems first, at most twenty."""
    if isinstance(concept, list) and len(concept) == 1:
        concept = concept[0] if isinstance(concept[0], dict) else None
    if isinstance(concept, dict):
        return concept_of(concept).codes
    return _standard_first(read.codings(concept))


def _is_local(code: Code) -> bool:
    return code.system not in STANDARD_SYSTEMS


def code_of(value: object) -> str | None:
    """A code element, or the first code of a CodeableConcept or Coding."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, dict):
        return concept_of(value).code
    return next((code.code for code in read.codings(value) if code.code), None)


def joined(parts: Iterable[str | None], separator: str = "; ") -> str | None:
    """The parts that are there, on one bounded line."""
    present = [part for part in parts if part]
    if not present:
        return None
    return one_line(separator.join(present))[:DESCRIPTION_LIMIT]


def labelled(label: str, words: str | None) -> str | None:
    """`label: words` if there are words."""
    return f"{label}: {words}" if words else None


def notes(resource: Resource, key: str = "note") -> str | None:
    """The texts of Annotations (or of plain strings where Annotations belong)."""
    found = resource.get(key)
    if found is None:
        return None
    texts = (
        read.text(entry.get("text") if isinstance(entry, dict) else entry) for entry in read.listed(found)
    )
    return " ".join([plain(words) for words in texts if words]) or None


def reasons(resource: Resource) -> str | None:
    """Why: `reasonCode` in words, else the displays of `reasonReference` (nothing is looked up)."""
    found = [words for entry in read.listed(resource.get("reasonCode")) if (words := words_of(entry))]
    if not found:
        pointers = read.dicts(resource.get("reasonReference"))
        found = [words for entry in pointers if (words := read.text(entry.get("display")))]
    return ", ".join(found[:3]) or None


# ── elements by path ──────────────────────────────────────────────────────────────────────────────


def walk(value: object, path: Path) -> list[Any]:
    """Everything at a path such as `("participant", "individual")`, lists opened on the way."""
    here = value.get(path[0]) if isinstance(value, dict) else None
    if here is None:
        return []
    found = here if type(here) is list else [here]
    if len(path) > 1:
        for key in path[1:]:
            inner = [entry.get(key) for entry in found if isinstance(entry, dict)]
            found = []
            for entry in inner:
                if type(entry) is list:
                    found += entry
                elif entry is not None:
                    found.append(entry)
            if not found:
                return found
    return [part for part in found if part is not None] if None in found else found


def date_text(value: object) -> str | None:
    """A FHIR date or dateTime as the source wrote it; None if no date can be read from it."""
    found = dates.parse(value)
    return found.text if found else None


def span(value: object) -> tuple[str | None, str | None]:
    """Start and end of a dateTime, a Period or a Timing."""
    if isinstance(value, str):
        return date_text(value), None
    if not isinstance(value, dict):
        return None, None
    start, end = date_text(value.get("start")), date_text(value.get("end"))
    if start or end:
        return start, end
    for event in read.listed(value.get("event")):
        if start := date_text(event):
            return start, None
    repeat = value.get("repeat")
    bounds = repeat.get("boundsPeriod") if isinstance(repeat, dict) else None
    if isinstance(bounds, dict):
        return date_text(bounds.get("start")), date_text(bounds.get("end"))
    return None, None


def when(resource: Resource, paths: tuple[Path, ...]) -> tuple[str | None, str | None]:
    """Date and end from the first path that has a start; a Period with an end only counts last.

    Epic was seen to send `effectivePeriod` with nothing but the day of the query as its end.
    """
    last: str | None = None
    for path in paths:
        for value in walk(resource, path) if path[0] in resource else ():
            start, end = span(value)
            if start:
                return start, end or last
            last = last or end
    return last, last


# ── labels ────────────────────────────────────────────────────────────────────────────────────────

NORMAL, SENSITIVE, RESTRICTED = SENSITIVITIES = ("normal", "sensitive", "restricted")
"""From what anyone treating you may see to what was marked as private; the later, the more private."""
_LABELS = ("meta", "securityLabel", "confidentiality")
# v3-Confidentiality: R restricted, V very restricted; U, L, M and N ask for no more than the usual care.
_CONFIDENTIALITY = frozenset("RV")
# v3-ActCode, ActInformationSensitivityPolicy: what the information is about, as DS4P servers label it.
SENSITIVE_CODES = frozenset(
    "42CFRPart2 ADOL B BH CEL COGN COMPT DEMO DIA DOB DRGIS DVD EMOTDIS EMP EMPL ETH ETHUD GDIS GENDER HIV IDS LIVARG"
    " LOCIS MARST MH MST OPIOIDUD PDS PHY PREGNANT PRS PSY PSYTHPN RACE REL SCA SDV SEX SICKLE SPI SSP STD SUD SUICIDE"
    " TBOO VIO VIP".split()
)


def sensitivity_of(resource: Resource) -> str:
    """`normal`, `sensitive` or `restricted`: the strictest of all labels counts.

    Labels stand in `meta.security`, in `securityLabel` of a DocumentReference, in `confidentiality` of a Composition.
    """
    found = NORMAL
    for name in _LABELS:
        labels = resource.get(name)
        if name == "meta":
            labels = labels.get("security") if isinstance(labels, dict) else None
        if not labels:
            continue
        for code in _label_codes(labels):
            if code in _CONFIDENTIALITY:
                return RESTRICTED
            if code in SENSITIVE_CODES:
                found = SENSITIVE
    return found


def _label_codes(labels: object) -> list[str]:
    """The codes of a code, a Coding, a CodeableConcept, or a list of them."""
    found: list[str] = []
    for label in read.listed(labels):
        if isinstance(label, str):
            found.append(label.strip())
        found += [code.code for code in read.codings(label) if code.code]
    return found


# ── attachments and words for the index ───────────────────────────────────────────────────────────


def attachments_of(found: Iterable[object]) -> tuple[Attachment, ...]:
    """FHIR Attachments with their positions. DrChrono was seen to send the text `none` as `url`."""
    return tuple([_attachment(index, entry) for index, entry in enumerate(found) if isinstance(entry, dict)])


def _attachment(index: int, entry: dict[str, Any]) -> Attachment:
    url, data = read.text(entry.get("url")), read.text(entry.get("data"))
    return Attachment(
        index=index,
        media_type=read.text(entry.get("contentType")),
        title=read.text(entry.get("title")),
        url=None if url is None or url.lower() in _NOTHING else url,
        data=None if data is None or data.lower() in _NOTHING else data,
    )


def searchable(resource: Resource, *more: str | None, attachments: tuple[Attachment, ...] = ()) -> str:
    """Notes, narrative, inline attachments and further words in one text for the index."""
    parts = [words for words in more if words]
    if "note" in resource and (words := notes(resource)):
        parts.append(words)
    if "text" in resource and (words := narrative(resource)):
        parts.append(words)
    for attachment in attachments:
        if attachment.data and (words := inline_words(attachment.media_type, attachment.data)):
            parts.append(words)
    return "\n".join(parts)[:ATTACHMENT_LIMIT] if parts else ""
