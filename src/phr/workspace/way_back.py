"""How the browser comes back from a sign-in: what was asked for, what is set, what was used last, what is usual."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from phr.model import Connection, Vendor
from phr.smart import address, certificate
from phr.smart.address import Redirect
from phr.workspace.sign_in import OWN_TO_ONE_PERSON, ConnectRequest

if TYPE_CHECKING:
    from phr.workspace.goal import Goal
    from phr.workspace.workspace import Workspace

CERTIFICATE = "loopback.pem"
"""In the folder of the settings: it belongs to this computer, and to nobody's record."""


def way_back(workspace: Workspace, goal: Goal, request: ConnectRequest) -> Redirect:
    """The redirect of this sign-in. Raises UsageError for one that cannot be.

    An address that the person registered (said now, or set for the vendor) counts before the way used last, and
    that before what is set for all vendors; the vendor's usual way comes last.
    """
    return _chosen(workspace, goal.vendor, request, goal.known)


def usual(workspace: Workspace, vendor: Vendor) -> Redirect:
    """The redirect that a first sign-in at this vendor would take now. Raises UsageError for one that cannot be."""
    return _chosen(workspace, vendor, ConnectRequest(), None)


def _chosen(
    workspace: Workspace, vendor: Vendor, request: ConnectRequest, known: Connection | None
) -> Redirect:
    chosen = workspace.settings.connect
    last = known if known is not None and known.redirect_uri else None
    mode = address.named(request.redirect) if request.redirect else None
    uri = request.redirect_uri or workspace.settings.vendor(vendor.id).redirect_uri
    if mode is None and uri:
        preferred = last.redirect if last else chosen.redirect
        mode = "paste" if preferred == "paste" else address.implied(uri)  # anything can be pasted
    mode = mode or (last.redirect if last else None) or chosen.redirect or vendor.redirects[0]
    if uri and not request.redirect_uri and mode not in ("paste", address.implied(uri)):
        uri = None  # what is set is for another way than the one asked for
    if uri is None and last is not None and last.redirect == mode:
        uri = last.redirect_uri
    if uri is None and mode == "relay":
        uri = chosen.relay
    # A port that is set for all vendors must not bend an address that is registered with one of them.
    port = request.port if request.port is not None else (chosen.port if uri is None else None)
    return Redirect.of(vendor, port, mode, uri, workspace.paths.config / CERTIFICATE)


def words_before(goal: Goal, way: Redirect, uri: str) -> tuple[str, ...]:
    """What the person should know before the browser opens."""
    found: tuple[str, ...] = ()
    if compares_letter_by_letter(goal.vendor):
        found = (f"Way back: {uri} (the registered redirect address must be exactly this one).",)
    if way.mode == "https-loopback" and way.certificate is not None:
        found += certificate.trust_step(certificate.ensure(way.certificate))
    return found


def compares_letter_by_letter(vendor: Vendor) -> bool:
    """Whether a person has registered the redirect address by hand, so that it must be exactly that one."""
    return vendor.id not in OWN_TO_ONE_PERSON


def told(authorize_address: str) -> str | None:
    """The redirect address inside an authorize address: with a free port only that one knows it."""
    return parse_qs(urlsplit(authorize_address).query).get("redirect_uri", [None])[0]
