"""Documents, notes, forms, insurances, bills, wishes for one's own care (FHIR R4, Foundation and Financial modules)."""

from __future__ import annotations

import base64
from typing import Any

from phr.model import Code
from phr.workspace.own.told import (
    HL7,
    LOINC,
    Told,
    concept,
    filled,
    listed,
    period,
    person,
    place,
    quantity,
    text,
)
from phr.workspace.own.treatments import attachments

Json = dict[str, Any]
_DISPLAY = "http://hl7.org/fhir/StructureDefinition/display"
_DIRECTIVE = Code(LOINC, "42348-3", "Advance directives")
_NOTE = Code(LOINC, "34109-9", "Note")
_CATEGORY = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category"


def document(told: Told, subject: Json) -> Json:
    """A DocumentReference that holds the files. Its type is what the person calls it, so that the title stays theirs."""
    type_ = told.get("type")
    return _reference(
        told, subject, type_=told.concept(), category=listed(text(type_)), author=person(told.get("by")),
        description=told.get("note"), content=[{"attachment": one} for one in attachments(told)],
    )  # fmt: skip


def note(told: Told, subject: Json) -> Json:
    """The person's own words as a clinical note (US Core DocumentReference)."""
    words = (told.get("text") or "").encode()
    attached = {
        "contentType": "text/plain;charset=utf-8",
        "data": base64.b64encode(words).decode("ascii"),
        "size": len(words),
    }
    category = [{"coding": [{"system": _CATEGORY, "code": "clinical-note", "display": "Clinical Note"}]}]
    return _reference(
        told, subject, type_=concept(told.title, told.codes or (_NOTE,)), category=category,
        author=person(told.get("by")) or subject, description=None, content=[{"attachment": attached}],
    )  # fmt: skip


def _reference(
    told: Told,
    subject: Json,
    *,
    type_: Json,
    category: list[Json],
    author: Json | None,
    description: str | None,
    content: list[Json],
) -> Json:
    when = told.get("date")
    # `date` is an instant; a day alone is when it happened
    timed = when if when and "T" in when else None
    context = filled(
        {
            "encounter": listed(told.encounter()),
            "period": {"start": when} if when and not timed else None,
            "related": [one.reference() for one in told.about],
        }
    )
    return {
        "resourceType": "DocumentReference",
        "status": told.get("status") or "current",
        "type": type_,
        "category": category,
        "subject": subject,
        "date": timed,
        "author": listed(author),
        "custodian": place(told.get("where")),
        "description": description,
        "content": content,
        "context": context,
    }


def directive(told: Told, subject: Json) -> Json:
    """A Consent about one's own care; with the paper itself a DocumentReference of that type (LOINC 42348-3)."""
    words = told.get("text")
    if told.files:
        return _reference(
            told, subject, type_=concept(told.title, told.codes or (_DIRECTIVE,)), category=[], author=None,
            description=words, content=[{"attachment": one} for one in attachments(told)],
        )  # fmt: skip
    category = [{"system": f"{HL7}/consentcategorycodes", "code": "acd", "display": "Advance Directive"}]
    return {
        "resourceType": "Consent",
        "status": told.get("status") or "active",
        "scope": {
            "coding": [{"system": f"{HL7}/consentscope", "code": "adr", "display": "Advanced Care Directive"}]
        },
        "category": [{"coding": category, "text": told.title}],
        "patient": subject,
        "dateTime": told.get("date"),
        "organization": listed(place(told.get("where"))),
        # a policy has to be there (ppc-1): the words themselves are it
        "policyRule": text(words or told.title),
    }


def questionnaire(told: Told, subject: Json) -> Json:
    """A QuestionnaireResponse; the form is known by its name only."""
    items = []
    for number, said in enumerate(told.many("answer"), 1):
        question, _, answer = said.rpartition("=")
        items.append(
            filled(
                {
                    "linkId": str(number),
                    "text": question.strip(),
                    "answer": [{"valueString": answer.strip()}] if answer.strip() else None,
                }
            )
        )
    return {
        "resourceType": "QuestionnaireResponse",
        "_questionnaire": {"extension": [{"url": _DISPLAY, "valueString": told.title}]},
        "status": told.get("status") or "completed",
        "subject": subject,
        "encounter": told.encounter(),
        "authored": told.get("date"),
        "author": subject,
        "source": subject,
        "item": items,
    }


def coverage(told: Told, subject: Json) -> Json:
    """A Coverage: who pays, under which number."""
    classes = [
        {"type": {"coding": [{"system": f"{HL7}/coverage-class", "code": name}]}, "value": value}
        for name, value in (("group", told.get("group")), ("plan", told.get("plan")))
        if value
    ]
    return {
        "resourceType": "Coverage",
        "status": told.get("status") or "active",
        "subscriberId": told.get("member_id"),
        "beneficiary": subject,
        "period": period(told.get("date"), told.get("end")),
        "payor": [{"type": "Organization", "display": told.title}],
        "class": classes,
    }


def bill(told: Told, subject: Json) -> Json:
    """An Invoice: a Claim demands what only an insurer knows."""
    amount, currency = told.get("amount"), told.get("currency")
    money = filled({"value": quantity(amount)["value"], "currency": currency}) if amount else None
    return {
        "resourceType": "Invoice",
        "status": told.get("status") or ("balanced" if told.yes("paid") else "issued"),
        "type": told.concept(),
        "subject": subject,
        "date": told.get("date"),
        "participant": [{"actor": one} for one in listed(person(told.get("by")))],
        "issuer": place(told.get("where")),
        "totalGross": money,
        "note": told.notes(),
    }
