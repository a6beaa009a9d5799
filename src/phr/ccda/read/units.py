"""Is this unit UCUM? A small grammar, since EHRs write anything into `PQ/@unit`.

Follows the Unified Code for Units of Measure (sections 2.2 and 2.3): terms of prefix, atom and exponent joined by
`.` and `/`, annotations in braces. Only atoms that are used in health care are listed; what is not here
stays words, which loses nothing.
"""

from __future__ import annotations

import re

from phr.ccda.measures import UNITS

_METRIC = frozenset(
    """m s g rad K C cd mol eq osm L l Hz N Pa J W A V F Ohm S Wb Cel T H lm lx Bq Gy Sv kat U [iU] [IU] cal bar
    t u eV Ci R Bi mho dyn erg P St G gf Torr m[Hg] m[H2O] B Np tex [Btu] [ka'U] [knk'U] [Amb'a'1'U]""".split()
)
"""Atoms that take a prefix."""
_PLAIN = frozenset(
    """10* 10^ % [ppth] [ppm] [ppb] [pptr] [pi] [degF] [degRe] [in_i] [ft_i] [yd_i] [mi_i] [lb_av] [oz_av] [gr] [dr_av]
    [st_lb] [stone_av] [ston_av] [lcwt_av] [gal_us] [qt_us] [pt_us] [gil_us] [foz_us] [fdr_us]
    [tbs_us] [tsp_us] [cup_us] [tbs_m] [tsp_m]
    [foz_m] [cup_m] [oz_m] [lb_tr] [oz_tr] [drp] [pH] [diop] [deg] deg ' '' min h d wk mo mo_j mo_s a a_j a_t st
    [arb'U] [USP'U] [CFU] [PFU] [FFU] [TCID_50] [CCID_50] [EID_50] [AU] [BAU] [ELU] [GPL'U] [MPL'U] [APL'U] [beth'U]
    [todd'U] [dye'U] [anti'Xa'U] [hnsf'U] [Ch] [HPF] [LPF] [in_i'H2O] [in_i'Hg] [PRU] [MET] [hp_X] [hp_C] [mclg'U]
    [smgy'U] [bdsk'U] [tb'U] [Lf] [D'ag'U] [kp_C] [sft_i] [cft_i] [cin_i] [car_m] [car_Au]
    [bu_us] [mil_i] [hd_i] [S] [p'diop]
    [psi] [nmi_i] [acr_us] [FEU] [DDU] [Cal] [m/s2/Hz^0.5]""".split()
)
_PREFIXES = "da|Ki|Mi|Gi|Ti|[YZEPTGMkhdcmunpfazy]"
_ANNOTATION = re.compile(r"\{[^{}\s]*\}")


def ucum(written: str) -> str | None:
    """The unit as UCUM code: as written if it is one, or what a common spelling stands for."""
    if is_ucum(written):
        return written
    return UNITS.get(written.lower().replace(" ", ""))


def is_ucum(written: str) -> bool:
    """Whether the text is a UCUM code, in its case-sensitive form."""
    if not written or re.search(r"\s", written) or not written.isascii() or len(written) > 100:
        return False
    bare = _ANNOTATION.sub("", written)
    if not bare.strip("./"):
        return bare in ("", "/")
    if "{" in bare or "}" in bare:
        return False
    return all(
        _is_term(term) for term in re.split(r"[./]", bare.replace("(", "").replace(")", ""))[_skipped(bare) :]
    )


def _skipped(bare: str) -> int:
    """A unit may begin with a solidus: `/min`."""
    return 1 if bare.startswith("/") else 0


def _is_term(term: str) -> bool:
    if not term:
        return True  # an annotation stood here
    if term.isdigit():
        return True
    plain = re.fullmatch(r"(.+?)([+-]?\d+)?", term)
    if plain is None:
        return False
    for atom in {term, plain[1], *_powers(term)}:
        if atom in _PLAIN or atom in _METRIC:
            return True
        prefix = re.match(_PREFIXES, atom)
        if prefix and atom[prefix.end() :] in _METRIC:
            return True
    return False


def _powers(term: str) -> set[str]:
    """`10*3` is the atom `10*` with an exponent."""
    found = re.fullmatch(r"(10[*^])[+-]?\d+", term)
    return {found[1]} if found else set()
