"""Read, history, Binary, $everything, and who may see what."""

from __future__ import annotations

import pytest

from .conftest import ADA, BEN, App, Clock, Start, world


def outcome(response: object) -> str:
    body = response.json()  # type: ignore[attr-defined]
    assert body["resourceType"] == "OperationOutcome"
    assert response.headers["content-type"].startswith("application/fhir+json")  # type: ignore[attr-defined]
    return str(body["issue"][0]["code"])


@pytest.fixture
def token(app: App) -> str:
    return app.sandbox.issue_token()


def test_a_read_gives_the_exact_bytes_and_its_version(app: App, token: str) -> None:
    response = app.fhir("Observation/a1", token)

    assert response.content == world()[2]
    assert response.headers["etag"] == 'W/"1"'
    assert response.headers["last-modified"].endswith("GMT")
    assert response.headers["content-type"].startswith("application/fhir+json")


def test_a_search_carries_the_same_bytes_as_a_read(app: App, token: str) -> None:
    assert world()[2] in app.fhir("Observation?_id=a1", token).content


def test_an_unchanged_resource_answers_304(app: App, token: str) -> None:
    response = app.fhir("Observation/a1", token, **{"If-None-Match": 'W/"1"'})

    assert response.status_code == 304
    assert response.content == b""
    assert app.fhir("Observation/a1", token, **{"If-None-Match": 'W/"2"'}).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}])
def test_without_a_good_token_every_fhir_call_answers_401(app: App, headers: dict[str, str]) -> None:
    for path in (
        "Patient/ada",
        "Observation",
        "Binary/note",
        "Patient/ada/$everything",
        "Patient/ada/_history",
    ):
        response = app.fhir(path, **headers)
        assert response.status_code == 401
        assert outcome(response) == "login"
        assert 'error="invalid_token"' in response.headers["www-authenticate"]


def test_another_persons_resources_are_not_there(app: App, token: str) -> None:
    for path in (
        f"Patient/{BEN}",
        "Observation/b1",
        "DocumentReference/d2",
        "Binary/secret",
        "Observation/b1/_history/1",
    ):
        response = app.fhir(path, token)
        assert response.status_code == 404, path
        assert outcome(response) == "not-found"
    bens = app.sandbox.issue_token(patient=BEN)
    assert app.fhir("Observation/b1", bens).status_code == 200
    assert app.fhir("Binary/secret", bens).status_code == 200


def test_resources_that_belong_to_nobody_are_for_everyone(app: App, token: str) -> None:
    assert app.fhir("Practitioner/doc", token).json()["name"] == [{"family": "Doc"}]


def test_a_provenance_belongs_to_whom_its_target_belongs(app: App, token: str) -> None:
    assert app.fhir("Provenance/p1", token).status_code == 200
    assert app.fhir("Provenance/p1", app.sandbox.issue_token(patient=BEN)).status_code == 404


@pytest.mark.parametrize(
    "scope", ["patient/Observation.rs", "patient/Observation.read", "patient/*.s patient/Observation.r"]
)
def test_a_scope_covers_its_type_and_no_other(app: App, scope: str) -> None:
    token = app.sandbox.issue_token(scope)

    assert app.fhir("Observation/a1", token).status_code == 200
    response = app.fhir("MedicationRequest/m1", token)
    assert response.status_code == 403
    assert response.headers["www-authenticate"] == 'Bearer error="insufficient_scope"'
    assert outcome(response) == "forbidden"


def test_reading_and_searching_are_two_permissions(app: App) -> None:
    reads, searches = app.sandbox.issue_token("patient/*.r"), app.sandbox.issue_token("patient/*.s")

    assert app.fhir("Observation/a1", reads).status_code == 200
    assert app.fhir("Observation", reads).status_code == 403
    assert app.fhir("Observation/a1", searches).status_code == 403
    assert app.fhir("Observation", searches).status_code == 200


def test_a_granular_scope_covers_only_what_it_says(app: App) -> None:
    token = app.sandbox.issue_token("patient/Observation.rs?category=http://example.org/category|laboratory")

    assert app.ids("Observation", token) == ["a1", "a2"]
    assert app.fhir("Observation/a1", token).status_code == 200
    assert app.fhir("Observation/a3", token).status_code == 403


def test_an_update_makes_a_version_and_keeps_the_old_one(start: Start, clock: Clock) -> None:
    app = start(clock=clock)
    token = app.sandbox.issue_token()
    clock.now += 10
    app.sandbox.store.put({**app.fhir("Observation/a2", token).json(), "status": "amended"})

    new = app.fhir("Observation/a2", token)

    assert new.headers["etag"] == 'W/"2"'
    assert new.json()["status"] == "amended"
    assert app.fhir("Observation/a2/_history/1", token).json()["status"] == "final"
    assert app.fhir("Observation/a2/_history/2", token).content == new.content
    assert app.fhir("Observation/a2/_history/3", token).status_code == 404
    history = app.fhir("Observation/a2/_history", token).json()
    assert history["type"] == "history"
    assert [entry["resource"]["status"] for entry in history["entry"]] == ["amended", "final"]


def test_a_deleted_resource_is_gone(app: App, token: str) -> None:
    app.sandbox.store.delete("Observation", "a2")

    response = app.fhir("Observation/a2", token)

    assert response.status_code == 410
    assert outcome(response) == "deleted"
    assert app.ids("Observation", token) == ["a1", "a3"]


def test_meta_is_kept_up_by_the_hospital_where_a_resource_has_it(start: Start, clock: Clock) -> None:
    app = start(clock=clock)
    patient = {"resourceType": "Patient", "id": ADA, "meta": {"versionId": "7", "profile": ["x"]}}

    stored = app.sandbox.store.put(patient)

    assert stored.content["meta"] == {
        "versionId": "2",
        "profile": ["x"],
        "lastUpdated": "2027-01-15T08:00:00.000Z",
    }


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, "text/plain"),
        ("text/plain", "text/plain"),
        ("text/*", "text/plain"),
        ("application/pdf, */*;q=0.1", "text/plain"),
        ("application/fhir+json", "application/fhir+json; charset=utf-8"),
        ("application/json+fhir", "application/fhir+json; charset=utf-8"),
        ("text/plain;q=0.5, application/fhir+json", "application/fhir+json; charset=utf-8"),
    ],
)
def test_a_binary_comes_as_the_client_takes_it(
    app: App, token: str, accept: str | None, media_type: str
) -> None:
    response = app.fhir("Binary/note", token, **({"Accept": accept} if accept else {}))

    assert response.headers["content-type"] == media_type
    if media_type == "text/plain":
        assert response.content == b"hello"
    else:
        assert response.json()["data"] == "aGVsbG8="


def test_a_form_that_is_not_there_answers_406(app: App, token: str) -> None:
    assert app.fhir("Binary/note", token, Accept="application/pdf").status_code == 406
    assert app.fhir("Observation/a1", token, Accept="application/fhir+xml").status_code == 406
    assert app.fhir("Observation?_format=xml", token).status_code == 406
    assert app.fhir("metadata", Accept="text/html").status_code == 406
    assert outcome(app.fhir("Observation", token, Accept="application/fhir+xml")) == "not-supported"


def test_everything_is_the_compartment_and_what_it_refers_to(app: App, token: str) -> None:
    bundle = app.fhir(f"Patient/{ADA}/$everything", token).json()
    found = {entry["fullUrl"].removeprefix(app.sandbox.fhir_base + "/") for entry in bundle["entry"]}

    assert found == {
        "Patient/ada",
        "Observation/a1",
        "Observation/a2",
        "Observation/a3",
        "MedicationRequest/m1",
        "DocumentReference/d1",
        "Practitioner/doc",
        "Provenance/p1",
    }
    assert bundle["total"] == 8
    assert bundle["entry"][0]["resource"]["id"] == ADA


def test_everything_is_paged_and_keeps_to_the_scopes(app: App, token: str) -> None:
    assert len(app.ids(f"Patient/{ADA}/$everything?_count=3", token)) == 8
    narrow = app.sandbox.issue_token("patient/Patient.rs patient/MedicationRequest.rs")
    assert app.ids(f"Patient/{ADA}/$everything", narrow) == [ADA, "m1"]
    assert app.ids(f"Patient/{ADA}/$everything?_type=Observation,Patient", token) == [ADA, "a1", "a2", "a3"]
    assert app.fhir(f"Patient/{BEN}/$everything", token).status_code == 404
    assert app.fhir(f"Patient/{ADA}/$everything?sort=x", token).status_code == 400
    assert (
        app.fhir(f"Patient/{ADA}/$everything", app.sandbox.issue_token("patient/Observation.rs")).status_code
        == 403
    )


def test_other_interactions_are_refused_with_an_outcome(app: App, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    base = app.sandbox.fhir_base
    for method, path, status in (
        ("POST", "Observation", 405),
        ("DELETE", "Observation/a1", 405),
        ("PUT", "Observation/a1", 405),
        ("GET", "Observation/a1/more/and/more", 404),
        ("GET", "Nonsense", 404),
        ("GET", "Nonsense/1", 403),
        ("GET", "Observation/unknown", 404),
    ):
        token_scope = app.sandbox.issue_token("patient/Observation.rs") if path == "Nonsense/1" else token
        headers = {"Authorization": f"Bearer {token_scope}"}
        response = app.http.request(method, f"{base}/{path}", headers=headers)
        assert response.status_code == status, (method, path)
        outcome(response)


def test_requests_are_counted_without_their_secrets(app: App, token: str) -> None:
    app.fhir("Observation?patient=ada", token)
    app.fhir("Observation/unknown", token)

    assert app.sandbox.requests == [
        ("GET", "/fhir/Observation", 200),
        ("GET", "/fhir/Observation/unknown", 404),
    ]


def test_another_host_name_is_refused(app: App, token: str) -> None:
    assert app.fhir("metadata", Host="rebound.example:80").status_code == 421
