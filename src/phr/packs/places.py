"""Where packs lie, and how to see from their bytes alone whether one changed: nothing is read here, so it costs nothing."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

import phr
from phr import paths

MOST_BYTES = 256 * 1024
MOST_OWN = 100


def shipped_folder() -> Path:
    """Inside the wheel; in an editable install at the root of the repository."""
    package = Path(phr.__file__).parent
    inside = package / "packs" / "data"
    return inside if inside.exists() else package.parents[1] / "packs"


def own_folder() -> Path:
    """Where a person puts packs of their own."""
    return paths.locate(os.environ).config / "packs"


def cache_file() -> Path:
    """Where packs are kept as they were read."""
    return paths.locate(os.environ).state / "packs.json"


def fingerprint(own: Path | None = None) -> int:
    """A number that changes when a pack does."""
    found = 0
    for file in (*files(shipped_folder()), *files(own or own_folder())):
        try:
            with file.open("rb") as opened:
                content = opened.read(MOST_BYTES + 1)
        except OSError:
            content = b"?"
        found = zlib.crc32(content, zlib.crc32(file.name.encode("utf-8", "surrogateescape"), found))
    for line in refused(own or own_folder()):
        found = zlib.crc32(line.encode("utf-8", "surrogateescape"), found)
    return found


def generation(own: Path | None = None) -> tuple[str, int]:
    """What is quickly seen to change when a pack comes or goes: for whoever asks thousands of times."""
    folder = own or own_folder()
    try:
        return str(folder), folder.stat().st_mtime_ns
    except OSError:
        return str(folder), 0


def files(folder: Path) -> list[Path]:
    """The packs in a folder, in the order of their names."""
    return [file for file, refusal in _looked_at(folder) if refusal is None]


def refused(folder: Path) -> list[str]:
    """What is called like a pack there and is not opened, each with the reason."""
    return [f"{file.name}: {refusal}" for file, refusal in _looked_at(folder) if refusal is not None]


def _looked_at(folder: Path) -> list[tuple[Path, str | None]]:
    """What is called like a pack, in the order of names, each with the reason why it is not opened."""
    try:
        named = sorted(file for file in folder.iterdir() if file.suffix == ".toml" and file.name[0] != ".")
    except OSError:
        return []
    found: list[tuple[Path, str | None]] = []
    good = 0
    for file in named:
        refusal = _refusal(file)
        if refusal is None and good == MOST_OWN:
            refusal = f"no more than {MOST_OWN} packs are read."
        good += refusal is None
        found.append((file, refusal))
    return found


def _refusal(file: Path) -> str | None:
    """Why something is not opened: a pipe would never end, and a link could show what lies elsewhere as a pack."""
    try:
        if file.is_symlink() and file.resolve().parent != file.parent.resolve():
            return "is a link to something outside this folder: copy the pack itself here."
        if file.is_dir():
            return "is a folder: put the packs themselves here."
        if not file.is_file():
            return "is no ordinary file, so it is not opened."
    except OSError:
        return "cannot be looked at."
    return None
