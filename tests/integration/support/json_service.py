"""A JSON service of AWS on loopback that answers as a test tells it to."""

import json
from collections.abc import Callable
from typing import Any

from .server import LocalServer, Quiet

Answer = tuple[int, Any]  # a status, and JSON or bytes


class JsonService(LocalServer):
    """Calls @answer with the operation and the body of each request."""

    def __init__(self, answer: Callable[[str, Any], Answer]) -> None:
        self.answer = answer
        self.calls: list[tuple[str, Any]] = []
        service = self

        class Handler(Quiet):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                body = json.loads(self.rfile.read(length))
                target = self.headers["X-Amz-Target"].rpartition(".")[2]
                service.calls.append((target, body))
                status, told = service.answer(target, body)
                raw = told if isinstance(told, bytes) else json.dumps(told).encode()
                self.send_response(status)
                self.send_header("x-amzn-RequestId", f"r-{len(service.calls)}")
                self.send_header("Content-Type", "application/x-amz-json-1.1")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

        self.serve(Handler)
