"""Every resource of every sample, and anything that looks like JSON, gives one Record and no exception."""

from __future__ import annotations

import gzip
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phr.fhir import dates, read
from phr.model import KINDS, Record
from phr.records import derive as derive_module
from phr.records.derive import derive
from phr.records.shapes import Shape

SAMPLES = Path(__file__).parents[2] / "../shared/samples"
FOLDERS = ("synthea", "vendor-fhir", "us-core", "fhir-r4-core", "ips", "bluebutton")


class Derived(NamedTuple):
    source: str
    resource: dict[str, Any]
    record: Record


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*.json")):
        if "dstu2" not in path.parent.name and path.name != "index.json":
            yield path.parent.name, path.read_bytes()
    for path in sorted(folder.rglob("*.json.gz")):
        yield path.parent.name, gzip.decompress(path.read_bytes())
    for path in sorted(folder.rglob("*.tar.gz")):
        with tarfile.open(path) as archive:
            for member in archive:
                stream = archive.extractfile(member)
                if stream and member.name.endswith(".ndjson"):
                    for line in stream.read().splitlines():
                        yield path.parent.name, line
                elif stream and member.name.endswith(".json"):
                    yield path.parent.name, stream.read()


def _resources(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        for entry in value:
            yield from _resources(entry)
    elif isinstance(value, dict) and value.get("resourceType") == "Bundle":
        for entry in value.get("entry") or []:
            yield from _resources(entry.get("resource"))
    elif isinstance(value, dict) and isinstance(value.get("resourceType"), str):
        yield value


@pytest.fixture(scope="module")
def derived() -> list[Derived]:
    if not SAMPLES.is_dir():
        pytest.skip("the shared samples are not beside this repository")
    found: list[Derived] = []
    for folder in FOLDERS:
        for source, raw in _files(SAMPLES / folder):
            try:
                resources = list(_resources(read.parse_json(raw)))
            except ValueError:  # recorded error pages
                continue
            here = {f"{entry['resourceType']}/{entry.get('id')}": entry for entry in resources}
            found += [Derived(source, entry, derive(entry, here.get)) for entry in resources]
    return found


def test_every_sample_gives_a_sound_record(derived: list[Derived]) -> None:
    assert len(derived) > 20_000
    for _, resource, record in derived:
        assert record.kind in KINDS
        assert record.title
        assert "\n" not in record.title
        assert record.resource.startswith(resource["resourceType"] + "/")
        assert record.description is None or "\n" not in record.description
        assert all(dates.parse(text) for text in (record.date, record.end, record.recorded) if text)
        assert record.origin in ("provider", "patient", "payer", "device")
        assert len(record.codes) <= 20


def test_few_records_are_without_a_name_or_a_date(derived: list[Derived]) -> None:
    events = [entry for entry in derived if not entry.record.supporting]
    nameless = [entry for entry in events if entry.record.title.endswith("without a name")]
    undated = [entry for entry in events if entry.record.date is None]

    assert len(nameless) < 20
    assert len(undated) / len(events) < 0.04


def test_synthea_is_dated_and_named_but_for_goals_and_devices(derived: list[Derived]) -> None:
    events = [entry for entry in derived if entry.source == "synthea" and not entry.record.supporting]
    undated = {entry.resource["resourceType"] for entry in events if entry.record.date is None}

    assert undated <= {"Goal", "Device", "Media"}  # they have no date to read
    assert not [entry for entry in events if entry.record.title.endswith("without a name")]


def _of(derived: list[Derived], source: str, type_: str) -> list[Record]:
    return [
        entry.record
        for entry in derived
        if entry.source == source and entry.resource["resourceType"] == type_
    ]


def test_epic_blood_pressures_are_one_value_and_judged_as_epic_said(derived: list[Derived]) -> None:
    pressures = [record for record in _of(derived, "epic", "Observation") if record.title == "Blood Pressure"]

    assert pressures
    assert all(record.value and "/" in record.value and record.unit == "mm[Hg]" for record in pressures)
    assert {record.interpretation for record in pressures if record.abnormal} == {"A"}


def test_athena_ranges_in_words_judge_the_values_that_athena_left_unjudged(derived: list[Derived]) -> None:
    labs = [record for record in _of(derived, "athenahealth", "Observation") if record.range_text]

    assert len(labs) > 100
    assert sum(record.abnormal is not None for record in labs) > 0.9 * len(labs)
    assert any(record.interpretation == "H" and record.high is not None for record in labs)


def test_nextgen_documents_are_named_without_unk(derived: list[Derived]) -> None:
    documents = _of(derived, "nextgen", "DocumentReference")

    assert documents
    assert all("UNK" not in (record.performer or "") for record in documents)
    assert "Summary of episode note" in {record.title for record in documents}
    assert not {record.title.lower() for record in documents} & {"unknown", "unk"}


def test_cerner_medications_are_named_by_what_they_contain(derived: list[Derived]) -> None:
    sources = ("cerner-docs-soarian-r4", "cerner-docs-millennium-r4")
    records = [record for source in sources for record in _of(derived, source, "MedicationRequest")]

    assert records
    assert all(any(map(str.isalpha, record.title)) and "without" not in record.title for record in records)


def test_content_hash_and_derive_repeat_themselves(derived: list[Derived]) -> None:
    for _, resource, record in derived[::50]:
        again = json.loads(json.dumps(resource))
        assert derive(again, {}.get).kind == record.kind
        assert read.content_hash(again) == read.content_hash(resource)


# ── junk ──────────────────────────────────────────────────────────────────────────────────────────

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(
        ("2024-02-30", "2024-02", "#m", "Patient/1", "urn:uuid:1", "<b>", "{\\rtf1 a", "10:00", "1e999")
    ),
)
KEYS = st.sampled_from(
    """
    code coding text system display value unit low high start end reference actor component referenceRange
    interpretation category status period name given family div attachment data contentType url type event repeat
    boundsPeriod valueQuantity valueString valueRatio numerator denominator detail activity target item answer
    onsetAge security meta note dosageInstruction timing doseAndRate contained id reaction manifestation
    """.split()
)
junk = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def _elements(shape: Shape | None) -> list[str]:
    """The element names that a type's Shape reads, so that junk lands where it hurts."""
    common = [
        "id",
        "meta",
        "text",
        "note",
        "contained",
        "status",
        "category",
        "code",
        "encounter",
        "extension",
    ]
    if shape is None:
        return [
            *common,
            *("component", "referenceRange", "interpretation", "valueQuantity", "valueRange", "valueRatio"),
            *(
                "performer",
                "issued",
                "effectivePeriod",
                "effectiveTiming",
                "hasMember",
                "presentedForm",
                "result",
            ),
            *(
                "dataAbsentReason",
                "conclusion",
                "conclusionCode",
                "valueAttachment",
                "valueString",
                "valueCoding",
            ),
        ]
    where = (
        *shape.title,
        *shape.codes,
        *shape.when,
        *shape.places,
        *shape.sites,
        *shape.words,
        *shape.attachments,
    )
    more = (
        "reaction",
        "dosageInstruction",
        "dosage",
        "reasonCode",
        "reasonReference",
        "target",
        "activity",
        "total",
    )
    others = ("medicationReference", "medicationCodeableConcept", "class", "payload", "participant", "item")
    return sorted({*common, *more, *others, *(path[0] for path in where if path)})


@settings(max_examples=700, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_junk_in_any_element_never_raises(data: st.DataObject) -> None:
    shapes: dict[str, Shape | None] = {**derive_module.SHAPES, "Observation": None, "DiagnosticReport": None}
    type_ = data.draw(st.sampled_from([*sorted(shapes), "Patient", "PractitionerRole", "NeverHeardOf"]))
    elements = _elements(shapes.get(type_))
    resource = data.draw(st.dictionaries(st.sampled_from(elements), junk, max_size=6))
    resource["resourceType"] = type_

    record = derive(resource, lambda address: {"resourceType": "Organization", "name": ["x"]})

    assert record.kind in KINDS
    assert record.title.strip()
    assert len(read.content_hash(resource)) == 16


def test_a_resource_nested_a_thousand_deep_is_still_one_record() -> None:
    for key in ("code", "item", "answer", "repeat", "boundsPeriod", "contained", "name"):
        nested: dict[str, Any] = {}
        for _ in range(900):
            nested = {key: [nested]}
        nested["resourceType"] = "QuestionnaireResponse" if key in ("item", "answer") else "Observation"

        assert derive(nested, {}.get).kind in KINDS
        assert len(read.content_hash(nested)) == 16
