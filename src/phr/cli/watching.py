"""Looking on at jobs of another process: what it notes in the record, read again and again."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from phr.cli import output
from phr.cli.job_lines import status_word
from phr.cli.text import clean, elide, screen

if TYPE_CHECKING:
    from phr.store.store import Store

_EVERY = 0.5
_CLEAR = "\r\x1b[K"


class Watch:
    """Reads how jobs stand until they have ended."""

    def __init__(
        self,
        store: Store,
        settle: Callable[[], None],
        job: str | None = None,
        *,
        silent: bool = False,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`settle` closes jobs whose process is gone; `job` limits it to one of them."""
        self._store, self._settle, self._job, self._sleep = store, settle, job, sleep
        self._moving = not silent and sys.stderr.isatty()
        self._plain = not silent and not self._moving
        self._said: dict[str, str] = {}

    def until_the_end(self) -> list[dict[str, Any]]:
        """The jobs that were seen, as they ended; the job itself when one was asked for."""
        seen: dict[str, None] = {} if self._job is None else {self._job: None}
        try:
            while True:
                self._settle()
                open_ = self._open()
                seen.update(dict.fromkeys(one["id"] for one in open_))
                self._show(open_)
                if not open_:
                    break
                self._sleep(_EVERY)
        finally:
            if self._moving and self._said:
                sys.stderr.write(_CLEAR)
                sys.stderr.flush()
        from phr.views.jobs import job

        return [job(self._store.runs.get(one)) for one in seen]

    def _open(self) -> list[dict[str, Any]]:
        from phr.views.jobs import under_way

        return [one for one in under_way(self._store) if self._job in (None, one["id"])]

    def _show(self, open_: list[dict[str, Any]]) -> None:
        if self._moving and open_:
            self._said = {"": ""}
            view = screen(sys.stderr)
            line = elide(" · ".join(map(line_of, open_)), (view.columns or 80) - 1)
            sys.stderr.write(_CLEAR + view.spell(line))
            sys.stderr.flush()
        elif self._plain:
            for one in open_:
                line = f"{one['id']} {line_of(one)}"
                if self._said.get(one["id"]) != line:
                    self._said[one["id"]] = line
                    output.emit([line])


def line_of(one: dict[str, Any]) -> str:
    """`clinic running 40 %, 1,204 came, 33 requests`."""
    counts = one["counts"]
    came = counts["new"] + counts["updated"] + counts["unchanged"]
    told = f", {came:,} came, {one['requests']:,} requests" if one["status"] == "running" else ""
    return f"{clean(one['connection'])} {status_word(one)}{told}"


def wait_for(done: Callable[[], bool], seconds: float, sleep: Callable[[float], None] = time.sleep) -> bool:
    """Ask again and again for so long; answers whether it came true."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() >= end:
            return False
        sleep(0.1)
    return True
