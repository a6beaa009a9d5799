"""`phr summary` and `--emergency`: as a person types it."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import orjson
import pytest

from phr.cli.summary_emergency import drawn
from phr.cli.text import Screen, width
from phr.exporters.card_qr import code
from phr.model import Received
from phr.workspace import Workspace


def _res(type_: str, id_: str, **elements: Any) -> Received:
    return Received(type_, id_, orjson.dumps({"resourceType": type_, "id": id_, **elements}))


@pytest.fixture
def life(record: Workspace) -> Workspace:
    drug = {"status": "active", "intent": "order"}
    with record.store() as store:
        store.save(
            "k1",
            [
                _res("AllergyIntolerance", "a1", code={"text": "Bee venom"}, criticality="high",
                     reaction=[{"manifestation": [{"text": "Anaphylaxis"}], "severity": "severe"}]),
                _res("AllergyIntolerance", "a2", code={"text": "Cat hair"},
                     verificationStatus={"coding": [{"code": "refuted"}]}),
                _res("MedicationRequest", "m1", medicationCodeableConcept={"text": "Ramipril 5 mg"},
                     authoredOn="2015-01-01", dosageInstruction=[{"text": "One in the morning"}], **drug),
                _res("MedicationRequest", "m2", medicationCodeableConcept={"text": "Old drug"},
                     status="stopped", intent="order", authoredOn="2015-01-01"),
                *(_res("Condition", f"p{n}", code={"text": f"Problem number {n}"}) for n in range(20)),
            ],
        )  # fmt: skip
    return record


def test_the_page_tells_what_matters_and_what_is_doubtful(phr: Any, life: Workspace) -> None:
    lines = phr("summary").out.splitlines()
    assert lines[0].startswith("Ada Example")
    assert any(line.startswith("  !! Bee venom") for line in lines)
    assert any("Ruled out (refuted), not an allergy: Cat hair" in line for line in lines)
    assert any(line.startswith("  ?  Ramipril 5 mg") and line.endswith("still taking?") for line in lines)
    assert not any("Old drug" in line for line in lines)
    assert any(line.endswith("more: phr timeline --kind problem") for line in lines)
    assert all(width(line) <= 80 for line in lines)


def test_json_has_every_part_and_events_with_more(phr: Any, life: Workspace) -> None:
    page = phr("summary", "--json").json
    asked = "schema patient problems medications allergies immunizations abnormal upcoming tasks care_team extras directives"
    assert set(asked.split()) <= set(page)
    assert page["schema"] == 1
    (drug,) = page["medications"]
    assert (drug["still_taking"], drug["dose"], drug["resource"]) == (
        True,
        "One in the morning",
        "MedicationRequest/m1",
    )


def test_an_empty_record_says_that_it_has_no_information(phr: Any) -> None:
    assert phr("summary").status == 1
    with Workspace(os.environ).store(create=True):
        pass
    answer = phr("summary")
    assert (answer.status, answer.out.count("No information. That does not mean that there is none.")) == (
        0,
        5,
    )
    said = phr("summary", "--emergency")
    assert said.status == 0
    assert "Name not known" in said.out


def test_who_said_that_there_is_none_is_named(phr: Any, record: Workspace) -> None:
    none = {
        "coding": [{"system": "http://snomed.info/sct", "code": "716186003"}],
        "text": "No known allergies",
    }
    with record.store() as store:
        store.save("k1", [_res("AllergyIntolerance", "n", code=none, recordedDate="2024-05-01")])
    out = phr("summary").out
    assert "No known allergies (says clinic)" in out
    assert "No known allergies (says clinic, 2024-05-01)" in phr("summary", "--emergency", "--no-qr").out


def test_the_emergency_page_fits_and_ends_with_a_code(phr: Any, life: Workspace) -> None:
    lines = phr("summary", "--emergency").out.splitlines()
    assert lines[0] == "EMERGENCY  Ada Example"
    assert any(line.startswith("  !! Bee venom (anaphylaxis)") for line in lines)
    assert sum("█" in line for line in lines) > 20
    assert all(width(line) <= 80 for line in lines)
    assert "█" not in phr("summary", "--emergency", "--no-qr").out
    assert "Bee venom" in phr("summary", "--emergency", "--json").json["text"]


def test_the_code_on_the_screen_is_the_code_that_was_made() -> None:
    made = code("EMERGENCY: Zoë").modules
    upper, lower = {"▀": (1, 0), "▄": (0, 1), "█": (1, 1), " ": (0, 0)}, []
    for line in drawn(made, Screen(80, colour=False)):
        pairs = [upper[char] for char in line.ljust(len(made) + 6)]
        lower += [[pair[0] for pair in pairs], [pair[1] for pair in pairs]]
    inner = [row[3 : 3 + len(made)] for row in lower[3 : 3 + len(made)]]
    assert inner == [[int(one) for one in row] for row in made]
    coloured = list(drawn(made, Screen(80, colour=True)))
    assert all(line.startswith("\x1b[38;5;16;48;5;231m") for line in coloured), "black on white on any screen"


@pytest.mark.parametrize(
    ("layout", "begins"), [("html", b"<!DOCTYPE html>"), ("svg", b"<?xml"), ("text", b"EMERGENCY")]
)
def test_files_are_private_and_whole(
    phr: Any, life: Workspace, tmp_path: Path, layout: str, begins: bytes
) -> None:
    file = tmp_path / f"card.{layout}"
    assert phr("summary", "--emergency", "--format", layout, "-o", str(file)).status == 0
    assert file.read_bytes().startswith(begins)
    assert b"Bee venom" in file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert phr("summary", "--emergency", "--format", layout, "-o", str(tmp_path / "no" / "x")).status == 2


def test_a_contact_is_noted_and_taken_away(phr: Any, life: Workspace) -> None:
    assert phr("summary", "--set-contact", "Bo Friend, neighbour, 555 0100").status == 0
    assert "Bo Friend, neighbour, 555 0100" in phr("summary", "--emergency").out
    assert phr("summary", "--set-contact", "").status == 0
    assert "Bo Friend" not in phr("summary", "--emergency").out
    assert phr("summary", "--set-contact", "x" * 500).status == 2


def test_formats_of_the_card_need_the_emergency(phr: Any, life: Workspace) -> None:
    answer = phr("summary", "--format", "svg")
    assert (answer.status, "--emergency" in answer.err) == (2, True)


def test_nothing_of_a_record_reaches_the_terminal_as_control(phr: Any, record: Workspace) -> None:
    evil = "Gout\x1b]0;owned\x07\x1b[2J\u202eesrever"
    with record.store() as store:
        store.save(
            "k1",
            [
                _res("Condition", "e", code={"text": evil}),
                _res("AllergyIntolerance", "e", code={"text": evil}),
            ],
        )
    for words in (("summary",), ("summary", "--emergency"), ("status",)):
        out = phr(*words).out
        assert "\x1b" not in out
        assert "\u202e" not in out


def test_only_what_is_not_of_the_main_source_says_whose_it_is(phr: Any, life: Workspace) -> None:
    assert phr("add", "problem", "Cold hands", "--date", "2020").status == 0
    with life.store() as store:
        other = store.sources.ensure("hospital").key
        store.save(
            other,
            [
                _res("Condition", "x", code={"text": "Flat feet"}),
                _res("Condition", "y", code={"text": "Problem number 1"}),
            ],
        )
    lines = phr("summary").out.splitlines()
    said = {
        line.split(" · ")[0].strip(): line.split(" · ")[1].split("  ")[0] for line in lines if " · " in line
    }
    assert said["Cold hands"] == "you"
    assert said["Flat feet"] == "hospital"
    assert said["Problem number 1"] == "clinic, hospital"
    assert not any("clinic" in line for line in lines if "Problem number 2" in line)
    assert "a line that names no source: clinic" in " ".join(" ".join(lines[:4]).split())


def test_a_corrected_value_is_marked_wherever_it_is_told(phr: Any, record: Workspace) -> None:
    with record.store() as store:
        now = store.now()
        ranged = {"status": "final", "referenceRange": [{"low": {"value": 0}, "high": {"value": 32}}]}
        enzyme = {"text": "Liver enzyme", "coding": [{"system": "http://loinc.org", "code": "1742-6"}]}
        told = _res("Observation", "alt", code=enzyme, effectiveDateTime=now, **ranged,
                    category=[{"coding": [{"code": "laboratory"}]}],
                    valueQuantity={"value": 35, "unit": "U/L"}, interpretation=[{"coding": [{"code": "H"}]}])  # fmt: skip
        store.save(store.sources.ensure("hospital").key, [told])
    found = phr("status", "--json").json["abnormal_since"]
    (number,) = [one["id"] for one in found if one["title"].startswith("Liver enzyme")]
    assert phr("edit", number, "--value", "50").status == 0
    for words in (("summary",), ("status",)):
        (line,) = [line for line in phr(*words).out.splitlines() if "50 U/L" in line][:1]
        assert "yours" in line, words
    (line,) = [line for line in phr("summary").out.splitlines() if "50 U/L" in line]
    assert "hospital, corrected" in line, "never the name of the source alone"


def test_a_medicine_that_was_just_written_down_is_not_asked_about(phr: Any, life: Workspace) -> None:
    assert phr("add", "medication", "Metformin 500 mg", "--still-taking").status == 0
    lines = phr("summary").out.splitlines()
    (line,) = [line for line in lines if "Metformin" in line]
    assert "still taking?" not in line
    assert "Metformin 500 mg*" in phr("summary", "--emergency", "--no-qr").out
