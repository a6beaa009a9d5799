"""What carries a tag: the person's own word, or one that a condition pack gives.

The same decision twice: as SQL for a selection, where the full text finds the candidates and the codes of each are
held against the pack's by system and code, and in Python for one event. A test holds both together over all sample
data. The text of documents is not looked at: nearly every examination says that the lungs are clear.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from phr.errors import UsageError

if TYPE_CHECKING:
    from phr.packs.codes import CodeSet
    from phr.packs.model import Pack, TagRule
    from phr.packs.words import Words
    from phr.store.store import Store

# A tag stands beside a resource; another record may be shown for it.
_OWN = (
    "SELECT rs.record_id FROM tag t JOIN record_source rs ON rs.resource_id = t.resource_id WHERE t.tag = ?"
)
# CROSS JOIN: the full text first, then the row of what it found.
_FOUND = (
    "SELECT c.id FROM record_search s CROSS JOIN record c ON c.id = s.rowid"
    " WHERE s.record_search MATCH ? AND {kinds}{more}"
)
_EXACT = (
    " AND EXISTS (SELECT 1 FROM json_each(c.codes) AS x WHERE x.value ->> 0 IN ({systems})"
    " AND {code} IN (SELECT value FROM json_each(?)))"
)
_BEGINS = (
    " AND EXISTS (SELECT 1 FROM json_each(c.codes) AS x, json_each(?) AS p WHERE x.value ->> 0 IN ({systems})"
    " AND replace(upper(x.value ->> 1), '.', '') GLOB p.value || '*')"
)


_NAMED, _LISTED = 500, 30
"""So many tags of the person are looked at for what was meant, and so many are listed."""
_MOST = 400
"""SQLite puts 500 SELECTs together at most (https://sqlite.org/limits.html, section 5)."""


def tagged(tag: str) -> tuple[str, list[object]]:
    """An SQL condition on the table `record`, and its parameters: the records that carry this tag.

    Raises UsageError where packs give it in too many ways.
    """
    selects, values = [_OWN], list[object]([tag])
    for rule in _rules():
        if _same(rule.name, tag):
            for select, parameters in _selects(rule):
                selects.append(select)
                values += parameters
    if len(selects) > _MOST:
        raise UsageError(
            f"Packs give this tag in {len(selects)} ways; phr looks for {_MOST} at most.",
            hint="Take some of its rules out of your own packs: phr packs",
        )
    return f"record.id IN ({' UNION '.join(selects)})", values


def of_packs(ids: Sequence[str]) -> tuple[str, list[object]]:
    """An SQL condition on the table `record`, and its parameters: what one of these condition packs is about.

    The condition itself, whatever carries one of the pack's tags, its measurements, and what it adds to the summary.
    Raises UsageError for a pack that is none.
    """
    from phr.packs.loading import packs

    known = {pack.id: pack for pack in packs()}
    selects, values = [], list[object]()
    for id_ in ids:
        if id_ not in known:
            raise UsageError(f"There is no pack named {id_}.", hint=f"There is: {', '.join(known)}")
        for rule in dict.fromkeys(_about(known[id_])):
            for select, parameters in _selects(rule):
                selects.append(select)
                values += parameters
    if len(selects) > _MOST:
        raise UsageError(
            f"These packs look for {len(selects)} things; phr looks for {_MOST} at most.",
            hint="Name fewer of them, or take some rules out of your own: phr packs",
        )
    return f"record.id IN ({' UNION '.join(selects)})" if selects else "0", values


def _about(pack: Pack) -> list[TagRule]:
    """Everything that a pack is about, as rules of a tag."""
    from phr.packs.model import TagRule

    measured = ("lab_result", "vital_sign", "procedure", "imaging")
    found = [TagRule(pack.id, codes=pack.codes, words=pack.words)] if not pack.general else []
    found += pack.tags
    for group in pack.trends:
        for one in group.measures:
            codes = (("loinc", one.codes),) if one.codes else ()
            found.append(TagRule(pack.id, measured, codes=codes, words=one.words))
    found += [TagRule(pack.id, (one.kind,), codes=one.codes, words=one.words) for one in pack.summary]
    return found


def pack_tags(event: dict[str, Any]) -> list[str]:
    """The tags that packs give an event (see `views.events`); those of the person are in its `tags`."""
    codings = tuple((code["system"], code["code"]) for code in event["codes"])
    from phr.packs.places import generation

    return list(_tags(generation(), event["kind"], event["title"], event["description"], codings))


def known_tags() -> list[str]:
    """Every tag that some pack gives."""
    return sorted({rule.name for rule in _rules()})


def unknown_tags(store: Store, asked: Sequence[str]) -> list[str]:
    """One sentence for each of these tags that nothing carries and no pack gives, with what was probably meant."""
    from phr.views.selection import near

    given = known_tags() if asked else []
    said = []
    for tag in asked:
        if any(_same(tag, name) for name in given):
            continue
        if store.db.execute("SELECT 1 FROM tag WHERE tag = ? LIMIT 1", (tag,)).fetchone():
            continue
        rows = store.db.execute("SELECT DISTINCT tag FROM tag ORDER BY tag LIMIT ?", (_NAMED,))
        there = tuple(dict.fromkeys([*(str(row[0]) for row in rows), *given]))
        likely = near(tag, there) if there else []
        meant = f" Did you mean {' or '.join(likely)}?" if likely else ""
        listed = f" Tags there are: {', '.join(there[:_LISTED])}{', …' if len(there) > _LISTED else '.'}"
        said.append(f"No record has the tag “{tag}”.{meant}{listed if there else ' There are no tags yet.'}")
    return said


def _same(one: str, other: str) -> bool:
    return " ".join(one.casefold().split()) == " ".join(other.casefold().split())


def _rules() -> list[TagRule]:
    from phr.packs.loading import packs

    return [rule for pack in packs() for rule in pack.tags]


# ── in SQL ──────────────────────────────────────────────────────────────────────────────────────────────


def _selects(rule: TagRule) -> list[tuple[str, list[object]]]:
    """One SELECT of record ids for each way a rule has to find something."""
    from phr.packs.words import matching

    kinds = f"c.kind IN ({','.join('?' * len(rule.kinds))})" if rule.kinds else "1"
    found: list[tuple[str, list[object]]] = []
    if rule.words:
        words = f"{{title}} : ({matching(rule.words)})"
        if rule.unless:
            words += f" NOT {{title}} : ({matching(rule.unless)})"
        found.append((_FOUND.format(kinds=kinds, more=""), [words, *rule.kinds]))
    if rule.described:
        # `detail` holds the value, the places and the people too: what was found has to be in the description.
        inside = " OR ".join("c.description LIKE ? ESCAPE '\\'" for _ in rule.described)
        found.append(
            (
                _FOUND.format(kinds=kinds, more=f" AND ({inside})"),
                [
                    f"{{detail}} : ({matching(rule.described)})",
                    *rule.kinds,
                    *(_like(one) for one in rule.described),
                ],
            )
        )
    for system, codes in rule.codes:
        select, parameters = _coded(system, codes)
        found.append(
            (_FOUND.format(kinds=kinds, more=select), [_narrowed(system, codes), *rule.kinds, *parameters])
        )
    return found


def _coded(system: str, codes: tuple[str, ...]) -> tuple[str, list[object]]:
    from phr.packs.codes import SYSTEMS, plain

    known = SYSTEMS[system]
    marks = ",".join("?" * len(known.spelled))
    listed = _json([plain(system, code) for code in codes])
    if known.begins:
        return _BEGINS.format(systems=marks), [listed, *known.spelled]
    code = "ltrim(x.value ->> 1, '0')" if system == "cvx" else "x.value ->> 1"
    return _EXACT.format(systems=marks, code=code), [*known.spelled, listed]


def _narrowed(system: str, codes: tuple[str, ...]) -> str:
    """What the full text can tell of codes: the records that may have one."""
    from phr.packs.codes import SYSTEMS, plain
    from phr.packs.words import matching

    star = "*" if SYSTEMS[system].begins else ""
    spelled: dict[str, None] = {}
    for code in codes:
        spelled[code + star] = None
        spelled[plain(system, code) + star] = None
    return f"{{codes}} : ({matching(spelled)})"


def _like(phrase: str) -> str:
    """A phrase as a LIKE pattern: its words in their order; between them any sign."""
    from phr.packs.words import tokens

    return f"%{'%'.join(tokens(phrase))}%"


def _json(values: list[str]) -> str:
    import orjson

    return orjson.dumps(values).decode()


# ── in Python ───────────────────────────────────────────────────────────────────────────────────────────


class _Ready:
    """A rule, ready to be asked."""

    def __init__(self, rule: TagRule) -> None:
        from phr.packs.codes import CodeSet
        from phr.packs.words import Words

        self.name = rule.name
        self.kinds = frozenset(rule.kinds)
        self.codes: CodeSet = CodeSet(rule.codes)
        self.words: Words = Words(rule.words)
        self.described: Words = Words(rule.described)
        self.unless: Words = Words(rule.unless)

    def fits(
        self, title: str, description: str | None, codings: tuple[tuple[str | None, str | None], ...]
    ) -> bool:
        return (
            self.codes.fits(codings)
            or (self.words.fit(title) and not self.unless.fit(title))
            or self.described.fit(description)
        )


class _ByKind(dict[str, "tuple[_Ready, ...]"]):
    """By kind the rules that may fit."""

    def __init__(self) -> None:
        self._all = [_Ready(rule) for rule in _rules()]

    def __missing__(self, kind: str) -> tuple[_Ready, ...]:
        found = self[kind] = tuple(one for one in self._all if not one.kinds or kind in one.kinds)
        return found


@lru_cache(maxsize=4)
def _ready(_: tuple[str, int]) -> _ByKind:
    return _ByKind()


@lru_cache(maxsize=4096)  # what a life holds, it holds again and again
def _tags(
    generation: tuple[str, int],
    kind: str,
    title: str,
    description: str | None,
    codings: tuple[tuple[str | None, str | None], ...],
) -> tuple[str, ...]:
    rules = _ready(generation)[kind]
    return tuple(sorted({rule.name for rule in rules if rule.fits(title, description, codings)}))
