"""A selection as a person says it: the same words on a screen, on paper and in every file."""

from __future__ import annotations

from phr.views.selection import Selection


def in_words(selection: Selection) -> list[str]:
    """What was asked for, a part each; empty means everything. A level of sensitivity is not told."""
    from phr.packs.loading import packs
    from phr.views.kind_words import plural

    names = {pack.id: pack.name for pack in packs()} if selection.packs else {}
    parts = []
    if selection.kinds:
        parts.append(f"only {_listed([plural(kind) for kind in selection.kinds])}")
    if selection.packs:
        parts.append(f"about {_listed([names.get(one, one) for one in selection.packs])}")
    if selection.tags:
        parts.append(f"tagged {_listed(list(selection.tags), 'and')}")
    if selection.search:
        parts.append(f"with the words “{selection.search}”")
    if selection.sources:
        parts.append(f"only from {_listed(list(selection.sources))}")
    also = ", and what still stands from before" if selection.standing else ""
    if selection.since and selection.until:
        parts.append(f"from {selection.since} to {selection.until}{also}")
    elif selection.since:
        parts.append(f"since {selection.since}{also}")
    elif selection.until:
        parts.append(f"up to {selection.until}")
    return parts


def _listed(words: list[str], last: str = "or") -> str:
    return " ".join((", ".join(words[:-1]), last, words[-1])) if len(words) > 1 else words[0]
