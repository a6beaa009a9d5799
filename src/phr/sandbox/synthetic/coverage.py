"""Insurance: Coverage (US Core 6.1), Claim and ExplanationOfBenefit, in US dollars."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from phr.sandbox.synthetic import codes
from phr.sandbox.synthetic.build import Json, concept, number, reference, resource
from phr.sandbox.synthetic.organisations import organization
from phr.sandbox.synthetic.people import BARNABY, JUNIPER, ORLO, TAMSIN, Person

_PAYER = "blue-lantern"


def coverage(person: Person) -> Iterator[Json]:
    """One active coverage each; the family's is Orlo's. Tamsin's earlier one has ended."""
    retired = person is BARNABY
    subscriber = BARNABY if retired else ORLO
    relationship = "self" if person is subscriber else "child" if person is JUNIPER else "spouse"
    yield _coverage(person, f"cov-{person.id}", subscriber, relationship, "2016-01-01", None)
    if person is TAMSIN:
        yield _coverage(person, "cov-tamsin-before-2016", TAMSIN, "self", "2011", "2015-12-31")


def _coverage(
    person: Person, id_: str, subscriber: Person, relationship: str, start: str, end: str | None
) -> Json:
    period = {"start": start, "end": end} if end else {"start": start}
    group = codes.hl7("coverage-class", "group", "Group")
    plan = codes.hl7("coverage-class", "plan", "Plan")
    return resource(
        "Coverage", id_, date(2026, 1, 2), "us-core-coverage",
        identifier=[{
            "type": concept(codes.hl7("v2-0203", "MB", "Member Number")),
            "system": "urn:oid:2.999.1.75",
            "value": f"BLH{number('member', person.id)[:8]}",
        }],
        status="cancelled" if end else "active",
        type=concept(codes.hl7("v3-ActCode", "EHCPOL", "extended healthcare")),
        subscriber=subscriber.subject,
        subscriberId=f"BLH{number('member', subscriber.id)[:8]}",
        beneficiary=person.subject,
        relationship=concept(codes.hl7("subscriber-relationship", relationship, relationship.capitalize())),
        period=period,
        payor=[organization(_PAYER)],
        **{"class": [
            {"type": concept(group), "value": "HV-4400", "name": "Harrowfield Glassworks"},
            {"type": concept(plan), "value": "LANTERN-PPO", "name": "Lantern PPO"},
        ]},
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bill:
    """One claim and what became of it: amounts in whole dollars."""

    id: str
    person: Person
    day: str
    kind: str
    provider: str
    problem: str
    lines: tuple[tuple[codes.Code, str, int, int], ...]
    """(code, words, charged, paid by the plan)"""
    copay: int


def _hcpcs(code: str) -> codes.Code:
    return (codes.HCPCS, code, None)


def _cpt(code: str) -> codes.Code:
    return (codes.CPT, code, None)


_BILLS = (
    Bill("2020-stay", TAMSIN, "2020-11-17", "institutional", "saint-wendeline", "exacerbation",
         ((_cpt("99285"), "Emergency department visit", 1840, 1310), (_cpt("99223"), "Initial hospital care",
          640, 505),
          (_cpt("99233"), "Subsequent hospital care", 1120, 870)), 250),
    Bill("2021-first-infusion", TAMSIN, "2021-06-07", "institutional", "northmere", "alpha1",
         ((_hcpcs("J0256"), "Alpha-1 proteinase inhibitor, 10 mg (400 units)", 2180, 1912),
          (_cpt("96365"), "Intravenous infusion, first hour", 310, 214)), 60),
    Bill("2026-lungs", TAMSIN, "2026-03-17", "professional", "larkfield", "emphysema",
         ((_cpt("99214"), "Office visit", 260, 168), (_cpt("94060"), "Spirometry", 145, 96)), 30),
    Bill("2026-ct", TAMSIN, "2026-03-24", "professional", "saint-wendeline", "emphysema",
         ((_cpt("71250"), "CT of the chest without contrast", 890, 512),), 75),
    Bill("2026-checkup", TAMSIN, "2026-09-22", "professional", "harrow-valley", "hypertension",
         ((_cpt("99396"), "Preventive visit", 295, 231), (_cpt("80076"), "Hepatic function panel", 58, 31)), 0),
    Bill("2023-snoring", ORLO, "2023-02-07", "professional", "harrow-valley", "sleep apnea",
         ((_cpt("99213"), "Office visit", 190, 121),), 30),
    Bill("2026-wellchild", JUNIPER, "2026-07-21", "professional", "harrow-valley", "childhood asthma",
         ((_cpt("99394"), "Preventive visit", 240, 205),), 0),
    Bill("2021-flutter", BARNABY, "2021-08-03", "institutional", "saint-wendeline", "atrial fibrillation",
         ((_cpt("99285"), "Emergency department visit", 1840, 1290),), 150),
)  # fmt: skip


def claims(person: Person) -> Iterator[Json]:
    """For each bill the Claim as sent and the ExplanationOfBenefit as answered."""
    for bill in _BILLS:
        if bill.person is person:
            claim = resource("Claim", f"claim-{bill.id}", date.fromisoformat(bill.day), **_shared(bill))
            claim |= {"priority": concept(codes.hl7("processpriority", "normal")), "item": _items(bill,
                answered=False),
                      "total": _money(sum(charged for _, _, charged, _ in bill.lines))}  # fmt: skip
            yield claim
            yield _answer(bill)


def _shared(bill: Bill) -> Json:
    diagnosis = concept(*(code for code in codes.PROBLEMS[bill.problem] if code[0] == codes.ICD10))
    shared = {
        "status": "active",
        "type": concept(codes.hl7("claim-type", bill.kind, bill.kind.capitalize())),
        "use": "claim",
        "patient": bill.person.subject,
        "billablePeriod": {"start": bill.day, "end": bill.day},
        "created": bill.day,
        "insurer": organization(_PAYER),
        "provider": organization(bill.provider),
        "diagnosis": [{"sequence": 1, "diagnosisCodeableConcept": diagnosis}],
    }
    cover = reference(f"Coverage/cov-{bill.person.id}", "Lantern PPO")
    return shared | {"insurance": [{"sequence": 1, "focal": True, "coverage": cover}]}


def _items(bill: Bill, *, answered: bool) -> list[Json]:
    items: list[Json] = []
    for sequence, (code, words, charged, paid) in enumerate(bill.lines, 1):
        item: Json = {
            "sequence": sequence,
            "productOrService": concept(code, text=words),
            "servicedDate": bill.day,
        }
        if answered:
            item["adjudication"] = [_amount("submitted", charged), _amount("benefit", paid)]
        else:
            item["net"] = _money(charged)
        items.append(item)
    return items


def _answer(bill: Bill) -> Json:
    shared = _shared(bill)
    shared["insurance"] = [{"focal": True, "coverage": shared["insurance"][0]["coverage"]}]
    charged = sum(charged for _, _, charged, _ in bill.lines)
    paid = sum(paid for *_, paid in bill.lines)
    totals = (("submitted", charged), ("benefit", paid), ("copay", bill.copay))
    return resource(
        "ExplanationOfBenefit", f"eob-{bill.id}", date.fromisoformat(bill.day),
        **shared,
        claim=reference(f"Claim/claim-{bill.id}"),
        outcome="complete",
        disposition="Claim settled as per contract.",
        item=_items(bill, answered=True),
        total=[_amount(kind, amount) for kind, amount in totals],
        payment={"amount": _money(paid), "date": bill.day[:7]},
    )  # fmt: skip


def _money(amount: int) -> Json:
    return {"value": amount, "currency": "USD"}


def _amount(kind: str, amount: int) -> Json:
    name = {"submitted": "Submitted Amount", "benefit": "Benefit Amount", "copay": "CoPay"}[kind]
    return {"category": concept(codes.hl7("adjudication", kind, name)), "amount": _money(amount)}
