"""Fixtures of the tests that boot machines of their own."""

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from machine import Machine

ROOT = Path(__file__).resolve().parents[2]
JOURNAL_SHOWN = 8000  # characters


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.geteuid() != 0:
        reason = "boots a systemd and makes file systems, which takes root"
        for item in items:
            item.add_marker(pytest.mark.skip(reason))


@pytest.fixture(scope="session")
def build() -> Path:
    """The build folder: $CLICKSPOOL_BUILD, or build/ in the project."""
    folder = Path(os.environ.get("CLICKSPOOL_BUILD", ROOT / "build")).absolute()
    assert folder.is_dir(), f"no build folder {folder}; set CLICKSPOOL_BUILD"
    return folder


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the services had to say in a test that failed."""
    report = yield
    if report.failed and call.when == "call":
        for machine in item.funcargs.values():
            if isinstance(machine, Machine):
                tail = machine.journal()[-JOURNAL_SHOWN:]
                report.sections.append(("journal", tail))
                break
    return report
