"""Denials: "no known allergies", "no known problems", "no known medications", and words for "nobody said".

A source says so by negationInd, by a code, or in words. Each becomes the one SNOMED CT concept that denies, never a
finding of that name; what merely says that nobody asked is no statement at all.
"""

from __future__ import annotations

import re

from phr.ccda.read.entries.meaning import Concept, coded, codes_of, within, without, words_of
from phr.ccda.reading_codes import (
    NO_KNOWN_ALLERGIES,
    NO_KNOWN_ALLERGY_CODES,
    NO_KNOWN_MEDICATION_CODES,
    NO_KNOWN_MEDICATIONS,
    NO_KNOWN_PROBLEM_CODES,
    NO_KNOWN_PROBLEMS,
    SNOMED_URI,
)

_DENIED: dict[str, str | None] = {
    "drug": "medication", "drugs": "medication", "medication": "medication", "medications": "medication",
    "medicine": "medication", "food": "food", "environmental": "environment", "latex": "latex", "adverse": None,
}  # fmt: skip
_ALLERGY_WORDS = frozenset("allergy allergies allergens intolerances reactions sensitivities".split())
_SHORT = {"nka": None, "nkda": "medication", "nkma": "medication", "nkfa": "food", "none known": None}
"""How clinicians abbreviate "no known (drug, food) allergies"."""


_PROBLEM_WORDS = frozenset("problem problems diagnosis diagnoses condition conditions illness".split())
_DRUG_WORDS = frozenset("medication medications meds drug drugs medicine medicines".split())
_NO_DRUG = frozenset(("410942007",))
"""Drug or medicament: "no known medications" only where it is negated."""

_DENIAL = re.compile(
    r"(?:the )?(?:patient )?(?:has |reports |takes |is (?:currently )?(?:taking|on) )?"
    r"(?:no|denies any|denies) (?:known |current |active |present |home |prescribed )*"
    r"(?P<what>[a-z]+)(?: (?:or|and|/) [a-z]+)?(?: (?P<more>[a-z]+))?(?: known| at this time)?"
)


def denial(found: Concept | None) -> tuple[str, ...] | None:
    """The words that "no known …" denies, if that is what a concept says; None if it says something else."""
    words = words_of(found)
    if words is None:
        return None
    plain_words = " ".join(re.sub(r"[^\w/]+", " ", words.casefold()).split())
    match = _DENIAL.fullmatch(plain_words)
    if match is None:
        return None
    return tuple(word for word in (match["what"], match["more"]) if word)


_NOTHING_SAID = re.compile(
    r"(?:(?:allergies|problems|medications|immunizations|history) (?:are |is )?)?"
    r"(?:no|not|none) .*(?:on file|recorded|documented|available|information|entered|reviewed|assessed|applicable).*"
    r"|(?:none|unknown|no data|not known|no information|n a|unable to obtain)"
)


def says_nothing(found: Concept | None) -> bool:
    """Whether a concept without codes is a word for "nobody said": no statement, neither way."""
    words = words_of(found)
    if words is None or codes_of(found):
        return found is None
    return _NOTHING_SAID.fullmatch(" ".join(re.sub(r"\W+", " ", words.casefold()).split())) is not None


def no_known_allergies(found: Concept | None) -> Concept | None:
    """A concept that says "no known allergies", with the SNOMED CT code that everybody knows at its head."""
    if found is None:
        return None
    category = _category(found)
    if category == "":
        return None
    own = within(found, NO_KNOWN_ALLERGY_CODES)
    displays = dict(NO_KNOWN_ALLERGIES.values())
    if own in displays:
        return _denying(found, own, displays[own])
    head = coded(SNOMED_URI, *NO_KNOWN_ALLERGIES[category])["coding"]
    more = found if own is None else _denying(found, own, NO_KNOWN_ALLERGIES[category][1])
    return {"coding": [*head, *more.get("coding", [])], "text": words_of(more)}


_NEGATIVE = re.compile(r"\b(no|not|none|never|nil|negative|without|denie[sd]|nk\w*a)\b", re.IGNORECASE)


def _denying(found: Concept, own: str, display: str) -> Concept:
    """A concept that denies by its code, in words that deny too: some call "no known latex allergy" just "Latex"."""
    if _NEGATIVE.search(words_of(found) or display):
        return found
    codings = [
        each | {"display": display} if each["code"] == own else each for each in found.get("coding", ())
    ]
    return {"coding": codings, "text": display}


def _category(found: Concept) -> str | None:
    """The category that a concept denies allergies of; "" if it denies nothing."""
    own = within(found, NO_KNOWN_ALLERGY_CODES)
    words = (words_of(found) or "").casefold().strip(" .")
    said = denial(found)
    for short in (words, words.partition(" ")[0].strip("():;,-.")):
        if short in _SHORT:
            return _SHORT[short]
    if said and said[-1] in _ALLERGY_WORDS and (len(said) == 1 or said[0] in _DENIED):
        return _DENIED.get(said[0])
    return "" if own is None else None


def no_known_problems(found: Concept | None) -> Concept | None:
    """A concept that says "no known problems", with the SNOMED CT code for it at its head."""
    if found is None:
        return None
    if own := within(found, NO_KNOWN_PROBLEM_CODES):
        return _denying(found, own, NO_KNOWN_PROBLEMS[1])
    said = denial(found)
    if said and said[-1] in _PROBLEM_WORDS and not codes_of(found):
        return coded(SNOMED_URI, *NO_KNOWN_PROBLEMS) | {"text": words_of(found)}
    return None


def no_known_medications(found: Concept | None, *, negated: bool) -> Concept | None:
    """A concept that says "no known medications", with the SNOMED CT code for it; None if it is a medicine."""
    head = coded(SNOMED_URI, *NO_KNOWN_MEDICATIONS)
    code = within(found, NO_KNOWN_MEDICATION_CODES)
    if found is not None and code is not None and code not in _NO_DRUG:
        return _denying(found, code, NO_KNOWN_MEDICATIONS[1])
    if negated and (code is not None or found is None):
        words = words_of(without(found, NO_KNOWN_MEDICATION_CODES))
        return head | {"text": words} if words else head
    said = denial(found)
    if said and said[-1] in _DRUG_WORDS and not codes_of(found):
        return head | {"text": words_of(found)}
    return None
