"""Fetched documents go along with the records that point at them."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable

import orjson

from phr.model import Received
from phr.store.store import Store
from phr.views.bundle import ENCLOSED, bundle, stream


def letter(received: Callable[..., Received], id_: str, url: str) -> Received:
    return received(
        "DocumentReference", id_, content=[{"attachment": {"url": url, "contentType": "text/plain"}}]
    )


def fetched(store: Store, source: str, content: bytes) -> None:
    for one in store.documents.wanted(source):
        store.documents.keep(one, content, None)


def test_a_fetched_document_is_in_the_bundle_and_in_the_stream(
    store: Store, source: str, received: Callable[..., Received]
) -> None:
    store.save(source, [letter(received, "1", "Binary/b"), letter(received, "2", "Binary/b")])
    fetched(store, source, b"Dear colleague")
    entries = bundle(store).bundle["entry"]
    (binary,) = [entry for entry in entries if entry["resource"]["resourceType"] == "Binary"]
    note = next(entry for entry in entries if entry["resource"]["resourceType"] == "DocumentReference")
    assert binary["fullUrl"].removesuffix("Binary/b") == note["fullUrl"].removesuffix(
        "DocumentReference/1"
    ).removesuffix("DocumentReference/2")
    assert b64decode(binary["resource"]["data"]) == b"Dear colleague"
    handed_on = {url: orjson.loads(raw)["resourceType"] for url, raw in stream(store)}
    assert handed_on[binary["fullUrl"]] == "Binary"


def test_a_document_at_an_address_of_its_own_keeps_it(
    store: Store, source: str, received: Callable[..., Received]
) -> None:
    store.save(source, [letter(received, "1", "https://ehr.example/document/pdf-7")])
    fetched(store, source, b"%PDF")
    assert "https://ehr.example/document/pdf-7" in dict(stream(store))


def test_a_large_document_is_not_held_in_memory_for_a_summary(
    store: Store, source: str, received: Callable[..., Received]
) -> None:
    store.save(source, [letter(received, "1", "Binary/big")])
    fetched(store, source, b"x" * (ENCLOSED + 1))
    assert all(entry["resource"]["resourceType"] != "Binary" for entry in bundle(store).bundle["entry"])
    assert any(url.endswith("Binary/big") for url, _ in stream(store))
