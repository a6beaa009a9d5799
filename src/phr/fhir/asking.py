"""One question to a server, asked as often as it takes: turns, the bearer, redirects, and trying again.

Passing troubles (408, 425, 429, 5xx, a broken connection, half an answer, a maintenance page instead of JSON)
are tried again with growing pauses; what remains is one of `NotAuthorized`, `Refused` or `Unreachable`. The
bearer goes to the origin of the FHIR base and nowhere else.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urljoin

from phr.errors import NotAuthorized, PhrError, ReconnectNeeded, Refused, Said, Stopped, Unreachable
from phr.fhir import binary, links, outcome, retry
from phr.fhir.gate import Gate
from phr.fhir.pace import Pace, Spent
from phr.fhir.transport import BODY_LIMIT, Answer, Sink, Wire, host_of, is_loopback, is_safe
from phr.fhir.wire_words import Untrusted

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 5
_TRIES_ALONE = 3
"""The first token may have been ended by a request before this one, the second by this one's own kind."""
_MAX_WAITING = 1800.0
"""Seconds that one client waits between tries, all in all: a server that says "later" to thousands of questions
would else hold a sync, and the lock with it, for days."""
log = logging.getLogger(__name__)


class TokenSource(Protocol):
    """Where bearers come from; `smart.session.Session` is one."""

    def bearer(self) -> str:
        """An access token that should work now."""

    def renew(self, rejected: str) -> str:
        """Another one after `rejected` met a 401. Raises ReconnectNeeded when there is none."""


@dataclass(frozen=True, slots=True)
class Question:
    """One request as it is meant; how often it takes is another matter."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    method: str = "GET"
    body: bytes | None = field(default=None, repr=False)
    bearer: bool = True
    limit: int = BODY_LIMIT
    into: Sink | None = None
    abroad: bool = False
    """A redirect may lead to another server, which then sees no bearer: where documents and exports are kept."""
    even_stopped: bool = False
    """Goes out although the run is to stop: tidying up."""


@dataclass(frozen=True, slots=True)
class _Exchanged:
    """One answer, the bearer it was asked with, and whether that bearer is known to be good all the same."""

    answer: Answer
    secret: str | None
    proved: bool = False


class Asking:
    """Asks one server for one sign-in, at its pace. May be used by several threads."""

    def __init__(
        self,
        base: str,
        token: TokenSource | None,
        wire: Wire,
        *,
        retry_attempts: int,
        retry_delay: float,
        pace: Pace | None,
        stopping: threading.Event | None,
        sleep: Callable[[float], None] | None,
        clock: Callable[[], float],
    ) -> None:
        self.base = base.rstrip("/")
        self.requests = 0
        self.failed_requests = 0
        self.bytes = 0
        self.response_seconds = 0.0
        self.pace = pace or Pace(clock=clock, sleep=sleep)
        self.stopping = stopping or threading.Event()
        self._token = token
        self._wire = wire
        self._retry_attempts, self._retry_delay = retry_attempts, retry_delay
        self._holds = pace is not None or retry_attempts > 0
        self._sleep, self._clock = sleep, clock
        self._count = threading.Lock()
        self._gate = Gate()
        self._accepted: str | None = None
        self._welcome: Question | None = None
        """The first question of this sign-in that was answered: what a token is tried at."""
        self._closed_doors = False
        """Whether this server says 401 for addresses, to a token that it takes."""
        self._bearers: tuple[str, ...] = ()
        self._waited = 0.0
        self._patience_ends: float | None = None
        """When a server that wants far too much time was waited for: what it says until then is the same word."""
        self._ahead = 0.0

    @property
    def bearers(self) -> tuple[str, ...]:
        """The latest bearers that were sent: what a server says must not repeat them."""
        return self._bearers

    @property
    def server_now(self) -> float:
        """The server's clock as its last answer said it, else ours; seconds since the epoch."""
        return self._clock() + self._ahead

    def _ask(self, question: Question, check: Callable[[Answer], object] | None = None) -> Answer:
        """Ask until there is a good answer, a final refusal, or no patience left.

        `check` looks into a 2xx answer and raises ValueError when it is broken and worth asking again.
        """
        said: Said | None = None
        for attempt in range(self._retry_attempts + 1):
            trouble, headers, status = "", {}, 0
            try:
                exchanged = self._authorized(question)
                answer = exchanged.answer
                headers, status = dict(answer.headers), answer.status
                if 200 <= status < 300:
                    if check is not None:
                        check(answer)
                    return answer
                trouble, said = self._failed(exchanged, question.url, said)
            except (Untrusted, Spent):
                raise  # neither a certificate nor a day's budget mends itself between two tries
            except Unreachable as error:
                self._leave_if_stopped(question)
                trouble, status = error.message, 0
            except ValueError as error:
                trouble = f"{host_of(question.url)} sent {error}."
                self._note(failed=1)
            if not self._wait_before(attempt, headers, status, question):
                break
        raise Unreachable(trouble, http_status=status or None, hint="Try again later.", said=said or Said())

    def _wait_before(self, attempt: int, headers: Mapping[str, str], status: int, question: Question) -> bool:
        """Wait before the next try, alone or with everybody who asks this server. False: there is no next try."""
        now = self.server_now
        asked = retry.asked(headers, now) if status in (429, 503) else None
        if asked is not None and asked > retry.ABSURD:
            if self._patience_ends is not None and self._clock() >= self._patience_ends:
                words = f"{host_of(question.url)} wants to be asked again {retry.come_back(asked, now)}."
                raise Unreachable(
                    words, http_status=status, hint="The next sync after that goes on from here."
                )
            self._patience_ends = self._patience_ends or self._clock() + retry.LONGEST / 2
        pause = retry.wait(attempt, self._retry_delay, headers=headers, status=status, now=now)
        last = attempt >= self._retry_attempts
        if last and asked is None:
            return False
        with self._count:
            self._waited += 0.0 if last else pause
            if self._waited > _MAX_WAITING:
                return False
        log.debug("status %d, %s %.1f s", status, "holding" if last else "trying again in", pause)
        # What the server says of its limits holds for all who ask it, not only for this question.
        if status == 429 or asked is not None:
            if self._holds:
                self.pace.hold(pause)
        else:
            self._pause(pause)
        return not last

    def _pause(self, seconds: float) -> None:
        """Wait, but no longer than the run goes on. Raises Stopped."""
        if self._sleep is None:
            self.stopping.wait(seconds)
        elif not self.stopping.is_set():
            self._sleep(seconds)
        if self.stopping.is_set():
            raise Stopped

    def _failed(self, exchanged: _Exchanged, url: str, before: Said | None) -> tuple[str, Said]:
        """Raise what is final; answer with words for what may pass."""
        answer, secret = exchanged.answer, exchanged.secret
        codes = outcome.codes(answer)
        log.debug("status %d, issue codes %s", answer.status, ",".join(sorted(codes)) or "none")
        words = f"{host_of(url)}: {outcome.reason(answer, self._bearers)}."
        said = outcome.said(answer, self._bearers)
        if retry.worth_retrying(answer.status, codes, said=said, before=before):
            return words, said
        about_token = not exchanged.proved and not self._is_no_token_trouble(answer, secret)
        if answer.status == 401 and about_token:
            raise NotAuthorized(words, http_status=401, said=said)
        raise Refused(words, http_status=answer.status, said=said)

    # ── one exchange, with a bearer that is honoured ──────────────────────────────────────────────

    def _authorized(self, question: Question) -> _Exchanged:
        """One exchange with the bearer, which is renewed when the server rejects it.

        With several requests under way a token can end between its renewal and its use. So whoever is rejected twice
        goes on alone: first the token is tried where it was taken before, since some servers say 401 for what a
        patient may not see. Then no renewal helps, and the next such 401 of this run does not even ask for one.
        """
        if not question.bearer or self._token is None:
            return _Exchanged(self._exchange(question, None), None)
        secret = self._token.bearer()
        with self._gate.together():
            answer = self._exchange(question, secret)
        if not self._rejected(answer, secret, question):
            return _Exchanged(answer, secret)
        if self._closed_doors:
            with self._gate.together():
                proved = self._is_taken(secret, question)
            if proved:
                return _Exchanged(answer, secret, proved=True)
        try:
            secret = self._token.renew(secret)
        except ReconnectNeeded:
            if not self._is_taken(secret, question):
                raise
            self._closed_doors = True
            return _Exchanged(answer, secret, proved=True)
        with self._gate.together():
            answer = self._exchange(question, secret)
        if not self._rejected(answer, secret, question):
            return _Exchanged(answer, secret)
        with self._gate.alone():
            if self._is_taken(secret, question):
                self._closed_doors = True
                return _Exchanged(answer, secret, proved=True)
            for _ in range(_TRIES_ALONE):
                secret = self._token.renew(secret)
                answer = self._exchange(question, secret)
                if not self._rejected(answer, secret, question):
                    break
            return _Exchanged(answer, secret)

    def _rejected(self, answer: Answer, secret: str, question: Question) -> bool:
        """Whether the server does not take this bearer, so that another may be better."""
        if answer.status < 300:
            self._accepted = secret
            if self._welcome is None and question.method == "GET" and question.into is None:
                self._welcome = question
        return answer.status == 401 and not self._is_no_token_trouble(answer, secret)

    def _is_taken(self, secret: str, question: Question) -> bool:
        """Whether this bearer is honoured where one was before: then a 401 is about what was asked for."""
        known = self._welcome
        return known is not None and known.url != question.url and self._exchange(known, secret).status < 300

    def _is_no_token_trouble(self, answer: Answer, secret: str | None) -> bool:
        """The ONC sandbox says 401 with a web page for types it does not have, to a token it honours."""
        return (
            answer.looks_like_html
            and "www-authenticate" not in answer.headers
            and secret is not None
            and secret == self._accepted
        )

    def _exchange(self, question: Question, bearer: str | None) -> Answer:
        """One request and the redirects that it may follow; each takes its turn."""
        headers, url = dict(question.headers), question.url
        if bearer is not None:
            headers["Authorization"] = f"Bearer {bearer}"
            if bearer not in self._bearers:
                self._bearers = (bearer, *self._bearers)[:8]
        for _ in range(_MAX_REDIRECTS):
            answer = self._send(question, url, headers)
            location = answer.headers.get("location")
            if question.method not in ("GET", "HEAD") or answer.status not in _REDIRECTS or not location:
                return answer
            try:
                url = links.redirect_address(url, location)
            except links.ForeignLinkError:
                url = self._abroad(question, url, location, answer.status)
                headers.pop("Authorization", None)
        raise Refused(f"{host_of(url)} sends us round in circles.")

    def _abroad(self, question: Question, url: str, location: str, status: int) -> str:
        """Where a redirect to another server leads, if this question may follow it; the bearer stays here."""
        try:
            target = urljoin(url, location.strip())
        except ValueError:
            target = ""
        inside = binary.is_inside(host_of(target)) and not binary.is_inside(host_of(self.base))
        if not question.abroad or not is_safe(target, loopback=is_loopback(self.base)) or inside:
            raise Refused(
                f"{host_of(url)} sends us on to another server, where the sign-in does not belong.",
                http_status=status,
            )
        return target

    def _send(self, question: Question, url: str, headers: Mapping[str, str]) -> Answer:
        stopping = None if question.even_stopped else self.stopping
        self.pace.take(stopping)
        began = time.perf_counter()
        try:
            answer = self._wire.send(
                question.method,
                url,
                headers,
                json=question.body,
                limit=question.limit,
                into=question.into,
                stopping=stopping,
            )
        except PhrError:
            self._note(1, failed=1, seconds=time.perf_counter() - began)
            raise
        self._note(1, int(answer.status >= 400), len(answer.body), time.perf_counter() - began)
        self.pace.heard(answer.headers)
        date = retry.date_of(answer.headers)
        if date is not None:
            self._ahead = date - self._clock()
        return answer

    def _note(self, requests: int = 0, failed: int = 0, size: int = 0, seconds: float = 0.0) -> None:
        with self._count:
            self.requests += requests
            self.failed_requests += failed
            self.bytes += size
            self.response_seconds += seconds

    def _leave_if_stopped(self, question: Question) -> None:
        if self.stopping.is_set() and not question.even_stopped:
            raise Stopped from None
