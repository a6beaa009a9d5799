"""What an Observation says beside its value, the same in every section: by whom, with what, on what it rests."""

from __future__ import annotations

from collections.abc import Sequence

from phr.ccda.bundle import Entry
from phr.ccda.datatypes import coded, has_code, ids, part_id
from phr.ccda.desk import Desk
from phr.ccda.participants import performer, words_for
from phr.ccda.sections.devices import device_participant
from phr.ccda.sections.dosage_words import timing_words
from phr.ccda.sections.frame import said, said_of
from phr.ccda.sections.links import pointed, visit, words_of
from phr.ccda.sections.specimens import specimen_words
from phr.ccda.xml import Element, null
from phr.fhir.read import concept_text, listed


def observed_details(desk: Desk, entry: Entry, *, members: bool = False) -> list[str | None]:
    """What has no column. `members` are named only where they do not stand below."""
    resource = entry.resource
    return [
        said_of("overall", *(_of_panel(resource))),
        said("about", *words_of(desk, entry, resource.get("focus"))),
        said("measured", timing_words(resource.get("effectiveTiming"))),
        said("by", *(words_for(desk, entry, each) for each in listed(resource.get("performer")))),
        said_of("method", resource.get("method")),
        said_of("body site", resource.get("bodySite")),
        said("specimen", *(specimen_words(desk, entry, each) for each in listed(resource.get("specimen")))),
        said("device", *words_of(desk, entry, resource.get("device"))),
        said("derived from", *words_of(desk, entry, resource.get("derivedFrom"))),
        said("part of", *words_of(desk, entry, resource.get("partOf"))),
        said("items", *words_of(desk, entry, resource.get("hasMember"))) if members else None,
    ]


def _of_panel(resource: dict[str, object]) -> list[object]:
    """How a panel without a value of its own was judged."""
    own = any(key.startswith("value") for key in resource)
    return listed(resource.get("interpretation")) if resource.get("component") and not own else []


def own_ids(desk: Desk, entry: Entry) -> list[Element]:
    """Its identifiers, and what says of which reports and panels elsewhere it is a part."""
    return [*ids(entry), *(part_id(whole, name) for whole, name in desk.places.get(id(entry), ()))]


def note_members(desk: Desk, entry: Entry, inside: Sequence[Entry] = ()) -> None:
    """What a panel has that does not stand inside it. To be called before any of its members is written."""
    held = {id(each) for each in inside}
    for number, reference in enumerate(listed(entry.resource.get("hasMember"))):
        target = desk.find(entry, reference)
        if target is not None and target.type == "Observation" and id(target) not in held:
            desk.places.setdefault(id(target), []).append((entry, f"member{number}"))


def categories(resource: dict[str, object], *usual: str) -> list[Element]:
    """`sdtc:category` of what a section does not say already: imaging among results, a survey on housing."""
    if not listed(resource.get("category")):
        return [null("sdtc:category", "NI")]
    return [
        coded("sdtc:category", each)
        for each in listed(resource.get("category"))
        if concept_text(each) and has_code(each, frozenset(usual)) is None
    ]


def further_performers(desk: Desk, entry: Entry) -> list[Element | None]:
    """All performers but the first, who is the author."""
    return [performer(desk, entry, each) for each in listed(entry.resource.get("performer"))[1:]]


def device_used(desk: Desk, entry: Entry) -> Element | None:
    """The device it was measured with."""
    found = desk.find(entry, entry.resource.get("device"))
    return device_participant(desk, found) if found is not None and found.type == "Device" else None


def connections(desk: Desk, entry: Entry, *, members: bool = False) -> list[Element | None]:
    """The visit, and what it was derived from, as far as the document has them."""
    resource = entry.resource
    rests_on = [
        resource.get("derivedFrom"),
        resource.get("partOf"),
        resource.get("hasMember") if members else None,
    ]
    return [*pointed(desk, entry, "REFR", *rests_on), visit(desk, entry)]
