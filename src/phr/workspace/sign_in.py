"""What a person says about signing in, and how they are spoken to meanwhile.

The way itself: `goal` (where, as whom), `way_back` (how the browser comes back), `ways_in` (each method's way to a
token), `lasting` (a client of the connection's own), `whose` (the patient), `connect` (kept), `leave` (ended).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import get_close_matches

from phr.errors import UsageError
from phr.model import AUTH_METHODS

OWN_TO_ONE_PERSON = frozenset({"custom", "sandbox"})
"""Vendors whose client id belongs to one server: it is kept with the connection, not in the settings."""

SECRET = "secret"  # noqa: S105 - the name of a way, not a secret
"""A client secret, sent in the way that the server and the vendor's profile agree on."""

_SYNONYMS = {
    "secret": SECRET,
    "client_secret": SECRET,
    "basic": "client_secret_basic",
    "post": "client_secret_post",
    "client_credentials": "backend",
    "backend_services": "backend",
    "system": "backend",
    "dynamic_registration": "dynamic",
    "dynamic_client": "dynamic",
    "dynamic_client_registration": "dynamic",
    "jwt_bearer": "dynamic",
    "register": "dynamic",
    "private_key": "private_key_jwt",
    "jwt": "private_key_jwt",
    "pkce": "public",
    "token": "bearer",
    "static_bearer": "bearer",
    "open": "none",
}


@dataclass(frozen=True, slots=True)
class ConnectRequest:
    """What the person said on the command line; None is "not said"."""

    provider: str = "custom"
    url: str | None = None
    name: str | None = None
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    patient: str | None = None
    port: int | None = None
    timeout: float | None = None
    auth: str | None = None
    """One of AUTH_METHODS, in any spelling that `auth_method` reads."""
    bearer_token: str | None = field(default=None, repr=False)
    redirect: str | None = None
    """One of REDIRECTS."""
    redirect_uri: str | None = None
    """As it is registered, letter by letter."""
    organisation: str | None = None
    """What to call the place, where one address serves many."""
    patient_name: str | None = field(default=None, repr=False)
    birth_date: str | None = field(default=None, repr=False)
    """With the name, to find the one patient where nobody signs in."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """How to reach the person: `open_browser` answers whether a browser took the address, else `announce` gets it."""

    open_browser: Callable[[str], bool]
    announce: Callable[[str], None]
    paste: Callable[[], str] | None = None
    """Asks for the address on which the browser ended, where that is the way back."""
    say: Callable[[str], None] = lambda _: None
    """One sentence on the way: what is decided now and why."""


def auth_method(text: str) -> str:
    """A method as a person writes it: any letter case, hyphens, a few other words. Raises UsageError."""
    word = text.strip().lower().replace("-", "_")
    found = _SYNONYMS.get(word, word)
    if found in AUTH_METHODS or found == SECRET:
        return found
    near = get_close_matches(word, (*AUTH_METHODS, *_SYNONYMS), n=1)
    meant = f"Did you mean {near[0]}? " if near else ""
    raise UsageError(
        f"There is no way to sign in called {text.strip()[:40]}.",
        hint=f"{meant}--auth takes: {', '.join(AUTH_METHODS)}",
    )
