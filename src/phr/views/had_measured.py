"""Measurements and panels of a question: by the codes that mean the same, else by a name that says nothing more."""

from __future__ import annotations

from functools import lru_cache

from phr.records.measures import BY_CODE
from phr.views.had_exam import NEAR, YES
from phr.views.had_query import Asked
from phr.views.had_record import Told
from phr.views.words import stem, tokens

_USUAL = frozenset(
    "25 oh hydroxy total level serum plasma blood test quantitative direct calc calculated random fasting mass volume mole"
    " in or of by s p ser plas bld lab measurement panel venous the cholesterol ngsp ifcc dcct hplc whole with and final"
    " estimated eag automated count auto result".split()
)

LEAST = {"lipids": 3, "liver": 3, "kidney": 2, "cbc": 4, "bmp": 5, "cmp": 9, "thyroid": 2, "iron": 2}
"""So many measurements of one day make the panel, where no report is called so."""


def measures_of(one: Told) -> frozenset[str]:
    """What a result measures, by its codes; by its name where it has none that is known."""
    known = {BY_CODE[str(code[1])].id for code in one.codes if code[1] in BY_CODE}
    return frozenset(known) or next((found for name in one.names if (found := _by_name(name))), frozenset())


@lru_cache(maxsize=4096)
def _by_name(title: str) -> frozenset[str]:
    from phr.records.measures import MEASURES

    words = tokens(title)
    said = set(words)
    found: dict[str, int] = {}
    for one in MEASURES:
        every = {word for name in (*one.words, one.name) for word in tokens(name)}
        for name in (*one.words, one.name):
            own = tokens(name)
            if own and len(" ".join(own)) > 1 and set(own) <= said and not said - every - _USUAL:
                found[one.id] = max(found.get(one.id, 0), len(own))
    best = max(found.values(), default=0)
    return frozenset(id_ for id_, size in found.items() if size == best)


def measured(asked: Asked, one: Told) -> bool:
    """Whether a record is this measurement, the panel, or one of its members; and how sure that is."""
    wanted = frozenset(asked.measures or (asked.panel.measures if asked.panel else ()))
    measures = measures_of(one)
    named = bool(asked.panel and _is_panel(asked, one))
    if one.kind in ("clinical_note", "document") and one.type not in ("DiagnosticReport",):
        return False
    if named:
        one.level, one.group = YES, "panel"
    elif measures & wanted:
        one.level, one.group = YES, "member" if asked.panel else "measure"
    elif not asked.panel and any(
        stem(word) in {stem(w) for w in tokens(one.title)} for word in _heads(asked)
    ):
        one.level, one.why = NEAR, "measured in another way, or something else of that name"
    else:
        return False
    return True


def _heads(asked: Asked) -> list[str]:
    return [word for word in tokens(asked.text) if len(word) > 3 and word not in _USUAL]


_SHORT = ("cbc", "bmp", "cmp", "fbc", "lft", "tft", "hemogram")


def _is_panel(asked: Asked, one: Told) -> bool:
    if asked.panel is None or one.type == "Observation":
        return asked.panel is not None and one.value is None and _says_panel(asked, one)
    return _says_panel(asked, one)


def _says_panel(asked: Asked, one: Told) -> bool:
    if asked.panel is None:
        return False
    for name in one.names:
        said = f" {' '.join(map(stem, tokens(name)))} "
        for word in (*asked.panel.words, asked.panel.name):
            key = " ".join(map(stem, tokens(word)))
            if (
                len(key) > 2
                and f" {key} " in said
                and (
                    " " in key
                    or len(said.split()) < 3
                    or "panel" in said
                    or (key in _SHORT and one.value is None)
                )
            ):
                return True
    return False
