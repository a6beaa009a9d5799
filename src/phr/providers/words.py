"""Names in comparable spelling: small letters without marks, and words that mean the same.

The search and the update of the catalogue must agree on when two names are one, so both ask here.
"""

from __future__ import annotations

import re
import unicodedata

LIGHT = frozenset("of the and at for in a an inc llc pc pllc pa md ltd corp dba co".split())
"""Words that hardly tell one place from another."""

_SAME = (
    "st saint sainte|mt mount|ft fort|univ university u|hosp hospital hospitals|ctr center centre cntr centers"
    "|med medical|hlth health|mem memorial|reg regional|gen general|natl national|intl international"
    "|phys physicians physician|grp group|svcs services service svc|fam family|comm community|co county"
    "|assoc associates association assn|assocs associates|dr doctor|ped pediatric pediatrics peds paediatric"
    "|childrens children|sys system systems|dept department|clin clinic clinics|cnty county|inst institute"
    "|va veterans|ob obstetrics|gyn gynecology|ortho orthopedic orthopaedic orthopedics orthopaedics"
    "|n north|s south|e east|w west|nw northwest|ne northeast|sw southwest|se southeast|pt physical"
)
_STATES = (
    "al alabama|ak alaska|az arizona|ar arkansas|ca california|co colorado|ct connecticut|de delaware"
    "|dc district of columbia|fl florida|ga georgia|hi hawaii|id idaho|il illinois|in indiana|ia iowa|ks kansas"
    "|ky kentucky|la louisiana|me maine|md maryland|ma massachusetts|mi michigan|mn minnesota|ms mississippi"
    "|mo missouri|mt montana|ne nebraska|nv nevada|nh new hampshire|nj new jersey|nm new mexico|ny new york"
    "|nc north carolina|nd north dakota|oh ohio|ok oklahoma|or oregon|pa pennsylvania|pr puerto rico"
    "|ri rhode island|sc south carolina|sd south dakota|tn tennessee|tx texas|ut utah|vt vermont|va virginia"
    "|wa washington|wv west virginia|wi wisconsin|wy wyoming"
)
STATES: dict[str, str] = dict(row.split(" ", 1) for row in _STATES.split("|"))
"""`oh` → `ohio`."""
_SHORT = {long: short.upper() for short, long in STATES.items()}

SAME: dict[str, tuple[str, ...]] = {}
"""A word and the others that mean it."""
for _row in _SAME.split("|"):
    for _word in _row.split():
        SAME[_word] = tuple(dict.fromkeys((*SAME.get(_word, ()), *(w for w in _row.split() if w != _word))))
_FIRST: dict[str, str] = {word: row.split()[0] for row in reversed(_SAME.split("|")) for word in row.split()}

# Points and apostrophes vanish (St. Mary’s, M.D.); everything else that is no letter or digit parts words.
_TABLE = [" "] * 128
for _code in range(128):
    if chr(_code).isalnum():
        _TABLE[_code] = chr(_code).lower()
_TABLE[10] = "\n"
_MAP: dict[int, str | None] = {**dict(enumerate(_TABLE)), ord("'"): None, ord("."): None}
_APOSTROPHES = str.maketrans("", "", "’‘ʼ`´")
_GAP = re.compile(r"[^\x00-\x7f]+")


def fold(text: str) -> str:
    """Small ASCII letters, digits and spaces; line breaks stay, so that a whole column can be folded at once."""
    if not text.isascii():
        text = "\n".join(line if line.isascii() else _plain(line) for line in text.split("\n"))
    return text.translate(_MAP)


def _plain(line: str) -> str:
    """Without diacritics; other foreign marks become spaces."""
    marks = unicodedata.normalize("NFKD", line.translate(_APOSTROPHES))
    return _GAP.sub(" ", "".join(c for c in marks if not unicodedata.combining(c)))


def words(text: str) -> list[str]:
    return fold(text).split()


def canonical(text: str) -> tuple[str, ...]:
    """The words of a name, each in one spelling, without those that hardly count (unless there are no others)."""
    found = [_FIRST.get(word, word) for word in words(text)]
    return tuple(word for word in found if word not in LIGHT) or tuple(found)


def state(text: str) -> str:
    """`Ohio`, `oh` → `OH`; anything else as it is."""
    plain = " ".join(words(text))
    return plain.upper() if plain in STATES else _SHORT.get(plain, text.strip())
