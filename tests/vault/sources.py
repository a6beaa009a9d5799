"""A vault that opens quickly, and the ways to give it its key."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from phr.vault.envelope import KdfParams
from phr.vault.keys import Vault

QUICK = KdfParams(memory_kib=64, iterations=1, lanes=1)
KEY = bytes(range(200, 232))


def vault(folder: Path, environ: dict[str, str] | None = None, **more: object) -> Vault:
    return Vault(folder / "data" / "anna", environ or {}, kdf=QUICK, **more)  # type: ignore[arg-type]


def key_file(folder: Path, content: bytes = KEY, mode: int = 0o600) -> dict[str, str]:
    path = folder / "phr.key"
    path.write_bytes(content)
    path.chmod(mode)
    return {"PHR_KEY_FILE": str(path)}


def printing(content: bytes) -> str:
    code = f"import sys; sys.stdout.buffer.write({content!r})"
    return shlex.join([sys.executable, "-c", code])
