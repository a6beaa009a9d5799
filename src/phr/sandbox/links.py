"""The addresses of a page and of the next one, in each form that was seen (FHIR R4 http.html#paging).

A plain server gives an absolute, opaque link. Others name another host, write the path in other letters, count pages
that anybody can count, stop too early or lead in a circle.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from phr.sandbox.cursors import NUMBERED, Position
from phr.sandbox.serving import elsewhere

if TYPE_CHECKING:
    from phr.sandbox.hospital import Hospital

OTHER_CASE = "/FHIR"
"""The FHIR base as a link of other letters has it; it is answered too."""

Pairs = tuple[tuple[str, str], ...]


def links(hospital: Hospital, position: Position) -> Iterator[dict[str, str]]:
    """The self link, and the next one if the server says that there is more."""
    result, habits = position.result, hospital.habits
    here = _address(hospital, result.self_path or result.path, result.params)
    yield {"relation": "self", "url": here}
    following = _following(hospital, position)
    if following is None:
        return
    if habits.next_loops == "self":
        yield {"relation": "next", "url": here}
        return
    if habits.next_by in NUMBERED and not result.path.endswith("$everything"):
        number = following.page if habits.next_by == "page" else following.offset
        kept = tuple(pair for pair in result.params if pair[0] != habits.next_by)
        yield {
            "relation": "next",
            "url": _address(hospital, result.path, (*kept, (habits.next_by, str(number)))),
        }
        return
    kept = result.params if habits.next_keeps_query else ()
    cursor = (habits.next_by, hospital.cursors.name(following))
    yield {"relation": "next", "url": _address(hospital, result.path, (*kept, cursor, *habits.next_with))}


def _following(hospital: Hospital, position: Position) -> Position | None:
    """The page that the next link leads to, by right or by mistake."""
    result, habits = position.result, hospital.habits
    after = position.offset + result.page_size
    more = result.page_size > 0 and after < len(result.found)
    if habits.next_loops == "again" and position.page == 2:
        return position
    if habits.next_loops == "first" and not more and position.page > 1:
        return Position(result, 0)
    if not more or (habits.next_stops_after is not None and position.page >= habits.next_stops_after):
        return None
    return Position(result, after, made=hospital.clock())


def _address(hospital: Hospital, path: str, params: Pairs) -> str:
    """The address of a page in the vendor's manner."""
    how, base = hospital.habits.next_as, hospital.base
    if how == "unescaped":
        # The mark makes sure that there is something to escape; searches pass it over.
        params = (*params, ("_context", "whole record|all"))
        return f"{base}/{path}?" + "&".join(f"{name}={value}" for name, value in params)
    query = f"?{urlencode(params)}" if params else ""
    start = {
        "relative": "",
        "rooted": f"{urlsplit(base).path}/",
        "other-host": "http://fhir4.invalid/fhir/",
        "localhost": f"{elsewhere(base)}/",
        "https": f"https{base.removeprefix('http')}/",
        "other-case": f"{hospital.origin}{OTHER_CASE}/",
    }.get(how, f"{base}/")
    return start + path + query
