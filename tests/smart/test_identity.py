"""Who signed in: id_tokens made by an independent implementation of JOSE, good ones and every kind of wrong one."""

from __future__ import annotations

import base64
import json
import logging
from dataclasses import replace
from email.utils import formatdate
from typing import Any

import httpx
import pytest
from jwcrypto import jwk, jwt

from phr.errors import SignInError, StateMismatch
from phr.model import SmartConfiguration, Token, Vendor
from phr.smart.identity import fhir_user_of, patient_of, verify

NOW = 1_800_000_000.0
ISSUER = "https://auth.example.org/tenant"
JWKS = "https://auth.example.org/keys"
CONFIGURATION = SmartConfiguration(
    "https://auth.example.org/authorize", "https://auth.example.org/token", issuer=ISSUER, jwks_uri=JWKS
)
KINDS: dict[str, dict[str, Any]] = {
    "RS": {"kty": "RSA", "size": 2048, "kid": "r1"},
    "PS": {"kty": "RSA", "size": 2048, "kid": "r1"},
    "ES256": {"kty": "EC", "crv": "P-256", "kid": "e1"},
    "ES384": {"kty": "EC", "crv": "P-384", "kid": "e2"},
}
VENDOR = Vendor("x", "X")


@pytest.fixture(scope="module")
def pairs() -> dict[str, jwk.JWK]:
    made = {name: jwk.JWK.generate(**how) for name, how in KINDS.items()}
    return made | {"PS": made["RS"], "other": jwk.JWK.generate(kty="RSA", size=2048, kid="r1")}


def signed(key: jwk.JWK, algorithm: str = "RS256", kid: str | None = "r1", **claims: Any) -> str:
    header = {"alg": algorithm} | ({"kid": kid} if kid else {})
    said = {"iss": ISSUER, "aud": "my-app", "exp": NOW + 300, "iat": NOW, "sub": "me"} | claims
    token = jwt.JWT(header=header, claims={k: v for k, v in said.items() if v is not None}, algs=[algorithm])
    token.make_signed_token(key)
    return str(token.serialize())


def unsigned(algorithm: object = "none", **claims: Any) -> str:
    said = {"iss": ISSUER, "aud": "my-app", "exp": NOW + 300} | claims
    parts = [
        base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=") for p in ({"alg": algorithm}, said)
    ]
    return b".".join([*parts, b"c2ln"]).decode()


class World:
    """Where the provider shows its keys."""

    def __init__(
        self, *keys: jwk.JWK, answer: httpx.Response | Exception | None = None, **pages: Any
    ) -> None:
        public = [key.export_public(as_dict=True) for key in keys]
        headers = pages.pop("headers", {})
        self.pages = {"/keys": httpx.Response(200, json={"keys": public}, headers=headers)} | pages
        self.answer = answer
        self.asked: list[str] = []

    def handle(self, request: httpx.Request) -> httpx.Response:
        assert "authorization" not in request.headers and not request.content
        self.asked.append(str(request.url))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer or self.pages.get(request.url.path, httpx.Response(404))

    def verify(self, id_token: str | None, **how: Any) -> Token:
        token = how.pop("token", None) or Token("at", None, None, id_token=id_token)
        return verify(
            token,
            how.pop("configuration", CONFIGURATION),
            "my-app",
            how.pop("vendor", VENDOR),
            nonce=how.pop("nonce", None),
            fhir_base="https://fhir.example.org/r4",
            transport=httpx.MockTransport(self.handle),
            now=how.pop("now", NOW),
        )


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512", "PS256", "PS384", "ES256", "ES384"])
def test_a_good_id_token_names_who_signed_in(pairs: dict[str, jwk.JWK], algorithm: str) -> None:
    key = pairs[algorithm if algorithm.startswith("ES") else algorithm[:2]]
    id_token = signed(key, algorithm, key.get("kid"), fhirUser="https://f.example/r4/Patient/p2", nonce="n")
    world = World(*pairs.values())
    found = world.verify(id_token, nonce="n")
    assert (found.patient, found.fhir_user, found.id_token) == ("p2", "Patient/p2", id_token)
    assert world.asked == [JWKS]


@pytest.mark.parametrize("kid", [None, "unknown", "r1"])
def test_without_a_kid_that_is_known_all_keys_that_fit_are_tried(
    pairs: dict[str, jwk.JWK], kid: str | None
) -> None:
    others = [jwk.JWK.generate(kty="RSA", size=2048, kid=f"o{n}") for n in range(2)]
    assert World(*others, pairs["ES256"], pairs["RS"]).verify(signed(pairs["RS"], kid=kid)).id_token


def test_a_key_set_with_broken_keys_still_works(pairs: dict[str, jwk.JWK]) -> None:
    good = pairs["RS"].export_public(as_dict=True) | {"x5c": ["junk"], "key_ops": ["sign"], "alg": "RS256"}
    keys = [
        5,
        {},
        {"kty": "RSA", "n": "!", "e": 1},
        {"kty": "EC", "kid": "r1"},
        {"kty": "RSA", "use": "enc"},
        good,
    ]
    world = World(**{"/keys": httpx.Response(200, json={"keys": keys})})
    assert world.verify(signed(pairs["RS"], "RS384", kid=None)).id_token


def test_the_keys_are_found_by_the_issuer_when_the_server_does_not_name_them(
    pairs: dict[str, jwk.JWK],
) -> None:
    told = httpx.Response(200, json={"jwks_uri": JWKS})
    world = World(pairs["RS"], **{"/tenant/.well-known/openid-configuration": told})
    for slash in ("", "/"):
        configuration = SmartConfiguration("a", "t", issuer=ISSUER + slash)
        assert world.verify(signed(pairs["RS"]), configuration=configuration).id_token
        with pytest.raises(SignInError, match="forged"):
            world.verify(signed(pairs["other"]), configuration=configuration)
    assert world.asked[:2] == [f"{ISSUER}/.well-known/openid-configuration", JWKS]


# ── wrong ones ────────────────────────────────────────────────────────────────────────────────────


def test_a_forged_signature_ends_the_sign_in(pairs: dict[str, jwk.JWK]) -> None:
    with pytest.raises(SignInError, match="forged"):
        World(pairs["RS"]).verify(signed(pairs["other"]))
    head, _, signature = signed(pairs["RS"]).split(".")
    changed = signed(pairs["RS"], sub="somebody else").split(".")[1]
    with pytest.raises(SignInError, match="forged"):
        World(pairs["RS"]).verify(f"{head}.{changed}.{signature}")


def test_keys_of_another_kind_do_not_make_it_unverifiable(pairs: dict[str, jwk.JWK]) -> None:
    with pytest.raises(SignInError, match="forged"):
        World(pairs["ES256"]).verify(signed(pairs["RS"]))


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "HS512", "RSA-OAEP", "", None, 5, ["RS256"]])
def test_what_anybody_could_have_signed_is_refused(algorithm: object) -> None:
    for world in (World(), World(answer=httpx.ConnectError("x"))):
        with pytest.raises(SignInError):
            world.verify(unsigned(algorithm))


def test_a_public_key_is_no_shared_secret(pairs: dict[str, jwk.JWK]) -> None:
    # The classic confusion (RFC 8725 section 2.1): the public key's bytes taken as the key of an HMAC.
    secret = jwk.JWK(kty="oct", k=base64.urlsafe_b64encode(pairs["RS"].export_to_pem()).decode().rstrip("="))
    with pytest.raises(SignInError):
        World(pairs["RS"]).verify(signed(secret, "HS256"))


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another-app"},
        {"aud": ["another-app", "third"]},
        {"aud": []},
        {"aud": 7},
        {"aud": ["my-app", "x"], "azp": "x"},
        {"iss": "https://evil.example"},
        {"iss": 5},
        {"exp": NOW - 301},
        {"exp": NOW - 86_400},
        {"iat": NOW + 301},
    ],
    ids=str,
)
def test_one_that_is_not_for_us_here_and_now_ends_the_sign_in(
    pairs: dict[str, jwk.JWK], claims: dict[str, Any]
) -> None:
    with pytest.raises(SignInError) as caught:
        World(pairs["RS"]).verify(signed(pairs["RS"], **claims))
    assert caught.value.hint


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": ["other", "my-app"]},
        {"aud": ["other", "my-app"], "azp": "my-app"},
        {"iss": ISSUER + "/"},
        {"exp": NOW - 299},
        {"iat": NOW + 299},
        {"exp": None, "iat": None, "iss": None, "aud": None},
        {"exp": "soon"},
    ],
    ids=str,
)
def test_one_that_is_a_little_off_or_says_less_is_taken(
    pairs: dict[str, jwk.JWK], claims: dict[str, Any]
) -> None:
    assert World(pairs["RS"]).verify(signed(pairs["RS"], **claims)).id_token


@pytest.mark.parametrize("off", [-7200.0, 7200.0])
def test_a_wrong_clock_of_this_computer_does_not_end_the_sign_in(
    pairs: dict[str, jwk.JWK], off: float
) -> None:
    headers = {"date": formatdate(NOW, usegmt=True)}
    assert World(pairs["RS"], headers=headers).verify(signed(pairs["RS"]), now=NOW + off).id_token
    with pytest.raises(SignInError, match="not from now"):
        World(pairs["RS"]).verify(signed(pairs["RS"]), now=NOW + off)


def test_a_vendor_whose_issuer_differs_is_still_held_to_the_rest(pairs: dict[str, jwk.JWK]) -> None:
    vendor = Vendor("x", "X", issuer_differs=True)
    world = World(pairs["RS"])
    assert world.verify(signed(pairs["RS"], iss="https://okta.example"), vendor=vendor).id_token
    for wrong in (signed(pairs["other"], iss="https://okta.example"), signed(pairs["RS"], aud="another-app")):
        with pytest.raises(SignInError):
            world.verify(wrong, vendor=vendor)


@pytest.mark.parametrize("given", ["other", "", 5, ["n"]])
def test_the_nonce_of_another_sign_in_is_refused(pairs: dict[str, jwk.JWK], given: object) -> None:
    with pytest.raises(StateMismatch):
        World(pairs["RS"]).verify(signed(pairs["RS"], nonce=given), nonce="n")


@pytest.mark.parametrize(("sent", "given"), [("n", None), (None, "whatever"), ("n", "n")])
def test_a_nonce_that_is_left_out_is_let_through(
    pairs: dict[str, jwk.JWK], sent: str | None, given: str | None
) -> None:
    assert World(pairs["RS"]).verify(signed(pairs["RS"], nonce=given), nonce=sent).id_token


def test_a_vendor_whose_nonce_has_to_come_back_is_held_to_it(pairs: dict[str, jwk.JWK]) -> None:
    with pytest.raises(StateMismatch):
        World(pairs["RS"]).verify(
            signed(pairs["RS"], nonce=None), nonce="n", vendor=replace(VENDOR, nonce=True)
        )


# ── keys that cannot be had ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ConnectError("x"),
        httpx.ReadTimeout("x"),
        httpx.Response(404),
        httpx.Response(500),
        httpx.Response(200, html="<html>maintenance"),
        httpx.Response(200, json={"keys": []}),
        httpx.Response(200, json=[]),
        httpx.Response(302, headers={"location": "https://evil.example/keys"}),
    ],
    ids=str,
)
def test_keys_that_cannot_be_had_do_not_end_the_sign_in_but_all_else_is_checked(
    pairs: dict[str, jwk.JWK], answer: httpx.Response | Exception, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    world = World(answer=answer)
    assert world.verify(signed(pairs["RS"], fhirUser="Patient/p1")).patient == "p1"
    assert "keys cannot be had" in caplog.text
    with pytest.raises(SignInError):
        world.verify(signed(pairs["RS"], aud="another-app"))
    assert not [url for url in world.asked if "evil" in url]


@pytest.mark.parametrize(
    "uri", ["http://auth.example.org/keys", "http://127.0.0.1:9/keys", "file:///etc/passwd"]
)
def test_keys_are_fetched_by_https_alone(pairs: dict[str, jwk.JWK], uri: str) -> None:
    world = World(pairs["RS"])
    configuration = SmartConfiguration("a", "t", jwks_uri=uri)
    assert world.verify(signed(pairs["RS"]), configuration=configuration).id_token
    assert world.asked == []


@pytest.mark.parametrize("id_token", [None, "", "nothing", "a.b", "a.!!!.c"])
def test_no_id_token_or_none_at_all_says_nothing(id_token: str | None) -> None:
    world = World()
    found = world.verify(id_token, token=Token("at", None, None, patient="p1", id_token=id_token))
    assert (found.patient, found.fhir_user, world.asked) == ("p1", None, [])


# ── whose record ──────────────────────────────────────────────────────────────────────────────────


def jwt_of(**claims: Any) -> str:
    return unsigned("RS256", **claims)


@pytest.mark.parametrize(
    ("parts", "patient", "fhir_user"),
    [
        ({"patient": "p1"}, "p1", None),
        ({"patient": "p1", "id_token": jwt_of(fhirUser="Patient/p2")}, "p1", "Patient/p2"),
        ({"patient": "p1", "id_token": jwt_of(fhirUser="x/RelatedPerson/r1")}, "p1", "RelatedPerson/r1"),
        ({"id_token": jwt_of(fhirUser="https://f.example/r4/Patient/p2")}, "p2", "Patient/p2"),
        ({"id_token": jwt_of(fhirUser="Patient/p2/_history/3")}, "p2", "Patient/p2"),
        ({"id_token": jwt_of(profile="https://f.example/r4/Patient/p3/")}, "p3", "Patient/p3"),
        ({"id_token": jwt_of(profile="https://social.example/Jane/5")}, None, None),
        ({"id_token": jwt_of(fhirUser="https://f.example/r4/Practitioner/d1")}, None, "Practitioner/d1"),
        ({"id_token": jwt_of(fhirUser=5, profile=["x"])}, None, None),
        ({"access_token": jwt_of(local_patient_id="p4")}, "p4", None),
        ({"access_token": jwt_of(patient="Patient/p5")}, "p5", None),
        ({"access_token": jwt_of(patient=17)}, "17", None),
        ({"access_token": jwt_of(fhirUser="Patient/p6")}, "p6", "Patient/p6"),
        ({"fhir_user": "https://f.example/r4/Patient/p7", "patient": "p7"}, "p7", "Patient/p7"),
        ({}, None, None),
    ],
)
def test_whose_record_it_is_is_found_where_vendors_put_it(
    parts: dict[str, Any], patient: str | None, fhir_user: str | None
) -> None:
    token = Token(**({"access_token": "at", "expires_at": None, "scope": None} | parts))
    assert (patient_of(token, VENDOR), fhir_user_of(token)) == (patient, fhir_user)


def test_the_vendor_says_where_to_look_first_and_where_not() -> None:
    token = Token(
        jwt_of(ehr_patient="p3", patient="p4"),
        None,
        None,
        patient="p1",
        id_token=jwt_of(fhirUser="Patient/p2"),
    )
    places = {
        ("id_token", "token"): "p2",
        ("access_token",): "p4",
        ("token",): "p1",
        ("search",): None,
    }
    for order, patient in places.items():
        assert patient_of(token, Vendor("x", "X", patient_from=order)) == patient
    named = Vendor("x", "X", patient_from=("access_token",), patient_claims=("ehr_patient",))
    assert patient_of(token, named) == "p3"


def test_nothing_of_the_person_reaches_an_error(
    pairs: dict[str, jwk.JWK], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shown = ""
    for wrong in ({"aud": "x"}, {"iss": "https://x"}, {"exp": 5}, {"nonce": "m"}):
        id_token = signed(pairs["RS"], **({"name": "Jane", "fhirUser": "Patient/secret-id"} | wrong))
        with pytest.raises(SignInError) as caught:
            World(pairs["RS"]).verify(id_token, nonce="n")
        shown += f"{caught.value.message}{caught.value.hint}{caught.value!r}"
    assert not [word for word in ("Jane", "secret-id", "eyJ") if word in shown + caplog.text]


@pytest.mark.parametrize("odd", [10**400, -(10**400), 1e308, float("nan"), float("inf"), "1" * 400, [], True])
@pytest.mark.parametrize("name", ["exp", "iat"])
def test_a_time_that_is_none_is_taken_as_left_out(pairs: dict[str, jwk.JWK], name: str, odd: object) -> None:
    assert (
        World(pairs["RS"]).verify(signed(pairs["RS"], **{name: odd}, fhirUser="Patient/p2")).patient == "p2"
    )


@pytest.mark.parametrize("odd", ["\x1b[2J", "p\ud800", "\x07"])
def test_a_person_whose_id_cannot_be_shown_is_nobody(odd: str) -> None:
    token = Token("at", None, None, fhir_user=None, id_token=unsigned(fhirUser=f"RelatedPerson/{odd}"))
    assert fhir_user_of(token) is None
