"""The record on paper: the facts of the Continuity of Care Document, four pages for a doctor, tagged as PDF/UA asks."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from lxml import etree
from tests.exporters.paper import drawn_order, elements, kinds, opened, read_order, words

from phr.exporters.base import Exported, Options
from phr.exporters.pdf_chapters import bounded
from phr.exporters.pdf_fold import folded
from phr.exporters.pdf_spoken import spoken
from phr.exporters.pdf_who import who
from phr.exporters.press import pages
from phr.exporters.registry import write
from phr.model import Received
from phr.store.store import Store
from phr.views.selection import Selection

Make = Callable[..., Received]
SUBJECT = {"subject": {"reference": "Patient/p"}}
PATIENT = {"patient": {"reference": "Patient/p"}}
ACTIVE = {"clinicalStatus": {"coding": [{"code": "active"}]}}
LABORATORY = [{"coding": [{"code": "laboratory"}]}]
LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"


def _code(system: str, code: str, display: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": display}]}


def _life(make: Make, labs: int = 6) -> list[Received]:
    low = {"low": {"value": 2.0}, "high": {"value": 4.0}}
    return [
        make("Patient", "p", name=[{"family": "Example", "given": ["Ada"]}], birthDate="1971-04-17", gender="female",
             telecom=[{"system": "phone", "value": "555 0100"}],
             identifier=[{"type": {"coding": [{"code": "MR"}]}, "value": "QX-7"},
                         {"system": "http://hl7.org/fhir/sid/us-ssn", "value": "999-12-3456"}]),
        make("AllergyIntolerance", "a", code=_code(SNOMED, "91936005", "Allergy to penicillin"), criticality="high",
             **PATIENT, **ACTIVE),
        make("Condition", "c", code=_code(SNOMED, "195967001", "Asthma"), onsetDateTime="2015", **SUBJECT, **ACTIVE),
        make("MedicationRequest", "m", status="active", intent="order", authoredOn="2026-02-01", **SUBJECT,
             medicationCodeableConcept={"text": "amlodipine 5 mg tablet"}, dosageInstruction=[{"text": "One each morning"}]),
        make("Immunization", "i", status="completed", vaccineCode=_code("http://hl7.org/fhir/sid/cvx", "141", "Influenza"),
             occurrenceDateTime="2025-10-01", **PATIENT),
        make("Procedure", "x", status="completed", code=_code(SNOMED, "80146002", "Appendectomy"),
             performedDateTime="1987-05-05", **SUBJECT),
        make("Encounter", "e", status="finished", type=[{"text": "Office visit"}], period={"start": "2026-01-05"},
             **{"class": {"code": "AMB"}}, **SUBJECT),
        make("Communication", "k", status="completed", sent="2026-01-06", **SUBJECT,
             payload=[{"contentString": "Your potassium is fine"}]),
        *(make("Observation", f"o{at}", status="final", category=LABORATORY, effectiveDateTime=f"20{20 + at % 7}-01-01",
               code=_code(LOINC, "2823-3", "Potassium"), referenceRange=[low], **SUBJECT,
               valueQuantity={"value": 3.0 + at % 3, "unit": "mmol/L"}) for at in range(labs)),
    ]  # fmt: skip


@pytest.fixture
def life(store: Store, source: str, received: Make) -> Store:
    store.save(source, _life(received))
    return store


def _write(store: Store, selection: Selection | None = None, **how: Any) -> tuple[bytes, Exported]:
    out = io.BytesIO()
    done = write(store, "pdf", selection or Selection(), out, Options(**how))
    return out.getvalue(), done


@pytest.mark.parametrize("layout", ["full", "summary"])
def test_it_is_tagged_as_pdf_ua_asks(life: Store, layout: str) -> None:
    pdf = opened(_write(life, layout=layout)[0])

    root, found = pdf.Root, kinds(pdf)
    assert (
        bool(root.MarkInfo.Marked) and str(root.Lang) == "en" and bool(root.ViewerPreferences.DisplayDocTitle)
    )
    with pdf.open_metadata() as said:
        assert said["pdfuaid:part"] == "1"
        assert said["dc:title"].endswith(": Ada Example")
    levels = [int(one[2:]) for one in found if one[:2] == "/H" and one[2:].isdigit()]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    figures = [one for one in elements(pdf) if one.S == "/Figure"]
    assert figures and all(str(one.Alt).strip() for one in figures)
    assert found.count("/Table") == found.count("/THead") > 0
    assert all("/Scope" in str(one.get("/A")) or "/A" in one for one in elements(pdf) if one.S == "/TH")


@pytest.mark.parametrize("layout", ["full", "summary"])
def test_what_is_read_aloud_comes_in_the_order_in_which_it_stands(life: Store, layout: str) -> None:
    pdf = opened(_write(life, layout=layout)[0])
    read = read_order(pdf)

    assert read
    for page in pdf.pages:
        told = read.get(page.objgen[0], [])
        assert told == [one for one in drawn_order(page) if one in set(told)]
        assert told == sorted(told)


def test_every_coded_entry_of_the_document_for_a_doctors_software_is_on_the_paper(life: Store) -> None:
    out = io.BytesIO()
    ccd = write(life, "ccd", Selection(), out, Options())
    body, done = _write(life)
    told = words(body)

    xml = etree.fromstring(out.getvalue())
    entries = xml.iterfind(".//{*}section/{*}entry//{*}*[@displayName]")
    named = {
        one.get("displayName")
        for one in entries
        if one.tag.endswith(("}value", "}code", "}manufacturedMaterial"))
    }
    planted = {"Allergy to penicillin", "Asthma", "Influenza", "Appendectomy", "Potassium"}
    assert planted <= named | {"Allergy to penicillin"}
    assert all(one in told for one in planted)
    assert "amlodipine 5 mg tablet" in told and "One each morning" in told
    same = ("48765-2", "11450-4", "10160-0", "11369-6", "47519-4", "46240-8")
    assert {code: done.sections[code] for code in same} == {code: ccd.sections[code] for code in same}
    assert done.sections["30954-2"] == 6


def test_what_no_section_takes_follows_by_kind(life: Store) -> None:
    body, done = _write(life)

    assert "Your potassium is fine" in words(body)
    assert done.sections["message"] == 1
    assert not [one for one in done.left_out if one.type == "Communication"]


def test_the_person_is_named_on_the_first_page_without_their_social_security_number(life: Store) -> None:
    told = words(_write(life, layout="summary", whom="Dr. Martinez")[0])

    assert "Ada Example Born 1971-04-17 (54 years) · female 555 0100 Record number QX-7" in told
    assert "Doctor's summary for Dr. Martinez" in told
    assert "999-12" not in told


def test_a_value_outside_its_range_has_a_sign(life: Store) -> None:
    assert "▲ 5.0 mmol/L 2–4 2025-01-01" in words(_write(life, layout="summary")[0])


def test_a_record_of_any_size_is_four_pages_for_a_doctor(store: Store, source: str, received: Make) -> None:
    many = [
        received("Condition", f"many{at}", onsetDateTime="2020-01-01", **SUBJECT, **ACTIVE,
                 code={"text": f"Problem {at} with a rather long name that nobody would want to write down by hand"})
        for at in range(80)
    ]  # fmt: skip
    drugs = [
        received("MedicationRequest", f"drug{at}", status="active", intent="order", authoredOn="2026-01-01", **SUBJECT,
                 medicationCodeableConcept={"text": f"medicine{at} 20 mg tablet"},
                 dosageInstruction=[{"text": "Daily " * 30}])
        for at in range(60)
    ]  # fmt: skip
    store.save(source, [*_life(received), *many, *drugs])

    body, _ = _write(store, layout="summary")

    assert 1 < pages(body) <= 4
    assert "more problems in the full record" in words(body)
    assert "more medicines in the full record" in words(body)


def test_a_patient_and_nothing_else_says_that_there_is_no_information(
    store: Store, source: str, received: Make
) -> None:
    store.save(source, [received("Patient", "p", name=[{"text": "Ada"}])])

    for layout in ("full", "summary"):
        body, done = _write(store, layout=layout)
        assert "Allergies and intolerances No information. That does not mean that there is none." in words(
            body
        )
        assert "none known" not in words(body).casefold()
        assert not done.left_out


def test_a_part_of_the_record_says_so_and_holds_no_more(life: Store) -> None:
    for layout in ("full", "summary"):
        told = words(_write(life, Selection(since="2025"), layout=layout)[0])
        assert "A selection: since 2025." in told
        assert "amlodipine" in told
        assert "Problems Nothing in this selection. That does not mean that there is none." in told
        assert "Asthma" not in told and "Appendectomy" not in told and "2021-01-01" not in told


def test_only_the_sections_that_were_chosen(life: Store) -> None:
    body, done = _write(life, sections=("problems",))

    assert "Asthma" in words(body) and "Potassium" not in words(body)
    assert set(done.sections) == {"11450-4"}


def test_what_is_about_somebody_else_is_on_no_page(store: Store, source: str, received: Make) -> None:
    store.save(
        source,
        [
            *_life(received),
            received("Patient", "baby", name=[{"family": "Other", "given": ["Bo"]}], birthDate="2025-01-01"),
            received(
                "Condition", "theirs", code={"text": "Colic"}, subject={"reference": "Patient/baby"}, **ACTIVE
            ),
        ],
    )

    for layout in ("full", "summary"):
        body, done = _write(store, layout=layout)
        assert "Colic" not in words(body)
        assert [one.type for one in done.left_out] == ["Condition"]


def test_notes_stay_with_the_person_unless_they_say_so(life: Store) -> None:
    (number,) = life.db.execute("SELECT id FROM record WHERE title = 'Asthma'").fetchone()
    life.own.note(number, "Worse at the seaside")

    assert "seaside" not in words(_write(life)[0])
    assert "Worse at the seaside" in words(_write(life, notes=True)[0])


def test_what_is_withheld_is_in_no_list_of_the_summary(life: Store) -> None:
    rows = life.db.execute(
        "SELECT id FROM record WHERE title IN ('Asthma', 'amlodipine 5 mg tablet')"
    ).fetchall()
    for (number,) in rows:
        life.own.correct(number, {"sensitivity": "restricted"})

    for layout in ("full", "summary"):
        told = words(_write(life, layout=layout)[0])
        assert "Asthma" not in told and "amlodipine" not in told
        assert "penicillin" in told


@pytest.mark.parametrize("layout", ["full", "summary"])
def test_the_same_record_gives_the_same_bytes(life: Store, layout: str) -> None:
    how = {"layout": layout, "reproducible": True}

    assert _write(life, **how)[0] == _write(life, **how)[0]


def test_it_tells_how_far_it_is(life: Store) -> None:
    told: list[str] = []

    _write(life, progress=lambda doing, done, of: told.append(doing))

    assert list(dict.fromkeys(told))[-1] == "Setting the pages"
    assert "Reading the record" in told


def test_the_summary_of_a_selection_takes_nothing_from_beyond_it(
    store: Store, source: str, received: Make
) -> None:
    drug = {"medicationCodeableConcept": {"text": "zorblatin 5 mg"}}
    order = {"status": "active", "intent": "order", "dosageInstruction": [{"text": "Infuse 60 mg/kg weekly"}]}
    store.save(
        source,
        [
            *_life(received),
            received("MedicationRequest", "z", authoredOn="2021-06-07", **order, **drug, **SUBJECT),
            *(received("MedicationAdministration", f"z{at}", status="completed", **drug, **SUBJECT,
                       request={"reference": "MedicationRequest/z"}, effectiveDateTime=f"2026-0{at}-05",
                       dosage={"text": "over an hour"}) for at in range(1, 4)),
        ],
    )  # fmt: skip

    for layout in ("full", "summary"):
        told = words(_write(store, Selection(since="2026"), layout=layout)[0])
        assert "zorblatin 5 mg" in told and "2026-01-05" in told
        assert "60 mg/kg" not in told and "2021-06-07" not in told
        assert "60 mg/kg" in words(_write(store, layout=layout)[0])


def test_what_is_given_week_after_week_is_one_row_with_all_its_days(
    store: Store, source: str, received: Make
) -> None:
    days = [f"2025-{month:02}-{day:02}" for month in range(1, 12) for day in (3, 17)]
    given = [
        received("MedicationAdministration", f"z{at}", status="completed", effectiveDateTime=day, **SUBJECT,
                 medicationCodeableConcept={"text": "zorblatin 5 mg"}, dosage={"text": "over an hour"})
        for at, day in enumerate(days)
    ]  # fmt: skip
    store.save(source, [*_life(received), *given])

    told = words(_write(store)[0]).rpartition("The full record")[2]

    assert told.count("zorblatin") == 1 and "22 times" in told and "2025-01-03 to 2025-11-17" in told
    assert all(day in told for day in days)


def test_values_are_read_day_by_day_also_where_they_do_not_change() -> None:
    row = ["Weight", "2025-01-01", "80 kg"]
    rows = [["Weight", f"2025-01-0{day}", "80 kg"] for day in range(1, 8)]

    assert folded(("What", "When", "Value"), rows) == rows
    assert folded(("What", "When", "Status"), [row] * 3) == [row] * 3
    assert len(folded(("What", "When", "Status"), [row] * 4)) == 1


@pytest.mark.parametrize(
    ("column", "said", "shown"),
    [
        ("Test", "Alanine aminotransferase [Enzymatic activity/volume] in Serum or Plasma", "Alanine aminotransferase"),
        ("Test", "Asthma (refuted)", "Asthma (refuted)"),
        ("Result", "37 Cel", "37 °C"),
        ("Result", "75 mL/min/{1.73_m2} (low)", "75 mL/min/1.73 m2 (low)"),
        ("Result", "129.12055328738617 mm[Hg]", "129.1 mmHg"),
        ("Result", "systolic: 120 mm[Hg]; diastolic: 80 mm[Hg]", "systolic: 120 mmHg; diastolic: 80 mmHg"),
        ("Usual range", "90-200", "90–200"),
        ("Usual range", ">=2.04 L", "≥ 2.04 L"),
        ("Usual range", "<5", "< 5"),
        ("Comments", "Felt 37 Cel, not 5-6", "Felt 37 Cel, not 5-6"),
    ],
)  # fmt: skip
def test_a_chapter_speaks_as_the_summary_does(column: str, said: str, shown: str) -> None:
    first = "x" if column != "Test" else said
    names, row = (("Test", column), [first, said]) if column != "Test" else (("Test",), [said])

    assert spoken(names, row)[-1] == shown


def test_a_number_does_not_round_onto_the_limit_that_it_is_beyond() -> None:
    row = spoken(("Test", "Result", "Usual range"), ["x", "5.600412345 mmol/L", "4-5.6"])

    assert row == ["x", "5.6004 mmol/L", "4–5.6"]


def test_a_summary_of_everything_does_not_say_that_it_is_everything(life: Store) -> None:
    told = words(_write(life, layout="summary")[0])

    assert "Everything in the record." not in told
    assert "This is a summary of everything in the record." in told
    assert "Everything in the record." in words(_write(life)[0])


def _table(title: str, rows: int) -> dict[str, Any]:
    return {"k": "table", "columns": [title], "rows": [[f"{title}{at}"] for at in range(rows)], "widths": [1]}


def test_the_oldest_rows_of_the_longest_table_go_first_and_are_counted() -> None:
    blocks = [_table("a", 3), {"k": "h"}, _table("b", 40), _table("b", 40), {"k": "h"}, _table("c", 5)]

    found, older = bounded(blocks, 50)

    rows = {one["columns"][0]: 0 for one in found if one["k"] == "table"}
    for one in found:
        if one["k"] == "table":
            rows[one["columns"][0]] += len(one["rows"])
    assert rows == {"a": 3, "b": 42, "c": 5}
    assert older == 38
    assert [one["t"][:13] for one in found if one["k"] == "p"] == ["And 38 older "]
    assert bounded(blocks, 88) == (blocks, 0)


@pytest.mark.parametrize(
    ("patient", "lines"),
    [
        ({}, ["Birth date not known"]),
        ({"birthDate": "1971", "gender": "unknown"}, ["Born 1971"]),
        ({"birthDate": "1950-02-03", "deceasedDateTime": "2020-01-01"}, ["Born 1950-02-03 · died 2020-01-01"]),
        ({"telecom": [{"value": "1", "use": "old"}, {"value": "2"}], "address": [{"city": "Bath"}]},
         ["Birth date not known", "2 · Bath"]),
        ({"communication": [{"language": {"text": "Tamil"}}]}, ["Birth date not known · speaks Tamil"]),
    ],
)  # fmt: skip
def test_whose_record_it_is(patient: dict[str, Any], lines: list[str]) -> None:
    assert who(patient, "2026-03-01").lines() == lines
