"""The catalogue: vendors with their habits, sandboxes, and organisations with their FHIR bases.

Vendors and sandboxes stand in `providers.toml` at the root of the repository (inside the wheel at
`phr/providers.toml`); a person's own file of the same form is laid on top of it, key by key. Organisations stand in
`organisations.tsv` beside it, and those that `phr providers update` found in the person's data folder. In the order
of who wins: own providers.toml, the packaged one, organisations that were found, packaged organisations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from phr.errors import UsageError
from phr.model import Provider, Vendor
from phr.providers import organisations, tables
from phr.providers.organisations import BASE, ID, NAME, PLACE, SHARED, VENDOR, Organisations, Row, Rows
from phr.providers.search import Index
from phr.providers.words import words

OTHER = "custom"
"""The vendor of whatever is not known."""


@dataclass(frozen=True)
class Catalog:
    """Vendors and providers by id, and the organisations, which are not read before they are asked for.

    Every vendor has an entry of its own among the providers.
    """

    vendors: Mapping[str, Vendor]
    providers: Mapping[str, Provider]
    """What stands in providers.toml."""
    organisations: Organisations = field(default_factory=Organisations)

    def find(self, id: str) -> Provider:  # noqa: A002 (the word people type)
        """The provider with this id, in any letter case, or a vendor by another name of it.

        Raises UsageError that names the nearest ones.
        """
        wanted = id.strip().lower()
        found = self.providers.get(wanted)
        if found is None and (vendor := self.vendor_named(wanted)):
            found = self.providers.get(vendor.id)
        found = found or self.organisation(wanted)
        if found is not None:
            return found
        near = self._near(wanted)
        hint = f"Did you mean {' or '.join(near)}?" if near else "Look for it: phr providers search"
        raise UsageError(f"There is no provider called {id.strip()[:60]!r}.", hint=hint)

    def organisation(self, id_: str) -> Provider | None:
        """The organisation with this id, without reading the others."""
        row = self.organisations.find(id_)
        return self._provider(row) if row else None

    def search(self, text: str, limit: int = 20, vendor: str | None = None) -> list[Provider]:
        """Those whose name, place, id or vendor have these words, best first; forgives slips and word order.

        `vendor` keeps to the organisations of one, by id.
        """
        if not words(text):
            of_vendor = (one for one in self if vendor is None or one.vendor.id == vendor)
            return [one for one, _ in zip(of_vendor, range(limit), strict=False)]
        known = self._index.search(text, limit, self._spellings(vendor) if vendor else None)
        return [self.providers.get(row[ID]) or self._provider(row) for row in known]

    def vendor_named(self, word: str) -> Vendor | None:
        """The vendor with this id, or of which this is another name; None when nobody has it."""
        plain = word.strip().lower()
        return self.vendors.get(plain) or self.vendors.get(self._aliases.get(plain, ""))

    def vendor_of(self, word: str) -> Vendor:
        """As `vendor_named`; whatever is not known is a server of its own kind."""
        return self.vendor_named(word) or self.vendors[OTHER]

    def __iter__(self) -> Iterator[Provider]:
        """Everything there is: first what stands in providers.toml, then the organisations."""
        yield from self.providers.values()
        for row in self.organisations.rows:
            if row[ID] not in self.providers:
                yield self._provider(row)

    def beginning(self, text: str) -> list[str]:
        """All ids that begin like this, for completion."""
        found = {*self.providers, *(id_ for rows in self.organisations.parted for id_ in rows.column(ID))}
        return sorted(id_ for id_ in found if id_.startswith(text.lower()))

    @cached_property
    def _aliases(self) -> dict[str, str]:
        return {alias.lower(): vendor.id for vendor in self.vendors.values() for alias in vendor.aliases}

    @cached_property
    def _index(self) -> Index:
        own = [_row(provider) for provider in self.providers.values()]
        chosen, found = (rows.without(self.providers) for rows in self.organisations.parted)
        typed = Rows.of((*own, *chosen))
        vendors = {*typed.column(VENDOR), *found.column(VENDOR)}
        sandboxes = frozenset(one.id for one in self.providers.values() if one.sandbox)
        with organisations.no_collecting():
            return Index(typed, found, {word: self._vendor_words(word) for word in vendors}, sandboxes)

    def _vendor_words(self, word: str) -> frozenset[str]:
        """What people may say for the vendor of a row. A vendor that is not known is kept as a word to search for."""
        vendor = self.vendor_named(word)
        if vendor is None or vendor.id == OTHER:
            return frozenset(words(word)) - {OTHER}
        return frozenset(words(" ".join((word, vendor.id, vendor.name, *vendor.aliases))))

    def _spellings(self, vendor: str) -> frozenset[str]:
        said = {word for rows in self.organisations.parted for word in rows.column(VENDOR)}
        return frozenset({vendor, *(word for word in said if self.vendor_of(word).id == vendor)})

    def _provider(self, row: Row) -> Provider:
        return Provider(
            id=row[ID],
            name=row[NAME],
            vendor=self.vendor_of(row[VENDOR]),
            fhir_base=row[BASE],
            place=row[PLACE] or None,
            shared=row[SHARED] == "yes",
        )

    def _near(self, id_: str) -> list[str]:
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        ids = [*self.providers, *self._aliases, *(row[ID] for row in self.organisations.rows)]
        slips = max(1, len(id_) // 4)
        near = process.extract(id_, ids, scorer=OSA.distance, score_cutoff=slips, limit=3)
        return [name for name, _, _ in near] or [one.id for one in self.search(id_, limit=3)]


def load(user_file: Path | None, organisations_file: Path | None = None) -> Catalog:
    """The packaged catalogue with the person's own file and the organisations they fetched on top, if there are any.

    Raises UsageError naming table and key of all that is wrong in a file.
    """
    source = packaged()
    content = tables.read(source)
    own = tables.Tables()
    if user_file is not None and user_file.exists():
        source = user_file
        own = tables.read(user_file)
        content = tables.merge(content, own)
    vendors = {id_: tables.vendor(id_, row) for id_, row in content["vendors"].items()}
    providers = {v.id: Provider(id=v.id, name=v.name, vendor=v) for v in vendors.values()}
    catalog = Catalog(vendors, providers, Organisations(organisations.packaged(), organisations_file))
    problems = []
    for id_, row in content["providers"].items():
        # A person's own file may change one key of an organisation; only then the organisations are looked at.
        known = catalog.organisation(id_) if id_ in own.get("providers", {}) else None
        usual = known.vendor.id if known else id_ if id_ in vendors else OTHER
        vendor = vendors.get(row.get("vendor", usual))
        if vendor is None:
            problems.append(f"[providers.{id_}] vendor: there is no such vendor")
            continue
        values = {key: value for key, value in row.items() if key != "vendor"}
        providers[id_] = replace(known or Provider(id_, id_, vendor), vendor=vendor, **values)
    tables.complain(source, problems)
    return catalog


def packaged() -> Path:
    """providers.toml inside the wheel; in an editable install at the root of the repository."""
    return organisations.packaged("providers.toml")


def _row(provider: Provider) -> Row:
    """What stands in providers.toml, in the form that is searched. A vendor is found by every name it has."""
    own = provider.id == provider.vendor.id
    aliases = "|".join((provider.id, *provider.vendor.aliases, provider.vendor.name)) if own else ""
    return [
        provider.id,
        provider.name,
        provider.vendor.id,
        provider.place or "",
        provider.fhir_base or "",
        aliases,
        "",
    ]
