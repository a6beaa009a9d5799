"""Where things are kept, and how a file is written so that only its owner ever sees it.

`PHR_HOME` puts everything under one folder; without it the platform's own folders are used (XDG Base Directory
Specification on Linux, and what platformdirs says elsewhere). Folders are 0700, files 0600.
"""

from __future__ import annotations

import os
import re
import stat
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from phr.errors import Busy, PhrError, UsageError

RECORDS_FILE = "records.db"

_USER_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
# Windows answers to these names in every folder, whatever the suffix.
_WINDOWS_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
# People's folders lie beside files of phr's own, such as organisations.tsv.
_OWN_FILE = re.compile(r".*\.(tsv|toml|db|lock|part)", re.IGNORECASE)


@dataclass(frozen=True)
class Paths:
    """The folders of one installation; nothing is created by asking for a path."""

    config: Path
    data: Path
    state: Path

    @property
    def config_file(self) -> Path:
        return self.config / "config.toml"

    @property
    def providers_file(self) -> Path:
        return self.config / "providers.toml"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    def user_dir(self, user: str) -> Path:
        """The folder that holds everything of one person. Raises UsageError for a name that is no folder name."""
        return self.data / check_user_name(user)

    def records(self, user: str) -> Path:
        return self.user_dir(user) / RECORDS_FILE

    def lock(self, user: str) -> Path:
        """The lock of whoever writes this person's records."""
        return self.state / "locks" / f"{check_user_name(user)}.lock"


def locate(environ: Mapping[str, str]) -> Paths:
    """The folders this environment asks for; they need not exist yet."""
    home = environ.get("PHR_HOME")
    if home:
        return _under(expanded(home, "PHR_HOME").absolute())
    import platformdirs

    dirs = platformdirs.PlatformDirs("phr", appauthor=False)
    config, data, state = Path(dirs.user_config_dir), Path(dirs.user_data_dir), Path(dirs.user_state_dir)
    # macOS and Windows give one and the same folder for all three; a person called "logs" must not meet the logs.
    if len({config, data, state}) < 3:
        return _under(data)
    return Paths(config, data, state)


def expanded(path: str, variable: str) -> Path:
    """A path from the environment, `~` included. Raises UsageError when there is no such person on this computer."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise UsageError(
            f"{variable} begins with the home folder of somebody this computer does not know.",
            hint="Write the whole path.",
        ) from None


def _under(home: Path) -> Paths:
    return Paths(home / "config", home / "data", home / "state")


def check_user_name(name: str) -> str:
    """The name itself when it can name a folder on every system. Raises UsageError otherwise."""
    if not _USER_NAME.fullmatch(name) or name.endswith(".") or _WINDOWS_DEVICE.fullmatch(name):
        raise UsageError(
            f"“{name[:64]}” cannot be the name of a user.",
            hint="Up to 64 letters (a–z), digits, dots, dashes and underscores, beginning with a letter or a digit.",
        )
    if found := _OWN_FILE.fullmatch(name):
        raise UsageError(
            f"“{name}” cannot be the name of a user: phr has files of its own that end in .{found[1]}.",
            hint=f"Leave the ending out: {name.partition('.')[0]}",
        )
    return name


def to_own(path: Path) -> str | None:
    """The command that makes a file or folder one that nobody but this person can change; None: it is, or is not there.

    Whoever can change a file of settings can lead a sign-in, and with it the record, to a place of their own.
    """
    if os.name != "posix":
        return None
    try:
        found = path.stat()
    except OSError:
        return None
    # Many systems make files writable for a group that has one member: its owner.
    group = found.st_mode & 0o020 and found.st_gid != os.getgid()
    wide = group or found.st_mode & 0o002
    commands = []
    if _is_of_another(found):
        commands.append(_chown(path))
    if wide or commands:
        commands.append(f"chmod go-w {_quoted(path)}")
    return "; ".join(commands) or None


def refuse_foreign(path: Path) -> None:
    """Raises UsageError when somebody else can change this file."""
    mend = to_own(path)
    if mend is not None:
        raise UsageError(
            f"{path} is not used, since others can write it.", hint=f"See what it says, then: {mend}"
        )


def _is_of_another(found: os.stat_result) -> bool:
    """Neither ours nor the system's own."""
    return found.st_uid not in (os.getuid(), 0)


def _chown(path: Path) -> str:
    return f'sudo chown -R "$(id -un)" {_quoted(path)}'


def _quoted(path: Path) -> str:
    import shlex

    return shlex.quote(str(path))


def make_private(path: Path) -> Path:
    """Make the folder and its missing parents 0700; an existing folder of our own that is wider is tightened.

    Raises UsageError when something else is in the way, or the folder belongs to somebody else.
    """
    try:
        for missing in reversed([folder for folder in (path, *path.parents) if not folder.exists()]):
            missing.mkdir(mode=0o700, exist_ok=True)
        if not path.is_dir():
            raise UsageError(
                f"{path} is a file, but a folder is needed there.",
                hint="Move the file away, or choose another place with PHR_HOME.",
            )
        if os.name == "posix":
            _tighten(path)
    except OSError as error:
        raise UsageError(
            f"The folder {path} cannot be made: {error.strerror}.",
            hint="Free that path, or choose another place with PHR_HOME.",
        ) from None
    return path


def _tighten(folder: Path) -> None:
    found = folder.stat()
    # In a container the folders of the host's person belong to a number that is not root's, who may use them anyway.
    if _is_of_another(found) and os.getuid() != 0:
        raise UsageError(
            f"The folder {folder} belongs to somebody else on this computer, who could read and change what is in it.",
            hint=f"Make it yours: {_chown(folder)}; or choose another place with PHR_HOME.",
        )
    if found.st_uid == os.getuid() and stat.S_IMODE(found.st_mode) & 0o077:
        folder.chmod(stat.S_IMODE(found.st_mode) & 0o700)


def write_private(path: Path, content: bytes) -> None:
    """Write the file whole or not at all, 0600: beside it, flushed to disk, then renamed.

    A link is followed, so that a config.toml kept elsewhere stays there. Raises PhrError when it cannot be written.
    """
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        make_private(target.parent)
    try:
        with private_file_beside(target) as (handle, temporary):
            handle.write(content)
            settle(handle, temporary, target)
    except OSError as error:
        raise PhrError(
            f"{path} cannot be written: {error.strerror}.",
            hint="Look at the free space and the permissions of its folder.",
        ) from None


@contextmanager
def private_file_beside(target: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """A new 0600 file in the folder of `target`, open for reading and writing; gone afterwards unless settled."""
    # Not tempfile: what it imports would cost every quick command.
    temporary = target.with_name(f".{target.name[:100]}.{os.urandom(6).hex()}.part")
    try:
        with open_private(temporary) as handle:
            yield handle, temporary
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def open_private(path: Path) -> BinaryIO:
    """A new 0600 file, open for reading and writing. Raises FileExistsError when there is one already."""
    binary = getattr(os, "O_BINARY", 0)  # Windows would else change line ends
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | binary, 0o600), "w+b")


def settle(handle: BinaryIO, temporary: Path, target: Path) -> None:
    """Flush what was written to disk and give it its final name, replacing what was there."""
    handle.flush()
    os.fsync(handle.fileno())
    if os.name == "nt":  # an open file cannot be renamed there
        handle.close()
    temporary.replace(target)
    if os.name == "posix":  # the rename itself must reach the disk too
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            with suppress(OSError):  # some network file systems refuse it for a folder
                os.fsync(folder)
        finally:
            os.close(folder)


@contextmanager
def exclusive_lock(path: Path, *, wait: float = 0.0) -> Iterator[None]:
    """Hold the lock file, waiting up to `wait` seconds. Raises Busy, which names the holder, when another has it.

    The system lets go of the lock when the process ends, however it ends; the file stays, empty but for the note of
    a holder that was killed.
    """
    if not path.parent.is_dir():
        make_private(path.parent)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + wait
        while not _try_lock(descriptor):
            if time.monotonic() >= deadline:
                raise Busy(
                    f"Another phr is at work on this record{_holder(descriptor)}.",
                    hint="Wait until it has finished, then try again.",
                )
            time.sleep(0.02)
        try:
            _note(descriptor, f"{os.getpid()} {time.time():.0f} {_doing(sys.argv)}")
            yield
        finally:
            _note(descriptor, "")
            _unlock(descriptor)
    finally:
        os.close(descriptor)


# Windows lets nobody else read a byte that is locked, so the note of the holder begins after the first one.
_NOTE = re.compile(rb"\s(\d{1,10}) (\d{1,12}) (phr(?: [a-z]{1,20})?)\n")


def _note(descriptor: int, words: str) -> None:
    """Write down who holds the lock: process, start and command; nothing else of what was typed."""
    with suppress(OSError):  # a full disk: it holds all the same
        os.lseek(descriptor, 0, os.SEEK_SET)
        if words:
            os.write(descriptor, f"\n{words}\n".encode())
        os.ftruncate(descriptor, len(words) + 2 if words else 0)


def _holder(descriptor: int) -> str:
    """Who holds the lock, in words; nothing when it says so in no way that can be read."""
    try:
        os.lseek(descriptor, 1, os.SEEK_SET)
        found = _NOTE.fullmatch(b"\n" + os.read(descriptor, 100))
    except OSError:
        return ""
    if not found:
        return ""
    then, today = time.localtime(int(found[2])), time.localtime()
    at = time.strftime("%H:%M" if then[:3] == today[:3] else "%Y-%m-%d %H:%M", then)
    return f": {found[3].decode()}, process {int(found[1])}, since {at}"


_WITH_VALUE = ("--user", "--credential-command", "--log-file", "--log-format")
"""Options that may stand before the command, each with a value of its own."""


def _doing(argv: Sequence[str]) -> str:
    """The command that this process runs, `phr sync`; of its arguments and options nothing, they may be private."""
    program = Path(argv[0] if argv else "")
    if program.stem != "phr" and program.parent.name != "phr":
        return "phr"
    words = iter(argv[1:])
    for word in words:
        if word in _WITH_VALUE:
            next(words, None)
        elif not word.startswith("-"):
            return f"phr {word}" if re.fullmatch(r"[a-z]{1,20}", word) else "phr"
    return "phr"


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        os.lseek(descriptor, 0, os.SEEK_SET)  # what is locked there begins at the position
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
