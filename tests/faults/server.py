"""A whole server as a real process over a folder with a small city in it: started, waited for, stopped, killed.

    tokens = found(folder)
    with serving(folder, failpoint="after_accept:2") as server:
        ...  # server.url, server.port, server.pid
        server.kill()
        assert server.wait() == -signal.SIGKILL

``tests/faults/callers.py`` holds the HTTP side: persons with tokens who write down what they were told.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config.loading import load
from gateway.assembly import Parts, open_parts
from gateway.flows.organisation import store_rows
from gateway.tokens import Holder
from inbox_store.failpoints import VARIABLE
from inbox_store.orgrows import OrgRows
from inbox_store.times import DAY_US, system_now
from tests.inbox_store.small_city import ROWS

ROOT: Final = Path(__file__).resolve().parents[2]
TOKENS: Final = "tokens.json"
TOKEN_LIFE_S: Final = 4_000 * 86_400
"""Long enough for every clock that a test sets."""

FOUNDED_US: Final = 60 * DAY_US
START_S: Final = 30.0
STOP_S: Final = 20.0
LOOK_EVERY_S: Final = 0.005

QUIET: Final = {
    "SONGDA__DISPATCH__APPROVAL_SHARE": "1.0",
    "SONGDA__SERVER__DRAIN_S": "2",
    "SONGDA__LOG__LEVEL": "warning",
}
"""Nothing waits for a second person, a stop is quick, only what is wrong is logged."""


def found(folder: Path, rows: OrgRows = ROWS) -> dict[str, str]:
    """Import the city into a fresh ``folder``; returns an access token for each login, kept there as well.

    It is dated some weeks back: units are there from the moment of their import, also for a clock that is set back.
    """
    folder.mkdir(exist_ok=True, parents=True)
    return asyncio.run(_found(folder, rows))


async def _found(folder: Path, rows: OrgRows) -> dict[str, str]:
    settings = load(None, {}, {"store.path": str(folder)}).settings
    async with open_parts(settings, lambda: system_now() - FOUNDED_US) as parts:
        await store_rows(parts.house, rows)
        tokens = {
            told.login or told.code: await _token(parts, told.login or told.code) for told in rows.people
        }
    (folder / TOKENS).write_text(json.dumps(tokens), "utf-8")
    return tokens


async def _token(parts: Parts, login: str) -> str:
    """Minted without a log-in, so that nobody waits for argon2."""
    account = await parts.access.account(login)
    holder = Holder(account_id=account.id, epoch=account.epoch)
    return parts.access.tokens.access(holder, parts.house.clock(), life_s=TOKEN_LIFE_S).text


def tokens_of(folder: Path) -> dict[str, str]:
    """The tokens that ``found`` minted."""
    told: dict[str, str] = json.loads((folder / TOKENS).read_text("utf-8"))
    return told


def free_port() -> int:
    """A port nobody uses now, below those which the kernel gives to outgoing connections."""
    while True:
        port = random.randint(12_000, 32_000)
        with suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port


@dataclass(slots=True)
class Server:
    """One `songda serve`, perhaps inside a wrapping command; ``pid`` is the server's own in either case."""

    process: subprocess.Popen[bytes]
    folder: Path
    port: int
    errors: Path

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process that serves: below the wrapping command where there is one."""
        pid, found_at = self.process.pid, -1
        while pid != found_at:
            found_at = pid
            with suppress(OSError):
                children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
                pid = next((int(child) for child in children if _is_server(int(child))), pid)
        return pid

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    def said(self) -> str:
        """Everything it has printed and logged, in all its lives on this folder."""
        return self.errors.read_text("utf-8", "replace")

    def kill(self) -> None:
        """SIGKILL, to the wrapping command too; returns when nothing of it runs any more."""
        pid = self.pid
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        ends = time.monotonic() + STOP_S
        while pid != self.process.pid and _runs(pid):
            assert time.monotonic() < ends, f"process {pid} outlives SIGKILL"
            time.sleep(LOOK_EVERY_S)

    def terminate(self) -> None:
        """SIGTERM to the server itself."""
        self.send(signal.SIGTERM)

    def send(self, number: signal.Signals) -> None:
        """Any signal to the server itself."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def wait(self, timeout_s: float = STOP_S) -> int:
        """Wait for its end; returns the status, negative for a signal. Raises subprocess.TimeoutExpired."""
        return self.process.wait(timeout_s)

    def stop(self, timeout_s: float = STOP_S) -> float:
        """SIGTERM and the seconds until it has ended. Raises AssertionError unless it ends with 0."""
        began = time.monotonic()
        self.terminate()
        status = self.wait(timeout_s)
        assert status == 0, (status, self.said()[-4000:])
        return time.monotonic() - began

    def ready(self) -> bool:
        """Whether /readyz says so now."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5):  # noqa: S310 - the server of this test
                return True
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def await_ready(self, within_s: float = START_S) -> None:
        """Returns when it is ready. Raises AssertionError with what it said when it ends before or never is."""
        ends = time.monotonic() + within_s
        while not self.ready():
            assert self.alive, f"the server ended with {self.process.returncode}: {self.said()[-4000:]}"
            assert time.monotonic() < ends, f"not ready after {within_s} s: {self.said()[-4000:]}"
            time.sleep(LOOK_EVERY_S)


def _runs(pid: int) -> bool:
    """Whether the process exists and is more than an entry nobody has read yet."""
    with suppress(OSError):
        return (
            Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()[0] not in "ZX"
        )
    return False


def _is_server(pid: int) -> bool:
    """Whether this is our interpreter or a wrapper on the way to it, and no helper process of the server."""
    with suppress(OSError):
        return b"gateway.cli" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def start(
    folder: Path,
    *,
    port: int = 0,
    failpoint: str = "",
    environ: Mapping[str, str] | None = None,
    wrap: Sequence[str] = (),
    limits: Callable[[], None] | None = None,
) -> Server:
    """Start a server over ``folder`` and return at once.

    ``environ`` is added to ours (settings too: ``SONGDA__SECTION__KEY``), ``wrap`` stands before the command
    (``["strace", ...]``), ``limits`` runs in the child before it (``resource.setrlimit``).
    """
    told_port = port or free_port()
    # The folder may hold nothing but the store, so that a test can measure or fill it: what is said stands beside it.
    errors = folder.with_name(f"{folder.name}.stderr")
    ours = {name: value for name, value in os.environ.items() if name not in ("SONGDA_CONFIG", VARIABLE)}
    told = {**ours, **QUIET, "PYTHONPATH": str(ROOT), "SONGDA__STORE__PATH": str(folder), **(environ or {})}
    if failpoint:
        told[VARIABLE] = failpoint
    command = [*wrap, sys.executable, "-m", "gateway.cli", "serve", "--port", str(told_port)]
    with errors.open("ab") as sink:
        process = subprocess.Popen(
            command,
            cwd=folder.parent,
            env=told,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
            preexec_fn=limits,  # noqa: PLW1509 - a limit must stand before the program does
        )
    return Server(process, folder, told_port, errors)


@contextmanager
def serving(
    folder: Path,
    *,
    port: int = 0,
    failpoint: str = "",
    environ: Mapping[str, str] | None = None,
    wrap: Sequence[str] = (),
    limits: Callable[[], None] | None = None,
) -> Iterator[Server]:
    """A server that is ready, as ``start`` starts it; killed at the latest when the context is left."""
    server = start(folder, port=port, failpoint=failpoint, environ=environ, wrap=wrap, limits=limits)
    try:
        server.await_ready()
        yield server
    finally:
        server.kill()
        server.wait()
