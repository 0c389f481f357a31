"""What the quickstart's --check does not let pass."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from support.client import REGION
from support.moto import moto_server

DOCS = Path(__file__).resolve().parents[2] / "docs"

Entry = dict[str, Any]

SENT = {
    "eventName": "add_to_cart",
    "eventId": "11111111-1111-4111-8111-111111111111",
    "eventTimestamp": 1795647275027,
    "productId": "straw-hat",
    "price": 34.5,
    "quantity": 2,
}
ENTRY = SENT | {
    "eventTimestamp": "2026-11-25T22:54:35.027Z",
    "logCategory": "business",
    "userLoginState": "authenticated",
    "identitySource": "cognito",
    "userId": "ada",
}


@pytest.fixture(scope="module")
def shop() -> Iterator[ModuleType]:
    sys.path.insert(0, str(DOCS))
    import quickstart_shop

    yield quickstart_shop
    sys.path.remove(str(DOCS))


def test_an_event_as_it_was_sent_passes(shop: ModuleType) -> None:
    shop.judge(SENT, "ada", [ENTRY])
    guest = {"userLoginState": "guest", "identitySource": "client"}
    shop.judge(SENT, None, [{k: v for k, v in ENTRY.items() if k != "userId"} | guest])


@pytest.mark.parametrize(
    ("user", "entries"),
    [
        ("ada", []),
        ("ada", [ENTRY, ENTRY]),
        ("ada", [ENTRY | {"userId": "eve"}]),
        ("ada", [ENTRY | {"userLoginState": "guest"}]),
        ("ada", [ENTRY | {"identitySource": "client"}]),
        ("ada", [ENTRY | {"price": 34}]),
        ("ada", [{k: v for k, v in ENTRY.items() if k != "productId"}]),
        (None, [ENTRY]),
        (None, [ENTRY | {"userLoginState": "guest", "identitySource": "client"}]),
    ],
)
def test_another_one_does_not(
    shop: ModuleType, user: str | None, entries: list[Entry]
) -> None:
    with pytest.raises(SystemExit):
        shop.judge(SENT, user, entries)


def picture(shop: ModuleType, url: str) -> tuple[Entry, Entry]:
    """One that is in the bucket, and the entry that tells of it."""
    body = shop.png(8)
    image = {
        "key": "products/straw-hat/1.png",
        "contentType": "image/png",
        "size": len(body),
        "sha256": shop.hashlib.sha256(body).hexdigest(),
        "given": {"alt": "A hat"},
    }
    shop.client("s3", url).put_object(
        Bucket=shop.BUCKET, Key=image["key"], Body=body, ContentType="image/png"
    )
    entry = {
        "action": "complete",
        "outcome": "success",
        "key": image["key"],
        "contentType": "image/png",
        "contentLength": len(body),
        "metadata": {"alt": "A hat"},
    }
    return image, entry


def test_a_picture_is_judged_by_its_bytes_and_its_entry(
    shop: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with moto_server(tmp_path / "moto.log") as url:
        shop.prepare(url, ["http://127.0.0.1:5173"])
        assert f"pool_id={REGION}_" in capsys.readouterr().out
        image, entry = picture(shop, url)
        shop.judge_image(url, image, [entry])
        for wrong in ({"sha256": "0"}, {"size": 1}, {"contentType": "image/jpeg"}):
            with pytest.raises(SystemExit):
                shop.judge_image(url, image | wrong, [entry])
        for entries in ([], [entry | {"metadata": {}}], [entry | {"key": "other"}]):
            with pytest.raises(SystemExit):
                shop.judge_image(url, image, entries)


def test_a_page_is_told_no_more_than_it_needs(
    shop: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.settings("http://aws", "http://ingest", "/log.sock", "pool", "app")
    told = json.loads(capsys.readouterr().out)
    assert told["page"]["endpoint"] == "http://ingest/events"
    assert "/log.sock" not in json.dumps(told["page"])
