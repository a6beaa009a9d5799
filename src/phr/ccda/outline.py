"""The one table of sections: what each is called, which function fills it, which summaries have it.

The Continuity of Care Document, the Referral Note, the International Patient Summary and the page for a browser are four
outfits of the same sections, so that a problem stands under Problems in all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from phr.ccda import measures
from phr.ccda.bundle import Entry
from phr.ccda.desk import CCD, NO_OTHERS, Desk, Outfit
from phr.ccda.sections.allergies import allergies
from phr.ccda.sections.care_team import care_team
from phr.ccda.sections.devices import medical_equipment
from phr.ccda.sections.directives import advance_directives, assessments
from phr.ccda.sections.encounters import encounters
from phr.ccda.sections.family_history import family_history
from phr.ccda.sections.frame import Section
from phr.ccda.sections.goals import goals
from phr.ccda.sections.immunizations import immunizations
from phr.ccda.sections.medications import medications
from phr.ccda.sections.notes import notes
from phr.ccda.sections.payers import payers
from phr.ccda.sections.plan import plan_of_treatment
from phr.ccda.sections.problems import health_concerns, problems
from phr.ccda.sections.procedures import procedures
from phr.ccda.sections.results import results
from phr.ccda.sections.social_history import social_history
from phr.ccda.sections.status import functional_status, mental_status
from phr.ccda.sections.vital_signs import vital_signs
from phr.errors import UsageError
from phr.model import Bundle

Writer = Callable[[Desk], list[Section]]
NO_NAMES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Part:
    """A section, or the family of sections that one writer makes (notes have one for each type)."""

    name: str
    """What a person types."""
    code: str
    """LOINC."""
    write: Writer
    summary: bool = False
    """Whether the International Patient Summary has this section."""
    others: tuple[str, ...] = ()
    """Further LOINC codes: of the family, or which other documents give to the same section."""

    @property
    def codes(self) -> frozenset[str]:
        return frozenset((self.code, *self.others))


PARTS = (
    Part("allergies", "48765-2", allergies, summary=True),
    Part("medications", "10160-0", medications, summary=True),
    Part("problems", "11450-4", problems, summary=True),
    Part("procedures", "47519-4", procedures, summary=True),
    Part("results", "30954-2", results, summary=True),
    Part("social-history", "29762-2", social_history, summary=True),
    Part("vital-signs", "8716-3", vital_signs, summary=True),
    Part("immunizations", "11369-6", immunizations, summary=True),
    Part("encounters", "46240-8", encounters),
    Part("plan", "18776-5", plan_of_treatment, summary=True),
    Part("goals", "61146-7", goals),
    Part("health-concerns", "75310-3", health_concerns),
    Part("care-team", "85847-2", care_team),
    Part("functional-status", "47420-5", functional_status, summary=True),
    Part("mental-status", "10190-7", mental_status),
    Part("devices", "46264-8", medical_equipment, summary=True),
    Part("family-history", "10157-6", family_history),
    Part("directives", "42348-3", advance_directives, summary=True),
    Part("payers", "48768-6", payers),
    Part("assessments", "51848-0", assessments),
    Part("notes", "34109-9", notes, others=tuple(measures.NOTE_SECTIONS)),
)
"""In the order of the document."""

SPOKEN = {
    "allergy": "allergies", "medication": "medications", "drugs": "medications", "problem": "problems",
    "conditions": "problems", "diagnoses": "problems", "procedure": "procedures", "operations": "procedures",
    "surgeries": "procedures", "result": "results", "labs": "results", "lab-results": "results", "social": "social-history",
    "smoking": "social-history", "vitals": "vital-signs", "immunization": "immunizations", "vaccines": "immunizations",
    "vaccinations": "immunizations", "encounter": "encounters", "visits": "encounters", "plan-of-treatment": "plan",
    "plans": "plan", "goal": "goals", "concerns": "health-concerns", "careteam": "care-team", "team": "care-team",
    "functional": "functional-status", "mental": "mental-status", "medical-equipment": "devices", "equipment": "devices",
    "implants": "devices", "family": "family-history", "advance-directives": "directives", "insurance": "payers",
    "coverage": "payers", "assessment": "assessments", "note": "notes", "documents": "notes",
}  # fmt: skip
"""Other words that people use for a section."""


@dataclass(frozen=True, slots=True)
class Written:
    """One section that was filled, and the resources that its writer took."""

    part: Part
    section: Section
    taken: tuple[Entry, ...] = field(repr=False)
    chosen: bool = True
    """Whether it belongs into the document that was asked for."""

    @property
    def says_something(self) -> bool:
        """Whether there is anything to read in it."""
        return self.chosen and bool(self.section.rows or self.section.entries or self.section.blocks)


def chosen_codes(words: Iterable[str]) -> frozenset[str]:
    """The LOINC codes that names or codes of sections mean. Raises UsageError that lists the names there are."""
    found: set[str] = set()
    for word in words:
        plain = word.strip().lower().replace("_", "-").replace(" ", "-")
        name = SPOKEN.get(plain, plain)
        part = next((one for one in PARTS if name == one.name or plain in one.codes), None)
        if part is None:
            raise UsageError(f"There is no section named {word}.", hint=_names(plain))
        found |= part.codes if name == part.name or plain == part.code else {plain}
    return frozenset(found)


def _names(typed: str) -> str:
    from difflib import get_close_matches

    names = [part.name for part in PARTS]
    near = get_close_matches(typed, [*names, *SPOKEN], n=1)
    meant = f"Did you mean {SPOKEN.get(near[0], near[0])}? " if near else ""
    return f"{meant}There is: {', '.join(names)}; or a LOINC code such as 11450-4"


class _Watched(Desk):
    """A desk that also knows which resources were taken last."""

    taken: list[Entry]

    def done(self, entry: Entry) -> None:
        super().done(entry)
        self.taken.append(entry)


def desk_for(
    bundle: Bundle,
    sources: Mapping[str, str],
    now: datetime,
    also: Mapping[str, tuple[str, ...]] = NO_OTHERS,
    outfit: Outfit = CCD,
) -> Desk:
    """A desk for `compose`. `also` names who else says what stands under a fullUrl."""
    desk = _Watched(bundle, sources, now, also, outfit)
    desk.taken = []
    return desk


def compose(desk: Desk, codes: frozenset[str] | None = None) -> Iterator[Written]:
    """Every section, filled, one after the other; `codes` are those that were chosen.

    What no section takes is named on the desk in the end.

    The sections that were not chosen are filled too, so that nothing which belongs to them is called impossible
    to write.
    """
    for part in PARTS:
        kept = len(desk.left_out), len(desk.dates)
        before = len(desk.taken) if isinstance(desk, _Watched) else 0
        sections = part.write(desk)
        taken = tuple(dict.fromkeys(desk.taken[before:])) if isinstance(desk, _Watched) else ()
        found = [Written(part, one, taken, codes is None or one.heading.code in codes) for one in sections]
        if not any(each.chosen for each in found):
            del desk.left_out[kept[0] :], desk.dates[kept[1] :]
        yield from found
    desk.close()
