"""clickspoolctl trace: an id, from the door to CloudWatch."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from support.client import events, put
from support.craft import T0, chain, checkpoint, entry, event_id, name
from support.daemons import MakeSite, Site
from support.faults import Fault
from support.moto import moto_server
from support.shop import batch, event, ids
from support.spool import read_spool
from support.standin import StandIn

OK, FINDINGS, USAGE, UNREACHABLE = 0, 1, 2, 3


def run(site: Site, *args: str, code: int = OK) -> str:
    done = site.ctl("trace", *args)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done.stdout


def rows(site: Site, *args: str, code: int = OK) -> list[dict[str, Any]]:
    return [
        json.loads(row) for row in run(site, "--json", *args, code=code).splitlines()
    ]


def pending(site: Site) -> int:
    return int(json.loads(site.ctl("audit", "--json").stdout)["pending"])


@pytest.fixture
def shipped(site: Site, stream: StandIn) -> Site:
    """A site that ships; nobody has posted yet."""
    site.ingest.start()
    site.shipper.start()
    return site


def test_each_id_is_followed_to_cloudwatch(shipped: Site, stream: StandIn) -> None:
    own = [event(clientId="client-0007", sessionId="session-0009") for _ in range(3)]
    shipped.ingest.post(batch(5))
    answer = shipped.ingest.post(own, {"X-Request-Id": "request-1"})
    assert answer.status == 202
    shipped.ingest.post([event(clientId="client-0007")])
    stream.wait(lambda: pending(shipped) == 0)
    spool = {item.event_id: item for item in read_spool(shipped.spool)}

    told = rows(shipped, "request-1")
    assert [row["eventId"] for row in told] == ids(own)
    for row in told:
        place = spool[row["eventId"]]
        assert (row["segment"], row["offset"]) == (place.segment, place.offset)
        assert row["receivedAt"] == place.obj["eventTimestamp"]
        assert row["matched"] == ["requestId"]
        assert (row["eventName"], row["action"]) == ("product_view", None)
        assert (row["fate"], row["reason"], row["code"]) == ("delivered", None, None)
        cloud = row["cloudwatch"]
        assert (cloud["count"], cloud["stream"]) == (1, "web-1")
        assert cloud["ingestedAt"] >= row["receivedAt"]
    assert rows(shipped, "session-0009") == [
        row | {"matched": ["sessionId"]} for row in told
    ]
    assert len(rows(shipped, "client-0007")) == 4
    (row,) = rows(shipped, own[1]["eventId"].upper())
    assert row == told[1] | {"matched": ["eventId"]}


def test_many_entries_take_few_searches(shipped: Site, stream: StandIn) -> None:
    sent = batch(100, sessionId="session-0042")
    shipped.ingest.post(sent)
    stream.wait(lambda: pending(shipped) == 0)
    told = rows(shipped, "session-0042")
    assert [row["eventId"] for row in told] == ids(sent)
    assert {row["cloudwatch"]["count"] for row in told} == {1}
    assert len(stream.calls("FilterLogEvents")) <= 12  # with empty pages


def test_pending_and_dead_entries_are_told(site: Site, stream: StandIn) -> None:
    stream.play(Fault("rejected", at={1}, too_old=2))
    site.ingest.start()
    early = batch(4, sessionId="session-0001")
    site.ingest.post(early)
    site.shipper.start()
    stream.wait(lambda: pending(site) == 0)
    assert site.shipper.stop() == 0
    late = batch(1, sessionId="session-0001")
    site.ingest.post(late)
    told = {row["eventId"]: row for row in rows(site, "session-0001")}
    assert [told[one]["fate"] for one in ids(early + late)] == [
        "dead",
        "dead",
        "delivered",
        "delivered",
        "pending",
    ]
    assert told[early[0]["eventId"]]["reason"] == "too_old"
    assert [told[one]["cloudwatch"]["count"] for one in ids(early + late)] == [
        0, 0, 1, 1, 0,
    ]  # fmt: skip
    text = run(site, "session-0001").splitlines()
    assert "dead" in text[0] and "too_old" in text[0]
    assert "not shown by CloudWatch" in text[0]
    assert "in CloudWatch since" in text[2]
    assert "\x1b" not in "".join(text)


def test_fates_are_read_from_the_files(make_site: MakeSite) -> None:
    site = make_site()
    mine = {"clientId": "client-0001"}
    lines = [entry(number, number, **mine) for number in range(5)]
    first, _ = chain(site.spool, lines[:4], lines[4:])
    places = [first.index(line) for line in lines[:4]]
    checkpoint(site.spool, 42, 0, delivered=1, dead=3)
    letters = [
        {"reason": "refused", "code": "InvalidParameterException"},
        {"reason": "too_old", "code": None},
        {"reason": "too_new", "code": None},
    ]
    with (site.spool / "dead-letter.ndjson").open("w") as file:
        for offset, letter in zip(places, letters, strict=False):
            place = {"segment": name(41), "offset": offset}
            file.write(json.dumps(letter | place | {"entry": {}}) + "\n")
        for offset, how in ((places[1], "dropped"), (places[2], "retried")):
            row = {"resolved": how, "segment": name(41), "offset": offset}
            file.write(json.dumps(row) + "\n")
    told = rows(site, "--local", "client-0001")
    assert [(row["fate"], row["reason"], row["code"]) for row in told] == [
        ("dead", "refused", "InvalidParameterException"),
        ("dropped", "too_old", None),
        ("retried", "too_new", None),
        ("delivered", None, None),
        ("pending", None, None),
    ]
    assert [row["cloudwatch"] for row in told] == [None] * 5
    (site.spool / "checkpoint.json").write_text("{")
    assert rows(site, "--local", event_id(4))[0]["fate"] == "unknown"


def test_what_was_sent_again_is_found_at_its_later_time(
    site: Site, stream: StandIn, logs: Any
) -> None:
    """A dead letter that is retried may go out with the time of the retry."""
    (content,) = chain(site.spool, [entry(0, 1), entry(1, 2)])
    place = {"segment": name(41), "offset": content.index(entry(0, 1))}
    checkpoint(site.spool, 41, len(content), delivered=1, dead=1)
    (site.spool / "dead-letter.ndjson").write_text(
        json.dumps({"reason": "too_old", "code": None, "entry": {}} | place)
        + "\n"
        + json.dumps({"resolved": "retried"} | place)
        + "\n"
    )
    assert T0 < time.time() * 1000 - 60_000
    put(logs, events(entry(0, 1).decode()[:-2] + ',"receivedAt":"then"}'))
    (row,) = rows(site, event_id(1))
    assert (row["fate"], row["cloudwatch"]["count"]) == ("retried", 1)
    assert rows(site, event_id(2))[0]["cloudwatch"]["count"] == 0


def test_an_event_that_is_there_twice_is_said_to_be(
    shipped: Site, stream: StandIn, logs: Any
) -> None:
    shipped.ingest.post([event(sessionId="session-0042")])
    stream.wait(lambda: pending(shipped) == 0)
    stored = stream.delivered()[0]
    put(logs, events(stored.message, at=stored.timestamp))
    assert rows(shipped, "session-0042")[0]["cloudwatch"]["count"] == 2
    assert "2 times" in run(shipped, "session-0042")


def test_only_the_four_ids_count(make_site: MakeSite) -> None:
    site = make_site()
    fields = [
        {"productId": "id-1234567"},
        {"props": {"sessionId": "id-1234567"}},
        {"sessionId": "id-12345678"},
        {"clientId": "id-1234567", "sessionId": "id-1234567"},
        {"requestId": 'say "hi"\u00e9'},
    ]
    chain(site.spool, [entry(n, n, **one) for n, one in enumerate(fields)])
    (row,) = rows(site, "--local", "id-1234567")
    assert row["eventId"] == event_id(3)
    assert row["matched"] == ["clientId", "sessionId"]
    assert rows(site, "--local", 'say "hi"\u00e9')[0]["eventId"] == event_id(4)


def test_nothing_found_is_exit_1(site: Site, stream: StandIn) -> None:
    for args in (("nobody",), ("--local", "nobody")):
        assert rows(site, *args, code=FINDINGS) == []
    assert not stream.calls()


def test_a_group_that_is_not_there_shows_nothing(site: Site) -> None:
    chain(site.spool, [entry(0, 1)])
    assert rows(site, event_id(1))[0]["cloudwatch"]["count"] == 0


def test_without_cloudwatch_the_spool_is_told_all_the_same(
    site: Site, stream: StandIn
) -> None:
    chain(site.spool, [entry(n, n, clientId="client-0001") for n in range(50)])
    stream.play(Fault("access_denied", operation="FilterLogEvents"))
    done = site.ctl("trace", "--json", "client-0001")
    assert done.returncode == UNREACHABLE
    told = [json.loads(row) for row in done.stdout.splitlines()]
    assert [row["eventId"] for row in told] == [event_id(n) for n in range(50)]
    assert {row["cloudwatch"] for row in told} == {None}
    assert len(stream.calls()) == 1
    assert "AccessDeniedException" in done.stderr and "--local" in done.stderr


@pytest.mark.parametrize("args", [(), ("a", "b"), ("",), ("x" * 257,)])
def test_a_wrong_command_line_is_exit_2(site: Site, args: tuple[str, ...]) -> None:
    run(site, *args, code=USAGE)


@pytest.mark.timeout(180)
def test_moto_shows_what_was_delivered(make_site: MakeSite, tmp_path: Path) -> None:
    with moto_server(tmp_path / "moto.log") as url:
        site = make_site({"aws": {"endpoint_url": url}})
        site.ingest.start()
        site.shipper.start()
        sent = batch(30, sessionId="session-0042")
        site.ingest.post(sent + batch(30))
        deadline = time.monotonic() + 60
        while pending(site):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        told = rows(site, "session-0042")
        assert [row["eventId"] for row in told] == ids(sent)
        assert {row["cloudwatch"]["count"] for row in told} == {1}


def test_time_that_falls_hides_nothing(site: Site, stream: StandIn, logs: Any) -> None:
    """A clock that was set back: the next segment begins earlier."""
    lines = [entry(ts, n, clientId="client-0001") for n, ts in enumerate((10, 50, 20))]
    chain(site.spool, lines[:2], lines[2:])
    stream.service.clock = lambda: (T0 + 1000) / 1000
    for line, ts in zip(lines, (10, 50, 20), strict=True):
        put(logs, events(line.decode().rstrip("\n"), at=T0 + ts))
    told = rows(site, "client-0001")
    assert [row["cloudwatch"]["count"] for row in told] == [1, 1, 1]
