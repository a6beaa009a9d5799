"""An attacker with an export in hand: nothing in any format may tell what the person keeps back.

Each thing that is withheld, and each thing that tells it, carries one invented word; the bytes are searched for it, also
inside of base64.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.exporters.laid_open import laid_open

from phr.exporters.base import Exported, Handover, Options
from phr.exporters.ndjson import write_folder
from phr.exporters.registry import FORMATS, write
from phr.model import Received
from phr.store.store import Store
from phr.views.selection import Selection

SECRET = "Zorblattosis"
OPEN = "Ordinary cough"
CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
WAYS = [
    *((name, {}) for name in FORMATS),
    ("fhir", {"bundle": "document"}),
    ("ccd", {"template": "referral-note"}),
    ("pdf", {"layout": "summary"}),
    ("csv", {"research": True}),
]
Make = Callable[..., Received]


def _b64(words: str) -> str:
    return base64.b64encode(words.encode()).decode()


def _told(body: bytes) -> bool:
    """Whether the word stands in a file, or in anything that is packed in it."""
    return SECRET.lower().encode() in laid_open(body).lower()


def _write(
    store: Store, format_: str, selection: Selection | None = None, **how: Any
) -> tuple[bytes, Exported]:
    out = io.BytesIO()
    done = write(store, format_, selection or Selection(), out, Options(**how))
    return out.getvalue(), done


def _life(make: Make, label: dict[str, Any] | None = None) -> list[Received]:
    """A record in which nearly everything leads to one condition."""
    meta = {"meta": {"security": [label]}} if label else {}
    to = {"reference": "Condition/secret", "display": SECRET}
    div = f'<div xmlns="http://www.w3.org/1999/xhtml">Also {SECRET}.</div>'
    narrative = {"text": {"status": "generated", "div": div}}
    subject = {"subject": {"reference": "Patient/p"}}
    final = {"status": "final", **subject}
    return [
        make("Patient", "p", name=[{"family": "Example", "given": ["Ada"]}], birthDate="1990", gender="female"),
        make("Condition", "secret", code={"text": SECRET}, onsetDateTime="2020", **subject, **meta,
             identifier=[{"system": "urn:x", "value": "77"}], recorder={"reference": "Practitioner/hush"}),
        make("Condition", "open", code={"text": OPEN}, onsetDateTime="2021", **subject),
        make("Practitioner", "hush", name=[{"text": f"Doctor {SECRET}"}]),
        make("Organization", "hush", name=f"Institute of {SECRET}"),
        make("Encounter", "e", status="finished", reasonReference=[to], period={"start": "2020-03-01"},
             diagnosis=[{"condition": to, "rank": 1}], **subject, **narrative,
             **{"class": {"code": "AMB"}, "type": [{"text": "Visit"}]}),
        make("MedicationRequest", "m", status="active", intent="order", reasonReference=[to], **subject,
             medicationCodeableConcept={"text": "Aspirin 1.20 mg"}, authoredOn="2020-04-01"),
        make("Procedure", "by-name", status="completed", code={"text": "Biopsy"}, performedDateTime="2020-05",
             reasonReference=[{"identifier": {"system": "urn:x", "value": "77"}, "display": SECRET}], **subject),
        make("Procedure", "by-condition", status="completed", code={"text": "X-ray"}, performedDateTime="2020-06",
             reasonReference=[{"reference": "Condition?identifier=urn:x|77", "display": SECRET}], **subject),
        make("CarePlan", "cp", status="active", intent="plan", title="Plan", addresses=[to], period={"start": "2020"},
             activity=[{"detail": {"status": "completed", "reasonReference": [to], "description": "Rest"}}], **subject),
        make("Observation", "rna", code={"text": f"{SECRET} titre"}, effectiveDateTime="2020-02-01",
             valueQuantity={"value": 1.50, "unit": "mg"}, **final, **meta),
        make("Observation", "cbc", code={"text": "Haemoglobin"}, effectiveDateTime="2020-02-01",
             valueQuantity={"value": 12.5, "unit": "g/dL"}, **final),
        make("DiagnosticReport", "r", code={"text": "Blood work"}, effectiveDateTime="2020-02-01", **final, **narrative,
             result=[{"reference": "Observation/rna", "display": f"{SECRET} titre"}, {"reference": "Observation/cbc"}],
             conclusion=f"Speaks for {SECRET}",
             presentedForm=[{"contentType": "text/plain", "data": _b64(f"all of it: {SECRET}")}]),
        make("DiagnosticReport", "only", code={"text": f"{SECRET} panel"}, effectiveDateTime="2020-02-01",
             result=[{"reference": "Observation/rna"}], **final),
        make("DocumentReference", "letter", status="current", type={"text": "Letter"}, date="2020-03-02T10:00:00Z",
             content=[{"attachment": {"contentType": "text/plain", "data": _b64(f"Dear Ada, {SECRET} it is.")}}],
             **subject),
        make("DocumentReference", "related", status="current", type={"text": "Picture"}, date="2020-03-02T10:00:00Z",
             content=[{"attachment": {"contentType": "image/png", "data": _b64("no words, but the picture of it")}}],
             context={"related": [to]}, **subject),
        make("Provenance", "pr", target=[to], recorded="2020-01-01T00:00:00Z",
             agent=[{"who": {"display": f"Ward for {SECRET}"}}]),
        make("List", "l", status="current", mode="working", title=f"{SECRET} list", entry=[{"item": to}]),
        make("Communication", "told", status="completed", about=[to], sent="2020-07-01T00:00:00Z", **subject,
             payload=[{"contentString": "Please call"}, {"contentAttachment": {
                 "contentType": "text/plain", "data": _b64(f"about {SECRET}")}}]),
    ]  # fmt: skip


@pytest.fixture
def life(store: Store, source: str, received: Make) -> Store:
    store.save(source, _life(received))
    for address in ("Condition/secret", "Observation/rna"):
        store.own.correct(_number(store, address), {"sensitivity": "restricted"})
    return store


def _number(store: Store, address: str) -> int:
    type_, _, id_ = address.partition("/")
    row = store.db.execute("SELECT id FROM resource WHERE type = ? AND fhir_id = ?", (type_, id_)).fetchone()
    return int(row[0])


@pytest.mark.parametrize(("format_", "how"), WAYS)
def test_what_the_person_marked_stays_out_without_being_asked(life: Store, format_: str, how: dict) -> None:
    body, done = _write(life, format_, **how)

    assert not _told(body)
    assert how.get("research") or OPEN.encode() in laid_open(body)  # research tells measurements alone
    assert done.held_back >= 2
    assert not any("Condition" in one.type and one.id == "secret" for one in done.left_out)


@pytest.mark.parametrize(("format_", "how"), WAYS)
@pytest.mark.parametrize("level", ["normal", "sensitive"])
def test_so_does_what_a_source_labelled_when_a_level_is_asked_for(
    store: Store, source: str, received: Make, format_: str, how: dict, level: str
) -> None:
    store.save(source, _life(received, {"system": CONFIDENTIALITY, "code": "R"}))
    body, done = _write(store, format_, Selection(sensitivity=level), **how)

    assert not _told(body)
    assert how.get("research") or OPEN.encode() in laid_open(body)  # research tells measurements alone
    assert done.held_back >= 2


@pytest.mark.parametrize(("format_", "how"), WAYS)
def test_who_asks_for_all_of_it_gets_it_with_the_header_that_belongs(
    life: Store, format_: str, how: dict
) -> None:
    body, done = _write(life, format_, Selection(sensitivity="restricted"), **how)

    assert how.get("research") or _told(body)
    assert (done.held_back, done.softened) == (0, 0)
    if format_ == "ccd":
        assert b'<confidentialityCode code="R"' in body
    elif format_ in ("fhir", "ips") and (how or format_ == "ips"):
        assert orjson.loads(body)["entry"][0]["resource"]["confidentiality"] == "R"


def test_the_header_of_a_document_without_it_says_nothing_of_it(life: Store) -> None:
    assert b'<confidentialityCode code="N"' in _write(life, "ccd")[0]


def test_a_folder_keeps_it_back_as_well(life: Store, tmp_path: Path) -> None:
    given = Handover(life, Selection(), Options())
    done = given.told(write_folder(given, tmp_path))

    assert not any(_told(one.read_bytes()) for one in tmp_path.iterdir())
    assert done.held_back >= 2


@pytest.mark.parametrize(
    "selection", [Selection(kinds=("encounter",)), Selection(search="blood"), Selection(since="2020-02")]
)
def test_a_part_of_it_leads_to_it_no_more_than_the_whole(life: Store, selection: Selection) -> None:
    for format_ in FORMATS:
        assert not _told(_write(life, format_, selection)[0])


def test_what_leads_there_goes_along_without_the_reference_and_with_its_digits(life: Store) -> None:
    body, _ = _write(life, "fhir")
    entries = {one["resource"]["id"]: one["resource"] for one in orjson.loads(body)["entry"]}

    assert entries["r"]["result"] == [{"reference": "Observation/cbc"}]
    assert entries["r"].keys().isdisjoint({"text", "conclusion", "presentedForm"})
    assert "diagnosis" not in entries["e"]
    assert "reasonReference" not in entries["m"]
    assert entries.keys().isdisjoint({"secret", "rna", "only", "letter", "related", "pr", "l", "hush"})


def test_what_has_nothing_to_do_with_it_keeps_its_bytes(life: Store, source: str) -> None:
    raw = b'{"resourceType" : "Condition","id":"z","code":{"text":"Cold"},"x":1.20}'
    life.save(source, [Received("Condition", "z", raw)])

    assert raw in _write(life, "fhir")[0]


@pytest.mark.parametrize("format_", list(FORMATS))
def test_nothing_marked_is_what_it_always_was(
    store: Store, source: str, received: Make, format_: str
) -> None:
    store.save(source, _life(received, {"system": CONFIDENTIALITY, "code": "R"}))
    body, done = _write(store, format_)

    assert _told(body)
    assert (done.held_back, done.softened) == (0, 0)


def test_a_withheld_report_takes_its_results_along(store: Store, source: str, received: Make) -> None:
    store.save(source, _life(received))
    store.own.correct(_number(store, "DiagnosticReport/only"), {"sensitivity": "sensitive"})
    ids = {one["resource"]["id"] for one in orjson.loads(_write(store, "fhir")[0])["entry"]}

    assert ids.isdisjoint({"only", "rna"})


def test_the_visit_itself_may_be_private(store: Store, source: str, received: Make) -> None:
    at = {"encounter": {"reference": "Encounter/e", "display": "Saint Zorb"}}
    store.save(
        source,
        [
            received("Patient", "p", name=[{"family": "Example"}]),
            received(
                "Encounter",
                "e",
                status="finished",
                serviceProvider={"display": "Saint Zorb"},
                period={"start": "2020"},
            ),
            received("Condition", "c", code={"text": "Cough"}, recordedDate="2020", **at),
        ],
    )
    store.own.correct(_number(store, "Encounter/e"), {"sensitivity": "restricted"})

    for format_ in FORMATS:
        body, _ = _write(store, format_)
        assert b"Zorb" not in body
        assert b"Cough" in body


def test_documents_with_the_same_bytes_stay_back_wherever_they_hang(
    store: Store, source: str, received: Make
) -> None:
    data = _b64("a picture without words")
    held = {"contentType": "image/png", "data": data}
    store.save(
        source,
        [
            received("Patient", "p", name=[{"family": "Example"}]),
            received(
                "DocumentReference",
                "d",
                status="current",
                content=[{"attachment": held}],
                date="2020-01-01T00:00:00Z",
            ),
            received("DiagnosticReport", "r", status="final", code={"text": "Scan"}, presentedForm=[held]),
        ],
    )
    store.own.correct(_number(store, "DocumentReference/d"), {"sensitivity": "sensitive"})
    body, done = _write(store, "fhir")

    assert data.encode() not in body
    assert b"Scan" in body
    assert (done.held_back, done.softened) == (1, 1)


def test_a_fetched_document_of_a_withheld_record_is_no_binary_of_the_file(
    store: Store, source: str, received: Make
) -> None:
    attachment = {"contentType": "text/plain", "url": "Binary/b1"}
    store.save(
        source,
        [
            received("Patient", "p", name=[{"family": "Example"}]),
            received("DocumentReference", "d", status="current", content=[{"attachment": attachment}]),
            received(
                "DiagnosticReport", "r", status="final", code={"text": "Scan"}, presentedForm=[attachment]
            ),
        ],
    )
    for one in store.documents.wanted(source):
        store.documents.keep(one, f"the words {SECRET}".encode(), "text/plain")
    store.own.correct(_number(store, "DocumentReference/d"), {"sensitivity": "sensitive"})
    body, _ = _write(store, "fhir")

    assert not _told(body)
    assert b"Binary" not in body


@pytest.mark.parametrize("format_", list(FORMATS))
def test_an_entry_of_ones_own_that_says_it_is_private_stays_out_too(
    life: Store, received: Make, format_: str
) -> None:
    life.own.undo(_number(life, "Condition/secret"))
    life.own.undo(_number(life, "Observation/rna"))
    own = life.sources.ensure("self").key
    life.db.execute("UPDATE source SET kind = 'person' WHERE key = ?", (own,))
    label = {"meta": {"security": [{"system": CONFIDENTIALITY, "code": "R"}]}}
    life.save(
        own, [received("Condition", "mine", code={"text": "Quibbleache"}, onsetDateTime="2022", **label)]
    )
    assert b"Quibbleache" not in _write(life, format_)[0]
    assert b"Quibbleache" in _write(life, format_, Selection(sensitivity="restricted"))[0]
