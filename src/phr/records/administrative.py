"""Money, insurance, tasks, devices and supplies: FHIR R4, Financial module, and CARIN Blue Button.

Claims and coverage come from payers; everything here is about the care, not the care itself.
"""

from __future__ import annotations

from phr.fhir import read
from phr.model import Code, Resource
from phr.records.elements import codes_of, date_text, joined, labelled, notes, reasons, walk, words_of
from phr.records.measurements import quantity, quantity_words
from phr.records.references import Reading
from phr.records.shapes import Shape, Words, paths

# ── claims ────────────────────────────────────────────────────────────────────────────────────────

_CLAIM_TYPES = "http://terminology.hl7.org/CodeSystem/claim-type"
_CLAIM_WORDS = {
    "institutional": "Hospital or clinic",
    "professional": "Doctor",
    "pharmacy": "Pharmacy",
    "oral": "Dental",
    "vision": "Eye care",
}


def _bill(resource: Resource) -> str:
    """`Pharmacy` from any of the codings of `type`; CMS sends three systems side by side."""
    codes = codes_of(resource.get("type"))
    for code in sorted(codes, key=lambda code: code.system != _CLAIM_TYPES):
        if code.code in _CLAIM_WORDS:
            return _CLAIM_WORDS[code.code]
    return words_of(resource.get("type")) or ""


def _service(resource: Resource) -> str | None:
    """The first product or service that was billed."""
    found = [words_of(entry) for entry in walk(resource, ("item", "productOrService"))]
    return next((words for words in found if words), None)


def _claim_title(resource: Resource, reading: Reading) -> str | None:
    name = f"{_bill(resource)} claim".strip().capitalize()
    service = _service(resource)
    return f"{name}: {service}" if service else name


def _answer_title(resource: Resource, reading: Reading) -> str | None:
    bill = _bill(resource).lower()
    return f"Answer to a {bill} claim" if bill else "Answer to a claim"


def _benefit_title(resource: Resource, reading: Reading) -> str | None:
    service = _service(resource) or _bill(resource)
    return f"Explanation of benefits: {service}" if service else "Explanation of benefits"


def _money(resource: Resource, reading: Reading) -> str | None:
    """Totals by their category, what was paid, how many lines."""
    amounts = []
    for total in read.listed(resource.get("total")):
        category = total.get("category") if isinstance(total, dict) else None
        amount = quantity(total.get("amount") if category else total)
        if amount.number or not category:  # payers list a dozen categories of nothing
            label = (words_of(category) or "total").lower()
            amounts.append(labelled(label, joined((amount.text, amount.unit), " ")))
    paid = quantity_words(read.first(walk(resource, ("payment", "amount"))))
    lines = len(read.listed(resource.get("item")))
    return joined((*amounts, labelled("paid", paid), f"{lines} lines" if lines > 1 else None))


def _service_codes(resource: Resource, reading: Reading) -> tuple[Code, ...]:
    return codes_of(walk(resource, ("item", "productOrService"))) or codes_of(resource.get("type"))


_DIAGNOSES = paths("diagnosis.diagnosisCodeableConcept", "item.productOrService")


def _bill_shape(name: str, title: Words) -> Shape:
    return Shape(
        "claim",
        name,
        title=(),
        name_it=title,
        find_codes=_service_codes,
        when=paths("billablePeriod", "item.servicedDate", "item.servicedPeriod", "created"),
        recorded=paths("created"),
        category=paths("type"),
        people=paths("provider", "careTeam.provider", "requestor"),
        sites=paths("facility", "item.locationReference"),
        places=paths("provider", "insurer"),
        encounter=paths("item.encounter"),
        origin="payer",
        describe=_money,
        words=_DIAGNOSES,
    )


# ── coverage ──────────────────────────────────────────────────────────────────────────────────────


def _coverage_title(resource: Resource, reading: Reading) -> str | None:
    """The payer and the plan; Medicare says both only as codes and identifiers."""
    payer = next(
        (name for entry in read.listed(resource.get("payor")) if (name := _payer(entry, reading))), None
    )
    plan = next((words for entry in walk(resource, ("class", "name")) if (words := read.text(entry))), None)
    plan = plan or words_of(resource.get("type"))
    return joined((payer, plan if plan != payer else None), ": ")


def _payer(pointer: object, reading: Reading) -> str | None:
    name = reading.named(pointer)
    identifier = pointer.get("identifier") if isinstance(pointer, dict) else None
    words = read.text(identifier.get("value")) if isinstance(identifier, dict) else None
    return name or (words if words and " " in words else None)


def _coverage(resource: Resource, reading: Reading) -> str | None:
    groups = [
        labelled((words_of(entry.get("type")) or "class").lower(), read.text(entry.get("value")))
        for entry in read.dicts(resource.get("class"))
    ]
    return joined((labelled("relationship", words_of(resource.get("relationship"))), *groups))


# ── tasks, devices, supplies ──────────────────────────────────────────────────────────────────────


def _task(resource: Resource, reading: Reading) -> str | None:
    description = words_of(resource.get("description"))
    return joined(
        (
            description if resource.get("code") else None,
            labelled("reason", words_of(resource.get("reasonCode")) or reasons(resource)),
            notes(resource),
        )
    )


def _device(resource: Resource, reading: Reading) -> str | None:
    return joined(
        (
            read.text(resource.get("manufacturer")),
            labelled("model", read.text(resource.get("modelNumber")) or read.text(resource.get("model"))),
            labelled("lot", read.text(resource.get("lotNumber"))),
            labelled("expires", (date_text(resource.get("expirationDate")) or "")[:10]),
            notes(resource),
        )
    )


def _supply(resource: Resource, reading: Reading) -> str | None:
    item = resource.get("suppliedItem")
    return labelled("quantity", quantity_words(item.get("quantity"))) if isinstance(item, dict) else None


def _used_device(resource: Resource, reading: Reading) -> str | None:
    return reading.named(resource.get("device")) or words_of(resource.get("reasonCode"))


SHAPES = {
    "Claim": _bill_shape("Claim", _claim_title),
    "ExplanationOfBenefit": _bill_shape("Explanation of benefits", _benefit_title),
    "ClaimResponse": _bill_shape("Answer to a claim", _answer_title),
    "Coverage": Shape(
        "coverage",
        "Insurance",
        title=(),
        name_it=_coverage_title,
        codes=paths("type"),
        when=paths("period"),
        category=paths("type"),
        sites=paths("payor"),
        encounter=(),
        origin="payer",
        describe=_coverage,
        words=paths("class.name"),
    ),
    "CoverageEligibilityResponse": Shape(
        "coverage",
        "Insurance check",
        title=paths("disposition"),
        codes=(),
        when=paths("servicedDate", "servicedPeriod", "created"),
        recorded=paths("created"),
        category=paths("purpose"),
        places=paths("insurer"),
        encounter=(),
        origin="payer",
    ),
    "Task": Shape(
        "task",
        "Task",
        title=paths("code", "description"),
        when=paths("authoredOn", "executionPeriod", "lastModified"),
        ends=paths("executionPeriod.end", "restriction.period.end"),
        recorded=paths("authoredOn"),
        category=paths("intent"),
        people=paths("requester", "owner"),
        places=paths("requester", "owner", "location"),
        said_by=paths("requester"),
        describe=_task,
        words=paths("description", "reasonCode", "businessStatus"),
    ),
    "Device": Shape(
        "device",
        "Device",
        title=paths("deviceName.name", "type", "udiCarrier.carrierHRF", "modelNumber", "manufacturer"),
        codes=paths("type"),
        # when it was made says nothing about a life; a device is dated by its use
        when=(),
        category=(),
        places=paths("owner", "location"),
        encounter=(),
        describe=_device,
        words=paths("manufacturer", "modelNumber", "serialNumber", "type"),
    ),
    "DeviceUseStatement": Shape(
        "device",
        "Device in use",
        name_it=_used_device,
        title=paths("device.display"),
        codes=paths("reasonCode"),
        when=paths("timingDateTime", "timingPeriod", "timingTiming", "recordedOn"),
        recorded=paths("recordedOn"),
        category=(),
        people=paths("source"),
        said_by=paths("source"),
        describe=lambda resource, reading: joined((words_of(resource.get("bodySite")), notes(resource))),
    ),
    "SupplyDelivery": Shape(
        "other",
        "Supply",
        title=paths("suppliedItem.itemCodeableConcept", "suppliedItem.itemReference.display", "type"),
        codes=paths("suppliedItem.itemCodeableConcept"),
        when=paths("occurrenceDateTime", "occurrencePeriod", "occurrenceTiming"),
        category=paths("type"),
        people=paths("supplier"),
        places=paths("supplier", "destination"),
        describe=_supply,
    ),
    "ChargeItem": Shape(
        "claim",
        "Charge",
        when=paths("occurrenceDateTime", "occurrencePeriod", "enteredDate"),
        recorded=paths("enteredDate"),
        category=(),
        people=paths("performer.actor"),
        places=paths("performingOrganization", "requestingOrganization"),
        encounter=paths("context"),
        describe=lambda resource, reading: quantity_words(resource.get("priceOverride")),
    ),
    "Invoice": Shape(
        "claim",
        "Invoice",
        title=paths("type"),
        codes=paths("type"),
        when=paths("date"),
        category=(),
        people=paths("participant.actor"),
        places=paths("issuer"),
        describe=lambda resource, reading: labelled("total", quantity_words(resource.get("totalGross"))),
    ),
}
