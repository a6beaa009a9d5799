"""One kind of record that a person can write down: what to ask for, and the words that people use for it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from phr.workspace.own import fields as f
from phr.workspace.own.fields import Field, asked


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind, or a word for some of its entries (`symptom`)."""

    name: str
    """What is typed: `phr add lab_result`."""
    about: str
    """One line of help."""
    title: Field
    fields: tuple[Field, ...]
    examples: tuple[str, ...]
    words: tuple[str, ...] = ()
    """Other names that can be typed."""
    kind: str = ""
    """The kind of record that it makes, where the name says something else."""
    measured: bool = False
    """Value and unit may stand behind the title."""
    dated: str = ""
    """The day of an entry whose date nobody gave: `today`, or nothing."""
    files: bool = False
    """Files stand where others have a title."""

    @property
    def makes(self) -> str:
        """The kind of record."""
        return self.kind or self.name

    @property
    def all_fields(self) -> tuple[Field, ...]:
        """Its own and those of every entry."""
        return (*self.fields, *f.common(self.name))

    def field(self, name: str) -> Field | None:
        """The field of this name."""
        return next((one for one in (self.title, *self.all_fields) if one.name == name), None)


def title(about: str, example: str, *, required: bool = True) -> Field:
    """The field for what it is called."""
    return Field("title", about, example, ask=True, required=required)


def status(choices: dict[str, str]) -> Field:
    """The field for how it stands, with the words of this kind."""
    shown = dict.fromkeys(choices.values())
    return replace(f.STATUS, choices=choices, about=f"How it stands: {', '.join(shown)}.")


WHEN = asked(f.DATE_FIELD, required=True)
WHEN_KNOWN = asked(f.DATE_FIELD)
START = asked(f.DATE_FIELD, about="Since when.", example="2019", also=("--since", "--start"))
