"""What the stand-in was asked, and what became of it."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from .faults import UNREADABLE
from .packing import EVENT_OVERHEAD
from .service import Event


@dataclass
class Call:
    """One request.  Times are time.monotonic()."""

    number: int
    connection: int
    began: float  # its head was there
    ended: float | None = None  # its answer left, or its fate was sealed
    operation: str = ""
    group: str | None = None
    stream: str | None = None
    events: int = 0
    message_bytes: int = 0  # uncompressed, without the 26 an event
    body_bytes: int = 0  # as received
    encoding: str | None = None  # Content-Encoding
    headers: dict[str, str] = field(default_factory=dict)  # lower-case names
    fault: str | None = None  # the kind that struck
    status: int | None = None  # None: no answer was sent
    code: str | None = None  # of an error answer
    taken: bool = False  # carried out, whatever was answered
    stored: list[Event] = field(default_factory=list)
    rejected: list[Event] = field(default_factory=list)  # by an index

    @property
    def batch_bytes(self) -> int:
        """As the limit of a batch counts."""
        return self.message_bytes + EVENT_OVERHEAD * self.events

    @property
    def lost(self) -> bool:
        """Carried out, but what was answered, if anything, does not say so.
        An answer that reached nobody, as its client was killed, is not here.
        """
        return self.taken and (self.status != 200 or self.fault in UNREADABLE)


class Journal:
    """Every call, in order of arrival.  Safe to use from several threads."""

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._changed = threading.Condition()

    def begin(self, connection: int) -> Call:
        with self._changed:
            call = Call(len(self._calls) + 1, connection, time.monotonic())
            self._calls.append(call)
            return call

    def end(self, call: Call) -> None:
        """The call is over; only the first time counts."""
        with self._changed:
            if call.ended is None:
                call.ended = time.monotonic()
            self._changed.notify_all()

    def calls(self, operation: str | None = None) -> list[Call]:
        with self._changed:
            return [
                call
                for call in self._calls
                if operation is None or call.operation == operation
            ]

    def wait(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Whether condition(), looked at again and again, comes true in time."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while not condition():
                if time.monotonic() > deadline:
                    return False
                self._changed.wait(0.1)
        return True


def max_concurrency(calls: Iterable[Call]) -> int:
    """How many of the calls were under way at once, at most."""
    edges: list[tuple[float, int]] = []
    for call in calls:
        edges.append((call.began, 1))
        if call.ended is not None:
            edges.append((call.ended, -1))
    most = now = 0
    for _, step in sorted(edges):  # at one time, ends come first
        now += step
        most = max(most, now)
    return most
