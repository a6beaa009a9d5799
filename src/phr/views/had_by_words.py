"""What is asked for by its name alone: an illness, a medicine, a test that no table knows.

All words have to stand in the title or in the names of the codes, or an equal name of the whole. Words that are only near
(the synonyms of the search) make it perhaps.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from phr.views.concepts import Concept
from phr.views.had_exam import NEAR, NO, PERHAPS, YES, Verdict
from phr.views.had_query import Asked, equivalents
from phr.views.had_words import groups_of
from phr.views.words import stem, tokens

if TYPE_CHECKING:
    from phr.views.had_record import Told

_NOT_HAD = (
    (r"family history|fh:|relative", "of a relative, not yours"),
    (
        r"without diagnosis|no history|no evidence|negative for|never had|ruled out|\bno known\b|denies",
        "it says that it was not so",
    ),
    (r"suspect|possible|probable|rule out|query\b|\?$", "only suspected"),
    (r"exposure|contact with|exposed", "only contact with it"),
    (r"at risk|risk of|risk for|high risk|concern about|fear of|worried", "only a risk of it"),
    (r"screening|encounter for|vaccination|immuni[sz]ation|need for|education|counsel|prevention|prophyla|immunity"
     r"|immune to",
     "about preventing or looking for it"),
    (r"carrier", "only a carrier of it"),
    (r"heat stroke|heatstroke|insipidus", "something else of that name"),
)  # fmt: skip
_MINE = (
    "imaging procedure lab_result vital_sign immunization medication problem device clinical_note questionnaire order"
    " appointment task claim encounter other".split()
)
_OTHERWISE = {
    "allergy": "an allergy to it",
    "family_history": "of a relative, not yours",
    "goal": "only a goal",
    "care_plan": "only planned",
    "document": "a document that names it",
    "clinical_note": "a note that names it",
    "claim": "only a bill",
    "problem": "a diagnosis, not what was asked for",
    "medication": "a medicine, not what was asked for",
    "immunization": "the vaccine, not the illness",
    "lab_result": "a test for it, not the thing itself",
    "questionnaire": "an answer in a form",
}
_ASKED_FOR = ("order", "appointment", "task")


def worded(asked: Asked, one: Told) -> Verdict:
    """Whether a record is called what was asked for."""
    names = [*one.names, *(str(code[1]) for code in one.codes if code[1] and "-" in str(code[1]))]
    texts = [f" {' '.join(map(stem, tokens(name)))} " for name in names]
    if one.kind == "immunization" and asked.kinds == ("problem",):
        if set(groups_of(" ".join(one.names), one.codes)) & set(asked.vaccines):
            return Verdict(NEAR, _OTHERWISE[one.kind])
        return Verdict(NO)
    levels = [_held(concept, texts) for concept in asked.concepts]
    if not levels or NO in levels:
        return Verdict(NO)
    level = PERHAPS if PERHAPS in levels else YES
    if one.kind in ("problem", "encounter"):
        words = " ".join(one.names).casefold()
        for pattern, why in _NOT_HAD:
            if re.search(pattern, words):
                return Verdict(NEAR, why)
        if one.status in ("refuted",):
            return Verdict(NEAR, "it was ruled out")
        if re.match("unconfirmed|provisional|differential", one.description or ""):
            return Verdict(PERHAPS, "not confirmed")
    if one.kind in ("family_history", "goal", "care_plan", "document", "claim"):
        return Verdict(NEAR, _OTHERWISE[one.kind])
    if one.kind == "clinical_note" and one.type != "DiagnosticReport":
        return Verdict(NEAR, _OTHERWISE[one.kind])
    if asked.kinds and one.kind not in asked.kinds:
        if one.kind in _ASKED_FOR and asked.kinds != ("problem",):
            return Verdict(level)
        if not ("lab_result" in asked.kinds and (one.type == "DiagnosticReport" or one.kind == "other")):
            return Verdict(NEAR, _OTHERWISE.get(one.kind, "something else of that name"))
    if not asked.kinds and one.kind not in _MINE:
        return Verdict(NEAR, _OTHERWISE.get(one.kind, "something else of that name"))
    return Verdict(
        level, f"recorded in other words, which may mean it: {one.title}" if level == PERHAPS else ""
    )


def _held(concept: Concept, texts: list[str]) -> str:
    """Whether any name says this: itself, an equal name, or something near."""
    own = [stem(word) for word in tokens(concept.text)]
    if any(_all_in(own, text) for text in texts):
        return YES
    if any(_all_in(list(other), text) for other in equivalents(concept) for text in texts):
        return YES
    for way in concept.ways:
        words = [stem(word) for word in way.words]
        if any(_opposite(word, other) for word in own for other in words):
            continue
        if not way.literal and way.weight >= 0.7 and any(_all_in(words, text) for text in texts):
            return YES if len(own) == 1 and _is_drug(concept) else PERHAPS
    return NO


_OPPOSITES = (("hypo", "hyper"), ("brady", "tachy"), ("low", "high"), ("under", "over"))


def _opposite(word: str, other: str) -> bool:
    """Whether one says too little of what the other says too much of."""
    return any(
        (word.startswith(one) and other.startswith(two)) or (word.startswith(two) and other.startswith(one))
        for one, two in _OPPOSITES
    )


def _is_drug(concept: Concept) -> bool:
    return "medication" in concept.prefers


def _all_in(words: list[str], text: str) -> bool:
    """All of the words; a long one may go on: `tonsill` in `tonsillitis`."""
    return bool(words) and all(
        f" {word} " in text
        or (len(word) > 6 and f" {word}" in text)
        or (len(word) > 3 and re.search(rf" {re.escape(word)}\d", text) is not None)
        for word in words
    )
