"""How an app shows who it is at the token endpoint (RFC 6749, section 2.3; RFC 7523, section 2.2)."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from urllib.parse import unquote_plus

from phr.sandbox.assertions import Assertions, BadAssertion
from phr.sandbox.clients import Clients, RegisteredClient
from phr.sandbox.grants import OAuthError
from phr.sandbox.habits import VendorHabits

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class ClientAuthentication:
    """Knows which ways a vendor takes, and checks them."""

    def __init__(self, clients: Clients, habits: VendorHabits, assertions: Assertions) -> None:
        self._clients = clients
        self._habits = habits
        self._assertions = assertions

    def client_id(self, authorization: str, form: Mapping[str, str]) -> str | None:
        """The authenticated client, by the header or the form; None when nobody is named. Raises OAuthError."""
        scheme, _, given = authorization.partition(" ")
        ways = (
            bool(scheme),
            "client_secret" in form,
            "client_assertion" in form or "client_assertion_type" in form,
        )
        if sum(ways) > 1:
            raise OAuthError("invalid_request", "The client authenticates in two ways at once")
        if scheme and scheme.lower() != "basic":
            raise _unknown("This way to authenticate is not known here")
        if scheme:
            client_id, secret = _basic(given)
            if form.get("client_id", client_id) != client_id:
                raise OAuthError("invalid_request", "Two different client ids")
            return self._by_secret("client_secret_basic", client_id, secret)
        if ways[2]:
            return self._by_assertion(form)
        if "client_id" not in form:
            if ways[1]:
                raise OAuthError("invalid_request", "client_id is missing")
            return None
        if ways[1]:
            return self._by_secret("client_secret_post", form["client_id"], form["client_secret"])
        self._client("none", form["client_id"])
        return form["client_id"]

    def _client(self, method: str, client_id: str) -> RegisteredClient:
        client = self._clients.find(client_id)
        if client is None or not client.takes(method):
            raise _unknown("The client is unknown, or it has to authenticate in another way.")
        if method not in self._habits.auth_methods:
            raise _unknown("This way to authenticate is not taken here.")
        return client

    def _by_secret(self, method: str, client_id: str, secret: str) -> str:
        expected = self._client(method, client_id).secret or ""
        if not expected or not hmac.compare_digest(expected.encode(), secret.encode()):
            raise _unknown("The client is unknown or its secret is wrong.")
        return client_id

    def _by_assertion(self, form: Mapping[str, str]) -> str:
        if form.get("client_assertion_type") != ASSERTION_TYPE or "client_assertion" not in form:
            raise OAuthError(
                "invalid_request", f"client_assertion and client_assertion_type={ASSERTION_TYPE} go together"
            )
        try:
            client_id = self._assertions.check(
                form["client_assertion"], lambda name: self._client("private_key_jwt", name).jwks
            )
        except BadAssertion as error:
            raise _unknown(f"The assertion is not good: {error}.") from error
        if form.get("client_id", client_id) != client_id:
            raise OAuthError("invalid_request", "client_id is not the one of the assertion")
        return client_id


def _unknown(description: str) -> OAuthError:
    return OAuthError("invalid_client", description, 401)


def _basic(given: str) -> tuple[str, str]:
    """Client id and secret, each form-encoded before base64 (RFC 6749, section 2.3.1)."""
    try:
        client_id, colon, secret = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        colon = client_id = secret = ""
    if not colon:
        raise _unknown("The Basic credentials cannot be read")
    return unquote_plus(client_id), unquote_plus(secret)
