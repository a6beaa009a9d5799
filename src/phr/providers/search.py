"""Finding the place one is a patient of, among twenty thousand, as one types it.

Names are kept as one folded text per column, so that a word is found by a plain search in it. Only where that does
not do are the nearest words of the vocabulary tried (edit distance with neighbours exchanged). Each word counts as
much as it is rare; a few hundred of the best are then looked at closely.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import accumulate, pairwise

from phr.providers import addresses
from phr.providers.organisations import ALIASES, BASE, ID, NAME, PLACE, VENDOR, Row, Rows
from phr.providers.words import LIGHT, SAME, STATES, canonical, fold, words

_MOST_WORDS = 12
_CLOSE_LOOK = 300
_ENOUGH = 0.55  # of what the words weigh: one common word of two is not enough
_NEAR_BEST = 0.8
_FITS, _WILL_DO = 0.93, 0.75
_WHOLE = 0.85
_ASKS_FOR_SANDBOX = frozenset({"sandbox", "sandboxes", "test", "demo"})
_SAYS_SANDBOX = frozenset({"sandbox", "zztest", "zz"})


class Column:
    """One column of all rows as one text; a hit is a row and how good it is."""

    def __init__(self, cells: Sequence[str], weight: float, *, sparse: bool = False) -> None:
        """`sparse`: most cells are empty, and those are left out."""
        self._rows = [at for at, cell in enumerate(cells) if cell] if sparse else None
        if self._rows is not None:
            cells = [cells[at] for at in self._rows]
        self.text = " " + fold("\n".join(cells)).replace("\n", "\n ") + "\n"
        self.weight = weight
        self.lengths = list(map(len, self.text.splitlines(keepends=True)))
        self._starts = list(accumulate(self.lengths, initial=0))

    def hits(self, needle: str, into: dict[int, float], whole: float, begun: float | None = None) -> None:
        """Rows with this word or phrase: `whole` for the full word, `begun` where a word only begins with it."""
        needle, text, starts, rows = " " + needle, self.text, self._starts, self._rows
        whole, begun = whole * self.weight, (begun or 0) * self.weight
        at = text.find(needle)
        while at >= 0:
            end = at + len(needle)
            quality = whole if text[end] in " \n" else begun
            if quality:
                row = bisect_right(starts, at) - 1
                row = rows[row] if rows is not None else row
                if quality > into.get(row, 0):
                    into[row] = quality
            at = text.find(needle, end)

    @cached_property
    def vocabulary(self) -> set[str]:
        return set(self.text.split())


class Index:
    """What is searched: rows that were chosen by hand, and all the others."""

    def __init__(
        self,
        chosen: Rows,
        others: Rows,
        vendor_words: Mapping[str, frozenset[str]],
        sandboxes: frozenset[str] = frozenset(),
    ) -> None:
        self._chosen, self._others = chosen, others
        self._curated = len(chosen)
        self._vendor_words = vendor_words
        self._sandboxes = sandboxes
        places = self._column(PLACE)
        spoken = {place: _with_state(place) for place in set(places)}
        self._names = Column(self._column(NAME), 1.0)
        self._places = Column([spoken[place] for place in places], 0.9, sparse=True)
        self._columns = (
            self._names,
            Column(self._column(ALIASES), 0.97, sparse=True),
            self._places,
            Column(chosen.column(ID), 0.9),
        )

    def __len__(self) -> int:
        return self._curated + len(self._others)

    def _column(self, at: int) -> list[str]:
        return self._chosen.column(at) + self._others.column(at)

    def _row(self, at: int) -> Row:
        return self._chosen[at] if at < self._curated else self._others[at - self._curated]

    @cached_property
    def _vendors(self) -> list[str]:
        return self._column(VENDOR)

    @cached_property
    def _by_vendor(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = defaultdict(list)
        for at, vendor in enumerate(self._vendors):
            found[vendor].append(at)
        return found

    @cached_property
    def _initials(self) -> dict[str, list[int]]:
        """`ohsu` is Oregon Health & Science University; only of those chosen by hand, else everything is something."""
        found: dict[str, list[int]] = defaultdict(list)
        for at, row in enumerate(self._chosen):
            letters = "".join(word[0] for word in words(row[NAME]) if word not in LIGHT)
            if len(letters) >= 3:
                found[letters].append(at)
        return found

    @cached_property
    def _vocabulary(self) -> list[str]:
        found = set[str]().union(*(column.vocabulary for column in self._columns))
        return list(found.union(*self._vendor_words.values()))

    def search(self, text: str, limit: int, vendors: frozenset[str] | None = None) -> list[Row]:
        """The best rows; `vendors` keeps to those that name one of these in their column."""
        asked = words(text[:300])[:_MOST_WORDS]
        if not asked:
            return []
        exact = [self._literal(word, last=word is asked[-1]) for word in asked]
        self._join_pairs(asked, exact)
        found = self._weigh(asked, exact, vendors)
        meant = list(asked)
        if max(found.values(), default=0) < _FITS:
            strange = [max(rows.values(), default=0) < _WHOLE for rows in exact]
            for known in (
                False,
                True,
            ):  # a word that somebody has may still be a slip, but that is tried last
                for word, rows, is_strange in zip(asked, exact, strange, strict=True):
                    if is_strange is not known:
                        meant += self._lenient(word, rows, most=1 if known else 3)
                found = self._weigh(asked, exact, vendors)
                if max(found.values(), default=0) > _WILL_DO:
                    break
        names = self._names.lengths
        close = sorted(found, key=lambda at: (-found[at], names[at]))[:_CLOSE_LOOK]
        look = _Look(asked, meant, self._sandboxes)
        ranked = []
        for at in close:
            row = self._row(at)
            ranked.append((-look.score(found[at], row, at < self._curated), row[NAME].casefold(), at, row))
        ranked.sort(key=lambda one: one[:3])
        return _once((row for *_, row in ranked), limit)

    def _literal(self, word: str, *, last: bool) -> dict[int, float]:
        """Rows that have this word, begin a word with it (it may still be being typed), or say it in another usual way."""
        rows: dict[int, float] = {}
        begun = (0.88 if len(word) > 3 else 0.8) if last else 0.75
        for column in self._columns:
            column.hits(
                word, rows, 1.0, begun if len(word) > 1 and (last or column is not self._places) else None
            )
            for other in SAME.get(word, ()):
                column.hits(other, rows, 0.95)
        for row in self._initials.get(word, ()):
            rows[row] = max(rows.get(row, 0), 0.9)
        self._add_vendors(word, rows, 0.9)
        return rows

    def _add_vendors(self, word: str, rows: dict[int, float], quality: float) -> None:
        for vendor, named in self._vendor_words.items():
            if word in named:
                for row in self._by_vendor.get(vendor, ()):
                    if rows.get(row, 0) < quality:
                        rows[row] = quality

    def _join_pairs(self, asked: list[str], rows: list[dict[int, float]]) -> None:
        """`health partners` is HealthPartners, and `healthpartners` is Health Partners."""
        for at, (one, two) in enumerate(pairwise(asked)):
            joined: dict[int, float] = {}
            for column in self._columns[:2]:
                column.hits(one + two, joined, 0.97, 0.8)
            for row, quality in joined.items():
                for each in (rows[at], rows[at + 1]):
                    each[row] = max(each.get(row, 0), quality)
        for word, found in zip(asked, rows, strict=True):
            if len(word) >= 7 and len(found) < 50:
                for cut in range(3, len(word) - 2):
                    self._names.hits(f"{word[:cut]} {word[cut:]}", found, 0.95, 0.75)

    def _lenient(self, word: str, rows: dict[int, float], most: int) -> list[str]:
        """Rows with a word that differs by a slip or two; or, for a rare word, with one that contains it.

        Answers the words that may have been meant.
        """
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        if len(word) < 4:
            return []
        slips = min(most, 1 if len(word) < 6 else 2 if len(word) < 12 else 3)
        near = process.extract(word, self._vocabulary, scorer=OSA.distance, score_cutoff=slips, limit=16)
        for other, distance, _ in near:
            if distance:
                quality = 1 - 1.25 * distance / len(word) - (0.05 if other[0] != word[0] else 0)
                for column in self._columns:
                    column.hits(other, rows, max(quality, 0.5))
                self._add_vendors(other, rows, quality * 0.9)
        if not rows and len(word) >= 5:
            for other in [one for one in self._names.vocabulary if word in one][:20]:
                self._names.hits(other, rows, 0.6)
        return [other for other, _, _ in near]

    def _weigh(
        self, asked: list[str], hits: list[dict[int, float]], vendors: frozenset[str] | None
    ) -> dict[int, float]:
        """Rows by how much of what was asked they have, from 0 to 1; too little is left out."""
        total = len(self) or 1
        weights = [math.log1p(total / (1 + len(rows))) if rows else 0.0 for rows in hits]
        unknown = min(
            max(weights), math.log1p(total / 20)
        )  # a word nobody has: a place we do not know, or nonsense
        weights = [
            (weight or unknown or 1.0) * (0.15 if word in LIGHT and len(asked) > 1 else 1)
            for word, weight in zip(asked, weights, strict=True)
        ]
        found: dict[int, float] = {}
        least = _ENOUGH if len(asked) > 1 else 0.4
        left = 1.0
        # The rarest word first: what only the common ones have cannot become enough any more.
        for weight, at in sorted(zip(weights, range(len(asked)), strict=True), reverse=True):
            share, rows = weight / sum(weights), hits[at]
            if left >= least:
                for row, quality in rows.items():
                    found[row] = found.get(row, 0.0) + share * quality
            else:
                for row in found.keys() & rows.keys() if len(rows) < len(found) else found:
                    found[row] += share * rows.get(row, 0.0)
            left -= share
        if vendors is not None:
            found = {row: value for row, value in found.items() if self._vendors[row] in vendors}
        least = max(least, _NEAR_BEST * max(found.values(), default=0))
        return {row: value for row, value in found.items() if value >= least}


class _Look:
    """The close look: is it the whole name, in this order, and how much else is in the name."""

    def __init__(self, asked: list[str], meant: list[str], sandboxes: frozenset[str]) -> None:
        self._id = "-".join(asked)
        self._words = canonical(" ".join(asked))
        self._phrase = " ".join(self._words)
        self._set = frozenset((*self._words, *meant, *canonical(" ".join(meant))))
        self._sandboxes = sandboxes
        self._wants_sandbox = not _ASKS_FOR_SANDBOX.isdisjoint(asked)

    def score(self, part: float, row: Row, curated: bool) -> float:
        points = 100 * part + (5 if curated else 0)
        points += max(self._name(name) for name in (row[NAME], *filter(None, row[ALIASES].split("|"))))
        if row[ID] == self._id:
            points += 60
        if not row[BASE]:  # a vendor's own entry: meant when its name is all that was said
            points += 20 if any(canonical(name) == self._words for name in row[ALIASES].split("|")) else -10
        named = frozenset(words(row[NAME]))
        if (row[ID] in self._sandboxes or named & _SAYS_SANDBOX) and not self._wants_sandbox:
            points -= 25
        return points

    def _name(self, name: str) -> float:
        found = canonical(name)
        text = " ".join(found)
        others = sum(1 for word in found if word not in self._set)
        points = -min(16.0, 2.2 * others)
        if text == self._phrase:
            points += 40
        elif not others:  # all of the name, in another order or with slips
            points += 15
        elif f"{text} ".startswith(f"{self._phrase} "):
            points += 12
        elif text.startswith(self._phrase):
            points += 9
        elif f" {self._phrase} " in f" {text} ":
            points += 7
        elif f"{self._phrase} ".startswith(f"{text} "):  # the name, then a place or a vendor
            points += 14
        return points


def _with_state(place: str) -> str:
    """`Denver, CO` is found by `colorado` too."""
    if not place:
        return ""
    last = place[-3:].strip(" ,").lower()
    return f"{place} {STATES[last]}" if last in STATES else place


def _once(rows: Iterable[Row], limit: int) -> list[Row]:
    """The first rows, each address under each name once."""
    seen: set[tuple[str, tuple[str, ...]]] = set()
    kept: list[Row] = []
    for row in rows:
        if row[BASE]:
            same = addresses.key(row[BASE]), canonical(row[NAME])
            if same in seen:
                continue
            seen.add(same)
        kept.append(row)
        if len(kept) == limit:
            break
    return kept
