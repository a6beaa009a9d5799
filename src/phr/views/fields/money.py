"""Insurance and bills: FHIR R4, Financial module, and CARIN Blue Button."""

from __future__ import annotations

from phr.views.fields.special import adjudication, bill_line
from phr.views.fields.table import (
    ANY,
    CODE,
    CONCEPT,
    DATE,
    MONEY,
    NOTE,
    NUMBER,
    PERIOD,
    QUANTITY,
    REFERENCE,
    TEXT,
    WHEN,
    YES_NO,
    Field,
    Form,
    Part,
    each,
)

_TOTAL = Form(
    "category and Money",
    lambda value, say: (
        "; ".join(adjudication(value, say))
        if isinstance(value, dict) and "category" in value
        else MONEY.say(value, say)
    ),
    "\n",
)
_DIAGNOSIS = each(
    Part("diagnosis[x]", ANY),
    Part("type", CONCEPT, "({})"),
    Part("onAdmission", CONCEPT, "on admission: {}"),
    Part("packageCode", CONCEPT, "{}"),
)
_PROCEDURE = each(Part("procedure[x]", ANY), Part("type", CONCEPT, "({})"), Part("date", DATE, "{}"))
_TEAM = each(
    Part("provider", REFERENCE),
    Part("role", CONCEPT, "({})"),
    Part("qualification", CONCEPT, "{}"),
    Part("responsible", YES_NO, "responsible: {}"),
)
_INSURANCE = each(
    Part("coverage", REFERENCE),
    Part("businessArrangement", TEXT, "{}"),
    Part("preAuthRef", TEXT, "approved before as {}"),
    Part("focal", YES_NO, "used for this: {}"),
)
_PAYMENT = each(
    Part("amount", MONEY),
    Part("date", DATE, "on {}"),
    Part("type", CONCEPT, "({})"),
    Part("adjustment", MONEY, "adjusted by {}"),
    Part("adjustmentReason", CONCEPT, "because {}"),
)
_INFORMATION = each(
    Part("category", CONCEPT, "{}:"),
    Part("code", CONCEPT),
    Part("value[x]", ANY),
    Part("timing[x]", ANY),
    Part("reason", CONCEPT, "because {}"),
)
_BENEFIT = each(
    Part("category", CONCEPT),
    Part("name", TEXT, "{}"),
    Part("network", CONCEPT, "({})"),
    Part("unit", CONCEPT, "for {}"),
    Part("term", CONCEPT, "{}"),
    Part(
        "financial",
        each(
            Part("type", CONCEPT, "{}:"),
            Part("allowed[x]", ANY),
            Part("used[x]", ANY, "used {}"),
            joint="; ",
        ),
        "– {}",
    ),
)
_CLASS = each(Part("type", CONCEPT, "{}:"), Part("name", TEXT), Part("value", TEXT, "({})"))
_WORDS = Form("Annotation", NOTE.say, "\n")
_PROCESS = each(Part("text", TEXT), Part("type", CODE, "({})"), Part("number", NUMBER, "note {}"))
_ACCIDENT = each(Part("type", CONCEPT), Part("date", DATE, "{}"), Part("location[x]", ANY, "at {}"))
_PAYEE = each(Part("party", REFERENCE), Part("type", CONCEPT, "({})"))

_BILL = (
    Field("Kind of bill", "type", CONCEPT),
    Field("Special kind", "subType", CONCEPT),
    Field("Service period", "billablePeriod", PERIOD),
    Field("Billed by", "provider", REFERENCE),
    Field("Insurer", "insurer", REFERENCE),
    Field("Insurance", "insurance", _INSURANCE),
    Field("Lines", "item", each(), bill_line),
    Field("Diagnoses", "diagnosis", _DIAGNOSIS),
    Field("Procedures", "procedure", _PROCEDURE),
    Field("Care team", "careTeam", _TEAM),
    Field("Facility", "facility", REFERENCE),
    Field("Accident", "accident", _ACCIDENT),
    Field("Paid to", "payee", _PAYEE),
    Field("Also told", "supportingInfo", _INFORMATION),
    Field("Status", "status", CODE),
    Field("Use", "use", CODE),
    Field("Made on", "created", DATE),
    Field("Entered by", "enterer", REFERENCE),
    Field("Priority", "priority", CONCEPT),
    Field("Prescription", "prescription", REFERENCE),
    Field("Referral", "referral", REFERENCE),
)

TABLES: dict[str, tuple[Field, ...]] = {
    "Claim": (Field("Total", "total", MONEY), *_BILL),
    "ExplanationOfBenefit": (
        Field("Totals", "total", _TOTAL),
        Field("Paid", "payment", _PAYMENT),
        Field("Outcome", "outcome", CODE),
        Field("In words", "disposition", TEXT),
        *_BILL,
        Field("Added by the payer", "addItem", each(), bill_line),
        Field("Benefits left", "benefitBalance", _BENEFIT),
        Field("Benefit period", "benefitPeriod", PERIOD),
        Field("Claim", "claim", REFERENCE),
        Field("Notes of the payer", "processNote", _PROCESS),
        Field("Rank among insurances", "precedence", NUMBER),
    ),
    "ClaimResponse": (
        Field("Outcome", "outcome", CODE),
        Field("In words", "disposition", TEXT),
        Field("Totals", "total", _TOTAL),
        Field("Paid", "payment", _PAYMENT),
        Field("Kind of bill", "type", CONCEPT),
        Field("Lines", "item", each(), bill_line),
        Field("Added by the payer", "addItem", each(), bill_line),
        Field("Insurer", "insurer", REFERENCE),
        Field("Asked by", "requestor", REFERENCE),
        Field("Claim", "request", REFERENCE),
        Field("Approved as", "preAuthRef", TEXT),
        Field("Approval valid", "preAuthPeriod", PERIOD),
        Field("Status", "status", CODE),
        Field("Use", "use", CODE),
        Field("Made on", "created", DATE),
        Field("Notes of the payer", "processNote", _PROCESS),
        Field("Errors", "error.code", CONCEPT),
    ),
    "Coverage": (
        Field("Insurer", "payor", REFERENCE),
        Field("Kind", "type", CONCEPT),
        Field("Plan", "class", _CLASS),
        Field("Member number", "subscriberId", TEXT),
        Field("Dependent number", "dependent", TEXT),
        Field("Insured through", "subscriber", REFERENCE),
        Field("Relationship", "relationship", CONCEPT),
        Field("Policy holder", "policyHolder", REFERENCE),
        Field("Valid", "period", PERIOD),
        Field("Status", "status", CODE),
        Field("Network", "network", TEXT),
        Field("Rank among insurances", "order", NUMBER),
        Field("You pay", "costToBeneficiary", each(Part("type", CONCEPT, "{}:"), Part("value[x]", ANY))),
        Field("Contract", "contract", REFERENCE),
    ),
    "CoverageEligibilityResponse": (
        Field("Outcome", "outcome", CODE),
        Field("In words", "disposition", TEXT),
        Field("Asked for", "purpose", CODE),
        Field("Insurer", "insurer", REFERENCE),
        Field(
            "Insurance",
            "insurance",
            each(
                Part("coverage", REFERENCE),
                Part("inforce", YES_NO, "in force: {}"),
                Part("benefitPeriod", PERIOD, "{}"),
            ),
        ),
        Field("Service date", "serviced[x]", WHEN),
        Field("Asked by", "requestor", REFERENCE),
        Field("Status", "status", CODE),
        Field("Made on", "created", DATE),
        Field("Errors", "error.code", CONCEPT),
    ),
    "ChargeItem": (
        Field("What", "code", CONCEPT),
        Field("Price", "priceOverride", MONEY),
        Field("How many", "quantity", QUANTITY),
        Field("Factor", "factorOverride", NUMBER),
        Field("Why this price", "overrideReason", TEXT),
        Field("When", "occurrence[x]", WHEN),
        Field("Done by", "performer", each(Part("actor", REFERENCE), Part("function", CONCEPT, "({})"))),
        Field("Facility", "performingOrganization", REFERENCE),
        Field("Asked for by", "requestingOrganization", REFERENCE),
        Field("Billed to", "account", REFERENCE),
        Field("Reason", "reason", CONCEPT),
        Field("Body site", "bodysite", CONCEPT),
        Field("Product", "product[x]", ANY),
        Field("For", "service", REFERENCE),
        Field("Status", "status", CODE),
        Field("Entered", "enteredDate", DATE),
        Field("Entered by", "enterer", REFERENCE),
        Field("Note", "note", NOTE),
        Field("Visit", "context", REFERENCE),
    ),
    "Invoice": (
        Field("Total", "totalGross", MONEY),
        Field("Before taxes", "totalNet", MONEY),
        Field("What", "type", CONCEPT),
        Field("Date", "date", DATE),
        Field("From", "issuer", REFERENCE),
        Field("To", "recipient", REFERENCE),
        Field("How to pay", "paymentTerms", TEXT),
        Field(
            "Lines",
            "lineItem",
            each(
                Part("chargeItem[x]", ANY),
                Part(
                    "priceComponent",
                    each(
                        Part("code", CONCEPT, "{}:"),
                        Part("amount", MONEY),
                        Part("type", CODE, "({})"),
                        joint="; ",
                    ),
                    "{}",
                ),
            ),
        ),
        Field("With", "participant", each(Part("actor", REFERENCE), Part("role", CONCEPT, "({})"))),
        Field("Account", "account", REFERENCE),
        Field("Status", "status", CODE),
        Field("Why cancelled", "cancelledReason", TEXT),
        Field("Note", "note", _WORDS),
    ),
    "Account": (
        Field("What", "name", TEXT),
        Field("Description", "description", TEXT),
        Field("Kind", "type", CONCEPT),
        Field("Status", "status", CODE),
        Field("Services in", "servicePeriod", PERIOD),
        Field(
            "Insurance",
            "coverage",
            each(Part("coverage", REFERENCE), Part("priority", NUMBER, "(number {})")),
        ),
        Field(
            "Who pays",
            "guarantor",
            each(
                Part("party", REFERENCE), Part("onHold", YES_NO, "on hold: {}"), Part("period", PERIOD, "{}")
            ),
        ),
        Field("Run by", "owner", REFERENCE),
        Field("Part of", "partOf", REFERENCE),
    ),
}
