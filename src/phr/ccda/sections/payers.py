"""Payers (48768-6): Coverage as a table.

A Policy Activity (2.16.840.1.113883.10.20.22.4.61) must hold a Payer Performer (4.87), for which neither the R2.1 nor the
Companion Guide rules have a template; as no check could judge such entries, the section has words only.
"""

from __future__ import annotations

from phr.ccda.bundle import Entry
from phr.ccda.datatypes import number, period
from phr.ccda.desk import Desk
from phr.ccda.narrative import remarked, span
from phr.ccda.participants import words_for
from phr.ccda.sections.frame import Heading, Section, said
from phr.ccda.sections.links import words_of
from phr.ccda.sections.values import quantity_words
from phr.fhir.read import concept_text, dicts, listed, text
from phr.model import Resource

HEADING = Heading("48768-6", "Payers", "2.18", (None, "2015-08-01"))


def payers(desk: Desk) -> list[Section]:
    """All coverages, the newest first."""
    columns = ("Payer", "Kind", "Plan", "Member number", "Covered person is", "When", "Status")
    section = Section(desk, HEADING, "pay", columns)
    for entry in desk.of("Coverage", when=lambda resource: period(resource.get("period"))[0]):
        resource = entry.resource
        section.row(
            entry,
            words_for(desk, entry, resource.get("payor")),
            concept_text(resource.get("type")),
            _plan_words(resource),
            _member(resource),
            concept_text(resource.get("relationship")),
            span(*period(resource.get("period"))),
            text(resource.get("status")),
            details=_details(desk, entry),
        )
    return [section]


def _details(desk: Desk, entry: Entry) -> list[str | None]:
    """What has no column: whose policy it is, in which network, what it costs."""
    resource = entry.resource
    return [
        said("policy holder", words_for(desk, entry, resource.get("policyHolder"))),
        said("subscriber", words_for(desk, entry, resource.get("subscriber"))),
        said("dependent", text(resource.get("dependent"))),
        said("network", text(resource.get("network"))),
        said("order", number(resource.get("order"))),
        *map(_cost, dicts(resource.get("costToBeneficiary"))),
        "reimbursed by another payer" if resource.get("subrogation") is True else None,
        said("contract", *words_of(desk, entry, resource.get("contract"))),
    ]


def _cost(cost: Resource) -> str | None:
    money = cost.get("valueMoney")
    paid = quantity_words(cost.get("valueQuantity"))
    if isinstance(money, dict) and number(money.get("value")):
        paid = " ".join(filter(None, (number(money.get("value")), text(money.get("currency")))))
    except_for = [
        remarked(concept_text(each.get("type")), span(*period(each.get("period"))))
        for each in dicts(cost.get("exception"))
    ]
    return said(
        concept_text(cost.get("type")) or "cost", paid, *(f"except {each}" for each in except_for if each)
    )


def _member(resource: Resource) -> str | None:
    identifiers = [each for each in listed(resource.get("identifier")) if isinstance(each, dict)]
    return text(resource.get("subscriberId")) or next((text(each.get("value")) for each in identifiers), None)


def _plan_words(resource: Resource) -> str | None:
    """Group, plan and whatever else classifies the coverage, by name."""
    classes = [each for each in listed(resource.get("class")) if isinstance(each, dict)]
    found = []
    for each in classes:
        kind = concept_text(each.get("type"))
        words = remarked(text(each.get("name")), text(each.get("value")))
        found.extend([f"{kind}: {words}" if kind else words] if words else [])
    return "; ".join(found) or None
