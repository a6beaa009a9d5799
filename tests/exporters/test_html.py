"""The page of a record: complete in itself, words stay words, and nothing is on it that does not belong there."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

import pytest

from phr.exporters import html_rows, html_words
from phr.exporters.base import Exported, Options
from phr.exporters.registry import write
from phr.model import Received
from phr.store.store import Store
from phr.views.selection import Selection
from phr.views.timeline import all_events

Make = Callable[..., Received]
ADA = {"name": [{"family": "Example", "given": ["Ada"]}], "birthDate": "1971-04-17"}
SUBJECT = {"subject": {"reference": "Patient/p"}}
CLINICAL = {
    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]
}
EVIL = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "<!--",
    "]]></style></title>",
    "a\u2028b",
    '" onmouseover="alert(1)',
    "&lt;b&gt;",
    "\ud800half",
    "\u202egnp.exe",
]


def quantity(value: float, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    """A value with its range, as elements of an Observation."""
    range_ = {
        name: {"value": one, "unit": "g/dL"}
        for name, one in (("low", low), ("high", high))
        if one is not None
    }
    return {"valueQuantity": {"value": value, "unit": "g/dL"}, "referenceRange": [range_] if range_ else []}


@pytest.fixture
def life(store: Store, received: Make) -> Store:
    """Two sources that know one person."""
    one, two = (store.sources.ensure(name).key for name in ("clinic", "hospital"))
    code = {"coding": [{"system": "http://loinc.org", "code": "718-7", "display": "Hemoglobin"}]}
    store.save(
        one,
        [
            received("Patient", "p", **ADA),
            received(
                "Condition", "c", code={"text": "Asthma <script>"}, clinicalStatus=CLINICAL,
                onsetDateTime="2019-03", **SUBJECT,
            ),
            received("Goal", "g", lifecycleStatus="active", description={"text": "Walk"}, **SUBJECT),
            *(
                received(
                    "Observation", f"o{year}", status="final", code=code, effectiveDateTime=f"{year}-05-06T10:30:00Z",
                    category=[{"coding": [{"code": "laboratory"}]}], **quantity(9.5 + year - 2020, 12, 16), **SUBJECT,
                )
                for year in (2020, 2021, 2023)
            ),
        ],
    )  # fmt: skip
    store.save(
        two,
        [
            received("Patient", "p", **ADA),
            received(
                "Immunization", "i", status="completed", vaccineCode={"text": "Influenza"},
                occurrenceDateTime="2023-10-01", patient={"reference": "Patient/p"},
            ),
            received("Claim", "k", status="active"),
        ],
    )  # fmt: skip
    return store


def written(store: Store, selection: Selection | None = None, **options: Any) -> tuple[str, Exported]:
    out = io.BytesIO()
    done = write(store, "html", selection or Selection(), out, Options(**options))
    assert done.bytes == len(out.getvalue())
    return out.getvalue().decode(), done


class Page(HTMLParser):
    """What a browser would meet."""

    def __init__(self, body: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(body)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def test_the_page_is_complete_in_itself_and_shows_words_as_words(life: Store) -> None:
    body, done = written(life)
    page = Page(body)

    assert not {tag for tag, _ in page.tags} & {"img", "link", "iframe", "object", "form", "base", "embed"}
    assert not [
        name
        for _, attrs in page.tags
        for name in attrs
        if name in ("src", "style", "srcdoc") or name.startswith("on")
    ]
    assert "url(" not in body and "@import" not in body
    assert "Asthma <script>" in page.text
    assert "Ada Example" in page.words
    assert done.sections["11450-4"] == 1


def test_the_policy_names_each_script_and_style_by_its_hash_and_allows_nothing_else(life: Store) -> None:
    body, _ = written(life)
    policy = next(attrs["content"] or "" for _, attrs in Page(body).tags if "http-equiv" in attrs)
    told = dict(part.strip().split(" ", 1) for part in policy.split(";"))

    def hashes(tag: str) -> list[str]:
        found = re.findall(rf"<{tag}>(.*?)</{tag}>", body, re.DOTALL)
        return [f"'sha256-{base64.b64encode(sha256(one.encode()).digest()).decode()}'" for one in found]

    assert told["default-src"] == "'none'"
    assert told["base-uri"] == told["form-action"] == "'none'"
    assert told["script-src"].split() == hashes("script")
    assert told["style-src"].split() == hashes("style")
    assert "unsafe" not in policy


@pytest.mark.parametrize("title", EVIL)
def test_a_title_that_holds_markup_stays_text(store: Store, source: str, title: str) -> None:
    plain = html_words.clean(title)
    other = Page(written(store)[0])
    name = [{"text": title}]
    code = {"text": title, "coding": [{"system": title, "code": title, "display": title}]}
    dated = {"effectiveDateTime": "2020-01-01", "code": code, "status": "final", **SUBJECT}
    for type_, id_, elements in (
        ("Patient", "p", {"name": name}),
        ("Condition", "c", {"code": code, "note": [{"text": title}], "onsetDateTime": "2020", **SUBJECT}),
        (
            "MedicationRequest",
            "m",
            {"medicationCodeableConcept": code, "authoredOn": "2020", "status": "active"},
        ),
        ("Observation", "o1", dated | quantity(5, 1, 4)),
        ("Observation", "o2", dated | quantity(6, 1, 4) | {"effectiveDateTime": "2021-01-01"}),
    ):  # the standard library also writes half a surrogate pair
        raw = json.dumps({"resourceType": type_, "id": id_, **elements}).encode()
        store.save(source, [Received(type_, id_, raw)])
    out = io.BytesIO()
    write(store, "html", Selection(), out, Options(notes=True))
    page = Page(out.getvalue().decode())

    new = {tag for tag, _ in page.tags} - {tag for tag, _ in other.tags}
    assert not new & {"img", "iframe", "object"}
    assert [tag for tag, _ in page.tags].count("script") == 2
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    assert "\u202e" not in out.getvalue().decode() and "\u2028" not in out.getvalue().decode()
    shown = " ".join(plain.replace("\ud800", "\ufffd").split())
    assert page.text.count(shown) >= 5, "sections, chart, and a line for each record"


def test_the_page_names_what_it_does_not_know_and_only_what_was_chosen(life: Store) -> None:
    whole = Page(written(life)[0]).text
    part = Page(written(life, sections=("goals",))[0]).text

    assert "No information. That does not mean that there is none." in whole
    assert "Everything in the record." in whole
    assert "Walk" in part
    assert "Asthma" not in part and "Influenza" not in part and "Hemoglobin" not in part
    assert "A selection: only the sections goals." in part


def test_every_record_of_the_selection_has_a_line_and_no_other(life: Store) -> None:
    body, _ = written(life)
    lines = re.findall(r"<details data-k.*?</details>", body, re.DOTALL)
    assert len(lines) == 7
    assert [re.findall(r"<span>(.*?)</span>", one)[0] for one in lines] == [
        "2023-10-01", "2023-05-06", "2021-05-06", "2020-05-06", "2019-03", "–", "–",
    ]  # fmt: skip
    part, _ = written(life, Selection(since="2021", kinds=("lab_result",)), whom="Dr. Martinez")
    assert part.count("<details data-k") == 2
    said = Page(part).text
    assert "A selection: only lab results; since 2021." in said
    assert "for Dr. Martinez from: clinic, hospital." in said or "for Dr. Martinez from: clinic." in said


def test_a_line_says_its_value_its_range_and_that_it_is_outside_of_it(life: Store) -> None:
    lines = re.findall(r"<details data-k.*?</details>", written(life)[0], re.DOTALL)
    low = next(one for one in lines if "2020-05-06" in one)
    within = next(one for one in lines if "2023-05-06" in one)

    assert " data-o" in low and " data-o" not in within
    assert "9.5 g/dL ↓<i> low</i>" in low
    assert "usual 12–16" in low
    assert "Time: 10:30 UTC.\nStatus: final." in low
    assert "LOINC 718-7" in low
    assert "<span>clinic</span>" in low


def allergy(id_: str, title: str, **elements: Any) -> tuple[str, str, dict[str, Any]]:
    patient = {"reference": "Patient/p"}
    said = {"code": {"text": title}, "clinicalStatus": CLINICAL, "patient": patient}
    return "AllergyIntolerance", id_, said | elements


def standing(body: str) -> str:
    """The words of “What stands now”; empty where it is not there."""
    found = re.search(r'<section id="now">.*?</section>', body, re.DOTALL)
    return Page(found[0]).text if found else ""


@pytest.fixture
def ill(life: Store, received: Make) -> Store:
    """The same person, who takes something and must not get something else."""
    long_name = "Substance with penicillin structure and antibacterial mechanism of action"
    severe = [{"manifestation": [{"text": "Wheezing"}], "severity": "severe"}]
    taken = {"status": "active", "intent": "order", **SUBJECT}
    told = [
        allergy("a1", "Latex", criticality="low"),
        allergy("a2", long_name, criticality="high"),
        allergy("a3", "Peanut", reaction=severe),
        ("MedicationRequest", "m1", taken | {
            "medicationCodeableConcept": {"text": "Zorvastatin"}, "authoredOn": "2016-02-03",
            "dosageInstruction": [{"text": "one in the morning"}],
        }),
    ]  # fmt: skip
    life.save(life.sources.ensure("clinic").key, [received(type_, id_, **more) for type_, id_, more in told])
    return life


def test_what_stands_now_is_first_and_marks_what_is_dangerous(ill: Store) -> None:
    body, _ = written(ill)
    order = re.findall(r'<(?:section|footer) id="([\w-]+)"', body)
    assert order[:3] == ["now", "life", "charts"]
    assert order[-2:] == ["timeline", "about"]
    assert body.index("<h1>") < body.index('role="search"') < body.index('id="now"')
    assert {"allergies", "medications", "problems"} < set(order[3:-2])
    said = standing(body)
    assert said.index("! Peanut severe reaction") < said.index("Latex")
    assert said.index("! Penicillin high risk") < said.index("Latex low risk")
    assert "! Latex" not in said and "Substance with" not in said
    assert "Zorvastatin still taking? one in the morning · since 2016-02-03" in said
    assert "Asthma since 2019-03 · clinic" in said


@pytest.mark.parametrize(
    ("selection", "sections", "there", "never"),
    [
        (Selection(kinds=("allergy",)), (), ["Penicillin", "Nothing in this selection."], ["Zorva", "Asthma"]),
        (Selection(since="2019"), (), ["Asthma"], ["Zorva", "one in the morning"]),
        (Selection(), ("problems",), ["Asthma"], ["Allergies", "Medicines", "Penicillin", "No information"]),
        (Selection(sources=("hospital",)), (), [], ["Penicillin", "What stands now"]),
        (Selection(), ("goals",), [], ["What stands now"]),
    ],
)  # fmt: skip
def test_nothing_stands_there_that_does_not_go_along(
    ill: Store, selection: Selection, sections: tuple[str, ...], there: list[str], never: list[str]
) -> None:
    body, _ = written(ill, selection, sections=sections)
    said = standing(body)
    assert [one for one in there if one not in said] == []
    assert [one for one in never if one in said] == []
    assert ('href="#now"' in body) is bool(said)


def test_what_is_marked_as_private_does_not_stand_there(ill: Store) -> None:
    number = next(one["id"] for one in all_events(ill, Selection()) if one["title"] == "Zorvastatin")
    ill.own.correct(int(number), {"sensitivity": "restricted"})
    said = standing(written(ill)[0])
    assert "Zorva" not in said and "one in the morning" not in said
    assert "No information." in said and "Penicillin" in said


def test_a_long_list_opens_without_script(store: Store, source: str, received: Make) -> None:
    many = [
        received("Condition", f"c{n}", code={"text": f"Ailment {n}"}, clinicalStatus=CLINICAL, **SUBJECT)
        for n in range(25)
    ]
    store.save(source, [received("Patient", "p", **ADA), *many])
    now = re.search(r'<section id="now">.*?</section>', written(store)[0], re.DOTALL)
    assert now
    before, folded = now[0].split("<details><summary>And 15 more</summary>")
    assert before.count("<b>Ailment") == 10 and folded.count("<b>Ailment") == 15


def test_sections_speak_as_the_rest_of_the_page(ill: Store, received: Make) -> None:
    long_name = "Alanine aminotransferase [Enzymatic activity/volume] in Serum or Plasma"
    more = {
        "code": {"coding": [{"system": "http://loinc.org", "code": "1742-6", "display": long_name}]},
        "status": "final", "effectiveDateTime": "2024-01-02", "category": [{"coding": [{"code": "laboratory"}]}],
    }  # fmt: skip
    ill.save(
        ill.sources.ensure("clinic").key,
        [received("Observation", "alt", **more, **quantity(30, 0, 32), **SUBJECT)],
    )
    body, _ = written(ill)
    results = body.split('<section id="results">')[1].split("</section>")[0]
    allergies = body.split('<section id="allergies">')[1].split("</section>")[0]
    assert "<td>Alanine aminotransferase</td>" in results and "<td>0–32" in results
    assert "<td>Penicillin</td>" in allergies and '<td class="alarm">! high risk</td>' in allergies
    pressure = {"code": {"text": "Pressure"}, "status": "final", "effectiveDateTime": "2024-01-03"} | SUBJECT
    measured = {"value": 131, "unit": "mm[Hg]", "system": "http://unitsofmeasure.org", "code": "mm[Hg]"}
    observed = received("Observation", "bp", valueQuantity=measured, **pressure)
    ill.save(ill.sources.ensure("clinic").key, [observed])
    after = written(ill)[0]
    assert "131 mmHg" in after and "mm[Hg]" not in after.split('id="timeline"')[0]
    line = next(
        one for one in re.findall(r"<details data-k.*?</details>", body, re.DOTALL) if "2024-01-02" in one
    )
    assert f"({long_name})" in line or f"In the words of its source: {long_name}" in line


def test_only_what_no_section_has_is_printed_from_the_timeline(life: Store) -> None:
    def alone(body: str) -> set[str]:
        return {
            re.findall(r"<span>(.*?)</span>", one)[2].split("<")[0].strip()
            for one in re.findall(r"<details data-k.*?</details>", body, re.DOTALL)
            if " data-a" in one
        }

    body, _ = written(life)
    assert len(alone(body)) == 1 and "Claim" in next(
        iter(re.findall(r"data-a.*?</details>", body, re.DOTALL))
    )
    assert (
        '<section class="year told" data-year="2023">' in body
        and '<section class="year" data-year="-">' in body
    )
    life.own.correct(2, {"date": "2018-02"})
    assert '<section class="year" data-year="2018">' in written(life)[0]
    part, _ = written(life, Selection(kinds=("lab_result",)))
    assert '<section id="timeline" class="told">' in part and alone(part) == set()


def test_the_filters_offer_what_there_is_with_how_many(life: Store) -> None:
    body, _ = written(life)
    options = dict(
        re.findall(
            r'<option value="([^"]*)">([^<]*)</option>', body.split('id="year"')[1].split("</select>")[0]
        )
    )
    assert list(options.values()) == [
        "All years", "2023 (2)", "2021 (1)", "2020 (1)", "2019 (1)", "Date not known (2)",
    ]  # fmt: skip
    assert "Lab results (3)" in body and "Only outside their range (2)" in body
    assert '<select id="source">' in body
    one, _ = written(life, Selection(sources=("hospital",)))
    assert '<select id="source">' not in one and "Only outside" not in one


def test_what_the_timeline_has_is_not_called_left_out(life: Store) -> None:
    body, done = written(life)
    assert not [one for one in done.left_out if one.type == "Claim"]
    assert "Left out" not in Page(body).text
    part, done = written(life, Selection(since="2019"))
    assert [one.type for one in done.left_out] == ["record"]
    assert "Left out: record:" in Page(part).text.replace("Left out: Left", "Left")


def test_notes_and_corrections_stand_beside_the_record(life: Store) -> None:
    life.own.correct(2, {"date": "2018-02"})
    life.own.note(2, "Worse at the\nseaside")

    said, _ = written(life)
    assert Page(said).text.count("✎ patient’s correction") == 2, "what stands now, and its line"
    assert "Patient's correction: date 2018-02 instead of 2019-03." in Page(said).text
    assert "seaside" not in said
    assert "Worse at the\nseaside" in written(life, notes=True)[0]


def test_a_long_table_is_folded_by_script_only(store: Store, source: str, received: Make) -> None:
    many = [
        received("Condition", f"c{n}", code={"text": f"Thing {n}"}, clinicalStatus=CLINICAL, **SUBJECT)
        for n in range(60)
    ]
    store.save(source, [received("Patient", "p", **ADA), *many])
    body, _ = written(store)

    assert body.count('data-rows="60"') == 1
    assert all(f"Thing {n}<" in body for n in range(60))
    rule = re.search(r"@media screen\{([^{}]*)\{display:none\}\}", body)
    assert rule and rule[1].startswith(".js ")


def test_many_lines_are_parted_into_blocks_that_a_browser_can_leave_alone() -> None:
    events = [
        {"id": str(n), "kind": "vital_sign", "date": "2024-01-01", "title": f"Number {n}", "value_text": None,
         "sources": ["x"], "codes": [], "resource": "Observation/1"}
        for n in range(html_rows.BLOCK * 2 + 3)
    ]  # fmt: skip
    markup = "".join(html_rows.rows(events, html_rows.choices(events)))
    assert re.findall(r'class="block n(\d+)"', markup) == ["40", "40", "3"]
    assert markup.count("<h3>2024</h3>") == markup.count("<h4>January</h4>") == 1


@pytest.mark.parametrize("evil", EVIL)
def test_whatever_a_line_says_is_text(evil: str) -> None:
    event = {"id": "1", "kind": "other", "date": "2024", "title": evil, "value_text": evil, "unit": evil,
             "range_text": evil, "facility": evil, "performer": f"Dr {evil}", "description": evil, "status": evil,
             "sources": [evil, "x"], "codes": [{"system": evil, "code": evil, "display": evil}],
             "notes": [{"text": evil, "written": evil}], "abnormal": True, "resource": evil}  # fmt: skip
    offered = html_rows.choices([event])
    page = Page(html_rows.bar(offered) + "".join(html_rows.rows([event], offered)))

    assert {tag for tag, _ in page.tags} <= set(
        "div input button label span select option section h3 h4 details summary b i small p".split()
    )
    assert {name for _, attrs in page.tags for name in attrs if name.startswith("on")} == set()
    assert page.text.count(html_words.clean(evil)) >= 8


def test_an_empty_record_is_a_whole_page(store: Store) -> None:
    page = Page(written(store)[0])
    assert "Name not known" in page.text
    assert "No information. That does not mean that there is none." in page.text
    assert not [attrs for tag, attrs in page.tags if tag == "input"]


@pytest.mark.parametrize(
    ("event", "title", "value", "mark"),
    [
        ({"status": "refuted", "kind": "problem"}, "does not apply: Gout", "", ""),
        ({"status": "resolved", "kind": "problem"}, "Gout (over)", "", ""),
        ({"status": "not-done", "kind": "immunization"}, "not given: Gout", "", ""),
        ({"status": "inactive", "kind": "allergy"}, "no longer: Gout", "", ""),
        ({"status": "preliminary"}, "Gout (not final yet)", "", ""),
        ({"description": "unconfirmed; maybe"}, "unconfirmed: Gout", "", ""),
        ({"value_text": "129.12055328738617", "unit": "mm[Hg]"}, "Gout", "129.1 mmHg", ""),
        ({"value_text": "7", "value": 7, "high": 5, "abnormal": True}, "Gout", "7", "high"),
        ({"value_text": "1", "value": 1, "low": 5, "abnormal": True}, "Gout", "1", "low"),
        ({"value_text": "odd", "abnormal": True}, "Gout", "odd", "abnormal"),
        ({"value_text": "9", "interpretation": "HH"}, "Gout", "9", "critically high"),
        ({"value_text": "9", "corrected": ["value"]}, "Gout", f"9 {html_words.YOURS}", ""),
    ],
)
def test_a_record_is_called_as_it_is_on_the_screens(
    event: dict[str, Any], title: str, value: str, mark: str
) -> None:
    whole: dict[str, Any] = {
        "kind": "lab_result",
        "title": "Gout",
        "value_text": None,
        "codes": [],
        "sources": [],
    }
    found = html_words.row(whole | event)
    assert (found.title, found.value, found.mark[1]) == (title, value, mark)
