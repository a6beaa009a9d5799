"""What every page that leaves the house has around it: the head with its policy, the person, what the file says of itself.

The page asks nothing of any server. Its policy (Content Security Policy Level 3) allows the one style sheet and the scripts
that are in it, each by the hash of its text (section 2.3.1), and nothing else: no picture, no font, no request, no form.
Where a browser knows Trusted Types, text can never become markup either.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files

from phr.ccda.narrative import day
from phr.exporters.about import NO_CLINICIAN, About
from phr.exporters.html_words import clean
from phr.fhir.read import dicts, human_name, text
from phr.model import Resource

_TURNING = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), "") | {0x2028: " ", 0x2029: " "}
"""Embeddings, overrides and isolates (Unicode Standard Annex 9, section 2), and the separators that end lines in scripts."""
_MANY = 12
"""Reasons for leaving out that are read at once; more of them are folded."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A style sheet and scripts, which are written into the page."""

    style: str
    first: str = ""
    """Runs before anything is drawn."""
    last: str = ""
    """Runs when everything is there."""

    def policy(self) -> str:
        """What the browser is allowed: these texts, and nothing from anywhere."""
        scripts = " ".join(f"'{_hash(one)}'" for one in (self.first, self.last) if one)
        allowed = [
            "default-src 'none'",
            f"style-src '{_hash(self.style)}'",
            *([f"script-src {scripts}"] if scripts else []),
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ]
        return "; ".join(allowed)


@cache
def part(name: str) -> str:
    """One of our own files in `page/`."""
    return (files("phr.exporters") / "page" / name).read_text("utf-8").replace("\r\n", "\n")


def words(value: object) -> str:
    """Text that is safe between tags and inside quotes, on one line."""
    return escape(clean(value), quote=True)


def lines(value: str) -> str:
    """The same for text of several lines, which is clean already."""
    return escape(value, quote=True)


def utf8(markup: str) -> bytes:
    """As bytes. Half a surrogate pair has none; what turns the direction of writing around could show other words."""
    return markup.translate(_TURNING).encode("utf-8", "replace")


def head(title: str, sheet: Sheet, lang: str = "en") -> str:
    """The document up to its body."""
    first = f"<script>{sheet.first}</script>\n" if sheet.first else ""
    return (
        f'<!DOCTYPE html>\n<html lang="{words(lang)}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{sheet.policy()}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n<meta name="robots" content="noindex">\n'
        '<meta name="format-detection" content="telephone=no, date=no, address=no, email=no">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<meta http-equiv="x-dns-prefetch-control" content="off">\n'
        f"<title>{words(title)}</title>\n<style>{sheet.style}</style>\n{first}</head>\n"
    )


def person(patient: Resource) -> tuple[str, str]:
    """The name, and what else tells people apart."""
    facts = (
        f"Born {born}" if (born := day(patient.get("birthDate"))) else None,
        text(patient.get("gender")),
        f"died {died}" if (died := day(patient.get("deceasedDateTime"))) else None,
        _number(patient.get("identifier")),
    )
    return human_name(patient.get("name")) or "Name not known", " · ".join(fact for fact in facts if fact)


def _number(identifiers: object) -> str | None:
    """The medical record number, which a practice asks for."""
    for each in dicts(identifiers):
        kind = each.get("type")
        codes = dicts(kind.get("coding")) if isinstance(kind, dict) else []
        if any(one.get("code") == "MR" for one in codes) and (value := text(each.get("value"))):
            return f"Record number {value}"
    return None


def made(about: About) -> str:
    """When, for whom, from which sources and with which selection: at the top of a page."""
    when, which = about.sentences()[:2]
    whole = "" if about.selection else ' class="whole"'
    return f"<p>{words(when)}</p>\n<p{whole}>{words(which)}</p>\n"


def end(about: About, also: Sequence[str] = ()) -> str:
    """What stands at the end: what was left out, and what kind of paper this is."""
    missing = about.sentences()[2:]
    return (
        '<footer id="about">\n<h2>About this page</h2>\n'
        + made(about)
        + "".join(f"<p>{words(line)}</p>\n" for line in also)
        + (_listed("Left out:", (line.removeprefix("Left out: ") for line in missing)) if missing else "")
        + f"<p>{words(NO_CLINICIAN)}</p>\n<p>Made by {words(about.software)} · {words(about.id)}</p>\n</footer>\n"
    )


def _listed(title: str, points: Iterable[str]) -> str:
    items = [f"<li>{words(one)}</li>" for one in points]
    shown = f"<ul>{''.join(items)}</ul>"
    if len(items) <= _MANY:
        return f"<p>{title}</p>\n{shown}\n"
    return f"<details><summary>{title} {len(items)} reasons</summary>{shown}</details>\n"


def _hash(text_: str) -> str:
    return f"sha256-{base64.b64encode(sha256(text_.encode()).digest()).decode()}"
