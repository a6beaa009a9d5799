"""Asking one FHIR server (FHIR R4 http.html): search, read, binary; patient with servers, strict with secrets.

The bearer goes to the origin of the FHIR base and nowhere else. Passing troubles (429, 5xx, a broken
connection, half an answer, a maintenance page instead of JSON) are tried again here; what remains is one of
`NotAuthorized`, `Refused` or `Unreachable`. Vendors are not known here.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from phr.errors import NotAuthorized, Refused, Unreachable
from phr.fhir import binary, bundle, capability, links, outcome, retry, search
from phr.fhir.gate import Gate
from phr.fhir.transport import BODY_LIMIT, Answer, Wire, host_of, is_safe
from phr.fhir.wire_words import Untrusted
from phr.model import Page, Search

if TYPE_CHECKING:
    from phr.fhir.capability import Capability
    from phr.fhir.transport import BaseTransport

ACCEPT = "application/fhir+json, application/json+fhir;q=0.9, application/json;q=0.8"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 5
_TRIES_ALONE = 3
"""The first token may have been ended by a request before this one, the second by this one's own kind."""
_MAX_WAITING = 1800.0
"""Seconds that one client waits between tries, all in all: a server that says "later" to thousands of questions
would else hold a sync, and the lock with it, for days."""
_LARGE, _MAX_PARTS = 8_000_000, 5_000_000
_METADATA_LIMIT = 30_000_000
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]{1,100}/[\w!#$&^.+-]{1,100}", re.ASCII)
log = logging.getLogger(__name__)


class TokenSource(Protocol):
    """Where bearers come from; `smart.session.Session` is one."""

    def bearer(self) -> str:
        """An access token that should work now."""

    def renew(self, rejected: str) -> str:
        """Another one after `rejected` met a 401. Raises ReconnectNeeded when there is none."""


class FhirClient:
    """One FHIR base, one sign-in. May be used by several threads; one thread per search.

    `always` are parameters that every search carries, whatever it asks for (athenahealth: the practice).
    `retry_attempts` counts the tries after the first one; `retry_delay` seconds double with each.
    `requests` counts every request sent, retries included; `bytes` the bodies received.
    """

    def __init__(
        self,
        base: str,
        token: TokenSource | None = None,
        *,
        always: tuple[tuple[str, str], ...] = (),
        transport: BaseTransport | None = None,
        timeout: float = 60.0,
        retry_attempts: int = 3,
        retry_delay: float = 2.0,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not is_safe(base, loopback=True):
            raise Refused(
                "Records are only fetched over https.", hint="Plain http is for servers on this computer."
            )
        self.base = base.rstrip("/")
        self.requests = 0
        self.bytes = 0
        self._token = token
        self._always = always
        self._wire = Wire(base, transport=transport, timeout=timeout)
        self._retry_attempts = retry_attempts
        self._retry_delay = retry_delay
        self._sleep = sleep
        self._clock = clock
        self._count = threading.Lock()
        self._accepted: str | None = None
        self._gate = Gate()
        self._waited = 0.0
        self._bearers: tuple[str, ...] = ()

    def capabilities(self) -> Capability | None:
        """What the server says it can do; None when it does not say. Raises Unreachable without any answer."""
        url = f"{self.base}/metadata"
        try:
            try:
                answer = self._ask(url, ACCEPT, bearer=False, limit=_METADATA_LIMIT)
            except (NotAuthorized, Refused):
                answer = self._ask(url, ACCEPT, limit=_METADATA_LIMIT)
        except (NotAuthorized, Refused):
            return None
        except Unreachable as error:
            if error.http_status is None:
                raise
            return None
        return capability.parse(outcome.parse(answer.body))

    def search(self, search_: Search, page_size: int | None = None) -> Iterator[Page]:
        """All pages of one search, as they come. What was yielded before an error stays valid.

        Raises NotAuthorized, Refused, Unreachable (from the second page on the message names the page).
        """
        return search.pages(self.fetch, self.base, search_, page_size, self._always)

    def read(self, type_: str, id_: str) -> Page:
        """One resource. Raises Refused (also when it is not there), Unreachable, NotAuthorized."""
        return self.fetch(links.resource_url(self.base, type_, id_), type_)

    def fetch(self, url: str, type_: str) -> Page:
        """One FHIR answer from an absolute URL on the origin of the base, cut into its resources."""
        if not links.same_origin(url, self.base):
            raise Refused("It is on another server.")
        found: list[Page] = []
        self._ask(url, ACCEPT, check=lambda answer: found.append(_page(answer, type_, self._bearers)))
        page = found[-1]
        log.debug("%s: %d resources, %d remarks", type_, len(page.received), len(page.problems))
        return page

    def binary(self, url: str, accept: str | None, *, limit: int = binary.LIMIT) -> tuple[bytes, str | None]:
        """The bytes an attachment points at, and their media type as far as the server says.

        `url` is relative to the base or absolute. The bearer goes only to the base's own origin; another
        server is asked over https without it. Raises Refused, Unreachable, NotAuthorized.
        """
        if url.startswith("data:"):
            return binary.from_data_url(url)
        address, own = binary.address(self.base, url)
        # What an attachment says of itself goes into a header, so it must be a media type and nothing more.
        accept = accept if accept and _MEDIA_TYPE.fullmatch(accept) else None

        def look(answer: Answer) -> None:
            if answer.looks_like_html and accept and "html" not in accept:
                raise ValueError("a web page instead of a document")

        try:
            answer = self._ask(address, accept or "*/*", bearer=own, check=look, limit=limit)
        except Refused as error:
            if error.http_status != 406:
                raise
            answer = self._ask(address, ACCEPT, bearer=own, check=look, limit=limit)
        return binary.unwrap(answer, self._bearers)

    def close(self) -> None:
        self._wire.close()

    def __enter__(self) -> FhirClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ── one question, asked as often as it takes ──────────────────────────────────────────────────

    def _ask(
        self,
        url: str,
        accept: str,
        *,
        bearer: bool = True,
        check: Callable[[Answer], object] | None = None,
        limit: int = BODY_LIMIT,
    ) -> Answer:
        """GET until there is a good answer, a final refusal, or no patience left.

        `check` looks into a 2xx answer and raises ValueError when it is broken and worth asking again.
        """
        for attempt in range(self._retry_attempts + 1):
            trouble, headers, status = "", {}, 0
            try:
                answer = self._authorized(url, accept, bearer, limit)
                headers, status = dict(answer.headers), answer.status
                if 200 <= status < 300:
                    if check is not None:
                        check(answer)
                    return answer
                trouble = self._failed(answer, url)
            except Untrusted:
                raise  # a certificate does not mend itself between two tries
            except Unreachable as error:
                trouble, status = error.message, 0
            except ValueError as error:
                trouble = f"{host_of(url)} sent {error}."
            if attempt < self._retry_attempts:
                pause = retry.wait(
                    attempt, self._retry_delay, headers=headers, status=status, now=self._clock()
                )
                if not self._may_wait(pause):
                    break
                log.debug("status %d, trying again in %.1f s", status, pause)
                self._sleep(pause)
        raise Unreachable(trouble, http_status=status or None, hint="Try again later.")

    def _may_wait(self, seconds: float) -> bool:
        with self._count:
            self._waited += seconds
            return self._waited <= _MAX_WAITING

    def _failed(self, answer: Answer, url: str) -> str:
        """Raise what is final; answer with words for what may pass."""
        codes = outcome.codes(answer)
        log.debug("status %d, issue codes %s", answer.status, ",".join(sorted(codes)) or "none")
        words = f"{host_of(url)}: {outcome.reason(answer, self._bearers)}."
        if retry.worth_retrying(answer.status, codes):
            return words
        if answer.status == 401:
            raise NotAuthorized(words, http_status=401)
        raise Refused(words, http_status=answer.status)

    def _authorized(self, url: str, accept: str, bearer: bool, limit: int) -> Answer:
        """One exchange with the bearer, which is renewed when the server rejects it.

        With several requests under way a token can end between its renewal and its use. So whoever is rejected
        twice asks a third time alone: what is rejected then is not the token's fault.
        """
        if not bearer or self._token is None:
            return self._exchange(url, accept, None, limit)
        first = self._token.bearer()
        with self._gate.together():
            answer = self._exchange(url, accept, first, limit)
        if not self._rejected(answer, first, url):
            return answer
        second = self._token.renew(first)
        with self._gate.together():
            answer = self._exchange(url, accept, second, limit)
        if not self._rejected(answer, second, url):
            return answer
        with self._gate.alone():
            last = second
            for _ in range(_TRIES_ALONE):
                last = self._token.renew(last)
                answer = self._exchange(url, accept, last, limit)
                if not self._rejected(answer, last, url):
                    break
            return answer

    def _rejected(self, answer: Answer, secret: str, url: str) -> bool:
        """Whether the server does not take this bearer. Raises Refused when a 401 means the type, not the token."""
        if answer.status < 300:
            self._accepted = secret
        if answer.status == 401 and self._is_no_token_trouble(answer, secret):
            raise Refused(f"{host_of(url)}: {outcome.reason(answer, self._bearers)}.", http_status=401)
        return answer.status == 401

    def _is_no_token_trouble(self, answer: Answer, secret: str) -> bool:
        """The ONC sandbox says 401 with a web page for types it does not have, to a token it honours."""
        return (
            answer.looks_like_html and "www-authenticate" not in answer.headers and secret == self._accepted
        )

    def _exchange(self, url: str, accept: str, bearer: str | None, limit: int) -> Answer:
        """One request and the redirects that stay on its origin."""
        headers = {"Accept": accept}
        if bearer is not None:
            headers["Authorization"] = f"Bearer {bearer}"
            if bearer not in self._bearers:
                self._bearers = (bearer, *self._bearers)[:8]
        for _ in range(_MAX_REDIRECTS):
            with self._count:
                self.requests += 1
            answer = self._wire.send("GET", url, headers, limit=limit)
            with self._count:
                self.bytes += len(answer.body)
            location = answer.headers.get("location")
            if answer.status not in _REDIRECTS or not location:
                return answer
            try:
                url = links.redirect_address(url, location)
            except links.ForeignLinkError:
                raise Refused(
                    f"{host_of(url)} sends us on to another server, where the sign-in does not belong.",
                    http_status=answer.status,
                ) from None
        raise Refused(f"{host_of(url)} sends us round in circles.")


def _page(answer: Answer, type_: str, secrets: tuple[str, ...]) -> Page:
    if answer.looks_like_html:
        raise ValueError("a web page instead of records")
    if answer.status == 204 or not answer.body.strip():
        raise ValueError("an empty answer")
    if len(answer.body) > _LARGE and answer.body.count(b"{") + answer.body.count(b"[") > _MAX_PARTS:
        # Records have some fifty bytes to a bracket; brackets alone fill thirty times their size of memory.
        raise ValueError("an answer with more parts than records have")
    try:
        return bundle.split(answer.body, source_type=type_, secrets=secrets)
    except ValueError:
        raise ValueError("an answer that is cut off or not FHIR") from None
