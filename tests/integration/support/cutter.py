"""A way to a service that breaks at any byte of the exchange."""

import random
import select
import socket
import struct
import threading
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close() sends RST
PIECE = 4096


@dataclass
class Cutter:
    """Passes connections on to @target.  Each ends when a random number of
    bytes, in both directions together, has gone through: reset, or, one time
    in @stall_every, held without another byte until its client gives up."""

    target: str
    seed: int = 1
    most: int = 4000  # bytes, of which a cut takes less
    stall_every: int = 8
    cuts: int = 0
    healed: bool = False
    _threads: list[threading.Thread] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._random = random.Random(self.seed)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.1)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def heal(self) -> None:
        """Cut no new connection."""
        self.healed = True

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            left = None if self.healed else self._random.randrange(self.most)
            stall = self._random.randrange(self.stall_every) == 0
            thread = threading.Thread(target=self._serve, args=(client, left, stall))
            thread.start()
            self._threads.append(thread)

    def _serve(self, client: socket.socket, left: int | None, stall: bool) -> None:
        parts = urlsplit(self.target)
        with client, socket.create_connection((parts.hostname, parts.port)) as server:
            other = {client: server, server: client}
            while not self._ended.is_set():
                ready, _, _ = select.select(list(other), [], [], 0.1)
                for source in ready:
                    try:
                        data = source.recv(PIECE if left is None else min(PIECE, left))
                        if data:
                            other[source].sendall(data)
                    except OSError:
                        return
                    if not data and left != 0:
                        return
                    if left is not None:
                        left -= len(data)
                if left == 0:
                    self.cuts += 1
                    self._cut(client, server, stall)
                    return

    def _cut(self, client: socket.socket, server: socket.socket, stall: bool) -> None:
        if stall:
            client.settimeout(0.1)
            while not self._ended.is_set():
                try:
                    if not client.recv(PIECE):
                        break
                except TimeoutError:
                    continue
                except OSError:
                    break
        for sock in (client, server):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
