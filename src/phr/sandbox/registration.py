"""Apps that register themselves: RFC 7591 and 7592, and the clients that Epic lets an app make after a sign-in."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from phr.sandbox.assertions import public_keys
from phr.sandbox.clients import JWT_BEARER, Clients, RegisteredClient, redirect_allowed, redirect_registrable
from phr.sandbox.grants import Access, Grant, OAuthError
from phr.sandbox.habits import VendorHabits
from phr.sandbox.oauth import AuthorizationServer

_GRANT_TYPES = frozenset(["authorization_code", "refresh_token", "client_credentials"])
_TEXTS = (
    "client_name",
    "client_uri",
    "logo_uri",
    "scope",
    "tos_uri",
    "policy_uri",
    "software_id",
    "software_version",
)


@dataclass(slots=True)
class _Entry:
    """One registered app, as it may be read and changed again."""

    metadata: dict[str, Any]
    token: str = field(repr=False)
    """registration_access_token."""
    secret: str | None = field(repr=False)
    issued: int


class DynamicClients:
    """Registers apps, and knows those that registered."""

    def __init__(
        self,
        clients: Clients,
        authorization: AuthorizationServer,
        habits: VendorHabits,
        redirect_uris: tuple[str, ...],
    ) -> None:
        self._clients = clients
        self._authorization = authorization
        self._habits = habits
        self._redirect_uris = redirect_uris
        self._entries: dict[str, _Entry] = {}
        self.grants: dict[str, Grant] = {}
        """Of the clients made after a sign-in: whose records they may have."""

    def register(self, body: object, endpoint: str, now: float) -> dict[str, Any]:
        """Open registration (RFC 7591, section 3). Raises OAuthError."""
        metadata = self._metadata(body)
        client_id = secrets.token_urlsafe(16)
        self._entries[client_id] = _Entry(
            metadata, secrets.token_urlsafe(32), _secret(metadata, None), int(now)
        )
        return self._put(client_id, endpoint)

    def read(self, client_id: str, token: str, endpoint: str) -> dict[str, Any]:
        """RFC 7592, section 2.1."""
        self._entry(client_id, token)
        return self._said(client_id, endpoint)

    def update(self, client_id: str, token: str, body: object, endpoint: str) -> dict[str, Any]:
        """RFC 7592, section 2.2: the whole metadata anew. Raises OAuthError."""
        entry = self._entry(client_id, token)
        given = body if isinstance(body, dict) else {}
        if given.get("client_id") != client_id:
            raise _bad("client_id has to be this client's own")
        if given.get("client_secret", entry.secret) != entry.secret:
            raise _bad("client_secret cannot be chosen")
        forbidden = {"registration_access_token", "registration_client_uri", "client_id_issued_at"} & set(
            given
        )
        if forbidden or "client_secret_expires_at" in given:
            raise _bad("members that the server gives out cannot be sent")
        entry.metadata = self._metadata(given)
        entry.secret = _secret(entry.metadata, entry.secret)
        return self._put(client_id, endpoint)

    def remove(self, client_id: str, token: str) -> None:
        """RFC 7592, section 2.3: the client and all its tokens are gone. Raises OAuthError."""
        self._entry(client_id, token)
        del self._entries[client_id]
        self._clients.remove(client_id)
        self._authorization.revoke_all(client_id)

    def register_after_sign_in(self, body: object, access: Access | None, now: float) -> dict[str, Any]:
        """Epic: a client of this person's own, for an app that holds an access token. Raises OAuthError."""
        if access is None or access.grant.patient is None:
            raise OAuthError("invalid_token", "Send the access token of a sign-in.", 401)
        given = body if isinstance(body, dict) else {}
        if given.get("software_id") != access.grant.app:
            raise _bad("software_id has to be the client id of the app that signed in")
        wrong = public_keys(given.get("jwks"))
        if wrong:
            raise _bad(wrong)
        client_id = secrets.token_urlsafe(16)
        client = RegisteredClient(jwks=given["jwks"], method="private_key_jwt", grant_types=(JWT_BEARER,))
        self._clients.put(client_id, client)
        self.grants[client_id] = self._authorization.descend(access.grant, client_id)
        return {
            "client_id": client_id,
            "client_id_issued_at": int(now),
            "software_id": given["software_id"],
            "grant_types": [JWT_BEARER],
            "token_endpoint_auth_method": "none",
            "jwks": given["jwks"],
        }

    def keys_of(self, client_id: str) -> Mapping[str, Any] | None:
        """The keys of a client made after a sign-in; None for any other."""
        client = self._clients.find(client_id) if client_id in self.grants else None
        return client.jwks if client else None

    def _entry(self, client_id: str, token: str) -> _Entry:
        entry = self._entries.get(client_id)
        if entry is None or not token or not hmac.compare_digest(entry.token.encode(), token.encode()):
            raise OAuthError("invalid_token", "The registration access token is not this client's.", 401)
        return entry

    def _put(self, client_id: str, endpoint: str) -> dict[str, Any]:
        entry = self._entries[client_id]
        metadata = entry.metadata
        self._clients.put(
            client_id,
            RegisteredClient(
                secret=entry.secret,
                jwks=metadata.get("jwks"),
                redirect_uris=tuple(metadata["redirect_uris"]),
                scopes=tuple(metadata.get("scope", "").split()),
                method=metadata["token_endpoint_auth_method"],
                grant_types=tuple(metadata["grant_types"]),
            ),
        )
        return self._said(client_id, endpoint)

    def _said(self, client_id: str, endpoint: str) -> dict[str, Any]:
        entry = self._entries[client_id]
        said = {"client_id": client_id, "client_id_issued_at": entry.issued, **entry.metadata}
        if entry.secret is not None:
            said |= {"client_secret": entry.secret, "client_secret_expires_at": 0}
        uri = f"{endpoint}/{client_id}"
        return said | {"registration_access_token": entry.token, "registration_client_uri": uri}

    def _metadata(self, body: object) -> dict[str, Any]:
        """What is kept of a request (RFC 7591, section 2); what is not understood is left out."""
        if not isinstance(body, dict):
            raise _bad("send a JSON object")
        metadata = {name: body[name] for name in _TEXTS if body.get(name) is not None}
        if any(not isinstance(text, str) for text in metadata.values()):
            raise _bad("a member that has to be a text is none")
        if "contacts" in body:
            metadata["contacts"] = _list(body, "contacts", ())
        method = body.get("token_endpoint_auth_method", "client_secret_basic")
        if method not in self._habits.auth_methods:
            raise _bad("token_endpoint_auth_method is not one that is taken here")
        grants = _list(body, "grant_types", ("authorization_code",))
        codes = "authorization_code" in grants
        self._check_grants(method, grants, _list(body, "response_types", ("code",) if codes else ()))
        metadata |= {
            "token_endpoint_auth_method": method,
            "grant_types": grants,
            "response_types": ["code"] if codes else [],
            "redirect_uris": self._redirects(body, needed=codes),
        }
        return metadata | _keys(body, needed=method == "private_key_jwt")

    def _check_grants(self, method: str, grants: list[str], responses: list[str]) -> None:
        if not grants or not set(grants) <= _GRANT_TYPES:
            raise _bad("grant_types names one that is not offered")
        if "client_credentials" in grants and (method == "none" or self._habits.backend == "no"):
            raise _bad("client_credentials is not for this client")
        # RFC 7591, section 2.1: the two lists have to fit each other.
        if responses != (["code"] if "authorization_code" in grants else []):
            raise _bad("response_types does not fit grant_types")

    def _redirects(self, body: dict[str, Any], *, needed: bool) -> list[str]:
        try:
            uris = _list(body, "redirect_uris", ())
        except OAuthError as error:
            raise OAuthError("invalid_redirect_uri", "redirect_uris is a list of addresses.") from error
        if needed and not uris:
            raise OAuthError("invalid_redirect_uri", "redirect_uris is missing.")
        for uri in uris:
            # A vendor without a list of its own has this one to register at.
            usual = self._habits.redirects in ("loopback", "registered", "any")
            if not (
                redirect_registrable(uri)
                if usual
                else redirect_allowed(uri, self._habits, self._redirect_uris)
            ):
                raise OAuthError("invalid_redirect_uri", "A redirect address cannot be registered here.")
        return uris


def _keys(body: dict[str, Any], *, needed: bool) -> dict[str, Any]:
    if "jwks_uri" in body:
        raise _bad("jwks_uri is not fetched here; send jwks")
    if "jwks" not in body:
        if needed:
            raise _bad("private_key_jwt needs jwks")
        return {}
    wrong = public_keys(body["jwks"])
    if wrong:
        raise _bad(wrong)
    return {"jwks": body["jwks"]}


def _secret(metadata: dict[str, Any], before: str | None) -> str | None:
    """A secret for the methods that need one; the one there is stays."""
    if not metadata["token_endpoint_auth_method"].startswith("client_secret"):
        return None
    return before or secrets.token_urlsafe(32)


def _list(body: dict[str, Any], name: str, default: tuple[str, ...]) -> list[str]:
    value = body.get(name, list(default))
    if not isinstance(value, list) or any(not isinstance(item, str) for item in value):
        raise _bad(f"{name} is a list of texts")
    return list(value)


def _bad(description: str) -> OAuthError:
    return OAuthError("invalid_client_metadata", description[0].upper() + description[1:] + ".")
