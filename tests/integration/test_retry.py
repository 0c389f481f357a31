"""What an operator does about dead letters and old entries, and a spool that
is drained: through clickspoolctl and a running shipper."""

import json
import os
import random
import time
from pathlib import Path
from typing import Any

import pytest
from support.daemons import MakeSite, Site
from support.faults import Fault
from support.shop import delivered, event, post_all, post_logs, wait_for_all
from support.spool import checkpoint, dead_letters, read_spool
from support.standin import StandIn
from support.wait import wait_until

LONG = bool(os.environ.get("CLICKSPOOL_LONG"))
KILLS = 100 if LONG else 10
POISON = Fault("invalid_parameter", contains="poison", every=1)


@pytest.fixture
def site(make_site: MakeSite, stream: StandIn) -> Site:
    site = make_site({"shipper": {"linger": "0s"}})
    site.aws(stream)
    site.ingest.start()
    site.shipper.start()
    return site


def ctl(site: Site, *args: str, code: int = 0) -> dict[str, Any]:
    done = site.ctl(*args, "--json")
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    parsed: dict[str, Any] = json.loads(done.stdout)
    return parsed


def audit(site: Site) -> tuple[int, int, int, int]:
    """Delivered, pending, dead, dropped; they balance."""
    row = ctl(site, "audit")
    assert row["accepted"] == row["delivered"] + row["pending"] + row["dead"] + (
        row["dropped"] + row["inBadBytes"]
    )
    return row["delivered"], row["pending"], row["dead"], row["dropped"]


def make_dead(site: Site, stream: StandIn, good: int, bad: int) -> set[str]:
    """The ids of entries that are refused, among others that are not."""
    stream.play(POISON)
    post_all(site, good)
    ids = post_all(site, bad, title="poison")
    post_all(site, 1)
    wait_for_all(site, stream, good + bad + 1)
    stream.wait(lambda: counted(site, "dead") == bad)
    return ids


def counted(site: Site, name: str) -> int:
    position = checkpoint(site.spool)
    return int(position["counts"].get(name, 0)) if position else 0


def retry_files(site: Site) -> list[str]:
    return sorted(path.name for path in (site.spool / "retry").iterdir())


def test_dead_letters_that_are_retried_are_pending_then_delivered(
    site: Site, stream: StandIn
) -> None:
    ids = make_dead(site, stream, 3, 4)
    assert audit(site) == (4, 0, 4, 0)
    stream.play(Fault("throttle"))
    assert ctl(site, "dead", "retry", "--every")["letters"] == 4
    assert audit(site) == (4, 4, 0, 0)
    assert not [letter for letter in dead_letters(site.spool) if not letter.resolved]
    stream.play(Fault("delay", seconds=0.3))
    for _ in range(5):  # one call at a time, whatever they come from
        post_all(site, 2)
        time.sleep(0.1)
    stream.wait(lambda: counted(site, "delivered") == 18)
    assert audit(site) == (18, 0, 0, 0)
    assert stream.stream_concurrency() == 1
    assert set(delivered(stream).values()) == {1} and ids <= set(delivered(stream))
    spooled = {entry.line.decode() for entry in read_spool(site.spool)}
    assert set(stream.messages()) == spooled  # byte for byte
    stream.wait(lambda: retry_files(site) == ["lock"])


def test_what_one_stream_has_taken_is_not_pending_behind_another(
    make_site: MakeSite, cloud: StandIn
) -> None:
    """Of letters for two streams the first one's is held."""
    site = make_site({"shipper": {"linger": "0s", "log_stream": "{category}"}})
    site.aws(cloud)
    site.ingest.start()
    site.shipper.start()
    cloud.play(POISON)
    for category in ("auth", "crud"):
        post_logs(site, category, 1, title="poison")
        post_logs(site, category, 1, title="good")
    cloud.wait(lambda: counted(site, "dead") == 2)
    cloud.play(Fault("throttle", stream="auth"))
    assert ctl(site, "dead", "retry", "--every")["letters"] == 2
    cloud.wait(lambda: counted(site, "delivered") == 3)
    assert audit(site) == (3, 1, 0, 0)
    cloud.play()
    cloud.wait(lambda: counted(site, "delivered") == 4)
    assert audit(site) == (4, 0, 0, 0)


def test_one_that_is_refused_again_is_dead_again(site: Site, stream: StandIn) -> None:
    ids = make_dead(site, stream, 1, 2)
    chosen, other = sorted(ids)
    assert ctl(site, "dead", "retry", chosen)["letters"] == 1
    stream.wait(lambda: counted(site, "dead") == 2)
    assert audit(site) == (2, 0, 2, 0)
    rows = [json.loads(row) for row in site.ctl("dead", "ls", "--json").stdout.splitlines()]
    assert {row["eventId"] for row in rows} == {chosen, other}
    again = next(row for row in rows if row["eventId"] == chosen)
    assert again["segment"].startswith("retry/")
    stream.play()
    assert ctl(site, "dead", "retry", again["name"])["letters"] == 1
    stream.wait(lambda: counted(site, "delivered") == 3)
    assert audit(site) == (3, 0, 1, 0)


def test_one_refused_for_its_age_is_sent_with_the_present_time(
    site: Site, stream: StandIn
) -> None:
    stream.play(Fault("rejected", at={1}, too_old=1))
    [old] = post_all(site, 1)
    stream.wait(lambda: counted(site, "dead") == 1)
    [before] = [entry for entry in read_spool(site.spool) if entry.event_id == old]
    time.sleep(0.05)
    ctl(site, "dead", "retry", "--every")
    stream.wait(lambda: counted(site, "delivered") == 1)
    [message] = stream.messages()
    sent = json.loads(message)
    assert sent["eventId"] == old and sent["ts"] > before.ts
    received = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(before.ts / 1000))
    assert sent.pop("receivedAt") == f"{received}.{before.ts % 1000:03d}Z"
    assert {k: v for k, v in sent.items() if k not in ("ts", "_crc")} == {
        k: v for k, v in before.obj.items() if k not in ("ts", "_crc")
    }
    [row] = stream.delivered()
    assert row.timestamp == sent["ts"]


def test_dropped_letters_stay_in_the_files_and_in_the_count(
    site: Site, stream: StandIn
) -> None:
    make_dead(site, stream, 1, 3)
    assert ctl(site, "dead", "drop", "--dry-run", "--every")["letters"] == 3
    assert audit(site) == (2, 0, 3, 0)
    first = dead_letters(site.spool)[0]
    name = f"{first.segment}:{first.offset}"
    assert ctl(site, "dead", "drop", name)["letters"] == 1
    assert ctl(site, "dead", "drop", "--event", "product_view")["letters"] == 2
    assert audit(site) == (2, 0, 0, 3)
    assert {letter.resolved for letter in dead_letters(site.spool)} == {"dropped"}
    assert site.ctl("dead", "ls").returncode == 0
    site.shipper.restart()
    assert audit(site) == (2, 0, 0, 3)


def test_a_segment_with_bad_bytes_goes_once_they_are_dropped(
    make_site: MakeSite, stream: StandIn
) -> None:
    site = make_site({"spool": {"retain": "0s"}, "shipper": {"linger": "0s"}})
    site.aws(stream)
    site.ingest.start()
    post_all(site, 5)
    site.ingest.stop()
    [segment] = site.spool.glob("0*.ndjson")
    raw = bytearray(segment.read_bytes())
    raw[-100] ^= 1
    segment.write_bytes(raw)
    site.ingest.start()
    site.shipper.start()
    post_all(site, 1)
    stream.wait(lambda: counted(site, "delivered") == 5)
    time.sleep(6)  # a sweep is over
    assert segment.exists()
    [row] = site.ctl("dead", "ls", "--json").stdout.splitlines()
    assert json.loads(row)["reason"] == "bad_bytes"
    ctl(site, "dead", "drop", json.loads(row)["name"])
    stream.wait(lambda: not segment.exists())


def test_when_dead_max_size_is_reached_dropping_makes_room(
    make_site: MakeSite, stream: StandIn
) -> None:
    site = make_site({"shipper": {"linger": "0s", "dead_max_size": "1MiB"}})
    site.aws(stream)
    stream.play(POISON)
    site.ingest.start()
    site.shipper.start()
    post_all(site, 60, 8, title="poison" + "\U0001f6d2" * 2000)
    post_all(site, 1)
    stream.wait(lambda: "dead_max_size" in site.shipper.stderr(), 60)
    dropped = ctl(site, "dead", "drop", "--every")["letters"]
    assert dropped > 10
    post_all(site, 1)
    stream.wait(lambda: counted(site, "dropped") + counted(site, "dead") == 60, 60)
    stream.wait(lambda: counted(site, "delivered") == 2)
    assert audit(site) == (2, 0, 60 - dropped, dropped)


@pytest.mark.timeout(900)
def test_kills_while_letters_are_retried_lose_and_double_nothing(
    site: Site, stream: StandIn, sampled: int
) -> None:
    stream.service.visible_after = (0.0, 0.3)
    site.configure({"shipper": {"resolve_wait": "1s"}})
    chance = random.Random(5)
    ids = make_dead(site, stream, 1, 3 * KILLS // sampled)
    left = sorted(ids)
    while left:
        some, left = left[:3], left[3:]
        stream.play(Fault("delay", seconds=0.2, probability=0.5))
        site.ctl("dead", "retry", *some)
        time.sleep(chance.random() / 3)
        site.shipper.kill()
        site.shipper.start()
        audit(site)
    site.ctl("dead", "retry", "--every")  # those whose wish was not heard
    stream.wait(lambda: counted(site, "delivered") == len(ids) + 2, 60)
    assert set(delivered(stream).values()) == {1} and ids <= set(delivered(stream))
    assert audit(site) == (len(ids) + 2, 0, 0, 0)


def test_a_replay_sends_a_range_again_and_is_counted_apart(
    site: Site, stream: StandIn
) -> None:
    first = post_all(site, 20)
    stream.wait_stored(20)
    time.sleep(0.01)
    between = max(entry.ts for entry in read_spool(site.spool)) + 1
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(between / 1000))
    time.sleep(0.05)
    second = post_all(site, 5)
    stream.wait(lambda: counted(site, "delivered") == 25)
    until = ("--until", f"{stamp}.{between % 1000:03d}Z")
    assert ctl(site, "replay", "--dry-run", *until)["entries"] == 20
    assert delivered(stream) == dict.fromkeys(first | second, 1)
    assert ctl(site, "replay", *until)["entries"] == 20  # waits until it is done
    assert delivered(stream) == dict.fromkeys(first, 2) | dict.fromkeys(second, 1)
    assert counted(site, "replayed") == 20
    assert audit(site) == (25, 0, 0, 0)


def test_a_replay_goes_on_after_a_kill_at_the_rate_that_was_asked_for(
    site: Site, stream: StandIn, tmp_path: Path
) -> None:
    ids = post_all(site, 60)
    stream.wait(lambda: counted(site, "delivered") == 60)
    copy = tmp_path / "entries.ndjson"
    copy.write_text(site.ctl("cat").stdout)
    start = time.monotonic()
    replay = ("replay", "--file", os.fspath(copy), "--rate", "20", "--detach")
    assert ctl(site, *replay)["entries"] == 60
    stream.wait(lambda: stream.stored_count() >= 80)
    site.shipper.kill()
    site.shipper.start()
    assert site.ctl("replay", "--watch").returncode == 0
    assert time.monotonic() - start >= 2
    stream.wait(lambda: delivered(stream) == dict.fromkeys(ids, 2))
    assert audit(site) == (60, 0, 0, 0)


def test_a_damaged_first_line_holds_its_file_alone_and_is_told(
    site: Site, stream: StandIn, tmp_path: Path
) -> None:
    ids = post_all(site, 20)
    stream.wait(lambda: counted(site, "delivered") == 20)
    replay = ("replay", "--event", "product_view", "--rate", "1", "--detach")
    assert ctl(site, *replay)["entries"] == 20
    site.shipper.kill()
    [path] = (site.spool / "retry").glob("*.ndjson")
    content = bytearray(path.read_bytes())
    content[20] ^= 1
    path.write_bytes(content)
    site.shipper.start()
    later = post_all(site, 3)
    stream.wait(lambda: counted(site, "delivered") == 23)
    wait_until(lambda: "event=retry_damaged" in site.shipper.stderr())
    assert site.shipper.stderr().count("event=retry_damaged") == 1
    assert later.isdisjoint(ids)

    lines = tmp_path / "lines"  # what it is told to do
    lines.write_bytes(content[content.index(b"\n") + 1 :])
    path.unlink()
    site.shipper.restart()
    assert site.ctl("replay", "--file", os.fspath(lines)).returncode == 0
    sent = delivered(stream)
    assert all(sent[one] >= 2 for one in ids) and all(sent[one] == 1 for one in later)


def test_a_file_that_is_no_spool_is_not_sent(site: Site, tmp_path: Path) -> None:
    other = tmp_path / "other.ndjson"
    other.write_text(json.dumps(event()) + "\n")
    done = site.ctl("replay", "--file", os.fspath(other))
    assert done.returncode == 5 and f"{other}:1: " in done.stderr
    assert retry_files(site) == ["lock"]
    assert site.ctl("replay", "--rate", "0", "--file", "x").returncode == 2
    assert site.ctl("replay").returncode == 2


def test_without_a_shipper_nothing_is_asked_and_nothing_stays(
    make_site: MakeSite, stream: StandIn
) -> None:
    site = make_site({"shipper": {"linger": "0s"}})
    site.aws(stream)
    site.ingest.start()
    site.shipper.start()
    make_dead(site, stream, 1, 1)
    site.shipper.stop()
    for args in (("dead", "retry", "--every"), ("replay", "--event", "x"), ("drain",)):
        done = site.ctl(*args)
        if args[0] != "replay":  # of which there is none to send
            assert done.returncode == 3 and "shipper does not answer" in done.stderr
    assert retry_files(site) == ["lock"]
    assert audit(site) == (2, 0, 1, 0)


def test_what_a_killed_tool_left_goes_with_the_next_wish(
    site: Site, stream: StandIn
) -> None:
    make_dead(site, stream, 1, 1)
    for name in ("123-1700000000000.tmp", "123-1700000000000.letters"):
        (site.spool / "retry" / name).write_text("x")
    ctl(site, "dead", "drop", "--every")
    stream.wait(lambda: retry_files(site) == ["lock"])


def test_a_drain_refuses_new_events_and_ends_when_nothing_is_pending(
    site: Site, stream: StandIn
) -> None:
    site.configure({"shipper": {"linger": "1h"}})
    site.shipper.restart()
    post_all(site, 7)
    assert ctl(site, "drain")["pending"] == 0
    assert stream.stored_count() == 7
    answer = site.ingest.post(event())
    assert (answer.status, answer.json()["code"]) == (503, "draining")
    assert answer.headers["retry-after"]
    site.ingest.restart()
    site.shipper.restart()
    assert site.ingest.post(event()).status == 503
    assert ctl(site, "drain", "--end") == {"draining": False}
    time.sleep(1.2)
    assert site.ingest.post(event()).status == 202


def test_a_drain_says_what_is_pending_when_its_time_is_over(
    site: Site, stream: StandIn
) -> None:
    stream.play(Fault("throttle"))
    post_all(site, 3)
    assert ctl(site, "drain", "--timeout", "3", code=1)["pending"] == 3
