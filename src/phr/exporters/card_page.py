"""The emergency page as HTML: everything in readable size, and the card in its true size to cut out."""

from __future__ import annotations

import re
from html import escape
from typing import Any

from phr.exporters.card import FONT, HEIGHT, WIDTH, back, front, qr_mark
from phr.exporters.card_parts import Laid, Part, laid_out
from phr.exporters.card_qr import PAPER_OCTETS, code
from phr.views import emergency_text as words
from phr.views.emergency import named

Page = dict[str, Any]
_DATE = re.compile(r"\b\d{4}-\d\d(?:-\d\d)?\b")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE = """\
*{box-sizing:border-box}
body{margin:0 auto;max-width:190mm;padding:8mm;background:#fff;color:#000;font:11pt/1.3 FONT}
header{border-top:3mm solid #a50e0e;padding-top:2mm;display:flex;gap:6mm;justify-content:space-between}
header>div:last-child{flex:none;width:38mm;text-align:center;font-size:7.5pt}
h1{font-size:18pt;line-height:1.15;margin:0}
h2{font-size:1em;line-height:1.3;margin:.7em 0 .15em;border-bottom:.3mm solid #999}
h2.red{color:#a50e0e;border-color:#a50e0e}
p{margin:.3mm 0}ul{margin:0;padding-left:4mm}li{overflow-wrap:anywhere}
.grave{font-weight:700}.soft{color:#444}.d{white-space:nowrap}.cols{display:flex;gap:6mm}.cols>div{flex:1;min-width:0}
.two{columns:2;column-gap:6mm}section{break-inside:avoid}main>p{margin-top:2mm}
figure{margin:3mm 0 0;break-inside:avoid}figcaption{font-size:8pt;color:#444}
.cards{display:flex;flex-wrap:wrap;gap:4mm}.cards>svg{width:85.6mm;height:53.98mm;flex:none}
@media (max-width:700px){.cols{display:block}header{flex-wrap:wrap}}
@media print{@page{margin:10mm}body{width:190mm;margin:0;padding:0;font-size:SIZEpt}.cols{display:flex}}
"""
_CARD_STYLE = """\
@page{size:85.6mm 53.98mm;margin:0}
*{margin:0;padding:0}body{background:#fff}
body>svg{display:block;width:85.6mm;height:53.98mm;break-after:page}body>svg:last-of-type{break-after:auto}
"""


def document(page: Page, paper: str) -> str:
    """The whole page."""
    name = page["patient"]["name"] or "Name not known"
    if paper == "card":
        style, body = _CARD_STYLE, _sides(page)
    else:
        laid = laid_out(page)
        style, body = _STYLE.replace("SIZE", f"{laid.points:g}"), _body(page, laid)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n<meta name="robots" content="noindex">\n'
        f"<title>{_plain('Emergency: ' + name)}</title>\n<style>\n{style.replace('FONT', FONT)}</style>\n"
        f"</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _sides(page: Page) -> str:
    start = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="{FONT}">'
    return f"{start}{front(page)}</svg>\n{start}{back(page)}</svg>"


def _body(page: Page, laid: Laid) -> str:
    patient = page["patient"]
    qr = qr_mark(code(words.text(page, PAPER_OCTETS)), 0, 0, 38).replace('x="0.00" y="0.00" ', "", 1)
    qr = qr.replace('width="38" height="38"', 'width="38mm" height="38mm"', 1)
    facts = (
        f"born {patient['birth_date']}" if patient["birth_date"] else "birth date not known",
        f"{patient['age']} years" if patient["age"] is not None else None,
        patient["sex"],
    )
    blood = f"<p><b>Blood:</b> {_words(page['blood_type'])}</p>" if page["blood_type"] else ""
    columns = "".join(f"<div>{''.join(map(_section, column))}</div>" for column in laid.columns)
    content = f"{''.join(map(_section, laid.top))}{_denied(page)}<div class=cols>{columns}</div>"
    own = f" {words.OWN_NOTE.capitalize()}." if words.shows_own(content) else ""
    return (
        f"<header><div><p class='soft'>EMERGENCY INFORMATION</p><h1>{_words(patient['name'] or 'Name not known')}</h1>"
        f"<p>{_words(', '.join(fact for fact in facts if fact))}</p>{blood}{_section(laid.call)}</div>"
        f"<div>{qr}<p class='soft'>Scan: text, no internet needed</p></div></header>\n<main>{content}"
        f"<p class='soft'>Made on {_words(page['made'][:10])} {_words(words.sources_words(page))}. What is not here"
        f" may still be so.{own}</p></main>\n<figure><figcaption>Cut out, fold, and keep it with your papers.</figcaption>"
        f'<div class="cards">{_sides(page)}</div></figure>'
    )


def _section(part: Part) -> str:
    """A part with its entries; nothing where there are none."""
    grave = " class=grave" if part.grave else ""
    items = []
    for head, rest in part.entries:
        soft = f"<span class=soft>{_words(rest)}</span>" if rest else ""
        items.append(f"<li{grave}>{_words(head)}{soft}</li>")
    items += [f"<li>and {part.more} more, not on this page</li>"] if part.more else []
    if not items:
        return ""
    heading = f"<h2{' class=red' if part.red else ''}>{_words(part.label)}</h2>"
    return f"<section>{heading}<ul{' class=two' if part.two else ''}>{''.join(items)}</ul></section>"


def _denied(page: Page) -> str:
    """Where one source names an allergy and another says that there is none, both are told."""
    denied = page["none_known_allergies"]
    if not page["allergies"] or not denied:
        return ""
    return f"<p class='soft'>But {_words(words.says(page, denied[0]))}: {_words(named(denied[0]))}</p>"


def _words(text: object) -> str:
    """Text of the record as HTML; a date is not broken."""
    return _DATE.sub(r"<span class=d>\g<0></span>", _plain(text))


def _plain(text: object) -> str:
    """Text of the record as HTML; control and reordering characters are gone."""
    from phr.exporters.card_face import spelled

    return escape(
        spelled(str(text))
        .replace("&amp;", "&")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", '"')
    )
