"""Immunizations by what they protect against: the last date and how many doses, each vaccine group once.

Groups are those that CVX (CDC's codes of vaccines) sorts them into; a combined vaccine counts in each of its groups. By
code where the code is a common one, else by the name. What was not given is no dose and is told apart.
"""

from __future__ import annotations

import re
from typing import Any

from phr.views.summary_rows import Desk, Row

Said = tuple[Row, dict[str, Any]]
_GROUPS = {
    "COVID-19": "covid|sars-?cov-?2|comirnaty|spikevax|coronavirus",
    "Influenza": r"influenza(?! type b| b\b)|\bflu\b|fluzone|flumist|fluad|flublok|fluarix|flulaval|afluria",
    "Tetanus, diphtheria, pertussis": r"\b(?:td|tdap|dtap|dtp|dt)\b|tetanus|diphtheria|pertussis|boostrix|adacel"
    "|pediarix|pentacel|vaxelis|infanrix|daptacel|kinrix",
    "Measles, mumps, rubella": r"\bmmrv?\b|measles|mumps|rubella|proquad|priorix",
    "Chickenpox (varicella)": r"varicella(?!.*zoster)|chickenpox|varivax|\bmmrv\b|proquad",
    "Shingles (zoster)": "zoster|shingrix|zostavax",
    "Hepatitis A": r"hep(?:atitis)?[ .-]?a\b|twinrix|havrix|vaqta",
    "Hepatitis B": r"hep(?:atitis)?[ .-]?b\b|twinrix|engerix|recombivax|heplisav|pediarix|vaxelis",
    "Polio": r"polio|\b[io]pv\b|pediarix|pentacel|vaxelis|kinrix",
    "Hib": r"\bhib\b|haemophilus|pentacel|vaxelis",
    "Pneumococcus": r"pneumococ|prevnar|pneumovax|vaxneuvance|\bpcv ?\d*|\bppsv ?\d*",
    "Meningococcus": r"meningococ|\bmcv4\b|menveo|menactra|bexsero|trumenba|menquadfi|penbraya",
    "HPV": r"\bhpv\b|papilloma|gardasil",
    "Rotavirus": "rotavirus|rotateq|rotarix",
    "RSV": r"\brsv\b|respiratory syncytial|arexvy|abrysvo|nirsevimab|beyfortus",
    "Rabies": "rabies",
    "Yellow fever": "yellow fever",
    "Typhoid": "typhoid",
    "Japanese encephalitis": "japanese enceph",
    "Tick-borne encephalitis": "tick.?borne",
    "Tuberculosis (BCG)": r"\bbcg\b",
    "Mpox, smallpox": "mpox|monkeypox|smallpox|vaccinia",
}
_TEST = re.compile(r"tuberculin|\bppd\b|immune globulin|antitoxin", re.IGNORECASE)
_CVX = "http://hl7.org/fhir/sid/cvx"
_BY_CVX = {
    name: frozenset(codes.split())
    for name, codes in {
        "COVID-19": "207 208 210 211 212 213 217 218 219 221 228 229 230 300 301 302 308 309 310 311 312 313",
        "Influenza": "15 16 88 111 135 140 141 144 149 150 153 155 158 161 166 168 171 185 186 197 205",
        "Tetanus, diphtheria, pertussis": "01 09 20 28 50 106 107 110 113 115 120 130 138 139 146 196 198",
        "Measles, mumps, rubella": "03 94",
        "Chickenpox (varicella)": "21 94",
        "Shingles (zoster)": "121 187 188",
        "Hepatitis A": "31 52 83 84 85 104",
        "Hepatitis B": "08 43 44 45 42 104 110 146 189 220",
        "Polio": "02 10 89 110 120 130 146",
        "Hib": "17 46 47 48 49 50 51 120 146",
        "Pneumococcus": "33 100 109 133 152 215 216",
        "Meningococcus": "32 103 108 114 136 147 148 162 163 164 203 316",
        "HPV": "62 118 137 165",
        "Rotavirus": "74 116 119 122",
        "RSV": "303 304 305 306 307",
    }.items()
}
"""CVX codes by group (https://www2a.cdc.gov/vaccines/iis/iisstandards/vaccines.asp?rpt=vg)."""


class Immunizations:
    """What a summary says of immunizations; each with what is to be said beside its event."""

    def __init__(self) -> None:
        self.given: list[Said] = []
        self.refused: list[Row] = []
        self.due: list[Row] = []
        """What a source recommends (ImmunizationRecommendation)."""


def immunizations(desk: Desk) -> Immunizations:
    """Each group with its last dose, the latest first."""
    found = Immunizations()
    doses: dict[str, list[Row]] = {}
    for row in desk.newest("immunization"):
        if row.type == "ImmunizationRecommendation":
            found.due.append(row)
        elif row.status == "not-done" or (row.description or "").startswith("not given"):
            found.refused.append(row)
        elif row.type != "ImmunizationEvaluation" and row.status in ("completed", "active", None):
            for name in groups(row):
                doses.setdefault(name, []).append(row)
    for name, rows in doses.items():
        days = {(row.date or f"?{row.id}")[:10] for row in rows}
        said = {"vaccine": name, "doses": len(days), "last": rows[0].date, "times": len(rows)}
        found.given.append((rows[0], said | {"same": [str(row.id) for row in rows[1:]]}))
    found.given.sort(key=lambda one: -(one[0].date_from or 0))
    return found


def groups(row: Row) -> list[str]:
    """What this vaccine protects against; its own name where no group is known."""
    codes = {(code[1] or "").zfill(2) for code in row.codes if code[0] == _CVX}
    found = [name for name, known in _BY_CVX.items() if codes & known]
    if not found:
        words = " ".join(row.words)
        if not _TEST.search(words):
            found = [name for name, pattern in _GROUPS.items() if re.search(pattern, words, re.IGNORECASE)]
    return found or [row.title]
