"""Run the benchmarks and print one line for each claim. Sizes can be cut: `python -m benchmarks 10000`."""

from __future__ import annotations

import platform
import sys
import tempfile
from pathlib import Path

from benchmarks import ccda, finding, ingest, looking, paper, startup, sync
from benchmarks.world import World


def main() -> None:
    """All benchmarks, in one run, on one made-up record."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    print(f"Python {platform.python_version()}, {platform.system()}; {count:,} made-up resources", flush=True)
    with tempfile.TemporaryDirectory(prefix="phr-bench-") as folder:
        world = World.make(Path(folder), count)
        ingest.run(world)
        startup.run(world)
        looking.run(world)
        sync.run(world)
        finding.run(world)
    ccda.run()
    paper.run()


if __name__ == "__main__":
    main()
