"""The rules of CloudWatch Logs, without a network.

Operations take the members of a request and give those of its answer, or
raise ServiceError.  Checks that concern the request alone come before those
of what exists.  Time is the caller's: `clock()` is the server's, in seconds.
"""

import hashlib
import json
import random
import threading
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from .filters import compile_pattern
from .members import (
    GROUP_NAME,
    LONG_MAX,
    STREAM_NAME,
    Members,
    ServiceError,
    constraint,
    group_member,
    invalid,
    limit_member,
    listing,
    member,
    name_member,
    position,
    time_range,
    wrong_type,
)
from .packing import EVENT_OVERHEAD, MAX_BATCH, MAX_EVENTS, MAX_SPAN_MS
from .queries import Queries

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
TOO_NEW_MS = 2 * HOUR_MS
TOO_OLD_MS = 14 * DAY_MS
PAGE_EVENTS = 10_000
PAGE_BYTES = 1_048_576
PAGE_OVERHEAD = 64  # an event's other members, which the answer carries too
RETENTIONS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827,
    2192, 2557, 2922, 3288, 3653,
)  # fmt: skip


@dataclass(slots=True)
class Event:
    """One stored event; `number` rises over the whole service."""

    timestamp: int
    message: str
    size: int  # of the message, in bytes of UTF-8
    number: int = 0
    ingestion: int = 0
    visible: float = 0.0  # time.monotonic() from which reads show it

    @property
    def key(self) -> tuple[int, int]:
        return (self.timestamp, self.number)


@dataclass
class Stream:
    name: str
    created: int
    token: str | None = None
    digest: bytes = b""  # of the batch taken last
    events: list[Event] = field(default_factory=list)  # in stored order
    _ordered: list[Event] = field(default_factory=list)

    def ordered(self) -> list[Event]:
        """The events by time, then by order of arrival."""
        if len(self._ordered) != len(self.events):
            self._ordered = sorted(self.events, key=lambda event: event.key)
        return self._ordered

    def between(self, start: int, end: int) -> list[Event]:
        """Those that reads show now, start inclusive and end exclusive."""
        events, now = self.ordered(), time.monotonic()
        first = bisect_left(events, start, key=lambda event: event.timestamp)
        last = bisect_left(events, end, key=lambda event: event.timestamp)
        return [event for event in events[first:last] if event.visible <= now]


@dataclass
class Group:
    name: str
    created: int
    retention_days: int | None = None
    streams: dict[str, Stream] = field(default_factory=dict)


@dataclass
class Batch:
    """A PutLogEvents that breaks no rule; [start, end) of it is acceptable."""

    group: str
    stream: str
    events: list[Event]
    token: str | None
    too_old: int = 0
    expired: int = 0
    too_new: int = 0  # from the tail

    @property
    def start(self) -> int:
        return max(self.too_old, self.expired)

    @property
    def end(self) -> int:
        return len(self.events) - self.too_new

    @property
    def accepted(self) -> list[Event]:
        return self.events[self.start : self.end]

    @property
    def message_bytes(self) -> int:
        return sum(event.size for event in self.events)

    def rejected_info(self) -> dict[str, int]:
        """rejectedLogEventsInfo: old ends exclusive, new start inclusive."""
        info = {
            "tooOldLogEventEndIndex": self.too_old,
            "expiredLogEventEndIndex": self.expired,
        }
        info = {name: index for name, index in info.items() if index}
        if self.too_new:
            info["tooNewLogEventStartIndex"] = self.end
        return info

    def digest(self) -> bytes:
        content = [(event.timestamp, event.message) for event in self.events]
        return hashlib.sha256(json.dumps(content).encode()).digest()


class Service:
    """Groups, streams and events of one region."""

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        *,
        region: str = "ap-southeast-1",
        tokens: bool = False,
        next_token: bool = True,
        max_event: int = MAX_BATCH,
        visible_after: float | tuple[float, float] = 0.0,
        empty_pages: int = 3,
        seed: int = 1,
    ) -> None:
        """
        @tokens: refuse a batch without the stream's next sequence token.
        @next_token: answer PutLogEvents with a token, needed or not.
        @max_event: largest event, its 26 bytes included.
        @visible_after: seconds, or their range, before reads show an event.
        @empty_pages: every so many pages that have more to come are empty.
        """
        self.clock = clock
        self.region = region
        self.tokens = tokens
        self.next_token = next_token
        self.max_event = max_event
        self.visible_after = visible_after
        self.empty_pages = empty_pages
        self.groups: dict[str, Group] = {}
        self.lock = threading.RLock()
        self._numbers = 0
        self._pages = 0
        self._random = random.Random(seed)
        self._operations: dict[str, Callable[[Members], Members]] = {
            "CreateLogGroup": self.create_log_group,
            "CreateLogStream": self.create_log_stream,
            "PutRetentionPolicy": self.put_retention_policy,
            "DescribeLogGroups": self.describe_log_groups,
            "DescribeLogStreams": self.describe_log_streams,
            "GetLogEvents": self.get_log_events,
            "FilterLogEvents": self.filter_log_events,
            "PutLogEvents": lambda request: self.store(self.judge(request)),
        }
        self.queries = Queries(self)
        self._operations |= self.queries.operations()

    def operation(self, name: str) -> Callable[[Members], Members]:
        try:
            return self._operations[name]
        except KeyError:
            raise ServiceError("UnknownOperationException", "", 404) from None

    def now_ms(self) -> int:
        return int(self.clock() * 1000)

    # Writing

    def judge(self, request: Members) -> Batch:
        """Check a PutLogEvents whole, and change nothing."""
        group_name = name_member(request, "logGroupName", GROUP_NAME)
        stream_name = name_member(request, "logStreamName", STREAM_NAME)
        token = member(request, "sequenceToken", str)
        events = self._events(member(request, "logEvents", list))
        batch = Batch(group_name, stream_name, events, token)

        with self.lock:
            group, stream = self._find(group_name, stream_name)
            self._judge_age(batch, group)
            _judge_span(batch)
            if self.tokens:
                _judge_token(batch, stream)
        return batch

    def store(self, batch: Batch) -> Members:
        """Take the acceptable part of a batch; the answer."""
        with self.lock:
            _, stream = self._find(batch.group, batch.stream)
            if self.tokens:
                _judge_token(batch, stream)
            now = self.now_ms()
            for event in batch.accepted:
                self._numbers += 1
                event.number = self._numbers
                event.ingestion = now
                event.visible = self._shown_at()
            stream.events += batch.accepted
            stream.digest = batch.digest() if self.tokens else b""
            self._numbers += 1
            stream.token = f"{49 * 10**54 + self._numbers}"

            answer: Members = {}
            if self.next_token:
                answer["nextSequenceToken"] = stream.token
            if info := batch.rejected_info():
                answer["rejectedLogEventsInfo"] = info
            return answer

    def _shown_at(self) -> float:
        late = self.visible_after
        if isinstance(late, tuple):
            late = self._random.uniform(*late)
        return time.monotonic() + late if late else 0.0

    def _events(self, given: list[Any] | None) -> list[Event]:
        if given is None:
            raise constraint("null", "logEvents", "not be null")
        if not 1 <= len(given) <= MAX_EVENTS:
            bound = "greater than or equal to 1"
            if given:
                bound = f"less than or equal to {MAX_EVENTS}"
            raise constraint("[...]", "logEvents", f"have length {bound}")

        events = [_event(item, at) for at, item in enumerate(given, 1)]
        for event in events:
            size = event.size + EVENT_OVERHEAD
            if size > self.max_event:
                raise invalid(
                    f"Log event too large: {size} bytes exceeds limit of"
                    f" {self.max_event}"
                )
        total = sum(event.size + EVENT_OVERHEAD for event in events)
        if total > MAX_BATCH:
            raise invalid(
                f"Upload too large: {total} bytes exceeds limit of {MAX_BATCH}"
            )
        times = [event.timestamp for event in events]
        if any(a > b for a, b in pairwise(times)):
            raise invalid(
                "Log events in a single PutLogEvents request must be in"
                " chronological order."
            )
        return events

    def _judge_age(self, batch: Batch, group: Group) -> None:
        times = [event.timestamp for event in batch.events]
        now = self.now_ms()
        batch.too_old = bisect_left(times, now - TOO_OLD_MS)
        if group.retention_days:
            oldest = now - group.retention_days * DAY_MS
            batch.expired = bisect_left(times, oldest)
        batch.too_new = len(times) - bisect_right(times, now + TOO_NEW_MS)

    def create_log_group(self, request: Members) -> Members:
        name = name_member(request, "logGroupName", GROUP_NAME)
        if name.startswith("aws/"):
            raise invalid("Log group names starting with aws/ are reserved.")
        with self.lock:
            if name in self.groups:
                raise ServiceError(
                    "ResourceAlreadyExistsException",
                    "The specified log group already exists",
                )
            self.groups[name] = Group(name, self.now_ms())
        return {}

    def create_log_stream(self, request: Members) -> Members:
        group_name = name_member(request, "logGroupName", GROUP_NAME)
        name = name_member(request, "logStreamName", STREAM_NAME)
        with self.lock:
            group = self._group(group_name)
            if name in group.streams:
                raise ServiceError(
                    "ResourceAlreadyExistsException",
                    "The specified log stream already exists",
                )
            group.streams[name] = Stream(name, self.now_ms())
        return {}

    def put_retention_policy(self, request: Members) -> Members:
        name = name_member(request, "logGroupName", GROUP_NAME)
        days = member(request, "retentionInDays", int)
        if days not in RETENTIONS:
            raise constraint(
                "null" if days is None else days,
                "retentionInDays",
                f"satisfy enum value set: {list(RETENTIONS)}",
            )
        with self.lock:
            self._group(name).retention_days = days
        return {}

    def drop_stream(self, group: str, stream: str) -> None:
        """Delete a stream with its events, where it is."""
        with self.lock:
            if group in self.groups:
                self.groups[group].streams.pop(stream, None)

    # Reading

    def describe_log_groups(self, request: Members) -> Members:
        prefix = member(request, "logGroupNamePrefix", str)
        pattern = member(request, "logGroupNamePattern", str)
        if prefix is not None and pattern is not None:
            raise invalid("logGroupNamePrefix excludes logGroupNamePattern.")
        with self.lock:
            groups = [
                group
                for name, group in sorted(self.groups.items())
                if name.startswith(prefix or "")
                and (pattern or "").lower() in name.lower()
            ]
        page, more = listing(groups, request)
        return {"logGroups": [self._describe(group) for group in page]} | more

    def describe_log_streams(self, request: Members) -> Members:
        prefix = member(request, "logStreamNamePrefix", str)
        order = member(request, "orderBy", str) or "LogStreamName"
        if order not in ("LogStreamName", "LastEventTime"):
            names = "[LogStreamName, LastEventTime]"
            raise constraint(order, "orderBy", f"satisfy enum value set: {names}")
        if prefix is not None and order == "LastEventTime":
            raise invalid("Cannot order by LastEventTime with a prefix.")
        with self.lock:
            group = self._group(group_member(request))
            rows = [
                self._describe_stream(group, stream)
                for name, stream in sorted(group.streams.items())
                if name.startswith(prefix or "")
            ]
        if order == "LastEventTime":
            rows.sort(key=lambda row: row.get("lastEventTimestamp", 0))
        if member(request, "descending", bool):
            rows.reverse()
        page, more = listing(rows, request)
        return {"logStreams": page} | more

    def get_log_events(self, request: Members) -> Members:
        name = name_member(request, "logStreamName", STREAM_NAME)
        start, end = time_range(request)
        limit = limit_member(request, PAGE_EVENTS)
        token = member(request, "nextToken", str)
        forward = bool(member(request, "startFromHead", bool))
        # A page is what lies past this key, in the direction of the token.
        key, nonce = ((start, 0) if forward else (end, 0)), 0
        if token is not None:
            forward, key, nonce = position(token)

        with self.lock:
            _, stream = self._find(group_member(request), name)
            events = stream.between(start, end)
            cut = bisect_left(events, key, key=lambda event: event.key)
            if forward and cut < len(events) and events[cut].key == key:
                cut += 1
            events = events[cut:] if forward else events[:cut]
            empty = self._page_is_empty(len(events))

        page = [] if empty else _page(events, limit, forward)
        first, last = (page[0].key, page[-1].key) if page else (key, key)
        nonce = 0 if page else nonce + empty
        return {
            "events": [_shown(event) for event in page],
            "nextForwardToken": f"f/{last[0]}-{last[1]}/{nonce}",
            "nextBackwardToken": f"b/{first[0]}-{first[1]}/{nonce}",
        }

    def filter_log_events(self, request: Members) -> Members:
        names = member(request, "logStreamNames", list)
        prefix = member(request, "logStreamNamePrefix", str)
        pattern = member(request, "filterPattern", str) or ""
        start, end = time_range(request)
        limit = limit_member(request, PAGE_EVENTS)
        token = member(request, "nextToken", str)
        key, nonce = (start, 0), 0
        if names is not None and prefix is not None:
            raise invalid("logStreamNames excludes logStreamNamePrefix.")
        if names is not None and not 1 <= len(names) <= 100:
            raise constraint("[...]", "logStreamNames", "have length 1 to 100")
        if any(type(name) is not str for name in names or ()):
            raise wrong_type("logStreamNames")
        if len(pattern) > 1024:
            bound = "have length less than or equal to 1024"
            raise constraint(pattern, "filterPattern", bound)
        try:
            matches = compile_pattern(pattern)
        except ValueError as error:
            raise invalid(f"Invalid filter pattern, {error}") from error

        with self.lock:
            group = self._group(group_member(request))
            for name in names or ():
                self._find(group.name, name)
            found = [
                (event, stream.name)
                for stream in group.streams.values()
                if (names is None or stream.name in names)
                and stream.name.startswith(prefix or "")
                for event in stream.between(start, end)
                if matches(event.message)
            ]
            found.sort(key=lambda item: item[0].key)
            if token is not None:
                _, key, nonce = position(token)
                found = [item for item in found if item[0].key > key]
            empty = self._page_is_empty(len(found))

        page = [] if empty else _page([event for event, _ in found], limit, True)
        answer: Members = {
            "events": [
                _shown(event)
                | {"logStreamName": name, "eventId": f"{event.number:056d}"}
                for event, name in found[: len(page)]
            ],
            "searchedLogStreams": [],
        }
        if len(page) < len(found):
            stamp, number = page[-1].key if page else key
            answer["nextToken"] = f"f/{stamp}-{number}/{nonce + empty}"
        return answer

    def _page_is_empty(self, events: int) -> bool:
        if not self.empty_pages or not events:
            return False
        self._pages += 1
        return self._pages % self.empty_pages == 0

    def _group(self, name: str) -> Group:
        if name not in self.groups:
            raise ServiceError(
                "ResourceNotFoundException",
                "The specified log group does not exist.",
            )
        return self.groups[name]

    def _find(self, group_name: str, name: str) -> tuple[Group, Stream]:
        group = self._group(group_name)
        if name not in group.streams:
            raise ServiceError(
                "ResourceNotFoundException",
                "The specified log stream does not exist.",
            )
        return group, group.streams[name]

    def _arn(self, group: Group) -> str:
        return f"arn:aws:logs:{self.region}:000000000000:log-group:{group.name}"

    def _describe(self, group: Group) -> Members:
        row: Members = {
            "logGroupName": group.name,
            "creationTime": group.created,
            "metricFilterCount": 0,
            "arn": self._arn(group) + ":*",
            "logGroupArn": self._arn(group),
            "storedBytes": 0,
        }
        if group.retention_days:
            row["retentionInDays"] = group.retention_days
        return row

    def _describe_stream(self, group: Group, stream: Stream) -> Members:
        row: Members = {
            "logStreamName": stream.name,
            "creationTime": stream.created,
            "arn": f"{self._arn(group)}:log-stream:{stream.name}",
            "storedBytes": 0,
        }
        if stream.token is not None:
            row["uploadSequenceToken"] = stream.token
        if shown := stream.between(0, LONG_MAX):
            row["firstEventTimestamp"] = shown[0].timestamp
            row["lastEventTimestamp"] = shown[-1].timestamp
            row["lastIngestionTime"] = max(event.ingestion for event in shown)
        return row


def _judge_span(batch: Batch) -> None:
    accepted = batch.accepted
    if not accepted:
        return
    if accepted[-1].timestamp - accepted[0].timestamp > MAX_SPAN_MS:
        raise invalid(
            "The batch of log events in a single PutLogEvents request cannot"
            " span more than 24 hours."
        )


def _judge_token(batch: Batch, stream: Stream) -> None:
    if batch.token == stream.token:
        return
    expected: Members = {}
    if stream.token:
        expected["expectedSequenceToken"] = stream.token
    if stream.digest and stream.digest == batch.digest():
        raise ServiceError(
            "DataAlreadyAcceptedException",
            "The given batch of log events has already been accepted. The next"
            f" batch can be sent with sequenceToken: {stream.token}",
            **expected,
        )
    raise ServiceError(
        "InvalidSequenceTokenException",
        "The given sequenceToken is invalid. The next expected sequenceToken"
        f" is: {stream.token or 'null'}",
        **expected,
    )


def _event(item: Any, at: int) -> Event:
    place = f"logEvents.{at}.member"
    if not isinstance(item, dict):
        raise wrong_type(place)
    timestamp = member(item, "timestamp", int, place)
    message = member(item, "message", str, place)
    if timestamp is None or message is None:
        name = "timestamp" if timestamp is None else "message"
        raise constraint("null", f"{place}.{name}", "not be null")
    if timestamp < 0:
        bound = "have value greater than or equal to 0"
        raise constraint(timestamp, f"{place}.timestamp", bound)
    if not message:
        bound = "have length greater than or equal to 1"
        raise constraint("", f"{place}.message", bound)
    try:
        return Event(timestamp, message, len(message.encode()))
    except UnicodeEncodeError as error:  # half of a surrogate pair
        raise wrong_type(f"{place}.message") from error


def _page(events: list[Event], limit: int, forward: bool) -> list[Event]:
    """As many events from one end as a page holds, at least one."""
    room = PAGE_BYTES
    taken = 0
    for event in events if forward else reversed(events):
        room -= event.size + PAGE_OVERHEAD
        if taken == limit or (room < 0 and taken):
            break
        taken += 1
    return events[:taken] if forward else events[len(events) - taken :]


def _shown(event: Event) -> Members:
    return {
        "timestamp": event.timestamp,
        "message": event.message,
        "ingestionTime": event.ingestion,
    }
