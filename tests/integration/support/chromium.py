"""Debian's chromium without a screen, driven over its DevTools pipe.

    with Chromium(folder) as browser:
        page = browser.open(url, width=390, dark=True)
        page.wait("document.title")
        page.screenshot(folder / "phone.png")
        assert not page.complaints

$CHROMIUM names another one.
"""

import base64
import json
import os
import select
import signal
import time
from pathlib import Path
from typing import Any, Self

ANSWER_TIMEOUT = 30.0
FLAGS = [
    "--headless=new",
    "--no-sandbox",  # tests run as root, and only our own pages are opened
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--no-first-run",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
]


class Page:
    """One tab; `complaints` is all that its console had to say of faults."""

    def __init__(self, browser: "Chromium", session: str) -> None:
        self.browser, self.session = browser, session
        self.complaints: list[str] = []
        self.requests: list[str] = []

    def send(self, method: str, **params: Any) -> Any:
        return self.browser.send(method, params, self.session)

    def evaluate(self, script: str) -> Any:
        """The value of an expression, awaited."""
        answer = self.send(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, script: str, timeout: float = 20.0) -> Any:
        """Until an expression is true, and its value."""
        deadline = time.monotonic() + timeout
        while not (value := self.evaluate(script)):
            assert time.monotonic() < deadline, f"never: {script}"
            time.sleep(0.1)
        return value

    def press(self, key: str) -> None:
        for kind in ("keyDown", "keyUp"):
            text = {"text": "\r"} if key == "Enter" and kind == "keyDown" else {}
            code = {"Tab": 9, "Enter": 13}[key]
            self.send(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code=key,
                windowsVirtualKeyCode=code,
                **text,
            )

    def screenshot(self, path: Path) -> bytes:
        """The whole page, however long; PNG."""
        answer = self.send("Page.captureScreenshot", captureBeyondViewport=True)
        png = base64.b64decode(answer["data"])
        path.write_bytes(png)
        return png

    def take(self, method: str, params: Any) -> None:
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(params["exceptionDetails"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] != "verbose":
            self.complaints.append(json.dumps(params["entry"]))
        elif method == "Runtime.consoleAPICalled" and params["type"] != "log":
            self.complaints.append(json.dumps(params["args"]))


class Chromium:
    def __init__(self, folder: Path) -> None:
        program = os.environ.get("CHROMIUM", "chromium")
        to_child, self._out = os.pipe()
        self._in, from_child = os.pipe()
        log = os.open(folder / "chromium.log", os.O_WRONLY | os.O_CREAT, 0o600)
        arguments = [program, *FLAGS, f"--user-data-dir={folder / 'profile'}"]
        self._pid = os.posix_spawnp(
            program,
            [*arguments, "about:blank"],
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, log, 1),
                (os.POSIX_SPAWN_DUP2, log, 2),
                # Above what is duplicated, so that neither hides the other.
                (os.POSIX_SPAWN_DUP2, to_child, 103),
                (os.POSIX_SPAWN_DUP2, from_child, 104),
                (os.POSIX_SPAWN_DUP2, 103, 3),
                (os.POSIX_SPAWN_DUP2, 104, 4),
            ],
            setpgroup=0,
        )
        for descriptor in (to_child, from_child, log):
            os.close(descriptor)
        self._buffer = b""
        self._number = 0
        self._answers: dict[int, Any] = {}
        self._pages: dict[str, Page] = {}

    def send(self, method: str, params: Any, session: str | None = None) -> Any:
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + ANSWER_TIMEOUT
        while number not in self._answers:
            self._read(deadline)
        answer = self._answers.pop(number)
        assert "error" not in answer, f"{method}: {answer}"
        return answer["result"]

    def _read(self, deadline: float) -> None:
        left = max(0.0, deadline - time.monotonic())
        assert select.select([self._in], [], [], left)[0], "chromium is silent"
        data = os.read(self._in, 1 << 20)
        assert data, "chromium has ended"
        *messages, self._buffer = (self._buffer + data).split(b"\0")
        for text in messages:
            message = json.loads(text)
            if "id" in message:
                self._answers[message["id"]] = message
            elif page := self._pages.get(message.get("sessionId", "")):
                page.take(message["method"], message["params"])

    def open(self, url: str, width: int = 1280, dark: bool = False) -> Page:
        target = self.send("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.send(
            "Target.attachToTarget", {"targetId": target, "flatten": True}
        )["sessionId"]
        page = self._pages[session] = Page(self, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.send(f"{domain}.enable")
        page.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        page.send("Emulation.setEmulatedMedia", features=[scheme])
        page.send("Page.navigate", url=url)
        return page

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.killpg(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._in)
        os.close(self._out)
