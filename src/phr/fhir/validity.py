"""Is this resource valid FHIR? Judged by the models of `fhir.resources` for R4B, which are loaded type by type.

There are no models for R4 (4.0.1) itself. R4B (4.3.0) differs from it in a few types about medicines, evidence and
subscriptions only; types that it does not have are not judged. What is checked is the shape: elements, data types,
cardinality. Terminology, profiles and most invariants are not. Messages never repeat a value of the resource.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any

from phr.fhir.read import dicts, listed, parse_json

UNKNOWN_TYPE = "is no resource type of FHIR R4"
NOT_JUDGED = frozenset(
    """EffectEvidenceSynthesis RiskEvidenceSynthesis MedicinalProduct MedicinalProductAuthorization
    MedicinalProductContraindication MedicinalProductIndication MedicinalProductIngredient MedicinalProductInteraction
    MedicinalProductManufactured MedicinalProductPackaged MedicinalProductPharmaceutical
    MedicinalProductUndesirableEffect SubstanceNucleicAcid SubstancePolymer SubstanceProtein
    SubstanceReferenceInformation SubstanceSourceMaterial SubstanceSpecification""".split()
)
"""Types of R4 that R4B took out again."""
_NAME = re.compile(r"_?[A-Za-z][A-Za-z0-9]{0,63}")
_MODULE = "fhir.resources.R4B."
_ALLOWED = frozenset(("uuid_version",))
"""What the models refuse and FHIR allows: a UUID of any version."""
_MOST = 50
"""Issues of one resource that are told; a thousand say no more."""


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that is wrong with a resource: where, and what, without its content."""

    path: str
    message: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found; `judged` is False for a type of R4 that has no model here."""

    issues: tuple[Issue, ...]
    judged: bool = True

    @property
    def valid(self) -> bool:
        return self.judged and not self.issues


def judge_bytes(raw: bytes) -> Verdict:
    """Whether bytes are a valid resource; they have to be JSON first. Never raises."""
    try:
        resource = parse_json(raw)
    except ValueError:
        return Verdict((Issue("", "is not JSON"),))
    return judge(resource)


def judge(resource: object) -> Verdict:
    """Whether a resource (parsed JSON) is valid. Never raises."""
    if not isinstance(resource, dict):
        return Verdict((Issue("", "is not a JSON object"),))
    type_ = resource.get("resourceType")
    if not isinstance(type_, str):
        return Verdict((Issue("resourceType", "is missing"),))
    model = _model(type_)
    if model is None:
        known = type_ in NOT_JUDGED
        return Verdict(() if known else (Issue("resourceType", UNKNOWN_TYPE),), judged=not known)
    found = _of_bundle(model, resource) if type_ == "Bundle" else _told(model, resource, type_)
    return Verdict(tuple(dict.fromkeys(found))[:_MOST])


def _told(model: Any, resource: dict[str, Any], type_: str) -> Iterator[Issue]:
    from pydantic import ValidationError

    try:
        model.model_validate(resource)
    except ValidationError as error:
        told = error.errors(include_input=False, include_url=False, include_context=False)
        for one in told:
            if one["type"] not in _ALLOWED:
                yield Issue(_path(type_, one["loc"]), _plain(one["type"], one["msg"]))
    except RecursionError:
        yield Issue(type_, "is nested too deeply")
    except Exception:  # noqa: BLE001 - what a validator stumbles over is not valid, whatever it is
        yield Issue(type_, "cannot be read as FHIR")


@lru_cache(maxsize=256)
def _model(type_: str) -> Any:
    """The model of a resource type; None where there is none."""
    if not _NAME.fullmatch(type_) or type_.startswith("_"):
        return None
    try:
        found = getattr(import_module(_MODULE + type_.lower()), type_, None)
        from fhir.resources.R4B.resource import Resource
    except ImportError:
        return None
    return found if isinstance(found, type) and issubclass(found, Resource) else None


def _path(type_: str, places: tuple[int | str, ...]) -> str:
    """`Observation.component[1].code`. A key that is no name of an element could be anybody's data."""
    path = type_
    for place in places:
        if isinstance(place, int):
            path += f"[{place}]"
        elif _NAME.fullmatch(place):
            path += f".{place}"
        elif not place.startswith("function-"):
            path += ".?"
    return path


_MESSAGES = {
    "missing": "is missing",
    "model_field_validation.missing": "is missing",
    "model_validation_format": "has to be an object",
    "json_invalid": "has to be an object",
    "base64_decode": "is not Base64",
    "extra_forbidden": "is no element that FHIR R4 has here",
    "string_pattern_mismatch": "is not written as FHIR has it",
    "string_type": "has to be a text",
    "string_too_short": "is empty",
    "string_too_long": "is too long",
    "list_type": "has to be a list",
    "dict_type": "has to be an object",
    "model_type": "has to be an object",
    "model_attributes_type": "has to be an object",
    "bool_type": "has to be true or false",
    "bool_parsing": "has to be true or false",
    "int_type": "has to be a whole number",
    "int_parsing": "has to be a whole number",
    "int_from_float": "has to be a whole number",
    "decimal_parsing": "has to be a number",
    "decimal_type": "has to be a number",
    "finite_number": "has to be a number",
    "greater_than": "is too small",
    "greater_than_equal": "is too small",
    "less_than_equal": "is too large",
    "date_from_datetime_parsing": "is not a date as FHIR writes it",
    "date_parsing": "is not a date as FHIR writes it",
    "date_type": "is not a date as FHIR writes it",
    "datetime_parsing": "is not a time as FHIR writes it",
    "datetime_from_date_parsing": "is not a time as FHIR writes it",
    "datetime_type": "is not a time as FHIR writes it",
    "time_parsing": "is not a time as FHIR writes it",
    "url_parsing": "is not an address",
    "url_scheme": "is not an address",
}
# What the models' own checks say, as far as they name no value.
_SPOKEN = (
    ("got multiple", "has more than one of its value[x] elements"),
    ("any of field value", "needs one of its value[x] elements"),
    ("instant", "is not a time as FHIR writes it"),
    ("date", "is not a date as FHIR writes it"),
    ("decimal", "is not a number as FHIR writes it"),
    ("base64", "is not Base64"),
    ("is a required field", "is missing"),
    ("field required", "is missing"),
)


def _plain(kind: str, message: str) -> str:
    """What is wrong, in our own words: messages of models may repeat the value."""
    if kind in _MESSAGES:
        return _MESSAGES[kind]
    low = message.lower()
    return next((words for mark, words in _SPOKEN if mark in low), "is not as FHIR R4 has it")


# ── Bundles: what no model says ───────────────────────────────────────────────────────────────────


def _of_bundle(model: Any, bundle: dict[str, Any]) -> Iterator[Issue]:
    """The Bundle without its resources, then each resource by itself: so that every issue says in which entry it is."""
    entries = listed(bundle.get("entry"))
    bare = [_without_resource(entry) if isinstance(entry, dict) else entry for entry in entries]
    yield from _told(model, {**bundle, "entry": bare} if "entry" in bundle and bare else bundle, "Bundle")
    for number, entry in enumerate(entries):
        if isinstance(entry, dict) and "resource" in entry:
            for issue in judge(entry["resource"]).issues:
                place = f"Bundle.entry[{number}].resource"
                yield Issue(f"{place}({issue.path})" if issue.path else place, issue.message)
    yield from _of_frame(bundle)


def _without_resource(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry has to have something (ele-1), so one that had only its resource keeps a fullUrl."""
    kept = {name: value for name, value in entry.items() if name != "resource"}
    return kept or {"fullUrl": "urn:uuid:0"}


def _of_frame(bundle: dict[str, Any]) -> Iterator[Issue]:
    """FHIR R4 2.36 (invariants bdl-7, bdl-9 to bdl-11) and 3.3 (Documents)."""
    entries = dicts(bundle.get("entry"))
    urls = [(entry["fullUrl"], _version(entry)) for entry in entries if isinstance(entry.get("fullUrl"), str)]
    if bundle.get("type") in ("document", "collection", "message") and len(set(urls)) < len(urls):
        yield Issue("Bundle.entry", "holds one fullUrl more than once (bdl-7)")
    if bundle.get("type") != "document":
        return
    identifier = bundle.get("identifier")
    if not isinstance(identifier, dict) or not (identifier.get("system") and identifier.get("value")):
        yield Issue("Bundle.identifier", "is missing: a document has system and value (bdl-9)")
    if not bundle.get("timestamp"):
        yield Issue("Bundle.timestamp", "is missing: a document has a date (bdl-10)")
    first = entries[0].get("resource") if entries else None
    if not isinstance(first, dict) or first.get("resourceType") != "Composition":
        yield Issue("Bundle.entry[0]", "is no Composition: a document begins with one (bdl-11)")
        return
    known = {url for url, _ in urls} | {
        f"{type_}/{resource.get('id')}"
        for entry in entries
        if isinstance(resource := entry.get("resource"), dict)
        and isinstance(type_ := resource.get("resourceType"), str)
    }
    for number, target in enumerate(_targets(first)):
        if target not in known and not target.startswith("#"):
            yield Issue(
                "Composition", f"refers to a resource that is not in the document (reference {number + 1})"
            )


def _version(entry: dict[str, Any]) -> str:
    resource = entry.get("resource")
    meta = resource.get("meta") if isinstance(resource, dict) else None
    return str(meta.get("versionId")) if isinstance(meta, dict) else ""


def _targets(composition: dict[str, Any]) -> Iterator[str]:
    """The references of a Composition that have to be answered inside the document."""
    open_: list[Any] = [
        composition.get(key) for key in ("subject", "encounter", "author", "custodian", "section")
    ]
    while open_:
        node = open_.pop(0)
        if isinstance(node, dict):
            target = node.get("reference")
            if isinstance(target, str):
                yield target
            open_ += [value for key, value in node.items() if key != "extension"]
        else:
            open_ += [each for each in listed(node) if isinstance(each, (dict, list))]
