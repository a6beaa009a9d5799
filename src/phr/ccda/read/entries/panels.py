"""What the ids of our own documents say belongs together: components, panels and their members, frames of lone results.

See `phr.ccda.read.wholes`. Where ids say nothing of this kind, all of these answer that there is nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from phr.ccda.read.datatypes import identifier
from phr.ccda.read.entries.parts import organizer_of, within
from phr.ccda.read.index import key_of
from phr.ccda.read.nodes import Node, children
from phr.ccda.read.once import same
from phr.ccda.read.wholes import CONCLUSION, GROUP, PANEL, VISIT

if TYPE_CHECKING:
    from phr.ccda.read.reading import Reading, Resource, Where


def is_frame(reading: Reading, organizer: Node) -> bool:
    """Whether an organizer is only there because a result may not stand alone (4.2 is no entry of its own)."""
    keys = reading.index.keys(organizer)
    return any(reading.index.wholes.wholes(keys, name) for name in (GROUP, VISIT))


def frames(reading: Reading, statement: Node, name: str) -> bool:
    """Whether a statement is only there because what it holds may not stand alone: a supply, a device."""
    return bool(reading.index.wholes.wholes(reading.index.keys(statement), name))


def is_panel(reading: Reading, organizer: Node) -> bool:
    """Whether an organizer is an Observation that has no value of its own."""
    keys = reading.index.keys(organizer)
    return bool(reading.index.wholes.parts(keys, PANEL))


def panels(reading: Reading, organizer: Node) -> list[list[str]]:
    """The ids of each panel that a group stands for."""
    return list(reading.index.wholes.panels(reading.index.keys(organizer)))


def named(organizer: Node, keys: list[str]) -> list[dict[str, Any]]:
    """These ids as Identifiers."""
    own = [each for each in children(organizer, "id") if key_of(each) in keys]
    return [found for each in own if (found := identifier(each)) is not None]


def components(reading: Reading, node: Node, keys: list[str] | None = None) -> list[Node]:
    """The observations that are components of this statement."""
    own = reading.index.own_keys(node) if keys is None else keys
    return [each for each in reading.index.wholes.parts(own, "component") if each is not node]


def whole_of(reading: Reading, node: Node) -> Node | None:
    """The statement of which this one is a component."""
    for whole in reading.index.wholes.wholes(reading.index.keys(node), "component"):
        near = organizer_of(node)
        holders = [each for each in reading.index.wholes.holders(whole) if each is not node]
        beside = [each for each in holders if each is near or organizer_of(each) is near]
        return next(iter(beside or holders), None)
    return None


def members(reading: Reading, node: Node, name: str = "member") -> list[Resource]:
    """What belongs to a panel or a report and does not stand inside it."""
    found: list[Resource] = []
    for each in reading.index.wholes.parts(reading.index.own_keys(node), name):
        where = reading.where(each)
        made = reading.read(each, where) if where is not None else []
        found += [one for one in made if one["resourceType"] == "Observation"][:1]
    return same(found)


def read_group(
    reading: Reading, where: Where, group: Node, *taken: Node
) -> tuple[list[Resource], list[Resource]]:
    """All that stands in a group, and what of that is the group's own: not the members of a panel inside it."""
    made: list[Resource] = []
    own: list[Resource] = []
    for _, inner in within(group, *taken):
        found = reading.read(inner, where)
        made += found
        if not belongs_elsewhere(reading, group, inner):
            own += found
    return same(made), same(own)


def belongs_elsewhere(reading: Reading, group: Node, node: Node) -> bool:
    """Whether an observation of a group is a member of another panel, and not also named by this group."""
    keys, wholes = reading.index.keys(node), reading.index.wholes
    own = reading.index.own_keys(group)
    return bool(wholes.wholes(keys, "member")) and not any(
        each in own for name in ("member", "result") for each in wholes.wholes(keys, name)
    )


def conclusions(reading: Reading, organizer: Node) -> list[Node]:
    """The observations that hold what a report concludes, in words first, then in codes."""
    return reading.index.wholes.parts(reading.index.own_keys(organizer), CONCLUSION)
