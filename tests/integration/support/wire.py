"""HTTP/1.1 as the stand-in speaks it: strict in what it reads, and able to
break off, stall or garble what it writes."""

import contextlib
import json
import re
import select
import socket
import struct
import time
import uuid
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from .members import ServiceError

JSON_TYPE = "application/x-amz-json-1.1"
MAX_HEAD = 64 * 1024
MAX_BODY = 64 * 1024 * 1024
BODY_TIMEOUT = 30.0
NO_ANSWER_LIMIT = 600.0  # even `never` ends

_REQUEST_LINE = re.compile(r"([A-Z]+) (\S+) HTTP/1\.1")
_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*")
_REASONS = {
    200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found",
    408: "Request Timeout", 413: "Payload Too Large",
    415: "Unsupported Media Type", 429: "Too Many Requests",
    500: "Internal Server Error", 502: "Bad Gateway",
    503: "Service Unavailable", 504: "Gateway Timeout",
}  # fmt: skip


class Gone(Exception):
    """The connection ended, by the client's doing or ours."""


@dataclass
class Request:
    method: str
    path: str
    fields: list[tuple[str, str]]  # as received, names in lower case
    body: bytes = b""

    def get(self, name: str) -> str | None:
        """The only field of that name; two of a kind are malformed."""
        values = [value for field, value in self.fields if field == name]
        if len(values) > 1:
            raise malformed(f"{name} twice")
        return values[0] if values else None

    @property
    def length(self) -> int:
        if self.get("transfer-encoding") is not None:
            raise malformed("Transfer-Encoding is not understood")
        value = self.get("content-length")
        if value is None and self.method != "POST":
            return 0
        if value is None or not re.fullmatch(r"\d{1,19}", value):
            raise malformed("Content-Length")
        if int(value) > MAX_BODY:
            raise ServiceError("RequestEntityTooLargeException", "", 413)
        return int(value)


@dataclass
class Answer:
    """An answer of the service; `fields` come on top of the usual ones."""

    status: int
    body: bytes
    content_type: str = JSON_TYPE
    fields: dict[str, str] = field(default_factory=dict)
    request_id: bool = True
    cut: int = 0  # this many bytes of the body are never sent

    def encode(self, now: float) -> bytes:
        lines = [f"HTTP/1.1 {self.status} {_REASONS[self.status]}"]
        if self.request_id:
            lines.append(f"x-amzn-RequestId: {uuid.uuid4()}")
        lines += [f"{name}: {value}" for name, value in self.fields.items()]
        lines += [
            f"Content-Type: {self.content_type}",
            f"Content-Length: {len(self.body)}",
            f"Date: {formatdate(now, usegmt=True)}",
            "",
            "",
        ]
        kept = self.body[: len(self.body) - self.cut]
        return "\r\n".join(lines).encode("latin-1") + kept


def json_answer(members: dict[str, Any], status: int = 200) -> Answer:
    return Answer(status, json.dumps(members).encode())


def error_answer(error: ServiceError) -> Answer:
    members = {"__type": error.code, "message": error.message} | error.members
    return json_answer(members, error.status)


def malformed(message: str) -> ServiceError:
    return ServiceError("MalformedHttpRequestException", message)


def inflate(body: bytes) -> bytes:
    """Exactly one gzip member, no larger than MAX_BODY."""
    stream = zlib.decompressobj(wbits=31)
    try:
        plain = stream.decompress(body, MAX_BODY)
    except zlib.error as error:
        raise malformed("The body does not decompress.") from error
    if not stream.eof or stream.unused_data:
        raise malformed("The body does not decompress.")
    return plain


class Connection:
    """One client's connection, from our side."""

    def __init__(self, sock: socket.socket, stopping: Callable[[], bool]) -> None:
        self._sock = sock
        self._stopping = stopping
        self._buffer = bytearray()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read_head(self, timeout: float) -> Request | None:
        """The next request without its body; None once the client is done."""
        while b"\r\n\r\n" not in self._buffer:
            if len(self._buffer) > MAX_HEAD:
                raise malformed("The head is too large.")
            if not self._more(timeout):
                return None
        head, _, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        self._buffer[:] = rest
        first, *lines = head.decode("latin-1").split("\r\n")
        line = _REQUEST_LINE.fullmatch(first)
        fields = [_FIELD.fullmatch(text) for text in lines]
        if not line or not all(fields):
            raise malformed("The head is not HTTP/1.1.")
        request = Request(
            line.group(1),
            line.group(2),
            [(match.group(1).lower(), match.group(2)) for match in fields if match],
        )
        if request.get("host") is None:
            raise malformed("Host is missing.")
        return request

    def read_body(self, request: Request, part: float = 1.0) -> None:
        """Read the body, or only this part of it, into the request."""
        wanted = int(request.length * part)
        if request.get("expect") == "100-continue":
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        while len(self._buffer) < wanted:
            if not self._more(BODY_TIMEOUT):
                raise Gone
        request.body = bytes(self._buffer[:wanted])
        del self._buffer[:wanted]

    def _more(self, timeout: float) -> bool:
        self._wait(time.monotonic() + timeout)
        try:
            data = self._sock.recv(256 * 1024)
        except OSError as error:
            raise Gone from error
        self._buffer += data
        return bool(data)

    def _wait(self, deadline: float) -> None:
        """Until there is something to read, or Gone."""
        while not select.select([self._sock], [], [], 0.1)[0]:
            if self._stopping() or time.monotonic() > deadline:
                raise Gone

    def send(self, data: bytes) -> None:
        try:
            self._sock.sendall(data)
        except OSError as error:
            raise Gone from error

    def dribble(self, data: bytes, seconds: float) -> None:
        """Byte by byte, but for the last one."""
        for at in range(len(data) - 1):
            self.send(data[at : at + 1])
            self.pause(seconds / len(data))

    def pause(self, seconds: float) -> None:
        """Wait, or less where the client gives up or we are to stop."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if self._stopping() or self.abandoned():
                raise Gone
            time.sleep(min(left, 0.05))

    def hold(self) -> None:
        """Say nothing until the client gives up."""
        self.pause(NO_ANSWER_LIMIT)
        raise Gone

    def abandoned(self) -> bool:
        """Whether the client has closed or reset its side."""
        try:
            flags = socket.MSG_PEEK | socket.MSG_DONTWAIT
            return self._sock.recv(1, flags) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def wake(self) -> None:
        """End both directions; whoever waits in another thread notices."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        """RST, whatever is still unread."""
        with contextlib.suppress(OSError):
            linger = struct.pack("ii", 1, 0)
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._sock.close()

    def close(self) -> None:
        self._sock.close()
