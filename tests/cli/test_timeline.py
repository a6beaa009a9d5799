"""`phr timeline` from outside: its filters, its ways to be written, what stands beneath what."""

from __future__ import annotations

import csv
import io
import os
import re
from base64 import b64encode
from hashlib import sha256
from typing import Any

import orjson
import pytest

from phr.model import Received
from phr.workspace import Workspace

EVIL = 'Odd & "co"'


@pytest.fixture
def life() -> Workspace:
    """A visit of two results, one of them abnormal, a medicine, and a problem without a date."""

    def made(type_: str, id_: str, **more: Any) -> Received:
        return Received(type_, id_, orjson.dumps({"resourceType": type_, "id": id_, **more}))

    lab = [{"coding": [{"code": "laboratory"}]}]
    inside = {"encounter": {"reference": "Encounter/v"}}
    glucose = {"coding": [{"system": "http://loinc.org", "code": "2345-7",
                           "display": "Glucose [Mass/volume] in Serum or Plasma"}]}  # fmt: skip
    here = Workspace(os.environ)
    with here.store(create=True) as store:
        store.save(
            store.sources.ensure("clinic").key,
            [
                made("Encounter", "v", status="finished", period={"start": "2024-03-01", "end": "2024-03-04"},
                     type=[{"text": "Check up"}], serviceProvider={"display": "Village Clinic"}),
                made("Observation", "g", status="final", category=lab, code=glucose, effectiveDateTime="2024-03-01",
                     valueQuantity={"value": 130, "unit": "mg/dL"},
                     referenceRange=[{"low": {"value": 70}, "high": {"value": 99}}], **inside),
                made("Observation", "x", status="final", category=lab, code={"text": EVIL},
                     effectiveDateTime="2024-03-02", valueString="=1+1 <b>", **inside),
                made("MedicationRequest", "m", status="active", authoredOn="2023-02",
                     medicationCodeableConcept={"text": "Metformin 500 MG Oral Tablet"}),
                made("Condition", "c", code={"text": "Gout"}),
            ],
        )  # fmt: skip
    return here


def test_the_timeline_gathers_visits_and_flat_undoes_it(phr: Any, life: object) -> None:
    gathered = [line for line in phr("timeline").out.splitlines() if line.startswith("  ")]
    assert [re.findall(r"visit|lab|medication|problem", line)[0] for line in gathered] == [
        "visit", "lab", "lab", "medication", "problem",
    ]  # fmt: skip
    assert gathered[0].index("visit") < gathered[1].index("lab")
    assert "Check up (until 4 March)" in gathered[0]
    flat = [line for line in phr("timeline", "--flat").out.splitlines() if line.startswith("  ")]
    assert len(flat) == len(gathered) == 5
    assert flat[1].index("lab") == flat[2].index("visit")


def test_a_line_is_plain_and_says_what_is_abnormal(phr: Any, life: object) -> None:
    said = phr("timeline", "--kind", "labs", "--kind", "meds").out
    assert re.search(r"Glucose\s+130 mg/dL\s+↑", said)
    assert "[Mass/volume]" not in said
    assert "Metformin 500 mg tablet" in said


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("--kind", "labs"), 2),
        (("--kind", "labs", "--since", "2024-03-02"), 1),
        (("--kind", "labs", "--search", "glucose", "--source", "clinic", "--until", "2024"), 1),
        (("--kind", "meds", "--kind", "problem"), 2),
        (("--bookmarked",), 0),
        (("--since", "2023", "--until", "2023-01"), 0),
        (("--sensitivity", "normal"), 5),
    ],
)
def test_filters_are_combined_and_every_way_of_writing_agrees(
    phr: Any, life: object, words: tuple[str, ...], found: int
) -> None:
    document = phr("timeline", "--json", *words).json
    assert document["total"] == len(document["events"]) == found
    lines = [orjson.loads(line) for line in phr("timeline", "--format", "ndjson", *words).out.splitlines()]
    assert [one["id"] for one in lines] == [one["id"] for one in document["events"]]
    rows = list(csv.DictReader(io.StringIO(phr("timeline", "--format", "csv", *words).out)))
    assert [row["id"] for row in rows] == [one["id"] for one in lines]
    assert phr("timeline", "--format", "html", *words).out.count("<li ") == found


def test_json_tells_more_keys_than_the_contract(phr: Any, life: object) -> None:
    event = phr("timeline", "--kind", "labs", "--json").json["events"][0]
    assert event["encounter"] == "Encounter/v"
    assert (event["bookmarked"], event["corrected"], event["pack_tags"]) == (False, [], event["pack_tags"])
    assert isinstance(event["pack_tags"], list)


def test_a_kind_that_nobody_knows_names_the_nearest(phr: Any, life: object) -> None:
    answer = phr("timeline", "--kind", "vacines")
    assert answer.status == 2
    assert "Did you mean vaccine" in answer.err


def test_the_page_asks_nothing_of_any_server_and_escapes_what_a_record_says(phr: Any, life: object) -> None:
    page = phr("timeline", "--format", "html").out
    assert "<script" not in page
    assert "&lt;b&gt;" in page
    assert "default-src 'none'" in page
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style and "prefers-color-scheme:dark" in style[1] and "unsafe" not in page
    assert f"style-src 'sha256-{b64encode(sha256(style[1].encode()).digest()).decode()}'" in page
    assert not re.search(r"(?:src|href)=|https?://|@import|url\(", page)
    assert page.count("<section>") == page.count("</section>") == 3
    assert page.count("<ol>") == page.count("</ol>")
    assert "Without a date" in page


def test_a_page_to_print_says_whose_record_it_is(phr: Any, life: Workspace) -> None:
    who = {"resourceType": "Patient", "id": "p", "name": [{"text": "Ada <Quill>"}], "birthDate": "1970-02-03"}
    with life.store() as store:
        store.save(store.sources.ensure("clinic").key, [Received("Patient", "p", orjson.dumps(who))])
    page = phr("timeline", "--format", "html").out
    assert "<h1>Timeline: Ada &lt;Quill&gt;, born 1970-02-03</h1>" in page
    assert phr("timeline", "--milestones", "--format", "html").out.count("Ada &lt;Quill&gt;") == 2


def test_the_extent_is_said_in_days(phr: Any, life: Workspace) -> None:
    timed = {
        "resourceType": "Condition",
        "id": "t",
        "code": {"text": "Cold"},
        "onsetDateTime": "2024-05-01T09:30:00-05:00",
    }
    with life.store() as store:
        store.save(store.sources.ensure("clinic").key, [Received("Condition", "t", orjson.dumps(timed))])
    assert "from 2023-02 to 2024-05-01." in phr("timeline").out


@pytest.mark.parametrize("command", [("timeline",), ("trend", "glucose"), ("search", "glucose")])
def test_dates_are_understood_as_people_say_them(phr: Any, life: object, command: tuple[str, ...]) -> None:
    shown = phr(*command, "--since", "march 2024", "--until", "march 2024")
    assert shown.status == 0
    assert shown.out == phr(*command, "--since", "2024-03", "--until", "2024-03").out
    two = phr(*command, "--since", "03/04/2024")
    assert two.status == 2 and "2024-03-04 or 2024-04-03" in two.err and "date-order" not in two.err
    assert phr(*command, "--until", "whenever").status == 2


@pytest.mark.parametrize(
    ("words", "said", "way"),
    [
        (("timeline", "540"), "does not take this: 540", "phr show 540"),
        (("timeline", "Observation/g"), "does not take this", "phr show Observation/g"),
        (("timeline", "lungs"), "does not take this: lungs", "phr timeline --tag lungs"),
        (("timeline", "blood", "tests"), "does not take this", "phr timeline --kind 'blood tests'"),
        (("summary", "asthma", "attack"), "does not take this", "phr search 'asthma attack'"),
        (("vault", "status", "x"), "does not take this: x", "phr vault status --help"),
        (("timeline", "--limit", "abc"), "--limit takes a whole number; abc is none.", "--help"),
        (("timeline", "--limit", "-3"), "--limit -3 is too small.", "It has to be 0 or more."),
        (("search", "x", "--limit", "99999999"), "--limit 99999999 is too large.", "It can be 1 to"),
        (("timeline", "--format", "foo"), "--format foo is not known.", "It can be: table, json"),
        (("timeline", "--limit"), "--limit needs a value after it.", "--help"),
        (("note",), "phr note needs RECORD.", "the number at the end of its line"),
        (("timeline", "--limit", "1", "--after", "x"), "--after is not a place in this timeline.", "Older"),
        (("timeline", "--milestones", "--after", "x"), "--after is not a place in these milestones.", "Older"),
    ],
)  # fmt: skip
def test_a_command_line_that_makes_no_sense_is_told_in_plain_words(
    phr: Any, life: object, words: tuple[str, ...], said: str, way: str
) -> None:
    answer = phr(*words)
    assert answer.status == 2
    assert said in answer.err and way in answer.err
    assert not re.search(r"unexpected|argument|integer|cursor|Invalid", answer.err)


def test_a_spreadsheet_runs_nothing_of_a_record(phr: Any, life: object) -> None:
    assert "'=1+1" in phr("timeline", "--format", "csv").out


def test_following_says_how_each_is_related(phr: Any, life: object) -> None:
    found = phr("timeline", "--follow", "Observation/g", "--json").json
    assert {one["resource"]: one["relation"] for one in found["events"]} == {
        "Observation/g": "this one",
        "Encounter/v": "its visit",
        "Observation/x": "same visit",
    }
    assert (found["total"], found["next"]) == (3, None)
    said = phr("timeline", "--follow", found["follows"]).out
    assert "its visit" in said
    assert "2 records related to it." in said
    assert "relation" in phr("timeline", "--follow", "Observation/g", "--format", "csv").out.splitlines()[0]


@pytest.mark.parametrize("words", [("--follow", "12345"), ("--follow", "Observation/g", "--milestones")])
def test_what_cannot_be_followed_is_a_usage_error(phr: Any, life: object, words: tuple[str, ...]) -> None:
    assert phr("timeline", *words).status == 2


def test_milestones_stand_for_themselves_and_beside_the_events(
    phr: Any, life: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("phr.views.milestones")

    def found(store: Any, selection: Any, *, limit: int | None = None) -> list[dict[str, Any]]:
        from phr.views.events import events

        ids = [
            row[0]
            for row in store.db.execute("SELECT id FROM record WHERE kind IN ('encounter', 'medication')")
        ]
        told = [
            {**one, "milestone": f"Stood out: {one['title']}", "rule": "r", "pack": "p", "detail": "because"}
            for one in sorted(events(store.db, ids), key=lambda one: one["date"], reverse=True)
        ]
        return told[:limit]

    monkeypatch.setattr("phr.views.milestones.milestones", found)
    assert len(phr("timeline", "--json").json["milestones"]) == 2
    only = phr("timeline", "--milestones", "--json").json
    assert [one["kind"] for one in only["events"]] == ["encounter", "medication"]
    assert only["milestones"] == only["events"]
    said = phr("timeline", "--milestones").out
    assert "Stood out: Check up" in said
    assert "2 milestones" in said
    first = phr("timeline", "--milestones", "--limit", "1", "--json").json
    second = phr("timeline", "--milestones", "--limit", "1", "--after", first["next"], "--json").json
    assert [first["events"][0]["id"], second["events"][0]["id"]] == [one["id"] for one in only["events"]]
    assert second["next"] is None
    assert "Stood out: Check up – because" in phr("timeline", "--milestones", "--format", "html").out


def test_a_reader_that_stops_early_is_no_error(process: Any, life: object, tmp_path: Any) -> None:
    import subprocess
    import sys

    done = subprocess.run(
        f"{sys.executable} -m phr timeline --format ndjson | head -1",
        shell=True,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
        env=dict(os.environ),
    )
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_a_tag_that_nothing_carries_is_answered_with_the_nearest(phr: Any, record: Any) -> None:
    answer = phr("timeline", "--tag", "lung")
    assert answer.status == 0
    assert "Did you mean lungs?" in answer.err
