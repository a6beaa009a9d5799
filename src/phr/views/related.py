"""What a record belongs with: its visit, its panel, what it points at, what points at it, the same thing before.

References are looked up inside the source they came from: `Encounter/1` of one hospital has nothing to do with
`Encounter/1` of another. Every statement walks an index and stops early: what points here is looked for among the
records of the same visit and the days around, because the store keeps no list of all references.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from phr.fhir import read
from phr.views.events import Event, number

MOST = 20
POINTS = 5
_POINTED_AT = 4
"""Of so many resources of a record it is looked for what names them."""
MEASURED = ("lab_result", "vital_sign")
SAME_CODE = "same code"
SAME_VISIT = "same visit"
SAME_PANEL = "same panel"
POINTS_HERE = "points here"
DOCUMENT = "document"
_COLUMNS = "r.id, r.kind, r.title, r.date, r.resource, r.value, r.unit, r.status"
_BY_ADDRESS = (
    f"SELECT {_COLUMNS} FROM resource x JOIN record_source rs ON rs.resource_id = x.id"
    " JOIN record r ON r.id = rs.record_id WHERE x.source_id = ? AND x.type = ? AND x.fhir_id = ?"
    " AND r.supporting = 0"
)
# What was looked up while a record was read; `+` keeps the planner from walking the whole timeline for its order.
_LINKED = (
    f"SELECT {_COLUMNS} FROM record_link l JOIN record_source rs ON rs.resource_id = l.record_id"
    " JOIN record r ON r.id = rs.record_id"
    " WHERE l.source_id = ? AND l.target = ? AND r.supporting = 0 ORDER BY +r.date_from DESC, r.id DESC LIMIT ?"
)
# The first condition is that of the index. An encounter's address is one of the record's own source.
_SAME_VISIT = (
    f"SELECT {_COLUMNS} FROM record own JOIN record_source rs ON rs.resource_id = own.id"
    " JOIN record r ON r.id = rs.record_id"
    " WHERE substr(own.encounter, -6) = substr(?1, -6) AND own.encounter = ?1 AND rs.source_id = ?2"
    " AND r.supporting = 0"
    " ORDER BY +r.date_from DESC, r.id DESC LIMIT ?3"
)
_DAYS = 5 * 86_400
_NEAR = 60
_NAMED = 60
_MOST_READ = 400
_AROUND = (
    "SELECT r.id FROM record r WHERE r.supporting = 0 AND r.date_from >= ?1 - {before} AND r.date_from < ?1 + {after}"
    " ORDER BY r.date_from DESC, r.id DESC LIMIT ?2"
)
_FEW = 150
"""So many resources of a type are looked through whole, whenever they were."""
_OF_TYPE = "SELECT id FROM resource WHERE source_id = ? AND type = ? LIMIT ?"
_ORDERED = (
    "MedicationDispense",
    "MedicationAdministration",
    "Procedure",
    "DiagnosticReport",
    "Task",
    "Appointment",
)
_BY_TYPE = {
    "Condition": (
        "MedicationRequest",
        "MedicationStatement",
        "Procedure",
        "ServiceRequest",
        "CarePlan",
        "Goal",
    ),
    "ServiceRequest": _ORDERED,
    "MedicationRequest": _ORDERED[:2],
    "Goal": ("CarePlan",),
    "Communication": ("Communication",),
    "Device": ("DeviceUseStatement", "Procedure"),
    "Task": ("Task",),
    "Claim": ("ExplanationOfBenefit", "ClaimResponse"),
}
"""What can name a resource long after it was written."""
_NAMED_IN = "SELECT id, type || '/' || fhir_id, raw FROM resource WHERE id IN ({marks}) AND +source_id = ? AND instr(raw, ?)"
# Expression and conditions of the index `record_measured`.
_MEASURED = (
    f"SELECT {_COLUMNS}, r.codes, r.value_number, r.low, r.high, r.abnormal FROM record r"
    " WHERE coalesce(json_extract(r.codes,'$[0][1]'), lower(r.title)) = ? AND r.value IS NOT NULL AND r.supporting = 0"
    " ORDER BY r.date_from DESC, r.id DESC LIMIT ?"
)
# Of what has no value the full-text index knows who carries a code; the newest rows of it are looked at.
_CODED = (
    f"SELECT {_COLUMNS}, r.codes FROM (SELECT rowid AS id FROM record_search WHERE record_search MATCH ?"
    " ORDER BY rowid DESC LIMIT 60) f JOIN record r ON r.id = f.id WHERE r.kind = ? AND r.supporting = 0"
    " ORDER BY +r.date_from DESC, r.id DESC"
)
_HAVE_A_SERIES = (
    "problem",
    "medication",
    "immunization",
    "procedure",
    "imaging",
    "order",
    "questionnaire",
    "allergy",
)

Told = tuple[int, int, str, bytes]
"""One resource that tells a record: its row, the row of its source, `Type/id`, its bytes."""


class _Gathered:
    """What was found so far: no record twice, of each relation at most `MOST`."""

    def __init__(self, record_id: int) -> None:
        self._record_id = record_id
        self.found: dict[int, dict[str, Any]] = {}
        self._count: dict[str, int] = {}

    def note(self, rows: Iterable[Any], relation: str, element: str | None = None) -> None:
        for row in rows:
            if row[0] == self._record_id or row[0] in self.found or self._count.get(relation, 0) >= MOST:
                continue
            self._count[relation] = self._count.get(relation, 0) + 1
            self.found[row[0]] = {
                "id": str(row[0]),
                "kind": row[1],
                "title": row[2],
                "date": row[3],
                "resource": row[4],
                "value_text": row[5],
                "unit": row[6],
                "status": row[7],
                "relation": relation,
                "element": element,
            }


def related(
    db: Any, record_id: int, told: Sequence[Told], documents: Sequence[tuple[int, str]] = ()
) -> list[dict[str, Any]]:
    """`[{id, kind, title, date, resource, relation, …}]`; of each relation at most twenty, no record twice.

    `told`: the resources of all sources that tell the record; each points at what its own source has. `documents`:
    `(source, Type/id)` of what it is said to be taken from.
    """
    all_of_it = _Gathered(record_id)
    for _, source_id, _, raw in told:
        for element, target in _targets(raw):
            type_, _, id_ = target.partition("/")
            if type_ != "Patient":
                all_of_it.note(db.execute(_BY_ADDRESS, (source_id, type_, id_)), element)
    for source_id, address in documents:
        all_of_it.note(db.execute(_BY_ADDRESS, (source_id, *address.partition("/")[::2])), DOCUMENT)
    for at, (row, source_id, address, _) in enumerate(told):
        if at < _POINTED_AT and not address.startswith("Encounter/"):
            _pointing(db, row, source_id, address, all_of_it)
        visit = db.execute("SELECT encounter FROM record WHERE id = ?", (row,)).fetchone()
        seen = address if address.startswith("Encounter/") else visit[0] if visit else None
        if seen:
            all_of_it.note(db.execute(_SAME_VISIT, (seen, source_id, MOST + 1)), SAME_VISIT)
        if at < _POINTED_AT and address.startswith("Encounter/"):
            _pointing(db, row, source_id, address, all_of_it)
    all_of_it.note(_same_code(db, record_id), SAME_CODE)
    return list(all_of_it.found.values())


def _pointing(db: Any, row: int, source_id: int, address: str, found: _Gathered) -> None:
    """What names this resource; of a report that does, its other results too."""
    found.note(db.execute(_LINKED, (source_id, address, MOST)), POINTS_HERE)
    near = _nearby(db, row, source_id, address)
    if not near:
        return
    near = near[:_MOST_READ]
    marks = ",".join("?" * len(near))
    bare = address.partition("/")[2].encode()
    rows = db.execute(_NAMED_IN.format(marks=marks), [*near, source_id, bare]).fetchall()
    for _, other, raw in rows[:_NAMED]:
        element = next((name for name, target in _targets(bytes(raw)) if target == address), None)
        if element is None or other == address:
            continue
        found.note(db.execute(_BY_ADDRESS, (source_id, *other.partition("/")[::2])), POINTS_HERE, element)
        if element in ("result", "hasMember"):
            for name, target in _targets(bytes(raw)):
                if name == element and target != address:
                    type_, _, id_ = target.partition("/")
                    found.note(db.execute(_BY_ADDRESS, (source_id, type_, id_)), SAME_PANEL)


def _nearby(db: Any, row: int, source_id: int, address: str) -> list[int]:
    """Records of the same visit and of the days around."""
    own = db.execute("SELECT encounter, date_from FROM record WHERE id = ?", (row,)).fetchone()
    if own is None:
        return []
    near: dict[int, None] = {}
    visit = address if address.startswith("Encounter/") else own[0]
    if visit:
        query = (
            "SELECT id FROM record WHERE substr(encounter, -6) = substr(?1, -6) AND encounter = ?1 LIMIT ?2"
        )
        near |= dict.fromkeys(one[0] for one in db.execute(query, (visit, _NEAR)))
    if own[1] is not None:
        for before, after in ((0, _DAYS), (_DAYS, 0)):
            query = _AROUND.format(before=before, after=after)
            near |= dict.fromkeys(one[0] for one in db.execute(query, (own[1], _NEAR)))
    for wanted in _BY_TYPE.get(address.partition("/")[0], ()):
        rows = db.execute(_OF_TYPE, (source_id, wanted, _FEW + 1)).fetchall()
        near |= dict.fromkeys(one[0] for one in rows) if len(rows) <= _FEW else {}
    near.pop(row, None)
    return list(near)


def _same_code(db: Any, record_id: int) -> list[Any]:
    """Records of the same kind with the same first code, the newest first."""
    own = db.execute(
        "SELECT kind, title, codes, value, coalesce(json_extract(codes,'$[0][1]'), lower(title)) FROM record WHERE id = ?",
        (record_id,),
    ).fetchone()
    if own is None:
        return []
    kind, _, codes, value, key = own
    first = codes.partition("],")[0]
    if value is not None:
        rows = db.execute(_MEASURED, (key, MOST + 1)).fetchall()
        return [row for row in rows if row[1] == kind and _system(row[8]) == _system(codes)]
    if first == "[]" or kind not in _HAVE_A_SERIES or not any(map(str.isalnum, key)):
        return []
    query = 'codes : "' + str(key).replace('"', '""') + '"'
    rows = db.execute(_CODED, (query, kind)).fetchall()
    return [row for row in rows if _first(row[8]) == _first(codes)]


def _first(codes: str) -> list[Any] | None:
    found = read.parse_json(codes.encode())
    return found[0][:2] if isinstance(found, list) and found else None


def _system(codes: str) -> object:
    first = _first(codes)
    return first[0] if first else None


def trend(db: Any, event: Event) -> list[dict[str, Any]]:
    """The last points of the same measurement, oldest first; empty for what is not measured."""
    if event["kind"] not in MEASURED or event["value"] is None:
        return []
    code = next((one for one in event["codes"]), None)
    key = code["code"] if code and code["code"] else str(event["title"]).lower()
    rows = db.execute(_MEASURED, (key, POINTS * 3)).fetchall()
    rows = [row for row in rows if row[1] == event["kind"] and row[3] is not None]
    if code:
        rows = [row for row in rows if _system(row[8]) == code["system"]]
    rows = rows[:POINTS]
    names = _source_names(db, [row[0] for row in rows])
    return [
        {
            "id": str(row[0]),
            "date": row[3],
            "value": number(row[9]) if row[9] is not None else row[5],
            "original": row[5],
            "unit": row[6],
            "low": number(row[10]),
            "high": number(row[11]),
            "abnormal": None if row[12] is None else bool(row[12]),
            "source": names.get(row[0]),
        }
        for row in reversed(rows)
    ]


def _source_names(db: Any, ids: list[int]) -> dict[int, str]:
    marks = ",".join("?" * len(ids))
    return dict(
        db.execute(
            "SELECT rs.record_id, min(s.name) FROM record_source rs JOIN source s ON s.id = rs.source_id"
            f" WHERE rs.record_id IN ({marks}) GROUP BY rs.record_id",
            ids,
        ).fetchall()
    )


def _targets(raw: bytes) -> Iterator[tuple[str, str]]:
    """`(element, "Type/id")` of every reference in a resource, in its order."""
    try:
        resource = read.parse_json(raw)
    except ValueError:
        return
    open_: list[tuple[str, object]] = [("", resource)]
    while open_:
        element, node = open_.pop()
        if isinstance(node, dict):
            target = read.reference(node)
            if target:
                yield element, target
            open_.extend(
                [(key if key not in _LESS else element, part) for key, part in reversed(node.items())]
            )
        elif isinstance(node, list):
            open_.extend([(element, part) for part in reversed(node)])


_LESS = frozenset("reference item actor individual valueReference detail".split())
"""`participant.individual` says less than the element it stands in."""
