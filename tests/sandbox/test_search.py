"""Search parameters, paging, and what is refused."""

from __future__ import annotations

import pytest

from .conftest import ADA, BEN, App, Clock, Start, observation, world


@pytest.fixture
def token(app: App) -> str:
    return app.sandbox.issue_token()


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", ["a1", "a2", "a3"]),
        ("patient=ada", ["a1", "a2", "a3"]),
        ("patient=Patient/ada", ["a1", "a2", "a3"]),
        ("subject=Patient/ada", ["a1", "a2", "a3"]),
        ("subject:Patient=ada", ["a1", "a2", "a3"]),
        ("_id=a1", ["a1"]),
        ("_id=a3,a1,b1", ["a1", "a3"]),
        ("category=laboratory", ["a1", "a2"]),
        ("category=http://example.org/category|laboratory", ["a1", "a2"]),
        ("category=http://example.org/category|", ["a1", "a2", "a3"]),
        ("category=http://elsewhere.example|laboratory", []),
        ("category=|laboratory", []),
        ("category=laboratory,vital-signs", ["a1", "a2", "a3"]),
        ("category=laboratory&category=vital-signs", []),
        ("code=4548-4", ["a1", "a2", "a3"]),
        ("code=http://loinc.org|4548-4&status=amended", ["a3"]),
        ("code=nothing", []),
        ("status=final,amended", ["a1", "a2", "a3"]),
        ("date=2020-03-04", ["a1"]),
        ("date=2020", ["a1"]),
        ("date=2021-01-15", []),
        ("date=ge2021", ["a2", "a3"]),
        ("date=gt2021", ["a3"]),
        ("date=lt2021", ["a1"]),
        ("date=le2021-01", ["a1", "a2"]),
        ("date=ne2020-03", ["a2", "a3"]),
        ("date=sa2020", ["a2", "a3"]),
        ("date=eb2022", ["a1", "a2"]),
        ("date=ge2020-02&date=lt2020-04", ["a1"]),
        ("status=", ["a1", "a2", "a3"]),
        ("_format=json&_pretty=true", ["a1", "a2", "a3"]),
    ],
)
def test_a_search_finds_what_it_asks_for(app: App, token: str, query: str, ids: list[str]) -> None:
    assert app.ids(f"Observation?{query}", token) == ids


def test_intent_and_identifier_are_searched_by(start: Start) -> None:
    identified = observation("i1", identifier=[{"system": "urn:x", "value": "77"}])
    app = start(resources=(*world(), identified))
    token = app.sandbox.issue_token()

    assert app.ids("MedicationRequest?patient=ada&intent=order", token) == ["m1"]
    assert app.ids("MedicationRequest?patient=ada&intent=plan", token) == []
    assert app.ids("Observation?identifier=urn:x|77", token) == ["i1"]
    assert app.ids("Observation?identifier=77", token) == ["i1"]
    assert app.ids("Observation?identifier=urn:y|77", token) == []


def test_last_updated_finds_what_has_changed_since(start: Start, clock: Clock) -> None:
    app = start(clock=clock)
    token = app.sandbox.issue_token()
    clock.now += 3000
    app.sandbox.store.put(observation("a2", status="corrected"))

    assert app.ids("Observation?_lastUpdated=gt2027-01-15T08:30:00Z", token) == ["a2"]
    assert app.ids("Observation?_lastUpdated=lt2027-01-15T08:30:00Z", token) == ["a1", "a3"]
    assert app.ids("Observation?_lastUpdated=ge2027&_lastUpdated=lt2028", token) == ["a1", "a2", "a3"]


def test_last_updated_comes_from_meta_where_the_file_says_it(start: Start) -> None:
    dated = observation("old", meta={"lastUpdated": "2001-02-03T04:05:06Z", "versionId": "9"})
    app = start(resources=(*world(), dated))
    token = app.sandbox.issue_token()

    assert app.ids("Observation?_lastUpdated=lt2002", token) == ["old"]
    response = app.fhir("Observation/old", token)
    assert response.headers["etag"] == 'W/"9"'
    assert response.headers["last-modified"] == "Sat, 03 Feb 2001 04:05:06 GMT"


@pytest.mark.parametrize(
    "query",
    ["nonsense=1", "code:in=x", "_sort=date", "_include=Observation:subject", "date=yesterday", "date=ge2020-13",
     "_lastUpdated=x", "_count=-1", "_count=many", "subject.name=x"],
)  # fmt: skip
def test_what_is_not_understood_is_refused_and_named(app: App, token: str, query: str) -> None:
    response = app.fhir(f"Observation?{query}", token)

    assert response.status_code == 400
    assert response.json()["resourceType"] == "OperationOutcome"


def test_another_person_cannot_be_searched_for(app: App, token: str) -> None:
    assert app.fhir(f"Observation?patient={BEN}", token).status_code == 403
    assert app.ids("Patient", token) == [ADA]
    assert app.ids(f"Patient?_id={BEN}", token) == []


def test_an_empty_search_is_an_empty_bundle(app: App, token: str) -> None:
    bundle = app.fhir("Immunization?patient=ada", token).json()

    assert bundle["total"] == 0
    assert "entry" not in bundle
    assert [link["relation"] for link in bundle["link"]] == ["self"]


def test_pages_are_complete_and_hold_each_match_once(start: Start) -> None:
    many = [observation(f"x{number}") for number in range(23)]
    app = start(resources=(world()[0], *many), page_size=5)
    token = app.sandbox.issue_token()

    assert app.ids("Observation?patient=ada", token) == [f"x{number}" for number in range(23)]
    assert app.ids("Observation?_count=10", token) == [f"x{number}" for number in range(23)]
    page = app.fhir("Observation?_count=23", token).json()
    assert page["total"] == len(page["entry"]) == 23
    assert [link["relation"] for link in page["link"]] == ["self"]
    assert page["entry"][0]["fullUrl"] == f"{app.sandbox.fhir_base}/Observation/x0"
    assert page["entry"][0]["search"] == {"mode": "match"}


def test_a_count_of_nothing_only_counts(app: App, token: str) -> None:
    bundle = app.fhir("Observation?_count=0", token).json()

    assert bundle["total"] == 3
    assert "entry" not in bundle
    assert [link["relation"] for link in bundle["link"]] == ["self"]


def test_a_page_is_never_larger_than_the_server_allows(start: Start) -> None:
    app = start(resources=(world()[0], *(observation(f"x{number}") for number in range(230))))

    assert len(app.fhir("Observation?_count=5000", app.sandbox.issue_token()).json()["entry"]) == 200


def next_link(app: App, token: str) -> str:
    links = app.fhir("Observation?_count=2", token).json()["link"]
    return str(next(link["url"] for link in links if link["relation"] == "next"))


def test_a_next_link_outlives_its_token_but_is_not_for_another_sign_in(app: App) -> None:
    tokens = app.token(code=app.code()).json()
    link = next_link(app, tokens["access_token"]).removeprefix(app.sandbox.fhir_base + "/")
    renewed = app.refresh(tokens["refresh_token"]).json()["access_token"]

    assert [entry["resource"]["id"] for entry in app.fhir(link, renewed).json()["entry"]] == ["a3"]
    assert app.fhir(link, renewed).status_code == 200
    assert app.fhir(link, app.sandbox.issue_token()).status_code == 410
    assert app.fhir(link).status_code == 401


def test_an_unknown_next_link_answers_410(app: App, token: str) -> None:
    response = app.fhir("Observation?_cursor=made-up", token)

    assert response.status_code == 410
    assert response.json()["resourceType"] == "OperationOutcome"
    link = next_link(app, token).rpartition("=")[2]
    assert app.fhir(f"Condition?_cursor={link}", token).status_code == 410


def test_revinclude_brings_the_provenance(app: App, token: str) -> None:
    bundle = app.fhir("Observation?_id=a1,a2&_revinclude=Provenance:target", token).json()
    modes = [(entry["resource"]["id"], entry["search"]["mode"]) for entry in bundle["entry"]]

    assert modes == [("a1", "match"), ("a2", "match"), ("p1", "include")]
    assert bundle["total"] == 2
    without = app.sandbox.issue_token("patient/Observation.rs")
    assert app.ids("Observation?_id=a1&_revinclude=Provenance:target", without) == ["a1"]


def test_a_search_may_be_posted(app: App, token: str) -> None:
    url = f"{app.sandbox.fhir_base}/Observation/_search"
    headers = {"Authorization": f"Bearer {token}"}

    response = app.http.post(url, data={"patient": "ada", "status": "amended"}, headers=headers)

    assert response.json()["total"] == 1
    assert app.http.post(url, json={"patient": "ada"}, headers=headers).status_code == 415


def test_epic_wants_a_category_and_remarks_on_every_page(start: Start) -> None:
    app = start(vendor="epic")
    token = app.sandbox.issue_token()

    assert app.fhir("Observation?patient=ada", token).status_code == 400
    assert app.fhir("Observation?patient=ada&_lastUpdated=gt2020", token).status_code == 400
    response = app.fhir("Observation?patient=ada&category=laboratory&_count=1", token)
    assert response.headers["content-type"] == "application/json+fhir; charset=utf-8"
    bundle = response.json()
    assert bundle["total"] == 1
    assert [entry["search"]["mode"] for entry in bundle["entry"]] == ["match", "outcome"]


def test_athena_says_403_without_intent_and_counts_nothing(start: Start) -> None:
    app = start(vendor="athenahealth")
    token = app.sandbox.issue_token()

    assert app.fhir("MedicationRequest?patient=ada", token).status_code == 403
    assert "total" not in app.fhir("MedicationRequest?patient=ada&intent=order", token).json()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("family=QUÍLL", 1),
        ("name=ad", 1),
        ("given=ada&family=quill&birthdate=1970-12-31", 1),
        ("family=uill", 0),
    ],
)
def test_a_patient_is_found_by_the_beginning_of_a_name(start: Start, query: str, found: int) -> None:
    """FHIR R4 search.html#string: no regard to case and accents."""
    name = [{"family": "Quill", "given": ["Ada", "Maria"]}]
    app = start(
        resources=({"resourceType": "Patient", "id": "ada", "name": name, "birthDate": "1970-12-31"},)
    )
    bundle = app.fhir(f"Patient?{query}", app.sandbox.issue_token("system/*.rs")).json()
    assert len(bundle.get("entry", [])) == found
