"""Reports without their document, reports whose results are not here, and what never became final.

A report may name a file that could not be fetched, a study may have no report, a panel may point at results that the
source never sent. Each is told once, and only where nothing else in the record holds what is missed.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from phr.fhir import read
from phr.records.elements import walk
from phr.records.narrative import plain as narrative_words
from phr.views.had_exam import PERHAPS, YES
from phr.views.had_record import Told
from phr.views.missing_evidence import evidence
from phr.views.missing_ground import DAY, TEST_GRACE, Ground, Line, Row, rows_of, whom

_ATTACHED = (
    "SELECT rs.record_id, x.source_id, a.state, a.reason, a.http_status, s.kind FROM attachment a"
    " JOIN resource x ON x.id = a.resource_id JOIN source s ON s.id = x.source_id"
    " JOIN record_source rs ON rs.resource_id = x.id WHERE a.state <> 'stored' AND x.state = 'current'"
    " AND x.type IN ('DiagnosticReport', 'DocumentReference', 'Composition')"
    " AND NOT EXISTS (SELECT 1 FROM record_source o JOIN attachment b ON b.resource_id = o.resource_id"
    " WHERE o.record_id = rs.record_id AND b.state = 'stored')"
)
ONLY_NAMED = "Only its name is here"
_OPEN_STATUS = ("registered", "preliminary", "partial")
_WANTED = (
    "SELECT w.source_id, w.fhir_id FROM wanted_reference w WHERE w.type = 'Observation' AND NOT EXISTS (SELECT 1 FROM"
    " resource x WHERE x.source_id = w.source_id AND x.type = 'Observation' AND x.fhir_id = w.fhir_id)"
)


def without_document(ground: Ground) -> list[Line]:
    """Reports and letters whose file is not here in any form."""
    states: dict[int, tuple[str, str | None, int | None, str]] = {}
    for record, _, state, reason, status, kind in ground.db.execute(_ATTACHED):
        states.setdefault(record, (state, reason, status, kind))
    found = []
    for at in range(0, len(states), 400):
        for row in rows_of(ground.db, list(states)[at : at + 400]):
            if row.status in ("superseded", "entered-in-error", "cancelled"):
                continue
            state, reason, status, kind = states[row.id]
            found.append(
                ground.line("report_without_document", row, *_fetching(row, state, reason, status, kind))
            )
    ground.count("documents_without_file", len(found))
    return found


def _fetching(row: Row, state: str, reason: str | None, status: int | None, kind: str) -> tuple[str, str]:
    ask = f"ask {row.facility or row.performer or row.source} for it"
    if kind == "import" and state in ("wanted", "absent"):
        if reason and "neither" in reason:
            return "It is named, but has no content.", f"{ask[0].upper() + ask[1:]}; phr show {row.id}"
        return (
            "The imported file names it but does not hold it.",
            f"{ask[0].upper() + ask[1:]}; phr show {row.id}",
        )
    if state == "wanted":
        return "Its file has not been fetched yet.", "phr sync"
    if state == "absent":
        return "It is named, but has no content.", f"{ask[0].upper() + ask[1:]}; phr show {row.id}"
    said = f" (status {status})" if status else ""
    why = f": {reason}" if reason else ""
    return f"Its file could not be fetched{why}{said}.", f"phr documents fetch --failed; or {ask}"


# ── reports in name only, and studies without a report ────────────────────────────────────────────


def empty_reports(ground: Ground) -> list[Line]:
    """Reports that hold neither words, a file, nor results, where nothing else of that day does."""
    more = (
        "AND r.description IS NULL AND NOT EXISTS (SELECT 1 FROM record_source o JOIN attachment a"
        " ON a.resource_id = o.resource_id WHERE o.record_id = r.id)"
    )
    found = []
    for row in ground.rows(("DiagnosticReport",), raw=True, more=more):
        if row.status in ("cancelled", "entered-in-error", *_OPEN_STATUS) or _says_anything(row.raw):
            continue
        if row.date_from is not None and ground.now - row.date_from < ground.patience(TEST_GRACE) * DAY:
            continue
        if _told_elsewhere(ground, row):
            continue
        imaging = row.kind in ("imaging", "clinical_note")
        reason = "report_without_document" if imaging else "results_not_here"
        said = (
            f"{ONLY_NAMED}, neither its words nor a file."
            if imaging
            else f"{ONLY_NAMED}, none of its results."
        )
        found.append(ground.line(reason, row, said, f"Ask {whom(row)} for it; phr show {row.id}"))
    return found


def _says_anything(raw: dict[str, Any]) -> bool:
    if any(
        raw.get(name)
        for name in (
            "result",
            "conclusion",
            "conclusionCode",
            "presentedForm",
            "contained",
            "media",
            "imagingStudy",
        )
    ):
        return True
    text = raw.get("text")
    words = narrative_words(str(text.get("div") or "")) if isinstance(text, dict) else ""
    return len(re.findall(r"\w{3,}", words or "")) > 25


def _told_elsewhere(ground: Ground, row: Row) -> bool:
    """Whether the same examination or measurement of that day is told by something that has content."""
    for one in evidence(ground, row):
        if one.id == row.id or one.date_from is None or row.date_from is None:
            continue
        if (
            abs(one.date_from - row.date_from) < 2 * DAY
            and one.kind != "claim"
            and one.type not in ("ImagingStudy", "Procedure")
        ):
            return True
    return False


def studies(ground: Ground) -> list[Line]:
    """Pictures without a report: neither one that points at them, nor one of the same examination."""
    found = []
    pointed: dict[int, set[str]] = {}
    for row in ground.rows(("ImagingStudy",), raw=True):
        ground.count("imaging_studies")
        if row.status in ("cancelled", "entered-in-error", "registered"):
            continue
        if row.date_from is None or ground.now - row.date_from < ground.patience(TEST_GRACE) * DAY:
            continue
        if row.source_id not in pointed:
            pointed[row.source_id] = _pointed_at(ground, row.source_id)
        orders = {target for one in walk(row.raw, ("basedOn",)) if (target := read.reference(one))}
        if row.resource in pointed[row.source_id] or orders & pointed[row.source_id]:
            continue
        if any(_is_report(one, row) for one in evidence(ground, row)) or _unnamed_report(ground, row):
            continue
        detail = "The pictures are listed, but no report about them is in your record."
        found.append(
            ground.line(
                "report_without_document",
                row,
                detail,
                f"Ask {row.facility or whom(row)} for the report; phr show {row.id}",
            )
        )
    return found


def _pointed_at(ground: Ground, source_id: int) -> set[str]:
    found = set()
    query = (
        "SELECT raw FROM resource WHERE source_id = ? AND type IN ('DiagnosticReport', 'DocumentReference')"
        " AND (instr(raw, 'ImagingStudy') OR instr(raw, 'basedOn')) AND state = 'current'"
    )
    for (raw,) in ground.db.execute(query, (source_id,)):
        resource = orjson.loads(raw)
        if resource.get("status") in ("cancelled", "entered-in-error"):
            continue
        for path in ("imagingStudy", "basedOn", "context.related", "related"):
            for one in walk(resource, tuple(path.split("."))):
                if target := read.reference(one):
                    found.add(target)
    return found


def _is_report(one: Told, row: Row) -> bool:
    if one.type not in ("DiagnosticReport", "DocumentReference", "Composition") or one.level not in (
        YES,
        PERHAPS,
    ):
        return False
    if one.date_from is None or row.date_from is None or one.role in ("cancelled", "none"):
        return False
    return -2 * DAY < one.date_from - row.date_from < 30 * DAY


def _unnamed_report(ground: Ground, row: Row) -> bool:
    """An imaging report of the same source and day that does not say of what."""
    query = (
        "SELECT 1 FROM record r JOIN resource x ON x.id = r.id WHERE r.supporting = 0 AND r.date_from >= ?"
        " AND r.date_from < ? AND x.source_id = ? AND (r.kind = 'imaging' AND x.type = 'DiagnosticReport'"
        " OR x.type = 'DocumentReference')"
        " AND (lower(r.title) LIKE '%imaging%' OR lower(r.title) LIKE '%radiolog%') LIMIT 1"
    )
    begin = row.date_from or 0
    return ground.db.execute(query, (begin - DAY, begin + 3 * DAY, row.source_id)).fetchone() is not None


# ── results that are pointed at ───────────────────────────────────────────────────────────────────


def results(ground: Ground) -> list[Line]:
    """Panels that point at results which the source has not sent."""
    absent: dict[int, set[str]] = {}
    for source_id, fhir_id in ground.db.execute(_WANTED):
        absent.setdefault(source_id, set()).add(f"Observation/{fhir_id}")
    if not absent:
        return []
    found = []
    names = dict(ground.sources)
    more = "AND instr(x.raw, 'Observation/') AND (x.type = 'DiagnosticReport' OR instr(x.raw, 'hasMember'))"
    inside: set[int] = set()
    for row in ground.rows(("DiagnosticReport", "Observation"), raw=True, more=more):
        gone = absent.get(row.source_id)
        if (
            not gone
            or row.source_id not in names
            or row.status in ("cancelled", "entered-in-error", "registered")
        ):
            continue
        listed = [
            target
            for path in ("result", "hasMember")
            for one in walk(row.raw, (path,))
            if (target := read.reference(one))
        ]
        lost = [one for one in listed if one in gone]
        if not lost or row.id in inside:
            continue
        number = (
            f"None of its {len(listed)} results is"
            if len(lost) == len(listed)
            else f"{len(lost)} of its {len(listed)} results are not"
        )
        number = "Its only result is not" if len(listed) == 1 else number
        words = f"{number} in your record."
        found.append(
            ground.line(
                "results_not_here", row, words, f"phr sync --full; or ask {whom(row)}; phr show {row.id}"
            )
        )
    return found


# ── never final ───────────────────────────────────────────────────────────────────────────────────

_REPORTED = ("lab_result", "imaging", "clinical_note", "vital_sign", "other", "questionnaire")


def never_final(ground: Ground) -> list[Line]:
    """Reports and results that are still called preliminary, long after."""
    found: list[Line] = []
    members: set[tuple[int, str]] = set()
    rows = [
        row
        for row in ground.with_status(_REPORTED, _OPEN_STATUS)
        if row.type in ("DiagnosticReport", "Observation")
    ]
    for row in sorted(
        rows, key=lambda row: row.type
    ):  # reports first, so that their results are not told again
        ground.count("not_final")
        members |= {
            (row.source_id, target)
            for path in ("result", "hasMember")
            for one in walk(row.raw, (path,))
            if (target := read.reference(one))
        }
        start = row.written if row.written is not None else row.date_from
        if (row.source_id, row.resource) in members or start is None:
            continue
        if ground.now - start < ground.patience(TEST_GRACE) * DAY or _final_since(ground, row):
            continue
        word = {"registered": "only registered", "partial": "only in part there"}.get(
            str(row.status), "only preliminary"
        )
        detail = f"It is {word}; no final {'report' if row.type == 'DiagnosticReport' else 'result'} is in your record."
        found.append(
            ground.line(
                "never_final",
                row,
                detail,
                f"Ask {whom(row)} for the final one; phr show {row.id}",
                since=start,
            )
        )
    more = "AND r.description LIKE '%preliminary%'"
    for row in ground.rows(("DocumentReference",), raw=True, more=more):
        if (
            row.raw.get("docStatus") != "preliminary"
            or row.status in ("superseded", "entered-in-error")
            or row.written is None
        ):
            continue
        if ground.now - row.written >= ground.patience(TEST_GRACE) * DAY:
            detail = "It is only preliminary (not signed); no final version is in your record."
            found.append(
                ground.line(
                    "never_final", row, detail, f"Ask {whom(row)} for the final one; phr show {row.id}"
                )
            )
    return found


def _final_since(ground: Ground, row: Row) -> bool:
    """Whether the same was reported as final on that day or soon after, under another number."""
    begin = row.date_from if row.date_from is not None else row.written
    if begin is None:
        return False
    for one in evidence(ground, row):
        if (
            one.id == row.id
            or one.status in (*_OPEN_STATUS, "cancelled", "entered-in-error")
            or one.date_from is None
        ):
            continue
        if one.type in ("DiagnosticReport", "Observation") and -2 * DAY < one.date_from - begin < 60 * DAY:
            return True
    return False
