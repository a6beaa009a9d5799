"""The redirect listener on this computer (RFC 8252 section 7.3), over http or https.

Port and path are fixed and configurable, because EHR vendors compare redirect addresses exactly. The code
arrives in the query; from some servers by POST (athenaFlow) or in the fragment (One Medical), which only a
script in the browser can see, so a bare visit gets a tiny page that hands the fragment over.

Who may end the wait. Every page in the person's browser, and every program here, can come to this address; nobody
but the provider can know `state`. So:

- An answer with our `state` ends it, whatever it says. It is taken once; later ones are told so.
- An answer with another `state`, or a code without one, is never used; an error without `state` comes from servers
  that forget it. Both may also come from a page that wants to disturb. Where a person set the visit off (or a program
  that is no browser) it ends the wait after a short grace, in which a right answer still wins: a real mix-up must not
  look like silence. Any other is counted, and told when the time is up.
"""

from __future__ import annotations

import errno
import queue
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from phr.errors import PortTaken, SignInError, SignInTimeout
from phr.smart import redirect
from phr.smart.landing import BIND, BIND6, Reply, Server, page, tls_context
from phr.smart.redirect import Expected

GRACE = 2.0
"""Seconds that a right answer has to overtake one that does not prove where it comes from."""
_TICK = 0.2
_CLOSE = "You can close this window."


@dataclass(frozen=True, slots=True)
class _Unproven:
    """An error that came without `state`, or an answer to another sign-in."""

    error: SignInError
    by_person: bool


class RedirectListener:
    """Waits for one answer on this computer alone, for `localhost` under both of its addresses.

    Use as a context manager: leaving it always closes the port. Port 0 takes a free one. Raises PortTaken on
    entering. With `certificate` (a PEM file with its key) it speaks https. With `port_in_state` the state names the
    port, for a relay page that has to find its way here; so ask for `state` once the listener is open.
    """

    def __init__(
        self,
        state: str,
        *,
        host: str = BIND,
        port: int = 8765,
        path: str = "/callback",
        issuers: tuple[str, ...] = (),
        iss_required: bool = False,
        certificate: Path | None = None,
        port_in_state: bool = False,
    ) -> None:
        self._expected = Expected(state, issuers, iss_required)
        self._host = host.strip("[]").lower()
        self._port = port
        self._path = path if path.startswith("/") else f"/{path}"
        self._certificate = certificate
        self._port_in_state = port_in_state
        self._answers: queue.Queue[object] = queue.Queue()
        self._taken = threading.Lock()
        self._servers: list[Server] = []
        self._foreign = 0
        self.issuer: str | None = None
        """`iss` of the answer that brought the code."""

    @property
    def redirect_uri(self) -> str:
        """As it is sent to the provider; with the real port once the listener is open."""
        scheme = "https" if self._certificate else "http"
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{scheme}://{host}:{self._port}{self._path}"

    @property
    def state(self) -> str:
        """What the authorize request has to carry."""
        return self._expected.state

    def __enter__(self) -> RedirectListener:
        try:
            context = tls_context(self._certificate) if self._certificate else None
        except OSError:
            raise SignInError(
                f"The certificate in {self._certificate} cannot be read.",
                hint="Remove the file; a new one is made at the next sign-in.",
            ) from None
        try:
            first = Server(BIND6 if self._host == BIND6 else BIND, self._port, self, context)
            self._port = first.port
            self._servers.append(first)
            if self._host == "localhost":
                self._guard_ipv6(first)
        except BaseException as error:
            for server in self._servers:
                server.server_close()
            self._servers.clear()
            if isinstance(error, OSError | OverflowError):
                raise self._taken_port(error) from None
            raise
        if self._port_in_state:
            known = self._expected
            self._expected = Expected(f"{known.state}.{self._port}", known.issuers, known.iss_required)
        for server in self._servers:
            server.start()
        return self

    def _guard_ipv6(self, first: Server) -> None:
        """Browsers try ::1 first for `localhost`: whoever else listened there would get the code."""
        try:
            self._servers.append(Server(BIND6, self._port, self, first.context))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise
            # No IPv6 on this computer, so nobody else has it either.

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._servers:
            server.stop()
        self._servers.clear()

    def wait(self, timeout: float = 600.0) -> str:
        """The code. Raises SignInTimeout, SignInDenied, StateMismatch, SignInError. Ctrl-C gets through."""
        deadline = time.monotonic() + timeout
        unproven: SignInError | None = None
        ends_it = False
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise unproven if unproven and ends_it else self._too_late(unproven)
            try:
                answer = self._answers.get(timeout=min(_TICK, left))
            except queue.Empty:
                continue
            if isinstance(answer, str):
                return answer
            if isinstance(answer, SignInError):
                raise answer
            if isinstance(answer, _Unproven) and not ends_it:
                unproven, ends_it = answer.error, answer.by_person
                if ends_it:
                    deadline = min(deadline, time.monotonic() + GRACE)

    def _too_late(self, unproven: SignInError | None) -> SignInTimeout:
        words = "Nobody came back from the sign-in page in time."
        if self._foreign:
            came = "One answer" if self._foreign == 1 else f"{self._foreign} answers"
            words += f" {came} that did not belong to this sign-in came and could not be used."
        if unproven:
            words += f" An answer without proof of where it came from said: {unproven.message}"
        return SignInTimeout(words, hint="Start again; --timeout gives more seconds.")

    # ── called from the threads of the connections (landing.Host) ─────────────────────────────────

    def knows_name(self, name: str) -> bool:
        """The names under which the browser may come: the registered one, and this computer's plain ones."""
        return name.strip("[]") in {BIND, "localhost", self._host}

    def owns(self, path: str) -> bool:
        return path == self._path

    def visited(self, params: dict[str, str], *, by_person: bool) -> Reply:
        """The page for one visit, and what it brought: a code, an error, or nothing new."""
        if not redirect.reads_as_answer(params):
            return Reply(200, page("One moment …", "Finishing the sign-in.", script=True))
        forgotten = "state" not in params and bool(params.get("error"))
        if not forgotten and not self._expected.knows(params.get("state")):
            self._foreign += 1
            foreign = redirect.mismatch()
            told = _Unproven(foreign, by_person) if by_person else None
            return Reply(400, page("Not this one", f"{foreign.message} {_CLOSE}"), told)
        if self._taken.locked() or not (forgotten or self._taken.acquire(blocking=False)):
            return Reply(200, page("Already done", f"This sign-in was received before. {_CLOSE}"))
        try:
            code = self._expected.code_from(params)
        except SignInError as error:
            brought = _Unproven(error, by_person) if forgotten else error
            return Reply(400, page("Not signed in", f"{error.message} {_CLOSE}"), brought)
        self.issuer = params.get("iss")
        return Reply(200, page("Thank you", f"The sign-in was received. {_CLOSE}"), code)

    def deliver(self, brought: object) -> None:
        self._answers.put(brought)

    def _taken_port(self, error: Exception) -> PortTaken:
        words = f"Port {self._port} on this computer is used by another program"
        if isinstance(error, OSError) and error.errno != errno.EADDRINUSE:
            words = f"Port {self._port} on this computer cannot be opened"
        return PortTaken(f"{words}.", hint="Take another one that is registered with the provider: --port")
