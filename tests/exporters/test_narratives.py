"""The words of a resource in a document that others open: formatting passes, whatever acts does not."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from phr.exporters.base import Options
from phr.exporters.narratives import UNSAFE, is_safe, safe, safe_bytes
from phr.exporters.registry import write
from phr.model import Received
from phr.store.store import Store
from phr.views.selection import Selection


def _div(inside: str) -> str:
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{inside}</div>'


@pytest.mark.parametrize(
    "inside",
    [
        "<p>Words &amp; <b>more</b><br/></p>",
        '<table border="1"><tr><td style="color: red; background-position: left">x</td></tr></table>',
        '<a href="https://clinic.example/a">x</a><a name="x">y</a><a href="#x">z</a><a href="Patient/1">p</a>',
        '<img src="#picture" alt="x"/><img src="data:image/png;base64,aGk="/>',
        '<p xml:lang="en" lang="en">x</p>',
    ],
)
def test_words_that_only_are_formatted_are_safe(inside: str) -> None:
    assert is_safe(_div(inside))


@pytest.mark.parametrize(
    "div",
    [
        *map(
            _div,
            [
                "<script>alert(1)</script>",
                '<p onclick="alert(1)">x</p>',
                '<p style="background:url(https://spy.example/x)">x</p>',
                '<p style="background:u\\72l(https://spy.example/x)">x</p>',
                '<p style="width:expression(alert(1))">x</p>',
                '<a href="javascript:alert(1)">x</a>',
                '<a href=" JaVaScript:alert(1)">x</a>',
                '<a href="java&#10;script:alert(1)">x</a>',
                '<a href="data:text/html,x">x</a>',
                '<img src="https://spy.example/x.png"/>',
                '<img src="data:image/svg+xml;base64,aGk="/>',
                '<svg xmlns="http://www.w3.org/2000/svg"><a/></svg>',
                '<base href="https://spy.example/"/>',
                '<link rel="stylesheet" href="https://spy.example/x.css"/>',
                '<iframe src="https://spy.example/"/>',
                "<form><input/></form>",
                '<object data="x"/>',
                "<style>p{}</style>",
                '<x:script xmlns:x="http://www.w3.org/1999/xhtml">alert(1)</x:script>',
                '<p xlink:href="x" xmlns:xlink="http://www.w3.org/1999/xlink">x</p>',
                "<![CDATA[<script>alert(1)</script>]]>",
                "<!--><script>alert(1)</script>-->",
                "<p>never closed",
                "&nbsp;",
                "&quot;&unknown;",
            ],
        ),
        '<!DOCTYPE div [<!ENTITY e "x">]>' + _div("&e;"),
        '<?xml-stylesheet href="https://spy.example/x"?>' + _div("x"),
        "<p>no div</p>",
        "<div>of no namespace</div>",
        "",
        7,
        None,
    ],
)
def test_whatever_acts_or_loads_is_not(div: object) -> None:
    assert not is_safe(div)


def test_only_the_words_go_wherever_they_stand_and_other_digits_stay() -> None:
    bad, good = {"status": "generated", "div": _div("<script/>")}, {"status": "generated", "div": _div("x")}
    resource = {
        "resourceType": "Composition",
        "text": good,
        "code": {"text": "div"},
        "section": [{"title": "a", "text": bad, "section": [{"title": "b", "text": bad}]}],
        "contained": [{"resourceType": "Observation", "text": bad, "valueQuantity": {"value": 1}}],
    }
    raw = orjson.dumps(resource).replace(b'"value":1', b'"value":1.20')
    cleaned = safe_bytes(raw)

    assert b"script" not in cleaned and b'"value":1.20' in cleaned
    assert safe(resource) == {
        **resource,
        "section": [{"title": "a", "section": [{"title": "b"}]}],
        "contained": [{"resourceType": "Observation", "valueQuantity": {"value": 1}}],
    }
    assert safe(plain := {"text": good}) is plain
    assert safe_bytes(whole := orjson.dumps(plain)) is whole


@pytest.mark.parametrize("options", [("ips", {}), ("fhir", {"bundle": "document"})], ids=["ips", "document"])
def test_a_document_does_not_pass_it_on_and_says_so(
    store: Store, source: str, received: Callable[..., Received], options: tuple[str, dict[str, Any]]
) -> None:
    bad = {"status": "generated", "div": _div("<script>alert(1)</script>")}
    store.save(
        source,
        [
            received("Patient", "p", text=bad, name=[{"family": "Example"}], birthDate="1971-04-17"),
            received(
                "Condition", "c", text=bad, code={"text": "Asthma"}, subject={"reference": "Patient/p"},
                clinicalStatus={
                    "coding": [
                        {
                            "system": "http://terminology.hl7.org/CodeSystem/condition-clinical",
                            "code": "active",
                        }
                    ]
                },
            ),
        ],
    )  # fmt: skip
    format_, how = options
    out, collection = io.BytesIO(), io.BytesIO()
    done = write(store, format_, Selection(), out, Options(**how))
    write(store, "fhir", Selection(), collection, Options())

    assert b"alert(1)" not in out.getvalue() and b"Asthma" in out.getvalue()
    assert sorted(one.type for one in done.left_out if one.reason == UNSAFE) == ["Condition", "Patient"]
    assert b"alert(1)" in collection.getvalue()


def test_what_acts_is_left_out_of_a_resource_that_is_nested_deeper_than_any_program_recurses() -> None:
    import json

    deep: dict[str, Any] = {
        "url": "e",
        "valueDecimal": 1.5,
        "contained": [{"text": {"div": "<script/>"}, "id": "x"}],
    }
    for _ in range(450):
        deep = {"url": "e", "extension": [deep]}
    told = {"resourceType": "Condition", "id": "c", "extension": [deep], "code": {"text": 'Deep, "quoted"'}}
    assert safe(told) is not told
    sent = json.dumps(told).encode().replace(b"1.5", b"1.50")
    assert b"script" in sent
    made = safe_bytes(sent)
    want = sent.replace(b'"text": {"div": "<script/>"}, ', b"").replace(b'": ', b'":').replace(b", ", b",")
    assert made == want.replace(b"Deep,", b"Deep, ")


def test_the_same_part_in_two_places_loses_what_acts_in_both() -> None:
    part = {"text": {"div": "<script/>"}, "id": "x"}
    made = safe({"resourceType": "Basic", "contained": [part, {"a": part}], "b": {"c": 1}})
    assert made == {"resourceType": "Basic", "contained": [{"id": "x"}, {"a": {"id": "x"}}], "b": {"c": 1}}
    assert "text" in part
