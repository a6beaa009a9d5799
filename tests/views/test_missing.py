"""`phr missing` on a life with planted truths: what is missing, and what only looks like it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from phr.errors import UsageError
from phr.model import Received
from phr.store.store import Store
from phr.views.missing import Missing, missing

LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
LAB = {"category": [{"coding": [{"system": SNOMED, "code": "108252007", "display": "Laboratory procedure"}]}]}
REFERRAL = {"category": [{"coding": [{"system": SNOMED, "code": "3457005", "display": "Patient referral"}]}]}
RAD = {"category": [{"coding": [{"code": "RAD"}]}]}


def said(text: str | None = None, code: str | None = None, system: str = LOINC) -> dict[str, Any]:
    return {
        **({"text": text} if text else {}),
        **({"coding": [{"system": system, "code": code}]} if code else {}),
    }


def who(display: str, type_: str = "Practitioner") -> dict[str, Any]:
    return {"reference": f"{type_}/{abs(sum(map(ord, display)))}", "display": display}


def ref(address: str) -> list[dict[str, str]]:
    return [{"reference": address}]


class World:
    """Resources of two sources, collected and saved at once."""

    def __init__(self) -> None:
        self.kept: dict[str, list[Received]] = {}
        self._number = 0

    def put(self, type_: str, *, source: str = "river", **elements: Any) -> str:
        self._number += 1
        id_ = f"{type_[:4].lower()}-{self._number}"
        body = {"resourceType": type_, "id": id_, **elements}
        self.kept.setdefault(source, []).append(Received(type_, id_, orjson.dumps(body)))
        return f"{type_}/{id_}"

    def order(self, text: str, date: str, code: str | None = None, **more: Any) -> str:
        standard = {"status": "active", "intent": "order", "code": said(text, code), "authoredOn": date}
        return self.put("ServiceRequest", **(standard | {"requester": who("Dr. Ada Moss")} | more))

    def report(self, text: str, date: str, **more: Any) -> str:
        standard = {"status": "final", "code": said(text), "effectiveDateTime": date, "conclusion": "Fine."}
        return self.put("DiagnosticReport", **(standard | RAD | more))

    def lab(self, text: str, code: str | None, date: str, **more: Any) -> str:
        standard = {"status": "final", "category": [{"coding": [{"code": "laboratory"}]}], "code": said(text, code),
                    "effectiveDateTime": date, "valueQuantity": {"value": 1, "unit": "mg/dL"}}  # fmt: skip
        return self.put("Observation", **(standard | more))

    def visit(
        self, text: str, date: str, doctor: str | None = None, place: str | None = None, **more: Any
    ) -> str:
        people = {"participant": [{"individual": who(doctor)}]} if doctor else {}
        where = {"serviceProvider": who(place, "Organization")} if place else {}
        standard = {
            "status": "finished",
            "class": {"code": "AMB"},
            "type": [said(text)],
            "period": {"start": date, "end": date},
        }
        return self.put("Encounter", **(standard | people | where | more))


def _orders(w: World) -> None:
    # missing
    w.order("M ferritin", "2025-06-01", "2276-4", **LAB)
    w.order("M CT of the chest", "2025-07-01")
    w.order("M MRI left knee", "2025-03-01")
    w.report("MRI right knee", "2025-03-10")
    w.order("M Celiac antibody panel", "2025-05-01", **LAB)
    w.order("M TSH completed", "2024-05-01", "3016-3", status="completed", **LAB)
    w.lab("TSH", "3016-3", "2024-04-01")
    w.order("M sleep study", "2025-02-01")
    sampled = w.order("M Quantiferon sampled", "2025-04-01", **LAB)
    w.put("Specimen", status="available", request=ref(sampled))
    w.order("M colonoscopy billed", "2025-01-10")
    w.put(
        "Claim",
        status="active",
        use="claim",
        billablePeriod={"start": "2025-01-20"},
        item=[{"sequence": 1, "productOrService": said("Colonoscopy")}],
    )
    w.order("M Echocardiogram cancelled visit", "2025-08-01")
    w.put("Appointment", status="cancelled", description="Echocardiogram", start="2025-08-20T09:00:00Z")
    gone = w.order("M Sweat chloride", "2025-06-01", **LAB)
    w.report("Sweat chloride", "2025-06-04", status="cancelled", basedOn=ref(gone), **LAB)
    w.order("M Urine culture", "2025-06-01", **LAB)
    w.lab("Blood culture", None, "2025-06-03")
    w.order("M Vitamin B12 level, recheck in 3 months", "2025-06-01", **LAB)
    # not missing
    based = w.order("OK Lipid panel based", "2025-06-01", "24331-1", **LAB)
    w.report("Bloods", "2025-06-03", basedOn=ref(based), **LAB)
    w.order("OK HbA1c elsewhere", "2025-06-01", "4548-4", **LAB)
    w.lab("Haemoglobin A1c", "17856-6", "2025-06-20", source="hill")
    w.order("OK Vitamin D", "2025-06-01", **LAB)
    w.lab("25-Hydroxyvitamin D", "62292-8", "2025-06-05", source="hill")
    w.order("OK X-ray of chest", "2025-06-01")
    w.report("CHEST PA AND LATERAL", "2025-06-02", source="hill")
    w.order("OK Complete blood count", "2025-06-01", **LAB)
    w.lab("Hemoglobin", "718-7", "2025-06-04")
    seen = w.order("OK Strange assay by observation", "2025-06-01", **LAB)
    w.lab("Something else", None, "2025-06-04", basedOn=ref(seen))
    w.order("OK revoked ferritin", "2025-06-02", "2276-4", status="revoked", **LAB)
    w.order("OK draft", "2025-06-02", status="draft")
    w.order("OK on hold", "2025-06-02", status="on-hold")
    w.order("OK proposal", "2025-06-02", intent="proposal")
    w.order("OK not to be done", "2025-06-02", doNotPerform=True)
    w.order("OK error", "2025-06-02", status="entered-in-error")
    w.order("OK future", "2025-06-02", occurrenceDateTime="2026-09-01")
    w.order("OK future month", "2025-06-02", occurrenceDateTime="2027-03")
    w.order("OK selenium, asked lately", "2026-02-20", **LAB)
    old = w.order("OK replaced", "2025-06-02", **LAB)
    new = w.order("OK replacing zinc", "2025-06-20", replaces=ref(old), **LAB)
    w.report("Zinc", "2025-06-25", basedOn=ref(new), **LAB)
    undone = w.order("E bronchoscopy not done", "2025-06-01")
    w.put(
        "Procedure",
        status="not-done",
        code=said("Bronchoscopy"),
        performedDateTime="2025-06-10",
        basedOn=ref(undone),
        statusReason=said("improved without it"),
    )
    w.order("OK standing INR weekly", "2024-01-01", "6301-6", **LAB)
    w.lab("INR", "6301-6", "2025-12-01")
    w.order("OK diet instructions", "2025-06-01")
    w.order("OK smoking cessation counselling", "2025-06-01")
    w.order("E mammogram planned", "2025-06-01")
    w.put("Appointment", status="booked", description="Mammogram", start="2026-04-01T09:00:00Z")
    w.order("OK EKG by procedure", "2025-06-01")
    w.put(
        "Procedure",
        status="completed",
        code=said("Electrocardiogram, 12 lead"),
        performedDateTime="2025-06-01T15:00:00Z",
    )
    w.order("OK uric acid the same afternoon", "2025-06-01T16:00:00Z", "3084-1", **LAB)
    w.lab("Urate", "14933-6", "2025-06-02T09:00:00Z")
    other = w.order("OK potassium second", "2025-09-01", "2823-3", **LAB)
    w.order("U potassium first", "2025-03-01", "2823-3", **LAB)
    w.report("Potassium", "2025-09-02", code=said("Potassium", "2823-3"), basedOn=ref(other), **LAB)


def _referrals(w: World) -> None:
    # missing
    w.order("M Referral to cardiology", "2025-05-01", performer=[who("Dr. Hugo Blythe")], **REFERRAL)
    w.order("M Referral to dermatology", "2025-05-01", **REFERRAL)
    w.visit("Dermatology consultation", "2025-01-05")
    w.order("M Psychiatry consult, appointment missed", "2025-05-01", **REFERRAL)
    w.put("Appointment", status="noshow", description="Psychiatry", start="2025-06-01T09:00:00Z")
    w.put(
        "Task",
        status="requested",
        intent="order",
        code=said("Schedule appointment with nephrology"),
        authoredOn="2025-05-01",
        description="M nephrology task",
    )
    w.order("M Physical therapy evaluate and treat", "2025-03-01")
    w.order("M Referral to urology", "2025-03-01", **REFERRAL)
    w.visit("Neurology visit", "2025-04-01", status="finished")
    # not missing
    w.order("OK Referral to pulmonology", "2025-05-01", **REFERRAL)
    w.visit("Office visit", "2025-06-01", "Dr. Any Body", "Larkfield Lung Clinic")
    w.order("OK Referral to Dr. Quill", "2025-05-01", performer=[who("Petra Quill, MD")], **REFERRAL)
    w.visit("Office visit", "2025-06-11", "Dr. Petra Quill", "Some Other Place", source="hill")
    named = w.order("OK Referral with basedOn", "2025-05-01", **REFERRAL)
    w.visit("Office visit", "2025-06-12", basedOn=ref(named))
    w.order("OK Rheumatology by note", "2025-05-01", **REFERRAL)
    w.put(
        "DocumentReference",
        status="current",
        type=said("Rheumatology consult note"),
        date="2025-07-01T00:00:00Z",
        content=[{"attachment": {"contentType": "text/plain", "data": "Tm90ZQ=="}}],
    )
    w.order("OK Ophthalmology by role", "2025-05-01", **REFERRAL)
    w.put("PractitionerRole", practitioner=who("Iris Lens"), specialty=[said("Ophthalmology")])
    w.visit("Office visit", "2025-06-21", "Iris Lens")
    w.order("OK revoked referral to surgery", "2025-05-01", status="revoked", **REFERRAL)
    w.order("OK young referral to oncology", "2026-02-10", **REFERRAL)
    w.order("E Referral to ENT booked", "2025-12-01", **REFERRAL)
    w.put("Appointment", status="booked", description="ENT clinic", start="2026-03-20T09:00:00Z")
    w.order("U Referral", "2025-05-01", **REFERRAL)


def _reports(w: World) -> None:
    letter = {"contentType": "application/pdf", "url": "https://h.example/Binary/1", "title": "Letter"}
    words = {"contentType": "text/plain", "data": "Tm90ZQ=="}
    # missing
    w.put(
        "DocumentReference",
        status="current",
        type=said("M letter not fetched"),
        date="2025-01-01T00:00:00Z",
        content=[{"attachment": letter}],
    )
    w.put(
        "DocumentReference",
        status="current",
        type=said("M letter without content"),
        date="2025-01-01T00:00:00Z",
        content=[{"attachment": {"title": "nothing"}}],
    )
    w.report("M report with a form", "2025-01-01", presentedForm=[letter])
    w.report("M MRI pelvis in name only", "2025-01-01", conclusion=None)
    w.put("ImagingStudy", status="available", started="2025-01-01", description="M US Thyroid", series=[])
    w.report("M panel with lost results", "2025-01-01", result=[{"reference": "Observation/gone-1"}], **LAB)
    w.report("M culture preliminary", "2025-01-01", status="preliminary", **LAB)
    w.report("M registered CT sinus", "2025-01-01", status="registered")
    w.lab("M copper preliminary", None, "2025-01-01", status="preliminary")
    # not missing
    w.put(
        "DocumentReference",
        status="current",
        type=said("OK two formats"),
        date="2025-01-01T00:00:00Z",
        content=[{"attachment": letter}, {"attachment": words}],
    )
    w.put(
        "DocumentReference",
        status="superseded",
        type=said("OK superseded"),
        date="2025-01-01T00:00:00Z",
        content=[{"attachment": letter}],
    )
    study = w.put(
        "ImagingStudy", status="available", started="2025-02-02", description="OK MR Spine", series=[]
    )
    w.report("OK its report", "2025-02-03", imagingStudy=ref(study))
    w.put("ImagingStudy", status="available", started="2025-03-03", description="OK CT Neck", series=[])
    w.report("CT of neck", "2025-03-04", source="hill")
    w.put(
        "ImagingStudy", status="available", started="2026-02-25", description="OK MR Elbow young", series=[]
    )
    w.put("ImagingStudy", status="cancelled", started="2025-03-03", description="OK CT Foot", series=[])
    member = w.lab("OK zinc", None, "2025-04-04")
    w.report("OK zinc panel", "2025-04-04", result=ref(member), **LAB)
    w.report("OK HRCT preliminary, final below", "2025-05-05", status="preliminary", code=said("HRCT"))
    w.report("OK HRCT", "2025-05-06", code=said("CT chest high resolution"))
    w.report("OK preliminary young", "2026-02-25", status="preliminary", **LAB)
    w.report("OK cancelled", "2025-01-01", status="cancelled", conclusion=None)


def _stays(w: World) -> None:
    inside = {"class": {"code": "IMP"}}
    w.visit("M hospital stay", "2025-01-01", period={"start": "2025-01-01", "end": "2025-01-05"}, **inside)
    kept = w.visit(
        "OK stay with summary", "2024-01-01", period={"start": "2024-01-01", "end": "2024-01-05"}, **inside
    )
    w.put(
        "DocumentReference",
        status="current",
        type=said("Discharge summary", "18842-5"),
        date="2024-03-20T00:00:00Z",
        context={"encounter": ref(kept)},
        content=[{"attachment": {"contentType": "text/plain", "data": "Tm90ZQ=="}}],
    )
    w.visit(
        "OK stay with a letter of another source",
        "2023-01-01",
        period={"start": "2023-01-01", "end": "2023-01-05"},
        **inside,
    )
    w.put(
        "DocumentReference",
        source="hill",
        status="current",
        type=said("Hospital discharge letter"),
        date="2023-01-09T00:00:00Z",
        content=[{"attachment": {"contentType": "text/plain", "data": "Tm90ZQ=="}}],
    )
    w.visit(
        "OK one day",
        "2022-01-01",
        period={"start": "2022-01-01T08:00:00Z", "end": "2022-01-01T18:00:00Z"},
        **inside,
    )
    w.visit("OK still there", "2026-02-20", period={"start": "2026-02-20"}, **inside)
    w.visit("OK just out", "2026-02-20", period={"start": "2026-02-20", "end": "2026-02-25"}, **inside)
    w.visit(
        "OK part of the stay", "2025-01-02", period={"start": "2025-01-02", "end": "2025-01-04"}, **inside
    )


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Everything at once. A title begins with what has to become of it: M missing, OK, E explained, U unsure."""
    world = World()
    for part in (_orders, _referrals, _reports, _stays):
        part(world)
    path = tmp_path_factory.mktemp("missing") / "records.db"
    with Store(path, bytes(range(32)), create=True, clock=lambda: datetime(2026, 3, 1, tzinfo=UTC)) as store:
        for name, received in world.kept.items():
            store.save(store.sources.ensure(name).key, received)
        yield store


@pytest.fixture(scope="module")
def found(planted: Store) -> Missing:
    return missing(planted)


def _truths() -> list[tuple[str, str]]:
    world = World()
    for part in (_orders, _referrals, _reports, _stays):
        part(world)
    titles = []
    for received in world.kept.values():
        for one in received:
            body = orjson.loads(one.raw)
            for place in (
                body.get("code"),
                body.get("type"),
                (body.get("type") or [{}])[0] if isinstance(body.get("type"), list) else None,
            ):
                if isinstance(place, dict) and str(place.get("text", ""))[:2] in ("M ", "OK", "E ", "U "):
                    titles.append(place["text"])
            if str(body.get("description", ""))[:2] in ("M ", "OK"):
                titles.append(body["description"])
    return [(title[0], title) for title in dict.fromkeys(titles)]


@pytest.mark.parametrize(("truth", "title"), _truths())
def test_each_planted_thing_stands_where_it_belongs(found: Missing, truth: str, title: str) -> None:
    shown = "Schedule appointment with nephrology" if title == "M nephrology task" else title
    places = {
        "M": [one for one in found.missing if one.title == shown],
        "E": [one for one in found.explained if one.title == shown],
        "U": [one for one in found.unsure if one.title == shown],
    }
    assert {name: len(lines) for name, lines in places.items()} == {"M": 0, "E": 0, "U": 0} | (
        {truth: 1} if truth != "O" else {}
    )


def test_there_are_many_truths() -> None:
    assert sum(truth == "M" for truth, _ in _truths()) >= 20
    assert sum(truth == "O" for truth, _ in _truths()) >= 40


@pytest.mark.parametrize(
    ("title", "reason", "words"),
    [
        ("M ferritin", "ordered_without_result", "No result is in your record"),
        ("M Quantiferon sampled", "ordered_without_result", "sample"),
        ("M colonoscopy billed", "ordered_without_result", "billed on 2025-01-20"),
        ("M Referral to cardiology", "referral_without_visit", "No visit"),
        ("M Psychiatry consult, appointment missed", "referral_without_visit", "2025-06-01 was missed"),
        ("M letter without content", "report_without_document", "no content"),
        ("M US Thyroid", "report_without_document", "no report"),
        ("M panel with lost results", "results_not_here", "only result"),
        ("M culture preliminary", "never_final", "preliminary"),
        ("M hospital stay", "stay_without_summary", "4 nights"),
    ],
)
def test_each_line_says_why_and_what_to_do(found: Missing, title: str, reason: str, words: str) -> None:
    line = next(one for one in found.missing if one.title == title).document()
    assert line["reason"] == reason
    assert words in line["detail"]
    assert "not done" not in line["detail"]
    assert "phr " in line["hint"]
    assert line["waiting_days"] > 0
    assert line["source"] == "river"
    assert line["record"].isdecimal()


def test_why_it_was_not_done_is_explained(found: Missing) -> None:
    line = next(one for one in found.explained if one.title == "E bronchoscopy not done")
    assert "improved without it" in line.detail


def test_since_kind_and_source_narrow(planted: Store) -> None:
    assert {one.reason for one in missing(planted, kinds=("encounter",)).missing} == {"stay_without_summary"}
    assert not missing(planted, sources=("hill",)).missing
    assert all(str(one.date) >= "2025-05" for one in missing(planted, since="2025-05").missing)
    with pytest.raises(UsageError):
        missing(planted, sources=("nowhere",))


def test_patience_can_be_shorter_and_longer(planted: Store) -> None:
    titles = {one.title for one in missing(planted, grace=5).missing}
    assert {"OK selenium, asked lately", "OK young referral to oncology"} <= titles
    assert not missing(planted, grace=3000).missing or all(
        one.reason in ("report_without_document", "results_not_here")
        for one in missing(planted, grace=3000).missing
    )


def test_the_document_has_the_promised_keys(found: Missing) -> None:
    document = found.document()
    assert {"missing", "checked", "unsure"} <= document.keys()
    assert {
        "reason", "record", "resource", "title", "date", "whom", "where", "source", "waiting_days", "detail", "hint",
    } <= document["missing"][0].keys()  # fmt: skip
    assert document["checked"]["orders"] > 20


def test_an_empty_record_misses_nothing(store: Store) -> None:
    assert missing(store).document()["missing"] == []
