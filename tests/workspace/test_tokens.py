"""What of a connection lies in the vault, and how it becomes a sign-in in use."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from phr.errors import SecretsError
from phr.model import Connection, SmartConfiguration, Token
from phr.smart.keys import ClientKeys
from phr.smart.registration import Registration
from phr.workspace import tokens
from phr.workspace.workspace import Workspace

CONNECTION = Connection("key1", "home", "epic", "epic", "Home", "https://fhir.example.org/r4", "my-app")
CONFIGURATION = SmartConfiguration("https://auth.example.org/authorize", "https://auth.example.org/token")
TOKEN = Token("at-s3cret", 5.0, "patient/*.rs", "rt-s3cret", "p1", "i", "Patient/p1", 1.0, 2.0, 3.0)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    key = tmp_path / "key"
    key.write_bytes(os.urandom(32))
    key.chmod(0o600)
    return {"PHR_HOME": str(tmp_path / "home"), "PHR_KEY_FILE": str(key)}


@pytest.fixture
def workspace(environ: dict[str, str]) -> Workspace:
    made = Workspace(environ)
    with made.store(create=True):
        pass
    return made


@pytest.fixture(scope="module")
def keys() -> ClientKeys:
    return ClientKeys.new()


def test_everything_comes_back_as_it_was_kept_and_goes_when_forgotten(
    workspace: Workspace, keys: ClientKeys
) -> None:
    secrets, made = (
        workspace.vault.secrets,
        Registration("own", "s", "client_secret_post", "https://x/", "rat"),
    )
    tokens.keep(secrets, CONNECTION, TOKEN)
    tokens.keep_server(secrets, CONNECTION, CONFIGURATION)
    tokens.keep_secret(secrets, CONNECTION, "cl-s3cret")
    tokens.keep_keys(secrets, CONNECTION.key, keys)
    tokens.keep_registration(secrets, CONNECTION, made)
    assert tokens.kept_token(workspace, CONNECTION) == TOKEN
    assert tokens.server(workspace, CONNECTION) == CONFIGURATION
    assert tokens.kept_secret(workspace, CONNECTION) == "cl-s3cret"
    assert tokens.kept_keys(workspace, CONNECTION.key) == keys
    assert tokens.kept_registration(workspace, CONNECTION) == made

    other = replace(CONNECTION, key="key2")
    tokens.keep(secrets, other, TOKEN)
    tokens.forget(secrets, CONNECTION.key)
    assert tokens.kept_token(workspace, CONNECTION) is None
    assert tokens.kept_secret(workspace, CONNECTION) is None
    assert tokens.kept_keys(workspace, CONNECTION.key) is None
    assert tokens.kept_registration(workspace, CONNECTION) is None
    assert tokens.session(workspace, CONNECTION) is None
    assert tokens.kept_token(workspace, other) == TOKEN


def test_what_an_older_phr_kept_is_read(workspace: Workspace) -> None:
    secrets = workspace.vault.secrets
    old = {
        "access_token": "at",
        "expires_at": 5.0,
        "scope": "x",
        "refresh_token": "rt",
        "patient": "p",
        "id_token": None,
    }
    secrets.set("token/key1", msgspec.json.encode(old))
    server = {
        "authorization_endpoint": "https://a.example/a",
        "token_endpoint": "https://a.example/t",
        "revocation_endpoint": None,
        "issuer": None,
        "scopes_supported": [],
        "capabilities": [],
        "token_auth_methods": [],
    }
    secrets.set("sign-in-server/key1", msgspec.json.encode(server))
    assert tokens.kept_token(workspace, CONNECTION) == Token("at", 5.0, "x", "rt", "p")
    assert tokens.server(workspace, CONNECTION).token_endpoint == "https://a.example/t"
    assert tokens.session(workspace, CONNECTION) is not None


@pytest.mark.parametrize(
    ("auth", "method", "secret", "keyed"),
    [
        ("public", "public", None, False),
        ("secret", "auto", "cl-s3cret", False),  # as an older phr wrote it
        ("client_secret_basic", "client_secret_basic", "cl-s3cret", False),
        ("client_secret_post", "client_secret_post", "cl-s3cret", False),
        ("private_key_jwt", "private_key_jwt", None, True),
        ("backend", "auto", "cl-s3cret", False),
        ("bearer", "public", None, False),
        ("none", "public", None, False),
    ],
)
def test_a_connection_shows_itself_as_it_was_registered(
    workspace: Workspace, keys: ClientKeys, auth: str, method: str, secret: str | None, keyed: bool
) -> None:
    tokens.keep_secret(workspace.vault.secrets, CONNECTION, "cl-s3cret")
    tokens.keep_keys(workspace.vault.secrets, CONNECTION.key, keys)
    client = tokens.client_of(workspace, replace(CONNECTION, auth=auth))
    assert (client.client_id, client.method, client.secret) == ("my-app", method, secret)
    assert client.keys == (keys if keyed else None)


def test_a_client_of_its_own_has_its_own_name_and_keys(workspace: Workspace, keys: ClientKeys) -> None:
    connection = replace(CONNECTION, auth="dynamic")
    tokens.keep_keys(workspace.vault.secrets, tokens.BEFORE + "epic", keys)
    assert tokens.client_of(workspace, connection).keys is None
    tokens.keep_keys(workspace.vault.secrets, CONNECTION.key, keys)
    tokens.keep_registration(
        workspace.vault.secrets, connection, Registration("own", None, "private_key_jwt")
    )
    client = tokens.client_of(workspace, connection)
    assert (client.client_id, client.method, client.keys) == ("own", "private_key_jwt", keys)


def test_a_backend_without_keys_uses_its_secret(workspace: Workspace) -> None:
    tokens.keep_secret(workspace.vault.secrets, CONNECTION, "cl-s3cret")
    client = tokens.client_of(workspace, replace(CONNECTION, auth="backend"))
    assert (client.method, client.secret, client.keys) == ("auto", "cl-s3cret", None)


@pytest.mark.parametrize("word", ["cottage", "epic"])
def test_keys_made_before_there_was_a_connection_are_found(
    workspace: Workspace, keys: ClientKeys, word: str
) -> None:
    tokens.keep_keys(workspace.vault.secrets, tokens.BEFORE + word, keys)
    connection = replace(CONNECTION, provider="cottage", auth="private_key_jwt")
    assert tokens.client_of(workspace, connection).keys == keys


def test_the_secret_of_an_own_registration_counts(workspace: Workspace) -> None:
    made = Registration("own", "own-s3cret", "client_secret_basic")
    tokens.keep_registration(workspace.vault.secrets, CONNECTION, made)
    assert tokens.kept_secret(workspace, CONNECTION) == "own-s3cret"


def test_a_vendor_that_reads_the_query_is_known_to_its_client(workspace: Workspace) -> None:
    for vendor in workspace.catalog.vendors.values():
        client = tokens.client_of(workspace, replace(CONNECTION, vendor=vendor.id))
        assert client.token_in_query is vendor.token_in_query


def test_damaged_keys_are_an_error_and_not_no_keys(workspace: Workspace) -> None:
    workspace.vault.secrets.set("client-keys/key1", b"{}")
    with pytest.raises(SecretsError):
        tokens.client_of(workspace, replace(CONNECTION, auth="private_key_jwt"))


def test_no_secret_reaches_a_log_or_a_repr(
    workspace: Workspace, keys: ClientKeys, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    tokens.keep(workspace.vault.secrets, CONNECTION, TOKEN)
    tokens.keep_server(workspace.vault.secrets, CONNECTION, CONFIGURATION)
    tokens.keep_secret(workspace.vault.secrets, CONNECTION, "cl-s3cret")
    connection = replace(CONNECTION, auth="client_secret_post")
    shown = repr(tokens.session(workspace, connection)) + repr(tokens.client_of(workspace, connection))
    assert "s3cret" not in shown + caplog.text and "p1" not in shown


KILLED = """
import os, signal
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from phr.model import Connection, SmartConfiguration
from phr.workspace import tokens
from phr.workspace.workspace import Workspace

class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        body = b'{"access_token":"at-1","token_type":"Bearer","expires_in":5,"refresh_token":"rt-1"}'
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *a): pass

server = HTTPServer(("127.0.0.1", 0), Handler)
Thread(target=server.serve_forever, daemon=True).start()
workspace = Workspace(os.environ)
connection = Connection("key1", "home", "custom", "custom", "H", "http://127.0.0.1:1/r4", "my-app")
at = f"http://127.0.0.1:{server.server_port}"
tokens.keep_server(workspace.vault.secrets, connection, SmartConfiguration(at + "/a", at + "/t"))
session = tokens.session(workspace, connection)
session.bearer()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_killed_right_after_a_renewal_nothing_is_lost(workspace: Workspace, environ: dict[str, str]) -> None:
    tokens.keep(workspace.vault.secrets, CONNECTION, TOKEN)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED)], env=os.environ | environ, timeout=60, check=False
    )
    assert done.returncode == -9
    kept = tokens.kept_token(Workspace(environ), CONNECTION)
    assert kept is not None
    assert (kept.access_token, kept.refresh_token, kept.signed_in_at) == ("at-1", "rt-1", 1.0)
