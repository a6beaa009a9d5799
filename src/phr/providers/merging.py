"""Putting what directories say into the list of organisations: what is new, what changed, what is left out.

An organisation is the same when its base is (compared by `addresses.key`) and its name nearly is; it keeps its id,
because people type ids and scripts hold them. Absence is not deletion: what a directory no longer lists stays.
A row belongs to the list that it came from: only that list changes it, others may add rows of their own. Otherwise
whoever publishes one list could lead people of every other vendor to an address of theirs.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from phr.providers import addresses
from phr.providers.catalog import OTHER, Catalog
from phr.providers.directories import entries
from phr.providers.directories.entries import Entry, Found
from phr.providers.directories.vendors import Vendors, slug
from phr.providers.organisations import (
    ALIASES,
    BASE,
    ID,
    NAME,
    PLACE,
    SHARED,
    SOURCE,
    VENDOR,
    Row,
    tidy,
    whole,
)
from phr.providers.words import canonical, fold

_SHARED_FROM = 10
_MOST_COMPARED = 20
_NEARLY = 94.0


@dataclass
class Counts:
    """What became of the entries of one directory."""

    read: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    vendors: Counter[str] = field(default_factory=Counter)

    @property
    def organisations(self) -> int:
        return self.added + self.updated + self.unchanged


@dataclass(slots=True)
class _Known:
    row: Row
    fixed: bool
    """It stands in providers.toml, which wins anyway."""
    typed: bool = False
    """It came with phr: its name and place were chosen with care."""
    words: tuple[str, ...] = ()
    brand: bool = False


class Merging:
    """The organisations found so far, and what further directories add to them."""

    def __init__(self, catalog: Catalog, found: Sequence[Row]) -> None:
        self._catalog = catalog
        self.found: dict[str, Row] = {row[ID]: whole(row) for row in found}
        self._at: dict[str, list[_Known]] = defaultdict(list)
        self._exact: dict[tuple[str, tuple[str, ...]], _Known] = {}
        self._ids = {*catalog.providers, *catalog.vendors}
        self._ids |= {alias for vendor in catalog.vendors.values() for alias in vendor.aliases}
        self._numbers: dict[str, int] = {}
        self._shared: set[str] = set()
        for provider in catalog.providers.values():
            if provider.fhir_base:
                row = whole([provider.id, provider.name, provider.vendor.id, "", provider.fhir_base])
                self._know(_Known(row, fixed=True))
                if provider.shared:
                    self._shared.add(addresses.key(provider.fhir_base))
        for row in self.found.values():
            self._know(_Known(row, fixed=False))
        for row in catalog.organisations.rows:
            self._ids.add(row[ID])
            if row[ID] not in self.found and row[ID] not in catalog.providers:
                self._know(_Known(list(row), fixed=False, typed=True))
            if row[SHARED] == "yes":
                self._shared.add(addresses.key(row[BASE]))
        self._ids |= set(self.found)
        self._vendors = Vendors(catalog)

    def take(
        self, listed: Sequence[Entry], *, vendor: str | None = None, source: str = "", own: bool = False
    ) -> Counts:
        """The entries of one directory: of `vendor`, if it is known whose list it is, whatever they say themselves.

        `source` is what the rows are kept under, if not under the vendor; `own` says that it is a person's own file.
        """
        source = vendor or source
        counts = Counts(read=len(listed))
        good: list[tuple[Found, str]] = []
        for one in listed:
            if isinstance(one, str):
                counts.skipped[one] += 1
            elif (reason := self._refusal(one)) is not None:
                counts.skipped[reason] += 1
            else:
                good.append((one, addresses.key(addresses.tidy(one.base))))
        per_base = Counter(key for _, key in good)
        touched: set[str] = set()
        for one, key in good:
            if _open_twin(key) in per_base:
                counts.skipped[entries.DUPLICATE] += 1
                continue
            row = self._row(one, vendor, source, own=own)
            what, id_ = self._merge(row, key, touched, alone=per_base[key] == 1, brand=one.brand)
            if what in (entries.DUPLICATE, entries.ELSEWHERE):
                counts.skipped[what] += 1
                continue
            touched.add(id_)
            counts.vendors[row[VENDOR]] += 1
            setattr(counts, what, getattr(counts, what) + 1)
        self._mark_shared(per_base, source)
        return counts

    def _refusal(self, one: Found) -> str | None:
        if len(one.name) > entries.TOO_LONG_NAME:
            return entries.LONG_NAME
        if len(one.base) > addresses.LONGEST:
            return addresses.TOO_LONG
        if not re.search(r"[^\W\d_]", one.name):
            return entries.NO_NAME
        base = addresses.tidy(one.base)
        reason = addresses.refusal(base)
        if reason == addresses.TEST and addresses.key(base) in self._at:
            return None  # a sandbox that we know as such
        return reason

    def _row(self, one: Found, vendor: str | None, source: str, *, own: bool) -> Row:
        name = tidy(one.name)[: entries.LONGEST_NAME]
        base = addresses.tidy(one.base)
        aliases = "|".join(tidy(alias) for alias in one.aliases)
        whose = self._vendors.of(one, base, given=vendor, own=own)
        return ["", name, whose, tidy(one.place), base, aliases, "", source]

    def _merge(self, row: Row, key: str, touched: set[str], *, alone: bool, brand: bool) -> tuple[str, str]:
        known = self._same(row, key)
        if known is None and alone:
            # One organisation was here and one is here now: it has another name.
            here = [one for one in self._at[key] if not one.fixed and not one.brand and _may(one.row, row)]
            known = (
                here[0] if len(here) == 1 and len(self._at[key]) == 1 and key not in self._shared else None
            )
        if known is None:
            row[ID] = self._new_id(row)
            self.found[row[ID]] = row
            self._know(_Known(row, fixed=False, brand=brand))
            return "added", row[ID]
        id_ = known.row[ID]
        if id_ in touched:
            return entries.DUPLICATE, id_
        if known.fixed:
            return "unchanged", id_
        newer = _newer(known, row)
        if newer == known.row:
            return "unchanged", id_
        if not _may(known.row, row):
            return entries.ELSEWHERE, id_
        newer[SOURCE] = row[SOURCE]
        known.row[:] = newer
        self.found[id_] = known.row
        return "updated", id_

    def _know(self, known: _Known) -> None:
        key = addresses.key(known.row[BASE])
        known.words = canonical(known.row[NAME])
        self._at[key].append(known)
        self._exact.setdefault((key, known.words), known)

    def _same(self, row: Row, key: str) -> _Known | None:
        """The organisation at this base with nearly this name."""
        wanted = canonical(row[NAME])
        if (found := self._exact.get((key, wanted))) is not None:
            return found
        here = self._at.get(key, [])
        if not here or len(here) > _MOST_COMPARED:
            return None
        from rapidfuzz.fuzz import token_sort_ratio

        text, numbers = fold(row[NAME]), {word for word in wanted if word.isdigit()}
        for known in here:
            if numbers == {word for word in known.words if word.isdigit()}:
                if known.typed and _within(known.words, wanted):
                    return known
                if token_sort_ratio(text, fold(known.row[NAME])) >= _NEARLY:
                    return known
        return None

    def _new_id(self, row: Row) -> str:
        plain = slug(row[NAME])[:60].strip("-") or f"organisation-{zlib.crc32(row[NAME].encode()):08x}"
        tries: Iterable[str] = (plain, f"{plain}-{slug(row[PLACE])}".strip("-"))
        id_ = next((one for one in tries if one not in self._ids), None)
        while id_ is None:
            # Thirty thousand of one name: the numbers that are taken are not tried again for each.
            number = self._numbers.get(plain, 2)
            self._numbers[plain] = number + 1
            id_ = f"{plain}-{number}" if f"{plain}-{number}" not in self._ids else None
        self._ids.add(id_)
        return id_

    def _mark_shared(self, keys: Iterable[str], source: str) -> None:
        """Many different names at one base: which one is meant is only said while signing in."""
        for key in keys:
            here = self._at[key]
            if key in self._shared or len({one.words for one in here if not one.brand}) >= _SHARED_FROM:
                self._shared.add(key)
                for one in here:
                    if one.row[ID] in self.found and one.row[SOURCE] == source:
                        one.row[SHARED] = "yes"


def _may(known: Row, row: Row) -> bool:
    """Whether the list of `row` may change the known one: it came from there. Ours are their vendor's list's to change."""
    return (known[SOURCE] or known[VENDOR]) == (row[SOURCE] or row[VENDOR])


def _newer(known: _Known, row: Row) -> Row:
    """The known row with what the directory says now; what we typed by hand keeps its name and place."""
    old = known.row
    newer = list(old)
    newer[BASE] = row[BASE]
    if known.typed:
        return newer
    newer[NAME] = row[NAME] if canonical(row[NAME]) != canonical(old[NAME]) else old[NAME]
    newer[PLACE] = row[PLACE] or old[PLACE]
    newer[ALIASES] = row[ALIASES] or old[ALIASES]
    newer[VENDOR] = row[VENDOR] if row[VENDOR] != OTHER else old[VENDOR]
    return newer


def _within(few: tuple[str, ...], many: tuple[str, ...]) -> bool:
    """`Denver Health` in `Denver Health and Hospital Authority`: a typed name is the short one."""
    return len(few) >= 2 and (set(few) <= set(many) or set(many) <= set(few))


def _open_twin(key: str) -> str:
    """Veradigm lists each site twice; the one under `open` knows no sign-in. The address of its twin."""
    return key.replace("/fhirroute/open/", "/fhirroute/fhir/", 1) if "/fhirroute/open/" in key else ""
