"""Node packages of a folder, as its lockfile pins them."""

import fcntl
import subprocess
from pathlib import Path

WEB = Path(__file__).resolve().parents[3] / "ingest" / "web"


def install(folder: Path) -> None:
    """npm ci, where it has not been done for this lockfile; one at a time."""
    lock = (folder / "package-lock.json").read_bytes()
    done = folder / "node_modules" / ".installed"
    with (folder / "package.json").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if done.exists() and done.read_bytes() == lock:
            return
        command = ["npm", "ci", "--no-audit", "--no-fund", "--silent"]
        subprocess.run(command, cwd=folder, check=True)
        done.write_bytes(lock)
