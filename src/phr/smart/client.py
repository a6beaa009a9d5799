"""How phr shows a provider who it is (RFC 6749 section 2.3, RFC 7523, SMART App Launch 2.2).

Public clients name themselves in the body; confidential ones prove it by a secret (Basic or in the body) or by a
signed assertion, never by two ways at once. An assertion is made anew for every request, also for a repeated one:
servers remember its `jti` and refuse it the second time.
"""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass, field
from urllib.parse import quote

from phr.errors import SignInError
from phr.model import SmartConfiguration
from phr.smart.keys import ClientKeys

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFE = 240.0
"""Seconds an assertion is good for; SMART allows five minutes, and a minute is left for a clock that is ahead."""
BACKDATED = 30.0
"""Seconds by which it is dated back, for servers whose clock is behind and that leave no leeway."""
SECRET_METHODS = ("client_secret_basic", "client_secret_post")


@dataclass(frozen=True, slots=True)
class Client:
    """What the registration with a provider gave, and how it is proved. A public client has no secret."""

    client_id: str
    secret: str | None = field(default=None, repr=False)
    method: str = "auto"
    """`auto`, `public`, `client_secret_basic`, `client_secret_post` or `private_key_jwt`."""
    keys: ClientKeys | None = field(default=None, repr=False)
    token_in_query: bool = False
    """The token endpoint may read its parameters from the query (NextGen)."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to put a request to the sign-in server; when it is refused, another may do."""

    method: str
    audience: str
    """Who an assertion is for."""
    skew: float = 0.0
    """Seconds by which the server's clock is ahead of ours."""
    former: bool = False
    """With the keys from before the last rotation."""
    in_query: bool = False

    def parameters(self, client: Client, configuration: SmartConfiguration, now: float) -> dict[str, str]:
        """What stands in the body for it."""
        if self.method == "public":
            return {"client_id": client.client_id}
        if self.method == "client_secret_post":
            return {"client_id": client.client_id, "client_secret": client.secret or ""}
        if self.method == "private_key_jwt":
            return {
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": self.assertion(client, configuration, now),
            }
        return {}

    def headers(self, client: Client) -> dict[str, str]:
        """What stands in the header for it: id and secret are form-encoded first (RFC 6749 section 2.3.1)."""
        if self.method != "client_secret_basic":
            return {}
        pair = f"{quote(client.client_id, safe='')}:{quote(client.secret or '', safe='')}"
        return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode("ascii")}

    def assertion(self, client: Client, configuration: SmartConfiguration, now: float) -> str:
        """A JWT that says who we are, for this request alone (RFC 7523 section 3)."""
        if client.keys is None:
            raise _no_keys()
        made = int(now + self.skew - BACKDATED)
        claims = {
            "iss": client.client_id,
            "sub": client.client_id,
            "aud": self.audience,
            "jti": str(uuid.uuid4()),
            "iat": made,
            "exp": made + int(LIFE),
        }
        return client.keys.sign(claims, algorithm(configuration), former=self.former)


def method_of(client: Client, configuration: SmartConfiguration) -> str:
    """The way this client shows who it is at this server. Raises SignInError when what it takes is missing."""
    if client.method == "auto":
        if client.secret is None:
            return "public"
        offered = configuration.token_auth_methods
        only_post = "client_secret_post" in offered and "client_secret_basic" not in offered
        return "client_secret_post" if only_post else "client_secret_basic"
    if client.method in SECRET_METHODS and client.secret is None:
        raise SignInError(
            "This registration needs a client secret, and there is none.",
            hint="Give it with --client-secret-stdin, or set PHR_<VENDOR>_CLIENT_SECRET.",
        )
    if client.method == "private_key_jwt" and client.keys is None:
        raise _no_keys()
    if client.method not in ("public", "private_key_jwt", *SECRET_METHODS):
        raise SignInError(f"phr does not know the client authentication “{client.method}”.")
    return client.method


def algorithm(configuration: SmartConfiguration) -> str:
    """RS384, else ES384, as the server lists them; a list that names neither is no reason not to try."""
    listed = configuration.signing_algorithms
    for ours in ("RS384", "ES384"):
        if not listed or ours in listed:
            return ours
    # A general OAuth server: the RSA key can do these too.
    return next(
        (other for other in listed if other in ("RS256", "RS512", "PS256", "PS384", "PS512")), "RS384"
    )


def _no_keys() -> SignInError:
    return SignInError(
        "This registration is proved by keys, and there are none.",
        hint="Make them, and register what this prints: phr keys show",
    )
