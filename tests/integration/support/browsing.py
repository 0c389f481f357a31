"""What the tests in browsers share: a shop with both daemons behind it, and
what of its events reached CloudWatch."""

import contextlib
import json
import os
import subprocess
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from .browser import DRIVER, PROGRAMS, Browser, Page
from .client import LOG_GROUP, LOG_STREAM
from .daemons import Site
from .issuer import Issuer
from .npm import WEB, install
from .shopfront import Shopfront
from .standin import StandIn
from .tokens import CLIENT, ISSUER, Key, token
from .wait import wait_until

Open = Callable[..., Page]
Entry = dict[str, Any]


class Cloud(Protocol):
    """CloudWatch Logs: a stand-in's, or moto's."""

    url: str

    def messages(self) -> list[str]: ...

    def wait(self, condition: Callable[[], bool], timeout: float = ...) -> None: ...

BROWSERS = [
    pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in PROGRAMS
]  # each is started once


@pytest.fixture(scope="module", params=BROWSERS)
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    install(DRIVER)
    with Browser(request.param) as running:
        yield running


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The React shop with all that it imports."""
    install(WEB)
    bundle = tmp_path_factory.mktemp("strict") / "strict.js"
    modules = WEB / "node_modules"
    subprocess.run(
        [
            modules / ".bin" / "esbuild",
            DRIVER / "strict.js",
            "--bundle",
            "--log-level=error",
            '--define:process.env.NODE_ENV="development"',
            f"--outfile={bundle}",
        ],
        env=os.environ | {"NODE_PATH": os.fspath(modules)},
        check=True,
    )
    return bundle


@pytest.fixture(scope="module")
def key() -> Key:
    return Key()


@pytest.fixture(scope="module")
def front(strict: Path) -> Iterator[Shopfront]:
    with Shopfront(strict) as running:
        yield running


@pytest.fixture(scope="module")
def aws() -> Iterator[StandIn]:
    with StandIn() as running:
        running.create(LOG_GROUP, LOG_STREAM)
        yield running


@pytest.fixture(scope="module")
def site(build: Path, key: Key, front: Shopfront, aws: Cloud) -> Iterator[Site]:
    with (
        Issuer(key) as issuer,
        Site(
            build,
            {
                "cors": {"origins": front.url},
                "auth": {"issuer": ISSUER, "jwks_url": issuer.url, "client_ids": CLIENT},
            },
        ) as running,
    ):
        running.configure({"aws": {"endpoint_url": aws.url}})
        running.shipper.start()
        running.ingest.start()
        front.ingest_port = running.ingest.port
        sent = {"Authorization": f"Bearer {token(key)}"}
        wait_until(lambda: running.ingest.post(b"{}", sent).status == 400, 20)
        yield running


@pytest.fixture
def shop(site: Site, front: Shopfront) -> Shopfront:
    """The shop as it is on a good day."""
    assert site.ingest.running()
    front.reset()
    return front


@pytest.fixture
def visit(browser: Browser, shop: Shopfront) -> Iterator[Open]:
    """Opens a page of the shop, with a tracker where options for it are
    given; closed at the end."""
    opened: list[Page] = []

    def open_page(
        options: str | None = "{autoPageView: false}", path: str = "/", session: str = ""
    ) -> Page:
        page = browser.open(session)
        opened.append(page)
        page.goto(shop.url + path)
        if options is not None:
            page.evaluate(f"void start({options})")
        return page

    yield open_page
    for page in opened:
        page.close()


def new_tag() -> str:
    return f"sku-{uuid.uuid4()}"


def quoted(text: str) -> str:
    return json.dumps(text)


def view(tag: str) -> str:
    return f"void tracker.productView({{productId: {quoted(tag)}}})"


def shipped(aws: Cloud, *tags: str) -> list[Entry]:
    """What CloudWatch holds of these tags, each of which is somewhere in it."""
    texts = [text for text in aws.messages() if any(tag in text for tag in tags)]
    entries = [json.loads(text) for text in texts]
    ids = Counter(entry["eventId"] for entry in entries)
    assert not [i for i, count in ids.items() if count > 1], "twice"
    return sorted(entries, key=lambda entry: str(entry["eventTimestamp"]))


def arrive(aws: Cloud, *tags: str, count: int = 0, timeout: float = 10) -> list[Entry]:
    """The entries of these tags once there are @count, or one a tag, and no
    more come."""
    due = count or len(tags)
    with contextlib.suppress(TimeoutError):
        aws.wait(lambda: len(shipped(aws, *tags)) >= due, timeout)
    time.sleep(0.3)
    lost = [tag for tag in tags if not shipped(aws, tag)]
    assert not lost
    found = shipped(aws, *tags)
    assert len(found) == due, [(e["eventName"], e["urlPath"]) for e in found]
    return found
