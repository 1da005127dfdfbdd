"""kill -9 around a mail's acceptance and around an alert's hand-over (faults.md 1, 2, 6).

The same mail again is the same document; an alert that may have left goes once more under its own Message-ID.
"""

from __future__ import annotations

import asyncio
import signal
import smtplib
import sqlite3
import ssl
import time
from contextlib import closing
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import pytest

from config.loading import load
from gateway.assembly import open_parts
from gateway.flows.account_desk import KeyWish, Operator
from inbox_store.mails import MailPolicy
from inbox_store.messages import NewAlert
from inbox_store.programs import mail as programs
from inbox_store.programs import mail_addresses, mail_drafts, sms
from inbox_store.programs.copies import Actor
from inbox_store.times import DAY_US
from tests.doors.smtp_world import WAIT_S, certificate
from tests.faults.server import Server, found, free_port, serving, start
from tests.push.mail_world import FarRelay, far_relay

PDF = b"%PDF-1.4\n%scan\n"


def prepared(folder: Path, mode: str) -> str:
    """The city with a scanner's key for its office, and the office's rule; the key."""
    found(folder)
    return asyncio.run(_prepared(folder, mode))


async def _prepared(folder: Path, mode: str) -> str:
    async with open_parts(load(None, {}, {"store.path": str(folder)}).settings) as parts:
        wish = KeyWish(unit="S0", name="扫描仪", login="s0-a", actions=frozenset({"dispatch.submit"}))
        _, key = await parts.access.create_api_key(Operator(name="test"), wish)
        unit = (await parts.house.organisation()).unit_by_code("S0")
        assert unit is not None
        policy = MailPolicy(mode, "slip")  # type: ignore[arg-type]  # one of the two
        by = Actor(person_id=0, name="test", origin="", device="")
        await parts.store.engine.write(mail_drafts.set_policy(unit.id, policy, by, parts.house.clock()))
    return key


def door(folder: Path) -> tuple[int, dict[str, str]]:
    """A port for the mail door, and the settings that open it."""
    cert, key = folder.parent / "smtp.crt", folder.parent / "smtp.key"
    if not cert.exists():
        certificate(folder.parent)
    port = free_port()
    told = {"PORT": str(port), "TLS_CERT": str(cert), "TLS_KEY": str(key), "DOMAINS": "songda.test"}
    return port, {f"SONGDA__SMTP__{name}": value for name, value in told.items()}


def hand_in(folder: Path, port: int, key: str) -> str:
    """The same mail as ever; what was said behind 250. Raises OSError or SMTPException where the line breaks."""
    mail = EmailMessage()
    mail["Subject"], mail["Message-ID"] = "关于报送防汛值班表的函", "<one@office.example>"
    mail.set_content("请于本周五前报送。")
    mail.add_attachment(PDF, maintype="application", subtype="pdf", filename="scan.pdf")
    with smtplib.SMTP("localhost", port, local_hostname="scanner", timeout=20) as client:
        client.starttls(context=ssl.create_default_context(cafile=str(folder.parent / "smtp.crt")))
        client.login(key.split("_")[1], key)
        client.mail("scanner@office.example")
        client.rcpt("U1@songda.test")
        code, words = client.data(mail.as_bytes(policy=SMTP))
    assert code == 250
    return words.decode()


def rows(folder: Path, query: str) -> list[tuple[Any, ...]]:
    """What the file holds."""
    with closing(sqlite3.connect(folder / "songda.db")) as conn:
        return conn.execute(query).fetchall()


def dies(server: Server, folder: Path, port: int, key: str) -> None:
    """The server is killed while the mail is handed in, and says nothing."""
    with pytest.raises((smtplib.SMTPServerDisconnected, OSError)):
        hand_in(folder, port, key)
    assert server.wait() == -signal.SIGKILL


@pytest.mark.parametrize(
    ("place", "mode"),
    [
        ("after_accept", "draft"),
        pytest.param("before_accept", "dispatch", marks=pytest.mark.long),
        pytest.param("before_accept", "draft", marks=pytest.mark.long),
        pytest.param("after_accept", "dispatch", marks=pytest.mark.long),
    ],
)
def test_a_mail_cut_by_a_death_is_one_mail(tmp_path: Path, place: str, mode: str) -> None:
    """Killed before or after the commit and before 250: handed in again it is one document, and said to be the same after."""
    folder = tmp_path / "data"
    key = prepared(folder, mode)
    port, settings = door(folder)
    with serving(folder, failpoint=f"{place}:1", environ=settings) as server:
        dies(server, folder, port, key)
    kept = rows(folder, "select count(*) from mail_in")
    assert kept == [(0,)] if place == "before_accept" else [(1,)]
    port, settings = door(folder)
    with serving(folder, environ=settings):
        words = [hand_in(folder, port, key) for _ in range(2)]
    assert words[0] == words[1]
    table = "mail_draft" if mode == "draft" else "document"
    assert rows(folder, f"select count(*) from {table}") == [(1,)]  # noqa: S608
    assert rows(folder, "select count(*) from attachment") == [(1,)]


@pytest.mark.parametrize(
    ("place", "resend"),
    [
        ("mail_after_answer", True),
        pytest.param("mail_after_claim", True, marks=pytest.mark.long),
        pytest.param("mail_after_answer", False, marks=pytest.mark.long),
    ],
)
async def test_an_alert_cut_by_a_death(tmp_path: Path, place: str, resend: bool) -> None:  # noqa: FBT001 - the case
    """Killed between the attempt and its outcome: sent once more under its Message-ID, or where that is not wanted shown."""
    folder = tmp_path / "data"
    await asyncio.to_thread(found, folder)
    await _ordered(folder)
    far = FarRelay()
    async with far_relay(far) as relay:
        told = {
            "HOST": relay.host,
            "PORT": str(relay.port),
            "SECURITY": "none",
            "SENDER": "songda@songda.test",
        }
        told["RESEND_IN_DOUBT"] = str(resend).lower()
        settings = {f"SONGDA__MAIL__{name}": value for name, value in told.items()}
        await asyncio.to_thread(_killed, folder, place, settings)
        left = int(place == "mail_after_answer")
        assert len(far.taken) == left
        await asyncio.to_thread(_started, folder, settings, "accepted" if resend else "in_doubt")
    assert len(far.taken) == left + resend
    ids = {line for mail in far.contents for line in mail.split(b"\r\n") if line.startswith(b"Message-ID:")}
    assert len(ids) == 1


def _killed(folder: Path, place: str, settings: dict[str, str]) -> None:
    server = start(folder, failpoint=f"{place}:1", environ=settings)
    try:
        assert server.wait() == -signal.SIGKILL, server.said()
    finally:
        server.kill()


def _started(folder: Path, settings: dict[str, str], state: str) -> None:
    with serving(folder, environ=settings):
        ends = time.monotonic() + WAIT_S
        while rows(folder, "select state from mail_order") != [(state,)]:
            assert time.monotonic() < ends, rows(folder, "select state, reason from mail_order")
            time.sleep(0.01)


async def _ordered(folder: Path) -> None:
    async with open_parts(load(None, {}, {"store.path": str(folder)}).settings) as parts:
        engine, now = parts.store.engine, parts.house.clock()
        person = (await parts.access.account("u1-a")).person_id
        unit = (await parts.house.organisation()).unit_by_code("S0")
        assert unit is not None
        await engine.write(mail_addresses.store(person, "a@office.example", parts.store.keys.phones, now))
        alert = NewAlert(
            kind="arrival",
            unit_id=unit.id,
            text="您有1份公文待签收",
            segments=1,
            urgency="ordinary",
            priority=2,
            expires_at=now + DAY_US,
        )
        alert_id = await engine.write(sms.add_alert(alert, 0, now))
        await engine.write(programs.order(alert_id, [(person, unit.id)], now))
