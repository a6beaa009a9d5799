"""The pages a person sees, walked through by posting their forms."""

from __future__ import annotations

import base64
import hashlib
import re
from html import unescape

import httpx
import pytest

from .conftest import ADA, BEN, SCOPE, App, Start, answer


@pytest.fixture
def app(start: Start) -> App:
    return start(auto_approve=False)


def transaction(page: httpx.Response) -> str:
    assert page.status_code == 200, page.text
    return re.findall(r'name="transaction" value="([^"]+)"', page.text)[0]


def consent_page(app: App, patient: str = ADA, **changed: str | None) -> httpx.Response:
    asked = app.authorize(**changed)
    return app.post("sign-in", {"transaction": transaction(asked), "patient": patient})


def types_on(page: httpx.Response) -> list[str]:
    return re.findall(r'name="type" value="([^"]+)"', page.text)


def allow(app: App, page: httpx.Response, types: list[str], **more: str) -> httpx.Response:
    form = {"transaction": transaction(page), "decision": "allow", "type": types, **more}
    return app.post("consent", form)  # type: ignore[arg-type]


def test_a_person_signs_in_and_allows_everything(app: App) -> None:
    page = consent_page(app, BEN)

    came = answer(allow(app, page, types_on(page), offline_access="yes"))

    assert came["state"] == "st-1"
    tokens = app.token(code=came["code"]).json()
    assert tokens["patient"] == BEN
    assert tokens["scope"] == SCOPE
    assert "refresh_token" in tokens


def test_the_consent_page_names_what_is_asked_in_plain_words(app: App) -> None:
    page = consent_page(app)

    assert "Test results, vital signs and other observations" in page.text
    assert "MedicationRequest" in types_on(page)
    assert "Also later, when you are not here" in page.text
    narrow = consent_page(app, scope="launch/patient patient/Observation.rs")
    assert types_on(narrow) == ["Observation"]
    assert "Also later" not in narrow.text


def test_unticking_types_narrows_the_grant(app: App) -> None:
    page = consent_page(app)

    tokens = app.token(code=answer(allow(app, page, ["Patient", "Observation"]))["code"]).json()

    assert tokens["scope"] == "openid fhirUser launch/patient patient/Observation.rs patient/Patient.rs"
    assert "refresh_token" not in tokens
    assert app.fhir(f"Observation?patient={ADA}", tokens["access_token"]).status_code == 200
    assert app.fhir(f"MedicationRequest?patient={ADA}", tokens["access_token"]).status_code == 403


def test_a_ticked_type_that_was_not_asked_is_not_granted(app: App) -> None:
    page = consent_page(app, scope="launch/patient patient/Observation.rs")

    tokens = app.token(code=answer(allow(app, page, ["Observation", "Condition"]))["code"]).json()

    assert tokens["scope"] == "launch/patient patient/Observation.rs"


def test_saying_no_goes_back_as_access_denied(app: App) -> None:
    page = consent_page(app)

    came = answer(app.post("consent", {"transaction": transaction(page), "decision": "deny"}))

    assert came["error"] == "access_denied"
    assert came["state"] == "st-1"
    assert "code" not in came


def test_allowing_nothing_is_saying_no(app: App) -> None:
    assert answer(allow(app, consent_page(app), []))["error"] == "access_denied"


def test_a_form_works_once(app: App) -> None:
    page = consent_page(app)
    assert "code" in answer(allow(app, page, ["Patient"]))

    assert allow(app, page, ["Patient"]).status_code == 400


def test_a_form_that_was_not_given_or_skips_the_sign_in_is_refused(app: App) -> None:
    skipping = {"transaction": transaction(app.authorize()), "decision": "allow", "type": "Patient"}

    assert app.post("consent", {**skipping, "transaction": "made-up"}).status_code == 400
    assert app.post("consent", skipping).status_code == 400
    assert app.post("sign-in", {"transaction": "made-up", "patient": ADA}).status_code == 400
    unknown = {"transaction": transaction(app.authorize()), "patient": "nobody"}
    assert app.post("sign-in", unknown).status_code == 400


def test_the_person_chosen_on_the_command_line_is_preselected(start: Start) -> None:
    page = start(auto_approve=False, patient=BEN).authorize()

    assert re.search(rf'value="{BEN}" required checked', page.text)
    assert not re.search(rf'value="{ADA}" required checked', page.text)


def test_names_and_client_ids_are_escaped(start: Start) -> None:
    app = start(auto_approve=False, clients={"<script>alert(1)</script>": None})
    page = app.authorize(client_id="<script>alert(1)</script>", state='"><script>')

    assert "<script" not in page.text
    assert "Ben <b>" not in page.text
    assert "Ben <b>Example</b>" in unescape(page.text)


def test_pages_bring_nothing_from_elsewhere_and_are_not_framed_or_kept(app: App) -> None:
    for page in (app.authorize(), consent_page(app), app.http.get(app.origin + "/")):
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        style = re.findall(r"<style>(.*?)</style>", page.text, re.DOTALL)[0]
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert f"style-src 'sha256-{digest}'" in policy
        assert "frame-ancestors 'none'" in policy
        assert page.headers["cache-control"] == "no-store"
        assert "http://" not in re.sub(r"<code>.*?</code>", "", page.text)
        assert 'name="viewport"' in page.text
    assert "form-action 'self' http://127.0.0.1:4711" in app.authorize().headers["content-security-policy"]


def test_the_request_may_be_posted_too(app: App) -> None:
    query = dict(app.authorize().request.url.params)

    assert "Test person" in app.post("authorize", query).text
    assert app.post("authorize", {**query, "client_id": "nobody"}).status_code == 400
