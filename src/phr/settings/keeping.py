"""Keeping a client id in `config.toml`; every other byte of the file stays as the person wrote it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from phr.errors import UsageError
from phr.paths import write_private
from phr.settings.reading import parse, vendor_variable

# Compiled when a client id is set, not when a setting is read.
_CLIENT_ID = r"""([ \t]*client_id[ \t]*=[ \t]*)("(?:[^"\\]|\\.)*"|'[^']*')"""


def set_vendor_client_id(config_file: Path, vendor: str, client_id: str) -> None:
    """Keep a vendor's client id in `config.toml`; every other byte of the file stays as the person wrote it.

    Raises UsageError when the file is written in a way that cannot be extended safely, and leaves it alone.
    """
    before = parse(config_file)
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
