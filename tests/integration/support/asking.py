"""What ingest asks of shipper, asked by a test (docs/broker.md)."""

import json
import socket
from typing import Any

from .daemons import Site


class Asker:
    """A connection to a site's broker."""

    def __init__(self, site: Site, timeout: float = 15.0) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(timeout)
        self.sock.connect(str(site.config["broker"]["socket"]))
        self._rest = b""

    def send(self, line: bytes) -> None:
        self.sock.sendall(line)

    def ask(self, name: str, **members: Any) -> dict[str, Any]:
        line = {"v": 1, "id": 7, "ask": name} | members
        self.send(json.dumps(line).encode() + b"\n")
        return self.read()

    def read(self) -> dict[str, Any]:
        """The next answer; ConnectionError where the connection ends."""
        while b"\n" not in self._rest:
            more = self.sock.recv(65536)
            if not more:
                raise ConnectionError("the broker has ended the connection")
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        assert answer["v"] == 1
        return answer

    def __enter__(self) -> "Asker":
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()


def ask(site: Site, name: str, **members: Any) -> dict[str, Any]:
    with Asker(site) as asker:
        return asker.ask(name, **members)
