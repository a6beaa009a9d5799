"""Reading the answer that the authorization server sent by way of the browser.

RFC 6749 sections 4.1.2 and 4.1.2.1, RFC 9207 (`iss`). The same rules hold whether it came to the loopback
listener or was pasted by hand: `state` first, in constant time, before anything else is believed.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from phr.errors import SignInDenied, SignInError, StateMismatch
from phr.fhir.outcome import clean

_WORDS = {
    "invalid_scope": "the provider does not know a permission that was asked for",
    "unauthorized_client": "the provider does not accept this client id for a patient's sign-in",
    "invalid_client": "the provider does not know this client id",
    "invalid_request": "the provider did not understand the sign-in request",
    "unsupported_response_type": "the provider does not offer this way of signing in",
    "server_error": "the provider's sign-in had an error inside",
    "temporarily_unavailable": "the provider's sign-in is down for now",
    "login_required": "the provider wants a fresh login",
}
_HINTS = {
    "invalid_scope": "Compare the permissions ticked at registration: phr providers show",
    "unauthorized_client": "Check the client id, and whether the registration is active yet.",
    "invalid_client": "Check the client id, and whether the registration is active yet.",
    "temporarily_unavailable": "Try again later.",
    "server_error": "Try again later.",
}


def reads_as_answer(params: Mapping[str, str]) -> bool:
    """Whether these parameters are an answer at all, and not a stray visit."""
    return bool(params.keys() & {"code", "error", "state"})


def code_from(params: Mapping[str, str], state: str, issuers: tuple[str, ...] = ()) -> str:
    """The authorization code.

    Raises StateMismatch for an answer that is not ours, SignInDenied when somebody said no, SignInError for
    every other error. `issuers` are the spellings that `iss` may have; empty means that it is not checked.
    """
    error = params.get("error")
    given = params.get("state")
    # Some servers forget the state when they report an error; a bare error can do no harm, a code could.
    if not (given is None and error):
        check_state(given, state)
    if error:
        raise refusal(error, params.get("error_description"), secrets=(state,))
    issuer = params.get("iss")
    if issuer and issuers and _key(issuer) not in {_key(known) for known in issuers}:
        raise StateMismatch("The answer came from another sign-in server than the one that was asked.")
    code = params.get("code")
    if not code:
        raise SignInError("The provider sent us back without a code.", hint="Try the sign-in again.")
    return code


def check_state(given: str | None, state: str) -> None:
    if not hmac.compare_digest((given or "").encode("utf-8", "replace"), state.encode()):
        raise StateMismatch(
            "The answer does not belong to this sign-in; it was not used.",
            hint="Close other sign-in pages and try again.",
        )


def refusal(error: str, description: str | None, *, secrets: tuple[str | None, ...] = ()) -> SignInError:
    """An OAuth error as one of ours; only `error` and `error_description` are ever quoted."""
    name = clean(error, 40)
    said = clean(description, 200, secrets)
    if name == "access_denied":
        words = f"The sign-in was declined: {said}" if said else "The sign-in was declined"
        return SignInDenied(words.rstrip(".") + ".", hint="Try again and allow access when asked.")
    general = _WORDS.get(name, f"the provider answered {name or 'with an error'}")
    words = (
        f"The sign-in failed: {general} ({said.rstrip('.')})" if said else f"The sign-in failed: {general}"
    )
    return SignInError(words + ".", hint=_HINTS.get(name))


def pasted(url: str) -> dict[str, str]:
    """The parameters of an address copied from the browser, in its query or its fragment."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        raise SignInError("That is not an address.", hint="Copy the whole address line.") from None
    params = dict(parse_qsl(parts.query)) | dict(parse_qsl(parts.fragment))
    if not reads_as_answer(params):
        raise SignInError(
            "That address holds no answer from the provider.",
            hint="Copy the whole address line of the page you ended on.",
        )
    return params


def _key(issuer: str) -> str:
    return issuer.rstrip("/").lower()
