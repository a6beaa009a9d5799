"""Each vendor as the public documents tell it: the way back, who it is, tokens, refreshing, whose record it is."""

from __future__ import annotations

import base64
import tomllib
from pathlib import Path
from typing import Any

import orjson
import pytest

from phr.errors import UsageError
from phr.sandbox.config import CONFIDENTIAL_ID, CONFIDENTIAL_SECRET
from phr.sandbox.vendors import ALIASES, PRACTICE, VENDORS, canonical

from .conftest import ADA, ELSEWHERE, REGISTERED, SCOPE, App, Clock, Start, answer

CATALOGUE = Path(__file__).parents[2] / "providers.toml"
NAMED = "openid fhirUser launch/patient offline_access patient/Patient.rs patient/Observation.rs"
CONFIDENTIAL = {"id": CONFIDENTIAL_ID, "secret": CONFIDENTIAL_SECRET}
MEDICARE = "openid profile patient/Patient.read patient/Coverage.read patient/ExplanationOfBenefit.read"
DAY = 86_400

HTTPS_ONLY = {"eclinicalworks", "va", "medicare", "followmyhealth"}
CONFIDENTIAL_ONLY = {"medicare", "humana", "quest", "practice-fusion"}
PLAIN = {"sandbox", "custom", "smart-health-it"}


def claims(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    return dict(orjson.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))


def app_of(start: Start, vendor: str, client: dict[str, Any] | None = None, **changed: Any) -> App:
    """An app that is registered with a vendor as the vendor wants it."""
    app = start(vendor=vendor, **changed)
    app.redirect_uri = ELSEWHERE if canonical(vendor) in HTTPS_ONLY | {"drchrono"} else REGISTERED
    app.client = dict(client or {})
    return app


def scope_of(vendor: str) -> str:
    if vendor == "medicare":
        return MEDICARE
    return NAMED.replace(".rs", ".read") if VENDORS[vendor].scope_version == "v1" else NAMED


def test_every_vendor_of_the_catalogue_can_be_imitated() -> None:
    if not CATALOGUE.exists():
        pytest.skip("the catalogue is not beside the tests")
    with CATALOGUE.open("rb") as file:
        vendors = tomllib.load(file)["vendors"]

    assert set(vendors) <= set(VENDORS)


@pytest.mark.parametrize(
    ("word", "vendor"), [*ALIASES.items(), ("Oracle Health", "oracle"), ("EPIC", "epic")]
)
def test_a_vendor_has_other_names(word: str, vendor: str) -> None:
    assert canonical(word) == vendor


def test_an_unknown_vendor_is_answered_with_near_ones() -> None:
    with pytest.raises(UsageError) as raised:
        canonical("athenahelth")
    assert "athenahealth" in (raised.value.hint or "")
    with pytest.raises(UsageError) as raised:
        canonical("qqqqq")
    assert "epic" in (raised.value.hint or "")


@pytest.mark.parametrize("vendor", sorted(set(VENDORS) - {"hapi"}))
def test_a_person_can_sign_in_at_every_vendor_and_read(start: Start, vendor: str) -> None:
    app = app_of(start, vendor, CONFIDENTIAL if vendor in CONFIDENTIAL_ONLY else None)

    if vendor == "one-medical":
        location = app.authorize(scope=NAMED).headers["location"]
        code = dict(pair.split("=", 1) for pair in location.partition("#")[2].split("&"))["code"]
    else:
        code = app.code(scope=scope_of(vendor), nonce="n-1")
    tokens = app.token(code=code).json()

    assert app.fhir(f"Patient/{ADA}", tokens["access_token"]).status_code == 200
    other = {"cigna": 500, "nextgen": 400}.get(vendor, 404)
    assert app.fhir("Patient/ben", tokens["access_token"]).status_code == other


@pytest.mark.parametrize("vendor", sorted(set(VENDORS) - PLAIN - HTTPS_ONLY - {"hapi", "drchrono"}))
def test_a_vendor_takes_registered_addresses_only(start: Start, vendor: str) -> None:
    app = app_of(start, vendor, redirect_uris=("http://127.0.0.1:9999/mine",))

    for uri, status in (
        (REGISTERED, 302),
        ("https://localhost:8765/callback", 302),
        (ELSEWHERE, 302),
        ("http://127.0.0.1:9999/mine", 302),
        ("http://127.0.0.1:8766/callback", 400),
        ("https://elsewhere.example/callback", 400),
    ):
        response = app.authorize(redirect_uri=uri, scope=scope_of(vendor), nonce="n")
        assert response.status_code == status, uri
        assert ("location" in response.headers) is (status == 302)


@pytest.mark.parametrize("vendor", sorted(HTTPS_ONLY))
def test_a_vendor_that_refuses_this_computer_never_calls_it_back(start: Start, vendor: str) -> None:
    app = app_of(start, vendor, change={"burst": None, "per_second": None})

    for uri in (
        REGISTERED,
        "http://localhost:8765/callback",
        "https://localhost:8765/callback",
        "https://127.0.0.1:8765/callback",
        "https://[::1]:8765/callback",
        "http://relay.example/callback",
    ):
        response = app.authorize(redirect_uri=uri, scope=scope_of(vendor))
        assert response.status_code == 400, uri
        assert "location" not in response.headers
        assert response.headers["content-type"].startswith("text/html")
    for uri in (ELSEWHERE, "https://relay.example/phr/callback"):
        came = app.authorize(redirect_uri=uri, scope=scope_of(vendor))
        assert came.headers["location"].startswith(uri + "?code=")


def test_onpatient_wants_https_but_knows_what_was_registered(start: Start) -> None:
    app = app_of(start, "drchrono")

    assert app.authorize(redirect_uri=REGISTERED).status_code == 400
    assert app.authorize(redirect_uri="https://localhost:8765/callback").status_code == 302
    assert app.authorize(redirect_uri="https://elsewhere.example/").status_code == 400
    tokens = app.sign_in()
    assert "patient" not in tokens
    assert tokens["expires_in"] == 2 * DAY


@pytest.mark.parametrize("vendor", sorted(CONFIDENTIAL_ONLY))
def test_a_confidential_vendor_refuses_an_app_without_a_secret(start: Start, vendor: str) -> None:
    public = app_of(start, vendor)
    scope = scope_of(vendor)

    refused = public.token(code=public.code(scope=scope))

    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert "client-public" not in public.said()["capabilities"]
    assert "none" not in public.said()["token_endpoint_auth_methods_supported"]
    for client in (
        CONFIDENTIAL,
        {"id": CONFIDENTIAL_ID, "post": CONFIDENTIAL_SECRET},
        {"secret": CONFIDENTIAL_SECRET},
    ):
        public.client = client
        assert "access_token" in public.sign_in(scope=scope)


@pytest.mark.parametrize(
    ("vendor", "public", "confidential"),
    [
        ("epic", False, True),
        ("oracle", True, True),
        ("eclinicalworks", False, True),
        ("veradigm", False, True),
        ("altera", False, True),
        ("athenahealth", True, True),
        ("nextgen", True, True),
        ("va", True, True),
        ("sandbox", True, True),
    ],
)
def test_who_gets_a_refresh_token(start: Start, vendor: str, public: bool, confidential: bool) -> None:
    app = app_of(start, vendor)
    assert ("refresh_token" in app.sign_in(scope=scope_of(vendor), nonce="n")) is public

    app.client = CONFIDENTIAL
    assert ("refresh_token" in app.sign_in(scope=scope_of(vendor), nonce="n")) is confidential


def test_oracle_says_who_it_is_in_the_id_token_and_for_ten_minutes(start: Start) -> None:
    tokens = app_of(start, "cerner").sign_in(scope=NAMED)

    assert "patient" not in tokens
    assert tokens["expires_in"] == 570
    assert claims(tokens["id_token"])["fhirUser"].endswith(f"/Patient/{ADA}")


def test_oracle_grants_no_wildcards_and_forgets_the_first_dialect(start: Start) -> None:
    app = app_of(start, "oracle")
    asked = (
        "openid fhirUser launch/patient patient/*.read patient/*.rs patient/Goal.read patient/Observation.rs"
    )

    assert app.sign_in(scope=asked)["scope"] == "openid fhirUser launch/patient patient/Observation.rs"
    older = app_of(start, "oracle", scope_version="v1")
    assert older.sign_in(scope=asked)["scope"] == "openid fhirUser launch/patient patient/Goal.read"


def test_oracle_keeps_one_refresh_token_and_slows_down_who_refreshes_twice_a_minute(
    start: Start, clock: Clock
) -> None:
    app = app_of(start, "oracle", clock=clock)
    first = app.sign_in(scope=NAMED)["refresh_token"]

    assert "refresh_token" not in app.refresh(first).json()
    clock.now += 59
    assert app.refresh(first).status_code == 429
    clock.now += 1
    assert app.refresh(first).status_code == 200
    clock.now += 90 * DAY
    assert app.refresh(first).json()["error"] == "invalid_grant"


def test_oracle_explains_its_errors_somewhere(start: Start) -> None:
    app = app_of(start, "oracle")

    came = answer(app.authorize(response_type="token"))
    said = app.refresh("made-up").json()

    assert app.http.get(came["error_uri"]).status_code == 200
    assert said["error_uri"].endswith("/errors/invalid_grant")


@pytest.mark.parametrize(("slash", "taken"), [("", False), ("/", True)])
def test_oracle_may_compare_aud_letter_by_letter(start: Start, slash: str, taken: bool) -> None:
    app = app_of(start, "oracle", aud_exact=True)

    came = answer(app.authorize(aud=app.sandbox.fhir_base + slash, scope=NAMED))

    assert ("code" in came) is taken
    lenient = app_of(start, "oracle")
    assert "code" in answer(lenient.authorize(aud=lenient.sandbox.fhir_base + slash, scope=NAMED))


def test_oracle_wants_a_person_and_for_appointments_a_date(start: Start) -> None:
    app = app_of(start, "oracle")
    token = app.sandbox.issue_token()

    assert app.fhir("Observation", token).status_code == 400
    assert app.fhir(f"Observation?patient={ADA}", token).status_code == 200
    assert app.fhir(f"Appointment?patient={ADA}", token).status_code == 400
    assert app.fhir(f"Appointment?patient={ADA}&date=ge1900-01-01", token).status_code == 200
    assert app.fhir(f"Goal?patient={ADA}&_lastUpdated=ge2020", token).status_code == 400
    assert app.fhir(f"Observation?patient={ADA}&_lastUpdated=ge2020", token).status_code == 200


def test_epic_drops_launch_and_lets_the_registration_decide(start: Start) -> None:
    tokens = app_of(start, "epic").sign_in(scope="openid fhirUser launch/patient")

    granted = tokens["scope"].split()
    assert "launch/patient" not in granted
    assert {"openid", "fhirUser", "patient/Observation.read"} <= set(granted)
    assert tokens["patient"] == ADA


def test_epics_confidential_apps_get_rolling_tokens_that_keep_the_first_end(
    start: Start, clock: Clock
) -> None:
    app = app_of(start, "epic", CONFIDENTIAL, clock=clock)
    first = app.sign_in()["refresh_token"]
    clock.now += 10 * DAY

    second = app.refresh(first).json()["refresh_token"]

    assert claims(first)["exp"] == claims(second)["exp"] == 1_800_000_000 + 90 * DAY
    clock.now += 80 * DAY
    assert app.refresh(second).json()["error"] == "invalid_grant"


def test_epics_answers_where_a_type_is_unknown_or_refused(start: Start) -> None:
    app = app_of(start, "epic")
    token = app.sandbox.issue_token("patient/Patient.rs")

    unknown, refused = app.fhir("Nonsense", token), app.fhir("Observation?category=laboratory", token)

    assert (unknown.status_code, unknown.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert (refused.status_code, refused.content) == (403, b"")
    assert "insufficient_scope" in refused.headers["www-authenticate"]


def test_athenahealth_names_the_practice_in_the_token(start: Start) -> None:
    app = app_of(start, "athena")
    token = app.sign_in(nonce="n")["access_token"]
    practice = claims(token)["ah_practice"]
    search = f"{app.sandbox.fhir_base}/Observation?patient={ADA}&ah-practice="

    def ask(value: str) -> int:
        return app.http.get(search + value, headers={"Authorization": f"Bearer {token}"}).status_code

    assert practice == PRACTICE
    assert ask(f"Organization/{practice}") == 200
    assert ask(f"Organization%2F{practice}") == 403
    assert ask("Organization/a-1.Practice-1") == 403
    assert app.fhir(f"Observation?patient={ADA}", token).status_code == 200
    strict = app_of(start, "athena", change={"needs_practice": True})
    assert strict.fhir(f"Observation?patient={ADA}", strict.sandbox.issue_token()).status_code == 403


def test_athenahealth_wants_a_nonce_and_the_scope_again(start: Start) -> None:
    app = app_of(start, "athenahealth")
    assert answer(app.authorize())["error"] == "invalid_request"
    assert "code" in answer(app.authorize(scope="launch/patient patient/*.rs"))

    token = app.sign_in(nonce="n")["refresh_token"]

    bare = {"grant_type": "refresh_token", "refresh_token": token}
    for form in (bare, {**bare, "scope": SCOPE}, {**bare, "client_id": app.client_id}):
        refused = app.post("token", form)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    first, second = (app.refresh(token, scope=SCOPE) for _ in range(2))
    assert first.status_code == second.status_code == 200
    assert "refresh_token" not in first.json()
    assert second.json()["refresh_token"] != token


def test_veradigm_names_the_patient_in_the_access_token(start: Start) -> None:
    tokens = app_of(start, "allscripts").sign_in()

    assert "patient" not in tokens
    assert claims(tokens["access_token"])["local_patient_id"] == ADA


def test_nextgen_reads_the_address_and_maybe_nothing_else(start: Start) -> None:
    lenient, strict = app_of(start, "nextgen"), app_of(start, "nextgen", token_in_query="only")

    assert "access_token" in lenient.sign_in()
    refused = strict.token(code=strict.code())
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    for app in (lenient, strict):
        form = {
            "grant_type": "authorization_code",
            "code": app.code(),
            "client_id": app.client_id,
            "redirect_uri": app.redirect_uri,
            "code_verifier": "v" * 43,
        }
        assert app.http.post(app.where("token"), params=form).status_code == 200


def test_nextgens_refresh_token_dies_unused_after_two_days(start: Start, clock: Clock) -> None:
    app = app_of(start, "nextgen", clock=clock)
    token = app.sign_in()["refresh_token"]
    for _ in range(3):
        clock.now += 2 * DAY - 1
        token = app.refresh(token).json()["refresh_token"]
    clock.now += 2 * DAY

    assert app.refresh(token).json()["error"] == "invalid_grant"


def test_nextgen_grants_its_own_wildcard_and_hides_care_plans(start: Start) -> None:
    app = app_of(start, "nextgen")
    tokens = app.sign_in(scope="openid launch/patient patient/*.*")

    assert tokens["scope"] == "openid launch/patient patient/*.*"
    assert app.fhir(f"CarePlan?patient={ADA}", tokens["access_token"]).status_code == 404
    assert app.fhir(f"Observation?patient={ADA}", tokens["access_token"]).status_code == 400


def test_medicare_wants_exact_scopes(start: Start) -> None:
    app = app_of(start, "bluebutton", CONFIDENTIAL)

    for wrong in ("patient/*.read", "fhirUser", "patient/Patient.rs", "offline_access"):
        assert answer(app.authorize(scope=f"{MEDICARE} {wrong}"))["error"] == "invalid_scope"
    tokens = app.sign_in(scope=MEDICARE)
    assert tokens["patient"] == ADA
    assert app.fhir("Coverage", tokens["access_token"]).status_code == 200
    assert app.fhir("Observation", tokens["access_token"]).status_code == 404
    assert app.fhir("Observation/a1", tokens["access_token"]).status_code == 404


def test_medicares_consent_ends_after_thirteen_months(start: Start, clock: Clock) -> None:
    app = app_of(start, "medicare", CONFIDENTIAL, clock=clock)
    first = app.sign_in(scope=MEDICARE)["refresh_token"]
    clock.now += 394 * DAY
    second = app.refresh(first).json()["refresh_token"]
    clock.now += DAY

    assert app.refresh(second).json()["error"] == "invalid_grant"


def test_medicares_refresh_tokens_count_once(start: Start) -> None:
    app = app_of(start, "medicare", CONFIDENTIAL)
    first = app.sign_in(scope=MEDICARE)["refresh_token"]
    second = app.refresh(first).json()["refresh_token"]

    assert second != first
    assert app.refresh(first).json()["error"] == "invalid_grant"


def test_va_and_unitedhealthcare_speak_the_first_dialect(start: Start) -> None:
    both = "launch/patient patient/Observation.read patient/Patient.rs patient/*.read"

    assert app_of(start, "va").sign_in(scope=both)["scope"] == both.replace(" patient/Patient.rs", "")
    app = app_of(start, "unitedhealthcare")
    assert app.sign_in(scope=both)["scope"] == "launch/patient patient/Observation.read"
    assert "permission-v2" not in app.said()["capabilities"]


def test_quest_wants_a_category(start: Start) -> None:
    app = app_of(start, "quest")
    token = app.sandbox.issue_token()

    assert app.fhir(f"DiagnosticReport?patient={ADA}", token).status_code == 400
    assert app.fhir(f"DiagnosticReport?patient={ADA}&category=LAB", token).status_code == 200


def test_modmed_says_one_thing_and_takes_another(start: Start) -> None:
    app = app_of(start, "modmed", {"id": CONFIDENTIAL_ID, "post": CONFIDENTIAL_SECRET})

    assert app.said()["token_endpoint_auth_methods_supported"] == ["client_secret_post"]
    assert app.token(code=app.code()).json()["error"] == "invalid_client"


def test_the_launcher_knows_every_client_and_every_address(start: Start) -> None:
    app = start(vendor="smart-health-it")
    app.client = {"id": "whatever"}

    for uri in ("http://localhost:1/x", "https://relay.example/callback"):
        app.redirect_uri = uri
        assert "refresh_token" in app.sign_in()
    assert app.authorize(redirect_uri="http://relay.example/callback").status_code == 400


def test_an_open_server_asks_nobody(start: Start) -> None:
    app = start(vendor="hapi")

    assert sorted(app.fhir("Patient").json()["entry"][n]["resource"]["id"] for n in (0, 1)) == ["ada", "ben"]
    assert app.fhir("Observation?patient=ben").json()["total"] == 1
    assert app.said() == {}
    assert "security" not in app.fhir("metadata").json()["rest"][0]
    assert app.fhir("Patient", "made-up").status_code == 401
