"""systemd's side of sd_notify(3)."""

import contextlib
import os
import socket
import struct
import threading
from pathlib import Path


class NotifySocket:
    """Collects what a daemon tells its service manager, and its pid: with a
    wrapper before it, the kernel knows better than we do who it is."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.messages: list[str] = []
        self.sender: int | None = None
        self._changed = threading.Condition()
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        path.unlink(missing_ok=True)
        self._sock.bind(os.fspath(path))
        self._sock.settimeout(0.1)
        self._closing = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while not self._closing:
            try:
                data, control, _, _ = self._sock.recvmsg(
                    4096, socket.CMSG_SPACE(struct.calcsize("3i"))
                )
            except TimeoutError:
                continue
            except OSError:
                return
            with self._changed:
                for level, kind, content in control:
                    if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
                        self.sender = struct.unpack("3i", content)[0]
                self.messages += data.decode().splitlines()
                self._changed.notify_all()

    def count(self, message: str) -> int:
        with self._changed:
            return self.messages.count(message)

    def wait(self, message: str, timeout: float, count: int = 1) -> bool:
        """Whether the message has come so many times, within the time."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self.messages.count(message) >= count, timeout
            )

    def close(self) -> None:
        self._closing = True
        self._thread.join(5)
        self._sock.close()
        with contextlib.suppress(OSError):
            self.path.unlink()
