"""Which measurement a person means: a code, a name as people say it, or the beginning of one.

In this order: the code; a panel; the names that are known; the words of titles. Where several fit, nobody guesses:
the person chooses. Codes that mean the same are one measurement (`records.measures`, and those of condition packs).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from phr.errors import UsageError, typed
from phr.records.measures import BY_CODE, MEASURES, Measure
from phr.views import trend_rows
from phr.views.panels import PAIRS, PANEL_BY_WORD, Pair, Panel
from phr.views.titles import plain
from phr.views.trend_rows import LOINC, Key

MOST_CHOICES = 12
_NOISE = frozenset(
    "my the level levels test tests result results value values blood-test lab trend of in count".split()
)
_SPLIT = r"[^\w%+.]+"
_UNCODED = {word: one for one in MEASURES if one.uncoded for word in (*one.words, one.name.casefold())}


@dataclass
class Found:
    """One measurement that the record holds, under all keys that mean it."""

    id: str
    measure: Measure | None = field(repr=False)
    keys: list[Key] = field(default_factory=list, repr=False)
    """Records that are it."""
    part_keys: list[Key] = field(default_factory=list, repr=False)
    """Records that have it as a part."""
    codes: set[str] = field(default_factory=set, repr=False)
    titles: list[str] = field(default_factory=list, repr=False)
    called: str | None = None
    """Its name in plain language, where that is not its title's."""

    @property
    def newest(self) -> trend_rows.Row:
        """The most recent record."""
        return max((*self.keys, *self.part_keys), key=lambda one: one.newest.start or -(10**12)).newest

    @property
    def title(self) -> str:
        """As the most recent source calls it."""
        return self.titles[0]

    @property
    def name(self) -> str:
        """In plain language."""
        return self.measure.name if self.measure else self.called or plain(self.title)

    @property
    def code(self) -> str | None:
        """The code it is kept under: that of the most recent record; None for what has only a name."""
        own = [
            code
            for key in self.keys
            for system, code, _ in key.codes
            if not self.measure or code in self.measure.codes
        ]
        standard = [one for one in sorted(self.codes) if self.measure and one in self.measure.codes]
        other = [one for one in sorted(self.codes) if not one.startswith("title:")]
        return next(iter((*own, *standard, *other)), None)

    @property
    def ask(self) -> str:
        """What a person types to have just this one."""
        return self.code or (f"title:{self.keys[0].key}" if self.keys else min(self.codes))

    @property
    def is_panel(self) -> bool:
        """Whether it only has values in its parts."""
        return bool(self.keys) and not any(key.has_number for key in self.keys)

    def names(self) -> Iterator[str]:
        """Everything it is called."""
        if self.measure:
            yield from (self.measure.name, *self.measure.words)
        for title in self.titles:
            yield title
            yield plain(title)
        yield from (display for key in self.keys for _, _, display in key.codes if display)


def everything(db: Any, extra: Iterable[Measure] = ()) -> list[Found]:
    """All measurements of the record, the most recent first."""
    return grouped(trend_rows.keys(db), extra)


def grouped(keys: Iterable[Key], extra: Iterable[Measure] = ()) -> list[Found]:
    """Keys that mean one measurement together; `extra`: measures that condition packs know beside our own."""
    by_code = {code: one for one in extra for code in one.codes} | BY_CODE
    keys = list(keys)
    own_codes = _own_codes(keys, by_code)
    found: dict[str, Found] = {}
    for key in keys:
        pair, measure = trend_rows.pair_of(key.newest, key.codes), measure_of(key, by_code)
        id_ = f"pair {pair.id}" if pair else _id(measure, key.key)
        joined = set[str]()
        if measure is None and not pair and not _has_loinc(key):
            ids, joined = _by_own_code(key, own_codes)
            if len(ids) == 1:
                id_ = ids.pop()
                measure = next((one for one in by_code.values() if _id(one, "") == id_), None)
            else:
                joined = set()
        one = found.setdefault(id_, Found(id_, None if pair else measure, called=pair.name if pair else None))
        one.keys.append(key)
        one.titles.append(key.newest.title)
        own = {code for _, code, _ in key.codes}
        one.codes |= (own & set(measure.codes) | joined) if measure and not pair else own
        for part in key.parts:
            known = _part_measure(part, by_code, paired=pair is not None)
            if not part.codes or (measure is not None and known is measure):
                continue
            id_ = _id(known, part.codes[0])
            inside = found.setdefault(id_, Found(id_, known))
            inside.part_keys.append(key)
            inside.titles.append(part.title)
            inside.codes |= (set(part.codes) & set(known.codes) if known else set()) or set(part.codes)
    return list(found.values())


def _part_measure(part: trend_rows.Part, by_code: dict[str, Measure], *, paired: bool) -> Measure | None:
    """The measure of a component, by its code; where it has none (or is a half of a pair), its name may tell."""
    known = next((by_code[code] for code in part.codes if code in by_code), None)
    if known is None and (paired or all(code.startswith("title:") for code in part.codes)):
        return _UNCODED.get(folded(part.title))
    return known


_SHARED = ("snomed.info", "ama-assn.org", "hl7.org", "2.16.840.1.113883.6.")
"""Systems of codes that say less than LOINC does: what shares one of them need not be the same."""


def _own_codes(keys: Iterable[Key], by_code: dict[str, Measure]) -> dict[tuple[str, str], set[str]]:
    """Which measurements the codes of a clinic's own stand beside, in records that have a code of LOINC too."""
    found: dict[tuple[str, str], set[str]] = {}
    for key in keys:
        if _has_loinc(key):
            for system, code, _ in key.codes:
                if system and system != LOINC and not any(each in system for each in _SHARED):
                    found.setdefault((system, code), set()).add(_id(measure_of(key, by_code), key.key))
    return found


def _has_loinc(key: Key) -> bool:
    return any(system == LOINC for system, _, _ in key.codes)


def _by_own_code(key: Key, own_codes: dict[tuple[str, str], set[str]]) -> tuple[set[str], set[str]]:
    """What a record without a code of LOINC is where its own code came with one elsewhere, and those codes."""
    fits = {code: own_codes[system, code] for system, code, _ in key.codes if (system, code) in own_codes}  # type: ignore[index]
    return set().union(*fits.values()), set(fits)


def _id(measure: Measure | None, key: str) -> str:
    return f"measure {measure.id}" if measure else f"key {key}"


def measure_of(key: Key, by_code: dict[str, Measure]) -> Measure | None:
    """The measure that a record's codes name; without any code, its title may.

    What has another code, be it a local one, stays by itself, whatever it is called.
    """
    for system, code, _ in key.codes:
        if system in (LOINC, None) and code in by_code:
            return by_code[code]
    return None if key.codes else _UNCODED.get(folded(key.newest.title))


def folded(text: str) -> str:
    """Words without regard to case and white space."""
    return " ".join(text.casefold().replace("α", "alpha").split())


def find(db: Any, asked: str) -> tuple[Found | Pair | Panel, list[Found]]:
    """What is meant, and everything there is. Raises UsageError when nothing fits or too much does."""
    text = folded(asked)
    if not text:
        raise UsageError("Which measurement?", hint="See which there are: phr trend")
    every = everything(db)
    if (one := _of_code(db, every, asked.strip(), text)) is not None:
        return _with_siblings(one, every), every
    bare = " ".join(word for word in text.split() if word not in _NOISE) or text
    for words in dict.fromkeys((text, bare)):
        if words in PANEL_BY_WORD:
            return PANEL_BY_WORD[words], every
        for pair in PAIRS:
            if words in pair.words and _has_any(every, pair):
                return pair, every
        if fits := [one for one in every if words in {folded(name) for name in one.names()}]:
            return _with_siblings(_chosen(db, asked, fits), every), every
    from phr.views import trend_packs  # packs are read only where our own names do not answer

    for words in dict.fromkeys((text, bare)):
        if (panel := trend_packs.panel(words)) is not None:
            return panel, everything(db, panel.extra)
    wider = everything(db, trend_packs.measures())
    if fits := [one for one in wider if {text, bare} & {folded(name) for name in one.names()}]:
        return _chosen(db, asked, fits), wider
    if fits := [one for one in wider if _begins(bare, one)]:
        return _chosen(db, asked, fits), wider
    raise _nothing(asked, bare, every)


def _with_siblings(one: Found | Pair, every: list[Found]) -> Found | Pair:
    """With the other codes that a condition pack says mean the same, where our own table does not know the code."""
    if isinstance(one, Pair) or one.measure is not None or not one.codes:
        return one
    from phr.views import trend_packs

    known = next((each for each in trend_packs.measures() if one.codes & set(each.codes)), None)
    if known is None:
        return one
    keys = {key.key: key for each in every for key in (*each.keys, *each.part_keys)}
    return next((each for each in grouped(keys.values(), (known,)) if each.measure is known), one)


def _of_code(db: Any, every: list[Found], asked: str, text: str) -> Found | Pair | None:
    """Exactly this code, or `title:` with exactly this title; None when it is neither."""
    if text.startswith("title:"):
        if part := next((one for one in every if text in one.codes), None):
            return part
        title = text.removeprefix("title:").strip()
        key = trend_rows.key_of(db, title)
        return Found(key.key, None, [key], [], set(), [key.newest.title]) if key else None
    code = next((one for one in (asked, asked.upper()) if _is_known(every, one)), None)
    pair = next((one for one in PAIRS if asked in one.codes), None)
    if pair is not None and _has_any(every, pair):
        return pair
    measure = BY_CODE.get(asked)
    if measure is not None:
        return next((one for one in every if one.measure is measure), None)
    if code is not None:
        fits = [
            one
            for one in every
            if code in one.codes or code in {c for key in one.keys for _, c, _ in key.codes}
        ]
        if len(fits) == 1 and not fits[0].part_keys and code in fits[0].codes:
            return fits[0]  # a clinic's own code for it
        keys = [key for one in fits for key in one.keys if code in {c for _, c, _ in key.codes}]
        parts = [key for one in fits if code in one.codes for key in one.part_keys]
        titles = [key.newest.title for key in keys] or [title for one in fits for title in one.titles]
        return Found(code, None, keys, parts, {code}, titles)
    if not re.fullmatch(r"[\w.-]*\d[\w.-]*", asked):
        return None
    others = [key for name in trend_rows.elsewhere(db, asked) if (key := trend_rows.key_of(db, name))]
    return Found(asked, None, others, [], {asked}, [key.newest.title for key in others]) if others else None


def _is_known(every: list[Found], code: str) -> bool:
    return any(
        code in one.codes or any(code == c for key in one.keys for _, c, _ in key.codes) for one in every
    )


def _has_any(every: list[Found], pair: Pair) -> bool:
    return any(one.measure is not None and one.measure.id in pair.measures for one in every)


def of_measure(every: list[Found], id_: str) -> Found | None:
    """What the record holds of one measure."""
    return next((one for one in every if one.measure is not None and one.measure.id == id_), None)


def _begins(asked: str, one: Found) -> bool:
    """Whether each word that was typed is, or begins, a word of one of its names."""
    wanted = [word for word in re.split(_SPLIT, asked) if word]
    if not wanted:
        return False
    for name in one.names():
        words = [word for word in re.split(_SPLIT, folded(name)) if word]
        if all(
            any(word == each or (len(each) > 2 and word.startswith(each)) for word in words)
            for each in wanted
        ):
            return True
    return False


def _chosen(db: Any, asked: str, fits: list[Found]) -> Found:
    """The only one that fits. Raises UsageError with a list to choose from."""
    if len(fits) == 1:
        return fits[0]
    lines = [f"phr trend {typed(one.ask):<12} {one.name}, {_amount(db, one)}" for one in fits[:MOST_CHOICES]]
    if len(fits) > MOST_CHOICES:
        lines.append(f"and {len(fits) - MOST_CHOICES} more: phr trend")
    raise UsageError(f"“{asked}” fits {len(fits)} measurements. Which one?", hint="\n".join(lines))


def _amount(db: Any, one: Found) -> str:
    many = total(db, one)
    words = f"{trend_rows.COUNTED:,}+" if many > trend_rows.COUNTED else f"{many:,}"
    last = (one.newest.date or "")[:10]
    return f"{words} {'value' if many == 1 else 'values'}" + (f", last {last}" if last else "")


def total(db: Any, one: Found) -> int:
    """How many values; more than `COUNTED` is not counted."""
    return sum(
        trend_rows.counted(db, key.key)
        for key in {id(key): key for key in (*one.keys, *one.part_keys)}.values()
    )


def _nothing(asked: str, bare: str, every: list[Found]) -> UsageError:
    if not every:
        return UsageError(
            "There is no measurement in the record yet.",
            hint="Bring some in: phr connect, or phr import FILE",
        )
    names: dict[str, Found] = {}
    for one in every:
        for name in (*one.names(), *one.codes):
            names.setdefault(folded(name), one)
    from difflib import get_close_matches

    near = get_close_matches(bare, [*names, *PANEL_BY_WORD], n=3, cutoff=0.75)
    if near:
        meant = dict.fromkeys(names[one].name if one in names else one for one in near)
        ways = [f"phr trend {typed(names[one].ask if one in names else one)}" for one in near]
        return UsageError(
            f"No measurement is called “{asked}”. Did you mean {' or '.join(meant)}?",
            hint="\n".join(dict.fromkeys(ways)),
        )
    there = ", ".join(dict.fromkeys(one.name for one in every[:8]))
    more = " …" if len(every) > 8 else ""
    return UsageError(
        f"No measurement in the record is called “{asked}”.",
        hint=f"There is: {there}{more}\nAll of them: phr trend",
    )
