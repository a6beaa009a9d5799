"""The registration recipe of one provider, on a screen and as a document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from phr.cli.text import Screen, clean, wrapped
from phr.errors import UsageError
from phr.providers import recipe

if TYPE_CHECKING:
    from phr.model import Provider
    from phr.workspace import Workspace

_YOUR_RELAY = "the https address of your relay page"


def redirect(here: Workspace, one: Provider) -> tuple[str, str]:
    """The way back that `phr connect` will take just now, and the redirect address to register for it."""
    from phr.workspace.way_back import usual

    try:
        way = usual(here, one.vendor)
    except UsageError:  # a relay, and no address of it is set yet
        return "relay", f"({_YOUR_RELAY}: set PHR_CONNECT_RELAY)"
    return way.mode, way.address


def document(here: Workspace, one: Provider) -> dict[str, Any]:
    """All of it, as JSON."""
    vendor = one.vendor
    mode, address = redirect(here, one)
    client_id = here.settings.vendor(vendor.id).client_id or one.client_id
    return {
        "auth": [one.auth] if one.auth else list(vendor.auth),
        "registration": vendor.registration,
        "redirect": mode,
        "redirects": list(vendor.redirects),
        "pkce": vendor.pkce,
        "redirect_uri": address,
        "client_id": client_id,
        "portal": vendor.portal or None,
        "recipe": recipe.steps(one, address),
        "waiting": vendor.waiting or None,
        "refresh": vendor.refresh,
        "staying_signed_in": recipe.staying(vendor),
        "token_seconds": vendor.token_seconds,
        "refresh_idle_hours": vendor.refresh_idle_hours,
        "consent_days": vendor.consent_days,
        "support": vendor.support or None,
        "status_page": vendor.status_page or None,
        "directory": vendor.directory or None,
        "test_sign_ins": vendor.test_sign_ins or None,
        "sure": vendor.sure or None,
        "next": _next(here, one, client_id),
        "next_with_secret": _next(here, one, client_id, secret=True)[-1] if recipe.with_secret(one) else None,
    }


def lines(here: Workspace, one: Provider, view: Screen) -> list[str]:
    """All of it, to read: what it is, how to register, how long it lasts, whom to ask, what to type now."""
    vendor = one.vendor
    mode, address = redirect(here, one)
    client_id = here.settings.vendor(vendor.id).client_id or one.client_id
    no_person = (one.auth or vendor.auth[0]) in ("none", "bearer")
    pairs = {
        "Name": one.name,
        "Id": one.id,
        "Vendor": f"{vendor.name} ({vendor.id})",
        "Place": one.place,
        "FHIR base": one.fhir_base,
        "Shared": "one address for many organisations; yours is chosen while signing in"
        if one.shared
        else None,
        "Portal": vendor.portal,
        "Client id": client_id
        or ("none is needed" if no_person else f"none yet; {recipe.registration(vendor)}"),
        "Sign-in": recipe.signing_in(one),
        "Way back": None if no_person else f"{mode}: {recipe.way_back(mode)}",
    }
    found = [line for label, value in pairs.items() if value for line in _pair(label, value, view)]
    if not no_person:
        found += [
            "",
            view.paint("Redirect address to register, letter by letter:", "bold"),
            f"  {clean(address)}",
        ]
    if steps := recipe.steps(one, address):
        found += ["", view.paint(_heading(one, client_id, no_person=no_person), "bold"), *_block(steps, view)]
    if vendor.waiting and not no_person:
        found += ["", view.paint("How long it takes:", "bold"), *wrapped(clean(vendor.waiting), view)]
    if not no_person:
        found += ["", view.paint("Staying signed in:", "bold")]
        found += [line for said in recipe.staying(vendor) for line in wrapped(said, view)]
    if vendor.test_sign_ins and (one.sandbox or one.id == vendor.id):
        found += [
            "",
            view.paint("Test sign-ins of the sandbox:", "bold"),
            *_block(vendor.test_sign_ins, view),
        ]
    help_ = {"Support": vendor.support, "Status": vendor.status_page, "Sure?": vendor.sure}
    if any(help_.values()):
        found += [
            "",
            *(line for label, value in help_.items() if value for line in _pair(label, value, view)),
        ]
    now = _next(here, one, client_id)
    found += ["", *(f"{word} {command}" for word, command in zip(("Now: ", "Then:"), now, strict=False))]
    if recipe.with_secret(one):
        found.append(f"Or:   {_next(here, one, client_id, secret=True)[-1]}")
        found.append("      (an app with a secret, which is renewed without you)")
    if one.id == "sandbox":
        found.append("      (as phr sandbox prints it)")
    return found


def _heading(one: Provider, client_id: str | None, *, no_person: bool) -> str:
    if no_person:
        return "Good to know:"
    if one.vendor.registration == "open" and not client_id:
        return "phr registers itself where the server allows it; if not:"
    return "How to get a client id:"


def _next(here: Workspace, one: Provider, client_id: str | None, *, secret: bool = False) -> list[str]:
    known = one.fhir_base is not None or recipe.has_organisations(here.catalog, one.vendor)
    return recipe.next_command(one, client_id, organisations=known, secret=secret)


def _pair(label: str, value: str, view: Screen) -> list[str]:
    """A label and its text; what does not fit goes on below the text."""
    lead = f"{label:<11}"
    inner = Screen(view.columns - len(lead) if view.columns else None, view.colour, view.unicode)
    first, *rest = wrapped(clean(value), inner, indent=0) or [""]
    return [lead + first, *(" " * len(lead) + line.strip() for line in rest)]


def _block(text: str, view: Screen) -> list[str]:
    """Lines as they were written; one that is too long goes on below, as deep as its words."""
    import textwrap

    kept = []
    for line in text.strip("\n").splitlines():
        bare = clean(line)
        lead = "  " + " " * (len(line) - len(line.lstrip(" ")))
        deeper = lead + ("   " if bare[:1].isdigit() else "")
        room = max(40, view.columns or 120)
        broken = textwrap.wrap(
            bare,
            room,
            initial_indent=lead,
            subsequent_indent=deeper,
            break_on_hyphens=False,
            break_long_words=False,
        )
        kept += broken or [""]
    return kept
