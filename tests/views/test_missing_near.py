"""`phr missing`: what a cancelled, another or half-named result does to an order, and a near visit to a referral."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from phr.model import Received
from phr.store.store import Store
from phr.views.missing import missing

Resource = dict[str, Any]


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    path = tmp_path_factory.mktemp("missing") / "records.db"
    with Store(path, bytes(32), create=True, clock=lambda: datetime(2026, 3, 1, tzinfo=UTC)) as made:
        yield made


def order(text: str, category: str = "108252007", **more: Any) -> Resource:
    return {"resourceType": "ServiceRequest", "id": "o", "status": "active", "intent": "order", "code": {"text": text},
            "authoredOn": "2025-06-01", "requester": {"display": "Dana Whitlock, MD"},
            "category": [{"coding": [{"system": "http://snomed.info/sct", "code": category}]}], **more}  # fmt: skip


def referral(to: str) -> Resource:
    return order(f"AMB REFERRAL TO {to}", "3457005")


def measured(id_: str, text: str, loinc: str, **more: Any) -> Resource:
    return {"resourceType": "Observation", "id": id_, "status": "final", "effectiveDateTime": "2025-06-02",
            "category": [{"coding": [{"code": "laboratory"}]}], "valueQuantity": {"value": 1, "unit": "1"},
            "code": {"text": text, "coding": [{"system": "http://loinc.org", "code": loinc}]}, **more}  # fmt: skip


def report(text: str, date: str = "2025-06-12", category: str = "RAD") -> Resource:
    return {"resourceType": "DiagnosticReport", "id": "r", "status": "final", "code": {"text": text}, "conclusion": "Fine.",
            "effectiveDateTime": date, "category": [{"coding": [{"code": category}]}]}  # fmt: skip


def paper(name: str, type_: str = "Consult note") -> Resource:
    file = {"attachment": {"contentType": "text/plain", "data": "T0s="}}
    return {"resourceType": "DocumentReference", "id": "d", "status": "current", "type": {"text": type_},
            "description": name, "date": "2025-06-05T12:00:00Z", "content": [file]}  # fmt: skip


def visit(text: str, date: str, status: str = "finished") -> Resource:
    return {"resourceType": "Encounter", "id": "e", "status": status, "class": {"code": "AMB"}, "type": [{"text": text}],
            "period": {"start": date}}  # fmt: skip


CBC = [
    measured("w", "WBC", "6690-2"),
    measured("h", "Hemoglobin", "718-7"),
    measured("p", "Platelets", "777-3"),
]
GONE = measured("a", "HbA1c", "4548-4", status="cancelled", dataAbsentReason={"text": "Specimen hemolyzed"},
                basedOn=[{"reference": "ServiceRequest/o"}])  # fmt: skip
GONE.pop("valueQuantity")
CASES: list[tuple[str, list[Resource], str]] = [
    ("cancelled result", [order("HEMOGLOBIN A1C"), GONE], "missing"),
    ("cancelled, then done", [order("HEMOGLOBIN A1C"), GONE, measured("b", "HbA1c", "4548-4")], ""),
    ("another mammogram", [order("MAMMO DIAGNOSTIC LEFT"), report("MAMMO SCREENING BILATERAL")], "missing"),
    ("the same mammogram", [order("MAMMO DIAGNOSTIC LEFT"), report("MAMMOGRAM DIAGNOSTIC LEFT")], ""),
    ("panel by its members", [order("CBC WITH DIFFERENTIAL"), *CBC], ""),
    ("paper called so", [order("TSH"), paper("Lab results - TSH", "Laboratory report")], "unsure"),
    ("paper of something else", [order("TSH"), paper("Lab results - ferritin", "Laboratory report")], "missing"),
    ("requisition", [order("TSH"), paper("TSH requisition", "Laboratory report")], "missing"),
    ("pathology", [order("SKIN BIOPSY"), report("Surgical pathology - skin", category="SP")], "unsure"),
    ("other pathology", [order("SKIN BIOPSY"), report("Surgical pathology - colon", category="SP")], "missing"),
    ("contrast differs", [order("CT CHEST W CONTRAST"), report("CT CHEST WO CONTRAST")], ""),
    ("diet", [order("Low sodium diet")], ""),
    ("vital signs", [order("Vital signs per unit routine")], ""),
    ("activity", [order("Up ad lib with assistance"), ], ""),
    ("sodium", [order("SODIUM, SERUM")], "missing"),
    ("planned visit", [referral("CARDIOLOGY"), visit("Cardiology new patient", "2026-04-01", "planned")], "explained"),
    ("related visit", [referral("OPHTHALMOLOGY"), visit("Optometry eye exam", "2025-06-25")], "unsure"),
    ("the visit", [referral("OPHTHALMOLOGY"), visit("Ophthalmology new patient", "2025-06-25")], ""),
    ("consultation note", [referral("CARDIOLOGY"), paper("Cardiology consultation")], ""),
    ("only the letter that sends", [referral("CARDIOLOGY"), paper("Referral to cardiology", "Letter")], "missing"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("resources", "where"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_what_becomes_of_it(store: Store, resources: list[Resource], where: str) -> None:
    received = [Received(one["resourceType"], one["id"], orjson.dumps(one)) for one in resources]
    store.save(store.sources.ensure("river").key, received)
    found = missing(store)
    places = {
        name: [one.detail for one in getattr(found, name) if one.resource == "ServiceRequest/o"]
        for name in ("missing", "explained", "unsure")
    }
    assert {name: len(lines) for name, lines in places.items()} == {
        "missing": 0, "explained": 0, "unsure": 0,
    } | ({where: 1} if where else {})  # fmt: skip


def test_a_cancelled_result_says_why(store: Store) -> None:
    received = [
        Received(one["resourceType"], one["id"], orjson.dumps(one)) for one in (order("HEMOGLOBIN A1C"), GONE)
    ]
    store.save(store.sources.ensure("river").key, received)
    assert "cancelled: Specimen hemolyzed" in missing(store).missing[0].detail


def test_nobody_is_to_be_asked_twice_in_one_breath(store: Store) -> None:
    received = [Received("ServiceRequest", "o", orjson.dumps(referral("CARDIOLOGY")))]
    store.save(store.sources.ensure("river").key, received)
    assert missing(store).missing[0].hint.count("Dana Whitlock") == 1
