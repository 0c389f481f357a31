"""Once, where it is hardest: one id in many requests at a time, and ids that
are asked for again over restarts, kills and segments."""

import json
from collections import Counter

import pytest
from support.ask import check_problem, event, new_id, post_bytes, taken
from support.daemons import MakeSite
from support.http import RawClient
from support.spool import read_spool


def test_one_id_in_many_requests_at_once_is_stored_once(make_site: MakeSite) -> None:
    site = make_site()
    site.ingest.start()
    body = json.dumps(event(eventId=new_id())).encode()
    clients = [RawClient(site.ingest.port) for _ in range(20)]
    for client in clients:
        client.send(post_bytes(body) * 5)
    receipts = [client.read().json() for client in clients for _ in range(5)]
    for client in clients:
        client.close()
    told = Counter((item["accepted"], item["duplicates"]) for item in receipts)
    assert told == {(1, 0): 1, (0, 1): 99}
    assert len(read_spool(site.spool)) == 1


def test_known_and_bad_together_are_a_receipt(make_site: MakeSite) -> None:
    site = make_site()
    site.ingest.start()
    known = event(eventId=new_id())
    taken(site.ingest.post(known))
    changed = known | {"title": "another"}
    receipt = taken(site.ingest.post([1, changed, event(a=1)]), 0, duplicates=1)
    assert receipt["eventIds"] == [known["eventId"]]
    assert [item["index"] for item in receipt["rejected"]] == [0, 2]
    assert "title" not in read_spool(site.spool)[0].obj


@pytest.mark.parametrize("end", ["restart", "kill"])
def test_ids_are_known_over_many_segments_and_starts(
    make_site: MakeSite, end: str
) -> None:
    site = make_site({"spool": {"segment_size": "64KiB"}})
    site.ingest.start()
    batches = [[event(eventId=new_id()) for _ in range(100)] for _ in range(10)]
    for batch in batches:
        taken(site.ingest.post(batch), 100)
    for _ in range(3):
        if end == "restart":
            site.ingest.restart()
        else:
            site.ingest.kill()
            site.ingest.start()
        for batch in batches:
            taken(site.ingest.post(batch), 0, duplicates=100)
    assert len(list(site.spool.glob("*.ndjson"))) > 5
    assert len(read_spool(site.spool)) == 1000


def test_ids_and_names_are_free_of_escapes(make_site: MakeSite) -> None:
    """Who reads the spool with grep finds them."""
    site = make_site()
    site.ingest.start()
    sent = event(eventId="00000000-0000-4000-8000-00000000000a")
    for field in ("eventName", "clientId", "sessionId", "eventId"):
        value = json.dumps(sent[field])
        text = json.dumps(sent).replace(value, f'"\\u{ord(value[1]):04x}{value[2:]}')
        assert json.loads(text) == sent
        problem = check_problem(site.ingest.post(text.encode()), 400, "invalid_event")
        error = problem["errors"][0]
        assert (error["code"], error["pointer"]) == ("bad_format", f"/{field}")
    for name in ("eventName", "title", "props"):
        escaped = f'"\\u{ord(name[0]):04x}{name[1:]}"'
        text = json.dumps(event(title="a", props={})).replace(f'"{name}"', escaped)
        check_problem(site.ingest.post(text.encode()), 400, "invalid_event")
    assert not read_spool(site.spool)
