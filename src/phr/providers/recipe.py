"""What a person reads before registering an app: the vendor's entry, in sentences."""

from __future__ import annotations

from collections.abc import Iterable

from phr.model import Provider, Vendor

_SECRET = ("client_secret_basic", "client_secret_post")
_REFRESH = {
    "public": "A public app (no secret) is renewed without you, if it asks for offline_access.",
    "confidential": "Only an app with a secret or a key (a confidential client) is renewed without you.",
    "dynamic": "Renewed without you by a key that is registered at the first sign-in, where the organisation allows it.",
    "none": "Nothing is renewed: you sign in again whenever the access ends.",
    "unknown": "Whether it is renewed without you is not known.",
}
_AUTH = {
    "public": "public app with PKCE, no secret",
    "client_secret_basic": "client secret",
    "client_secret_post": "client secret (sent in the body)",
    "private_key_jwt": "a key of your own (phr keys show)",
    "dynamic": "a client that phr registers by itself",
    "backend": "without a person (SMART Backend Services)",
    "bearer": "a token given by hand",
    "none": "open, no sign-in",
}
_REGISTRATION = {
    "portal": "by hand, in the portal",
    "open": "phr registers itself where the server allows it",
    "after-sign-in": "by hand in the portal; phr then registers a second one for each connection",
}
_WAYS = {
    "loopback": "the browser comes back to this computer",
    "https-loopback": "the browser comes back to this computer over https, with a certificate made here",
    "relay": "over a page of yours on the web (examples/relay)",
    "paste": "you paste the address on which the browser ended",
}


def text(vendor: Vendor, redirect_uri: str) -> str:
    """How to get a client id, with the address to register in its place."""
    return vendor.recipe.replace("{redirect_uri}", redirect_uri)


def steps(provider: Provider, redirect_uri: str) -> str:
    """As `text`; nothing for an open server of a vendor whose other servers want a sign-in."""
    open_one = provider.auth in ("none", "bearer") and provider.vendor.auth[0] != provider.auth
    return "" if open_one else text(provider.vendor, redirect_uri)


def has_organisations(catalog: Iterable[Provider], vendor: Vendor) -> bool:
    """Whether organisations of this vendor, with their addresses, can be found in the catalogue."""
    return any(one.vendor.id == vendor.id and one.fhir_base and not one.sandbox for one in catalog)


def signing_in(provider: Provider) -> str:
    """The ways this provider takes, the usual one first."""
    ways = (provider.auth,) if provider.auth else provider.vendor.auth
    return "; ".join(_AUTH.get(one, one) for one in ways)


def registration(vendor: Vendor) -> str:
    return _REGISTRATION.get(vendor.registration, vendor.registration)


def way_back(mode: str) -> str:
    return _WAYS.get(mode, mode)


def staying(vendor: Vendor) -> list[str]:
    """How long a sign-in lasts, and what makes it last."""
    lines = []
    if vendor.token_seconds:
        lines.append(f"Access lasts {_span(vendor.token_seconds)} at a time.")
    lines.append(_REFRESH.get(vendor.refresh, ""))
    if vendor.refresh_idle_hours:
        idle = _span(vendor.refresh_idle_hours * 3600)
        lines.append(f"It dies when it is not used for {idle}: sync more often than that.")
    if vendor.consent_days:
        lines.append(
            f"You are asked to sign in again {_span(vendor.consent_days * 86400)} after the last sign-in."
        )
    return [line for line in lines if line]


def with_secret(provider: Provider) -> bool:
    """Whether only an app with a secret is renewed here, and one without is what is usual."""
    ways = (provider.auth,) if provider.auth else provider.vendor.auth
    return (
        provider.vendor.refresh == "confidential" and ways[0] == "public" and any(w in _SECRET for w in ways)
    )


def next_command(
    provider: Provider, client_id: str | None, *, organisations: bool = True, secret: bool = False
) -> list[str]:
    """What to type now, exactly. `organisations`: whether the vendor's can be found in the catalogue; `secret`: in the
    way of a confidential app."""
    vendor = provider.vendor
    ways = (provider.auth,) if provider.auth else vendor.auth
    words = f"phr connect {provider.id}"
    if not client_id and vendor.registration != "open" and ways[0] not in ("none", "bearer"):
        words += " --client-id YOUR-CLIENT-ID"
        secret = secret or ways[0] in _SECRET
    else:
        secret = secret and ways[0] not in ("none", "bearer")
    words += " --client-secret-stdin" if secret else ""
    words += {"bearer": " --token-stdin", "none": " --patient ID"}.get(ways[0], "")
    start = f"phr connect {provider.id}"
    if provider.fhir_base is not None:
        return [words]
    own = provider.id == vendor.id and vendor.id not in ("custom", "sandbox")
    if own and organisations:
        search = 'phr providers search "NAME OF YOUR HOSPITAL OR PRACTICE"'
        return [search, words.replace(start, "phr connect ITS-ID", 1)]
    address = "http://127.0.0.1:PORT/fhir" if vendor.id == "sandbox" else "FHIR_BASE"
    return [words.replace(start, f"{start} --url {address}", 1)]


def _span(seconds: float) -> str:
    """`10 minutes`, `48 hours`, `90 days`, `13 months`."""
    for size, one in ((86400 * 365, "year"), (86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        number = seconds / size
        if number >= (3 if one == "day" else 1) and (number == int(number) or one != "year"):
            return f"{number:.0f} {one}{'' if round(number) == 1 else 's'}"
    return f"{seconds:.0f} seconds"
