"""Which records are shown as one, given which pairs of them are certainly the same.

Pairs are made one to one between two sources: two readings of one day in the one and one in the other stay apart, unless an
identifier or the instant says which is which. So what is the surest is paired first, and whoever has two equal candidates
is left alone. What results does not depend on the order in which the sources came.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import NamedTuple

Pair = tuple[int, int]
End = tuple[int, int]
"""A record, and a source in which it has found others."""
CERTAIN = 3
"""From this strength on equal candidates are the same statement made twice, and any of them will do."""


class Member(NamedTuple):
    """A record as it is paired: `order` is the same whatever came first."""

    id: int
    source: int
    order: bytes


def groups(
    members: Mapping[int, Member],
    strengths: Mapping[Pair, int],
    contradict: Callable[[int, int], bool],
    statement: Callable[[int], Hashable],
) -> list[list[int]]:
    """Groups of two and more. `strengths` of pairs of two sources that are the same, the surest highest.

    `contradict`: whether two records cannot be one. `statement`: equal where two records say one thing word for word.
    """
    found: list[list[int]] = []
    for ids, pairs in _components(_paired(members, strengths, statement)):
        found += _consistent(members, ids, pairs, contradict)
    return sorted(found)


def _paired(
    members: Mapping[int, Member], strengths: Mapping[Pair, int], statement: Callable[[int], Hashable]
) -> dict[Pair, int]:
    """One to one between each two sources, the surest first."""
    chosen: dict[Pair, int] = {}
    taken: set[End] = set()
    unsure: set[int] = set()
    for strength in sorted(set(strengths.values()), reverse=True):
        level: defaultdict[End, list[Pair]] = defaultdict(list)
        for pair, given in strengths.items():
            ends = _ends(members, pair)
            if given == strength and not taken.intersection(ends) and not unsure.intersection(pair):
                for end in ends:
                    level[end].append(pair)
        rivals = {end for end, pairs in level.items() if len(pairs) > 1}
        again = _repeated(members, level, rivals, statement) if rivals and strength >= CERTAIN else set()
        settled = {end for pair in again for end in _ends(members, pair)}
        # Who has two candidates in one source may be either: it is no certain partner of anybody else.
        unsure |= {
            one for one, source in rivals - settled if not _spare(level[one, source], settled, members)
        }
        for pair in {pair for pairs in level.values() for pair in pairs}:
            alone = all(len(level[end]) == 1 for end in _ends(members, pair))
            if (alone or pair in again) and not unsure.intersection(pair):
                chosen[pair] = strength
        taken.update(level)
    return chosen


def _ends(members: Mapping[int, Member], pair: Pair) -> tuple[End, End]:
    """Each of the two, and the source in which it has found the other."""
    one, other = pair
    return (one, members[other].source), (other, members[one].source)


def _spare(pairs: Sequence[Pair], settled: set[End], members: Mapping[int, Member]) -> bool:
    """Whether all the candidates are settled with others: then this one was said once more than they were."""
    return all(settled.intersection(_ends(members, pair)) for pair in pairs)


def _repeated(
    members: Mapping[int, Member],
    level: Mapping[End, Sequence[Pair]],
    rivals: set[End],
    statement: Callable[[int], Hashable],
) -> set[Pair]:
    """A source may say one thing twice, word for word: then any of the two is the other's partner, in a fixed order."""
    open_ = sorted(
        {pair for end in rivals for pair in level[end]},
        key=lambda pair: sorted((members[pair[0]].order, members[pair[1]].order)),
    )
    said = {one: statement(one) for pair in open_ for one in pair}
    heard = {
        end: {said[one] for pair in level[end] for one in pair if one != end[0]}
        for pair in open_
        for end in _ends(members, pair)
    }
    used: set[End] = set()
    found: set[Pair] = set()
    for one, other in open_:
        ends = _ends(members, (one, other))
        twins = heard[ends[0]] == {said[other]} and heard[ends[1]] == {said[one]}
        if twins and not used.intersection(ends):
            found.add((one, other))
            used.update(ends)
    return found


def _components(chosen: Mapping[Pair, int]) -> list[tuple[list[int], dict[Pair, int]]]:
    """Whatever is tied together, directly or not, with the pairs that tie it."""
    above: dict[int, int] = {}

    def top(one: int) -> int:
        while above.setdefault(one, one) != one:
            above[one] = one = above[above[one]]
        return one

    for one, other in chosen:
        above[top(one)] = top(other)
    ids: defaultdict[int, list[int]] = defaultdict(list)
    pairs: defaultdict[int, dict[Pair, int]] = defaultdict(dict)
    for one in sorted(above):
        ids[top(one)].append(one)
    for pair, strength in chosen.items():
        pairs[top(pair[0])][pair] = strength
    return [(found, pairs[head]) for head, found in ids.items()]


def _consistent(
    members: Mapping[int, Member],
    ids: list[int],
    chosen: Mapping[Pair, int],
    contradict: Callable[[int, int], bool],
) -> list[list[int]]:
    """These ids where all of them can be one fact; else what is left without the least sure pairs."""
    one_of_each = len({members[one].source for one in ids}) == len(ids)
    others = (
        (one, other)
        for at, one in enumerate(ids)
        for other in ids[at + 1 :]
        if (one, other) not in chosen and (other, one) not in chosen
    )
    if one_of_each and not any(contradict(*pair) for pair in others):
        return [ids]
    least = min(chosen.values())
    found: list[list[int]] = []
    for part, pairs in _components({pair: given for pair, given in chosen.items() if given > least}):
        found += _consistent(members, part, pairs, contradict)
    return found
