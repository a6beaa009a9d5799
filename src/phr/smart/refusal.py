"""The errors of OAuth and its kin as one sentence and a next step.

RFC 6749 sections 4.1.2.1 and 5.2, OpenID Connect Core section 3.1.2.6, RFC 7009 section 2.2.1, RFC 7591 section
3.2.2, RFC 6750 section 3.1, RFC 8707 section 2, and what vendors say in their own words. A server's words are
cleaned before they are shown; its `error_uri` is shown only where it is https, to read more, and never fetched.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from phr.errors import SignInDenied, SignInError
from phr.fhir.outcome import clean

REGISTRATION = "Compare with what was registered: phr providers show ID"
_AGAIN = "Try the sign-in again."
_LATER = "Try again later."
_CLIENT = "Check the client id, and whether the registration is active yet: phr providers show ID"
_URI = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]{1,300}")


class Saying(NamedTuple):
    """What an error means, and what to do about it."""

    words: str
    hint: str | None


_SAYINGS = {
    # RFC 6749 sections 4.1.2.1 and 5.2
    "invalid_request": Saying(
        "the provider did not understand the sign-in request",
        f"Most often the redirect address or a permission is not as registered. {REGISTRATION}",
    ),
    "invalid_client": Saying("the provider does not accept this client id or its proof", _CLIENT),
    "unauthorized_client": Saying(
        "the provider does not accept this client id for a patient's sign-in", _CLIENT
    ),
    "unsupported_response_type": Saying(
        "the provider does not offer this way of signing in",
        "Check that the address is the one for patients: phr providers search",
    ),
    "invalid_scope": Saying(
        "the provider does not give a permission that was asked for",
        "Compare the permissions ticked at registration: phr providers show ID",
    ),
    "server_error": Saying("the provider's sign-in had an error inside", _LATER),
    "temporarily_unavailable": Saying("the provider's sign-in is down for now", _LATER),
    "invalid_grant": Saying("the provider no longer accepts this sign-in or its code", "Sign in again."),
    "unsupported_grant_type": Saying(
        "the provider does not offer this way of staying signed in",
        "See which ways it takes: phr providers show ID",
    ),
    # OpenID Connect Core section 3.1.2.6
    "interaction_required": Saying("the provider wants to ask the person something first", _AGAIN),
    "login_required": Saying("the provider wants a fresh login", _AGAIN),
    "account_selection_required": Saying(
        "the provider wants the person to choose an account",
        "Log in at the provider's portal, then try again.",
    ),
    "consent_required": Saying(
        "the provider wants the person's consent first", "Try again and allow access when asked."
    ),
    "invalid_request_uri": Saying("the provider did not understand the sign-in request", REGISTRATION),
    "invalid_request_object": Saying("the provider did not understand the sign-in request", REGISTRATION),
    "request_not_supported": Saying("the provider does not take such a sign-in request", REGISTRATION),
    "request_uri_not_supported": Saying("the provider does not take such a sign-in request", REGISTRATION),
    "registration_not_supported": Saying(
        "the provider does not let apps register themselves", "Get a client id by hand: phr providers show ID"
    ),
    # RFC 7591 section 3.2.2, RFC 7009 section 2.2.1, RFC 6750 section 3.1, RFC 8707 section 2
    "invalid_redirect_uri": Saying("the redirect address is not one the provider allows", REGISTRATION),
    "invalid_client_metadata": Saying("the provider does not accept this registration", REGISTRATION),
    "invalid_software_statement": Saying("the provider does not accept this registration", REGISTRATION),
    "unapproved_software_statement": Saying("the provider has not approved this app", REGISTRATION),
    "unsupported_token_type": Saying("the provider cannot take this kind of token back", None),
    "invalid_token": Saying("the provider no longer accepts this sign-in", "Sign in again."),
    "insufficient_scope": Saying("this sign-in was given too few permissions", REGISTRATION),
    "invalid_target": Saying(
        "the provider does not know the record server that was asked for",
        "Check the FHIR address: phr providers search",
    ),
}
_REDIRECT = Saying(
    "the redirect address is not the one registered with the provider",
    "Register exactly the address that phr providers show ID names, or choose the registered one: --port, --redirect",
)
_TENANT = Saying(
    "the app is not subscribed to this organisation's records",
    "In Oracle's code Console subscribe the app to “FHIR R4, All”, wait some minutes and try again.",
)
# In vendors' own words; looked for in the error, its description and its address.
_TELLTALES = (
    (re.compile(r"unknown[-_ ]tenant", re.I), _TENANT),
    (re.compile(r"redirect[-_ ]?ur[il]|redirection ur[il]|reply url|callback url", re.I), _REDIRECT),
)


def saying(name: str, *words: str | None) -> Saying:
    """The meaning of an error code, given what else the server said with it."""
    everything = " ".join(unquote(text) for text in (name, *words) if text)[:4000]
    for telltale, meant in _TELLTALES:
        if telltale.search(everything):
            return meant
    return _SAYINGS.get(name.lower(), Saying("the provider answered with an error of its own", REGISTRATION))


def refusal(
    error: str,
    description: str | None,
    uri: str | None = None,
    *,
    secrets: tuple[str | None, ...] = (),
) -> SignInError:
    """An OAuth error as one of ours: SignInDenied where somebody said no, else SignInError.

    Only `error`, `error_description` and an https `error_uri` are ever quoted.
    """
    name = clean(error, 40, secrets)
    said = clean(description, 200, secrets).rstrip(". ")
    meant = saying(name, description, uri)
    more = more_at(uri, secrets)
    if name.lower() == "access_denied" and meant is not _TENANT:
        hint = f"Try again and allow access when asked.{more}"
        return SignInDenied(f"The sign-in was declined{': ' + said if said else ''}.", hint=hint)
    details = ": ".join(part for part in (name, said) if part)
    words = f"The sign-in failed: {meant.words}{f' ({details})' if details else ''}."
    return SignInError(words, hint=f"{meant.hint or _AGAIN}{more}")


def more_at(uri: str | None, secrets: tuple[str | None, ...] = ()) -> str:
    """` More: https://…` (RFC 6749 section 4.1.2.1, `error_uri`), or nothing for an address not fit to be shown."""
    text = (uri or "").strip()
    try:
        parts = urlsplit(text)
        good = parts.scheme == "https" and bool(parts.hostname) and parts.username is None
    except ValueError:
        return ""
    spelled = (text, unquote(text))
    if not good or not _URI.fullmatch(text) or any(s and s in form for s in secrets for form in spelled):
        return ""
    return f" More: {text}"
