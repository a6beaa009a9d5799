"""Vaccines of one group that do not stand for each other: against meningococci B or ACWY, Prevnar or Pneumovax."""

from __future__ import annotations

import re
from collections.abc import Iterable

_STRAINS = {
    "Meningococcus": {
        "B": (r"mening\w*(?: group)? b\b|\bmen ?b\b|\bmenb|bexsero|trumenba|penbraya|penmenvy|abcwy",
              "162 163 164 316 328"),
        "ACWY": (r"acwy|\ba,? ?c,? ?y|menveo|menactra|menquadfi|menomune|nimenrix|\bmcv4|\bmpsv4|penbraya|penmenvy",
                 "32 108 114 136 147 203 316 328"),
    },
    "Pneumococcus": {
        "conjugate (PCV)": (r"prevnar|vaxneuvance|capvaxive|\bpcv ?\d*|conjugate", "100 133 152 215 216 327"),
        "polysaccharide (PPSV)": (r"pneumovax|\bpp?sv ?\d*|\bppv ?\d*|^(?!.*conjugate).*polysaccharide", "33"),
    },
    "Shingles (zoster)": {
        "recombinant (Shingrix)": (r"shingrix|recombinant", "187"),
        "live (Zostavax)": (r"zostavax|\blive\b", "121"),
    },
}  # fmt: skip
"""By group: the kind, what it is called, and its codes in CVX."""


def strains(groups: Iterable[str], words: str, cvx: frozenset[str] = frozenset()) -> frozenset[str]:
    """Which kinds of these groups are named; none where nothing is said."""
    return frozenset(
        name
        for group in groups
        for name, (pattern, codes) in _STRAINS.get(group, {}).items()
        if re.search(pattern, words, re.IGNORECASE) or cvx & set(codes.split())
    )
