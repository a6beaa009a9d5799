"""`phr show` as people see it: one record on a screen or two, in plain words, at any width."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import orjson
import pytest

from phr.model import Received


def _received(type_: str, id_: str, **elements: Any) -> Received:
    return Received(type_, id_, orjson.dumps({"resourceType": type_, "id": id_, **elements}))


LAB = {"coding": [{"system": "http://loinc.org", "code": "4548-4", "display": "Hemoglobin A1c"}]}


@pytest.fixture
def clinic(record: Any) -> Any:
    """A visit with a report, two results of one test, an order, a letter, a Provenance."""
    letter = base64.b64encode(
        "\n".join(f"line {number} of the letter" for number in range(80)).encode()
    ).decode()
    visit = {"encounter": {"reference": "Encounter/v"}}
    with record.store() as store:
        store.save(
            "k1",
            [
                _received("Practitioner", "h", name=[{"text": "Dr. Ida Heron"}]),
                _received("Practitioner", "o", name=[{"text": "Dr. Otto Crane"}]),
                _received("Organization", "lab", name="Reed Laboratory"),
                _received(
                    "Encounter",
                    "v",
                    status="finished",
                    **{"class": {"code": "VR", "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode"}},
                    period={"start": "2024-03-12T09:00:00-05:00", "end": "2024-03-12T09:30:00-05:00"},
                    participant=[{"individual": {"reference": "Practitioner/h"}}],
                ),
                _received(
                    "ServiceRequest", "r", code={"text": "HbA1c"}, requester={"reference": "Practitioner/o"}
                ),
                *(
                    _received(
                        "Observation",
                        f"a{year}",
                        status="final",
                        category=[{"coding": [{"code": "laboratory"}]}],
                        code=LAB,
                        effectiveDateTime=f"{year}-03-12",
                        valueQuantity={"value": value, "unit": "%"},
                        referenceRange=[{"high": {"value": 5.6, "unit": "%"}}],
                        interpretation=[{"coding": [{"code": "H"}]}],
                        basedOn=[{"reference": "ServiceRequest/r"}],
                        performer=[{"reference": "Organization/lab"}],
                        **(visit if year == 2024 else {}),
                    )
                    for year, value in ((2022, 7.1), (2023, 6.4), (2024, 6.9))
                ),
                _received(
                    "DiagnosticReport", "rep", status="final", code={"text": "Sugar"}, effectiveDateTime="2024-03-12",
                    conclusion="Raised, as before.\nPlease repeat.", result=[{"reference": "Observation/a2024"}], **visit,
                ),
                _received(
                    "DocumentReference", "d", status="current", type={"text": "Letter"}, date="2024-03-13T00:00:00Z",
                    content=[{"attachment": {"contentType": "text/plain", "title": "letter", "data": letter}}],
                ),
                _received(
                    "Provenance", "p", target=[{"reference": "Observation/a2024"}], recorded="2024-03-14T10:00:00Z",
                    agent=[{"type": {"text": "Author"}, "who": {"reference": "Practitioner/h"}}],
                ),
            ],
        )  # fmt: skip
    return record


def test_a_result_says_value_range_judgement_and_who_in_words(phr: Any, clinic: Any) -> None:
    page = phr("show", "Observation/a2024").out
    assert page.startswith("Hemoglobin A1c\nLab result · 2024-03-12 · final\n")
    assert "6.9 % (↑ high)" in page
    for words in (
        "≤ 5.6",
        "Reed Laboratory",
        "Dr. Otto Crane",
        "LOINC 4548-4",
        "In this report",
        "Virtual visit",
    ):
        assert words in page, words
    assert "author: Dr. Ida Heron (2024-03-14 10:00 UTC)" in page
    assert "phr trend 4548-4" in page
    assert "Practitioner/" not in page


def test_the_same_as_json_names_the_parts(phr: Any, clinic: Any) -> None:
    found = phr("show", "Observation/a2024", "--json").json
    assert found["ordered_by"] == "Dr. Otto Crane"
    assert found["shared_with"] == found["conflicts"] == found["notes"] == []
    assert {one["relation"] for one in found["related"]} >= {"encounter", "basedOn", "points here"}
    assert len(found["trend"]) == 3
    assert found["provenance"][0]["stated_by"][0]["who"] == "Dr. Ida Heron"


def test_a_report_shows_its_conclusion_whole_and_each_result(phr: Any, clinic: Any) -> None:
    page = phr("show", "DiagnosticReport/rep").out
    assert "Raised, as before." in page
    assert "Please repeat." in page
    assert "6.9%" in page or "6.9 %" in page
    assert "(high)" in page


def test_a_virtual_visit_is_called_so_without_a_display(phr: Any, clinic: Any) -> None:
    page = phr("show", "Encounter/v").out
    assert "virtual" in page
    assert "2024-03-12 09:00 to 09:30 (30 minutes)" in page
    assert "Dr. Ida Heron" in page


def test_the_words_of_a_document_stand_beneath_and_are_cut(phr: Any, clinic: Any) -> None:
    short, whole = phr("show", "DocumentReference/d").out, phr("show", "DocumentReference/d", "--text").out
    assert "letter" in short
    assert "line 0 of the letter" in short
    assert "line 79 of the letter" in whole


def test_an_attachment_is_saved_byte_for_byte(phr: Any, clinic: Any, tmp_path: Path) -> None:
    folder = tmp_path / "letters"
    folder.mkdir()
    assert phr("show", "DocumentReference/d", "--save", str(folder)).status == 0
    (saved,) = folder.iterdir()
    assert saved.read_text().startswith("line 0 of the letter\n")
    assert saved.stat().st_mode & 0o777 == 0o600
    answer = phr("show", "DocumentReference/d", "3", "--save", str(folder))
    assert answer.status == 2
    assert "has 1" in answer.err
    assert phr("show", "Condition/c1", "--save", str(folder)).status == 2


def test_a_note_a_bookmark_and_a_correction_stand_on_the_page(phr: Any, clinic: Any) -> None:
    phr("note", "Observation/a2024", "ask", "about", "this")
    phr("bookmark", "Observation/a2024")
    phr("edit", "Observation/a2024", "--value", "5.9", "--reason", "typing error")
    found = phr("show", "Observation/a2024", "--json").json
    assert [one["text"] for one in found["notes"]] == ["ask about this"]
    assert found["bookmarked"] is True
    page = phr("show", "Observation/a2024").out
    assert "★" in page
    assert "ask about this" in page
    assert "5.9 % ✎ yours" in page
    assert "The source says: 6.9 % (high)" in page
    assert "Your reason: typing error" in page
    assert not [line for line in page.splitlines() if "6.9" in line and "The source says" not in line]


def test_what_is_corrected_is_said_once_and_beside_it_what_the_source_says(phr: Any, clinic: Any) -> None:
    phr(
        "edit",
        "Observation/a2024",
        "--date",
        "2024-03-11",
        "--status",
        "amended",
        "--sensitivity",
        "sensitive",
    )
    phr("edit", "Encounter/v", "--date", "2024-03-11")

    page = phr("show", "Observation/a2024").out.splitlines()
    assert [line.split()[0] for line in page if "✎ yours" in line] == ["When", "Status", "How"]
    at = next(number for number, line in enumerate(page) if line.startswith("When"))
    assert page[at + 1].strip() == "The source says: 2024-03-12"
    assert page[at + 3].strip() == "The source says: final"
    assert not [line for line in page if line.split() == ["Status", "final"]]
    visit = phr("show", "Encounter/v").out
    assert "The source says: 2024-03-12 09:00" in visit
    assert "T09:00" not in visit


def test_the_value_of_another_day_is_marked_where_it_is_the_persons(phr: Any, clinic: Any) -> None:
    phr("edit", "Observation/a2023", "--value", "8.4")
    page = phr("show", "Observation/a2024").out
    assert [line.split()[:2] for line in page.splitlines() if "✎ yours" in line] == [["2023-03-12", "8.4"]]


def test_the_tag_of_a_snomed_name_is_dropped_wherever_it_stands(phr: Any, record: Any) -> None:
    with record.store() as store:
        snomed = {"system": "http://snomed.info/sct", "code": "185349003"}
        name = "Encounter for check up (procedure)"
        store.save(
            "k1",
            [
                _received("Encounter", "s", status="finished", type=[{"coding": [{**snomed, "display": name}]}]),
                _received(
                    "Condition", "of", code={"text": "Gout"}, encounter={"reference": "Encounter/s", "display": name},
                    note=[{"text": "she said (so)"}],
                ),
                _received("Condition", "by", code={"text": "Gout"}, encounter={"reference": "Encounter/s"}),
            ],
        )  # fmt: skip
    for address in ("Encounter/s", "Condition/of", "Condition/by"):
        page = phr("show", address).out
        assert "Encounter for check up" in page
        assert "(procedure)" not in page
    assert "she said (so)" in phr("show", "Condition/of").out


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (("a2024", "412"), "One record at a time.", "phr show 412"),
        (("d", "x", "--open"), "x is not the number", "counted from 1"),
        (("d", "0", "--save", "."), "0 is not the number", "counted from 1"),
    ],
)
def test_what_stands_behind_a_record_is_never_passed_over(
    phr: Any, clinic: Any, words: tuple[str, ...], said: str, hint: str
) -> None:
    type_ = "Observation" if words[0] == "a2024" else "DocumentReference"
    answer = phr("show", f"{type_}/{words[0]}", *words[1:])
    assert answer.status == 2
    assert said in answer.err
    assert hint in answer.err


def test_what_no_table_names_is_under_more_and_brief_hides_it(phr: Any, record: Any) -> None:
    with record.store() as store:
        odd = {"url": "http://example.org/heron-count", "valueInteger": 7}
        store.save(
            "k1",
            [
                _received(
                    "Condition",
                    "odd",
                    code={"text": "Gout"},
                    extension=[odd],
                    modifierExtension=[{"url": "http://example.org/negated", "valueBoolean": True}],
                )
            ],
        )
    page = phr("show", "Condition/odd").out
    assert "More" in page
    assert "Heron count" in page
    assert "Changes what is said here: Negated" in " ".join(page.split())
    assert "Heron count" not in phr("show", "Condition/odd", "--brief").out


def test_history_shows_what_changed_and_the_page_the_last_of_it(phr: Any, record: Any) -> None:
    with record.store() as store:
        store.save("k1", [_received("Condition", "c1", code={"text": "Asthma"}, onsetDateTime="2016")])
    assert "Began: 2015 → 2016" in phr("show", "Condition/c1").out
    page = phr("show", "Condition/c1", "--history").out
    assert "How it was before" in page
    assert "Began: 2015 → 2016" in page
    assert phr("show", "Condition/c1", "--json").json["history"][0]["changes"]


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize(
    "ref", ["Observation/a2024", "DiagnosticReport/rep", "Encounter/v", "DocumentReference/d"]
)
def test_no_line_is_wider_than_the_screen(
    phr: Any, clinic: Any, ref: str, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERMINAL_WIDTH", str(columns))
    page = phr("show", ref).out
    assert max(map(len, page.splitlines())) <= columns
    assert "\x1b" not in page
