"""What a condition pack holds, as frozen dataclasses: the same for a screen, an export and a web page.

A pack is data that a patient organisation could write. Its codes name their system by a short word (`codes.SYSTEMS`);
words are whole words, or beginnings of words where they end in `*`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Codes = tuple[tuple[str, tuple[str, ...]], ...]
"""By system its codes: `(("loinc", ("1825-9", "6771-0")),)`."""
NO_CODES: Codes = ()


@dataclass(frozen=True, slots=True)
class TagRule:
    """Which records carry a tag. Several rules may give the same one."""

    name: str
    kinds: tuple[str, ...] = ()
    """Empty: all kinds."""
    codes: Codes = NO_CODES
    words: tuple[str, ...] = ()
    """Looked for in the title."""
    described: tuple[str, ...] = ()
    """Looked for in the description."""
    unless: tuple[str, ...] = ()
    """A title with one of these does not count for `words`."""


@dataclass(frozen=True, slots=True)
class MilestoneRule:
    """One rule of one of the shapes in `checking.SHAPES`; what a shape does not use stays empty."""

    id: str
    shape: str
    title: str = ""
    always: bool = False
    """Whether it counts also where the condition of its pack is not in the record."""
    kinds: tuple[str, ...] = ()
    codes: Codes = NO_CODES
    words: tuple[str, ...] = ()
    generic: tuple[str, ...] = ()
    """Those of the words that name what all products are, and so no product of its own."""
    endings: tuple[str, ...] = ()
    """Endings of words, for the names of operations: `ectomy`."""
    unless_codes: Codes = NO_CODES
    unless: tuple[str, ...] = ()
    unless_endings: tuple[str, ...] = ()
    unless_categories: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    """Classes of an Encounter."""
    units: tuple[str, ...] = ()
    part: int = 0
    """Which number of a value such as `120/80`, from 1 on; 0: the value has one."""
    fall: float | None = None
    """Per cent."""
    rise: float | None = None
    within_months: float | None = None
    or_before: bool = False
    """Where no value lies within those months, the one before them counts."""
    at_least: float | None = None
    below: float | None = None
    apart_days: int = 0
    doses: int = 0
    min_days: int = 0
    gap_days: int = 0
    short_days: int = 0


@dataclass(frozen=True, slots=True)
class Measure:
    """One measurement under all codes that mean the same."""

    name: str
    codes: tuple[str, ...] = ()
    """LOINC."""
    words: tuple[str, ...] = ()
    """Names that stand alone where there is no code."""


@dataclass(frozen=True, slots=True)
class TrendGroup:
    """Measurements that are looked at together."""

    id: str
    name: str
    measures: tuple[Measure, ...]


@dataclass(frozen=True, slots=True)
class SummaryExtra:
    """One line more on the summary and the emergency card: the newest record of its kind that fits."""

    label: str
    codes: Codes = NO_CODES
    words: tuple[str, ...] = ()
    kind: str = "lab_result"


@dataclass(frozen=True, slots=True)
class ReferenceNote:
    """A fact about the condition, and who says so."""

    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Pack:
    """Everything that phr knows about one condition. Without `codes` and `words` it belongs to everybody."""

    id: str
    name: str
    about: str
    source: str
    version: str = "1"
    codes: Codes = NO_CODES
    """Codes of the condition itself; ICD codes stand for all that begin with them."""
    words: tuple[str, ...] = ()
    """Names of the condition."""
    same: tuple[Codes, ...] = ()
    """Codes of several systems that are one and the same diagnosis."""
    tags: tuple[TagRule, ...] = ()
    milestones: tuple[MilestoneRule, ...] = ()
    trends: tuple[TrendGroup, ...] = ()
    summary: tuple[SummaryExtra, ...] = ()
    notes: tuple[ReferenceNote, ...] = ()
    own: bool = field(default=False, compare=False)
    """Written by the person, not shipped."""

    @property
    def general(self) -> bool:
        """Whether it is about no condition in particular."""
        return not self.codes and not self.words


@dataclass(frozen=True, slots=True)
class Loaded:
    """All packs there are."""

    packs: tuple[Pack, ...]
    broken: tuple[str, ...] = ()
    """Own files that are left out, each with the first thing that is wrong in it."""
