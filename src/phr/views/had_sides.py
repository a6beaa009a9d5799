"""Words as `had_exam` reads them: parted, in American spelling, with the sides of the body told from other letters."""

from __future__ import annotations

from collections.abc import Mapping

from phr.views import had_body as body
from phr.views.words import stem, tokens

SKIPPED = frozenset("of the my a an your his her was were been structure region entire".split())
_SPELT = (
    ("oesoph", "esoph"),
    ("haem", "hem"),
    ("caesar", "cesar"),
    ("gynaec", "gynec"),
    ("foet", "fet"),
    ("faec", "fec"),
    ("isation", "ization"),
    ("ised", "ized"),
)
PURPOSE = {
    **dict.fromkeys(("screening", "screen"), "screening"),
    **dict.fromkeys(("diagnostic", "diag", "dx"), "diagnostic"),
}
"""What a mammogram is for: two examinations with one name."""
SIDES = {
    **dict.fromkeys(("left", "lt", "lft"), "left"),
    **dict.fromkeys(("right", "rt", "rgt"), "right"),
    **dict.fromkeys(("bilateral", "both", "bilat", "bilaterally"), "both"),
}


def spelt(text: str) -> list[str]:
    """The words of a text, each without its plural."""
    found = []
    for word in tokens(text):
        for british, american in _SPELT:
            word = word.replace(british, american)
        if word not in SKIPPED:
            found.append(stem(word))
    return found


def sided(words: list[str], parts: Mapping[str, frozenset[str]]) -> list[str]:
    """A lone letter as a side: `L knee`, `knee R`; `OD`, `OS`, `OU` where an eye is named.

    `parts`: what one or two words name.
    """
    if not {"l", "r", "od", "os", "ou"} & set(words):
        return words
    named = [parts.get(word, frozenset()) for word in words]
    ahead = [one | parts.get(" ".join(words[at : at + 2]), frozenset()) for at, one in enumerate(named)]
    eyes = any(one & body.EYES for one in ahead) or "cataract" in words
    found = []
    for at, word in enumerate(words):
        beside = ahead[at + 1 : at + 2] + named[max(0, at - 1) : at]
        if word in ("l", "r") and any(one & body.PAIRED for one in beside):
            word = {"l": "left", "r": "right"}[word]
        elif eyes and word in ("od", "os", "ou"):
            word = {"od": "right", "os": "left", "ou": "both"}[word]
        found.append(word)
    return found
