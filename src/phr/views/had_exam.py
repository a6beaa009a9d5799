"""Is it the same examination? What was done, at which part of the body, on which side: read from words, and compared.

The same words read a question and a record (`had_lexicon`), so neither decides alone how a thing is called. Four answers:
it is that (or a kind of it), perhaps, near (and what differs), or something else.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from phr.views import had_body as body
from phr.views import had_lexicon as lexicon
from phr.views.had_names import article, name, part_name, parts_named
from phr.views.had_sides import PURPOSE, SIDES, sided, spelt

YES, PERHAPS, NEAR, NO = "yes", "perhaps", "near", "no"
_NONE: frozenset[str] = frozenset()


class Exam(NamedTuple):
    """What a text names of examinations and operations."""

    acts: frozenset[str] = _NONE
    parts: frozenset[str] = _NONE
    flags: frozenset[str] = _NONE
    """Sides, contrast, angiography."""
    rest: tuple[str, ...] = ()
    """Words that mean neither."""

    @property
    def side(self) -> str | None:
        """`left`, `right`, `both`, or None where nothing is said."""
        if "both" in self.flags or {"left", "right"} <= self.flags:
            return "both"
        return next((one for one in ("left", "right") if one in self.flags), None)

    @property
    def contrast(self) -> str | None:
        """In words; None where nothing is said."""
        if "withboth" in self.flags or {"with", "without"} <= self.flags:
            return "without and with contrast"
        return next((f"{one} contrast" for one in ("without", "with") if one in self.flags), None)


NO_EXAM = Exam()


class Verdict(NamedTuple):
    """How one thing answers the question for another."""

    level: str
    why: str = ""
    """Why it counts, or what differs."""


@lru_cache(maxsize=1)
def _phrases() -> dict[str, list[tuple[tuple[str, ...], tuple[str, ...]]]]:
    """The phrases by their first word, the longest first."""
    found: dict[str, dict[tuple[str, ...], tuple[str, ...]]] = {}
    for ids, phrases in lexicon.entries():
        for phrase in phrases:
            words = tuple(word for word in spelt(phrase) if word not in SIDES)
            if words:
                found.setdefault(words[0], {}).setdefault(words, ids)
    return {first: sorted(of.items(), key=lambda one: -len(one[0])) for first, of in found.items()}


@lru_cache(maxsize=1)
def vocabulary() -> frozenset[str]:
    """Every word of the tables."""
    return frozenset(word for of in _phrases().values() for phrase, _ in of for word in phrase)


def phrases_of(ids: frozenset[str]) -> list[tuple[str, ...]]:
    """How any of these is said."""
    return [
        words for of in _phrases().values() for words, meant in of if ids & {one.rstrip("?") for one in meant}
    ]


@lru_cache(maxsize=8192)
def exam(text: str) -> Exam:
    """What a text names."""
    words, known = sided(spelt(text), _by_name()), _phrases()
    ids = [SIDES[word] for word in words if word in SIDES]
    ids += [PURPOSE[word] for word in words if word in PURPOSE]
    words = [word for word in words if word not in SIDES]  # they part phrases: repair of left inguinal hernia
    rest: list[str] = []
    at = 0
    while at < len(words):
        for phrase, meant in known.get(words[at], ()):
            if tuple(words[at : at + len(phrase)]) == phrase:
                ids += meant
                at += len(phrase)
                break
        else:
            rest.append(words[at])
            at += 1
    if ids == ["pet"] and rest and "PET" not in text:
        return Exam(rest=tuple(rest))  # an animal: a scan of that name stands in capitals, or says what it is
    return _settled(frozenset(ids), tuple(rest))


@lru_cache(maxsize=1)
def _by_name() -> dict[str, frozenset[str]]:
    """What the phrases of one and of two words name."""
    return {
        " ".join(phrase): frozenset(meant)
        for of in _phrases().values()
        for phrase, meant in of
        if len(phrase) <= 2
    }


def joined(exams: Iterable[Exam]) -> Exam:
    """Several texts about one thing."""
    found = list(exams)
    union = [frozenset[str]().union(*(one[at] for one in found)) for at in range(3)]
    return _settled(union[0] | union[1] | union[2], tuple(word for one in found for word in one.rest))


def _settled(ids: frozenset[str], rest: tuple[str, ...]) -> Exam:
    acts = ids - lexicon.PART_IDS - lexicon.FLAGS - {"chest?"}
    parts = ids & lexicon.PART_IDS
    flags = ids & lexicon.FLAGS
    if "chest?" in ids and not parts:
        parts |= {"chest"}
    if "views" in flags and not acts & lexicon.IMAGES and parts:
        acts |= {"xray"}
    if {"us", "angiography"} <= acts or ("angiography" in acts and acts & {"ct", "mri"}):
        acts, flags = acts - {"angiography"}, flags | {"angio"}
    if "mammo" not in acts:
        flags -= {"screening", "diagnostic"}
    if "stooldna" in acts:  # its name says blood too
        acts -= {"stoolblood"}
    if "us" in acts and parts == {"heart"}:
        acts = acts - {"us"} | {"echo"}
    if "cath" in acts and acts & {"ct"}:
        acts, flags, parts = acts - {"cath"}, flags | {"angio"}, parts | {"heart"}
    for broad in ("scan", "imaging", "endoscopy", "surgery"):
        if broad in acts and acts & _narrower(broad):
            acts -= {broad}
    if len(parts) > 1:
        parts -= {"joint", "vessel"} if parts - {"joint", "vessel"} else _NONE
    return Exam(acts, parts, flags, rest)


def _narrower(broad: str) -> frozenset[str]:
    if broad == "endoscopy":
        return frozenset(
            "egd colonoscopy bronchoscopy sigmoidoscopy cystoscopy capsule eus ercp laryngoscopy".split()
        )
    return lexicon.GROUPS[broad] | (frozenset(("imaging",)) if broad == "scan" else _NONE)


# ── comparing ─────────────────────────────────────────────────────────────────────────────────────


def accepted(act: str) -> frozenset[str]:
    """What counts as this."""
    return lexicon.GROUPS.get(act, _NONE) | {act}


def beside(acts: frozenset[str]) -> frozenset[str]:
    """Other looks into the same part of the body: what is near to a colonoscopy."""
    where = {body.AT[act] for act in acts & lexicon.SCOPES if act in body.AT}
    return frozenset(act for act in lexicon.SCOPES if body.AT.get(act) in where) - acts


def places(one: Exam) -> frozenset[str]:
    """The parts that are named, else those where it is always done."""
    return one.parts or frozenset(body.AT[act] for act in one.acts if act in body.AT)


def compare(asked: Exam, told: Exam) -> Verdict:
    """Whether what is told is what was asked for."""
    wanted = asked.acts - lexicon.NARROW
    met = [act for act in wanted if told.acts & accepted(act)]
    where = _where(asked, told)
    if not wanted or len(met) < len(wanted):
        near = bool(met) or (bool(places(asked) & places(told)) and _alike(asked, told))
        return Verdict(NEAR, f"{_an(told)}, not {_an(asked)}") if near else Verdict(NO)
    counted = frozenset[str]().union(*(accepted(act) for act in wanted))
    if intruder := _intruder(asked, told, counted):
        return Verdict(NEAR if where.level in (YES, PERHAPS) else NO, intruder)
    narrow = asked.acts & lexicon.NARROW
    if narrow - told.acts:
        if told.acts & lexicon.NARROW:
            return Verdict(NEAR, f"{_an(told)}, not {_an(asked)}")
        return Verdict(PERHAPS, f"it does not say whether it was {name(min(narrow - told.acts))}")
    if where.level not in (YES, PERHAPS):
        return where
    manner = _manner(asked, told)
    if manner.level == NEAR or where.level != YES:
        return manner if manner.level == NEAR else where
    if "angio" in asked.flags and "angio" not in told.flags:
        return Verdict(NEAR, "not of the blood vessels")
    if "angio" in told.flags and "angio" not in asked.flags and asked.parts:
        kind = f"{name('mri' if 'mri' in told.acts else 'ct')} of the blood vessels there"
        if not ("ct" in told.acts and "chest" in asked.parts):
            return Verdict(PERHAPS, f"a {kind}")
        where = Verdict(YES, f"a {kind}")
    return where if manner.level == YES else manner


def _manner(asked: Exam, told: Exam) -> Verdict:
    """In which way it was done, where that was asked for: contrast, what it is for, through which window."""
    if asked.contrast and asked.acts & {"ct", "mri"}:
        if told.contrast is None:
            return Verdict(PERHAPS, "it does not say whether contrast was given")
        if told.contrast not in (asked.contrast, "without and with contrast"):
            return Verdict(NEAR, f"{told.contrast}, not {asked.contrast}")
    for one, other in (("screening", "diagnostic"), ("diagnostic", "screening")):
        if one in asked.flags and other not in asked.flags and one not in told.flags:
            if other in told.flags:
                return Verdict(NEAR, f"a {other} mammogram, not a {one} one")
            if one == "diagnostic":
                return Verdict(PERHAPS, "it does not say whether it was a diagnostic one")
    if "tee" in asked.flags and "tee" not in told.flags:
        if "tte" in told.flags or "stress" in told.acts - asked.acts:
            return Verdict(NEAR, "a heart ultrasound from outside, not a transesophageal one")
        return Verdict(PERHAPS, "it does not say whether it was a transesophageal one")
    if "tte" in asked.flags and "tee" in told.flags - asked.flags and "tte" not in told.flags:
        return Verdict(NEAR, "a transesophageal one, not one from outside")
    return Verdict(YES)


def _intruder(asked: Exam, told: Exam, counted: frozenset[str]) -> str | None:
    """What the picture was only a part or a help of."""
    if not asked.acts <= lexicon.IMAGES:
        return None
    more = told.acts - counted - lexicon.BROAD - lexicon.NARROW
    if "pet" in more or ("nuclear" in more and counted & {"ct"}):
        return "part of a PET or nuclear scan, which is not the same"
    led = more - lexicon.IMAGES - {"stress"}
    if not led:
        return None
    named = [name(one) for one in sorted(led - {"guided"})]
    return f"only to guide {article(named[0])}" if named else "only to guide something else"


def _alike(asked: Exam, told: Exam) -> bool:
    """Pictures are near to pictures, operations to what else was done there."""
    if asked.acts & lexicon.IMAGES:
        return bool(told.acts & lexicon.IMAGES)
    return bool(told.acts)


def _where(asked: Exam, told: Exam) -> Verdict:
    """Parts and sides."""
    sited = asked.acts & lexicon.SITED or any(
        told.acts & (lexicon.GROUPS.get(one, _NONE)) for one in asked.acts
    )
    verdict = Verdict(YES)
    if sited and asked.parts:
        here = places(told)
        if not here:
            return Verdict(PERHAPS, "it does not say of which part of the body")
        found = {part: related(part, here, whole=bool(told.acts & {"ct", "mri"})) for part in asked.parts}
        if any(one == NO for one in found.values()):
            other = ", ".join(part_name(part) for part in sorted(here))
            return Verdict(NEAR, f"of the {other}, not of the {parts_named(asked.parts)}")
        if PERHAPS in found.values():
            return Verdict(PERHAPS, f"of the {parts_named(here)}: it may show the {parts_named(asked.parts)}")
        wider = here - asked.parts
        if wider and asked.parts <= here:
            verdict = Verdict(YES, f"with the {parts_named(wider)}")
        elif wider:
            verdict = Verdict(YES, f"of the {parts_named(here)}")
    if asked.side and not (asked.side == "both" and told.side is None):
        if told.side is None:
            return Verdict(PERHAPS, "it does not say on which side")
        if told.side not in (asked.side, "both"):
            return Verdict(
                NEAR,
                f"on the {told.side} side, not the {asked.side}"
                if asked.side != "both"
                else f"only on the {told.side} side",
            )
    return verdict


def related(part: str, here: frozenset[str], *, whole: bool = True) -> str:
    """Whether a picture of these parts is one of this part, may show it, or not."""
    if part in here:
        return YES
    for one in here:
        above = one
        while above in body.PARENT:
            above = body.PARENT[above]
            if above == part:
                return YES
    if "wholebody" in here and whole:
        return PERHAPS
    above = part
    while above in body.PARENT:
        above = body.PARENT[above]
        if above in here:
            return PERHAPS
    return PERHAPS if any((part, one) in body.CALLED for one in here) else NO


def _an(one: Exam) -> str:
    named = [name(act) for act in sorted(one.acts - lexicon.BROAD or one.acts)]
    return article(" with ".join(named)) if named else "something else"
