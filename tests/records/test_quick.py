"""The quick way to an Observation's line and the long one say the same, whatever stands in it."""

from __future__ import annotations

import gzip
import json
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phr.fhir import read
from phr.fhir.content import taken_back
from phr.model import Resource
from phr.records import elements, quick
from phr.records.derive import derive, derive_line
from phr.records.draft import Draft
from phr.records.lines import COLUMNS, Line, line_of
from phr.sandbox.synthetic import family


def nothing(address: str) -> Resource | None:
    return None


def the_long_way(raw: bytes) -> Line:
    found = read.parse_as_written(raw)
    assert isinstance(found, dict)
    assert not taken_back(found)
    line = derive_line(found, nothing)
    assert line == line_of(derive(found, nothing))
    return line


def agree(reader: quick.Observations, raw: bytes) -> bool:
    """Whether it was read the quick way; if so, both ways agree, also when it is remembered."""
    line = reader.line(raw)
    assert line is None or line == the_long_way(raw) == reader.line(raw)
    return line is not None


# ── made up ───────────────────────────────────────────────────────────────────────────────────────

LOINC, ACT = "http://loinc.org", "http://terminology.hl7.org/CodeSystem/observation-category"


def one_of(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


JUNK = one_of(
    None, "", " ", 0, 1.5, True, [], {}, [None], [[]], "x", ["y"], {"z": [1]}, {"coding": "k"}, [{"text": 5}]
)
CONCEPT = one_of(
    {"text": "Glucose  level"},
    {"coding": [{"system": LOINC, "code": "718-7", "display": "Hemoglobin"}]},
    {"coding": [{"code": "local"}, {"system": LOINC, "code": "8867-4", "display": "Heart rate"}]},
    {"coding": {"code": "85354-9"}},
    [{"text": "null"}, {"coding": [{"display": "unknown"}]}],
)
CATEGORY = one_of(
    [{"coding": [{"system": ACT, "code": "laboratory"}]}],
    [{"coding": [{"code": "vital-signs"}, {"code": "sdoh", "display": "S"}]}],
    [{"text": "Social History"}],
    {"coding": [{"display": "imaging"}]},
)
QUANTITY = one_of(
    {"value": 5.4, "unit": "mmol/L"},
    {"value": 5, "unit": "mmol/L", "comparator": "<"},
    {"value": 1e400, "code": "g"},
    {"value": "7.1", "unit": " MMOL/L "},
    {"value": None},
    {"unit": "mg"},
    {"value": 10**30, "unit": "mg"},
)
RANGE = one_of(
    [{"low": {"value": 4, "unit": "mmol/L"}, "high": {"value": 5.0, "unit": "mmol/L"}}],
    [{"text": "<5.7"}],
    [{"low": {"value": 4}}, {"low": {"value": 9}}],
    [{"low": {"value": 4}, "appliesTo": [{"text": "men"}]}],
    {"high": {"value": 0}},
)
SAID = one_of(
    [{"coding": [{"code": "H"}]}], {"text": "low"}, "N", [{"coding": [{"code": "POS"}, {"code": "A"}]}]
)
PERFORMER = one_of(
    [{"reference": "Practitioner/1", "display": "Dr. Ada Quill"}],
    [{"reference": "Organization/1", "display": "Lakeside"}, {"display": "Ms. Pell"}],
    [{"reference": "Patient/p", "display": "Tam"}],
    [{"reference": "Practitioner/1"}],
    [{"reference": "#inside"}],
    {"reference": "Device/1", "display": "Meter"},
    [{"identifier": {"value": "5"}}],
)
DATE = one_of(
    "2020-01-01T10:00:00Z", "2020", " 2020-02 ", "2020-01-01 10:00", "soon", "20200101", "2020-13-01"
)
ELEMENTS: dict[str, st.SearchStrategy[Any]] = {
    "status": one_of("final", "amended", "preliminary", " final", "entered-in-error", "Final"),
    "category": CATEGORY,
    "code": CONCEPT,
    "performer": PERFORMER,
    "encounter": one_of(
        {"reference": "Encounter/1"}, {"reference": "urn:uuid:5"}, {"reference": "Patient/1"}
    ),
    "interpretation": SAID,
    "referenceRange": RANGE,
    "effectiveDateTime": DATE,
    "effectivePeriod": one_of({"start": "2020", "end": "2021"}, {"end": "2021"}),
    "effectiveInstant": DATE,
    "effectiveTiming": one_of({"event": ["2019"]}),
    "issued": DATE,
    "valueQuantity": QUANTITY,
    "valueCodeableConcept": CONCEPT,
    "valueString": one_of("a\nb", "12.50", "x" * 3000),
    "valueInteger": one_of(0, 7),
    "valueBoolean": one_of(True, False),
    "valueRatio": one_of({"numerator": {"value": 1}, "denominator": {"value": 128}}),
    "valueDateTime": DATE,
    "component": one_of([{"code": {"text": "Systolic"}, "valueQuantity": {"value": 120}}]),
    "dataAbsentReason": CONCEPT,
    "hasMember": one_of([{"reference": "Observation/2"}], [{}, {}]),
    "valueSampledData": one_of({"data": "1 2"}),
    "valueAttachment": one_of({"contentType": "text/plain", "data": "SGVsbG8="}),
    "note": one_of([{"text": "after <b>rest</b>"}], "as text", [{"text": None}]),
    "text": one_of({"status": "generated", "div": "<div>Words &amp; more</div>"}, {"div": 5}),
    "meta": one_of({"versionId": "1"}, {"security": [{"code": "R"}]}, {"security": {"code": "V"}}),
    "clinicalStatus": one_of("x"),
    "contained": one_of([{"resourceType": "Practitioner", "id": "inside", "name": [{"text": "In"}]}]),
    "identifier": one_of([{"value": "\ud7ff"}]),
}
OBSERVATION = st.fixed_dictionaries(
    {}, optional={name: st.one_of(found, found, found, JUNK) for name, found in ELEMENTS.items()}
)
READER = quick.Observations()


@settings(max_examples=400, deadline=None)
@given(elements=OBSERVATION, spaced=st.booleans())
def test_both_ways_agree_on_whatever_is_made_up(elements: dict[str, Any], spaced: bool) -> None:
    resource = {"resourceType": "Observation", "id": "1", **elements}
    raw = json.dumps(resource, indent=1 if spaced else None, ensure_ascii=spaced).replace("Infinity", "1e400")
    agree(READER, raw.replace("5.4", "5.40").encode())


@pytest.mark.parametrize("name", ELEMENTS)
def test_both_ways_agree_on_each_element_and_each_kind_of_nonsense(name: str) -> None:
    reader = quick.Observations()
    base = {
        "resourceType": "Observation",
        "code": {"text": "Glucose"},
        "category": [{"coding": [{"code": "laboratory"}]}],
        "valueQuantity": {"value": 5.25, "unit": "mmol/L"},
        "referenceRange": [{"high": {"value": 5}}],
    }
    for junk in (
        None,
        "",
        0,
        True,
        [],
        {},
        [None],
        [[]],
        "x",
        ["y"],
        {"z": 1},
        {"coding": [5]},
        [{"text": 5}],
        1.5,
    ):
        agree(reader, orjson.dumps(base | {name: junk}))


def test_most_observations_are_read_the_quick_way() -> None:
    ways: Counter[bool] = Counter()
    reader = quick.Observations()
    for number, resource in enumerate(family(scale=3)):
        if resource["resourceType"] == "Observation":
            ways[agree(reader, orjson.dumps(resource))] += 1
        if number > 4000:
            break
    assert ways[True] > 10 * ways[False]  # what has components is read the long way


@pytest.mark.parametrize(
    "body",
    [
        b'{"resourceType":"Observation","valueQuantity":{"value":1.20,"unit":"mg"}}',
        b'{"resourceType":"Observation","valueQuantity":{"value":100.0},"referenceRange":[{"high":{"value":90.00}}]}',
        b'{"resourceType":"Observation","meta":{"secur\\u0069ty":[{"code":"V"}]}}',
        b'{"resourceType":"Observation","status":"preliminary","status":"final"}',
        b'{"resourceType":"Observation","c\\u006fde":{"text":"Gl\\u00fccose"}}',
        b'{"resourceType":"Observation","code":{"text":"Glucose \xff"},"x":"\xff"}',
        b' {"resourceType" : "Observation",\r\n "issued":"2020"}\n',
    ],
)
def test_digits_escapes_and_repeated_keys_are_read_alike(body: bytes) -> None:
    assert agree(quick.Observations(), body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"nonsense",
        b'{"resourceType":"Observation"',
        b'{"resourceType":"Condition"}',
        b'{"resourceType":"Observation","x":NaN}',
        b'\xef\xbb\xbf{"resourceType":"Observation"}',
        b'{"resourceType":"Observation","status":"entered-in-error"}',
        b'{"resourceType":"Observation","x":' + b"[" * 5000 + b"]" * 5000 + b"}",
    ],
)
def test_what_needs_a_closer_look_is_left_to_the_long_way(body: bytes) -> None:
    assert quick.Observations().line(body) is None


def test_a_name_that_has_to_be_looked_up_is_never_remembered() -> None:
    reader = quick.Observations()
    body = b'{"resourceType":"Observation","performer":[{"reference":"%s"}]}'
    assert [reader.line(body % b"Practitioner/1") for _ in range(2)] == [None, None]
    assert [reader.line(body % b"#inside") for _ in range(2)] == [None, None]


def test_memory_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick, "KEPT", 10)
    reader = quick.Observations()
    for number in range(100):
        resource = {
            "resourceType": "Observation",
            "code": {"text": f"Test {number}"},
            "valueQuantity": {"value": number},
            "encounter": {"reference": f"Encounter/{number}"},
            "referenceRange": [{"low": {"value": number}}],
        }
        assert agree(reader, orjson.dumps(resource))
    assert all(len(memory) <= 10 for memory in vars(reader).values())


def test_a_line_and_a_draft_have_the_fields_of_their_table_and_their_record() -> None:
    from dataclasses import fields

    from phr.model import Record

    assert [one.name for one in fields(Record)] == list(Draft.__struct_fields__)
    assert len(the_long_way(b'{"resourceType":"Observation"}').columns) == len(COLUMNS.split(","))


# ── samples ───────────────────────────────────────────────────────────────────────────────────────


def _bodies(folder: Path) -> Iterator[bytes]:
    for path in sorted(folder.rglob("*.json*")):
        yield gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    for path in sorted(folder.rglob("*.tar.gz")):
        with tarfile.open(path) as archive:
            for member in archive:
                stream = archive.extractfile(member)
                if stream and member.name.endswith(".ndjson"):
                    yield from stream.read().splitlines()
                elif stream and member.name.endswith(".json"):
                    yield stream.read()


def _observations(value: object) -> Iterator[Resource]:
    open_ = [value]
    while open_:
        node = open_.pop()
        if isinstance(node, dict):
            if node.get("resourceType") == "Observation":
                yield node
            open_ += node.values()
        elif isinstance(node, list):
            open_ += node


def test_both_ways_agree_on_every_sample(shared: Path) -> None:
    reader = quick.Observations()
    ways: Counter[bool] = Counter()
    for folder in ("synthea", "vendor-fhir", "us-core", "fhir-r4-core", "ips", "bluebutton"):
        for body in _bodies(shared / "samples" / folder):
            try:
                parsed = read.parse_json(body)
            except ValueError:
                continue
            for one in _observations(parsed):
                try:
                    raw = orjson.dumps(one)
                except TypeError:
                    continue
                ways[agree(reader, raw)] += 1
    assert ways[True] > 1000


# ── what is remembered beside Observations ─────────────────────────────────────────────────────────

SCALAR = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4), one_of("null", "8480-6")
)
VALUE = st.recursive(
    SCALAR,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(one_of("coding", "text", "code", "display", "system", "x"), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(value=st.dictionaries(one_of("coding", "text", "code", "display"), VALUE, max_size=4))
def test_a_concept_that_is_remembered_says_what_it_said_when_it_was_read(value: dict[str, Any]) -> None:
    for _ in range(2):
        assert elements.concept_of(value) == elements._concept(value)


def test_numbers_that_json_cannot_write_are_not_mistaken_for_each_other() -> None:
    assert elements.concept_of({"code": float("inf")}).code == "inf"
    assert elements.concept_of({"code": None}).code is None
    assert (
        elements.concept_of({"code": read.Written("1.20")}).code != elements.concept_of({"code": 1.25}).code
    )
