"""Web Push to a sink in another process, beside the bare limit and pywebpush's async client; all by CPU time.

    python -m benchmarks.webpush --messages 6000 --runs 5 [--peer PYTHON]

The limit encrypts each message afresh and writes a request made beforehand to a transport, over as many connections as
the sender has; nothing of an answer is looked at but that it came. ``--peer`` is an interpreter that has pywebpush;
without one its line is left out. A share is one of CPU time of the sending process, user and system: the sink shares
the machine's cores, and on the clock each is the other's limit.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

import uvloop
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from benchmarks.figures import figure, tell
from push.app.endpoints import EndpointRules
from push.app.sender import Accepted, Push
from push.app.webpush import VapidKey, WebPushRules, WebPushSender
from push.app.webpush.encryption import encrypt
from push.app.webpush.message import payload
from push.app.webpush.subscription import CURVE, base64url, read_keys

SUBSCRIPTIONS: Final = 1_000
OPEN: Final = 32
PAD: Final = 1_024
RATE_GOAL: Final = 5_000
SHARE_GOAL: Final = 0.5
PEER_GOAL: Final = 1.3
PEER: Final = Path(__file__).with_name("webpush_peer.py")
CREATED: Final = (
    b"HTTP/1.1 201 Created\r\nLocation: /message/0123456789abcdef\r\nTTL: 60\r\nContent-Length: 0\r\n\r\n"
)


class Timed(NamedTuple):
    """One run: seconds for each message, of this process's CPU and by the clock."""

    cpu_s: float
    wall_s: float


class Sink(asyncio.Protocol):
    """Counts requests by their length and answers 201 to each."""

    def __init__(self) -> None:
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Requests and parts of them."""
        self._read += data
        while (end := self._read.find(b"\r\n\r\n")) >= 0:
            head = self._read[:end].lower()
            at = head.index(b"content-length:") + 15
            whole = end + 4 + int(head[at:].split(b"\r\n", 1)[0])
            if len(self._read) < whole:
                return
            self._read = self._read[whole:]
            self._transport.write(CREATED)


async def serve() -> None:
    """The sink, until its input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Sink, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


@contextmanager
def sink() -> Iterator[int]:
    """The other process; its port."""
    command = (sys.executable, "-m", "benchmarks.webpush", "--sink")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603
        assert process.stdin
        assert process.stdout
        yield int(process.stdout.readline())
        process.stdin.close()


def subscription(port: int, number: int) -> dict[str, Any]:
    """One device's, as JSON."""
    public = ec.generate_private_key(CURVE).public_key()
    point = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    keys = {"p256dh": base64url(point), "auth": base64url(os.urandom(16))}
    return {"endpoint": f"http://127.0.0.1:{port}/send/{number:032x}", "keys": keys}


def alert(token: str) -> Push:
    """What an office's device is told."""
    body = "请于今日17时前签收并反馈办理情况。" * 3
    title = "关于召开全市防汛工作视频会议的通知"
    return Push(id="0" * 26, token=token, title=title, body=body, url="/inbox/12345", tag="document:12345")


class BareClient(asyncio.Protocol):
    """A request for each answer, over one connection."""

    def __init__(self, made: Iterator[bytes]) -> None:
        self._made = made
        self.over = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._write()

    def data_received(self, data: bytes) -> None:
        """An answer: it came, in one piece as it was written."""
        assert data == CREATED
        self._write()

    def _write(self) -> None:
        request = next(self._made, None)
        if request is None:
            self.over.set_result(None)
            self._transport.close()
        else:
            self._transport.write(request)


async def bare(told: list[dict[str, Any]], port: int, messages: int) -> Timed:
    """The limit: fresh encryption, and a head made beforehand."""
    keys = [read_keys(one["keys"]["p256dh"], one["keys"]["auth"]) for one in told]
    data = payload(alert(""), 3_993)
    length = len(encrypt(keys[0], data, os.urandom(16), ec.generate_private_key(CURVE), PAD))
    header = "".join(f"{name}: {'x' * size}\r\n" for name, size in (("Authorization", 330), ("Topic", 32)))
    heads = [
        f"POST /send/{number:032x} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nTTL: 60\r\nUrgency: normal\r\n{header}"
        f"Content-Encoding: aes128gcm\r\nContent-Length: {length}\r\n\r\n".encode()
        for number in range(len(told))
    ]

    def made() -> Iterator[bytes]:
        for number in range(messages):
            place = number % len(keys)
            salt, private = os.urandom(16), ec.generate_private_key(CURVE)
            yield heads[place] + encrypt(keys[place], data, salt, private, PAD)

    loop, requests = asyncio.get_running_loop(), made()
    cpu, began = time.process_time(), time.perf_counter()
    for client in [
        (await loop.create_connection(lambda: BareClient(requests), "127.0.0.1", port))[1]
        for _ in range(OPEN)
    ]:
        await client.over
    return Timed((time.process_time() - cpu) / messages, (time.perf_counter() - began) / messages)


async def ours(told: list[dict[str, Any]], key: VapidKey, messages: int) -> Timed:
    """Our sender, as the house calls it: batches of alerts."""
    endpoints = EndpointRules(hosts=("127.0.0.1",), http=True)
    sender = WebPushSender("bench", key, WebPushRules(endpoints=endpoints, host_max=OPEN, pad_step=PAD))
    tokens = [json.dumps(one) for one in told]
    pushes = [alert(tokens[number % len(tokens)]) for number in range(messages)]
    await sender.start()
    # The limit has read its keys beforehand, too: a house sends to the same devices every day.
    await sender.send(pushes[:SUBSCRIPTIONS])
    cpu, began = time.process_time(), time.perf_counter()
    for first in range(0, messages, SUBSCRIPTIONS):
        outcomes = await sender.send(pushes[first : first + SUBSCRIPTIONS])
        assert all(isinstance(one, Accepted) for one in outcomes), outcomes[0]
    took = Timed((time.process_time() - cpu) / messages, (time.perf_counter() - began) / messages)
    await sender.stop()
    return took


def peer(python: str, told: list[dict[str, Any]], private: str, messages: int) -> Timed:
    """pywebpush, in a process of its own."""
    data = base64.b64encode(payload(alert(""), 3_993)).decode()
    given = json.dumps({"private": private, "subscriptions": told, "data": data})
    command = [python, str(PEER), str(messages), str(OPEN)]
    done = subprocess.run(command, input=given, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    return Timed(**json.loads(done.stdout))


def has_peer(python: str) -> bool:
    """Whether this interpreter has pywebpush."""
    command = [python, "-c", "import pywebpush, uvloop"]
    try:
        return not subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode  # noqa: S603
    except OSError:
        return False


def measure(messages: int, runs: int, python: str) -> list[dict[str, Any]]:
    """All in turn, after one run of each that is not counted."""
    private = ec.generate_private_key(CURVE)
    key = VapidKey(private, "mailto:push@example.com")
    raw = base64url(private.private_numbers().private_value.to_bytes(32, "big"))
    timed: dict[str, list[Timed]] = {"ours": [], "bare": [], "peer": []}
    with_peer = has_peer(python)
    with sink() as port:
        told = [subscription(port, number) for number in range(SUBSCRIPTIONS)]
        for _ in range(runs + 1):
            timed["bare"].append(uvloop.run(bare(told, port, messages)))
            timed["ours"].append(uvloop.run(ours(told, key, messages)))
            if with_peer:
                timed["peer"].append(peer(python, told, raw, messages))
    return rows(*(timed[name][1:] for name in ("ours", "bare", "peer")))


def rows(mine: list[Timed], limit: list[Timed], others: list[Timed]) -> list[dict[str, Any]]:
    """The lines of the table."""
    rates = [1 / one.cpu_s for one in mine]
    shares = [bound.cpu_s / one.cpu_s for one, bound in zip(mine, limit, strict=True)]
    middle = sorted(rates)[len(rates) // 2]
    share = sorted(shares)[len(shares) // 2]
    made = [
        figure("webpush.core", rates, "/s", f">= {RATE_GOAL:,}", holds=middle >= RATE_GOAL),
        figure("webpush.clock", [1 / one.wall_s for one in mine], "/s", "", holds=None),
        figure("webpush.bare", [1 / one.cpu_s for one in limit], "/s", "", holds=None),
        figure("webpush.share_of_bare", shares, "x", f">= {SHARE_GOAL}", holds=share >= SHARE_GOAL),
    ]
    if others:
        ratios = [one.cpu_s / own.cpu_s for own, one in zip(mine, others, strict=True)]
        ratio = sorted(ratios)[len(ratios) // 2]
        told = [1 / one.cpu_s for one in others]
        made.append(figure("webpush.pywebpush", told, "/s", "", holds=None))
        made.append(figure("webpush.to_pywebpush", ratios, "x", f">= {PEER_GOAL}", holds=ratio >= PEER_GOAL))
    return made


def main() -> None:
    """Measure and tell; with ``--sink`` be the far end."""
    words = argparse.ArgumentParser()
    words.add_argument("--sink", action="store_true")
    words.add_argument("--messages", type=int, default=6_000)
    words.add_argument("--runs", type=int, default=5)
    words.add_argument("--peer", default=sys.executable)
    told = words.parse_args()
    if told.sink:
        uvloop.run(serve())
    else:
        tell(measure(told.messages, told.runs, told.peer))


if __name__ == "__main__":
    main()
