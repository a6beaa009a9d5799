"""`phr visit`: one page for the next appointment, and the questions to take along."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.options import Json, Quiet, usage
from phr.cli.selecting import Kinds, Packs, Search, Sensitivity, Since, Sources, Tags, select

if TYPE_CHECKING:
    from phr.store.store import Store


class VisitFormat(StrEnum):
    """How the page is written."""

    TEXT = "text"
    JSON = "json"
    HTML = "html"
    PDF = "pdf"
    MARKDOWN = "markdown"


Words = Annotated[
    list[str] | None,
    typer.Argument(
        help="A doctor, an office, a hospital or a specialty; none: the next appointment there is.",
        metavar="[WHO]",
        show_default=False,
    ),
]
Within = Annotated[
    str | None,
    typer.Option(
        "--in", envvar="PHR_VISIT_IN", help="The appointment is in so long: 3d, 2w, 1m.", metavar="TIME"
    ),
]
On = Annotated[
    str | None, typer.Option("--on", help="It is on this day: 2026-12-03, “next monday”.", metavar="DATE")
]
Ask = Annotated[
    str | None,
    typer.Option(
        "--ask", help="Note a question for WHO (or for anybody).", metavar="TEXT", allow_from_autoenv=False
    ),
]
Answered = Annotated[
    int | None,
    typer.Option(
        "--answered",
        help="Close question N; what they said may stand behind it.",
        metavar="N",
        allow_from_autoenv=False,
    ),
]
Unask = Annotated[
    int | None,
    typer.Option("--unask", help="Take question N away.", metavar="N", allow_from_autoenv=False),
]
Questions = Annotated[bool, typer.Option("--questions", help="List the questions, answered ones too.")]
Layout = Annotated[
    VisitFormat | None,
    typer.Option(
        "--format", "-f", envvar="PHR_VISIT_FORMAT", help="How the page is written (default: text)."
    ),
]
To = Annotated[
    str | None,
    typer.Option(
        "-o",
        "--output",
        envvar="PHR_VISIT_OUTPUT",
        help="Write a file, or with / at its end into a folder; - is stdout.",
        metavar="FILE",
    ),
]
Write = Annotated[
    bool, typer.Option("--write", help="Write the page (PDF) and the CCD into the current folder.")
]
Beside = Annotated[
    bool | None,
    typer.Option("--ccd/--no-ccd", help="The CCD beside the page, or not (default: beside a PDF)."),
]


def visit(
    ctx: typer.Context,
    who: Words = None,
    within: Within = None,
    on: On = None,
    ask: Ask = None,
    answered: Answered = None,
    unask: Unask = None,
    questions: Questions = False,
    kind: Kinds = None,
    since: Since = None,
    source: Sources = None,
    tag: Tags = None,
    pack: Packs = None,
    search: Search = None,
    sensitivity: Sensitivity = None,
    layout: Layout = None,
    to: To = None,
    write: Write = False,
    ccd: Beside = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """One page for the next appointment: what is new to them, what they do not have, what you want to ask.

    New is what is dated after the last visit there, or came later from elsewhere; --since says another day. What you
    marked as private (phr edit) is left out. --write makes a PDF of one page and a CCD for their computer.

    \b
    phr visit "Dr. Martinez" --in 3d
    phr visit "Dr. Martinez" --ask "Should I stop the inhaler?"
    phr visit --answered 2 "Only in winter"
    phr visit pulmonology --tag lungs --since 2023 --write

    Exit statuses: 0 fine; 1 failed; 2 usage (also: nobody of that name, or several); 3 written, but our check found that
    the CCD is not built as it should be; 5 another run writes; 6 locked.
    """
    output.hush(quiet)
    words = [" ".join(one.split()) for one in who or () if one.strip()]
    _check(words, ask=ask, answered=answered, unask=unask, questions=questions, to=to, write=write)
    if (
        json
        and layout not in (None, VisitFormat.JSON)
        and to is None
        and not write
        and layout is not VisitFormat.PDF
    ):
        raise usage(
            f"--json and --format {layout} are two forms.", "Leave one of them out, or write a file: -o FILE"
        )
    if ask is not None or answered is not None or unask is not None or questions:
        from phr.cli import visit_questions

        with workspace(ctx).store() as store:
            if ask is not None:
                visit_questions.ask(store, ask, words[0] if words else None, json=json)
            elif answered is not None:
                visit_questions.close(store, answered, words, json=json)
            elif unask is not None:
                visit_questions.take_away(store, unask, json=json)
            else:
                visit_questions.listed(store, words[0] if words else None, json=json)
        return
    from phr.cli import visit_files

    chosen = select(kind, since, None, source, tag, search, sensitivity, pack)
    way = visit_files.way(layout, to, write=write, ccd=ccd, json=json)
    with workspace(ctx).store() as store:
        _run(store, visit_files.Asked(words[0] if words else None, chosen, within, on, way, quiet, json))


def _check(words: list[str], **said: Any) -> None:
    """One thing at a time. Raises UsageError."""
    doing = [
        f"--{name}" for name in ("ask", "answered", "unask", "questions") if said[name] not in (None, False)
    ]
    if len(doing) > 1:
        raise usage(f"{' and '.join(doing)} are two things.", "Do one after the other.")
    if doing and (said["to"] is not None or said["write"]):
        raise usage(f"{doing[0]} writes no page.", "Leave -o or --write out.")
    if len(words) > (2 if said["answered"] is not None else 1):
        raise usage("Only one name can be given.", 'Put it in quotes: phr visit "Dr. Martinez"')


def _run(store: Store, asked: Any) -> None:
    from phr.cli import visit_files

    done = visit_files.run(store, asked)
    if done.document is not None and done.document.check is not None and not done.document.check.sound:
        raise typer.Exit(3)
