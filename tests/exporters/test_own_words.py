"""What an export says of the person's corrections and notes: beside what the source said, never instead of it."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from tests.exporters.laid_open import laid_open

from phr.exporters.base import Exported, Options
from phr.exporters.registry import FORMATS, write
from phr.fhir import validity
from phr.model import Received
from phr.store.store import Store
from phr.views.selection import Selection

Make = Callable[..., Received]
WORDS = "Patient's correction: date 2019-05 instead of 2018-05. Reason: I was there"


@pytest.fixture
def life(store: Store, source: str, received: Make) -> Store:
    subject = {"subject": {"reference": "Patient/p"}}
    raw = (
        b'{"resourceType" : "Condition","id":"c","code":{"text":"Cough"},"onsetDateTime":"2018-05","subject":{"reference":'
        b'"Patient/p"},"note":[{"text":"seen"}],"extension":[{"url":"x:y","valueDecimal":1.20}]}'
    )
    store.save(
        source,
        [
            received("Patient", "p", name=[{"family": "Example", "given": ["Ada"]}], birthDate="1990"),
            Received("Condition", "c", raw),
            received("Encounter", "e", status="finished", period={"start": "2020"}, type=[{"text": "Visit"}],
                     **subject, **{"class": {"code": "AMB"}}),
        ],
    )  # fmt: skip
    store.own.correct(2, {"date": "2019-05"}, "I was there")
    return store


def _write(
    store: Store, format_: str, selection: Selection | None = None, **how: Any
) -> tuple[bytes, Exported]:
    out = io.BytesIO()
    done = write(store, format_, selection or Selection(), out, Options(**how))
    return out.getvalue(), done


def _entries(body: bytes) -> dict[str, Any]:
    return {one["resource"]["id"]: one for one in orjson.loads(body)["entry"]}


def test_the_source_keeps_its_word_and_the_person_says_theirs_beside_it(life: Store) -> None:
    body, _ = _write(life, "fhir")
    condition = _entries(body)["c"]["resource"]

    assert condition["onsetDateTime"] == "2018-05"
    assert b'"valueDecimal":1.20' in body
    assert [one["text"] for one in condition["note"]] == ["seen", WORDS]
    assert condition["note"][1]["authorString"] == "Ada Example"


def test_a_provenance_says_who_corrected_what_and_when(life: Store) -> None:
    body, done = _write(life, "fhir")
    entries = _entries(body)
    [provenance] = [
        one["resource"] for one in entries.values() if one["resource"]["resourceType"] == "Provenance"
    ]

    assert provenance["target"] == [{"reference": entries["c"]["fullUrl"]}]
    assert (provenance["recorded"], provenance["reason"]) == (
        "2026-03-01T00:00:00Z",
        [{"text": "I was there"}],
    )
    assert validity.judge_bytes(orjson.dumps(provenance)).valid
    assert validity.judge_bytes(orjson.dumps(entries["c"]["resource"])).valid
    assert done.sections["Provenance"] == 1


@pytest.mark.parametrize(
    ("format_", "how"), [*((one, {}) for one in FORMATS), ("fhir", {"bundle": "document"})]
)
def test_every_format_has_both(life: Store, format_: str, how: dict[str, Any]) -> None:
    body = _write(life, format_, **how)[0]
    said = laid_open(body).replace(b"&#x27;", b"'").replace(b"&#39;", b"'").replace(b"&apos;", b"'")

    if format_ == "json":
        [event] = [one for one in orjson.loads(body)["events"] if one["corrected"]]
        assert (event["date"], event["corrections"][0]["source_value"]) == ("2019-05", "2018-05")
    elif format_ in ("csv", "markdown"):
        # In words of their own: a column names what is corrected, a line has what the source says too.
        assert (
            (b",onset" in said or b",date" in said) if format_ == "csv" else b"the source says 2018" in said
        )
    else:
        assert WORDS.encode() in said


def test_where_there_is_no_place_for_it_the_report_says_so(life: Store) -> None:
    life.own.correct(3, {"date": "2021"})
    for format_ in ("fhir", "ndjson", "ccd", "ips"):  # the page has it in its timeline
        _, done = _write(life, format_)
        reasons = [(one.type, one.reason) for one in done.left_out]
        assert ("Encounter", "1 correction of yours has no place in this format") in reasons


@pytest.mark.parametrize("format_", list(FORMATS))
def test_notes_stay_with_the_person_unless_they_say_so(life: Store, format_: str) -> None:
    life.own.note(2, "Worse at the seaside")
    life.own.note(3, "Long wait")

    assert b"seaside" not in laid_open(_write(life, format_)[0])
    body, done = _write(life, format_, notes=True)
    body = laid_open(body)
    apart = format_ == "csv"  # one table alone has no place for them, and says so
    assert b"Worse at the seaside" in body or (
        apart and "your notes: they stand in the folder (-o FOLDER/)" in [one.reason for one in done.left_out]
    )
    assert (
        apart
        or b"Long wait" in body
        or "1 note of yours has no place in this format" in [one.reason for one in done.left_out]
    )


def test_what_is_called_an_error_is_not_handed_on_and_named(life: Store) -> None:
    life.own.correct(2, {"status": "entered-in-error"})
    for format_ in FORMATS:
        body, done = _write(life, format_)
        assert b"Cough" not in laid_open(body)
        assert ("Condition", "1 that you called an error: kept here, not handed on") in [
            (one.type, one.reason) for one in done.left_out
        ]


def test_a_mark_of_privacy_is_a_label_and_no_words(life: Store) -> None:
    life.own.correct(2, {"sensitivity": "sensitive"})
    body, _ = _write(life, "fhir", Selection(sensitivity="sensitive"))
    condition = _entries(body)["c"]["resource"]

    assert condition["meta"]["security"][0]["code"] == "PRS"
    assert b'<confidentialityCode code="R"' in _write(life, "ccd", Selection(sensitivity="sensitive"))[0]
    assert b"correction: sensitivity" not in body


def test_without_own_words_the_bytes_are_those_of_the_source(life: Store) -> None:
    life.own.undo(2)
    raw = life.raw("Condition", "c")[0][1]

    assert raw in _write(life, "fhir")[0]


def test_own_words_make_another_reproducible_file(life: Store) -> None:
    first = _write(life, "fhir", reproducible=True)[0]
    life.own.undo(2)

    assert orjson.loads(first)["id"] != orjson.loads(_write(life, "fhir", reproducible=True)[0])["id"]
