"""Names that must not be told, and whether a text has them: whatever the markup, the case, the accents and the layout. Pure.

Texts of FHIR are plain, Markdown or XHTML (FHIR R4, Narrative), so each is read as it stands, with its tags as blanks and
with its tags away; entities are characters.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

_BETWEEN = re.compile(r"[\W_]+")
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]"
)
_SIGN = re.compile("[^\\w\x00-\x7f\u0300-\u036f]")
_TAG = re.compile(r"<!--.*?-->|<[/!?]?[A-Za-z][^<>]*>", re.DOTALL)
_TAG_BYTES = re.compile(rb"<!--.*?-->|<[/!?]?[a-z][^<>]*>", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_RUN = re.compile(rb"[a-z0-9]+")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
"""Letters of scripts that put no blanks between words."""
_PARENTHESES = re.compile(r"\s*\(([^()]*)\)")
_COMMON = frozenset(
    """a ab ad age ago aid air all am an and any app are arm art as ask at bad bag ban bar bed be big bit box boy but by can
    car cut dad day did die do due ear eat end eye far fat few for fun gas get go got guy had has he her him his hit hot
    how i if ill in is it its job key kid lab leg let lie lip lot low man map may me men mom mr mrs ms my new no nor not
    now of off oil ok old on one or our out own pan per pet pin pop put ran rat raw red rib run sad sat saw say see set
    she sit six so son sun tap tea ten the tin tip to toe too top try two up us use via war was way we web wet who why win
    yes yet you""".split()
)
"""Short words that say nothing by themselves."""
GENERAL = frozenset(
    """abnormal absent active clear completed critical current detected elevated equivocal false final high indeterminate
    inactive low moderate mild minor major negative never no none normal not present positive reactive nonreactive
    severe trace true unknown yes""".split()
)
"""Words of a result that stand in any report."""
_MOST_AT_ONCE = 60
"""More than so many are not looked for one by one."""


def folded(text: str) -> str:
    """Entities as characters, and without accents, invisible characters and case."""
    text = unescaped(text)
    if not text.isascii():
        text = _INVISIBLE.sub("", unicodedata.normalize("NFKD", text.casefold()))
        text = "".join(each for each in text if not unicodedata.combining(each))
    return text.casefold()


def unescaped(text: str) -> str:
    """Entities as characters, also where somebody wrote them twice (`&amp;#39;`)."""
    for _ in range(3):
        if "&" not in text:
            break
        before, text = text, html.unescape(text)
        if before == text:
            break
    return text


def plain(text: str) -> str:
    """Words alone, so that hyphens, case, accents and layout make no difference."""
    return _BETWEEN.sub(" ", folded(text)).strip()


def readings(text: str) -> Iterator[str]:
    """A text as it stands, and without its tags."""
    text = unescaped(text)
    yield text
    if "<" in text:
        without = _TAG.sub(" ", text)
        if without != text:
            yield without
            yield _TAG.sub("", text)


@dataclass(frozen=True, slots=True)
class Names:
    """Names to look for."""

    words: frozenset[str] = frozenset()
    """As `plain` writes them: found as words of their own."""
    runs: frozenset[str] = frozenset()
    """The same of scripts without blanks: found anywhere."""
    exact: frozenset[str] = frozenset()
    """Abbreviations: found as words of their own, in these letters."""

    def __bool__(self) -> bool:
        return bool(self.words or self.runs or self.exact)

    def __or__(self, other: Names) -> Names:
        return Names(self.words | other.words, self.runs | other.runs, self.exact | other.exact)

    def __sub__(self, other: Names) -> Names:
        return Names(self.words - other.words, self.runs - other.runs, self.exact - other.exact)

    def told_in(self, text: str) -> bool:
        """Whether one of them stands in a text."""
        return bool(text) and bool(self) and any(map(self._in, readings(text)))

    def _in(self, reading: str) -> bool:
        if self.exact and _any_of(self.exact).search(reading):
            return True
        words = f" {plain(reading)} "
        return any(f" {name} " in words for name in self.words) or any(name in words for name in self.runs)

    def needles(self) -> frozenset[bytes]:
        """Of each name what stands in `flat` bytes wherever it is told. A name without one may be told by any that are
        not ASCII (`wide`)."""
        found = (_needle(name) for name in (*self.words, *self.runs, *self.exact))
        return frozenset(one for one in found if one)

    def wide(self) -> bool:
        """Whether one of them has no letter of ASCII."""
        return not all(map(_needle, (*self.words, *self.runs)))


NO_NAMES = Names()


def named(words: str | None, *, short: bool = False) -> Names:
    """What to look for so that something called this is found. `short`: short names and abbreviations in it too."""
    name = (words or "").strip()
    without = _PARENTHESES.sub("", name)  # “Opioid use disorder (disorder)” of SNOMED CT
    found = [_one(each, short=short) for each in dict.fromkeys((name, without))]
    if short:
        inside = (one.strip() for one in _PARENTHESES.findall(name))
        found.append(Names(exact=frozenset(one for one in inside if len(one) > 2 and _is_abbreviation(one))))
    return united(found)


def united(names: Iterable[Names]) -> Names:
    """All of them."""
    listed = list(names)
    return Names(
        frozenset(name for one in listed for name in one.words),
        frozenset(name for one in listed for name in one.runs),
        frozenset(name for one in listed for name in one.exact),
    )


def _one(name: str, *, short: bool) -> Names:
    words = plain(name)
    if words in GENERAL:
        return Names()
    if _UNSPACED.search(words):
        return Names(runs=frozenset((words,))) if len(words) > 1 else Names()
    if len(words) > 3 and re.search(r"[^\W\d]{3}", words):
        return Names(words=frozenset((words,)))
    if not short:
        return Names()
    if len(words) == 3 and words.isalpha() and words not in _COMMON:
        return Names(words=frozenset((words,)))
    return Names(exact=frozenset((name,))) if _is_abbreviation(name) else Names()


def _is_abbreviation(word: str) -> bool:
    """TB, ALL, G6PD: short, in capitals, not a code."""
    letters = [each for each in word if each.isalpha()]
    return len(word) <= 6 and word.isalnum() and word.isupper() and len(letters) > 1 and letters[0] == word[0]


@lru_cache(maxsize=64)
def _any_of(exact: frozenset[str]) -> re.Pattern[str]:
    found = "|".join(map(re.escape, sorted(exact)))
    return re.compile(rf"(?<![^\W_])(?:{found})(?![^\W_])")


def _needle(name: str) -> bytes:
    """Its longest word in ASCII."""
    words = (word for word in _BETWEEN.sub(" ", name).casefold().split() if word.isascii())
    return max(words, key=len, default="").encode()


# ── looking through much, fast ────────────────────────────────────────────────────────────────────────


def is_plain(raw: bytes) -> bool:
    """Whether these bytes are nothing but ASCII, neither escaped nor as entities."""
    return raw.isascii() and b"\\u" not in raw and b"&" not in raw


def flat(raw: bytes) -> bytes:
    """The bytes of JSON or of a text so that each needle stands in them that they tell: in small letters without
    accents, once more without tags."""
    if is_plain(raw):
        low = raw.lower()
        if b"\\" in low:
            for escape in (b"\\n", b"\\t", b"\\r"):
                low = low.replace(escape, b" ")
            low = low.replace(b"\\/", b"/").replace(b'\\"', b'"')
    else:
        text = raw.decode("utf-8", "replace")
        if "\\" in text:
            text = _ESCAPE.sub(_character, text)
        text = unescaped(text)
        text = _SIGN.sub(" ", _INVISIBLE.sub("", unicodedata.normalize("NFKD", text.casefold())))
        low = text.encode("ascii", "ignore")
    return low + b"\n" + _TAG_BYTES.sub(b"", low) if b"<" in low else low


def _character(found: re.Match[str]) -> str:
    if found[1]:
        return chr(int(found[1], 16))
    return " " if found[2] in "nrtbf" else str(found[2])


class Sieve:
    """Lets through whatever may tell something: everything that does, and little else."""

    def __init__(self, needles: Iterable[bytes], *, wide: bool = False) -> None:
        self._needles = tuple(sorted(needles))
        self._wide = wide
        self._runs: frozenset[bytes] | None = None
        if len(self._needles) > _MOST_AT_ONCE:
            runs = [max(_RUN.findall(one), key=len, default=b"") for one in self._needles]
            self._runs = frozenset(runs) if all(runs) else None

    def __bool__(self) -> bool:
        return bool(self._needles or self._wide)

    def lets(self, raw: bytes) -> bool:
        """Whether these bytes have to be looked at."""
        if self._wide and not is_plain(raw):
            return True
        low = flat(raw)
        if self._runs is not None:
            return not self._runs.isdisjoint(_RUN.findall(low))
        return any(one in low for one in self._needles)


NO_SIEVE = Sieve(())
