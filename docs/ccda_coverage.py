"""Write docs/ccda-coverage.md: which element of which FHIR resource stands where in a C-CDA document.

The list of elements comes from the definitions of FHIR R4 itself (`fhir.resources`), the answer from the writer:
each element is set alone in an instance that stands in the document, and the document is compared with the one
without it. So neither a forgotten element nor a wrong claim can hide here. A test compares the page.
"""

from __future__ import annotations

import copy
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from ccda_instances import BESIDE, EXTENSIONS, INSTANCES, SILENT, VALUES, WORLD, Instance, why
from fhir.resources.R4B import get_fhir_model_class

from phr.ccda.document import write_ccd

PAGE = Path(__file__).with_name("ccda-coverage.md")
NOW = datetime(2026, 3, 1, tzinfo=UTC)
BASE = "https://ehr.example/fhir"
OPEN_TYPES = frozenset(
    "Dosage DosageDoseAndRate Timing TimingRepeat Annotation ObservationReferenceRange".split()
)
"""Data types whose parts are looked at one by one; Patient and its names too."""
PATIENT_TYPES = frozenset("HumanName Address ContactPoint Identifier".split())

ENTRY, WORDS, NOWHERE, OUT = "entry", "words", "nowhere", "left out"

Json = dict[str, Any]


@dataclass(frozen=True)
class Finding:
    """Where one element of one kind of resource stands."""

    path: str
    where: str
    reason: str | None


def findings(instance: Instance) -> list[Finding]:
    """All elements of a kind of resource, in alphabetical order."""
    found = []
    for path, values in [*_elements(instance.type, (), instance.type), *_extensions(instance)]:
        dotted = ".".join(path)
        where = _where(instance, path, _tried(instance, dotted, values))
        found.append(Finding(dotted, where, None if where == ENTRY else why(instance, dotted, where)))
    return sorted(found, key=lambda each: each.path)


def _tried(instance: Instance, dotted: str, values: list[Any]) -> list[Any]:
    """Values that mean something to a closed set of codes, where the general ones do not."""
    name = dotted.rpartition(".")[2].removesuffix("[]")
    return VALUES.get(f"{instance.type}.{dotted}") or VALUES.get(name) or values


# ── which elements there are ──────────────────────────────────────────────────────────────────────


def _elements(class_: str, path: tuple[str, ...], type_: str) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    """Path and values to try of each element of a definition."""
    fields = get_fhir_model_class(class_).model_fields
    for name, field in fields.items():
        about: Any = field.json_schema_extra or {}
        alias = field.alias or name
        if (
            not about.get("element_property")
            or alias in SILENT
            or path[-1:] == (f"{alias}[]",)
            or len(path) > 5
        ):
            continue
        inner, several = _kind(str(field.annotation))
        here = (*path, f"{alias}[]" if several else alias)
        opened = (inner.startswith(type_) and inner != type_) or inner in OPEN_TYPES
        if opened or (type_ in ("Patient",) and inner in PATIENT_TYPES):
            yield from _elements(inner, here, type_)
        else:
            yield here, list(_values(inner, about))


def _kind(annotation: str) -> tuple[str, bool]:
    """The name of a FHIR type, and whether there may be several."""
    several = "typing.List" in annotation
    if found := re.search(r"abc\.(\w+)Type\b", annotation):
        return found[1], several
    if found := re.search(r"(\w+)\(\)", annotation):
        return found[1], several
    primitive = next(
        (
            each
            for each in ("bool", "Decimal", "int", "datetime", "date", "time", "str")
            if each in annotation
        ),
        "str",
    )
    return primitive, several


_SNOMED = {"system": "http://snomed.info/sct", "code": "87628006", "display": "Probe"}
_MG = {"value": 7.5, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}
_YEARS = {"value": 41, "unit": "years", "system": "http://unitsofmeasure.org", "code": "a"}
_SIMPLE: dict[str, list[Any]] = {
    "CodeableConcept": [{"coding": [_SNOMED], "text": "Probe words"}],
    "Coding": [_SNOMED],
    "Quantity": [_MG],
    "Age": [_YEARS],
    "Duration": [_YEARS],
    "Distance": [_MG],
    "Count": [_MG],
    "Money": [{"value": 5, "currency": "USD"}],
    "Range": [{"low": _YEARS, "high": {**_YEARS, "value": 45}}],
    "Ratio": [{"numerator": _MG, "denominator": {**_MG, "value": 2}}],
    "Period": [{"start": "2020-02-03", "end": "2020-03-04"}],
    "Identifier": [{"system": "https://probe.example/ids", "value": "probe-77"}],
    "Annotation": [{"text": "Probe words"}],
    "Attachment": [{"contentType": "text/plain", "data": "UHJvYmUgd29yZHM=", "title": "Probe"}],
    "HumanName": [{"family": "Probe", "given": ["Ada"]}],
    "Address": [
        {"line": ["7 Probe St"], "city": "Probe", "state": "MA", "postalCode": "01001", "country": "US"}
    ],
    "ContactPoint": [{"system": "phone", "value": "555-0177"}],
    "SampledData": [{"origin": _MG, "period": 1, "dimensions": 1, "data": "1 2 3"}],
    "Boolean": [True, False],
    "bool": [True, False],
    "int": [3],
    "PositiveInt": [3],
    "UnsignedInt": [3],
    "Integer": [3],
    "Decimal": [2.5],
    "Date": ["2020-02-03"],
    "DateTime": ["2020-02-03T04:05:06Z"],
    "Instant": ["2020-02-03T04:05:06Z"],
    "Time": ["04:05:06"],
    "Base64Binary": ["UHJvYmU="],
}


def _values(kind: str, about: Any) -> Iterator[Any]:
    """Values that an element may have; of a closed set all of them."""
    if kind == "Reference":
        wanted = about.get("enum_reference_types") or []
        known = {f"{each['resourceType']}/{each['id']}" for each in WORLD}
        for type_ in wanted:
            address = f"{type_}/probe"
            if address in known:
                yield {"reference": address}
        if "Resource" in wanted:
            yield {"reference": "Observation/probe"}
        yield {"display": "Probe display", "type": wanted[0] if wanted else "Observation"}
    elif kind == "Code" or about.get("enum_values"):
        yield from about.get("enum_values") or ["probe"]
    else:
        yield from _SIMPLE.get(kind, ["Probe words"])


def _extensions(instance: Instance) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    for name, value in EXTENSIONS.get(instance.type, {}).items():
        yield (f"extension({name})",), [value]


# ── what the writer makes of them ─────────────────────────────────────────────────────────────────


def _where(instance: Instance, path: tuple[str, ...], values: list[Any]) -> str:
    best = NOWHERE
    instance = _prepared(instance, path)
    without = _set(instance, path, None)
    for value in values:
        changed = _set(instance, path, value)
        meant = frozenset(_targets([without, changed, *instance.beside]))
        plain = _written(instance, without, meant)
        entries, words, is_out = _written(instance, changed, meant)
        if is_out and not plain[2]:
            best = OUT if best == NOWHERE else best
        elif entries != plain[0] and (_held(entries) >= _held(plain[0])):
            return ENTRY
        elif words != plain[1]:
            best = WORDS
    return best


def _prepared(instance: Instance, path: tuple[str, ...]) -> Instance:
    """The instance, changed where an element would say nothing in it as it is."""
    dotted = ".".join(path)
    beside = BESIDE.get(f"{instance.title}.{dotted}") or BESIDE.get(f"{instance.type}.{dotted}")
    if beside is None:
        return instance
    whole = {**instance.resource, **beside}
    return replace(instance, resource={key: value for key, value in whole.items() if value is not None})


def variants(instance: Instance) -> list[Json]:
    """The instance with each element in turn: what a test shows to the rules of C-CDA."""
    found = []
    for path, values in [*_elements(instance.type, (), instance.type), *_extensions(instance)]:
        for value in _tried(instance, ".".join(path), values):
            found.append(_set(_prepared(instance, path), path, value))
    return found


def _held(entries: str) -> int:
    """How many entries the sections have: fewer than before carry no more."""
    return entries.count("<entry ")


def _set(instance: Instance, path: tuple[str, ...], value: Any) -> Json:
    """The instance with one element set; None: with all that surrounds the element, but not itself."""
    resource = copy.deepcopy(instance.resource)
    if path[0].startswith("extension("):
        if value is not None:
            resource.setdefault("extension", []).extend(value)
        return resource
    at = resource
    for depth, step in enumerate(path[:-1]):
        name, several = step.removesuffix("[]"), step.endswith("[]")
        around = copy.deepcopy(instance.around.get(".".join(path[: depth + 1]).replace("[]", ""), {}))
        held = at.get(name)
        if held is None:
            held = at[name] = [around] if several else around
        at = held[0] if isinstance(held, list) else held
    name, several = path[-1].removesuffix("[]"), path[-1].endswith("[]")
    stem = next(
        (
            stem
            for stem in instance.choices
            if name.startswith(stem) and name[len(stem) : len(stem) + 1].isupper()
        ),
        None,
    )
    for other in [each for each in at if each == name or (stem and each.startswith(stem))]:
        if value is not None or other == name:
            del at[other]
    if value is not None:
        at[name] = [value] if several else value
    return resource


def _targets(value: Any) -> Iterator[str]:
    """All that a resource points at."""
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for inner in value.values():
            yield from _targets(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _targets(inner)


def _written(instance: Instance, resource: Json, meant: frozenset[str]) -> tuple[str, str, bool]:
    """Entries with the header, narrative, and whether it was left out; `meant` stands beside."""
    others = [each for each in WORLD if f"{each['resourceType']}/{each['id']}" in meant]
    patient = [] if instance.type == "Patient" else WORLD[:1]
    whole = [*patient, resource, *instance.beside, *(each for each in others if each not in patient)]
    entries = [{"fullUrl": f"{BASE}/{each['resourceType']}/{each['id']}", "resource": each} for each in whole]
    ccd = write_ccd(
        {"resourceType": "Bundle", "type": "collection", "entry": entries},
        sources={BASE: "Example Clinic"},
        document_id="0f5b8c7e-2f6d-4c55-9a3e-3d1f6a7b8c9d",
        now=NOW,
    )
    document = ccd.xml.decode()
    head, body = document.partition("<component>")[::2]
    texts = re.findall(r"^ {5}<text>.*?^ {5}</text>$", body, re.MULTILINE | re.DOTALL)
    for each in texts:
        body = body.replace(each, "")
    head = re.sub(r"<serviceEvent.*?</effectiveTime>", "", head, flags=re.DOTALL)
    return head + body, "\n".join(texts), any(each.id == "own" for each in ccd.left_out)


# ── the page ──────────────────────────────────────────────────────────────────────────────────────

_HEAD = """# What of a FHIR resource stands in a C-CDA document

Made by `make docs`: each element of FHIR R4 is set alone in a resource that stands in the document, and the document is
compared with the one without it. *Entry* means the part that software reads (nearly always the words for people as
well); *words* means the narrative of the section alone; what is *nowhere* is named with the reason.

Not listed: `id`, `meta`, `text`, `language`, `contained`, unknown extensions, and whom a resource is about. A resource with
an unknown `modifierExtension` is left out by name (FHIR R4 2.1.0.16), and so is one that was entered in error.
"""


def page() -> str:
    """The whole page."""
    parts = [_HEAD]
    for instance in INSTANCES:
        found = findings(instance)
        parts.append(f"\n## {instance.title} ({instance.type})\n")
        parts.append(f"**Entry:** {_listed(each for each in found if each.where == ENTRY)}\n")
        rest = [each for each in found if each.where != ENTRY]
        if rest:
            parts.append("| element | where | why |\n|---|---|---|")
            parts += [f"| `{each.path}` | {each.where} | {each.reason or ''} |" for each in rest]
    return "\n".join(parts) + "\n"


def _listed(found: Iterator[Finding]) -> str:
    return ", ".join(f"`{each.path}`" for each in found) or "nothing"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
