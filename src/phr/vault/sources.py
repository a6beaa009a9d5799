"""The places a key can come from other than the keyring: a file, a command, a passphrase.

Only the standard library is imported here: with a key file, opening the record costs one small read.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from phr.errors import Locked
from phr.paths import expanded

KEY_BYTES = 32
COMMAND_TIMEOUT = 30.0
PIPE_TIMEOUT = 5.0
# Whatever answers with more than this is not a key or a passphrase.
_LONGEST = 4096


@dataclass(frozen=True)
class Credential:
    """What a source answered: the record key itself, or a passphrase for the sealed file."""

    source: str
    """`key-file`, `command`, `passphrase` or `prompt`."""
    key: bytes | None = field(default=None, repr=False)
    passphrase: str | None = field(default=None, repr=False)


def configured(environ: Mapping[str, str], credential_command: str | None) -> list[str]:
    """The names of the sources this environment sets, in the order in which they are asked."""
    return [
        name
        for name, is_set in (
            ("key-file", environ.get("PHR_KEY_FILE")),
            ("command", credential_command or environ.get("PHR_CREDENTIAL_COMMAND")),
            ("passphrase", environ.get("PHR_PASSPHRASE") or environ.get("PHR_PASSPHRASE_FILE")),
        )
        if is_set
    ]


def ask(source: str, environ: Mapping[str, str], credential_command: str | None) -> Credential:
    """Ask one configured source. Raises Locked when it is set and does not answer: the next is not tried instead."""
    if source == "key-file":
        return Credential(source, key=read_key_file(key_file(environ), environ))
    if source == "command":
        return run_command(credential_command or environ["PHR_CREDENTIAL_COMMAND"], environ)
    passphrase = environ.get("PHR_PASSPHRASE") or _read_passphrase_file(environ)
    return Credential(source, passphrase=passphrase)


def key_file(environ: Mapping[str, str]) -> Path:
    return expanded(environ["PHR_KEY_FILE"], "PHR_KEY_FILE")


def read_key_file(path: Path, environ: Mapping[str, str]) -> bytes:
    """The 32 raw bytes of a key file. Raises Locked when it is absent, readable by others or of another length."""
    key = _read_private(path, environ, "key file")
    if len(key) != KEY_BYTES:
        held = f"more than {_LONGEST}" if len(key) > _LONGEST else str(len(key))
        raise Locked(
            f"The key file {path} holds {held} bytes, but a key has exactly {KEY_BYTES} raw bytes.",
            hint=f"Point PHR_KEY_FILE at the right file. A new one: head -c {KEY_BYTES} /dev/urandom > {path}.new",
        )
    return key


def _read_passphrase_file(environ: Mapping[str, str]) -> str:
    path = expanded(environ["PHR_PASSPHRASE_FILE"], "PHR_PASSPHRASE_FILE")
    passphrase = _text(_read_private(path, environ, "passphrase file"), f"The passphrase file {path}")
    if not passphrase:
        raise Locked(
            f"The passphrase file {path} is empty.", hint="Write the passphrase into it, on one line."
        )
    return passphrase


def _read_private(path: Path, environ: Mapping[str, str], noun: str) -> bytes:
    try:
        # Opening a pipe would wait for whoever writes into it, perhaps for ever.
        with open(path, "rb", buffering=0, opener=_without_waiting) as file:
            found = os.fstat(file.fileno())
            mode = stat.S_IMODE(found.st_mode)
            if os.name == "posix" and mode & 0o077 and not _of_systemd(path, environ):
                raise Locked(
                    f"The {noun} {path} can be read by others (mode {mode:04o}), so it is not used.",
                    hint=f"Keep it to yourself: chmod 600 {path}",
                )
            if stat.S_ISREG(found.st_mode) or os.name != "posix":
                return file.read(_LONGEST + 1)
            return _from_pipe(file.fileno(), path, noun)
    except FileNotFoundError:
        raise Locked(f"The {noun} {path} does not exist.", hint=_MAKE_KEY.format(path=path)) from None
    except OSError as error:
        raise Locked(
            f"The {noun} {path} cannot be read: {error.strerror}.", hint="Check its permissions."
        ) from None


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _from_pipe(descriptor: int, path: Path, noun: str) -> bytes:
    """What comes out of a pipe, as from `<(pass show phr)`, until its end. Raises Locked when that takes too long."""
    import select
    import time

    content, deadline = b"", time.monotonic() + PIPE_TIMEOUT
    while len(content) <= _LONGEST:
        ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise Locked(
                f"The {noun} {path} is a pipe, and nothing came out of it within {PIPE_TIMEOUT:.0f} seconds.",
                hint="Name a file, or let a program print the key: --credential-command",
            )
        portion = os.read(descriptor, _LONGEST + 1)
        if not portion:
            break
        content += portion
    return content


_MAKE_KEY = "Bring it here, or for a new record make one: head -c 32 /dev/urandom > {path}; chmod 600 {path}"


def _of_systemd(path: Path, environ: Mapping[str, str]) -> bool:
    """systemd's LoadCredential guards the folder; with access lists its files may show a group bit (0440)."""
    folder = environ.get("CREDENTIALS_DIRECTORY")
    return bool(folder) and path.absolute().is_relative_to(Path(str(folder)))


def run_command(command: str, environ: Mapping[str, str]) -> Credential:
    """Run the credential command, without a shell, and read its answer.

    Exactly 32 bytes, 64 hexadecimal digits or the Base64 of 32 bytes are the record key; anything else is a
    passphrase. Raises Locked, never with any of its output, when it fails, says nothing or takes 30 seconds.
    """
    import shlex
    import subprocess

    trouble = Locked(
        "The credential command failed.", hint="Run it by hand to see why; it is not shown here."
    )
    try:
        arguments: str | list[str] = command
        if os.name != "nt":
            arguments = shlex.split(command)
            arguments[0] = str(Path(arguments[0]).expanduser())
        answer = subprocess.run(  # noqa: S603 — the person's own command, split without a shell
            arguments,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=COMMAND_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Locked(
            f"The credential command gave no answer within {COMMAND_TIMEOUT:.0f} seconds.", hint=trouble.hint
        ) from None
    except (OSError, ValueError, IndexError, RuntimeError):
        raise Locked(
            "The credential command cannot be started.",
            hint="Give a program and its arguments, without shell syntax; check PHR_CREDENTIAL_COMMAND.",
        ) from None
    if answer.returncode:
        raise Locked(f"The credential command failed with status {answer.returncode}.", hint=trouble.hint)
    return _interpret(answer.stdout)


def _interpret(answer: bytes) -> Credential:
    if len(answer) > _LONGEST:
        raise Locked(
            "The credential command answered far more than a key.", hint="Let it print only the key."
        )
    key = answer if len(answer) == KEY_BYTES else _written_key(answer.strip())
    if key is not None:
        return Credential("command", key=key)
    passphrase = _text(answer, "The answer of the credential command")
    if not passphrase:
        raise Locked("The credential command answered nothing.", hint="Run it by hand to see why.")
    return Credential("command", passphrase=passphrase)


def _written_key(text: bytes) -> bytes | None:
    """The key in 64 hexadecimal digits, or in Base64 with either alphabet and with or without padding."""
    import base64
    import binascii

    try:
        if len(text) == 2 * KEY_BYTES:
            return bytes.fromhex(text.decode("ascii"))
        if len(text.rstrip(b"=")) == 43 and len(text) in (43, 44):
            return base64.b64decode(text.rstrip(b"=").translate(_PLAIN_ALPHABET) + b"=", validate=True)
    except (binascii.Error, ValueError):
        pass
    return None


_PLAIN_ALPHABET = bytes.maketrans(b"-_", b"+/")


def _text(content: bytes, noun: str) -> str:
    """One line of text: a final newline belongs to the file, a space belongs to the passphrase."""
    try:
        return content[: _LONGEST + 1].decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise Locked(f"{noun} is neither a key nor text.", hint="A key has exactly 32 bytes.") from None
