"""The same with aioapns. Runs in an environment that holds nothing of ours; one JSON line with wall and CPU time."""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from pathlib import Path
from typing import Any, Final

DEVICE: Final = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0"
AT_ONCE: Final = 400


async def _send(aioapns: Any, port: int, count: int, connections: int, ca: str, key_pem: str) -> None:  # noqa: ANN401
    protocol = aioapns.connection.APNsProductionClientProtocol
    protocol.APNS_SERVER, protocol.APNS_PORT = "127.0.0.1", port
    tls = ssl.create_default_context(cafile=ca)
    tls.set_alpn_protocols(["h2"])
    client = aioapns.APNs(
        key=key_pem, key_id="ABC123DEFG", team_id="DEF123GHIJ", topic="cn.example.songda",
        max_connections=connections, ssl_context=tls,
    )  # fmt: skip
    body = {"aps": {"alert": {"title": "新公文", "body": "您有 3 件公文待签收"}, "sound": "default"}}
    free = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> bool:
        message = {**body, "id": f"push-{number}"}
        request = aioapns.NotificationRequest(
            device_token=f"{number:08x}{DEVICE[8:]}", message=message, collapse_key="inbox",
            time_to_live=86_400, priority=5, push_type=aioapns.PushType.ALERT,
        )  # fmt: skip
        async with free:
            return bool((await client.send_notification(request)).is_successful)

    warm = await asyncio.gather(*(one(number) for number in range(count // 20)))
    began, began_cpu = time.perf_counter(), time.process_time()
    sent = await asyncio.gather(*(one(number) for number in range(count)))
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - began_cpu
    assert all([*warm, *sent])
    print(json.dumps({"wall_s": wall_s, "cpu_s": cpu_s}))


def main() -> None:
    """Arguments: port, count, connections, CA file, key file."""
    import aioapns  # type: ignore[import-not-found]  # noqa: PLC0415 - it is only there where this runs
    import aioapns.connection  # type: ignore[import-not-found]  # noqa: PLC0415

    port, count, connections = map(int, sys.argv[1:4])
    run: Any = asyncio.run
    if "--asyncio" not in sys.argv:
        import uvloop  # noqa: PLC0415

        run = uvloop.run
    run(_send(aioapns, port, count, connections, sys.argv[4], Path(sys.argv[5]).read_text()))


if __name__ == "__main__":
    main()
