"""`phr` as a whole process: how long it took and how much memory it had at most, on a record of a given size."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import orjson

from benchmarks.pages import WHOSE
from benchmarks.world import KEY, timed
from phr.model import Received
from phr.sandbox.synthetic import family
from phr.store.store import Store

_PERSON = b'{"resourceType":"Patient","id":"p","name":[{"family":"Benchmark","given":["Ada"]}],"birthDate":"1971-04-17"}'


@dataclass(frozen=True)
class Run:
    """What one process took."""

    seconds: float
    peak: int
    """MB."""


def filled(home: Path, size: int) -> None:
    """The made-up family's record as that of one person, so that nothing is about somebody else."""
    records = home / "data" / "default" / "records.db"
    if records.exists():
        return
    records.parent.mkdir(parents=True, mode=0o700)
    (home / "key").write_bytes(KEY)
    (home / "key").chmod(0o600)
    found = (one for one in family(scale=2000) if one["resourceType"] != "Patient")
    received = [Received("Patient", "p", _PERSON)] if size else []
    received += [
        Received(one["resourceType"], one["id"], WHOSE.sub(b'"Patient/p"', orjson.dumps(one)))
        for one in islice(found, max(0, size - 1))
    ]
    with Store(records, KEY, create=True) as store:
        key = store.sources.ensure("benchmark").key
        for at in range(0, len(received), 1000):
            store.save(key, received[at : at + 1000])


def phr(home: Path, *words: str, out: list[bytes] | None = None, allowed: Sequence[int] = (0,)) -> Run:
    """One command line in a process of its own, and the most memory it had."""
    environ = {**os.environ, "PHR_HOME": str(home), "PHR_KEY_FILE": str(home / "key")}
    code = (
        "import resource,subprocess,sys;"
        "done=subprocess.run(sys.argv[1:],stdout=subprocess.PIPE,stderr=subprocess.DEVNULL);"
        "sys.stdout.buffer.write(done.stdout);"
        "sys.stderr.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss));sys.exit(done.returncode)"
    )
    answers: list[subprocess.CompletedProcess[bytes]] = []

    def work() -> None:
        line = [sys.executable, "-c", code, sys.executable, "-m", "phr", *words]
        answers.append(subprocess.run(line, env=environ, capture_output=True, check=False))

    seconds = timed(work)
    if answers[0].returncode not in allowed:
        raise SystemExit(f"phr {words[0]} ended with {answers[0].returncode}")
    if out is not None:
        out.append(answers[0].stdout)
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss is in bytes there
    return Run(seconds, int(answers[0].stderr) * unit // 1_000_000)
