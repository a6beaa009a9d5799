"""The pages a person sees: sign-in, consent, and what went wrong (SMART App Launch 2.2, standalone launch).

Plain HTML without scripts or anything from elsewhere; every value is escaped by the templates.
"""

from __future__ import annotations

import base64
import hashlib
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from jinja2 import Environment, FileSystemLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from phr.sandbox import scopes
from phr.sandbox.authorize import AuthorizationRequest, PageError, RedirectError, check_request
from phr.sandbox.hospital import Hospital, hospital_of
from phr.sandbox.oauth import Grant
from phr.sandbox.resources import Stored

log = logging.getLogger(__name__)

_FOLDER = Path(__file__).parent / "templates"
_STYLE = (_FOLDER / "style.css").read_text(encoding="utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_templates = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, trim_blocks=True, lstrip_blocks=True
)


async def home(request: Request) -> Response:
    """What this server is, for someone who opens it in a browser."""
    hospital = hospital_of(request)
    return _page("home.html", base=hospital.base, client_id=hospital.config.client_id)


async def authorize(request: Request) -> Response:
    """The authorization endpoint, by GET or by form POST (`authorize-post`)."""
    hospital = hospital_of(request)
    pairs = (
        await _form(request)
        if request.method == "POST"
        else parse_qsl(request.url.query, keep_blank_values=True)
    )
    try:
        asked = check_request(pairs, hospital.authorization.clients, hospital.habits, hospital.base)
    except PageError as error:
        return _problem(str(error))
    except RedirectError as error:
        log.info("refused an authorization request")
        return _back(error.location)
    if hospital.config.auto_approve:
        return _back(_code(hospital, asked, hospital.main_patient, asked.scopes))
    people = [(stored.id, person_name(stored)) for stored in hospital.patients]
    return _page(
        "sign_in.html",
        asked,
        transaction=hospital.transactions.open(asked),
        people=people,
        chosen=hospital.main_patient,
        client_id=asked.client_id,
    )


async def sign_in(request: Request) -> Response:
    """Someone has chosen who he is; ask what the app may see."""
    hospital = hospital_of(request)
    form = dict(await _form(request))
    try:
        transaction = hospital.transactions.take(form.get("transaction", ""), signed_in=False)
    except PageError as error:
        return _problem(str(error))
    stored = hospital.store.get("Patient", form.get("patient", ""))
    if stored is None:
        return _problem("Nobody was chosen. Start the sign-in again in your app.")
    asked = transaction.request
    return _page(
        "consent.html",
        asked,
        transaction=hospital.transactions.open(asked, stored.id),
        person=person_name(stored),
        client_id=asked.client_id,
        rows=[(type_, scopes.WORDS.get(type_, type_)) for type_ in _covered(hospital, asked, stored.id)],
        lasting="offline_access" in asked.scopes,
        identity="openid" in asked.scopes,
        writes=any(scope.letters & set("cud") for scope in scopes.resource_scopes(asked.scopes)),
    )


async def consent(request: Request) -> Response:
    """The person has said yes to all, to some, or no."""
    hospital = hospital_of(request)
    form = await _form(request)
    said = dict(form)
    try:
        transaction = hospital.transactions.take(said.get("transaction", ""), signed_in=True)
    except PageError as error:
        return _problem(str(error))
    asked, patient = transaction.request, transaction.patient or ""
    ticked = {value for name, value in form if name == "type"}
    covered = _covered(hospital, asked, patient)
    if said.get("decision") != "allow" or (covered and not ticked):
        return _back(asked.denied(hospital.base), 303)
    granted = scopes.narrowed(asked.scopes, ticked & set(covered), covered)
    if "offline_access" not in said:
        granted = tuple(scope for scope in granted if scope != "offline_access")
    return _back(_code(hospital, asked, patient, granted), 303)


def person_name(stored: Stored) -> str:
    """A Patient's name for the page: text, else given and family, else the id."""
    names = stored.content.get("name")
    name = names[0] if isinstance(names, list) and names and isinstance(names[0], dict) else {}
    given = name.get("given")
    parts = [*(given if isinstance(given, list) else []), name.get("family")]
    return str(name.get("text") or " ".join(part for part in parts if isinstance(part, str)) or stored.id)


def routes() -> list[Route]:
    return [
        Route("/", home),
        Route("/oauth/authorize", authorize, methods=["GET", "POST"]),
        Route("/oauth/sign-in", sign_in, methods=["POST"]),
        Route("/oauth/consent", consent, methods=["POST"]),
    ]


def _covered(hospital: Hospital, asked: AuthorizationRequest, patient: str) -> list[str]:
    store = hospital.store
    held = [
        type_ for type_ in store.types() if any(store.visible(stored, patient) for stored in store.of(type_))
    ]
    return scopes.types_covered(asked.scopes, held)


def _code(hospital: Hospital, asked: AuthorizationRequest, patient: str, granted: tuple[str, ...]) -> str:
    lies = hospital.config.lies
    nonce = "another-nonce" if "nonce" in lies else asked.nonce
    if "scope" in lies:
        granted = (*(scope for scope in granted if scopes.parse(scope) is None), "patient/Patient.rs")
    grant = Grant(asked.client_id, patient, granted, nonce)
    code = hospital.authorization.issue_code(grant, asked.redirect_uri, asked.challenge)
    said = replace(asked, state="another-state") if "state" in lies else asked
    return said.answer(code, "https://elsewhere.example/fhir" if "iss" in lies else hospital.base)


async def _form(request: Request) -> list[tuple[str, str]]:
    return parse_qsl((await request.body()).decode(errors="replace"), keep_blank_values=True)


def _back(location: str, status: int = 302) -> Response:
    return RedirectResponse(location, status, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})


def _problem(message: str) -> Response:
    return _page("problem.html", message=message, status=400)


def _page(
    template: str, asked: AuthorizationRequest | None = None, *, status: int = 200, **values: Any
) -> Response:
    body = _templates.get_template(template).render(style=_STYLE, **values)
    return HTMLResponse(body, status, _page_headers(asked))


def _page_headers(asked: AuthorizationRequest | None) -> dict[str, str]:
    """Nothing from elsewhere; a form may end only here or, redirected, at the app that asked."""
    targets = "'self'"
    if asked is not None:
        parts = urlsplit(asked.redirect_uri)
        # The grammar of host-source knows no IPv6 address, so only the scheme can be named for one.
        targets += (
            f" {parts.scheme}:" if ":" in (parts.hostname or "") else f" {parts.scheme}://{parts.netloc}"
        )
    policy = [
        "default-src 'none'",
        f"style-src 'sha256-{_STYLE_HASH}'",
        f"form-action {targets}",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ]
    return {
        "Content-Security-Policy": "; ".join(policy),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
