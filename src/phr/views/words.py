"""Words as the full-text index sees them: parted, without capitals and accents; and their simple English forms.

FTS5's `unicode61 remove_diacritics 2` (https://sqlite.org/fts5.html, 4.3.1) parts a text at everything that is neither
letter nor digit. What is compared in Python is parted the same way.
"""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+")
_LIGATURES = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d"}


def fold(text: str) -> str:
    """Small letters without accents, one character for each: places in the text stay what they were."""
    if text.isascii():
        return text.lower()
    return "".join(_folded(char) for char in text)


def _folded(char: str) -> str:
    if char.isascii():
        return char.lower()
    small = char.lower()
    base = unicodedata.normalize("NFKD", small)[:1] or " "
    return base if len(base) == 1 and not unicodedata.combining(base) else " "


def tokens(text: str) -> tuple[str, ...]:
    """The words of a text, in its order; an accent that stands alone belongs to the letter before it."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    return tuple(_WORD.findall(fold(text)))


def stem(word: str) -> str:
    """A word without its plural, for comparing: the same for `allergies` and `allergy`."""
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "xes", "sses", "zes")):
        return word[:-2]
    return word[:-1]


_BRITISH = (
    ("aemi", "emi"),
    ("haem", "hem"),
    ("oedema", "edema"),
    ("oesoph", "esoph"),
    ("oestr", "estr"),
    ("rrhoe", "rrhe"),
    ("paed", "ped"),
    ("gynae", "gyne"),
    ("tumour", "tumor"),
    ("colour", "color"),
    ("behaviour", "behavior"),
    ("labour", "labor"),
    ("isation", "ization"),
    ("anaes", "anes"),
    ("orthopae", "orthope"),
    ("leukae", "leuke"),
    ("litre", "liter"),
    ("centre", "center"),
    ("fibre", "fiber"),
    ("sulph", "sulf"),
    ("foet", "fet"),
    ("diarrhoea", "diarrhea"),
    ("caesar", "cesar"),
    ("faec", "fec"),
    ("coel", "cel"),
    ("pnoea", "pnea"),
    ("mould", "mold"),
    ("titre", "titer"),
    ("leuco", "leuko"),
    ("counsell", "counsel"),
    ("alised", "alized"),
    ("ilised", "ilized"),
    ("theatre", "theater"),
    ("programme", "program"),
)
_AMERICAN = (
    ("emia", "aemia"),
    ("emic", "aemic"),
    ("hemo", "haemo"),
    ("hema", "haema"),
    ("pediatr", "paediatr"),
    ("gynec", "gynaec"),
    ("anesth", "anaesth"),
    ("estra", "oestra"),
    ("estro", "oestro"),
    ("pnea", "pnoea"),
    ("fecal", "faecal"),
    ("celiac", "coeliac"),
    ("rrhea", "rrhoea"),
    ("mold", "mould"),
)
"""The other way round, where the American letters alone would be found in too many words."""


def forms(word: str) -> tuple[str, ...]:
    """Other forms in which the same word may stand: singular, plural, without its ending, in American spelling."""
    if len(word) < 4 or not word.isalpha():
        return ()
    spelled = [word]
    for british, american in _BRITISH:
        spelled += [one.replace(british, american) for one in spelled if british in one]
        if american in word and british not in word and len(american) > 4:
            spelled.append(word.replace(american, british))
    spelled += [
        word.replace(american, british)
        for american, british in _AMERICAN
        if american in word and british not in word
    ]
    found = []
    for one in dict.fromkeys(spelled):
        found += [one, stem(one), *_without_ending(one)]
        if one.endswith("y") and one[-2] not in "aeiou":
            found.append(one[:-1] + "ies")
    return tuple(dict.fromkeys(one for one in found if one != word and len(one) > 2))


def _without_ending(word: str) -> list[str]:
    if word.endswith(("ologist", "ologists")):
        return [word[: word.rindex("ist")] + "y"]
    if word.endswith("ology"):
        return [word[:-1] + "ist"]
    for ending in ("ing", "ed"):
        base = word[: -len(ending)]
        if word.endswith(ending) and len(base) > 3:
            doubled = base[-1] == base[-2] and base[-1] not in "sl"
            return [base[:-1]] if doubled else [base, base + "e"]
    return []


def one_slip(word: str) -> list[str]:
    """Every word that one slip away is this one: two letters exchanged, one too many, another, one missing."""
    letters = "etaoinsrhldcumfpgwybvkxjqz"
    parted = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    found = [a + b[1] + b[0] + b[2:] for a, b in parted if len(b) > 1]
    found += [a + b[1:] for a, b in parted if b]
    found += [a + letter + b for a, b in parted for letter in letters]
    found += [a + letter + b[1:] for a, b in parted if b for letter in letters]
    return [one for one in dict.fromkeys(found) if one != word]


def apart(one: str, other: str, most: int = 2) -> int:
    """How many slips lie between two words (optimal string alignment); more than `most` is `most` + 1."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, a in enumerate(one, 1):
        now = [row]
        for column, b in enumerate(other, 1):
            cost = min(last[column] + 1, now[column - 1] + 1, last[column - 1] + (a != b))
            if row > 1 and column > 1 and a == other[column - 2] and one[row - 2] == b:
                cost = min(cost, before[column - 2] + 1)
            now.append(cost)
        if min(now) > most:
            return most + 1
        before, last = last, now
    return last[-1]
