"""What was to be handed over, and what was: dispenseRequest and MedicationDispense as supplies.

Follows Medication Supply Order (2.16.840.1.113883.10.20.22.4.17) and Medication Dispense (4.18).
"""

from __future__ import annotations

from phr.ccda import codes
from phr.ccda.bundle import Entry
from phr.ccda.datatypes import at, ids, maybe_at, number, part_id, period, quantity, timestamp, ucum
from phr.ccda.desk import Desk
from phr.ccda.narrative import span
from phr.ccda.participants import author, performer, words_for
from phr.ccda.sections.drugs import product
from phr.ccda.sections.frame import Row, comment_author, related, said, said_of, template
from phr.ccda.sections.links import words_of
from phr.ccda.sections.plans import OPEN
from phr.ccda.sections.values import quantity_words
from phr.ccda.xml import Child, Element, el, null
from phr.fhir.read import concept_text, dicts, listed, text
from phr.model import Resource

OLD_TIMES = ("effectiveTimePeriod", "effectiveTimeDateTime")
"""How a MedicationAdministration was dated before R4."""
PLANNED_INTENTS = frozenset(("plan", "proposal"))


def is_plan(resource: Resource) -> bool:
    """An open plan or proposal stands in the Plan of Treatment; one that is over stays a medicine."""
    return text(resource.get("intent")) in PLANNED_INTENTS and text(resource.get("status")) in OPEN


def taken_when(resource: Resource) -> object:
    """When it was taken, ordered or handed over: the first date of these that is there."""
    for key in (
        "effectiveDateTime",
        "effectivePeriod",
        *OLD_TIMES,
        "authoredOn",
        "dateWritten",
        "dateAsserted",
        "whenHandedOver",
        "whenPrepared",
    ):
        if timestamp(start := period(resource.get(key))[0]):
            return start
    return None


def status(resource: Resource) -> Element:
    """ActStatus of anything about a medicine."""
    found = codes.MEDICATION_STATUSES.get(text(resource.get("status")) or "")
    return el("statusCode", code=found) if found else null("statusCode")


def supply_order(desk: Desk, entry: Entry, row: Row) -> Element | None:
    """Medication Supply Order (4.17) of a request: its dispenseRequest."""
    request = entry.resource.get("dispenseRequest")
    if not isinstance(request, dict) or not request:
        return None
    return _order(desk, entry, row, part_id(entry, "supply"))


def order_inside(desk: Desk, entry: Entry, row: Row) -> Element:
    """A whole request as the Medication Supply Order of what is taken because of it."""
    return _order(
        desk,
        entry,
        row,
        ids(entry),
        product(desk, entry, denied=False, tag="product"),
        author(desk, entry, entry.resource.get("requester"), entry.resource.get("authoredOn")),
        [related("SUBJ", each, inverted=True) for each in _notes(desk, entry, row)],
    )


def _notes(desk: Desk, entry: Entry, row: Row) -> list[Element]:
    """Instruction (4.20) for each note on an order: 4.17 takes nothing else inside (CONF:1098-7444, 1098-31391)."""
    return [
        el(
            "act",
            template("4.20", None, "2014-06-09"),
            null("code", "NA"),
            el("text", el("reference", value=f"#{comment.id}")),
            el("statusCode", code="completed"),
            comment_author(desk, entry, comment.annotation),
            classCode="ACT",
            moodCode="INT",
        )
        for comment in row.comments
    ]


def _order(desk: Desk, entry: Entry, row: Row, own_ids: Child, *more: Child) -> Element:
    """C-CDA counts fills, FHIR counts refills. `more`: product, author and what stands inside."""
    request = entry.resource.get("dispenseRequest")
    request = request if isinstance(request, dict) else {}
    what = more[0] if more else None
    refills = number(request.get("numberOfRepeatsAllowed"))
    start, end = period(request.get("validityPeriod"))
    return el(
        "supply",
        template("4.17", None, "2014-06-09"),
        own_ids,
        row.link(),
        status(entry.resource),
        el("effectiveTime", maybe_at("low", start), maybe_at("high", end), xsi_type="IVL_TS")
        if timestamp(start) or timestamp(end)
        else None,
        el("repeatNumber", value=str(int(float(refills)) + 1)) if refills else None,
        quantity("quantity", request.get("quantity"), xsi_type=None) if request.get("quantity") else None,
        _use_time(request.get("expectedSupplyDuration")),
        what,
        performer(desk, entry, request.get("performer")),
        more[1:],
        classCode="SPLY",
        moodCode="INT",
    )


def _use_time(duration: object) -> Element | None:
    """`expectedUseTime`: how long the supply is to last."""
    amount = number(duration.get("value")) if isinstance(duration, dict) else None
    unit = ucum(duration)
    return el("expectedUseTime", el("width", value=amount, unit=unit)) if amount and unit else None


def supply_details(desk: Desk, entry: Entry) -> list[str | None]:
    """What is said about handing it over, in words."""
    resource = entry.resource
    request = resource.get("dispenseRequest")
    request = request if isinstance(request, dict) else {}
    filled = request.get("initialFill")
    filled = filled if isinstance(filled, dict) else {}
    valid = period(request.get("validityPeriod"))
    refills = number(request.get("numberOfRepeatsAllowed"))
    return [
        said("quantity", quantity_words(request.get("quantity")) or quantity_words(resource.get("quantity"))),
        said("refills", refills),
        said(
            "supply for",
            quantity_words(request.get("expectedSupplyDuration"))
            or quantity_words(resource.get("daysSupply")),
        ),
        said("first fill", quantity_words(filled.get("quantity")), quantity_words(filled.get("duration"))),
        said("not before", quantity_words(request.get("dispenseInterval"))),
        said("order valid", span(*valid)),
        said("pharmacy", words_for(desk, entry, request.get("performer"))),
        *_substitution(desk, entry),
        said_of("dispense", resource.get("type") if entry.type == "MedicationDispense" else None),
        said(
            "at",
            *words_of(desk, entry, resource.get("location")),
            *words_of(desk, entry, resource.get("destination")),
        ),
        said("received by", *(words_for(desk, entry, each) for each in listed(resource.get("receiver")))),
    ]


def _substitution(desk: Desk, entry: Entry) -> list[str | None]:
    """Whether another product may be, or was, handed over instead."""
    found = entry.resource.get("substitution")
    if not isinstance(found, dict):
        return []
    allowed, done = found.get("allowedBoolean"), found.get("wasSubstituted")
    known = (
        {True: "allowed", False: "not allowed"}
        if isinstance(allowed, bool)
        else {True: "done", False: "not done"}
    )
    flag = allowed if isinstance(allowed, bool) else done
    words = known[flag] if isinstance(flag, bool) else None
    further = [found.get("allowedCodeableConcept"), found.get("type")]
    reasons = [concept_text(each) for each in [*further, *listed(found.get("reason"))]]
    by = [words_for(desk, entry, each) for each in listed(found.get("responsibleParty"))]
    return [said("substitution", words, *reasons, *by)]


def prescription(desk: Desk, entry: Entry) -> Entry | None:
    """The request a dispense belongs to, if it stands under Medications."""
    for reference in listed(entry.resource.get("authorizingPrescription")):
        request = desk.find(entry, reference)
        if request is not None and desk.lives(request) and not is_plan(request.resource):
            return request if text(request.resource.get("status")) != "draft" else None
    return None


def dispense(desk: Desk, entry: Entry, row: Row) -> Element:
    """Medication Dispense (4.18)."""
    resource = entry.resource
    return el(
        "supply",
        template("4.18", None, "2014-06-09"),
        ids(entry),
        row.link(),
        status(resource),
        at("effectiveTime", taken_when(resource)),
        quantity("quantity", resource.get("quantity"), xsi_type=None) if resource.get("quantity") else None,
        _use_time(resource.get("daysSupply")),
        product(desk, entry, denied=False, tag="product"),
        [performer(desk, entry, each.get("actor")) for each in dicts(resource.get("performer"))[:1]],
        classCode="SPLY",
        moodCode="EVN",
    )
