"""What the server says about itself."""

from __future__ import annotations

from .conftest import App, Start


def test_smart_configuration_names_endpoints_that_answer(app: App) -> None:
    said = app.fhir(".well-known/smart-configuration").json()

    assert said["issuer"] == app.sandbox.fhir_base
    assert app.http.get(said["authorization_endpoint"]).status_code == 400
    assert app.http.post(said["token_endpoint"]).status_code == 400
    assert app.http.post(said["revocation_endpoint"]).status_code == 400
    assert app.http.get(said["jwks_uri"]).json()["keys"][0]["kty"] == "EC"
    assert said["code_challenge_methods_supported"] == ["S256"]
    assert {
        "launch-standalone",
        "client-public",
        "client-confidential-symmetric",
        "context-standalone-patient",
        "permission-offline",
        "permission-patient",
        "permission-v1",
        "permission-v2",
        "sso-openid-connect",
    } <= set(said["capabilities"])
    assert {"patient/*.rs", "patient/Observation.read", "offline_access"} <= set(said["scopes_supported"])


def test_openid_configuration_names_the_algorithm(app: App) -> None:
    said = app.fhir(".well-known/openid-configuration").json()

    assert said["id_token_signing_alg_values_supported"] == ["ES256"]


def test_the_capability_statement_lists_what_is_held(app: App) -> None:
    response = app.fhir("metadata", Accept="application/fhir+json")
    said = response.json()
    rest = said["rest"][0]
    types = {item["type"]: item for item in rest["resource"]}

    assert response.headers["content-type"].startswith("application/fhir+json")
    assert said["fhirVersion"] == "4.0.1"
    assert set(types) == {
        "Binary", "DocumentReference", "Group", "MedicationRequest", "Observation", "Patient", "Practitioner",
        "Provenance",
    }  # fmt: skip
    params = {item["name"] for item in types["Observation"]["searchParam"]}
    assert {"patient", "_id", "category", "code", "date", "status", "_lastUpdated", "_count"} <= params
    assert "intent" in {item["name"] for item in types["MedicationRequest"]["searchParam"]}
    assert {"code": "search-type"} not in types["Binary"]["interaction"]
    assert types["Patient"]["operation"][0]["name"] == "everything"


def test_every_parameter_that_is_declared_is_answered(app: App) -> None:
    token = app.sandbox.issue_token()
    for item in app.fhir("metadata").json()["rest"][0]["resource"]:
        for param in item.get("searchParam", ()):
            value = {"date": "ge1900", "number": "1"}.get(param["type"], "ada")
            response = app.fhir(f"{item['type']}?{param['name']}={value}", token)
            assert response.status_code == 200, (item["type"], param["name"])


def test_the_oauth_addresses_are_in_the_capability_statement_too(app: App) -> None:
    security = app.fhir("metadata").json()["rest"][0]["security"]
    uris = {item["url"]: item["valueUri"] for item in security["extension"][0]["extension"]}

    assert security["extension"][0]["url"].endswith("/StructureDefinition/oauth-uris")
    assert security["service"][0]["coding"][0]["code"] == "SMART-on-FHIR"
    said = app.fhir(".well-known/smart-configuration").json()
    assert uris["authorize"] == said["authorization_endpoint"]
    assert uris["token"] == said["token_endpoint"]


def test_a_type_that_comes_later_is_declared(app: App) -> None:
    app.sandbox.store.put({"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/ada"}})

    assert "Condition" in {item["type"] for item in app.fhir("metadata").json()["rest"][0]["resource"]}


def test_a_vendor_that_cannot_search_by_last_updated_does_not_declare_it(start: Start) -> None:
    resources = start(vendor="epic").fhir("metadata").json()["rest"][0]["resource"]

    assert not [p for item in resources for p in item.get("searchParam", ()) if p["name"] == "_lastUpdated"]
