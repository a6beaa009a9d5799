from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phr.fhir import read
from phr.model import Code


@pytest.mark.parametrize(
    ("spelled", "address"),
    [
        ("Patient/1", "Patient/1"),
        ("https://ehr.example.org/api/FHIR/R4/Patient/e.x-y", "Patient/e.x-y"),
        ("Observation/1/_history/7", "Observation/1"),
        ("https://ehr.example.org/r4/Observation/1/_history/7", "Observation/1"),
        ("Location/a-80000.Department-6", "Location/a-80000.Department-6"),
        ("#med", None),
        ("urn:uuid:8d8f4a40-0f4c-4a7b-9a3a-2f6d1b1d2b11", None),
        ("Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|1", None),
        ("Patient/", None),
        ("1", None),
        ("", None),
    ],
)
def test_reference_is_type_and_id_however_it_is_spelled(spelled: str, address: str | None) -> None:
    assert read.reference(spelled) == address
    assert read.reference({"reference": spelled}) == address


def test_a_logical_reference_points_at_nothing_here() -> None:
    assert read.reference({"identifier": {"value": "1"}, "display": "Dr. A"}) is None


def test_concept_text_prefers_text_then_display_then_code() -> None:
    coding = {"system": "http://loinc.org", "code": "718-7", "display": "Hemoglobin"}

    assert read.concept_text({"text": " Hgb ", "coding": [coding]}) == "Hgb"
    assert read.concept_text({"coding": [{"code": "x"}, coding]}) == "Hemoglobin"
    assert read.concept_text({"coding": [{"code": "x"}]}) == "x"
    assert read.concept_text([{}, {"text": "second"}]) == "second"
    assert read.concept_text({}) is None


def test_codings_reads_an_object_where_a_list_belongs() -> None:
    expected = (Code("http://loinc.org", "718-7", None),)

    assert read.codings({"coding": {"system": "http://loinc.org", "code": "718-7"}}) == expected
    assert read.codings({"system": "http://loinc.org", "code": "718-7"}) == expected
    assert (
        read.codings([{"coding": [{"system": "http://loinc.org", "code": "718-7"}, None, "x"]}]) == expected
    )
    assert read.codings({"coding": [{"code": 7}]}) == (Code(None, "7", None),)
    assert read.codings("x") == ()


def test_human_name_is_written_as_on_a_letter() -> None:
    names = [
        {"use": "maiden", "family": "Before"},
        {"use": "official", "prefix": ["Dr."], "given": ["Ada", "B."], "family": "Example", "suffix": "MD"},
    ]

    assert read.human_name(names) == "Dr. Ada B. Example MD"
    assert read.human_name({"text": "Ada Example", "family": "x"}) == "Ada Example"
    assert read.human_name("Clinic") == "Clinic"
    assert read.human_name([{"use": "old", "family": "Only"}]) == "Only"
    assert read.human_name([]) is None


def test_extension_is_found_by_its_address() -> None:
    element = {"extension": [None, {"url": "a", "valueCode": "x"}, {"url": "b"}]}

    assert read.extension(element, "a") == {"url": "a", "valueCode": "x"}
    assert read.extension(element, "c") is None
    assert read.extension(["x"], "a") is None


def test_text_takes_words_and_numbers_only() -> None:
    assert read.text("  x ") == "x"
    assert read.text(7) == "7"
    assert read.text(" ") is None
    assert read.text(True) is None
    assert read.text(["x"]) is None


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"a": NaN, "b": -Infinity}', {"a": None, "b": None}),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b'{"a": "caf\xe9"}', {"a": "caf\ufffd"}),
        (b'{"a": "line\nend"}', {"a": "line\nend"}),
        (b'{"a": ["\\ud83d"]}', {"a": ["\ufffd"]}),
        ('{"a": "ä"}'.encode("utf-16"), {"a": "ä"}),
    ],
)
def test_parse_json_reads_what_servers_send(raw: bytes, value: object) -> None:
    assert read.parse_json(raw) == value


@pytest.mark.parametrize("raw", [b"", b"<html>", b'{"a": ', b"[" * 100_000])
def test_parse_json_says_when_it_is_hopeless(raw: bytes) -> None:
    with pytest.raises(ValueError):
        read.parse_json(raw)


def _resource(**more: object) -> dict[str, Any]:
    return {"resourceType": "Condition", "id": "1", "code": {"text": "Asthma"}, **more}


@pytest.mark.parametrize("written", ["_-8=", "_-8", "/+8=", "/+\r\n8", " _-8 "])
def test_base64_is_read_in_both_alphabets_with_breaks_and_without_padding(written: str) -> None:
    assert read.base64_bytes(written) == b"\xff\xef"


@pytest.mark.parametrize("written", ["SGVsb", "none!", "é", "SGVs=bG8="])
def test_what_is_no_base64_is_none_and_never_half_of_it(written: str) -> None:
    assert read.base64_bytes(written) is None


def test_content_hash_ignores_what_changes_without_a_new_fact() -> None:
    plain = read.content_hash(_resource())

    assert (
        read.content_hash(_resource(meta={"versionId": "7", "lastUpdated": "2024-01-01T00:00:00Z"})) == plain
    )
    assert read.content_hash(_resource(text={"status": "generated", "div": "<div>now</div>"})) == plain
    assert read.content_hash(dict(reversed(_resource().items()))) == plain


def test_content_hash_sees_labels_and_words_that_a_person_wrote() -> None:
    plain = read.content_hash(_resource())

    assert read.content_hash(_resource(meta={"security": [{"code": "R"}]})) != plain
    assert read.content_hash(_resource(text={"status": "additional", "div": "<div>by hand</div>"})) != plain
    assert read.content_hash(_resource(code={"text": "Asthma."})) != plain


def test_content_hash_ignores_the_signature_of_a_signed_address() -> None:
    def signed(query: str) -> bytes:
        content = [{"attachment": {"url": f"https://files.example.org/1?{query}"}}]
        return read.content_hash({"resourceType": "DocumentReference", "content": content})

    assert signed("X-Amz-Signature=a&Expires=1") == signed("X-Amz-Signature=b&Expires=2")
    assert signed("version=1") != signed("version=2")


def test_content_hash_leaves_the_resource_as_it_was() -> None:
    resource = _resource(meta={"versionId": "1"}, text={"status": "generated", "div": "x"})
    before = repr(resource)

    read.content_hash(resource)

    assert repr(resource) == before


def test_content_hash_takes_numbers_and_depths_that_orjson_refuses() -> None:
    deep: dict[str, Any] = {}
    for _ in range(500):
        deep = {"extension": [deep]}

    assert len(read.content_hash(_resource(big=10**30))) == 16
    assert read.content_hash(deep) != read.content_hash({})


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["coding", "text", "code", "display", "reference", "family", "given", "url", "extension"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(anything)
def test_no_shape_of_json_raises(value: Any) -> None:
    read.first(value)
    read.text(value)
    read.codings(value)
    read.concept_text(value)
    read.reference(value)
    read.human_name(value)
    read.extension(value, "x")
    if isinstance(value, dict):
        assert len(read.content_hash(value)) == 16


@given(st.binary(max_size=60))
def test_no_bytes_make_parse_json_raise_anything_but_value_error(raw: bytes) -> None:
    with suppress(ValueError):
        read.parse_json(raw)
