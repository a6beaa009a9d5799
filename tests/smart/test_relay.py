"""The relay page in examples/relay: read as it stands, run in Node where there is one, and in a real browser."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest

from phr.errors import SignInDenied, SignInTimeout
from phr.smart.loopback import RedirectListener

FOLDER = Path(__file__).parents[2] / "examples" / "relay"
PAGE = (FOLDER / "index.html").read_text()
SCRIPT = re.search(r"<script>(.*?)</script>", PAGE, re.DOTALL)[1]  # type: ignore[index]
STYLE = re.search(r"<style>(.*?)</style>", PAGE, re.DOTALL)[1]  # type: ignore[index]
HERE = "https://me.example.org/phr/"


# ── as it stands ──────────────────────────────────────────────────────────────────────────────────


def hashed(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_its_policy_allows_its_own_script_and_style_and_nothing_else() -> None:
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', PAGE)
    assert policy
    rules = dict(rule.strip().split(" ", 1) for rule in policy[1].split(";"))
    assert rules == {
        "default-src": "'none'",
        "script-src": f"'sha256-{hashed(SCRIPT)}'",
        "style-src": f"'sha256-{hashed(STYLE)}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert PAGE.index("Content-Security-Policy") < PAGE.index("<style>")


def test_it_loads_sends_and_keeps_nothing() -> None:
    assert '<meta name="referrer" content="no-referrer">' in PAGE
    assert not re.search(r"\b(src|srcset|action|data|on\w+)=", PAGE)
    assert not re.search(r"<(link|img|iframe|form|object|embed|base|input)\b", PAGE)
    for word in ("fetch", "XMLHttp", "sendBeacon", "WebSocket", "EventSource", "cookie", "Storage", "eval", "innerHTML",
                 "document.write", "postMessage", "window.open", "import"):  # fmt: skip
        assert word not in SCRIPT, word


def test_it_knows_one_place_to_go() -> None:
    assert re.findall(r"https?://[^\s\"'<]*", PAGE) == ["http://127.0.0.1:"]
    assert SCRIPT.count("location.replace(") == 1 and "location.href" not in SCRIPT
    assert SCRIPT.index("history.replaceState") < SCRIPT.index("location.replace(")


def test_its_page_of_help_says_how_phr_is_told() -> None:
    readme = (FOLDER / "README.md").read_text()
    for word in ("PHR_CONNECT_RELAY", "_REDIRECT_URI=", "--redirect relay", "--redirect paste", "PKCE"):
        assert word in readme


# ── its script, run with a pretend browser ────────────────────────────────────────────────────────

_PRETEND = """
const input = JSON.parse(require("fs").readFileSync(0, "utf8"));
const url = new URL(input.url), done = [], parts = { port: { content: input.fixed } };
const sandbox = {
  URLSearchParams, Number,
  location: { search: url.search, hash: url.hash, pathname: url.pathname, replace: (to) => done.push(["go", to]) },
  history: { replaceState: (state, title, to) => done.push(["clear", to]) },
  document: { getElementById: (id) => (parts[id] = parts[id] || {}) },
};
require("vm").runInNewContext(input.script, sandbox);
delete parts.port;
process.stdout.write(JSON.stringify({ done, parts }));
"""


def run(tail: str, fixed: str = "") -> tuple[list[list[str]], dict[str, Any]]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node to run the script of the page")
    told = json.dumps({"url": HERE + tail, "script": SCRIPT, "fixed": fixed})
    out = subprocess.run(
        [node, "-e", _PRETEND], input=told, capture_output=True, text=True, timeout=30, check=True
    )
    result = json.loads(out.stdout)
    return result["done"], result["parts"]


@pytest.mark.parametrize(
    ("tail", "port", "answer"),
    [
        ("?code=c%2B1&state=st.9000", 9000, {"code": "c+1", "state": "st.9000"}),
        ("#code=c%2B1&state=st.9000", 9000, {"code": "c+1", "state": "st.9000"}),
        ("?code=c&state=st", 8765, {"code": "c", "state": "st"}),
        ("?code=c", 8765, {"code": "c"}),
        ("?code=c&state=st.1024", 1024, {"code": "c", "state": "st.1024"}),
        ("?code=c&state=st.65535", 65_535, {"code": "c", "state": "st.65535"}),
        ("?code=c&state=st.65536", 8765, {"code": "c", "state": "st.65536"}),
        ("?code=c&state=st.80", 8765, {"code": "c", "state": "st.80"}),
        ("?code=c&state=st.0900", 8765, {"code": "c", "state": "st.0900"}),
        ("?code=c&state=x.9000@evil.example", 8765, {"code": "c", "state": "x.9000@evil.example"}),
        ("?code=c&state=.9000%2F..%2Fevil.8080", 8080, {"code": "c", "state": ".9000/../evil.8080"}),
        ("?code=c&state=st.9000%0A", 8765, {"code": "c", "state": "st.9000\n"}),
        (
            "?error=access_denied&error_description=No%26x%3D1&error_uri=https%3A%2F%2Fe.example&state=s.9000&iss=i",
            9000,
            {
                "error": "access_denied",
                "error_description": "No&x=1",
                "error_uri": "https://e.example",
                "state": "s.9000",
                "iss": "i",
            },
        ),
        ("?code=c&state=s.9000&port=1&host=evil&redirect=https://evil&session=1", 9000, {"code": "c", "state": "s.9000"}),
    ],
)  # fmt: skip
def test_it_sends_on_the_answer_and_nothing_else(tail: str, port: int, answer: dict[str, str]) -> None:
    done, parts = run(tail)
    assert [step for step, _ in done] == ["clear", "go"]
    assert done[0][1] == "/phr/"
    target = urlsplit(done[1][1])
    assert (target.scheme, target.netloc, target.path) == ("http", f"127.0.0.1:{port}", "/callback")
    assert {k: v for k, [v] in parse_qs(target.query).items()} == answer
    assert parts["link"]["href"] == parts["copy"]["textContent"] == done[1][1]
    assert parts["onward"]["hidden"] is False and parts["about"]["hidden"] is True


@pytest.mark.parametrize(
    ("fixed", "port"),
    [("9123", 9123), (" 9123 ", 9123), ("80", 8765), ("99999", 8765), ("evil.example", 8765), ("", 9000)],
)
def test_a_port_written_into_the_page_counts_and_state_does_not(fixed: str, port: int) -> None:
    done, _ = run("?code=c&state=st.9000", fixed)
    assert urlsplit(done[1][1]).netloc == f"127.0.0.1:{port}"


def test_the_port_can_be_written_without_breaking_the_policy() -> None:
    assert PAGE.count('<meta id="port" name="phr-port" content="">') == 1
    assert PAGE.index('id="port"') < PAGE.index("<style>"), "near the top, and outside of what is hashed"
    assert '<meta id="port" name="phr-port" content="8765">' in (FOLDER / "README.md").read_text()


@pytest.mark.parametrize("tail", ["", "?", "?state=st.9000", "?x=1#y=2", "#top"])
def test_without_an_answer_it_stays_and_explains(tail: str) -> None:
    assert run(tail) == ([], {})


# ── in a real browser ─────────────────────────────────────────────────────────────────────────────


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (name of the base class)
        pass


@pytest.fixture
def host() -> Iterator[str]:
    """Serves the folder; http on this computer counts as a secure place for a browser."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(FOLDER))) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"http://localhost:{server.server_address[1]}/index.html"
        server.shutdown()


def browse(url: str, folder: Path, *more: str) -> str:
    """The page that a headless Chromium shows in the end."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome", "headless_shell")
    chromium = next((found for name in names if (found := shutil.which(name))), None)
    if chromium is None:
        pytest.skip("needs an installed Chromium")
    flags = "--headless --no-sandbox --disable-gpu --no-first-run --disable-dev-shm-usage --no-proxy-server"
    for attempt in range(3):  # a busy machine's Chromium may end without having shown anything
        own = [f"--user-data-dir={folder / str(attempt)}", "--virtual-time-budget=8000"]
        command = [chromium, *flags.split(), *own, *more, "--dump-dom", url]
        shown = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False).stdout
        if shown.strip():
            return shown
    return ""


@pytest.mark.browser
@pytest.mark.parametrize("mark", ["?", "#"])
def test_a_browser_goes_on_to_this_computer(host: str, tmp_path: Path, mark: str) -> None:
    with RedirectListener("st", port=0, port_in_state=True) as listener:
        tail = urlencode({"code": "c+1", "state": listener.state, "session": "dropped"})
        shown = browse(f"{host}{mark}{tail}", tmp_path)
        assert "The sign-in was received" in shown
        assert listener.wait(5) == "c+1"


@pytest.mark.browser
def test_a_browser_carries_an_error_on(host: str, tmp_path: Path) -> None:
    with RedirectListener("st", port=0, port_in_state=True) as listener:
        tail = urlencode(
            {"error": "access_denied", "error_description": "You said no", "state": listener.state}
        )
        assert "You said no" in browse(f"{host}?{tail}", tmp_path)
        with pytest.raises(SignInDenied, match="You said no"):
            listener.wait(5)


@pytest.mark.browser
def test_a_browser_without_an_answer_is_told_what_the_page_is(host: str, tmp_path: Path) -> None:
    shown = browse(host, tmp_path)
    assert '<section id="onward" hidden' in shown and '<section id="about">' in shown


@pytest.mark.browser
def test_a_browser_hands_over_a_fragment(tmp_path: Path) -> None:
    with RedirectListener("st", port=0) as listener:
        assert "The sign-in was received" in browse(f"{listener.redirect_uri}#code=c%2B1&state=st", tmp_path)
        assert listener.wait(5) == "c+1"


@pytest.mark.browser
def test_a_browser_posts_the_answer_from_the_providers_page(tmp_path: Path) -> None:
    """OAuth 2.0 Form Post Response Mode."""
    with RedirectListener("st", port=0) as listener:
        form = (
            f"<!doctype html><form method=post action='{listener.redirect_uri}'><input name=code value='c+1'>"
            "<input name=state value=st></form><script>document.forms[0].submit()</script>"
        )
        assert "The sign-in was received" in browse(f"data:text/html,{quote(form)}", tmp_path)
        assert listener.wait(5) == "c+1"


@pytest.mark.browser
def test_a_page_elsewhere_cannot_end_a_sign_in_from_a_browser(tmp_path: Path) -> None:
    """Images, frames, scripts and a navigation without the person: refused, ignored, or only remembered."""
    with RedirectListener("st", port=0) as listener:
        target = f"{listener.redirect_uri}?error=access_denied"
        evil = (
            f"<!doctype html><img src='{target}'><iframe src='{target}'></iframe><script src='{target}'></script>"
            f"<script>fetch('{target}',{{mode:'no-cors'}}).catch(()=>0);"
            f"setTimeout(()=>location='{target}',500)</script>"
        )
        shown = browse(f"data:text/html,{quote(evil)}", tmp_path)
        assert "Not signed in" in shown
        with pytest.raises(SignInTimeout, match="without proof"):
            listener.wait(3)


@pytest.mark.browser
def test_a_browser_takes_the_certificate_made_here_once_it_is_trusted(tmp_path: Path) -> None:
    from phr.smart import certificate

    pem = certificate.ensure(tmp_path / "tls" / "localhost.pem")
    with RedirectListener("st", host="localhost", port=0, certificate=pem) as listener:
        assert "received" not in browse(f"{listener.redirect_uri}?code=c&state=st", tmp_path / "wary")
        with pytest.raises(SignInTimeout):
            listener.wait(0.2)
        shown = browse(
            f"{listener.redirect_uri}?code=c&state=st", tmp_path / "bold", "--ignore-certificate-errors"
        )
        assert "received" in shown
        assert listener.wait(5) == "c"
