"""The words that the other nouns are made of. Apart from them, because settings need no more than these."""

from __future__ import annotations

AUTH_METHODS = (
    "public",
    "client_secret_basic",
    "client_secret_post",
    "private_key_jwt",
    "dynamic",
    "backend",
    "bearer",
    "none",
)
"""How an app shows who it is (RFC 6749 section 2.3, RFC 7523, RFC 7591), in the words of `phr connect --auth`.

`public`: PKCE alone. `dynamic`: a client of this connection's own, registered by the app. `backend`: no person
signs in (SMART Backend Services). `bearer`: a token given by hand. `none`: an open server.
"""

REDIRECTS = ("loopback", "https-loopback", "relay", "paste")
"""How the answer of a sign-in comes back, in the words of `phr connect --redirect`."""

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
"""The names of this very computer (RFC 8252 section 7.3)."""

KINDS = (
    "lab_result",
    "vital_sign",
    "problem",
    "medication",
    "allergy",
    "immunization",
    "procedure",
    "encounter",
    "imaging",
    "clinical_note",
    "document",
    "care_plan",
    "goal",
    "care_team",
    "social_history",
    "family_history",
    "device",
    "message",
    "task",
    "appointment",
    "order",
    "coverage",
    "claim",
    "questionnaire",
    "directive",
    "other",
)
"""What a Record can be; the list is fixed, scripts rely on it."""
