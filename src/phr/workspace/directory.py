"""`phr providers update`: fetch the directories that vendors publish, and keep the organisations that are in them.

What was known stays whatever happens: a source is read to its end before anything of it counts, and the list is
written beside the old one and renamed. Directories are public, so no secret goes along, and redirects are followed
to any host, but only over https.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urljoin, urlsplit, urlunsplit

from phr import paths
from phr.errors import PhrError, Refused, Unreachable, UnreadableFile, UsageError
from phr.providers import organisations
from phr.providers.directories import Directory, entries
from phr.providers.directories.entries import Entry
from phr.providers.merging import Counts, Merging

if TYPE_CHECKING:
    from phr.fhir.transport import BaseTransport
    from phr.workspace.workspace import Workspace

LARGEST = 300_000_000
_REDIRECTS = 5
_LONGEST_LABEL = 100
_PATIENCE = 60.0
_ACCEPT = "application/fhir+json, application/json;q=0.9, text/csv;q=0.8, text/tab-separated-values;q=0.8, */*;q=0.5"
_BY_HAND = "Fetch the list by hand, then: phr providers update --from FILE"
_NOT_A_FILE = "--from takes a file or an https address."


@dataclass(frozen=True)
class Source:
    """One directory: a file, or an address. `usual` is the vendor who publishes it: all in it are of this vendor."""

    where: str
    usual: str | None = None


@dataclass
class SourceReport:
    """What became of one directory."""

    source: str
    vendor: str | None = None
    format: str = ""
    counts: Counts = field(default_factory=Counts)
    error: str | None = None
    hint: str | None = None


@dataclass
class DirectoryReport:
    """What became of all of them."""

    sources: list[SourceReport] = field(default_factory=list)
    organisations: int = 0
    """How many there are now."""

    @property
    def exit_status(self) -> int:
        failed = sum(one.error is not None for one in self.sources)
        return 0 if not failed else 1 if failed == len(self.sources) else 3


def published(workspace: Workspace, vendor: str | None = None) -> tuple[Source, ...]:
    """The directories that the vendors of the catalogue publish; of one vendor if it is named."""
    vendors = workspace.catalog.vendors.values()
    found = (Source(one.directory, one.id) for one in vendors if one.directory and vendor in (None, one.id))
    return tuple({one.where: one for one in found}.values())


def update(
    workspace: Workspace,
    sources: Sequence[Source],
    *,
    vendor: str | None = None,
    dry_run: bool = False,
    transport: BaseTransport | None = None,
) -> DirectoryReport:
    """Read these directories and keep their organisations; `vendor` says whose all of them are.

    One source that fails does not stop the others, whatever the reason; with PHR_DEBUG what was not expected is
    raised. Raises Busy when another update is at work.
    """
    target = workspace.paths.data / organisations.FILE_NAME
    report = DirectoryReport()
    debug = workspace.environ.get("PHR_DEBUG") == "1"
    with paths.exclusive_lock(workspace.paths.state / "locks" / "organisations.lock"):
        before = organisations.read(target)
        merging = Merging(workspace.catalog, before)
        for source in sources:
            report.sources.append(_take(source, merging, vendor or source.usual, transport, debug=debug))
        changed = any(one.counts.added or one.counts.updated for one in report.sources)
        if changed and not dry_run:
            paths.make_private(target.parent)
            paths.write_private(target, organisations.dump(merging.found.values()))
        known = {row[organisations.ID] for row in workspace.catalog.organisations.rows}
        report.organisations = len(known | merging.found.keys()) if not dry_run else len(known)
    return report


def _take(
    source: Source, merging: Merging, vendor: str | None, transport: BaseTransport | None, *, debug: bool
) -> SourceReport:
    shown = _shown(source.where)
    report = SourceReport(shown, vendor)
    own = not _is_address(source.where)
    name = Path(source.where).name if own else shown
    try:
        with _opened(source.where, transport) as handle:
            directory = Directory(handle)
            listed: list[Entry] = list(directory)
        report.format = directory.format
        report.counts = merging.take(listed, vendor=vendor, source=name[:_LONGEST_LABEL], own=own)
        if not report.counts.organisations and not report.counts.skipped[entries.ELSEWHERE]:
            reasons = ", ".join(
                f"{reason}: {number}" for reason, number in report.counts.skipped.most_common(3)
            )
            raise UnreadableFile(
                "There is no organisation in it that phr could sign in at"
                + (f" ({reasons})." if reasons else "."),
                hint="It takes a list with a name and an https FHIR R4 address for each organisation.",
            )
        if report.vendor is None and len(report.counts.vendors) == 1:
            report.vendor = next(iter(report.counts.vendors))
    except PhrError as error:
        report.error, report.hint = error.message, error.hint
        if report.hint == _BY_HAND and vendor:
            report.hint += f" --vendor {vendor}"  # otherwise its entries would have to say whose they are
    except Exception as error:
        if debug:
            raise
        # Only the kind of error is said: its text may hold anything that the list says.
        report.error = f"phr met something in it that it did not expect ({type(error).__name__})."
        report.hint = "To see where, and to report it: set PHR_DEBUG=1 and run it again."
    return report


def _is_address(where: str) -> bool:
    return where.strip().lower().startswith(("http://", "https://"))


def _shown(where: str) -> str:
    """A source as it may be shown: a name, a question and a fragment may hold somebody's password or key."""
    scheme, there, _ = where.partition("://")
    if not there:
        return where
    try:
        parts = urlsplit(where)
        _ = parts.port
    except ValueError:  # often a password with a slash in it
        return f"{scheme}://…"
    return f"{scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


@contextmanager
def _opened(where: str, transport: BaseTransport | None) -> Iterator[BinaryIO]:
    """The bytes of a file, or of an address, to read from the start."""
    if _is_address(where):
        with TemporaryFile(prefix="phr-directory-") as fetched:  # unnamed, and nobody else's to read
            _download(_plain(where.strip()), _Room(fetched), transport)
            fetched.seek(0)
            yield fetched
        return
    try:
        path = Path(where).expanduser()
        if not stat.S_ISREG(path.stat().st_mode):  # `/dev/zero` never ends, a pipe may never begin
            raise UsageError("It is not a regular file.", hint="Save the list in a file, and give that.")
        handle = path.open("rb")
    except OSError as error:
        raise UsageError(f"The file cannot be read: {error.strerror}.", hint=_NOT_A_FILE) from None
    except (RuntimeError, ValueError):  # ~nobody; a name that no file can have
        raise UsageError("There can be no file of this name.", hint=_NOT_A_FILE) from None
    with handle:
        yield handle


def _plain(url: str) -> str:
    """The address without fragment, which is nobody's business. Raises UsageError for one that holds a password."""
    try:
        parts = urlsplit(url)
        named, _ = parts.username is not None or "@" in parts.netloc, parts.port
    except ValueError:
        raise UsageError("This is no address.", hint=_NOT_A_FILE) from None
    if named:
        raise UsageError(
            "The address holds a user name or a password. Lists are public, and phr signs in nowhere to fetch one.",
            hint="Give the address without what stands before the @, or fetch the list by hand and give the file.",
        )
    return urlunsplit(parts._replace(fragment=""))


class _Room:
    """The file of a download. A full disk is said as such, not as a server that does not answer."""

    def __init__(self, handle: BinaryIO) -> None:
        self._handle = handle

    def write(self, content: bytes) -> int:
        try:
            return self._handle.write(content)
        except OSError as error:
            raise PhrError(
                f"The list cannot be kept while it is read: {error.strerror}.", hint="Make room."
            ) from None

    def clear(self) -> None:
        self._handle.seek(0)
        self._handle.truncate()


def _download(url: str, room: _Room, transport: BaseTransport | None) -> None:
    """The answer of this address, at most LARGEST bytes, in the file. Raises PhrError where there is none."""
    from phr.fhir.transport import Wire, is_safe

    with Wire(url, transport=transport, timeout=_PATIENCE) as wire:
        for _ in range(_REDIRECTS + 1):
            if not is_safe(url, loopback=True):
                raise Refused(
                    "Lists are only fetched over https.", hint="Give an address that begins with https://"
                )
            room.clear()
            try:
                answer = wire.send("GET", url, {"Accept": _ACCEPT}, limit=LARGEST, into=room)
            except (Refused, Unreachable) as error:
                raise type(error)(error.message, hint=_BY_HAND) from None
            location = answer.headers.get("location")
            if answer.status not in (301, 302, 303, 307, 308) or not location:
                break
            url = _redirected(url, location)
        else:
            raise Refused("The address leads from one redirect to the next.", hint=_BY_HAND)
    host = urlsplit(url).hostname
    if answer.status != 200:
        raise Refused(f"{host} answered {answer.status} {answer.phrase}.", hint=_BY_HAND)
    if answer.looks_like_html:
        raise UnreadableFile(f"{host} answered with a web page, not with a list.", hint=_BY_HAND)


def _redirected(url: str, location: str) -> str:
    """Where a redirect leads. What was asked for over https is not fetched over http, not even from this computer."""
    try:
        target = _plain(urljoin(url, location))
    except (UsageError, ValueError):
        raise Refused("The address leads to one that makes no sense.", hint=_BY_HAND) from None
    if urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https":
        raise Refused("The address leads to one without https.", hint=_BY_HAND)
    return target
