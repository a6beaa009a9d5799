"""The list of files of a Bulk Data export, and where they may be fetched.

Pure. Follows HL7 Bulk Data Access 2.0, "Response - Complete Status". Pages of a list (`link` with relation `next`)
are of version 3; `outcome` is version 4's name for `error`. With `requiresAccessToken` false the addresses open by
themselves, so they must not get the bearer and may lie anywhere that is public; with true the bearer goes along, so they
must lie on the base's own origin.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urljoin

from phr.errors import Refused
from phr.fhir import dates, links, outcome, retry
from phr.fhir.binary import is_inside
from phr.fhir.transport import Answer, host_of, is_loopback, is_safe

MOST_FILES = 100_000
"""Files of one export; thousands of people are exported with some hundred."""
_MOST_PARTS = 2_000_000
"""Objects, lists and elements of one page of the list: they take fifty times their size of memory."""
_CLOCK = 60
"""Seconds by which the times in one answer may differ."""
_LISTS = (("output", "output"), ("deleted", "deleted"), ("error", "error"), ("outcome", "error"))


@dataclass(frozen=True, slots=True)
class File:
    """One file of an export. `kind` is `output`, `deleted` or `error`; `type` is empty where it is mixed."""

    kind: str
    type: str
    url: str = field(repr=False)
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """One page of the list. `needs_token` is None when the server does not say."""

    files: tuple[File, ...]
    transaction_time: str | None = None
    needs_token: bool | None = None
    next_url: str | None = field(default=None, repr=False)


def read_manifest(answer: Answer, asked: str) -> Manifest:
    """The list that a status address answered with; file addresses come out absolute.

    Raises ValueError with words for what came instead, Refused for a list that is longer than any export has.
    """
    if answer.looks_like_html:
        raise ValueError("a web page")
    if sum(map(answer.body.count, (b"{", b"[", b","))) > _MOST_PARTS:
        raise too_many_files(asked)
    data = outcome.parse(answer.body)
    if not isinstance(data, dict) or ("resourceType" in data and not isinstance(data.get("output"), list)):
        raise ValueError("something else")
    if not isinstance(data.get("output"), list):
        raise ValueError("a list without its files")
    files: dict[tuple[str, str], File] = {}
    for name, kind in _LISTS:
        entries = data.get(name)
        for entry in entries if isinstance(entries, list) else ():
            one = _file(kind, entry if isinstance(entry, dict) else {}, asked)
            files.setdefault((kind, one.url), one)
    if len(files) > MOST_FILES:
        raise too_many_files(asked)
    needs = data.get("requiresAccessToken")
    return Manifest(
        files=tuple(files.values()),
        transaction_time=_time(data.get("transactionTime"), answer),
        needs_token=needs if isinstance(needs, bool) else None,
        next_url=_next(data.get("link"), asked),
    )


def too_many_files(asked: str) -> Refused:
    """What to say of a list without end."""
    return Refused(
        f"{host_of(asked)} lists more files than an export has; more than {MOST_FILES:,} are refused."
    )


def _time(said: object, answer: Answer) -> str | None:
    """Of which time an export is. None where that is nonsense, or later than the server's own clock at this answer:
    the next export asks for what changed since then, and would leave out all until that day."""
    read = dates.parse(said) if isinstance(said, str) else None
    now = retry.date_of(answer.headers)
    if read is None or (now is not None and read.start > now + _CLOCK):
        return None
    return str(said)


def file_address(base: str, url: str, needs_token: bool | None) -> tuple[str, bool]:
    """Where a file is fetched, and whether with the bearer. Raises Refused for a place where it must not be."""
    if not url:
        raise Refused("The export names a file without an address.")
    try:
        return links.redirect_address(base, url), needs_token is not False
    except links.ForeignLinkError:
        pass
    if needs_token:
        raise Refused("The file is on another server, where the sign-in does not belong.")
    if not is_safe(url, loopback=is_loopback(base)):
        raise Refused("The file is on another server that does not use https.")
    if is_inside(host_of(url)) and not is_inside(host_of(base)):
        raise Refused("The file's address is one inside a private network.")
    return url, False


def _file(kind: str, entry: dict[str, object], asked: str) -> File:
    type_, url, count = entry.get("type"), entry.get("url"), entry.get("count")
    return File(
        kind=kind,
        type=type_ if isinstance(type_, str) and type_.isascii() and type_.isalpha() else "",
        url=_absolute(asked, url),
        count=count if isinstance(count, int) and not isinstance(count, bool) and count >= 0 else None,
    )


def _next(listed: object, asked: str) -> str | None:
    for link in listed if isinstance(listed, list) else ():
        if isinstance(link, dict) and link.get("relation") == "next":
            return _absolute(asked, link.get("url")) or None
    return None


def _absolute(asked: str, url: object) -> str:
    try:
        return urljoin(asked, url.strip()) if isinstance(url, str) and url.strip() else ""
    except ValueError:
        return ""
