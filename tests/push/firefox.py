"""A real Firefox without a screen, spoken to over WebDriver BiDi: websocket and JSON, no driver beside it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import aiohttp

PROGRAM: Final = "firefox-esr"
LISTENING: Final = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
PATIENCE_S: Final = 40

PREFS: Final[dict[str, object]] = {
    # Without a desktop there is no daemon that shows notifications; Firefox shows them itself.
    "alerts.useSystemBackend": False,
    "app.update.disabledForTesting": True,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "dom.push.testing.allowInsecureServerURL": True,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "permissions.default.desktop-notification": 1,
    # Otherwise the remote agent sets what suits tests of web pages, among it no connection for push.
    "remote.prefs.recommended": False,
    "services.settings.server": "data:,",
    "toolkit.telemetry.server": "data:,",
}
"""Quiet, and allowed to be told: what an administrator would set by policy."""


def _pref(name: str, value: object) -> str:
    told = str(value).lower() if isinstance(value, bool | int) else f'"{value}"'
    return f'user_pref("{name}", {told});\n'


class Firefox:
    """One browser with one page."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._number = 0
        self._context = ""

    async def ask(self, method: str, **params: object) -> dict[str, Any]:
        """One command; its result. Events that come meanwhile are passed over."""
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": params})
        while True:
            told: dict[str, Any] = await self._socket.receive_json(timeout=PATIENCE_S)
            if told.get("id") == self._number:
                assert told["type"] == "success", told
                result: dict[str, Any] = told["result"]
                return result

    async def open(self, url: str) -> None:
        """Show a page."""
        if not self._context:
            await self.ask("session.new", capabilities={})
            self._context = (await self.ask("browsingContext.getTree"))["contexts"][0]["context"]
        await self.ask("browsingContext.navigate", context=self._context, url=url, wait="complete")

    async def run(self, code: str) -> str:
        """The text that an async function of the page returns."""
        told = await self.ask(
            "script.evaluate",
            expression=f"(async () => {{ {code} }})()",
            target={"context": self._context},
            awaitPromise=True,
        )
        assert told["type"] == "success", told
        return str(told["result"].get("value", ""))


def _write_profile(folder: Path, prefs: Mapping[str, object]) -> None:
    folder.mkdir(exist_ok=True)
    told = "".join(_pref(name, value) for name, value in prefs.items())
    (folder / "user.js").write_text(told, encoding="utf-8")


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stderr
    async with asyncio.timeout(PATIENCE_S):
        async for line in process.stderr:
            if found := LISTENING.search(line.decode(errors="replace")):
                return found[1]
    raise AssertionError("Firefox ended before it listened")


async def _read_on(process: asyncio.subprocess.Process) -> None:
    assert process.stderr
    while await process.stderr.readline():
        pass


@asynccontextmanager
async def firefox(folder: Path, prefs: Mapping[str, object]) -> AsyncIterator[Firefox]:
    """A browser with a profile of its own in ``folder``, killed at the end."""
    _write_profile(folder, {**PREFS, **prefs})
    process = await asyncio.create_subprocess_exec(
        PROGRAM, "--headless", "--no-remote", "--profile", str(folder), "--remote-debugging-port", "0", "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE, env={"HOME": str(folder), "PATH": "/usr/bin:/bin", "MOZ_HEADLESS": "1"},
    )  # fmt: skip
    try:
        address = await _address(process)
        reading = asyncio.create_task(_read_on(process))
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{address}/session", max_msg_size=0) as socket,
        ):
            yield Firefox(socket)
        reading.cancel()
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
