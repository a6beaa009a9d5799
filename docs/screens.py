"""What a person sees, kept: the invented patient of the sandbox on screens of 80 and 120 columns, piped and in colour.

`make screens` writes docs/screens/*.txt (as a pipe gets it, and as a terminal without colour shows it) and *.svg (in
colour, on a dark and on a light terminal). A test compares the texts with what the program prints; whoever changes a
screen writes them anew, looks at them, and commits both.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("screens")
KEY = bytes(range(32))
NOW = datetime(2026, 10, 1, 9, 0, tzinfo=UTC)
PATIENT = "tamsin-quillfeather"


@dataclass(frozen=True)
class Shot:
    """One command line that is shown."""

    name: str
    words: tuple[str, ...]
    picture: bool = False
    """Whether it is drawn in colour too, for the README."""


SHOTS = (
    Shot("timeline", ("timeline", "--limit", "40"), picture=True),
    Shot("timeline-flat", ("timeline", "--flat", "--limit", "25")),
    Shot("milestones", ("timeline", "--milestones"), picture=True),
    Shot("lungs", ("timeline", "--tag", "lungs", "--since", "2023", "--limit", "40")),
    Shot("search", ("search", "high", "blood", "sugar")),
    Shot("search-filter", ("search", "kind:imaging", "after:2020", "chest")),
    Shot("trend", ("trend", "AAT", "level"), picture=True),
    Shot("trend-fev1", ("trend", "fev1")),
    Shot("trend-list", ("trend",)),
    Shot("trend-pressure", ("trend", "blood", "pressure")),
    Shot("trend-liver", ("trend", "liver")),
    Shot("show-result", ("show", "Observation/{result}"), picture=True),
    Shot("show-report", ("show", "DiagnosticReport/{report}")),
    Shot("summary", ("summary",), picture=True),
    Shot("emergency", ("summary", "--emergency")),
    Shot("status", ("status",), picture=True),
    Shot("visit", ("visit", "Dr. Penhallow", "--on", "2026-10-04"), picture=True),
    Shot("had", ("had", "chest", "ct"), picture=True),
    Shot("had-not", ("had", "brain", "mri")),
    Shot("missing", ("missing",)),
    Shot("diff", ("diff", "--since", "2026-09-15")),
    Shot("messages", ("messages",)),
    Shot("tasks", ("tasks",)),
    Shot("calendar", ("calendar",)),
    Shot("quality", ("quality",), picture=True),
    Shot("resources", ("resources", "--counts")),
    Shot("sql", ("sql", "SELECT kind, count(*) AS records, max(date) AS newest FROM records GROUP BY kind")),
    Shot("packs", ("packs", "list")),
    Shot("packs-alpha-1", ("packs", "show", "alpha-1")),
)


class _Terminal(io.TextIOWrapper):
    """A stream that looks like a terminal."""

    def isatty(self) -> bool:
        return True


@contextmanager
def home() -> Iterator[dict[str, str]]:
    """A home with the patient's record in it, and what points there; the clock stands still."""
    with tempfile.TemporaryDirectory(prefix="phr-screens-") as folder:
        key = Path(folder) / "key"
        key.write_bytes(KEY)
        key.chmod(0o600)
        environ = {"PHR_HOME": folder, "PHR_KEY_FILE": str(key), "TZ": "UTC", "LINES": "50"}
        before = {
            name: os.environ.get(name) for name in (*environ, "TERMINAL_WIDTH", "COLUMNS", "NO_COLOR", "TERM")
        }
        from phr.store.store import Store

        clock: Any = Store.__init__.__kwdefaults__
        kept = clock["clock"]
        os.environ.update(environ)
        _in_this_zone()
        clock["clock"] = lambda: NOW
        try:
            _fill(Path(folder) / "data" / "default" / "records.db")
            for words in _OWN_WORDS:
                printed(words, 80)
            yield environ
        finally:
            clock["clock"] = kept
            for name, value in before.items():
                os.environ.pop(name, None) if value is None else os.environ.update({name: value})
            _in_this_zone()


def _in_this_zone() -> None:
    """Times of the day are told on the clock that `TZ` names."""
    if hasattr(time, "tzset"):  # not on Windows
        time.tzset()


_OWN_WORDS = (
    ("note", "Observation/{result}", "Ask Dr. Marrowby why the trough is lower than in spring."),
    ("bookmark", "Observation/{result}"),
    ("tag", "Observation/{result}", "infusions"),
)


def _fill(path: Path) -> None:
    from phr.model import Connection, Received, SyncRun, TypeCounts
    from phr.store.store import Store

    path.parent.mkdir(parents=True, mode=0o700)
    with Store(path, KEY, create=True) as store:
        store.connections.save(
            Connection(
                key="harrow", name="harrow-valley", provider="harrow-valley", vendor="sandbox",
                organisation="Harrow Valley Health", fhir_base="https://fhir.harrow-valley.example/r4",
                client_id="phr", patient_id=PATIENT, connected="2026-09-01T08:00:00Z",
                last_sync="2026-10-01T06:15:00Z",
            )
        )  # fmt: skip
        elsewhere = store.sources.ensure("northmere-letter").key
        job, file = (
            store.runs.start("harrow", "manual", "full"),
            store.runs.start(elsewhere, "manual", "file"),
        )
        received = [Received(one["resourceType"], one["id"], _json(one)) for one in _record()]
        store.save("harrow", received)
        store.save(elsewhere, [Received(one["resourceType"], one["id"], _json(one)) for one in _ELSEWHERE])
        counts = {one.type: TypeCounts() for one in received}
        for one in received:
            counts[one.type] = TypeCounts(new=counts[one.type].new + 1)
        for run, name, mode, came in (
            (job, "harrow-valley", "full", counts),
            (file, "northmere-letter", "file", {}),
        ):
            store.runs.finish(
                SyncRun(
                    job_id=str(run), connection=name, trigger="manual", status="completed", mode=mode,
                    started="2026-10-01T06:14:58Z", finished="2026-10-01T06:15:00Z", seconds=2.0, requests=61,
                    bytes=900_000, types=came, skipped=(), documents={"new": 16} if came else {},
                )
            )  # fmt: skip
        store.matches.settle()


_ELSEWHERE: tuple[dict[str, Any], ...] = (
    {
        "resourceType": "Observation",
        "id": "aat-si",
        "status": "final",
        "category": [{"coding": [{"code": "laboratory"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "6771-0"}], "text": "Alpha-1 antitrypsin"},
        "effectiveDateTime": "2026-05-12",
        "valueQuantity": {
            "value": 12.4,
            "unit": "µmol/L",
            "system": "http://unitsofmeasure.org",
            "code": "umol/L",
        },
        "referenceRange": [{"low": {"value": 20, "unit": "µmol/L"}, "high": {"value": 60, "unit": "µmol/L"}}],
    },
)
"""One result that another laboratory told in other units."""


def _record() -> Iterator[dict[str, Any]]:
    """The patient's own resources, and everybody and everything that they can point at."""
    from phr.sandbox.compartment import SHARED, members
    from phr.sandbox.synthetic import family

    for one in family():
        if one["resourceType"] in SHARED or PATIENT in members(one["resourceType"], one):
            yield one


def _json(resource: dict[str, Any]) -> bytes:
    import orjson

    return orjson.dumps(resource)


def printed(words: Sequence[str], columns: int | None, *, colour: bool = False) -> str:
    """What a command line writes to stdout: on a terminal so wide, or into a pipe."""
    from phr.cli import app

    os.environ.pop("NO_COLOR", None)
    for name in ("TERMINAL_WIDTH", "COLUMNS"):
        os.environ.pop(name, None)
    os.environ["TERM"] = "xterm-256color"
    if columns:
        os.environ["TERMINAL_WIDTH"] = str(columns)
        if not colour:
            os.environ["NO_COLOR"] = "1"
    raw = io.BytesIO()
    stream = (_Terminal if columns else io.TextIOWrapper)(raw, encoding="utf-8", write_through=True)
    said = io.StringIO()
    with redirect_stdout(stream), redirect_stderr(said):
        try:
            app.run([word.format(**_ids()) for word in words])
        except SystemExit as ended:
            if ended.code:
                raise RuntimeError(f"{' '.join(words)}: {said.getvalue()}") from None
    return raw.getvalue().decode()


def _ids() -> dict[str, str]:
    """Records that are shown whole: the newest level of the protein, and the newest panel."""
    from phr.store.store import Store

    path = Path(os.environ["PHR_HOME"]) / "data" / "default" / "records.db"
    newest = (
        "SELECT substr(resource, instr(resource, '/') + 1) FROM record WHERE supporting = 0 AND resource LIKE ?"
        " AND codes LIKE ? ORDER BY date_from DESC, id DESC LIMIT 1"
    )
    with Store(path, KEY) as store:
        result = store.db.execute(newest, ("Observation/%", '%"1825-9"%')).fetchone()[0]
        report = store.db.execute(newest, ("DiagnosticReport/%", "%")).fetchone()[0]
    return {"result": result, "report": report}


def texts() -> Iterator[tuple[str, str]]:
    """`(file name, text)` of every screen: at 80 and 120 columns, and piped."""
    for shot in SHOTS:
        line = f"$ phr {' '.join(shot.words)}\n"
        for columns, name in ((80, "80"), (120, "120"), (None, "piped")):
            yield f"{shot.name}-{name}.txt", line + printed(shot.words, columns)


def pictures() -> Iterator[tuple[str, str]]:
    """`(file name, SVG)` of the screens that the README shows, for a dark and for a light page."""
    from rich.console import Console
    from rich.terminal_theme import DEFAULT_TERMINAL_THEME, DIMMED_MONOKAI
    from rich.text import Text

    for shot in SHOTS:
        if shot.picture:
            text = printed(shot.words, 100, colour=True)
            title = f"phr {' '.join(shot.words)}"
            for name, theme in (("dark", DIMMED_MONOKAI), ("light", DEFAULT_TERMINAL_THEME)):
                console = Console(width=100, record=True, file=io.StringIO(), force_terminal=True)
                console.print(Text.from_ansi(text))
                svg = console.export_svg(title=title, theme=theme, unique_id=f"phr-{shot.name}-{name}")
                yield f"{shot.name}-{name}.svg", svg


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    with home():
        for name, text in (*texts(), *pictures()):
            (FOLDER / name).write_text(text, encoding="utf-8")
            sys.stderr.write(f"{name}\n")
