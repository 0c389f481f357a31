"""StartQuery, GetQueryResults and StopQuery of the stand-in: queries that are
really run (insights.py), behind the states that the service goes through."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .insights import Query, flatten
from .members import Members, ServiceError, constraint, invalid, member

if TYPE_CHECKING:
    from .service import Service

LIMIT_MAX = 100_000
PAGE_ROWS = 10_000
TEXT_MAX = 10_000


@dataclass
class _Started:
    rows: list[dict[str, Any]]
    matched: int
    bytes_scanned: int
    polls: int = 0
    stopped: bool = False


@dataclass
class Queries:
    """The queries of one service."""

    service: "Service"
    states: list[str] = field(default_factory=lambda: ["Scheduled", "Running"])
    end: str = "Complete"  # what follows the states; Running: no end
    stopped: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    _started: dict[str, _Started] = field(default_factory=dict)

    def operations(self) -> dict[str, Callable[[Members], Members]]:
        return {
            "StartQuery": self.start,
            "GetQueryResults": self.results,
            "StopQuery": self.stop,
        }

    def start(self, request: Members) -> Members:
        text = member(request, "queryString", str)
        since = member(request, "startTime", int)
        until = member(request, "endTime", int)
        limit = member(request, "limit", int) or PAGE_ROWS
        name = member(request, "logGroupName", str)
        for key, value in (("startTime", since), ("endTime", until)):
            if value is None or value < 0:
                raise constraint(value, key, "not be null or negative")
        if since > 10_000_000_000 or since > until:
            raise invalid("The time range is none, in seconds.")
        if not text or len(text) > TEXT_MAX:
            raise constraint("...", "queryString", "have length 1 to 10000")
        if not 1 <= limit <= LIMIT_MAX:
            raise constraint(limit, "limit", "have value 1 to 100000")
        try:
            query = Query(text)
        except ValueError as error:
            raise ServiceError("MalformedQueryException", str(error)) from error
        with self.service.lock:
            found = self._events(name, since * 1000, until * 1000 + 1000)
            self.texts.append(text)
            identity = f"00000000-0000-4000-8000-{len(self._started):012d}"
            scanned = sum(len(row["@message"].encode()) for row in found)
            rows = query.run(found)[:limit]
            self._started[identity] = _Started(rows, len(found), scanned)
        return {"queryId": identity}

    def _events(self, name: str | None, start: int, end: int) -> list[dict[str, Any]]:
        if name not in self.service.groups:
            raise ServiceError(
                "ResourceNotFoundException", "The specified log group does not exist."
            )
        rows: list[dict[str, Any]] = []
        for stream in self.service.groups[name].streams.values():
            for event in stream.between(start, end):
                at = datetime.fromtimestamp(event.timestamp / 1000, UTC)
                rows.append(
                    _fields(event.message)
                    | {
                        "@timestamp": at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3],
                        "@message": event.message,
                        "@logStream": stream.name,
                    }
                )
        return rows

    def results(self, request: Members) -> Members:
        query = self._find(request)
        most = member(request, "maxItems", int) or PAGE_ROWS
        token = member(request, "nextToken", str)
        if not 1 <= most <= PAGE_ROWS:
            raise constraint(most, "maxItems", "have value 1 to 10000")
        status = self.end
        if query.stopped:
            status = "Cancelled"
        elif query.polls < len(self.states):
            status = self.states[query.polls]
        query.polls += 1
        at = int(token.removeprefix("r/")) if token else 0
        page = query.rows[at : at + most] if status == "Complete" else query.rows[:1]
        answer: Members = {
            "status": status,
            "results": [_printed(row, at + n) for n, row in enumerate(page)],
            "statistics": {
                "recordsMatched": float(query.matched),
                "recordsScanned": float(query.matched),
                "bytesScanned": float(query.bytes_scanned),
            },
        }
        if status == "Complete" and at + most < len(query.rows):
            answer["nextToken"] = f"r/{at + most}"
        return answer

    def stop(self, request: Members) -> Members:
        query = self._find(request)
        if query.stopped or query.polls > len(self.states) and self.end == "Complete":
            raise invalid("The specified query is not running.")
        query.stopped = True
        self.stopped.append(str(request["queryId"]))
        return {"success": True}

    def _find(self, request: Members) -> _Started:
        identity = member(request, "queryId", str)
        if identity not in self._started:
            raise ServiceError("ResourceNotFoundException", "The query does not exist.")
        return self._started[identity]


def _fields(message: str) -> dict[str, Any]:
    try:
        return flatten(json.loads(message))
    except ValueError:
        return {}


def _printed(row: dict[str, Any], number: int) -> list[dict[str, str]]:
    cells = [{"field": name, "value": _text(value)} for name, value in row.items()]
    return [*cells, {"field": "@ptr", "value": f"ptr-{number}"}]


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4f}".rstrip("0").rstrip(".")
    return str(value)
