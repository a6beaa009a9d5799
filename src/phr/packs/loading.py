"""The packs there are: those that came with phr, and the person's own in `<config>/packs/*.toml`.

Own ones are read leniently: one that is broken is left out and named (`Loaded.broken`), so that a wrong letter in it
never keeps anybody from looking at the record. Reading TOML costs milliseconds, so packs are read only where they are
needed, and what was read is kept (`keeping`) until their bytes change.
"""

from __future__ import annotations

from pathlib import Path

from phr.packs import keeping
from phr.packs.model import Loaded, Pack
from phr.packs.places import MOST_BYTES, cache_file, files, fingerprint, own_folder, refused, shipped_folder


def packs(own: Path | None = None) -> tuple[Pack, ...]:
    """Every pack: the shipped ones and the person's own. An own one replaces the shipped one of the same id."""
    return load(own).packs


_KNOWN: dict[object, Loaded] = {}


def load(own: Path | None = None) -> Loaded:
    """Every pack, and which own files are broken. `own`: their folder; without it, the one the settings lie in."""
    folder = own or own_folder()
    key = (folder, *refused(folder), *map(_seen, (*files(shipped_folder()), *files(folder))))
    if key not in _KNOWN:
        _KNOWN.clear()  # a process has one folder; a test has many
        of, cache = fingerprint(folder), cache_file()
        found = keeping.kept(cache, of)
        if found is None:
            found = _load(folder)
            keeping.keep(cache, of, found)
        _KNOWN[key] = found
    return _KNOWN[key]


def _seen(file: Path) -> tuple[str, int, int]:
    try:
        found = file.stat()
    except OSError:
        return str(file), 0, 0
    return str(file), found.st_mtime_ns, found.st_size


def read(file: Path, *, own: bool = True) -> tuple[Pack | None, list[str]]:
    """One file: its pack, or None and everything that is wrong in it.

    Raises UsageError when there is no such file, PhrError when it cannot be read.
    """
    import tomllib  # with the checks it takes longer than most commands; see `keeping`

    from phr.errors import PhrError, UsageError
    from phr.packs.checking import Problems, pack_of

    try:
        if not file.is_file():
            raise UsageError(
                f"There is no file {file}.", hint="Give the path of a pack: a file that ends in .toml"
            )
        with file.open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise PhrError(f"{file} cannot be read: {error.strerror}.", hint="Look at its permissions.") from None
    problems = Problems(file.name)
    if len(content) > MOST_BYTES:
        problems.say("", f"has more than {MOST_BYTES // 1024} KB: a pack is a page or two of text.")
        return None, problems
    try:
        text = content.decode("utf-8")
        if any(line.partition("=")[0].count(".") > _MOST_DOTS for line in text.split("\n")):
            raise ValueError("a key has too many dots")  # each is a table within a table, and takes time
        document = tomllib.loads(text)
    except UnicodeDecodeError:
        problems.say("", "is not UTF-8 text.")
        return None, problems
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)[:120]
        problems.say("", f"is not TOML: {reason}.")
        return None, problems
    return pack_of(document, file.name, own=own)


_MOST_DOTS = 100
"""More than any key or line of codes in a pack has."""


def _load(folder: Path) -> Loaded:
    from phr.errors import PhrError

    found: dict[str, Pack] = {}
    for file in files(shipped_folder()):
        pack, wrong = read(file, own=False)
        if pack is not None:  # a test holds that every shipped one is whole
            found[pack.id] = pack
    broken = refused(folder)
    own: set[str] = set()
    for file in files(folder):
        try:
            pack, wrong = read(file)
        except PhrError as error:
            pack, wrong = None, [error.message]
        if pack is not None and pack.id in own:
            wrong = [
                f"{file.name}: id “{pack.id}” is the id of another pack of yours: give it an id of its own."
            ]
        if wrong or pack is None:
            more = f" And {len(wrong) - 1} more." if len(wrong) > 1 else ""
            broken.append(f"{wrong[0]}{more}")
        else:
            own.add(pack.id)
            found[pack.id] = pack
    return Loaded(tuple(sorted(found.values(), key=lambda pack: pack.id)), tuple(broken))
