"""The record as one page for a browser: readable, printable, and complete in itself.

The sections and words are those of the Continuity of Care Document. The page asks nothing of any server: no script,
no picture, no font, and a policy (CSP) that forbids the browser to fetch anything.
"""

from __future__ import annotations

from typing import BinaryIO

from phr.ccda import xhtml
from phr.ccda.narrative import day
from phr.exporters.base import Counted, Exported, Handover
from phr.exporters.chapters import Chapter, Outlined, outlined
from phr.fhir.read import dicts, human_name, text

_STYLE = """\
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--line:#d0d7de;--paper:#fff;--band:#f6f8fa;--mark:#0b5cad}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9da7b1;--line:#3d444d;--paper:#0d1117;--band:#161b22;
--mark:#6cb6ff}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:72rem;padding:1.5rem;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 .25rem}
h2{font-size:1.2rem;margin:2.2rem 0 .6rem;padding-bottom:.25rem;border-bottom:2px solid var(--line)}
p{margin:.4rem 0;max-width:60rem}
a{color:var(--mark)}
header p,footer,.none{color:var(--soft)}
nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.3rem 1rem;padding:0;margin:1rem 0}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;margin:.5rem 0;font-size:.92rem;font-variant-numeric:tabular-nums}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid var(--line);overflow-wrap:break-word}
.day{white-space:nowrap}
th{background:var(--band);font-weight:600;overflow-wrap:normal}
tbody tr:nth-child(even){background:var(--band)}
footer{margin-top:3rem;font-size:.9rem;border-top:1px solid var(--line);padding-top:.8rem}
@media (max-width:40rem){body{padding:1rem}table{min-width:36rem}}
@media print{:root{--ink:#000;--soft:#333;--line:#999;--paper:#fff;--band:#fff}
body{max-width:none;padding:0;font-size:10pt}nav{display:none}h2{break-after:avoid}
tr{break-inside:avoid}thead{display:table-header-group}.wide{overflow:visible}@page{margin:1.5cm}}
"""
_NOTHING = "No information. That does not mean that there is none."
_EXPECTED = ("allergies", "medications", "problems")
"""Sections that stand even when the record says nothing: whoever reads looks for them first."""


class HtmlExporter:
    """`phr export --format html`."""

    media_type = "text/html"
    suffix = ".html"

    def write(self, given: Handover, out: BinaryIO) -> Exported:
        told, to = outlined(given, "the page", encloses=False), Counted(out)
        shown = [one for one in told.chapters if one.chosen and (one.blocks or one.part.name in _EXPECTED)]
        to.write(_head(given, told).encode())
        links = "".join(f'<li><a href="#{one.part.name}">{xhtml.words(one.title)}</a></li>' for one in shown)
        to.write(f'<nav aria-label="Sections"><ul>{links}</ul></nav>\n<main>\n'.encode())
        for chapter in shown:
            to.write(_section(chapter).encode("utf-8", "replace"))
        to.write(_foot(given).encode())
        counts = {one.part.code: len(one.entries) for one in shown}
        return Exported(to.bytes, counts, told.left_out, about=told.desk.about())


def _head(given: Handover, told: Outlined) -> str:
    patient = told.desk.patient.resource if told.desk.patient else {}
    name = human_name(patient.get("name")) or "Name not known"
    facts = [
        f"Born {born}" if (born := day(patient.get("birthDate"))) else None,
        text(patient.get("gender")),
        _number(patient.get("identifier")),
    ]
    sources = ", ".join(given.header.sources) or "no source"
    title = f"Health record of {name}"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline';"
        " base-uri 'none'; form-action 'none'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n<meta name="robots" content="noindex">\n'
        f"<title>{xhtml.words(title)}</title>\n<style>\n{_STYLE}</style>\n</head>\n<body>\n"
        f"<header>\n<h1>{xhtml.words(name)}</h1>\n"
        f"<p>{xhtml.words(' · '.join(fact for fact in facts if fact))}</p>\n"
        f"<p>Health record, put together on {given.header.made:%Y-%m-%d} from: {xhtml.words(sources)}."
        f" {_selected(given)}</p>\n</header>\n"
    )


def _number(identifiers: object) -> str | None:
    """The medical record number, which a practice asks for."""
    for each in dicts(identifiers):
        kind = each.get("type")
        codes = dicts(kind.get("coding")) if isinstance(kind, dict) else []
        if any(one.get("code") == "MR" for one in codes) and (value := text(each.get("value"))):
            return f"Record number {value}"
    return None


def _selected(given: Handover) -> str:
    """That this is a part, if it is one; what is held back for its sensitivity is not told."""
    asked = [name for name in given.selection.described() if name != "sensitivity"]
    if given.options.sections:
        asked.append("sections")
    return f"A selection by {xhtml.words(', '.join(asked))}." if asked else ""


def _section(chapter: Chapter) -> str:
    body = xhtml.fragment(chapter.blocks, styled=True) or f'<p class="none">{_NOTHING}</p>'
    body = body.replace("<table>", '<div class="wide"><table>').replace("</table>", "</table></div>")
    return f'<section id="{chapter.part.name}">\n<h2>{xhtml.words(chapter.title)}</h2>\n{body}\n</section>\n'


def _foot(given: Handover) -> str:
    return (
        "</main>\n<footer>\n<p>A copy that the person keeps, as the sources named have said it. No clinician has"
        " signed it; what is not in it is not known here.</p>\n"
        f"<p>Made by {xhtml.words(given.header.software)} · {given.header.id}</p>\n</footer>\n</body>\n</html>\n"
    )
