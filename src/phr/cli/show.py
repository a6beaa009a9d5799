"""`phr show`: one record whole, or exactly as its source sent it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from phr.cli import lines, output
from phr.cli.context import workspace
from phr.cli.options import Json, complete_sources
from phr.cli.text import Screen, clean, clean_lines, count, day, kind_word, pad, size, table, when, width

if TYPE_CHECKING:
    from collections.abc import Iterator

Report = dict[str, Any]
Record = Annotated[str, typer.Argument(help="The number from phr timeline, or Type/id.", metavar="RECORD")]
_LABEL = 20


def show(
    ctx: typer.Context,
    record: Record,
    raw: Annotated[bool, typer.Option("--raw", help="Exactly the bytes that the source sent.")] = False,
    history: Annotated[
        bool, typer.Option("--history", help="Also when it was said differently before.")
    ] = False,
    source: Annotated[
        str | None,
        typer.Option(
            "--source", help="Which one, where several sources have it.", autocompletion=complete_sources
        ),
    ] = None,
    json: Json = False,
) -> None:
    """One record whole: what it says, where it came from, what it belongs to.

    \b
    phr show 412
    phr show Observation/abc --raw | jq .

    Exit statuses: 0 fine, 1 failed, 2 usage (also: no such record), 6 locked.
    """
    from phr.views import record as view

    with workspace(ctx).store() as store:
        if raw:
            output.write(view.raw(store, record, source))
            return
        report = view.show(store, record, source)
    if json:
        output.emit_json(report)
    else:
        output.emit(_page(report, output.out(), history=history))


def _page(report: Report, view: Screen, *, history: bool) -> Iterator[str]:
    yield view.fit(view.paint(lines.titled(report), "heading"))
    subtitle = [kind_word(report["kind"]), day(report["date"]), clean(report["status"])]
    yield view.paint(view.spell(" · ".join(word for word in subtitle if word)), "dim")
    if report["provenance"] and all(one["state"] == "gone" for one in report["provenance"]):
        said = _standing(report["provenance"][0]) or ""
        yield view.paint(view.spell(f"{said[:1].upper()}{said[1:]}."), "bold")
    yield ""
    yield from _pairs(_facts(report), view)
    yield from _attachments(report, view)
    yield from _related(report, view)
    yield from _trend(report, view)
    yield from _origin(report, view)
    if history:
        yield from _history(report, view)
    elif report["history"]:
        yield ""
        yield f"Said differently before: {count(report['history_count'], 'time')} (--history)"


def _facts(report: Report) -> Iterator[tuple[str, object]]:
    mark = lines.mark(report)
    value = lines.measured(report)
    if value:
        yield "Result", f"{value} {mark}".strip()
    yield "Usual range", lines.reference_range(report)
    yield "What", report["description"]
    yield "Until", day(report["end"])
    yield "Written down", day(report["recorded"])
    yield "Where", report["facility"]
    yield "By", report["performer"]
    yield "Category", report["category"]
    codes = (f"{clean(code['code'])} ({_system(code['system'])})" for code in report["codes"] if code["code"])
    yield "Codes", ", ".join(codes)
    yield "Tags", ", ".join(report["tags"])
    if report["sensitivity"] != "normal":
        yield "Sensitivity", report["sensitivity"].replace("_", " ")
    said = {_bare(value) for value in _told(report)}
    for pair in report["details"]:
        if _bare(pair.get("value")) not in said:
            yield pair.get("label", ""), pair.get("value", "")


def _told(report: Report) -> Iterator[object]:
    """What the page says already, so that the resource's own elements need not say it again."""
    yield from (
        report[name] for name in ("title", "status", "category", "date", "recorded", "facility", "performer")
    )
    yield from (lines.measured(report), lines.reference_range(report))


def _bare(value: object) -> str:
    return clean(value).casefold().replace("–", "-")


def _system(uri: str | None) -> str:
    names = {
        "http://loinc.org": "LOINC",
        "http://snomed.info/sct": "SNOMED CT",
        "http://www.nlm.nih.gov/research/umls/rxnorm": "RxNorm",
        "http://hl7.org/fhir/sid/cvx": "CVX",
        "http://hl7.org/fhir/sid/icd-10-cm": "ICD-10-CM",
        "http://www.ama-assn.org/go/cpt": "CPT",
    }
    return names.get(uri or "", clean(uri) or "no system")


def _pairs(pairs: Iterator[tuple[str, object]], view: Screen) -> Iterator[str]:
    said = set()
    for label, value in pairs:
        text = clean_lines(value) if value not in (None, "") else ""
        if not text or (label, text) in said:
            continue
        said.add((label, text))
        # A label longer than its column keeps its own line.
        head = clean(label) if width(clean(label)) <= _LABEL else clean(label) + "\n" + " " * _LABEL
        first, *rest = head.split("\n")
        lead = f"{view.paint(pad(first, _LABEL), 'bold')}  "
        if rest:
            yield lead.rstrip()
            lead = " " * (_LABEL + 2)
        for number, line in enumerate(_wrapped(text, view)):
            yield (lead if number == 0 else " " * (_LABEL + 2)) + view.spell(line)


def _wrapped(text: str, view: Screen) -> Iterator[str]:
    import textwrap

    room = max(30, (view.columns or 100) - _LABEL - 2)
    for line in text.split("\n"):
        yield from textwrap.wrap(line, room) or [""]


def _section(title: str, view: Screen) -> Iterator[str]:
    yield ""
    yield view.paint(title, "bold")


def _attachments(report: Report, view: Screen) -> Iterator[str]:
    if report["attachments"]:
        yield from _section("Attached", view)
        rows = [
            (
                one["id"],
                one["filename"] or "(no name)",
                one["media_type"],
                size(one["bytes"]) if one["bytes"] is not None else one.get("reason") or one.get("state"),
            )
            for one in report["attachments"]
        ]
        yield from table(rows, ("ID", "NAME", "TYPE", "SIZE"), view, wide=1)


def _related(report: Report, view: Screen) -> Iterator[str]:
    if report["related"]:
        yield from _section("Belongs to", view)
        for one in report["related"]:
            words = [
                one.get("id"),
                kind_word(str(one.get("kind") or "")),
                day(one.get("date")),
                one.get("title"),
            ]
            yield view.fit("  " + "  ".join(clean(word) for word in words if word))


def _trend(report: Report, view: Screen) -> Iterator[str]:
    points = (
        report["trend"] if isinstance(report["trend"], list) else (report["trend"] or {}).get("points", [])
    )
    if len(points) > 1:
        yield from _section("Over time", view)
        for point in points[-12:]:
            words = (day(point.get("date")), lines.measured(point), lines.mark(point))
            yield view.spell("  " + "  ".join(word for word in words if word))


def _origin(report: Report, view: Screen) -> Iterator[str]:
    yield from _section("Where it came from", view)
    for one in report["provenance"]:
        yield view.fit(
            f"  {clean(one['source'])}: {clean(one['resource'])}, here since {when(one['first_seen'])}"
        )
        if said := _standing(one):
            yield view.fit(f"    {said}")


_REASONS = {"entered-in-error": "entered in error"}


def _standing(one: Report) -> str | None:
    """Whether a source still stands by it: a sentence where it does not."""
    if one["state"] == "gone":
        reason = one.get("reason") or "deleted"
        into = one.get("merged_into")
        why = f"merged into {into}" if into else _REASONS.get(reason, reason)
        on = f" on {when(one['gone_since'])}" if one.get("gone_since") else ""
        return f"taken back by the source{on}: {clean(why)}"
    since = one.get("not_returned_since")
    return f"not returned since {when(since)}; kept as it was" if since else None


def _history(report: Report, view: Screen) -> Iterator[str]:
    yield from _section("Said differently before", view)
    for one in report["history"]:
        yield f"  from {when(one['seen'])} to {when(one['replaced'])}, {size(one['bytes'])}"
    if not report["history"]:
        yield "  never"
