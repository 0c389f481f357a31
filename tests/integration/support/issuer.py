"""An issuer's key set over HTTP on loopback, as well or badly as told to."""

import json
import time

from .server import LocalServer, Quiet
from .tokens import Key, key_set


class Issuer(LocalServer):
    """Serves the set of @keys; counts each fetch."""

    def __init__(self, *keys: Key) -> None:
        self.body = b""
        self.rotate(*keys)
        self.status = 200
        self.headers: dict[str, str] = {}
        self.delay = 0.0
        self.fetches: list[float] = []
        issuer = self

        class Handler(Quiet):
            def do_GET(self) -> None:
                issuer.fetches.append(time.monotonic())
                time.sleep(issuer.delay)
                self.send_response(issuer.status)
                for name, value in issuer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(issuer.body)))
                self.end_headers()
                self.wfile.write(issuer.body)

        self.serve(Handler)
        self.url += "/jwks.json"

    def rotate(self, *keys: Key) -> None:
        self.body = json.dumps(key_set(*keys)).encode()
