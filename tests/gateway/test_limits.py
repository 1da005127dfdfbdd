"""What the assembly makes of the settings and of the machine: limits that fit each other, and who is asked for health."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from config.settings import Live, Server, Settings, Store
from gateway.assembly import limits_of, live_limits_of, running
from gateway.doors.serving import DESCRIPTORS_KEPT, connections_held


@pytest.fixture
def soft_limit() -> Iterator[int]:
    """512 open files for the time of a test."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    yield 512
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_silent_line_has_time_for_its_heartbeats() -> None:
    """However rare the heartbeat is, a session is closed for silence only after it was pinged and did not answer."""
    for heartbeat_s in (1, 30, 300):
        session = live_limits_of(Settings(live=Live(heartbeat_s=heartbeat_s))).session
        assert session.silence_max_s >= 2 * session.heartbeat_s


def test_connections_leave_files_to_the_store(soft_limit: int) -> None:
    """At the limit of open files the store, attachments and imports still have theirs, and the API has connections."""
    settings = Settings()
    connections = limits_of(settings).connections_max
    assert connections == connections_held(10**6) == soft_limit - DESCRIPTORS_KEPT
    assert connections_held(100) == 100
    assert live_limits_of(settings).sessions_max < connections


def test_the_kernel_holds_no_more_for_a_stalled_reader_than_we_would() -> None:
    """A small send queue is small in the kernel as well."""
    assert live_limits_of(Settings(live=Live(queue_max_bytes=32_768))).kernel_queue_bytes == 32_768
    assert live_limits_of(Settings(live=Live(queue_max_bytes=4096))).kernel_queue_bytes == 16_384
    assert live_limits_of(Settings(live=Live(queue_max_bytes=2**20))).kernel_queue_bytes == 64 * 1024


async def test_readiness_asks_the_live_sockets_too(tmp_path: Path) -> None:
    """A process whose live sockets have ended says so, so that it is replaced."""
    settings = Settings(
        server=Server(port=0, drain_s=0.2), store=Store(path=str(tmp_path / "data"), readers=1)
    )
    async with running(settings) as server, aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{server.port}/readyz"
        async with session.get(url) as answer:
            assert answer.status == 200
        await server.live.stop()
        async with session.get(url) as answer:
            assert (answer.status, (await answer.json())["reasons"]) == (503, {"live": "实时连接已停止"})
