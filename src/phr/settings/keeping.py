"""Keeping a setting in `config.toml`; every other byte of the file stays as the person wrote it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from phr.errors import UsageError
from phr.paths import write_private
from phr.settings.reading import parse, vendor_variable

# Compiled when a setting is kept, not when one is read.
_VALUE = r"""([ \t]*=[ \t]*)("(?:[^"\\]|\\.)*"|'[^']*')"""


def set_vendor_client_id(config_file: Path, vendor: str, client_id: str) -> None:
    """Keep a vendor's client id in `config.toml`; every other byte of the file stays as the person wrote it.

    Raises UsageError when the file is written in a way that cannot be extended safely, and leaves it alone.
    """
    hint = (
        f"Add it by hand: client_id under [vendors.{vendor}], or set {vendor_variable(vendor, 'client_id')}."
    )
    _keep(config_file, ("vendors", vendor), "client_id", client_id, "The client id", hint)


def set_sync(config_file: Path, key: str, value: str) -> None:
    """Keep a setting of `[sync]` that is written as text, such as quiet_hours; as `set_vendor_client_id`."""
    _keep(config_file, ("sync",), key, value, key, f'Add it by hand: {key} = "{value}" under [sync].')


def _keep(config_file: Path, table: tuple[str, ...], key: str, value: str, what: str, hint: str) -> None:
    before = parse(config_file)
    text = config_file.read_bytes().decode("utf-8") if config_file.exists() else ""
    newline = "\r\n" if "\r\n" in text else "\n"
    after = _with(text.splitlines(keepends=True), table, key, _quoted(value), newline)
    if not _changes_only(before, after, table, key, value):
        raise UsageError(f"{what} cannot be added to {config_file} without rewriting it.", hint=hint)
    write_private(config_file, after.encode())


def _with(lines: list[str], table: tuple[str, ...], key: str, value: str, newline: str) -> str:
    words = r"[ \t]*\.[ \t]*".join(rf"[\"']?{re.escape(word)}[\"']?" for word in table)
    header = re.compile(rf"\ufeff?[ \t]*\[[ \t]*{words}[ \t]*\]")
    start = next((at for at, line in enumerate(lines) if header.match(line)), None)
    if start is None:
        lead = [newline] if lines and not lines[-1].endswith("\n") else []
        lead += [newline] if lines else []
        name = ".".join(word if re.fullmatch(r"[A-Za-z0-9_-]+", word) else _quoted(word) for word in table)
        return "".join([*lines, *lead, f"[{name}]{newline}", f"{key} = {value}{newline}"])
    for at in range(start + 1, len(lines)):
        if re.match(r"[ \t]*\[", lines[at]):
            break
        if found := re.match(rf"([ \t]*{key}){_VALUE}", lines[at]):
            changed = found[1] + found[2] + value + lines[at][found.end() :]
            return "".join([*lines[:at], changed, *lines[at + 1 :]])
    end = "" if lines[start].endswith("\n") else newline
    return "".join(
        [*lines[: start + 1], end, f"{key} = {value}{newline if not end else ''}", *lines[start + 1 :]]
    )


def _quoted(text: str) -> str:
    import json

    return json.dumps(text, ensure_ascii=False)


def _changes_only(before: dict[str, Any], after: str, table: tuple[str, ...], key: str, value: str) -> bool:
    """The edit worked on lines; whether TOML agrees is asked of a parser."""
    import copy
    import tomllib

    expected = copy.deepcopy(before)
    try:
        inner = expected
        for word in table:
            inner = inner.setdefault(word, {})
        inner[key] = value
        return tomllib.loads(after.removeprefix("\ufeff")) == expected
    except (tomllib.TOMLDecodeError, TypeError, AttributeError):
        return False
