"""Each vendor's profile, recorded CapabilityStatements and recorded answers: something sensible is asked of all."""

from __future__ import annotations

import json
from collections import deque
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phr.errors import FhirError, NotAuthorized, Refused, Unreachable
from phr.fhir import capability as statements
from phr.fhir import outcome
from phr.fhir.capability import Capability, TypeCapability
from phr.fhir.transport import Answer
from phr.model import Search, Vendor
from phr.providers.catalog import load
from phr.smart import scopes
from phr.sync.learn import instead, unsupported
from phr.sync.plan import Ask, Knowledge, Plan, Standing, plan
from phr.sync.since import dated
from phr.sync.types import BY_REFERENCE, COMPARTMENT, USUAL, WITH_PROVENANCE, ordered

VENDORS = load(None).vendors
ALL = ("patient/*.rs",)
NOW = "2026-03-01T00:00:00Z"
ISSUE = (
    "AllergyIntolerance Appointment CarePlan CareTeam Claim Communication Condition Consent Coverage Device"
    " DiagnosticReport DocumentReference Encounter EpisodeOfCare ExplanationOfBenefit FamilyMemberHistory Goal"
    " ImagingStudy Immunization Media MedicationAdministration MedicationDispense MedicationRequest MedicationStatement"
    " NutritionOrder Observation Procedure Provenance QuestionnaireResponse RelatedPerson ServiceRequest Specimen"
    " SupplyDelivery Task"
).split()
"""What US Core and USCDI name and what servers offer beyond."""


def declares(*types: str, params: str = "patient _lastUpdated", rev: bool = False) -> Capability:
    one = TypeCapability(
        frozenset({"read", "search-type"}),
        frozenset(params.split()),
        frozenset({"Provenance:target"} if rev else ()),
    )
    return Capability("4.0.1", dict.fromkeys(types, one), everything=False, software=None)


def check(found: Plan) -> None:
    """What holds for every plan."""
    keys = [(search.type, search.filter) for search in found.searches]
    assert len(keys) == len(set(keys)), "one watermark for each search"
    for search in found.searches:
        names = [name.lower() for name, _ in search.params]
        assert search.reason and ("asked in full" in search.reason) is (search.since is None)
        assert ("_lastupdated" in names) is (search.since is not None)
        assert len(names) == len(set(names))
        if search.since:
            assert not dated(search.params[1:])
            assert f"ge{search.since}" in dict(search.params).values() and search.since.endswith("Z")
    assert [search.type for search in found.searches] == ordered(search.type for search in found.searches)
    assert all(one.reason for one in found.refused)
    assert not {one.type for one in found.refused} & {search.type for search in found.searches}
    assert not {search.type for search in found.searches} & {"Patient", "Binary"}


@pytest.mark.parametrize("id_", sorted(VENDORS))
@pytest.mark.parametrize("declared", [None, declares(*ISSUE), declares(*ISSUE, rev=True)])
def test_of_every_vendor_something_sensible_is_asked(id_: str, declared: Capability | None) -> None:
    vendor = VENDORS[id_]
    granted = tuple(scope if "." in scope else f"{scope}.rs" for scope in vendor.resource_scopes)
    found = plan(vendor, declared, granted, "p", Ask(now=NOW))
    check(found)
    asked = {search.type for search in found.searches}
    assert asked & {"Observation", "ExplanationOfBenefit"}
    for type_, cuts in vendor.splits.items():
        if type_ in asked:
            filters = [search.filter for search in found.searches if search.type == type_]
            assert [f"{name}={value}" for name, value in dict.fromkeys(cuts)] == filters
    for type_, needed in vendor.search_params.items():
        for search in found.searches:
            assert search.type != type_ or set(needed) <= set(search.params)


@pytest.mark.parametrize(
    ("id_", "type_", "filters"),
    [
        ("athenahealth", "MedicationRequest", ["intent=order", "intent=plan"]),
        ("oracle", "Appointment", ["date=ge1900-01-01"]),
        ("quest", "Observation", ["category=laboratory"]),
        ("quest", "DiagnosticReport", ["category=LAB"]),
        ("nextgen", "CarePlan", ["category=assess-plan"]),
        ("eclinicalworks", "CarePlan", ["category=assess-plan"]),
        (
            "eclinicalworks",
            "CareTeam",
            [f"status={s}" for s in ("active", "inactive", "proposed", "suspended")],
        ),
        ("kaiser", "ExplanationOfBenefit", [""]),
        ("epic", "Condition", [""]),
    ],
)
def test_what_vendors_are_known_to_need_is_in_their_searches(
    id_: str, type_: str, filters: list[str]
) -> None:
    found = plan(VENDORS[id_], declares(type_), ALL, "p")
    assert [search.filter for search in found.searches] == filters


@pytest.mark.parametrize("id_", ["epic", "nextgen", "eclinicalworks"])
def test_observations_are_asked_by_each_category_of_us_core(id_: str) -> None:
    found = plan(VENDORS[id_], None, ALL, "p", ("Observation",))
    categories = {dict(search.params)["category"] for search in found.searches}
    assert categories >= {"laboratory", "vital-signs", "social-history", "imaging", "survey", "exam", "sdoh"}


@pytest.mark.parametrize(
    ("id_", "everything"), [("humana", True), ("cigna", True), ("epic", False), ("oracle", False)]
)
def test_everything_at_once_is_asked_of_those_who_are_known_to_give_it(id_: str, everything: bool) -> None:
    found = plan(VENDORS[id_], declares("Observation"), ALL, "p")
    assert (found.everything is not None) is everything is found.trusted


def test_epics_provenance_comes_along_although_its_statement_is_silent() -> None:
    found = plan(VENDORS["epic"], None, ALL, "p")
    assert found.includes == set(VENDORS["epic"].types) & WITH_PROVENANCE
    assert all(("_revinclude", "Provenance:target") in s.params for s in found.searches if s.type == "Goal")


def test_the_lower_case_of_epic_is_kept() -> None:
    standing = {("DocumentReference", ""): Standing("2026-02-20T00:00:00Z", "2026-02-10T00:00:00Z", True)}
    declared = declares("DocumentReference", params="patient _lastupdated")
    (search,) = plan(VENDORS["epic"], declared, ALL, "p", Ask(now=NOW), standing=standing).searches
    assert ("_lastupdated", "ge2026-02-19T00:00:00Z") in search.params


def test_every_type_has_a_place_and_those_of_the_house_are_all_there() -> None:
    assert set(ISSUE) <= set(COMPARTMENT) and len(COMPARTMENT) == len(set(COMPARTMENT))
    assert not set(COMPARTMENT) & BY_REFERENCE
    assert set(USUAL) | WITH_PROVENANCE <= set(COMPARTMENT)
    for vendor in VENDORS.values():
        assert set(vendor.splits) | set(vendor.search_params) <= set(COMPARTMENT)
        assert set(vendor.last_updated) <= {*COMPARTMENT, "Patient"}


# ── any server, any grant ─────────────────────────────────────────────────────────────────────────

_NAMES = st.sampled_from(
    (*ISSUE, "Patient", "Practitioner", "Medication", "Zebra", "List", "Binary", "Group")
)
_PARAMS = st.frozensets(
    st.sampled_from(
        "patient subject beneficiary _id _lastUpdated _lastupdated date category Patient code".split()
    )
)
_TYPES = st.builds(
    TypeCapability,
    st.frozensets(st.sampled_from(["read", "search-type", "create"])),
    _PARAMS,
    st.frozensets(st.sampled_from(["Provenance:target", "*", "provenance:Target", "List:item"])),
)
_CAPABILITIES = st.none() | st.builds(
    Capability, st.just("4.0.1"), st.dictionaries(_NAMES, _TYPES), st.booleans(), st.none()
)
_SCOPES = st.lists(
    st.sampled_from(
        [
            "openid", "patient/*.rs", "patient/*.read", "patient/Observation.rs", "patient/Provenance.r",
            "patient/Patient.read", "patient/Goal.s", "user/*.*", "patient/Observation.rs?category=laboratory",
        ]
    ),
    max_size=4,
).map(tuple)  # fmt: skip
_TIMES = st.none() | st.sampled_from(
    ["2026-02-20T00:00:00Z", "2026-01-01", "2030-01-01T00:00:00Z", "0001", "x", ""]
)
_PAIRS = st.lists(
    st.sampled_from([("category", "a"), ("category", "b"), ("date", "ge1900-01-01"), ("status", "2020")]),
    max_size=3,
).map(tuple)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), declared=_CAPABILITIES, granted=_SCOPES)
def test_whatever_a_server_declares_and_grants_there_is_a_plan(
    data: st.DataObject, declared: Capability | None, granted: tuple[str, ...]
) -> None:
    pick = data.draw
    by_type = st.dictionaries(_NAMES, _PAIRS, max_size=3)
    vendor = Vendor(
        "v", "V", types=pick(st.lists(_NAMES, max_size=3).map(tuple)), splits=pick(by_type),
        search_params=pick(by_type), last_updated=pick(st.lists(_NAMES, max_size=3).map(tuple)),
        everything=pick(st.none() | st.booleans()), provenance=pick(st.none() | st.booleans()),
    )  # fmt: skip
    known = Knowledge(
        splits=pick(by_type), needs=pick(by_type), no_last_updated=pick(st.frozensets(_NAMES)),
        no_revinclude=pick(st.frozensets(_NAMES)),
        unsupported=pick(st.dictionaries(_NAMES, st.just("no"))), no_everything=pick(st.booleans()),
    )  # fmt: skip
    standing = pick(
        st.dictionaries(
            st.tuples(_NAMES, st.sampled_from(["", "category=a"])),
            st.builds(Standing, _TIMES, _TIMES, st.booleans()),
        )
    )
    ask = Ask(pick(st.booleans()), pick(_TIMES), pick(st.lists(_NAMES, max_size=2).map(tuple)), NOW)
    found = plan(
        vendor, declared, granted, "1999", ask, pick(st.none() | _SCOPES), standing=standing, known=known
    )
    check(found)
    if scopes.names_resources(granted):
        assert all(scopes.allows(granted, search.type) for search in found.searches)
    if ask.types:
        assert {s.type for s in found.searches} | {r.type for r in found.refused} == set(ask.types) - {
            "Patient"
        }


# ── as recorded ───────────────────────────────────────────────────────────────────────────────────

STATEMENTS = (
    "capability-statements/allscripts_capability_dstu2.json capability-statements/epic_capability_stu3.json"
    " capability-statements/meditech_capability_dstu2.json capability-statements/wellstar_capability_tester.json"
    " cerner-docs-millennium-r4/r4_open_metadata.json cerner-docs-millennium-r4/r4_auth_metadata.json"
    " cerner-docs-soarian-r4/r4_metadata.json"
).split()


@pytest.mark.parametrize("name", STATEMENTS)
@pytest.mark.parametrize("id_", ["custom", "epic", "oracle"])
def test_a_recorded_statement_leads_to_a_plan(shared: Path, name: str, id_: str) -> None:
    path = shared / "samples" / "vendor-fhir" / name
    if not path.is_file():
        pytest.skip("needs the recorded statements beside the checkout")
    declared = statements.parse(json.loads(path.read_bytes()))
    assert declared is not None
    found = plan(VENDORS[id_], declared, ALL, "p", Ask(now=NOW))
    check(found)
    asked = {search.type for search in found.searches}
    assert len(asked) >= 8 and asked <= set(declared.types)
    if "millennium-r4" in name:
        assert declared.types["MedicationRequest"].spelling("_LASTUPDATED") == "_lastUpdated"
        assert (
            "Provenance" not in asked and "Observation" in found.includes and "Account" not in found.includes
        )
        assert {"Practitioner", "Location", "Organization"}.isdisjoint(asked)
        assert ("Account" in found.unpromised) is (id_ != "custom"), "the profiles do not have it"


RECORDED = (
    "athenahealth careevolution drchrono dynamic-health-it eclinicalworks epic epic-legacy medhost nextgen"
)


@pytest.mark.parametrize("name", RECORDED.split())
@pytest.mark.parametrize("own", [True, False])
def test_every_recorded_answer_to_a_search_by_patient_is_reached(shared: Path, name: str, own: bool) -> None:
    """With the vendor's profile and without any: what was answered is asked, whatever else is refused on the way."""
    folder = shared / "samples" / "vendor-fhir" / name
    if not (folder / "index.json").is_file():
        pytest.skip("needs the recorded answers beside the checkout")
    recorded = _recorded(folder)
    vendor = VENDORS.get("epic" if name == "epic-legacy" else name, VENDORS["custom"])
    found = plan(vendor if own else VENDORS["custom"], None, (), "P", Ask(now=NOW))
    check(found)
    reached, requests = set(), 0
    waiting = deque([*([found.everything] if found.everything else []), *found.searches])
    while waiting:
        search = waiting.popleft()
        requests += 1
        key = (search.type, frozenset(search.params))
        answer = recorded.get(key, Answer(404, {}, b""))
        if answer.status == 200:
            reached.add(key)
        else:
            waiting += instead(search, _refused(answer), vendor, None, "P")
    answered = {key for key, answer in recorded.items() if answer.status == 200}
    assert answered and answered - reached == set()
    assert requests < 200


def _recorded(folder: Path) -> dict[tuple[str, frozenset[tuple[str, str]]], Answer]:
    found: dict[tuple[str, frozenset[tuple[str, str]]], Answer] = {}
    for one in json.loads((folder / "index.json").read_bytes()):
        parts = urlsplit(one["url"])
        params = {name: value for name, value in parse_qsl(parts.query) if name not in ("_count", "page")}
        patient = params.pop("patient", None)
        type_ = parts.path.rpartition("/")[2]
        if type_ == "$everything":
            found["Patient/P/$everything", frozenset()] = _answer(folder, one)
        elif patient and "cursor" not in params:
            found[type_, frozenset({("patient", "P"), *params.items()})] = _answer(folder, one)
    return found


def _answer(folder: Path, one: dict[str, Any]) -> Answer:
    body = (folder / one["file"]).read_bytes() if one.get("file") else b""
    return Answer(one["status"], {name.lower(): value for name, value in one["headers"].items()}, body)


def _refused(answer: Answer) -> FhirError:
    kind = NotAuthorized if answer.status == 401 else Unreachable if answer.status >= 500 else Refused
    return kind(outcome.reason(answer), http_status=answer.status, said=outcome.said(answer))


CLOSED = [
    ("epic", "Account", 403), ("epic", "Person", 404), ("epic", "Provenance", 404), ("nextgen", "Account", 403),
    ("nextgen", "Provenance", 400), ("dynamic-health-it", "Consent", 401), ("epic", "Coverage", 403),
]  # fmt: skip


@pytest.mark.parametrize(("name", "type_", "status"), CLOSED)
def test_recorded_refusals_of_a_whole_type_are_understood(
    shared: Path, name: str, type_: str, status: int
) -> None:
    recorded = _recorded(shared / "samples" / "vendor-fhir" / name)
    answer = recorded[type_, frozenset({("patient", "P")})]
    assert answer.status == status and unsupported(_refused(answer)) is not None
    assert instead(Search(type_, (("patient", "P"),)), _refused(answer), VENDORS["custom"], None, "P") == ()


WANTING = [
    ("epic-legacy", "Observation", "category"), ("epic", "CarePlan", "category"),
    ("athenahealth", "MedicationRequest", "intent"), ("eclinicalworks", "CareTeam", "status"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "type_", "parameter"), WANTING)
def test_recorded_refusals_that_want_more_are_asked_with_more(
    shared: Path, name: str, type_: str, parameter: str
) -> None:
    recorded = _recorded(shared / "samples" / "vendor-fhir" / name)
    error = _refused(recorded[type_, frozenset({("patient", "P")})])
    found = instead(Search(type_, (("patient", "P"),)), error, VENDORS["custom"], None, "P")
    assert {one.params[1][0] for one in found} == {parameter}
    assert unsupported(error) is None
    assert len(found) >= 2
