"""Titles as `phr had` and `phr missing` say them: what is half acronyms keeps its capitals, a bare code gets its meaning."""

from __future__ import annotations

import re
from typing import Any

from phr.cli.text import clean
from phr.views.titles import chosen, plain

_MODALITIES = frozenset("CT MR MRI XR US ECG EKG CBC TSH DNA RNA HIV".split())


_SYSTEMS = ("http://loinc.org", "http://snomed.info/sct", "http://www.ama-assn.org/go/cpt")
_CODE = re.compile(r"(?<![\w-])(?:\d{3,6}-\d|\d{8,9}|\d{5})(?![\w-])")


def quiet(title: str) -> str:
    """A title in plain language; one in capitals stays so where only some of its words could be made small."""
    title = clean(title)
    said = plain(title)
    if said.casefold() == title.casefold() and said != title:
        shouted = {word for word in re.findall(r"[^\W\d_]{2,}", said) if word.isupper()}
        said = title if shouted - _MODALITIES else said
    meaning = _meaning(said)
    return f"{said} ({meaning})" if meaning else said


def said_title(event: dict[str, Any]) -> str:
    """What an event is called on the screen."""
    return quiet(chosen(event))


def _meaning(title: str) -> str:
    """What the code in a title means, where it says little else: `Procedure 169069000`."""
    found = _CODE.search(title)
    if found is None or len(title.split()) > 3:
        return ""
    from phr.views.had_codes import words_of

    return next((words for system in _SYSTEMS if (words := words_of(system, found[0]))), "")
