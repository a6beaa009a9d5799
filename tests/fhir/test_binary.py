from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest

from phr.errors import Refused, Unreachable

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
    with pytest.raises(Refused, match="MB"):
        world.client.binary("Binary/1", None, limit=5000)


def test_a_data_address_is_read_without_asking_anyone(ehr: Any) -> None:
    world = ehr.World(pdf)
    assert world.client.binary("data:text/plain;base64,aGk=", None) == (b"hi", "text/plain")
    assert world.client.binary("data:,a%20b", None) == (b"a b", None)
    assert world.asked == []
