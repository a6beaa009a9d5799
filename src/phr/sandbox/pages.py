"""The pages a person sees: sign-in, consent, and what went wrong (SMART App Launch 2.2, standalone launch).

Plain HTML without scripts or anything from elsewhere; every value is escaped by the templates.
"""

from __future__ import annotations

import base64
import hashlib
import logging
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from jinja2 import Environment, FileSystemLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from phr.sandbox import scopes
from phr.sandbox.authorize import AuthorizationRequest, PageError, RedirectError, Reply, Rules, check_request
from phr.sandbox.grants import Grant
from phr.sandbox.habits import VendorHabits
from phr.sandbox.hospital import Hospital, hospital_of
from phr.sandbox.resources import Stored
from phr.sandbox.words import WORDS

log = logging.getLogger(__name__)

_FOLDER = Path(__file__).parent / "templates"
_STYLE = (_FOLDER / "style.css").read_text(encoding="utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_SCRIPT = "document.forms[0].submit()"
_SCRIPT_HASH = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
_templates = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, trim_blocks=True, lstrip_blocks=True
)


async def home(request: Request) -> Response:
    """What this server is, for someone who opens it in a browser."""
    hospital = hospital_of(request)
    return page("home.html", base=hospital.base, client_id=hospital.config.client_id)


async def authorize(request: Request) -> Response:
    """The authorization endpoint, by GET or by form POST (`authorize-post`)."""
    hospital = hospital_of(request)
    pairs = (
        await form_pairs(request)
        if request.method == "POST"
        else parse_qsl(request.url.query, keep_blank_values=True)
    )
    try:
        asked = check_request(pairs, _rules(hospital))
    except PageError as error:
        return _problem(str(error))
    except RedirectError as error:
        log.info("refused an authorization request")
        return _back(error.reply)
    if hospital.config.auto_approve:
        return _back(_code(hospital, asked, hospital.main_patient, asked.scopes))
    people = [(stored.id, person_name(stored)) for stored in hospital.patients]
    return page(
        "sign_in.html",
        asked,
        proxy=hospital.config.fhir_user is not None,
        transaction=hospital.transactions.open(asked),
        people=people,
        chosen=hospital.main_patient,
        client_id=asked.client_id,
    )


async def sign_in(request: Request) -> Response:
    """Someone has chosen who he is; ask what the app may see."""
    hospital = hospital_of(request)
    form = dict(await form_pairs(request))
    try:
        transaction = hospital.transactions.take(form.get("transaction", ""), signed_in=False)
    except PageError as error:
        return _problem(str(error))
    stored = hospital.store.get("Patient", form.get("patient", ""))
    if stored is None:
        return _problem("Nobody was chosen. Start the sign-in again in your app.")
    asked = transaction.request
    return page(
        "consent.html",
        asked,
        transaction=hospital.transactions.open(asked, stored.id),
        person=person_name(stored),
        client_id=asked.client_id,
        rows=[(type_, WORDS.get(type_, type_)) for type_ in _covered(hospital, asked, stored.id)],
        lasting="offline_access" in asked.scopes,
        identity="openid" in asked.scopes,
        writes=any(scope.letters & set("cud") for scope in scopes.resource_scopes(asked.scopes)),
    )


async def consent(request: Request) -> Response:
    """The person has said yes to all, to some, or no."""
    hospital = hospital_of(request)
    form = await form_pairs(request)
    said = dict(form)
    try:
        transaction = hospital.transactions.take(said.get("transaction", ""), signed_in=True)
    except PageError as error:
        return _problem(str(error))
    asked, patient = transaction.request, transaction.patient or ""
    ticked = {value for name, value in form if name == "type"}
    covered = _covered(hospital, asked, patient)
    if said.get("decision") != "allow" or (covered and not ticked):
        return _back(_denied(hospital, asked), 303)
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


async def error_page(request: Request) -> Response:
    """Where `error_uri` leads."""
    return _problem("The app was told: " + str(request.path_params["error"]) + ".", 200)


def routes(habits: VendorHabits) -> list[Route]:
    return [
        Route("/", home),
        Route(habits.path("authorize"), authorize, methods=["GET", "POST"]),
        Route("/oauth/sign-in", sign_in, methods=["POST"]),
        Route("/oauth/consent", consent, methods=["POST"]),
        Route("/errors/{error}", error_page),
    ]


def _rules(hospital: Hospital) -> Rules:
    return Rules(
        clients=hospital.clients,
        habits=hospital.habits,
        base=hospital.base,
        issuer=hospital.issuer,
        redirect_uris=hospital.config.all_redirect_uris,
        types=tuple(hospital.types),
        error_page=hospital.error_page,
        always=hospital.config.authorize_error,
    )


def _denied(hospital: Hospital, asked: AuthorizationRequest) -> Reply:
    return _rules(hospital).error(
        asked.redirect_uri, "access_denied", "The person did not allow it.", asked.state
    )


def _covered(hospital: Hospital, asked: AuthorizationRequest, patient: str) -> list[str]:
    store = hospital.store
    held = [
        type_ for type_ in store.types() if any(store.visible(stored, patient) for stored in store.of(type_))
    ]
    return scopes.types_covered(asked.scopes, held)


def _code(hospital: Hospital, asked: AuthorizationRequest, patient: str, granted: tuple[str, ...]) -> Reply:
    lies = hospital.config.lies
    nonce = "another-nonce" if "nonce" in lies else asked.nonce
    if "scope" in lies:
        granted = (*(scope for scope in granted if scopes.parse(scope) is None), "patient/Patient.rs")
    grant = Grant(asked.client_id, patient, granted, nonce)
    code = hospital.authorization.issue_code(grant, asked.redirect_uri, asked.challenge)
    state = "another-state" if "state" in lies else asked.state
    issuer = "https://elsewhere.example/fhir" if "iss" in lies else None
    return _rules(hospital).reply(asked.redirect_uri, {"code": code}, state, issuer)


async def form_pairs(request: Request) -> list[tuple[str, str]]:
    """The fields of a posted form."""
    return parse_qsl((await request.body()).decode(errors="replace"), keep_blank_values=True)


def _back(reply: Reply, status: int = 302) -> Response:
    """The way back to the app: a redirect, or a page whose form posts itself (OAuth 2.0 Form Post Response Mode)."""
    if reply.by == "post":
        fields = list(reply.params.items())
        answer = page("form_post.html", action=reply.redirect_uri, fields=fields, script=_SCRIPT)
        answer.headers["Content-Security-Policy"] = _policy(reply.redirect_uri, script=True)
        return answer
    kept = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return RedirectResponse(reply.location, status, kept)


def _problem(message: str, status: int = 400) -> Response:
    return page("problem.html", message=message, status=status)


def page(
    template: str, asked: AuthorizationRequest | None = None, *, status: int = 200, **values: Any
) -> Response:
    """A page from a template; `asked` is the request whose app a form may lead back to."""
    body = _templates.get_template(template).render(style=_STYLE, **values)
    return HTMLResponse(body, status, _page_headers(asked))


def _policy(redirect_uri: str | None, *, script: bool = False) -> str:
    """Nothing from elsewhere; a form may end only here or, redirected, at the app that asked."""
    targets = "'self'"
    if redirect_uri is not None:
        parts = urlsplit(redirect_uri)
        # The grammar of host-source knows no IPv6 address, so only the scheme can be named for one.
        odd = ":" in (parts.hostname or "") or not parts.netloc
        targets += f" {parts.scheme}:" if odd else f" {parts.scheme}://{parts.netloc}"
    policy = [
        "default-src 'none'",
        f"style-src 'sha256-{_STYLE_HASH}'",
        *([f"script-src 'sha256-{_SCRIPT_HASH}'"] if script else []),
        f"form-action {targets}",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ]
    return "; ".join(policy)


def _page_headers(asked: AuthorizationRequest | None) -> dict[str, str]:
    return {
        "Content-Security-Policy": _policy(asked.redirect_uri if asked else None),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
