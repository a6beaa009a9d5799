"""Messages between the person and their care teams, gathered by conversation, the newest conversation first.

What belongs together says so: an answer names what it answers (`inResponseTo`, `partOf`, `basedOn`), a server numbers its
threads. Only where nothing says so, messages under one subject line between the same people are one conversation, as long
as no season lies between them: “Your results” of another year is another matter. FHIR R4 has no place for whether
somebody has read a message, so nothing is said of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from phr.errors import UsageError
from phr.fhir import read
from phr.views.beside import attachments
from phr.views.details import exact
from phr.views.events import events, marks
from phr.views.fields.narrative import lines_of
from phr.views.fields.saying import Saying, concept_words, type_words
from phr.views.looking_up import finder
from phr.views.messages_gather import ANSWER, TYPES, Letter, Told, gathered, keys_of
from phr.views.selection import EVERYTHING, Selection, check_sources

if TYPE_CHECKING:
    from phr.store.store import Store

NEWEST = 5_000
"""So many messages are gathered; older ones are named as a number."""


def messages(
    store: Store,
    selection: Selection = EVERYTHING,
    *,
    with_: str | None = None,
    thread: str | None = None,
    limit: int | None = None,
) -> dict[str, Any]:
    """`{"messages", "threads", "total", "older"}`: conversations that have a message of the selection, newest first.

    `with_`: only where this name is written to or from; `thread`: only the one that has this message (its number, or
    `Type/id`); `limit` counts conversations. Raises UsageError for a thread or a source that is not there.
    """
    check_sources(store, selection)
    chosen = replace(selection, kinds=("message",))
    rows, older = _rows(store)
    letters = list(_read(store, rows))
    groups = gathered(letters, _numbers(store, rows))
    wanted = _wanted(store, chosen)
    named = _number(store, thread) if thread is not None else None
    threads, found = [], []
    for group in sorted(groups, key=lambda one: (one[-1].told.at, one[-1].told.id), reverse=True):
        if named is not None and named not in {one.told.id for one in group}:
            continue
        if named is None and not any(one.told.id in wanted for one in group):
            continue
        if with_ is not None and not _is_with(group, with_):
            continue
        threads.append(_thread(group))
        found.append(group)
    if named is not None and not threads:
        raise UsageError(f"{thread} is in no conversation.", hint="See which there are: phr messages")
    shown = found if limit is None else found[:limit]
    return {
        "messages": [{**one.event, "thread": str(group[0].told.id)} for group in shown for one in group],
        "threads": threads[: len(shown)],
        "total": len(threads),
        "older": older,
    }


# ── reading them ──────────────────────────────────────────────────────────────────────────────────


def _rows(store: Store) -> tuple[list[Told], int]:
    """The newest messages of all, oldest first, and how many are older still."""
    rows = store.db.execute(
        "SELECT r.id, x.source_id, x.type || '/' || x.fhir_id, coalesce(r.date_from, 0), x.raw FROM ("
        " SELECT id, date_from FROM record WHERE supporting = 0 AND kind = 'message'"
        " ORDER BY date_from DESC, id DESC LIMIT ?) r JOIN resource x ON x.id = r.id",
        (NEWEST + 1,),
    ).fetchall()
    older = 0
    if len(rows) > NEWEST:
        shown = store.db.execute("SELECT shown FROM tally WHERE kind = 'message'").fetchone()
        older, rows = int(shown[0]) - NEWEST, rows[:NEWEST]
    bodies = ((row, exact(bytes(row[4]))) for row in rows)
    told = [Told(row[0], row[1], row[2], row[3], body) for row, body in bodies if isinstance(body, dict)]
    return sorted(told, key=lambda one: (one.at, one.id)), older


def _numbers(store: Store, rows: Sequence[Told]) -> dict[tuple[int, str], int]:
    """By source and address the record that is shown: a copy counts as what stands for it."""
    found = {(one.source, one.address): one.id for one in rows}
    ids = {one.id for one in rows}
    for type_ in TYPES:
        copies = store.db.execute(
            "SELECT x.source_id, x.type || '/' || x.fhir_id, rs.record_id FROM source s CROSS JOIN resource x"
            " ON x.source_id = s.id AND x.type = ? JOIN record_source rs ON rs.resource_id = x.id"
            " WHERE rs.record_id <> x.id",
            (type_,),
        )
        found.update({(row[0], row[1]): row[2] for row in copies if row[2] in ids})
    return found


def _read(store: Store, rows: Sequence[Told]) -> Iterator[Letter]:
    told = {int(one["id"]): one for one in events(store.db, [one.id for one in rows])}
    with_files = {
        row[0]
        for at in range(0, len(rows), 400)
        for part in [[one.id for one in rows[at : at + 400]]]
        for row in store.db.execute(
            f"SELECT DISTINCT resource_id FROM attachment WHERE resource_id IN ({marks(part)})", part
        )
    }
    finders = {source: finder(store.db, source) for source in {one.source for one in rows}}
    known: dict[tuple[int, str], tuple[str, bool]] = {}
    for one in rows:
        if one.id not in told:
            continue
        say = Saying(one.body, finders[one.source])
        sender = one.body.get("sender") or one.body.get("requester")
        from_ = _people(one, [sender], say, known)
        to = _people(one, read.listed(one.body.get("recipient")), say, known)
        subject = _subject(one.body)
        event = {
            **told[one.id],
            "subject": subject,
            "from": from_[0][0] if from_ else None,
            "from_you": bool(from_ and from_[0][1]),
            "to": [name for name, _ in to],
            "to_you": any(own for _, own in to),
            "sent": read.text(one.body.get("sent")) or read.text(one.body.get("authoredOn")),
            "received": read.text(one.body.get("received")),
            "medium": ", ".join(
                words for each in read.listed(one.body.get("medium")) if (words := concept_words(each))
            )
            or None,
            "priority": read.text(one.body.get("priority")),
            "text": _text(one.body, say),
            "attachments": attachments(store.db, [one.id]) if one.id in with_files else [],
        }
        people = {"you" if own else name.casefold() for name, own in (*from_, *to)}
        people |= {"you"} if not to else set()  # who is not named is who keeps the record
        answer = bool(subject and ANSWER.match(subject))
        yield Letter(one, event, subject, answer, frozenset(people), list(keys_of(one)))


def _people(
    one: Told, pointers: Sequence[object], say: Saying, known: dict[tuple[int, str], tuple[str, bool]]
) -> list[tuple[str, bool]]:
    """Names, each with whether it is the person."""
    found = []
    for pointer in pointers:
        if not isinstance(pointer, dict):
            continue
        key = one.source, f"{pointer.get('reference')}\n{pointer.get('display')}"
        local = str(pointer.get("reference") or "").startswith("#")
        if local or key not in known:
            told = (_name(pointer, say), say.kind_of(pointer) == "Patient")
            if local:
                found.append(told)
                continue
            known[key] = told
        found.append(known[key])
    return found


def _name(pointer: dict[str, Any], say: Saying) -> str:
    """A name; where the source gives none, what it is: an address is no name."""
    name, kind = say.named(pointer), say.kind_of(pointer)
    if name and not name.endswith(" (no name given)"):
        return name
    return type_words(kind) if kind else "somebody"


def _subject(body: dict[str, Any]) -> str | None:
    """The subject line; a category such as “notification” is none."""
    for name in ("topic", "reasonCode"):
        if words := concept_words(read.first(body.get(name))):
            return " ".join(words.split())
    return None


def _text(body: dict[str, Any], say: Saying) -> str | None:
    """What was written, whole: each part of it, pages as plain lines."""
    parts = []
    for part in read.dicts(body.get("payload")):
        words = read.text(part.get("contentString"))
        if words and re.search(r"</?(?:p|div|br|span|html|body|table|ul|b|i)\b", words, re.IGNORECASE):
            words = lines_of(words)
        pointed = say.named(part["contentReference"]) if part.get("contentReference") else None
        parts += [each for each in (words, pointed) if each]
    return "\n\n".join(parts) or None


# ── one conversation ──────────────────────────────────────────────────────────────────────────────


def _thread(group: list[Letter]) -> dict[str, Any]:
    first, last = group[0].event, group[-1].event
    people = [name for one in group for name in (one.event["from"], *one.event["to"]) if name]
    own = {one.event["from"] for one in group if one.event["from_you"]}
    others = [
        name
        for one in group
        for name, yours in (
            (one.event["from"], one.event["from_you"]),
            *((each, one.event["to_you"] and len(one.event["to"]) == 1) for each in one.event["to"]),
        )
        if name and not yours and name not in own
    ]
    subject = next((ANSWER.sub("", one.subject) for one in group if one.subject), None)
    return {
        "id": first["id"],
        "subject": subject or first["title"],
        "participants": list(dict.fromkeys(people)),
        "with": list(dict.fromkeys(others)),
        "messages": len(group),
        "first": first["date"],
        "last": last["date"],
        "last_from_you": last["from_you"],
        "sources": sorted({name for one in group for name in one.event["sources"]}),
    }


# ── which ─────────────────────────────────────────────────────────────────────────────────────────


def _wanted(store: Store, selection: Selection) -> set[int]:
    condition, values = selection.where()
    return {row[0] for row in store.db.execute(f"SELECT id FROM record WHERE {condition}", values)}


def _is_with(group: list[Letter], who: str) -> bool:
    """Whether all words of a name are in that of somebody who wrote or was written to."""
    wanted = _plain(who)
    names = (name for one in group for name in (one.event["from"], *one.event["to"]) if name)
    return any(all(word in _plain(name) for word in wanted) for name in names) if wanted else True


def _plain(name: str) -> list[str]:
    import unicodedata

    apart = unicodedata.normalize("NFKD", name.casefold())
    words = "".join(char if char.isalnum() else " " for char in apart if not unicodedata.combining(char))
    return [word for word in words.split() if word not in ("dr", "md", "mr", "mrs", "ms", "prof")]


def _number(store: Store, ref: str) -> int:
    """The record that `412` or `Communication/abc` means."""
    from phr.views.own import record_of

    return int(record_of(store, ref, None))
