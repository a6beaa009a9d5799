"""Walking through the pages of one search (FHIR R4 search.html, http.html#paging).

`total` never drives the walk: Epic counts the page, NextGen announced 109 and stopped at 50, athenahealth
says nothing. Next links end, repeat, expire, or lead elsewhere; each of these is told, none loses what came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from phr.errors import Refused, Unreachable
from phr.fhir import links
from phr.model import Page, Problem, Search

MAX_PAGES = 5000
_COUNT_REFUSED = frozenset({400, 403, 404, 405, 422})
_LINK_EXPIRED = frozenset({400, 404, 410})

Fetch = Callable[[str, str], Page]
"""An absolute URL and a type in, one page out."""


def pages(
    fetch: Fetch,
    base: str,
    search: Search,
    page_size: int | None,
    always: tuple[tuple[str, str], ...] = (),
) -> Iterator[Page]:
    """Yield every page once. A next link that expired on the way starts the search over, once.

    `page_size` None or 0 leaves the size to the server. `always` goes with the first address of the search; the
    server puts into its next links what it needs there.
    """
    page_size = page_size or None
    try:
        yield from _walk(fetch, base, search, page_size, always)
    except _Expired:
        try:
            yield from _walk(fetch, base, search, page_size, always)
        except _Expired as again:
            raise Unreachable(again.message, http_status=again.http_status, hint="Try again later.") from None


class _Expired(Unreachable):
    """The server has forgotten the search we are in the middle of (Epic 4113, HAPI `_getpages`)."""


def _walk(
    fetch: Fetch, base: str, search: Search, page_size: int | None, always: tuple[tuple[str, str], ...]
) -> Iterator[Page]:
    type_ = search.type.partition("/")[0]
    url = links.search_url(base, search, page_size, always)
    page = _first(fetch, type_, url, links.search_url(base, search, None, always))
    tally = _Tally(type_, page.total)
    seen = {url}
    for number in range(1, MAX_PAGES + 1):
        address, trouble = _following(base, url, page, type_, seen, number)
        tally.add(page)
        notes = trouble if address is None else ()
        if address is None and not trouble:
            notes = tally.shortfall()
        yield replace(page, next_url=address, problems=(*page.problems, *notes))
        if address is None:
            return
        seen.add(address)
        url = address
        page = _later(fetch, url, type_, number + 1)


def _first(fetch: Fetch, type_: str, url: str, plain: str) -> Page:
    """The first page; from the `plain` address where the server does not know `_count` (healow says 400)."""
    try:
        return fetch(url, type_)
    except Refused as error:
        if plain == url or error.http_status not in _COUNT_REFUSED:
            raise
        if error.http_status in (403, 404) and "_count" not in error.message:
            raise
        return fetch(plain, type_)


def _later(fetch: Fetch, url: str, type_: str, number: int) -> Page:
    try:
        return fetch(url, type_)
    except Refused as error:
        words = f"{type_}: page {number} was refused. {error.message}"
        if error.http_status in _LINK_EXPIRED:
            raise _Expired(words, http_status=error.http_status) from None
        raise Refused(words, http_status=error.http_status) from None
    except Unreachable as error:
        words = f"{type_}: page {number} did not arrive. {error.message}"
        raise Unreachable(words, http_status=error.http_status, hint=error.hint) from None


def _following(
    base: str, url: str, page: Page, type_: str, seen: set[str], number: int
) -> tuple[str | None, tuple[Problem, ...]]:
    """The next address, or None; and why a next link was not followed."""
    if not page.next_url:
        return None, ()
    try:
        address = links.next_address(base, url, page.next_url, type_)
    except links.ForeignLinkError as error:
        return None, (Problem(type_, f"Stopped after page {number}: {error}."),)
    if address in seen:
        return None, (Problem(type_, f"Stopped after page {number}: the next page is one we had."),)
    if number == MAX_PAGES:
        return None, (Problem(type_, f"Stopped after page {number}: too many pages."),)
    return address, ()


class _Tally:
    """Counts what came against what was announced, to say so; deletions are never inferred from it."""

    def __init__(self, type_: str, total: int | None) -> None:
        self._type = type_
        self._total = total or 0
        self._ids: set[str] = set()
        self._named = 0
        """Entries that came broken and were named as such."""

    def add(self, page: Page) -> None:
        self._ids.update(received.id for received in page.received if received.type == self._type)
        self._named += sum(problem.raw is not None for problem in page.problems)

    def shortfall(self) -> tuple[Problem, ...]:
        if self._total <= len(self._ids) + self._named:
            return ()
        words = f"{self._total} were announced, {len(self._ids)} came."
        return (Problem(self._type, words, known=True),)
