"""What can go wrong between shipper and CloudWatch, as data.

    Script([
        Fault("throttle", every=10),
        Fault("reset_after", at={3, 7}),
        Fault("http_503", probability=0.1, retry_after=2),
        Fault("rejected", at={1}, too_old=2),
    ], seed=7)

A fault counts the calls that concern it (of its operation, stream, content)
from 1, and strikes those that `every`, `at` or `probability` name: all of
them where none is given; `times` ends it.  Where two would strike one call,
the first in the script does.
"""

import random
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

# kind: (status, error type, text).  The service says no, and takes nothing.
ERRORS: Mapping[str, tuple[int, str, str]] = {
    "throttle": (400, "ThrottlingException", "Rate exceeded"),
    "http_408": (408, "RequestTimeoutException", "The body came too slowly."),
    "http_429": (429, "TooManyRequestsException", "Too Many Requests"),
    "http_500": (500, "InternalFailure", "An internal error occurred."),
    "http_503": (503, "ServiceUnavailableException", "Service unavailable."),
    "skew": (400, "InvalidSignatureException", "Signature expired."),
    "expired_token": (
        400,
        "ExpiredTokenException",
        "The security token included in the request is expired",
    ),
    "access_denied": (
        400,
        "AccessDeniedException",
        "User is not authorized to perform: logs:PutLogEvents",
    ),
    "operation_aborted": (
        400,
        "OperationAbortedException",
        "A conflicting operation is in progress against this resource.",
    ),
    "limit_exceeded": (400, "LimitExceededException", "Resource limit exceeded."),
    "invalid_parameter": (
        400,
        "InvalidParameterException",
        "1 validation error detected: Value at 'logEvents' failed to satisfy"
        " constraint: Member must be acceptable",
    ),
}

# An answer that no AWS JSON service would give: what proxies do.
PAGES: Mapping[str, int] = {
    "http_502": 502,
    "http_504": 504,
    "html_503": 503,
    "html_200": 200,
}

# These strike before the body is read, so nothing can have been taken.
EARLY = frozenset({"reset_before", "reset_mid_body"})

# A 200 that tells nothing.
UNREADABLE = frozenset({"truncated_200", "short_200", "empty_200", "html_200"})

# These are answers to a call that was carried out, unless `taken` says no.
TAKING = frozenset({"reset_after", "never_after", "slow", "delay", "rejected"})

KINDS = (
    frozenset(ERRORS)
    | frozenset(PAGES)
    | EARLY
    | TAKING
    | {
        "garbage",  # bytes that are not HTTP, and a close
        "truncated_200",  # a 200 whose JSON ends in the middle
        "short_200",  # a 200 whose connection ends before its length
        "empty_200",  # a 200 without body or x-amzn-RequestId
        "never",  # no answer until the client gives up
        "not_found",  # the stream is deleted first
    }
)


@dataclass(frozen=True)
class Fault:
    """One way for calls to fail, and which of them do.

    Kinds beyond ERRORS, PAGES and the ones commented above:
    reset_before    RST once the head is read
    reset_mid_body  RST once half of the body is read
    reset_after     carried out, then RST instead of the answer
    never_after     carried out, no answer until the client gives up
    slow            the answer byte by byte, over `seconds`
    delay           the answer after `seconds`
    rejected        too_old + expired events at the head and too_new at the
                    tail are not stored, and said so by rejectedLogEventsInfo
    skew            refused, with a Date that is `seconds` off
    """

    kind: str
    every: int | None = None
    at: frozenset[int] | set[int] | list[int] | None = None
    probability: float | None = None
    times: int | None = None
    operation: str = "PutLogEvents"  # "*": any
    stream: str | None = None
    contains: str | None = None  # strikes batches with this in a message
    taken: bool | None = None  # carried out all the same; None: as its kind
    seconds: float = 2.0
    retry_after: int | None = None  # seconds, Retry-After
    retry_after_ms: int | None = None  # x-amz-retry-after
    too_old: int = 0
    expired: int = 0
    too_new: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no such fault: {self.kind}; {sorted(KINDS)}")
        if self.early and (self.taken or self.stream or self.contains):
            raise ValueError(f"{self.kind} strikes before the body is known")
        chosen = (self.every, self.at, self.probability)
        if sum(choice is not None for choice in chosen) > 1:
            raise ValueError("every, at and probability exclude each other")

    @property
    def early(self) -> bool:
        return self.kind in EARLY

    @property
    def takes(self) -> bool:
        """Whether the call is carried out before the answer goes wrong."""
        return self.kind in TAKING if self.taken is None else self.taken


@dataclass
class _Armed:
    fault: Fault
    seen: int = 0
    struck: int = 0


@dataclass
class Script:
    """Faults, with their counters.  Safe to use from several threads."""

    faults: Iterable[Fault] = ()
    seed: int = 1
    _armed: list[_Armed] = field(init=False)
    _random: random.Random = field(init=False)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._armed = [_Armed(fault) for fault in self.faults]
        self._random = random.Random(self.seed)

    def pick(
        self,
        early: bool,
        operation: str,
        stream: str | None = None,
        holds: Callable[[str], bool] = lambda text: False,
    ) -> Fault | None:
        """The fault that strikes this call, if any.

        Asked twice a call: once its head is read (@early), and once its body
        is understood; holds() tells whether a message contains a text.
        """
        hit: Fault | None = None
        with self._lock:
            for armed in self._armed:
                fault = armed.fault
                if fault.early != early or fault.operation not in (operation, "*"):
                    continue
                if fault.stream is not None and fault.stream != stream:
                    continue
                if fault.contains is not None and not holds(fault.contains):
                    continue
                armed.seen += 1
                if self._strikes(armed) and hit is None:
                    armed.struck += 1
                    hit = fault
        return hit

    def _strikes(self, armed: _Armed) -> bool:
        fault = armed.fault
        if fault.times is not None and armed.struck >= fault.times:
            return False
        if fault.every is not None:
            return armed.seen % fault.every == 0
        if fault.at is not None:
            return armed.seen in fault.at
        if fault.probability is not None:
            return self._random.random() < fault.probability
        return True
