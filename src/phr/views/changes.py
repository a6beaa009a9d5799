"""What changed between two versions of a resource, in plain words, field by field.

Compared are the parsed elements, by their path. Entries of a list are held against each other by what they are (their
code, name, reference, label), not by where they stand; what a server writes anew at each change (`meta`, ids, the
narrative made from the elements) is no change. Each side is said as its own page says it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Any

from phr.fhir import read
from phr.views.details import OWN_WORDS, exact, of_resource
from phr.views.fields.saying import Find, nothing_found

Change = dict[str, Any]
"""`label`, `before`, `after` (None where there was nothing), and `words` of long texts: `[["=", …], ["-", …]]`."""
MOST = 60
_LONG = 60
_PIECES = re.compile(r"\s+|[^\s]+")
_NOISE = ("meta", "id", "text", "implicitRules", "resourceType", "contained")


def changes(before: bytes, after: bytes, find: Find = nothing_found) -> list[Change]:
    """What is different in `after`; empty where only bookkeeping is."""
    old, new = exact(before), exact(after)
    if not isinstance(old, dict) or not isinstance(new, dict):
        return [] if old == new else [_change("The whole record", None, None)]
    if not any(True for _ in _paths(_bare(old), _bare(new))):
        return _narratives(old, new)
    said = list(_compared(_said(old, find), _said(new, find)))
    return (said or [_change(path, None, None) for path in dict.fromkeys(_paths(_bare(old), _bare(new)))])[
        :MOST
    ]


def _bare(resource: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in resource.items() if key not in _NOISE}


def _said(resource: dict[str, Any], find: Find) -> list[tuple[str, str]]:
    return [(one["label"], one["value"]) for one in of_resource(resource, find) if one["label"] != OWN_WORDS]


def _narratives(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    """A narrative of its own that changed; one that is made from the elements is noise."""
    from phr.views.fields.narrative import untold

    before, after = untold(old, ()), untold(new, ())
    return [] if before == after else [_change(OWN_WORDS, before, after)]


# ── by path ───────────────────────────────────────────────────────────────────────────────────────


def _paths(old: Any, new: Any, above: str = "") -> Iterator[str]:
    """The paths at which two values differ."""
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            if key not in ("id", "_id"):
                yield from _paths(old.get(key), new.get(key), f"{above}.{key}" if above else key)
    elif isinstance(old, list) and isinstance(new, list):
        for one, other in _matched(old, new):
            yield from _paths(one, other, above)
    else:
        yield above


def _matched(old: list[Any], new: list[Any]) -> Iterator[tuple[Any, Any]]:
    """Entries of two lists side by side: by what they are, then in their order."""
    left = [one for one in old if one not in new]
    came = [one for one in new if one not in old]
    for one in left:
        at = next(
            (i for i, other in enumerate(came) if other is not None and _mark(one) == _mark(other)), None
        )
        yield one, (came.pop(at) if at is not None else None)
    for other in came:
        yield None, other


def _mark(entry: Any) -> object:
    """By what an entry is known: its id, code, type, reference or label."""
    if not isinstance(entry, dict):
        return entry
    for key in ("id", "linkId", "code", "type", "system", "url", "reference", "sequence", "use"):
        if key in entry:
            codes = read.codings(entry[key]) if key in ("code", "type") else ()
            return key, codes[0].code if codes else str(entry[key])
    return tuple(sorted(entry))


# ── in words ──────────────────────────────────────────────────────────────────────────────────────


def _compared(old: list[tuple[str, str]], new: list[tuple[str, str]]) -> Iterator[Change]:
    """Lines of the two pages: what stands on both says nothing; the rest is paired by label."""
    gone = _without(old, new)
    came = _without(new, old)
    for label, before in gone:
        at = next((i for i, (name, _) in enumerate(came) if name == label), None)
        if at is None:
            yield _change(label, before, None)
            continue
        after = came.pop(at)[1]
        yield _lines(label, before, after)
    for label, after in came:
        yield _change(label, None, after)


def _lines(label: str, before: str, after: str) -> Change:
    """Of a field with several lines only those that differ."""
    one, other = before.split("\n"), after.split("\n")
    if len(one) > 1 or len(other) > 1:
        kept_before = [line for line in one if line not in other]
        kept_after = [line for line in other if line not in one]
        if len(kept_before) + len(kept_after) < len(one) + len(other) and (kept_before or kept_after):
            return _change(label, "\n".join(kept_before) or None, "\n".join(kept_after) or None)
    return _change(label, before, after)


def _without(lines: list[tuple[str, str]], others: list[tuple[str, str]]) -> list[tuple[str, str]]:
    left = list(others)
    found = []
    for line in lines:
        if line in left:
            left.remove(line)
        else:
            found.append(line)
    return found


def _change(label: str, before: str | None, after: str | None) -> Change:
    found: Change = {"label": label, "before": before, "after": after}
    if before and after and max(len(before), len(after)) > _LONG:
        found["words"] = word_by_word(before, after)
    return found


def word_by_word(before: str, after: str) -> list[list[str]]:
    """A long text as pieces that stayed (`=`), went (`-`) and came (`+`)."""
    old, new = _PIECES.findall(before), _PIECES.findall(after)
    if len(old) + len(new) > 6000:
        return [["-", before], ["+", after]]
    found: list[list[str]] = []
    for tag, i, j, k, m in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            found.append(["=", "".join(old[i:j])])
            continue
        if j > i:
            found.append(["-", "".join(old[i:j])])
        if m > k:
            found.append(["+", "".join(new[k:m])])
    return found


def in_short(found: Sequence[Change]) -> str:
    """`Status: active → stopped; Dose`: one line for the last change."""
    return "; ".join(one["label"] for one in found[:4]) + ("; …" if len(found) > 4 else "")
