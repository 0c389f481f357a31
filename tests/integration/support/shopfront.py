"""A shop's web server: serves the pages of tests/browser, passes the rest on
to ingest as a proxy on the same origin would, or fails as it is told to."""

import http.client
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .server import LocalServer, Quiet

ROOT = Path(__file__).resolve().parents[3]
PAGES = ROOT / "tests" / "browser"
UPLOAD = ROOT / "ingest" / "web" / "dist" / "upload.min.js"
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript"}
PASSED_ON = ("/events", "/e.js", "/uploads/")
HOP = {"connection", "keep-alive", "transfer-encoding", "date", "server"}


@dataclass(frozen=True)
class Fault:
    """An answer in ingest's place; status 0: no answer at all."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    delay: float = 0.0


@dataclass(frozen=True)
class Seen:
    at: float
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Shopfront(LocalServer):
    """`faults` are used up one a POST; `always` holds until it is None."""

    def __init__(self, strict: Path) -> None:
        self.ingest_port, self.strict = 0, strict
        self._lock = threading.Lock()
        self.reset()
        shop = self

        class Handler(Quiet):
            def do_GET(self) -> None:
                shop._answer(self, b"")

            def do_OPTIONS(self) -> None:
                shop._answer(self, b"")

            def do_PUT(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", "0")))
                shop._send(self, 403, {}, b"")

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", "0"))
                shop._answer(self, self.rfile.read(length))

        self.serve(Handler)

    def reset(self) -> None:
        """As on the first day."""
        self.page_headers: dict[str, str] = {}
        self.dropped: set[str] = set()  # headers that the proxy loses
        self.faults: deque[Fault] = deque()
        self.always: Fault | None = None
        self.slowness = 0.0  # seconds before an answer is passed back
        self._seen: list[Seen] = []

    def posts(self, text: str = "") -> list[Seen]:
        """The POSTs so far whose body has @text."""
        return [s for s in self.seen("POST") if text.encode() in s.body]

    def seen(self, method: str) -> list[Seen]:
        with self._lock:
            return [s for s in self._seen if s.method == method]

    def _answer(self, handler: Any, body: bytes) -> None:
        headers = {name.lower(): value for name, value in handler.headers.items()}
        path = handler.path
        with self._lock:
            self._seen.append(Seen(time.monotonic(), handler.command, path, headers, body))
            fault = self.always
            if handler.command == "POST" and self.faults:
                fault = self.faults.popleft()
        if not path.startswith(PASSED_ON):
            self._page(handler, path.partition("?")[0])
        elif fault and handler.command == "POST":
            time.sleep(fault.delay)
            if fault.status:
                self._send(handler, fault.status, fault.headers, fault.body)
            else:
                handler.close_connection = True
        else:
            self._pass_on(handler, path, headers, body)

    def _page(self, handler: Any, path: str) -> None:
        file = {"/page.js": PAGES / "page.js", "/strict.js": self.strict, "/upload.js": UPLOAD}.get(
            path, PAGES / "page.html"
        )
        content = file.read_bytes()
        if path.startswith("/strict") or path.startswith("/p/"):
            content = content.replace(b"/page.js", b"/strict.js")
        elif path.startswith("/bare/"):
            content = b"<!doctype html><title>Shop</title>"
        headers = {"Content-Type": TYPES[file.suffix], "Cache-Control": "no-cache"}
        self._send(handler, 200, headers | self.page_headers, content)

    def _pass_on(self, handler: Any, path: str, headers: dict[str, str], body: bytes) -> None:
        kept = {k: v for k, v in headers.items() if k not in self.dropped | HOP}
        connection = http.client.HTTPConnection("127.0.0.1", self.ingest_port, timeout=10)
        try:
            connection.request(handler.command, path, body, kept)
            answer = connection.getresponse()
            time.sleep(self.slowness)
            told = {k: v for k, v in answer.getheaders() if k.lower() not in HOP}
            self._send(handler, answer.status, told, answer.read())
        except OSError:
            handler.close_connection = True  # as a proxy that gives up
        finally:
            connection.close()

    def _send(self, handler: Any, status: int, headers: dict[str, str], body: bytes) -> None:
        try:
            handler.send_response(status)
            for name, value in headers.items():
                if name.lower() != "content-length":
                    handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)
        except OSError:
            pass  # the page is gone
