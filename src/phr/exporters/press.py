"""Typesetting: a template, data and pictures in; the bytes of a tagged PDF out (PDF/UA-1, ISO 14289-1). All in memory.

Data go to the template as JSON and are shown as strings, so that markup in a record stays text. PDF/UA wants a glyph for
every character: what the fonts of Typst and of this computer cannot show stands as `[U+4F60]`, and the last page counts it.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache, partial
from importlib import resources
from typing import Any, TypeVar

import orjson

from phr.errors import PhrError

T = TypeVar("T")
_STANDARD = "ua-1"
_BLOCKS = "blocks.typ"
_PLAIN = re.compile(r"[ -~]*")
_LONG = 24
"""Letters without a space that a narrow column of a table holds."""
_WORD = re.compile(rf"\S{{{_LONG + 1},}}")
_JOINTS = re.compile(r"(?<=[/\\_.,;:|=&?-])(?=\w)")
_BREAK = "\u200b"
_CONTROLS = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
"""Neither letters nor spaces. What turns the direction of writing goes too: it can make a text say something else."""
_JOINERS = re.compile("(?<![\u0590-\u1fff])[\u200c\u200d]|[\u200c\u200d](?![\u0590-\u1fff])")
"""They mean something between the letters of some scripts only; elsewhere no glyph is theirs."""
_LINES = re.compile("\r\n?|\x85|\u2028|\u2029")
_REFUSED = re.compile(r'the text `"((?:[^"\\]|\\.)*)"` could not be displayed')
_OF_TEXT = re.compile("could not be displayed|missing codepoints|unmapped|private use")
_PAGES = re.compile(rb"<xmpTPg:NPages>(\d+)<")
_ESCAPE = re.compile(r"\\u\{([0-9a-fA-F]+)\}")
_TRIES = 6
_TICK = 0.05
"""Seconds between two looks whether somebody wants it to stop."""
_HARD = re.compile("[^\t\n -~\u00a0-\u00ff]")
"""What is given up when nothing else helps,"""
_SAFE = frozenset("–—‘’“”…•·≤≥▲▼◆→×µ")
"""but for what the fonts of Typst surely hold."""


def press(
    template: str,
    data: Mapping[str, Any],
    *,
    title: str,
    lang: str = "en",
    pictures: Mapping[str, str] | None = None,
    made: datetime | None = None,
) -> bytes:
    """A PDF. `template`: a file of `paper/`, without `.typ`; `pictures`: SVG by the name that the data call it.

    `made` is the moment that stands in the file; without one, now. Raises PhrError.
    """
    drawn = dict(pictures or {})
    every = _letters(data) | _letters(drawn) | _letters(title)
    missing, system = _missing(every)
    for _ in range(_TRIES):
        try:
            return _set(template, _cleaned(data, title, lang, missing), _svgs(drawn, missing), made, system)
        except _Refused as refused:
            more = frozenset(refused.letters) - missing
            if not more:  # no single character is to blame, but what stands together
                break
            missing |= more
    missing |= frozenset(one for one in every if _HARD.match(one) and one not in _SAFE)
    try:
        return _set(template, _cleaned(data, title, lang, missing), _svgs(drawn, missing), made, system=False)
    except _Refused:
        raise _failed() from None


class _Refused(Exception):
    """Typst has no glyph for these characters."""

    def __init__(self, letters: frozenset[str]) -> None:
        super().__init__()
        self.letters = letters


def _failed() -> PhrError:
    return PhrError(
        "The page could not be set.",
        hint="Another form: --format html, or --format json. Please report this.",
    )


def _set(
    template: str, data: bytes, pictures: Mapping[str, bytes], made: datetime | None, system: bool
) -> bytes:
    """One run of Typst. Raises _Refused where a character has no glyph; PhrError."""
    typst = _typst()
    files = {"main": _paper(f"{template}.typ"), _BLOCKS: _paper(_BLOCKS), "data.json": data, **pictures}
    try:
        made_of = _beside(
            partial(
                typst.compile,
                files,
                pdf_standards=[_STANDARD],
                ignore_system_fonts=not system,
                timestamp=int(made.timestamp()) if made is not None else None,
            )
        )
    except typst.TypstError as error:
        # What Typst says quotes the record: none of it goes on from here.
        said = f"{error.diagnostic}\n{error.message}"
        if _OF_TEXT.search(said):
            raise _Refused(_refused(said)) from None
        raise _failed() from None
    return bytes(made_of)


def _beside(work: Callable[[], T]) -> T:
    """What it answers, or raises. In a thread: a signal reaches Python between two of its own steps only, and a large
    record is a single step of Typst that may take half a minute."""
    answer: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            answer.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again below
            failed.append(error)

    thread = threading.Thread(target=run, name="phr-press", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(_TICK)
    if failed:
        raise failed[0]
    return answer[0]


def _typst() -> Any:
    """The library. Raises PhrError where it is not there."""
    try:
        import typst
    except ImportError:
        raise PhrError(
            "A PDF is made with Typst, which is not installed.", hint="pip install typst"
        ) from None
    return typst


@cache
def _paper(name: str) -> bytes:
    return resources.files("phr.exporters").joinpath("paper", name).read_bytes()


def _refused(said: str) -> frozenset[str]:
    """The characters that Typst could not show, as its message quotes them."""
    found: set[str] = set()
    for quoted in _REFUSED.findall(said):
        found.update(_ESCAPE.sub(lambda one: chr(int(one[1], 16)), quoted))
    return frozenset(one for one in found if one > "~" or one < " ")


# ── which characters can be shown ─────────────────────────────────────────────────────────────────────


def _missing(letters: frozenset[str]) -> tuple[frozenset[str], bool]:
    """`(characters that no font shows, whether fonts of this computer are needed)`, by setting each one on trial."""
    unsure = frozenset(one for one in letters if _HARD.match(one) and not _CONTROLS.match(one))
    halves = frozenset(one for one in unsure if "\ud800" <= one <= "\udfff")
    not_ours = _tried(unsure - halves, system=False)
    if not not_ours:
        return halves, False
    nowhere = _tried(not_ours, system=True)
    return halves | nowhere, len(nowhere) < len(not_ours)


def _tried(letters: frozenset[str], *, system: bool) -> frozenset[str]:
    if not letters:
        return letters
    try:
        _set("trial", orjson.dumps(sorted(letters)), {}, None, system)
    except _Refused as refused:
        return refused.letters & letters
    except PhrError:
        return letters
    return frozenset()


def _letters(data: object) -> frozenset[str]:
    """Every character of the strings in it."""
    found: set[str] = set()
    for one in _strings(data):
        if not one.isascii():
            found.update(one)
    return frozenset(found)


def _strings(data: object) -> Any:
    if isinstance(data, str):
        yield data
    elif isinstance(data, Mapping):
        for one in data.values():
            yield from _strings(one)
    elif isinstance(data, list | tuple):
        for one in data:
            yield from _strings(one)


# ── text as it is set ─────────────────────────────────────────────────────────────────────────────────


def _cleaned(data: Mapping[str, Any], title: str, lang: str, missing: frozenset[str]) -> bytes:
    """Everything that the template reads. `unprinted` counts the characters for which something else stands."""
    text = _Text(missing)
    said = {name: text.clean(one) for name, one in data.items()}
    code, _, region = lang.partition("-")
    whole = {
        **said,
        "title": text.words(title).replace(_BREAK, "") or "Health record",
        "lang": code.lower() if re.fullmatch("[A-Za-z]{2,3}", code) else "en",
        "region": region.upper() if re.fullmatch("[A-Za-z]{2}", region) else None,
    }
    return orjson.dumps({**whole, "unprinted": text.unprinted})


_LETTERS, _LINES_OF_ONE = 20_000, 600
"""Of one text on paper."""


class _Text:
    """Turns data into what a page can hold, and counts what it cannot."""

    def __init__(self, missing: frozenset[str]) -> None:
        self.unprinted = 0
        self._stand_ins = {ord(one): f"[U+{ord(one):04X}]" for one in missing}
        self._hopeless = re.compile(f"[{re.escape(''.join(sorted(missing)))}]") if missing else None

    def clean(self, data: Any) -> Any:
        if isinstance(data, str):
            return self.words(data)
        if isinstance(data, Mapping):
            return {name: self.clean(one) for name, one in data.items()}
        if isinstance(data, list | tuple):
            return [self.clean(one) for one in data]
        return data

    def words(self, said: str) -> str:
        """Without control characters, with stand-ins for what no font shows, with places to break a long word.

        There `word` in `blocks.typ` sets no character, so that what is copied is whole.
        """
        said = _bounded(said)
        if not _PLAIN.fullmatch(said):
            said = _CONTROLS.sub("", _LINES.sub("\n", said))
            if self._hopeless is not None:
                said, times = self._hopeless.subn(lambda one: self._stand_ins[ord(one[0])], said)
                self.unprinted += times
            said = _JOINERS.sub("", said)
        return _WORD.sub(_broken, said) if len(said) > _LONG else said


def _bounded(said: str) -> str:
    """So much of one text as somebody reads on paper; a megabyte in one field would fill memory, and hundreds of pages."""
    if len(said) <= _LETTERS and said.count("\n") <= _LINES_OF_ONE:
        return said
    kept = "\n".join(said[:_LETTERS].split("\n")[:_LINES_OF_ONE])
    return f"{kept} … (cut here: {len(said) - len(kept):,} more letters, which the other formats have)"


def _broken(found: re.Match[str]) -> str:
    """A long word with places where a line may end: after a joint, else after so many letters."""
    parts = []
    for part in _JOINTS.split(found[0]):
        parts += [part[at : at + _LONG] for at in range(0, len(part), _LONG)]
    return _BREAK.join(parts)


def _svgs(pictures: Mapping[str, str], missing: frozenset[str]) -> dict[str, bytes]:
    """Pictures as bytes; a character that no font shows is a question mark there."""
    table = {ord(one): "?" for one in missing}
    return {
        name: _JOINERS.sub("", _CONTROLS.sub("", svg.translate(table))).encode("utf-8", "replace")
        for name, svg in pictures.items()
    }


def pages(pdf: bytes) -> int:
    """How many pages a PDF has that was made here: its metadata (XMP) say so, and are never compressed."""
    found = _PAGES.search(pdf)
    return int(found[1]) if found else 0
