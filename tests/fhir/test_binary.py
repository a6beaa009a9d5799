from __future__ import annotations

import base64
import json
import tracemalloc
from typing import Any

import httpx
import pytest

from phr.errors import Refused, Unreachable
from phr.fhir import binary
from phr.fhir.transport import Answer

BASE = "https://fhir.example.org/r4"


def pdf(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, content=b"%PDF-1.7", headers={"content-type": "application/pdf; x=y"})


@pytest.mark.parametrize(
    ("url", "asked", "bearer"),
    [
        ("Binary/1", f"{BASE}/Binary/1", True),
        (f"{BASE}/Binary/1", f"{BASE}/Binary/1", True),
        ("http://fhir.example.org/r4/Binary/1", f"{BASE}/Binary/1", True),
        (
            "https://fhir.example.org/documents/pdf-1?v=2",
            "https://fhir.example.org/documents/pdf-1?v=2",
            True,
        ),
        ("https://files.example.net/x?sig=%2B", "https://files.example.net/x?sig=%2B", False),
        ("https://fhir.example.org:444/r4/Binary/1", "https://fhir.example.org:444/r4/Binary/1", False),
    ],
)
def test_the_bearer_goes_only_to_documents_on_the_own_origin(
    ehr: Any, url: str, asked: str, bearer: bool
) -> None:
    world = ehr.World(pdf)
    assert world.client.binary(url, "application/pdf") == (b"%PDF-1.7", "application/pdf")
    assert str(world.asked[0].url) == asked
    assert ("authorization" in world.asked[0].headers) is bearer
    assert world.asked[0].headers["accept"] == "application/pdf"


@pytest.mark.parametrize("url", ["none", "", "http://files.example.net/x", "ftp://x/y", "https://[bad"])
def test_documents_without_a_usable_address_are_refused(ehr: Any, url: str) -> None:
    world = ehr.World(pdf)
    with pytest.raises(Refused):
        world.client.binary(url, None)
    assert world.asked == []


@pytest.mark.parametrize("data", ["aGVsbG8=", "aGVs\r\nbG8=", "aGVsbG8"])
def test_a_document_inside_a_binary_resource_is_taken_out(ehr: Any, data: str) -> None:
    wrapper = {"resourceType": "Binary", "contentType": "text/plain", "data": data}
    world = ehr.World(lambda request: httpx.Response(200, json=wrapper))
    assert world.client.binary("Binary/1", None) == (b"hello", "text/plain")


def test_a_damaged_or_empty_document_is_refused(ehr: Any) -> None:
    for wrapper in ({"resourceType": "Binary", "data": "a"}, {"resourceType": "Binary"}):
        world = ehr.World(lambda request, w=wrapper: httpx.Response(200, json=w))  # type: ignore[misc]
        with pytest.raises(Refused):
            world.client.binary("Binary/1", None)


def test_an_outcome_instead_of_a_document_is_refused(ehr: Any) -> None:
    world = ehr.World(lambda request: ehr.outcome(200, "Document is being made"))
    with pytest.raises(Refused, match="being made"):
        world.client.binary("Binary/1", None)


def test_a_json_document_that_is_no_binary_is_given_as_it_is(ehr: Any) -> None:
    world = ehr.World(lambda request: httpx.Response(200, json={"a": 1}))
    body, media_type = world.client.binary("Binary/1", "application/json")
    assert json.loads(body) == {"a": 1} and media_type == "application/json"


def test_a_server_that_refuses_the_format_is_asked_for_the_wrapper(ehr: Any) -> None:
    wrapped = {"resourceType": "Binary", "data": base64.b64encode(b"x").decode()}
    world = ehr.World(
        lambda r: httpx.Response(200, json=wrapped) if "fhir" in r.headers["accept"] else httpx.Response(406)
    )
    assert world.client.binary("Binary/1", "application/pdf")[0] == b"x"


def test_a_login_page_is_not_a_document(ehr: Any) -> None:
    world = ehr.World(lambda request: httpx.Response(200, html="<html>log in</html>"), retry_attempts=0)
    with pytest.raises(Unreachable):
        world.client.binary("Binary/1", "application/pdf")
    assert world.client.binary("Binary/1", "text/html")[1] == "text/html"


def test_a_document_beyond_the_limit_is_refused_while_it_streams(ehr: Any) -> None:
    world = ehr.World(lambda request: httpx.Response(200, content=(b"x" * 1000 for _ in range(100))))
    with pytest.raises(Refused, match="MB") as refused:
        world.client.binary("Binary/1", None, limit=5000)
    assert binary.is_too_large(refused.value)


@pytest.mark.parametrize(
    "error",
    [
        Refused("No document: MB at once.", http_status=413),
        Unreachable("MB at once"),
        ValueError("MB at once"),
        None,
        binary.Damaged("The document is empty.", http_status=200),
        Refused("No document", http_status=200),
    ],
)
def test_no_other_failure_is_taken_for_a_large_document(error: object) -> None:
    assert not binary.is_too_large(error)
    assert binary.is_too_large(binary.TooLarge("x"))


@pytest.mark.parametrize("url", ["data:text/plain;base64,a", "Binary/damaged", "Binary/empty"])
def test_what_is_damaged_says_so_by_its_class(ehr: Any, url: str) -> None:
    content = {"data": "a$"} if url.endswith("damaged") else {}
    world = ehr.World(lambda request: httpx.Response(200, json={"resourceType": "Binary", **content}))
    with pytest.raises(binary.Damaged):
        world.client.binary(url, None)


def test_a_data_address_is_read_without_asking_anyone(ehr: Any) -> None:
    world = ehr.World(pdf)
    assert world.client.binary("data:text/plain;base64,aGk=", None) == (b"hi", "text/plain")
    assert world.client.binary("data:,a%20b", None) == (b"a b", None)
    assert world.asked == []


def test_json_in_the_place_of_a_document_is_not_made_into_a_world_of_parts() -> None:
    body = b'{"a":[' + b"{}," * 3_000_000 + b"{}]}"
    wrapped = b'{"resourceType":"Binary","a":[' + b"{}," * 3_000_000 + b'{}],"data":"aGVsbG8="}'
    not_quite = b'{"a":[NaN,' + b"{}," * 3_000_000 + b"{}]}"
    tracemalloc.start()
    try:
        assert binary.unwrap(Answer(200, {}, body))[0] is body
        assert binary.unwrap(Answer(200, {}, wrapped))[0] == b"hello"
        assert binary.unwrap(Answer(200, {}, not_quite))[0] is not_quite
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 40_000_000


@pytest.mark.parametrize(
    "body",
    [
        b'\xef\xbb\xbf{"resourceType":"Binary","data":"aGVsbG8="}',
        b'{"resourceType":"Binary","x":NaN,"data":"aGVsbG8="}',
        b'{"resourceType":"Binary","content":"aGVsbG8="}',
    ],
)
def test_a_wrapper_is_read_however_it_is_written(body: bytes) -> None:
    assert binary.unwrap(Answer(200, {}, body))[0] == b"hello"


@pytest.mark.parametrize("data", [b"null", b"[5]", b'{"a":1}', b"7"])
def test_a_wrapper_whose_data_is_no_text_is_damaged(data: bytes) -> None:
    with pytest.raises(binary.Damaged):
        binary.unwrap(Answer(200, {}, b'{"resourceType":"Binary","data":' + data + b"}"))
