"""Sends a number of pushes through our sender, in a process of its own; one JSON line with wall and CPU time."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Final

import structlog
import uvloop

from push.app.apns.account import ApnsAccount
from push.app.apns.sender import ApnsSender
from push.app.http2.happenings import Http2Rules
from push.app.http2.ports import PoolLimits, tls_context
from push.app.sender import Accepted, Push

DEVICE: Final = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0"


async def _send(port: int, count: int, connections: int, ca_pem: str, key_pem: str) -> None:
    account = ApnsAccount(
        team_id="DEF123GHIJ", key_id="ABC123DEFG", key_pem=key_pem, topic="cn.example.songda",
        host="127.0.0.1", port=port,
    )  # fmt: skip
    limits = PoolLimits(connections=connections, rules=Http2Rules(streams_max=200))
    sender = ApnsSender("apns", account, limits=limits, tls=tls_context(ca_pem))
    pushes = [
        Push(
            id=f"push-{n}",
            token=f"{n:08x}{DEVICE[8:]}",
            title="新公文",
            body="您有 3 件公文待签收",
            tag="inbox",
        )
        for n in range(count)
    ]
    await sender.start()
    warm = await sender.send(pushes[: count // 20])
    began, began_cpu = time.perf_counter(), time.process_time()
    outcomes = await sender.send(pushes)
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - began_cpu
    await sender.stop()
    assert all(isinstance(one, Accepted) for one in [*warm, *outcomes])
    print(json.dumps({"wall_s": wall_s, "cpu_s": cpu_s}))


def main() -> None:
    """Arguments: port, count, connections, CA file, key file."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    port, count, connections = map(int, sys.argv[1:4])
    run = asyncio.run if "--asyncio" in sys.argv else uvloop.run
    run(_send(port, count, connections, Path(sys.argv[4]).read_text(), Path(sys.argv[5]).read_text()))


if __name__ == "__main__":
    main()
