"""Fetch what resources attach by address, and read what came so that the search finds it.

A work list in the store, so an interrupted run goes on with it next time. Failures have a category and a few fixed
words; what may pass is tried again, ever more seldom. Workers only ask and read, whoever called keeps: at the
desk, each document in a transaction of its own. Large documents come one at a time, so memory has a bound.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import takewhile

from phr.errors import FhirError, PhrError, ReconnectNeeded, Refused, Unreachable
from phr.fhir import binary, links
from phr.fhir.client import FhirClient
from phr.fhir.pace import Spent
from phr.fhir.transport import host_of
from phr.model import Connection, Problem
from phr.records import media_types
from phr.records.document_text import MADE_BY, DocumentText, text_of
from phr.records.same_document import says_the_same
from phr.store.documents import Wanted
from phr.sync.crew import side_by_side
from phr.sync.desk import Desk
from phr.sync.tally import Tally
from phr.sync.wish import Progress

SMALL = 8_000_000
"""Bytes up to which documents are fetched side by side; larger ones begin anew when nothing else is in memory."""
_LARGE = threading.BoundedSemaphore(2)
_LARGE_WAIT = 60.0
"""So many large documents are in memory at once, over all connections; and the seconds that one waits for its turn."""
_BATCH, _BATCH_BYTES = 50, 4_000_000
_TROUBLED = 3
"""So many answers in a row that say "later" (429, 503 …) end the documents of this run."""
_TIRED = 4
FROM_ELSEWHERE, FROM_ANYWHERE = 50, 500
"""So many documents of one other host, and of all of them, are asked for in a run, one at a time: a record may name an
address of somebody who has nothing to do with it a thousand times."""
_TOMORROW = "4135"
"""Epic's code for: no more documents today."""

WORDS = {
    "gone": "the server does not have it any more",
    "forbidden": "this sign-in may not read it",
    "timeout": "no answer in time",
    "unavailable": "the server had trouble",
    "too large": "larger than is fetched",
    "damaged": "what came cannot be read",
    "elsewhere": "it is at an address that is not asked",
    "not offered": "the server does not hand it out",
}
"""Why a document did not come: every category there is, and what a person reads."""
_PASSING = frozenset({"timeout", "unavailable", "damaged"})
_BY_STATUS = {
    401: "forbidden",
    403: "forbidden",
    404: "gone",
    408: "timeout",
    410: "gone",
    413: "too large",
    504: "timeout",
}


class _Elsewhere(Refused):
    """It is on another server, and that is not asked now."""


@dataclass(frozen=True, slots=True)
class _Fetched:
    content: bytes = field(repr=False)
    media_type: str | None
    text: DocumentText


def fetch(
    client: FhirClient,
    desk: Desk,
    connection: Connection,
    tally: Tally,
    *,
    workers: int,
    only_failed: bool = False,
    limit_bytes: int = binary.LIMIT,
    progress: Callable[[Progress], None] | None = None,
) -> dict[str, int]:
    """Fetch what is wanted (`only_failed`: what failed, however long ago), then read what nobody has read yet.

    Answers `{"new", "unchanged", "failed", "bytes"}`; each failure is in the tally. Raises ReconnectNeeded when the
    sign-in is at its end, Stopped when the run is.
    """
    round_ = _Round(client, desk, connection, tally, limit_bytes, progress)
    desk.do(lambda store: store.documents.take_own(connection.key))  # counted when they are read, below
    if not tally.server_is_gone:
        round_.run(workers, only_failed)
    round_.counts["new"] += read_stored(desk, connection.key)
    stored = desk.do(lambda store: store.documents.stored(connection.key))
    unchanged = max(0, stored - round_.counts["new"])
    return {"unchanged": unchanged, **{name: round_.counts[name] for name in ("new", "failed", "bytes")}}


def read_stored(desk: Desk, source_key: str) -> int:
    """Read the stored documents of a source that this version has not read: those that came inside resources, from
    files too. Answers how many were never read before."""
    first_time, size = 0, 0
    texts: list[tuple[int, DocumentText]] = []
    for document, called, unread in desk.do(lambda store: store.documents.without_text(source_key, MADE_BY)):
        content = desk.do(lambda store, id_=document: store.documents.bytes_of(id_))  # type: ignore[misc]
        texts.append((document, text_of(content, called)))
        first_time, size = first_time + unread, size + len(content)
        if len(texts) >= _BATCH or size >= _BATCH_BYTES:
            desk.do(lambda store, done=tuple(texts): store.documents.keep_texts(done))  # type: ignore[misc]
            texts, size = [], 0
    if texts:
        desk.do(lambda store: store.documents.keep_texts(texts))
    return first_time


def category(error: FhirError) -> str:
    """Which of `WORDS` a failure is."""
    status = error.http_status
    if binary.is_too_large(error):
        return "too large"
    if isinstance(error, binary.Damaged):
        return "damaged"
    if isinstance(error, Unreachable):
        if status is None:
            return "timeout"
        return "damaged" if status < 300 else _BY_STATUS.get(status, "unavailable")
    if status is None or 300 <= status < 400:
        return "elsewhere"
    if error.said.codes & {"deleted"} or "4103" in error.said.vendor_codes:
        return "gone"
    return _BY_STATUS.get(status, "not offered")


def may_pass(error: FhirError) -> bool:
    """Whether a later try may bring it: what stumbled, and a 200 that says that the document is being made."""
    why = category(error)
    return why in _PASSING or (
        why == "not offered" and error.http_status is not None and error.http_status < 300
    )


class _Round:
    """One pass over the work list."""

    def __init__(
        self,
        client: FhirClient,
        desk: Desk,
        connection: Connection,
        tally: Tally,
        limit: int,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self.client, self.desk, self.connection, self.tally = client, desk, connection, tally
        self.limit, self.progress = limit, progress
        self.counts: Counter[str] = Counter()
        self.done = self.total = self.troubled = 0
        self.ended: str | None = None
        """Why no more is asked in this run."""
        self.put_off: Counter[str] = Counter()
        """How many of each other host are left for the next run."""

    def run(self, workers: int, only_failed: bool) -> None:
        key = self.connection.key
        wanted = self.desk.do(lambda store: store.documents.wanted(key, only_failed=only_failed))
        self.total = len(wanted)
        large: list[tuple[Wanted, bool]] = []
        elsewhere: list[Wanted] = []
        # Those under way when it ends are not thrown away.
        asked = takewhile(lambda _: self.ended is None, wanted)
        ask = partial(self._ask, limit=min(SMALL, self.limit))
        with closing(side_by_side(ask, asked, workers)) as answers:
            for one, answer in answers:
                if isinstance(answer, _Elsewhere):
                    elsewhere.append(one)
                elif binary.is_too_large(answer) and self.limit > SMALL:
                    large.append((one, False))
                else:
                    self._settle(one, answer)
        for one in self._some_of(elsewhere) if self.ended is None else ():
            answer = self._ask(one, min(SMALL, self.limit), abroad=True)
            if binary.is_too_large(answer) and self.limit > SMALL:
                large.append((one, True))
            else:
                self._settle(one, answer)
            if self.ended is not None:
                break
        for one, abroad in large if self.ended is None else ():
            if not _LARGE.acquire(timeout=_LARGE_WAIT):
                self.ended = "other large documents took too long"
                break
            try:
                self._settle(one, self._ask(one, self.limit, abroad=abroad))
            finally:
                _LARGE.release()
            if self.ended is not None:
                break
        self._show(done=True)
        left = self.total - self.done - sum(self.put_off.values())
        if self.ended is not None and left:
            self._left(f"documents: {self.ended}; {left} are left for the next run")
        if self.put_off:
            host = self.put_off.most_common(1)[0][0]
            more = f" and {len(self.put_off) - 1} other hosts" if len(self.put_off) > 1 else ""
            words = f"documents: of {host}{more} no more are asked for in one run"
            self._left(f"{words}; {sum(self.put_off.values())} are left for the next run")

    def _left(self, words: str) -> None:
        self.tally.unanswered(Problem("DocumentReference", words), lasting=False)

    def _some_of(self, elsewhere: list[Wanted]) -> list[Wanted]:
        """Those of other hosts that are asked for in this run: what never failed comes first."""
        found: list[Wanted] = []
        asked: Counter[str] = Counter()
        for one in sorted(elsewhere, key=lambda one: one.tries):
            host = host_of(one.url)
            if asked[host] < FROM_ELSEWHERE and len(found) < FROM_ANYWHERE:
                asked[host] += 1
                found.append(one)
            else:
                self.put_off[host] += 1
        return found

    def _settle(self, one: Wanted, answer: _Fetched | PhrError) -> None:
        """Keep what came, or write down why it did not."""
        if isinstance(answer, ReconnectNeeded):
            answer = self._doubted(answer)
        if isinstance(answer, _Fetched):
            self.troubled = self.tally.silent = 0
            self._keep(one, answer)
        elif isinstance(answer, FhirError):
            self._failed(one, answer)
        else:
            raise answer
        self._show()

    def _keep(self, one: Wanted, came: _Fetched) -> None:
        self.done += 1
        self.counts["bytes"] += len(came.content)
        before = one.document_id
        if before is not None and says_the_same(
            self.desk.do(lambda store: store.documents.bytes_of(before)), came.content
        ):
            self.desk.do(lambda store: store.documents.same(one))
            return
        self.desk.do(lambda store: store.documents.keep(one, came.content, came.media_type, came.text))
        self.counts["new"] += 1

    def _failed(self, one: Wanted, error: FhirError) -> None:
        if _TOMORROW in error.said.vendor_codes:
            self.ended = "the server hands out no more today"
            return  # not the fault of this one
        if isinstance(error, Spent):
            self.ended = "today's requests are used up"
            return
        self.done += 1
        self.tally.heard(error)
        why, again, status = category(error), may_pass(error), error.http_status
        reason = f"{why}: {WORDS[why]}"
        self.desk.do(lambda store: store.documents.not_kept(one, reason, again=again, http_status=status))
        # What has stumbled three times in a row is no news any more.
        known = not again or one.tries >= _TIRED
        self.tally.unanswered(Problem(one.type, f"attachment {reason}", one.fhir_id, status), lasting=known)
        self.counts["failed"] += 1
        later = isinstance(error, Unreachable) and status in (None, 429, 502, 503, 504)
        self.troubled = self.troubled + 1 if later else 0
        if self.tally.server_is_gone or self.troubled >= _TROUBLED:
            self.ended = "the server does not answer now"

    def _doubted(self, error: ReconnectNeeded) -> PhrError:
        """A 401 for one document is not the end of a sign-in that still reads the patient."""
        try:
            self.client.read("Patient", self.connection.patient_id or "")
        except PhrError:
            return error
        return Refused("The document asks for another sign-in.", http_status=401)

    def _ask(self, one: Wanted, limit: int, *, abroad: bool = False) -> _Fetched | PhrError:
        """What came of one address; `_Elsewhere`, without asking there, unless `abroad`."""
        try:
            accept = media_types.bare(one.media_type) or None
            # JSON around it makes a third more of it (base64, RFC 4648).
            most = limit * 4 // 3 + 4096
            if not abroad and self._is_elsewhere(one.url):
                content, called = self._at_home(one.url, accept, most)
            else:
                content, called = self.client.binary(one.url, accept, limit=most)
            if len(content) > limit:
                raise binary.TooLarge("The document is larger than is fetched.", http_status=200)
            if not content:
                raise binary.Damaged("The document is empty.", http_status=200)
            return _Fetched(content, called, text_of(content, one.media_type or called))
        except (FhirError, ReconnectNeeded) as error:
            return error

    def _is_elsewhere(self, url: str) -> bool:
        if url.startswith("data:"):
            return False
        try:
            return not binary.address(self.client.base, url)[1]
        except Refused:
            return False  # it is not asked at all, and says why

    def _at_home(self, url: str, accept: str | None, limit: int) -> tuple[bytes, str | None]:
        """What the known server has of an address elsewhere, where that may be meant. Raises _Elsewhere for the rest."""
        home = links.taken_home(self.client.base, url.strip())
        if home is None:
            raise _Elsewhere("The document is on another server.")
        try:
            return self.client.binary(home, accept, limit=limit)
        except Refused as error:
            if error.http_status is None or error.http_status < 400:
                raise
            raise _Elsewhere("The document is on another server.") from None

    def _show(self, *, done: bool = False) -> None:
        if self.progress is None or not self.total:
            return
        self.progress(
            Progress(
                self.connection.name,
                "documents",
                self.done,
                self.counts["new"],
                done,
                phase="documents",
                share=self.done / self.total,
            )
        )
