"""What the provider's sign-in page says about our request, when nobody ever comes back from it.

RFC 6749 section 4.1.2.1: for a wrong client id or redirect address a server must not send the browser back; it shows
the person a page, and we hear nothing. So we knock ourselves, as a browser without cookies would, with a `state` and a
challenge that are good for nothing, and read only the status, OAuth's `error` and `error_description`, and which of
its words a page speaks of. Nobody signs in here, and a code, should there be one, is dropped.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urljoin, urlsplit

from phr.errors import FhirError, SignInError
from phr.fhir import outcome
from phr.fhir.transport import Answer, Wire, is_safe
from phr.smart import redirect
from phr.smart.refusal import refusal

if TYPE_CHECKING:
    from phr.fhir.transport import BaseTransport
    from phr.model import SmartConfiguration

_HEADERS = {"Accept": "text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8"}
_MAX_REDIRECTS = 5
_LIMIT = 2_000_000
_TROUBLE = (408, 425, 429)
_TAG = re.compile(r"(<[^<>]{0,5000}>)")
# Only that a page speaks of it is told, in our words: nothing of a stranger's page is repeated.
_SUBJECTS = (
    (
        "the redirect address",
        re.compile(r"redirect[-_ ]?ur[il]|redirection ur[il]|callback url|reply url", re.I),
    ),
    (
        "the client id",
        re.compile(r"client[-_ ]?id|invalid[-_ ]client|unauthorized[-_ ]client|unknown client", re.I),
    ),
    ("the permissions asked for", re.compile(r"invalid[-_ ]scope|\bscopes?\b", re.I)),
    ("the organisation (unknown tenant)", re.compile(r"unknown[-_ ]tenant", re.I)),
)


def authorize_page(
    configuration: SmartConfiguration,
    url: str,
    *,
    transport: BaseTransport | None = None,
    timeout: float = 15.0,
) -> str | None:
    """One sentence on what the provider says is wrong with this authorize address; None when it shows a login page.

    `url` must be made for this alone: a `state` and a challenge of a real sign-in have no business here.
    """
    redirect_uri = (parse_qs(urlsplit(url).query).get("redirect_uri") or [""])[0]
    plain = urlsplit(configuration.authorization_endpoint).scheme == "http"
    try:
        with Wire(url, transport=transport, timeout=timeout) as wire:
            for _ in range(_MAX_REDIRECTS + 1):
                answer = wire.send("GET", url, _HEADERS, limit=_LIMIT)
                location = answer.headers.get("location")
                if not 300 <= answer.status < 400 or not location:
                    return _sentence(answer)
                url = urljoin(url, location)
                if redirect_uri and redirect.same_place(url, redirect_uri):
                    return _sent_back(url)
                if not is_safe(url, loopback=plain):
                    return None
    except FhirError as error:
        return error.message
    except ValueError:
        return None
    return "The provider's page sends the browser around in a circle."


def _sent_back(url: str) -> str | None:
    """The error that would have come back; a code (a server that asks nobody) means that all is well."""
    parts = urlsplit(url)
    return _told(redirect.parameters(parts.query, parts.fragment))


def _sentence(answer: Answer) -> str | None:
    source = None if answer.looks_like_html else outcome.parse(answer.body)
    if isinstance(source, dict):
        told = _told({key: value for key, value in source.items() if isinstance(value, str)})
        if told:
            return told
    if answer.status < 400:
        return None
    if answer.status >= 500 or answer.status in _TROUBLE:
        return f"The provider's sign-in page has trouble right now ({answer.status})."
    found = [name for name, pattern in _SUBJECTS if pattern.search(_text(answer))]
    about = f" and speaks of {', '.join(found)}" if found else ""
    return f"The provider's page refuses the sign-in request ({answer.status} {answer.phrase}){about}."


def _told(params: dict[str, str]) -> str | None:
    error = params.get("error")
    if not error:
        return None
    said: SignInError = refusal(error, params.get("error_description"))
    return f"The provider's page says: {said.message}"


def _text(answer: Answer) -> str:
    """What a person would read on the page, roughly; scripts and styles left out."""
    words, hidden = [], False
    for part in _TAG.split(answer.body[:200_000].decode("utf-8", "replace")):
        if not part.startswith("<"):
            words.append("" if hidden else part)
        elif re.match(r"</?(script|style)\b", part, re.I):
            hidden = part[1] != "/"
    return html.unescape(" ".join(words))
