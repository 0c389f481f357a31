"""The tracker script as ingest serves it: to every page, packed, and cached."""

import gzip
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.daemons import Site
from support.http import RawClient, Response, request_bytes
from support.npm import WEB, install

SCRIPT = (WEB / "dist" / "tracker.min.js").read_bytes()
VERSION = json.loads((WEB / "package.json").read_text())["version"]
LATEST, PINNED = "/e.js", f"/e/{VERSION}.js"
LIMITS = {"tracker": 2560, "upload": 1024, "react": 512}


@pytest.fixture(scope="module")
def shop(build: Path) -> Iterator[Site]:
    with Site(build, {"cors": {"origins": "https://shop.example"}}) as site:
        site.ingest.start()
        yield site


def ask(site: Site, path: str, method: str = "GET", **headers: str) -> Response:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    with RawClient(site.ingest.port) as client:
        client.send(request_bytes(method, path, headers=fields))
        return client.read(head_only=method == "HEAD")


def test_the_pinned_version_is_that_of_the_program(shop: Site) -> None:
    told = shop.run("ingest/clickspool-ingest", "--version").stdout
    assert VERSION in told.split()


@pytest.mark.parametrize("path", [LATEST, PINNED])
@pytest.mark.parametrize(
    "origin", ["https://shop.example", "https://elsewhere.example", "null"]
)
def test_every_page_may_load_it(shop: Site, path: str, origin: str) -> None:
    answer = ask(shop, path, Origin=origin, Sec_Fetch_Site="cross-site")
    assert answer.status == 200
    assert answer.body == SCRIPT
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    ("accept", "packed"),
    [
        ("gzip", True),
        ("gzip, deflate, br, zstd", True),
        ("br;q=1.0, GZIP;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000, br", False),
        ("gzip;q=0.001", True),
        ("br", False),
        ("xgzip", False),
        ("", False),
    ],
)
def test_who_reads_gzip_gets_gzip(shop: Site, accept: str, packed: bool) -> None:
    answer = ask(shop, LATEST, Accept_Encoding=accept)
    assert (answer.headers.get("content-encoding") == "gzip") == packed
    assert (gzip.decompress(answer.body) if packed else answer.body) == SCRIPT


def test_the_pinned_one_is_kept_for_good(shop: Site) -> None:
    assert ask(shop, PINNED).headers["cache-control"] == (
        "public, max-age=31536000, immutable"
    )
    assert ask(shop, LATEST).headers["cache-control"].startswith("public, max-age=300")


def test_another_version_is_not_there(shop: Site) -> None:
    assert ask(shop, "/e/0.0.0.js").status == 404
    assert ask(shop, "/e/.js").status == 404


def test_what_a_browser_has_is_not_sent_again(shop: Site) -> None:
    plain = ask(shop, LATEST).headers["etag"]
    packed = ask(shop, LATEST, Accept_Encoding="gzip").headers["etag"]
    assert plain != packed
    for tag in (plain, packed, f"W/{packed}", f'"other", {plain}', "*"):
        answer = ask(shop, LATEST, If_None_Match=tag, Accept_Encoding="gzip")
        assert (answer.status, answer.body) == (304, b""), tag
        assert answer.headers["etag"] == packed
        assert answer.headers["cache-control"] and answer.headers["vary"]
        assert not {"content-length", "content-encoding"} & set(answer.headers)
    for tag in ('"other"', '""', '"', plain.strip('"')):
        assert ask(shop, LATEST, If_None_Match=tag).status == 200, tag


def test_head_tells_the_same_without_the_bytes(shop: Site) -> None:
    whole = ask(shop, LATEST, Accept_Encoding="gzip").headers
    head = ask(shop, LATEST, "HEAD", Accept_Encoding="gzip").headers
    drop = ("x-request-id", "date")
    assert {k: v for k, v in head.items() if k not in drop} == {
        k: v for k, v in whole.items() if k not in drop
    }


def test_nothing_can_be_posted_to_it(shop: Site) -> None:
    answer = ask(shop, LATEST, "POST")
    assert answer.status == 405
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize("name", LIMITS)
def test_no_entry_outweighs_its_budget(name: str) -> None:
    script = (WEB / "dist" / f"{name}.min.js").read_bytes()
    assert len(gzip.compress(script, 9)) <= LIMITS[name]


@pytest.fixture(scope="module")
def tools() -> None:
    install(WEB)


@pytest.mark.usefixtures("tools")
def test_what_is_committed_is_what_the_sources_make(tmp_path: Path) -> None:
    subprocess.run(["node", "build.mjs", tmp_path], cwd=WEB, check=True)
    for name in LIMITS:
        made = (tmp_path / f"{name}.min.js").read_text()
        assert made == (WEB / "dist" / f"{name}.min.js").read_text(), name


@pytest.mark.usefixtures("tools")
def test_the_types_hold() -> None:
    subprocess.run(["npx", "--no-install", "tsc", "--project", "."], cwd=WEB, check=True)


def test_a_server_may_import_and_call_it() -> None:
    script = """
        import { createTracker } from './dist/tracker.min.js';
        const tracker = createTracker({ getToken: () => { throw 1; } });
        tracker.page(); tracker.track('page_view'); tracker.addToCart({ productId: 1 });
        tracker.checkoutComplete({ orderId: 1 }); tracker.signedOut(); tracker.flush();
        tracker.ids(); tracker.consent('granted'); tracker.page(); tracker.stop();
        console.log(JSON.stringify(tracker.stats()));
    """
    command = ["node", "--input-type=module", "--eval", script]
    done = subprocess.run(command, cwd=WEB, check=True, capture_output=True, text=True)
    assert json.loads(done.stdout) == {"sent": 0, "refused": 0, "dropped": 0, "queued": 0}
    assert done.stderr == ""


def test_the_manual_names_every_option_call_and_code() -> None:
    manual = (WEB.parents[1] / "docs" / "frontend.md").read_text()
    types = (WEB / "types.d.ts").read_text()
    options, calls = (
        re.search(rf"export interface {name} \{{(.*?)\n}}", types, re.DOTALL)
        for name in ("Options", "Tracker")
    )
    assert options and calls
    sources = "".join(path.read_text() for path in WEB.glob("*.js"))
    names = [
        *re.findall(r"^  (\w+)\?:", options.group(1), re.MULTILINE),
        *re.findall(r"^  (\w+)\(", calls.group(1), re.MULTILINE),
        *re.findall(r"(?:report|drop|failure|failed)\((?:key, )?'(\w+)'", sources),
    ]
    assert len(names) > 30
    assert [name for name in names if f"`{name}" not in manual] == []
