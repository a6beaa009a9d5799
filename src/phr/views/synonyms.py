"""What a patient's words stand for in a record: the table `synonyms.toml`, read line by line.

Reading all of it as TOML would take longer than the search. Each group stands on a line of its own, so only the lines
are taken apart that hold a word of the query; a test compares this with what a TOML reader finds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple

from phr.views.words import stem, tokens

FILE_NAME = "synonyms.toml"
LONGEST = 5
"""So many words a phrase of the table may have."""
_QUOTED = re.compile(r'"([^"]*)"')
_CODE = re.compile(r"\d[\w.]*-\d")


class Meaning(NamedTuple):
    """One thing to look for instead of what was typed."""

    text: str
    """Words, a code; several parted by ` + ` have to be there all."""
    weight: float
    """Below 1: how near it is to what was typed."""


class Stands(NamedTuple):
    """What a phrase stands for."""

    size: int
    """So many words of the query it takes."""
    meanings: tuple[Meaning, ...] = ()
    kinds: tuple[str, ...] = ()
    """Kinds of record that answer it as well."""
    drugs: bool = False
    """Whether it is a word for a class of drugs."""


class Synonyms:
    """The table, as a text in which lines are looked up."""

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def _sections(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, opening in (
            ("same", "\nsame = ["),
            ("drugs", "\n[drugs]"),
            ("means", "\n[means]"),
            ("alike", "\n[alike]"),
        ):
            at = self._text.find(opening)
            if at >= 0:
                found[name] = self._text[at + 1 :]
        starts = sorted((len(self._text) - len(text), name) for name, text in found.items())
        for (begin, name), (end, _) in zip(starts, [*starts[1:], (len(self._text), "")], strict=True):
            found[name] = self._text[begin:end]
        return found

    @cached_property
    def _small(self) -> dict[str, str]:
        return {name: text.lower() for name, text in self._sections.items()}

    @cached_property
    def _alike(self) -> dict[str, str]:
        return {
            word: strings[0]
            for line in self._sections.get("alike", "").split("\n")
            if len(strings := _QUOTED.findall(line)) > 1
            for word in strings[1:]
        }

    def mentions(self, text: str) -> bool:
        """Whether this stands anywhere in the table."""
        return any(text in section for section in self._small.values())

    def plain(self, word: str) -> str:
        """The one word that stands for all its like: `meds` is `medicine`."""
        return self._alike.get(word) or self._alike.get(stem(word)) or stem(word)

    def key(self, text: str) -> tuple[str, ...]:
        """A phrase as phrases are compared."""
        return tuple(self.plain(word) for word in tokens(text))

    @lru_cache(maxsize=4096)  # noqa: B019 - as long-lived as the table, of which there is one
    def _parts(
        self, section: str, line: str
    ) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...], tuple[str, ...]]:
        """Of one group: the phrases that stand for it, the same as phrases are compared, and all else in it."""
        strings = tuple(_QUOTED.findall(line))
        names = tuple(strings[0].split("|")) if section == "means" and strings else strings
        return names, tuple(map(self.key, names)), strings[1:] if section == "means" else strings

    def longest(self, words: Sequence[str], *, far: bool = False) -> Stands | None:
        """The longest phrase of the table with which these words begin; None when there is none.

        `far`: also what stands behind the words that mean the same.
        """
        plain = tuple(self.plain(word) for word in words[:LONGEST])
        lines = self._lines(words[0], plain[0])
        for size in range(len(plain), 0, -1):
            if found := self._of(plain[:size], tuple(words[:size]), lines, far=far):
                return found
        return None

    def _lines(self, word: str, plain: str) -> list[tuple[str, str]]:
        """The groups in which a phrase may begin with this word, as `(section, line)`."""
        begin = {word[: max(2, len(word) - 3)], plain[: max(2, len(plain) - 3)]}
        begin |= {other for other, one in self._alike.items() if one == plain}
        needles = {mark + one for one in begin for mark in '"|'}
        return [
            (name, line)
            for name in ("same", "drugs", "means")
            for line in _holding(self._sections.get(name, ""), self._small.get(name, ""), needles)
        ]

    def _of(
        self,
        phrase: tuple[str, ...],
        typed: tuple[str, ...],
        lines: list[tuple[str, str]],
        *,
        far: bool,
    ) -> Stands | None:
        texts: list[str] = []
        behind: list[str] = []
        drugs = 0
        for name, line in lines:
            names, keys, others = self._parts(name, line)
            if phrase not in keys:
                continue
            own = names[keys.index(phrase)]
            texts += [own, *others]
            if name == "means":
                drugs += sum(text in self._brands for text in others)
                if far:
                    behind += [one for text in others for one in self._group(text)]
                behind += [brand for text in others for brand in self._brands.get(text, ())]
            elif far and name == "same":
                behind += [target for text in others for target in self._targets(text)]
        if not texts:
            return None
        texts = [text for text in dict.fromkeys(texts + behind) if tokens(text) != typed]
        kinds = tuple(text[5:] for text in texts if text.startswith("kind:"))
        said = [text for text in texts if not text.startswith("kind:")]
        return Stands(
            len(phrase), tuple(_weighed(said)), kinds, drugs > 2 and 2 * drugs >= len(said) - len(behind)
        )

    @cached_property
    def _brands(self) -> dict[str, list[str]]:
        lines = map(_QUOTED.findall, self._sections.get("drugs", "").split("\n"))
        return {strings[0]: strings[1:] for strings in lines if strings}

    def _group(self, text: str) -> list[str]:
        """The words that mean the same as this one."""
        key = self.key(text)
        return [
            other
            for line in _holding(
                self._sections.get("same", ""), self._small.get("same", ""), {f'"{text.lower()}"'}
            )
            if key in self._parts("same", line)[1]
            for other in self._parts("same", line)[0]
        ]

    def _targets(self, text: str) -> list[str]:
        """What stands behind this phrase, if it has a line of its own."""
        key = self.key(text)
        for line in _holding(self._sections.get("means", ""), self._small.get("means", ""), {text.lower()}):
            strings = _QUOTED.findall(line)
            if strings and any(self.key(name) == key for name in strings[0].split("|")):
                return strings[1:]
        return []

    def all_words(self) -> frozenset[str]:
        """Every word of the table: what a slip may have meant."""
        return frozenset(word for word in tokens(" ".join(_QUOTED.findall(self._text))) if len(word) > 3)


def _weighed(texts: Sequence[str]) -> Iterator[Meaning]:
    """The nearest first: each weighs a little less, and a code as much as the name it stands for."""
    at = 0
    for text in texts:
        if _CODE.search(text) and " " not in text:
            yield Meaning(text, 0.8)
        else:
            yield Meaning(text, max(0.5, 0.86 - 0.04 * at))
            at += 1


def _holding(section: str, small: str, needles: set[str]) -> Iterator[str]:
    """The lines in which one of these stands; `small`: the section without capitals."""
    taken: set[int] = set()
    for needle in needles:
        at = small.find(needle)
        while at >= 0:
            begin = small.rfind("\n", 0, at) + 1
            end = small.find("\n", at)
            end = len(small) if end < 0 else end
            taken.add(begin)
            at = small.find(needle, end)
    for begin in sorted(taken):
        end = section.find("\n", begin)
        line = section[begin : end if end >= 0 else len(section)]
        if not line.lstrip().startswith("#"):
            yield line


@lru_cache(maxsize=1)
def packaged() -> Synonyms:
    """The table that came with phr: inside the wheel; in an editable install at the root of the repository."""
    import phr

    package = Path(phr.__file__).parent
    inside = package / FILE_NAME
    path = inside if inside.exists() else package.parents[1] / FILE_NAME
    return Synonyms("\n" + path.read_text("utf-8"))
