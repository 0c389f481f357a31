"""The members of requests: read, and judged by themselves."""

import re
from typing import Any

Members = dict[str, Any]

GROUP_NAME = re.compile(r"[.\-_/#A-Za-z0-9]+")
STREAM_NAME = re.compile(r"[^:*]*")
_GROUP_ARN = re.compile(r"arn:[^:]+:logs:[^:]*:[^:]*:log-group:([^:]+)(?::\*)?")
_PAGE = re.compile(r"([fb])/(\d+)-(\d+)/(\d+)")
LONG_MAX = 2**63 - 1


class ServiceError(Exception):
    """An answer that is an error."""

    def __init__(
        self, code: str, message: str, status: int = 400, **members: Any
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status = code, message, status
        self.members = members


def invalid(message: str) -> ServiceError:
    return ServiceError("InvalidParameterException", message)


def constraint(value: Any, place: str, member_must: str) -> ServiceError:
    return invalid(
        f"1 validation error detected: Value '{value}' at '{place}' failed to"
        f" satisfy constraint: Member must {member_must}"
    )


def wrong_type(place: str) -> ServiceError:
    return ServiceError("SerializationException", f"{place} has the wrong type")


def member(request: Members, name: str, kind: type, place: str = "") -> Any:
    """A member of the right type; None where absent or null."""
    value = request.get(name)
    if value is None:
        return None
    if type(value) is not kind:  # a bool is no int, and 1.0 no long
        raise wrong_type(f"{place}.{name}" if place else name)
    if isinstance(value, int) and abs(value) > LONG_MAX:
        raise wrong_type(name)
    return value


def name_member(request: Members, key: str, pattern: re.Pattern[str]) -> str:
    name = member(request, key, str)
    if name is None:
        raise constraint("null", key, "not be null")
    if not name:
        bound = "have length greater than or equal to 1"
        raise constraint(name, key, bound)
    if len(name) > 512:
        raise invalid(
            "Invalid LogGroup or LogStream, both must have length less than or"
            " equal to 512."
        )
    if not pattern.fullmatch(name):
        bound = f"satisfy regular expression pattern: {pattern.pattern}"
        raise constraint(name, key, bound)
    return str(name)


def group_member(request: Members) -> str:
    """logGroupName, or the name in logGroupIdentifier; not both."""
    identifier = member(request, "logGroupIdentifier", str)
    if identifier is None:
        return name_member(request, "logGroupName", GROUP_NAME)
    if member(request, "logGroupName", str) is not None:
        raise invalid("logGroupName excludes logGroupIdentifier.")
    arn = _GROUP_ARN.fullmatch(identifier)
    name = {"logGroupIdentifier": arn.group(1) if arn else identifier}
    return name_member(name, "logGroupIdentifier", GROUP_NAME)


def time_range(request: Members) -> tuple[int, int]:
    start = member(request, "startTime", int)
    end = member(request, "endTime", int)
    for name, value in (("startTime", start), ("endTime", end)):
        if value is not None and value < 0:
            bound = "have value greater than or equal to 0"
            raise constraint(value, name, bound)
    return start or 0, LONG_MAX if end is None else end


def limit_member(request: Members, most: int) -> int:
    limit = member(request, "limit", int)
    if limit is None:
        return most
    if not 1 <= limit <= most:
        bound = "greater than or equal to 1"
        if limit > most:
            bound = f"less than or equal to {most}"
        raise constraint(limit, "limit", f"have value {bound}")
    return int(limit)


def listing(rows: list[Any], request: Members) -> tuple[list[Any], Members]:
    """A page of at most 50 rows, and the member that leads to the next."""
    token = member(request, "nextToken", str)
    if token is not None and not re.fullmatch(r"n/\d{1,9}", token):
        raise invalid("The specified nextToken is invalid.")
    at = int(token[2:]) if token else 0
    end = at + limit_member(request, 50)
    return rows[at:end], {"nextToken": f"n/{end}"} if end < len(rows) else {}


def position(token: str) -> tuple[bool, tuple[int, int], int]:
    """Whether a page's token leads forward, from where, and its nonce."""
    parsed = _PAGE.fullmatch(token)
    if not parsed:
        raise invalid("The specified nextToken is invalid.")
    way, stamp, number, nonce = parsed.groups()
    return way == "f", (int(stamp), int(number)), int(nonce)
