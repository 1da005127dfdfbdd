"""A real Firefox subscribes at our push service, is told, decrypts, shows and acks."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import msgspec
import pytest

from push.app.sender import Accepted, Push
from tests.push.firefox import firefox
from tests.push.own_push_world import house

SUBSCRIBE: Final = """
  await navigator.serviceWorker.register("/worker.js");
  const ready = await navigator.serviceWorker.ready;
  const made = await ready.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: "%s" });
  return JSON.stringify(made);
"""
NOTIFICATIONS: Final = """
  const ready = await navigator.serviceWorker.ready;
  return JSON.stringify((await ready.getNotifications()).map((one) => [one.title, one.body]));
"""
PATIENCE_S: Final = 20


@pytest.mark.long
@pytest.mark.needs_program("firefox-esr")
async def test_firefox_shows_the_alert_and_its_ack_counts_as_delivered(tmp_path: Path) -> None:
    """Debian's Firefox, pointed at our service, shows the decrypted alert; the ack names the message we sent."""
    async with house() as office:
        server = {"dom.push.serverURL": f"ws://127.0.0.1:{office.port}/push/"}
        async with firefox(tmp_path / "profile", server) as browser:
            await browser.open(f"http://localhost:{office.port}/")
            token = await browser.run(SUBSCRIBE % office.key.public)
            push = Push(id="1", token=token, title="关于防汛工作的通知", body="请签收", tag="document:1")
            (outcome,) = await office.sender.send([push])
            assert isinstance(outcome, Accepted)
            settled = await asyncio.wait_for(office.settled.get(), PATIENCE_S)
            assert settled.delivered
            assert outcome.receipt == f"{office.url}/message/{settled.id}"
            shown = await asyncio.wait_for(office.shown.get(), PATIENCE_S)
            assert (shown["title"], shown["body"]) == (push.title, push.body)
            told = msgspec.json.decode(await browser.run(NOTIFICATIONS))
            assert told == [[push.title, push.body]]


@pytest.mark.long
@pytest.mark.needs_program("firefox-esr")
async def test_firefox_comes_back_and_gets_what_waited(tmp_path: Path) -> None:
    """What was posted while the line was down arrives after the browser's own reconnect; a spoilt body is no delivery."""
    async with house() as office:
        prefs = {
            "dom.push.serverURL": f"ws://127.0.0.1:{office.port}/push/",
            "dom.push.retryBaseInterval": 200,
        }
        async with firefox(tmp_path / "profile", prefs) as browser:
            await browser.open(f"http://localhost:{office.port}/")
            token = await browser.run(SUBSCRIBE % office.key.public)
            await office.cut_off()
            push = Push(id="2", token=token, title="补发", body="请签收", tag="document:2")
            assert isinstance((await office.sender.send([push]))[0], Accepted)
            assert office.settled.empty()
            assert (await asyncio.wait_for(office.settled.get(), PATIENCE_S)).delivered
            assert (await asyncio.wait_for(office.shown.get(), PATIENCE_S))["title"] == "补发"
            endpoint = msgspec.json.decode(token)["endpoint"]
            assert await office.post(endpoint, bytes(200)) == 201
            assert (await asyncio.wait_for(office.settled.get(), PATIENCE_S)).code == 101
