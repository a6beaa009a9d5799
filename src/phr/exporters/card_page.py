"""The emergency page as HTML: everything in readable size, and the card in its true size to cut out."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

from phr.exporters.card import FONT, HEIGHT, WIDTH, back, front, qr_mark
from phr.exporters.card_qr import PAPER_OCTETS, code
from phr.views import emergency_text as words
from phr.views.emergency import named

Page = dict[str, Any]
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE = """\
*{box-sizing:border-box}
body{margin:0 auto;max-width:190mm;padding:8mm;background:#fff;color:#000;font:11pt/1.35 FONT}
header{border-top:4mm solid #a50e0e;padding-top:3mm;display:flex;gap:6mm;justify-content:space-between}
h1{font-size:20pt;line-height:1.15;margin:0}
h2{font-size:11pt;margin:3.5mm 0 1mm;border-bottom:.3mm solid #999}
h2.red{color:#a50e0e;border-color:#a50e0e}
p{margin:.5mm 0}main>p{margin-top:4mm}ul{margin:0;padding-left:5mm}li{overflow-wrap:anywhere}
.grave{font-weight:700}.ask,.soft{color:#444}.two{columns:2;column-gap:8mm}section{break-inside:avoid}
figure{margin:6mm 0 0;break-inside:avoid}figcaption{font-size:9pt;color:#444}
.cards{display:flex;flex-wrap:wrap;gap:4mm}.cards>svg{width:85.6mm;height:53.98mm;flex:none}
@media print{@page{margin:10mm}body{max-width:none;padding:0;font-size:10pt}}
"""
_CARD_STYLE = """\
@page{size:85.6mm 53.98mm;margin:0}
*{margin:0;padding:0}body{background:#fff}
body>svg{display:block;width:85.6mm;height:53.98mm;break-after:page}body>svg:last-of-type{break-after:auto}
"""


def document(page: Page, paper: str) -> str:
    """The whole page."""
    name = page["patient"]["name"] or "Name not known"
    style, body = (_CARD_STYLE, _sides(page)) if paper == "card" else (_STYLE, _body(page))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n<meta name="robots" content="noindex">\n'
        f"<title>{_words('Emergency: ' + name)}</title>\n<style>\n{style.replace('FONT', FONT)}</style>\n"
        f"</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _sides(page: Page) -> str:
    start = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="{FONT}">'
    return f"{start}{front(page)}</svg>\n{start}{back(page)}</svg>"


def _body(page: Page) -> str:
    patient = page["patient"]
    qr = qr_mark(code(words.text(page, PAPER_OCTETS)), 0, 0, 44).replace('x="0.00" y="0.00" ', "", 1)
    qr = qr.replace('width="44" height="44"', 'width="44mm" height="44mm"', 1)
    facts = (
        f"born {patient['birth_date']}" if patient["birth_date"] else "birth date not known",
        f"{patient['age']} years" if patient["age"] is not None else None,
        patient["sex"],
    )
    blood = f"<p><b>Blood:</b> {_words(page['blood_type'])}</p>" if page["blood_type"] else ""
    call = _listed("Call", [one["text"] for one in page["contacts"]])
    return (
        f"<header><div><p class='soft'>EMERGENCY INFORMATION</p><h1>{_words(patient['name'] or 'Name not known')}</h1>"
        f"<p>{_words(', '.join(fact for fact in facts if fact))}</p>{blood}{call}</div>"
        f"<div>{qr}<p class='soft'>The essentials as text, no internet needed</p></div></header>\n<main>"
        f"{_allergies(page)}{_medicines(page)}"
        f"{_listed('Implants', [named(one) for one in page['devices']], red=True)}"
        f"{_wishes(page)}"
        f"{_listed('Problems', [_since(one) for one in page['problems']], more=page['more'].get('problems', 0), two=True)}"
        f"{_listed('Baseline values', [words.baseline_words(one) for one in page['baseline']], two=True)}"
        f"{_listed('Doctor', [words.doctor_words(page['doctor'])] if page['doctor'] else [])}"
        f"{_listed('Insurance', [words.insurance_words(one) for one in page['insurance']])}"
        f"<p class='soft'>Made on {_words(page['made'][:10])} {_words(words.sources_words(page))}. What is not here"
        f" may still be so.</p></main>\n<figure><figcaption>Cut out, fold, and keep it with your papers.</figcaption>"
        f'<div class="cards">{_sides(page)}</div></figure>'
    )


def _listed(
    label: str,
    entries: Iterable[str],
    *,
    red: bool = False,
    more: int = 0,
    two: bool = False,
    grave: bool = False,
) -> str:
    """A part with its entries; nothing where there are none."""
    items = [f"<li{' class=grave' if grave else ''}>{_words(entry)}</li>" for entry in entries]
    items += [f"<li>and {more} more, not on this page</li>"] if more else []
    if not items:
        return ""
    heading = f"<h2{' class=red' if red else ''}>{_words(label)}</h2>"
    return f"<section>{heading}<ul{' class=two' if two and len(items) > 6 else ''}>{''.join(items)}</ul></section>"


def _allergies(page: Page) -> str:
    known = words.allergy_words(page)
    grave = [one for one in known if one.startswith("! ")]
    rest = [one for one in known if not one.startswith("! ")]
    more = page["more"].get("allergies", 0)
    said = _listed("Allergies that threaten life", [one[2:] for one in grave], red=True, grave=True)
    label = "Other allergies" if grave else "Allergies"
    said += _listed(label, rest, red=not grave, more=more)
    denied = page["none_known_allergies"]
    if page["allergies"] and denied:
        said += f"<p class='soft'>But {_words(', '.join(denied[0]['sources']))} says: {_words(named(denied[0]))}</p>"
    return said


def _medicines(page: Page) -> str:
    entries = []
    for one, said in zip(page["medications"], words.medication_words(page), strict=False):
        ask = f" <span class='ask'>still taking? {_words(one['doubt'])}</span>" if one["still_taking"] else ""
        dose = f" – {_words(one['dose'])}" if one["dose"] else ""
        strong = " class=grave" if one["class"] else ""
        entries.append(f"<li><span{strong}>{_words(said.removesuffix(' ?'))}</span>{dose}{ask}</li>")
    if not entries:
        return _listed("Medicines", words.medication_words(page))
    more = page["more"].get("medications", 0)
    entries += [f"<li>and {more} more, not on this page</li>"] if more else []
    said = f"<section><h2>Medicines</h2><ul>{''.join(entries)}</ul></section>"
    return said + _listed(
        "Not to be given", [named(one) for one in page["not_to_be_taken"]], red=True, grave=True
    )


def _wishes(page: Page) -> str:
    entries = [f"{named(one)} {(one['date'] or '')[:10]}".strip() for one in page["directives"][:4]]
    dnr = any(one["no_resuscitation"] for one in page["directives"])
    return _listed(
        "Do not resuscitate is documented" if dnr else "Advance directives", entries, red=dnr, grave=dnr
    )


def _since(one: dict[str, Any]) -> str:
    return f"{named(one)}{', since ' + one['since'][:10] if one.get('since') else ''}"


def _words(text: object) -> str:
    """Text of the record as HTML; control and reordering characters are gone."""
    from phr.exporters.card_face import spelled

    return escape(
        spelled(str(text))
        .replace("&amp;", "&")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", '"')
    )
