"""A timeline as one page for a browser: readable, printable, and complete in itself.

The page asks nothing of any server: no script, no picture, no font, and a policy (CSP level 3) that allows its own style
sheet by its hash and forbids the browser to fetch anything. It has a light and a dark side (`prefers-color-scheme`), and
prints without the dark one. Nothing is said by a colour alone.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from html import escape

_STYLE = """\
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--line:#d8dee4;--paper:#fff;--band:#f6f8fa;--alarm:#b42318;
--mark:#0b5cad}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9da7b1;--line:#30363d;--paper:#0d1117;--band:#161b22;
--alarm:#ff9b8e;--mark:#79b8ff}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:64rem;padding:1.5rem;background:var(--paper);color:var(--ink);
font:16px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;font-variant-numeric:tabular-nums}
h1{font-size:1.6rem;line-height:1.2;margin:0 0 .25rem}
header p,footer{color:var(--soft);margin:.2rem 0}
h2{font-size:1.25rem;margin:2rem 0 .2rem;padding-bottom:.2rem;border-bottom:2px solid var(--line);color:var(--mark)}
h3{font-size:1rem;margin:1.1rem 0 .2rem}
ol{list-style:none;margin:0;padding:0}
li{display:grid;grid-template-columns:9.4rem 7rem minmax(0,1fr) minmax(0,15rem);gap:.1rem .8rem;padding:.22rem .4rem;
border-bottom:1px solid var(--line);overflow-wrap:anywhere}
li.visit{background:var(--band);font-weight:600}
li.d1 .what{padding-left:1.2rem}li.d2 .what{padding-left:2.4rem}li.d3 .what{padding-left:3.6rem}
.when,.kind{white-space:nowrap}
.when,.kind,.where,.range{color:var(--soft);font-weight:400}
.where{font-size:.9rem}
.value{font-weight:600;margin-left:.6rem;white-space:nowrap}
.off{color:var(--alarm)}
.range{font-size:.9rem;margin-left:.5rem;white-space:nowrap}
footer{margin-top:2.5rem;font-size:.9rem;border-top:1px solid var(--line);padding-top:.8rem}
@media (max-width:46rem){body{padding:.8rem}li{grid-template-columns:9.4rem minmax(0,1fr)}
.kind{text-align:right}.what,.where{grid-column:1/-1}}
@media print{:root{--ink:#000;--soft:#333;--line:#bbb;--paper:#fff;--band:#f2f2f2;--alarm:#000;--mark:#000}
body{max-width:none;padding:0;font-size:9.5pt}h2,h3{break-after:avoid}li{break-inside:avoid;padding:.1rem .2rem}
@page{margin:1.5cm}}
"""
_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the page, in words."""

    year: str
    month: str
    date: str = field(repr=False)
    kind: str
    title: str = field(repr=False)
    value: str = field(repr=False)
    abnormal: bool
    range: str = field(repr=False)
    place: str = field(repr=False)
    source: str
    depth: int = 0


def timeline_page(
    title: str, facts: str, filters: str, entries: Iterable[Entry], person: str = ""
) -> Iterator[str]:
    """The page, part by part; what the record says is escaped everywhere.

    `person`: whose record it is. A page without a name on it ends up in the wrong folder.
    """
    title = f"{title}: {person}" if person else title
    yield (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n<meta name="robots" content="noindex">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<header>\n<h1>{escape(title)}</h1>\n<p>{escape(facts)}</p>\n"
        + (f"<p>Only: {escape(filters)}</p>\n" if filters else "")
        + "</header>\n<main>\n"
    )
    year = month = None
    listing = False
    for entry in entries:
        if entry.depth == 0 and entry.year != year:
            yield "</ol>\n" if listing else ""
            yield "" if year is None else "</section>\n"
            yield f"<section>\n<h2>{escape(entry.year)}</h2>\n"
            year, month, listing = entry.year, None, False
        if entry.depth == 0 and entry.month != month and (entry.month or month):
            yield "</ol>\n" if listing else ""
            yield f"<h3>{escape(entry.month or 'Month not known')}</h3>\n"
            listing = False
        month = entry.month if entry.depth == 0 else month
        yield "" if listing else "<ol>\n"
        listing = True
        yield _entry(entry)
    yield "<p>No record fits.</p>\n" if year is None else "</ol>\n</section>\n"
    yield (
        "</main>\n<footer>A copy that the person keeps, as the sources named have said it. What is not in it is not"
        " known here.</footer>\n</body>\n</html>\n"
    )


def _entry(entry: Entry) -> str:
    marks = " ".join(part for part in ("visit" if entry.kind == "visit" else "", f"d{entry.depth}") if part)
    value = (
        f'<span class="value{" off" if entry.abnormal else ""}">{escape(entry.value)}</span>'
        if entry.value
        else ""
    )
    usual = f'<span class="range">usual {escape(entry.range)}</span>' if entry.range else ""
    where = " · ".join(part for part in (entry.place, entry.source) if part)
    return (
        f'<li class="{marks}"><span class="when">{escape(entry.date)}</span>'
        f'<span class="kind">{escape(entry.kind)}</span>'
        f'<span class="what">{escape(entry.title)}{value}{usual}</span>'
        f'<span class="where">{escape(where)}</span></li>\n'
    )
