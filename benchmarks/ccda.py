"""C-CDA out and in, as whole processes, beside bare lxml on the same bytes: `python -m benchmarks.ccda`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import orjson
from lxml import etree

from benchmarks.pages import WHOSE
from benchmarks.world import KEY, say, timed
from phr.model import Received
from phr.sandbox.synthetic import family
from phr.store.store import Store

SIZES = (1_000, 10_000)
SAMPLES = Path(__file__).parents[1] / ".." / "shared" / "samples" / "ccda"
_PERSON = b'{"resourceType":"Patient","id":"p","name":[{"family":"Benchmark","given":["Ada"]}],"birthDate":"1971-04-17"}'


@dataclass(frozen=True)
class Run:
    """What one process took."""

    seconds: float
    peak: int
    """MB."""


def run() -> None:
    """Export of small and large records, then the import of documents."""
    with tempfile.TemporaryDirectory(prefix="phr-bench-ccda-") as name:
        folder = Path(name)
        each = [_export(folder, size) for size in SIZES]
        say(f"ccd: time per entry, {SIZES[1]:,} : {SIZES[0]:,}", f"{each[1] / each[0]:.2f}", "1 is constant")
        _import(folder)


def _export(folder: Path, size: int) -> float:
    """Answers the seconds per entry beyond what an empty record takes."""
    empty, home = folder / "home-0", folder / f"home-{size}"
    _filled(empty, 0)
    _filled(home, size)
    file = folder / f"{size}.xml"
    words = ("export", "--format", "ccd", "-o", str(file), "--json")
    base = _phr(empty, *words)
    report: list[bytes] = []
    took = _phr(home, *words, out=report)
    entries = sum(orjson.loads(report[0])["sections"].values())
    content = file.read_bytes()
    limit = _bare(content)
    per_entry = (took.seconds - base.seconds) / max(1, entries)
    say(
        f"ccd: export of {size:,} resources, of bare lxml",
        f"{took.seconds / limit:.1f}x",
        f"{took.seconds:.2f} s, {entries:,} entries, {per_entry * 1000:.2f} ms each, {len(content) / 1e6:.1f} MB,"
        f" peak {took.peak} MB (empty record {base.seconds:.2f} s, {base.peak} MB)",
    )
    return per_entry


def _import(folder: Path) -> None:
    files = sorted(SAMPLES.resolve().glob("*.xml")) if SAMPLES.is_dir() else []
    what = f"{len(files)} vendors' documents"
    if not files:
        files, what = [folder / f"{size}.xml" for size in SIZES], "our own documents"
    limit = sum(_bare(file.read_bytes()) for file in files)
    size = sum(file.stat().st_size for file in files)
    home, took = folder / "home-import", 0.0
    _filled(home, 0)
    peak = 0
    for number, file in enumerate(files):
        one = _phr(home, "import", str(file), "--as", f"s{number}", "--patient", "all", allowed=(0, 2))
        took, peak = took + one.seconds, max(peak, one.peak)
    say(
        f"ccda: import of {what}, a process each",
        f"{took / limit:.1f}x",
        f"{took:.2f} s, {size / 1e6:.1f} MB, peak {peak} MB",
    )


def _bare(content: bytes) -> float:
    """What nothing can beat that reads and writes these bytes as XML."""
    parser = etree.XMLParser(huge_tree=True)

    def work() -> bytes:
        return etree.tostring(etree.fromstring(content, parser))

    try:
        return timed(work, 3)
    except etree.XMLSyntaxError:  # some vendors' documents need mending first
        return timed(lambda: etree.fromstring(content, etree.XMLParser(huge_tree=True, recover=True)), 3)


def _filled(home: Path, size: int) -> None:
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


def _phr(home: Path, *words: str, out: list[bytes] | None = None, allowed: Sequence[int] = (0,)) -> Run:
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


if __name__ == "__main__":
    run()
