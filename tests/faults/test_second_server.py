"""One folder, one server: a second one is refused before it touches anything (faults.md 28)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from inbox_store.embedded import alone
from inbox_store.embedded.alone import held
from inbox_store.errors import StoreBroken
from tests.faults.server import found, serving, start


def test_a_second_server_is_refused(tmp_path: Path) -> None:
    """It would hold the first one's messages for lost and fill the carriers' windows twice; a dead one bars nobody."""
    folder = tmp_path / "data"
    found(folder)
    with serving(folder) as first:
        second = start(folder)
        try:
            assert second.wait(30) == 1
        finally:
            second.kill()
            second.wait()
        assert "已有一个服务在运行" in second.said()
        assert first.ready()
        first.kill()
    with serving(folder) as third:
        third.stop()


async def test_whoever_holds_it_is_waited_for_a_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that is being restarted may still be ending; after that the folder is refused."""
    monkeypatch.setattr(alone, "WAIT_S", 5.0)
    async with asyncio.TaskGroup() as group, held(tmp_path):
        waiting = group.create_task(_hold(tmp_path))
        await asyncio.sleep(0)
        assert not waiting.done()
    monkeypatch.setattr(alone, "WAIT_S", 0.0)
    async with held(tmp_path):
        with pytest.raises(StoreBroken, match="已有一个服务在运行"):
            await _hold(tmp_path)


async def _hold(folder: Path) -> None:
    async with held(folder):
        return
