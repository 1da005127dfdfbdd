"""Mails of 20 kB into the mail door: TLS, key, content, attachment on the disk, draft in the store, 250 after the commit.

The door runs in a process of its own, as it is served; the scanners are threads of this one (smtplib). Beside the mails a second: what one core of the door's process would do, by its CPU time, and what the
disk takes in files and commits without us.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import smtplib
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from email.message import EmailMessage
from email.policy import SMTP
from itertools import count
from pathlib import Path
from typing import Any, Final

import uvloop

from benchmarks.figures import figure, tell
from config.mail_settings import Smtp
from config.settings import Server, Settings
from config.settings import Store as StoreSettings
from gateway.assembly import attachment_folder, open_parts
from gateway.doors.smtp import SmtpDoor
from gateway.doors.smtp_files import MailFiles
from gateway.doors.smtp_ports import SmtpLimits
from gateway.flows.account_desk import KeyWish, Operator
from gateway.flows.mail_in import MailTaker
from gateway.flows.organisation import store_rows
from inbox_store.orgrows import AppointmentRow, OrgRows, PersonRow, RegionRow, UnitRow

GOAL: Final = 200
SIZE_BYTES: Final = 20_000
DOMAIN: Final = "songda.test"

ROWS: Final = OrgRows(
    regions=(RegionRow(code="100", name="云水市", level="city"),),
    units=tuple(
        UnitRow(
            code=f"U{number:03d}",
            name=f"单位{number}",
            short_name="",
            group="city_direct",
            region_code="100",
            rollout="live",
        )
        for number in range(50)
    ),
    people=(PersonRow(code="clerk", name="收发员"),),
    appointments=(
        AppointmentRow(person_code="clerk", unit_code="U000", role="clerk", clerk_rank="A", post="科员"),
    ),
)


def mail(number: int, *, attached: bool) -> bytes:
    """A mail of SIZE_BYTES on the wire: a short text with a PDF, or a long text."""
    told = EmailMessage()
    told["From"] = "scanner@office.example"
    told["Subject"] = f"关于报送第{number}期值班表的函"
    told["Message-ID"] = f"<{number}@office.example>"
    if attached:
        told.set_content("请各单位按时报送。")
        pdf = b"%PDF-1.4\n" + os.urandom(SIZE_BYTES * 72 // 100 - 700)
        told.add_attachment(pdf, maintype="application", subtype="pdf", filename=f"扫描{number}.pdf")
    else:
        told.set_content("请各单位按时报送值班安排。\n" * 360, cte="base64")
    return told.as_bytes(policy=SMTP)


# The door -----------------------------------------------------------------------------------------------------------


async def serve(folder: Path) -> None:
    """Open the door over a new store; tell port and key; at the end of the input tell what it cost."""
    cert, key = folder / "smtp.crt", folder / "smtp.key"
    settings = Settings(
        server=Server(port=0),
        store=StoreSettings(path=str(folder / "data"), readers=2),
        smtp=Smtp(tls_cert=str(cert), tls_key=str(key), domains=(DOMAIN,)),
    )
    async with open_parts(settings) as parts:
        await store_rows(parts.house, ROWS)
        wish = KeyWish(unit="U000", name="扫描仪", login="clerk", actions=frozenset({"dispatch.submit"}))
        _, text = await parts.access.create_api_key(Operator(name="bench"), wish)
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(cert, key)
        limits = SmtpLimits(per_address_max=100, mails_per_session_max=100_000)
        desk = MailTaker(parts.house, parts.access, MailFiles(attachment_folder(parts)))
        door = SmtpDoor(desk, tls, limits, hostname=DOMAIN)
        await door.start("127.0.0.1", 0)
        print(json.dumps({"port": door.port, "key": text}), flush=True)
        loop = asyncio.get_running_loop()
        while await loop.run_in_executor(None, sys.stdin.readline):
            used = resource.getrusage(resource.RUSAGE_SELF)
            print(
                json.dumps({"cpu_s": used.ru_utime + used.ru_stime, "taken": door.outcomes["taken"]}),
                flush=True,
            )
        await door.stop()


class Door:
    """The door's process."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "benchmarks.smtp_in", "--serve", str(folder)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
        told = self._told()
        self.port, self.key = int(told["port"]), str(told["key"])

    def _told(self) -> dict[str, Any]:
        assert self._process.stdout
        line: dict[str, Any] = json.loads(self._process.stdout.readline())
        return line

    def used(self) -> tuple[float, int]:
        """CPU seconds since its start, and mails taken."""
        assert self._process.stdin
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        told = self._told()
        return float(told["cpu_s"]), int(told["taken"])

    def close(self) -> None:
        """End it."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(30)


# The scanners -------------------------------------------------------------------------------------------------------


def scan(door: Door, tls: ssl.SSLContext, mails: Iterator[bytes]) -> None:
    """One scanner: log in, hand in what there is."""
    client = smtplib.SMTP("localhost", door.port, local_hostname="scanner", timeout=60)
    # Else the last piece of each mail waits for an acknowledgement that the kernel delays by 40 ms (Nagle).
    assert client.sock
    client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.starttls(context=tls)
    client.login(door.key.split("_")[1], door.key)
    for one in mails:
        client.mail("scanner@office.example")
        client.rcpt(f"U001@{DOMAIN}")
        code, words = client.data(one)
        assert code == 250, words
    client.quit()


def shared(mails: list[bytes]) -> Iterator[bytes]:
    """The mails, for several threads to take from."""
    while mails:
        try:
            yield mails.pop()
        except IndexError:
            return


def run(door: Door, tls: ssl.SSLContext, mails: list[bytes], scanners: int) -> tuple[float, float]:
    """Mails a second by the wall, and by one core of the door."""
    number = len(mails)
    cpu_s, taken = door.used()
    threads = [threading.Thread(target=scan, args=(door, tls, shared(mails))) for _ in range(scanners)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall_s = time.perf_counter() - begun
    after_s, now_taken = door.used()
    assert now_taken - taken == number, (now_taken, taken, number)
    return number / wall_s, number / (after_s - cpu_s)


def bare(folder: Path, files: int) -> float:
    """What the disk takes without us: a synced file with its folder, and a synced commit, one after the other."""
    with closing(sqlite3.connect(folder / "bare.db", isolation_level=None)) as conn:
        conn.execute("pragma journal_mode = wal")
        conn.execute("pragma synchronous = full")
        conn.execute("create table t (x blob)")
        content, handle = os.urandom(SIZE_BYTES * 3 // 4), os.open(folder, os.O_RDONLY)
        begun = time.perf_counter()
        for number in range(files):
            with (folder / f"bare-{number}").open("wb", buffering=0) as file:
                file.write(content)
                os.fsync(file.fileno())
            os.fsync(handle)
            conn.execute("insert into t values (?)", (content[:1_000],))
        told = files / (time.perf_counter() - begun)
        os.close(handle)
    return told


def main() -> None:
    """Measure both kinds of mail in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", type=Path)
    parser.add_argument("--mails", type=int, default=600)
    parser.add_argument("--scanners", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    told = parser.parse_args()
    if told.serve:
        uvloop.run(serve(told.serve))
        return
    with tempfile.TemporaryDirectory() as name:
        measure(Path(name), told.mails, told.scanners, told.rounds)


def measure(folder: Path, mails: int, scanners: int, rounds: int) -> None:
    """The figures as rows."""
    _certificate(folder)
    door = Door(folder)
    tls = ssl.create_default_context(cafile=str(folder / "smtp.crt"))
    numbers = count()
    figures: dict[str, tuple[list[float], list[float]]] = {}
    try:
        for _ in range(rounds):
            for kind, attached in (("text", False), ("PDF", True)):
                made = [mail(next(numbers), attached=attached) for _ in range(mails)]
                wall, core = run(door, tls, made, scanners)
                rows = figures.setdefault(kind, ([], []))
                rows[0].append(wall)
                rows[1].append(core)
    finally:
        door.close()
    for kind, (walls, cores) in figures.items():
        goal = f">= {GOAL}"
        tell(
            [
                figure(
                    f"smtp_in.{kind}",
                    walls,
                    "mails/s",
                    goal,
                    holds=min(walls) >= GOAL,
                ),
                figure(f"smtp_in.{kind}_core", cores, "mails/s/core", "", holds=None),
            ]
        )
    tell([figure("smtp_in.disk", [bare(folder, 200)], "pairs/s", "", holds=None)])


def _certificate(folder: Path) -> None:
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", "smtp.key", "-out", "smtp.crt"]
    subprocess.run([*command.split(), *names], cwd=folder, check=True, capture_output=True)  # noqa: S603


if __name__ == "__main__":
    main()
