"""People and organisations as C-CDA writes them: names, addresses, numbers to call.

Follows the US Realm name, address and telecom templates (2.16.840.1.113883.10.20.22.5.1, 5.1.1, 5.2) and
the HumanName, Address and ContactPoint maps of C-CDA on FHIR.
"""

from __future__ import annotations

import re

from phr.ccda import codes
from phr.ccda.datatypes import maybe_at, timestamp
from phr.ccda.xml import Element, el, null
from phr.fhir.read import human_name, listed, text

# ── names ─────────────────────────────────────────────────────────────────────────────────────────


def _texts(value: object) -> list[str]:
    return [words for entry in listed(value) if (words := text(entry))]


def _period(tag: str, value: object, *, xsi_type: str | None = None) -> Element | None:
    if not isinstance(value, dict) or not (timestamp(value.get("start")) or timestamp(value.get("end"))):
        return None
    return el(tag, maybe_at("low", value.get("start")), maybe_at("high", value.get("end")), xsi_type=xsi_type)


def _guessed_parts(words: str) -> tuple[list[str], list[str]]:
    """Family and given of a name that came as one text: what stands before a comma, else the last word."""
    family, comma, given = words.partition(",")
    if not comma:
        given, _, family = words.rpartition(" ")
    return [family.strip()] if family.strip() else [], given.split()


def patient_name(name: object, use: str | None = "L") -> Element | None:
    """A patient's name: given and family are required and may be null (template 5.1).

    CDA has no use for the name of birth, but a qualifier (BR); a name of before has an end.
    """
    if not isinstance(name, dict):
        return None
    family, given = _texts(name.get("family")), _texts(name.get("given"))
    if not family and not given and (words := text(name.get("text"))):
        family, given = _guessed_parts(words)
    if not family and not given:
        return None
    return el(
        "name",
        [el("prefix", part) for part in _texts(name.get("prefix"))],
        [el("given", part) for part in given] or null("given"),
        el("family", " ".join(family), qualifier="BR" if text(name.get("use")) == "maiden" else None)
        if family
        else null("family"),
        [el("suffix", part) for part in _texts(name.get("suffix"))],
        _valid(name),
        use=use,
    )


def _valid(name: dict[str, object]) -> Element | None:
    """When the name was in use; of an old one at least that it is no more."""
    period_ = name.get("period")
    own = _period("validTime", period_)
    if text(name.get("use")) != "old" or (isinstance(period_, dict) and timestamp(period_.get("end"))):
        return own
    return el("validTime", own.children if own else None, null("high"))


_FORMER: dict[str | None, str | None] = {"maiden": None, "old": None}


def patient_names(names: object) -> list[Element]:
    """All names that have a use in C-CDA; the legal one first."""
    entries = [name for name in listed(names) if isinstance(name, dict)]
    uses = {text(name.get("use")) for name in entries}
    official = "C" if "usual" in uses else "L"
    table = {"usual": "L", "official": official, "nickname": "P", "anonymous": "P", None: "L"} | _FORMER
    kept = [(name, table[use]) for name in entries if (use := text(name.get("use"))) in table]
    if all(use is None for _, use in kept):  # somebody has to have a name
        kept = [(name, "L") for name in entries]
    kept.sort(key=lambda pair: (pair[1] is None, pair[1] != "L"))
    return [element for name, use in kept if (element := patient_name(name, use)) is not None]


def person_name(names: object) -> Element | None:
    """Anybody else's name: fielded when the source has a family name, else one text (template 5.1.1)."""
    entries = [name for name in listed(names) if isinstance(name, dict)]
    for name in entries:
        if text(name.get("family")) and _texts(name.get("given")):
            return patient_name(name, None)
    words = human_name(entries)
    return el("name", words) if words else None


# ── addresses ─────────────────────────────────────────────────────────────────────────────────────

_COUNTRIES = {
    "usa": "US",
    "united states": "US",
    "united states of america": "US",
    "u.s.a.": "US",
    "us": "US",
}


def address(value: object, tag: str = "addr") -> Element | None:
    """A US Realm address: what it must have and the source lacks is null."""
    if not isinstance(value, dict):
        return None
    lines = _texts(value.get("line"))
    parts = [text(value.get(key)) for key in ("city", "state", "postalCode")]
    country = text(value.get("country"))
    if not lines and not any(parts):
        words = text(value.get("text"))
        lines = [" ".join(words.split())] if words else []
    if not lines and not any(parts) and not country:
        return None
    city, state, code = parts
    country = _COUNTRIES.get(country.lower(), country) if country else None
    domestic = country in (None, "US")
    return el(
        tag,
        [el("streetAddressLine", line) for line in [*lines[:3], ", ".join(lines[3:])] if line]
        or null("streetAddressLine"),
        _part("city", city, required=True),
        _part("county", text(value.get("district")), required=False),
        _part("state", codes.STATES.get(state.lower(), state) if state else None, required=domestic),
        _part("postalCode", code, required=domestic),
        _part("country", country, required=False),
        _period("useablePeriod", value.get("period"), xsi_type="IVL_TS"),
        use=codes.ADDRESS_USES.get(text(value.get("use")) or ""),
    )


def _part(tag: str, words: str | None, *, required: bool) -> Element | None:
    if words:
        return el(tag, words)
    return null(tag) if required else None


def addresses(value: object, flavor: str = "UNK") -> list[Element]:
    """At least one: a null address when there is none."""
    return [el_ for entry in listed(value) if (el_ := address(entry)) is not None] or [null("addr", flavor)]


# ── numbers to call ───────────────────────────────────────────────────────────────────────────────


def telecom(value: object) -> Element | None:
    """A ContactPoint as URL with its use."""
    if not isinstance(value, dict):
        return None
    number, system = text(value.get("value")), text(value.get("system"))
    if not number:
        return None
    number = re.sub(r"\s+", "", number)
    scheme = codes.TELECOM_SCHEMES.get(system or "", "mailto:" if "@" in number else "tel:")
    if number.lower().startswith(("tel:", "mailto:", "http:", "https:", "fax:")):
        scheme = ""
    use = "PG" if system == "pager" else codes.TELECOM_USES.get(text(value.get("use")) or "")
    used = _period("useablePeriod", value.get("period"), xsi_type="IVL_TS")
    return el("telecom", used, use=use, value=scheme + number)


def telecoms(value: object, flavor: str = "UNK") -> list[Element]:
    """At least one: a null telecom when there is none."""
    found = [el_ for entry in sorted(listed(value), key=_rank) if (el_ := telecom(entry)) is not None]
    return found or [null("telecom", flavor)]


def _rank(value: object) -> float:
    """Which number to try first; what has no rank comes last, in the source's order."""
    rank = value.get("rank") if isinstance(value, dict) else None
    return float(rank) if isinstance(rank, int) and rank > 0 else float("inf")
