"""docs/openapi.yaml by the rules that others recommend; the linters are
pinned in tests/openapi, and so are the exceptions."""

import os
import subprocess
from pathlib import Path

import pytest
from support.npm import install

ROOT = Path(__file__).resolve().parents[2]
API = ROOT / "docs" / "openapi.yaml"
RULES = ROOT / "tests" / "openapi"
LINTERS = {
    "redocly": ["lint", "--format=stylish", "--config=redocly.yaml"],
    "spectral": ["lint", "--fail-severity=hint", "--ruleset=spectral.yaml"],
}
QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}


def complaints(name: str, folder: Path, text: str) -> str:
    """Nothing where there are none."""
    api = folder / "openapi.yaml"
    api.write_text(text)
    done = subprocess.run(
        [install(RULES) / name, *LINTERS[name], api],
        cwd=RULES,
        env=os.environ | QUIET,
        capture_output=True,
        text=True,
        check=False,
    )
    told = done.stdout + done.stderr
    warned = "warning" in told  # redocly ends with 0 for these
    return told if done.returncode or warned else ""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", LINTERS)
def test_the_file_obeys_the_recommended_rules(name: str, tmp_path: Path) -> None:
    text = API.read_text()
    spoilt = text.replace("      operationId: getHealth\n", "")
    assert not complaints(name, tmp_path, text)
    assert "operation-operationId" in complaints(name, tmp_path, spoilt)
