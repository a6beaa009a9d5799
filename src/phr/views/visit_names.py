"""Names of people and places as they are written, and whether two of them can mean the same one. Pure.

One source writes `Elena Martinez, MD`, another `Martinez, Elena M.`, a letter `Dr. Martinez`, and who looks for her types
`dr martines`. Titles and degrees are no part of a name; the order of its words and its accents do not matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from phr.views.words import apart
from phr.views.words import fold as _fold

TITLES = frozenset(
    "dr drs doctor doctora prof professor mr mrs ms miss mx sir dame herr frau sr sra nurse pharmacist med".split()
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
_STROKES = str.maketrans(
    {"ł": "l", "Ł": "l", "ø": "o", "Ø": "o", "đ": "d", "Đ": "d", "ð": "d", "þ": "th", "ß": "ss", "æ": "ae", "Æ": "ae",
     "œ": "oe", "ı": "i", "ħ": "h"}
)  # fmt: skip
"""Letters that no accent was put on, and that people type without their stroke."""


def fold(text: str) -> str:
    """Small letters without accents and strokes: `Łukasz Żółć` is `lukasz zolc`."""
    return _fold(text.translate(_STROKES))


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
    parts = [part for part in re.split(r"\s*[,;]\s*", text.strip()) if part]
    found: list[str] = []
    open_: str | None = None  # the family name at the end, which may wait for its given names
    for at, part in enumerate(parts):
        if found and _is_degrees(part):
            found[-1] = f"{found[-1]}, {part}"
            if open_ is not None and not _certain(open_):
                open_ = None
            continue
        if open_ is not None and _are_given(part, open_, parts[at + 1 :]):
            found[-1] = f"{found[-1]}, {part}"
            open_ = None
            continue
        found.append(part)
        open_ = part if _can_wait(part) else None
    return tuple(found)


_PARTICLES = frozenset(
    """
    de del della di da das do dos du la las le les los van von vom der den het ter ten zu zum zur af av al el bin bint ibn
    ben abu st saint san santa mc mac y e
    """.split()
)
"""Words that stand before a family name and belong to it."""


def _folded(part: str) -> list[str]:
    return [fold(word.replace(".", "")) for word in part.split()]


def _is_degrees(part: str) -> bool:
    return all(word in DEGREES for word in _folded(part))


def _bare(part: str) -> list[str]:
    """Its words without degrees: a family name of two with a hyphen is one word."""
    raw = part.split()
    return [
        word
        for at, (word, spelt) in enumerate(zip(_folded(part), raw, strict=True))
        if not at or word not in DEGREES or (word in _LIKE_NAMES and not spelt.replace(".", "").isupper())
    ]


def _family(part: str) -> list[str]:
    """Its words without those that stand before a family name."""
    bare = _bare(part)
    begin = next((at for at, word in enumerate(bare) if word not in _PARTICLES), len(bare))
    return bare[begin:] or bare[-1:]


def _can_wait(part: str) -> bool:
    """Whether it may be a family name alone: `Martinez MD`, `de la Cruz`, `García López`."""
    bare = _bare(part)
    if not bare or bare[0] in TITLES:
        return False
    return len(_family(part)) <= 2 and not any(len(word) == 1 and word not in _PARTICLES for word in bare)


def _certain(part: str) -> bool:
    """Whether it can be nothing but a family name: one word, or one behind `de la`, `van der`, `St.`."""
    bare = _bare(part)
    written = part.split()[0]
    behind = len(bare) - len(_family(part))
    return (
        len(bare) == 1
        or behind > 1
        or (behind == 1 and (written.islower() or bare[0] in ("st", "saint", "von")))
    )


def is_spoken(name: str) -> bool:
    """Whether it is written as one says it, not as a list is sorted: given names first, and not in capitals."""
    first, _, behind = name.partition(",")
    capitals = any(word.isupper() and len(word) > 3 and fold(word) not in DEGREES for word in first.split())
    return not capitals and not (behind and _certain(first))


def _are_given(part: str, family: str, behind: Sequence[str]) -> bool:
    """Whether it is the given names of the family name before it, and nobody else."""
    bare = _bare(part)
    if not bare or bare[0] in TITLES or len(bare) > 3:
        return False
    with_degree = len(_folded(family)) > len(_bare(family))
    own_degree = len(_folded(part)) > len(bare) or bool(behind and _is_degrees(behind[0]))
    if len(bare) > 1 and len(bare[-1]) == 1:  # `Elena R` has no family name of its own
        return True
    if with_degree and _certain(family):  # `Martinez MD, Elena Rosa`, but `Smith MD, Jones RN`
        return not own_degree
    if _certain(family):
        return True
    # `García López, María`, but `Elena Martinez, Brandt, Peter`
    return len(bare) == 1 and not (behind and not _is_degrees(behind[0]) and len(_bare(behind[0])) == 1)


def fits(asked: Sequence[str], name: Sequence[str], beside: Iterable[str] = ()) -> int:
    """The same as `likeness`, however the parts of a family name are written: `O Neill`, `delacruz`, `Saint John`."""
    found = likeness(asked, name, beside)
    if found >= SHORTENED:
        return found
    one, other = glued(asked), glued(name)
    if one == tuple(asked) and other == tuple(name):
        return found
    together = likeness(one, other, beside)
    return together if together >= SHORTENED else found


@lru_cache(maxsize=8192)
def _glued(words: tuple[str, ...]) -> tuple[str, ...]:
    found: list[str] = []
    waiting = ""
    for word in words:
        waiting += "saint" if word == "st" else word
        if word not in _PARTICLES and word not in ("o", "d", "l"):
            found.append(waiting)
            waiting = ""
    return (*found, waiting) if waiting else tuple(found)


def glued(words: Sequence[str]) -> tuple[str, ...]:
    """With what stands before a family name as one word with it: `de la Cruz` is `delacruz`, `Mc Donald` `mcdonald`."""
    return _glued(tuple(words))


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
