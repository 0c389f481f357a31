"""Spools of any size, in good time: valid segments, line by line, without an
ingest."""

import random
from pathlib import Path

from .craft import event_id
from .handmade import HandMade, line

MIB = 1024 * 1024
PER_SECOND = 200  # entries, by their times


def member(number: int, chance: random.Random) -> str:
    """An event as a shop has it; visitors, products and prices differ."""
    visitor, product = chance.randrange(100_000), chance.randrange(5000)
    return (
        f'"eventId":"{event_id(number)}","eventName":"product_view",'
        f'"clientId":"client-{visitor:08}","sessionId":"session-{visitor:08}",'
        f'"productId":"sku-{product}","price":{chance.randrange(100, 100_000) / 100},'
        f'"currency":"SGD","urlPath":"/products/{product}",'
        '"eventTimestamp":"2026-01-02T03:04:05.678Z","userId":"guest",'
        '"userLoginState":"guest","identitySource":"client",'
        '"logCategory":"business","path":"/events","method":"POST",'
        '"statusCode":202,"latencyMs":1,"userAgent":"Mozilla/5.0 (X11; Linux)",'
        f'"sourceIp":"203.0.113.{visitor % 256}",'
        f'"requestId":"{chance.getrandbits(128):032x}"'
    )


def fill(folder: Path, size: int, segment: int, now_ms: int) -> int:
    """Segments of @segment bytes, @size together, received up to @now_ms.

    Return: how many entries, numbered from 1 as event_id() has them."""
    chance = random.Random(9)
    spool = HandMade(folder)
    number = written = 0
    length = len(line(now_ms, member(1, chance)))
    first_ms = now_ms - size // length * 1000 // PER_SECOND
    while written < size:
        rows: list[bytes] = []
        room = min(segment, size - written)
        began = first_ms + number * 1000 // PER_SECOND
        while room > 0:
            number += 1
            rows.append(
                line(first_ms + number * 1000 // PER_SECOND, member(number, chance))
            )
            room -= len(rows[-1])
        spool.segment(rows, began)
        written += sum(map(len, rows))
    return number
