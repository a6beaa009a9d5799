"""`Accept`, read as RFC 9110 says."""

from __future__ import annotations

import pytest

from phr.sandbox.negotiation import choose, takes_fhir_json


@pytest.mark.parametrize(
    ("accept", "own", "chosen"),
    [
        (None, "application/pdf", "native"),
        ("", "application/pdf", "native"),
        ("*/*", "application/pdf", "native"),
        ("application/*", "application/pdf", "native"),
        ("image/*", "application/pdf", None),
        ("application/json", "application/json", "native"),
        ("application/json", "application/pdf", "fhir"),
        ("application/fhir+json; charset=utf-8", "application/pdf", "fhir"),
        ("APPLICATION/PDF", "application/pdf; x=1", "native"),
        ("application/pdf;q=0, application/fhir+json;q=0.1", "application/pdf", "fhir"),
        ("application/pdf;q=nonsense", "application/pdf", None),
    ],
)
def test_the_best_form_is_chosen(accept: str | None, own: str, chosen: str | None) -> None:
    assert choose(accept, own) == chosen


def test_format_counts_before_accept() -> None:
    assert takes_fhir_json("application/fhir+xml", "json")
    assert takes_fhir_json(None, "application/fhir json"), "a plus sign that nobody escaped"
    assert not takes_fhir_json("application/fhir+json", "xml")
