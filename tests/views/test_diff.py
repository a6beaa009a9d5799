"""What came, changed or went between two looks: planted truths, with the nearest things that are none."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from phr.errors import UsageError
from phr.model import Received
from phr.records.document_text import text_of
from phr.store.documents import Wanted
from phr.store.store import Store
from phr.views.diff import diff
from phr.views.diff_window import Window, window
from phr.views.look import note_look
from phr.views.selection import Selection

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
DAY = timedelta(days=1)
Json = dict[str, Any]


class Life:
    """A record with a clock that a test moves, and sources that send what it says."""

    def __init__(self, folder: Path) -> None:
        self.at = START
        self.store = Store(folder / "life.db", bytes(32), create=True, clock=lambda: self.at)

    def send(self, *resources: Json, source: str = "clinic", kind: str = "import") -> None:
        key = self.store.sources.ensure(source, kind).key
        self.store.save(
            key, [Received(one["resourceType"], one["id"], orjson.dumps(one)) for one in resources]
        )

    def gone(
        self, address: str, reason: str = "deleted", detail: str | None = None, source: str = "clinic"
    ) -> None:
        type_, _, id_ = address.partition("/")
        assert self.store.gone(self.store.sources.ensure(source).key, type_, id_, reason, detail)

    def absent(self, *ids: str) -> None:
        """As `passes.infer` notes it."""
        for id_ in ids:
            self.store.db.execute(
                "INSERT INTO absence (resource_id, since) SELECT id, ? FROM resource WHERE fhir_id = ?",
                (self.store.now(), id_),
            )

    def back(self, id_: str) -> None:
        self.store.db.execute(
            "DELETE FROM absence WHERE resource_id = (SELECT id FROM resource WHERE fhir_id = ?)", (id_,)
        )

    def look(self) -> None:
        """The person looks; later is another day."""
        assert note_look(self.store)
        self.at += DAY

    def later(self) -> None:
        self.at += DAY

    def report(self, since: str | None = None, until: str | None = None, **more: Any) -> Json:
        chosen = more.pop("selection", Selection())
        return diff(self.store, window(self.store, since, until), chosen, **more)


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    made = Life(tmp_path)
    yield made
    made.store.close()


def lab(id_: str = "o1", value: object = 4.1, **more: Any) -> Json:
    return {
        "resourceType": "Observation", "id": id_, "status": "final",
        "category": [{"coding": [{"code": "laboratory"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3", "display": "Potassium"}]},
        "effectiveDateTime": "2026-02-01T08:00:00Z",
        "valueQuantity": {"value": value, "unit": "mmol/L"}, **more,
    }  # fmt: skip


def drug(dose: str = "20 mg daily", status: str = "active", **more: Any) -> Json:
    return {
        "resourceType": "MedicationRequest", "id": "m1", "status": status, "intent": "order",
        "medicationCodeableConcept": {"text": "Lisinopril"}, "authoredOn": "2024-05-01",
        "dosageInstruction": [{"text": dose}], **more,
    }  # fmt: skip


def problem(**more: Any) -> Json:
    return {
        "resourceType": "Condition",
        "id": "c1",
        "code": {"text": "Asthma"},
        "onsetDateTime": "2015",
        **more,
    }


def note(words: str, type_: str = "text/plain", **more: Any) -> Json:
    data = b64encode(words.encode()).decode()
    return {
        "resourceType": "DocumentReference", "id": "d1", "status": "current", "type": {"text": "Progress note"},
        "date": "2026-01-01T09:00:00Z", "content": [{"attachment": {"contentType": type_, "data": data, **more}}],
    }  # fmt: skip


IN_ERROR = {"verificationStatus": {"coding": [{"code": "entered-in-error"}]}}
REPORT = {
    "resourceType": "DiagnosticReport", "id": "r1", "status": "final", "code": {"text": "CT Chest"},
    "effectiveDateTime": "2026-01-05", "conclusion": "No nodule is seen in either lung at this time, stable since 2019.",
}  # fmt: skip
NARRATIVE = {"status": "generated", "div": "<div>Lisinopril, 20 mg, made by a machine at noon</div>"}


def changes(report: Json, which: str = "changed") -> list[tuple[str, str | None, str | None]]:
    events = [event for one in report["sources"] for event in one[which]]
    return [(one["field"], one["before"], one["after"]) for event in events for one in event["changes"]]


def titles(report: Json) -> dict[str, list[str]]:
    """Which titles stand in which list, of all sources."""
    lists = ("appeared", "changed", "vanished", "came_back")
    found = {name: [event["title"] for one in report["sources"] for event in one[name]] for name in lists}
    return {name: told for name, told in found.items() if told}


# ── one thing, then the same thing otherwise: what is told of it ──────────────────────────────────

CHANGED = {
    "a dose": (drug(), drug("40 mg daily"), [("How to take it", "20 mg daily", "40 mg daily")]),
    "a status": (drug(), drug(status="stopped"), [("Status", "active", "stopped")]),
    "dose and status at once": (
        drug(), drug("40 mg daily", "stopped"),
        [("How to take it", "20 mg daily", "40 mg daily"), ("Status", "active", "stopped")],
    ),
    "a value": (lab(), lab(value=4.4), [("Result", "4.1 mmol/L", "4.4 mmol/L")]),
    "a unit": (
        lab(), lab(valueQuantity={"value": 4.1, "unit": "mEq/L"}), [("Result", "4.1 mmol/L", "4.1 mEq/L")],
    ),
    "a date": (problem(), problem(onsetDateTime="2016"), [("Began", "2015", "2016")]),
    "something said for the first time": (
        problem(), problem(abatementDateTime="2025-01"), [("Ended", None, "2025-01")],
    ),
    "something no longer said": (
        problem(abatementDateTime="2025-01"), problem(), [("Ended", "2025-01", None)],
    ),
    "a note beside it": (drug(), drug(note=[{"text": "Take with food"}]), [("Note", None, "Take with food")]),
    "who may see it": (
        problem(), problem(meta={"security": [{"code": "R", "display": "restricted"}]}),
        [("Confidentiality", None, "restricted")],
    ),
    "a drug that is contained": (
        drug(medicationCodeableConcept=None, medicationReference={"reference": "#a"},
             contained=[{"resourceType": "Medication", "id": "a", "code": {"text": "Lisinopril 10"}}]),
        drug(medicationCodeableConcept=None, medicationReference={"reference": "#a"},
             contained=[{"resourceType": "Medication", "id": "a", "code": {"text": "Lisinopril 20"}}]),
        [("Medication: What", "Lisinopril 10", "Lisinopril 20")],
    ),
    "an attached picture": (
        note("\x89PNG\r\n\x1a\nAAAA", "image/png"), note("\x89PNG\r\n\x1a\nBBBB", "image/png"),
        [("The document", None, None)],
    ),
    "another day beside an address told in full": (
        lab(performer=[{"reference": "Organization/o1"}], issued="2026-02-01T10:00:00-05:00"),
        lab(performer=[{"reference": "https://h.example/Organization/o1"}], issued="2026-02-01T15:00:00Z", value=5),
        [("Result", "4.1 mmol/L", "5 mmol/L")],
    ),
    "another laboratory": (
        lab(performer=[{"reference": "Organization/o1"}]), lab(performer=[{"reference": "Organization/o2"}]),
        [("Done by", "Organization/o1 (no name given)", "Organization/o2 (no name given)")],
    ),
    "the wording of a code": (
        lab(code={"text": "K", "coding": [{"system": "http://loinc.org", "code": "2823-3", "display": "Potassium"}]}),
        lab(code={"text": "K", "coding": [{"system": "http://loinc.org", "code": "2823-3", "display": "Kalium"}]}),
        [("The name of a code", "Potassium", "Kalium")],
    ),
    "a detail that only the source explains": (
        lab(), lab(extension=[{"url": "urn:clinic:draw-site", "valueString": "left"}]),
        [("A detail of the source's own (“draw site”)", None, "left")],
    ),
    "a number of the source's own": (
        lab(identifier=[{"system": "urn:a", "value": "1"}]),
        lab(identifier=[{"system": "urn:a", "value": "1"}, {"system": "urn:b", "value": "9"}]),
        [("A number of the source's own", None, "9")],
    ),
    "a last digit that says something": (lab(value=4.1), lab(value=4.10001), [("Result", "4.1 mmol/L", "4.10001 mmol/L")]),
}  # fmt: skip


@pytest.mark.parametrize("case", CHANGED)
def test_what_changed_is_said_field_by_field(life: Life, case: str) -> None:
    before, after, expected = CHANGED[case]
    life.send(before)
    life.look()
    life.send(after)
    life.later()
    report = life.report()
    assert changes(report) == expected
    assert list(titles(report)) == ["changed"]
    assert report["total"] == 1


SAME = {
    "when it was last updated, and its version": (
        drug(), drug(meta={"lastUpdated": "2026-03-02T00:00:00Z", "versionId": "7", "source": "#x"}),
    ),
    "the order of its elements": (drug(), dict(reversed(list(drug().items())))),
    "the order of a list": (
        drug(note=[{"text": "one"}, {"text": "two"}]), drug(note=[{"text": "two"}, {"text": "one"}]),
    ),
    "white space": (drug("20 mg  daily"), drug(" 20 mg daily\n")),
    "zeros at the end of a number": (lab(value=4.5), lab(valueQuantity={"value": "4.50", "unit": "mmol/L"})),
    "a narrative that is generated": (drug(text=NARRATIVE), drug(text=NARRATIVE | {"div": "<div>Other</div>"})),
    "ids of what is contained": (
        drug(medicationCodeableConcept=None, medicationReference={"reference": "#a"},
             contained=[{"resourceType": "Medication", "id": "a", "code": {"text": "Lisinopril"}}]),
        drug(medicationCodeableConcept=None, medicationReference={"reference": "#b7"},
             contained=[{"resourceType": "Medication", "id": "b7", "code": {"text": "Lisinopril"}}]),
    ),
    "an address that is signed anew": (
        note("x", url="https://h.example/d?token=1", data=None), note("x", url="https://h.example/d?token=2", data=None),
    ),
    "an instant in another time zone": (
        lab(effectiveDateTime="2026-02-01T23:30:00-05:00", issued="2026-02-02T10:00:00Z"),
        lab(effectiveDateTime="2026-02-02T04:30:00.000Z", issued="2026-02-02T11:00:00+01:00"),
    ),
    "an address that is told in full": (
        lab(performer=[{"reference": "Organization/o1"}]),
        lab(performer=[{"reference": "https://clinic.example/fhir/Organization/o1/_history/3"}]),
    ),
    "the character set of a file": (note("Dear colleague"), note("Dear colleague", "text/plain; charset=utf-8")),
    "white space in a file": (note("Blood drawn.\nWell."), note("Blood drawn.  \r\nWell.\r\n")),
    "nothing": (drug(), drug()),
}  # fmt: skip


@pytest.mark.parametrize("case", SAME)
def test_what_only_looks_different_is_no_change(life: Life, case: str) -> None:
    before, after = SAME[case]
    life.send(before)
    life.look()
    life.send(after)
    life.later()
    report = life.report()
    assert titles(report) == {}
    assert report["total"] == 0


# ── rounds of a life: what stands where ───────────────────────────────────────────────────────────


def came(life: Life) -> None:
    life.look()
    life.send(lab())


def came_before(life: Life) -> None:
    life.send(lab())
    life.look()


def old_but_new_here(life: Life) -> None:
    life.look()
    life.send(lab(effectiveDateTime="1999-01-01"))


def came_and_changed(life: Life) -> None:
    life.look()
    life.send(lab())
    life.later()
    life.send(lab(value=9))


def said_to_be_an_error(life: Life) -> None:
    life.send(problem())
    life.look()
    life.send(problem(**IN_ERROR))


def an_error_sent_empty(life: Life) -> None:
    life.send(problem())
    life.look()
    life.send({"resourceType": "Condition", "id": "c1", **IN_ERROR})


def deleted(life: Life) -> None:
    life.send(lab())
    life.look()
    life.gone("Observation/o1")


def deleted_long_ago(life: Life) -> None:
    life.send(lab())
    life.later()
    life.gone("Observation/o1")
    life.look()


def no_longer_returned(life: Life) -> None:
    life.send(lab())
    life.look()
    life.absent("o1")


def absent_for_long(life: Life) -> None:
    life.send(lab())
    life.later()
    life.absent("o1")
    life.look()


def came_and_was_deleted(life: Life) -> None:
    life.look()
    life.send(lab())
    life.later()
    life.gone("Observation/o1")


def came_and_is_no_longer_returned(life: Life) -> None:
    life.look()
    life.send(lab())
    life.later()
    life.absent("o1")


def born_in_error(life: Life) -> None:
    life.look()
    life.send(problem(**IN_ERROR))


def deleted_and_given_again(life: Life) -> None:
    life.send(lab())
    life.later()
    life.gone("Observation/o1")
    life.look()
    life.send(lab())


def deleted_and_given_again_otherwise(life: Life) -> None:
    life.send(lab())
    life.later()
    life.gone("Observation/o1")
    life.look()
    life.send(lab(value=9))


def no_error_after_all(life: Life) -> None:
    life.send(problem())
    life.later()
    life.send(problem(**IN_ERROR))
    life.look()
    life.send(problem())


def changed_back(life: Life) -> None:
    life.send(drug())
    life.look()
    life.send(drug("40 mg daily"))
    life.later()
    life.send(drug())


def still_an_error(life: Life) -> None:
    life.send(problem(**IN_ERROR))
    life.look()
    life.send(problem(**IN_ERROR, recordedDate="2020"))


def a_copy_of_what_was_known(life: Life) -> None:
    life.send(lab())
    life.look()
    life.send(lab("x9"), source="hospital")
    life.store.matches.settle()


def two_copies_of_something_new(life: Life) -> None:
    life.look()
    life.send(lab())
    life.later()
    life.send(lab("x9"), source="hospital")
    life.store.matches.settle()


def only_the_surroundings(life: Life) -> None:
    life.look()
    life.send({"resourceType": "Practitioner", "id": "p", "name": [{"text": "Dr. Who"}]})


WHERE: dict[Callable[[Life], None], Json] = {
    came: {"appeared": ["Potassium"]},
    came_before: {},
    old_but_new_here: {"appeared": ["Potassium"]},
    came_and_changed: {"appeared": ["Potassium"]},
    said_to_be_an_error: {"vanished": ["Asthma"]},
    an_error_sent_empty: {"vanished": ["Asthma"]},
    deleted: {"vanished": ["Potassium"]},
    deleted_long_ago: {},
    no_longer_returned: {"vanished": ["Potassium"]},
    absent_for_long: {},
    came_and_was_deleted: {"vanished": ["Potassium"]},
    came_and_is_no_longer_returned: {"appeared": ["Potassium"]},
    born_in_error: {},
    deleted_and_given_again: {"came_back": ["Potassium"]},
    deleted_and_given_again_otherwise: {"came_back": ["Potassium"]},
    no_error_after_all: {"came_back": ["Asthma"]},
    changed_back: {},
    still_an_error: {},
    a_copy_of_what_was_known: {},
    two_copies_of_something_new: {"appeared": ["Potassium"]},
    only_the_surroundings: {},
}


@pytest.mark.parametrize("round_", WHERE, ids=lambda one: one.__name__)
def test_each_thing_stands_in_the_list_where_a_person_looks_for_it(
    life: Life, round_: Callable[[Life], None]
) -> None:
    round_(life)
    life.later()
    report = life.report()
    assert titles(report) == WHERE[round_]
    assert report["total"] == sum(map(len, WHERE[round_].values()))


@pytest.mark.parametrize(
    ("round_", "name"),
    [(born_in_error, "in_error"), (changed_back, "changed_back"), (a_copy_of_what_was_known, "told_too")],
)
def test_what_is_no_news_is_counted(life: Life, round_: Callable[[Life], None], name: str) -> None:
    round_(life)
    life.later()
    (only,) = life.report()["sources"]
    assert {
        key: number for key, number in only["counts"].items() if number and key != "appeared_by_kind"
    } == {name: 1}


@pytest.mark.parametrize(
    ("round_", "how"),
    [
        (said_to_be_an_error, "entered in error"),
        (an_error_sent_empty, "entered in error"),
        (deleted, "taken back"),
        (no_longer_returned, "not returned"),
        (came_and_was_deleted, "taken back"),
    ],
)
def test_how_it_vanished_is_said(life: Life, round_: Callable[[Life], None], how: str) -> None:
    round_(life)
    life.later()
    (event,) = life.report()["sources"][0]["vanished"]
    assert event["how"] == how
    assert ("came" in event) is (round_ is came_and_was_deleted)


def test_a_merged_entry_names_what_it_is_part_of_now(life: Life) -> None:
    life.send(lab())
    life.look()
    life.gone("Observation/o1", "merged", "Observation/o7")
    life.later()
    (event,) = life.report()["sources"][0]["vanished"]
    assert (event["how"], event["merged_into"]) == ("taken back", "Observation/o7")


def test_what_one_source_takes_back_another_may_still_tell(life: Life) -> None:
    life.send(lab())
    life.send(lab("x9"), source="hospital")
    life.store.matches.settle()
    life.look()
    life.gone("Observation/o1")
    life.later()
    (only,) = life.report()["sources"]
    assert only["source"] == "clinic"
    assert only["vanished"][0]["still_told_by"] == ["hospital"]


def test_what_was_absent_and_is_returned_again_is_named(life: Life) -> None:
    life.send(lab(), problem())
    life.absent("o1", "c1")
    life.look()
    assert titles(life.report()) == {}
    life.back("o1")
    life.later()
    assert titles(life.report()) == {"came_back": ["Potassium"]}
    assert titles(life.report()) == {"came_back": ["Potassium"]}, "also when it is asked twice"
    life.look()
    assert titles(life.report()) == {}


def test_what_changed_twice_is_told_once_from_its_beginning_to_its_end(life: Life) -> None:
    life.send(drug("10 mg"))
    life.look()
    for dose in ("20 mg", "30 mg", "40 mg"):
        life.send(drug(dose))
        life.later()
    report = life.report()
    assert changes(report) == [("How to take it", "10 mg", "40 mg")]
    assert report["sources"][0]["changed"][0]["times"] == 3


def test_a_long_text_is_compared_word_by_word(life: Life) -> None:
    life.send(REPORT)
    life.look()
    life.send(REPORT | {"conclusion": REPORT["conclusion"].replace("No nodule", "A nodule of 4 mm")})
    life.later()
    (event,) = life.report()["sources"][0]["changed"]
    (change,) = event["changes"]
    assert ["-", "No"] in change["words"]
    assert "".join(text for kind, text in change["words"] if kind != "+") == change["before"]
    assert "".join(text for kind, text in change["words"] if kind != "-") == change["after"]


@pytest.mark.parametrize("type_", ["text/plain", "text/html"])
def test_the_words_of_an_attached_note_are_compared(life: Life, type_: str) -> None:
    page = "<p>{}</p>" if type_ == "text/html" else "{}"
    life.send(note(page.format("Lungs are clear. Come again in a year."), type_))
    life.look()
    life.send(note(page.format("Lungs are not clear. Come again in a week."), type_))
    life.later()
    (change,) = life.report()["sources"][0]["changed"][0]["changes"]
    assert change["field"] == "Text of the document"
    assert [text.strip() for kind, text in change["words"] if kind == "+"] == ["not", "week."]


def test_a_narrative_of_its_own_is_compared_beside_a_field(life: Life) -> None:
    def told(words: str, value: int) -> Json:
        return lab(value=value, text={"status": "additional", "div": f"<div>{words}</div>"})

    life.send(told("Drawn after a long walk in the heat", 4))
    life.look()
    life.send(told("Drawn after a long rest in the shade", 5))
    life.later()
    assert [one[0] for one in changes(life.report())] == ["Result", "In its own words"]


def test_a_document_that_was_fetched_anew_is_compared_with_what_it_was(life: Life) -> None:
    def at_address(size: int) -> Json:
        return note("", url="Binary/7", size=size) | {"description": "Discharge letter"}

    def fetched(words: str) -> None:
        body = life.store.db.execute("SELECT id FROM resource WHERE fhir_id = 'd1'").fetchone()
        wanted = Wanted(body[0], 0, "DocumentReference", "d1", "text/plain", "Binary/7")
        life.store.documents.keep(wanted, words.encode(), "text/plain", text_of(words.encode(), "text/plain"))

    first, second = (f"You were here for {days} days and may go home." for days in ("three", "four"))
    life.send(
        {**at_address(len(first)), "content": [{"attachment": {"url": "Binary/7", "size": len(first)}}]}
    )
    fetched(first)
    life.look()
    life.send(
        {**at_address(len(second)), "content": [{"attachment": {"url": "Binary/7", "size": len(second)}}]}
    )
    fetched(second)
    life.later()
    told = {one[0]: one[1:] for one in changes(life.report())}
    assert told["Text of the document"] == (first, second)


# ── since when ────────────────────────────────────────────────────────────────────────────────────


def test_looking_twice_within_the_hour_shows_the_same(life: Life) -> None:
    life.send(problem())
    life.look()
    life.send(lab())
    life.later()
    first = titles(life.report())
    note_look(life.store)
    life.at += timedelta(minutes=20)
    assert titles(life.report()) == first == {"appeared": ["Potassium"]}
    life.at += timedelta(hours=2)
    assert titles(life.report()) == {}


def test_who_never_looked_is_told_everything_also_twice(life: Life) -> None:
    life.send(problem())
    life.at += timedelta(minutes=1)
    assert life.report()["since"] is None
    note_look(life.store)
    assert titles(life.report()) == {"appeared": ["Asthma"]}
    life.at += timedelta(minutes=1)
    life.send(problem(onsetDateTime="2016"))
    life.at += timedelta(minutes=1)
    assert titles(life.report()) == {"changed": ["Asthma"]}, (
        "what came after the first look is news of its own"
    )


def test_a_time_in_the_past_is_told_as_it_was_then(life: Life) -> None:
    life.send(drug("10 mg"))
    life.at += 10 * DAY
    life.send(drug("20 mg"), lab())
    life.at += 10 * DAY
    life.send(drug("30 mg"), lab(value=9))
    life.gone("Observation/o1")
    life.at += 10 * DAY
    report = life.report("2026-03-05", "2026-03-15")
    assert changes(report) == [("How to take it", "10 mg", "20 mg")]
    assert titles(report) == {"appeared": ["Potassium"], "changed": ["Lisinopril"]}
    assert titles(life.report("2026-03-15")) == {"changed": ["Lisinopril"], "vanished": ["Potassium"]}


def in_error(life: Life) -> None:
    life.send(lab(status="entered-in-error"))


def deleted(life: Life) -> None:
    life.gone("Observation/o1")


def not_returned(life: Life) -> None:
    life.absent("o1")


@pytest.mark.parametrize(
    ("gone", "how"), [(in_error, "entered in error"), (deleted, "taken back"), (not_returned, "not returned")]
)
@pytest.mark.parametrize("value", [4.1, 5.5], ids=["as it was", "otherwise"])
def test_what_comes_back_later_does_not_change_what_was_told_of_then(
    life: Life, gone: Callable[[Life], None], how: str, value: float
) -> None:
    life.send(lab())
    life.at += 10 * DAY
    gone(life)
    life.later()
    asked = ("2026-03-05", "2026-03-15")
    first = life.report(*asked)
    life.at += 10 * DAY
    life.send(lab(value=value))
    if gone is not_returned:
        life.back("o1")
    life.report()  # where only a look knows, one came after it
    assert titles(life.report(*asked)) == titles(first) == {"vanished": ["Potassium"]}
    (event,) = life.report(*asked)["sources"][0]["vanished"]
    assert (event["how"], event["gone_since"][:10]) == (how, "2026-03-11")
    life.at += 10 * DAY
    in_error(life)  # once more, long after
    assert titles(life.report(*asked)) == {"vanished": ["Potassium"]}


def test_what_came_and_was_an_error_then_is_not_new_of_then_either(life: Life) -> None:
    life.send(problem())
    life.at += 10 * DAY
    life.send(lab())
    life.later()
    in_error(life)
    life.at += 10 * DAY
    life.send(lab())
    report = life.report("2026-03-05", "2026-03-15")
    assert titles(report) == {"vanished": ["Potassium"]}
    assert report["sources"][0]["vanished"][0]["came"] is not None


def test_what_is_counted_does_not_hang_on_how_much_is_listed(life: Life) -> None:
    life.send(
        note("Blood drawn.\nWell.", title="n"), *(lab(f"n{at}", status="preliminary") for at in range(4))
    )
    life.look()
    life.send(note("Blood drawn. \r\nWell.", title="n"), *(lab(f"n{at}") for at in range(4)))
    life.later()
    assert [life.report(limit=limit)["sources"][0]["counts"]["changed"] for limit in (0, 1, 100)] == [4, 4, 4]


def appointment(status: str = "booked", **more: Any) -> Json:
    return {"resourceType": "Appointment", "id": "a", "status": status, "start": "2026-09-01T09:00:00Z",
            "description": "Follow-up", "participant": [{"actor": {"reference": "Practitioner/p"}, "status": "accepted"}],
            **more}  # fmt: skip


ALIKE = {
    "an appointment": (appointment(), appointment(start="2026-09-01T11:00:00+02:00"), True),
    "an appointment that is called off there": (appointment(), appointment("cancelled"), False),
    "a short letter": (note("Dear colleague", title="Letter"), note("Dear colleague", title="Letter"), True),
    "another letter of that day": (note("Dear colleague", title="L"), note("Dear doctor", title="L"), False),
}  # fmt: skip


@pytest.mark.parametrize("case", ALIKE)
def test_what_another_source_told_in_the_same_words_is_no_news(life: Life, case: str) -> None:
    one, other, told = ALIKE[case]
    life.send(one)
    life.look()
    life.send(other | {"id": "elsewhere", "identifier": [{"value": "9"}]}, source="hospital")
    life.later()
    (hospital,) = life.report()["sources"]
    assert hospital["source"] == "hospital"
    assert (hospital["counts"]["told_too"], hospital["counts"]["appeared"]) == ((1, 0) if told else (0, 1))
    assert len(hospital["appeared"]) == (0 if told else 1)
    assert sum(hospital["counts"]["appeared_by_kind"].values()) == (0 if told else 1)


@pytest.mark.parametrize(
    ("since", "appeared"),
    [("2026-03-02T08:00:00Z", True), ("2026-03-02T08:00:01Z", False), ("2026-03", True), ("2025", True)],
)
def test_a_beginning_is_inclusive(life: Life, since: str, appeared: bool) -> None:
    life.at += DAY
    life.send(lab())
    life.later()
    assert bool(titles(life.report(since))) is appeared


@pytest.mark.parametrize(("since", "until"), [("2030", None), ("2026-03", "2025"), ("tomorrowish", None)])
def test_a_time_that_cannot_be_is_refused(life: Life, since: str, until: str | None) -> None:
    with pytest.raises(UsageError):
        life.report(since, until)


# ── which, and how many ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(kinds=("medication",)), {"changed": ["Lisinopril"]}),
        (Selection(kinds=("problem",)), {"vanished": ["Asthma"]}),
        (Selection(sources=("hospital",)), {"appeared": ["Potassium"]}),
        (Selection(tags=("mine",)), {"changed": ["Lisinopril"]}),
        (Selection(kinds=("goal",)), {}),
    ],
)
def test_filters_hold_for_what_came_changed_and_went(
    life: Life, selection: Selection, expected: Json
) -> None:
    life.send(drug(), problem())
    number = life.store.db.execute("SELECT id FROM resource WHERE type = 'MedicationRequest'").fetchone()[0]
    life.store.own.tag(number, ["mine"])
    life.send(problem() | {"id": "other"}, source="hospital")
    life.look()
    life.send(drug("40 mg daily"), problem(**IN_ERROR))
    life.send(lab(), source="hospital")
    life.later()
    assert titles(life.report(selection=selection)) == expected


def test_a_source_that_is_not_there_is_refused(life: Life) -> None:
    life.send(lab())
    with pytest.raises(UsageError):
        life.report(selection=Selection(sources=("nowhere",)))


def test_a_long_list_is_cut_and_counted_by_kind(life: Life) -> None:
    life.send(problem())
    life.look()
    life.send(*(lab(f"n{at}", effectiveDateTime=f"2025-01-{at + 1:02}") for at in range(20)), drug())
    life.later()
    (only,) = life.report(limit=3)["sources"]
    assert [event["date"] for event in only["appeared"]] == ["2025-01-20", "2025-01-19", "2025-01-18"]
    assert only["counts"]["appeared"] == 21
    assert only["counts"]["appeared_by_kind"] == {"lab_result": 20, "medication": 1}


def test_the_details_of_the_patient_are_told_when_they_change(life: Life) -> None:
    patient = {"resourceType": "Patient", "id": "p", "name": [{"text": "Ada Example"}]}
    life.send(patient)
    life.look()
    life.send(patient | {"telecom": [{"system": "phone", "value": "555-0100"}]})
    life.later()
    ((_, before, after),) = changes(life.report())
    assert before is None and "555-0100" in str(after)


# ── the person's own ──────────────────────────────────────────────────────────────────────────────


def test_what_the_person_did_stands_apart(life: Life) -> None:
    life.send(drug(), problem())
    number = life.store.db.execute("SELECT id FROM resource WHERE type = 'Condition'").fetchone()[0]
    life.store.own.note(number, "Before the look")
    life.look()
    life.send(lab("mine"), source="self", kind="person")
    life.store.own.note(number, "Ask about the inhaler")
    life.store.own.correct(number, {"date": "2014"}, "I remember")
    life.store.own.bookmark(number)
    life.later()
    report = life.report()
    own = report["own"]
    assert report["sources"] == []
    assert [one["title"] for one in own["added"]] == ["Potassium"]
    assert [one["note"] for one in own["notes"]] == ["Ask about the inhaler"]
    assert [(one["field"], one["value_now"]) for one in own["corrections"]] == [("date", "2014")]
    assert own["counts"] == {
        "added": 1, "changed": 0, "removed": 0, "came_back": 0, "notes": 1, "corrections": 1, "bookmarks": 1
    }  # fmt: skip
    assert report["total"] == 4


def test_the_window_says_whether_showing_it_is_a_look(life: Life) -> None:
    life.send(lab())
    life.look()
    assert window(life.store).covers_all_since_look(life.store)
    assert window(life.store, "2020").covers_all_since_look(life.store)
    assert not window(life.store, None, "2026-03-02").covers_all_since_look(life.store)
    assert not Window("2026-03-01T20:00:00Z", None, None, "").covers_all_since_look(life.store)
