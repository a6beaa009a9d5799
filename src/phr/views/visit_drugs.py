"""Medicines since the last visit: begun, changed in dose, stopped; and problems and allergies that are over or put right.

A refill is no new medicine. The same medicine in another strength is a change, and both are told. Where a source says that
a medicine was stopped and not when, the day on which it changed the entry is told as that, and nothing is made up.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from phr.fhir import dates, read
from phr.records.match_terms import codes_of_json
from phr.views.events import marks
from phr.views.titles import plain
from phr.views.visit_scene import DAY, Line, Scene
from phr.views.words import fold

OVER = frozenset(("stopped", "completed", "inactive", "cancelled", "ended", "resolved", "remission"))
_NEVER = frozenset(("entered-in-error", "not-taken", "draft", "cancelled", "unknown-never"))
_SINGLE = ("MedicationAdministration/", "MedicationDispense/")
"""Given or handed out once: that says nothing about going on."""
_CODES = frozenset(("rxnorm", "ndc", "snomed", "unii"))
"""Systems whose codes mean one medicine, not a group of them."""
_ROWS = 4_000
_MOST = 50
_SALTS = frozenset(
    """
    hydrochloride hcl sodium potassium calcium sulfate sulphate succinate tartrate acetate maleate besylate mesylate fumarate
    phosphate citrate bromide furoate propionate dipropionate hemihydrate monohydrate dihydrate magnesium trihydrate
    extended immediate delayed sustained release oral tablet tablets capsule capsules solution suspension injection
    injectable inhaler inhalation nasal spray cream ointment patch film coated chewable ophthalmic topical by mouth daily
    hour hr day metered dose dry powder disintegrating er xr sr xl cr la dr ec
    """.split()
)
_BRAND = re.compile(r"\[[^\]]*\]|\([^()]*\)")
_LETTERS = re.compile(r"[a-z][a-z-]*[a-z]")
_STRENGTH = re.compile(
    r"(\d+(?:[.,]\d+)?)\s*(mg|mcg|µg|ug|g|ml|units?|iu|meq|mmol|%|puffs?|tablets?|capsules?|drops?)?\b"
)


def name_of(title: str) -> str:
    """What a medicine is called without strength, form, salt and brand: `predniSONE 10 MG Oral Tablet` is prednisone."""
    words = re.sub(r"^\s*\d+\s*(?:hr|hour)\b", "", fold(_BRAND.sub(" ", title)))
    found: list[str] = []
    for piece in re.split(r"\s*[/+]\s*|\s+and\s+", words):
        before = re.split(r"\d", piece, maxsplit=1)[0]
        kept = [word for word in _LETTERS.findall(before) if word not in _SALTS]
        if kept:
            found.append(" ".join(kept))
    return " / ".join(sorted(dict.fromkeys(found))) or fold(title).strip()


def strength_of(line: Line) -> frozenset[str]:
    """The numbers of a dose, with their units, in the title and in how it is taken."""
    words = fold(f"{plain(line.title)} ; {line.description or ''}").replace("micrograms", "mcg")
    return frozenset(f"{number.replace(',', '.')}{unit or ''}" for number, unit in _STRENGTH.findall(words))


class Drugs:
    """All medicines of the selection, by name."""

    def __init__(self, scene: Scene, since: dates.PartialDate | None) -> None:
        self.scene = scene
        self.since = since
        self.every = [
            line
            for line in scene.lines("kind = ?", ["medication"], f" ORDER BY date_from DESC LIMIT {_ROWS}")
            if (line.status or "") not in _NEVER
        ]
        self._alias: dict[str, str] = {}
        self._learn()
        self.by_name: dict[str, list[Line]] = {}
        for line in self.every:
            self.by_name.setdefault(self.called(line), []).append(line)

    def _learn(self) -> None:
        """Two names with one code are one medicine: a brand, and what is in it."""
        by_code: dict[tuple[str, str], str] = {}
        for line in self.every:
            name = self.called(line)
            for code in codes_of_json(line.codes)[0]:
                if code[0] in _CODES and (other := by_code.setdefault(code, name)) != name:
                    other = self._alias.get(other, other)
                    self._alias |= {one: other for one, of in self._alias.items() if of == name}
                    self._alias[name] = other
                    name = other
        self._alias = {name: other for name, other in self._alias.items() if name != other}

    def called(self, line: Line) -> str:
        """The name under which it stands here, however its source calls it."""
        name = name_of(line.title)
        return self._alias.get(name, name)

    def new(self, lines: list[Line]) -> list[Line]:
        """Those that were not taken before, each once: refills and further infusions of the same are no news."""
        if self.since is None:
            return self._current()
        ids = {line.id for line in lines}
        found: dict[str, Line] = {}
        for line in sorted(lines, key=lambda line: (line.start or 0, line.id)):
            name = self.called(line)
            if name not in found and not any(
                self._stood(other) for other in self.by_name.get(name, ()) if other.id not in ids
            ):
                found[name] = line
        return list(found.values())

    def _current(self) -> list[Line]:
        """For who knows nothing yet: what is taken now, each once."""
        found: dict[str, Line] = {}
        for line in self.every:
            if (line.status or "active") in ("active", "on-hold", "intended") and not self._ended(line):
                found.setdefault(self.called(line), line)
        return list(found.values())

    def _ended(self, line: Line) -> bool:
        found = dates.parse(line.end)
        return found is not None and found.end <= self.scene.now

    def _stood(self, line: Line) -> bool:
        """Whether it was taken up to the visit, or not long before it: a course that ended long ago is begun anew."""
        assert self.since is not None  # noqa: S101 - asked for only then
        if line.start is None or line.start >= self.since.start + DAY:
            return False
        found = dates.parse(line.end)
        if found is not None:
            return found.end > self.since.start - 60 * DAY
        if line.resource.startswith(_SINGLE) or (line.status or "") in OVER:
            return line.start > self.since.start - 400 * DAY
        return True

    def continues(self, line: Line) -> Line | None:
        """Another entry of the same medicine that goes on after this one."""
        for other in self.by_name.get(self.called(line), ()):
            later = (other.start or 0, other.id) > (line.start or 0, line.id)
            if (
                other.id != line.id
                and later
                and (other.status or "active") not in OVER
                and not self._ended(other)
            ):
                return other
        return None

    def replaced(self, since: dates.PartialDate) -> list[tuple[Line, Line]]:
        """`(new, before)`: begun since then, in another strength than the one that was taken up to then."""
        found = []
        for lines in self.by_name.values():
            ordered = [line for line in lines if not line.resource.startswith(_SINGLE)]
            after = [line for line in ordered if _began_after(line, since)]
            before = [line for line in ordered if not _began_after(line, since) and self._stood(line)]
            if not after or not before:
                continue
            new, old = after[0], before[0]
            one, other = strength_of(new), strength_of(old)
            if one and other and one != other and not one < other and not other < one:
                found.append((new, old))
        return found


def _began_after(line: Line, since: dates.PartialDate) -> bool:
    day = line.day
    return day > since.text[:10] if day and len(since.text) >= 10 else (line.start or 0) >= since.start


def changed_since(scene: Scene, since: dates.PartialDate, drugs: Drugs) -> list[dict[str, Any]]:
    """What changed or ended since then: each the event, with `change`, `on` and, where it is known, `before`."""
    found: dict[int, dict[str, Any]] = {}
    for new, old in drugs.replaced(since):
        found[new.id] = {"change": "dose", "on": new.date, "before": _dose(old), "before_id": str(old.id)}
    for line in drugs.every:
        if (
            line.id not in found
            and (stopped := _stopped(scene, line, since))
            and drugs.continues(line) is None
        ):
            found[line.id] = stopped
    for kind in ("problem", "allergy"):
        for line in scene.lines(
            "kind = ? AND end IS NOT NULL", [kind], f" ORDER BY date_from DESC LIMIT {_ROWS}"
        ):
            if _ended_since(scene, line, since):
                found[line.id] = {"change": "over", "on": line.end}
    for id_, said in _versions(scene, since).items():
        found.setdefault(id_, said)
    order = {"reaction": -1, "stopped": 0, "dose": 1, "changed": 2, "over": 3}
    ids = sorted(found, key=lambda id_: (order[found[id_]["change"]], str(found[id_]["on"] or ""), id_))[
        :_MOST
    ]
    return [event | found[int(event["id"])] for event in scene.events(ids)]


def _dose(line: Line) -> str:
    return ", ".join(
        filter(None, (plain(line.title), (line.description or "").split(";")[0].strip() or None))
    )


def _ended_since(scene: Scene, line: Line, since: dates.PartialDate) -> bool:
    end = dates.parse(line.end)
    if end is None or end.start > scene.now:
        return False
    if end.precision in ("year", "month"):
        return end.end > since.end
    return (line.end or "")[:10] > since.text[:10] if len(since.text) >= 10 else end.start >= since.start


def _stopped(scene: Scene, line: Line, since: dates.PartialDate) -> dict[str, Any] | None:
    """Whether a medicine was stopped since then, and when; a single infusion or a refill is not stopped."""
    if line.resource.startswith(_SINGLE):
        return None
    if line.end:
        return {"change": "stopped", "on": line.end} if _ended_since(scene, line, since) else None
    if (line.status or "") not in OVER:
        return None
    if _began_after(line, since):
        return {"change": "stopped", "on": None}
    row = scene.db.execute("SELECT raw FROM resource WHERE id = ?", (line.id,)).fetchone()
    touched = _last_updated(row[0]) if row else None
    if touched and touched[:10] > since.text[:10] and touched[:10] <= scene.today:
        return {"change": "stopped", "on": None, "noticed": touched[:10]}
    return None


def _last_updated(raw: bytes) -> str | None:
    try:
        body = read.parse_json(raw)
    except ValueError:
        return None
    meta = body.get("meta") if isinstance(body, dict) else None
    return read.text(meta.get("lastUpdated")) if isinstance(meta, dict) else None


def _folded(text: str | None) -> str:
    return " ".join((text or "").casefold().split())


_TYPES = ("Condition", "AllergyIntolerance", "MedicationRequest", "MedicationStatement")


def _versions(scene: Scene, since: dates.PartialDate) -> dict[int, dict[str, Any]]:
    """Entries whose source says something else now than it did at the visit: another state, another dose."""
    after = f"{since.text[:10]}T23:59:59Z"
    rows = scene.db.execute(
        "SELECT rs.record_id, x.id, x.changed FROM source s CROSS JOIN resource x ON x.source_id = s.id"
        f" AND x.type IN ({marks(_TYPES)}) JOIN record_source rs ON rs.resource_id = x.id"
        " WHERE x.changed > ? AND x.changed > x.first_seen LIMIT ?",
        [*_TYPES, after, _ROWS],
    ).fetchall()
    seen = {row[0]: row for row in rows if row[0] not in scene.discretion.touched}
    allowed = {
        line.id: line
        for line in scene.lines(
            "record.id IN (SELECT value FROM json_each(?))", [orjson.dumps(list(seen)).decode()]
        )
    }
    found = {}
    for id_, line in allowed.items():
        _, resource, changed = seen[id_]
        if _began_after(line, since):
            continue  # it is new as a whole
        former = scene.db.execute(
            "SELECT raw FROM resource_version WHERE resource_id = ? AND replaced > ? ORDER BY id LIMIT 1",
            (resource, after),
        ).fetchone()
        said = _difference(former[0], line) if former else None
        if said:
            found[id_] = {**said, "on": changed[:10]}
    return found


def _difference(raw: bytes, line: Line) -> dict[str, Any] | None:
    from phr.records.derive import derive

    try:
        body = read.parse_json(raw)
    except ValueError:
        return None
    if not isinstance(body, dict):
        return None
    former = derive(body, lambda _: None)
    if former.status != line.status:
        over = (line.status or "") in OVER
        change = ("over" if line.kind != "medication" else "stopped") if over else "changed"
        return {"change": change, "before": former.status}
    if line.kind == "allergy" and _folded(former.description) != _folded(line.description):
        return {"change": "reaction", "before": former.description}
    before = (former.description or "").split(";")[0].strip()
    if line.kind == "medication" and before and before != (line.description or "").split(";")[0].strip():
        return {"change": "dose", "before": before}
    return None
