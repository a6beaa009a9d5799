"""Asking one FHIR server (FHIR R4 http.html): search, read, binary. Vendors are not known here.

How one question is asked, with whose bearer and how often, is the business of `asking`; how fast, that of `pace`.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, runtime_checkable
from urllib.parse import unquote, urlsplit

from phr.errors import NotAuthorized, Refused, Unreachable
from phr.fhir import batch, binary, bundle, capability, links, outcome
from phr.fhir.asking import Asking, Question
from phr.fhir.asking import TokenSource as TokenSource
from phr.fhir.pace import Pace, Spent
from phr.fhir.search import Walk
from phr.fhir.transport import BODY_LIMIT, Answer, Sink, Wire, host_of, is_loopback, is_safe
from phr.fhir.wire_words import Untrusted
from phr.model import Page, Search

if TYPE_CHECKING:
    from phr.fhir.capability import Capability
    from phr.fhir.transport import BaseTransport

ACCEPT = "application/fhir+json, application/json+fhir;q=0.9, application/json;q=0.8"
_LARGE, _MAX_PARTS = 8_000_000, 5_000_000
_METADATA_LIMIT = 30_000_000
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]{1,100}/[\w!#$&^.+-]{1,100}", re.ASCII)
log = logging.getLogger(__name__)


class FhirClient(Asking):
    """One FHIR base, one sign-in. May be used by several threads; one thread per search.

    `always` are parameters that every search carries, whatever it asks for (athenahealth: the practice).
    `retry_attempts` counts the tries after the first one; `retry_delay` seconds double with each. `pace` is
    shared by all who ask this server. Once `stopping` is set, whoever waits or asks is told by `Stopped`.
    `requests` counts every request sent, retries included; `failed_requests` those without a good answer;
    `bytes` the bodies received; `response_seconds` is how long all answers together took.
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
        pace: Pace | None = None,
        stopping: threading.Event | None = None,
        sleep: Callable[[float], None] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not is_safe(base, loopback=True):
            raise Refused(
                "Records are only fetched over https.", hint="Plain http is for servers on this computer."
            )
        super().__init__(
            base,
            token,
            Wire(base, transport=transport, timeout=timeout),
            retry_attempts=retry_attempts,
            retry_delay=retry_delay,
            pace=pace,
            stopping=stopping,
            sleep=sleep,
            clock=clock,
        )
        self._always = always

    def capabilities(self) -> Capability | None:
        """What the server says it can do; None when it does not say. Raises Unreachable without any answer."""
        url = f"{self.base}/metadata"
        try:
            try:
                answer = self._get(url, ACCEPT, bearer=False, limit=_METADATA_LIMIT)
            except (NotAuthorized, Refused):
                answer = self._get(url, ACCEPT, limit=_METADATA_LIMIT)
        except (NotAuthorized, Refused):
            return None
        except Unreachable as error:
            if error.http_status is None:
                raise
            return None
        return capability.parse(outcome.parse(answer.body))

    def search(
        self,
        search_: Search,
        page_size: int | None = None,
        *,
        start: str | None = None,
        came: int | None = None,
    ) -> Iterator[Page]:
        """All pages of one search, as they come. What was yielded before an error stays valid.

        `start` is the next link of an earlier page, to go on from there; when it is dead, the search begins
        anew, and its first page says so. `came` is how many resources of the type it had brought until then:
        without it, nothing is said of a shortfall. Raises NotAuthorized, Refused, Unreachable (from the second
        page on the message names the page), Stopped.
        """
        walk = Walk(self.fetch, self.base, search_, page_size, self._always)
        return walk.pages(start, came)

    def read(self, type_: str, id_: str) -> Page:
        """One resource. Raises Refused (also when it is not there), Unreachable, NotAuthorized.

        Another resource that a redirect led to is one that it was merged into.
        """
        found: list[Page] = []
        self._get(
            links.resource_url(self.base, type_, id_),
            ACCEPT,
            check=lambda answer: found.append(_moved(self._page(answer, type_), answer, type_, id_)),
        )
        return found[-1]

    def read_many(self, type_: str, ids: Sequence[str], *, batch: bool = False) -> Page:
        """Several resources of a type with one request: by `_id=a,b,c`, or with a batch of reads.

        In a batch, each that could not be read is a Problem with its id and status; by `_id` what is not there
        is only missing. Raises as `read` does when the whole request fails.
        """
        if batch:
            return self._batch(type_, ids)
        escaped = (re.sub(r"([\\,|$])", r"\\\1", id_) for id_ in ids)
        pages = list(self.search(Search(type_, (("_id", ",".join(escaped)),))))
        received, left_out = bundle.once([one for page in pages for one in page.received])
        return Page(
            received=received,
            problems=(*(problem for page in pages for problem in page.problems), *left_out),
            bytes=sum(page.bytes for page in pages),
            flawed=next((page.flawed for page in pages if page.flawed), None),
        )

    def fetch(self, url: str, type_: str) -> Page:
        """One FHIR answer from an absolute URL on the origin of the base, cut into its resources."""
        if not links.same_origin(url, self.base):
            raise Refused("It is on another server.")
        found: list[Page] = []
        self._get(url, ACCEPT, check=lambda answer: found.append(self._page(answer, type_)))
        page = found[-1]
        log.debug("%s: %d resources, %d remarks", type_, len(page.received), len(page.problems))
        return page

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        body: bytes | None = None,
        bearer: bool = True,
        into: Sink | None = None,
        limit: int = BODY_LIMIT,
        even_stopped: bool = False,
    ) -> Answer:
        """One request beyond search and read, at this server's pace; any status is the caller's business.

        The bearer goes only to the base's own origin; without it another server may be asked over https, and
        a redirect may lead there. Trouble in the network is tried again, except for POST; what was written
        `into` a file until then is taken back (one that cannot be rewound is not tried again). `even_stopped`
        is for tidying up. Raises Refused for an address that must not be asked, Unreachable, Stopped.
        """
        own = links.same_origin(url, self.base)
        if not own and (bearer or not is_safe(url, loopback=is_loopback(self.base))):
            raise Refused("It is on another server.")
        if not own and binary.is_inside(host_of(url)) and not binary.is_inside(host_of(self.base)):
            raise Refused("The address is one inside a private network.")
        question = Question(
            url, headers, method, body, bearer, limit, into, abroad=True, even_stopped=even_stopped
        )
        start = into.tell() if isinstance(into, _Rewindable) else 0
        for attempt in range(self._retry_attempts + 1):
            try:
                return self._authorized(question).answer
            except (Untrusted, Spent):
                raise
            except Unreachable:
                self._leave_if_stopped(question)
                final = method == "POST" or (into is not None and not isinstance(into, _Rewindable))
                if final or not self._wait_before(attempt, {}, 0, question):
                    raise
            if isinstance(into, _Rewindable):
                into.seek(start)
                into.truncate()
        raise AssertionError("the last try answers or raises")

    def binary(self, url: str, accept: str | None, *, limit: int = binary.LIMIT) -> tuple[bytes, str | None]:
        """The bytes an attachment points at, and their media type as far as the server says.

        `url` is relative to the base or absolute. The bearer goes only to the base's own origin; another
        server is asked over https without it, and only after ours where that may be meant (see `links.taken_home`).
        Raises Refused, Unreachable, NotAuthorized.
        """
        if url.startswith("data:"):
            return binary.from_data_url(url)
        home = links.taken_home(self.base, url.strip())
        if home is not None:
            try:
                return self.binary(home, accept, limit=limit)
            except Refused as error:
                if error.http_status is None or error.http_status < 400:
                    raise
        address, own = binary.address(self.base, url)
        # What an attachment says of itself goes into a header, so it must be a media type and nothing more.
        accept = accept if accept and _MEDIA_TYPE.fullmatch(accept) else None

        def look(answer: Answer) -> None:
            if answer.looks_like_html and accept and "html" not in accept:
                raise ValueError("a web page instead of a document")

        try:
            answer = self._get(address, accept or "*/*", bearer=own, check=look, limit=limit, abroad=True)
        except Refused as error:
            if error.http_status != 406:
                raise
            answer = self._get(address, ACCEPT, bearer=own, check=look, limit=limit, abroad=True)
        return binary.unwrap(answer, self._bearers)

    def close(self) -> None:
        self._wire.close()

    def __enter__(self) -> FhirClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _get(
        self,
        url: str,
        accept: str,
        *,
        bearer: bool = True,
        check: Callable[[Answer], object] | None = None,
        limit: int = BODY_LIMIT,
        abroad: bool = False,
    ) -> Answer:
        headers = {"Accept": accept}
        return self._ask(Question(url, headers, bearer=bearer, limit=limit, abroad=abroad), check)

    def _batch(self, type_: str, ids: Sequence[str]) -> Page:
        """Reads in a batch Bundle (http.html#transaction): asked again like any read, for nothing is changed."""
        found: list[Page] = []
        headers = {"Accept": ACCEPT, "Content-Type": "application/fhir+json"}
        question = Question(self.base, headers, "POST", batch.request(type_, ids))

        def cut(answer: Answer) -> None:
            _check_whole(answer)
            found.append(batch.cut(answer.body, type_, ids, self._bearers))

        self._ask(question, cut)
        return found[-1]

    def _page(self, answer: Answer, type_: str) -> Page:
        _check_whole(answer)
        try:
            return bundle.split(answer.body, source_type=type_, secrets=self._bearers)
        except ValueError:
            raise ValueError("an answer that is cut off or not FHIR") from None


@runtime_checkable
class _Rewindable(Sink, Protocol):
    def tell(self) -> int: ...
    def seek(self, offset: int, /) -> int: ...
    def truncate(self) -> int: ...


def _check_whole(answer: Answer) -> None:
    """Raise ValueError for what came in the place of records."""
    if answer.looks_like_html:
        raise ValueError("a web page instead of records")
    if answer.status == 204 or not answer.body.strip():
        raise ValueError("an empty answer")
    if len(answer.body) > _LARGE and answer.body.count(b"{") + answer.body.count(b"[") > _MAX_PARTS:
        # Records have some fifty bytes to a bracket; brackets alone fill thirty times their size of memory.
        raise ValueError("an answer with more parts than records have")


def _moved(page: Page, answer: Answer, type_: str, id_: str) -> Page:
    """Say so when a redirect led a read to another resource of the type. Another one without it is only a mistake."""
    others = [one.id for one in page.received if one.type == type_]
    kind, _, last = urlsplit(answer.url).path.rstrip("/").partition("/_history/")[0].rpartition("/")
    if len(others) == 1 and others[0] != id_ and len(page.received) == 1 and unquote(last) == others[0]:
        return replace(page, moved_to=f"{type_}/{others[0]}")
    if not others and kind.endswith(f"/{type_}") and unquote(last) != id_:
        return replace(page, moved_to=f"{type_}/{unquote(last)}")
    return page
