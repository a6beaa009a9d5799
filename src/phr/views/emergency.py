"""What somebody who finds the person needs: the essentials of the summary on one page, and as a text for a QR code.

What kills comes first: allergies that threaten life, blood thinners, implants, "do not resuscitate". The text is
plain, so that any telephone shows it without a network, without a server and without phr.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from phr.views import summary_people as people
from phr.views.events import Event
from phr.views.selection import EVERYTHING, Selection
from phr.views.summary import summary, told
from phr.views.summary_problems import LIFE, LIST
from phr.views.summary_results import KEY
from phr.views.summary_rows import Desk, Row, grouped
from phr.views.titles import chosen, plain

if TYPE_CHECKING:
    from phr.store.store import Store

Said = tuple[Row, dict[str, Any]]
BLOOD = ("882-1", "883-9", "10331-7")
"""LOINC: ABO and Rh group; ABO group; Rh."""
_IMPLANTED = re.compile(
    r"implant|pacemaker|defibrillat|\bicd\b|\bcrt\b|resynchroni|stent|prosthe|(?:heart|aortic|mitral|cardiac) valve"
    r"|\bshunt|\bport\b|port-?a-?cath|\bgraft|\bscrews?\b|\bplates?\b|\brods?\b|\bpins?\b|cochlear|stimulator"
    r"|(?:insulin|infusion|intrathecal|baclofen) pump|ventricular assist|\blvad\b|loop recorder|\bmesh\b|\bcoil|\bclip"
    r"|intraocular lens|venous catheter|\bpicc\b|tracheostom|gastrostomy|\biud\b",
    re.IGNORECASE,
)
_NOT_IN = re.compile(r"guide|suture|meter\b|wheelchair|nebuli[sz]er|external", re.IGNORECASE)
_FOR_THE_HEART = re.compile(r"pacemaker|defibrillat|resynchroni|ventricular assist|\blvad\b", re.IGNORECASE)
_GONE = ("completed", "inactive", "entered-in-error", "stopped", "not-done")


def emergency(store: Store, selection: Selection = EVERYTHING) -> dict[str, Any]:
    """The essentials as one JSON document. Reads only."""
    page, desk = summary(store, selection), Desk(store, selection)
    parts = told(desk, {"blood": blood(desk), "devices": devices(desk), "insurance": people.coverage(desk)})
    problems = [one for one in page["problems"] if one["group"] != LIFE]
    listed = [one for one in problems if one["group"] == LIST]
    return {
        "schema": 1,
        "patient": page["patient"],
        "blood_type": _blood_words(parts["blood"]),
        "blood": parts["blood"],
        "allergies": page["allergies"],
        "none_known_allergies": page["none_known_allergies"],
        "medications": sorted(
            page["medications"], key=lambda one: (one["class"] is None, one["still_taking"])
        ),
        "none_known_medications": page["none_known_medications"],
        "not_to_be_taken": page["not_to_be_taken"],
        # what was only named at a visit stands in for a problem list where there is none
        "problems": sorted(listed or problems, key=_by_pack(page["extras"])),
        "none_known_problems": page["none_known_problems"],
        "devices": parts["devices"],
        "directives": sorted(page["directives"], key=lambda one: not one["no_resuscitation"]),
        "contacts": people.contacts(desk),
        "doctor": people.doctor(page["care_team"]),
        "insurance": parts["insurance"],
        # a medicine stands among the medicines
        "baseline": [one for one in page["extras"] if one["kind"] != "medication"],
        "sources": page["sources"],
        "own_sources": page["own_sources"],
        "main_source": page["main_source"],
        "newest": page["newest"],
        "made": page["made"],
        "more": page["more"],
    }


def _by_pack(extras: Sequence[Event]) -> Callable[[Event], int]:
    """What a condition pack is about comes first, that of most values in front: a rescuer has to know it."""
    values = Counter(one["pack"] for one in extras)
    return lambda one: -max((1 + values[pack] for pack in one["packs"]), default=0)


def named(event: Event) -> str:
    """The title in plain words; what is not sure says so before it."""
    title = plain(chosen(event))
    doubt = next(
        (
            word
            for word in ("unconfirmed", "provisional", "differential")
            if str(event.get("description") or "").startswith(word)
        ),
        None,
    )
    return f"{doubt}: {title}" if doubt else title


# ── blood group, implants ─────────────────────────────────────────────────────────────────────────────


def blood(desk: Desk) -> list[Said]:
    """The newest of each blood group observation; two of one kind where they differ."""
    found: list[Said] = []
    sql = (
        f"SELECT id, lower(value) FROM record WHERE {KEY} = ? AND value IS NOT NULL AND supporting = 0"
        " ORDER BY date_from DESC, id DESC LIMIT 20"
    )
    for code in BLOOD:
        values: dict[str, int] = {}
        for id_, value in desk.db.execute(sql, (code,)):
            values.setdefault(value, id_)
        found += [(row, {"test": code}) for row in desk.rows(list(values.values()))]
        if found and code == BLOOD[0]:
            break  # ABO and Rh in one: its parts say no more
    return found


def _blood_words(found: Sequence[Event]) -> str | None:
    words = [str(one["value_text"] or one["value"]) for one in found]
    if not words:
        return None
    tests = [one["test"] for one in found]
    if len(set(tests)) < len(tests):
        return f"results differ: {', '.join(words)}"
    labels = {BLOOD[1]: "", BLOOD[2]: "" if any("rh" in word.casefold() for word in words) else "Rh "}
    return " ".join(f"{labels.get(test, '')}{word}" for test, word in zip(tests, words, strict=True))


def devices(desk: Desk) -> list[Said]:
    """What is in the body, those for the heart first; each once."""
    rows = [
        row
        for row in desk.newest("device", limit=300)
        if row.type in ("Device", "DeviceUseStatement")
        and row.status not in _GONE
        and not row.ended(desk.now)
        and any(_IMPLANTED.search(word) for word in row.words)
        and not _NOT_IN.search(row.title)
    ]
    groups = grouped(rows)
    found: list[Said] = [
        (
            group[0],
            {
                "heart": any(_FOR_THE_HEART.search(word) for row in group for word in row.words),
                "times": len(group),
                "same": [str(row.id) for row in group[1:]],
            },
        )
        for group in groups
    ]
    found.sort(key=lambda one: not one[1]["heart"])
    return found
