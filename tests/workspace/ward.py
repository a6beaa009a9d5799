"""A small provider on loopback, written from the specifications alone: RFC 6749, 7009, 7523, 7591, 7592, and FHIR R4.

Assertions are checked with `jwcrypto`, which the program itself does not use.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from jwcrypto import jwk, jwt

ADA = {
    "resourceType": "Patient",
    "id": "ada",
    "name": [{"family": "Quill", "given": ["Ada", "Maria"]}],
    "birthDate": "1970-12-31",
}
BO = {"resourceType": "Patient", "id": "bo", "name": [{"text": "Bo Quill"}], "birthDate": "2015-02-03"}
TWIN = {**ADA, "id": "ada-2"}


def unsigned(claims: dict[str, Any]) -> str:
    """A JWT that nobody checks: an access token with claims to read."""
    parts = ({"alg": "none"}, claims)
    body = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return f"{body[0]}.{body[1]}.c2ln"


@dataclass
class Ward:
    """What this provider does, and what it has seen. Change it while it runs."""

    patients: tuple[dict[str, Any], ...] = (ADA,)
    patient: str | None = "ada"
    """Whose record the token answer names."""
    scope: str | None = None
    """What is granted; None: as asked."""
    refreshes: bool = True
    life: int = 3600
    open_registration: bool = False
    managed: bool = True
    """Registrations can be changed and ended (RFC 7592)."""
    dynamic: bool = False
    """An access token may register keys (Epic)."""
    doubts: int = 0
    """So many assertions are refused first, as if the registration had not arrived yet."""
    open_fhir: bool = False
    methods: tuple[str, ...] = ("none", "client_secret_basic", "private_key_jwt")
    claims: dict[str, Any] = field(default_factory=dict)
    """Put into the access token, which is a JWT then."""
    fhir_user: str | None = None
    secrets: dict[str, str] = field(default_factory=dict)
    jwks: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Keys of clients, by client id."""
    clients: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What registered itself here."""
    tokens: dict[str, str] = field(default_factory=dict)
    """Access tokens that are honoured, and the client that has each."""
    revoked: list[str] = field(default_factory=list)
    seen: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    """Method, path and parameters of every request."""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    number: int = 0
    base: str = ""

    @property
    def fhir_base(self) -> str:
        return f"{self.base}/fhir"

    def paths(self, start: str = "/") -> list[str]:
        return [path for _, path, _ in self.seen if path.startswith(start)]

    def new(self, kind: str) -> str:
        self.number += 1
        return f"{kind}-{self.number}"

    # ── signing in ────────────────────────────────────────────────────────────────────────────────

    def configuration(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "issuer": self.base,
            "authorization_endpoint": f"{self.base}/authorize",
            "token_endpoint": f"{self.base}/token",
            "revocation_endpoint": f"{self.base}/revoke",
            "token_endpoint_auth_methods_supported": list(self.methods),
            "capabilities": ["permission-v2"],
        }
        if self.open_registration:
            found["registration_endpoint"] = f"{self.base}/register"
        return found

    def issue(self, client_id: str, scope: str, *, refresh: bool) -> dict[str, Any]:
        access = self.new("access")
        if self.claims:
            access = unsigned({**self.claims, "jti": access})
        self.tokens[access] = client_id
        answer: dict[str, Any] = {
            "access_token": access,
            "token_type": "Bearer",
            "scope": self.scope or scope,
        }
        answer["expires_in"] = self.life
        if refresh and self.refreshes and "offline_access" in scope:
            answer["refresh_token"] = self.new("refresh")
        return answer

    def token(self, form: dict[str, str], header: str | None) -> tuple[int, dict[str, Any]]:
        grant = form.get("grant_type", "")
        if grant.endswith("jwt-bearer"):
            client_id, scope = form.get("client_id", ""), "patient/*.rs"
            if self.doubts > 0 or not self.signed(client_id, form.get("assertion", "")):
                self.doubts -= 1
                return 400, {"error": "invalid_grant"}
            return 200, self.issue(client_id, scope, refresh=False)
        client = self.client(form, header)
        if client is None:
            return 401, {"error": "invalid_client"}
        if grant == "client_credentials":
            return 200, self.issue(client, form.get("scope", ""), refresh=False)
        if grant == "refresh_token":
            return 200, self.issue(client, "offline_access patient/*.rs", refresh=True)
        asked = self.codes.pop(form.get("code", ""), None)
        if asked is None or asked["redirect_uri"] != form.get("redirect_uri"):
            return 400, {"error": "invalid_grant"}
        answer = self.issue(client, asked["scope"], refresh=True)
        if self.patient:
            answer["patient"] = self.patient
        if self.fhir_user:
            answer["fhirUser"] = self.fhir_user
        return 200, answer

    def client(self, form: dict[str, str], header: str | None) -> str | None:
        """Who is asking; None when that is not proved."""
        if header:
            client_id, _, secret = base64.b64decode(header.split()[1]).decode().partition(":")
            return client_id if self.secrets.get(client_id) == secret else None
        if "client_assertion" in form:
            claims = json.loads(base64.urlsafe_b64decode(form["client_assertion"].split(".")[1] + "=="))
            return claims["sub"] if self.signed(claims["sub"], form["client_assertion"]) else None
        client_id = form.get("client_id", "")
        return None if client_id in self.secrets or client_id in self.jwks else client_id

    def signed(self, client_id: str, assertion: str) -> bool:
        """RFC 7523 section 3: signature, issuer, subject, audience, life, and never twice."""
        keys = jwk.JWKSet.from_json(json.dumps(self.jwks.get(client_id, {"keys": []})))
        try:
            read = jwt.JWT(jwt=assertion, key=keys, algs=["RS384", "ES384"])
        except Exception:  # noqa: BLE001 - whatever is wrong with it
            return False
        claims = json.loads(read.claims)
        right = (claims["iss"], claims["sub"], claims["aud"]) == (client_id, client_id, f"{self.base}/token")
        fresh = claims["jti"] not in self.used and claims["exp"] - time.time() <= 300
        self.used.add(claims["jti"])
        return right and fresh

    # ── registering ───────────────────────────────────────────────────────────────────────────────

    def register(self, body: dict[str, Any], bearer: str | None) -> tuple[int, dict[str, Any]]:
        if "software_id" in body:
            if not self.dynamic:
                return 404, {}
            if bearer not in self.tokens:
                return 401, {"error": "invalid_token"}
        elif not self.open_registration:
            return 404, {}
        client_id = self.new("own")
        self.clients[client_id] = body
        if "jwks" in body:
            self.jwks[client_id] = body["jwks"]
        answer = {**body, "client_id": client_id}
        if body.get("token_endpoint_auth_method", "").startswith("client_secret"):
            answer["client_secret"] = self.secrets[client_id] = self.new("secret")
        if self.managed:
            answer["registration_client_uri"] = f"{self.base}/register/{client_id}"
            answer["registration_access_token"] = f"manage-{client_id}"
        return 201, answer

    def manage(self, verb: str, client_id: str, body: dict[str, Any], bearer: str | None) -> tuple[int, Any]:
        if client_id not in self.clients or bearer != f"manage-{client_id}":
            return 401, {}
        if verb == "DELETE":
            del self.clients[client_id]
            return 204, None
        if verb == "PUT":
            self.clients[client_id] = body
            self.jwks[client_id] = body.get("jwks", {"keys": []})
        return 200, {**self.clients[client_id], "client_id": client_id}

    # ── FHIR ──────────────────────────────────────────────────────────────────────────────────────

    def fhir(self, path: str, params: list[tuple[str, str]], bearer: str | None) -> tuple[int, Any]:
        if path == "metadata":
            return 200, STATEMENT
        if not self.open_fhir and bearer not in self.tokens:
            return 401, {}
        type_, _, id_ = path.partition("/")
        if type_ == "Patient" and id_:
            found = next((one for one in self.patients if one["id"] == id_), None)
            return (200, found) if found else (404, {})
        matches = self.patients if type_ == "Patient" else ()
        entries = [{"resource": one} for one in matches]
        return 200, {"resourceType": "Bundle", "type": "searchset", "entry": entries}


STATEMENT = {
    "resourceType": "CapabilityStatement",
    "fhirVersion": "4.0.1",
    "rest": [
        {
            "mode": "server",
            "operation": [{"name": "export", "definition": "x"}],
            "resource": [
                {"type": "Patient", "interaction": [{"code": "read"}]},
                {
                    "type": "Observation",
                    "interaction": [{"code": "search-type"}, {"code": "create"}],
                    "searchParam": [{"name": "patient"}, {"name": "_lastUpdated"}],
                },
                {
                    "type": "Immunization",
                    "interaction": [{"code": "search-type"}],
                    "searchParam": [{"name": "patient"}],
                },
            ],
        }
    ],
}


class Desk(BaseHTTPRequestHandler):
    """HTTP around a Ward."""

    protocol_version = "HTTP/1.1"
    ward: Ward

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def handle_one(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("content-length") or 0)
        raw = self.rfile.read(length)
        params = parse_qsl(parts.query)
        ward = self.ward
        form: dict[str, Any] = {}
        if "json" in (self.headers.get("content-type") or ""):
            form = json.loads(raw)
        elif raw:
            form = dict(parse_qsl(raw.decode()))
        ward.seen.append((self.command, self.path, {**dict(params), **form}))
        header = self.headers.get("authorization") or ""
        bearer = header.removeprefix("Bearer ") if header.startswith("Bearer ") else None
        path = parts.path
        if path == "/authorize":
            asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
            code = ward.new("code")
            ward.codes[code] = asked
            answer = urlencode({"code": code, "state": asked["state"]})
            self.reply(302, None, f"{asked['redirect_uri']}?{answer}")
        elif path.endswith("smart-configuration"):
            self.reply(*((404, {}) if ward.open_fhir else (200, ward.configuration())))
        elif path == "/token":
            self.reply(*ward.token(form, header or None))
        elif path == "/revoke":
            ward.revoked.append(form.get("token", ""))
            ward.tokens.pop(form.get("token", ""), None)
            self.reply(200, {})
        elif path == "/register":
            self.reply(*ward.register(form, bearer))
        elif path.startswith("/register/"):
            self.reply(*ward.manage(self.command, path.rpartition("/")[2], form, bearer))
        elif path.startswith("/fhir/"):
            self.reply(*ward.fhir(path.removeprefix("/fhir/"), params, bearer))
        else:
            self.reply(404, {})

    do_GET = do_POST = do_PUT = do_DELETE = handle_one  # noqa: N815 - the names http.server looks for

    def reply(self, status: int, body: Any, location: str | None = None) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        if location:
            self.send_header("location", location)
        self.end_headers()
        self.wfile.write(content)


def opened(ward: Ward) -> ThreadingHTTPServer:
    """Let it listen on a free port, in a thread of its own."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("OwnDesk", (Desk,), {"ward": ward}))
    server.daemon_threads = True
    ward.base = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server
