"""Fixtures of the tests that boot machines of their own."""

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from debian import BUILD, build_deb
from machine import Machine

JOURNAL_SHOWN = 8000  # characters


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.geteuid() != 0:
        reason = "boots a systemd and makes file systems, which takes root"
        for item in items:
            if item.path.parent == Path(__file__).parent:
                item.add_marker(pytest.mark.skip(reason))


@pytest.fixture(scope="session")
def deb() -> Path:
    """The package of this source."""
    return build_deb(BUILD)


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
