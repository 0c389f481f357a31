"""Fixtures: a stand-in for CloudWatch, a site of daemons, a boto3 client."""

import os
import signal
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support.client import LOG_GROUP, LOG_STREAM, MakeCloud, logs_client
from support.daemons import Config, MakeSite, Site, uses_asan
from support.standin import Options, StandIn

TESTS = Path(__file__).resolve().parent.parent
STDERR_SHOWN = 8000  # characters of each daemon's

_SITES = pytest.StashKey[list[Site]]()


def pytest_configure() -> None:
    """A script in the background has SIGINT ignored, and what it starts would
    have, too."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.name.startswith("test_browser"):
            item.add_marker("browser")


@pytest.fixture(scope="session")
def build() -> Path:
    """The build folder: $CLICKSPOOL_BUILD, or build/ in the project."""
    default = TESTS.parent / "build"
    folder = Path(os.environ.get("CLICKSPOOL_BUILD", default)).absolute()
    assert folder.is_dir(), f"no build folder {folder}; set CLICKSPOOL_BUILD"
    return folder


@pytest.fixture
def cloud() -> Iterator[StandIn]:
    """CloudWatch Logs with no group in it."""
    with StandIn() as standin:
        yield standin


@pytest.fixture
def logs(cloud: StandIn) -> Any:
    """A boto3 client of `cloud` that never retries."""
    return logs_client(cloud.url)


@pytest.fixture
def stream(cloud: StandIn) -> StandIn:
    """`cloud`, with the group and the stream of the tests."""
    cloud.create(LOG_GROUP, LOG_STREAM)
    return cloud


@pytest.fixture
def make_cloud() -> Iterator[MakeCloud]:
    """Stand-ins with options of their own, with the stream, and a client."""
    with ExitStack() as running:

        def make(**options: Any) -> tuple[StandIn, Any]:
            standin = running.enter_context(StandIn(Options(**options)))
            standin.create(LOG_GROUP, LOG_STREAM)
            return standin, logs_client(standin.url)

        yield make


@pytest.fixture
def make_site(build: Path, request: pytest.FixtureRequest) -> Iterator[MakeSite]:
    """Sites with settings of their own, all closed at the end."""
    sites: list[Site] = []
    request.node.stash[_SITES] = sites

    def make(config: Config | None = None) -> Site:
        site = Site(build, config)
        sites.append(site)
        return site

    yield make
    errors: list[Exception] = []
    for site in sites:
        try:
            site.close()
        except AssertionError as error:
            errors.append(error)
    if errors:
        raise ExceptionGroup("sites", errors)


@pytest.fixture
def site(make_site: MakeSite, cloud: StandIn) -> Site:
    """A site that ships to `cloud`; nothing is started yet."""
    one = make_site()
    one.aws(cloud)
    return one


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the daemons had to say in a test that failed."""
    report = yield
    if report.failed and call.when == "call":
        for site in item.stash.get(_SITES, []):
            for daemon in (site.ingest, site.shipper):
                tail = daemon.stderr()[-STDERR_SHOWN:]
                if tail:
                    report.sections.append((f"stderr of {daemon.name}", tail))
    return report


@pytest.fixture
def sampled(build: Path) -> int:
    """Every how manieth case a torture test takes: each one, but for the
    build with sanitizers, which is slow and there for other faults."""
    if os.environ.get("CLICKSPOOL_LONG"):
        return 1
    return 7 if uses_asan(build / "ingest" / "clickspool-ingest") else 1
