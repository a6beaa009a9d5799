"""`phr add` as people and scripts use it: options, questions, refusals, and taking it back."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from phr.model import Received
from phr.workspace.own.kinds import KINDS
from phr.workspace.own.vitals import VITALS

Terminal = Callable[..., tuple[int, str]]


@pytest.fixture
def ada(tmp_path: Path) -> Any:
    """A record of somebody with a laboratory that knows Hemoglobin A1c."""
    import os

    from phr.workspace import Workspace

    here = Workspace(os.environ)

    def bytes_(body: dict[str, Any]) -> Received:
        return Received(body["resourceType"], body["id"], orjson.dumps(body))

    with here.store(create=True) as store:
        key = store.sources.ensure("clinic").key
        store.save(
            key,
            [
                bytes_({"resourceType": "Patient", "id": "p", "name": [{"text": "Ada Quill"}], "birthDate": "1976-05-04"}),
                bytes_({
                    "resourceType": "Observation", "id": "o", "status": "final", "effectiveDateTime": "2025-02-03",
                    "category": [{"coding": [{"code": "laboratory"}]}], "valueQuantity": {"value": 5.9, "unit": "%"},
                    "code": {"coding": [{"system": "http://loinc.org", "code": "4548-4"}], "text": "Hemoglobin A1c"},
                }),
                bytes_({"resourceType": "Encounter", "id": "e", "status": "finished", "period": {"start": "2025-02-03"}}),
            ],
        )  # fmt: skip
    return here


def test_a_lab_result_is_written_as_it_was_typed(phr: Any, ada: Any) -> None:
    done = phr("add", "lab", "Hemoglobin A1c", "6.10", "%", "--date", "2026-03", "--low", "4", "--high", "5.6",
               "--where", "Pinebrook", "--by", "Dr. Hale", "--tag", "diabetes", "--json")  # fmt: skip
    event = done.json
    assert event["kind"] == "lab_result"
    assert (event["title"], event["value_text"], event["unit"], event["date"]) == (
        "Hemoglobin A1c",
        "6.10",
        "%",
        "2026-03",
    )
    assert (event["low"], event["high"], event["abnormal"]) == (4, 5.6, True)
    assert (event["facility"], event["performer"]) == ("Pinebrook", "Dr. Hale")
    assert (event["origin"], event["sources"], event["tags"]) == ("person", ["self"], ["diabetes"])
    assert event["codes"][0]["code"] == "4548-4"
    assert "Coded as your record does: LOINC 4548-4" in done.err
    (shown,) = phr("timeline", "--source", "self", "--json").json["events"]
    assert shown["id"] == event["id"]


def test_another_name_gets_no_code_that_nobody_agreed_to(phr: Any, ada: Any) -> None:
    event = phr("add", "lab", "A1c at the pharmacy", "6.1", "%", "--date", "2026", "--json").json
    assert event["codes"] == []
    coded = phr("add", "lab", "Mine", "6.1", "%", "--date", "2026", "--code", "loinc|17856-6", "--json").json
    assert [one["code"] for one in coded["codes"]] == ["17856-6"]


@pytest.mark.parametrize(
    ("words", "kind", "title", "value", "unit"),
    [
        (("weight", "68.5", "kg"), "vital_sign", "Body weight", "68.5", "kg"),
        (("weight", "68.50kg"), "vital_sign", "Body weight", "68.50", "kg"),
        (("vital", "weight", "68.5", "kg"), "vital_sign", "Body weight", "68.5", "kg"),
        (("bp", "128/82"), "vital_sign", "Blood pressure", "128/82", "mmHg"),
        (("pulse", "64"), "vital_sign", "Heart rate", "64", "/min"),
        (("glucose", "104", "mg/dL"), "lab_result", "Glucose, fingerstick", "104", "mg/dL"),
        (("temp", "98.6", "F"), "vital_sign", "Body temperature", "98.6", "F"),
    ],
)
def test_what_is_measured_at_home_takes_one_line(
    phr: Any, words: tuple[str, ...], kind: str, title: str, value: str, unit: str
) -> None:
    event = phr("add", *words, "--json").json
    assert (event["kind"], event["title"], event["value_text"], event["unit"]) == (kind, title, value, unit)
    assert event["precision"] == "day"
    assert event["codes"][0]["system"] == "http://loinc.org"


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (("lab",), "This is missing: TITLE, --value and --date.", "phr add lab"),
        (("lab", "Ferritin", "61"), "This is missing: --date.", "--date unknown"),
        (("weight", "68.5", "mg/dL"), "not measured in mg/dL", "kg"),
        (("weight", "68.5"), "unit is missing", "kg, lb"),
        (("bp", "128"), "two numbers", "128/82"),
        (("lab", "x", "1", "foo", "--date", "2026"), "foo is not known", ""),
        (("lab", "x", "1", "%", "--date", "03/04/2024"), "2024-03-04 or 2024-04-03", "--date-order"),
        (("lab", "x", "1", "%", "--date", "2199"), "lies in the future", "appointment"),
        (("lab", "x", "1", "%", "--date", "soon"), "cannot be read as a date", "last march"),
        (("lab", "x", "1", "%", "--value", "2", "--date", "2026"), "given twice", "Once"),
        (("document",), "This is missing: FILE.", "phr add document"),
        (("bp",), "This is missing: VALUE.", "phr add bp 128/82"),
        (("weight", "", "kg"), "This is missing: VALUE.", "phr add weight 68.5 kg"),
        (("problem", ""), "This is missing: TITLE.", "phr add problem"),
        (("problem", " \x00 "), "This is missing: TITLE.", "phr add problem"),
        (("document", "missing.pdf"), "There is no file", ""),
        (("problem", "Asthma", "--since", "2012", "--resolved", "2011"), "end before it began", "Exchange"),
        (("problem", "Asthma", "--status", "better"), "does not take this", "resolved"),
        (("problem", "Asthma", "--code", "J45"), "SYSTEM|CODE", "icd10"),
        (("problem", "Asthma", "--date-order", "ymd"), "mdy or dmy", ""),
        (("family", "Asthma"), "--relation", ""),
        (("vacine", "x"), "no kind of record", "vaccine"),
        (("problem", "Asthma", "--visit", "9999"), "no such record", ""),
        ((), "what kind", "phr add --help"),
    ],
)  # fmt: skip
def test_without_a_terminal_what_is_wrong_is_named_and_nothing_written(
    phr: Any, ada: Any, words: tuple[str, ...], message: str, hint: str
) -> None:
    done = phr("add", *words)
    assert done.status == 2
    assert message in done.err
    assert hint in done.err
    assert phr("timeline", "--json").json["total"] == 2


def test_the_date_order_can_be_set_once(phr: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("add", "lab", "Ferritin", "61", "ng/mL", "--date", "03/04/2024", "--json")
    assert phr(*words, "--date-order", "dmy").json["date"] == "2024-04-03"
    monkeypatch.setenv("PHR_DATE_ORDER", "mdy")
    assert phr(*words).json["date"] == "2024-03-04"


@pytest.mark.parametrize("words", [("weight", "685", "kg"), ("bp", "82/128"), ("oxygen", "9.6")])
def test_what_no_body_has_is_written_only_when_it_is_meant(phr: Any, words: tuple[str, ...]) -> None:
    refused = phr("add", *words)
    assert refused.status == 2
    assert "is hardly possible" in refused.err
    assert "--yes" in refused.err
    assert not phr("timeline", "--json").json.get("total")
    done = phr("add", *words, "--yes", "--json")
    assert done.status == 0
    assert "is hardly possible" in done.err


def test_an_odd_value_is_told_and_kept_as_it_is(phr: Any) -> None:
    phr("add", "weight", "68.5", "kg", "--date", "2024")
    done = phr("add", "weight", "168.5", "kg", "--json")
    assert "the last one (2024) was 68.5 kg" in done.err
    assert done.json["value_text"] == "168.5"


def test_before_birth_is_told(phr: Any, ada: Any) -> None:
    done = phr("add", "problem", "Asthma", "--since", "1970")
    assert done.status == 0
    assert "before the day of birth" in done.err
    assert phr("add", "problem", "Gout", "--since", "when I was 12", "--json").json["date"] == "1988"


def test_the_very_same_is_written_once(phr: Any) -> None:
    first = phr("add", "problem", "Asthma", "--since", "2009", "--json").json
    again = phr("add", "problem", "Asthma", "--since", "2009")
    assert again.status == 2
    assert f"You wrote the same already ({first['id']})" in again.err
    assert phr("add", "problem", "Asthma", "--since", "2009", "--yes").status == 0


def test_a_dry_run_writes_nothing(phr: Any, ada: Any) -> None:
    shown = phr("add", "problem", "Asthma", "--dry-run", "--json").json
    assert shown["dry_run"] is True
    assert shown["resources"][0]["resourceType"] == "Condition"
    told = phr("add", "problem", "Asthma", "--dry-run")
    assert "Kind of record   Problem" in told.out
    assert "What             Asthma" in told.out
    assert "resourceType" not in told.out
    assert phr("timeline", "--json").json["total"] == 2


def test_what_is_written_is_no_failure_when_it_cannot_be_shown(
    phr: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise LookupError

    with monkeypatch.context() as later:
        later.setattr("phr.views.events.events", broken)
        done = phr("add", "weight", "68.5", "kg")
        as_json = phr("add", "weight", "68.6", "kg", "--json")
    assert done.status == as_json.status == 0
    assert "It is written, but cannot be shown just now. Later: phr show" in done.err
    assert "Error" not in done.err
    assert phr("show", as_json.json["id"], "--json").json["value_text"] == "68.6"


def test_of_an_entry_that_fails_nothing_is_written(
    phr: Any, ada: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise LookupError

    with monkeypatch.context() as later:
        later.setattr("phr.store.own.Own.tag", broken)
        assert phr("add", "weight", "68.5", "kg", "--tag", "home").status == 1
    assert phr("timeline", "--json").json["total"] == 2
    assert phr("add", "weight", "68.5", "kg", "--tag", "home", "--json").json["tags"] == ["home"]


def test_an_entry_is_taken_back_and_a_source_is_not(phr: Any, ada: Any) -> None:
    event = phr("add", "problem", "Asthma", "--json").json
    assert phr("add", "--undo", event["id"], "--dry-run").status == 0
    assert phr("add", "--undo", event["id"], "--json").json["withdrawn"] is True
    assert phr("timeline", "--json").json["total"] == 2
    assert phr("show", event["id"], "--json").json["title"] == "Asthma"
    again = phr("add", "--undo", event["id"])
    assert again.status == 2
    assert "withdrawn already" in again.err
    (theirs,) = phr("timeline", "--kind", "lab_result", "--json").json["events"]
    refused = phr("add", "--undo", theirs["id"])
    assert refused.status == 2
    assert f"phr edit {theirs['id']}" in refused.err
    assert phr("audit", "show", "--json").json["events"][0]["action"] == "withdraw own entry"


def test_documents_become_records_that_can_be_searched(phr: Any, ada: Any, tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("The zebra clinic writes.")
    (tmp_path / "two.txt").write_text("And again.")
    (visit,) = phr("timeline", "--kind", "encounter", "--json").json["events"]
    both = phr("add", "document", "one.txt", "two.txt", "--title", "Letter", "--date", "2026-01-02",
               "--type", "discharge summary", "--to", visit["id"], "--visit", visit["id"], "--json").json  # fmt: skip
    assert [one["title"] for one in both["events"]] == ["Letter (1 of 2)", "Letter (2 of 2)"]
    assert {one["kind"] for one in both["events"]} == {"document"}
    listed = phr("documents", "list", "--json").json["documents"]
    assert {one["media_type"] for one in listed} == {"text/plain"}
    (found,) = phr("timeline", "--search", "zebra", "--json").json["events"]
    assert found["date"] == "2026-01-02"
    assert phr("add", "document", "one.txt", "--json").json["title"] == "one"


def test_everything_written_is_valid(phr: Any, tmp_path: Path) -> None:
    phr("add", "med", "Metformin", "--still-taking", "--start", "2021")
    phr("add", "appointment", "Lungs", "--date", "2199-01-02 09:00")
    phr("add", "bill", "Therapy", "--amount", "12.50", "--currency", "USD")
    done = phr("validate")
    assert done.status == 0, done.out
    assert "valid" in done.out


@pytest.mark.parametrize(
    "word", [*(kind.name for kind in KINDS), *(vital.words[0] for vital in VITALS), "med", "x-ray"]
)
def test_every_kind_has_a_page_of_help(phr: Any, word: str) -> None:
    done = phr("add", word, "--help")
    assert done.status == 0
    assert f"phr add {word}" in done.out or "Usage: phr add" in done.out
    assert "--sensitivity" in done.out
    assert done.err == ""


def test_the_page_of_all_kinds_names_each(phr: Any) -> None:
    page = phr("add", "--help").out
    assert all(re.search(rf"^  {kind.name}\b", page, re.MULTILINE) for kind in KINDS)


def test_nothing_typed_is_logged(process: Any, tmp_path: Path) -> None:
    log = tmp_path / "log"
    process("add", "problem", "Zebrafever", "--note", "Secretword", "-vv", "--log-file", str(log))
    process("add", "--undo", "2", "-vv", "--log-file", str(log))
    assert "own entry" in log.read_text()
    assert not re.search("zebrafever|secretword", log.read_text(), re.IGNORECASE)


def test_another_run_is_waited_for_and_then_named(
    phr: Any, ada: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("phr.workspace.own.writing.PATIENCE", 0.05)
    with ada.lock():
        done = phr("add", "problem", "Asthma")
    assert done.status == 5
    assert phr("timeline", "--json").json["total"] == 2


# ── at a terminal ─────────────────────────────────────────────────────────────────────────────────


def test_what_is_missing_is_asked_with_an_example(on_a_terminal: Terminal, phr: Any, ada: Any) -> None:
    typed = "hemoglobin A1c\ny\n6.1\n%\n03/04/2026\n2\n4\n5.6\n?\nPinebrook\n\n"
    status, seen = on_a_terminal("add", "lab", typed=typed)
    assert status == 0, seen
    assert "such as Hemoglobin A1c" in seen
    assert "Your record knows Hemoglobin A1c (LOINC 4548-4)" in seen
    assert "April 3, 2026" in seen
    (event,) = phr("timeline", "--source", "self", "--json").json["events"]
    assert (event["date"], event["value"], event["codes"][0]["code"]) == ("2026-04-03", 6.1, "4548-4")
    assert (event["facility"], event["title"]) == ("Pinebrook", "hemoglobin A1c")


def test_a_wrong_answer_is_asked_again(on_a_terminal: Terminal, phr: Any, ada: Any) -> None:
    status, seen = on_a_terminal("add", "vaccine", typed="\nTetanus\nsoon\n2019\n\n\n\n\n")
    assert status == 0, seen
    assert "This is needed." in seen
    assert "cannot be read as a date" in seen
    (event,) = phr("timeline", "--source", "self", "--json").json["events"]
    assert (event["title"], event["date"]) == ("Tetanus", "2019")


def test_an_odd_value_is_asked_about(on_a_terminal: Terminal, phr: Any, ada: Any) -> None:
    status, seen = on_a_terminal("add", "weight", "685", "kg", typed="n\n")
    assert status == 2
    assert "Nothing was changed" in seen
    assert phr("timeline", "--json").json["total"] == 2


def test_enter_takes_the_unit_that_the_record_has(on_a_terminal: Terminal, phr: Any) -> None:
    phr("add", "weight", "150", "lb", "--date", "2024")
    status, seen = on_a_terminal("add", "weight", typed="151\n\n\n\n")
    assert status == 0, seen
    assert "[lb]: " in seen
    newest = phr("timeline", "--json").json["events"][0]
    assert (newest["value"], newest["unit"]) == (151, "lb")


def test_half_a_blood_pressure_is_asked_again_at_once(on_a_terminal: Terminal, phr: Any) -> None:
    status, seen = on_a_terminal("add", "bp", typed="128\n128/82\nyesterday\n\n")
    assert status == 0, seen
    assert seen.count("Upper and lower number") == 2
    assert seen.index("two numbers") < seen.index("When it was")
    assert phr("timeline", "--json").json["events"][0]["value_text"] == "128/82"


def test_an_odd_value_costs_nothing_else(on_a_terminal: Terminal, phr: Any) -> None:
    status, seen = on_a_terminal("add", "weight", typed="685\nkg\nn\n68.5\n\nyesterday\n\n")
    assert status == 0, seen
    assert phr("timeline", "--json").json["events"][0]["value"] == 68.5


def test_a_date_that_is_needed_says_that_it_may_be_unknown(on_a_terminal: Terminal, phr: Any) -> None:
    status, seen = on_a_terminal("add", "vaccine", typed="Tetanus\n\nunknown\n\n\n\n\n")
    assert status == 0, seen
    assert ", or unknown)" in seen
    assert "If you do not know when: unknown" in seen
    assert phr("timeline", "--json").json["events"][0]["date"] is None


def test_whole_options_ask_nothing_at_a_terminal_either(on_a_terminal: Terminal, phr: Any) -> None:
    status, seen = on_a_terminal("add", "problem", "Asthma", "--since", "2009")
    assert status == 0
    assert "such as" not in seen


def test_the_end_of_the_answers_writes_nothing(on_a_terminal: Terminal, phr: Any, ada: Any) -> None:
    status, seen = on_a_terminal("add", "lab", typed="Ferritin\n\x04")
    assert status != 0
    assert phr("timeline", "--json").json["total"] == 2, seen
