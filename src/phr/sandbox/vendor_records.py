"""How the EHR products give out records, where it differs from the plain specification.

A table for `phr sandbox --vendor`: each value was seen in the vendor's public documentation or CapabilityStatement, or
recorded by other apps. Where those are silent, the default stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PRACTICE = "a-1.Practice-195900"
"""The practice of the athenahealth sandbox."""

_BY_CATEGORY = ("category", "_id")
_BY_CATEGORY_OR_CODE = ("category", "code", "_id")
_COMPARE = ("eq", "ge", "gt", "le", "lt")
_ALL_BULK = ("patient", "group", "system")
_PLAIN = {"batch": True, "bulk": _ALL_BULK, "bulk_for_people": True}

# `_lastupdated` for two types, no meta at all, a misspelt ETag. Pages by a session that ends; total counts the page;
# every searchset carries a remark, and what was not authorised is a warning in a 200. C-CDA is made anew each time.
_EPIC = {
    "last_updated": ("DocumentReference", "MeasureReport"),
    "last_updated_name": "_lastupdated",
    "meta": "none",
    "etag": "E-Tag",
    "next_by": "sessionID",
    "dead_as": "4113",
    "total": "page",
    "outcome_entry": True,
    "unknown_params": "warned",
    "needs": {
        "Observation": _BY_CATEGORY_OR_CODE,
        "CarePlan": _BY_CATEGORY,
        "EpisodeOfCare": ("type", "_id"),
        "RelatedPerson": ("_id",),
    },
    "needs_words_of": {
        "Observation": "Must have either code or category.",
        "CarePlan": "This resource requires a category for searching. Use 38717003 for longitudinal, "
        "734163000 for encounter, 736271009 for outpatient, 736353004 for inpatient.",
    },
    "refused_values": {"Observation.category": ("procedure", "therapy", "activity")},
    "issue_system": "urn:oid:1.2.840.114350.1.13.0.1.7.2.657369",
    "issue_codes": {
        "informational": "4119",
        "processing": "4101",
        "required": "59108",
        "required:CarePlan": "59159",
        "suppressed": "59204",
        "value": "59109",
        "deleted": "4103",
    },
    "unknown_type": "html-404",
    "refused_type": "empty-403",
    "refuses": {"Provenance": "html-404"},
    "everything": False,
    "content_type": "application/json+fhir; charset=utf-8",
    "generated_documents": True,
    "documents_a_day": 80,
    "bulk": ("group",),
    "bulk_at_once": 1,
}

_ORACLE_SINCE = (
    "AllergyIntolerance Condition DiagnosticReport DocumentReference Encounter Immunization MedicationDispense "
    "MedicationRequest NutritionOrder Observation Procedure ServiceRequest"
)

# Twelve types by `_lastUpdated`, not together with a date; `_id` alone; a resource may come on two pages.
_ORACLE = {
    "last_updated": tuple(_ORACLE_SINCE.split()),
    "last_updated_prefixes": _COMPARE,
    "last_updated_not_with": ("date", "period"),
    "needs": {"Appointment": ("date", "_id")},
    "needs_person": True,
    "needs_words": "No supported search parameters were provided for {type}.",
    "id_alone": True,
    "page_sizes_of": {
        "Observation": (50, 200),
        "DiagnosticReport": (10, 100),
        "DocumentReference": (10, 100),
    },
    "next_by": "pageContext",
    "next_keeps_query": True,
    "next_with": (("direction", "NEXT"),),
    "twice": "next",
    "binary_needs_parent": True,
    "not_acceptable": "empty",
    "everything": False,
    "bulk": ("group", "patient"),
    "bulk_repeats_type": False,
}

_VERADIGM = {"last_updated": (), "everything": False, "undeclared": ("_count",), "bulk": ("group",)}

# Twenty-five on a page whatever is asked, no next link after the second, though 109 were announced; a number in the
# link and another case in its path. Issues without code, entries without search, documents outside FHIR.
_NEXTGEN = {
    "meta": "no-last-updated",
    "page_size": 25,
    "max_page_size": 25,
    "count": "ignored",
    "next_by": "page",
    "next_stops_after": 2,
    "next_as": "other-case",
    "entry_mode": False,
    "issue_has_code": False,
    "needs": {"Observation": _BY_CATEGORY_OR_CODE, "CarePlan": _BY_CATEGORY},
    "needs_status_of": {"CarePlan": 404},
    "unknown_type": "denied-403",
    "refused_type": "denied-403",
    "unknown_id": "stack-400",
    "refuses": {
        "Account": "denied-403",
        "Appointment": "denied-403",
        "FamilyMemberHistory": "denied-403",
        "NutritionOrder": "denied-403",
        "Provenance": "stack-400",
        "QuestionnaireResponse": "denied-403",
        "Schedule": "denied-403",
        "Slot": "denied-403",
    },
    "attachments": ("document",),
    "everything": False,
}

# No total, a cursor beside the query, 403 where others say 400; documents inline or nowhere; meta on about half.
_ATHENA = {
    "meta": "half",
    "page_size": 10,
    "max_page_size": 100,
    "next_by": "cursor",
    "next_keeps_query": True,
    "total": "none",
    "needs": {
        "MedicationRequest": ("intent", "_id"),
        "Medication": ("_id",),
        "Location": ("_id",),
        "Organization": ("_id",),
        "Practitioner": ("_id",),
        "Provenance": ("target", "_id"),
    },
    "known_values": {"MedicationRequest.intent": ("order", "plan")},
    "needs_status": 403,
    "needs_code": "forbidden",
    "needs_words": "The search query could not be performed because one of the required parameter combinations "
    "{combinations} was not provided.",
    "issue_text": "details",
    "attachments": ("inline", "neither"),
    "everything": False,
    "practice": f"Organization/{PRACTICE}",
    "per_second": 500,
    "limit_headers": "both",
    "bulk": ("group",),
}

# Self links, next links and fullUrls name another host by http; Goals are announced and do not come; documents time
# out. 250 calls in a minute of the clock for a practice, signing in counted; 429 without Retry-After.
_ECW = {
    "last_updated": (),
    "needs": {
        "Observation": _BY_CATEGORY_OR_CODE,
        "CarePlan": _BY_CATEGORY,
        "CareTeam": ("status", "_id"),
    },
    "needs_code": "processing",
    "needs_words": "Invalid request: Does not know how to handle get operation with parameter [{given}]",
    "count": "ignored",
    "undeclared": ("_count",),
    "next_by": "page",
    "next_as": "other-host",
    "entry_url": "other-host",
    "total_without_entries": {"Goal": 50},
    "fails_first": {"DocumentReference": (408, 1)},
    "content_type": "application/json+fhir;charset=UTF-8",
    "per_minute": 250,
    "per_second": 7,
    "burst": 14,
    "per_day": 100_000,
    "retry_after": "none",
    "bulk": ("group",),
}

RECORDS: Mapping[str, Mapping[str, Any]] = {
    "sandbox": _PLAIN,
    "custom": _PLAIN,
    "smart-health-it": _PLAIN,
    "epic": _EPIC,
    "oracle": _ORACLE,
    "meditech": {"last_updated": (), "next_by": "continue", "bulk": ("patient", "group")},
    "veradigm": _VERADIGM,
    "altera": _VERADIGM,
    "followmyhealth": _VERADIGM,
    "nextgen": _NEXTGEN,
    "nextgen-office": {"last_updated": (), "next_by": "_getpages"},
    "athenahealth": _ATHENA,
    "eclinicalworks": _ECW,
    # Claims alone; pages by where they begin; 401 for the Patient of an app that did not ask for the person.
    "medicare": {
        "types": ("Patient", "Coverage", "ExplanationOfBenefit"),
        "page_size": 10,
        "max_page_size": 50,
        "next_by": "startIndex",
        "last_updated_prefixes": _COMPARE[1:],
        "refused_type": "outcome-401",
        "everything": False,
    },
    # X-RateLimit-Reset and no Retry-After; how many requests is not known.
    "va": {
        "last_updated": ("Appointment",),
        "next_by": "page",
        "limit_headers": "x-ratelimit",
        "retry_after": "none",
        "everything": False,
    },
    "humana": {"everything_paged": False, "everything_self": False},
    "quest": {"needs": {"Observation": _BY_CATEGORY, "DiagnosticReport": _BY_CATEGORY}},
    "cigna": {"unknown_id": "500-not-known", "content_type": "application/json"},
    "kaiser": {"references": "versioned"},
    "modmed": {"last_updated": (), "bulk": ("group",)},
    # One version number for everything; 500 where rights are lacking; `none` for an address.
    "drchrono": {"refused_type": "500", "meta": "constant-version", "attachments": ("none", "relative")},
    "trubridge": {"total": "none"},
    "medhost": {"total": "none", "content_type": "application/json", "attachments": ("elsewhere",)},
    "hapi": {"open_access": True, "next_by": "_getpages", "batch": True},
    "medplum": {"batch": True},
    # fhirsandbox.healthit.gov: everything on one page, a page of HTML where a type is not there.
    "onc-sandbox": {"count": "all", "unknown_type": "html-401", "attachments": ("elsewhere",)},
}
"""Vendor id to the habits of `RecordHabits` that differ."""
