"""Rules about entries, one line each: the template, what is wrong, how to see it.

Follows the entry templates of C-CDA R2.1 and the table of what must be null instead of missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from phr.ccda.check_document import TWINNED
from phr.ccda.check_sheet import Fault, Node, Sheet, kid, kids, said, xsi_type

Test = Callable[[Node], bool]
"""Whether the fault is there."""

_CONCERN = frozenset(("active", "suspended", "aborted", "completed"))
_RESULT = frozenset(("aborted", "active", "cancelled", "completed", "held", "suspended"))
_DRUG = frozenset(
    (
        "active",
        "suspended",
        "completed",
        "aborted",
        "nullified",
        "new",
        "held",
        "cancelled",
        "normal",
        "obsolete",
    )
)
_STATUSES = {
    "4.30": _CONCERN,
    "4.3": _CONCERN,
    "4.132": _CONCERN,
    "4.1": _RESULT,
    "4.2": _RESULT,
    "4.16": _DRUG,
    "4.52": _DRUG,
    "4.14": frozenset(("aborted", "active", "cancelled", "completed")),
    **dict.fromkeys(
        ("4.7", "4.4", "4.6", "4.28", "4.9", "4.27", "4.78", "4.26", "4.19"), frozenset(("completed",))
    ),
    **dict.fromkeys(("4.39", "4.40", "4.41", "4.42", "4.43", "4.44"), frozenset(("active",))),
}


def lacks(steps: str) -> Test:
    """No element at these steps, not even a null one."""
    return lambda node: kid(node, steps) is None


def null(steps: str) -> Test:
    """An element at these steps that is null or missing."""
    return lambda node: not said(kid(node, steps))


def _status(allowed: frozenset[str]) -> Test:
    def wrong(node: Node) -> bool:
        found = kid(node, "statusCode")
        return found is None or (found.get("nullFlavor") is None and found.get("code") not in allowed)

    return wrong


def _completed_without_end(node: Node) -> bool:
    status = kid(node, "statusCode")
    return (
        status is not None and status.get("code") == "completed" and kid(node, "effectiveTime/high") is None
    )


def _first_time(node: Node) -> bool:
    """A medication's first time says low or a value, and not both."""
    times = kids(node, "effectiveTime")
    if not times:
        return True
    low, value = kid(times[0], "low") is not None, times[0].get("value") is not None
    return low == value and times[0].get("nullFlavor") is None


def _half_interval(node: Node) -> bool:
    time = kid(node, "effectiveTime")
    if time is None or time.get("nullFlavor"):
        return False
    return kid(time, "low") is None or kid(time, "high") is None


def _no_unit(node: Node) -> bool:
    value = kid(node, "value")
    return value is None or xsi_type(value) != "PQ" or not value.get("unit")


def _interval(node: Node) -> bool:
    time = kid(node, "effectiveTime")
    return time is not None and any(kid(time, tag) is not None for tag in ("low", "high", "width", "center"))


def _untyped(node: Node) -> bool:
    return any(xsi_type(value) is None for value in kids(node, "value"))


def _empty_quantity(node: Node) -> bool:
    return any(
        xsi_type(value) == "PQ" and value.get("value") is None and value.get("nullFlavor") is None
        for value in kids(node, "value")
    )


RULES: tuple[tuple[str, str, Test], ...] = (
    *((template, "its statusCode is none of those allowed", _status(allowed)) for template, allowed in _STATUSES.items()),
    *((template, "has no id", lacks("id")) for template in
      "4.30 4.7 4.3 4.4 4.16 4.52 4.14 4.1 4.2 4.26 4.27 4.49 4.9 4.121 4.132 4.78 4.500".split()),
    *((template, "has no code", lacks("code")) for template in
      "4.30 4.7 4.3 4.4 4.14 4.1 4.2 4.26 4.27 4.49 4.121 4.132 4.78 4.202 4.500".split()),
    *((template, "its effectiveTime has no low", lacks("effectiveTime/low")) for template in ("4.7", "4.4", "4.30", "4.3")),
    *((template, "its effectiveTime is null, which only its low may be", null("effectiveTime"))
      for template in ("4.7", "4.4")),
    *((template, "is completed and has no end", _completed_without_end) for template in ("4.30",)),
    *((template, "has no effectiveTime", lacks("effectiveTime")) for template in "4.52 4.2 4.27 4.49 4.78".split()),
    *((template, "has no value", lacks("value")) for template in "4.7 4.4 4.2 4.27 4.78 4.6 4.28 4.9".split()),
    *((template, "its first time needs either low or a value", _first_time) for template in ("4.16", "4.42")),
    *((template, "names no product", lacks("consumable/manufacturedProduct/manufacturedMaterial/code"))
      for template in ("4.16", "4.52")),
    *((template, "holds no statement", lacks("component")) for template in ("4.1", "4.26", "4.500")),
    ("4.30", "holds no allergy", lacks("entryRelationship/observation")),
    ("4.3", "holds no problem", lacks("entryRelationship/observation")),
    ("4.7", "names no substance", lacks("participant/participantRole/playingEntity/code")),
    ("4.16", "has no doseQuantity", lacks("doseQuantity")),
    ("4.52", "does not say whether it was given (negationInd)", lambda node: node.get("negationInd") is None),
    ("4.1", "its effectiveTime needs low and high", _half_interval),
    ("4.27", "its value is no quantity with a unit", _no_unit),
    ("4.78", "its value is null", null("value")),
    ("4.78", "its time is an interval", _interval),
    ("4.202", "does not point at its words", lacks("text/reference")),
    ("4.202", "has no author", lacks("author")),
    ("4.64", "does not point at its words", lacks("text/reference")),
)  # fmt: skip


def entry_faults(sheet: Sheet) -> Iterator[Fault]:
    """Everything that is wrong with an entry or a statement inside one."""
    for node in sheet.statements:
        where = None
        if not node.get("classCode") or not node.get("moodCode"):
            where, what = sheet.where(node), "a statement has no classCode or no moodCode"
            yield where, what
        if _untyped(node):
            yield where or sheet.where(node), "a value does not say its data type"
        if _empty_quantity(node):
            yield where or sheet.where(node), "a quantity has neither a number nor a nullFlavor"
        if sheet.modern and all(kid(node, tag) is None for tag in ("templateId", "id", "code")):
            yield where or sheet.where(node), "a statement has neither template nor id nor code"
    if sheet.modern:
        for template, what, wrong in RULES:
            for node in sheet.of(template):
                if wrong(node) and _is_modern(node, template):
                    yield sheet.where(node), f"{_NAMES.get(template, 'a statement')} ({template}) {what}"


def _is_modern(node: Node, template: str) -> bool:
    """Whether a node says that it follows R2.1: one with the bare root alone follows R1.1, which asks for less."""
    return template not in TWINNED or any(
        each.get("extension") and (each.get("root") or "").endswith(f".22.{template}")
        for each in kids(node, "templateId")
    )


_NAMES = {
    "4.30": "an allergy concern",
    "4.7": "an allergy",
    "4.3": "a problem concern",
    "4.4": "a problem",
    "4.16": "a medication",
    "4.52": "an immunization",
    "4.14": "a procedure",
    "4.1": "a result organizer",
    "4.2": "a result",
    "4.26": "a vital signs organizer",
    "4.27": "a vital sign",
    "4.49": "an encounter",
    "4.9": "a reaction",
    "4.121": "a goal",
    "4.132": "a health concern",
    "4.78": "the smoking status",
    "4.202": "a note",
    "4.500": "a care team",
    "4.64": "a comment",
}
