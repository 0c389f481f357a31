"""The limits of PutLogEvents, and how few calls a list of events needs."""

from collections.abc import Iterable

MAX_EVENTS = 10_000
MAX_BATCH = 1_048_576
EVENT_OVERHEAD = 26
MAX_SPAN_MS = 24 * 3600 * 1000


def pack(events: Iterable[tuple[int, int]]) -> list[int]:
    """Pack (timestamp in ms, message bytes) greedily, in order.

    Returns the number of events of each call.  No in-order packing has fewer
    calls.  A batch ends before the event that would break a limit: number,
    size, span, or the order of time.
    """
    sizes: list[int] = []
    room = first = last = 0

    for timestamp, length in events:
        cost = length + EVENT_OVERHEAD
        if cost > MAX_BATCH:
            raise ValueError(f"a message of {length} bytes fits no batch")
        fits = (
            sizes
            and sizes[-1] < MAX_EVENTS
            and cost <= room
            and last <= timestamp <= first + MAX_SPAN_MS
        )
        if not fits:
            sizes.append(0)
            room, first = MAX_BATCH, timestamp
        sizes[-1] += 1
        room -= cost
        last = timestamp
    return sizes
