"""What a fresh sign-in shows: whose record it is, and what may be read.

Somebody waits at the screen, so all of it together has an end. A sign-in is not thrown away for what the first sync
can find out as well.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from phr.errors import FhirError, NotAuthorized, Refused, SignInError, UsageError
from phr.fhir.client import FhirClient, TokenSource
from phr.fhir.transport import host_of
from phr.model import Search
from phr.sync.plan import plan
from phr.workspace import whose
from phr.workspace.bounded import Budget, TimeIsUp
from phr.workspace.goal import WITHOUT_PERSON, Goal
from phr.workspace.sign_in import ConnectRequest

if TYPE_CHECKING:
    from phr.fhir.capability import Capability
    from phr.workspace.ways_in import Fresh
    from phr.workspace.workspace import Workspace

LOOK_SECONDS = 60.0


class _Bearer:
    """A fresh token for the few requests right after sign-in; it is not renewed."""

    def __init__(self, access_token: str, budget: Budget, *, given: bool) -> None:
        self._access_token, self._budget, self._given = access_token, budget, given

    def bearer(self) -> str:
        self._budget.check()  # nobody waits for it any more
        return self._access_token

    def renew(self, rejected: str) -> str:
        if self._given:
            raise SignInError("The server does not accept this token.", hint="Get a new one and try again.")
        raise SignInError(
            "The provider does not accept the token it has just given.", hint="Try the sign-in again."
        )


@dataclass(slots=True)
class _Seen:
    """What a look at the record has shown so far."""

    patient: str = ""
    name: str | None = None
    enough: bool = False
    """All that is needed is known; what is still missing the first sync will find."""
    capability: Capability | None = None


def looked(workspace: Workspace, goal: Goal, request: ConnectRequest, fresh: Fresh) -> Fresh:
    """Whose record it is, and which types will come. Raises Unreachable where the server takes too long to say whose."""
    budget = Budget(LOOK_SECONDS, host_of(goal.fhir_base))
    seen = _Seen()
    try:
        budget.spend(lambda: _look(workspace, goal, request, fresh, budget, seen))
    except TimeIsUp:
        if not seen.enough:
            raise
    refused = plan(
        goal.vendor, seen.capability, fresh.granted, seen.patient, asked=fresh.asked or None
    ).refused
    return replace(fresh, patient=seen.patient, name=seen.name, refused=refused)


def _look(
    workspace: Workspace, goal: Goal, request: ConnectRequest, fresh: Fresh, budget: Budget, seen: _Seen
) -> None:
    source: TokenSource | None = None
    if fresh.token is not None:
        source = _Bearer(fresh.token.access_token, budget, given=fresh.auth == "bearer")
    chosen = workspace.settings.sync
    with FhirClient(
        goal.fhir_base,
        source,
        always=whose.claim_params(goal.vendor, fresh.token),
        timeout=min(chosen.timeout, LOOK_SECONDS / 2),
        retry_attempts=1,
        retry_delay=min(chosen.retry_delay, 1.0),
        sleep=budget.sleep,
    ) as client:
        seen.patient = _patient(client, request, fresh)
        seen.enough = goal.method not in WITHOUT_PERSON
        seen.name = whose.patient_name(client, seen.patient)
        if seen.name is None and goal.method in WITHOUT_PERSON:
            _check_read(client, seen.patient)
        seen.enough = True
        with suppress(FhirError):  # the first sync asks again; a sign-in is not thrown away for this
            seen.capability = client.capabilities()


def _patient(client: FhirClient, request: ConnectRequest, fresh: Fresh) -> str:
    """Said by the person, by the sign-in, or found; nobody signed in where it is looked up by name."""
    known = request.patient or (fresh.token.patient if fresh.token else None)
    if known:
        return known
    if request.patient_name and request.birth_date:
        return whose.by_name(client, request.patient_name, request.birth_date)
    return whose.only_patient(client, signed_in=fresh.auth not in WITHOUT_PERSON)


def _check_read(client: FhirClient, patient: str) -> None:
    """Where nobody signed in, reading the patient is the proof that this will work. Raises UsageError or the refusal."""
    try:
        client.read("Patient", patient)
    except NotAuthorized as error:
        raise SignInError(error.message, hint="This server wants a sign-in: leave --auth out.") from None
    except Refused as error:
        if error.http_status not in (400, 404, 410):
            raise
        if error.http_status == 404 and _is_elsewhere(client, patient, error):
            return
        raise UsageError(
            f"There is no patient {patient} at this server.",
            hint='Check --patient ID; or find it by --patient-name "GIVEN FAMILY" --birth-date 1970-12-31',
        ) from None


def _is_elsewhere(client: FhirClient, patient: str, error: Refused) -> bool:
    """Whether a server that does not show its Patients alone has this one: some only answer `$everything` (Humana)."""
    everything = f"{client.base}/Patient/{quote(patient, safe='')}/$everything"
    with suppress(FhirError):
        client.fetch(everything, "Patient")
        return True
    if error.said.shape == "outcome":
        return False
    with suppress(FhirError):
        next(client.search(Search("Patient", (("_id", patient),), "to tell a slip from a server's habit")))
        return False
    return True  # it says nothing of any patient
