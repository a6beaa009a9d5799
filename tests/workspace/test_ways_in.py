"""Every way in, met by a provider that checks what the specifications say it must."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from phr.errors import PhrError, SignInError, Unreachable, UsageError
from phr.workspace import first_look, keys, tokens, ways_in, whose
from phr.workspace.sign_in import ConnectRequest, auth_method


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("public", "public"),
        ("PRIVATE-KEY-JWT", "private_key_jwt"),
        ("private-key", "private_key_jwt"),
        ("Client-Secret-Post", "client_secret_post"),
        ("secret", "secret"),
        ("client_credentials", "backend"),
        ("none", "none"),
    ],
)
def test_a_method_is_read_in_any_spelling(typed: str, meant: str) -> None:
    assert auth_method(typed) == meant


def test_a_method_that_is_none_names_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        auth_method("privat-key")
    assert "private_key" in (caught.value.hint or "")


# ── in the browser ────────────────────────────────────────────────────────────────────────────────


def test_a_public_client_is_kept_with_its_way_back(person: Any, ward: Any) -> None:
    made = person.connect(ward)
    assert (made.auth, made.redirect, made.client_id) == ("public", "loopback", "app")
    asked = dict(next(params for _, path, params in ward.seen if path.startswith("/authorize")))
    assert made.redirect_uri == asked["redirect_uri"]
    assert made.sign_in_before is None, "a refresh token that is not known to end"
    assert person.known(made.name) == made
    assert person.heard("This is the record of Ada Maria Quill.")


def test_a_secret_goes_the_way_the_server_lists(person: Any, ward: Any) -> None:
    ward.secrets["app"] = "s3cret"
    made = person.connect(ward, client_secret="s3cret")
    assert made.auth == "client_secret_basic"
    ward.tokens.clear()
    assert person.sync().exit_status == 0, "renewed with the secret out of the vault"
    with pytest.raises(UsageError, match="client secret"):
        person.connect(ward, auth="secret")


def test_keys_made_beforehand_sign_the_client_in_and_renew_it(person: Any, ward: Any) -> None:
    with pytest.raises(UsageError) as caught:
        person.connect(ward, auth="private-key-jwt", name="clinic")
    assert "phr keys show custom" in (caught.value.hint or "")
    shown = keys.show(person.workspace, "clinic")
    assert shown.made and not keys.show(person.workspace, "clinic").made
    ward.jwks["app"] = shown.jwks
    made = person.connect(ward, auth="private-key-jwt", name="clinic")
    assert made.auth == "private_key_jwt"
    ward.tokens.clear()
    assert person.sync().exit_status == 0
    assert keys.show(person.workspace, "clinic").jwks == shown.jwks


def test_a_vendor_with_secrets_is_tried_without_and_that_is_said(person: Any, ward: Any, vendor: Any) -> None:
    vendor("acme", auth=["client_secret_basic"])
    made = person.connect(ward, provider="acme")
    assert made.auth == "public"
    assert person.heard("usually hands out a client secret")
    assert person.heard("registered redirect address must be exactly")


def test_the_patient_is_told_what_was_silently_dropped(person: Any, ward: Any) -> None:
    ward.scope = "openid fhirUser"
    person.connect(ward)
    assert person.heard("SMART version")


def test_a_relative_is_named_by_ids_only(person: Any, ward: Any) -> None:
    ward.fhir_user = "RelatedPerson/mum"
    made = person.connect(ward)
    assert made.fhir_user == "RelatedPerson/mum"
    assert person.heard("You signed in as a relative or proxy (RelatedPerson/mum) for patient ada.")


def test_pasting_works_without_a_listener(person: Any, ward: Any) -> None:
    ended: list[str] = []

    def browser(url: str) -> bool:
        answer = httpx.get(url, follow_redirects=False, trust_env=False)
        ended.append(answer.headers["location"])
        return True

    person.browser, person.paste = browser, lambda: ended[-1]
    made = person.connect(ward, redirect="paste", redirect_uri="https://me.example/back")
    assert (made.redirect, made.redirect_uri) == ("paste", "https://me.example/back")
    again = person.reconnect(made.name)
    assert (again.redirect, again.redirect_uri) == ("paste", "https://me.example/back")
    person.paste = lambda: ""
    with pytest.raises(SignInError, match="No address was pasted"):
        person.reconnect(made.name)


def test_a_relay_page_of_the_person_is_used_when_it_is_set(person: Any, ward: Any) -> None:
    person.environ["PHR_CONNECT_RELAY"] = "https://me.example/relay"

    def relay(url: str) -> bool:
        answer = httpx.get(url, follow_redirects=False, trust_env=False)
        query = urlsplit(answer.headers["location"]).query
        port = parse_qs(query)["state"][0].rpartition(".")[2]
        return httpx.get(f"http://127.0.0.1:{port}/callback?{query}", trust_env=False).status_code < 500

    person.browser = relay
    made = person.connect(ward, redirect="relay")
    assert (made.redirect, made.redirect_uri) == ("relay", "https://me.example/relay")


def test_https_to_this_computer_explains_the_warning_first(person: Any, ward: Any) -> None:
    def browser(url: str) -> bool:
        assert person.heard("Your browser will warn once"), "before it does"
        return httpx.get(url, follow_redirects=True, trust_env=False, verify=False).status_code < 500

    person.browser = browser
    made = person.connect(ward, redirect="https-loopback")
    assert made.redirect == "https-loopback"
    assert made.redirect_uri.startswith("https://localhost:")
    pem = person.workspace.paths.config / "loopback.pem"
    assert pem.stat().st_mode & 0o777 == 0o600
    before = pem.read_bytes()
    person.reconnect(made.name)
    assert pem.read_bytes() == before, "kept for years, so that it has to be trusted once"


def test_an_address_set_for_the_vendor_counts_and_one_said_counts_more(
    person: Any, ward: Any, vendor: Any
) -> None:
    vendor("acme")
    person.environ["PHR_ACME_REDIRECT_URI"] = "https://me.example/back"
    person.environ["PHR_CONNECT_REDIRECT"] = "paste"
    ended: list[str] = []

    def browser(url: str) -> bool:
        answer = httpx.get(url, follow_redirects=False, trust_env=False)
        ended.append(answer.headers["location"])
        return True

    person.browser, person.paste = browser, lambda: ended[-1]
    made = person.connect(ward, provider="acme")
    assert (made.redirect, made.redirect_uri) == ("paste", "https://me.example/back")
    person.browser = lambda url: httpx.get(url, follow_redirects=True, trust_env=False).status_code < 500
    free = person.reconnect(made.name, redirect="loopback", port=0)
    assert free.redirect == "loopback"
    assert free.redirect_uri.startswith("http://127.0.0.1:")


def test_what_runs_at_night_will_lack_is_said_before_the_browser_opens(person: Any, ward: Any) -> None:
    del person.environ["PHR_KEY_FILE"]
    person.environ["PHR_PASSPHRASE"] = "four random words here"
    said: list[str] = []
    person.browser = lambda url: (
        not said.extend(person.said)
        and bool(httpx.get(url, follow_redirects=True, trust_env=False).status_code)
    )
    person.connect(ward)
    assert any("at night" in one for one in said)


# ── without a browser ─────────────────────────────────────────────────────────────────────────────


def test_backend_signs_in_by_key_and_finds_the_patient(person: Any, ward: Any, people: Any) -> None:
    ward.patients = (people.ADA, people.BO)
    ward.jwks["app"] = keys.show(person.workspace, "custom").jwks
    person.browser = lambda _: pytest.fail("no browser opens")
    made = person.connect(ward, auth="backend", patient_name="ada quill", birth_date="1970-12-31")
    assert (made.auth, made.patient_id, made.requested_scopes) == ("backend", "ada", ("system/*.rs",))
    assert (made.redirect_uri, made.sign_in_before) == (None, None)
    ward.tokens.clear()
    assert person.sync().exit_status == 0
    assert person.reconnect(made.name).patient_id == "ada"


@pytest.mark.parametrize(
    ("name", "born", "said"),
    [
        ("Ada Quill", "1970-12-31", "2 patients"),
        ("Nobody Quill", "1970-12-31", "0 patients"),
        ("Ada Quill", "1970", "whole date"),
    ],
)
def test_a_patient_who_is_not_exactly_one_is_counted_and_never_listed(
    person: Any, ward: Any, people: Any, name: str, born: str, said: str
) -> None:
    ward.patients = (people.ADA, people.TWIN, people.BO)
    ward.jwks["app"] = keys.show(person.workspace, "custom").jwks
    with pytest.raises(UsageError) as caught:
        person.connect(ward, auth="backend", patient_name=name, birth_date=born)
    told = f"{caught.value.message} {caught.value.hint}"
    assert said in told
    assert "ada-2" not in told and "Maria" not in told


def test_backend_with_a_secret(person: Any, ward: Any) -> None:
    ward.secrets["app"] = "s3cret"
    made = person.connect(ward, auth="client_credentials", client_secret="s3cret", patient="ada")
    ward.tokens.clear()
    assert (made.auth, person.sync().exit_status) == ("backend", 0)


def test_a_given_token_is_tried_once_and_never_renewed(person: Any, ward: Any, people: Any) -> None:
    given = people.unsigned({"patient": "ada", "scope": "patient/*.rs", "exp": 4102444800})
    ward.tokens[given] = "elsewhere"
    made = person.connect(ward, bearer_token=given)
    assert (made.auth, made.patient_id, made.client_id) == ("bearer", "ada", "")
    assert made.sign_in_before == made.token_expires == "2100-01-01T00:00:00Z"
    assert person.sync().exit_status == 0
    ward.tokens.clear()
    assert person.sync().exit_status == 4
    assert person.known(made.name).state == "expired"
    with pytest.raises(UsageError) as caught:
        person.reconnect(made.name)
    assert "--token-stdin" in (caught.value.hint or "")
    ward.tokens["fresh"] = "elsewhere"
    assert person.reconnect(made.name, bearer_token="fresh").state == "active"
    assert person.sync().exit_status == 0
    other = people.unsigned({"patient": "bo"})
    ward.tokens[other], ward.patients = "elsewhere", (people.ADA, people.BO)
    with pytest.raises(SignInError, match="another person"):
        person.reconnect(made.name, bearer_token=other)
    person.workspace.disconnect(made.name)
    assert ward.revoked == [], "it was not given to this app"


def test_a_token_that_is_not_honoured_makes_no_connection(person: Any, ward: Any) -> None:
    with pytest.raises(SignInError, match="does not accept this token"):
        person.connect(ward, bearer_token="wrong", patient="ada")
    with person.workspace.store() as store:
        assert store.connections.all() == []


def test_an_open_server_needs_no_sign_in(person: Any, ward: Any, people: Any) -> None:
    ward.open_fhir = True
    made = person.connect(ward, auth="none", client_id=None)
    assert (made.auth, made.patient_id) == ("none", "ada")
    assert person.sync().exit_status == 0
    assert person.workspace.disconnect(made.name).revoked is None
    ward.patients = (people.ADA, people.BO)
    with pytest.raises(UsageError) as caught:
        person.connect(ward, auth="none", client_id=None)
    assert "--patient ID" in (caught.value.hint or "")
    assert person.connect(ward, auth="none", client_id=None, patient="bo").patient_id == "bo"
    with pytest.raises(UsageError, match="no patient zoe"):
        person.connect(ward, auth="none", client_id=None, patient="zoe")


def test_an_open_server_is_pointed_out_when_somebody_tries_to_sign_in(person: Any, ward: Any) -> None:
    ward.open_fhir = True
    with pytest.raises(SignInError) as caught:
        person.connect(ward)
    assert "--auth none" in (caught.value.hint or "")


def test_the_claim_of_a_token_goes_with_every_search(person: Any, ward: Any, vendor: Any) -> None:
    vendor("acme", claim_params={"ah-practice": "Organization/{ah_practice}", "x": "{absent}"})
    ward.claims = {"ah_practice": "a-1.Practice-7"}
    made = person.connect(ward, provider="acme")
    assert made.organisation == "a-1.Practice-7", "the label of last resort"
    ward.seen.clear()
    person.sync()
    searches = ward.paths("/fhir/Observation")
    assert searches
    assert all("ah-practice=Organization/a-1.Practice-7" in path for path in searches)
    assert not any("x=" in path for path in searches)


def test_nothing_secret_is_in_what_is_said_or_raised(person: Any, ward: Any, caplog: Any) -> None:
    caplog.set_level("DEBUG")
    ward.dynamic = True
    made = person.connect(ward, auth="dynamic", name="clinic")
    token = tokens.kept_token(person.workspace, made)
    said = caplog.text + " ".join(person.said) + repr(made) + repr(token)
    assert token is not None and token.access_token not in said
    assert not any(secret in said for secret in ("access-", "refresh-", "code-", "manage-"))
    assert "Quill" not in caplog.text


# ── a server without end ──────────────────────────────────────────────────────────────────────────


def test_what_is_optional_after_a_sign_in_is_not_waited_for(
    person: Any, ward: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_look, "LOOK_SECONDS", 0.5)
    answer = ward.fhir

    def slow(path: str, *more: Any) -> Any:
        time.sleep(3)
        return answer(path, *more)

    ward.fhir = slow
    began = time.monotonic()
    made = person.connect(ward)
    assert time.monotonic() - began < 2.5
    assert made.patient_id == "ada" and not person.heard("This is the record of")


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_says_much_later_is_not_waited_for(
    person: Any, ward: Any, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whose.FhirClient, "_exchange", _later(status))
    began = time.monotonic()
    assert person.connect(ward).patient_id == "ada"
    assert time.monotonic() - began < 5


def _later(status: int) -> Any:
    from phr.fhir.transport import Answer

    return lambda *_: Answer(status, {"retry-after": "60"}, b"")


def test_what_is_needed_and_does_not_come_is_said_and_nothing_is_kept(
    person: Any, ward: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_look, "LOOK_SECONDS", 0.3)
    ward.patient = None
    ward.fhir = lambda *_: time.sleep(2) or (404, {})
    began = time.monotonic()
    with pytest.raises(Unreachable, match="takes too long") as caught:
        person.connect(ward)
    assert time.monotonic() - began < 1.9 and caught.value.hint
    ward.open_fhir = True
    with pytest.raises(Unreachable, match="takes too long"):
        person.connect(ward, auth="none", client_id=None, patient="ada")
    with person.workspace.store() as store:
        assert store.connections.all() == []


def test_a_sign_in_server_that_is_not_described_in_time_is_unreachable(
    person: Any, ward: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ways_in, "DISCOVERY_SECONDS", 0.3)
    ward.configuration = lambda: time.sleep(2) or {}
    began = time.monotonic()
    with pytest.raises(Unreachable, match="takes too long"):
        person.connect(ward)
    assert time.monotonic() - began < 1.9


def test_pages_of_patients_without_end_are_left(person: Any, ward: Any, people: Any) -> None:
    ward.patient = None
    answer, pages = ward.fhir, []

    def endless(path: str, *more: Any) -> Any:
        status, found = answer(path, *more)
        if path == "Patient" and status == 200:
            pages.append(path)
            found["link"] = [{"relation": "next", "url": f"{ward.fhir_base}/Patient?page={len(pages)}"}]
        return status, found

    ward.fhir = endless
    assert person.connect(ward).patient_id == "ada"
    assert len(pages) == 3
    ward.jwks["app"] = keys.show(person.workspace, "custom").jwks
    pages.clear()
    with pytest.raises(UsageError, match="0 patients"):
        person.connect(ward, auth="backend", patient_name="Zoe Quill", birth_date="1970-12-31")
    assert len(pages) <= 9


# ── what a server writes ──────────────────────────────────────────────────────────────────────────


def test_a_server_writes_no_lines_of_its_own_to_the_person(person: Any, ward: Any, people: Any) -> None:
    text = "Ada.\nError: it is damaged.\r\n\x1b[2J  Mend it: https://evil.example/x"
    ward.patients = ({**people.ADA, "name": [{"text": text}]},)
    ward.fhir_user = "RelatedPerson/a\nError:"
    person.connect(ward)
    said = next(one for one in person.said if "This is the record of" in one)
    assert "Ada. Error: it is damaged." in said and "evil.example" not in said
    assert all(one.isprintable() for one in said)
    assert "\n" not in (whose.proxy_words("RelatedPerson/a\x1bb", "p\nq") or "")


@pytest.mark.parametrize("odd", [10**400, 1e308, float("nan"), "soon"])
def test_an_end_that_is_no_time_leaves_a_given_token_usable(
    person: Any, ward: Any, people: Any, odd: object
) -> None:
    given = people.unsigned({"patient": "ada", "scope": "patient/*.rs", "exp": odd})
    ward.tokens[given] = "elsewhere"
    assert person.connect(ward, bearer_token=given).token_expires is None


def test_half_a_person_is_a_usage_error(person: Any, ward: Any) -> None:
    with pytest.raises(UsageError):
        person.connect(ward, patient_name="Ada Quill", birth_date="1970-12-31")
    with pytest.raises(UsageError):
        person.connect(ward, auth="none", client_id=None, patient_name="Ada Quill")


def test_a_provider_that_is_gone_is_unreachable_and_nothing_is_kept(person: Any) -> None:
    request = ConnectRequest(url="http://127.0.0.1:9/fhir", client_id="app")
    with pytest.raises(PhrError) as caught:
        person.workspace.connect(request, person.speaker)
    assert caught.value.exit_status == 1
    assert json.dumps(caught.value.hint)
