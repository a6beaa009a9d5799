"""What was given belongs to the order it was given for: an infusion each week is a sign of the order, not another drug.

An administration seldom bears the code of its order: it says `Zemaira infusion` where the order says `Zemaira 1,000 mg
vial`. It is of the order that it names (FHIR R4, MedicationAdministration.request), of the one with the same ingredient
or brand, or, where a condition pack says that words name what all products of a treatment are, of the one product.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from phr.fhir import read
from phr.packs.words import Words, tokens
from phr.views.standing.drugs import strength, substance
from phr.views.summary_doubt import Drug
from phr.views.summary_rows import SCANNED, Desk, Row, body

GIVEN = "MedicationAdministration"
_NOT_GIVEN = frozenset(("stopped", "cancelled", "not-taken", "not-done", "on-hold"))
_ASKED, _MOST_ASKED = 3, 120
_BRAND = re.compile(r"[\[(]([^\[\](){}]+)[\])]")
_ACT = frozenset("infusion infusions infused iv injection injections administration dose weekly".split())
_SWALLOWED = frozenset(
    "tablet tablets tab tabs capsule capsules cap caps oral po syrup elixir chewable".split()
)
_INJECTED = frozenset(
    "infusion infusions iv intravenous injection injections injectable injected vial vials syringe pen sc subcutaneous im"
    " intramuscular ampule ampoule prefilled".split()
)
_ELSEWHERE = frozenset(
    "cream ointment gel lotion patch transdermal topical eye ophthalmic drops otic nasal spray inhaler inhalation actuat"
    " nebulizer nebulization hfa".split()
)


def was_given(row: Row) -> bool:
    """Whether this says that it was given."""
    return row.type == GIVEN and row.status not in _NOT_GIVEN


def join_given(desk: Desk, ordered: Sequence[Drug], rest: Sequence[list[Row]]) -> list[list[Row]]:
    """Put what was given to the order it is of; what belongs to none comes back."""
    given = {at: [row for row in rows if was_given(row)] for at, rows in enumerate(rest)}
    asked = [row.id for rows in given.values() for row in rows[:_ASKED]][:_MOST_ASKED]
    requests = _requests(desk, asked) if ordered else {}
    left = []
    for at, rows in enumerate(rest):
        of = _order(ordered, given[at], requests) if ordered and given[at] else None
        if of is None:
            left.append(rows)
            continue
        of.past.extend(given[at])
        if other := [row for row in rows if not was_given(row)]:
            left.append(other)
    return left


def _order(ordered: Sequence[Drug], given: Sequence[Row], requests: dict[int, set[str]]) -> Drug | None:
    named = {address for row in given for address in requests.get(row.id, ())}
    for drug in ordered if named else ():
        if any(row.resource in named for row in (*drug.now, *drug.past)):
            return drug
    row = given[0]
    names = _names(row)
    fitting = [drug for drug in ordered if names & _names(drug.newest) and not _differ(row, drug.newest)]
    fitting = fitting or [
        drug for drug in ordered if _one_treatment(row, drug.newest) and not _differ(row, drug.newest)
    ]
    alike = [drug for drug in fitting if _amount(drug.newest) == _amount(row) is not None]
    return max(alike or fitting, key=lambda drug: drug.newest.date_from or 0, default=None)


def _requests(desk: Desk, ids: Sequence[int]) -> dict[int, set[str]]:
    """The orders that these name: `request`, up to FHIR STU3 `prescription`."""
    found: dict[int, set[str]] = {}
    for id_, told in desk.told(ids).items():
        for one in told:
            resource = body(one.raw)
            for pointer in (resource.get("request"), resource.get("prescription")):
                if address := read.reference(pointer):
                    found.setdefault(id_, set()).add(address)
    return found


def _names(row: Row) -> set[frozenset[str]]:
    """Its ingredient and its brand, each as a set of words without strength, form and how it was given."""
    said = [substance(words) for words in row.words]
    said += [brand for words in row.words for brand in _BRAND.findall(words)]
    return {words for one in said if (words := frozenset(tokens(one)) - _ACT)}


def _differ(given: Row, order: Row) -> bool:
    """Swallowed, injected, on the skin or inhaled: another form is another drug; so is a tablet of another strength."""
    one, other = _forms(given), _forms(order)
    if one and other and one.isdisjoint(other):
        return True
    amounts = _amount(given), _amount(order)
    return None not in amounts and amounts[0] != amounts[1] and "injected" not in one | other


def _forms(row: Row) -> set[str]:
    said = {token for words in (*row.words, row.description or "") for token in tokens(words)}
    ways = (("swallowed", _SWALLOWED), ("injected", _INJECTED), ("elsewhere", _ELSEWHERE))
    return {name for name, words in ways if words & said}


def _amount(row: Row) -> tuple[object, str] | None:
    found = strength(row.title)
    return (found.amount, found.unit) if found else None


def _one_treatment(one: Row, other: Row) -> bool:
    """Whether a pack knows both as one treatment, and one of them is called what all its products are."""
    from phr.packs.codes import CodeSet
    from phr.packs.loading import packs

    for rule in (rule for pack in packs() for rule in pack.milestones if rule.generic):
        codes, words, generic = CodeSet(rule.codes), Words(rule.words), Words(rule.generic)
        both = all(
            codes.fits((code[0], code[1]) for code in row.codes) or words.fit(row.title)
            for row in (one, other)
        )
        if both and (generic.fit(one.title) or generic.fit(other.title)):
            return True
    return False


def given_before(desk: Desk, row: Row, before: int) -> list[Row]:
    """What was given under the same name before this moment: a run may be longer than what is looked at otherwise."""
    found = desk.db.execute(
        "SELECT id FROM (SELECT id, title, resource FROM record WHERE kind = 'medication' AND supporting = 0"
        " AND date_from < ?1 ORDER BY date_from DESC LIMIT ?2) WHERE title = ?3 AND resource LIKE ?4 LIMIT 2000",
        (before, SCANNED, row.title, f"{row.type}/%"),
    ).fetchall()
    return [one for one in desk.rows([one[0] for one in found]) if one.status not in _NOT_GIVEN]
