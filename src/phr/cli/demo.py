"""`phr demo`: the whole story on this computer alone, in a few seconds, leaving nothing behind but one file."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from phr.cli import output
from phr.cli.options import Json
from phr.cli.text import screen

if TYPE_CHECKING:
    from phr.exporters.base import Exported
    from phr.store.store import Store
    from phr.views.timeline import Timeline
    from phr.workspace import Workspace
    from phr.workspace.sync import SyncReport

FILE = "phr-demo-ccd.xml"
NAME = "demo-hospital"
LINES = 25
TERMINATED = 143


def demo(
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the record that it makes, and say where.")
    ] = False,
    json: Json = False,
) -> None:
    """The whole story with synthetic people and without network: connect, sync, look, hand on.

    Starts a pretend hospital and a record of its own under a temporary folder, signs in, brings the records,
    shows the timeline and writes phr-demo-ccd.xml into the current folder. Nothing else stays, unless you say
    --keep. Your own record, keyring and settings are not touched.

    Exit statuses: 0 fine, 1 failed, 2 usage, 3 partly done, 130 interrupted.
    """
    output.hush(json)
    with _home(keep=keep) as home:
        environ = {"PHR_HOME": str(home), "PHR_KEY_FILE": str(_new_key(home / "demo.key"))}
        from phr.workspace import Workspace

        report, made = _story(Workspace(environ), json=json)
        if json:
            output.emit_json({**made, "home": str(home) if keep else None})
        else:
            _next_steps(environ if keep else None)
    if report.exit_status:
        raise typer.Exit(report.exit_status)


@contextmanager
def _home(*, keep: bool) -> Iterator[Path]:
    """A folder of our own; gone afterwards, also when the demo is interrupted or told to end."""

    def end(_number: int, _frame: object) -> NoReturn:
        raise SystemExit(TERMINATED)

    in_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, end) if in_main else None
    try:
        if keep:
            yield Path(tempfile.mkdtemp(prefix="phr-demo-"))
        else:
            with tempfile.TemporaryDirectory(prefix="phr-demo-", ignore_cleanup_errors=True) as folder:
                yield Path(folder)
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)


def _new_key(path: Path) -> Path:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(os.urandom(32))
    return path


def _story(here: Workspace, *, json: bool) -> tuple[SyncReport, dict[str, Any]]:
    from phr.cli.sync import report_lines, run_document
    from phr.exporters import files, registry
    from phr.sandbox.config import SandboxConfig
    from phr.sandbox.server import Sandbox
    from phr.views import milestones, status, timeline
    from phr.views.selection import EVERYTHING
    from phr.workspace.sync import SyncWish

    output.talk("1. A pretend hospital opens on this computer.", style="bold")
    with Sandbox(SandboxConfig(auto_approve=True)) as hospital:
        output.talk(f"   {hospital.fhir_base}")
        output.talk("2. You sign in there (here, redirects alone play your part).", style="bold")
        _sign_in(here, hospital.fhir_base, hospital.client_id)
        output.talk("3. Your records come in.", style="bold")
        report = here.sync(SyncWish(names=(NAME,)))
    output.talk_lines(report_lines(report, screen(sys.stderr)), indent="   ")
    with here.store() as store:
        page = timeline.timeline(store, EVERYTHING, limit=None)
        output.talk("4. Everything that happened, newest first.", style="bold")
        if not json:
            _show(store, page)
        path = Path.cwd() / FILE
        done = files.to_file(path, lambda out: registry.write(store, "ccd", EVERYTHING, out))
        output.talk("5. A document for the next doctor.", style="bold")
        output.talk(f"   {path} ({_sections(done)})")
        made = {
            "connection": status.connections(store)[0],
            "sync": run_document(report),
            "timeline": page.document() | {"milestones": milestones.milestones(store)},
            "export": {"path": str(path), "format": "ccd", "bytes": done.bytes, "sections": done.sections},
        }
    return report, made


def _sign_in(here: Workspace, fhir_base: str, client_id: str) -> None:
    from phr.cli.granted import granted_lines
    from phr.workspace.sign_in import ConnectRequest, Speaker

    def follow(address: str) -> bool:
        # The way back is answered only once the sign-in listens, so the browser's part is played beside it.
        threading.Thread(target=_follow, args=(address,), name="phr-demo-browser", daemon=True).start()
        return True

    request = ConnectRequest("custom", url=fhir_base, name=NAME, client_id=client_id, port=0, timeout=20.0)
    made = here.connect(request, Speaker(open_browser=follow, announce=lambda _: None))
    for line in granted_lines(made)[1:]:
        output.talk(f" {line}")


def _follow(address: str) -> None:
    """What a browser does with a hospital that asks nothing: it follows redirects, back to this computer."""
    import httpx

    with (
        suppress(httpx.HTTPError),
        httpx.Client(follow_redirects=True, timeout=10.0, trust_env=False) as browser,
    ):
        browser.get(address)


def _show(store: Store, page: Timeline) -> None:
    from itertools import islice

    from phr.cli.text import count
    from phr.cli.timeline_lines import drawn
    from phr.views import gather

    view = output.out()
    shown = gather.gathered(store.db, page.events[:LINES], page.selected)
    output.emit(islice(drawn(shown, view), LINES))
    output.emit([view.paint(view.spell(f"… {count(page.total, 'record')} in all"), "dim")])


def _sections(done: Exported) -> str:
    from phr.cli.text import count, size

    filled = [number for number in done.sections.values() if number]
    return f"{size(done.bytes)}, {count(len(filled), 'section')}, {count(sum(filled), 'entry', 'entries')}"


def _next_steps(environ: dict[str, str] | None) -> None:
    output.talk("")
    if environ:
        settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in environ.items())
        output.talk("The record is kept. Go on with:", style="bold")
        for command in ("timeline", "summary", "trend fev1"):
            output.talk(f"  {settings} phr {command}")
        output.talk(f"Done with it: rm -r {shlex.quote(environ['PHR_HOME'])}")
    else:
        output.talk("The demo's record is gone again. To keep it and look around: phr demo --keep")
    output.talk('Your own: phr providers search "NAME OF YOUR HOSPITAL", then phr connect ID')
