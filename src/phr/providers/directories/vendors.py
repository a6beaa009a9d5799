"""Whose organisations a directory lists: who may say so, and what the look of an address is worth.

A vendor's profile decides which client id and secret a person's sign-in sends along. So a published list speaks for
its own vendor only: an entry that calls itself another's, or whose path looks like another's, changes nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import translate
from urllib.parse import urlsplit

from phr.model import Vendor
from phr.providers.catalog import OTHER, Catalog
from phr.providers.directories.entries import Found
from phr.providers.words import words


@dataclass(frozen=True, slots=True)
class _Host:
    """A glob that fixes the domain: nobody else can have an address that fits."""

    vendor: str
    host: re.Pattern[str]
    path: re.Pattern[str]


class Vendors:
    """The vendor of each entry."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._hosts: list[_Host] = []
        self._paths: list[tuple[re.Pattern[str], str]] = []
        self._fixed: set[str] = set()
        """Vendors whose addresses are all at domains of their own."""
        for vendor in catalog.vendors.values():
            for glob in vendor.directory_hosts:
                host, slash, path = glob.lower().partition("/")
                if _fixes_domain(host):
                    pattern = re.compile(translate(slash + path if slash else "*"))
                    self._hosts.append(_Host(vendor.id, re.compile(translate(host)), pattern))
                else:
                    self._paths.append((re.compile(translate(glob.lower())), vendor.id))
            hosts = [glob.lower().partition("/")[0] for glob in vendor.directory_hosts]
            if hosts and all(map(_fixes_domain, hosts)):
                self._fixed.add(vendor.id)

    def of(self, one: Found, base: str, *, given: str | None, own: bool) -> str:
        """`given` is whose list it is; `own` says that it is a person's own file, whose words count.

        Then what the host proves; a path that looks like a vendor's is a last guess.
        """
        if given:
            return given
        parts = urlsplit(base)
        host, path = (parts.hostname or "").lower(), parts.path.lower()
        by_host = next((it.vendor for it in self._hosts if it.host.match(host) and it.path.match(path)), None)
        named = self._named(one.vendor) if own else None
        if named is not None and named.id != by_host and named.id in self._fixed:
            named = None  # all of this vendor's addresses are at its own domains, and this one is not
        if named is not None:
            return named.id
        if by_host is not None:
            return by_host
        for label in re.split(r"[^a-z0-9-]+", one.publisher.lower()) if own else ():
            if label and (publisher := self._catalog.vendor_named(label)):
                return publisher.id
        by_path = next((id_ for glob, id_ in self._paths if glob.match(host + path)), None)
        return by_path or self._unknown(one.vendor)

    def _named(self, word: str) -> Vendor | None:
        return self._catalog.vendor_named(word) or self._catalog.vendor_named(slug(word))

    def _unknown(self, word: str) -> str:
        """A vendor that is not known is kept as a word to search for; never one that names a known vendor."""
        plain = slug(word)[:40].strip("-")
        return OTHER if not plain or self._catalog.vendor_named(plain) else plain


def _fixes_domain(host: str) -> bool:
    """`fhir.nextgen.com`, `*.healow.com`: but not `*`, `*healow.com` or `healow.com*`, which fit anybody's host."""
    start, star, tail = host.rpartition("*")
    return "." in (tail.partition(".")[2] if star else host) and "[" not in start and "?" not in host


def slug(text: str) -> str:
    return "-".join(words(text))
