"""What a refusal teaches: what to ask instead, and what to remember for the next runs. Pure.

Servers want parameters that only their refusals name, or refuse ones that FHIR R4 search.html gives to every type
(`_lastUpdated`, `_revinclude`). `instead` answers with what to try; each answer is a step nearer to the plainest
search there is (a parameter less, or a cut that was not there), so asking it again about a refused alternative ends
by itself. What was tried and what worked becomes `lessons`; none is believed for ever, because servers learn too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import product
from math import prod

from phr.errors import FhirError, NotAuthorized, Refused
from phr.fhir import dates
from phr.fhir.capability import Capability
from phr.model import Search, Vendor
from phr.sync.plan import Knowledge, filter_of, parameter_of
from phr.sync.types import PATIENT_PARAMETERS, USUAL, usual

AGAIN_DAYS = 30
SOON_DAYS = 7
"""For a refusal that does not say why: it may have been a bad day."""
BELIEVED = (1, 3, 7, AGAIN_DAYS)
"""For so many days a type is taken for unsupported the first time, the second …: one bad day is not to cost a month."""
_FARTHEST = AGAIN_DAYS + 1
"""A lesson that is to be believed for more days than this was learned by a clock that went ahead."""
MOST_CUTS = 64
_DAY = 86_400
_BADLY_ASKED = frozenset({400, 422})
_ANSWERED = frozenset({400, 403, 404, 405, 410, 422, 500, 501})
# Nearly every server has these, and some say 404 or worse without a category (NextGen's CarePlan).
_NEVER_WHOLE = frozenset({"Observation", "CarePlan"})
_EXTRAS = ("_revinclude", "_includes", "_include", "_lastupdated")
"""What may be left away, the least missed first."""
_NOT_BUILT = re.compile(
    r"(?i)not\s?implemented|unimplemented|not (?:yet )?supported|unsupported|unknown resource|is not known"
    r"|stack ?trace|\bat [\w.]+\.[\w`<>]+\("
)
_FAILED = re.compile(r"(?i)\bexception\b")
_SUB_TYPE_NOT_GRANTED = "59204"


@dataclass(frozen=True, slots=True)
class Lesson:
    """One thing learned about a type. `value` is JSON; `until` in it says how long it is believed."""

    type: str
    kind: str
    """split, parameter, no-count, no-last-updated, no-revinclude, unsupported, no-everything, no-batch, no-many."""
    value: object


def lesson(type_: str, kind: str, reason: str, now: str, days: int = AGAIN_DAYS) -> Lesson:
    """A lesson for those who learn without a search: `no-batch`, `no-many`, `no-count`, `unsupported`."""
    return Lesson(type_, kind, {"reason": reason, **_until(now, days)})


# ── what to ask instead ───────────────────────────────────────────────────────────────────────────


def instead(
    search: Search, error: FhirError, vendor: Vendor, capability: Capability | None, patient_id: str
) -> tuple[Search, ...]:
    """What to try in place of a refused search: all of these together; () when there is nothing.

    Ask it about each refused alternative too. First what may be left away, then the cut that the server names, the
    vendor's or the usual one, last the other word for the patient.
    """
    if "$" in search.type or isinstance(error, NotAuthorized) or error.http_status not in _ANSWERED:
        return ()
    lighter = _lighter(search, error)
    if lighter is not None:
        return (lighter,)
    cuts = _named_cuts(search, error, vendor) or _usual_cuts(search, error, vendor, capability)
    if cuts:
        return tuple(cuts)
    other = _other_word(search, error, capability, patient_id)
    return (other,) if other is not None else ()


def _lighter(search: Search, error: FhirError) -> Search | None:
    """The search without the one extra that is to blame, or may be; None when it has none, or others are named."""
    extras = [extra for extra in _EXTRAS if any(name.lower() == extra for name, _ in search.params)]
    named = {name.lower() for name in error.said.unknown} | set(
        re.findall(r"_[a-z]+", error.said.text.lower())
    )
    blamed = [extra for extra in extras if extra in named]
    if not blamed and (error.said.wanted or named & {name.lower() for name, _ in search.params}):
        return None
    for extra in blamed or extras:
        params = tuple((name, value) for name, value in search.params if name.lower() != extra)
        amount = "" if extra != "_lastupdated" else ", so in full"
        return replace(
            search,
            params=params,
            reason=f"{search.reason}; again without {extra}{amount}",
            since=None if extra == "_lastupdated" else search.since,
        )
    return None


def _named_cuts(search: Search, error: FhirError, vendor: Vendor) -> list[Search]:
    """Searches with the parameters that the refusal names, in the combination that takes the fewest requests."""
    have = {name.lower() for name, _ in search.params}
    ways: list[list[list[tuple[str, str]]]] = []
    for combination in error.said.wanted:
        if {"_id", "identifier"} & set(combination):
            continue  # these ask for one resource
        missing = [name for name in combination if name.lower() not in have | set(PATIENT_PARAMETERS)]
        offered = error.said.values if len(missing) == 1 else ()
        values = [
            [(name, value) for value in _values(search.type, name, vendor, offered)] for name in missing
        ]
        if values and all(values) and prod(map(len, values)) <= MOST_CUTS:
            ways.append(values)
    if not ways:
        return []
    preferred = list(USUAL.get(search.type, {}))
    best = min(ways, key=lambda way: (len(way), _rank(preferred, way[0][0][0]), prod(map(len, way))))
    return [_with(search, cut) for cut in product(*best)]


def _values(type_: str, name: str, vendor: Vendor, offered: Sequence[str]) -> list[str]:
    """The vendor's own values, what the refusal offers, and the usual ones where these are all we have."""
    own = [value for parameter, value in vendor.splits.get(type_, ()) if parameter == name]
    own += [value for parameter, value in vendor.search_params.get(type_, ()) if parameter == name]
    return list(dict.fromkeys((*own, *offered) if own or offered else usual(type_, name)))


def _rank(preferred: list[str], name: str) -> int:
    return preferred.index(name) if name in preferred else len(preferred)


def _usual_cuts(
    search: Search, error: FhirError, vendor: Vendor, capability: Capability | None
) -> list[Search]:
    """The vendor's cut or the usual one, where the refusal does not say what it wants. A cut is not cut again."""
    if search.filter or _wants_another_word(error) or not _may_want_a_cut(search.type, error, vendor):
        return []
    if own := vendor.splits.get(search.type):
        return [_with(search, (pair,)) for pair in dict.fromkeys(own)]
    table = USUAL.get(search.type, {})
    declared = capability.types.get(search.type) if capability is not None else None
    known = [name for name in table if declared is not None and declared.spelling(name)]
    name = (known or list(table) or [""])[0]
    return [_with(search, ((name, value),)) for value in table.get(name, ())]


def _wants_another_word(error: FhirError) -> frozenset[str]:
    """Words for the patient that the refusal says it takes alone (Oracle: `patient`, `subject` or `_id`)."""
    return frozenset(names[0] for names in error.said.wanted if len(names) == 1) & set(PATIENT_PARAMETERS)


def _may_want_a_cut(type_: str, error: FhirError, vendor: Vendor) -> bool:
    if error.http_status in _BADLY_ASKED:
        return unsupported(error) is None
    return error.http_status == 404 and (type_ in _NEVER_WHOLE or type_ in vendor.splits)


def _with(search: Search, cut: Iterable[tuple[str, str]]) -> Search:
    """The search with more parameters, right behind the patient."""
    cut = tuple(cut)
    params = (*search.params[:1], *cut, *search.params[1:])
    names = " and ".join(dict.fromkeys(name for name, _ in cut))
    reason = f"{search.reason}; by {names}, since it was refused without"
    return replace(search, params=params, reason=reason, filter=filter_of(params))


def _other_word(
    search: Search, error: FhirError, capability: Capability | None, patient_id: str
) -> Search | None:
    """`subject` for `patient` or the other way round, once: only away from the word that the plan had chosen."""
    if error.http_status not in _BADLY_ASKED or search.filter or not search.params:
        return None
    if unsupported(error) and not error.said.unknown:
        return None
    name = search.params[0][0]
    declared = capability.types.get(search.type) if capability is not None else None
    if name != parameter_of(search.type, declared):
        return None
    other = "patient" if name != "patient" else "subject"
    taken = _wants_another_word(error)
    if error.said.wanted and other not in taken:
        return None
    doubted = bool(taken) or name in error.said.unknown
    doubted |= declared is not None and declared.spelling(name) is None
    if not doubted and (declared is None or declared.spelling(other) is None):
        return None
    reason = f"{search.reason}; by {other}, since {name} was refused"
    return replace(search, params=((other, patient_id), *search.params[1:]), reason=reason)


# ── what it teaches ───────────────────────────────────────────────────────────────────────────────


def unsupported(error: FhirError, *, again: bool = True) -> str | None:
    """Why this refusal means that the type is not to be had here, in words; None when it does not mean that.

    A 401 with a page of HTML is a type that is closed, not a dead token (vendors answer so), and one that is `Refused`
    met a token that works elsewhere; any other 401 is about the token and says nothing of types. A refusal that names
    what it wants is a question, not an end. An exception may be a bad night: it has to be said `again`.
    """
    status, said = error.http_status, error.said
    if said.wanted:
        return None
    if status in (403, 404, 405, 410, 501):
        return error.message
    if status == 401 and (said.shape == "html" or isinstance(error, Refused)):
        return error.message
    coded = bool(said.codes & {"not-supported", "forbidden"}) or _SUB_TYPE_NOT_GRANTED in said.vendor_codes
    coded = coded or _NOT_BUILT.search(said.text) is not None or (again and bool(_FAILED.search(said.text)))
    return error.message if coded and status in (400, 422, 500) else None


def lessons(
    search: Search,
    error: FhirError | None,
    tried: tuple[Search, ...],
    worked: tuple[Search, ...],
    now: str,
    *,
    again: bool = False,
    times: int = 0,
) -> tuple[Lesson, ...]:
    """What a refused search has taught, once everything that was asked instead of it has its answer.

    `tried`: all of that, the alternatives of alternatives too; for a type that was cut from the start, all searches of
    the type. `worked`: those among them that were not refused, so also what only failed for the moment. `again`: the run
    before met the same: a 500 for good may be one bad night, two are none. `times`: how often the type was taken for
    unsupported before.
    """
    if error is None:
        return ()
    if "$" in search.type:
        final = unsupported(error, again=again) or (
            error.message if error.http_status in _BADLY_ASKED else None
        )
        return (lesson("Patient", "no-everything", final, now),) if final else ()
    if worked:
        return _from_what_worked(search, worked, now, of_its_own=search not in tried)
    if search.filter and not tried:
        return ()  # one part of a type says nothing about the rest
    days = BELIEVED[min(times, len(BELIEVED) - 1)]
    if unsupported(error, again=again) is None:
        badly = error.http_status in _BADLY_ASKED | {404, 403} and (tried or error.said.shape == "outcome")
        if not badly and not (error.http_status == 500 and again and isinstance(error, Refused)):
            return ()
        days = min(days, SOON_DAYS)
    # An hour less, because a nightly run does not come at the same second.
    value = {"reason": error.message, "times": times + 1, **_until(now, days - 1 / 24)}
    return (Lesson(search.type, "unsupported", value),)


def _from_what_worked(
    search: Search, worked: tuple[Search, ...], now: str, *, of_its_own: bool
) -> tuple[Lesson, ...]:
    """`of_its_own`: these came in the place of this search, so what they lack is what was refused."""
    found: list[Lesson] = []
    for extra, kind in (("_lastupdated", "no-last-updated"), ("_revinclude", "no-revinclude")):
        if of_its_own and _has(search, extra) and not any(_has(one, extra) for one in worked):
            found.append(lesson(search.type, kind, f"it was refused with {extra}", now))
    word = worked[0].params[0][0] if worked[0].params else ""
    if search.params and word not in ("", search.params[0][0]):
        found.append(Lesson(search.type, "parameter", {"name": word, **_until(now)}))
    if any(one.filter != search.filter for one in worked):
        split = _split(search, worked)
        if split is not None:
            found.append(Lesson(search.type, "split", {**split, **_until(now)}))
    return tuple(found)


def _split(search: Search, worked: tuple[Search, ...]) -> dict[str, list[list[str]]] | None:
    """What the searches that worked have in common (`all`), and in what they differ (`each`); None for a tangle."""
    before = set(search.params) if search not in worked and not search.filter else set()
    added = [[pair for pair in one.params[1:] if pair not in before and filter_of((pair,))] for one in worked]
    common = [pair for pair in added[0] if all(pair in pairs for pairs in added)] if len(added) > 1 else []
    each = [[pair for pair in pairs if pair not in common] for pairs in added]
    if any(len(pairs) != 1 for pairs in each):
        return None
    return {"each": [list(pairs[0]) for pairs in each], "all": [list(pair) for pair in common]}


def _has(search: Search, name: str) -> bool:
    return any(one.lower() == name for one, _ in search.params)


# ── what is known ─────────────────────────────────────────────────────────────────────────────────


def known(rows: Iterable[Lesson], now: str) -> Knowledge:
    """What is still believed at this moment. Odd rows are passed over."""
    at: dict[str, dict[str, dict[str, object]]] = {}
    refusals: dict[str, int] = {}
    for row in rows:
        value = row.value if isinstance(row.value, dict) else {}
        if row.kind == "unsupported":
            times = value.get("times")
            refusals[row.type] = times if isinstance(times, int) and 0 < times < _FARTHEST else 1
        if _believed(value.get("until"), now):
            at.setdefault(row.kind, {})[row.type] = value
    return Knowledge(
        splits={t: pairs for t, value in at.get("split", {}).items() if (pairs := _pairs(value.get("each")))},
        needs={t: pairs for t, value in at.get("split", {}).items() if (pairs := _pairs(value.get("all")))},
        parameters={
            type_: name
            for type_, value in at.get("parameter", {}).items()
            if isinstance(name := value.get("name"), str) and name in PATIENT_PARAMETERS
        },
        no_count=frozenset(at.get("no-count", ())),
        no_last_updated=frozenset(at.get("no-last-updated", ())),
        no_revinclude=frozenset(at.get("no-revinclude", ())),
        unsupported={type_: _why(value) for type_, value in at.get("unsupported", {}).items()},
        refusals=refusals,
        no_everything="no-everything" in at,
        no_batch="no-batch" in at,
        no_many=frozenset(at.get("no-many", ())),
    )


def _until(now: str, days: float = AGAIN_DAYS) -> dict[str, str]:
    start = dates.parse(now)
    if start is None:
        return {}
    return {"until": dates.instant(datetime.fromtimestamp(start.start + round(days * _DAY), UTC))}


def _believed(until: object, now: str) -> bool:
    end, moment = dates.parse(until), dates.parse(now)
    return end is None or moment is None or 0 < end.start - moment.start <= _FARTHEST * _DAY


def _why(value: dict[str, object]) -> str:
    reason, until = value.get("reason"), value.get("until")
    when = f" until {until[:10]}" if isinstance(until, str) else ""
    words = f": {reason}" if isinstance(reason, str) and reason else ""
    return f"known to be refused, not asked again{when}{words}"


def _pairs(value: object) -> tuple[tuple[str, str], ...]:
    found = [
        (pair[0], pair[1])
        for pair in (value if isinstance(value, list | tuple) else ())
        if isinstance(pair, list | tuple) and len(pair) == 2 and all(isinstance(one, str) for one in pair)
    ]
    return tuple(dict.fromkeys(found))
