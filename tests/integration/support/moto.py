"""A moto server: AWS as others wrote it."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from .client import LOG_GROUP, LOG_STREAM, logs_client, read_all
from .daemons import free_port
from .wait import wait_until

START_TIMEOUT = 60.0


class MotoLogs:
    """Its CloudWatch Logs, with what a test asks a stand-in for."""

    def __init__(self, url: str) -> None:
        self.url, self._logs = url, logs_client(url)
        self._logs.create_log_group(logGroupName=LOG_GROUP)
        self._logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName=LOG_STREAM)

    def messages(self) -> list[str]:
        return read_all(self._logs)

    def wait(self, condition: Callable[[], bool], timeout: float = 30) -> None:
        wait_until(condition, timeout)


@contextlib.contextmanager
def moto_server(log: Path) -> Iterator[str]:
    """Its URL, while it runs."""
    port = free_port()
    program = Path(sys.executable).parent / "moto_server"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [os.fspath(program), "-H", "127.0.0.1", "-p", str(port)],
            stdout=output,
            stderr=output,
        )
    try:
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            assert process.poll() is None, "moto_server ended"
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert time.monotonic() < deadline, "moto_server does not listen"
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)
