"""Looking at a long record: each command as a whole process, in multiples of an interpreter that does nothing.

With the key from a key file, then with the same key from a keyring and from a passphrase, whose stretching (scrypt) is
meant to take long. Then the same commands on a record ten times as long.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import orjson

from benchmarks.world import KEY, PAGE, World, say, timed
from phr.model import Received
from phr.sandbox.synthetic import family
from phr.store.store import Store

REPEAT = 9
TIMES = 10
WANTED, GROWTH = 20, 1.3
"""What is asked for: multiples of bare Python, and of the same on a tenth of the record."""

_KEYRING = '''
import json, os
from keyring.backend import KeyringBackend
class Keyring(KeyringBackend):
    """A keyring of a benchmark: one file."""
    priority = 5
    _path = os.environ["BENCH_KEYRING"]
    def _read(self):
        return json.load(open(self._path)) if os.path.exists(self._path) else {}
    def get_password(self, service, username):
        return self._read().get(service + "/" + username)
    def set_password(self, service, username, password):
        json.dump(self._read() | {service + "/" + username: password}, open(self._path, "w"))
    def delete_password(self, service, username):
        found = self._read(); found.pop(service + "/" + username); json.dump(found, open(self._path, "w"))
'''
_PUT_KEY = "import os; from phr.workspace import Workspace; Workspace(os.environ).vault.restore_key(bytes(range(32)))"


def run(world: World) -> None:
    """The five commands on this record, with each way to the key, and on one ten times as long."""
    ways = _ways(world.folder)
    lines = _lines(world.records)
    bare = _took([sys.executable, "-c", "pass"], ways["key file"])
    first: dict[str, float] = {}
    for way, environ in ways.items():
        for words in lines if way == "key file" else lines[:1]:
            took = _took([sys.executable, "-m", "phr", *words], environ)
            first.setdefault(words[0], took)
            title = f"phr {' '.join(words)} of {world.count:,}, {way}"
            asked = f" ({WANTED} asked)" if way == "key file" else ""
            say(
                title,
                f"{took / bare:.1f}x",
                f"bare Python {bare * 1000:.0f} ms, this {took * 1000:.0f}{asked}",
            )
    home = world.folder / "grown"
    count = world.count * TIMES
    _grow(home / "data" / "default" / "records.db", count)
    environ = {**ways["key file"], "PHR_HOME": str(home)}
    for words in _lines(home / "data" / "default" / "records.db"):
        took = _took([sys.executable, "-m", "phr", *words], environ)
        say(
            f"phr {' '.join(words)} of {count:,}",
            f"{took / first[words[0]]:.2f}",
            f"of the same on a tenth ({GROWTH} allowed); {took / bare:.1f}x bare Python",
        )
    shutil.rmtree(home)


def _lines(records: Path) -> list[tuple[str, ...]]:
    """The commands; `show` of a result in the middle of the record, and its `trend`."""
    with Store(records, KEY) as store:
        row = store.db.execute(
            "SELECT id, json_extract(codes, '$[0][1]') FROM record"
            " WHERE kind = 'lab_result' AND value_number IS NOT NULL AND supporting = 0"
            " AND id > (SELECT max(id) / 2 FROM record) ORDER BY id LIMIT 1"
        ).fetchone()
    return [
        ("timeline", "--limit", "50"),
        ("search", "glucose"),
        ("show", str(row[0])),
        ("trend", str(row[1])),
        ("summary",),
    ]


def _took(line: list[str], environ: dict[str, str]) -> float:
    def once() -> None:
        subprocess.run(line, env=environ, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    once()
    return timed(once, REPEAT)


def _ways(folder: Path) -> dict[str, dict[str, str]]:
    """The environment of each way to the key of the record in `folder/home`."""
    key_file = folder / "key"
    key_file.write_bytes(KEY)
    key_file.chmod(0o600)
    (folder / "bench_keyring.py").write_text(_KEYRING)
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PHR_")}
    plain |= {"PHR_HOME": str(folder / "home"), "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    keyring = {
        "PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep),
        "PYTHON_KEYRING_BACKEND": "bench_keyring.Keyring",
        "BENCH_KEYRING": str(folder / "keyring.json"),
    }
    ways = {
        "key file": plain | {"PHR_KEY_FILE": str(key_file)},
        "keyring": plain | keyring,
        "passphrase": plain | {"PHR_PASSPHRASE": "four words of nobody"},
    }
    for way in ("keyring", "passphrase"):
        subprocess.run([sys.executable, "-c", _PUT_KEY], env=ways[way], check=True)
    return ways


def _grow(path: Path, count: int) -> None:
    """A record of so many resources, page by page, so that it need not fit into memory."""
    path.parent.mkdir(parents=True, mode=0o700)
    resources = itertools.islice(iter(family(scale=count // 45 + 50)), count)
    with Store(path, KEY, create=True) as store:
        key = store.sources.ensure("benchmark").key
        while page := list(itertools.islice(resources, PAGE)):
            store.save(key, [Received(r["resourceType"], r["id"], orjson.dumps(r)) for r in page])
