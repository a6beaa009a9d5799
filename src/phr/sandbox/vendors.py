"""How the big EHR products differ from the plain specification, as far as a patient's app can see it.

A table for `phr sandbox --vendor`: each value is something that was seen in the vendor's public documentation
or discovery documents. It imitates habits, it is not a copy of any product.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

REGISTERED_REDIRECT = "http://127.0.0.1:8765/callback"
"""The redirect address registered at the vendors that compare it letter by letter."""

_FHIR_JSON = "application/fhir+json; charset=utf-8"
_OLD_FHIR_JSON = "application/json+fhir; charset=utf-8"


@dataclass(frozen=True, slots=True)
class VendorHabits:
    """One product's habits; the defaults are the plain specification."""

    redirect_uris: tuple[str, ...] = ()
    """Registered for exact match; empty: any loopback port (RFC 8252, section 7.3)."""
    refresh_for_public: bool = True
    rotates_refresh: bool = True
    patient_in_token: bool = True
    """False: the person is told only by `fhirUser` in the id_token."""
    token_seconds: int = 3600
    page_size: int = 50
    max_page_size: int = 200
    last_updated: bool = True
    """Whether `_lastUpdated` can be searched by."""
    total: str = "all"
    """What `Bundle.total` counts: `all` matches, those on this `page`, or `none` (absent)."""
    outcome_entry: bool = False
    """A searchset carries an OperationOutcome entry that says it may not be the whole record."""
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Searches that are refused unless one of these parameters is there."""
    needs_status: int = 400
    content_type: str = _FHIR_JSON


_EXACT = (REGISTERED_REDIRECT,)

VENDORS: dict[str, VendorHabits] = {
    "sandbox": VendorHabits(),
    "custom": VendorHabits(),
    "smart-health-it": VendorHabits(),
    # No refresh token for public standalone apps; Observation and CarePlan only by category; every
    # searchset ends with a remark; total counts the page (seen in recorded answers, 2023 to 2025).
    "epic": VendorHabits(
        redirect_uris=_EXACT,
        refresh_for_public=False,
        last_updated=False,
        total="page",
        outcome_entry=True,
        needs={"Observation": ("category", "code", "_id"), "CarePlan": ("category", "_id")},
        content_type=_OLD_FHIR_JSON,
    ),
    # Tokens of 570 seconds, one refresh token for good, and no `patient` in the token answer.
    "oracle": VendorHabits(
        redirect_uris=_EXACT, rotates_refresh=False, patient_in_token=False, token_seconds=570
    ),
    # No `Bundle.total`, small pages, and 403 where others say 400.
    "athenahealth": VendorHabits(
        redirect_uris=_EXACT,
        page_size=10,
        max_page_size=100,
        total="none",
        needs={"MedicationRequest": ("intent", "_id")},
        needs_status=403,
    ),
    "meditech": VendorHabits(redirect_uris=_EXACT, last_updated=False),
    # healow: refresh tokens for confidential apps only.
    "eclinicalworks": VendorHabits(
        redirect_uris=_EXACT,
        refresh_for_public=False,
        last_updated=False,
        needs={"Observation": ("category", "code", "_id"), "CarePlan": ("category", "_id")},
    ),
    # Twenty-five on a page whatever is asked.
    "nextgen": VendorHabits(
        redirect_uris=_EXACT,
        page_size=25,
        max_page_size=25,
        needs={"Observation": ("category", "code", "_id"), "CarePlan": ("category", "_id")},
    ),
    "veradigm": VendorHabits(redirect_uris=_EXACT, refresh_for_public=False, last_updated=False),
    "medicare": VendorHabits(redirect_uris=_EXACT, page_size=10, max_page_size=50),
    "va": VendorHabits(redirect_uris=_EXACT),
    "modmed": VendorHabits(redirect_uris=_EXACT, last_updated=False),
}
"""Vendor id to habits; where a column of the public documents is silent, the default stands."""
