"""One Bundle in, one C-CDA document out: a Continuity of Care Document or a Referral Note.

Follows C-CDA R2.1 with the Companion Guide (CCD, 2.16.840.1.113883.10.20.22.1.2; Referral Note, …1.14). Pure: no store, no
network, no clock; the same Bundle, id and moment give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from phr.ccda.desk import NO_OTHERS, Desk, Outfit
from phr.ccda.header import header
from phr.ccda.outline import NO_NAMES, Written, compose, desk_for
from phr.ccda.sections.directives import reason_for_referral
from phr.ccda.sections.frame import DEPTH, Heading, Section
from phr.ccda.template import CCD, NOT_CHOSEN, Template
from phr.ccda.xml import DECLARATION, NAMESPACES, Element, Introduced, Sealed, el, fragment, pieces
from phr.model import Bundle, Problem


@dataclass(frozen=True, slots=True)
class Ccd:
    """A finished document."""

    xml: bytes = field(repr=False)
    sections: dict[str, int]
    """LOINC section code to the number of entries written."""
    left_out: tuple[Problem, ...]
    """What is not in the document, and why."""
    about: str | None = field(default=None, repr=False)
    """The name of whose record it is."""


def write_ccd(
    bundle: Bundle,
    *,
    sources: Mapping[str, str] = NO_NAMES,
    also: Mapping[str, tuple[str, ...]] = NO_OTHERS,
    document_id: str,
    now: datetime,
    software: str = "phr",
    template: Template = CCD,
    sections: frozenset[str] | None = None,
    reason: str | None = None,
    opened: frozenset[str] = frozenset(),
    whom: str | None = None,
) -> Ccd:
    """A Bundle (collection or document) as C-CDA.

    `sources` are FHIR bases with the human name of each, `also` the names of further sources that say what stands
    under a fullUrl; `document_id` is a UUID; `now` is the moment the document is made, an aware datetime; `sections`
    are LOINC codes, None means all; `reason` is why the patient is referred, `whom` for whom it is made; `opened` are
    fullUrls of C-CDA documents whose statements are in the Bundle one by one. Never raises on odd resources: what cannot
    be written is named.
    """
    desk = desk_for(bundle, sources, now, also, Outfit(f"a {template.title}", opened=opened))
    chunks: list[bytes] = []
    counts: dict[str, int] = {}
    introductions = _Introductions()
    for code, entries, section in _body(desk, template, compose(desk, sections), reason):
        introductions.shorten(section)
        counts[code] = counts.get(code, 0) + entries
        # As text a section takes a fraction of what its elements take.
        chunks += [b"\n   <component>", *pieces(section, DEPTH), b"\n   </component>"]
    head = [
        fragment(each, 1)
        for each in el("head", header(desk, document_id, software, template, whom)).children
        if isinstance(each, Element)
    ]
    return Ccd(
        b"".join([_OPENING, *head, _BODY, *chunks, _CLOSING]), counts, tuple(desk.left_out), desk.about()
    )


_OPENING = (
    DECLARATION + "<ClinicalDocument" + "".join(f' {name}="{uri}"' for name, uri in NAMESPACES.items()) + ">"
).encode()
_BODY = b"\n <component>\n  <structuredBody>"
_CLOSING = b"\n  </structuredBody>\n </component>\n</ClinicalDocument>\n"


class _Introductions:
    """Each author stands in full where it stands first; after that the id is enough.

    An id that two sources use for different descriptions is written in full at every change.
    """

    def __init__(self) -> None:
        self._introduced: dict[str, str] = {}

    def shorten(self, section: Element) -> None:
        """Cut the authors that were introduced before."""
        waiting = [section]
        while waiting:
            element = waiting.pop()
            if isinstance(element, Sealed):
                element.parts = [
                    part if isinstance(part, bytes) else self._part(part) for part in element.parts
                ]
                continue
            if element.tag != "assignedAuthor":
                waiting.extend(child for child in reversed(element.children) if isinstance(child, Element))
                continue
            own = [child for child in element.children if isinstance(child, Element) and child.tag == "id"]
            key, whole = repr(own), repr(element.children)
            if self._introduced.get(key) == whole:
                element.children = list(own)
            self._introduced[key] = whole

    def _part(self, who: Introduced) -> bytes:
        known = self._introduced.get(who.id) == who.description
        self._introduced[who.id] = who.description
        return who.short if known else who.whole


def _body(
    desk: Desk, template: Template, written: Iterable[Written], reason: str | None
) -> Iterator[tuple[str, int, Element]]:
    """`(code, number of entries, section)` in the order of the document."""
    if template.referral:
        section = reason_for_referral(desk, reason)
        yield section.heading.code, 0, section.element()
    for each in written:
        heading, section = each.section.heading, each.section
        if each.says_something or (each.chosen and heading.code in template.required):
            count, element = len(section.entries), section.element()
            section.entries, section.rows = [], []  # the element holds them now
            yield heading.code, count, element
        elif heading.code in template.required:
            yield heading.code, 0, _not_chosen(desk, heading)


def _not_chosen(desk: Desk, heading: Heading) -> Element:
    """A section that the template demands and the person did not choose: null, and no clinical statement."""
    element = Section(desk, heading, "", blocks=[el("paragraph", NOT_CHOSEN)]).element()
    element.attributes["nullFlavor"] = "NI"
    return element
