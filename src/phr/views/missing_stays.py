"""Hospital stays of a night or more whose discharge summary is not in the record."""

from __future__ import annotations

from phr.fhir import dates, read
from phr.views.missing_ground import DAY, TEST_GRACE, Ground, Line, Row, whom

_CODES = "18842-5 28655-9 34105-7 34106-5 11490-0 59258-4 29761-4 34745-0 8648-8".split()
"""LOINC, discharge summaries of several departments."""
_INPATIENT = frozenset(("IMP", "ACUTE", "NONAC", "inpatient", "Inpatient", "inpatient encounter"))
_DISCHARGE = (
    "SELECT r.date_from, r.encounter, x.source_id FROM record r JOIN resource x ON x.id = r.id WHERE r.supporting = 0"
    " AND r.kind IN ('clinical_note', 'document') AND (lower(r.title) LIKE '%discharge%' OR lower(r.title) LIKE"
    " '%hospital course%' OR lower(r.title) LIKE '%transfer summary%' OR lower(r.title) LIKE '%hospital summary%'"
    " OR lower(coalesce(r.description, '')) LIKE '%discharge summary%' OR {codes})"
)
_LATER = 60 * DAY


def stays(ground: Ground) -> list[Line]:
    """Hospital stays of a night or more whose discharge summary is not here."""
    found: list[Line] = []
    rows = [row for row in ground.rows(("Encounter",), raw=True) if _is_stay(ground, row)]
    if not rows:
        return found
    codes = " OR ".join(f"instr(r.codes, '\"{code}\"')" for code in _CODES)
    told = ground.db.execute(_DISCHARGE.format(codes=codes)).fetchall()
    rows.sort(key=lambda row: (row.date_from or 0) - _end_of(row))
    covered: list[tuple[int, int]] = []
    for row in rows:
        begin, end = row.date_from or 0, _end_of(row)
        ground.count("hospital_stays")
        if any(start <= begin + DAY and end - DAY <= stop for start, stop in covered):
            continue  # part of a longer one, or the same told by another source
        covered.append((begin, end))
        if any(
            (source == row.source_id and visit == row.resource)
            or (when is not None and begin - DAY <= when <= end + _LATER)
            for when, visit, source in told
        ):
            continue
        nights = max(1, round((end - begin) / DAY))
        detail = f"A stay of {nights} {'night' if nights == 1 else 'nights'}; no discharge summary is in your record."
        hint = f"Ask {row.facility or whom(row)} for the discharge summary; phr show {row.id}"
        found.append(ground.line("stay_without_summary", row, detail, hint, since=end))
    return found


def _is_stay(ground: Ground, row: Row) -> bool:
    codes = {code.code for code in read.codings(row.raw.get("class"))} | {
        code.code for code in read.codings({"coding": read.listed(row.raw.get("class"))})
    }
    inside = codes & _INPATIENT or row.category in _INPATIENT or read.text(row.raw.get("class")) in _INPATIENT
    if not inside or row.status in ("cancelled", "planned", "entered-in-error") or row.date_from is None:
        return False
    end = _end_of(row)
    nights = (row.end or "")[:10] > (row.date or "")[:10] and end - row.date_from > DAY // 4
    return nights and end < ground.now - ground.patience(TEST_GRACE) * DAY


def _end_of(row: Row) -> int:
    found = dates.parse(row.end) if row.end else None
    return found.start if found else (row.date_from or 0)
