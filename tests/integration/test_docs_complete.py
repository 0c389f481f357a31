"""Whatever a user can meet is told of, and what the pages say to type works.

A fenced block of shell either runs here (```sh runs), beside two daemons and a
stand-in for CloudWatch, or stands in NOT_RUN with the reason.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from support.daemons import Done, MakeSite, Site, free_port
from support.http import request
from support.standin import StandIn
from support.wait import wait_until

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [
    ROOT / "README.md",
    ROOT / "HACKING.md",
    *sorted(page for page in DOCS.rglob("*.md") if "node_modules" not in page.parts),
]
SOURCES = [
    path
    for folder in ("common", "ingest", "shipper")
    for path in sorted((ROOT / folder).rglob("*.c"))
]


# Names


def test_the_page_of_settings_is_what_the_table_makes() -> None:
    made = subprocess.run(
        [sys.executable, str(DOCS / "make-configuration.py")],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    ).stdout
    assert (DOCS / "configuration.md").read_text() == made, (
        "run: python3 docs/make-configuration.py > docs/configuration.md"
    )


def test_every_setting_is_in_the_page(make_site: MakeSite) -> None:
    shown = make_site().run(
        "ingest/clickspool-ingest", "--config", os.devnull, "--print-config"
    )
    page = (DOCS / "configuration.md").read_text()
    section = ""
    keys = 0
    for line in shown.stdout.splitlines():
        if line.startswith("["):
            section = page.partition(f"\n## {line}\n")[2].partition("\n## ")[0]
            assert section, line
        elif key := re.match(r"(\w+) =", line):
            assert f"\n| `{key[1]}` |" in section, line
            keys += 1
    assert keys > 60


def test_every_metric_is_in_the_page_with_its_type(
    make_site: MakeSite, stream: StandIn
) -> None:
    site = running(make_site(), stream)

    def metrics() -> str:
        return request(site.ingest.admin_port, "GET", "/metrics").body.decode()

    wait_until(lambda: "\nclickspool_shipper_up 1" in metrics())
    shown = dict(re.findall(r"^# TYPE (\w+) (\w+)$", metrics(), re.MULTILINE))
    page = (DOCS / "metrics.md").read_text()
    row = re.compile(r"^\| `(\w+)(?:\{\S+\})?` \| (\w+) \|", re.MULTILINE)
    table = dict(row.findall(page))
    told = {f"clickspool_{name}": kind for name, kind in table.items()}
    assert told == {name: shown.get(name) for name in told}
    for name in shown.keys() - told.keys():
        short = name.removeprefix("clickspool_")
        assert "process_" in short or f"`{short}" in page, name


def test_every_problem_is_in_the_interface() -> None:
    codes = set(
        re.findall(r'X\(\w+, \d+, "(\w+)"', (ROOT / "ingest/problem.h").read_text())
    )
    told = set(re.findall(r"\w+", (DOCS / "openapi.yaml").read_text()))
    assert len(codes) > 30
    assert codes - told == set()


def test_every_warning_and_error_is_in_the_runbook() -> None:
    events: set[str] = set()
    for path in SOURCES:
        text = path.read_text()
        events |= set(re.findall(r'\blog_(?:error|warning)\(\s*"(\w+)"', text))
        for call in re.findall(r"\blog_write\((.*?)\(const struct", text, re.DOTALL):
            events |= set(re.findall(r'"(\w+)"', call))
    table = (DOCS / "runbook.md").read_text().partition("\n## Log events\n")[2]
    told = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert len(events) > 30
    assert set(told) == events
    assert told == sorted(told)


def test_every_alert_and_every_check_is_in_the_runbook() -> None:
    page = (DOCS / "runbook.md").read_text()
    source = (ROOT / "ingest/admin.c").read_text()
    checks = re.findall(r"add_check\([^\"]*\"(\w+:\w+)\"", source)
    assert len(checks) > 5
    rules = [path.read_text() for path in DOCS.glob("examples/prometheus/*.yml")]
    alerts = re.findall(r"- alert: (\w+)", "".join(rules))
    assert [name for name in checks + alerts if f"`{name}`" not in page] == []


def test_every_command_has_its_section(make_site: MakeSite) -> None:
    page = (DOCS / "clickspoolctl.md").read_text()
    site = make_site()
    shown = site.ctl("--help").stdout
    commands = re.findall(r"^  ([a-z]+) +[A-Z]", shown, re.MULTILINE)
    assert len(commands) > 15
    assert [name for name in commands if f"\n## {name}\n" not in page] == []
    for name in re.findall(r"^  ([a-z]+) ", site.ctl("dead", "--help").stdout, re.M):
        assert f"clickspoolctl dead {name}" in page, name


def slug(heading: str) -> str:
    """What a heading is called in an address."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_heading(page: Path) -> None:
    for target, anchor in re.findall(
        r"\]\(([^)#:\s]*)(?:#([^)\s]*))?\)", page.read_text()
    ):
        path = page.parent / target if target else page
        assert path.exists(), target
        headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
        assert not anchor or anchor in map(slug, headings), f"{target}#{anchor}"


# What to type


class Block(NamedTuple):
    page: str
    mark: str  # behind the language
    text: str


NETWORK = "installs packages from the network"
BUILDS = "is how the programs under test were built"
AWS = "asks AWS itself"
UNITS = "needs the installed units; tests/system/test_units.py runs it"

# By page and first line.
NOT_RUN = {
    ("README.md", "sh docs/quickstart.sh"): f"{NETWORK}; test_quickstart.py runs it",
    ("README.md", "sh tests/run.sh"): "runs all tests, this one included",
    ("README.md", "meson setup build"): BUILDS,
    ("README.md", "build/shipper/clickspool-shipper &"): AWS,
    ("README.md", "sh tests/bench/run.sh"): "takes ten minutes",
    ("HACKING.md", "meson setup build --werror"): BUILDS,
    (
        "HACKING.md",
        "build/venv/bin/python -m pytest -c tests/pytest.ini "
        "tests/integration/test_config.py -q -n 2",
    ): "runs tests, as this one is run",
    ("HACKING.md", "cd tests/integration"): "is a server; test_standin.py starts it",
    ("runbook.md", "clickspoolctl dead retry --since 2h"):
        "names a letter that is not there; test_ctl_dead.py retries and drops",
    ("runbook.md", "clickspool-ingest --check && systemctl reload clickspool-ingest"):
        UNITS,
    ("scaling.md", "sh tests/bench/run.sh"): "takes ten minutes",
    ("scaling.md", "clickspoolctl drain --timeout 600 && "
     "systemctl stop clickspool-ingest clickspool-shipper"): UNITS,
    ("scaling.md",
     "aws logs put-subscription-filter --log-group-name /clickspool/events \\"):
        f"{AWS}; test_cloudwatch_files.py has moto take it",
}  # fmt: skip
BLOCKS = [
    Block(page.name, mark, text)
    for page in PAGES
    for mark, text in re.findall(
        r"^```(?:sh|console)\b ?(\S*)\n(.*?)^```$",
        page.read_text(),
        re.MULTILINE | re.DOTALL,
    )
]
RUN = [block for block in BLOCKS if block.mark == "runs"]
# 0 and 1 are fine and findings; health has codes of its own.
TRAP = """trap 'code=$?
[ $code -le 1 ] || case $BASH_COMMAND in *" health"*) ;; *) exit $code ;; esac' ERR
"""


def running(site: Site, cloud: StandIn) -> Site:
    """Both daemons, and an event that the pages speak of."""
    site.aws(cloud)
    site.ingest.start()
    site.shipper.start()
    event = {
        "eventName": "page_view",
        "clientId": "client-0001",
        "sessionId": "session-0001",
        "urlPath": "/",
    }
    assert site.ingest.post(event).status == 202
    wait_until(lambda: len(cloud.delivered()) == 1)
    return site


def environment(site: Site) -> dict[str, str]:
    """As on a server: programs in the PATH, one configuration for all."""
    settings = {
        f"CLICKSPOOL_{section}_{key}".upper(): str(value)
        for section, keys in site.config.items()
        for key, value in keys.items()
    }
    programs = f"{site.build}/ingest:{site.build}/shipper"
    path = f"{programs}:{os.environ['PATH']}"
    return site.environment() | settings | {"PATH": path}


def bash(site: Site, script: str, env: dict[str, str]) -> Done:
    """To its end, and whatever it left in the background too."""
    with subprocess.Popen(
        ["bash", "-c", script],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=env,
        cwd=site.folder,
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=60)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
    return subprocess.CompletedProcess(script, process.returncode, out, err)


def test_each_block_of_shell_runs_or_says_why_not() -> None:
    left = {(b.page, b.text.partition("\n")[0]) for b in BLOCKS if not b.mark}
    assert left == NOT_RUN.keys()
    assert all(NOT_RUN.values())
    assert {block.mark for block in BLOCKS} == {"", "runs", "by-hand"}


@pytest.mark.parametrize("block", RUN, ids=[f"{b.page}-{i}" for i, b in enumerate(RUN)])
def test_what_the_pages_say_to_type_works(
    make_site: MakeSite, stream: StandIn, block: Block
) -> None:
    site = running(make_site(), stream)
    done = bash(site, TRAP + block.text + "true\n", environment(site))
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert "Usage" not in done.stderr and "unknown" not in done.stderr, done.stderr


def test_what_the_readme_does_by_hand_works(make_site: MakeSite) -> None:
    site = make_site()
    (site.folder / "build").symlink_to(site.build)
    port = site.config["listen"]["public"] = f"127.0.0.1:{free_port()}"
    (block,) = [block for block in BLOCKS if block.mark == "by-hand"]
    assert "127.0.0.1:8080" in block.text and "/tmp/spool" in block.text
    script = block.text.replace("127.0.0.1:8080", port)
    script = script.replace("/tmp/spool", f"{site.folder}/mine")
    done = bash(site, f"{script}kill $!\nwait $!\n", environment(site))
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert "HTTP/1.1 202 Accepted" in done.stdout
    assert re.search(r'^\{"_crc":.*"clientId":"client-0001"', done.stdout, re.MULTILINE)
