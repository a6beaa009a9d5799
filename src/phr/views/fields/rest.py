"""What no table names: every further element of a resource, labelled by its own name.

Works for any resource type, because it looks at the shape of a value and not at its name. Left out are addresses and
bookkeeping only: ids, `meta`, the narrative (see `narrative`), bytes of attachments.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from phr.fhir import read
from phr.views.fields.saying import Node, Saying, type_words

HIDDEN = frozenset("resourceType id meta text implicitRules language data hash fullUrl".split())
LABELS = {
    "abatement": "Ended",
    "asserter": "Said by",
    "authoredOn": "Written on",
    "bodySite": "Body site",
    "clinicalStatus": "Clinical status",
    "code": "What",
    "dataAbsentReason": "Why there is no value",
    "effective": "When",
    "identifier": "Number",
    "instantiatesCanonical": "Follows",
    "instantiatesUri": "Follows",
    "issued": "Made available",
    "note": "Note",
    "occurrence": "When",
    "onset": "Began",
    "performed": "When",
    "performer": "Done by",
    "recordedDate": "Written down",
    "recorder": "Written down by",
    "reasonCode": "Reason",
    "reasonReference": "Reason",
    "referenceRange": "Usual range",
    "requester": "Ordered by",
    "telecom": "Contact",
    "value": "Value",
    "verificationStatus": "How certain",
}
_TYPES = (
    "Quantity CodeableConcept String Boolean Integer DateTime Date Period Range Ratio Reference Age Instant Time"
    " SampledData Timing Uri Attachment Coding Decimal Money Annotation Duration PositiveInt UnsignedInt Code Markdown"
    " Base64Binary Canonical Url Id Identifier HumanName Address ContactPoint Expression Signature Count Distance"
).split()
_CHOICES = (
    "value effective onset abatement performed occurrence medication deceased multipleBirth due start serviced"
    " asNeeded dose rate timing reported location product born age estimatedAge allowed scheduled item entity used"
    " identified created detail doseNumber seriesDoses probability when answer amount content diagnosis procedure"
).split()
_CAPITAL = "(?<=[a-z])(?=[A-Z])"
_UUID = r"(urn:(uuid|oid):.*|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
_DEPTH = 10


def leftovers(node: Node, told: Iterable[str]) -> Node:
    """The resource without the elements at these paths."""
    tree: dict[str, Any] = {}
    for path in told:
        at = tree
        *above, last = path.split(".")
        for step in above:
            at = at.setdefault(step, {})
            if at is None:
                break
        else:
            at[last] = None
    return _without(node, tree)


def _without(node: Node, tree: dict[str, Any]) -> Node:
    from phr.views.fields.table import keys_of

    below: dict[str, Any] = {}
    for step, further in tree.items():
        for key in keys_of(node, step):
            below[key] = None if further is None or below.get(key, 0) is None else further
    left: Node = {}
    for key, value in node.items():
        if key not in below:
            left[key] = value
        elif below[key] is not None:
            kept = [
                part
                for one in read.listed(value)
                if isinstance(one, dict) and (part := _without(one, below[key])) and set(part) - {"id"}
            ]
            if kept:
                left[key] = kept
    return left


def pairs(node: Node, say: Saying, above: str = "", depth: int = _DEPTH) -> Iterator[tuple[str, str]]:
    """`(label, words)` of every element."""
    for name, value in node.items():
        if name in HIDDEN or (name == "reference" and not isinstance(value, dict)):
            continue
        if name.startswith("_"):
            yield from _of_primitive(name, value, say, above, depth)
            continue
        if name in ("extension", "modifierExtension"):
            yield from _extensions(value, say, above, depth, changes=name[0] == "m")
            continue
        for one in read.listed(value):
            label = label_of(name) + former(one)
            yield from _pair(one, f"{above}: {label}" if above else label, name, say, depth)


def _pair(value: object, label: str, name: str, say: Saying, depth: int) -> Iterator[tuple[str, str]]:
    if name == "contained" and isinstance(value, dict):
        yield from _contained(value, say)
        return
    if name == "url" and isinstance(value, str):
        return
    if (
        name == "identifier"
        and isinstance(value, dict)
        and re.fullmatch("(?i)" + _UUID, read.text(value.get("value")) or "")
    ):
        return
    words = say.words(value)
    if words is not None:
        yield label, words
    elif isinstance(value, dict) and depth > 1:
        yield from _parts(value, label, say, depth)


def _contained(inner: Node, say: Saying) -> Iterator[tuple[str, str]]:
    """A resource inside of this one, read by the table of its own type."""
    from phr.views.fields import rows
    from phr.views.fields.telling import tell

    kind = type_words(str(inner.get("resourceType") or "resource")).capitalize()
    own = {key: part for key, part in inner.items() if key != "contained"}
    told, rest = tell(own, say, rows(inner.get("resourceType")))
    for one in (*told, *rest):
        yield f"{kind}: {one.label}", one.value


def _parts(node: Node, label: str, say: Saying, depth: int) -> Iterator[tuple[str, str]]:
    """A backbone element. One that names what it measures (a component) is headed by that name."""
    heading = read.concept_text(node.get("code")) if "code" in node else None
    value = next((words for key in node if key.startswith("value") and (words := say.words(node[key]))), None)
    if heading and value:
        yield heading, value
        node = {key: part for key, part in node.items() if key != "code" and not key.startswith("value")}
        label = heading
    yield from pairs(node, say, label, depth - 1)


def _of_primitive(name: str, value: object, say: Saying, above: str, depth: int) -> Iterator[tuple[str, str]]:
    """What is said about a primitive element beside its value (FHIR R4, extensions on primitives)."""
    label = label_of(name[1:])
    for one in read.dicts(value):
        yield from _extensions(one.get("extension"), say, f"{above}: {label}" if above else label, depth)


def _extensions(
    value: object, say: Saying, above: str, depth: int, *, changes: bool = False
) -> Iterator[tuple[str, str]]:
    """Extensions by the last part of their address; one that changes the meaning of all the rest says so."""
    for one in read.dicts(value) if depth > 1 else ():
        label = extension_label(read.text(one.get("url")))
        if changes:
            label = f"Changes what is said here: {label}"
        label = f"{above}: {label}" if above else label
        said = False
        for key, part in one.items():
            if key.startswith("value"):
                for each in read.listed(part):
                    yield from _pair(each, label, key, say, depth - 1)
                    said = True
        nested = one.get("extension")
        if nested:
            yield from _extensions(nested, say, label, depth - 1)
        elif changes and not said:
            yield label, "yes"


def extension_label(url: str | None) -> str:
    """`us-core-birthsex` as `Birthsex`."""
    tail = (url or "extension").rstrip("/").rpartition("/")[2].partition("|")[0]
    for prefix in ("us-core-", "StructureDefinition-", "extension-", "ext-"):
        tail = tail.removeprefix(prefix)
    return (
        re.sub(_CAPITAL, " ", tail.replace("-", " ").replace("_", " ").replace(".", " ")).strip().capitalize()
        or "Extension"
    )


def label_of(name: str) -> str:
    """An element's name in words."""
    choice = next(
        (one for one in _CHOICES if name.startswith(one) and name.removeprefix(one) in _TYPES), None
    )
    name = choice or name
    return LABELS.get(name) or re.sub(_CAPITAL, " ", name).capitalize()


def former(value: object) -> str:
    """Which of several names or addresses one is, where that is not the present, usual one (FHIR R4 2.24.0.14)."""
    use = value.get("use") if isinstance(value, dict) else None
    return f" ({use})" if use in ("old", "maiden", "temp", "nickname", "anonymous") else ""
