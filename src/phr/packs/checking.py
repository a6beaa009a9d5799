"""From a TOML document to a Pack: everything is checked at the door, and each problem names its file, table and key.

A pack may come from anywhere, so it is bounded: its bytes, its tables, the length of every word.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from phr.model import KINDS
from phr.packs.codes import SYSTEMS
from phr.packs.model import (
    Codes,
    Measure,
    MilestoneRule,
    Pack,
    ReferenceNote,
    SummaryExtra,
    TagRule,
    TrendGroup,
)
from phr.packs.words import tokens

LONGEST_TEXT, LONGEST_WORD, MOST, MOST_TABLES = 1000, 80, 400, 200
Table = dict[str, Any]

SHAPES: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    shape: (frozenset(needed.split()), frozenset(may.split()))
    for shape, needed, may in (
        ("first_of", "", "codes words unless unless_codes unless_endings unless_categories short_days"),
        ("started", "", "codes words unless min_days gap_days"),
        ("changed", "", "codes words generic unless min_days gap_days"),
        ("stopped", "", "codes words unless min_days gap_days"),
        ("procedure", "", "codes words endings unless"),
        ("stay", "classes", ""),
        ("change", "", "codes words unless units fall rise within_months or_before apart_days part"),
        ("threshold", "units", "codes words unless at_least below apart_days part"),
        ("series", "", "codes doses apart_days"),
        ("source", "", "kinds"),
    )
}
"""The shapes of a milestone rule: which keys each needs, and which it may have."""


class Problems(list[str]):
    """What is wrong in one file, each in a sentence."""

    def __init__(self, file: str) -> None:
        super().__init__()
        self._file = file

    def say(self, where: str, what: str) -> None:
        if len(self) < 50:
            self.append(f"{self._file}: {where} {what}")


def pack_of(document: Table, file: str, *, own: bool = False) -> tuple[Pack | None, Problems]:
    """The pack of a document that is read already, or None and what is wrong with it."""
    found = Problems(file)
    top = Reader(document, "", found)
    pack = Pack(
        id=top.identifier("id"),
        name=top.text("name", needed=True),
        about=top.text("about", needed=True),
        source=top.text("source", needed=True),
        version=top.text("version") or "1",
        codes=top.codes("codes"),
        words=top.words("words"),
        same=tuple(map(_same, top.tables("same"))),
        tags=tuple(map(_tag, top.tables("tags"))),
        milestones=tuple(map(_milestone, top.tables("milestones"))),
        trends=tuple(map(_trend, top.tables("trends"))),
        summary=tuple(map(_extra, top.tables("summary"))),
        notes=tuple(map(_note, top.tables("notes"))),
        own=own,
    )
    top.end()
    for noun, ids in (
        ("milestones", [rule.id for rule in pack.milestones]),
        ("trends", [group.id for group in pack.trends]),
    ):
        for twice in sorted({one for one in ids if one and ids.count(one) > 1}):
            found.say(f"[[{noun}]] id", f"“{twice}” is there twice: give each an id of its own.")
    return (None if found else pack), found


def _same(table: Reader) -> Codes:
    codes = table.codes("codes")
    if sum(len(listed) for _, listed in codes) < 2:
        table.wrong("codes", "has to be two codes or more: what one system and another one call the same.")
    table.end()
    return codes


def _tag(table: Reader) -> TagRule:
    rule = TagRule(
        name=table.text("name", needed=True, longest=40),
        kinds=table.kinds("kinds"),
        codes=table.codes("codes"),
        words=table.words("words"),
        described=table.words("described"),
        unless=table.words("unless"),
    )
    if not (rule.codes or rule.words or rule.described):
        table.wrong("codes", "is missing: a tag needs codes or words to know what belongs to it.")
    if rule.name != " ".join(rule.name.split()):
        table.wrong("name", "has blanks at its edge or twice in a row: write it on one line.")
    table.end()
    return rule


def _milestone(table: Reader) -> MilestoneRule:
    shape = table.text("shape", needed=True)
    needed, may = SHAPES.get(shape, (frozenset(), frozenset()))
    if shape and shape not in SHAPES:
        table.wrong("shape", f"is none that phr knows: take one of {', '.join(SHAPES)}.")
        table.forget()
        return MilestoneRule("", shape)
    readers: dict[str, Callable[[str], Any]] = {
        "codes": table.codes,
        "unless_codes": table.codes,
        "kinds": table.kinds,
        "or_before": table.yes,
        **dict.fromkeys(("words", "unless", "endings", "generic"), table.words),
        **dict.fromkeys(("unless_endings", "unless_categories", "classes", "units"), table.phrases),
        **dict.fromkeys(("fall", "rise", "within_months", "at_least", "below"), table.number),
        **dict.fromkeys(
            ("apart_days", "doses", "min_days", "gap_days", "short_days", "part"), table.whole_number
        ),
    }
    rule = MilestoneRule(
        id=table.identifier("id"),
        shape=shape,
        title=table.text("title", longest=80),
        always=table.yes("always"),
        **{key: readers[key](key) for key in needed | may if key in table},
    )
    for key in sorted(needed - set(table.seen)):
        table.wrong(key, f"is missing: a rule of shape {shape} needs it.")
    _whole(rule, table)
    table.end()
    return rule


def _whole(rule: MilestoneRule, table: Reader) -> None:
    """What a shape needs one of."""
    one_of = {"change": ("fall", "rise"), "threshold": ("at_least", "below")}.get(rule.shape)
    if one_of and sum(getattr(rule, key) is not None for key in one_of) != 1:
        table.wrong(one_of[0], f"or {one_of[1]} has to be there, and not both.")
    if rule.shape in ("change", "threshold"):
        if not (rule.codes or rule.words):
            table.wrong("codes", "is missing: a rule about a measurement needs to know which one.")
        if not rule.title:
            table.wrong("title", "is missing: it is the name of the measurement on the screen.")
        if any(value is not None and not 0 < value < 1_000_000 for value in (rule.fall, rule.rise)):
            table.wrong("fall", "or rise has to be a number of per cent above 0.")
    for word in rule.generic:
        if word not in rule.words:
            table.wrong(
                "generic", f"has “{word}”, which is not among words: it says which of those name no product."
            )
    if rule.shape == "series" and bool(rule.doses) != bool(rule.codes):
        table.wrong("doses", "and codes belong together: how many doses of which vaccine.")
    if rule.shape == "procedure" and not (rule.codes or rule.words or rule.endings):
        table.wrong("words", "is missing: a rule about operations needs codes, words or endings.")


def _trend(table: Reader) -> TrendGroup:
    measures = []
    for one in table.tables("measures", needed=True):
        codes = one.codes("codes")
        for system, _ in codes:
            if system != "loinc":
                one.wrong("codes", f"has {system}: measurements are known by LOINC codes.")
        measures.append(
            Measure(
                one.text("name", needed=True, longest=60),
                tuple(code for _, listed in codes for code in listed),
                one.words("words"),
            )
        )
        if not codes and not measures[-1].words:
            one.wrong("codes", "is missing: a measurement needs codes or words.")
        one.end()
    group = TrendGroup(table.identifier("id"), table.text("name", needed=True, longest=60), tuple(measures))
    table.end()
    return group


def _extra(table: Reader) -> SummaryExtra:
    kind = table.text("kind") or "lab_result"
    if kind not in KINDS:
        table.wrong("kind", f"is no kind of record: take one of {', '.join(KINDS)}.")
    extra = SummaryExtra(
        table.text("label", needed=True, longest=40), table.codes("codes"), table.words("words"), kind
    )
    if not (extra.codes or extra.words):
        table.wrong("codes", "is missing: codes or words say which record is meant.")
    table.end()
    return extra


def _note(table: Reader) -> ReferenceNote:
    note = ReferenceNote(table.text("text", needed=True), table.text("source", needed=True))
    table.end()
    return note


class Reader:
    """One table of a pack, read key by key; what was not asked for in the end is a key that nobody knows."""

    def __init__(self, table: object, where: str, problems: Problems) -> None:
        self._table: Table = table if isinstance(table, dict) else {}
        self._where = where
        self._problems = problems
        self.seen: set[str] = set()
        if not isinstance(table, dict):
            problems.say(where, "has to be a table.")

    def __contains__(self, key: str) -> bool:
        return key in self._table

    def wrong(self, key: str, what: str) -> None:
        self._problems.say(f"{self._where} {key}".strip(), what)

    def forget(self) -> None:
        """Nothing more is asked of it."""
        self.seen |= set(self._table)

    def end(self) -> None:
        """Name the keys that nobody asked for."""
        for key in sorted(set(self._table) - self.seen)[:10]:
            likely = _near(key, sorted(self.seen | {field.name for field in fields(MilestoneRule)}))
            hint = f" Is it {likely}?" if likely else " Take it out, or see docs/packs.md."
            self.wrong(f"“{key[:40]}”", f"is a key that phr does not know here.{hint}")

    def _get(self, key: str, kind: type | tuple[type, ...], noun: str) -> Any:
        self.seen.add(key)
        value = self._table.get(key)
        if value is None:
            return None
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            self.wrong(key, f"has to be {noun}.")
            return None
        return value

    def text(self, key: str, *, needed: bool = False, longest: int = LONGEST_TEXT) -> str:
        value = self._get(key, str, "text in quotation marks")
        if value is None:
            if needed and key not in self._table:
                self.wrong(key, "is missing: write it in quotation marks.")
            return ""
        if not value.strip() or len(value) > longest or not value.replace("\n", " ").isprintable():
            self.wrong(key, f"has to be plain text of 1 to {longest} characters.")
            return ""
        return " ".join(str(value).split()) if key != "name" else str(value)

    def identifier(self, key: str) -> str:
        value = self.text(key, needed=True, longest=40)
        if value and not (value.isascii() and value.replace("-", "a").isalnum() and value == value.lower()):
            self.wrong(key, "has to be of small letters, digits and dashes, such as alpha-1.")
            return ""
        return value

    def yes(self, key: str) -> bool:
        return bool(self._get(key, bool, "true or false"))

    def number(self, key: str) -> float | None:
        value = self._get(key, (int, float), "a number")
        if value is not None and not -1e9 < value < 1e9:
            self.wrong(key, "has to be a number that can be measured.")
            return None
        return None if value is None else float(value)

    def whole_number(self, key: str) -> int:
        value = self._get(key, int, "a whole number")
        if value is not None and not 0 <= value <= 100_000:
            self.wrong(key, "has to be a whole number from 0 to 100000.")
            return 0
        return int(value or 0)

    def phrases(self, key: str) -> tuple[str, ...]:
        """A list of short texts."""
        value = self._get(key, list, 'a list of texts: ["…", "…"]') or []
        good = [one for one in value if isinstance(one, str) and 0 < len(one.strip()) <= LONGEST_WORD]
        if len(good) < len(value) or len(value) > MOST:
            self.wrong(key, f"has to be a list of up to {MOST} texts of 1 to {LONGEST_WORD} characters.")
        return tuple(good[:MOST])

    def words(self, key: str) -> tuple[str, ...]:
        """A list of words, each with two letters or digits at least: a single letter begins half of all words."""
        found = self.phrases(key)
        for one in found:
            parts = tokens(one)
            if sum(map(len, parts)) < 2 or "*" in one.rstrip()[:-1]:
                self.wrong(
                    key, f"has “{one}”: write two letters or more, and a star at the end only (lung*)."
                )
        return found

    def kinds(self, key: str) -> tuple[str, ...]:
        found = self.phrases(key)
        for one in found:
            if one not in KINDS:
                self.wrong(key, f"has “{one}”, which is no kind of record: take some of {', '.join(KINDS)}.")
        return found

    def codes(self, key: str) -> Codes:
        """A table of systems, each with the list of its codes."""
        self.seen.add(key)
        if key not in self._table:
            return ()
        table = Reader(self._table[key], f"{self._where} {key}".strip(), self._problems)
        found = []
        for name in table._table if len(table._table) <= len(SYSTEMS) + 10 else ():
            if name not in SYSTEMS:
                table.wrong(f"“{name[:40]}”", f"is no code system: take one of {', '.join(SYSTEMS)}.")
                continue
            listed = table.phrases(name)
            for code in listed:
                if not SYSTEMS[name].shape.fullmatch(code):
                    table.wrong(name, f"has “{code}”, which does not look like a code of that system.")
            found.append((name, listed))
        return tuple(found)

    def tables(self, key: str, *, needed: bool = False) -> list[Reader]:
        """A list of tables, `[[key]]`."""
        value = self._get(key, list, f"a list of tables: [[{key}]]") or []
        if needed and not value:
            self.wrong(key, f"is missing: at least one [[…{key}]].")
        if len(value) > MOST_TABLES:
            self.wrong(key, f"has more than {MOST_TABLES} tables.")
        base = self._where.strip("[]")
        name = f"{base}.{key}" if base else key
        return [Reader(one, f"[[{name}]]", self._problems) for one in value[:MOST_TABLES]]


def _near(word: str, known: list[str]) -> str | None:
    from difflib import get_close_matches

    found = get_close_matches(word, known, 1, 0.8)
    return found[0] if found else None
