"""A tiny pretend world for the sandbox's own tests: two people, a handful of resources, one app."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest

from phr.sandbox.config import SandboxConfig
from phr.sandbox.server import Sandbox

ADA, BEN = "ada", "ben"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
REDIRECT = "http://127.0.0.1:4711/callback"
REGISTERED = "http://127.0.0.1:8765/callback"
ELSEWHERE = "https://phr.invalid/callback"
_MEMBERS = {
    "authorize": "authorization_endpoint",
    "token": "token_endpoint",
    "revoke": "revocation_endpoint",
    "introspect": "introspection_endpoint",
    "register": "registration_endpoint",
    "jwks": "jwks_uri",
}
SCOPE = "openid fhirUser launch/patient offline_access patient/*.rs"


def observation(id_: str, patient: str = ADA, category: str = "laboratory", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "category": [{"coding": [{"system": "http://example.org/category", "code": category}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "4548-4"}]},
        "subject": {"reference": f"Patient/{patient}"},
        **more,
    }


def world() -> tuple[dict[str, Any] | bytes, ...]:
    """Ada has 3 Observations, a note and its Binary; Ben has one of each."""
    return (
        {"resourceType": "Patient", "id": ADA, "name": [{"given": ["Ada"], "family": "Example"}]},
        {"resourceType": "Patient", "id": BEN, "name": [{"text": "Ben <b>Example</b>"}]},
        # Bytes on purpose: the trailing zero and the spaces have to arrive as they are.
        b'{"resourceType": "Observation", "id": "a1", "status": "final", "effectiveDateTime": "2020-03-04",'
        b' "category": [{"coding": [{"system": "http://example.org/category", "code": "laboratory"}]}],'
        b' "code": {"coding": [{"system": "http://loinc.org", "code": "4548-4"}]},'
        b' "subject": {"reference": "Patient/ada"}, "valueQuantity": {"value": 1.20}}',
        observation("a2", effectivePeriod={"start": "2021-01-01", "end": "2021-01-31"}),
        observation("a3", category="vital-signs", status="amended", effectiveDateTime="2022"),
        observation("b1", BEN),
        {
            "resourceType": "MedicationRequest",
            "id": "m1",
            "status": "active",
            "intent": "order",
            "subject": {"reference": f"Patient/{ADA}"},
            "requester": {"reference": "Practitioner/doc"},
        },
        {
            "resourceType": "DocumentReference",
            "id": "d1",
            "status": "current",
            "subject": {"reference": f"Patient/{ADA}"},
            "content": [{"attachment": {"contentType": "text/plain", "url": "Binary/note"}}],
        },
        {"resourceType": "Binary", "id": "note", "contentType": "text/plain", "data": "aGVsbG8="},
        {
            "resourceType": "DocumentReference",
            "id": "d2",
            "status": "current",
            "subject": {"reference": f"Patient/{BEN}"},
            "content": [{"attachment": {"contentType": "text/plain", "url": "Binary/secret"}}],
        },
        {"resourceType": "Binary", "id": "secret", "contentType": "text/plain", "data": "aGVsbG8="},
        {"resourceType": "Practitioner", "id": "doc", "name": [{"family": "Doc"}]},
        {
            "resourceType": "Provenance",
            "id": "p1",
            "recorded": "2020-03-04T10:00:00Z",
            "target": [{"reference": "Observation/a1"}],
            "agent": [{"who": {"reference": "Practitioner/doc"}}],
        },
    )


@dataclass
class App:
    """A client written for these tests alone, from the specification, one request at a time."""

    sandbox: Sandbox
    http: httpx.Client
    redirect_uri: str = REDIRECT
    client: dict[str, Any] = field(default_factory=dict)
    """Who it is: `id`, and `secret` for client_secret_basic, or `post` for client_secret_post."""

    @property
    def origin(self) -> str:
        return self.sandbox.fhir_base.removesuffix("/fhir")

    @property
    def client_id(self) -> str:
        return str(self.client.get("id", self.sandbox.client_id))

    def said(self) -> dict[str, Any]:
        """The smart-configuration, from below the FHIR base or from the root of the host."""
        for base in (self.sandbox.fhir_base, self.origin):
            response = self.http.get(base + "/.well-known/smart-configuration")
            if response.status_code == 200:
                return dict(response.json())
        return {}

    def where(self, name: str) -> str:
        """The address of an endpoint, as the server says; else where a plain one has it."""
        said = self.said().get(_MEMBERS.get(name, ""), f"{self.origin}/oauth/{name}")
        return str(said)

    def authorize(self, **changed: str | None) -> httpx.Response:
        """GET the authorization endpoint; None leaves a parameter out."""
        params: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": SCOPE,
            "state": "st-1",
            "aud": self.sandbox.fhir_base,
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **changed,
        }
        address = self.where("authorize")
        query = urlencode({k: v for k, v in params.items() if v is not None})
        return self.http.get(f"{address}{'&' if '?' in address else '?'}{query}")

    def code(self, **changed: str | None) -> str:
        return answer(self.authorize(**changed))["code"]

    def token(self, **changed: str | None) -> httpx.Response:
        form: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "redirect_uri": self.redirect_uri,
            "client_id": self.client_id,
            "code_verifier": VERIFIER,
            **changed,
        }
        return self._authenticated("token", {k: v for k, v in form.items() if v is not None})

    def refresh(self, refresh_token: str, **more: str) -> httpx.Response:
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token, "client_id": self.client_id}
        return self._authenticated("token", {**form, **more})

    def sign_in(self, **changed: str | None) -> dict[str, Any]:
        """The whole dance: what the token endpoint answers."""
        response = self.token(code=self.code(**changed))
        assert response.status_code == 200, response.text
        return dict(response.json())

    def _authenticated(self, where: str, form: dict[str, str]) -> httpx.Response:
        if "secret" in self.client:
            return self.post(where, form, auth=(self.client_id, self.client["secret"]))
        if "post" in self.client:
            form = {**form, "client_secret": self.client["post"]}
        return self.post(where, form)

    def post(self, where: str, form: dict[str, str], **more: Any) -> httpx.Response:
        return self.http.post(self.where(where), data=form, **more)

    def fhir(self, path: str, token: str | None = None, **headers: str) -> httpx.Response:
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return self.http.get(f"{self.sandbox.fhir_base}/{path}", headers=headers)

    def ids(self, path: str, token: str) -> list[str]:
        """Ids of all matches of a search, in order, through all pages."""
        found: list[str] = []
        response = self.fhir(path, token)
        for _ in range(50):
            assert response.status_code == 200, response.text
            bundle = response.json()
            found += [entry["resource"]["id"] for entry in bundle.get("entry", ())]
            following = [link["url"] for link in bundle["link"] if link["relation"] == "next"]
            if not following:
                return found
            response = self.http.get(following[0], headers={"Authorization": f"Bearer {token}"})
        raise AssertionError("more than 50 pages")


def answer(response: httpx.Response) -> dict[str, str]:
    """The parameters that came back to the redirect address."""
    assert response.status_code in (302, 303), response.text
    return dict(parse_qsl(urlsplit(response.headers["location"]).query))


Start = Callable[..., App]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a sandbox with the tiny world, changed as the test says."""
    opened: list[Any] = []

    def begin(*, clock: Callable[[], float] | None = None, **changed: Any) -> App:
        config = SandboxConfig(**{"resources": world(), "auto_approve": True, **changed})
        sandbox = Sandbox(config, **({"clock": clock} if clock else {}))
        sandbox.start()
        opened.append(sandbox)
        http = httpx.Client(trust_env=False, timeout=5)
        opened.append(http)
        return App(sandbox, http)

    yield begin
    for thing in reversed(opened):
        thing.close()


@pytest.fixture
def app(start: Start) -> App:
    return start()


class Clock:
    """A clock that moves only when told."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()
