from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from phr.errors import SignInError, Unreachable
from phr.smart.discovery import discover

BASE = "https://fhir.example.org/r4"
GOOD = {
    "authorization_endpoint": "https://auth.example.org/authorize?tenant=1",
    "token_endpoint": "https://auth.example.org/token",
    "revocation_endpoint": "https://auth.example.org/revoke",
    "issuer": "https://auth.example.org/",
    "scopes_supported": ["openid", "openid", 5],
    "capabilities": ["permission-v2"],
    "token_endpoint_auth_methods": ["client_secret_post"],
}


def world(**pages: httpx.Response) -> httpx.MockTransport:
    """`well_known`, `metadata` and `root`; what is not given is a 404 page."""
    paths = {"/r4/.well-known/smart-configuration": "well_known", "/r4/metadata": "metadata"}
    paths["/.well-known/smart-configuration"] = "root"

    def handle(request: httpx.Request) -> httpx.Response:
        assert "json" in request.headers["accept"]
        return pages.get(paths.get(request.url.path, ""), httpx.Response(404, html="<html>no</html>"))

    return httpx.MockTransport(handle)


def statement(url: str, **endpoints: str) -> httpx.Response:
    parts = [{"url": name, "valueUri": uri} for name, uri in endpoints.items()]
    security = {"extension": [{"url": "http://other"}, {"url": url, "extension": parts}]}
    return httpx.Response(200, json={"resourceType": "CapabilityStatement", "rest": [{"security": security}]})


def test_a_smart_configuration_is_read() -> None:
    found = discover(BASE, world(well_known=httpx.Response(200, json=GOOD)))
    assert found.authorization_endpoint == GOOD["authorization_endpoint"]
    assert found.token_endpoint == GOOD["token_endpoint"]
    assert found.revocation_endpoint == GOOD["revocation_endpoint"]
    assert found.issuer == "https://auth.example.org/"
    assert found.scopes_supported == ("openid",)
    assert found.capabilities == ("permission-v2",)
    assert found.token_auth_methods == ("client_secret_post",)


def test_a_document_without_end_is_left_at_a_limit_and_a_statement_has_a_larger_one() -> None:
    url = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
    told = statement(url, authorize="https://a.example/authorize", token="https://a.example/token")
    long = httpx.Response(200, content=told.content + b" " * 3_000_000)
    wrong = httpx.Response(200, content=httpx.Response(200, json=GOOD).content + b" " * 2_000_000)
    found = discover(BASE, world(well_known=wrong, metadata=long))
    assert found.token_endpoint == "https://a.example/token"


@pytest.mark.parametrize("label", ["text/html", "text/plain", "application/octet-stream"])
def test_json_under_a_wrong_label_is_read(label: str) -> None:
    answer = httpx.Response(200, json=GOOD, headers={"content-type": label})
    assert discover(BASE + "/", world(well_known=answer)).token_endpoint == GOOD["token_endpoint"]


@pytest.mark.parametrize("kind", ["StructureDefinition", "Profile"])
@pytest.mark.parametrize(
    "first",
    [httpx.Response(404), httpx.Response(400), httpx.Response(200, html="<html>"), httpx.Response(500)],
)
def test_the_capability_statement_answers_when_there_is_no_smart_configuration(
    kind: str, first: httpx.Response
) -> None:
    url = f"http://fhir-registry.smarthealthit.org/{kind}/oauth-uris"
    told = statement(
        url,
        authorize="https://a.example/authorize",
        token="https://a.example/token",
        revoke="https://a.example/r",
    )
    found = discover(BASE, world(well_known=first, metadata=told))
    assert found.authorization_endpoint == "https://a.example/authorize"
    assert found.revocation_endpoint == "https://a.example/r"


def test_a_configuration_at_the_root_of_the_host_is_found() -> None:
    assert discover(BASE, world(root=httpx.Response(200, json=GOOD))).issuer == GOOD["issuer"]


def test_relative_endpoints_are_read_against_the_base() -> None:
    found = discover(
        BASE, world(well_known=httpx.Response(200, json=GOOD | {"token_endpoint": "/oauth/token"}))
    )
    assert found.token_endpoint == "https://fhir.example.org/oauth/token"


def test_redirects_of_the_discovery_document_are_followed_but_not_to_plain_http() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.host == "moved.example.org":
            return httpx.Response(200, json=GOOD)
        return httpx.Response(301, headers={"location": f"{scheme}://moved.example.org/x"})

    scheme = "https"
    assert discover(BASE, httpx.MockTransport(handle)).issuer == GOOD["issuer"]
    scheme = "http"
    with pytest.raises(SignInError):
        discover(BASE, httpx.MockTransport(handle))


@pytest.mark.parametrize(
    "base",
    [
        "http://fhir.example.org/r4",
        "ftp://x/y",
        "fhir.example.org/r4",
        "",
        "https://",
        "https://a@b/r4",
        "http://127.0.0.1.evil.example/",
    ],
)
def test_an_address_that_is_not_https_is_refused_before_asking(base: str) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        raise AssertionError("asked")

    with pytest.raises(SignInError, match="https"):
        discover(base, httpx.MockTransport(handle))


def test_plain_http_is_fine_on_this_computer_for_base_and_endpoints() -> None:
    local = {"authorization_endpoint": "http://127.0.0.1:9/a", "token_endpoint": "http://localhost:9/t"}
    for base in ("http://127.0.0.1:9/r4", "http://localhost:9/r4", "http://[::1]:9/r4"):
        assert (
            discover(base, world(well_known=httpx.Response(200, json=local))).token_endpoint
            == "http://localhost:9/t"
        )


def test_everything_wrong_with_the_endpoints_is_told_at_once() -> None:
    wrong = {"authorization_endpoint": "http://auth.example.org/a", "token_endpoint": "http://127.0.0.1:9/t"}
    with pytest.raises(SignInError) as caught:
        discover(BASE, world(well_known=httpx.Response(200, json=wrong)))
    assert "authorization_endpoint is not an https address" in caught.value.message
    assert "token_endpoint is not an https address" in caught.value.message


def test_a_missing_token_endpoint_is_named() -> None:
    with pytest.raises(SignInError, match="token_endpoint is missing"):
        discover(
            BASE, world(well_known=httpx.Response(200, json={"authorization_endpoint": "https://a.example/"}))
        )


def test_an_unsafe_revocation_endpoint_is_left_out() -> None:
    found = discover(
        BASE, world(well_known=httpx.Response(200, json=GOOD | {"revocation_endpoint": "http://x.example/"}))
    )
    assert found.revocation_endpoint is None


def test_an_open_fhir_server_has_no_sign_in() -> None:
    told = httpx.Response(200, json={"resourceType": "CapabilityStatement", "rest": [{"mode": "server"}]})
    with pytest.raises(SignInError, match="is a FHIR server, but there is no sign-in"):
        discover(BASE, world(metadata=told))


def test_a_web_site_is_not_a_fhir_server() -> None:
    with pytest.raises(SignInError, match="no FHIR server at this address"):
        discover(BASE, world(metadata=httpx.Response(200, html="<html>hello</html>")))


def failing(error: Exception) -> Callable[[httpx.Request], httpx.Response]:
    def handle(request: httpx.Request) -> httpx.Response:
        raise error

    return handle


@pytest.mark.parametrize("error", [httpx.ConnectError("x"), httpx.ConnectTimeout("x"), httpx.ReadError("x")])
def test_a_server_that_is_not_there_is_unreachable(error: Exception) -> None:
    with pytest.raises(Unreachable, match=r"fhir\.example\.org") as caught:
        discover(BASE, httpx.MockTransport(failing(error)))
    assert caught.value.hint


def test_a_server_in_trouble_is_unreachable_for_now() -> None:
    with pytest.raises(Unreachable) as caught:
        discover(BASE, httpx.MockTransport(lambda request: httpx.Response(503)))
    assert caught.value.http_status == 503


# ── what vendors do (in the order in which they were met) ─────────────────────────────────────────


def test_everything_a_server_says_of_its_sign_in_is_read() -> None:
    more = {
        "registration_endpoint": "https://auth.example.org/register",
        "introspection_endpoint": "https://auth.example.org/introspect",
        "management_endpoint": "https://portal.example.org/apps",
        "jwks_uri": "https://keys.example.org/jwks",
        "authorization_response_iss_parameter_supported": True,
        "token_endpoint_auth_signing_alg_values_supported": ["ES384", "RS384", "ES384", None],
    }
    found = discover(BASE, world(well_known=httpx.Response(200, json=GOOD | more)))
    assert found.registration_endpoint == more["registration_endpoint"]
    assert found.introspection_endpoint == more["introspection_endpoint"]
    assert found.management_endpoint == more["management_endpoint"]
    assert found.jwks_uri == more["jwks_uri"]
    assert found.iss_parameter is True
    assert found.signing_algorithms == ("ES384", "RS384")


@pytest.mark.parametrize(
    "wrong", [5, None, "", "  ", [], "http://x.example/", "http://127.0.0.1/", "https://a:b@x.example/"]
)
def test_what_is_not_needed_and_cannot_be_trusted_is_left_out(wrong: object) -> None:
    names = ("registration_endpoint", "introspection_endpoint", "management_endpoint", "jwks_uri")
    found = discover(BASE, world(well_known=httpx.Response(200, json=GOOD | dict.fromkeys(names, wrong))))
    assert {getattr(found, name) for name in names} == {None}


@pytest.mark.parametrize("said", [None, False, "false", 0, "no", []])
def test_iss_is_awaited_only_where_it_is_promised(said: object) -> None:
    more = {"authorization_response_iss_parameter_supported": said}
    assert not discover(BASE, world(well_known=httpx.Response(200, json=GOOD | more))).iss_parameter


@pytest.mark.parametrize(
    ("key", "given", "read"),
    [
        ("token_endpoint_auth_methods_supported", ["client_secret_basic"] * 3, ("client_secret_basic",)),
        ("token_endpoint_auth_methods", ["client_secret_post", "client_secret_post"], ("client_secret_post",)),
        ("token_endpoint_auth_methods_supported", "client_secret_post private_key_jwt",
         ("client_secret_post", "private_key_jwt")),
        ("token_endpoint_auth_methods_supported", None, ()),
        ("token_endpoint_auth_methods_supported", {"no": 1}, ()),
    ],
)  # fmt: skip
def test_lists_that_are_misnamed_duplicated_or_absent_never_stop_a_sign_in(
    key: str, given: object, read: tuple[str, ...]
) -> None:
    document = {name: GOOD[name] for name in ("authorization_endpoint", "token_endpoint")} | {key: given}
    found = discover(BASE, world(well_known=httpx.Response(200, json=document)))
    assert found.token_auth_methods == read and found.scopes_supported == ()


def test_base_issuer_and_endpoints_may_all_be_on_different_hosts() -> None:
    document = {
        "issuer": "https://id.example.net/",
        "authorization_endpoint": "https://login.example.com/authorize",
        "token_endpoint": "https://token.example.net/tenants/t/hosts/fhir.example.org/token",
    }
    found = discover(BASE, world(well_known=httpx.Response(200, json=document)))
    assert (found.issuer, found.authorization_endpoint, found.token_endpoint) == tuple(document.values())


def test_a_base_with_its_port_written_out_is_looked_up_at_the_root_of_its_host() -> None:
    asked: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if request.url.path == "/.well-known/smart-configuration":
            return httpx.Response(200, json=GOOD | {"token_endpoint": "/oauth/token"})
        return httpx.Response(404)

    found = discover("https://mtrestapis.example.org:443/v1/uscore/R4", httpx.MockTransport(handle))
    assert found.issuer == GOOD["issuer"]
    assert found.token_endpoint == "https://mtrestapis.example.org:443/oauth/token"
    assert asked[0] == "/v1/uscore/R4/.well-known/smart-configuration"


def test_the_capability_statement_names_the_other_endpoints_too() -> None:
    told = statement(
        "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
        authorize="https://a.example/authorize",
        token="https://a.example/token",
        register="https://a.example/register",
        introspect="https://a.example/introspect",
        manage="https://a.example/manage",
    )
    found = discover(BASE, world(metadata=told))
    assert found.registration_endpoint == "https://a.example/register"
    assert found.introspection_endpoint == "https://a.example/introspect"
    assert found.management_endpoint == "https://a.example/manage"


def test_without_a_person_a_token_endpoint_is_enough() -> None:
    document = {"token_endpoint": "https://auth.example.org/token"}
    answer = httpx.Response(200, json=document)
    found = discover(BASE, world(well_known=answer), needs_authorize=False)
    assert (found.authorization_endpoint, found.token_endpoint) == ("", "https://auth.example.org/token")
    with pytest.raises(SignInError, match="authorization_endpoint is missing"):
        discover(BASE, world(well_known=answer))
    with pytest.raises(SignInError):
        discover(BASE, world(well_known=httpx.Response(200, json={"x": 1})), needs_authorize=False)


def test_a_server_elsewhere_is_not_offered_tokens_to_look_at_or_to_end() -> None:
    elsewhere = {
        "revocation_endpoint": "https://thief.example/r",
        "introspection_endpoint": "https://thief.example/i",
    }
    found = discover(BASE, world(well_known=httpx.Response(200, json=GOOD | elsewhere)))
    assert (found.revocation_endpoint, found.introspection_endpoint) == (None, None)
