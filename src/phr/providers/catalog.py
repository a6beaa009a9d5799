"""The catalogue: vendors with their habits, sandboxes, and organisations with their FHIR bases.

The facts stand in `providers.toml` at the root of the repository (inside the wheel at `phr/providers.toml`);
a person's own file of the same form is laid on top of it, key by key.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import phr
from phr.errors import UsageError
from phr.model import Provider, Vendor
from phr.providers import tables

_WORD = re.compile(r"[a-z0-9]+")
_GOOD = 0.82


@dataclass(frozen=True, slots=True)
class Catalog:
    """Vendors and providers by id. Every vendor has an entry of its own among the providers."""

    vendors: Mapping[str, Vendor]
    providers: Mapping[str, Provider]

    def find(self, id: str) -> Provider:  # noqa: A002 (the word people type)
        """The provider with this id. Raises UsageError that names the nearest ones."""
        found = self.providers.get(id.strip().lower())
        if found is not None:
            return found
        near = difflib.get_close_matches(id.lower(), self.providers, n=3, cutoff=0.6)
        near = near or [provider.id for provider in self.search(id, limit=3)]
        hint = f"Did you mean {' or '.join(near)}?" if near else "Look for it: phr providers search"
        raise UsageError(f"There is no provider called {id.strip()[:60]!r}.", hint=hint)

    def search(self, text: str, limit: int = 20) -> list[Provider]:
        """Providers whose name, place, id or vendor has all these words, best first; forgives small typos."""
        wanted = _words(text)
        if not wanted:
            return list(self.providers.values())[:limit]
        ranked = []
        for provider in self.providers.values():
            score = _score(wanted, provider)
            if score > 0:
                ranked.append((-score, provider.name.lower(), provider))
        ranked.sort(key=lambda row: row[:2])
        return [row[2] for row in ranked[:limit]]


def load(user_file: Path | None) -> Catalog:
    """The packaged catalogue with the person's own file on top, if there is one.

    Raises UsageError naming table and key of all that is wrong in a file.
    """
    source = packaged()
    content = tables.read(source)
    if user_file is not None and user_file.exists():
        source = user_file
        content = tables.merge(content, tables.read(user_file))
    vendors = {id_: tables.vendor(id_, row) for id_, row in content["vendors"].items()}
    providers = {v.id: Provider(id=v.id, name=v.name, vendor=v) for v in vendors.values()}
    problems = []
    for id_, row in content["providers"].items():
        vendor = vendors.get(row.get("vendor", id_ if id_ in vendors else "custom"))
        if vendor is None:
            problems.append(f"[providers.{id_}] vendor: there is no such vendor")
            continue
        values = {key: value for key, value in row.items() if key not in ("vendor", "name")}
        providers[id_] = Provider(id=id_, name=row.get("name", id_), vendor=vendor, **values)
    tables.complain(source, problems)
    return Catalog(vendors=vendors, providers=providers)


def packaged() -> Path:
    """providers.toml inside the wheel; in an editable install at the root of the repository."""
    package = Path(phr.__file__).parent
    inside = package / "providers.toml"
    return inside if inside.exists() else package.parents[1] / "providers.toml"


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text.lower().replace("’", "").replace("'", ""))
    return _WORD.findall("".join(c for c in plain if not unicodedata.combining(c)))


def _score(wanted: list[str], provider: Provider) -> float:
    """0 when a word is missing; else higher the nearer, the name counting most."""
    name = _words(provider.name)
    other = [*_words(provider.id), *_words(provider.place or ""), *_words(provider.vendor.name)]
    total = 0.0
    for word in wanted:
        best = max(_nearness(word, name), 0.8 * _nearness(word, other))
        if best == 0:
            return 0.0
        total += best
    # Of two that hold all the words, the one with fewer others is meant; a sandbox only if it is asked for.
    penalty = 0.3 if provider.sandbox and "sandbox" not in wanted else 0.0
    return max(total / len(wanted) + 0.5 * len(wanted) / (len(wanted) + len(name)) - penalty, 0.01)


def _nearness(word: str, among: list[str]) -> float:
    best = 0.0
    for other in among:
        if other == word:
            return 1.0
        if len(word) >= 2 and other.startswith(word):
            best = max(best, 0.9)
        elif len(word) >= 4 and abs(len(word) - len(other)) <= 3:
            matcher = difflib.SequenceMatcher(None, word, other)
            if matcher.quick_ratio() >= _GOOD and (ratio := matcher.ratio()) >= _GOOD:
                best = max(best, ratio * 0.8)
    return best
