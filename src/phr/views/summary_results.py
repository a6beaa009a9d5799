"""What is out of range, what is to come, and what was ordered without a result so far."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from phr.fhir import dates
from phr.views.summary_rows import Desk, Row, body

Said = tuple[Row, dict[str, Any]]
DAY = 86_400
RECENT = 366 * DAY
_SCANNED = 600
_TESTS = 60
_MEASURED = ("lab_result", "vital_sign")
_CRITICAL = frozenset(("HH", "LL", "AA"))
_ABNORMAL = (
    "SELECT id FROM record WHERE abnormal = 1 AND supporting = 0 AND date_from >= ? AND date_from <= ?{visible}"
    " ORDER BY date_from DESC, id DESC LIMIT ?"
)
KEY = "coalesce(json_extract(codes, '$[0][1]'), lower(title))"
_LATER = (
    f"SELECT id, date_from FROM record WHERE {KEY} = ? AND value IS NOT NULL AND supporting = 0 AND date_from <= ?"
    " ORDER BY date_from DESC, id DESC LIMIT 1"
)


class Span(NamedTuple):
    """The time of which results are told: a year, or longer where that was asked for."""

    begin: int
    newest: int | None
    """When the newest result is from that does not lie ahead."""
    is_past: bool
    """Whether it is the last year that has results, as there are none of the last twelve months."""

    @property
    def has_results(self) -> bool:
        """Whether anything was measured in it: without, that nothing is out of range says nothing."""
        return self.newest is not None and self.newest >= self.begin

    @classmethod
    def of(cls, desk: Desk, since: int | None) -> Span:
        """From `since` on; without, the last twelve months, or else the last year that has results."""
        sql = (
            "SELECT date_from FROM record WHERE kind = ? AND supporting = 0 AND date_from <= ?"
            " ORDER BY date_from DESC LIMIT 1"
        )
        found = [desk.db.execute(sql, (kind, desk.now + DAY)).fetchone() for kind in _MEASURED]
        newest = max((int(row[0]) for row in found if row), default=None)
        recent = _month(desk.now - RECENT)
        if since is not None:
            return cls(since, newest, is_past=False)
        if newest is not None and newest < recent:
            return cls(_month(newest - RECENT), newest, is_past=True)
        return cls(recent, newest, is_past=False)


def _month(epoch: int) -> int:
    """The first of its month, UTC: a heading that names the month tells all of it."""
    first = datetime.fromtimestamp(epoch, UTC).replace(day=1, hour=0, minute=0, second=0)
    return int(first.timestamp())


def abnormal(desk: Desk, span: Span) -> tuple[list[Said], int]:
    """The newest abnormal result of each test of that time, and how many tests more there are.

    Critical ones first; a test that was within its range the next time comes last, and says so.
    """
    hidden, levels = desk.visible()
    rows = desk.db.execute(
        _ABNORMAL.format(visible=hidden), [span.begin, desk.now + DAY, *levels, _SCANNED]
    ).fetchall()
    tests: dict[str, list[Row]] = {}
    for row in desk.rows([one[0] for one in rows]):
        tests.setdefault(test_of(row), []).append(row)
    if len(rows) == _SCANNED:
        desk.reached.append("abnormal")
    shown = dict(list(tests.items())[:_TESTS])
    newest = {name: _newest(desk, told[0]) for name, told in shown.items()}
    ids = [id_ for id_ in newest.values() if id_ is not None]
    numbers = _interpretations(desk, [*ids, *(rows[0].id for rows in shown.values())])
    found = []
    for name, told in shown.items():
        later = newest[name]
        normal = later if later not in (None, told[0].id) and numbers.get(later, (None, 1))[1] == 0 else None
        said = {
            "times": len(told),
            "critical": (numbers.get(told[0].id, (None, 1))[0] or "") in _CRITICAL,
            "normal_since": str(normal) if normal else None,
        }
        found.append((told[0], said))
    found.sort(key=lambda one: (not one[1]["critical"], one[1]["normal_since"] is not None))
    return found, len(tests) - len(shown)


def key(row: Row) -> str:
    """What tells one measurement from another, as the index `record_measured` has it."""
    return (row.codes[0][1] if row.codes else None) or row.title.lower()


def test_of(row: Row) -> str:
    """The test it is a result of: one sent as mass and as amount of substance is one test (records.measures)."""
    from phr.records.measures import BY_CODE

    measure = BY_CODE.get(key(row))
    return f"measure:{measure.id}" if measure else key(row)


def _newest(desk: Desk, row: Row) -> int | None:
    """The newest result of this test, under any of its codes."""
    from phr.records.measures import BY_CODE

    measure = BY_CODE.get(key(row))
    names = dict.fromkeys((key(row), *(measure.codes if measure else ())))
    found = [desk.db.execute(_LATER, (name, desk.now + DAY)).fetchone() for name in names]
    return max(((one[1], one[0]) for one in found if one), default=(0, None))[1]


def _interpretations(desk: Desk, ids: Sequence[int]) -> dict[int, tuple[str | None, int | None]]:
    from phr.views.events import marks

    unique = list(dict.fromkeys(ids))
    rows = desk.db.execute(
        f"SELECT id, upper(interpretation), abnormal FROM record WHERE id IN ({marks(unique)})", unique
    )
    return {row[0]: (row[1], row[2]) for row in rows}


# ── what is to come ───────────────────────────────────────────────────────────────────────────────────

_EXPECTED = ("booked", "pending", "proposed", "arrived", "checked-in", "waitlist", "planned", None)
_OPEN = ("requested", "received", "accepted", "in-progress", "ready", "on-hold", None)
_ANSWERED = 366 * DAY


def upcoming(desk: Desk) -> list[Said]:
    """Appointments and planned visits from today on, the next one first."""
    today = desk.now - desk.now % DAY
    rows = [
        row
        for kind in ("appointment", "encounter")
        for row in desk.newest(kind, statuses=_EXPECTED, since=today, limit=200)
        if row.type in ("Appointment", "Encounter") and not _is_over(desk, row, today)
    ]
    rows = [row for row in rows if row.type == "Appointment" or row.status == "planned"]
    rows.sort(key=lambda row: row.date_from or 0)
    return [(row, {}) for row in rows]


def _is_over(desk: Desk, row: Row, today: int) -> bool:
    """Before now, by its instant where it has one, else by its day."""
    found = dates.parse(row.end) or dates.parse(row.date)
    return found is None or found.end <= (desk.now if found.precision in ("minute", "second") else today)


def tasks(desk: Desk) -> list[Said]:
    """What is still to be done: overdue first, then by when it is due."""
    rows = [row for row in desk.newest("task", statuses=_OPEN) if row.type == "Task"]
    found = []
    for row in rows:
        due = dates.parse(row.end)
        found.append((row, {"due": row.end, "overdue": due is not None and due.end <= desk.now}))
    found.sort(key=lambda one: (not one[1]["overdue"], one[1]["due"] or "9999", -(one[0].date_from or 0)))
    return found


def open_orders(desk: Desk) -> list[Said]:
    """Tests and referrals of the last year that are active, where nothing that answers them is here."""
    orders = [
        row
        for row in desk.newest("order", statuses=("active", None), since=desk.now - _ANSWERED, limit=100)
        if row.type == "ServiceRequest" and not (row.description or "").startswith("not to be done")
    ]
    if not orders:
        return []
    first = min(row.date_from or 0 for row in orders)
    answers = [
        row
        for kind in ("lab_result", "imaging", "procedure", "clinical_note")
        for row in desk.newest(kind, since=first - DAY, limit=150)
    ]
    based = _based_on(desk, answers)
    return [
        (row, {})
        for row in orders
        if row.resource not in based and not any(_answers(answer, row) for answer in answers)
    ]


def _answers(answer: Row, order: Row) -> bool:
    if (answer.date_from or 0) < (order.date_from or 0) - DAY:
        return False
    same = answer.title.casefold() == order.title.casefold()
    return same or not answer.coded.isdisjoint(order.coded)


def _based_on(desk: Desk, answers: Sequence[Row]) -> set[str]:
    """Orders that a report names as its reason (`basedOn`)."""
    from phr.fhir import read

    reports = [row.id for row in answers if row.type in ("DiagnosticReport", "Procedure", "ImagingStudy")][
        :60
    ]
    found = set()
    for told in desk.told(reports).values():
        for pointer in read.listed(body(told[0].raw).get("basedOn")):
            if address := read.reference(pointer):
                found.add(address)
    return found


def day_of(epoch: int) -> str:
    """An instant as a day, UTC."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%d")
