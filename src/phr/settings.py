"""What a person has set: `config.toml` and the `PHR_…` variables, checked once at the door.

The order is flag > environment > file > default; the flag is the command line's business, the rest is decided
here. Every key has its variable, `PHR_<TABLE>_<KEY>`, without the table for [general]. An unknown key is an
error, since a misspelt setting that is silently ignored is worse than none. A client secret is refused in the
file: it belongs in the environment or in the keyring.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from phr.errors import UsageError
from phr.paths import check_user_name, write_private

HOUR = 3600.0
DAY = 24 * HOUR


@dataclass(frozen=True)
class General:
    user: str = "default"
    credential_command: str | None = None


@dataclass(frozen=True)
class Sync:
    """How patient a sync is; times are seconds."""

    retry_attempts: int = 3
    retry_delay: float = 2.0
    timeout: float = 60.0
    concurrency: int = 4
    batch_size: int | None = None
    """Resources asked for per page (`_count`); None leaves it to the vendor's entry and the server."""
    interval: float = DAY


@dataclass(frozen=True)
class Connect:
    """How a sign-in comes back: the loopback port (None: the vendor's own) and how many seconds to wait."""

    port: int | None = None
    timeout: float = 600.0


@dataclass(frozen=True)
class VendorSettings:
    """The app registration at one vendor."""

    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    redirect_uri: str | None = None


@dataclass(frozen=True)
class Settings:
    general: General = General()
    sync: Sync = Sync()
    connect: Connect = Connect()
    vendors: Mapping[str, VendorSettings] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

    def vendor(self, vendor_id: str) -> VendorSettings:
        """What is set for one vendor, the environment before the file; empty when nothing is."""
        in_file = self.vendors.get(vendor_id, VendorSettings())

        def given(key: str) -> str | None:
            return self.environ.get(vendor_variable(vendor_id, key)) or None

        return VendorSettings(
            client_id=given("client_id") or in_file.client_id,
            client_secret=given("client_secret"),
            redirect_uri=given("redirect_uri") or in_file.redirect_uri,
        )


def vendor_variable(vendor_id: str, key: str) -> str:
    """The variable for one setting of one vendor: `PHR_EPIC_CLIENT_ID`."""
    return f"PHR_{vendor_id}_{key}".upper().replace("-", "_")


@dataclass(frozen=True)
class _Key:
    """What one setting accepts: `text`, `user`, `whole`, `seconds` or `duration`, and its limits."""

    kind: str
    low: float = 0
    high: float = 0


_TABLES: dict[str, dict[str, _Key]] = {
    "general": {"user": _Key("user"), "credential_command": _Key("text")},
    "sync": {
        "retry_attempts": _Key("whole", 0, 20),
        "retry_delay": _Key("seconds", 0, 600),
        "timeout": _Key("seconds", 1, 3600),
        "concurrency": _Key("whole", 1, 32),
        "batch_size": _Key("whole", 1, 10_000),
        "interval": _Key("duration", HOUR, 7 * DAY),
    },
    "connect": {"port": _Key("whole", 0, 65535), "timeout": _Key("seconds", 1, 24 * HOUR)},
}
_VENDOR_KEYS = {"client_id": _Key("text"), "redirect_uri": _Key("text")}
_VENDOR_ENDINGS = ("_CLIENT_ID", "_CLIENT_SECRET", "_REDIRECT_URI")
_DURATION = r"\s*(\d+(?:\.\d+)?)\s*([smhdw])\s*"
_UNITS = {"s": 1.0, "m": 60.0, "h": HOUR, "d": DAY, "w": 7 * DAY}


def duration(text: str) -> float:
    """Seconds in `90s`, `30m`, `6h`, `7d` or `1w`. Raises ValueError for anything else."""
    found = re.fullmatch(_DURATION, text.lower())
    if not found:
        raise ValueError("a time such as 6h or 7d")
    return float(found[1]) * _UNITS[found[2]]


def load(config_file: Path, environ: Mapping[str, str]) -> Settings:
    """Settings from the file (which may be absent) and the environment.

    Raises UsageError that lists every problem at once, each with its table and key.
    """
    problems: list[str] = []
    tables = _parse(config_file)
    values: dict[str, dict[str, Any]] = {}
    for table, keys in _TABLES.items():
        values[table] = _file_table(table, tables.pop(table, {}), keys, problems)
        values[table].update(_environ_table(table, keys, environ, problems))
    if values["general"].get("credential_command") and not environ.get("PHR_CREDENTIAL_COMMAND"):
        problems += _open_to_others(config_file)
    vendors = _vendors(tables.pop("vendors", {}), problems)
    problems += [f"[{name}] is not a table phr knows{_near(name, (*_TABLES, 'vendors'))}" for name in tables]
    if problems:
        raise UsageError(
            f"{len(problems)} setting{'s' if len(problems) > 1 else ''} cannot be used: {'; '.join(problems)}.",
            hint=f"Correct {config_file}, or the variable named.",
        )
    return Settings(
        General(**values["general"]),
        Sync(**values["sync"]),
        Connect(**values["connect"]),
        vendors,
        {
            name: value
            for name, value in environ.items()
            if name.startswith("PHR_") and name.endswith(_VENDOR_ENDINGS)
        },
    )


def _parse(config_file: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(config_file.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"{config_file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{config_file} is not UTF-8 text.", hint="Save it again as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{config_file} is not TOML: {error}.", hint="Correct that line.") from None


def _open_to_others(config_file: Path) -> list[str]:
    """A file that names a program to run must not be one that somebody else can write."""
    if os.name != "posix":
        return []
    found = config_file.stat()
    foreign = found.st_uid not in (os.getuid(), 0)
    # Many systems make files writable for a group that has one member: its owner.
    group = found.st_mode & 0o020 and found.st_gid != os.getgid()
    if foreign or group or found.st_mode & 0o002:
        return ["[general] credential_command is not run from a file that others can write (chmod 600)"]
    return []


def _file_table(name: str, found: object, keys: Mapping[str, _Key], problems: list[str]) -> dict[str, Any]:
    if not isinstance(found, dict):
        problems.append(f"[{name}] must be a table")
        return {}
    values = {}
    for key, value in found.items():
        if key not in keys:
            problems.append(f"[{name}] {key} is not a setting{_near(key, tuple(keys))}")
            continue
        try:
            values[key] = _accept(keys[key], value)
        except ValueError as error:
            problems.append(f"[{name}] {key} must be {error}")
    return values


def _environ_table(
    table: str, keys: Mapping[str, _Key], environ: Mapping[str, str], problems: list[str]
) -> dict[str, Any]:
    prefix = "PHR_" if table == "general" else f"PHR_{table.upper()}_"
    values = {}
    for key, wanted in keys.items():
        text = environ.get(prefix + key.upper())
        if not text:
            continue
        try:
            values[key] = _accept(wanted, _number(text) if wanted.kind in ("whole", "seconds") else text)
        except ValueError as error:
            problems.append(f"{prefix}{key.upper()} must be {error}")
    return values


def _vendors(found: object, problems: list[str]) -> dict[str, VendorSettings]:
    if not isinstance(found, dict):
        problems.append("[vendors] must hold one table per vendor")
        return {}
    vendors = {}
    for vendor, table in found.items():
        if isinstance(table, dict) and "client_secret" in table:
            problems.append(
                f"[vendors.{vendor}] client_secret does not belong in a file: "
                f"set {vendor_variable(vendor, 'client_secret')}, "
                f"or give it to phr connect {vendor} --client-secret-stdin"
            )
            table = {key: value for key, value in table.items() if key != "client_secret"}
        vendors[vendor] = VendorSettings(**_file_table(f"vendors.{vendor}", table, _VENDOR_KEYS, problems))
    return vendors


def _number(text: str) -> object:
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text


def _accept(key: _Key, value: object) -> object:
    """The value in its final type. Raises ValueError whose text ends the sentence “… must be”."""
    if key.kind in ("text", "user"):
        if not isinstance(value, str) or not value.strip():
            raise ValueError("a text between quotes")
        if key.kind == "user":
            _check_user(value)
        return value
    if key.kind == "duration":
        seconds = duration(value) if isinstance(value, str) else None
        if seconds is None or not key.low <= seconds <= key.high:
            raise ValueError("a time between 1h and 7d, such as 24h")
        return seconds
    accepted = int if key.kind == "whole" else (int, float)
    if isinstance(value, bool) or not isinstance(value, accepted) or not key.low <= value <= key.high:
        noun = "a whole number" if key.kind == "whole" else "a number of seconds"
        raise ValueError(f"{noun} from {key.low:g} to {key.high:g}")
    return value if key.kind == "whole" else float(value)


def _check_user(name: str) -> None:
    try:
        check_user_name(name)
    except UsageError:
        raise ValueError("a user name: letters, digits, dots, dashes and underscores") from None


def _near(word: str, known: tuple[str, ...]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word, known, n=1)
    return f" (did you mean {near[0]}?)" if near else f" (there is {', '.join(known)})"


# ── keeping a client id ───────────────────────────────────────────────────────────────────────────


# Compiled when a client id is set, not when a setting is read.
_CLIENT_ID = r"""([ \t]*client_id[ \t]*=[ \t]*)("(?:[^"\\]|\\.)*"|'[^']*')"""


def set_vendor_client_id(config_file: Path, vendor: str, client_id: str) -> None:
    """Keep a vendor's client id in `config.toml`; every other byte of the file stays as the person wrote it.

    Raises UsageError when the file is written in a way that cannot be extended safely, and leaves it alone.
    """
    before = _parse(config_file)
    text = config_file.read_bytes().decode("utf-8") if config_file.exists() else ""
    newline = "\r\n" if "\r\n" in text else "\n"
    after = _with_client_id(text.splitlines(keepends=True), vendor, _quoted(client_id), newline)
    if not _changes_only(before, after, vendor, client_id):
        raise UsageError(
            f"The client id cannot be added to {config_file} without rewriting it.",
            hint=f"Add it by hand: client_id under [vendors.{vendor}], or set {vendor_variable(vendor, 'client_id')}.",
        )
    write_private(config_file, after.encode())


def _with_client_id(lines: list[str], vendor: str, value: str, newline: str) -> str:
    name = vendor if re.fullmatch(r"[A-Za-z0-9_-]+", vendor) else _quoted(vendor)
    header = re.compile(rf"\ufeff?[ \t]*\[[ \t]*vendors[ \t]*\.[ \t]*[\"']?{re.escape(vendor)}[\"']?[ \t]*\]")
    start = next((at for at, line in enumerate(lines) if header.match(line)), None)
    if start is None:
        lead = [newline] if lines and not lines[-1].endswith("\n") else []
        lead += [newline] if lines else []
        return "".join([*lines, *lead, f"[vendors.{name}]{newline}", f"client_id = {value}{newline}"])
    for at in range(start + 1, len(lines)):
        if re.match(r"[ \t]*\[", lines[at]):
            break
        if found := re.match(_CLIENT_ID, lines[at]):
            changed = found[1] + value + lines[at][found.end() :]
            return "".join([*lines[:at], changed, *lines[at + 1 :]])
    end = "" if lines[start].endswith("\n") else newline
    return "".join(
        [*lines[: start + 1], end, f"client_id = {value}{newline if not end else ''}", *lines[start + 1 :]]
    )


def _quoted(text: str) -> str:
    import json

    return json.dumps(text, ensure_ascii=False)


def _changes_only(before: dict[str, Any], after: str, vendor: str, client_id: str) -> bool:
    """The edit worked on lines; whether TOML agrees is asked of a parser."""
    import copy
    import tomllib

    expected = copy.deepcopy(before)
    try:
        expected.setdefault("vendors", {}).setdefault(vendor, {})["client_id"] = client_id
        return tomllib.loads(after.removeprefix("\ufeff")) == expected
    except (tomllib.TOMLDecodeError, TypeError, AttributeError):
        return False
