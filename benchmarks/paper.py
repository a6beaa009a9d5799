"""What is handed on as whole processes, of small and of large records: `python -m benchmarks.paper`.

The limit of a PDF is bare Typst that sets the same words as plain paragraphs; that of the other formats is a bare pass over
the same resources, read as JSON, and the same bytes written to the disk.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import orjson
import typst

from benchmarks.process import Run, filled, phr
from benchmarks.world import KEY, say, timed
from phr.store.store import Store

SIZES = (1_000, 10_000)
FORMATS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("pdf", ()),
    ("pdf summary", ("--layout", "summary")),
    ("html", ()),
    ("csv", ()),
    ("csv research", ("--research",)),
    ("markdown", ()),
    ("sqlite", ()),
)


def run() -> None:
    """Each format at each size."""
    with tempfile.TemporaryDirectory(prefix="phr-bench-paper-") as name:
        folder = Path(name)
        for size in (0, *SIZES):
            filled(folder / f"home-{size}", size)
        for title, more in FORMATS:
            _format(folder, title, more)


def _format(folder: Path, title: str, more: tuple[str, ...]) -> None:
    """Time and memory for each record beyond what an empty record takes."""
    format_ = title.split()[0]
    base = _written(folder, 0, format_, more)
    times, peaks = [], []
    for size in SIZES:
        took = _written(folder, size, format_, more)
        made = folder / f"{size}.{format_}"
        limit, what = (
            _typst(folder / f"home-{size}") if format_ == "pdf" else _pass(folder / f"home-{size}", made)
        )
        each = (took.seconds - base.seconds) / size
        times.append(each)
        peaks.append((took.peak - base.peak) / size)
        say(
            f"{title}: export of {size:,} resources, of {what}",
            f"{took.seconds / limit:.1f}x",
            f"{took.seconds:.2f} s, {each * 1000:.2f} ms each, {_size(made) / 1e6:.1f} MB, peak {took.peak} MB"
            f" (empty record {base.seconds:.2f} s, {base.peak} MB)",
        )
    large, small = f"{SIZES[1]:,}", f"{SIZES[0]:,}"
    say(f"{title}: time per record, {large} : {small}", f"{times[1] / times[0]:.2f}", "1 is constant")
    say(
        f"{title}: memory per record, {large} : {small}",
        f"{peaks[1] / max(peaks[0], 1e-9):.2f}",
        f"{peaks[0] * 1000:.0f} and {peaks[1] * 1000:.0f} kB each; 1 is constant, less is better",
    )


def _written(folder: Path, size: int, format_: str, more: tuple[str, ...]) -> Run:
    words = ("export", "--format", format_, "-o", str(folder / f"{size}.{format_}"), "--quiet", *more)
    return phr(folder / f"home-{size}", *words)


def _size(made: Path) -> int:
    return sum(one.stat().st_size for one in made.iterdir()) if made.is_dir() else made.stat().st_size


def _raw(home: Path) -> Iterator[bytes]:
    with Store(home / "data" / "default" / "records.db", KEY) as store:
        for (raw,) in store.db.execute("SELECT raw FROM resource"):
            yield raw


def _typst(home: Path) -> tuple[float, str]:
    """Bare Typst with a paragraph for each record, as long as its title, value and names are."""
    with Store(home / "data" / "default" / "records.db", KEY) as store:
        rows = store.db.execute(
            "SELECT date, title, value, unit, status, facility, performer FROM record WHERE supporting = 0"
        ).fetchall()
    words = orjson.dumps([" · ".join(str(one) for one in row if one is not None) for row in rows])
    source = b'#for line in json("words.json") [#par(line)]'
    return timed(lambda: typst.compile({"main": source, "words.json": words})), "bare Typst"


def _pass(home: Path, made: Path) -> tuple[float, str]:
    size, beside = _size(made), made.with_name("limit")

    def work() -> None:
        for raw in _raw(home):
            orjson.loads(raw)
        with beside.open("wb") as out:
            out.write(b"\0" * size)
            out.flush()
            os.fsync(out.fileno())

    return timed(work, 3), "a bare pass"


if __name__ == "__main__":
    run()
