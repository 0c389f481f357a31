"""A strict CloudWatch Logs, for tests, benches and demos.

It listens on 127.0.0.1, enforces what the service's rules say (service.py),
verifies signatures (signatures.py), plays faults (faults.py) and remembers
every call (journal.py).

    with StandIn(Options(tokens=True), [Fault("throttle", every=10)]) as cloud:
        cloud.create("/clickspool/test", "web-1")
        ...
        assert cloud.delivered() == expected

A call that the service itself refuses meets no fault, but for those that
strike before the body is read.  As a program, from tests/integration:

    python -m support.standin --port 4580 --create /clickspool/events
"""

import argparse
import contextlib
import json
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from .faults import ERRORS, PAGES, Fault, Script
from .journal import Call, Journal, max_concurrency
from .members import Members, ServiceError
from .packing import MAX_BATCH
from .service import Batch, Event, Service
from .signatures import Key, verify
from .wire import (
    JSON_TYPE,
    Answer,
    Connection,
    Gone,
    Request,
    error_answer,
    inflate,
    json_answer,
    malformed,
)

ACCESS_KEY = "AKIDCLICKSPOOLTEST"
SECRET_KEY = "clickspool/test+SecretKeyOf40Characters0"
REGION = "ap-southeast-1"
TARGET = "Logs_20140328."

_PAGE = b"<html><head><title>%d</title></head><body>Sorry.</body></html>"
_GARBAGE = b"\x15\x03\x01\x00\x02\x02\x16 this is not HTTP\r\n\r\n"
# What the service may say that cannot read gzip.
_GZIP_REFUSALS = {
    "malformed": malformed("The body could not be read."),
    "serialization": ServiceError("SerializationException", "not JSON"),
    "unsupported": ServiceError("UnsupportedMediaTypeException", "", 415),
}


@dataclass
class Options:
    """How the stand-in behaves; may be changed while it runs, but for those
    that Service takes over at the start."""

    region: str = REGION
    keys: dict[str, Key] = field(default_factory=lambda: {ACCESS_KEY: Key(SECRET_KEY)})
    verify: bool = True  # signatures
    clock_offset: float = 0.0  # seconds that the server's clock is ahead
    tokens: bool = False  # the old way: sequence tokens are needed
    next_token: bool = True  # and given, needed or not
    visible_after: float | tuple[float, float] = 0.0  # seconds, or a range
    gzip: str = "accept"  # or malformed, serialization, unsupported
    max_event: int = MAX_BATCH
    idle_timeout: float = 6.0  # an idle connection is closed, as AWS does
    empty_pages: int = 3  # every third page with more to come; 0: none
    latency: float = 0.0  # seconds before each answer
    sink: bool = False  # take any call unread, and store nothing
    seed: int = 1


class StandIn:
    """The server.  start() and stop() may alternate: port, events and journal
    stay, so that it can be away for a while."""

    def __init__(
        self,
        options: Options | None = None,
        faults: Iterable[Fault] = (),
        port: int = 0,
    ) -> None:
        self.options = options or Options()
        self.script = Script(faults, self.options.seed)
        self.journal = Journal()
        self.port = port
        self.service = Service(
            self.clock,
            region=self.options.region,
            tokens=self.options.tokens,
            next_token=self.options.next_token,
            max_event=self.options.max_event,
            visible_after=self.options.visible_after,
            empty_pages=self.options.empty_pages,
            seed=self.options.seed,
        )
        self._listener: socket.socket | None = None
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._open: dict[int, tuple[Connection, Call]] = {}  # calls under way
        self._lock = threading.Lock()
        self._connections = 0
        self._live: set[Connection] = set()

    # Running

    def start(self) -> Self:
        self._stopping.clear()
        self._listener = socket.create_server(
            ("127.0.0.1", self.port), backlog=128, reuse_port=False
        )
        self.port = self._listener.getsockname()[1]
        self._spawn(self._accept, self._listener)
        return self

    def stop(self) -> None:
        """Refuse and break off everything."""
        self._stopping.set()
        if self._listener:
            # Wakes accept(), which a mere close would not.
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        with self._lock:
            for connection in self._live:
                connection.wake()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive(), "a thread of the stand-in is stuck"
        self._threads.clear()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def settle(self, timeout: float = 10.0) -> None:
        """Wait until all that clients sent has been read, and they are gone.
        For use when they are: one that is killed leaves bytes behind."""
        with socket.create_connection(("127.0.0.1", self.port), timeout) as last:
            last.sendall(b"\r\n\r\n")  # connections are accepted in turn
            while last.recv(4096):
                pass
        deadline = time.monotonic() + timeout
        while self._live:
            if time.monotonic() > deadline:
                raise TimeoutError("a client is still connected")
            time.sleep(0.005)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def clock(self) -> float:
        return time.time() + self.options.clock_offset

    def play(self, *faults: Fault) -> None:
        """Replace the script, counting from 1 again; no fault: all is well."""
        self.script = Script(faults, self.options.seed)

    # Asking it, in a test

    def create(self, group: str, *streams: str) -> None:
        self.service.create_log_group({"logGroupName": group})
        for stream in streams:
            names = {"logGroupName": group, "logStreamName": stream}
            self.service.create_log_stream(names)

    def calls(self, operation: str | None = None) -> list[Call]:
        return self.journal.calls(operation)

    def puts(self) -> list[Call]:
        return self.calls("PutLogEvents")

    def delivered(self) -> list[Event]:
        """All events ever stored, in stored order, of vanished streams too."""
        with self.service.lock:
            stored = [event for call in self.puts() for event in call.stored]
        return sorted(stored, key=lambda event: event.number)

    def messages(self) -> list[str]:
        return [event.message for event in self.delivered()]

    def stored_count(self) -> int:
        return sum(len(call.stored) for call in self.puts())

    def concurrency(self) -> int:
        """Most PutLogEvents calls under way at once."""
        return max_concurrency(self.puts())

    def stream_concurrency(self) -> int:
        """The same within one stream; calls cut off early belong to none."""
        by_stream: dict[tuple[str | None, str], list[Call]] = {}
        for call in self.puts():
            if call.stream is not None:
                by_stream.setdefault((call.group, call.stream), []).append(call)
        return max(map(max_concurrency, by_stream.values()), default=0)

    def wait(self, condition: Callable[[], bool], timeout: float = 30) -> None:
        """Wait until condition() is true; TimeoutError where it does not come."""
        if not self.journal.wait(condition, timeout):
            raise TimeoutError(f"not within {timeout} s: {self.summary()}")

    def wait_stored(self, events: int, timeout: float = 30) -> None:
        self.wait(lambda: self.stored_count() >= events, timeout)

    def summary(self) -> dict[str, Any]:
        """Counts, for people."""
        calls = self.calls()
        faults: dict[str, int] = {}
        answers: dict[str, int] = {}
        for call in calls:
            if call.fault:
                faults[call.fault] = faults.get(call.fault, 0) + 1
            answer = f"{call.operation} {call.status} {call.code or ''}".strip()
            answers[answer] = answers.get(answer, 0) + 1
        return {
            "calls": len(calls),
            "stored": self.stored_count(),
            "message_bytes": sum(call.message_bytes for call in calls),
            "body_bytes": sum(call.body_bytes for call in calls),
            "answers": answers,
            "faults": faults,
        }

    # Serving

    def _spawn(self, target: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        with self._lock:
            self._threads = [old for old in self._threads if old.is_alive()]
            thread.start()
            self._threads.append(thread)

    def _accept(self, listener: socket.socket) -> None:
        while not self._stopping.is_set():
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            connection = Connection(sock, self._stopping.is_set)
            with self._lock:
                self._connections += 1
                number = self._connections
                self._live.add(connection)
            self._spawn(self._serve, connection, number)

    def _serve(self, connection: Connection, number: int) -> None:
        try:
            while self._exchange(connection, number):
                pass
        except Gone:
            pass
        finally:
            with self._lock:
                self._live.remove(connection)
            connection.close()

    def _exchange(self, connection: Connection, number: int) -> bool:
        """One request and its answer; whether the connection goes on."""
        try:
            request = connection.read_head(self.options.idle_timeout)
        except ServiceError as error:
            connection.send(error_answer(error).encode(self.clock()))
            return False
        if request is None:
            return False
        self._note_abandoned()
        call = self.journal.begin(number)
        with self._lock:
            self._open[call.number] = (connection, call)
        try:
            return self._answer(connection, request, call)
        finally:
            with self._lock:
                del self._open[call.number]
            self.journal.end(call)

    def _note_abandoned(self) -> None:
        """End the calls that clients gave up, before a next call begins: a
        retry is not concurrent with what it follows."""
        with self._lock:
            for connection, call in self._open.values():
                if connection.abandoned():
                    self.journal.end(call)

    def _answer(self, connection: Connection, request: Request, call: Call) -> bool:
        call.headers = dict(request.fields)
        call.encoding = call.headers.get("content-encoding")
        target = call.headers.get("x-amz-target", "")
        call.operation = target.removeprefix(TARGET)

        if fault := self.script.pick(True, call.operation):
            call.fault = fault.kind
            if fault.kind == "reset_mid_body":
                connection.read_body(request, 0.5)
            self.journal.end(call)
            connection.reset()
            return False

        whole = False
        try:
            connection.read_body(request)
            whole = True
            call.body_bytes = len(request.body)
            answer, late = self._perform(request, call)
        except ServiceError as error:
            answer, late = error_answer(error), None
            call.code = error.code
        self._send(connection, call, answer, late)
        return whole and not answer.cut and call.headers.get("connection") != "close"

    def _send(
        self, connection: Connection, call: Call, answer: Answer, fault: Fault | None
    ) -> None:
        kind = fault.kind if fault else None
        if self.options.latency:
            connection.pause(self.options.latency)
        if kind in ("never", "never_after"):
            connection.hold()
        if kind == "reset_after":
            self.journal.end(call)
            connection.reset()
            raise Gone
        if kind == "garbage":
            self.journal.end(call)
            connection.send(_GARBAGE)
            raise Gone
        if fault and kind == "delay":
            connection.pause(fault.seconds)

        skew = fault.seconds if fault and kind == "skew" else 0.0
        data = answer.encode(self.clock() + skew)
        if fault and kind == "slow":
            connection.dribble(data, fault.seconds)
            data = data[-1:]
        # Before the client can know, so that its next call comes after.
        call.status = answer.status
        self.journal.end(call)
        connection.send(data)

    # Understanding a request

    def _perform(self, request: Request, call: Call) -> tuple[Answer, Fault | None]:
        """Carry the call out, as far as a fault lets it."""
        if self.options.sink:
            call.taken = True
            return json_answer({"nextSequenceToken": "0"}), None

        if (
            (request.method, request.path) != ("POST", "/")
            or request.get("content-type") != JSON_TYPE
            or not (request.get("x-amz-target") or "").startswith(TARGET)
        ):
            raise ServiceError("UnknownOperationException", "", 404)
        perform = self.service.operation(call.operation)
        if self.options.verify:
            verify(
                request.fields,
                request.body,
                self.options.keys,
                self.options.region,
                self.clock(),
            )
        members = _parse(self._plain(request, call))
        if call.operation == "PutLogEvents":
            return self._put(members, call)

        call.group, call.stream = _names(members)
        fault = self._late_fault(call, lambda text: False)
        result: Members = {}
        if fault is None or fault.takes:
            result = perform(members)
            call.taken = True
        return self._shape(result, fault, call), fault

    def _put(self, members: Members, call: Call) -> tuple[Answer, Fault | None]:
        call.group, call.stream = _names(members)
        batch = self.service.judge(members)
        call.events = len(batch.events)
        call.message_bytes = batch.message_bytes
        fault = self._late_fault(
            call, lambda text: any(text in event.message for event in batch.events)
        )
        result: Members = {}
        if fault and fault.kind == "not_found":
            with self.service.lock:
                self.service.drop_stream(batch.group, batch.stream)
                self.service.judge(members)  # which now says what is missing
        if fault and fault.kind == "rejected":
            _reject(batch, fault)
        if fault is None or fault.takes:
            with self.service.lock:
                result = self.service.store(batch)
                call.stored = batch.accepted
                call.rejected = batch.events[: batch.start] + batch.events[batch.end :]
                call.taken = True
        return self._shape(result, fault, call), fault

    def _late_fault(self, call: Call, holds: Callable[[str], bool]) -> Fault | None:
        fault = self.script.pick(False, call.operation, call.stream, holds)
        call.fault = fault.kind if fault else None
        return fault

    def _shape(self, result: Members, fault: Fault | None, call: Call) -> Answer:
        """The answer that is right, or wrong as the fault wants it."""
        answer = json_answer(result)
        if fault is None:
            return answer
        if fault.kind in ERRORS:
            status, call.code, message = ERRORS[fault.kind]
            answer = error_answer(ServiceError(call.code, message, status))
        elif fault.kind in PAGES:
            status = PAGES[fault.kind]
            answer = Answer(status, _PAGE % status, "text/html", request_id=False)
        elif fault.kind == "truncated_200":
            answer.body = b'{"nextSequenceToken":"49'
        elif fault.kind == "short_200":
            answer.body, answer.cut = b'{"nextSequenceToken":"49"}', 8
        elif fault.kind == "empty_200":
            answer = Answer(200, b"", request_id=False)
        if fault.retry_after is not None:
            answer.fields["Retry-After"] = str(fault.retry_after)
        if fault.retry_after_ms is not None:
            answer.fields["x-amz-retry-after"] = str(fault.retry_after_ms)
        return answer

    def _plain(self, request: Request, call: Call) -> bytes:
        """The body without its Content-Encoding, known for batches only."""
        if call.encoding is None:
            return request.body
        if call.encoding != "gzip" or call.operation != "PutLogEvents":
            raise malformed(f"Content-Encoding {call.encoding} is not understood")
        if self.options.gzip != "accept":
            raise _GZIP_REFUSALS[self.options.gzip]
        return inflate(request.body)


def _parse(body: bytes) -> Members:
    try:
        members = json.loads(body.decode(), parse_constant=_not_json)
    except (ValueError, RecursionError) as error:
        raise ServiceError("SerializationException", str(error)) from error
    if not isinstance(members, dict):
        raise ServiceError("SerializationException", "not an object")
    return members


def _not_json(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _names(members: Members) -> tuple[str | None, str | None]:
    group, stream = members.get("logGroupName"), members.get("logStreamName")
    return (
        group if isinstance(group, str) else None,
        stream if isinstance(stream, str) else None,
    )


def _reject(batch: Batch, fault: Fault) -> None:
    """Make the service find events too old or new that are not."""
    total = len(batch.events)
    batch.too_old = max(batch.too_old, min(fault.too_old, total))
    batch.expired = max(batch.expired, min(fault.expired, total))
    batch.too_new = max(batch.too_new, min(fault.too_new, total - batch.start))


def main() -> None:
    parser = argparse.ArgumentParser(prog="support.standin", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--script", type=Path, help="JSON array of faults")
    parser.add_argument("--create", nargs="*", default=[], metavar="GROUP[:STREAM]")
    parser.add_argument("--region", default=REGION)
    parser.add_argument("--access-key", default=ACCESS_KEY)
    parser.add_argument("--secret-key", default=SECRET_KEY)
    parser.add_argument("--session-token")
    parser.add_argument("--no-verify", action="store_true", help="any signature does")
    parser.add_argument("--tokens", action="store_true", help="need sequence tokens")
    parser.add_argument("--sink", action="store_true", help="take all, keep nothing")
    parser.add_argument("--visible-after", type=float, default=0.0, metavar="S")
    parser.add_argument("--clock-offset", type=float, default=0.0, metavar="S")
    parser.add_argument("--latency", type=float, default=0.0, metavar="S")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    options = Options(
        region=args.region,
        keys={args.access_key: Key(args.secret_key, args.session_token)},
        verify=not args.no_verify,
        tokens=args.tokens,
        sink=args.sink,
        visible_after=args.visible_after,
        clock_offset=args.clock_offset,
        latency=args.latency,
        seed=args.seed,
    )
    faults = json.loads(args.script.read_text()) if args.script else []
    cloud = StandIn(options, [Fault(**fault) for fault in faults], args.port)
    for name in args.create:
        group, _, stream = name.partition(":")
        cloud.create(group, *filter(None, [stream]))

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with cloud:
        print(f"listening on {cloud.url}", flush=True)
        stop.wait()
    print(json.dumps(cloud.summary()), flush=True)


if __name__ == "__main__":
    main()
