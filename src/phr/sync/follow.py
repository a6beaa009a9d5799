"""What searches by patient do not bring: referenced resources, and the bytes of attachments.

Both are work lists in the store, so an interrupted run goes on with them next time. A server's refusal of
one of them is remembered and named; it does not stop the rest.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from phr.errors import FhirError, Unreachable
from phr.fhir.client import FhirClient
from phr.model import Connection, Page, Problem
from phr.smart import scopes
from phr.store.documents import Wanted
from phr.store.store import Store
from phr.sync.tally import LASTING, Tally

ROUNDS = 4
"""A PractitionerRole leads to an Organization, that to the one it is part of; four steps is far enough."""
ASK_AGAIN_AFTER_DAYS = 30
T = TypeVar("T")
R = TypeVar("R")


def references(
    client: FhirClient,
    store: Store,
    connection: Connection,
    tally: Tally,
    searched: frozenset[str],
    asked_before: str,
    workers: int,
) -> None:
    """Read what stored resources point at and no search brings. `asked_before`: older refusals count no more."""
    named: Counter[tuple[str, str]] = Counter()
    for _ in range(ROUNDS):
        missing = store.missing_references(connection.key, searched, asked_before)
        reasons = [(pair, _unreadable(connection, *pair)) for pair in missing]
        named = Counter((type_, reason) for (type_, _), reason in reasons if reason)
        readable = [pair for pair, reason in reasons if not reason]
        if not _read_all(client, store, connection, tally, readable, workers):
            break
    for (type_, reason), count in sorted(named.items()):
        tally.note(Problem(type_, f"{count} referenced, {reason}"))


def _unreadable(connection: Connection, type_: str, id_: str) -> str | None:
    """Why there is no point in asking for a reference; None when there is."""
    if id_.startswith("?"):
        return "by a search that only the sender can resolve"
    granted = connection.granted_scopes
    readable = "r" in scopes.permissions(granted, type_) or not scopes.names_resources(granted)
    return None if readable else scopes.NOT_GRANTED


def _read_all(
    client: FhirClient,
    store: Store,
    connection: Connection,
    tally: Tally,
    pairs: Sequence[tuple[str, str]],
    workers: int,
) -> int:
    """Read each pair; answers how many of them need not be asked for again in this run."""
    settled = 0
    for (type_, id_), answer in _side_by_side(lambda pair: client.read(*pair), pairs, workers):
        if tally.server_is_gone:
            return 0
        if isinstance(answer, Page):
            tally.saved(store.save(connection.key, answer.received))
            for problem in answer.problems:
                tally.note(problem)
            settled += 1
            if not any(one.type == type_ and one.id == id_ for one in answer.received):
                store.note_unanswered(connection.key, type_, id_, None, "answered with something else")
            continue
        tally.heard(answer)
        lasting = answer.http_status in LASTING
        tally.unanswered(
            Problem(type_, answer.message, id=id_, http_status=answer.http_status), lasting=lasting
        )
        if lasting or not isinstance(answer, Unreachable):
            store.note_unanswered(connection.key, type_, id_, answer.http_status, answer.message)
            settled += 1
    return settled


def attachments(
    client: FhirClient, store: Store, connection: Connection, tally: Tally, workers: int
) -> tuple[int, int]:
    """Fetch the bytes that resources attach by address. Answers how many failed, and how many bytes came."""
    failed = size = 0

    def bytes_of(one: Wanted) -> tuple[bytes, str | None]:
        return client.binary(one.url, one.media_type)

    wanted = [] if tally.server_is_gone else store.documents.wanted(connection.key)
    for one, answer in _side_by_side(bytes_of, wanted, workers):
        if tally.server_is_gone:
            break
        if isinstance(answer, FhirError):
            tally.heard(answer)
            lasting = not isinstance(answer, Unreachable)
            store.documents.not_kept(one, answer.message, again=not lasting)
            problem = Problem(one.type, f"attachment: {answer.message}", one.fhir_id, answer.http_status)
            tally.unanswered(problem, lasting=lasting)
            failed += 1
            continue
        content, media_type = answer
        store.documents.keep(one, content, media_type)
        size += len(content)
    return failed, size


def _side_by_side(
    ask: Callable[[T], R], things: Sequence[T], workers: int
) -> Iterator[tuple[T, R | FhirError]]:
    """Ask for each thing on a few threads; a FhirError is an answer too. No more answers in memory than threads."""

    def attempt(thing: T) -> R | FhirError:
        try:
            return ask(thing)
        except FhirError as error:
            return error

    with ThreadPoolExecutor(max_workers=max(1, workers), thread_name_prefix="phr-follow") as pool:
        under_way: deque[tuple[T, Future[R | FhirError]]] = deque()
        try:
            for thing in things:
                if len(under_way) > workers:
                    asked, answer = under_way.popleft()
                    yield asked, answer.result()
                under_way.append((thing, pool.submit(attempt, thing)))
            while under_way:
                asked, answer = under_way.popleft()
                yield asked, answer.result()
        finally:
            for _, answer in under_way:
                answer.cancel()
