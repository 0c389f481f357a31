"""What the README says of the source is true of it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEADERS = {
    "libuv1-dev": "uv.h",
    "node-llhttp": "llhttp.h",
    "libcjson-dev": "cjson/",
    "libssl-dev": "openssl/",
    "libcurl4-openssl-dev": "curl/",
    "zlib1g-dev": "zlib.h",
}


def told(package: str) -> set[str]:
    """The modules in the table's row: `folder/{a,b}` is folder/a, folder/b."""
    row = re.search(rf"^\| {package}\b[^|]*\|([^|]*)\|", README, re.MULTILINE)
    assert row, f"{package} is not in the table"
    modules: set[str] = set()
    for word in re.findall(r"`([^`]+)`", row.group(1)):
        folder, _, name = word.rpartition("/")
        modules |= {f"{folder}/{part}" for part in name.strip("{}").split(",")}
    return modules


README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("package", HEADERS)
def test_the_table_of_packages_names_who_includes_them(package: str) -> None:
    include = re.compile(rf"^#include <{re.escape(HEADERS[package])}", re.MULTILINE)
    found = {
        path.relative_to(ROOT).with_suffix("").as_posix()
        for folder in ("common", "ingest", "shipper")
        for path in (ROOT / folder).rglob("*.[ch]")
        if include.search(path.read_text())
    }
    assert told(package) == found


def test_every_link_to_a_file_leads_somewhere() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    for page in pages:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
