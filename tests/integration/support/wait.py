"""Waiting for what will be true soon."""

import time
from collections.abc import Callable


def wait_until(
    holds: Callable[[], bool], timeout: float = 10.0, every: float = 0.05
) -> None:
    """AssertionError where it does not hold in time."""
    deadline = time.monotonic() + timeout
    while not holds():
        assert time.monotonic() < deadline, "it does not become true"
        time.sleep(every)
