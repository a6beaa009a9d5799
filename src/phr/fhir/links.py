"""Where a request may go: search addresses, next links and redirects (FHIR R4 http.html#paging, RFC 3986).

The bearer belongs to one origin: scheme, host and port of the FHIR base. Next links were seen with http
instead of https, with another host of the same vendor (healow), in other letter case, relative, with `|` and
spaces unescaped, and with the path of an outer proxy. So whatever a link says, the address asked next is
built from the origin of the base; the link contributes at most path and query.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, quote, urlencode, urljoin, urlsplit

from phr.model import Search

_PORTS = {"https": 443, "http": 80}
_PAGE_NUMBER = re.compile(r"(?i)(?:^|&)(?:_?page|page_?(?:number|no|num))=(\d{1,9})(?=&|$)")
_OFFSET = re.compile(r"(?i)(?:^|&)(?:_?offset|_?skip|_?start_?index|_getpagesoffset)=(\d{1,9})(?=&|$)")
_PATH_SAFE = "/%:@!$&'()*+,;=~-._"
_QUERY_SAFE = _PATH_SAFE + "?"


class ForeignLinkError(ValueError):
    """A link that leads away from the known server in a way that cannot be brought back."""


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port in comparable spelling. ValueError if the URL is malformed."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(scheme)


def same_origin(a: str, b: str) -> bool:
    try:
        return origin(a) == origin(b)
    except ValueError:
        return False


def search_url(
    base: str, search: Search, page_size: int | None, always: tuple[tuple[str, str], ...] = ()
) -> str:
    """The first address of a search. Slashes stay as they are: athenahealth refuses `Organization%2Fa-1`.

    `always` are parameters that every search of this server carries; what the search says itself counts more.
    """
    own = {name for name, _ in search.params}
    params = [*search.params, *((name, value) for name, value in always if name not in own)]
    if page_size is not None and not any(name == "_count" for name, _ in params):
        params.append(("_count", str(page_size)))
    query = urlencode(params, quote_via=quote, safe="/:,$")
    path = base.rstrip("/") + "/" + quote(search.type, safe="/$")
    return f"{path}?{query}" if query else path


def resource_url(base: str, type_: str, id_: str) -> str:
    return f"{base.rstrip('/')}/{quote(type_, safe='$')}/{quote(id_, safe='')}"


def next_address(base: str, asked: str, link: str, type_: str) -> str:
    """The address of the next page, always on the origin of `base`.

    `asked` is the address of the page that held the link, `type_` the type searched for. A link to another
    origin is taken back home if its path is one the known base could have: below the base's own path in any
    letter case, or ending in the type. Raises ForeignLinkError otherwise.
    """
    target, path = _target(asked, link)
    query = f"?{quote(target.query, safe=_QUERY_SAFE)}" if target.query else ""
    home = urlsplit(base)
    root = f"{home.scheme}://{home.netloc.rpartition('@')[2]}"
    if origin(target.geturl()) == origin(base):
        return root + path + query
    base_path = home.path.rstrip("/")
    if path.lower().startswith(base_path.lower() + "/") or path.lower() == base_path.lower():
        return root + path + query  # in its own letter case: whoever wrote it answers to it
    for tail in (f"/{type_}", f"/{type_}/_search"):
        if path.rstrip("/").lower().endswith(tail.lower()):
            return root + base_path + tail + query
    raise ForeignLinkError("the next page is said to be on another server")


def taken_home(base: str, url: str) -> str | None:
    """Where the known server would have what is said to be on another host below the base's own path.

    Servers behind a gateway name their inner host, vendors their other one (healow and eclinicalworks). Asking at home
    is safe: the bearer stays where it belongs. None for a host without that path; a base of one word proves nothing.
    """
    try:
        target, home = urlsplit(url), urlsplit(base)
        if same_origin(url, base) or not target.hostname or target.scheme.lower() not in _PORTS:
            return None
    except ValueError:
        return None
    root = home.path.rstrip("/")
    if root.count("/") < 2 or not target.path.lower().startswith(root.lower() + "/"):
        return None
    path = quote(target.path, safe=_PATH_SAFE)  # in its own letter case: whoever wrote it answers to it
    query = f"?{quote(target.query, safe=_QUERY_SAFE)}" if target.query else ""
    return f"{home.scheme}://{home.netloc.rpartition('@')[2]}{path}{query}"


def page_after(asked: str, size: int) -> str | None:
    """The address of the page after the one at `asked`, which held `size`; None if it does not count its pages.

    For servers that count, by page or by resource, and leave out a link on the way.
    """
    parts = urlsplit(asked)
    for step, pattern in ((1, _PAGE_NUMBER), (size, _OFFSET)):
        match = pattern.search(parts.query)
        if match and step:
            query = f"{parts.query[: match.start(1)]}{int(match[1]) + step}{parts.query[match.end(1) :]}"
            return parts._replace(query=query).geturl()
    return None


def redirect_address(asked: str, location: str) -> str:
    """Where a redirect leads, if it stays on the same origin; http is lifted back to https.

    Raises ForeignLinkError when it leads elsewhere.
    """
    target, path = _target(asked, location)
    here, there = origin(asked), origin(target.geturl())
    lifted = here[0] == "https" and there == ("http", here[1], 80) and here[2] == 443
    if here != there and not lifted:
        raise ForeignLinkError("redirected to another server")
    home = urlsplit(asked)
    query = f"?{quote(target.query, safe=_QUERY_SAFE)}" if target.query else ""
    return f"{home.scheme}://{home.netloc.rpartition('@')[2]}{path}{query}"


def _target(asked: str, link: str) -> tuple[SplitResult, str]:
    """The link resolved against the page that held it, with its path made safe to send."""
    # Half a surrogate pair comes from bytes that are no UTF-8; it cannot be sent to anyone.
    if any(ord(c) < 32 or 0xD800 <= ord(c) <= 0xDFFF for c in link):
        raise ForeignLinkError("a link holds characters that no address has")
    try:
        target = urlsplit(urljoin(asked, link.strip()))
        origin(target.geturl())
    except ValueError:
        raise ForeignLinkError("a link cannot be read") from None
    if target.scheme.lower() not in _PORTS or not target.hostname:
        raise ForeignLinkError("a link is not a web address")
    return target, quote(target.path or "/", safe=_PATH_SAFE)
