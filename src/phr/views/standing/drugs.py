"""What a drug is called, whatever strength and form its order has: the runs of a treatment are made of these names.

RxNorm names a clinical drug as ingredient, strength, dose form and brand in brackets (RxNorm, "Appendix 5, term types").
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from phr.packs.words import tokens

_STRENGTH = re.compile(
    r"(?<![\w.])(\d[\d,]*(?:\.\d+)?)\s*(mg|mcg|ug|µg|g|meq|units?|unt|iu|%)(?:\s*/\s*(\d*(?:\.\d+)?\s*[a-z]+))?(?![a-z])",
    re.IGNORECASE,
)
_BRACKETS = re.compile(r"\s*[\[({][^\[\](){}]*[\])}]\s*")
_PARTS = re.compile(r"\s+/\s+|\s+and\s+|\s*\+\s*|(?<=[a-z])[-/](?=[a-z]{4})", re.IGNORECASE)
_FORMS = frozenset(
    """
    actuat act oral tablet tablets tab tabs capsule capsules cap caps solution suspension injection injectable inhaler
    inhalation metered dose powder extended release er xr xl sr dr delayed chewable cream ointment gel patch spray nasal
    ophthalmic topical prefilled syringe pen pack kit day hr hour hours vial ml mg mcg ug g l unt unit units iu meq film
    coated disintegrating sublingual rectal suppository drops lotion foam transdermal system nebulizer nebulization
    intravenous subcutaneous intramuscular product liquid syrup elixir concentrate for use in by of the daily once twice
    human hydrochloride hcl sodium potassium calcium maleate besylate tartrate succinate sulfate acetate mesylate fumarate
    citrate phosphate bromide monohydrate anhydrous dihydrate hydrate nda nda020503 dry 24 12 hfa
    """.split()
)
_KEPT = frozenset(("sodium chloride", "potassium chloride", "calcium carbonate", "calcium"))


@lru_cache(maxsize=8192)
def substance(title: str) -> str:
    """The drug without strength, form, salt and brand: the same for all its orders."""
    bare = _BRACKETS.sub(" ", title)
    parts = {_ingredient(part) for part in _PARTS.split(bare)}
    return " / ".join(sorted(filter(None, parts))) or " ".join(tokens(title))


def _ingredient(part: str) -> str:
    words = [word for word in tokens(_STRENGTH.sub(" ", part)) if not word[0].isdigit()]
    if " ".join(words[:2]) in _KEPT:
        return " ".join(words[:2])
    return " ".join(word for word in words if word not in _FORMS)


@lru_cache(maxsize=8192)
def named(title: str) -> str:
    """The drug as a milestone names it: what stands in brackets explains it, and is left out."""
    bare = " ".join(_BRACKETS.sub(" ", title).split()).strip(" ,;-")
    return bare or title


class Strength(NamedTuple):
    """How strong: comparable where unit and form are the same."""

    amount: Decimal
    unit: str
    words: str


@lru_cache(maxsize=8192)
def strength(title: str) -> Strength | None:
    """The one strength in a name; None where there is none, or several (a drug of two substances)."""
    found = strengths(_BRACKETS.sub(" ", title))
    return found[0] if len(found) == 1 else None


def strengths(text: str) -> list[Strength]:
    """Every strength in a text. Grams and micrograms are told in milligrams, to be compared."""
    return [_strength(*found) for found in _STRENGTH.findall(text)]


def _strength(amount: str, unit: str, per: str) -> Strength:
    spelled = unit.lower()
    into, much = _SAME.get(spelled, (spelled, Decimal(1)))
    number = Decimal(amount.replace(",", ""))
    return Strength(
        number * much, f"{into}/{per}".lower().replace(" ", "").rstrip("/"), f"{amount} {spelled}"
    )


_SAME = {
    "g": ("mg", Decimal(1000)),
    "mcg": ("mg", Decimal("0.001")),
    "ug": ("mg", Decimal("0.001")),
    "µg": ("mg", Decimal("0.001")),
    "units": ("unit", Decimal(1)),
    "unt": ("unit", Decimal(1)),
    "iu": ("unit", Decimal(1)),
}
