"""A headless Chromium that is spoken to over two pipes (Chrome DevTools Protocol): no port, no library, no network."""

from __future__ import annotations

import base64
import fcntl
import itertools
import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome", "headless_shell")
_FLAGS = (
    "--headless --no-sandbox --disable-gpu --no-first-run --disable-dev-shm-usage --no-proxy-server --disable-extensions"
    " --disable-background-networking --disable-component-update --disable-sync --hide-scrollbars"
    " --host-resolver-rules=MAP__*__~NOTFOUND --remote-debugging-pipe"
)
_KEYS = {
    "/": ("Slash", 191), "j": ("KeyJ", 74), "k": ("KeyK", 75), "Enter": ("Enter", 13), "Escape": ("Escape", 27),
    "ArrowDown": ("ArrowDown", 40), "ArrowUp": ("ArrowUp", 38), "Tab": ("Tab", 9),
}  # fmt: skip


def installed() -> str | None:
    """Where a Chromium is, if there is one."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Chromium:
    """One browser with one page. Whatever it complains of is in `complaints`, what it asks for in `asked`."""

    def __init__(self, path: str, folder: Path) -> None:
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self._number = itertools.count(1)
        self._rest = b""
        self._session: str | None = None
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 20) for end in (*os.pipe(), *os.pipe())]
        to_read, self._to, self._from, from_write = ends
        command = [path, *(one.replace("__", " ") for one in _FLAGS.split()), f"--user-data-dir={folder}"]
        # Put the pipes where the browser looks for them: it reads from 3 and writes to 4.
        line = f"import os,sys; os.dup2({to_read},3); os.dup2({from_write},4); os.execv(sys.argv[1],sys.argv[1:])"
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-c", line, *command],
            pass_fds=(to_read, from_write),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in (to_read, from_write):
            os.close(end)

    def __enter__(self) -> Chromium:
        try:
            self._begin()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _begin(self) -> None:
        target = self.do("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.do("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.do(f"{domain}.enable")
        self.do(
            "Network.emulateNetworkConditions",
            offline=True,
            latency=0,
            downloadThroughput=0,
            uploadThroughput=0,
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session = None
        try:
            os.write(self._to, b'{"id":0,"method":"Browser.close"}\0')
            self._process.wait(5)
        except (OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        for end in (self._to, self._from):
            os.close(end)

    def do(self, method: str, **params: Any) -> dict[str, Any]:
        """One command, and its answer."""
        number = next(self._number)
        said: dict[str, Any] = {"id": number, "method": method, "params": params}
        if self._session:
            said["sessionId"] = self._session
        data = json.dumps(said).encode() + b"\0"
        while data:
            data = data[os.write(self._to, data) :]
        while True:
            heard = self._hear(30)
            if heard.get("id") == number:
                assert "error" not in heard, heard
                return dict(heard["result"])

    def _hear(self, seconds: float) -> dict[str, Any]:
        until = time.monotonic() + seconds
        while b"\0" not in self._rest:
            if not select.select([self._from], [], [], max(0.0, until - time.monotonic()))[0]:
                raise TimeoutError("the browser does not answer")
            data = os.read(self._from, 1 << 20)
            if not data:
                raise EOFError("the browser is gone")
            self._rest += data
        message, _, self._rest = self._rest.partition(b"\0")
        heard: dict[str, Any] = json.loads(message)
        self._note(heard)
        return heard

    def _note(self, heard: dict[str, Any]) -> None:
        method, told = heard.get("method"), heard.get("params", {})
        if method == "Log.entryAdded":
            self.complaints.append(told["entry"]["text"])
        elif method == "Runtime.consoleAPICalled":
            self.complaints.append(str(told["args"]))
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(told["exceptionDetails"]))
        elif method == "Page.javascriptDialogOpening":
            self.complaints.append(f"a dialog: {told['message']}")
        elif method == "Network.requestWillBeSent":
            self.asked.append(told["request"]["url"])

    def open(self, page: Path, *, script: bool = True) -> None:
        """Show a file, and wait until all of it is there."""
        self.complaints.clear()
        self.asked.clear()
        self.do("Emulation.setScriptExecutionDisabled", value=not script)
        self.do("Page.navigate", url=page.as_uri())
        while self._hear(60).get("method") != "Page.loadEventFired":
            pass

    def tell(self, expression: str) -> Any:
        """What an expression is in the page."""
        answer = self.do("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, expression: str, seconds: float = 20) -> Any:
        """Ask again until the answer is something."""
        until = time.monotonic() + seconds
        while not (answer := self.tell(expression)):
            if time.monotonic() > until:
                raise TimeoutError(f"never: {expression}")
            time.sleep(0.02)
        return answer

    def press(self, key: str) -> None:
        """One key, down and up."""
        code, number = _KEYS[key]
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        common = {"key": key, "code": code, "windowsVirtualKeyCode": number}
        self.do("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self.do("Input.dispatchKeyEvent", type="keyUp", **common)

    def type(self, text: str) -> None:
        """Letters into whatever has the focus."""
        self.do("Input.insertText", text=text)

    def look(self, width: int, height: int, *, dark: bool = False, phone: bool = False) -> None:
        """How large the window is, and whether it is dark in the room."""
        self.do(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=phone,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.do("Emulation.setEmulatedMedia", features=[scheme])

    def picture(self) -> bytes:
        """The window as PNG."""
        return base64.b64decode(self.do("Page.captureScreenshot", format="png")["data"])

    def paper(self) -> bytes:
        """The page as it is printed, as PDF."""
        answer = self.do("Page.printToPDF", transferMode="ReturnAsBase64", preferCSSPageSize=True)
        return base64.b64decode(answer["data"])
