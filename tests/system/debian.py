"""The package, and roots to install it in."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
EPOCH = "1767323045"


def build_deb(output: Path, *options: str, source: Path = ROOT) -> Path:
    """The .deb of @source, in @output."""
    done = subprocess.run(
        ["sh", source / "packaging/build-deb.sh", "--output", output, *options],
        env=os.environ | {"SOURCE_DATE_EPOCH": EPOCH},
        stdout=subprocess.PIPE, stderr=sys.stderr, text=True, check=True,
    )  # fmt: skip
    return Path(done.stdout.strip())


def field(deb: Path, name: str) -> str:
    command = ["dpkg-deb", "--field", os.fspath(deb), name]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def debian_root(deb: Path) -> Path:
    """A fresh root that has what @deb depends on and what install.sh would
    fetch, made once for all runs."""
    needed = re.findall(r"(?:^|, )([a-z0-9.+-]+)", field(deb, "Depends")) + ["curl"]
    script = Path(__file__).with_name("debian_root.sh")
    key = hashlib.sha256(" ".join(needed).encode() + script.read_bytes()).hexdigest()
    folder = BUILD / f"debian-root-{key[:12]}"
    for other in BUILD.glob("debian-root-*"):
        if other != folder:
            shutil.rmtree(other)
    subprocess.run(["sh", script, folder, *needed], check=True)
    return folder
