"""Reads `Accept` (RFC 9110, section 12.5.1) for FHIR JSON and for the native form of a Binary."""

from __future__ import annotations

from collections.abc import Iterator

FHIR_TYPES = frozenset(["application/fhir+json", "application/json+fhir", "application/json"])


def takes_fhir_json(accept: str | None, format_: str | None = None) -> bool:
    """Whether a client takes FHIR JSON; `_format` counts before `Accept` (FHIR R4 http.html#mime-type)."""
    if format_ is not None:
        return format_.partition(";")[0].replace(" ", "+") in FHIR_TYPES | {"json"}
    return any(range_ in FHIR_TYPES or range_ in ("*/*", "application/*") for range_ in _ranges(accept))


def choose(accept: str | None, own: str) -> str | None:
    """`fhir` for the JSON form, `native` for the bytes, None when neither is taken.

    FHIR JSON only when it is asked for by name; `*/*` gets the bytes.
    """
    plain = own.partition(";")[0].strip().lower()
    for range_ in _ranges(accept):
        if range_ in FHIR_TYPES and range_ != plain:
            return "fhir"
        if range_ in ("*/*", plain) or (range_.endswith("/*") and plain.startswith(range_[:-1])):
            return "native"
    return None


def _ranges(accept: str | None) -> Iterator[str]:
    """The media ranges, best first; those with `q=0` are left out."""
    weighted = []
    for part in (accept or "*/*").split(","):
        range_, *details = (piece.strip().lower() for piece in part.split(";"))
        quality = 1.0
        for detail in details:
            if detail.startswith("q="):
                try:
                    quality = float(detail[2:])
                except ValueError:
                    quality = 0.0
        if quality > 0 and range_:
            weighted.append((quality, range_))
    yield from (range_ for _, range_ in sorted(weighted, key=lambda pair: -pair[0]))
