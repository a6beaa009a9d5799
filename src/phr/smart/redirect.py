"""Reading the answer that the authorization server sent by way of the browser.

RFC 6749 sections 4.1.2 and 4.1.2.1, RFC 9207 (`iss`). The same rules hold whether it came to the loopback
listener, through a relay page, or was pasted by hand: `state` first, in constant time, before anything else is
believed.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

from phr.errors import SignInError, StateMismatch
from phr.smart.refusal import refusal

_MAX_FIELDS = 100
_WRAPPING = "\"'`“”„‘’‚«»‹›<> \t"
_HOW_TO_COPY = "Copy the whole address line of the page you ended on."


@dataclass(frozen=True, slots=True)
class Expected:
    """What an answer must hold to be the one to this sign-in."""

    state: str = field(repr=False)
    issuers: tuple[str, ...] = ()
    """The spellings that `iss` may have; empty: it is not compared."""
    iss_required: bool = False
    """RFC 9207 section 2.4: the server said that it always sends `iss`."""

    def knows(self, given: str | None) -> bool:
        """Whether this `state` is ours, compared in constant time."""
        return hmac.compare_digest((given or "").encode("utf-8", "replace"), self.state.encode())

    def code_from(self, params: Mapping[str, str]) -> str:
        """The authorization code.

        Raises StateMismatch for an answer that is not ours, SignInDenied when somebody said no, SignInError for
        every other error.
        """
        error = params.get("error")
        given = params.get("state")
        # Some servers forget the state when they report an error; a bare error brings no code that could be used.
        if not (given is None and error) and not self.knows(given):
            raise mismatch()
        self._check_issuer(params.get("iss"), error)
        if error:
            said = params.get("error_description"), params.get("error_uri")
            raise refusal(error, *said, secrets=(self.state, params.get("code")))
        code = params.get("code")
        if not code:
            raise SignInError("The provider sent us back without a code.", hint="Try the sign-in again.")
        return code

    def _check_issuer(self, issuer: str | None, error: str | None) -> None:
        """RFC 9207 section 2.4: simple string comparison; only a slash at the end may differ, as servers spell it both ways.

        An error is told even where a server that promised `iss` left it out: nothing is used from it.
        """
        if not issuer:
            if self.iss_required and not error:
                raise StateMismatch(
                    "The answer does not say which sign-in server it comes from, as this provider's always do; "
                    "it was not used.",
                    hint="Close other sign-in pages and try again.",
                )
            return
        if self.issuers and issuer.rstrip("/") not in {known.rstrip("/") for known in self.issuers}:
            raise StateMismatch(
                "The answer came from another sign-in server than the one that was asked; it was not used.",
                hint="Close other sign-in pages and try again; if it stays so, check the provider's address.",
            )


def mismatch() -> StateMismatch:
    """An answer with another `state` than ours."""
    return StateMismatch(
        "The answer does not belong to this sign-in; it was not used.",
        hint="Close other sign-in pages and try again.",
    )


def parameters(*queries: str) -> dict[str, str]:
    """The parameters of form-encoded texts (query, fragment, body), as one answer.

    RFC 6749 section 3.1: none may come twice. One that comes twice with two values counts as empty, so that no
    choice between them can be the wrong one.
    """
    found: dict[str, str] = {}
    for query in queries:
        try:
            pairs = parse_qsl(query, max_num_fields=_MAX_FIELDS)
        except ValueError:
            continue
        for name, value in pairs:
            found[name] = value if found.get(name, value) == value else ""
    return found


def reads_as_answer(params: Mapping[str, str]) -> bool:
    """Whether these parameters are an answer at all, and not a stray visit."""
    return bool(params.keys() & {"code", "error", "state"})


def pasted(text: str) -> dict[str, str]:
    """The parameters of an answer that a person copied out of the browser.

    The whole address, with or without its scheme, or only what follows the question mark; in quotes or angle
    brackets, broken into lines by a terminal or a mail. Raises NotAnAnswerError when there is none in it.
    """
    line = re.sub(r"\s*[\r\n]+\s*", "", text.strip()).replace("&amp;", "&").strip(_WRAPPING)
    before, _, fragment = line.partition("#")
    # Without an address before it, only the query was copied.
    query = before if re.match(r"[a-z_]+=", before) else before.partition("?")[2]
    fragment = fragment.partition("?")[2] or fragment  # a page that keeps its own paths there
    params = parameters(query, fragment)
    if "response_type" in params or ("client_id" in params and not params.keys() & {"code", "error"}):
        raise NotAnAnswerError(
            "That is the address where the sign-in begins, not the one where it ended.", hint=_HOW_TO_COPY
        )
    if not params.keys() & {"code", "error"}:
        raise NotAnAnswerError("That holds no answer from the provider.", hint=_HOW_TO_COPY)
    return params


class NotAnAnswerError(SignInError):
    """What was pasted is something else; asking again may help."""


def same_place(url: str, redirect_uri: str) -> bool:
    """Whether an address is the redirect address with an answer behind it."""
    return unquote(re.split(r"[?#]", url, maxsplit=1)[0]) == unquote(
        re.split(r"[?#]", redirect_uri, maxsplit=1)[0]
    )
