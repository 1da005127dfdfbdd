"""An aggregator over HTTP, from the tick box to the ledger; its callbacks are known by their signature alone."""

from __future__ import annotations

import io
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.doors.v1.sms_callbacks import FAILURES_PER_MINUTE
from inbox_store.times import US, system_now
from push.sms.sample_http.bodies import CALLBACK_MAX_BYTES
from push.sms.sample_http.signing import signed_headers
from push.sms.simulator.office import Plan, opened
from tests.gateway.sms_city import ACCOUNT, QUICK, SECRET, SmsCity, channel, sms_city
from tests.push.simulator_world import lines_of

PATH = "/api/v1/sms/callbacks/one"


@dataclass
class Told:
    """An answer."""

    status: int
    json: dict[str, Any]


@asynccontextmanager
async def aggregator(folder: Path, *, calls_back: bool = False) -> AsyncIterator[SmsCity]:
    """A server whose only channel is an aggregator, which calls it back or not."""
    detail = folder / "detail.csv"
    plan = Plan(ports={"http": 0}, accounts={ACCOUNT: SECRET}, script=QUICK, detail=detail)
    async with opened(plan) as office:
        url = f"http://127.0.0.1:{office.ports['http']}/messages"
        async with sms_city(folder, channel("http", 0, url=url), detail, quiet_hours="") as city:
            # What is signed is signed by the real clock.
            city.clock.now = system_now()
            if calls_back:
                office.http.call_back(ACCOUNT, f"http://127.0.0.1:{city.server.port}{PATH}")
            yield city


async def bring(
    city: SmsCity,
    body: bytes,
    *,
    path: str = PATH,
    secret: str = SECRET,
    headers: dict[str, str] | None = None,
) -> Told:
    """A callback, signed unless told otherwise."""
    nonce = secrets.token_urlsafe(18)
    signed = signed_headers(ACCOUNT, secret, "callback", body, now=city.clock.now, nonce=nonce)
    told = {"Content-Type": "application/json", **(signed if headers is None else headers)}
    url = f"http://127.0.0.1:{city.server.port}{path}"
    async with city.session.post(url, data=io.BytesIO(body), headers=told) as response:
        return Told(response.status, json.loads(await response.read()))


def report(message_id: str, stat: str = "DELIVRD", to: str = "13800010000") -> bytes:
    """A callback with one report."""
    event = {"type": "report", "id": message_id, "to": to, "stat": stat}
    return msgspec.json.encode({"events": [event]})


async def test_from_the_tick_box_to_the_ledger(tmp_path: Path) -> None:
    """Every message leaves over HTTP, is reported by signed callbacks, and is charged as the aggregator bills it."""
    async with aggregator(tmp_path, calls_back=True) as city:
        await city.send(["E01", "W01"], sender="s01a", sms_reminder=True)
        await city.until(lambda: city.states() == {"delivered": 6})
        assert sorted(city.charged()) == sorted(city.billed())
        assert len(city.billed()) == 6


async def test_a_forged_report_changes_nothing(tmp_path: Path) -> None:
    """Without the secret, changed on the way, sent twice, or from another time, a callback is refused; the state stays."""
    async with aggregator(tmp_path) as city:
        await city.send(["E01"], sender="s01a", sms_reminder=True)
        await city.until(lambda: city.states() == {"accepted": 3})
        line = lines_of(city.detail)[0]
        body = report(line.message_id, to=line.number)
        signed = signed_headers(ACCOUNT, SECRET, "callback", body, now=city.clock.now, nonce="n" * 24)
        old = signed_headers(ACCOUNT, SECRET, "callback", body, now=city.clock.now - 301 * US, nonce="o" * 24)
        answers = [
            await bring(city, body, secret="guessed"),
            await bring(city, body, headers={}),
            await bring(city, body.replace(b"DELIVRD", b"UNDELIV"), headers=signed),
            await bring(city, body, headers=old),
        ]
        assert [(one.status, one.json["code"]) for one in answers] == [(401, "callback_unsigned")] * 4
        assert city.states() == {"accepted": 3}
        first, again = await bring(city, body, headers=signed), await bring(city, body, headers=signed)
        assert (first.status, first.json, again.status) == (200, {"taken": 1}, 401)
        assert city.states() == {"accepted": 2, "delivered": 1}


async def test_what_is_no_callback_is_said(tmp_path: Path) -> None:
    """Signed nonsense, another channel, another type, too much: each has its answer; an unknown event keeps none out."""
    async with aggregator(tmp_path) as city:
        assert (await bring(city, b"[]")).json["code"] == "bad_request"
        assert (await bring(city, report("x"), path="/api/v1/sms/callbacks/two")).json["code"] == "not_found"
        plain = {"Content-Type": "text/plain"}
        assert (await bring(city, report("x"), headers=plain)).json["code"] == "unsupported_media"
        assert (await bring(city, b" " * (CALLBACK_MAX_BYTES + 1))).json["code"] == "body_too_large"
        mixed = msgspec.json.encode({"events": [{"type": "balance"}, json.loads(report("x"))["events"][0]]})
        assert (await bring(city, mixed)).json == {"taken": 2}
        assert city.rows("select message_id from sms_report") == [("x",)]


async def test_who_guesses_has_to_wait(tmp_path: Path) -> None:
    """After so many refusals an address is turned away before its signature is looked at; a minute later it is not."""
    async with aggregator(tmp_path) as city:
        for _ in range(FAILURES_PER_MINUTE):
            assert (await bring(city, report("x"), secret="guessed")).status == 401
        assert (await bring(city, report("x"))).status == 429
        city.clock.forward(hours=0.02)
        assert (await bring(city, report("x"))).status == 200


@pytest.mark.parametrize("stat", ["DELIVRD", "UNDELIV"])
async def test_it_is_answered_after_it_is_kept(tmp_path: Path, stat: str) -> None:
    """When the answer is there, the report stands in the file, also where its message is not known yet."""
    async with aggregator(tmp_path) as city:
        assert (await bring(city, report("early", stat))).status == 200
        assert city.rows("select message_id, stat from sms_report") == [("early", stat)]
