"""HTTP from the client's side: polite by http.client, or byte by byte."""

import contextlib
import http.client
import json
import re
import socket
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

JSON = "application/json"


@dataclass(frozen=True)
class Response:
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Closed(Exception):
    """The server ended the connection; `reset` if by RST."""

    def __init__(self, reset: bool, rest: bytes) -> None:
        super().__init__(f"{'reset' if reset else 'closed'} after {rest[:200]!r}")
        self.reset, self.rest = reset, rest


class RawClient:
    """A connection to 127.0.0.1 (or a Unix socket) that sends just what it is
    told to and reads exactly one answer at a time, so that requests may be
    pipelined.  Every wait ends after `timeout` seconds."""

    def __init__(self, address: int | str, timeout: float = 10.0) -> None:
        if isinstance(address, int):
            self.sock = socket.create_connection(("127.0.0.1", address), timeout)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        else:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(timeout)
            self.sock.connect(address)
        self._buffer = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.sock.close()

    def reset(self) -> None:
        """Close with RST."""
        linger = struct.pack("ii", 1, 0)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.sock.close()

    def send(self, data: bytes, slice_of: int = 0, pause: float = 0.0) -> None:
        """All of it, or in slices with a pause after each."""
        step = slice_of or max(len(data), 1)
        for at in range(0, len(data), step):
            self.sock.sendall(data[at : at + step])
            if pause:
                time.sleep(pause)

    def finish(self) -> None:
        """No more requests; answers may still come."""
        self.sock.shutdown(socket.SHUT_WR)

    def read(self, head_only: bool = False) -> Response:
        """The next answer, a 1xx too; Closed where the connection ended
        before it was whole.  @head_only: it answers a HEAD."""
        while b"\r\n\r\n" not in self._buffer:
            self._more()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        line, *rows = head.decode("latin-1").split("\r\n")
        parsed = re.fullmatch(r"HTTP/1\.1 (\d{3}) .*", line)
        assert parsed, f"not a status line: {line!r}"
        status = int(parsed.group(1))
        headers: dict[str, str] = {}
        for row in rows:
            name, colon, value = row.partition(":")
            assert colon, f"not a header: {row!r}"
            assert name.lower() not in headers, f"twice: {name}"
            headers[name.lower()] = value.strip()

        if head_only or status < 200 or status in (204, 304):
            return Response(status, headers, b"")
        assert "content-length" in headers, f"no length: {head!r}"
        length = int(headers["content-length"])
        while len(self._buffer) < length:
            self._more()
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        return Response(status, headers, body)

    def _more(self) -> None:
        try:
            data = self.sock.recv(65536)
        except ConnectionResetError as error:
            raise Closed(True, self._buffer) from error
        if not data:
            raise Closed(False, self._buffer)
        self._buffer += data

    def read_end(self) -> Closed:
        """Wait for the connection's end; how it came, and what came before.
        TimeoutError where it does not."""
        while True:
            try:
                self._more()
            except Closed as closed:
                return closed

    def is_open(self, seconds: float = 0.2) -> bool:
        """Whether the connection stays open, and silent, for that long."""
        self.sock.settimeout(seconds)
        with contextlib.suppress(TimeoutError):
            try:
                self._more()
            except Closed:
                return False
        return True


def request_bytes(
    method: str,
    path: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """A well-formed request, to send raw or to spoil first."""
    fields = {"Host": "shop.example", **(headers or {})}
    if body or method == "POST":
        fields.setdefault("Content-Length", str(len(body)))
    lines = [f"{method} {path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def request(
    port: int,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = 10.0,
) -> Response:
    """One request over a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body, dict(headers or {}))
        answer = connection.getresponse()
        fields = {name.lower(): value for name, value in answer.getheaders()}
        return Response(answer.status, fields, answer.read())
    finally:
        connection.close()


def post_events(
    port: int,
    events: Any,
    headers: Mapping[str, str] | None = None,
    timeout: float = 10.0,
) -> Response:
    """POST /events with an event, a list of them, or a body as it is."""
    body = events if isinstance(events, bytes) else json.dumps(events).encode()
    fields = {"Content-Type": JSON, **(headers or {})}
    return request(port, "POST", "/events", body, fields, timeout)


def connections_of(port: int) -> int:
    """How many connections a server on 127.0.0.1 has accepted and not closed."""
    listening = "0A"
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()]
    return sum(
        row[1].endswith(f":{port:04X}") and row[3] != listening and row[9] != "0"
        for row in rows
    )
