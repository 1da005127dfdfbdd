"""pywebpush's async client against a sink: CPU seconds a message, for benchmarks.webpush. Imports nothing of ours.

    python benchmarks/webpush_peer.py MESSAGES OPEN < subscriptions.json

It runs under whichever interpreter has pywebpush: it is no dependency of the product.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import time
from typing import Any

import aiohttp
import pywebpush  # type: ignore[import-not-found,unused-ignore]
import uvloop
from py_vapid import Vapid  # type: ignore[import-not-found,unused-ignore]

CLAIMS = {"sub": "mailto:push@example.com"}


async def send(told: dict[str, Any], messages: int, opened: int) -> None:
    """Messages over one session, ``opened`` at once; the claims are copied, as its trap demands."""
    key = Vapid.from_raw(told["private"].encode())
    numbers = iter(range(messages))
    subscriptions, data = told["subscriptions"], base64.b64decode(told["data"])
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:

        async def work() -> None:
            for number in numbers:
                one = subscriptions[number % len(subscriptions)]
                await pywebpush.webpush_async(
                    one,
                    data,
                    vapid_private_key=key,
                    vapid_claims=dict(CLAIMS),
                    ttl=60,
                    aiohttp_session=session,
                )

        cpu, began = time.process_time(), time.perf_counter()
        await asyncio.gather(*(work() for _ in range(opened)))
    took = {
        "cpu_s": (time.process_time() - cpu) / messages,
        "wall_s": (time.perf_counter() - began) / messages,
    }
    print(json.dumps(took), flush=True)


uvloop.run(send(json.load(sys.stdin), int(sys.argv[1]), int(sys.argv[2])))
