"""Names of people and places as they are written, and whether two of them can mean the same one. Pure.

One source writes `Elena Martinez, MD`, another `Martinez, Elena M.`, a letter `Dr. Martinez`, and who looks for her types
`dr martines`. Titles and degrees are no part of a name; the order of its words and its accents do not matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from phr.views.words import apart, fold

TITLES = frozenset(
    "dr drs doctor doctora prof professor mr mrs ms miss mx sir dame herr frau sr sra nurse pharmacist".split()
)
DEGREES = frozenset(
    """
    md do rn np pa pac dnp fnp fnpc fnpbc aprn arnp crnp anp agnp pmhnp cnp phd drph pharmd rph dds dmd dpm od psyd msw lcsw
    lmsw lpc lmft cnm crna cns facp facs faap facc fccp facog faafp faan mph mba msn bsn msc bsc ms ma lpn lvn cna ma-c jr
    snr ii iii iv esq mbbs mbchb bmbs frcp mrcp frcs mrcs frcgp mrcgp pt dpt ot otr otd slp ccc rd rdn ldn apn rrt crt emt
    bc scd edd llc dc nd lac cde cdces mhs pacs
    """.split()
)
_LIKE_NAMES = frozenset("do ma ms pa od pt ot rd np nd dc md iv bc cns lac pac jr snr esq emt ii iii".split())
"""Degrees that are names or words too: in small letters, and not behind a comma, they are read as a name."""
GENERIC = frozenset(
    """
    the of and at in for a an de la el le du des st saint san santa clinic clinics hospital hospitals medical medicine center
    centre centers health healthcare care associates associate group practice office offices family department dept
    service services system systems university general regional community inc llc pllc pc ltd physicians physician doctors
    partners institute campus site suite floor room building ward unit outpatient
    """.split()
)
"""Words that a hundred places share: alone they name none."""
_SMALL = frozenset("the of and at in for a an de la el le du des my our office clinic practice".split())
_WORD = re.compile(r"[^\W_]+(?:\.(?=[^\W_])[^\W_]+)*\.?|\S")
_APOSTROPHES = re.compile(r"(?<=\w)['’ʼ`](?=\w)")
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")

EXACT, SHORTENED, SLIP = 3, 2, 1


@lru_cache(maxsize=8192)
def words_of(text: str) -> tuple[str, ...]:
    """All words of a name, folded: `Saint Mary's` is `saint marys`."""
    folded = fold(_APOSTROPHES.sub("", text))
    return tuple(re.findall(r"[^\W_]+", folded))


@lru_cache(maxsize=8192)
def person(text: str) -> tuple[str, ...]:
    """The words of a person's name without titles and degrees; initials stay, a letter each."""
    plain = _BRACKETS.sub(" ", _APOSTROPHES.sub("", text)).replace("-", " ").replace("/", " ")
    found: list[str] = []
    behind_comma = False
    for raw in _WORD.findall(plain):
        if raw in ",;":
            behind_comma = True
            continue
        joined = fold(raw.replace(".", ""))
        if not joined or not any(map(str.isalnum, joined)):
            continue
        if joined in TITLES and not found:
            continue
        if joined in DEGREES and found:
            dotted = "." in raw.rstrip(".")
            if behind_comma or dotted or joined not in _LIKE_NAMES or raw.replace(".", "").isupper():
                continue
        parts = fold(raw).strip(".").split(".")
        if len(parts) == 1 and raw.isupper() and len(raw) == 2 and found:
            parts = list(joined)  # the initials of two given names
        found += [part for part in parts if part]
    return tuple(found)


def titled(text: str) -> bool:
    """Whether the words say that a person is meant: `Dr. …`, `…, MD`."""
    first = fold(text).replace(".", " ").split()
    if first and first[0] in TITLES:
        return True
    plain = [fold(part.replace(".", "")) for part in re.split(r"[,\s]+", text) if part]
    raw = [part.replace(".", "") for part in re.split(r"[,\s]+", text) if part]
    return any(
        word in DEGREES and (word not in _LIKE_NAMES or spelt.isupper())
        for word, spelt in zip(plain[1:], raw[1:], strict=True)
    )


@lru_cache(maxsize=8192)
def people(text: str) -> tuple[str, ...]:
    """The persons that one text names: `Odette Marrowby, MD, Lucan Brightwater, RN` are two, `Martinez, Elena MD` is one."""
    found: list[str] = []
    open_ = 0  # 1: the last one may be a family name that waits for its given name; 2: the same, with a degree behind it
    for part in re.split(r"\s*[,;]\s*", text.strip()):
        if not part:
            continue
        bare = [fold(word.replace(".", "")) for word in part.split()]
        if found and all(word in DEGREES for word in bare):
            found[-1] = f"{found[-1]}, {part}"
            open_ = 0
            continue
        has_title = bool(bare) and bare[0] in TITLES
        words = person(part)
        plain = len(words) == len(bare) == 1
        if found and not has_title and ((open_ == 1 and 0 < len(words) <= 3) or (open_ == 2 and plain)):
            found[-1] = f"{found[-1]}, {part}"
            open_ = 0
            continue
        found.append(part)
        open_ = 0 if has_title or len(words) != 1 else 1 if plain else 2
    return tuple(found)


def likeness(asked: Sequence[str], name: Sequence[str], beside: Iterable[str] = ()) -> int:
    """How well words that were typed fit a person's name: EXACT, SHORTENED (an initial), SLIP, or 0.

    Each word has to be found in the name, or among the words `beside` it (of the place where they work). At least one
    of them has to be a whole word of the name: two initials are nobody.
    """
    left, worst, whole = list(name), EXACT, False
    context = frozenset(beside)
    waiting = []
    for word in asked:
        if word in left:
            left.remove(word)
            whole = whole or len(word) > 1
        else:
            waiting.append(word)
    for word in waiting:
        fit = next((other for other in left if _shortened(word, other)), None)
        if fit is not None:
            left.remove(fit)
            worst = min(worst, SHORTENED)
            continue
        if whole and word in context:
            continue
        fit = next((other for other in left if slip(word, other)), None)
        if fit is not None:
            left.remove(fit)
            worst, whole = SLIP, True
            continue
        if whole and len(asked) > 2 and not [one for one in left if len(one) > 1]:
            worst = min(worst, SHORTENED)  # a second given name that the other spelling does not have
            continue
        return 0
    return worst if whole else 0


def _shortened(word: str, other: str) -> bool:
    """An initial; one word of two letters at the most, since `Martin` is not short for `Martinez`."""
    short, long = sorted((word, other), key=len)
    return len(short) == 1 and long.startswith(short)


def slip(word: str, other: str) -> bool:
    """One slip of the finger; a short word is near to too many others. The first letter is rarely the wrong one."""
    if min(len(word), len(other)) < 4 or word == other:
        return False
    if min(len(word), len(other)) < 5:
        missing = len(word) != len(other) and apart(word, other) <= 1  # a letter too many or too few
        return word[0] == other[0] and (missing or sorted(word) == sorted(other))
    if len(word) >= 9 and word[:2] == other[:2] and abs(len(word) - len(other)) <= 2:
        return apart(word, other) <= 2
    return apart(word, other) <= 1 and (word[0] == other[0] or sorted(word) == sorted(other))


def same_person(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two spellings can be one person: each word of the shorter one is a word, or the initial, of the longer."""
    short, long = sorted((tuple(one), tuple(other)), key=len)
    left = list(long)
    whole = False
    for word in sorted(short, key=len, reverse=True):
        if word in left:
            left.remove(word)
            whole = whole or len(word) > 1
            continue
        fit = next((each for each in left if _shortened(word, each)), None)
        if fit is None:
            return False
        left.remove(fit)
    return whole


def place_fits(asked: Sequence[str], name: Sequence[str]) -> int:
    """How well words fit the name of a place: 4 all of it, EXACT all that was typed is in it, SLIP, or 0."""
    wanted = [word for word in asked if word not in _SMALL] or list(asked)
    there = [word for word in name if word not in _SMALL] or list(name)
    if not wanted or not there:
        return 0
    if sorted(wanted) == sorted(there):
        return 4
    if all(word in GENERIC for word in wanted):
        return 0
    worst = EXACT
    for word in wanted:
        if word in there:
            continue
        if not any(slip(word, other) for other in there):
            return 0
        worst = SLIP
    return worst


def distinctive(text: str) -> frozenset[str]:
    """The words of a place that no other place has."""
    return frozenset(words_of(text)) - GENERIC
