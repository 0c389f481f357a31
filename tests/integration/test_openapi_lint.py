"""docs/openapi.yaml by the rules that others recommend; the linters are
pinned in tests/openapi, and so are the exceptions."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
API = ROOT / "docs" / "openapi.yaml"
RULES = ROOT / "tests" / "openapi"
LINTERS = {
    "redocly": ["lint", "--format=stylish", "--config=redocly.yaml"],
    "spectral": ["lint", "--fail-severity=hint", "--ruleset=spectral.yaml"],
}
QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}


@pytest.fixture(scope="module")
def linters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the linters, their rules, and the file."""
    folder = tmp_path_factory.mktemp("openapi")
    for path in (*RULES.iterdir(), API):
        shutil.copy(path, folder)
    install = "npm ci --ignore-scripts --no-audit --no-fund --silent"
    subprocess.run(install.split(), cwd=folder, check=True)
    return folder


def complaints(folder: Path, name: str, api: Path) -> str:
    """Nothing where there are none."""
    done = subprocess.run(
        [folder / "node_modules" / ".bin" / name, *LINTERS[name], api.name],
        cwd=folder,
        env=os.environ | QUIET,
        capture_output=True,
        text=True,
        check=False,
    )
    told = done.stdout + done.stderr
    warned = "warning" in told  # redocly ends with 0 for these
    return told if done.returncode or warned else ""


@pytest.mark.timeout(300)
def test_the_file_obeys_the_recommended_rules(linters: Path) -> None:
    spoilt = linters / "spoilt.yaml"
    text = API.read_text()
    spoilt.write_text(text.replace("      operationId: getHealth\n", ""))
    for name in LINTERS:
        assert not complaints(linters, name, linters / "openapi.yaml")
        assert "operation-operationId" in complaints(linters, name, spoilt)
