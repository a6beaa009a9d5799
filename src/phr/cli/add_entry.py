"""One entry from options and answers: checked, asked about, written, told."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from phr.cli import add_measure, output
from phr.cli.context import workspace
from phr.cli.failures import INTERRUPTED
from phr.errors import UsageError
from phr.fhir import dates
from phr.model import Code
from phr.records.said_dates import ORDERS, AmbiguousDate
from phr.workspace.own import checking, links, person, suggest, vitals, writing
from phr.workspace.own import fields as f
from phr.workspace.own.checking import LocalZone, Setting
from phr.workspace.own.fields import Field
from phr.workspace.own.kinds import Kind
from phr.workspace.own.told import OwnFile, Told

if TYPE_CHECKING:
    from phr.store.store import Store
    from phr.workspace import Workspace

_FREE = ("tag", "file")
"""Fields that are no part of the entry's own words."""


def enter(kind: Kind, vital: vitals.Vital | None, told: dict[str, Any]) -> None:
    """Run one `phr add KIND`. `told` are the options as Typer read them."""
    ctx: typer.Context = told.pop("ctx")
    flags = {name: told.pop(name) for name in ("yes", "dry_run", "json", "date_order")}
    if flags["date_order"] is not None and flags["date_order"] not in ORDERS:
        raise UsageError("--date-order is mdy or dmy.", hint="mdy: 03/04 is in March. dmy: it is in April.")
    entry = Entry(
        kind, vital, here=workspace(ctx), asking=output.has_terminal() and not flags["json"], **flags
    )
    try:
        entry.read(told)
        entry.write()
    except KeyboardInterrupt:
        kept = ", ".join(str(one.record) for one in entry.written)
        output.tell("")
        output.tell(f"Stopped. Written before that: {kept}" if kept else "Stopped. Nothing was written.")
        raise typer.Exit(INTERRUPTED) from None


@dataclass
class Entry:
    """What is being put together."""

    kind: Kind
    vital: vitals.Vital | None
    here: Workspace
    asking: bool
    yes: bool
    dry_run: bool
    json: bool
    date_order: str | None
    setting: Setting = field(init=False, repr=False)
    said: dict[str, Any] = field(default_factory=dict, repr=False)
    codes: tuple[Code, ...] = field(default=(), repr=False)
    files: list[OwnFile] = field(default_factory=list, repr=False)
    told: list[Told] = field(default_factory=list, repr=False)
    sure: set[str] = field(default_factory=set, repr=False)
    """What was odd and is right all the same."""
    written: list[writing.Written] = field(default_factory=list, repr=False)

    # ── reading ───────────────────────────────────────────────────────────────────────────────────

    def read(self, typed: dict[str, Any]) -> None:
        """Check what was typed, ask for what is missing, and look into the record for the rest."""
        with ExitStack() as stack:
            store = None
            if self.here.paths.records(self.here.user).exists():
                store = stack.enter_context(self.here.store())
            self._begin(store)
            self._take(typed)
            self._ask(store)
            self._need()
            strange = add_measure.checked(self.kind, self.said, self.codes, store, asking=self.asking)
            if strange and strange.words not in self.sure:
                self._sure(strange.words, impossible=strange.impossible)
            self._doubt()
            self._finish(store)

    def _begin(self, store: Store | None) -> None:
        patient = person.known(store) if store is not None else {}
        born = checking.birth_date(patient.get("birthDate"))
        self.setting = Setting(datetime.now().astimezone(), LocalZone(), self.date_order, born)

    def _take(self, typed: dict[str, Any]) -> None:
        """Options and what stands without one."""
        if self.vital is not None:
            self.said["title"] = self.vital.title
        for path in typed.pop("files_", None) or ():
            self.files.append(checking.read_file(Path(path)))
        for name, value in typed.items():
            if value is None or value is False or value == []:
                continue
            field_ = self.kind.field(name.rstrip("_"))
            if field_ is None:
                continue
            if field_.name in self.said and field_.name in ("value", "unit"):
                raise UsageError(
                    f"{field_.flag} was given twice.",
                    hint="Once is enough: behind the title, or as an option.",
                )
            self._put(field_, value)
        if self.said.get("status") and self.said.get("stopped") and self.said["status"] == "active":
            raise UsageError(
                "--stopped and --status active contradict each other.", hint="Leave one of the two out."
            )

    def _put(self, one: Field, value: Any) -> None:
        if one.type == f.FLAG:
            self.said[one.name] = True
        elif one.type == f.FILE:
            self.files += [checking.read_file(Path(path)) for path in value]
        elif one.many:
            self.said[one.name] = [found for each in value if (found := self._checked(one, each))]
        elif (found := self._checked(one, value)) or one.type == f.DATE:  # an empty word says nothing
            self.said[one.name] = found

    def _checked(self, one: Field, typed: str) -> str:
        try:
            return checking.checked(one, typed, self.setting)
        except AmbiguousDate as error:
            if not self.asking:
                raise
            from phr.cli.add_prompts import which_date

            chosen = which_date(error)
            if chosen is None:
                raise
            return checking.checked(one, chosen, self.setting)

    # ── asking ────────────────────────────────────────────────────────────────────────────────────

    def _missing(self) -> list[Field]:
        """What is needed and was not said."""
        fields = [] if self.kind.files else [self.kind.title]
        found = [one for one in (*fields, *self.kind.fields) if one.required and one.name not in self.said]
        if self.kind.files and not self.files:
            found.insert(0, f.FILE_FIELD)
        return found

    def _ask(self, store: Store | None) -> None:
        """At a terminal: everything that people usually know, once something that is needed is missing."""
        whole = bool(self._missing()) and self.asking
        if whole:
            from phr.cli import add_prompts

            add_prompts.begin(self.vital.title if self.vital else self.kind.about)
            if self.kind.files and not self.files:
                self.files.append(add_prompts.file())
        for one in (self.kind.title, *self.kind.fields):
            if whole and self._wanted(one):
                self._answer(one, store)
                self._look_again(one, store)
            if one.name == "title":
                self._code(store)

    def _wanted(self, one: Field) -> bool:
        if not one.ask or one.name in self.said:
            return False
        if one.name == "unit":
            return add_measure.needs_unit(self.kind, self.said)
        if one.name == "resolved" or one.name == "stop":
            return one.name not in self.said and self.said.get("still_taking") is not True
        return one.name != "still_taking" or not (self.said.get("stop") or self.said.get("stopped"))

    def _answer(self, one: Field, store: Store | None) -> None:
        from phr.cli import add_prompts

        def check(each: Field, typed: str) -> str:
            found = checking.checked(each, typed, self.setting)
            add_measure.fits(each.name, found, self.kind, self.said, self.codes, store)
            return found

        one = add_measure.with_usual(one, self.kind, self.said, self.codes, store)
        if one.name == "date" and self.kind.dated == "today":
            one = replace(one, default="today")
        answer = add_prompts.ask(one, check)
        if one.type == f.FLAG:
            self.said[one.name] = answer is True
            if one.name == "still_taking" and answer is False:
                self.said["stopped"] = True
        elif answer is not None:
            self.said[one.name] = answer
        elif one.type == f.DATE and one.name == "date":
            self.said.setdefault("date", "")

    def _look_again(self, one: Field, store: Store | None) -> None:
        """A value that is odd is asked about at once, so that nothing else has to be typed again."""
        from phr.cli import add_prompts

        while one.name in ("value", "unit") and not self.yes:
            if (
                one.name == "value"
                and add_measure.needs_unit(self.kind, self.said)
                and "unit" not in self.said
            ):
                return
            strange = add_measure.odd(self.kind, self.said, self.codes, store)
            if strange is None or strange.words in self.sure:
                return
            add_prompts.say(strange.words)
            if add_prompts.yes_or_no("Is that right?", False):
                self.sure.add(strange.words)
                return
            for name in ("value", "unit"):
                self.said.pop(name, None)
                again = self.kind.field(name)
                if again is not None and self._wanted(again):
                    self._answer(again, store)

    def _code(self, store: Store | None) -> None:
        """Codes that were given, else those that the record has for the very same name."""
        given = self.said.get("code") or []
        self.codes = tuple(checking.code_of(one) for one in given)
        title = self.said.get("title")
        if self.codes or store is None or not title or vitals.meant(self.kind.makes, title):
            return
        if self.kind.makes in (
            "document",
            "clinical_note",
            "message",
            "task",
            "other",
            "care_plan",
            "coverage",
        ):
            return
        found = suggest.suggestions(store.db, self.kind.makes, title)
        if self.asking and not self.yes:
            from phr.cli import add_prompts

            chosen = add_prompts.which(found)
        else:
            chosen = suggest.certain(found)
        if chosen is not None:
            self.codes = chosen.codes
            if not self.asking:
                output.tell(f"Coded as your record does: {chosen.words}. Another code: --code SYSTEM|CODE")

    def _need(self) -> None:
        """Where nobody can be asked, what is missing is named."""
        missing = self._missing()
        if not missing:
            return
        spelled = {"title": "TITLE", "file": "FILE"} | ({"value": "VALUE"} if self.vital else {})
        names = [spelled.get(one.name, one.flag) for one in missing]
        words = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
        unknown = " If the day is not known: --date unknown" if "--date" in names else ""
        vital = self.vital
        example = f"phr add {vital.words[0]} {vital.example}" if vital else self.kind.examples[0]
        raise UsageError(f"This is missing: {words}.", hint=f"Such as: {example}.{unknown}")

    # ── looking at it ─────────────────────────────────────────────────────────────────────────────

    def _doubt(self) -> None:
        """What cannot well be, but may."""
        for one in self.kind.fields:
            when = self.said.get(one.name)
            if one.type == f.DATE and when and checking.before_birth(when, self.setting):
                self._sure(f"{when} is before the day of birth.")
        start, end = (
            self.said.get("date"),
            self.said.get("stop") or self.said.get("end") or self.said.get("resolved"),
        )
        if start and end and start[: len(end)] > end[: len(start)]:
            raise UsageError("It would end before it began.", hint="Exchange the two dates.")

    def _sure(self, strange: str, *, impossible: bool = False) -> None:
        if impossible and not self.asking and not self.yes:
            raise UsageError(f"{strange} Nothing was written.", hint="If it is right all the same: --yes")
        if not self.asking or self.yes:
            output.tell(f"Note: {strange}" + ("" if self.yes else " It is written as you typed it."))
            return
        from phr.cli import add_prompts

        output.tell(f"  {strange}")
        if not add_prompts.yes_or_no("Is that right?", False):
            raise UsageError("Nothing was changed.", hint="Run it again with the right value.")

    def _finish(self, store: Store | None) -> None:
        """The entries: one for each file of a document, else one."""
        if "date" not in self.said and self.kind.dated == "today":
            self.said["date"] = self.setting.now.date().isoformat()
            if not self.json:
                output.talk("Dated today. Another day: --date")
        refs = self.said.get("about") or []
        visit = self.said.get("visit")
        if store is None and (refs or visit):
            raise UsageError("There is no such record.", hint="This is the first one.")
        about = links.about(store.db, self.kind.name, refs) if store is not None else ()
        visited = links.visit(store.db, visit) if store is not None and visit else None
        now = dates.instant(datetime.now(UTC))
        groups = [(one,) for one in self.files] if self.kind.files else [tuple(self.files)]
        for number, files in enumerate(groups, 1):
            said = {name: value for name, value in self.said.items() if name not in _FREE}
            if len(groups) > 1 and said.get("title"):
                said["title"] = f"{said['title']} ({number} of {len(groups)})"
            self.told.append(Told(self.kind, now, said, self.codes, about, visited, files))

    # ── writing ───────────────────────────────────────────────────────────────────────────────────

    def write(self) -> None:
        """Write what was told, and say so."""
        from phr.cli import add_report

        tags = [checking.tag(word) for word in self.said.get("tag") or ()]
        if self.dry_run:
            add_report.tell_preview(self.here, self.told, json=self.json)
            return
        try:
            for one in self.told:
                self.written.append(self._written(one, tags))
        except BaseException:
            if self.written and not self.json:  # of several files, those that are in
                add_report.tell_written(self.here, self.written, json=False)
            raise
        add_report.tell_written(self.here, self.written, json=self.json)

    def _written(self, told: Told, tags: list[str]) -> writing.Written:
        try:
            return writing.add(self.here, told, tags=tags, again=self.yes)
        except writing.AlreadyThere as error:
            if not self.asking:
                raise
            from phr.cli import add_prompts

            output.tell(error.message)
            if not add_prompts.yes_or_no("Write it once more?", False):
                raise UsageError("Nothing was changed.", hint=f"See it: phr show {error.record}") from None
        return writing.add(self.here, told, tags=tags, again=True)
