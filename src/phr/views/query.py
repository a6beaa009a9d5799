"""What a person types into a search: words, phrases, filters such as `kind:lab after:2024`, and plain talk about time.

Nothing here can be a mistake: a prefix that is none, a date that is none, a quote that never ends are words like others.
`full_text_query` is the exact way, for `--search` of the timeline and of exports: what was typed, and nothing beside it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date
from typing import NamedTuple

from phr.views.said_time import dated_word, day_before, parted_from_time
from phr.views.words import stem, tokens

KINDS_SAID = {
    "lab_result": "lab labs result bloods bloodwork test",
    "vital_sign": "vital sign measurement vitals",
    "problem": "problem condition diagnosis diagnoses disease illness dx",
    "medication": "medication med medicine drug pill prescription rx",
    "allergy": "allergy intolerance reaction",
    "immunization": "immunization immunisation vaccine vaccination shot jab vax",
    "procedure": "procedure surgery surgeries operation",
    "encounter": "encounter visit hospitalization stay admission",
    "imaging": "imaging scan xray radiology image",
    "clinical_note": "note clinical_notes letter",
    "document": "document doc file pdf letter",
    "care_plan": "plan careplan",
    "goal": "goal",
    "care_team": "team careteam doctor",
    "social_history": "social lifestyle habit",
    "family_history": "family relative",
    "device": "device implant equipment",
    "message": "message mail email communication",
    "task": "task todo reminder",
    "appointment": "appointment appt booking",
    "order": "order referral request",
    "coverage": "coverage insurance",
    "claim": "claim bill eob cost",
    "questionnaire": "questionnaire form survey",
    "directive": "directive will consent",
    "other": "other",
}
_STATES = {
    "abnormal": "abnormal",
    "bookmarked": "bookmarked",
    "starred": "bookmarked",
    "favorite": "bookmarked",
    "corrected": "corrected",
    "edited": "corrected",
    "mine": "mine",
    "own": "mine",
    "active": "active",
    "current": "active",
}
_HAVING = {
    "document": "document",
    "attachment": "document",
    "file": "document",
    "note": "note",
    "notes": "note",
    "tag": "tag",
    "tags": "tag",
    "value": "value",
}
# Words that say nothing about what is looked for.
_STOP = frozenset(
    """a about after all also am an and any anything are as at be because been before being between but by can could
    did do does done during either ever every everything find for from further get give given go going got had has have
    having he her him his how i i'd i'm i've if in into is it it's its let list look looking many may me mine much my
    myself need of off ok on or our out over please s same search see seen she should show so some something t tell than
    that the their them there these they thing things this those to too under until up us was we well were what what's
    when where which while who whom whose why will with without would yes you your dr doctor's mr mrs ms whats hows
    record entry information info happen happened happening took taken take taking have said say says want
    wanted currently using use tell told ask asked really actually just ever lately okay there here put keep kept know
    think thought seem seems called call feel feeling feels felt make makes made since supposed people someone anyone
    down gone moved move whether lot lots bit thanks thank help hello hi kindly possible
    explain explained mean means meant got gets getting myself happens""".split()
)
# They are found where they stand in a record, but nothing is left out for want of them.
_WEAK = frozenset(
    """level test result reading value number check doctor dr history report date time normal range status
    count score amount measurement panel work screening exam finding recent medical health patient detail name new
    worse better worsening improving falling rising dropping trend change changed back come came getting often fast
    slow long still again good ok positive negative swab over
    due pending outstanding overdue active ongoing existing
    spring summer autumn winter morning night times each per
    data visit year month week day treatment therapy disease problem issue type today disorder syndrome""".split()
)
_WISHES = {
    **dict.fromkeys(("last", "latest", "newest", "recent", "recently", "current", "now"), "recent"),
    **dict.fromkeys(
        ("first", "oldest", "earliest", "start", "started", "starting", "begin", "began", "begun"), "oldest"
    ),
    **dict.fromkeys(("next", "upcoming", "future", "coming", "scheduled"), "next"),
    **dict.fromkeys(("abnormal", "bad", "unusual"), "abnormal"),
    **dict.fromkeys(("high", "elevated", "raised", "higher"), "high"),
    **dict.fromkeys(("low", "lower", "reduced"), "low"),
}
_UNREADABLE = {
    **dict.fromkeys(("kind",), "names no kind of record; it was looked for as a word."),
    **dict.fromkeys(
        ("after", "since", "before", "until"), "is no date such as 2024-03; it was looked for as a word."
    ),
    **dict.fromkeys(
        ("is",), "can be abnormal, active, bookmarked, corrected or mine; it was looked for as a word."
    ),
    **dict.fromkeys(("has",), "can be document, note, tag or value; it was looked for as a word."),
}
_PART = re.compile(r'(?P<minus>-)?(?:(?P<prefix>[A-Za-z]+):)?(?:"(?P<quoted>[^"]*)"?|(?P<bare>[^\s"]+))')
_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "’": "'", "\0": " "})
_OWNER = re.compile(r"(?<=[^\W\d_])'[sS]?(?=$|[.,;?!)])")
"""`dad's`, `patients'`."""
_CODED = re.compile(r"(?:[A-Za-z]{0,2}\d[\w.]*[-.][\dA-Za-z]+|\d{5,})")
LONGEST = 1000
"""So many characters are read; more is no question."""


class Term(NamedTuple):
    """One word or phrase of a query."""

    text: str
    """As it was typed."""
    role: str = "word"
    """`word`, `quoted`, `code`; `weak` and `stop` are not asked for, but may be part of a phrase."""
    wish: str | None = None
    """`recent`, `oldest`, `next`, `abnormal`, `high`, `low`: what such a word prefers."""

    @property
    def tokens(self) -> tuple[str, ...]:
        """As the full text parts it."""
        return tokens(self.text)


@dataclass(frozen=True, slots=True)
class Query:
    """What was asked: terms to find, terms not to find, and what every hit has to be."""

    terms: tuple[Term, ...] = ()
    without: tuple[Term, ...] = ()
    kinds: tuple[str, ...] = ()
    after: str | None = None
    """Partial date, inclusive."""
    before: str | None = None
    """Partial date, inclusive to its last second: `before:2025-06` ends with 2025-05-31."""
    sources: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    at: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    """`abnormal`, `bookmarked`, `corrected`, `mine`, `active`."""
    having: tuple[str, ...] = ()
    """`document`, `note`, `tag`, `value`."""
    around: tuple[str | None, str | None] | None = None
    """A time said in passing (`2023`, `last year`): kept to as long as anything is left."""
    wishes: frozenset[str] = field(default_factory=frozenset)
    said: tuple[str, ...] = ()
    """Sentences about filters that could not be read."""

    @property
    def words(self) -> tuple[str, ...]:
        """What has to be found, as it was typed."""
        return tuple(term.text for term in self.terms if term.role in ("word", "quoted", "code"))

    def filtered(self) -> bool:
        """Whether anything but words was asked."""
        return replace(self, terms=(), without=(), around=None, wishes=frozenset(), said=()) != Query()


def parse(text: str, today: date | None = None) -> Query:
    """Read what was typed. `today` lets `last year` and `last march` mean something."""
    found = Query()
    said: list[Term] = []
    for part in _PART.finditer(text[:LONGEST].translate(_QUOTES)):
        value = part["quoted"] if part["quoted"] is not None else part["bare"]
        prefix = (part["prefix"] or "").lower()
        if prefix == "not" and tokens(value):
            found = replace(found, without=(*found.without, Term(value, "quoted")))
            continue
        if prefix and not part["minus"]:
            narrowed = _narrowed(found, prefix, value)
            if narrowed is not None:
                found = narrowed
                continue
        if prefix in _UNREADABLE and value:
            found = replace(found, said=(*found.said, f"“{prefix}:{value}” {_UNREADABLE[prefix]}"))
            prefix = ""
        for word in (
            part["prefix"] if prefix else "",
            value,
        ):  # a prefix that is none is a word before a word
            if not word or not tokens(word):
                continue
            term = _term(word, quoted=part["quoted"] is not None and word is value)
            if part["minus"] and len(value) > 1:
                found = replace(found, without=(*found.without, Term(term.text, "quoted")))
            else:
                said.append(term)
    time = parted_from_time([term.text if term.role not in ("quoted",) else '"' for term in said], today)
    terms = tuple(said[at] for at in time.left)
    return replace(
        found,
        terms=terms,
        after=found.after or time.after,
        before=found.before or time.before,
        around=time.around,
        wishes=frozenset(term.wish for term in terms if term.wish),
    )


def _term(text: str, *, quoted: bool) -> Term:
    if quoted:
        return Term(text, "quoted")
    if _CODED.fullmatch(text) and any(map(str.isdigit, text)):
        return Term(text.strip(".,;"), "code")
    text = _OWNER.sub("", text)
    small = text.lower().strip(".,;?!()'")
    wish = _WISHES.get(small)
    if wish:
        return Term(text, "weak", wish)
    if small in _STOP or (len(small) > 4 and stem(small) in _STOP):
        return Term(text, "stop")
    if small in _WEAK or stem(small) in _WEAK:
        return Term(text, "weak")
    return Term(text)


def _narrowed(query: Query, prefix: str, value: str) -> Query | None:
    """The query with one filter more; None when it is none, so that the words count as words."""
    small = value.strip().lower()
    if not small:
        return None
    if prefix in ("kind", "type", "is") and (kinds := kinds_said(small)) and small not in _STATES:
        return replace(query, kinds=(*query.kinds, *kinds))
    if prefix in ("after", "since", "from", "before", "until", "to", "on", "date", "year", "in"):
        return _within(query, prefix, value)
    if prefix in ("source", "sources"):
        return replace(query, sources=(*query.sources, value.strip()))
    if prefix in ("tag", "tags"):
        return replace(query, tags=(*query.tags, value.strip()))
    if prefix in ("by", "doctor", "performer"):
        return replace(query, by=(*query.by, value)) if tokens(value) else None
    if prefix in ("at", "place", "facility"):
        return replace(query, at=(*query.at, value)) if tokens(value) else None
    if prefix == "is" and small in _STATES:
        return replace(query, states=(*query.states, _STATES[small]))
    if prefix in ("has", "with") and small in _HAVING:
        return replace(query, having=(*query.having, _HAVING[small]))
    return None


def _within(query: Query, prefix: str, value: str) -> Query | None:
    date_ = dated_word(value)
    if date_ is None:
        return None
    if prefix in ("after", "since", "from"):
        return replace(query, after=date_)
    if prefix == "before":
        return replace(query, before=day_before(date_))
    if prefix in ("until", "to"):
        return replace(query, before=date_)
    return replace(query, after=date_, before=date_)


def kinds_said(word: str) -> tuple[str, ...]:
    """The kinds of record that this word names: `meds`, `shots`, `letters`, `lab_result`; empty for none."""
    small = word.strip().lower().replace("-", "_").replace(" ", "_").rstrip(".")
    if small in KINDS_SAID:
        return (small,)
    one = stem(small)
    return tuple(
        kind
        for kind, said in KINDS_SAID.items()
        if one in said.split() or small in said.split() or one == kind
    )


def full_text_query(words: str) -> str | None:
    """What a person typed as an FTS5 query that cannot be a syntax error; None when no word is in it.

    The exact way: every word has to be found as it stands, the last one may be the beginning of a word, words in
    double quotes stand together. No synonyms, no slips forgiven: an export holds what was asked for and nothing else.
    """
    found: list[str] = []
    open_end = True
    for part in _EXACT.finditer(words.translate(_QUOTES)):
        value = part[1] if part[1] is not None else part[2]
        if any(map(str.isalnum, value)):
            found.append('"' + value.replace('"', '""') + '"')
            open_end = part[1] is None
    if not found:
        return None
    return " ".join(found) + (" *" if open_end else "")


_EXACT = re.compile(r'"([^"]*)"|(\S+)')
