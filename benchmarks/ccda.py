"""C-CDA out and in, as whole processes, beside bare lxml on the same bytes: `python -m benchmarks.ccda`."""

from __future__ import annotations

import tempfile
from pathlib import Path

import orjson
from lxml import etree

from benchmarks.process import filled, phr
from benchmarks.world import say, timed

SIZES = (1_000, 10_000)
SAMPLES = Path(__file__).parents[1] / ".." / "shared" / "samples" / "ccda"


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
    filled(empty, 0)
    filled(home, size)
    file = folder / f"{size}.xml"
    words = ("export", "--format", "ccd", "-o", str(file), "--json")
    base = phr(empty, *words)
    report: list[bytes] = []
    took = phr(home, *words, out=report)
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
    filled(home, 0)
    peak = 0
    for number, file in enumerate(files):
        one = phr(home, "import", str(file), "--as", f"s{number}", "--patient", "all", allowed=(0, 2))
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


if __name__ == "__main__":
    run()
