from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phr.fhir.outcome import clean, reason, remarks, said
from phr.fhir.transport import Answer


def answer(status: int, body: object = b"") -> Answer:
    return Answer(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode())


def issue(**parts: object) -> dict[str, object]:
    return {"resourceType": "OperationOutcome", "issue": [parts]}


def test_the_servers_words_come_before_the_status() -> None:
    assert reason(answer(403, issue(severity="fatal", details={"text": "Invalid Token Scope"}))) == (
        "Invalid Token Scope (403)"
    )


def test_what_is_missing_is_kept_beside_the_general_sentence() -> None:
    found = issue(
        severity="fatal",
        code="required",
        details={"text": "A required element is missing."},
        diagnostics="Must have either code or category.",
    )
    assert (
        reason(answer(400, found)) == "A required element is missing. Must have either code or category (400)"
    )


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"details": {"coding": [{"display": "By coding"}]}}, "By coding"),
        ({"diagnostics": "By diagnostics"}, "By diagnostics"),
        ({"code": "not-found"}, "not-found"),
        ({}, "no reason given"),
        ({"details": "text", "diagnostics": 5, "code": []}, "no reason given"),
    ],
)
def test_the_words_are_looked_for_in_order(parts: dict[str, object], words: str) -> None:
    assert remarks(issue(**parts))[0].text == words


@pytest.mark.parametrize(
    "body", [b"", b"<html>no</html>", b"{}", b"[1]", b'{"resourceType":"OperationOutcome"}']
)
def test_without_words_the_status_speaks(body: bytes) -> None:
    assert reason(answer(404, body)) == "it is not offered there (404)"
    assert reason(answer(418, body)).endswith("(418)")


def test_an_error_is_told_before_a_warning() -> None:
    both = {
        "resourceType": "OperationOutcome",
        "issue": [
            {"severity": "warning", "diagnostics": "minor"},
            {"severity": "error", "diagnostics": "major"},
        ],
    }
    assert reason(answer(400, both)) == "major (400)"


@pytest.mark.parametrize(
    ("body", "shape", "text"),
    [
        (b"", "empty", ""),
        (b"  \r\n", "empty", ""),
        (b"<!DOCTYPE html><h1>404</h1>", "html", ""),
        (issue(severity="error", code="not-found", diagnostics="no"), "outcome", "no"),
        ({"resourceType": "OperationOutcome"}, "outcome", ""),
        ({"message": "Missing Authentication Token"}, "other", "Missing Authentication Token"),
        ({"error": "x", "error_description": "gone"}, "other", "gone"),
        (b"no supported search parameters", "other", "no supported search parameters"),
        (b"\xff\xfe\x00", "other", "\ufffd\ufffd"),
        ({}, "other", ""),
        ([1], "other", ""),
    ],
)
def test_the_shape_of_a_refusal(body: object, shape: str, text: str) -> None:
    found = said(answer(400, body))
    assert (found.shape, found.text) == (shape, text)


def test_codes_of_all_issues_are_told_and_odd_ones_left_out() -> None:
    body = {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": "warning",
                "code": "suppressed",
                "details": {"coding": [{"code": "59204"}, {"code": 4103}]},
            },
            {"severity": "fatal", "code": "invalid", "details": {"coding": [{"code": "no code at all"}, 7]}},
            {"severity": "fatal", "code": "Maria Example"},
            {"details": "x"},
            "x",
        ],
    }
    found = said(answer(400, body))
    assert found.codes == {"suppressed", "invalid"} and found.vendor_codes == {"59204", "4103"}


def test_a_bearer_that_is_repeated_does_not_get_into_what_was_said() -> None:
    assert said(answer(400, b"your token abc is wrong"), ("abc",)).text == "your token … is wrong"


def test_ids_addresses_and_tokens_in_the_servers_words_are_masked() -> None:
    text = (
        "HAPI-2001: Resource Condition/A00000000000005-OP0447575426-K57.80-Y- at "
        "https://h.example/Patient?name=Doe is not known; token eyJhbGciOiJIUzI1NiJ9abcdefgh; MRN 203-713-883"
    )
    shown = clean(text)
    assert shown == "HAPI-2001: Resource Condition/… at … is not known; token …; MRN …"


def test_a_known_secret_is_masked_whatever_it_looks_like() -> None:
    assert clean("code abc is wrong", secrets=("abc", None)) == "code … is wrong"


@given(st.text(max_size=400))
def test_clean_text_is_one_short_printable_line(text: str) -> None:
    shown = clean(text)
    assert len(shown) <= 160 and shown.isprintable() and shown == shown.strip()
