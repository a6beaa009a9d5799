"""Questions to a server that together have an end, however slowly it answers.

Each exchange has an end of its own (see `fhir.network`), but a server can make many of one: with redirects, with
"later", with pages without end. Somebody sits before the screen while these are asked.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from phr.errors import Unreachable


class TimeIsUp(Unreachable):
    """The server did not get done in the time that it had."""


class Budget:
    """The seconds that some questions may take together; it begins to count at once."""

    def __init__(self, seconds: float, host: str) -> None:
        self._ends = time.monotonic() + seconds
        self._host = host

    def spend(self, work: Callable[[], object]) -> None:
        """Do this work. Raises TimeIsUp when it is not done in time, else what it raises.

        Work that is given up goes on in a thread of its own, until its next `check` or `sleep`; so it must hand over
        what it found bit by bit, and close what it opened itself.
        """
        raised: list[BaseException] = []

        def run() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 (raised again where somebody waits for it)
                raised.append(error)

        thread = threading.Thread(target=run, name="phr-bounded", daemon=True)
        thread.start()
        thread.join(max(0.0, self._ends - time.monotonic()))
        if thread.is_alive():
            raise self._over()
        if raised:
            raise raised[0]

    def check(self) -> None:
        """Raises TimeIsUp when it is."""
        if time.monotonic() >= self._ends:
            raise self._over()

    def sleep(self, seconds: float) -> None:
        """Wait as a server asks for; not at all where that is longer than there is time. Raises TimeIsUp then."""
        if time.monotonic() + seconds >= self._ends:
            raise self._over()
        time.sleep(seconds)

    def _over(self) -> TimeIsUp:
        return TimeIsUp(f"{self._host} takes too long to answer.", hint="Try again later.")
