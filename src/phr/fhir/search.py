"""Walking through the pages of one search (FHIR R4 search.html, http.html#paging).

`total` never drives the walk: Epic counts the page, NextGen announced 109 and stopped at 50, athenahealth
says nothing. Next links end, repeat, expire, or lead elsewhere; each of these is told, none loses what came.
What makes it wrong to infer anything from absence stands in `Page.flawed`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from phr.errors import Refused, Unreachable
from phr.fhir import links, retry
from phr.model import Page, Problem, Search

MAX_PAGES = 100_000
"""A million resources at ten a page."""
STALE = 50
"""Pages in a row that bring nothing new, before we stop to believe that something is still to come."""
_REMEMBERED = 10_000
"""At least so many ids of a search are known again, and at most twice as many; memory stays flat."""
_COUNT_REFUSED = frozenset({400, 403, 404, 405, 422})
_LINK_EXPIRED = frozenset({400, 404, 410, 500})
"""500: only where the server says for good that it does not know the page."""
_BUSY = frozenset({408, 425, 429, 502, 503, 504})
"""About the server rather than the page."""
_EXPIRED_CODES = frozenset({"4113"})
"""Epic's "session expired"."""

Fetch = Callable[[str, str], Page]
"""An absolute URL and a type in, one page out."""


class Walk:
    """One search, from its first page or from a later one to its end."""

    def __init__(
        self,
        fetch: Fetch,
        base: str,
        search: Search,
        page_size: int | None,
        always: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """`page_size` None or 0 leaves the size to the server. `always` goes with the first address of the search;
        the server puts into its next links what it needs there."""
        self._fetch, self._base = fetch, base
        self._type, _, operation = search.type.partition("/")
        self._counted = None if operation else self._type
        self._url = links.search_url(base, search, page_size or None, always)
        self._plain = links.search_url(base, search, None, always)
        self._no_count = False

    def pages(self, start: str | None = None, came: int | None = None) -> Iterator[Page]:
        """Yield every page once. A link that expired on the way starts the search over, once.

        `start` is a next link to go on from; `came`, how many resources the pages before it brought.
        """
        try:
            yield from self._from(start, came) if start is not None else self._from_the_first()
        except _Expired:
            try:
                for number, page in enumerate(self._from_the_first()):
                    yield page if number else replace(page, restarted=True)
            except _Expired as again:
                raise Unreachable(
                    again.message, http_status=again.http_status, hint="Try again later.", said=again.said
                ) from None

    def _from_the_first(self) -> Iterator[Page]:
        page = self._first()
        yield from self._walk(self._url, page, _Tally(self._counted, page.total))

    def _from(self, start: str, came: int | None) -> Iterator[Page]:
        try:
            address = links.next_address(self._base, self._base, start, self._type)
        except links.ForeignLinkError as error:
            raise _Expired(f"{self._type}: {error}.") from None
        page = self._later(address, None)
        yield from self._walk(
            address, page, _Tally(self._counted, page.total if came is not None else None, came or 0)
        )

    def _walk(self, url: str, page: Page, tally: _Tally) -> Iterator[Page]:
        seen, number = {hash(url)}, 1
        while True:
            tally.add(page)
            address, trouble = self._following(url, page, seen, number, tally)
            guessed = None
            if address is None and trouble is None and tally.missing:
                address = guessed = _guess(url, page, tally)
            yield self._told(page, address, trouble, tally)
            if address is None:
                return
            seen.add(hash(address))
            number += 1
            page = self._later(address, number) if guessed is None else self._guessed(address)
            url = address

    def _told(self, page: Page, address: str | None, trouble: str | None, tally: _Tally) -> Page:
        problems, flawed = page.problems, page.flawed
        if trouble is not None:
            problems, flawed = (*problems, Problem(self._type, trouble)), trouble
        elif address is None and tally.missing:
            shortfall = f"{tally.total} were announced, {tally.came} came."
            problems, flawed = (*problems, Problem(self._type, shortfall, known=True)), flawed or shortfall
        return replace(
            page, next_url=address, problems=problems, flawed=flawed, no_count=page.no_count or self._no_count
        )

    def _first(self) -> Page:
        """The first page; without `_count` where the server does not know it (healow says 400)."""
        try:
            return self._fetch(self._url, self._type)
        except Refused as error:
            if self._plain == self._url or not _may_mean_count(error):
                raise
            page = self._fetch(self._plain, self._type)
            self._url, self._no_count = self._plain, True
            return page

    def _later(self, url: str, number: int | None) -> Page:
        which = "the page to go on from" if number is None else f"page {number}"
        try:
            return self._fetch(url, self._type)
        except Refused as error:
            words = f"{self._type}: {which} was refused. {error.message}"
            kind = _Expired if _has_expired(error) else Refused
            raise kind(words, http_status=error.http_status, said=error.said) from None
        except Unreachable as error:
            words = f"{self._type}: {which} did not arrive. {error.message}"
            # A run before this one ended at this very page, and it is no better now: what is before it may have news.
            again = number is None and error.http_status is not None and error.http_status not in _BUSY
            lost = _Expired if again else Unreachable
            raise lost(words, http_status=error.http_status, hint=error.hint, said=error.said) from None

    def _guessed(self, url: str) -> Page:
        """A page that nobody promised: when it is not there, nothing is wrong."""
        try:
            return self._fetch(url, self._type)
        except (Refused, Unreachable):
            return Page(())

    def _following(
        self, url: str, page: Page, seen: set[int], number: int, tally: _Tally
    ) -> tuple[str | None, str | None]:
        """The next address, or None; and why a next link was not followed."""
        if not page.next_url:
            return None, None
        try:
            address = links.next_address(self._base, url, page.next_url, self._type)
        except links.ForeignLinkError as error:
            return None, f"Stopped after page {number}: {error}."
        if hash(address) in seen:
            return None, f"Stopped after page {number}: the next page is one we had."
        if number >= MAX_PAGES:
            return None, f"Stopped after page {number}: too many pages."
        if tally.stale >= STALE:
            return None, f"Stopped after page {number}: the last {STALE} pages brought nothing new."
        return address, None


class _Expired(Unreachable):
    """The server has forgotten the search we are in the middle of (Epic 4113, HAPI `_getpages`)."""


def _has_expired(error: Refused) -> bool:
    return error.http_status in _LINK_EXPIRED or bool(error.said.vendor_codes & _EXPIRED_CODES)


def _may_mean_count(error: Refused) -> bool:
    said = error.said
    if error.http_status not in _COUNT_REFUSED:
        return False
    if "_count" in said.unknown or "_count" in error.message:
        return True
    # Another parameter is missing or not taken: that will not change without `_count`.
    built = not retry.is_not_built(said)
    return error.http_status not in (403, 404) and not said.wanted and not said.unknown and built


class _Tally:
    """Counts what came against what was announced, to say so; deletions are never inferred from it."""

    def __init__(self, type_: str | None, total: int | None, came: int = 0) -> None:
        """`type_`: what is counted in `total` (search.html#total: matches only); None: every entry, as of an operation."""
        self.type = type_
        self.total = total or 0
        self.came = came
        self._ids: set[int] = set()
        self._earlier: set[int] = set()
        self._named = 0
        """Entries that came broken and were named as such."""
        self.stale = 0
        """Pages in a row that brought nothing new."""
        self.full = False
        """Whether the last page held as many as any before it."""
        self._largest = 0

    def add(self, page: Page) -> None:
        fresh, matches = 0, 0
        for received in page.received:
            own = self.type in (None, received.type)
            matches += own
            key = hash((received.type, received.id))
            if key not in self._ids and key not in self._earlier:
                self._ids.add(key)
                fresh += 1
                self.came += own
        if len(self._ids) >= _REMEMBERED:
            self._ids, self._earlier = set(), self._ids
        self._named += sum(problem.raw is not None for problem in page.problems)
        self.stale = 0 if fresh else self.stale + 1
        self.full = matches > 0 and matches >= self._largest
        self._largest = max(self._largest, matches)

    @property
    def missing(self) -> bool:
        return self.total > self.came + self._named


def _guess(url: str, page: Page, tally: _Tally) -> str | None:
    """The page after the last one, where a server counts its pages but forgets to link them (NextGen).

    Tried while pages were full and still brought something new; None otherwise.
    """
    if not tally.full or tally.stale:
        return None
    return links.page_after(url, sum(tally.type in (None, one.type) for one in page.received))
