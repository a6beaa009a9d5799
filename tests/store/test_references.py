"""What is pointed at and not here, in portions; what was refused rests for a while."""

from __future__ import annotations

from collections.abc import Callable

from phr.model import Received
from phr.store.references import START
from phr.store.store import Store

Make = Callable[..., Received]


def missing(store: Store, source: str, before: str = "2026") -> list[tuple[str, str]]:
    found = store.references.missing(source, before, START, 100, store.references.last())
    return [one.place for one in found]


def test_references_that_nothing_answers_are_remembered(store: Store, source: str, received: Make) -> None:
    store.save(
        source,
        [
            received(
                "Encounter",
                "1",
                subject={"reference": "Patient/p"},
                serviceProvider={"reference": "Organization/o"},
                participant=[{"individual": {"reference": "Practitioner?identifier=x|1"}}],
                reasonReference=[
                    {"reference": "#inside"},
                    {"reference": "https://elsewhere.example/Condition/9"},
                ],
            )
        ],
    )
    conditional = ("Practitioner", "?identifier=x|1")
    assert missing(store, source) == [("Organization", "o"), conditional]
    store.references.unanswered(source, "Organization", "o", 404, "not there", for_now=False)
    assert missing(store, source, "2026-02-01") == [conditional]
    assert missing(store, source, "2026-04-01") == [("Organization", "o"), conditional]


def test_what_could_not_be_read_for_now_is_asked_for_the_next_time(
    store: Store, source: str, received: Make
) -> None:
    store.save(source, [received("Encounter", "1", serviceProvider={"reference": "Organization/o"})])
    store.references.unanswered(source, "Organization", "o", 503, "later", for_now=True)
    assert missing(store, source) == [("Organization", "o")]


def test_absolute_references_on_the_own_base_count_as_own(store: Store, received: Make) -> None:
    source = store.sources.ensure("clinic", "connection", "https://ehr.example/fhir/").key
    provider = {"reference": "https://ehr.example/fhir/Organization/o/_history/2"}
    store.save(source, [received("Encounter", "1", serviceProvider=provider)])
    assert missing(store, source) == [("Organization", "o")]
