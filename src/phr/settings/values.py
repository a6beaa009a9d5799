"""What a setting may be: each kind of value, checked, in its final type."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from phr.errors import UsageError
from phr.model import LOOPBACK, REDIRECTS
from phr.paths import check_user_name

HOUR = 3600.0
DAY = 24 * HOUR


_DURATION = r"\s*(\d+(?:\.\d+)?)\s*([smhdw])\s*"
_UNITS = {"s": 1.0, "m": 60.0, "h": HOUR, "d": DAY, "w": 7 * DAY}


@dataclass(frozen=True)
class Key:
    """What one setting accepts, and its limits.

    The kinds: `text`, `user`, `whole`, `seconds`, `duration`, `file`, `https`, `back` (a redirect address), `mode`
    (one of REDIRECTS).
    """

    kind: str
    low: float = 0
    high: float = 0


def duration(text: str) -> float:
    """Seconds in `90s`, `30m`, `6h`, `7d` or `1w`. Raises ValueError for anything else."""
    found = re.fullmatch(_DURATION, text.lower())
    if not found:
        raise ValueError("a time such as 6h or 7d")
    return float(found[1]) * _UNITS[found[2]]


def as_duration(seconds: float) -> str:
    """The other way round: `90s`, `24h`, `7d`, in the largest unit that is whole."""
    for unit in ("d", "h", "m"):
        if seconds >= _UNITS[unit] and seconds % _UNITS[unit] == 0:
            return f"{seconds / _UNITS[unit]:g}{unit}"
    return f"{seconds:g}s"


def number(text: str) -> object:
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text


def accept(key: Key, value: object) -> object:
    """The value in its final type. Raises ValueError whose text ends the sentence “… must be”."""
    if key.kind in _TEXTS:
        if not isinstance(value, str) or not value.strip():
            raise ValueError("a text between quotes")
        return as_text(key.kind, value)
    if key.kind == "duration":
        seconds = duration(value) if isinstance(value, str) else None
        if seconds is None or not key.low <= seconds <= key.high:
            raise ValueError(
                f"a time between {as_duration(key.low)} and {as_duration(key.high)}, such as 24h"
            )
        return seconds
    accepted = int if key.kind == "whole" else (int, float)
    if isinstance(value, bool) or not isinstance(value, accepted) or not key.low <= value <= key.high:
        noun = "a whole number" if key.kind == "whole" else "a number of seconds"
        raise ValueError(f"{noun} from {key.low:g} to {key.high:g}")
    return value if key.kind == "whole" else float(value)


_TEXTS = frozenset({"text", "user", "file", "https", "back", "mode"})


def as_text(kind: str, value: str) -> str | Path:
    """As `accept`, for the kinds that are written as text."""
    if kind == "user":
        _check_user(value)
    elif kind == "mode" and value not in REDIRECTS:
        raise ValueError(f"one of {', '.join(REDIRECTS)}")
    elif kind in ("https", "back"):
        value = value.strip()
        if not is_address(value, loopback=kind == "back"):
            raise ValueError(
                "an address that begins with https://"
                + (", or with http:// and names this computer" if kind == "back" else "")
            )
    elif kind == "file":
        return _file(value)
    return value


def is_address(text: str, *, loopback: bool) -> bool:
    """Whether this can be a redirect address (RFC 6749 section 3.1.2): https, or with `loopback` http to this computer."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    plain = text.isascii() and text.isprintable() and " " not in text and "\\" not in text
    if not plain or not parts.hostname or "@" in parts.netloc or "#" in text:
        return False
    here = parts.hostname in LOOPBACK
    return parts.scheme == "https" or (loopback and parts.scheme == "http" and here)


def _file(value: str) -> Path:
    try:
        path = Path(value).expanduser()
    except RuntimeError:
        raise ValueError("a file; the home folder in front of it is of nobody on this computer") from None
    # Cron starts in another folder than a person does.
    if not path.is_absolute():
        raise ValueError("the whole path of a file, or one that begins with ~")
    return path


def _check_user(name: str) -> None:
    try:
        check_user_name(name)
    except UsageError:
        raise ValueError("a user name: letters, digits, dots, dashes and underscores") from None


def near(word: str, known: tuple[str, ...]) -> str:
    from difflib import get_close_matches

    found = get_close_matches(word, known, n=1)
    return f" (did you mean {found[0]}?)" if found else f" (there is {', '.join(known)})"
