from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phr.fhir import lenient

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
indents = st.sampled_from([None, 0, 3])


@given(st.dictionaries(st.text(), values, max_size=5), indents)
def test_members_are_the_exact_slices_of_an_object(source: dict[str, object], indent: int | None) -> None:
    text = json.dumps(source, indent=indent)
    found = lenient.members(text)
    assert list(found) == list(source)
    for key, slice_ in found.items():
        assert slice_ in text and slice_ == slice_.strip()
        assert repr(lenient.value(slice_)) == repr(source[key])


@given(st.lists(values, max_size=5), indents)
def test_items_are_the_exact_slices_of_an_array(source: list[object], indent: int | None) -> None:
    found = lenient.items(json.dumps(source, indent=indent))
    assert [repr(lenient.value(slice_)) for slice_ in found] == [repr(item) for item in source]


@given(st.text(max_size=40) | values.map(json.dumps))
def test_arbitrary_text_is_cut_or_refused(text: str) -> None:
    for cut in (lenient.members, lenient.items):
        try:
            cut(text)
        except ValueError:
            continue


def test_of_duplicate_keys_the_last_one_counts() -> None:
    assert lenient.members('{"a":1, "a" : 2}') == {"a": "2"}


@pytest.mark.parametrize(
    "text", ['{"a" 1}', '{"a":1 "b":2}', "{1:2}", '{"a":', "[1,2", '{"a":1,', "[" * 100_000]
)
def test_broken_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        (lenient.items if text.startswith("[") else lenient.members)(text)


@given(st.binary(max_size=100))
def test_bytes_survive_the_way_through_text(body: bytes) -> None:
    assert lenient.encode(lenient.decode(body)) == body.removeprefix(b"\xef\xbb\xbf")
