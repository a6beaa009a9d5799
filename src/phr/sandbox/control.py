"""The control interface: another process changes the pretend hospital while it runs. Off unless it is asked for.

POST with a JSON body, on loopback alone. A web page cannot reach it: browsers ask before they send JSON to another
origin, and nobody answers that here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from phr.sandbox import changes
from phr.sandbox.hospital import Hospital, hospital_of
from phr.sandbox.ledger import CONTROL

Json = dict[str, Any]


def _put(hospital: Hospital, said: Json) -> Json:
    stored = changes.put(hospital, said["resource"], noticed=said.get("noticed", True))
    return {"address": stored.address, "version": stored.version}


def _delete(hospital: Hospital, said: Json) -> Json:
    changes.delete(hospital, said["address"])
    return {}


def _hide(hospital: Hospital, said: Json) -> Json:
    changes.hide(hospital, said["address"], readable=said.get("readable", False))
    return {}


def _show(hospital: Hospital, said: Json) -> Json:
    changes.show(hospital, said["address"])
    return {}


def _merge(hospital: Hospital, said: Json) -> Json:
    changes.merge(hospital, said["address"], said["into"])
    return {}


def _change(hospital: Hospital, said: Json) -> Json:
    changes.change(hospital, said)
    return {}


def _requests(hospital: Hospital, _said: Json) -> Json:
    ledger = hospital.ledger
    return {
        "requests": list(ledger.requests),
        "counts": [{"type": t, "status": s, "count": n} for (t, s), n in sorted(ledger.counts.items())],
        "largest_in_2_seconds": ledger.largest(2.0),
        "largest_in_a_minute": ledger.largest_minute(),
        "most_at_once": ledger.most_at_once,
        "strayed": list(ledger.strayed),
    }


_ACTIONS: dict[str, Callable[[Hospital, Json], Json]] = {
    "put": _put,
    "delete": _delete,
    "hide": _hide,
    "show": _show,
    "merge": _merge,
    "change": _change,
    "requests": _requests,
}


async def _control(request: Request) -> Response:
    action = _ACTIONS.get(request.path_params["action"])
    if action is None:
        return _json({"error": "Actions are: " + ", ".join(_ACTIONS)}, 404)
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return _json({"error": "Send application/json."}, 415)
    try:
        said = orjson.loads(await request.body() or b"{}")
        return _json(action(hospital_of(request), said), 200)
    except KeyError as error:
        return _json({"error": f"Missing or not known here: {error}"}, 404)
    except (ValueError, TypeError, AttributeError) as error:
        return _json({"error": str(error)}, 400)


def _json(value: Json, status: int) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")


def routes(wanted: bool) -> list[Route]:
    return [Route(CONTROL + "/{action}", _control, methods=["POST"])] if wanted else []
