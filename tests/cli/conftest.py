"""A small city, a real `songda serve` over it in a process of its own, and the command line that asks it."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from config.loading import load
from gateway.assembly import open_parts
from gateway.cli.app import app
from gateway.flows.account_desk import Operator
from gateway.flows.organisation import store_rows
from tests.api_admin.city import ROWS

ROOT = Path(__file__).resolve().parents[2]
START_S = 30.0


def free_port() -> int:
    """A port nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_server(data: Path, port: int) -> subprocess.Popen[str]:
    """`songda serve` over ``data``, as an operator starts it."""
    environ = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "SONGDA__STORE__PATH": str(data),
        "SONGDA__SERVER__DRAIN_S": "0.5",
        "SONGDA__LOG__LEVEL": "warning",
    }
    environ.pop("SONGDA_CONFIG", None)
    return subprocess.Popen(
        [sys.executable, "-m", "gateway.cli", "serve", "--port", str(port)],
        cwd=data.parent,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def await_ready(process: subprocess.Popen[str], url: str) -> None:
    """Returns when the server says that it is ready."""
    ends = time.monotonic() + START_S
    while time.monotonic() < ends and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=5):  # noqa: S310 - the server of this test
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)  # a process comes up; there is nothing to be told by
    process.kill()
    raise AssertionError(f"the server did not start: {process.communicate()[0]}")


@dataclass
class Town:
    """The running server: its address, its data folder, and a token for each login."""

    url: str
    data: Path
    tokens: dict[str, str]

    def songda(self, *words: str, who: str = "", stdin: str | None = None) -> Result:
        """One call of the command line against this server."""
        environ = {
            "NO_COLOR": "1",
            "TERM": "dumb",
            "COLUMNS": "200",
            "SONGDA_CONFIG": None,
            "SONGDA_SERVER": self.url,
            "SONGDA_TOKEN": self.tokens.get(who, ""),
        }
        return CliRunner(env=environ).invoke(app, words, input=stdin)

    def done(self, *words: str, who: str = "", stdin: str | None = None) -> str:
        """What a call that must succeed prints on standard output."""
        told = self.songda(*words, who=who, stdin=stdin)
        assert told.exit_code == 0, told.output
        return str(told.stdout)

    def api(self, method: str, path: str, who: str, body: object = None, key: str = "") -> Any:  # noqa: ANN401
        """One request past the command line: what other people do meanwhile."""
        headers = {"Authorization": f"Bearer {self.tokens[who]}", "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        raw = None if body is None else json.dumps(body).encode()
        if raw is None:
            headers.pop("Content-Type")
        request = urllib.request.Request(  # noqa: S310 - the server of this test
            f"{self.url}/api/v1{path}", data=raw, method=method, headers=headers
        )
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            told = response.read()
            return json.loads(told) if told else None

    def unit(self, code: str) -> int:
        """The id of the unit with this code."""
        return int(self.api("GET", f"/org/units?code={code}", "sclerk")["items"][0]["id"])


async def _fill(data: Path) -> dict[str, str]:
    settings = load(None, {}, {"store.path": str(data)}).settings
    async with open_parts(settings) as parts:
        await store_rows(parts.house, ROWS)
        operator = Operator(name="ops")
        logins = [person.login or person.code for person in ROWS.people]
        return {login: (await parts.access.trial_token(operator, login)).text for login in logins}


@pytest.fixture
def text(tmp_path: Path) -> str:
    """A file with the body of a document."""
    file = tmp_path / "body.txt"
    file.write_text("请各单位认真落实。", "utf-8")
    return str(file)


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """The server, once for all tests of this room."""
    data = tmp_path_factory.mktemp("town") / "data"
    tokens = asyncio.run(_fill(data))
    port = free_port()
    process = start_server(data, port)
    url = f"http://127.0.0.1:{port}"
    await_ready(process, url)
    try:
        yield Town(url, data, tokens)
    finally:
        process.terminate()
        process.communicate(timeout=20)
