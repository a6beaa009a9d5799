"""What refusals ask for, in the words that servers were seen to use."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phr.errors import Said
from phr.fhir import wanted
from phr.fhir.outcome import said
from phr.fhir.transport import Answer


@pytest.mark.parametrize(
    ("text", "combinations"),
    [
        ("Must have either code or category.", (("code",), ("category",))),
        (
            "This resource requires a category for searching. Use 38717003 for longitudinal.",
            (("category",),),
        ),
        (
            "The search query could not be performed because one of the required parameter combinations"
            " [[patient,intent],[_id]] was not provided.",
            (("patient", "intent"), ("_id",)),
        ),
        ("Parameter 'category' is required", (("category",),)),
        ('Missing required parameter: "status"', (("status",),)),
        ("Missing search parameter clinical-status.", (("clinical-status",),)),
        ("Search requires patient and category.", (("patient", "category"),)),
        ("The search needs patient and category or _id", (("patient", "category"), ("_id",))),
        (
            "At least one of [patient, subject, _id] must be provided as a parameter",
            (("patient",), ("subject",), ("_id",)),
        ),
        (
            "Observation can be searched only with one of the parameters: code, category.",
            (("code",), ("category",)),
        ),
        ("no supported search parameters", (("patient",), ("subject",), ("_id",))),
        ("A required element is missing.", ()),
        ("An element value is invalid. Invalid category: symptom", ()),
        ("Required search parameter is provided but has an invalid value", ()),
        ("Combination of parameters is not valid for any authorized sub-resource.", ()),
        ("Invalid Token Scope", ()),
        ("The patient is required to sign in again.", ()),
        ("Error retreiving data from EHR. Ensure the search parameters are valid.", ()),
        ("Read access to 'Account' is denied by user", ()),
        ("", ()),
    ],
)
def test_the_parameters_that_a_refusal_wants(text: str, combinations: wanted.Combinations) -> None:
    assert wanted.wanted(text) == combinations


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Does not know how to handle get operation with parameter [patient,_count]", ("patient", "_count")),
        (
            "HAPI-0302: Invalid request: The FHIR endpoint on this server does not know how to handle GET"
            " operation[Patient] with parameters [[foo]]",
            ("foo",),
        ),
        ('Unknown search parameter "foo" for resource type "Patient".', ("foo",)),
        ("The search parameter 'bar' is not supported for resource type 'Patient'", ("bar",)),
        ("Unsupported parameter: _count", ("_count",)),
        ("Invalid query parameter name: _lastUpdated.", ("_lastUpdated",)),
        ("Observation cannot be searched by: _count, _lastUpdated.", ("_count", "_lastUpdated")),
        ("Invalid parameter value for date", ()),
        ("Combination of parameters is not valid", ()),
        ("Unknown patient", ()),
    ],
)
def test_the_parameters_that_a_refusal_does_not_take(text: str, names: tuple[str, ...]) -> None:
    assert wanted.unknown(text) == names
    assert wanted.wanted(text) == ()


def test_a_missing_element_is_read_from_the_expression_where_the_words_name_none() -> None:
    issue = {
        "severity": "fatal",
        "code": "required",
        "diagnostics": "Missing.",
        "expression": ["code/category"],
    }
    body = json.dumps({"resourceType": "OperationOutcome", "issue": [issue]}).encode()
    assert said(Answer(400, {}, body)).wanted == (("code",), ("category",))
    forbidden = {**issue, "code": "forbidden", "expression": ["category"]}
    body = json.dumps({"resourceType": "OperationOutcome", "issue": [forbidden]}).encode()
    assert said(Answer(403, {}, body)).wanted == ()


@given(st.text(max_size=3000))
def test_any_words_are_borne(text: str) -> None:
    for name in (*wanted.unknown(text), *(name for names in wanted.wanted(text) for name in names)):
        assert name.isprintable() and len(name) <= 40


@pytest.mark.parametrize(
    "text",
    [
        "[" * 2000,
        "[[a]," * 400,
        "parameter " * 200,
        "required search " * 130,
        "Use " + "a for ," * 300,
        "'a" * 900,
    ],
)
def test_no_words_take_long(text: str) -> None:
    began = time.monotonic()
    for _ in range(20):
        assert not [
            look(text) for look in (wanted.wanted, wanted.unknown, wanted.values) if look(text) is None
        ]
    assert time.monotonic() - began < 1


def recorded(shared: Path, folder: str) -> list[tuple[int, str, Said]]:
    found = []
    at = shared / "samples/vendor-fhir" / folder
    for row in json.loads((at / "index.json").read_text()):
        if row["status"] >= 400:
            body = (at / row["file"]).read_bytes() if row["file"] else b""
            headers = {name.lower(): value for name, value in row["headers"].items()}
            found.append((row["status"], row["url"], said(Answer(row["status"], headers, body))))
    assert found
    return found


@pytest.mark.parametrize(
    ("folder", "where", "expected"),
    [
        (
            "epic",
            "/CarePlan?_count=50&patient",
            Said(wanted=(("category",),), vendor_codes=frozenset({"59159"})),
        ),
        (
            "epic-legacy",
            "/Observation?",
            Said(wanted=(("code",), ("category",)), vendor_codes=frozenset({"59108"})),
        ),
        ("athenahealth", "/MedicationRequest?", Said(wanted=(("patient", "intent"), ("_id",)))),
        ("eclinicalworks", "/CareTeam?", Said(unknown=("patient", "_count"))),
    ],
)
def test_recorded_refusals_say_what_they_want(shared: Path, folder: str, where: str, expected: Said) -> None:
    (found,) = (one for _, url, one in recorded(shared, folder) if where in url)
    assert (found.wanted, found.unknown) == (expected.wanted, expected.unknown)
    assert found.vendor_codes == expected.vendor_codes and found.shape == "outcome"
    if "59159" in found.vendor_codes:
        assert found.values[0] == "38717003" and found.values[-1] == "care-path" and len(found.values) == 11


@pytest.mark.parametrize(
    "folder",
    "athenahealth careevolution cerner-millennium-sync cigna dynamic-health-it epic epic-legacy nextgen".split(),
)
def test_other_recorded_refusals_want_nothing(shared: Path, folder: str) -> None:
    for status, url, found in recorded(shared, folder):
        assert found.shape in ("outcome", "html", "empty")
        if "59159" in found.vendor_codes or "59108" in found.vendor_codes or "MedicationRequest?" in url:
            continue
        assert found.wanted == () and found.unknown == (), (status, folder)
