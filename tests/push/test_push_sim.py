"""The simulated vendors: what they refuse, the same seed, receipts that verify, and `songda push-sim` as a process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web

from inbox_store.times import system_now
from push.app.calls import Delivered, Dialect, Failed, Request
from push.app.honor import HonorDialect
from push.app.honor import receipts as honor_receipts
from push.app.huawei import HuaweiCallback, HuaweiDialect
from push.app.huawei import receipts as huawei_receipts
from push.app.huawei.account import HARMONY, ServiceKey
from push.app.oppo import OppoDialect
from push.app.oppo import receipts as oppo_receipts
from push.app.sender import Accepted, Push, Refused
from push.app.simulator.far import Keys
from push.app.simulator.office import FARS, Plan, opened
from push.app.simulator.player import Player
from push.app.simulator.sample import SAMPLE
from push.app.simulator.script import Script, read_script
from push.app.vendor_http import VendorSender
from push.app.vivo import VivoDialect
from push.app.vivo import receipts as vivo_receipts
from push.app.xiaomi import XiaomiDialect
from push.app.xiaomi import receipts as xiaomi_receipts
from tests.push import push_world
from tests.push.gateway_world import until
from tests.push.push_contract import KEYS, LIMITS, lines
from tests.push.push_world import HOME, OURS, rsa_pair

ROOT = Path(__file__).resolve().parents[2]
Heard = list[Delivered | Failed]
Reader = Callable[[dict[str, str], bytes, int], Heard]


def push(device: str = "d1", **changed: object) -> Push:
    """One alert."""
    told = {"id": f"n1/{device}", "token": device, "title": "来文", "body": "请签收", "url": "/i/1"}
    return msgspec.convert({**told, **changed}, Push)


# What is checked ----------------------------------------------------------------------------------------------------


class Spoilt:
    """A dialect whose request is changed on its way out."""

    def __init__(self, dialect: Dialect, change: Callable[[Request], Request]) -> None:
        self._dialect, self._change = dialect, change

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the dialect has
        return getattr(self._dialect, name)

    def request(self, pushes: list[Push], now: int, token: str) -> Request:
        """The request, spoilt."""
        return self._change(self._dialect.request(pushes, now, token))


def body_with(old: bytes, new: bytes) -> Callable[[Request], Request]:
    """Another body."""

    def change(told: Request) -> Request:
        assert old in told.body
        return msgspec.structs.replace(told, body=told.body.replace(old, new))

    return change


def without(header: str) -> Callable[[Request], Request]:
    """A header less."""

    def change(told: Request) -> Request:
        headers = {name: value for name, value in told.headers.items() if name != header}
        return msgspec.structs.replace(told, headers=headers)

    return change


@pytest.mark.parametrize(
    ("make", "change", "code"),
    [
        ("huawei", without("Authorization"), "80200001"),
        ("huawei", body_with(b'"ttl":"86400s"', b'"ttl":"9999999s"'), "80100004"),
        ("huawei", body_with(b'"category":"WORK"', b'"category":"FUN"'), "80100003"),
        ("huawei", body_with("请签收".encode(), b"x" * 5000), "80300008"),
        ("huawei", body_with(b'"token":["d1"]', b'"token":[' + b'"d",' * 1000 + b'"d"]'), "80300010"),
        ("xiaomi", without("Authorization"), "21301"),
        ("xiaomi", body_with(b"extra.channel_id=100234", b"extra.channel_id="), "27001"),
        ("xiaomi", body_with(b"title=", b"title=" + b"x" * 50), "65009"),
        ("oppo", without("auth_token"), "11"),
        ("oppo", body_with(b"%22target_type%22%3A2", b"%22target_type%22%3A9"), "41"),
        ("vivo", without("authToken"), "10000"),
        ("vivo", body_with("请签收".encode(), "测试".encode()), "10085"),
        ("vivo", body_with(b'"timeToLive":86400', b'"timeToLive":1'), "10055"),
        ("honor", without("timestamp"), "80100001"),
        ("honor", without("Authorization"), "80200001"),
    ],
)
async def test_a_wrong_request_is_refused(make: str, change: Callable[[Request], Request], code: str) -> None:
    """Tokens, limits and fields are looked at as the vendor does, and nothing of it is taken."""
    async with opened(Plan(keys=KEYS)) as office:
        url = office.url(make)
        dialects: dict[str, Dialect] = {
            "huawei": HuaweiDialect(push_world.huawei(url, KEYS)),
            "xiaomi": XiaomiDialect(push_world.xiaomi(url, KEYS)),
            "oppo": OppoDialect(push_world.oppo(url, KEYS)),
            "vivo": VivoDialect(push_world.vivo(url, KEYS)),
            "honor": HonorDialect(push_world.honor(url, KEYS)),
        }
        spoilt: Any = Spoilt(dialects[make], change)
        sender = VendorSender(make, spoilt, LIMITS)
        await sender.start()
        (told,) = await sender.send([push()])
        await sender.stop()
        assert isinstance(told, Refused)
        assert told.code == code
        assert office.counts[make].get("taken", 0) == 0


async def test_a_foreign_service_account_is_refused() -> None:
    """Where the simulator knows the public key, a JWT of another key opens nothing; the right one does."""
    private, public = rsa_pair()
    keys = Keys(KEYS.id, KEYS.secret, public)
    rsa_pair.cache_clear()
    foreign, _ = rsa_pair()
    async with opened(Plan(keys=keys)) as office:
        told = []
        for pem in (private, foreign):
            service = ServiceKey(project_id="p", key_id="k", private_key=pem, sub_account="1")
            account = msgspec.structs.replace(push_world.huawei(office.url("huawei"), keys), service=service)
            sender = VendorSender("huawei", HuaweiDialect(account), LIMITS)
            await sender.start()
            told += await sender.send([push(f"{HARMONY}d1")])
            await sender.stop()
    assert [type(one) for one in told] == [Accepted, Refused]


async def test_unknown_paths_are_not_found() -> None:
    """Another vendor's path, another method."""
    async with opened(Plan(keys=KEYS)) as office, aiohttp.ClientSession() as session:
        base = f"http://127.0.0.1:{office.port}"
        for path in ("/nobody/x", "/huawei/v1/other/messages:send", "/honor/x", "/vivo/x"):
            async with session.post(f"{base}{path}", data=b"{}") as response:
                assert response.status == 404
        async with session.get(f"{base}/huawei/oauth2/v3/token") as response:
            assert response.status == 404


# The script ---------------------------------------------------------------------------------------------------------


def test_the_same_seed_is_the_same_history() -> None:
    """Deeds and dead devices repeat; another seed is another history; a dead device stays dead."""
    text = "gone = 0.2\n[answers]\nerror = 0.3\ncut = 0.2\n"

    def history(seed: int) -> list[object]:
        player = Player(read_script(f"seed = {seed}\n{text}"), "huawei")
        return [player.play([f"d{number}", f"d{number % 7}"]) for number in range(200)]

    assert history(1) == history(1)
    assert history(1) != history(2)
    player = Player(read_script(text), "oppo")
    assert [player.is_gone(f"d{n}") for n in range(99)] == [player.is_gone(f"d{n}") for n in range(99)]


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("gone = 2", "gone"),
        ("[answers]\nerror = 0.6\ncut = 0.6", "answers"),
        ("[[cases]]\nanswer = 'cut'", "cases"),
        ("[[cases]]\nat = [1]\ngone = true", "cases.gone"),
        ("[delays]\nslow = [5, 1]", "delays"),
        ("loud = 1", "loud"),
        ("seed = ", "value"),
    ],
)
def test_a_wrong_script_names_its_field(text: str, field: str) -> None:
    """Every mistake is told by its name."""
    with pytest.raises(ValueError, match=field):
        read_script(text)


def test_the_samples_settings_are_the_defaults() -> None:
    """What the sample writes as default is what nothing said means."""
    told = msgspec.structs.replace(read_script(SAMPLE), cases=())
    assert told == Script()


# Receipts -----------------------------------------------------------------------------------------------------------


def _huawei(headers: dict[str, str], body: bytes, now: int) -> Heard:
    return huawei_receipts(headers, body, HuaweiCallback(user=KEYS.id, key=KEYS.secret), now)


@pytest.mark.parametrize(
    ("vendor", "read"),
    [
        ("huawei", _huawei),
        ("xiaomi", lambda headers, body, now: xiaomi_receipts(headers, body, OURS, now)),
        ("oppo", lambda headers, body, now: oppo_receipts(headers, body, OURS, now)),
        ("vivo", lambda headers, body, now: vivo_receipts(headers, body, OURS, now)),
        ("honor", lambda headers, body, now: honor_receipts(headers, body, OURS, now)),
    ],
)
async def test_receipts_come_back_and_verify(vendor: str, read: Reader) -> None:
    """Each accepted push is reported once, signed or marked, under the receipt that its acceptance bore."""
    heard: list[Delivered | Failed] = []

    async def door(request: web.Request) -> web.Response:
        heard.extend(read(dict(request.headers), await request.read(), system_now()))
        return web.Response()

    app = web.Application()
    app.router.add_post("/receipts", door)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        back = f"http://127.0.0.1:{runner.addresses[0][1]}/receipts"
        script = read_script("[delays]\nreceipt = [0, 5]")
        async with opened(Plan(keys=KEYS, script=script, callbacks={vendor: back})) as office:
            make: Any = getattr(push_world, vendor)
            dialects: dict[str, Any] = {
                "huawei": HuaweiDialect,
                "xiaomi": XiaomiDialect,
                "oppo": OppoDialect,
                "vivo": VivoDialect,
                "honor": HonorDialect,
            }
            sender = VendorSender(vendor, dialects[vendor](make(office.url(vendor), KEYS)), LIMITS)
            await sender.start()
            outcomes = await sender.send([push(f"d{number}") for number in range(5)])
            await until(lambda: office.counts[vendor].get("heard", 0) == 5)
            await sender.stop()
    finally:
        await runner.cleanup()
    accepted = [one.receipt for one in outcomes if isinstance(one, Accepted)]
    assert len(accepted) == 5
    assert sorted(one.receipt for one in heard) == sorted(accepted)
    assert all(isinstance(one, Delivered) for one in heard)


# The verb -----------------------------------------------------------------------------------------------------------


@contextmanager
def sim(*options: str) -> Iterator[subprocess.Popen[str]]:
    """The verb with ``options``; ended at the latest here."""
    with subprocess.Popen(
        [sys.executable, "-m", "gateway.cli", "push-sim", *options],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Its next line."""
    assert process.stdout is not None
    told: dict[str, Any] = json.loads(process.stdout.readline())
    return told


async def _one_through(port: int) -> object:
    account = push_world.xiaomi(f"http://127.0.0.1:{port}/xiaomi", KEYS)
    sender = VendorSender("xiaomi", XiaomiDialect(account), LIMITS)
    await sender.start()
    (told,) = await sender.send([push()])
    await sender.stop()
    return told


async def test_it_listens_and_ends_in_order(tmp_path: Path) -> None:
    """One line with the ports, one with what was done, status 0; the record holds what was taken."""
    record = tmp_path / "taken.jsonl"
    with sim("--record", str(record), "--seed", "7", "--account", f"{KEYS.id}:{KEYS.secret}") as process:
        first = said(process)
        assert (sorted(first["listening"]), first["seed"]) == (sorted(FARS), 7)
        assert isinstance(await _one_through(first["listening"]["xiaomi"]), Accepted)
        process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate(timeout=20)
    assert process.returncode == 0, errors
    assert json.loads(rest)["ended"]["xiaomi"]["taken"] == 1
    (line,) = lines(record)
    assert (line["vendor"], line["url"], line["repeated"]) == ("xiaomi", f"{HOME}/i/1", False)


async def test_the_record_outlives_a_kill(tmp_path: Path) -> None:
    """What was answered as accepted stands in the record, also after SIGKILL."""
    record = tmp_path / "taken.jsonl"
    with sim("--record", str(record), "--account", f"{KEYS.id}:{KEYS.secret}") as process:
        port = said(process)["listening"]["xiaomi"]
        assert isinstance(await _one_through(port), Accepted)
        process.kill()
    assert len(lines(record)) == 1


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--account", "nosecret"], "--account"),
        (["--script", "/nonexistent.toml"], "--script"),
        (["--callback", "nobody=http://x"], "--callback"),
        (["--huawei-key", "/nonexistent.pem"], "--huawei-key"),
        (["--record", "/nonexistent/taken.jsonl"], "记录"),
    ],
)
def test_wrong_options_are_said(options: list[str], word: str) -> None:
    """Status 1 and the option's name."""
    with sim(*options) as process:
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert word in errors
    assert "Traceback" not in errors


def test_the_sample_is_a_script() -> None:
    """What --sample prints can be given to --script."""
    with sim("--sample") as process:
        told, _ = process.communicate(timeout=20)
    assert read_script(told).cases[1].gone
