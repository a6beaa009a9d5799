"""Machines without a person: SMART Backend Services."""

from __future__ import annotations

import pytest

from phr.sandbox.config import CONFIDENTIAL_ID, CONFIDENTIAL_SECRET

from .conftest import ADA, App, Start

AUTH = (CONFIDENTIAL_ID, CONFIDENTIAL_SECRET)


def ask(app: App, scope: str | None = "system/*.rs") -> dict[str, object]:
    form = {"grant_type": "client_credentials", **({"scope": scope} if scope else {})}
    return dict(app.post("token", form, auth=AUTH).json())


def test_a_machine_sees_everybody_and_nobody_in_particular(app: App) -> None:
    tokens = ask(app)

    assert set(tokens) == {"access_token", "token_type", "expires_in", "scope"}
    assert tokens["expires_in"] == 300
    token = str(tokens["access_token"])
    assert app.ids("Patient", token) == ["ada", "ben"]
    assert app.ids("Observation?patient=ben", token) == ["b1"]
    assert app.fhir(f"Patient/{ADA}/$everything", token).status_code == 200
    assert app.fhir("Binary/secret", token, Accept="application/fhir+json").status_code == 200


def test_scopes_bound_a_machine(app: App) -> None:
    tokens = ask(app, "system/Patient.read system/Observation.rs?category=laboratory patient/*.rs openid")

    assert tokens["scope"] == "system/Patient.read system/Observation.rs?category=laboratory"
    token = str(tokens["access_token"])
    assert app.ids("Observation", token) == ["a1", "a2", "b1"]
    assert app.fhir("MedicationRequest", token).status_code == 403


@pytest.mark.parametrize("scope", ["patient/*.rs", "user/*.rs", "openid"])
def test_a_machine_has_to_ask_for_system_scopes(app: App, scope: str) -> None:
    assert ask(app, scope)["error"] == "invalid_scope"
    assert ask(app, None)["error"] == "invalid_request"


def test_a_public_client_cannot_come_without_a_person(app: App) -> None:
    form = {"grant_type": "client_credentials", "scope": "system/*.rs", "client_id": app.client_id}

    assert app.post("token", form).json()["error"] == "unauthorized_client"
    assert app.post("token", {**form, "client_id": "nobody"}).json()["error"] == "invalid_client"


@pytest.mark.parametrize(
    ("vendor", "error"),
    [("epic", None), ("oracle", None), ("athenahealth", None), ("meditech", "unauthorized_client"),
     ("nextgen", "unsupported_grant_type"), ("medicare", "unsupported_grant_type")],
)  # fmt: skip
def test_where_machines_are_welcome(start: Start, vendor: str, error: str | None) -> None:
    app = start(vendor=vendor)

    assert ask(app).get("error") == error
    offered = "client_credentials" in app.said()["grant_types_supported"]
    assert offered is (error != "unsupported_grant_type")
