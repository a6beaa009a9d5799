"""What an order or a report is about, and everything in the record that may be the same (for `phr missing`).

An order becomes a question as `phr had` asks them, so both say the same about what is the same examination.
"""

from __future__ import annotations

import re
from functools import lru_cache

from phr.records.elements import walk, words_of
from phr.records.measures import MEASURES
from phr.views.had_exam import PERHAPS, YES, exam, joined
from phr.views.had_measured import measures_of
from phr.views.had_query import Asked
from phr.views.had_record import Told, matching, row_of, with_bytes
from phr.views.had_role import role
from phr.views.had_told import told
from phr.views.missing_ground import Ground, Row
from phr.views.panels import PANELS
from phr.views.titles import plain
from phr.views.words import stem, tokens


def wanted(row: Row) -> Asked:
    """The order as a question: an examination, measurements, or its words."""
    title = plain(row.title)
    texts = [*row.names, *(words for site in walk(row.raw, ("bodySite",)) if (words := words_of(site)))]
    for panel in PANELS:
        said = {" ".join(map(stem, tokens(name))) for name in (*row.names, title)}
        keys = {" ".join(map(stem, tokens(word))) for word in (*panel.words, panel.name)}
        if (
            any(key in one and " " in key for key in keys for one in said)
            or (said & keys and panel.id in ("cbc", "bmp", "cmp", "lipids", "liver"))
            or any(_is_short(one, keys) for one in said)
        ):
            return Asked(title, "panel", panel=panel)
    probe = Told(
        row.id,
        row.kind,
        title,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        row.codes,
        None,
        row.resource,
        None,
        None,
        None,
    )
    if measures := measures_of(probe) or _measures_named(title):
        return Asked(title, "measure", measures=tuple(sorted(measures)))
    named = joined(exam(text) for text in texts)
    if named.acts - {"imaging", "scan"}:
        return Asked(title, "exam", exam=named._replace(flags=named.flags - {"with", "without", "withboth"}))
    return Asked(title, "words")


_BESIDE = frozenset(
    "with w wo without and auto automated manual differential diff platelet plt count reflex panel profile blood serum"
    " repeat routine fasting lab".split()
)
_SHORT = frozenset("cbc fbc hemogram bmp cmp lft tft lipid lipids".split())


def _is_short(said: str, keys: set[str]) -> bool:
    """Whether a name is the short one of a panel and says nothing more: `CBC with differential`."""
    words = set(said.split())
    named = words & keys & _SHORT
    return bool(named) and words - named <= _BESIDE


_ELSEWHERE = re.compile(r"\b(?:urine|csf|spinal fluid|stool|saliva|sweat|fluid|24 ?h)", re.IGNORECASE)


@lru_cache(maxsize=4096)
def _measures_named(title: str) -> frozenset[str]:
    """Measurements that an order names among other words: `TSH, repeat in six weeks`."""
    if _ELSEWHERE.search(title):
        return frozenset()
    said = f" {' '.join(tokens(title))} "
    fits = [
        (one.id, words)
        for one in MEASURES
        for name in (*one.words, one.name)
        if len(words := " ".join(tokens(name))) > 2
        and f" {words} " in said
        and name not in ("sugar", "salt", "fever", "pulse")
    ]
    return frozenset(
        id_ for id_, words in fits if not any(words in other and words != other for _, other in fits)
    )


def evidence(ground: Ground, row: Row) -> list[Told]:
    """Everything that may be the result, found once for all orders of the same thing."""
    asked = wanted(row)
    if asked.kind == "words":
        return _by_words(ground, row)
    key = (
        asked.kind,
        asked.measures,
        asked.panel.id if asked.panel else None,
        asked.exam.acts,
        asked.exam.parts,
        asked.exam.flags,
    )
    if key not in ground._cache:
        found = told(ground.db, asked)
        ground._cache[key] = sorted(
            (one for one in found if one.level in (YES, PERHAPS)), key=lambda one: one.date_from or 0
        )
    return list(ground._cache[key])


_SPECIMENS = frozenset(
    "urine stool fecal sputum throat csf wound nasal saliva sweat semen blood vaginal synovial".split()
)


def _elsewhere(asked: set[str], said: set[str]) -> bool:
    """Whether both name what was examined, and it is not the same: a blood culture is no urine culture."""
    here, there = asked & _SPECIMENS, said & _SPECIMENS
    return bool(here and there and not here & there)


_SMALL = frozenset(
    "in or of by s p ser plas serum plasma blood volume mass moles presence the and with without for to test level"
    " panel a an measurement procedure finding urine number count w o wo total quantitative".split()
)


def _by_words(ground: Ground, row: Row) -> list[Told]:
    """What has one of its codes, or all of its telling words."""

    title = plain(row.title)
    telling = [word for word in tokens(title) if word not in _SMALL and len(word) > 2]
    coded = {(code[0], code[1]) for code in row.codes if code[1]}
    key = ("words", tuple(telling), tuple(sorted(map(str, coded))))
    if key in ground._cache:
        return list(ground._cache[key])
    phrases = [found for _, code in coded if (found := tokens(str(code)))]
    if telling:
        phrases.append((max(telling, key=len),))
    kinds = [
        "lab_result",
        "imaging",
        "procedure",
        "clinical_note",
        "vital_sign",
        "other",
        "questionnaire",
        "claim",
        "immunization",
        "document",
    ]
    alike: list[Told] = []
    for each in matching(ground.db, phrases, kinds):
        one = row_of(each)
        said = {stem(word) for name in (*one.names, plain(one.title)) for word in tokens(name)}
        if _elsewhere({stem(word) for word in tokens(title)}, said):
            continue
        same = bool(coded & {(code[0], code[1]) for code in one.codes})
        if same or (telling and {stem(word) for word in telling} <= said):
            one.level = YES
            alike.append(one)
    with_bytes(ground.db, [one for one in alike if one.type != "Observation"])
    for one in alike:
        one.role, one.said = role(one.type, one.status, one.raw, one.title, one.description)
    ground._cache[key] = sorted(alike, key=lambda one: one.date_from or 0)
    return list(ground._cache[key])
