"""Which records are shown as one, given which pairs of them are certainly the same.

Pairs are made one to one between two sources: two readings of one day in the one and one in the other stay apart, unless an
identifier or the instant says which is which. So what is the surest is paired first, and whoever has two equal candidates
is left alone. What results does not depend on the order in which the sources came.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

Pair = tuple[int, int]
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
    alike: Callable[[int, int], bool],
) -> list[list[int]]:
    """Groups of two and more. `strengths` of pairs of two sources that are the same, the surest highest.

    `contradict`: whether two records cannot be one. `alike`: whether they are one statement, word for word.
    """
    found: list[list[int]] = []
    for ids, pairs in _components(_paired(members, strengths, alike)):
        found += _consistent(members, ids, pairs, contradict)
    return sorted(found)


def _paired(
    members: Mapping[int, Member], strengths: Mapping[Pair, int], alike: Callable[[int, int], bool]
) -> dict[Pair, int]:
    """One to one between each two sources, the surest first."""
    chosen: dict[Pair, int] = {}
    taken: set[tuple[int, int]] = set()
    unsure: set[int] = set()
    for strength in sorted(set(strengths.values()), reverse=True):
        level: defaultdict[tuple[int, int], list[Pair]] = defaultdict(list)
        for pair, given in strengths.items():
            ends = _ends(members, pair)
            if given == strength and not taken.intersection(ends) and not unsure.intersection(pair):
                for end in ends:
                    level[end].append(pair)
        rivals = {end for end, pairs in level.items() if len(pairs) > 1}
        again = _repeated(members, level, rivals, alike) if strength >= CERTAIN else []
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


def _ends(members: Mapping[int, Member], pair: Pair) -> tuple[tuple[int, int], tuple[int, int]]:
    """Each of the two, and the source in which it has found the other."""
    one, other = pair
    return (one, members[other].source), (other, members[one].source)


def _spare(pairs: Sequence[Pair], settled: set[tuple[int, int]], members: Mapping[int, Member]) -> bool:
    """Whether all the candidates are settled with others: then this one was said once more than they were."""
    return all(settled.intersection(_ends(members, pair)) for pair in pairs)


def _repeated(
    members: Mapping[int, Member],
    level: Mapping[tuple[int, int], Sequence[Pair]],
    rivals: set[tuple[int, int]],
    alike: Callable[[int, int], bool],
) -> list[Pair]:
    """A source may say one thing twice, word for word: then any of the two is the other's partner."""
    open_ = sorted(
        {pair for end in rivals for pair in level[end]},
        key=lambda pair: sorted((members[pair[0]].order, members[pair[1]].order)),
    )
    used: set[tuple[int, int]] = set()
    found = []
    for pair in open_:
        ends = _ends(members, pair)
        others = {one for end in ends for rival in level[end] for one in rival} - set(pair)
        twins = all(
            any(alike(other, one) for one in pair if members[other].source == members[one].source)
            for other in others
        )
        if twins and not used.intersection(ends):
            found.append(pair)
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
