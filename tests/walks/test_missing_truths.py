# ruff: noqa: E501 - a table of truths reads best with one to a line
"""`phr missing` on a life with planted truths: what is missing, and what only looks like it.

Written without a look at how the answer is found.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.walks.conftest import Person

LOINC = "http://loinc.org"
WHOSE = {"subject": {"reference": "Patient/p"}}
NOW = datetime.now(UTC)


def ago(days: int) -> str:
    return f"{NOW - timedelta(days=days):%Y-%m-%d}"


def coded(text: str, *codes: str) -> dict[str, Any]:
    return {
        "text": text,
        **({"coding": [{"system": LOINC, "code": code} for code in codes]} if codes else {}),
    }


def order(id_: str, name: str, days: int, *codes: str, status: str = "active", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "ServiceRequest",
        "id": id_,
        "status": status,
        "intent": "order",
        "code": coded(name, *codes),
        "authoredOn": ago(days),
        **WHOSE,
        **more,
    }


def lab(id_: str, name: str, days: int, *codes: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "code": coded(name, *codes),
        "effectiveDateTime": ago(days),
        "valueQuantity": {"value": 5, "unit": "mg/dL"},
        **WHOSE,
        **more,
    }


def report(id_: str, name: str, days: int, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "DiagnosticReport",
        "id": id_,
        "status": "final",
        "code": coded(name),
        "effectiveDateTime": ago(days),
        **WHOSE,
        **more,
    }


def visit(id_: str, days: int, type_: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": id_,
        "status": "finished",
        "class": {"code": "AMB"},
        "type": [{"text": type_}],
        "period": {"start": ago(days), "end": ago(days)},
        **WHOSE,
        **more,
    }


def referral(id_: str, to: str, days: int, **more: Any) -> dict[str, Any]:
    category = [
        {
            "coding": [
                {"system": "http://snomed.info/sct", "code": "3457005", "display": "Patient referral"}
            ],
            "text": "Referral",
        }
    ]
    return order(id_, f"Referral to {to}", days, category=category, **more)


def based(id_: str) -> dict[str, Any]:
    return {"basedOn": [{"reference": f"ServiceRequest/{id_}"}]}


PERSON = {
    "resourceType": "Patient",
    "id": "p",
    "name": [{"family": "Quill", "given": ["Ada"]}],
    "birthDate": "1960-05-05",
}
# name of the resource -> reason
MISSING: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "no-result": ("ordered_without_result", [order("no-result", "Ferritin", 200, "2276-4")]),
    "older-result": ("ordered_without_result", [order("older-result", "Magnesium", 100, "19123-9"), lab("mg", "Magnesium", 300, "19123-9")]),
    "other-side": ("ordered_without_result", [order("other-side", "MRI of right knee", 150), report("left", "MRI of left knee", 140)]),
    "other-part": ("ordered_without_result", [order("other-part", "CT of the head", 150), report("ctc", "CT of the chest", 140)]),
    "completed-no-result": ("ordered_without_result", [order("completed-no-result", "Zinc level", 90, status="completed")]),
    "result-in-error": ("ordered_without_result", [order("result-in-error", "Copper", 90), lab("cu", "Copper", 80, status="entered-in-error")]),
    "cancelled-report": ("ordered_without_result", [order("cancelled-report", "Sweat chloride", 90), report("sw", "Sweat chloride", 80, status="cancelled", **based("cancelled-report"))]),
    "only-ordered-again": ("ordered_without_result", [order("only-ordered-again", "Bone scan", 300)]),
    "word-alike": ("ordered_without_result", [order("word-alike", "Urine protein electrophoresis", 120), lab("upro", "Urine color", 110)]),
    "ref-none": ("referral_without_visit", [referral("ref-none", "Rheumatology", 200)]),
    "ref-earlier": ("referral_without_visit", [referral("ref-earlier", "Nephrology", 200), visit("neph-old", 400, "Nephrology visit")]),
    "ref-other": ("referral_without_visit", [referral("ref-other", "Neurology", 200), visit("uro", 150, "Urology visit")]),
    "ref-noshow": ("referral_without_visit", [referral("ref-noshow", "Allergology", 200), {**visit("allergo", 150, "Allergology visit"), "status": "cancelled"}]),
    "doc-none": ("report_without_document", [{"resourceType": "DocumentReference", "id": "doc-none", "status": "current", "type": coded("Discharge summary"), "date": f"{ago(100)}T00:00:00Z", "content": [{"attachment": {"contentType": "application/pdf"}}], **WHOSE}]),
    "results-gone": ("results_not_here", [report("results-gone", "Allergy panel", 100, result=[{"reference": "Observation/nowhere"}])]),
    "prelim": ("never_final", [report("prelim", "Culture of blood", 100, status="preliminary")]),
    "registered": ("never_final", [report("registered", "Pathology of polyp", 100, status="registered")]),
}  # fmt: skip
FINE: dict[str, list[dict[str, Any]]] = {
    "revoked": [order("revoked", "Selenium", 200, status="revoked")],
    "draft": [order("draft", "Chromium level", 200, status="draft")],
    "in-error": [order("in-error", "Cobalt level", 200, status="entered-in-error")],
    "yesterday": [order("yesterday", "Lead level", 1)],
    "future": [order("future", "Manganese level", 30, occurrenceDateTime=f"{NOW + timedelta(days=60):%Y-%m-%d}")],
    "with-basis": [order("with-basis", "Ceruloplasmin", 100), report("cer", "Metal study", 90, **based("with-basis"))],
    "with-code": [order("with-code", "TSH", 100, "3016-3"), lab("tsh", "Thyrotropin [Units/volume] in Serum or Plasma", 95, "3016-3")],
    "with-name": [order("with-name", "Chest X-ray", 100), report("cxr", "XR CHEST 2 VIEWS", 99)],
    "other-code": [order("other-code", "HbA1c", 100), lab("a1c", "Hemoglobin A1c/Hemoglobin.total in Blood", 95, "4548-4")],
    "procedure-done": [order("procedure-done", "Colonoscopy", 100), {"resourceType": "Procedure", "id": "colo", "status": "completed", "code": coded("Colonoscopy with biopsy"), "performedDateTime": ago(60), **WHOSE}],
    "same-day": [order("same-day", "Potassium", 50, "2823-3"), lab("k", "Potassium", 50, "2823-3")],
    "on-hold": [order("on-hold", "Testosterone", 200, status="on-hold")],
    "ref-visit": [referral("ref-visit", "Cardiology", 200), visit("card", 150, "Cardiology consultation")],
    "ref-person": [referral("ref-person", "Pulmonology", 200, performer=[{"display": "Dr. Ines Okafor"}]), visit("pulm", 150, "Office visit", participant=[{"individual": {"display": "Ines Okafor, MD"}}])],
    "ref-young": [referral("ref-young", "Dermatology", 5)],
    "ref-booked": [referral("ref-booked", "Endocrinology", 100), {"resourceType": "Appointment", "id": "endo", "status": "booked", "start": f"{NOW + timedelta(days=20):%Y-%m-%d}T09:00:00Z", "serviceType": [{"text": "Endocrinology"}], "participant": [{"actor": {"reference": "Patient/p"}, "status": "accepted"}]}],
    "doc-here": [{"resourceType": "DocumentReference", "id": "doc-here", "status": "current", "type": coded("Letter"), "date": f"{ago(100)}T00:00:00Z", "content": [{"attachment": {"contentType": "text/plain", "data": "SGVsbG8="}}], **WHOSE}],
    "results-here": [report("results-here", "Lipase report", 100, result=[{"reference": "Observation/lip"}]), lab("lip", "Lipase", 100)],
    "prelim-young": [report("prelim-young", "Culture of urine", 1, status="preliminary")],
    "final": [report("final", "Pathology of skin", 100, conclusion="Benign.")],
}  # fmt: skip


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Path:
    parts = [
        PERSON,
        *(one for _, some in MISSING.values() for one in some),
        *(one for some in FINE.values() for one in some),
    ]
    file: Path = tmp_path_factory.mktemp("truths") / "life.json"
    entries = [
        {"fullUrl": f"https://a.example/{one['resourceType']}/{one['id']}", "resource": one} for one in parts
    ]
    file.write_bytes(orjson.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}))
    return file


def test_what_is_missing_is_named_and_what_only_looks_like_it_is_not(
    phr: Any, person: Person, life: Path
) -> None:
    assert phr("import", str(life), "--as", "clinic").status == 0
    told = phr("missing", "--json").json["missing"]
    found = {one["resource"].partition("/")[2]: one["reason"] for one in told}

    assert {name: found.get(name) for name in MISSING} == {
        name: reason for name, (reason, _) in MISSING.items()
    }
    assert not set(FINE) & set(found)
