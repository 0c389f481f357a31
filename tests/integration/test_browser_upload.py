"""An image from a browser to S3, by the upload helper."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from support.browser import Browser, Page
from support.browsing import browser, key, strict
from support.daemons import Site
from support.http import JSON, request
from support.issuer import Issuer
from support.moto import moto_server
from support.npm import WEB
from support.shopfront import Fault, Shopfront
from support.standin import ACCESS_KEY, REGION, SECRET_KEY
from support.tokens import CLIENT, ISSUER, Key, token
from support.wait import wait_until


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A bucket of moto's, which answers preflights."""
    with moto_server(tmp_path_factory.mktemp("moto") / "log") as url:
        s3 = boto3.resource(
            "s3",
            endpoint_url=url,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
        )
        yield s3.create_bucket(
            Bucket="shop-images", CreateBucketConfiguration={"LocationConstraint": REGION}
        )


@pytest.fixture(scope="module")
def studio(
    build: Path, key: Key, bucket: Any, tmp_path_factory: pytest.TempPathFactory, strict: Path
) -> Iterator[Shopfront]:
    """A shop whose staff upload pictures."""
    config = {"uploads": {"bucket": "shop-images"}}
    with Issuer(key) as issuer, Site(build, config) as running, Shopfront(strict) as front:
        auth = {"issuer": ISSUER, "jwks_url": issuer.url, "client_ids": CLIENT}
        running.configure(
            {"auth": auth, "aws": {"endpoint_url": bucket.meta.client.meta.endpoint_url}}
        )
        running.shipper.start()
        running.ingest.start()
        front.ingest_port = running.ingest.port
        sent = {"Authorization": f"Bearer {staff(key)}", "Content-Type": JSON}
        wish = b'{"contentType": "image/png", "contentLength": 1}'
        wait_until(
            lambda: request(running.ingest.port, "POST", "/uploads/presign", wish, sent).status
            == 201,
            20,
        )
        yield front


def test_the_manuals_bucket_settings_are_taken(bucket: Any) -> None:
    manual = (WEB.parents[1] / "docs" / "frontend.md").read_text()
    cors, policy = re.findall(r"^```json\n(.*?)^```", manual, re.MULTILINE | re.DOTALL)
    bucket.Cors().put(CORSConfiguration={"CORSRules": json.loads(cors)})
    bucket.Policy().put(Policy=policy)
    (rule,) = bucket.Cors().cors_rules
    assert rule["AllowedMethods"] == ["PUT"]
    (read, _) = json.loads(bucket.Policy().policy)["Statement"]
    assert read["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    bucket.Policy().delete()
    bucket.Cors().delete()


def staff(key: Key) -> str:
    return token(key, sub="user-5", **{"cognito:groups": ["admin"]})


def upload(page: Page, key: Key, blob: str, more: str = "") -> Any:
    return page.evaluate(
        f"""uploadImage({blob}, {{productId: 'sku-1', {more}
            getToken: async ({{forceRefresh}}) => (window.forced ||= forceRefresh, '{staff(key)}'),
            onProgress: (loaded, total) => (window.progress ||= []).push([loaded, total]),
        }}).catch((error) => ({{code: error.code, status: error.status, name: error.name}}))"""
    )


PNG = "new File(['x'.repeat(300000)], 'a.png', {type: 'image/png'})"


def test_an_image_is_uploaded_with_progress(
    browser: Browser, studio: Shopfront, bucket: Any, key: Key
) -> None:
    studio.reset()
    page = browser.open().goto(studio.url)
    done = upload(page, key, PNG)
    assert done["size"] == 300_000 and done["contentType"] == "image/png"
    stored = bucket.Object(done["key"]).get()
    assert stored["ContentType"] == "image/png"
    assert stored["Body"].read() == b"x" * 300_000
    assert page.evaluate("progress.at(-1)") == [300_000, 300_000]
    assert page.said() == []
    page.close()


def test_a_strict_policy_lets_an_upload_through(
    browser: Browser, studio: Shopfront, bucket: Any, key: Key
) -> None:
    """With its own place and the bucket's, and no other."""
    studio.reset()
    at, images = studio.url, bucket.meta.client.meta.endpoint_url
    studio.page_headers = {
        "Content-Security-Policy": f"default-src 'none'; script-src {at}; connect-src {at} {images}"
    }
    page = browser.open().goto(f"{studio.url}/bare/")
    page.evaluate(
        """import('/upload.js').then(({uploadImage}) => void (window.uploadImage = uploadImage))"""
    )
    done = upload(page, key, PNG)
    assert bucket.Object(done["key"]).content_length == 300_000
    assert [text for text in page.said() if "favicon" not in text] == []
    page.close()


def test_an_upload_whose_answer_was_lost_counts(
    browser: Browser, studio: Shopfront, bucket: Any, key: Key
) -> None:
    """The second PUT of an object is refused with 412."""
    studio.reset()
    page = browser.open().goto(studio.url)
    page.evaluate(
        """(() => {
            const {send} = XMLHttpRequest.prototype;
            const real = Object.getOwnPropertyDescriptor(XMLHttpRequest.prototype, 'status');
            let puts = 0;
            XMLHttpRequest.prototype.send = function (body) {
                const lost = !puts++;
                Object.defineProperty(this, 'status', {get() {
                    const status = real.get.call(this);
                    (window.answers ||= []).push(status);
                    return lost ? 0 : status;
                }});
                send.call(this, body);
            };
        })()"""
    )
    done = upload(page, key, PNG)
    assert bucket.Object(done["key"]).content_length == 300_000
    assert page.evaluate("answers") == [200, 412]
    page.close()


def test_an_upload_is_tried_again_where_that_helps(
    browser: Browser, studio: Shopfront, bucket: Any, key: Key
) -> None:
    studio.reset()
    page = browser.open().goto(studio.url)
    studio.faults.extend([Fault(401), Fault(503), Fault(0)])
    done = upload(page, key, PNG)
    assert bucket.Object(done["key"]).content_length == 300_000
    assert page.evaluate("forced") is True

    studio.always = Fault(403, {}, b'{"code": "forbidden", "detail": "no"}')
    before = len(studio.posts())
    assert upload(page, key, PNG) == {"code": "forbidden", "status": 403, "name": "Error"}
    assert len(studio.posts()) == before + 1
    page.close()


def test_an_upload_whose_url_is_spent_asks_for_another(
    browser: Browser, studio: Shopfront, bucket: Any, key: Key
) -> None:
    studio.reset()
    page = browser.open().goto(studio.url)
    page.evaluate(
        """(() => {
            const real = XMLHttpRequest.prototype.open;
            window.puts = [];
            XMLHttpRequest.prototype.open = function (method, url) {
                puts.push(url);
                real.call(this, method, puts.length === 1 ? '/events' : url);
            };
        })()"""
    )
    done = upload(page, key, PNG)
    assert bucket.Object(done["key"]).content_length == 300_000
    first, second = page.evaluate("puts.map((url) => new URL(url).pathname)")
    assert first != second
    page.close()


@pytest.mark.parametrize(
    ("blob", "code"),
    [
        ("new File(['x'], 'a.heic')", "heic"),
        ("new File(['x'], 'a.jpg', {type: 'image/heif'})", "heic"),
        ("new File(['\\0\\0\\0\\x18ftypheic'], 'a.jpg', {type: 'image/jpeg'})", "heic"),
        ("new File(['x'], 'a')", "unknown_type"),
    ],
)
def test_what_is_no_image_for_the_web_is_told_at_once(
    blob: str, code: str, browser: Browser, studio: Shopfront, key: Key
) -> None:
    studio.reset()
    page = browser.open().goto(studio.url)
    assert upload(page, key, blob)["code"] == code
    assert not studio.posts()
    page.close()


def test_an_upload_can_be_given_up(browser: Browser, studio: Shopfront, key: Key) -> None:
    studio.reset()
    page = browser.open().goto(studio.url)
    page.evaluate("void (window.end = new AbortController(), setTimeout(() => end.abort(), 100))")
    studio.slowness = 1.0
    assert upload(page, key, PNG, "signal: end.signal,")["name"] == "AbortError"
    page.close()
