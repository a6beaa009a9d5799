"""What a setting may be: each kind of value, checked, in its final type."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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

    The kinds: `text`, `user`, `whole`, `seconds`, `duration`, `file`, `https`, `back` (https, or http to this
    computer), `mode` (one of REDIRECTS), `hours` (a part of the day), `flag`, `mail` (an address), `host`, `security`
    (one of SECURITIES).
    """

    kind: str
    low: float = 0
    high: float = 0


SECURITIES = ("starttls", "tls", "none")
"""How a mail travels to its server: upgraded to TLS (RFC 3207), within TLS from the start (RFC 8314), in the clear."""


@dataclass(frozen=True, slots=True)
class Hours:
    """A part of every day by the clock on the wall, in minutes since midnight; it may go past midnight."""

    begin: int
    end: int

    def cover(self, minute: int) -> bool:
        """Whether this minute of the day lies within."""
        if self.begin < self.end:
            return self.begin <= minute < self.end
        return minute >= self.begin or minute < self.end

    def __str__(self) -> str:
        return "-".join(
            f"{at // 60:02}" + (f":{at % 60:02}" if at % 60 else "") for at in (self.begin, self.end)
        )


def hours(text: str) -> Hours | None:
    """`08-18`, `22-06`, `07:30-18:00`; None for `off`. Raises ValueError for anything else."""
    word = text.strip().lower()
    if word == "off":
        return None
    found = re.fullmatch(r"(\d{1,2})(?::(\d\d))?\s*[-–]\s*(\d{1,2})(?::(\d\d))?", word)
    if found:
        begin, end = (int(found[at]) * 60 + int(found[at + 1] or 0) for at in (1, 3))
        minutes = all(int(found[at] or 0) < 60 for at in (2, 4))
        if minutes and begin < 1440 and end <= 1440 and begin != end % 1440:
            return Hours(begin, end % 1440)
    raise ValueError("hours of the day such as 08-18 or 22-06, or off")


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
    if key.kind == "flag":
        if not isinstance(value, bool):
            raise ValueError("true or false")
        return value
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


_TEXTS = frozenset({"text", "user", "file", "https", "back", "mode", "hours", "mail", "host", "security"})
_MAIL = r"[^\s@<>()\[\],;:\"\\]+@[^\s@<>()\[\],;:\"\\]+"
_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f:]*:[0-9A-Fa-f:]*"


def as_text(kind: str, value: str) -> str | Path | Hours | None:
    """As `accept`, for the kinds that are written as text."""
    if kind == "user":
        _check_user(value)
    elif kind == "hours":
        return hours(value)
    elif kind == "security" and value not in SECURITIES:
        raise ValueError(f"one of {', '.join(SECURITIES)}")
    elif kind == "mail" and not is_mail(value):
        raise ValueError("one address such as me@example.org")
    elif kind == "host" and not re.fullmatch(_HOST, value):
        raise ValueError("the name of a server such as mail.example.org")
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


def is_mail(text: str) -> bool:
    """Whether this is one plain mail address (RFC 5322 addr-spec, without its odder forms)."""
    return text.isascii() and text.isprintable() and re.fullmatch(_MAIL, text) is not None


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


def read_table(name: str, found: object, keys: Mapping[str, Key], problems: list[str]) -> dict[str, Any]:
    """One table of the file, each value in its final type; what is wrong with it is added to `problems`."""
    if not isinstance(found, dict):
        problems.append(f"[{name}] must be a table")
        return {}
    values = {}
    for key, value in found.items():
        if key not in keys:
            problems.append(f"[{name}] {key} is not a setting{near(key, tuple(keys))}")
            continue
        try:
            values[key] = accept(keys[key], value)
        except ValueError as error:
            problems.append(f"[{name}] {key} must be {error}")
    return values


def near(word: str, known: tuple[str, ...]) -> str:
    from difflib import get_close_matches

    found = get_close_matches(word, known, n=1)
    return f" (did you mean {found[0]}?)" if found else f" (there is {', '.join(known)})"
