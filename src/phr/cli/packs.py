"""`phr packs`: the conditions that phr knows something about, and what it knows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.options import Json, PhrCommand, group
from phr.cli.text import clean, count, table, wrapped
from phr.errors import UsageError

if TYPE_CHECKING:
    from phr.packs.model import Codes, Loaded, Pack

app = group(no_args_is_help=False)
_SYSTEMS = {"snomed": "SNOMED CT", "rxnorm": "RxNorm"}
_APPLIES = {True: "yes", False: "no", None: "?"}


@app.callback(invoke_without_command=True)
def packs(ctx: typer.Context, json: Json = False) -> None:
    """Conditions that phr knows something about: tags, milestones, values to watch. Yours too: docs/packs.md.

    Exit statuses: 0 fine, 1 failed, 2 usage, 6 locked.
    """
    if ctx.invoked_subcommand is None:
        _list(ctx, json=json)


@app.command("list", cls=PhrCommand)
def list_(ctx: typer.Context, json: Json = False) -> None:
    """Which packs there are, and whether your record holds the condition.

    Exit statuses: 0 fine, 1 failed, 6 locked.
    """
    _list(ctx, json=json)


@app.command("show", cls=PhrCommand)
def show(
    ctx: typer.Context,
    id_: Annotated[str, typer.Argument(help="The id that phr packs lists.", metavar="ID")],
    json: Json = False,
) -> None:
    """What one pack brings: codes, tags, milestones, measurements, and what it says for reference.

    \b
    phr packs show alpha-1

    Exit statuses: 0 fine, 1 failed, 2 usage (also: no such pack), 6 locked.
    """
    loaded = _loaded(ctx)
    pack = next((one for one in loaded.packs if one.id == id_), None)
    if pack is None:
        raise UsageError(
            f"There is no pack named {id_}.", hint=f"There is: {', '.join(one.id for one in loaded.packs)}"
        )
    applies = _applies(ctx, loaded)
    if json:
        output.emit_json(_whole(pack, applies))
    else:
        output.emit(_page(pack, applies))


@app.command("check", cls=PhrCommand)
def check(
    file: Annotated[Path, typer.Argument(help="A pack: a file that ends in .toml.", metavar="FILE")],
    json: Json = False,
) -> None:
    """Is a pack well written? Every problem with its table and key.

    Put a good one into the folder packs beside config.toml (phr paths): it counts at once.

    Exit statuses: 0 fine, 1 something is wrong in it, 2 usage (also: no such file).
    """
    from phr.packs.loading import read

    pack, wrong = read(file)
    if json:
        output.emit_json(
            {"file": str(file), "ok": not wrong, "id": pack.id if pack else None, "problems": wrong}
        )
    elif pack is not None:
        output.emit([f"{file.name}: {pack.name} is well written ({_brings(pack)})."])
    else:
        output.emit(clean(line) for line in wrong)
    if wrong:
        output.talk("Mend what is named, then check again. Every key is explained in docs/packs.md.")
        raise typer.Exit(1)


def _list(ctx: typer.Context, *, json: bool) -> None:
    loaded = _loaded(ctx)
    applies = _applies(ctx, loaded)
    if json:
        found = [_short(pack, applies) for pack in loaded.packs]
        output.emit_json({"packs": found, "broken": list(loaded.broken)})
        return
    screen = output.out()
    rows = [
        (pack.id, "all" if pack.general else _APPLIES[_has(pack, applies)], pack.name + " (yours)" * pack.own)
        for pack in sorted(loaded.packs, key=lambda one: (not _has(one, applies), one.general, one.id))
    ]
    output.emit(table(rows, ("PACK", "APPLIES", "NAME"), screen, wide=2))
    output.talk("What one brings: phr packs show ID")


def name_broken(folder: Path) -> None:
    """Name the person's own packs that are left out, on stderr: for every command that makes use of packs."""
    from phr.packs.loading import load

    if folder.is_dir():
        for line in load(folder).broken:
            output.talk(f"Left out: {clean(line)}")


def _loaded(ctx: typer.Context) -> Loaded:
    """The packs there are."""
    from phr.packs.loading import load

    folder = workspace(ctx).paths.config / "packs"
    name_broken(folder)
    return load(folder)


def _applies(ctx: typer.Context, loaded: Loaded) -> frozenset[str] | None:
    """Ids of the packs whose condition is in the record; None where there is no record yet."""
    here = workspace(ctx)
    if not here.paths.records(here.user).exists():
        return None
    from phr.views.milestones import applying

    with here.store() as store:
        return applying(store, loaded.packs)


def _has(pack: Pack, applies: frozenset[str] | None) -> bool | None:
    if pack.general:
        return True
    return None if applies is None else pack.id in applies


def _brings(pack: Pack) -> str:
    tags = len({rule.name for rule in pack.tags})
    return (
        f"{count(tags, 'tag')}, {count(len(pack.milestones), 'milestone rule')}, "
        f"{count(sum(len(one.measures) for one in pack.trends), 'measurement')}"
    )


def _short(pack: Pack, applies: frozenset[str] | None) -> dict[str, Any]:
    return {
        "id": pack.id,
        "name": pack.name,
        "about": pack.about,
        "version": pack.version,
        "own": pack.own,
        "applies": _has(pack, applies),
        "tags": sorted({rule.name for rule in pack.tags}),
        "milestones": [rule.id for rule in pack.milestones],
        "trends": [group_.id for group_ in pack.trends],
    }


def _whole(pack: Pack, applies: frozenset[str] | None) -> dict[str, Any]:
    return _short(pack, applies) | {
        "source": pack.source,
        "codes": _codes(pack.codes),
        "milestones": [
            {"id": rule.id, "shape": rule.shape, "title": rule.title, "always": rule.always or pack.general}
            for rule in pack.milestones
        ],
        "trends": [
            {
                "id": one.id,
                "name": one.name,
                "measures": [
                    {"name": measure.name, "codes": list(measure.codes)} for measure in one.measures
                ],
            }
            for one in pack.trends
        ],
        "summary": [
            {"label": one.label, "kind": one.kind, "codes": _codes(one.codes)} for one in pack.summary
        ],
        "notes": [{"text": note.text, "source": note.source} for note in pack.notes],
    }


def _codes(codes: Codes) -> dict[str, list[str]]:
    return {system: list(listed) for system, listed in codes}


def _page(pack: Pack, applies: frozenset[str] | None) -> list[str]:
    screen = output.out()
    has = _has(pack, applies)
    told = {
        True: "for everybody" if pack.general else "your record holds it",
        False: "not in your record",
        None: "no record yet",
    }[has]
    lines = [screen.paint(clean(pack.name), "bold") + f"  {told}", *_text(pack.about), ""]
    if pack.codes:
        lines += _part(
            "Known by",
            [f"{_SYSTEMS.get(system, system.upper())} {', '.join(listed)}" for system, listed in pack.codes],
        )
    lines += _part(
        "Tags", [f"phr timeline --tag {_quoted(name)}" for name in sorted({rule.name for rule in pack.tags})]
    )
    lines += _part("Milestones", [_rule(rule) for rule in pack.milestones])
    for one in pack.trends:
        lines += _part(f"Measurements: {one.name}", [measure.name for measure in one.measures])
    lines += _part("On the summary", [one.label for one in pack.summary])
    lines += _part("For reference", [f"{note.text} ({note.source})" for note in pack.notes])
    return [*lines, *_text(f"Source: {pack.source}")]


def _part(heading: str, lines: list[str]) -> list[str]:
    if not lines:
        return []
    screen = output.out()
    return [screen.paint(heading, "heading"), *(row for line in lines for row in _text(line, 2)), ""]


def _text(words: str, indent: int = 0) -> list[str]:
    screen = output.out()
    return [screen.spell(line) for line in wrapped(clean(words), screen, indent=indent)]


def _quoted(name: str) -> str:
    import shlex

    return shlex.quote(name)


_SAYS = {
    "first_of": "a problem that is told for the first time",
    "started": "a treatment that started",
    "changed": "a treatment of which the dose changed",
    "stopped": "a treatment that was stopped",
    "procedure": "an operation",
    "source": "the first record of each source",
}


def _rule(rule: Any) -> str:
    """A rule in a sentence."""
    if rule.shape == "change":
        way, much = ("falls", rule.fall) if rule.fall is not None else ("rises", rule.rise)
        within = f" within {rule.within_months:g} months" if rule.within_months else ""
        return f"{rule.title} {way} by more than {much:g} %{within}"
    if rule.shape == "threshold":
        unit = rule.units[0]
        twice = f", and again {rule.apart_days} days later or more" if rule.apart_days else ""
        if rule.at_least is not None:
            return f"{rule.title} reaches {rule.at_least:g} {unit}{twice}"
        return f"{rule.title} is under {rule.below:g} {unit}{twice}"
    if rule.shape == "series":
        if not rule.doses:
            return "an immunization series that the record says is complete"
        return f"{rule.title}: {count(rule.doses, 'dose')}"
    if rule.shape == "stay":
        return str(rule.title).lower()
    names = ", ".join(word.rstrip("*").capitalize() for word in rule.words[:4])
    named = rule.shape in ("started", "changed", "stopped") and names
    return f"{_SAYS[rule.shape]}: {names} and their like" if named else _SAYS[rule.shape]
