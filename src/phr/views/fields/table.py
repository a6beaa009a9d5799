"""What a table of fields is made of: a label in plain words, the elements it is read from, and how they are said.

The tables themselves stand in the files of their subjects beside this one; `telling` reads a resource by them. Rows are
named tuples, because a dataclass costs a millisecond to make, and `phr show` is run all day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from phr.fhir import read
from phr.views.fields import amounts, codes
from phr.views.fields.dates import date_words
from phr.views.fields.saying import Node, Saying, annotation_words, concept_words

Say = Callable[[Any, Saying], str | None]
Pairs = Callable[[Any, Saying], Iterator[tuple[str, str]]]


class Form(NamedTuple):
    """How values of a data type are said."""

    name: str
    """The data type of FHIR, or what is done with it; the page in the docs says it."""
    say: Say
    joint: str = ", "
    """What stands between several of them."""


class Part(NamedTuple):
    """One element of a compound one, and the words around it."""

    element: str
    form: Form
    words: str = "{}"


class Field(NamedTuple):
    """One line of the page of one resource type."""

    label: str
    elements: str
    """Paths with dots, separated by `|`; the first that says something counts. `value[x]` is an element with a choice."""
    form: Form
    own: Pairs | None = None
    """Each value has a label of its own (a component, an answer); then `form` only says how."""

    @property
    def paths(self) -> tuple[str, ...]:
        """The elements one by one."""
        return tuple(self.elements.split("|"))


def _code(value: object, say: Saying) -> str | None:
    words = read.text(value)
    return codes.spelled(words) if words else concept_words(value)


def _boolean(value: object, say: Saying) -> str | None:
    return ("yes" if value else "no") if isinstance(value, bool) else None


def _annotation(value: object, say: Saying) -> str | None:
    return annotation_words(value, say) if isinstance(value, dict) else read.text(value)


def _prose(value: object, say: Saying) -> str | None:
    words = read.text(value)
    if words and "<" in words and "</" in words:
        from phr.views.fields.narrative import lines_of

        return lines_of(words) or None
    return words


def _money(value: object, say: Saying) -> str | None:
    return amounts.money_words(value) if isinstance(value, dict) else None


def _limits(value: object, say: Saying) -> str | None:
    return amounts.reference_range(value) if isinstance(value, dict) else None


_NOTHING = frozenset(("NI", "UNK", "NA", "ASKU", "UNKNOWN"))
"""Null flavors and their words, which programs write where a name or number belongs (seen at Cerner and DrChrono)."""


def _known(value: object, say: Saying) -> str | None:
    words = say.words(value)
    return "" if words and (words.upper() in _NOTHING or words.endswith(" unknown unit")) else words


def _died(value: object, say: Saying) -> str | None:
    words = say.words(value)
    if words is None or isinstance(value, bool):
        return words
    return f"yes, at {words}" if isinstance(value, dict) else f"yes: {words}"


CODE = Form("code", _code)
KNOWN = Form("any data type, unless it says unknown", _known)
DIED = Form("boolean, Age or dateTime", _died)
CONCEPT = Form("CodeableConcept", lambda value, say: concept_words(value))
TEXT = Form("string", _prose, "\n")
NUMBER = Form("number", lambda value, say: read.text(value))
YES_NO = Form("boolean", _boolean)
DATE = Form("dateTime", lambda value, say: date_words(value))
PERIOD = Form("Period", lambda value, say: say.words(value), "; ")
WHEN = Form("dateTime, Period or Timing", lambda value, say: say.words(value), "; ")
QUANTITY = Form("Quantity", lambda value, say: amounts.quantity_words(value))
RANGE = Form("Range", lambda value, say: say.words(value))
RATIO = Form("Ratio", lambda value, say: say.words(value))
MONEY = Form("Money", _money)
LIMITS = Form("referenceRange", _limits, "; ")
ANY = Form("any data type", lambda value, say: say.words(value))
REFERENCE = Form("Reference", lambda value, say: say.named(value))
NOTE = Form("Annotation", _annotation, "\n")
NAME = Form("HumanName", lambda value, say: read.human_name(value))
ADDRESS = Form("Address", lambda value, say: say.words(value), "\n")
CONTACT = Form("ContactPoint", lambda value, say: say.words(value))
NUMBERED = Form("Identifier", lambda value, say: say.words(value))
PAGES = Form("Attachment", lambda value, say: say.words(value), "\n")


def flag(yes: str, no: str | None = "no") -> Form:
    """A boolean whose yes means these words; with `no` None, a no goes without saying."""
    return Form(
        "boolean", lambda value, say: (yes if value else no or "") if isinstance(value, bool) else None
    )


def coded(words: dict[str, str]) -> Form:
    """A code that means these words here."""
    return Form("code", lambda value, say: words.get(str(read.text(value))) or _code(value, say))


def each(*parts: Part, joint: str = "\n") -> Form:
    """A compound element as one line: its parts in this order, then whatever else it holds."""

    def say_it(value: object, say: Saying) -> str | None:
        return item_words(value, parts, say)

    return Form(" ".join(part.words.format(part.element) for part in parts), say_it, joint)


def item_words(value: object, parts: tuple[Part, ...], say: Saying) -> str | None:
    """One compound element on one line."""
    if not isinstance(value, dict):
        return read.text(value)
    line = ""
    for part in parts:
        words = said(value, part.element, part.form, say)
        if words and not (any(map(str.isalpha, words)) and words.casefold() in line.casefold()):
            piece = part.words.format(words)
            line = f"{line}{joint(line, piece)}{piece}"
    for piece in others(value, parts, say):
        line = f"{line}{joint(line, piece)}{piece}"
    return line or None


def joint(line: str, piece: str) -> str:
    """What stands between what is said already and a further piece."""
    return "" if not line else " " if piece.startswith(("(", "–")) or line.endswith(":") else ", "


def others(value: Node, parts: tuple[Part, ...], say: Saying) -> Iterator[str]:
    """What a compound element holds beside its parts, so that nothing of it is lost."""
    from phr.views.fields.rest import leftovers, pairs

    left = leftovers(value, [part.element for part in parts if is_told(value, part.element, part.form, say)])
    for label, words in pairs(left, say, "", 4):
        name = label.rpartition(": ")[2]
        if name not in _COUNTED:
            yield f"{name[:1].lower()}{name[1:]}: {words}"


_COUNTED = ("Sequence", "Link id")
"""How a source numbers the lines of a list; they stand in its order anyway."""


def said(value: Node, element: str, form: Form, say: Saying) -> str | None:
    """All values at a path in words."""
    found = [words for one in values_at(value, element) if (words := form.say(one, say))]
    return form.joint.join(dict.fromkeys(found)) or None


def is_told(value: Node, element: str, form: Form, say: Saying) -> bool:
    """Whether what stands at a path is told, be it that it goes without saying."""
    return any(form.say(one, say) is not None for one in values_at(value, element))


def values_at(node: object, path: str) -> list[Any]:
    """Everything at a path such as `hospitalization.origin` or `value[x]`, lists opened on the way."""
    found = [node]
    for step in path.split("."):
        found = [
            one
            for entry in found
            if isinstance(entry, dict)
            for key in keys_of(entry, step)
            for one in read.listed(entry[key])
            if one is not None
        ]
    return found


def keys_of(entry: Node, step: str) -> list[str]:
    """The keys that a step means: itself, or `valueQuantity` of `value[x]`."""
    if not step.endswith("[x]"):
        return [step] if step in entry else []
    name = step[:-3]
    longer = [key for key in entry if key.startswith(name) and key[len(name) : len(name) + 1].isupper()]
    return [name, *longer] if name in entry else longer
