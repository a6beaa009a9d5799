"""Every format over one small record: what is in the file, what is not, and that bytes stay."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from lxml import etree
from tests.exporters.laid_open import laid_open

from phr.errors import UsageError
from phr.exporters.base import Exported, Options
from phr.exporters.ndjson import one_line
from phr.exporters.registry import FORMATS, exporter, write
from phr.importers.opening import read
from phr.model import Received
from phr.store.store import Store
from phr.views.selection import Selection

PRETTY = (
    b'{\n  "resourceType": "Observation",\n  "id": "o", "code": {"text": "a \\"b\\" c"},\r\n'
    b' "valueQuantity": {"value": 1.20}}'
)
BROKEN = b'{"resourceType":"Observation","id":"nan","code":{"text":"x"},"valueQuantity":{"value":NaN}}'


@pytest.fixture
def life(store: Store, source: str, received: Callable[..., Received]) -> Store:
    store.save(
        source,
        [
            received("Patient", "p", name=[{"family": "Example", "given": ["Ada"]}], birthDate="1990"),
            received("Condition", "c", code={"text": "Cough"}, onsetDateTime="2020-01-05"),
            received("Condition", "undated", code={"text": "Cold"}),
            Received("Observation", "o", PRETTY),
        ],
    )
    return store


def _written(
    store: Store, format_: str, selection: Selection | None = None, **options: Any
) -> tuple[bytes, Exported]:
    out = io.BytesIO()
    done = write(store, format_, selection or Selection(), out, Options(**options))
    assert done.bytes == len(out.getvalue())
    return out.getvalue(), done


def test_fhir_holds_every_resource_with_the_bytes_of_its_source(life: Store) -> None:
    body, done = _written(life, "fhir")
    bundle = orjson.loads(body)

    assert (bundle["resourceType"], bundle["type"], len(bundle["entry"])) == ("Bundle", "collection", 4)
    assert PRETTY in body
    assert done.sections == {"Condition": 2, "Observation": 1, "Patient": 1}
    assert bundle["entry"][0]["resource"]["resourceType"] == "Patient"
    assert all(
        entry["fullUrl"].endswith(f"/{entry['resource']['resourceType']}/{entry['resource']['id']}")
        for entry in bundle["entry"]
    )


def test_ndjson_is_one_resource_a_line_and_keeps_digits(life: Store) -> None:
    body, done = _written(life, "ndjson")
    lines = body.splitlines()

    assert [orjson.loads(line)["id"] for line in lines] == ["p", "c", "o", "undated"]
    assert len(lines) == sum(done.sections.values()) == 4
    assert b'"value":1.20' in body


def test_what_is_exported_comes_back_in_the_same(life: Store) -> None:
    for format_ in ("fhir", "ndjson"):
        found = read(io.BytesIO(_written(life, format_)[0]))
        assert sorted((one.type, one.id) for one in found.resources()) == [
            ("Condition", "c"), ("Condition", "undated"), ("Observation", "o"), ("Patient", "p"),
        ]  # fmt: skip
        assert found.problems == []


def test_json_has_a_header_that_says_what_this_is_and_what_is_missing(life: Store) -> None:
    body, done = _written(life, "json", Selection(since="2019"))
    found = orjson.loads(body)

    assert (found["schema"], found["sources"], found["total"]) == (1, ["clinic"], 1)
    assert found["selection"] == {"since": "2019"}
    assert [event["title"] for event in found["events"]] == ["Cough"]
    assert [one["what"] for one in found["left_out"]] == ["record"]
    assert found["date_range"] == {"earliest": "2020-01-05", "latest": "2020-01-05"}
    assert done.sections == {"problem": 1}


def test_a_file_does_not_tell_what_was_held_back_as_private(
    life: Store, source: str, received: Callable[..., Received]
) -> None:
    label = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "V"}
    secret = received(
        "Condition", "s", code={"text": "Hush"}, onsetDateTime="2020", meta={"security": [label]}
    )
    life.save(source, [secret])

    for format_ in FORMATS:
        open_file, _ = _written(life, format_)
        held, done = _written(life, format_, Selection(sensitivity="normal"))
        assert b"Hush" in laid_open(open_file)
        assert b"Hush" not in laid_open(held)
        assert not [problem for problem in done.left_out if "sensitiv" in problem.reason]


def test_a_ccd_names_the_patient_and_counts_its_sections(life: Store) -> None:
    body, done = _written(life, "ccd")
    document = etree.fromstring(body)

    assert etree.QName(document).localname == "ClinicalDocument"
    family = document.find(".//{urn:hl7-org:v3}recordTarget//{urn:hl7-org:v3}family")
    assert family is not None
    assert family.text == "Example"
    assert done.sections["11450-4"] == 2


@pytest.mark.parametrize("format_", list(FORMATS))
def test_reproducible_gives_the_same_bytes_at_another_time(
    life: Store, format_: str, source: str, received: Callable[..., Received]
) -> None:
    first, _ = _written(life, format_, reproducible=True)
    with Store(life.path, bytes(range(32)), clock=lambda: datetime(2030, 1, 1, tzinfo=UTC)) as later:
        second, _ = _written(later, format_, reproducible=True)
    life.save(source, [received("Condition", "c2", code={"text": "New"})])
    third, _ = _written(life, format_, reproducible=True)

    assert first == second != third


def test_without_it_every_file_has_an_id_of_its_own(life: Store) -> None:
    assert orjson.loads(_written(life, "fhir")[0])["id"] != orjson.loads(_written(life, "fhir")[0])["id"]


def test_a_resource_that_was_never_valid_json_is_corrected_and_named(store: Store, source: str) -> None:
    store.save(source, [Received("Observation", "nan", BROKEN)])

    for format_ in ("fhir", "ndjson"):
        body, done = _written(store, format_)
        assert all(orjson.loads(line) for line in ([body] if format_ == "fhir" else body.splitlines()))
        assert [(problem.type, problem.id) for problem in done.left_out] == [("Observation", "nan")]


@pytest.mark.parametrize("format_", list(FORMATS))
def test_an_empty_record_gives_a_whole_file(store: Store, format_: str) -> None:
    body, done = _written(store, format_)

    assert sum(done.sections.values()) == 0
    if format_ in ("fhir", "json"):
        assert isinstance(orjson.loads(body), dict)


def test_what_the_source_deleted_is_named(life: Store, source: str) -> None:
    life.gone(source, "Condition", "c")

    body, done = _written(life, "fhir")
    assert b"Cough" not in body
    assert [problem.type for problem in done.left_out] == ["Condition"]


def test_layout_goes_and_texts_stay() -> None:
    assert one_line(b'{ "a" : 1 }') == b'{ "a" : 1 }'
    assert one_line(b'{\n "a" : "b \\" \\n c",\r\n\t"d": [1.0,\n 2] }') == b'{"a":"b \\" \\n c","d":[1.0,2]}'
    assert one_line(PRETTY) == (
        b'{"resourceType":"Observation","id":"o","code":{"text":"a \\"b\\" c"},"valueQuantity":{"value":1.20}}'
    )


def test_an_unknown_format_is_a_usage_error_that_lists_them(store: Store) -> None:
    with pytest.raises(UsageError) as caught:
        write(store, "docx", Selection(), io.BytesIO())
    assert "ccd, fhir, ndjson, json" in (caught.value.hint or "")


@pytest.mark.parametrize("format_", list(FORMATS))
def test_every_exporter_says_what_it_makes(format_: str) -> None:
    made = exporter(format_)

    assert "/" in made.media_type
    assert made.suffix.startswith(".")
