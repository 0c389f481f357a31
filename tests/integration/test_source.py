"""How the code is laid out, as HACKING.md has it."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(
    path
    for folder in ("common", "ingest", "shipper", "tests")
    for path in (ROOT / folder).rglob("*.[ch]")
    if "node_modules" not in path.parts
)
WIDTH, MOST_LINES = 80, 500


def test_no_line_is_wider_and_no_file_longer_than_can_be_read() -> None:
    assert len(SOURCES) > 300
    for path in SOURCES:
        lines = path.read_text().splitlines()
        assert len(lines) < MOST_LINES, path
        for number, line in enumerate(lines, 1):
            assert len(line) <= WIDTH, f"{path}:{number}"
            assert "\t" not in line and line == line.rstrip(), f"{path}:{number}"
