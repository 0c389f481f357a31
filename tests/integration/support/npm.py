"""Node packages of a folder, as its lockfile pins them."""

import fcntl
import subprocess
from pathlib import Path

WEB = Path(__file__).resolve().parents[3] / "ingest" / "web"
COMMAND = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]


def install(folder: Path) -> Path:
    """npm ci, where it has not been done for this lockfile; one at a time.
    The programs of the packages are in the folder that is returned."""
    lock = (folder / "package-lock.json").read_bytes()
    modules = folder / "node_modules"
    done = modules / ".installed"
    with (folder / "package.json").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not done.exists() or done.read_bytes() != lock:
            subprocess.run(COMMAND, cwd=folder, check=True)
            done.write_bytes(lock)
    return modules / ".bin"
